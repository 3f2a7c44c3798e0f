package execute

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// rerun does a run of the world again.
func (w *world) rerun(id string, how Rerun, o Options) *Result {
	w.t.Helper()
	o.Instance = w.inst
	res, err := how.Run(w.t.Context(), w.catalog(), id, o)
	require.NoError(w.t, err)
	return res
}

// chain is a world with a volatile asset at the top, one that fails as long as broken, and what is below.
func chain(t *testing.T) (w *world, broken *bool) {
	w = newWorld(t)
	broken = new(bool)
	*broken = true
	w.asset("fresh", nil, func([]int) int { return 1 }).Volatile = true
	w.asset("a", []string{"fresh"}, add(1))
	b := w.asset("b", []string{"a"}, add(1))
	invoke := b.Invoke
	b.Invoke = func(ctx context.Context, c *dag.Call) error {
		if *broken {
			return errBoom
		}
		return invoke(ctx, c)
	}
	w.asset("c", []string{"b"}, add(1))
	return w, broken
}

func TestRerunFromFailure(t *testing.T) {
	w, broken := chain(t)
	w.opts.Tags = map[string]string{"team": "red"}
	failed := w.run("")
	require.Equal(t, "fresh=run a=run b=failure c=skip", actions(failed))
	again := w.rerun(failed.RunID, Rerun{FromFailure: true}, Options{})
	assert.Equal(t, "a=reuse b=failure c=skip", actions(again), "what is volatile and was finished is not done again")
	*broken = false
	w.takeCalls()
	done := w.rerun(again.RunID, Rerun{FromFailure: true}, Options{Tags: map[string]string{"more": "1"}})
	assert.Equal(t, "a=reuse b=run c=run", actions(done))
	assert.Equal(t, "b=1 c=1", w.takeCalls())

	row, err := w.inst.Run(t.Context(), done.RunID)
	require.NoError(t, err)
	assert.Equal(t, again.RunID, row.Parent)
	assert.Equal(t, failed.RunID, row.Root, "the first of the row")
	assert.Equal(t, map[string]string{"team": "red", "more": "1", storage.TagResumeRetry: "true"}, row.Tags)
	assert.True(t, row.ResumeRetry())
	family, err := w.inst.Runs(t.Context(), storage.RunFilter{Root: failed.RunID})
	require.NoError(t, err)
	assert.Len(t, family, 3)

	_, err = Rerun{FromFailure: true}.Run(t.Context(), w.catalog(), done.RunID, Options{Instance: w.inst})
	require.EqualError(t, err, "run "+done.RunID+" succeeded: there is no failure to go on from")
	all := w.rerun(done.RunID, Rerun{}, Options{})
	assert.Equal(t, "a=reuse b=reuse c=reuse", actions(all), "the selection of the run")
	row, err = w.inst.Run(t.Context(), all.RunID)
	require.NoError(t, err)
	assert.False(t, row.ResumeRetry())
}

// Where a later run has put another output in the place of one that the failed run finished, it is not that run's any more: it is done again.
func TestRerunFromFailureTakesNoOutputOfAnotherRun(t *testing.T) {
	w, broken := chain(t)
	failed := w.run("")
	w.run("")
	*broken = false
	again := w.rerun(failed.RunID, Rerun{FromFailure: true}, Options{})
	assert.Equal(t, "fresh=run a=reuse b=run c=run", actions(again))
}

func TestRerunWithoutMemoization(t *testing.T) {
	w, broken := chain(t)
	w.opts.NoMemo = true
	failed := w.run("")
	*broken = false
	again := w.rerun(failed.RunID, Rerun{FromFailure: true}, Options{NoMemo: true})
	assert.Equal(t, "b=run c=run", actions(again), "what was finished is taken from the failed run")
}

func TestRerunFromStep(t *testing.T) {
	w, broken := chain(t)
	*broken = false
	first := w.ok("")
	again := w.rerun(first.RunID, Rerun{From: "b"}, Options{})
	assert.Equal(t, "fresh=run a=reuse b=run c=run", actions(again), "whatever is stored")
	again = w.rerun(first.RunID, Rerun{Select: "a"}, Options{})
	assert.Equal(t, "a=reuse", actions(again))
	again = w.rerun(first.RunID, Rerun{From: "c, b"}, Options{})
	assert.Equal(t, "fresh=run a=reuse b=run c=run", actions(again))
	plan, err := Plan(t.Context(), w.catalog(), "", Options{Instance: w.inst, Again: "c"})
	require.NoError(t, err)
	assert.Equal(t, "fresh=run a=maybe b=maybe c=run", planned(plan))
	for how, want := range map[Rerun]string{
		{From: "nowhere"}:                `no asset "nowhere"`,
		{From: "b", FromFailure: true}:   "choose one",
		{From: "b", Select: "a"}:         "choose one",
		{Select: "a", FromFailure: true}: "choose one",
		{Select: "nowhere"}:              `no asset "nowhere"`,
	} {
		_, err := how.Run(t.Context(), w.catalog(), first.RunID, Options{Instance: w.inst})
		require.ErrorContains(t, err, want)
	}
	_, err = Rerun{From: "b"}.Run(t.Context(), w.catalog(), again.RunID, Options{Instance: w.inst})
	require.NoError(t, err)
	only := w.rerun(first.RunID, Rerun{Select: "a"}, Options{})
	_, err = Rerun{From: "c"}.Run(t.Context(), w.catalog(), only.RunID, Options{Instance: w.inst})
	require.ErrorContains(t, err, `has no step of "c"`)
	_, err = Rerun{}.Run(t.Context(), w.catalog(), first.RunID, Options{})
	require.ErrorContains(t, err, "needs an instance")
	_, err = Rerun{}.Run(t.Context(), w.catalog(), "0190163d-8694-739b-aea5-966c26f8ad90", Options{Instance: w.inst})
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = Run(t.Context(), w.catalog(), "", Options{Instance: w.inst, Parent: "0190163d-8694-739b-aea5-966c26f8ad90"})
	require.ErrorContains(t, err, "is not there")
	_, err = Run(t.Context(), w.catalog(), "", Options{Parent: first.RunID})
	require.ErrorContains(t, err, "kept nowhere")
}
