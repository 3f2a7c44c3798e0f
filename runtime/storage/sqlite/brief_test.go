//go:build cgo

package sqlite

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// What is read as a brief is what would be written of it, whatever the bytes are.
func FuzzParseBrief(f *testing.F) {
	rec := storagetest.Record(1)
	rec.Identity = "asset:a[1]"
	f.Add(briefOf(&rec))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseBrief(text)
		if err != nil {
			require.ErrorIs(t, err, storage.ErrCorrupt)
			return
		}
		r := storage.Record{Identity: b.Identity, Content: b.Content}
		if b.Output != "" {
			r.Outputs = []storage.Output{{Name: b.Output, DataVersion: b.Data, Inline: true}}
		}
		if again := briefOf(&r); again != nil && b.Output != "" {
			same, err := parseBrief(again)
			require.NoError(t, err)
			assert.Equal(t, b, same)
		}
	})
}

// A page of briefs is read whole or not at all, whatever is said about their lengths.
func FuzzParseBriefs(f *testing.F) {
	rec := storagetest.Record(1)
	rec.Identity = "asset:a[1]"
	one := briefOf(&rec)
	length := strconv.Itoa(len(one))
	f.Add(1, length, one)
	f.Add(2, length+" "+length, append(one[:len(one):len(one)], one...))
	f.Add(2, length, one)
	f.Add(1, length, append(one[:len(one):len(one)], 0))
	f.Add(1, "0", []byte{})
	f.Add(1, "-1", one)
	f.Add(1, "", []byte{})
	f.Fuzz(func(t *testing.T, n int, lengths string, all []byte) {
		if n < 0 || n > pageOfTest {
			return
		}
		briefs, err := parseBriefs(n, lengths, all, nil)
		if err != nil {
			require.True(t, errors.Is(err, storage.ErrCorrupt) || errors.Is(err, errNoBrief), "%v", err)
			return
		}
		require.Len(t, briefs, n)
		size := 0
		for _, text := range strings.Fields(lengths) {
			length, err := strconv.Atoi(text)
			require.NoError(t, err)
			size += length
		}
		require.Equal(t, len(all), size)
	})
}

// pageOfTest is the longest page that is tried.
const pageOfTest = 1000

// A brief goes with its record, also where something changes the store that knows nothing of briefs; one that says something else is found by verify.
func TestBriefsStandForTheirRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s, err := Open(t.Context(), path)
	require.NoError(t, err)
	b := &storage.Batch{NewRun: storagetest.NewRun("r1")}
	for i, id := range []string{"asset:a[1]", "asset:a[1]", "asset:b[1]", "asset:c[1]", "asset:d[1]"} {
		rec := storagetest.Record(i)
		rec.Identity = id
		b.Records = append(b.Records, rec)
	}
	storagetest.Submit(t, s, b)
	has := func(asset string) bool {
		t.Helper()
		briefs, ok, err := s.BriefsOf(t.Context(), "asset:"+asset+"[", "", 10, nil)
		require.NoError(t, err)
		return ok && len(briefs) == 1
	}
	verify := func() (problems []string) {
		require.NoError(t, s.Verify(t.Context(), func(p string) {
			if strings.Contains(p, "brief") { // the blobs of these records were never stored
				problems = append(problems, p)
			}
		}))
		return problems
	}
	for _, asset := range []string{"a", "b", "c", "d"} {
		assert.True(t, has(asset), asset)
	}
	require.NoError(t, s.Retire(t.Context(), []int64{3}))
	assert.False(t, has("b"))
	require.NoError(t, s.Retire(t.Context(), []int64{2}))
	assert.False(t, has("a"))
	_, err = s.Purge(t.Context(), storage.Purge{Records: []int64{2}})
	require.NoError(t, err)
	assert.False(t, has("a"), "another record is the newest")
	assert.Empty(t, verify())

	exec(t, path, "UPDATE identity SET latest = 1 WHERE name = 'asset:c[1]'")
	assert.False(t, has("c"), "as an older binary makes another record the newest")
	assert.Empty(t, verify())
	exec(t, path, "UPDATE identity SET brief = zeroblob(80) WHERE name = 'asset:d[1]'")
	problems := verify()
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0], "the brief of asset:d[1] does not say what its newest record does")
	exec(t, path, "UPDATE identity SET brief = x'00' WHERE name = 'asset:d[1]'")
	_, _, err = s.BriefsOf(t.Context(), "asset:d[", "", 10, nil)
	require.ErrorIs(t, err, storage.ErrCorrupt)
	require.NoError(t, s.Close())
}

// An older store has no briefs: what is new in it has.
func TestAnOldStoreHasNoBriefs(t *testing.T) {
	s, err := Open(t.Context(), oldStore(t))
	require.NoError(t, err)
	_, ok, err := s.BriefsOf(t.Context(), "asset:m", "", 10, nil)
	require.NoError(t, err)
	assert.False(t, ok)
	latest, err := s.LatestOf(t.Context(), "asset:m", "", 10)
	require.NoError(t, err)
	assert.NotEmpty(t, latest)
	require.NoError(t, s.Close())
}
