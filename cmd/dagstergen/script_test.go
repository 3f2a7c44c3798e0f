package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
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
	gomod, gosum := moduleFiles(t, root)
	env := goEnv(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "interrupted": interrupted},
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

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
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

// moduleFiles returns the go.mod and go.sum of a user's module that uses this checkout. They list every module that we need, as go get would, so
// that nothing has to be looked up on a network.
func moduleFiles(t testing.TB, root string) (gomod, gosum []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	ours, err := modfile.Parse("go.mod", data, nil)
	require.NoError(t, err)
	theirs := new(modfile.File)
	require.NoError(t, theirs.AddModuleStmt("example.com/shop"))
	require.NoError(t, theirs.AddGoStmt(ours.Go.Version))
	for _, r := range ours.Require {
		theirs.AddNewRequire(r.Mod.Path, r.Mod.Version, true)
	}
	theirs.AddNewRequire(modulePath, "v0.0.0", false)
	require.NoError(t, theirs.AddReplace(modulePath, "", root, ""))
	theirs.Cleanup()
	gomod, err = theirs.Format()
	require.NoError(t, err)
	gosum, err = os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	return gomod, gosum
}

// goEnv returns the settings that let the go command of a script use the caches of this machine and no network.
func goEnv(t testing.TB) []string {
	t.Helper()
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOROOT"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	require.NoError(t, err)
	var env []string
	for i, value := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		env = append(env, names[i]+"="+value)
	}
	return append(env, "GOFLAGS=-mod=mod -buildvcs=false", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local")
}
