package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestLaunch(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(5))
	cat := s.catalog(t)
	o := s.options()
	o.Tags = map[string]string{"team": "red"}
	state, err := Launch(ctx, cat, Request{Partitions: "2024-01-02...2024-01-04", Newest: true, Concurrent: 1, Title: "the middle"}, o)
	require.NoError(t, err)
	assert.Equal(t, "2024-01-04 2024-01-03 2024-01-02", s.take())
	assert.Equal(t, storage.BackfillCompletedSuccess, state.Status)
	assert.Equal(t, Counts{Total: 3, Done: 3}, state.Counts)
	assert.Equal(t, "*readings, *means", state.Selection, "what they are made from is part of it")
	assert.False(t, state.Ended.IsZero())

	runs, err := s.inst.Runs(ctx, storage.RunFilter{Tags: map[string][]string{storage.TagBackfill: {state.ID}}, Ascending: true})
	require.NoError(t, err)
	require.Len(t, runs, 3)
	assert.Equal(t, map[string]string{"team": "red", storage.TagBackfill: state.ID, plan.TagPartition: "2024-01-04"}, runs[0].Tags)

	// What is stored is found again without a run.
	again, err := Launch(ctx, cat, Request{Partitions: "*", Concurrent: 1}, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-01 2024-01-05", s.take())
	assert.Equal(t, Counts{Total: 5, Done: 2, Reused: 3}, again.Counts)
	assert.Equal(t, "2024-01-02...2024-01-04", again.Parts[0].Label(again.Parts[0].Reused))
	runs, err = s.inst.Runs(ctx, storage.RunFilter{Tags: map[string][]string{storage.TagBackfill: {again.ID}}})
	require.NoError(t, err)
	assert.Len(t, runs, 2)

	// Unless it is to be computed again.
	o = s.options()
	o.NoMemo = true
	forced, err := Launch(ctx, cat, Request{Select: "readings", Partitions: "2024-01-01", Concurrent: 1}, o)
	require.NoError(t, err)
	assert.Equal(t, "2024-01-01", s.take())
	assert.Equal(t, Counts{Total: 1, Done: 1}, forced.Counts)

	list, err := s.inst.Backfills(ctx, storage.BackfillFilter{Statuses: []storage.BackfillStatus{storage.BackfillCompletedSuccess}, Limit: 2})
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, forced.ID, list[0].ID)
	_, err = Resume{}.Run(ctx, cat, forced.ID, s.options())
	require.ErrorContains(t, err, "has ended: nothing is left to do")
	_, err = Resume{}.Run(ctx, cat, "01a20026-9dfe-721b-a60f-c377058567ba", s.options())
	require.ErrorIs(t, err, storage.ErrNotFound)
}

func TestFailuresStopNothingAndAreTriedAgain(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(4))
	cat := s.catalog(t)
	s.does(failing("2024-01-02", "2024-01-03"))
	var told []execute.Progress
	o := s.options()
	o.Observe = func(p execute.Progress) { told = append(told, p) }
	state, err := Launch(ctx, cat, Request{Partitions: "*", Concurrent: 1}, o)
	var failed *FailedError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, 1, execute.ExitCode(nil, err))
	assert.Equal(t, 2, failed.Failed)
	assert.Equal(t, "2024-01-02...2024-01-03", failed.Partitions)
	require.Len(t, failed.Failures, 2)
	require.ErrorIs(t, failed.Failures[0].Err, errBroken)
	assert.Equal(t, storage.BackfillCompletedFailed, state.Status)
	assert.Equal(t, Counts{Total: 4, Done: 2, Failed: 2}, state.Counts)
	assert.Equal(t, "2024-01-01 2024-01-02 2024-01-03 2024-01-04", s.take())
	assert.Equal(t, execute.ProgressPlanned, told[0].Kind)
	last := told[len(told)-1]
	assert.Equal(t, []int{4, 2, 2, 0}, []int{last.Total, last.Ran, last.Failed, last.Running})

	_, err = Resume{}.Run(ctx, cat, state.ID, s.options())
	require.ErrorContains(t, err, "2 of its partitions failed; --failed tries these again")

	s.does(failing("2024-01-03"))
	state, err = Resume{Failed: true}.Run(ctx, cat, state.ID, s.options())
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "2024-01-02 2024-01-03", s.sorted())
	assert.Equal(t, Counts{Total: 4, Done: 3, Failed: 1}, state.Counts)

	// Somebody else does it again: that is known, and there is nothing more to do.
	s.does(nil)
	rows, err := s.inst.Runs(ctx, storage.RunFilter{Statuses: []storage.RunStatus{storage.RunFailure}, Limit: 1})
	require.NoError(t, err)
	_, err = execute.Rerun{}.Run(ctx, cat, rows[0].ID, s.options())
	require.NoError(t, err)
	state, err = Look(ctx, cat, s.inst, state.ID)
	require.NoError(t, err)
	assert.Equal(t, Counts{Total: 4, Done: 4}, state.Counts)
	_, err = Resume{Failed: true}.Run(ctx, cat, state.ID, s.options())
	require.ErrorContains(t, err, "nothing is left to do")
}

