package crash

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/testdisk"
)

// TestFullDisk lets the disk be too small for a run, in steps: the run ends with 74 and says why, nothing is reported done that is not, and once there is room it
// goes on from there.
func TestFullDisk(t *testing.T) {
	binary := build(t)
	golden, _, err := undisturbed(t.TempDir(), binary, now)
	require.NoError(t, err)
	failed := 0
	for _, size := range []string{"300k", "800k", "1500k", "3m", "4500k"} {
		disk := testdisk.New(t, "size="+size)
		l := &lab{binary: binary, home: filepath.Join(disk, "store"), ledger: filepath.Join(t.TempDir(), "ledger")}
		acked, stderr, code := l.fails(t)
		if code != 0 {
			failed++
			require.Equal(t, 74, code, "%s: %s", size, stderr)
			require.Contains(t, stderr, "the disk is full")
			require.Contains(t, stderr, "make room and run it again")
		}
		testdisk.Change(t, disk, "size=64m")
		require.NoError(t, l.sound(now, acked), size)
		require.NoError(t, l.converge(now, golden), size)
		require.NoError(t, l.tidy(), size)
	}
	require.Greater(t, failed, 2, "the disk was never full: nothing is proven")
}

// TestReadOnlyDisk looks at a store that cannot be written, which works, and runs on it, which fails before any step.
func TestReadOnlyDisk(t *testing.T) {
	disk := testdisk.New(t, "size=64m")
	l := &lab{binary: build(t), home: filepath.Join(disk, "store"), ledger: filepath.Join(t.TempDir(), "ledger")}
	_, _, err := l.materialize(before)
	require.NoError(t, err)
	require.NoError(t, l.emptyLedger())
	testdisk.Change(t, disk, "ro")
	acked, stderr, code := l.fails(t)
	require.Equal(t, 74, code, stderr)
	require.Contains(t, stderr, "the store cannot be written")
	require.Contains(t, stderr, "writable, or set DAGSTERGEN_HOME")
	entered, err := l.entered()
	require.NoError(t, err)
	require.Empty(t, entered, "a step ran for nothing")
	require.NoError(t, l.sound(before, acked))
	testdisk.Change(t, disk, "rw")
	require.NoError(t, l.sound(now, acked))
}

// fails runs now and returns what it reported done, what it said, and its exit code.
func (l *lab) fails(t *testing.T) (acked map[string]bool, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := l.command(ctx, l.materializing(now)...)
	var printed lines
	cmd.Stderr = &printed
	var out lines
	cmd.Stdout = &out
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else {
		require.NoError(t, err)
	}
	acked = map[string]bool{}
	for _, key := range acknowledged(printed.text()) {
		acked[key] = true
	}
	return acked, printed.text(), code
}
