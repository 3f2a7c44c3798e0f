package execute

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// What a call gave waits for its step, also where that has to wait for an input once more: another step found it damaged, and it is being restored.
func TestSubsetWhileAnInputIsRestored(t *testing.T) {
	for _, c := range []struct {
		name     string
		raw, sum int // the second time
	}{
		{"to what it was", 10, 12},
		{"to something else", 20, 22}, // of which what the call gave says nothing
	} {
		t.Run(c.name, func(t *testing.T) { testSubsetWhileAnInputIsRestored(t, c.raw, c.sum) })
	}
}

func testSubsetWhileAnInputIsRestored(t *testing.T, second, sum int) {
	w := newWorld(t)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	busy, hurt, again, waits := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	await := func(c chan struct{}) error {
		select {
		case <-c:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	runs, calls := 0, 0
	w.asset("raw", nil, func([]int) int {
		if runs++; runs > 1 {
			close(again)
			_ = await(waits)
			return second
		}
		return 10
	})
	w.selected("raw").ok("")
	split := &dag.Op{
		Kind: dag.KindAsset, Key: "split", Subset: true, Inputs: []dag.Input{{Name: "raw", Asset: "raw", Type: intType}, {Name: "begun", Asset: "begun", Type: intType}},
		Outputs: []dag.Output{{Name: "low", Asset: "low", Type: intType}, {Name: "high", Asset: "high", Type: intType}, {Name: "sum", Asset: "stats/sum", Type: intType}},
	}
	w.add(split, func(_ context.Context, c *dag.Call) error {
		if calls++; calls == 1 {
			w.hurt("raw")
			close(hurt)
		}
		raw := dag.In[int](c, 0)
		c.Out[0], c.Out[1], c.Out[2] = raw, raw+1, raw+2
		return await(again)
	})
	w.asset("gate", nil, func([]int) int { close(busy); _ = await(hurt); return 0 })
	w.asset("begun", nil, func([]int) int { _ = await(busy); return 0 }) // one of two workers is at the gate until the call, so that the other calls split for its first asset, with both others as guests
	w.asset("late", []string{"raw", "gate"}, add(1))
	w.asset("after", []string{"high"}, func([]int) int { close(waits); return 0 })
	w.opts.Executor, w.opts.MaxConcurrent, w.opts.Select = MultiExecutor, 2, ""
	res, err := Run(ctx, w.catalog(), "", w.options())
	require.NoError(t, err)
	require.NoError(t, res.Err())
	assert.Equal(t, second != 10, calls > 1, "%d calls", calls)
	assert.Equal(t, 2, runs)
	assert.Equal(t, sum, w.value(res, "stats/sum"))
}
