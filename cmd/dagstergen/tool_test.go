package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// call runs the tool in this process.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	defer goleak.VerifyNone(t)
	var out, errs bytes.Buffer
	c := &tool{stdout: &out, stderr: &errs, env: append(os.Environ(), "DAGSTERGEN_CACHE=off")}
	code = c.run(args)
	return code, out.String(), errs.String()
}

func TestRunInProcess(t *testing.T) {
	code, out, errs := call(t, "version")
	assert.Equal(t, exitDone, code)
	assert.Equal(t, versionText()+"\n", out)
	assert.Empty(t, errs)
	code, _, errs = call(t, "check", "-C", "../../internal/canon", ".")
	assert.Equal(t, exitDone, code, errs)
	code, _, errs = call(t, "nosuch", "--flag")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "--flag")
}

func TestExitCodes(t *testing.T) {
	stopped := func(s syscall.Signal) context.Context {
		ctx, stop := context.WithCancelCause(t.Context())
		stop(signalError{s})
		return ctx
	}
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want int
		says string
	}{
		{t.Context(), nil, exitDone, ""},
		{t.Context(), errors.New("unknown flag"), exitUsage, "dagstergen: unknown flag\nrun `dagstergen --help` for what there is\n"},
		{t.Context(), ranError{usagef("bad %d", 1)}, exitUsage, "dagstergen: bad 1\nrun `dagstergen --help` for what there is\n"},
		{t.Context(), ranError{inputf("a\n\tb\x1b")}, exitInput, "dagstergen: a\n    b\\x1b\n"},
		{t.Context(), ranError{fmt.Errorf("write: %w", &os.PathError{Op: "open", Path: "x", Err: syscall.EROFS})}, exitInput, "dagstergen: write: open x: read-only file system\n"},
		{t.Context(), ranError{exitError(5)}, 5, ""},
		{t.Context(), ranError{errors.New("boom")}, exitInternal, "internal error: boom\nThis is a bug in dagstergen. Please report it at https://github.com/dagstergen/dagstergen/issues (" + versionText() + ")\n"},
		{stopped(syscall.SIGINT), ranError{context.Canceled}, exitInterrupt, "stopped: interrupt\n"},
		{stopped(syscall.SIGTERM), ranError{context.Canceled}, exitTerminate, "stopped: terminated\n"},
	} {
		var errs bytes.Buffer
		assert.Equal(t, c.want, (&tool{stderr: &errs}).exitCode(c.ctx, c.err), "%v", c.err)
		assert.Equal(t, c.says, errs.String())
	}
}

func TestAPanicAsksForAReport(t *testing.T) {
	var errs bytes.Buffer
	c := &tool{stdout: panicking{}, stderr: &errs}
	assert.Equal(t, exitInternal, c.run([]string{"version"}))
	assert.Contains(t, errs.String(), "internal error: no such paper\n\nThis is a bug in dagstergen. Please report it")
	assert.Contains(t, errs.String(), "goroutine ")
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("no such paper") }

func TestLongFlags(t *testing.T) {
	root := (&tool{}).command()
	for _, c := range []struct{ in, want []string }{
		{[]string{"-proof=disk", "-json", "./x"}, []string{"--proof=disk", "--json", "./x"}},
		{[]string{"-mode", "body", "-o", "json"}, []string{"--mode", "body", "-o", "json"}},
		{[]string{"-ojson", "-v", "-C", "-json"}, []string{"-ojson", "-v", "-C", "-json"}},
		{[]string{"--", "-json"}, []string{"--", "-json"}},
		{[]string{"run", "-mode", "body", "./x", "-json"}, []string{"run", "--mode", "body", "./x", "-json"}},
		{[]string{"-C", "run", "check", "-json"}, []string{"-C", "run", "check", "--json"}},
		{[]string{"run", "--", "-json"}, []string{"run", "--", "-json"}},
		{[]string{"-nosuch", "-", "-tags", "run", "-json"}, []string{"-nosuch", "-", "--tags", "run", "--json"}},
	} {
		assert.Equal(t, c.want, longFlags(root, c.in), "%q", c.in)
	}
}

