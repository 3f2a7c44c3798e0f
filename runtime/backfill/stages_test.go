package backfill

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// calendar is a catalog with weekly, made of the days of readings, and index, of the week of each day. What they do is what readings does, with their name before the key.
func (s *shop) calendar(t *testing.T, more ...*dag.Op) *plan.Catalog {
	as := func(name string) func(context.Context, string) error {
		return func(ctx context.Context, key string) error { return s.read(ctx, name+":"+key) }
	}
	weeks := partition.Weekly("2023-12-31", partition.Until("2024-01-14"))
	total := asset("total", nil, as("total"), "*weekly")
	return s.definitions(t, append([]*dag.Op{asset("weekly", weeks, as("weekly"), "*readings"), asset("index", s.days, as("index"), "weekly", "readings"), total}, more...))
}

const week = "2023-12-31 2024-01-01 2024-01-02 2024-01-03 2024-01-04 2024-01-05 2024-01-06"

func TestSeveralDefinitions(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, partition.Daily("2023-12-31", partition.Until("2024-01-14")))
	cat := s.calendar(t)
	r := Request{Select: "readings, weekly, index, base", Partitions: "2024-01-02...2024-01-03", Concurrent: 1}
	state, err := Launch(ctx, cat, r, s.options())
	require.NoError(t, err)
	assert.Equal(t, week+" weekly:2023-12-31 index:2024-01-02 index:2024-01-03", s.take(),
		"the week of the days, all days that it is made from, and then of the days that were asked for what is made from the week")
	assert.Equal(t, Counts{Total: 10, Done: 10}, state.Counts)
	require.Len(t, state.Parts, 3)
	assert.Equal(t, "daily from 2023-12-31; weekly from 2023-12-31", state.Definition)
	assert.Equal(t, "weekly[2023-12-31]", state.Parts[1].Label(state.Parts[1].Done))
	assert.Equal(t, "weekly", state.Parts[1].Selection)
	runs, err := s.inst.Runs(ctx, storage.RunFilter{Tags: map[string][]string{storage.TagBackfillPart: {"2"}}})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	assert.Equal(t, map[string]string{storage.TagBackfill: state.ID, storage.TagBackfillPart: "2", plan.TagPartition: "2023-12-31"}, runs[0].Tags)
	assert.Equal(t, "weekly", runs[0].Selection)

	// What is stored needs no run, of no definition.
	state, err = Launch(ctx, cat, r, s.options())
	require.NoError(t, err)
	assert.Empty(t, s.take())
	assert.Equal(t, Counts{Total: 10, Reused: 10}, state.Counts)

	// All of all of them, those of a run together.
	r.Partitions, r.PerRun = "*", AllInOne
	state, err = Launch(ctx, cat, r, s.options())
	require.NoError(t, err)
	assert.Equal(t, 14+2+14, state.Counts.Total)
	assert.Equal(t, 0, state.Counts.Failed)
}

func TestWhatIsMadeFromWhatFailedIsNotTried(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, partition.Daily("2023-12-31", partition.Until("2024-01-14")))
	cat := s.calendar(t)
	s.does(failing("2024-01-02"))
	state, err := Launch(ctx, cat, Request{Select: "base, readings, weekly", Partitions: "*", Concurrent: 1}, s.options())
	var failed *FailedError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "readings[2024-01-02], weekly[2023-12-31]", failed.Partitions)
	assert.Equal(t, 2, failed.Failed)
	require.ErrorIs(t, failed.Failures[1].Err, errLost)
	assert.NotContains(t, s.take(), "weekly:2023-12-31")
	assert.Equal(t, Counts{Total: 16, Done: 14, Failed: 2}, state.Counts)
	assert.Equal(t, storage.BackfillCompletedFailed, state.Status)

	_, err = Resume{}.Run(ctx, cat, state.ID, s.options())
	require.ErrorContains(t, err, "2 of its partitions failed; --failed tries these again")
	_, err = Resume{Failed: true}.Run(ctx, cat, state.ID, s.options())
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "2024-01-02", s.take(), "still")
	s.does(nil)
	state, err = Resume{Failed: true}.Run(ctx, cat, state.ID, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-02 weekly:2023-12-31", s.take())
	assert.Equal(t, Counts{Total: 16, Done: 16}, state.Counts)
}

