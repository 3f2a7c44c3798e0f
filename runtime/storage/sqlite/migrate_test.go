//go:build cgo

package sqlite

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// oldStore returns the path of a store that a binary of format 1 wrote: two runs of examples/weather, the second of which reused all eight
// assets.
func oldStore(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/format1.db.gz")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "old.db")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

const firstRun, secondRun = "01a1feb1-45a9-7468-a3be-99e8f257d255", "01a1feb1-46d9-73ee-82ce-f24c2c2b60b6"

// checkOld looks at everything that the migration has to carry over.
func checkOld(t *testing.T, s *Store) {
	t.Helper()
	runs, err := s.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 2)
	assert.Equal(t, secondRun, runs[0].ID)
	first := runs[1]
	assert.Equal(t, firstRun, first.ID)
	assert.Equal(t, storage.RunSuccess, first.Status)
	assert.Equal(t, map[string]string{"team": "red"}, first.Tags)
	assert.Equal(t, first.Started, first.Created)
	assert.Equal(t, first.Ended, first.Updated)
	assert.Equal(t, 244*time.Millisecond, first.Ended.Sub(first.Started).Truncate(time.Millisecond))
	assert.Equal(t, 8, first.Ran)
	assert.Equal(t, int64(1), first.Number)

	runs, err = s.Runs(t.Context(), storage.RunFilter{Tags: map[string][]string{"team": {"red"}}})
	require.NoError(t, err)
	assert.Len(t, runs, 1, "tags are found")
	events, err := s.Events(t.Context(), firstRun, 0, 0)
	require.NoError(t, err)
	require.NotEmpty(t, events)
	assert.Equal(t, storage.EventRunStart, events[0].Type)
	assert.Equal(t, storage.EventRunSuccess, events[len(events)-1].Type)
	for i, e := range events {
		assert.Equal(t, int64(i+1), e.Seq)
	}
	page, err := s.EventRecords(t.Context(), storage.EventFilter{Asset: "monthly_means"})
	require.NoError(t, err)
	require.Len(t, page.Records, 1)
	data, err := page.Records[0].Payload()
	require.NoError(t, err)
	assert.Equal(t, "monthly_means", data.(*storage.MaterializationData).Asset)
	page, err = s.EventRecords(t.Context(), storage.EventFilter{Types: []storage.EventType{storage.EventRunSuccess}, Ascending: true})
	require.NoError(t, err)
	require.Len(t, page.Records, 2)
	assert.Equal(t, firstRun, page.Records[0].RunID)
	assets, err := s.AssetRecords(t.Context(), "monthly_means", 0)
	require.NoError(t, err)
	assert.Len(t, assets, 1)
	require.NoError(t, s.Verify(t.Context(), func(p string) { t.Error(p) }))
}

func TestAnOldStoreIsMigratedInPlace(t *testing.T) {
	path := oldStore(t)
	for range 2 {
		s, err := Open(t.Context(), path)
		require.NoError(t, err)
		checkOld(t, s)
		require.NoError(t, s.Close())
	}
	s, err := Open(t.Context(), path)
	require.NoError(t, err)
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	storagetest.Submit(t, s, stepBatch(1))
	storagetest.Submit(t, s, &storage.Batch{Delete: []string{firstRun}})
	require.NoError(t, s.Verify(t.Context(), func(p string) { t.Error(p) }))
	require.NoError(t, s.Close())
	assert.FileExists(t, path+".format1", "what it was before")
	s, err = Options{}.open(t.Context(), path+".format1", migrations[:1])
	require.NoError(t, err, "an older binary can go back to it")
	require.NoError(t, s.Close())
}

func TestAnOldStoreIsReadWithoutWriting(t *testing.T) {
	path := oldStore(t)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	s, err := OpenReadOnly(t.Context(), path)
	require.NoError(t, err)
	checkOld(t, s)
	assert.Equal(t, path, s.Path())
	require.ErrorIs(t, s.Submit(&storage.Batch{}).Wait(t.Context()), storage.ErrReadOnly)
	require.NoError(t, s.Close())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(before, after))
	assert.NoFileExists(t, path+".format1")
}

// Whatever an old store holds, also what no release ever wrote, can be migrated.
func TestOddOldStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	s, err := Options{}.open(t.Context(), path, migrations[:1])
	require.NoError(t, err)
	require.NoError(t, s.Close())
	exec(t, path, `INSERT INTO run VALUES (7, 'r', '', '', 'STARTED', '', 'null', '', 5, 0, 0, 0, 0, 0, 0), (9, 'q', '', '', 'SUCCESS', '', '{"a":"1","b":"2"}', '', 5, 3, 0, 0, 0, 0, 0);
		INSERT INTO event VALUES (7, 1, 1, 'ASSET_MATERIALIZATION', '', '', '', x'00ff'), (7, 2, 1, 'ASSET_MATERIALIZATION', '', '', '', NULL),
			(9, 1, 1, 'ASSET_OBSERVATION', '', '', '', CAST('{"asset":null}' AS BLOB))`)
	s, err = Open(t.Context(), path)
	require.NoError(t, err)
	runs, err := s.Runs(t.Context(), storage.RunFilter{Tags: map[string][]string{"b": {"2"}}})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, time.Unix(0, 5).UTC(), runs[0].Updated)
	events, err := s.Events(t.Context(), "r", 0, 0)
	require.NoError(t, err)
	assert.Len(t, events, 2)
	storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun("x")})
	run, err := s.Run(t.Context(), "x")
	require.NoError(t, err)
	assert.Equal(t, int64(10), run.Number, "numbers are not used again")
	require.NoError(t, s.Close())
}

// A new store is made as it stays, so that opening it first changes, and syncs, nothing more; and nothing lies beside it.
func TestANewStoreIsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.db")
	require.NoError(t, create(path, migrations))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, []byte{2, 2}, data[18:20], "it has a write-ahead log")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	s, err := Open(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, s.Verify(t.Context(), func(p string) { t.Error(p) }))
	require.NoError(t, s.Close())
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, after))
}
