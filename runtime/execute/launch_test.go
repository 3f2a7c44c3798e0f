package execute

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// aLauncher is a launcher of a user's.
type aLauncher struct {
	seen *SubmittedRun
	row  *storage.Run
	err  error
}

func (l *aLauncher) LaunchRun(ctx context.Context, r *SubmittedRun) (err error) {
	l.seen = r
	if l.row, err = r.Instance.Run(ctx, r.RunID); err != nil {
		return err
	}
	return l.err
}

// aQueue is a coordinator that launches nothing yet.
type aQueue struct{ runs []*SubmittedRun }

func (q *aQueue) SubmitRun(_ context.Context, r *SubmittedRun) error {
	q.runs = append(q.runs, r)
	return nil
}

func TestLaunchersAndCoordinators(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	w.asset("a", nil, func([]int) int { return 1 })
	o := w.options()
	o.Tags = map[string]string{"team": "red"}

	l := &aLauncher{}
	id, err := Submit(ctx, w.catalog(), "", o, StartAtOnce{Launcher: l})
	require.NoError(t, err)
	assert.Equal(t, id, l.seen.RunID)
	assert.Equal(t, o.Tags, l.seen.Tags)
	assert.Equal(t, storage.RunStarting, l.row.Status, "and its lock is held: it does not read as dead")
	row, err := w.inst.Run(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, storage.RunFailure, row.Status, "this launcher has kept the lock for nobody")
	assert.Equal(t, instance.CauseCrashed, row.Cause)

	l = &aLauncher{err: errors.New("no machine is free\nreally")}
	_, err = Submit(ctx, w.catalog(), "", o, StartAtOnce{Launcher: l})
	require.ErrorIs(t, err, l.err)
	row, err = w.inst.Run(ctx, l.seen.RunID)
	require.NoError(t, err)
	assert.Equal(t, storage.RunFailure, row.Status)
	assert.Equal(t, "no machine is free", row.Cause)
	events, err := w.inst.Events(ctx, row.ID, 0, 0)
	require.NoError(t, err)
	checkPayloads(t, events)
	require.Len(t, events, 2)
	assert.Equal(t, storage.EventRunStarting, events[0].Type)
	assert.Equal(t, storage.EventRunFailure, events[1].Type)

	q := &aQueue{}
	id, err = Submit(ctx, w.catalog(), "", o, q)
	require.NoError(t, err)
	row, err = w.inst.Run(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, storage.RunNotStarted, row.Status, "a queue may let it wait as long as it likes")
	status, err := w.inst.CancelRun(ctx, id, "x")
	require.NoError(t, err)
	assert.Equal(t, storage.RunCanceled, status)
	require.ErrorIs(t, q.runs[0].Launch(ctx, l), storage.ErrFinished)
}

func TestSubmitRefuses(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t)
	w.asset("a", nil, func([]int) int { return 1 })
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"memory":    {func(o *Options) { o.Instance = instance.Ephemeral() }, "needs an instance in a folder"},
		"nothing":   {func(o *Options) { o.Instance = nil }, "needs an instance in a folder"},
		"resources": {func(o *Options) { o.Resources = map[string]any{"a": 1} }, "cannot go to another process"},
		"inputs":    {func(o *Options) { o.Inputs = map[string]any{"a": 1} }, "cannot go to another process"},
		"selection": {func(o *Options) { o.Select = "nowhere" }, `no asset "nowhere"`},
		"id":        {func(o *Options) { o.RunID = "x" }, "is not a UUID"},
		"parent":    {func(o *Options) { o.Parent = "0190163d-8694-739b-aea5-966c26f8ad90" }, "is not there"},
	} {
		o := w.options()
		tt.change(&o)
		_, err := Submit(ctx, w.catalog(), "", o, &aQueue{})
		require.ErrorContains(t, err, tt.want, name)
	}
	runs, err := w.inst.Runs(ctx, storage.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs)

	// The default launcher starts this program again, which serves other definitions than these.
	t.Setenv("SUSPECT_JOB", "1")
	_, err = Submit(ctx, w.catalog(), "", w.options(), nil)
	require.ErrorContains(t, err, "has other definitions")
	runs, err = w.inst.Runs(ctx, storage.RunFilter{})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, storage.RunFailure, runs[0].Status)
	assert.Contains(t, runs[0].Cause, "refused: a child process has other definitions")
}
