package iomanager

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// counting tells how often files were read in full.
type counting struct {
	*observer
	read int
}

func (c *counting) Learn(path string, before, after os.FileInfo, d canon.Digest) {
	c.read++
	c.observer.Learn(path, before, after, d)
}

func TestObservedFilesAreNotReadAgain(t *testing.T) {
	h := newHome(t, t.TempDir())
	watch := func(h *home, age time.Duration) *counting {
		files, err := h.io.files()
		require.NoError(t, err)
		c := &counting{observer: &observer{files: files, now: func() time.Time { return time.Now().Add(age) }, local: isLocal}}
		t.Cleanup(dag.UseDigests(c))
		return c
	}
	path := filepath.Join(t.TempDir(), "large.csv")
	data := noise(observedSize)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	open := func(want []byte) {
		t.Helper()
		f, err := dag.OpenFile(path)
		require.NoError(t, err)
		require.Equal(t, canon.Sum(want), f.Digest())
		require.Equal(t, int64(len(want)), f.Size())
	}

	young := watch(h, settled-time.Minute)
	open(data)
	open(data)
	assert.Equal(t, 2, young.read, "what was just changed is read each time")
	assert.Empty(t, h.io.States())

	old := watch(h, settled+time.Minute)
	open(data)
	open(data)
	assert.Equal(t, 1, old.read)
	states := h.io.States()
	require.Len(t, states, 1)
	assert.Equal(t, path, states[0].Path)
	require.NoError(t, h.store.Submit(&storage.Batch{Files: states}).Wait(t.Context()))

	next := watch(h.again(t), 2*settled)
	open(data)
	assert.Equal(t, 0, next.read, "a run stored it")

	// A byte changes, the size and the time that programs set do not.
	info, err := os.Stat(path)
	require.NoError(t, err)
	changed := append([]byte{}, data...)
	changed[500] ^= 1
	require.NoError(t, os.WriteFile(path, changed, 0o600))
	require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	open(changed)
	assert.Equal(t, 1, next.read)
	// Another file takes its place.
	require.NoError(t, os.WriteFile(path+".new", data, 0o600))
	require.NoError(t, os.Rename(path+".new", path))
	open(data)
	assert.Equal(t, 2, next.read)
	// The system was restarted.
	next.files.boot = "another"
	old.files.boot = "another"
	young.files.boot = "another"
	open(data)
	assert.Equal(t, 3, next.read)
	next.local = func(string) bool { return false }
	old.local, young.local = next.local, next.local
	open(data)
	assert.Equal(t, 4, next.read)
}

func TestSmallFilesAreRead(t *testing.T) {
	h := newHome(t, t.TempDir())
	t.Cleanup(h.io.Observe())
	files, err := h.io.files()
	require.NoError(t, err)
	o := &observer{files: files, now: func() time.Time { return time.Now().Add(time.Hour) }, local: isLocal}
	t.Cleanup(dag.UseDigests(o))
	path := filepath.Join(t.TempDir(), "small.csv")
	require.NoError(t, os.WriteFile(path, noise(observedSize-1), 0o600))
	_, err = dag.OpenFile(path)
	require.NoError(t, err)
	assert.Empty(t, h.io.States())
	_, err = dag.OpenFile(t.TempDir())
	require.ErrorContains(t, err, "not a regular file")
}
