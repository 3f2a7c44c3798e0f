package storagetest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

func backfillIDs(t *testing.T, s storage.Store, f storage.BackfillFilter) string {
	t.Helper()
	list, err := s.Backfills(t.Context(), f)
	require.NoError(t, err)
	var ids []string
	for _, b := range list {
		ids = append(ids, b.ID)
	}
	return strings.Join(ids, " ")
}

func backfills(t *testing.T, s storage.Store) {
	ctx := t.Context()
	assert.Empty(t, backfillIDs(t, s, storage.BackfillFilter{}))
	_, _, err := s.Backfill(ctx, "a")
	require.ErrorIs(t, err, storage.ErrNotFound)

	a := storage.Backfill{
		ID: "a", Status: storage.BackfillRequested, Title: "it's \"all\"", Job: "nightly", Selection: "*daily", Definition: "daily from 2024-01-01", Partitions: "1;x;0-365", Total: 366, Newest: true, PerRun: 7,
		Concurrent: 3, Executor: "in_process", Tags: map[string]string{"team": "red"}, Config: "ops: {}\n", Created: at(0),
	}
	Submit(t, s, &storage.Batch{NewBackfill: &a})
	a.Number, a.Updated = 1, at(0)
	got, runs, err := s.Backfill(ctx, "a")
	require.NoError(t, err)
	assert.Empty(t, runs)
	assert.Equal(t, &a, got)
	require.Error(t, s.Submit(&storage.Batch{NewBackfill: &storage.Backfill{ID: "a", Status: storage.BackfillRequested}}).Wait(ctx), "it exists")
	require.ErrorIs(t, s.Submit(&storage.Batch{NewBackfill: &storage.Backfill{ID: "b", Status: "DONE"}}).Wait(ctx), storage.ErrTransition)

	progress := storage.BackfillProgress{Through: 5, Done: "1;x;0-9", Reused: "1;x;10", Failed: "1;x;11", DoneCount: 10, ReusedCount: 1, FailedCount: 1}
	Submit(t, s, &storage.Batch{Backfill: &storage.BackfillChange{ID: "a", Progress: &progress, Time: at(2)}})
	Submit(t, s, &storage.Batch{Backfill: &storage.BackfillChange{ID: "a", To: storage.BackfillCanceling, Time: at(1)}})
	got, _, err = s.Backfill(ctx, "a")
	require.NoError(t, err)
	a.Progress, a.Status, a.Updated = progress, storage.BackfillCanceling, at(2)
	assert.Equal(t, &a, got, "the clock was set back")
	Submit(t, s, &storage.Batch{Backfill: &storage.BackfillChange{ID: "a", To: storage.BackfillCanceled, Cause: "no more", Time: at(3)}})
	got, _, err = s.Backfill(ctx, "a")
	require.NoError(t, err)
	assert.Equal(t, at(3), got.Ended)
	assert.Equal(t, "no more", got.Cause)
	Submit(t, s, &storage.Batch{Backfill: &storage.BackfillChange{ID: "a", To: storage.BackfillRequested, Time: at(4)}})
	got, _, err = s.Backfill(ctx, "a")
	require.NoError(t, err)
	assert.True(t, got.Ended.IsZero(), "it goes on")
	assert.Empty(t, got.Cause)
	assert.Equal(t, progress, got.Progress)

	for i, id := range []string{"b", "c", "d"} {
		Submit(t, s, &storage.Batch{NewBackfill: &storage.Backfill{ID: id, Status: storage.BackfillRequested, Created: at(10 + i)}})
	}
	Submit(t, s, &storage.Batch{Backfill: &storage.BackfillChange{ID: "c", To: storage.BackfillCompletedSuccess, Time: at(20)}})
	for _, tt := range []struct {
		filter storage.BackfillFilter
		want   string
	}{
		{storage.BackfillFilter{}, "d c b a"},
		{storage.BackfillFilter{Limit: 2}, "d c"},
		{storage.BackfillFilter{Limit: 2, Cursor: "c"}, "b a"},
		{storage.BackfillFilter{Cursor: "a"}, ""},
		{storage.BackfillFilter{IDs: []string{"a", "d", "x"}}, "d a"},
		{storage.BackfillFilter{Statuses: []storage.BackfillStatus{storage.BackfillRequested}}, "d b a"},
		{storage.BackfillFilter{Statuses: []storage.BackfillStatus{storage.BackfillRequested, storage.BackfillCompletedSuccess}, Cursor: "d", Limit: 2}, "c b"},
	} {
		assert.Equal(t, tt.want, backfillIDs(t, s, tt.filter), "%+v", tt.filter)
	}
	_, err = s.Backfills(ctx, storage.BackfillFilter{Cursor: "x"})
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = s.Backfills(ctx, storage.BackfillFilter{Statuses: []storage.BackfillStatus{"DONE"}})
	require.Error(t, err)
}