func TestStoppedAndGoneOnWith(t *testing.T) {
	s := newShop(t, days(6))
	cat := s.catalog(t)
	ctx, stop := context.WithCancel(t.Context())
	s.does(func(ctx context.Context, key string) error {
		if key == "2024-01-03" {
			stop()
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	state, err := Launch(ctx, cat, Request{Partitions: "*", Concurrent: 1, Title: "x"}, s.options())
	var stopped *StoppedError
	require.ErrorAs(t, err, &stopped)
	assert.Equal(t, 4, stopped.Left)
	assert.Equal(t, 130, execute.ExitCode(nil, err))
	assert.Equal(t, storage.BackfillRequested, state.Status)
	state, err = Look(t.Context(), cat, s.inst, state.ID)
	require.NoError(t, err)
	assert.True(t, state.Interrupted())
	assert.Equal(t, Counts{Total: 6, Done: 2, Left: 4}, state.Counts)
	assert.Equal(t, "2024-01-01 2024-01-02 2024-01-03", s.take())

	s.does(nil)
	state, err = Resume{}.Run(t.Context(), cat, state.ID, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-03 2024-01-04 2024-01-05 2024-01-06", s.sorted())
	assert.Equal(t, Counts{Total: 6, Done: 6}, state.Counts)
}

func TestCancelFromElsewhere(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(6))
	cat := s.catalog(t)
	begun := make(chan struct{})
	s.does(func(ctx context.Context, key string) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	})
	other, err := instance.Open(ctx, s.inst.Dir(), instance.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	var wg sync.WaitGroup
	var state *State
	var launched error
	wg.Go(func() { state, launched = Launch(ctx, cat, Request{Partitions: "*", Concurrent: 1}, s.options()) })
	<-begun
	list, err := other.Backfills(ctx, storage.BackfillFilter{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	id := list[0].ID
	seen, err := Look(ctx, cat, other, id)
	require.NoError(t, err)
	assert.True(t, seen.Live)
	assert.Equal(t, Counts{Total: 6, Running: 1, Left: 5}, seen.Counts)
	_, err = Resume{}.Run(ctx, cat, id, execute.Options{Instance: other})
	require.ErrorIs(t, err, ErrBusy)
	status, err := other.CancelBackfill(ctx, id, "enough")
	require.NoError(t, err)
	assert.Equal(t, storage.BackfillCanceling, status)
	wg.Wait()
	var stopped *StoppedError
	require.ErrorAs(t, launched, &stopped)
	require.ErrorIs(t, launched, ErrCanceled)
	assert.Equal(t, storage.BackfillCanceled, state.Status)
	runs, err := other.Runs(ctx, storage.RunFilter{Tags: map[string][]string{storage.TagBackfill: {id}}})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, storage.RunCanceled, runs[0].Status)
	_, err = other.CancelBackfill(ctx, id, "enough")
	require.ErrorIs(t, err, storage.ErrFinished)

	s.does(nil)
	s.take()
	state, err = Resume{}.Run(ctx, cat, id, s.options())
	require.NoError(t, err)
	assert.Equal(t, Counts{Total: 6, Done: 6}, state.Counts)
}

// A backfill that nobody works on is canceled at once, also where who was asked to cancel it has died over it.
func TestCancelOfNobodys(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(3))
	cat := s.catalog(t)
	id, err := Create(ctx, cat, Request{Partitions: "*"}, s.options())
	require.NoError(t, err)
	require.NoError(t, s.inst.Store().Submit(&storage.Batch{Backfill: &storage.BackfillChange{ID: id, To: storage.BackfillCanceling, Time: time.Now()}}).Wait(ctx))
	state, err := Look(ctx, cat, s.inst, id)
	require.NoError(t, err)
	assert.Equal(t, storage.BackfillCanceled, state.Status)
	for _, tt := range []struct {
		status storage.BackfillStatus
		want   int
	}{{storage.BackfillCanceled, 1}, {storage.BackfillCanceling, 0}} {
		list, err := s.inst.Backfills(ctx, storage.BackfillFilter{Statuses: []storage.BackfillStatus{tt.status}})
		require.NoError(t, err)
		assert.Len(t, list, tt.want, string(tt.status))
	}
	status, err := s.inst.CancelBackfill(ctx, id, "x")
	require.NoError(t, err)
	assert.Equal(t, storage.BackfillCanceled, status)
	_, err = Resume{}.Run(ctx, cat, id, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-01 2024-01-02 2024-01-03", s.sorted())
}

func TestChangedDefinitions(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(4))
	s.does(failing("2024-01-02"))
	state, err := Launch(ctx, s.catalog(t), Request{Partitions: "*", Concurrent: 1}, s.options())
	require.Error(t, err)
	for _, other := range []*partition.Definition{nil, partition.Static("a", "b"), partition.Daily("2023-12-31", partition.Until("2024-01-05")), days(3)} {
		s.days = other
		var changed *ChangedError
		seen, err := Look(ctx, s.catalog(t), s.inst, state.ID)
		require.NoError(t, err)
		require.ErrorAs(t, seen.Changed, &changed, "%v", other)
		assert.Equal(t, Counts{Total: 4, Done: 3, Failed: 1}, seen.Counts, "as it was stored last")
		_, err = Resume{Failed: true}.Run(ctx, s.catalog(t), state.ID, s.options())
		require.ErrorAs(t, err, &changed)
		assert.ErrorContains(t, err, "is of other partitions (daily from 2024-01-01")
		assert.ErrorContains(t, err, "nothing is lost")
	}
	s.days = days(9) // time goes on
	s.does(nil)
	s.take()
	state, err = Resume{Failed: true}.Run(ctx, s.catalog(t), state.ID, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-02", s.take())
	assert.Equal(t, Counts{Total: 4, Done: 4}, state.Counts)
}

// Keys that are added to a dynamic definition change nothing of a backfill that is open; one that is taken away does.
func TestDynamicPartitions(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, partition.Dynamic("shops"))
	cat := s.catalog(t)
	_, err := Create(ctx, cat, Request{Partitions: "*"}, s.options())
	require.ErrorContains(t, err, "there is none yet")
	require.NoError(t, s.inst.AddDynamicPartitions(ctx, "shops", "oslo", "rome"))
	id, err := Create(ctx, cat, Request{Partitions: "*"}, s.options())
	require.NoError(t, err)
	require.NoError(t, s.inst.AddDynamicPartitions(ctx, "shops", "paris"))
	state, err := Resume{}.Run(ctx, cat, id, s.options())
	require.NoError(t, err)
	assert.Equal(t, Counts{Total: 2, Done: 2}, state.Counts)
	assert.Equal(t, "oslo rome", s.sorted())
	require.NoError(t, s.inst.DeleteDynamicPartition(ctx, "shops", "oslo"))
	state, err = Look(ctx, cat, s.inst, id)
	require.NoError(t, err)
	require.ErrorIs(t, state.Changed, partition.ErrOtherKeys)
}

func TestRefusedRequests(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(4))
	cat := s.catalog(t)
	tagged := s.options()
	tagged.Tags = map[string]string{plan.TagPartition: "2024-01-01"}
	odd := s.options()
	odd.Tags = map[string]string{memoTag: "maybe"}
	executor := s.options()
	executor.Executor = "quick"
	for _, tt := range []struct {
		r    Request
		o    execute.Options
		want string
	}{
		{Request{Partitions: "2024-01-09"}, s.options(), `no partition "2024-01-09"`},
		{Request{Select: "base", Partitions: "*"}, s.options(), "nothing that is selected has partitions"},
		{Request{Select: "bass", Partitions: "*"}, s.options(), "base"},
		{Request{Partitions: "*", PerRun: -2}, s.options(), "-2 partitions of each run"},
		{Request{Partitions: "*", Concurrent: -1}, s.options(), "-1 runs at once"},
		{Request{Partitions: "*"}, tagged, "the tag dagster/partition is the backfill's own"},
		{Request{Partitions: "*"}, odd, `must be exactly "true" or "false"`},
		{Request{Partitions: "*"}, executor, `no executor "quick"`},
		{Request{Partitions: "*"}, execute.Options{}, "needs an instance"},
	} {
		state, err := Launch(ctx, cat, tt.r, tt.o)
		require.ErrorContains(t, err, tt.want)
		assert.Equal(t, 2, execute.ExitCode(nil, err))
		assert.Nil(t, state)
	}
	list, err := s.inst.Backfills(ctx, storage.BackfillFilter{})
	require.NoError(t, err)
	assert.Empty(t, list, "nothing was stored")
}

// One run that somebody cancels is a failure of the backfill, which goes on.
func TestCanceledRun(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(3))
	cat := s.catalog(t)
	s.does(func(ctx context.Context, key string) error {
		if key != "2024-01-02" {
			return nil
		}
		runs, err := s.inst.Runs(ctx, storage.RunFilter{Statuses: []storage.RunStatus{storage.RunStarted}})
		if err != nil || len(runs) != 1 {
			return errors.Join(err, fmt.Errorf("%d runs", len(runs)))
		}
		if _, err := s.inst.CancelRun(ctx, runs[0].ID, "not this one"); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	state, err := Launch(ctx, cat, Request{Partitions: "*", Concurrent: 1}, s.options())
	var failed *FailedError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "2024-01-02", failed.Partitions)
	assert.Equal(t, Counts{Total: 3, Done: 2, Failed: 1}, state.Counts)
}

// Changed code makes partitions to be computed again; what is the same again is found by its version.
func TestChangedCode(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(2))
	_, err := Launch(ctx, s.catalog(t), Request{Partitions: "*", Concurrent: 1}, s.options())
	require.NoError(t, err)
	s.code = "edited"
	state, err := Launch(ctx, s.catalog(t), Request{Partitions: "*", Concurrent: 1}, s.options())
	require.NoError(t, err)
	assert.Equal(t, Counts{Total: 2, Done: 2}, state.Counts)
	s.code = ""
	s.take()
	state, err = Launch(ctx, s.catalog(t), Request{Partitions: "*", Concurrent: 1}, s.options())
	require.NoError(t, err)
	assert.Empty(t, s.take(), "the code is as it was")
	assert.Equal(t, Counts{Total: 2, Reused: 2}, state.Counts, "in a run that remembers which record counts")
	runs, err := s.inst.Runs(ctx, storage.RunFilter{Tags: map[string][]string{storage.TagBackfill: {state.ID}}})
	require.NoError(t, err)
	assert.Len(t, runs, 2)
}

// With several partitions in a run, those fail that a step failed of, and just these are tried again.
func TestSeveralInARun(t *testing.T) {
	ctx := t.Context()
	for _, tt := range []struct{ perRun, runs int }{{3, 3}, {AllInOne, 1}, {100, 1}} {
		s := newShop(t, days(8))
		cat := s.catalog(t)
		s.does(failing("2024-01-02", "2024-01-07"))
		var last execute.Progress
		o := s.options()
		o.Observe = func(p execute.Progress) { last = p }
		state, err := Launch(ctx, cat, Request{Partitions: "*", PerRun: tt.perRun, Concurrent: 1}, o)
		var failed *FailedError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "2024-01-02, 2024-01-07", failed.Partitions)
		assert.Equal(t, Counts{Total: 8, Done: 6, Failed: 2}, state.Counts)
		assert.Equal(t, []int{6, 2}, []int{last.Ran, last.Failed})
		runs, err := s.inst.Runs(ctx, storage.RunFilter{Tags: map[string][]string{storage.TagBackfill: {state.ID}}})
		require.NoError(t, err)
		assert.Len(t, runs, tt.runs)
		s.take()
		s.does(nil)
		state, err = Resume{Failed: true}.Run(ctx, cat, state.ID, s.options())
		require.NoError(t, err)
		assert.Equal(t, "2024-01-02 2024-01-07", s.sorted())
		assert.Equal(t, Counts{Total: 8, Done: 8}, state.Counts)
	}
}

