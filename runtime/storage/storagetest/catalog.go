package storagetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func assetKeys(t *testing.T, s storage.Store) {
	b := &storage.Batch{NewRun: NewRun("r1")}
	for i, key := range []string{"raw", "daily_b", "daily_a", "daily", "dai_ly", "daily_a", "é", "e"} {
		rec := Record(i)
		rec.Outputs[0].Asset = key
		b.Records = append(b.Records, rec)
	}
	Submit(t, s, b)
	for _, tt := range []struct {
		f    storage.AssetFilter
		want []string
	}{
		{storage.AssetFilter{}, []string{"dai_ly", "daily", "daily_a", "daily_b", "e", "raw", "é"}},
		{storage.AssetFilter{Limit: 2}, []string{"dai_ly", "daily"}},
		{storage.AssetFilter{Limit: 2, After: "daily"}, []string{"daily_a", "daily_b"}},
		{storage.AssetFilter{After: "daily_"}, []string{"daily_a", "daily_b", "e", "raw", "é"}},
		{storage.AssetFilter{Prefix: "daily"}, []string{"daily", "daily_a", "daily_b"}},
		{storage.AssetFilter{Prefix: "daily", Limit: 1}, []string{"daily"}},
		{storage.AssetFilter{Prefix: "daily", After: "daily_a"}, []string{"daily_b"}},
		{storage.AssetFilter{Prefix: "daily", After: "a"}, []string{"daily", "daily_a", "daily_b"}},
		{storage.AssetFilter{Prefix: "daily", After: "raw"}, nil},
		{storage.AssetFilter{Prefix: "é"}, []string{"é"}},
		{storage.AssetFilter{Prefix: "%"}, nil},
		{storage.AssetFilter{After: "é"}, nil},
	} {
		got, err := s.AssetKeys(t.Context(), tt.f)
		require.NoError(t, err)
		assert.Equal(t, tt.want, got, "%+v", tt.f)
	}
}

func noRun(t *testing.T, s storage.Store) {
	ctx := t.Context()
	now := time.Unix(1_700_000_000, 0).UTC()
	event := func(asset string, typ storage.EventType) storage.Event {
		return storage.Event{Time: now, Type: typ, Asset: asset, Level: "INFO", Partition: "p", Data: []byte(`{"asset":"x"}`)}
	}
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Events: []storage.Event{{RunID: "r1", Time: now, Type: storage.EventRunStart}, event("b", storage.EventMaterialization)}})
	Submit(t, s, &storage.Batch{Events: []storage.Event{event("a", storage.EventObservation), event("b", storage.EventMaterialization)}})
	keys, err := s.AssetKeys(ctx, storage.AssetFilter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, keys)
	noted := event("c", storage.EventMaterialization)
	noted.RunID, noted.StepKey, noted.Noted = "r1", "load", true
	Submit(t, s, &storage.Batch{Events: []storage.Event{noted}})
	if keys, err = s.AssetKeys(ctx, storage.AssetFilter{After: "b"}); assert.NoError(t, err) {
		assert.Equal(t, []string{"c"}, keys, "what a step says of another asset lets it be known")
	}
	if all, err := s.EventRecords(ctx, storage.EventFilter{Asset: "c"}); assert.NoError(t, err) && assert.Len(t, all.Records, 1) {
		noted.Seq, noted.Noted = all.Records[0].Seq, false
		assert.Equal(t, noted, all.Records[0].Event)
	}
	none, err := s.AssetRecords(ctx, "a", 0)
	require.NoError(t, err)
	assert.Empty(t, none, "nothing was computed")
	page, err := s.EventRecords(ctx, storage.EventFilter{Asset: "b", Ascending: true})
	require.NoError(t, err)
	require.Len(t, page.Records, 2)
	want := event("b", storage.EventMaterialization)
	want.Seq = 1
	assert.Equal(t, want, page.Records[0].Event)
	assert.Equal(t, int64(3), page.Records[1].Seq)
	assert.Empty(t, page.Records[0].Job)

	// It is no run.
	runs, err := s.Runs(ctx, storage.RunFilter{Limit: 10})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, "r1", runs[0].ID)
	_, err = s.Run(ctx, "")
	require.ErrorIs(t, err, storage.ErrNotFound)
	require.ErrorIs(t, s.Submit(&storage.Batch{Delete: []string{""}}).Wait(ctx), storage.ErrUnfinished)
	require.NoError(t, s.Verify(ctx, func(p string) { t.Error(p) }))
}