func backfillTransitions(t *testing.T, s storage.Store) {
	ctx := t.Context()
	require.ErrorIs(t, s.Submit(&storage.Batch{Backfill: &storage.BackfillChange{ID: "x", To: storage.BackfillCanceled}}).Wait(ctx), storage.ErrNotFound)
	for i, from := range storage.BackfillStatuses() {
		for k, to := range storage.BackfillStatuses() {
			id := fmt.Sprint("b", i, k)
			Submit(t, s, &storage.Batch{NewBackfill: &storage.Backfill{ID: id, Status: from, Created: at(0)}})
			err := s.Submit(&storage.Batch{Backfill: &storage.BackfillChange{ID: id, To: to, Time: at(1), Progress: &storage.BackfillProgress{Through: 1}}}).Wait(ctx)
			b, _, rerr := s.Backfill(ctx, id)
			require.NoError(t, rerr)
			if want := storage.BackfillTransition(from, to); want != nil {
				require.ErrorIs(t, err, storage.ErrTransition)
				assert.Equal(t, from, b.Status)
				assert.Zero(t, b.Progress.Through, "nothing of it was done")
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, to, b.Status)
			assert.Equal(t, to.Finished(), !b.Ended.IsZero())
		}
	}
}

func backfillRuns(t *testing.T, s storage.Store) {
	ctx := t.Context()
	Submit(t, s, &storage.Batch{NewBackfill: &storage.Backfill{ID: "a", Status: storage.BackfillRequested, Created: at(0)}})
	for i := range 6 {
		r := NewRun(fmt.Sprint("r", i))
		r.Tags = map[string]string{storage.TagBackfill: "a", "n": fmt.Sprint(i)}
		if i == 3 {
			r.Tags[storage.TagBackfill] = "b"
		}
		Submit(t, s, &storage.Batch{NewRun: r})
	}
	Submit(t, s, &storage.Batch{Finish: &storage.Run{ID: "r1", Status: storage.RunFailure, Cause: "no", Ended: at(9), Ran: 2}})
	show := func() string {
		_, runs, err := s.Backfill(ctx, "a")
		require.NoError(t, err)
		var out []string
		for _, r := range runs {
			assert.Equal(t, "r"+r.Tags["n"], r.ID)
			out = append(out, fmt.Sprintf("%d:%s:%s%s%d", r.Number, r.ID, r.Status, r.Cause, r.Ran))
		}
		return strings.Join(out, " ")
	}
	assert.Equal(t, "1:r0:STARTED0 2:r1:FAILUREno2 3:r2:STARTED0 5:r4:STARTED0 6:r5:STARTED0", show())
	Submit(t, s, &storage.Batch{Backfill: &storage.BackfillChange{ID: "a", Progress: &storage.BackfillProgress{Through: 3}, Time: at(1)}})
	assert.Equal(t, "5:r4:STARTED0 6:r5:STARTED0", show())

	// Progress that is written together with the end of a run is seen together with it.
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 50 {
			r := NewRun(fmt.Sprint("m", i))
			r.Tags, r.Status = map[string]string{storage.TagBackfill: "a"}, storage.RunSuccess
			assert.NoError(t, s.Submit(&storage.Batch{NewRun: r, Backfill: &storage.BackfillChange{ID: "a", Progress: &storage.BackfillProgress{Through: int64(6 + i)}, Time: at(2)}}).Wait(ctx))
		}
	})
	for range 50 {
		b, runs, err := s.Backfill(ctx, "a")
		require.NoError(t, err)
		if b.Progress.Through >= 6 {
			assert.Len(t, runs, 1, "the one that the progress came with")
		}
	}
	wg.Wait()
}
