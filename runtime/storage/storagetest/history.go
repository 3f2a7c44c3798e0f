package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// at is a time n minutes after a fixed one.
func at(n int) time.Time { return time.Unix(1_700_000_000+60*int64(n), 0).UTC() }

// idsOf are the ids of the runs that a filter selects.
func idsOf(t *testing.T, s storage.Store, f storage.RunFilter) string {
	t.Helper()
	runs, err := s.Runs(t.Context(), f)
	require.NoError(t, err)
	out := make([]string, len(runs))
	for i, r := range runs {
		out[i] = r.ID
	}
	return strings.Join(out, " ")
}

func everyField(t *testing.T, s storage.Store) {
	snap := Digest("snapshot", 1)
	for i, r := range []*storage.Run{
		{ID: "a", Job: "nightly", Tags: map[string]string{"team": "red", "size": "big"}, Snapshot: snap},
		{ID: "b", Job: "nightly", Tags: map[string]string{"team": "blue", storage.TagBackfill: "bf1"}, Parent: "a", Root: "a"},
		{ID: "c", Tags: map[string]string{"team": "red", "odd": ""}, Parent: "b", Root: "a", Snapshot: snap},
		{ID: "d", Job: "hourly", Tags: map[string]string{"team": "green", "it's": "\"x\""}},
	} {
		r.Status, r.Created, r.Started = storage.RunStarted, at(10*i), at(10*i+1)
		Submit(t, s, &storage.Batch{NewRun: r})
	}
	end := &storage.Run{ID: "a", Status: storage.RunSuccess, Ended: at(100)}
	Submit(t, s, &storage.Batch{Finish: end})
	for _, tt := range []struct {
		name   string
		filter storage.RunFilter
		want   string
	}{
		{"ids", storage.RunFilter{IDs: []string{"d", "a", "unknown"}}, "d a"},
		{"many ids", storage.RunFilter{IDs: []string{"d", "a", "b", "x", "y"}}, "d b a"},
		{"job", storage.RunFilter{Job: "nightly"}, "b a"},
		{"one status", storage.RunFilter{Statuses: []storage.RunStatus{storage.RunSuccess}}, "a"},
		{"statuses", storage.RunFilter{Statuses: []storage.RunStatus{storage.RunSuccess, storage.RunStarted, storage.RunQueued}}, "d c b a"},
		{"a tag", storage.RunFilter{Tags: map[string][]string{"team": {"red"}}}, "c a"},
		{"a tag with one of several values", storage.RunFilter{Tags: map[string][]string{"team": {"red", "blue", "none"}}}, "c b a"},
		{"tags", storage.RunFilter{Tags: map[string][]string{"team": {"red"}, "size": {"big"}}}, "a"},
		{"a tag with any value", storage.RunFilter{Tags: map[string][]string{"odd": nil}}, "c"},
		{"an empty value", storage.RunFilter{Tags: map[string][]string{"odd": {""}}}, "c"},
		{"odd text", storage.RunFilter{Tags: map[string][]string{"it's": {"\"x\""}}}, "d"},
		{"an unknown tag", storage.RunFilter{Tags: map[string][]string{"tea": nil}}, ""},
		{"snapshot", storage.RunFilter{Snapshot: snap}, "c a"},
		{"parent", storage.RunFilter{Parent: "a"}, "b"},
		{"root", storage.RunFilter{Root: "a"}, "c b a"},
		{"created after", storage.RunFilter{CreatedAfter: at(10)}, "d c"},
		{"created before", storage.RunFilter{CreatedBefore: at(10)}, "a"},
		{"created between", storage.RunFilter{CreatedAfter: at(0), CreatedBefore: at(30)}, "c b"},
		{"updated after", storage.RunFilter{UpdatedAfter: at(50)}, "a"},
		{"updated before", storage.RunFilter{UpdatedBefore: at(50)}, "d c b"},
		{"no backfills", storage.RunFilter{ExcludeBackfills: true}, "d c a"},
		{"all at once", storage.RunFilter{IDs: []string{"a", "b", "c"}, Root: "a", Tags: map[string][]string{"team": nil}, UpdatedBefore: at(50), ExcludeBackfills: true}, "c"},
	} {
		assert.Equal(t, tt.want, idsOf(t, s, tt.filter), tt.name)
	}
	for _, bad := range []storage.RunFilter{{Order: "job"}, {Statuses: []storage.RunStatus{"RUNNING"}}} {
		_, err := s.Runs(t.Context(), bad)
		require.Error(t, err)
	}
}