// Keys that a selection would take for something else are found again.
func TestOddKeys(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, partition.Static("a,b", "*", "[x]", "plain", `"q"`))
	state, err := Launch(ctx, s.catalog(t), Request{Partitions: "*", Concurrent: 1, Newest: true}, s.options())
	require.NoError(t, err)
	assert.Equal(t, `"q" plain [x] * a,b`, s.take())
	assert.Equal(t, Counts{Total: 5, Done: 5}, state.Counts)
}

// A backfill of a million partitions is as small as the ranges that they are made of, to make and to look at.
func TestAMillion(t *testing.T) {
	ctx := t.Context()
	for _, d := range []*partition.Definition{
		partition.Multi(partition.Dim("a", partition.Static(keys(1000)...)), partition.Dim("b", partition.Static(keys(1000)...))),
		partition.Hourly("1900-01-01", partition.Until("2015-01-01")),
	} {
		s := newShop(t, d)
		cat := s.catalog(t)
		began := time.Now()
		id, err := Create(ctx, cat, Request{Partitions: "*", Newest: true}, s.options())
		require.NoError(t, err)
		created := time.Since(began)
		began = time.Now()
		state, err := Look(ctx, cat, s.inst, id)
		require.NoError(t, err)
		t.Logf("%d partitions in %d bytes: created in %s, looked at in %s", state.Counts.Total, len(state.Partitions), created, time.Since(began))
		assert.GreaterOrEqual(t, state.Counts.Left, 1_000_000)
		assert.Less(t, len(state.Partitions), 300)

		// It begins at once, and stops where it is.
		inner, stop := context.WithCancel(ctx)
		s.does(func(context.Context, string) error { stop(); return nil })
		began = time.Now()
		state, err = Resume{}.Run(inner, cat, id, s.options())
		require.ErrorIs(t, err, context.Canceled)
		t.Logf("the first of them done in %s", time.Since(began))
		assert.Equal(t, state.Counts.Total-state.Counts.Done, state.Counts.Left)
	}
}