func TestVersionOf(t *testing.T) {
	own := func(version string) *debug.Module { return &debug.Module{Path: modulePath, Version: version} }
	user := debug.Module{Path: "example.com/m", Version: "(devel)"}
	for _, c := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{Main: *own("v1.2.3")}, "v1.2.3"},
		{debug.BuildInfo{Main: *own("v0.0.0-20260101000000-abcdefabcdef")}, "v0.0.0-20260101000000-abcdefabcdef"},
		{debug.BuildInfo{Main: *own("v0.0.0-20260101000000-abcdefabcdef+dirty")}, "devel"},
		{debug.BuildInfo{Main: *own("(devel)")}, "devel"},
		{debug.BuildInfo{Main: user, Deps: []*debug.Module{{Path: "example.com/x", Version: "v9.0.0"}, own("v1.0.0")}}, "v1.0.0"},
		{debug.BuildInfo{Main: user, Deps: []*debug.Module{{Path: modulePath, Version: "v0.0.0", Replace: own("")}}}, "devel"},
		{debug.BuildInfo{Main: user}, "devel"},
	} {
		assert.Equal(t, c.want, versionOf(&c.info), "%+v", c.info)
	}
}

func TestRequirement(t *testing.T) {
	for _, c := range []struct {
		version, checkout, want string
	}{
		{"v1.2.3", "/src", "module example.com/m\n\ngo 1.26.0\n\ntool github.com/dagstergen/dagstergen/cmd/dagstergen\n\nrequire github.com/dagstergen/dagstergen v1.2.3\n"},
		{"devel", "/src", "module example.com/m\n\ngo 1.26.0\n\ntool github.com/dagstergen/dagstergen/cmd/dagstergen\n\nrequire github.com/dagstergen/dagstergen v0.0.0\n\nreplace github.com/dagstergen/dagstergen => /src\n"},
		{"devel", "", "module example.com/m\n\ngo 1.26.0\n\ntool github.com/dagstergen/dagstergen/cmd/dagstergen\n"},
	} {
		got, err := requirement(c.version, c.checkout).goMod("example.com/m")
		require.NoError(t, err)
		assert.Equal(t, c.want, got)
	}
	assert.DirExists(t, filepath.Join(checkout(), "cmd", "dagstergen"), "tests run in a checkout")
}

func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, private(dir))
	require.NoError(t, os.Chmod(dir, 0o755))
	assert.ErrorContains(t, private(dir), "belongs to somebody else")
	require.NoError(t, os.Chmod(dir, 0o700))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	assert.ErrorContains(t, private(link), "belongs to somebody else")
	assert.ErrorIs(t, private(filepath.Join(dir, "gone")), os.ErrNotExist)
}

func TestSweep(t *testing.T) {
	base := t.TempDir()
	for name, age := range map[string]time.Duration{"new": 0, "month": unused - time.Hour, "old": unused + time.Hour} {
		dir := filepath.Join(base, name)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o700))
		when := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(dir, when, when))
	}
	sweep(base)
	assert.DirExists(t, filepath.Join(base, "new"))
	assert.DirExists(t, filepath.Join(base, "month"))
	assert.NoDirExists(t, filepath.Join(base, "old"))
}

func TestEveryCommandIsDescribed(t *testing.T) {
	root := (&tool{}).command()
	for _, c := range append(root.Commands(), root) {
		assert.NotEmpty(t, c.Short, c.Name())
		if c.Name() != "help" {
			assert.NotNil(t, c.Args, c.Name())
		}
		if f := c.Flags().Lookup("json"); f != nil {
			assert.NotNil(t, c.Flags().Lookup("output"), c.Name())
		}
	}
	assert.IsType(t, &cobra.Command{}, root)
}
