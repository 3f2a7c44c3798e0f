package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/scripttest"
)

// The test binary is the tool when a script calls it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dagstergen": main})
}

// TestScripts runs testdata/script. A script without a go.mod gets that of a module example.com/shop that uses this checkout. Beside testscript's own
// words there are:
//
//	exits CODE PROGRAM ARG...   run it; its exit code must be CODE
//	interrupted FILE PROGRAM... run it, send SIGTERM to it when FILE is there, and wait; the exit code must be 143
func TestScripts(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	gomod, gosum := scripttest.Module(t, root)
	env := scripttest.GoEnv(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": scripttest.Exits, "interrupted": interrupted},
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, env...)
			e.Setenv("ROOT", root)
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, ".cache"))
			if _, err := os.Stat(filepath.Join(e.WorkDir, "go.mod")); err == nil {
				return nil
			}
			return errors.Join(os.WriteFile(filepath.Join(e.WorkDir, "go.mod"), gomod, 0o644), os.WriteFile(filepath.Join(e.WorkDir, "go.sum"), gosum, 0o644))
		},
	})
}

func interrupted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupted FILE PROGRAM ARG...")
	}
	program, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(program, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "XDG_CACHE_HOME", "GOCACHE", "GOMODCACHE", "GOPATH", "GOROOT", "GOFLAGS", "GOPROXY", "GOWORK", "GOTOOLCHAIN", "TMPDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stderr = os.Stderr
	ts.Check(cmd.Start())
	ready := exec.Command("sh", "-c", "while ! test -e "+args[0]+"; do sleep 0.02; done")
	ready.Dir = cmd.Dir
	ts.Check(ready.Run())
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	if !ok || exit.ExitCode() != 143 {
		ts.Fatalf("exit code is not 143: %v", exit)
	}
}
