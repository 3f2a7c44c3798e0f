package iomanager

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// The bytes of a file that a step wrote are not read again to store it, unless something may have changed them since.
func TestWrittenFileIsNotReadAgain(t *testing.T) {
	h := newHome(t, t.TempDir())
	files, err := h.io.files()
	require.NoError(t, err)
	f, err := h.io.NewFile("x.bin", func(w io.Writer) error { _, err := w.Write([]byte("some")); return err })
	require.NoError(t, err)
	temp, ok := files.ours(f)
	require.True(t, ok)
	w, err := files.root.OpenFile(temp, os.O_RDWR, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	remembered := func() {
		for known := false; !known; { // until its last change is old enough to tell a later one from it
			files.made(temp, f)
			_, known = files.states[temp]
		}
	}
	remembered()
	assert.True(t, files.unchanged(temp, w, f.Digest()))
	assert.False(t, files.unchanged(temp, w, f.Digest()), "it is asked once")

	remembered()
	assert.False(t, files.unchanged(temp, w, noiseDigest), "not that digest")
	remembered()
	_, err = w.WriteAt([]byte("S"), 0)
	require.NoError(t, err)
	_, err = h.io.Stage(t.Context(), fileType, f)
	require.ErrorIs(t, err, dag.ErrFileChanged)
	assert.NotContains(t, files.states, temp)
	assert.NoFileExists(t, f.Path())
	assert.Empty(t, h.objects(t), "nothing has a name before its bytes are known to be right")

	files.made("tmp/p/none", f)
	assert.NotContains(t, files.states, "tmp/p/none")
}

var noiseDigest = [32]byte{1}

// A value that is hashed in a goroutine of its own is the one that is stored, in the form that it is stored in.
func TestLargeValuesAlongside(t *testing.T) {
	h := newHome(t, t.TempDir())
	for _, size := range []int{sideFrom - 10, sideFrom, 3 << 20} {
		for name, data := range map[string][]byte{CodecCBOR: noise(size), CodecCBORZstd: make([]byte, size)} {
			s := h.commit(t, bytesType, data)
			assert.Equal(t, name, s.Codec)
			assert.Equal(t, canon.Sum(s.Data), s.DataVersion)
			assert.Equal(t, data, h.again(t).load(t, s, bytesType))
		}
	}
}