func sortedRuns(t *testing.T, s storage.Store) {
	// Created in one order, started in another, ended in a third; two of them are equal in each.
	for i, start := range []int{30, 10, 20, 10, 40} {
		Submit(t, s, &storage.Batch{NewRun: &storage.Run{ID: fmt.Sprintf("r%d", i), Status: storage.RunStarted, Created: at(i), Started: at(start)}})
	}
	for i, end := range []int{70, 90, 50, 90, 60} {
		Submit(t, s, &storage.Batch{Finish: &storage.Run{ID: fmt.Sprintf("r%d", i), Status: storage.RunSuccess, Ended: at(end)}})
	}
	for order, want := range map[storage.RunOrder]string{
		"": "r0 r1 r2 r3 r4", storage.ByCreation: "r0 r1 r2 r3 r4", storage.ByStart: "r1 r3 r2 r0 r4",
		storage.ByEnd: "r2 r4 r0 r1 r3", storage.ByUpdate: "r2 r4 r0 r1 r3",
	} {
		up := storage.RunFilter{Order: order, Ascending: true}
		assert.Equal(t, want, idsOf(t, s, up))
		list := strings.Fields(want)
		down := slices.Clone(list)
		slices.Reverse(down)
		assert.Equal(t, strings.Join(down, " "), idsOf(t, s, storage.RunFilter{Order: order}))
		for i, id := range list {
			up.Cursor, up.Limit = id, 2
			assert.Equal(t, strings.Join(list[i+1:min(i+3, len(list))], " "), idsOf(t, s, up), "by %q after %s", order, id)
			assert.Equal(t, strings.Join(down[len(list)-i:], " "), idsOf(t, s, storage.RunFilter{Order: order, Cursor: id}), "by %q before %s", order, id)
		}
	}
}

func transitions(t *testing.T, s storage.Store) {
	ctx := t.Context()
	Submit(t, s, &storage.Batch{NewRun: &storage.Run{ID: "r", Status: storage.RunNotStarted, Created: at(0)}})
	move := func(to storage.RunStatus, n int) error {
		return s.Submit(&storage.Batch{Move: &storage.Move{RunID: "r", To: to, Time: at(n)}}).Wait(ctx)
	}
	require.ErrorIs(t, move(storage.RunCanceling, 1), storage.ErrTransition)
	require.NoError(t, move(storage.RunQueued, 2))
	require.ErrorIs(t, move(storage.RunNotStarted, 3), storage.ErrTransition)
	require.ErrorIs(t, move(storage.RunSuccess, 3), storage.ErrTransition)
	require.NoError(t, move(storage.RunStarting, 4))
	require.NoError(t, move(storage.RunStarted, 5))
	require.ErrorIs(t, move("RUNNING", 6), storage.ErrTransition)
	require.ErrorIs(t, move(storage.RunCanceled, 6), storage.ErrTransition, "an end goes through Finish")
	require.NoError(t, move(storage.RunCanceling, 7))
	got, err := s.Run(ctx, "r")
	require.NoError(t, err)
	assert.Equal(t, &storage.Run{Number: 1, ID: "r", Status: storage.RunCanceling, Created: at(0), Updated: at(7)}, got)
	require.ErrorIs(t, s.Submit(&storage.Batch{Finish: &storage.Run{ID: "r", Status: storage.RunStarted}}).Wait(ctx), storage.ErrTransition)
	Submit(t, s, &storage.Batch{Finish: &storage.Run{ID: "r", Status: storage.RunCanceled, Ended: at(8)}})
	require.ErrorIs(t, move(storage.RunStarted, 9), storage.ErrFinished)
	require.ErrorIs(t, s.Submit(&storage.Batch{Move: &storage.Move{RunID: "unknown", To: storage.RunQueued}}).Wait(ctx), storage.ErrNotFound)
	require.ErrorIs(t, s.Submit(&storage.Batch{NewRun: &storage.Run{ID: "x", Status: "RUNNING"}}).Wait(ctx), storage.ErrTransition)
	require.ErrorIs(t, s.Submit(&storage.Batch{NewRun: &storage.Run{ID: "x"}}).Wait(ctx), storage.ErrTransition)

	// Each step of a batch counts for the next one.
	Submit(t, s, &storage.Batch{
		NewRun: &storage.Run{ID: "q", Status: storage.RunQueued, Created: at(1)}, Move: &storage.Move{RunID: "q", To: storage.RunStarting, Time: at(2)},
		Events: []storage.Event{event("q", 1)}, Finish: &storage.Run{ID: "q", Status: storage.RunFailure, Ended: at(3)},
	})
	got, err = s.Run(ctx, "q")
	require.NoError(t, err)
	assert.Equal(t, &storage.Run{Number: 2, ID: "q", Status: storage.RunFailure, Created: at(1), Ended: at(3), Updated: at(3)}, got)
}

