package instance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Who opened the instance to be read is given the copy too, and leaves nothing else behind.
func TestReadable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	text := dag.TypeOf[string]("string")
	writes := openTest(t, dir)
	s, err := writes.IO().Stage(t.Context(), text, "hello")
	require.NoError(t, err)
	b := &storage.Batch{}
	s.AddTo(b)
	submit(t, writes, b)
	want := filepath.Join(dir, "assets", "note", "note.txt")

	reads, err := OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	_, _, err = reads.IO().Readable(t.Context(), "note", &s.Output, text)
	require.ErrorIs(t, err, storage.ErrReadOnly)
	before, err := os.ReadDir(filepath.Join(dir, "tmp"))
	require.NoError(t, err)
	for _, i := range []*Instance{reads, reads, writes} {
		file, ok, err := i.Readable(t.Context(), "note", &s.Output, text)
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, want, file)
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, "hello", string(data))
		if i == reads {
			after, err := os.ReadDir(filepath.Join(dir, "tmp"))
			require.NoError(t, err)
			assert.Equal(t, len(before), len(after))
		}
	}
	require.NoError(t, reads.Close())

	none, err := OpenReadOnly(t.Context(), filepath.Join(t.TempDir(), "none"))
	require.NoError(t, err)
	_, ok, err := none.Readable(t.Context(), "note", &s.Output, text)
	require.NoError(t, err)
	assert.False(t, ok)
	require.NoError(t, none.Close())
}
