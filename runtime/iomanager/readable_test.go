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
	path, err := h.io.Readable(t.Context(), "Monthly/chart", &s.Output)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(h.dir, "assets", "%4donthly%2fchart", "chart.png"), path)
	check := func(want string) {
		t.Helper()
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
	check("picture")
	before, err := os.Stat(path)
	require.NoError(t, err)
	_, err = h.io.Readable(t.Context(), "Monthly/chart", &s.Output)
	require.NoError(t, err)
	after, err := os.Stat(path)
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after), "it is not written again")
	object, err := os.Stat(h.objects(t)[0])
	require.NoError(t, err)
	assert.False(t, os.SameFile(object, after), "a copy, so that nothing can reach the store through it")

	overwrite(t, path, []byte("scribble"))
	_, err = h.again(t).io.Readable(t.Context(), "Monthly/chart", &s.Output)
	require.NoError(t, err)
	check("picture")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	_, err = h.io.Readable(t.Context(), "Monthly/chart", &s.Output)
	require.NoError(t, err)
	check("picture")

	renamed := h.commit(t, fileType, writeFile(t, filepath.Join(t.TempDir(), "new.png"), []byte("new")))
	notes := filepath.Join(filepath.Dir(path), "notes.txt")
	require.NoError(t, os.WriteFile(notes, nil, 0o644))
	old := path
	path, err = h.io.Readable(t.Context(), "Monthly/chart", &renamed.Output)
	require.NoError(t, err)
	check("new")
	assert.NoFileExists(t, old, "the copy under the name that it had")
	assert.FileExists(t, notes, "not ours")
	h.noTemp(t)

	require.NoError(t, os.Remove(h.objects(t)[0]))
	require.NoError(t, os.Remove(h.objects(t)[0]))
	require.NoError(t, os.Remove(path))
	_, err = h.io.Readable(t.Context(), "Monthly/chart", &renamed.Output)
	require.ErrorIs(t, err, ErrDamaged)
	_, err = h.io.Readable(t.Context(), "x", &storage.Output{Codec: CodecCBOR})
	require.ErrorContains(t, err, "not stored as a file")
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
