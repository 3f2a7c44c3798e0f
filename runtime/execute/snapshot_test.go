package execute

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A forgetfulStore loses a run, and its job snapshot with it, right after it has said that the snapshot is there.
type forgetfulStore struct {
	storage.Store
	lose string // id of the run; empty for none
}

func (f *forgetfulStore) Snapshot(ctx context.Context, d canon.Digest) ([]byte, error) {
	data, err := f.Store.Snapshot(ctx, d)
	if id := f.lose; id != "" && err == nil {
		f.lose = ""
		err = f.Store.Submit(&storage.Batch{Delete: []string{id}}).Wait(ctx)
	}
	return data, err
}

func TestSnapshotThatGoesWhileARunBegins(t *testing.T) {
	ctx := t.Context()
	s := newShop(t)
	s.asset("a", nil, add(1))
	store := &forgetfulStore{}
	inst, err := instance.Open(ctx, t.TempDir(), instance.Options{Wrap: func(s storage.Store) storage.Store {
		store.Store = s
		return store
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close()) })
	first, err := Run(ctx, s.catalog(), "", Options{Instance: inst})
	require.NoError(t, err)
	store.lose = first.RunID
	second, err := Run(ctx, s.catalog(), "", Options{Instance: inst})
	require.NoError(t, err)
	require.Empty(t, store.lose, "it was not asked for: nothing is proven")
	_, err = inst.Run(ctx, first.RunID)
	require.ErrorIs(t, err, storage.ErrNotFound)
	row, err := inst.Run(ctx, second.RunID)
	require.NoError(t, err)
	looks, err := SnapshotOf(ctx, inst, row)
	require.NoError(t, err)
	assert.Len(t, looks.Steps, 1)
	events, err := second.Events(ctx)
	require.NoError(t, err)
	require.Equal(t, storage.EventRunStart, events[0].Type)
	assert.Equal(t, 1, count(eventTypes(t, second, ""), storage.EventRunStart), "what was sent twice is there once")
}

func TestJobSnapshots(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	w.source("s", func() (any, error) { return nil, nil })
	a := w.asset("a", nil, func([]int) int { return 2 })
	a.Deps, a.Group, a.Description = []string{"s"}, "in", "A is two."
	w.asset("b", []string{"a"}, add(1))
	first, second := w.ok(""), w.ok("")
	row, err := w.inst.Run(ctx, first.RunID)
	require.NoError(t, err)
	again, err := w.inst.Run(ctx, second.RunID)
	require.NoError(t, err)
	require.False(t, row.Snapshot.IsZero())
	assert.Equal(t, row.Snapshot, again.Snapshot, "one for all runs that have it")

	// The code changes, and goes.
	a.Description = "A is still two."
	w.asset("c", []string{"b"}, add(1))
	third := w.ok("")
	row3, err := w.inst.Run(ctx, third.RunID)
	require.NoError(t, err)
	assert.NotEqual(t, row.Snapshot, row3.Snapshot)
	s, err := SnapshotOf(ctx, w.inst, row)
	require.NoError(t, err)
	var keys []string
	for _, step := range s.Steps {
		keys = append(keys, step.Key)
	}
	assert.Equal(t, []string{"s", "a", "b"}, keys)
	assert.Equal(t, "A is two.", s.Steps[1].Description)
	assert.Equal(t, []string{"s"}, s.Steps[1].From)
	assert.Equal(t, "in", s.Steps[1].Group)
	assert.Equal(t, "source", s.Steps[0].Kind)
	assert.Contains(t, s.Steps[1].Code, "sha256:")
	assert.Equal(t, []string{"a"}, s.Steps[2].From)
	var schema map[string]any
	require.NoError(t, json.Unmarshal(s.Config, &schema))
	assert.Contains(t, schema, "$schema")
	now, d, err := Snapshot(w.catalog(), "")
	require.NoError(t, err)
	assert.Equal(t, row3.Snapshot, d)
	assert.Len(t, now.Steps, 4)

	list, err := w.inst.Runs(ctx, storage.RunFilter{Snapshot: row.Snapshot})
	require.NoError(t, err)
	assert.Len(t, list, 2)
	require.NoError(t, w.inst.DeleteRuns(ctx, first.RunID))
	_, err = SnapshotOf(ctx, w.inst, row)
	require.NoError(t, err, "another run has it")
	require.NoError(t, w.inst.DeleteRuns(ctx, second.RunID))
	_, err = SnapshotOf(ctx, w.inst, row)
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = SnapshotOf(ctx, w.inst, &storage.Run{ID: "old"})
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, _, err = Snapshot(w.catalog(), "nowhere")
	require.Error(t, err)
}