// What a backfill has come to stays known when its runs are deleted.
func TestDeletedRuns(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(3))
	cat := s.catalog(t)
	s.does(failing("2024-01-02"))
	state, err := Launch(ctx, cat, Request{Partitions: "*"}, s.options())
	require.Error(t, err)
	runs, err := s.inst.Runs(ctx, storage.RunFilter{Tags: map[string][]string{storage.TagBackfill: {state.ID}}})
	require.NoError(t, err)
	for _, r := range runs {
		require.NoError(t, s.inst.DeleteRuns(ctx, r.ID))
	}
	state, err = Look(ctx, cat, s.inst, state.ID)
	require.NoError(t, err)
	assert.Equal(t, Counts{Total: 3, Done: 2, Failed: 1}, state.Counts)
}

// A store that fails ends the work and says so; what is left can be gone on with.
func TestStoreFails(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(4))
	cat := s.catalog(t)
	inst, err := instance.Open(ctx, s.inst.Dir(), instance.Options{Wrap: func(inner storage.Store) storage.Store { return &breaking{Store: inner, after: 2} }})
	require.NoError(t, err)
	_, err = Launch(ctx, cat, Request{Partitions: "*", Concurrent: 1}, execute.Options{Instance: inst})
	require.ErrorIs(t, err, storage.ErrFull)
	assert.Equal(t, 74, execute.ExitCode(nil, err))
	require.NoError(t, inst.Close())
	list, err := s.inst.Backfills(ctx, storage.BackfillFilter{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	s.take()
	state, err := Resume{}.Run(ctx, cat, list[0].ID, s.options())
	require.NoError(t, err)
	assert.Equal(t, Counts{Total: 4, Done: 4}, state.Counts)
	assert.Equal(t, "2024-01-03 2024-01-04", s.sorted())
}

// breaking is a store that is full once some runs have ended.
type breaking struct {
	storage.Store

	mu    sync.Mutex
	after int
}

func (b *breaking) Submit(batch *storage.Batch) storage.Ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.after == 0 {
		return full{}
	}
	if batch.Finish != nil {
		b.after--
	}
	return b.Store.Submit(batch)
}

type full struct{}

func (full) Wait(context.Context) error { return fmt.Errorf("x: %w", storage.ErrFull) }
