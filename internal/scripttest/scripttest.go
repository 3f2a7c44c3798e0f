// Package scripttest is what our scripts of package testscript share: words, and modules of users that need no network.
//
// Stage: for tests alone; it imports no other package of ours.
package scripttest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// Exits is the word
//
//	exits CODE PROGRAM ARG...    run it; its exit code must be CODE
func Exits(ts *testscript.TestScript, neg bool, args []string) {
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

// Module returns the go.mod and go.sum of a user's module example.com/shop that uses the checkout in root, and has our commands with these names as tools. It lists
// every module that we need, as go get would, so that nothing has to be looked up on a network.
func Module(t testing.TB, root string, tools ...string) (gomod, gosum []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	ours, err := modfile.Parse("go.mod", data, nil)
	require.NoError(t, err)
	path := ours.Module.Mod.Path

	theirs := new(modfile.File)
	require.NoError(t, theirs.AddModuleStmt("example.com/shop"))
	require.NoError(t, theirs.AddGoStmt(ours.Go.Version))
	for _, r := range ours.Require {
		theirs.AddNewRequire(r.Mod.Path, r.Mod.Version, true)
	}
	theirs.AddNewRequire(path, "v0.0.0", false)
	require.NoError(t, theirs.AddReplace(path, "", root, ""))
	for _, name := range tools {
		require.NoError(t, theirs.AddTool(path+"/cmd/"+name))
	}
	theirs.Cleanup()
	gomod, err = theirs.Format()
	require.NoError(t, err)
	gosum, err = os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	return gomod, gosum
}

// GoEnv returns the settings that let the go command of a script use the caches of this machine and no network. flags stand in GOFLAGS besides.
func GoEnv(t testing.TB, flags ...string) []string {
	t.Helper()
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOROOT"}
	out, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	require.NoError(t, err)
	var env []string
	for i, value := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		env = append(env, names[i]+"="+value)
	}
	all := strings.Join(append([]string{"-mod=mod", "-buildvcs=false"}, flags...), " ")
	return append(env, "GOFLAGS="+all, "GOPROXY=off", "GOWORK=off", "GOTOOLCHAIN=local")
}
