package oslock

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func openTwice(t *testing.T) (a, b *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lock")
	for _, f := range []**os.File{&a, &b} {
		var err error
		*f, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		require.NoError(t, err)
		t.Cleanup(func() { _ = (*f).Close() })
	}
	return a, b
}

func try(t *testing.T, f *os.File, offset int64) bool {
	t.Helper()
	ok, err := Try(f, offset)
	require.NoError(t, err)
	return ok
}

func TestBytesAreLockedByThemselves(t *testing.T) {
	a, b := openTwice(t)
	require.True(t, try(t, a, 5))
	assert.True(t, try(t, a, 5), "one opening is one holder")
	assert.False(t, try(t, b, 5))
	assert.True(t, try(t, b, 6))
	assert.True(t, try(t, b, 1<<62-1))
	require.NoError(t, Release(a, 5))
	assert.True(t, try(t, b, 5))
}

func TestClosingAnotherOpeningReleasesNothing(t *testing.T) {
	a, b := openTwice(t)
	require.True(t, try(t, a, 1))
	c, err := os.OpenFile(a.Name(), os.O_RDWR, 0)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	assert.False(t, try(t, b, 1), "locks of the older kind would be gone")
	require.NoError(t, a.Close())
	assert.True(t, try(t, b, 1))
}

func TestWait(t *testing.T) {
	a, b := openTwice(t)
	require.NoError(t, Wait(a, 0))
	got := make(chan error)
	go func() { got <- Wait(b, 0) }()
	select {
	case <-got:
		t.Fatal("two have it")
	case <-time.After(20 * time.Millisecond):
	}
	require.NoError(t, Release(a, 0))
	require.NoError(t, <-got)
}

func TestWholeFiles(t *testing.T) {
	a, b := openTwice(t)
	ok, err := TryFile(a)
	require.NoError(t, err)
	require.True(t, ok)
	for _, ask := range []func(*os.File) (bool, error){TryFile, TryShared} {
		ok, err = ask(b)
		require.NoError(t, err)
		assert.False(t, ok)
	}
	_, err = flock(a, unix.LOCK_UN)
	require.NoError(t, err)
	for _, f := range []*os.File{a, b} {
		ok, err = TryShared(f)
		require.NoError(t, err)
		assert.True(t, ok)
	}
	ok, err = TryFile(b)
	require.NoError(t, err)
	assert.False(t, ok)
}

// A child that lives on must not keep a lock of a parent that died.
func TestChildrenInheritNothing(t *testing.T) {
	a, b := openTwice(t)
	require.True(t, try(t, a, 1))
	ok, err := TryFile(a)
	require.NoError(t, err)
	require.True(t, ok)
	child := exec.Command("sleep", "5")
	require.NoError(t, child.Start())
	require.NoError(t, a.Close())
	assert.True(t, try(t, b, 1))
	ok, err = TryFile(b)
	require.NoError(t, err)
	assert.True(t, ok)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
}

func TestClosedFile(t *testing.T) {
	a, _ := openTwice(t)
	require.NoError(t, a.Close())
	_, err := Try(a, 0)
	require.ErrorContains(t, err, "closed")
	_, err = TryFile(a)
	require.ErrorContains(t, err, "closed")
}
