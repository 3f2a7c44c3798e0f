package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dagstergen/dagstergen/internal/scripttest"
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
			e.Setenv("DAGSTERGEN_CACHE", filepath.Join(e.WorkDir, ".dagstergen-cache"))
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

// moduleFiles returns the go.mod and go.sum of a user's module that uses this checkout, the tool included.
func moduleFiles(t testing.TB) (gomod, gosum []byte) { return scripttest.Module(t, root, "dagstergen") }

// goEnv is the environment of the go command. Scripts link some fifty binaries, so they go without debug information.
func goEnv(t testing.TB) []string { return append(scripttest.GoEnv(t, "-ldflags=-s"), "NO_COLOR=1") }
