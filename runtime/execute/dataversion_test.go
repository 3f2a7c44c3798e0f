package execute

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A version that a step says is the one that counts, wherever the step runs.
func init() {
	suite = append(suite, struct {
		name, executors string
		test            func(s *suiteRun)
	}{"a data version that a step says", everyExecutor, func(s *suiteRun) {
		state := func(text string) *Result {
			s.forget()
			note("state", "%s", text)
			return s.ok("saying")
		}
		res := state("5 v1")
		assert.Equal(s.t, "first=run middle=run beside=run last=run", actions(res))
		assert.Equal(s.t, 8, s.value(res, "last"))
		res = state("500 v1")
		assert.Equal(s.t, "first=reuse middle=run beside=reuse last=reuse", actions(res), "other bytes, and it says that they are the same data")
		assert.Equal(s.t, 8, s.value(res, "last"))
		res = state("500 v2")
		assert.Equal(s.t, "first=reuse middle=run beside=reuse last=run", actions(res), "the same bytes, and it says that they are other data")
		assert.Equal(s.t, 503, s.value(res, "last"))
		res = state("500 v1")
		assert.Equal(s.t, "first=reuse middle=run beside=reuse last=reuse", actions(res), "what was made from it is there")
		assert.Equal(s.t, 8, s.value(res, "last"))
		events, err := res.Events(s.t.Context())
		require.NoError(s.t, err)
		for _, e := range events {
			if e.Type == storage.EventStepOutput {
				data, err := e.Payload()
				require.NoError(s.t, err)
				assert.Equal(s.t, "v1", data.(*storage.StepOutputData).Said)
			}
		}
	}})
}

// sayer is an asset of an int that says its data version.
func sayer(w *world, key string, value *int, version *dag.DataVersion) *dag.Op {
	op := w.asset(key, nil, nil)
	op.Invoke = func(ctx context.Context, c *dag.Call) error {
		w.called(key)
		c.Out[0] = *value
		return dag.SetDataVersion(ctx, "", *version)
	}
	return op
}

// A run that is stopped by the version that an asset says, and one that is not; in the status of assets, too.
func TestSaidVersionCutsOff(t *testing.T) {
	w := newWorld(t)
	value, version := 1, dag.DataVersion("2024-01-01")
	sayer(w, "a", &value, &version)
	w.asset("b", []string{"a"}, add(1))
	w.ok("")
	first := dataOf(t, w.inst, "a")

	w.code["a"], value = "edited", 2
	assert.Equal(t, "a=run b=reuse", actions(w.ok("")), "it says that its data is the same")
	assert.Equal(t, first, dataOf(t, w.inst, "a"))
	assert.Equal(t, "a=fresh b=fresh", standings(w.status("")))

	w.code["a"], version = "edited again", "2024-01-02"
	w.opts.Select = "a"
	w.ok("")
	w.opts.Select = ""
	assert.NotEqual(t, first, dataOf(t, w.inst, "a"))
	st := w.status("")
	assert.Equal(t, "a=fresh b=stale", standings(st))
	assert.Equal(t, `input a: upstream "a" has new data`, st.Assets[1].Causes[0].Text)
	assert.Equal(t, "b=run", w.stale(""))
	assert.Equal(t, "a=fresh b=fresh", standings(w.status("")))

	// It goes back to what it said before: b is fresh without a run. Dagster calls it stale.
	w.code["a"], version, value = "third", "2024-01-01", 3
	w.opts.Select = "a"
	w.ok("")
	w.opts.Select = ""
	w.takeCalls()
	assert.Equal(t, "a=fresh b=fresh", standings(w.status("")))
	res := w.ok("")
	assert.Equal(t, "a=reuse b=reuse", actions(res))
	assert.Empty(t, w.takeCalls())
	assert.Equal(t, 2, w.value(res, "b"), "of the first a")

	records, err := w.inst.Store().AssetRecords(t.Context(), "a", 1)
	require.NoError(t, err)
	assert.Equal(t, "2024-01-01", records[0].Outputs[0].Said)
	events, err := w.inst.EventRecords(t.Context(), storage.EventFilter{Types: []storage.EventType{storage.EventMaterialization}, Asset: "a", Limit: 1})
	require.NoError(t, err)
	data, err := events.Records[0].Payload()
	require.NoError(t, err)
	assert.Equal(t, "2024-01-01", data.(*storage.MaterializationData).Said)
}

// Two assets that say the same have different data; and so have two outputs of one function.
func TestSaidVersionsAreNotShared(t *testing.T) {
	w := newWorld(t)
	value, version := 1, dag.DataVersion("1")
	sayer(w, "a", &value, &version)
	sayer(w, "b", &value, &version)
	split := w.asset("split", nil, nil)
	split.Outputs = []dag.Output{{Name: "left", Asset: "left", Type: intType}, {Name: "right", Asset: "right", Type: intType}}
	split.Invoke = func(ctx context.Context, c *dag.Call) error {
		c.Out[0], c.Out[1] = 1, 1
		require.NoError(t, dag.SetDataVersion(ctx, "left", "1"))
		return nil
	}
	w.ok("")
	seen := map[string]bool{}
	for _, key := range []string{"a", "b", "left", "right"} {
		seen[dataOf(t, w.inst, key)] = true
	}
	assert.Len(t, seen, 4)
}

func TestSaidVersionErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		outputs []string
		say     func(ctx context.Context) error
		want    string
	}{
		"empty":           {[]string{"result"}, func(ctx context.Context) error { return dag.SetDataVersion(ctx, "", "") }, "data version: it is empty; say one that names the state of the data"},
		"unknown":         {[]string{"result"}, func(ctx context.Context) error { return dag.SetDataVersion(ctx, "other", "1") }, `data version: step a has no output "other", it has result`},
		"several outputs": {[]string{"left", "right"}, func(ctx context.Context) error { return dag.SetDataVersion(ctx, "", "1") }, "data version: step a has several outputs; name one of left, right with SetDataVersion"},
		"no output":       {nil, func(ctx context.Context) error { return dag.SetDataVersion(ctx, "", "1") }, "data version: step a has no output"},
		"twice": {[]string{"result"}, func(ctx context.Context) error {
			require.NoError(t, dag.SetDataVersion(ctx, "", "1"))
			return dag.SetDataVersion(ctx, "result", "2")
		}, `data version: output result of step a has "1" already; say one`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			op := w.asset("a", nil, nil)
			op.Outputs = nil
			for _, o := range tt.outputs {
				op.Outputs = append(op.Outputs, dag.Output{Name: o, Asset: o, Type: intType})
			}
			var later context.Context
			op.Invoke = func(ctx context.Context, c *dag.Call) error {
				for i := range c.Out {
					c.Out[i] = 1
				}
				err := tt.say(ctx)
				require.ErrorIs(t, err, dag.ErrDataVersion)
				assert.EqualError(t, err, tt.want)
				later = ctx
				return nil
			}
			w.ok("")
			assert.EqualError(t, dag.SetDataVersion(later, "x", "1"), "data version: step a has ended; say it before the function returns")
		})
	}
	assert.NoError(t, dag.SetDataVersion(t.Context(), "", "1"), "nothing outside of a run")
}
