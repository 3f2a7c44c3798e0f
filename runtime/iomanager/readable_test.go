package iomanager

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestReadable(t *testing.T) {
	h := newHome(t, t.TempDir())
	s := h.commit(t, fileType, writeFile(t, filepath.Join(t.TempDir(), "chart.png"), []byte("picture")))
	path, ok, err := h.io.Readable(t.Context(), "Monthly/chart", &s.Output, fileType)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, filepath.Join(h.dir, "assets", "%4donthly", "chart", "chart.png"), path)
	check := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
	check("picture")
	before, err := os.Stat(path)
	require.NoError(t, err)
	_, _, err = h.io.Readable(t.Context(), "Monthly/chart", &s.Output, nil)
	require.NoError(t, err)
	after, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after), "it is not written again")
	object, err := os.Stat(h.objects(t)[0])
	require.NoError(t, err)
	assert.False(t, os.SameFile(object, after), "a copy, so that nothing can reach the store through it")

	overwrite(t, path, []byte("scribble"))
	_, _, err = h.again(t).io.Readable(t.Context(), "Monthly/chart", &s.Output, nil)
	require.NoError(t, err)
	check("picture")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	_, _, err = h.io.Readable(t.Context(), "Monthly/chart", &s.Output, nil)
	require.NoError(t, err)
	check("picture")

	renamed := h.commit(t, fileType, writeFile(t, filepath.Join(t.TempDir(), "new.png"), []byte("new")))
	notes := filepath.Join(filepath.Dir(path), "notes.txt")
	require.NoError(t, os.WriteFile(notes, nil, 0o644))
	old := path
	path, _, err = h.io.Readable(t.Context(), "Monthly/chart", &renamed.Output, fileType)
	require.NoError(t, err)
	check("new")
	assert.NoFileExists(t, old, "the copy under the name that it had")
	assert.FileExists(t, notes, "not ours")
	h.noTemp(t)

	require.NoError(t, os.Remove(h.objects(t)[0]))
	require.NoError(t, os.Remove(h.objects(t)[0]))
	require.NoError(t, os.Remove(path))
	_, _, err = h.io.Readable(t.Context(), "Monthly/chart", &renamed.Output, nil)
	require.ErrorIs(t, err, ErrDamaged)
	for _, o := range []storage.Output{{Codec: CodecCBOR}, {Codec: CodecFile}, {Codec: CodecJSON, IO: "tables"}, {Codec: "avro", File: "x"}} {
		_, ok, err = h.io.Readable(t.Context(), "x", &o, rowsType)
		require.NoError(t, err)
		assert.False(t, ok)
	}
}

// Values that other programs can read have a copy too: the bytes alone, without our encoding.
func TestReadableValues(t *testing.T) {
	h := newHome(t, t.TempDir())
	text := dag.TypeOf[string]("string")
	large := noise(300_000)
	for _, tt := range []struct {
		asset, codec string
		t            *dag.Type
		v            any
		path, want   string
	}{
		{"weather/means", CodecJSON, rowsType, []row{{1, "a"}}, "weather/means/means.json", `[{"N":1,"Name":"a"}]`},
		{"means", "", rowsType, []row{{1, "a"}}, "", ""},
		{"note", "", text, "hello\n", "note/note.txt", "hello\n"},
		{"note", "", text, "second", "note/note.txt", "second"},
		{"note", CodecJSON, text, "third", "note/note.json", `"third"`},
		{"blob", "", bytesType, []byte{}, "blob/blob.bin", ""},
		{"blob", "", bytesType, large, "blob/blob.bin", string(large)},
		{"many", CodecJSON, bytesType, large[:100_000], "many/many.json", ""},
		{"../up/A.b", "", text, "x", "%2e%2e/up/%41.b/%41.b.txt", "x"},
	} {
		s, err := h.io.StageOutput(t.Context(), &dag.Output{Name: "result", Type: tt.t, Codec: tt.codec}, tt.v)
		require.NoError(t, err)
		b := &storage.Batch{}
		s.AddTo(b)
		require.NoError(t, h.store.Submit(b).Wait(t.Context()))
		got, ok, err := h.io.Readable(t.Context(), tt.asset, &s.Output, tt.t)
		require.NoError(t, err)
		require.Equal(t, tt.path != "", ok)
		if !ok {
			continue
		}
		assert.Equal(t, filepath.Join(h.dir, "assets", filepath.FromSlash(tt.path)), got)
		data, err := os.ReadFile(got)
		require.NoError(t, err)
		if tt.want != "" || len(data) < 100 {
			assert.Equal(t, tt.want, string(data))
		}
		left, err := os.ReadDir(filepath.Dir(got))
		require.NoError(t, err)
		assert.Len(t, left, 1, "the copy of another codec is gone")

		before, err := os.Stat(got)
		require.NoError(t, err)
		_, _, err = h.again(t).io.Readable(t.Context(), tt.asset, &s.Output, tt.t)
		require.NoError(t, err)
		after, err := os.Stat(got)
		require.NoError(t, err)
		assert.True(t, os.SameFile(before, after), "it is not written again")
		overwrite(t, got, []byte("scribble"))
		_, _, err = h.again(t).io.Readable(t.Context(), tt.asset, &s.Output, tt.t)
		require.NoError(t, err)
		mended, err := os.ReadFile(got)
		require.NoError(t, err)
		assert.Equal(t, data, mended)
	}
	h.noTemp(t)

	memory := NewInMemory(h.store, func() (*Files, error) { t.Fatal("it needs no folder"); return nil, nil })
	s, err := memory.Stage(t.Context(), text, "x")
	require.NoError(t, err)
	_, ok, err := memory.Readable(t.Context(), "note", &s.Output, text)
	require.NoError(t, err)
	assert.False(t, ok)
}

func TestEscape(t *testing.T) {
	keys := []string{
		"", "a", "A", "a_b", "a/b", "a%2fb", "%", "%25", ".", "..", ".a", "a.", "a..", "é", "e\u0301", "a\x00b", "\xff", "con", "a b", "../../x", "~",
		strings.Repeat("x", 200), strings.Repeat("x", 201), strings.Repeat("x", 201) + "y", strings.Repeat("X", 67), strings.Repeat("X", 66),
	}
	seen := map[string]string{}
	for _, k := range keys {
		e := escape(k)
		folded := strings.ToLower(e)
		assert.NotContains(t, seen, folded, "%q and %q", k, seen[folded])
		seen[folded] = k
		assert.LessOrEqual(t, len(e), 200)
		require.NoError(t, dag.CheckFileName(e), k)
		assert.True(t, filepath.IsLocal(e), k)
	}
	assert.Equal(t, "monthly_means", escape("monthly_means"))
}

func FuzzEscape(f *testing.F) {
	f.Add("a/b", "a%2fb")
	f.Add(strings.Repeat("é", 100), strings.Repeat("é", 101))
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := escape(a), escape(b)
		if (x == y) != (a == b) {
			t.Fatalf("%q and %q become %q and %q", a, b, x, y)
		}
		if err := dag.CheckFileName(x); err != nil {
			t.Fatal(err)
		}
	})
}