func started(t *testing.T, s storage.Store) {
	ctx := t.Context()
	Submit(t, s, &storage.Batch{NewRun: &storage.Run{
		ID: "r", Job: "nightly", Status: storage.RunStarting, Tags: map[string]string{"old": "1"}, Parent: "p", Root: "q", Created: at(0),
	}})
	begin := &storage.Run{
		ID: "r", Status: storage.RunStarted, Selection: "a*", Tags: map[string]string{"new": "2"}, Config: "ops: {}", Snapshot: Digest("snapshot", 1), Started: at(1), Steps: 7,
	}
	Submit(t, s, &storage.Batch{Start: begin})
	got, err := s.Run(ctx, "r")
	require.NoError(t, err)
	want := *begin
	want.Number, want.Job, want.Parent, want.Root, want.Created, want.Updated = 1, "nightly", "p", "q", at(0), at(1)
	assert.Equal(t, &want, got)
	assert.Equal(t, "", idsOf(t, s, storage.RunFilter{Tags: map[string][]string{"old": nil}}))
	assert.Equal(t, "r", idsOf(t, s, storage.RunFilter{Tags: map[string][]string{"new": {"2"}}}))
	require.ErrorIs(t, s.Submit(&storage.Batch{Start: begin}).Wait(ctx), storage.ErrTransition, "a run begins once")
	begin.ID = "unknown"
	require.ErrorIs(t, s.Submit(&storage.Batch{Start: begin}).Wait(ctx), storage.ErrNotFound)
}

