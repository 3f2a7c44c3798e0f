package iomanager

import (
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// What is stored is JSON; what is known of it is what the default codec would give.
func TestStageJSON(t *testing.T) {
	h := newHome(t, t.TempDir())
	for name, tt := range map[string]struct {
		v      []row
		inline bool
	}{"small": {[]row{{1, "a"}}, true}, "nil": {nil, true}, "large": {manyRows(), false}} {
		t.Run(name, func(t *testing.T) {
			s, err := h.io.StageOutput(t.Context(), &dag.Output{Name: "result", Type: rowsType, Codec: CodecJSON}, tt.v)
			require.NoError(t, err)
			want, err := codec.Encode(rowsType, tt.v)
			require.NoError(t, err)
			assert.Equal(t, want, s.Data)
			assert.Equal(t, canon.Sum(want), s.DataVersion)
			assert.NotEqual(t, s.DataVersion, s.Blob)
			assert.Equal(t, CodecJSON, s.Codec)
			assert.Equal(t, tt.inline, s.Inline)
			b := &storage.Batch{}
			s.AddTo(b)
			require.NoError(t, h.store.Submit(b).Wait(t.Context()))

			other := h.again(t)
			out := s.Output
			text, err := other.io.Blob(t.Context(), &out)
			require.NoError(t, err)
			assert.Contains(t, "[n", string(text[0]), "it is JSON")
			assert.Len(t, text, int(out.Size))
			back, err := other.io.Load(t.Context(), &out, rowsType)
			require.NoError(t, err)
			assert.Equal(t, tt.v, back)
			data, err := other.io.Encoding(t.Context(), &out, rowsType)
			require.NoError(t, err)
			assert.Equal(t, want, data)
			errs, err := other.io.Check(t.Context(), []*storage.Output{&out})
			require.NoError(t, err)
			require.NoError(t, errs[0])

			// Another type may read it, and makes another value of it.
			wide := dag.TypeOf[[]struct{ Name string }]("wide")
			if len(tt.v) > 0 {
				_, err = other.io.Load(t.Context(), &out, wide)
				require.ErrorIs(t, err, ErrDamaged)
			}
			said := out // the step named the data itself: its data version is not the digest
			said.Said, said.DataVersion = "v1", canon.Sum([]byte("v1"))
			back, err = other.io.Load(t.Context(), &said, rowsType)
			require.NoError(t, err)
			assert.Equal(t, tt.v, back)
			if tt.inline {
				assert.Empty(t, ObjectName(&out))
				return
			}
			path := filepath.Join(h.dir, ObjectName(&out))
			assert.Equal(t, ".json", filepath.Ext(path))
			onDisk, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, text, onDisk)
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.WriteFile(path, append(onDisk[:len(onDisk)-1:len(onDisk)-1], ' '), 0o600))
			_, err = h.again(t).io.Load(t.Context(), &out, rowsType)
			require.ErrorIs(t, err, ErrDamaged)
		})
	}
}

func TestStageJSONRefuses(t *testing.T) {
	h := newHome(t, t.TempDir())
	floats := dag.TypeOf[[]float64]("[]float64")
	_, err := h.io.StageOutput(t.Context(), &dag.Output{Name: "result", Type: floats, Codec: CodecJSON}, []float64{math.Inf(1)})
	require.ErrorContains(t, err, "[0]: JSON has no +Inf")
	_, err = h.io.StageOutput(t.Context(), &dag.Output{Name: "result", Type: floats, Codec: "avro"}, []float64{1})
	require.ErrorContains(t, err, `codec "avro" is not known to this binary`)
}

// What is stored is a PNG, small or large; what is known of it is what the default codec would give.
func TestStagePNG(t *testing.T) {
	h := newHome(t, t.TempDir())
	images := dag.TypeOf[image.Image]("image.Image")
	def := &dag.Output{Name: "result", Type: images, Codec: CodecPNG}
	large := image.NewNRGBA(image.Rect(0, 0, 200, 100))
	copy(large.Pix, noise(len(large.Pix)))
	for name, img := range map[string]image.Image{"small": image.NewGray(image.Rect(0, 0, 4, 3)), "large": large} {
		t.Run(name, func(t *testing.T) {
			s, err := h.io.StageOutput(t.Context(), def, img)
			require.NoError(t, err)
			want, err := codec.Encode(images, img)
			require.NoError(t, err)
			assert.Equal(t, canon.Sum(want), s.DataVersion)
			b := &storage.Batch{}
			s.AddTo(b)
			require.NoError(t, h.store.Submit(b).Wait(t.Context()))
			back, err := h.again(t).io.Load(t.Context(), &s.Output, images)
			require.NoError(t, err)
			assert.Equal(t, img, back)
			path, ok, err := h.io.Readable(t.Context(), "plots/"+name, &s.Output, images)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, filepath.Join(h.dir, "assets", "plots", name, name+".png"), path)
			f, err := os.Open(path)
			require.NoError(t, err)
			shown, format, err := image.Decode(f)
			require.NoError(t, errors.Join(err, f.Close()))
			assert.Equal(t, "png", format)
			assert.Equal(t, img, shown)
			assert.Equal(t, s.Inline, ObjectName(&s.Output) == "")
			if !s.Inline {
				assert.Equal(t, ".png", filepath.Ext(ObjectName(&s.Output)))
			}
			_, err = h.io.Load(t.Context(), &s.Output, dag.TypeOf[*image.CMYK]("*image.CMYK"))
			require.ErrorIs(t, err, ErrDamaged)
		})
	}
	_, err := h.io.StageOutput(t.Context(), def, image.NewRGBA(image.Rect(0, 0, 1, 1)))
	require.ErrorContains(t, err, "encode image.Image as PNG: it is a *image.RGBA with pixels that are not opaque")
}
