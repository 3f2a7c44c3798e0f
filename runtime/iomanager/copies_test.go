package iomanager

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// cloner counts the calls of a file system's clone, which answers with err, or with all the bytes.
func (h *home) cloner(err error) *int {
	calls := new(int)
	h.files().clone = func(w, r *os.File) error {
		*calls++
		if err != nil {
			return err
		}
		_, err := io.Copy(w, r)
		return err
	}
	return calls
}

func (h *home) files() *Files { return h.io.opened.Load() }

// stage stores a value of a type with a codec.
func (h *home) stage(t *testing.T, def *dag.Output, v any) *storage.Output {
	t.Helper()
	s, err := h.io.StageOutput(t.Context(), def, v)
	require.NoError(t, err)
	b := &storage.Batch{}
	s.AddTo(b)
	require.NoError(t, h.store.Submit(b).Wait(t.Context()))
	return &s.Output
}

// A run copies what is small, and leaves no copy of an earlier value beside what is large.
func TestKeepReadable(t *testing.T) {
	const head = 5 // bytes in front of those of a []byte, where it is stored
	text := dag.TypeOf[string]("string")
	file := func(n int) dag.File { return writeFile(t, filepath.Join(t.TempDir(), "x.dat"), noise(n)) }
	for _, tt := range []struct {
		name         string
		def          dag.Output
		small, large any
		copy         string
	}{
		{"bytes", dag.Output{Type: bytesType}, noise(readableLimit - head), noise(readableLimit - head + 1), "big.bin"},
		{"text", dag.Output{Type: text}, "short", string(make([]byte, readableLimit)), "big.txt"},
		{"JSON", dag.Output{Type: text, Codec: CodecJSON}, "short", string(make([]byte, readableLimit/6+1)), "big.json"},
		{"file", dag.Output{Type: fileType}, file(readableLimit), file(readableLimit + 1), "x.dat"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHome(t, t.TempDir())
			clones := h.cloner(syscall.EOPNOTSUPP)
			small, large := h.stage(t, &tt.def, tt.small), h.stage(t, &tt.def, tt.large)
			require.LessOrEqual(t, small.Size, int64(readableLimit))
			require.Greater(t, large.Size, int64(readableLimit))
			path := filepath.Join(h.dir, "assets", "my", "big", tt.copy)
			keep := func(h *home, o *storage.Output, unchanged bool) string {
				t.Helper()
				file, ok, err := h.io.KeepReadable(t.Context(), "my/big", o, tt.def.Type, unchanged)
				require.NoError(t, err)
				assert.Equal(t, ok, file != "")
				return file
			}
			has := func(o *storage.Output) bool { return h.io.HasReadable("my/big", o, tt.def.Type) }

			assert.False(t, has(small))
			assert.Equal(t, path, keep(h, small, false))
			assert.FileExists(t, path)
			assert.True(t, has(small))
			notes := filepath.Join(filepath.Dir(path), "notes.txt")
			require.NoError(t, os.WriteFile(notes, nil, 0o644))

			object := ""
			if tt.def.Type == fileType {
				object = h.files().abs(objectOf(large))
			}
			assert.Equal(t, object, keep(h, large, false))
			assert.NoFileExists(t, path, "it would pass for the newest")
			assert.FileExists(t, notes, "not ours")
			assert.True(t, has(large), "an unchanged one costs nothing")
			h.noTemp(t)
			tried := *clones
			assert.LessOrEqual(t, tried, 1)
			assert.Equal(t, object, keep(h, large, true))
			assert.Equal(t, tried, *clones, "what the file system cannot do is asked once")

			got, ok, err := h.io.Readable(t.Context(), "my/big", large, tt.def.Type)
			require.NoError(t, err)
			assert.True(t, ok)
			assert.Equal(t, path, got, "it is made for who asks")
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, info.Size(), int64(readableLimit-head))
			assert.Equal(t, object, keep(h.again(t), large, true))
			after, err := os.Stat(path)
			require.NoError(t, err)
			assert.True(t, os.SameFile(info, after), "and stays while the value does")

			require.NoError(t, os.Chmod(path, 0o644))
			assert.Equal(t, object, keep(h, large, false))
			assert.NoFileExists(t, path)
			assert.Equal(t, path, keep(h, small, false))
		})
	}
}

// Where the file system shares blocks, what is large has a copy too.
func TestKeepReadableShares(t *testing.T) {
	h := newHome(t, t.TempDir())
	clones := h.cloner(nil)
	large := h.stage(t, &dag.Output{Type: fileType}, writeFile(t, filepath.Join(t.TempDir(), "x.dat"), noise(readableLimit+1)))
	*clones = 0 // a file from outside is cloned too
	path := filepath.Join(h.dir, "assets", "big", "x.dat")
	for range 2 {
		assert.Equal(t, *clones > 0, h.io.HasReadable("big", large, fileType))
		got, ok, err := h.io.KeepReadable(t.Context(), "big", large, fileType, false)
		require.NoError(t, err)
		assert.True(t, ok)
		assert.Equal(t, path, got)
		assert.Equal(t, 1, *clones, "the second time it is there")
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, noise(readableLimit+1), data)

	overwrite(t, path, []byte("scribble"))
	_, _, err = h.io.KeepReadable(t.Context(), "big", large, fileType, true)
	require.NoError(t, err)
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, noise(readableLimit+1), data, "it is repaired")

	// One file that cannot be cloned says nothing about the next.
	require.NoError(t, os.Remove(path))
	clones = h.cloner(syscall.EXDEV)
	for n := range 2 {
		got, _, err := h.io.KeepReadable(t.Context(), "big", large, fileType, true)
		require.NoError(t, err)
		assert.Equal(t, h.objects(t)[0], got)
		assert.Equal(t, n+1, *clones)
	}
	assert.NoFileExists(t, path)
	h.noTemp(t)

	overwrite(t, h.objects(t)[0], []byte("damage"))
	h.cloner(nil)
	_, _, err = h.io.KeepReadable(t.Context(), "big", large, fileType, true)
	require.ErrorIs(t, err, ErrDamaged)
	assert.NoFileExists(t, path)
}

// A value of our own encoding is no file that another one could share blocks with.
func TestKeepReadableSharesNoEncoding(t *testing.T) {
	h := newHome(t, t.TempDir())
	h.files().clone = func(w, r *os.File) error { return errors.New("called") }
	large := h.stage(t, &dag.Output{Type: bytesType}, noise(readableLimit+1))
	_, ok, err := h.io.KeepReadable(t.Context(), "big", large, bytesType, false)
	require.NoError(t, err)
	assert.False(t, ok)
	assert.NoDirExists(t, filepath.Join(h.dir, "assets", "big"))
}
