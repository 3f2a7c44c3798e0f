package iomanager

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Who has no instance open reads what the one who has it names.
func TestObjectsAreReadWithoutAnInstance(t *testing.T) {
	h := newHome(t, t.TempDir())
	noise := make([]byte, 100_000) // not to be compressed
	for i := range noise {
		noise[i] = canon.Sum([]byte{byte(i), byte(i >> 8), byte(i >> 16)})[0]
	}
	for codec, v := range map[string][]byte{CodecCBOR: noise, CodecCBORZstd: bytes.Repeat([]byte("x"), 100_000)} {
		s := h.commit(t, bytesType, v)
		require.Equal(t, codec, s.Codec)
		o, ok, err := h.io.Object(&s.Output)
		require.NoError(t, err)
		require.True(t, ok)
		data, err := o.Read()
		require.NoError(t, err)
		assert.Equal(t, s.Data, data)

		stored, err := os.ReadFile(o.Path)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(o.Path, 0o600))
		for name, damage := range map[string]func() error{
			"flipped":   func() error { b := bytes.Clone(stored); b[len(b)/2] ^= 1; return os.WriteFile(o.Path, b, 0o600) },
			"truncated": func() error { return os.WriteFile(o.Path, stored[:len(stored)/2], 0o600) },
			"longer":    func() error { return os.WriteFile(o.Path, append(bytes.Clone(stored), stored...), 0o600) },
			"gone":      func() error { return os.Remove(o.Path) },
		} {
			require.NoError(t, os.WriteFile(o.Path, stored, 0o600))
			require.NoError(t, damage())
			_, err := o.Read()
			assert.ErrorIs(t, err, ErrDamaged, "%s %s", codec, name)
		}
		o.Codec = "avro"
		require.NoError(t, os.WriteFile(o.Path, stored, 0o600))
		_, err = o.Read()
		assert.ErrorContains(t, err, `codec "avro"`)
	}
	for _, v := range []struct {
		typ   *dag.Type
		value any
	}{{bytesType, []byte("small")}, {fileType, dag.File{}}} {
		s := h.commit(t, v.typ, v.value)
		_, ok, err := h.io.Object(&s.Output)
		require.NoError(t, err)
		assert.False(t, ok)
	}
}