func TestSeveralDefinitionsStoppedAndGoneOnWith(t *testing.T) {
	s := newShop(t, partition.Daily("2023-12-31", partition.Until("2024-01-14")))
	cat := s.calendar(t)
	ctx, stop := context.WithCancel(t.Context())
	s.does(func(ctx context.Context, key string) error {
		if key == "weekly:2023-12-31" {
			stop()
			<-ctx.Done()
		}
		return ctx.Err()
	})
	state, err := Launch(ctx, cat, Request{Select: "base, readings, weekly", Partitions: "*", Concurrent: 1}, s.options())
	var stopped *StoppedError
	require.ErrorAs(t, err, &stopped)
	assert.Equal(t, 2, stopped.Left)
	s.does(nil)
	s.take()
	state, err = Resume{}.Run(t.Context(), cat, state.ID, s.options())
	require.NoError(t, err)
	assert.Equal(t, "weekly:2023-12-31 weekly:2024-01-07", s.take())
	assert.Equal(t, Counts{Total: 16, Done: 16}, state.Counts)

	// Assets that stand in another order now are other assets.
	state, err = Look(t.Context(), s.catalog(t), s.inst, state.ID)
	require.NoError(t, err)
	require.Error(t, state.Changed)
	assert.Nil(t, state.Parts)
	assert.Equal(t, 16, state.Counts.Done)
}

// Who stops it before the last definition stops it as anywhere else.
func TestStoppedBeforeTheLastDefinition(t *testing.T) {
	s := newShop(t, partition.Daily("2023-12-31", partition.Until("2024-01-14")))
	cat := s.calendar(t)
	ctx, stop := context.WithCancel(t.Context())
	s.does(func(ctx context.Context, key string) error {
		if key == "2024-01-13" {
			stop()
		}
		return nil
	})
	var skipped int
	o := s.options()
	o.Observe = func(p execute.Progress) { skipped = p.Failed }
	state, err := Launch(ctx, cat, Request{Select: "base, readings, weekly", Partitions: "*", Concurrent: 1}, o)
	var stopped *StoppedError
	require.ErrorAs(t, err, &stopped)
	require.ErrorIs(t, stopped.Cause, context.Canceled)
	assert.Zero(t, skipped)
	assert.Equal(t, storage.BackfillRequested, state.Status)
	assert.NotContains(t, s.take(), "weekly")
}

// What is found up to date between two definitions is saved while the backfill is saved from time to time.
func TestSavedByTwoAtOnce(t *testing.T) {
	ctx := t.Context()
	shop := newShop(t, days(4))
	cat := shop.catalog(t)
	state, err := Launch(ctx, cat, Request{Partitions: "2024-01-01", Concurrent: 1}, shop.options())
	require.NoError(t, err)
	s := &session{cat: cat, id: state.ID, o: shop.options()}
	for range 20 {
		s.reused = append(s.reused, found{0, state.Parts[0].Chosen})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { assert.NoError(t, s.save(ctx, nil)) })
		}
		wg.Wait()
		assert.Empty(t, s.reused)
	}
}

func TestStaleOfSeveralDefinitions(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, partition.Daily("2023-12-31", partition.Until("2024-01-14")))
	r := Request{Select: "base, readings, weekly", Partitions: "2023-12-31", Concurrent: 1}
	_, err := Launch(ctx, s.calendar(t), r, s.options())
	require.NoError(t, err)
	s.take()
	r.Partitions, r.Missing = "*", true
	_, err = Launch(ctx, s.calendar(t), r, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-07 2024-01-08 2024-01-09 2024-01-10 2024-01-11 2024-01-12 2024-01-13 weekly:2024-01-07", s.take())
	_, err = Launch(ctx, s.calendar(t), r, s.options())
	require.ErrorIs(t, err, execute.ErrNothingToRun)
	r.Partitions, r.Missing, r.Stale = "2024-01-08", false, true
	s.code = "edited"
	_, err = Launch(ctx, s.calendar(t), r, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-07 2024-01-08 2024-01-09 2024-01-10 2024-01-11 2024-01-12 2024-01-13", s.take(), "the week is made from the same data")
}

func TestDefinitionsThatDoNotGoTogether(t *testing.T) {
	s := newShop(t, days(3))
	cities := asset("cities", partition.Static("oslo", "rome"), s.read, "base")
	cat := s.calendar(t, cities)
	for text, want := range map[string]string{
		"readings, weekly, total": `asset "total" takes all partitions, and those that are selected are computed one definition after the other; leave it out with --select`,
		"readings, cities":        `, and neither is made from the other; select one of them`,
	} {
		_, err := Launch(t.Context(), cat, Request{Select: text, Partitions: "2024-01-01"}, s.options())
		require.ErrorContains(t, err, want, text)
		assert.Equal(t, 2, execute.ExitCode(nil, err))
	}
	state, err := Launch(t.Context(), cat, Request{Select: "base, readings, cities", Partitions: "*", Concurrent: 1}, s.options())
	require.NoError(t, err, "all of both need nothing to connect them")
	assert.Equal(t, 5, state.Counts.Done)
}