func wiped(t *testing.T, s storage.Store) {
	ctx := t.Context()
	of := func(n int, identity string, assets ...string) storage.Record {
		rec := Record(n)
		rec.Identity = identity
		out := rec.Outputs[0]
		rec.Outputs = nil
		for _, a := range assets {
			out.Name, out.Asset = a, a
			rec.Outputs = append(rec.Outputs, out)
		}
		return rec
	}
	event := func(asset string) storage.Event {
		return storage.Event{RunID: "r1", Time: time.Unix(1, 0).UTC(), Type: storage.EventMaterialization, Asset: asset}
	}
	one, again, two, other, nothing := of(1, "asset:a", "a"), of(2, "asset:a", "a"), of(3, "asset:split", "left", "right"), of(4, "asset:b", "b"), of(5, "asset:n")
	b := &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{one, again, two, other, nothing}, Blobs: map[canon.Digest][]byte{},
		Events: []storage.Event{event("a"), event("b"), event("left")}}
	Submit(t, s, b)
	Submit(t, s, &storage.Batch{Aliases: []storage.Alias{{Step: Digest("other", 1), Record: 2, Identity: "op:job/step"}}})
	found := func() (steps, contents, latest int) {
		all := []storage.Record{one, again, two, other, nothing}
		var ss, cs []canon.Digest
		for _, r := range all {
			ss, cs = append(ss, r.Step), append(cs, r.Content)
		}
		byStep, err := s.RecordsByStep(ctx, append(ss, Digest("other", 1)))
		require.NoError(t, err)
		byContent, err := s.RecordsByContent(ctx, cs)
		require.NoError(t, err)
		newest, err := s.Latest(ctx, []string{"asset:a", "asset:split", "asset:b", "asset:n", "op:job/step"})
		require.NoError(t, err)
		return len(byStep), len(byContent), len(newest)
	}
	steps, contents, latest := found()
	assert.Equal(t, []int{6, 5, 5}, []int{steps, contents, latest})

	Submit(t, s, &storage.Batch{Wipe: []string{"a", "n", "unknown"}})
	steps, contents, latest = found()
	assert.Equal(t, []int{2, 2, 2}, []int{steps, contents, latest}, "split and b are left")
	recs, err := s.AssetRecords(ctx, "a", 0)
	require.NoError(t, err)
	assert.Empty(t, recs)
	keys, err := s.AssetKeys(ctx, storage.AssetFilter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "left", "right"}, keys)

	// Of a function with two assets the other one keeps its history; the record serves no more.
	Submit(t, s, &storage.Batch{Wipe: []string{"left"}})
	steps, contents, latest = found()
	assert.Equal(t, []int{1, 1, 2}, []int{steps, contents, latest})
	recs, err = s.AssetRecords(ctx, "right", 0)
	require.NoError(t, err)
	assert.Len(t, recs, 1)
	recs, err = s.AssetRecords(ctx, "left", 0)
	require.NoError(t, err)
	assert.Empty(t, recs)

	// The log of the run is whole; no event is found by the asset.
	page, err := s.EventRecords(ctx, storage.EventFilter{Asset: "a"})
	require.NoError(t, err)
	assert.Empty(t, page.Records)
	events, err := s.Events(ctx, "r1", 0, 0)
	require.NoError(t, err)
	assert.Len(t, events, 3)
	assert.Equal(t, "b", events[1].Asset)

	// It may be materialized again.
	Submit(t, s, &storage.Batch{Records: []storage.Record{one}})
	recs, err = s.AssetRecords(ctx, "a", 0)
	require.NoError(t, err)
	require.Len(t, recs, 1)
	assert.True(t, recs[0].Newest)
	byStep, err := s.RecordsByStep(ctx, []canon.Digest{one.Step})
	require.NoError(t, err)
	assert.Len(t, byStep, 1)
}