func deleted(t *testing.T, s storage.Store) {
	ctx := t.Context()
	rec := Record(1)
	rec.Outputs[0].Asset, rec.Identity = "a", "asset:a"
	blob, snap := []byte("blob"), []byte("snapshot")
	rec.Outputs[0].Blob = canon.Sum(blob)
	for _, id := range []string{"r1", "r2", "r3"} {
		r := NewRun(id)
		r.Tags, r.Snapshot = map[string]string{"k": "v"}, canon.Sum(snap)
		b := &storage.Batch{NewRun: r, Events: []storage.Event{event(id, 1), event(id, 2)}, Snapshots: map[canon.Digest][]byte{canon.Sum(snap): snap}}
		if id == "r1" {
			b.Records, b.Blobs = []storage.Record{rec}, map[canon.Digest][]byte{canon.Sum(blob): blob}
		}
		Submit(t, s, b)
	}
	require.ErrorIs(t, s.Submit(&storage.Batch{Delete: []string{"r1"}}).Wait(ctx), storage.ErrUnfinished)
	for _, id := range []string{"r1", "r2"} {
		Submit(t, s, &storage.Batch{Finish: &storage.Run{ID: id, Status: storage.RunSuccess, Ended: at(1)}})
	}
	require.ErrorIs(t, s.Submit(&storage.Batch{Delete: []string{"r1", "r3"}}).Wait(ctx), storage.ErrUnfinished, "all of them or none")
	require.ErrorIs(t, s.Submit(&storage.Batch{Delete: []string{"r1", "r1"}}).Wait(ctx), storage.ErrNotFound)
	require.ErrorIs(t, s.Submit(&storage.Batch{Delete: []string{"unknown"}}).Wait(ctx), storage.ErrNotFound)
	_, err := s.Run(ctx, "r1")
	require.NoError(t, err)

	Submit(t, s, &storage.Batch{Delete: []string{"r1"}})
	_, err = s.Run(ctx, "r1")
	require.ErrorIs(t, err, storage.ErrNotFound)
	events, err := s.Events(ctx, "r1", 0, 0)
	require.NoError(t, err)
	assert.Empty(t, events)
	page, err := s.EventRecords(ctx, storage.EventFilter{})
	require.NoError(t, err)
	assert.Len(t, page.Records, 4)
	assert.Equal(t, "r3 r2", idsOf(t, s, storage.RunFilter{Tags: map[string][]string{"k": {"v"}}}))
	recs, err := s.RecordsByStep(ctx, []canon.Digest{rec.Step})
	require.NoError(t, err)
	assert.Len(t, recs, 1, "what was computed is still there")
	assets, err := s.AssetRecords(ctx, "a", 0)
	require.NoError(t, err)
	assert.Len(t, assets, 1)
	_, err = s.Blob(ctx, canon.Sum(blob))
	require.NoError(t, err)
	_, err = s.Snapshot(ctx, canon.Sum(snap))
	require.NoError(t, err, "another run has it")

	Submit(t, s, &storage.Batch{Delete: []string{"r2"}, Finish: &storage.Run{ID: "r3", Status: storage.RunSuccess, Ended: at(2)}})
	Submit(t, s, &storage.Batch{Delete: []string{"r3"}})
	_, err = s.Snapshot(ctx, canon.Sum(snap))
	require.ErrorIs(t, err, storage.ErrNotFound)
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Events: []storage.Event{event("r1", 9)}})
	events, err = s.Events(ctx, "r1", 0, 0)
	require.NoError(t, err)
	require.Len(t, events, 1)
	assert.Equal(t, int64(1), events[0].Seq)
	again, err := s.EventRecords(ctx, storage.EventFilter{After: page.Records[0].Number})
	require.NoError(t, err)
	assert.Len(t, again.Records, 1, "the number of a deleted event is not used again")
	require.NoError(t, s.Verify(ctx, func(p string) { t.Error(p) }))
}

func snapshots(t *testing.T, s storage.Store) {
	data := []byte(strings.Repeat("a job of many steps ", 1000))
	_, err := s.Snapshot(t.Context(), canon.Sum(data))
	require.ErrorIs(t, err, storage.ErrNotFound)
	for range 2 {
		Submit(t, s, &storage.Batch{Snapshots: map[canon.Digest][]byte{canon.Sum(data): data}})
		got, err := s.Snapshot(t.Context(), canon.Sum(data))
		require.NoError(t, err)
		assert.Equal(t, data, got)
	}
	// A run that counts on one is stored with it there or not at all.
	missing := canon.Sum([]byte("missing"))
	err = s.Submit(&storage.Batch{NewRun: NewRun("r1"), Counts: missing}).Wait(t.Context())
	require.ErrorIs(t, err, storage.ErrNoSnapshot)
	_, err = s.Run(t.Context(), "r1")
	require.ErrorIs(t, err, storage.ErrNotFound)
	err = s.Submit(&storage.Batch{NewRun: NewRun("r1"), Counts: missing, Snapshots: map[canon.Digest][]byte{missing: []byte("missing")}}).Wait(t.Context())
	require.ErrorIs(t, err, storage.ErrNoSnapshot, "what comes with the batch was not there before")
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Counts: canon.Sum(data)})

	wrong := canon.Sum([]byte("right"))
	Submit(t, s, &storage.Batch{Snapshots: map[canon.Digest][]byte{wrong: []byte("wrong")}})
	_, err = s.Snapshot(t.Context(), wrong)
	require.ErrorIs(t, err, storage.ErrCorrupt)
	Submit(t, s, &storage.Batch{Snapshots: map[canon.Digest][]byte{wrong: []byte("right")}})
	_, err = s.Snapshot(t.Context(), wrong)
	require.NoError(t, err, "a batch with the same one heals it")
}
