package instance

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// keepAsset stores a value of an asset, with the event of it.
func keepAsset(t testing.TB, i *Instance, key, value, code string) storage.Record {
	t.Helper()
	staged, err := i.IO().Stage(t.Context(), bytesType, []byte(value))
	require.NoError(t, err)
	out := staged.Output
	out.Name, out.Asset = "result", key
	run := newID()
	rec := storage.Record{
		Step: canon.Sum([]byte("step" + key + value)), Content: canon.Sum([]byte("content" + key + value)), Identity: "asset:" + key, RunID: run, StepKey: key, Code: code,
		Outputs: []storage.Output{out}, Time: time.Unix(1, 0).UTC(),
	}
	b := &storage.Batch{NewRun: &storage.Run{ID: run, Status: storage.RunStarted}, Records: []storage.Record{rec},
		Events: []storage.Event{{RunID: run, Type: storage.EventMaterialization, Time: rec.Time, Asset: key, Data: []byte(`{"asset":"` + key + `"}`)}}}
	staged.AddTo(b)
	submit(t, i, b)
	submit(t, i, &storage.Batch{Finish: &storage.Run{ID: run, Status: storage.RunSuccess, Ended: rec.Time}})
	return rec
}

// instances are the two kinds of them.
func instances(t *testing.T, do func(t *testing.T, i *Instance)) {
	t.Run("folder", func(t *testing.T) { do(t, openTest(t, t.TempDir())) })
	t.Run("memory", func(t *testing.T) {
		i := Ephemeral()
		do(t, i)
		require.NoError(t, i.Close())
	})
}

func TestCatalogQueries(t *testing.T) {
	instances(t, func(t *testing.T, i *Instance) {
		ctx := t.Context()
		first := keepAsset(t, i, "daily_a", "one", "v1")
		second := keepAsset(t, i, "daily_a", "two", "v2")
		keepAsset(t, i, "daily_b", "b", "v1")
		require.NoError(t, i.ReportAssetEvent(ctx, AssetEvent{Type: storage.EventObservation, Asset: "raw", DataVersion: "2024", Description: "looked", Partition: "oslo",
			Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}}))
		require.NoError(t, i.ReportAssetEvent(ctx, AssetEvent{Type: storage.EventMaterialization, Asset: "daily_b", Time: time.Unix(5, 0)}))

		keys, err := i.AssetKeys(ctx, storage.AssetFilter{Prefix: "daily_", Limit: 1})
		require.NoError(t, err)
		assert.Equal(t, []string{"daily_a"}, keys)
		keys, err = i.AssetKeys(ctx, storage.AssetFilter{After: keys[0]})
		require.NoError(t, err)
		assert.Equal(t, []string{"daily_b", "raw"}, keys)
		for key, want := range map[string]bool{"daily_a": true, "daily": false, "raw": true, "": false, "daily_a ": false} {
			got, err := i.HasAsset(ctx, key)
			require.NoError(t, err)
			assert.Equal(t, want, got, key)
		}

		records, err := i.AssetRecords(ctx, "raw", "unknown", "daily_a")
		require.NoError(t, err)
		require.Len(t, records, 2)
		assert.Equal(t, "raw", records[0].Key)
		assert.Nil(t, records[0].Record)
		assert.Nil(t, records[0].Materialization)
		data, err := records[0].Observation.Payload()
		require.NoError(t, err)
		assert.Equal(t, &storage.ObservationData{Asset: "raw", Said: "2024", Text: "looked", Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}}, data)
		assert.Empty(t, records[0].Observation.RunID)
		assert.Equal(t, second.Outputs[0].DataVersion, records[1].Output.DataVersion)
		assert.Equal(t, second.RunID, records[1].Materialization.RunID)

		var pages []string
		for f := (storage.AssetFilter{Limit: 2}); ; {
			found, err := i.FindAssetRecords(ctx, f)
			require.NoError(t, err)
			if len(found) == 0 {
				break
			}
			pages = append(pages, "page")
			for _, a := range found {
				pages = append(pages, fmt.Sprint(a.Key, " ", a.Record != nil, a.Materialization != nil, a.Observation != nil))
			}
			f.After = found[len(found)-1].Key
		}
		assert.Equal(t, []string{"page", "daily_a true true false", "daily_b true true false", "page", "raw false false true"}, pages)
		records, err = i.FindAssetRecords(ctx, storage.AssetFilter{Prefix: "daily_b"})
		require.NoError(t, err)
		require.Len(t, records, 1)
		assert.Equal(t, "daily_b", records[0].Key)

		event, err := i.LatestMaterialization(ctx, "daily_b")
		require.NoError(t, err)
		assert.Equal(t, time.Unix(5, 0).UTC(), event.Time)
		event, err = i.LatestMaterialization(ctx, "raw")
		require.NoError(t, err)
		assert.Nil(t, event)

		codes, err := i.LatestCodeVersions(ctx, "daily_a", "raw", "unknown")
		require.NoError(t, err)
		require.Len(t, codes, 3)
		assert.Equal(t, "v2", *codes["daily_a"])
		assert.Nil(t, codes["raw"])
		assert.Nil(t, codes["unknown"])
		// The edit is taken back: the first record is the current one again.
		submit(t, i, &storage.Batch{Aliases: []storage.Alias{{Step: first.Step, Record: 1, Identity: first.Identity}}})
		codes, err = i.LatestCodeVersions(ctx, "daily_a")
		require.NoError(t, err)
		assert.Equal(t, "v1", *codes["daily_a"])

		page, err := i.Materializations(ctx, storage.EventFilter{Asset: "daily_a", Ascending: true, Limit: 1})
		require.NoError(t, err)
		require.Len(t, page.Records, 1)
		assert.Equal(t, first.RunID, page.Records[0].RunID)
		assert.True(t, page.More)
		page, err = i.Materializations(ctx, storage.EventFilter{Asset: "daily_a", Ascending: true, After: page.Cursor})
		require.NoError(t, err)
		require.Len(t, page.Records, 1)
		assert.Equal(t, second.RunID, page.Records[0].RunID)
		page, err = i.Observations(ctx, storage.EventFilter{Partitions: []string{"oslo"}})
		require.NoError(t, err)
		require.Len(t, page.Records, 1)
		_, err = i.Observations(ctx, storage.EventFilter{Types: []storage.EventType{storage.EventMaterialization}})
		assert.EqualError(t, err, "ASSET_MATERIALIZATION is no ASSET_OBSERVATION")
	})
}

