package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// tool is the folder of the built dagstergen, root the checkout.
var tool, root string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dagstergen-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if root, err = filepath.Abs("../.."); err == nil {
		tool = dir
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "dagstergen"), "./cmd/dagstergen")
		build.Dir, build.Stderr = root, os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the tool:", err)
		return 1
	}
	return m.Run()
}

func TestScripts(t *testing.T) {
	gomod, gosum := moduleFiles(t)
	env := goEnv(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                commands(),
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, env...)
			e.Setenv("ROOT", root)
			e.Setenv("PATH", tool+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("LEDGER", filepath.Join(e.WorkDir, "ledger"))
			if _, err := os.Stat(filepath.Join(e.WorkDir, "go.mod")); err == nil {
				return nil // the script brings its own
			}
			if err := os.WriteFile(filepath.Join(e.WorkDir, "go.mod"), gomod, 0o644); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "go.sum"), gosum, 0o644)
		},
	})
}

// moduleFiles returns the go.mod and go.sum of a user's module that uses this checkout. It lists every module that we need, as
// go get would, so that nothing has to be looked up on a network.
func moduleFiles(t testing.TB) (gomod, gosum []byte) {
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
	theirs.AddNewRequire(ours.Module.Mod.Path, "v0.0.0", false)
	require.NoError(t, theirs.AddReplace(ours.Module.Mod.Path, "", root, ""))
	require.NoError(t, theirs.AddTool(ours.Module.Mod.Path+"/cmd/dagstergen"))
	theirs.Cleanup()
	gomod, err = theirs.Format()
	require.NoError(t, err)
	gosum, err = os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	return gomod, gosum
}

// goEnv returns the settings that let the go command of a script use the caches of this machine and no network. Scripts link some
// fifty binaries, so they go without debug information.
func goEnv(t testing.TB) []string {
	t.Helper()
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOROOT"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	require.NoError(t, err)
	var env []string
	for i, value := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		env = append(env, names[i]+"="+value)
	}
	return append(env, "GOFLAGS=-mod=mod -buildvcs=false -ldflags=-s", "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local", "NO_COLOR=1")
}
