package instance

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestCancelRun(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) *Instance{
		"persistent": func(t *testing.T) *Instance { return openTest(t, t.TempDir()) },
		"ephemeral": func(t *testing.T) *Instance {
			i := Ephemeral()
			t.Cleanup(func() { require.NoError(t, i.Close()) })
			return i
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			i := open(t)
			running, waiting := newID(), newID()
			unlock, err := i.LockRun(running)
			require.NoError(t, err)
			defer unlock()
			queued := newRun(waiting)
			queued.Status, queued.Created, queued.Started = storage.RunQueued, queued.Started, time.Time{}
			submit(t, i, &storage.Batch{NewRun: newRun(running)})
			submit(t, i, &storage.Batch{NewRun: queued})

			for range 2 {
				status, err := i.CancelRun(ctx, running, "asked by a test")
				require.NoError(t, err)
				assert.Equal(t, storage.RunCanceling, status)
			}
			status, err := i.CancelRun(ctx, waiting, "asked by a test")
			require.NoError(t, err)
			assert.Equal(t, storage.RunCanceled, status)
			_, err = i.CancelRun(ctx, waiting, "again")
			require.ErrorIs(t, err, storage.ErrFinished)
			_, err = i.CancelRun(ctx, newID(), "x")
			require.ErrorIs(t, err, storage.ErrNotFound)

			page, err := i.RunStatusChanges(ctx, storage.EventFilter{Ascending: true})
			require.NoError(t, err)
			var types []storage.EventType
			for _, e := range page.Records {
				types = append(types, e.Type)
			}
			assert.Equal(t, []storage.EventType{storage.EventRunCanceling, storage.EventRunCanceling, storage.EventRunCanceled}, types)
			_, err = i.RunStatusChanges(ctx, storage.EventFilter{Types: []storage.EventType{storage.EventLog}})
			require.Error(t, err)
			events, err := i.Events(ctx, waiting, 1, 0)
			require.NoError(t, err)
			assert.Len(t, events, 1)
			all, err := i.EventRecords(ctx, storage.EventFilter{RunID: running})
			require.NoError(t, err)
			assert.Len(t, all.Records, 1)
		})
	}
}

func TestDeleteRuns(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	i := openTest(t, dir)
	alive, dead, finished := newID(), newID(), newID()
	unlock, err := i.LockRun(alive)
	require.NoError(t, err)
	for _, id := range []string{alive, dead, finished} {
		submit(t, i, &storage.Batch{NewRun: newRun(id)})
	}
	end := newRun(finished)
	end.Status = storage.RunSuccess
	submit(t, i, &storage.Batch{Finish: end})

	require.ErrorIs(t, i.DeleteRuns(ctx, finished, alive), storage.ErrUnfinished)
	_, err = i.Run(ctx, finished)
	require.NoError(t, err, "all or none")
	require.ErrorIs(t, i.DeleteRuns(ctx, newID()), storage.ErrNotFound)
	require.NoError(t, i.DeleteRuns(ctx, finished, dead), "one whose process died has ended")
	runs, err := i.Runs(ctx, storage.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, alive, runs[0].ID)
	unlock()

	r, err := OpenReadOnly(ctx, dir)
	require.NoError(t, err)
	require.ErrorIs(t, r.DeleteRuns(ctx, alive), storage.ErrReadOnly)
	_, err = r.CancelRun(ctx, alive, "x")
	require.ErrorIs(t, err, storage.ErrReadOnly)
	require.NoError(t, r.Close())
}

// A run waits for nobody who executes it while it is queued: that it has no lock does not make it dead.
func TestAQueuedRunIsNotDead(t *testing.T) {
	i := openTest(t, t.TempDir())
	for _, status := range storage.RunStatuses() {
		r := newRun(newID())
		r.Status = status
		submit(t, i, &storage.Batch{NewRun: r})
	}
	reaped, err := i.ReapDeadRuns(t.Context())
	require.NoError(t, err)
	assert.Len(t, reaped, 3)
	for _, status := range []storage.RunStatus{storage.RunNotStarted, storage.RunQueued} {
		list, err := i.Runs(t.Context(), storage.RunFilter{Statuses: []storage.RunStatus{status}})
		require.NoError(t, err)
		assert.Len(t, list, 1)
	}
}