func TestReportAssetEventRefuses(t *testing.T) {
	i := openTest(t, t.TempDir())
	assert.EqualError(t, i.ReportAssetEvent(t.Context(), AssetEvent{Type: storage.EventRunStart, Asset: "a"}),
		`an event about an asset outside of a run is ASSET_MATERIALIZATION or ASSET_OBSERVATION, not "RUN_START"`)
	assert.EqualError(t, i.ReportAssetEvent(t.Context(), AssetEvent{Type: storage.EventObservation}), `"" is no key of an asset`)
	assert.EqualError(t, i.ReportAssetEvent(t.Context(), AssetEvent{Type: storage.EventObservation, Asset: "a\xff"}), `"a\xff" is no key of an asset`)
	keys, err := i.AssetKeys(t.Context(), storage.AssetFilter{})
	require.NoError(t, err)
	assert.Empty(t, keys)
	read, err := OpenReadOnly(t.Context(), i.Dir())
	require.NoError(t, err)
	require.ErrorIs(t, read.ReportAssetEvent(t.Context(), AssetEvent{Type: storage.EventObservation, Asset: "a"}), storage.ErrReadOnly)
	_, err = read.WipeAssets(t.Context(), true, "a")
	require.ErrorIs(t, err, storage.ErrReadOnly)
	require.NoError(t, read.Close())
}

func TestWipeAssets(t *testing.T) {
	instances(t, func(t *testing.T, i *Instance) {
		ctx := t.Context()
		a, b := keepAsset(t, i, "a", noise("a"), "v1"), keepAsset(t, i, "b", noise("b"), "v1")
		_, err := i.WipeAssets(ctx, true, "a", "nothing", "c")
		require.ErrorIs(t, err, storage.ErrNotFound)
		assert.EqualError(t, err, "asset \"nothing\": not found\nasset \"c\": not found")
		assert.True(t, found(t, i, a), "all of them or none")

		c, err := i.WipeAssets(ctx, false, "a")
		require.NoError(t, err)
		assert.Equal(t, &Collected{}, c)
		assert.False(t, found(t, i, a))
		assert.True(t, there(t, i, a), "its data stays")
		known, err := i.HasAsset(ctx, "a")
		require.NoError(t, err)
		assert.False(t, known)
		page, err := i.Materializations(ctx, storage.EventFilter{Asset: "a"})
		require.NoError(t, err)
		assert.Empty(t, page.Records)
		assert.True(t, found(t, i, b))
		verified(t, i)
	})
}

func TestWipeAssetsWithTheirData(t *testing.T) {
	dir := t.TempDir()
	i := openTest(t, dir)
	a, b := keepAsset(t, i, "a", noise("a"), "v1"), keepAsset(t, i, "b", noise("b"), "v1")
	shared := keepAsset(t, i, "c", noise("b"), "v1")
	require.NoError(t, i.Close()) // it holds what it has stored
	i = openTest(t, dir)
	c, err := i.WipeAssets(t.Context(), true, "a", "c")
	require.NoError(t, err)
	assert.Equal(t, [2]int{2, 1}, [2]int{c.Records, c.Objects}, "what b has is needed")
	assert.False(t, there(t, i, a))
	assert.True(t, there(t, i, b))
	assert.False(t, found(t, i, shared))
	verified(t, i)
}

// What a living run may have found stays until it has ended.
func TestWipeAssetsBesideARun(t *testing.T) {
	i := openTest(t, t.TempDir())
	a := keepAsset(t, i, "a", noise("a"), "v1")
	unlock, err := i.LockRun(newID())
	require.NoError(t, err)
	c, err := i.WipeAssets(t.Context(), true, "a")
	require.NoError(t, err)
	assert.Equal(t, [2]int{0, 1}, [2]int{c.Records, c.Waiting})
	assert.False(t, found(t, i, a))
	assert.True(t, there(t, i, a))
	unlock()
	assert.Equal(t, 1, collect(t, i, Retention{}).Records)
	assert.False(t, there(t, i, a))
}
