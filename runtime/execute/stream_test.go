package execute

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

var (
	numbersType = dag.SeqOf[int]("iter.Seq[int]", "int")
	checkedType = dag.Seq2Of[int]("iter.Seq2[int, error]", "int")
)

// A stream is read as often as somebody wants, by several at once, also after the run; a retry of its consumer reads it again, and what fails while it is read fails the step that makes it.
func TestStreams(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, ""} {
		w := newWorld(t)
		w.opts.Executor = executor
		w.opts.MaxConcurrent = 2
		var bad error
		w.add(&dag.Op{Kind: dag.KindAsset, Key: "numbers", Outputs: []dag.Output{{Name: "result", Asset: "numbers", Type: numbersType}}}, func(_ context.Context, c *dag.Call) error {
			c.Out[0] = iter.Seq[int](slices.Values([]int{1, 2, 3}))
			return nil
		})
		w.add(&dag.Op{Kind: dag.KindAsset, Key: "checked", Outputs: []dag.Output{{Name: "result", Asset: "checked", Type: checkedType}}}, func(context.Context, *dag.Call) error { return nil })
		w.ops[1].Invoke = func(_ context.Context, c *dag.Call) error {
			c.Out[0] = iter.Seq2[int, error](func(yield func(int, error) bool) { _ = yield(7, nil) && yield(0, bad) })
			return nil
		}
		tries := 0
		twice := w.add(&dag.Op{Kind: dag.KindAsset, Key: "twice", Inputs: []dag.Input{{Name: "numbers", Asset: "numbers", Type: numbersType}}, Outputs: []dag.Output{{Name: "result", Asset: "twice", Type: intType}}},
			func(_ context.Context, c *dag.Call) error {
				total := 0
				for range 2 {
					for n := range dag.In[iter.Seq[int]](c, 0) {
						total += n
					}
				}
				if tries++; tries == 1 {
					return errors.New("once more")
				}
				c.Out[0] = total
				return nil
			})
		twice.Retry = &dag.RetryPolicy{MaxRetries: 1}
		w.asset("other", nil, add(1))
		res := w.ok("")
		assert.Equal(t, 12, w.value(res, "twice"))
		for range 2 {
			assert.Equal(t, []int{1, 2, 3}, slices.Collect(w.value(res, "numbers").(iter.Seq[int])))
		}
		for range w.value(res, "numbers").(iter.Seq[int]) {
			break // who has enough leaves nothing open
		}
		for n, err := range w.value(res, "checked").(iter.Seq2[int, error]) {
			require.NoError(t, err)
			assert.Contains(t, []int{7, 0}, n)
		}
		assert.Equal(t, "checked=reuse numbers=reuse other=reuse twice=reuse", actions(w.ok("")))

		w.code["checked"], bad = "edited", errBoom
		res = w.run("")
		require.ErrorIs(t, res.Err(), errBoom)
		assert.EqualError(t, res.Step("checked").Err, "step checked: output result: boom")
		assert.Equal(t, storage.RunFailure, res.Status)
	}
}
