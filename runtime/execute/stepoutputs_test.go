package execute

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// given is what the steps of a run gave, as its result has it.
func given(t *testing.T, res *Result) map[[2]string]any {
	all := map[[2]string]any{}
	for _, s := range res.Steps {
		if s.Status != StatusSuccess || s.Op.Kind == dag.KindSource {
			continue
		}
		for _, out := range s.Op.Outputs {
			v, err := res.Output(t.Context(), s.Key, out.Name)
			require.NoError(t, err, s.Key)
			all[[2]string{s.Key, out.Name}] = v
		}
	}
	require.NotEmpty(t, all)
	return all
}

// requireGiven holds what is read of the steps of a run, some time after it, to what they gave then.
func (w *world) requireGiven(run *storage.Run, want map[[2]string]any, o Options) {
	w.t.Helper()
	outputs := map[string]int{}
	for at := range want {
		outputs[at[0]]++
	}
	for at, v := range want {
		outs, err := w.inst.StepOutputs(w.t.Context(), run.ID, at[0])
		require.NoError(w.t, err, at)
		require.Len(w.t, outs, outputs[at[0]], at)
		for i := range outs {
			if outs[i].Name == at[1] {
				o.Instance = w.inst
				got, err := StoredStepValue(w.t.Context(), w.catalog(), run, at[0], &outs[i], o)
				require.NoError(w.t, err, at)
				assert.Equal(w.t, v, got, at)
			}
		}
	}
}

// What each step of a run gave is read later, whatever ran since: what it computed, what the plan reused, what a cutoff reused, what another step stood for.
func TestStepOutputsOfRuns(t *testing.T) {
	c := newCities(t, "rome", "new york]")
	c.nested()
	type kept struct {
		run  storage.Run
		gave map[[2]string]any
	}
	var runs []kept
	run := func() {
		res := c.ok("all")
		runs = append(runs, kept{res.Run, given(t, res)})
	}
	run()
	run() // all is reused
	c.code["names"] = "another body"
	run() // which gives the same: the rest is reused by its content
	c.list = []string{"rome", "oslo"}
	c.code["names"] = "other towns"
	run()
	c.list = []string{"rome", "new york]"}
	c.code["names"] = "another body"
	run() // as it was before
	c.opts.NoMemo = true
	run() // nothing is recorded
	for _, r := range runs {
		c.requireGiven(&r.run, r.gave, Options{})
	}
}

func TestStepOutputsThatAreNot(t *testing.T) {
	w := newWorld(t)
	w.source("state", func() (any, error) { return dag.DataVersion("1"), nil })
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, func([]int) int { panic("boom") })
	w.asset("c", []string{"b"}, add(1))
	w.add(&dag.Op{Kind: dag.KindAsset, Key: "nothing"}, func(context.Context, *dag.Call) error { return nil })
	res := w.run("")
	for step, want := range map[string]string{
		"b":     "step b of run " + res.RunID + " has no outputs: it failed: ",
		"c":     "step c of run " + res.RunID + " has no outputs: it was skipped: ",
		"state": "is a source: its data is kept where it comes from",
		"d":     "run " + res.RunID + ` has no step "d"`,
	} {
		_, err := w.inst.StepOutputs(t.Context(), res.RunID, step)
		var none *instance.StepOutputsError
		require.ErrorAs(t, err, &none, step)
		assert.Equal(t, step == "d", none.Unknown, step)
		assert.ErrorContains(t, err, want)
	}
	outs, err := w.inst.StepOutputs(t.Context(), res.RunID, "nothing")
	require.NoError(t, err)
	assert.Empty(t, outs)
}

// Steps of partitions, of graphs in them and of functions with several assets are read by their keys.
func TestStepOutputsOfPartitions(t *testing.T) {
	t.Setenv(splitNotes, t.TempDir()+"/notes")
	w := newWorld(t)
	w.shop = splitShop(t)
	for _, key := range []string{"oslo", "rome", "lima"} {
		require.NoError(t, w.inst.ReportAssetEvent(t.Context(), instance.AssetEvent{Type: storage.EventMaterialization, Asset: "orders", Partition: key, DataVersion: "1"}))
	}
	w.opts.Tags = map[string]string{plan.TagPartition: "rome"}
	one := w.ok("training")
	w.opts.Tags = map[string]string{plan.TagPartition: "*"}
	all := w.ok("")
	gave := given(t, all)
	assert.Equal(t, "TRAIN 3 LIMA", gave[[2]string{"model[lima].loud", "result"}])
	w.requireGiven(&one.Run, given(t, one), Options{})
	w.requireGiven(&all.Run, gave, Options{})

	n := nightlyWorld(t)
	n.opts.Tags = map[string]string{plan.TagPartition: "rome"}
	res := n.ok("nightly")
	n.requireGiven(&res.Run, given(t, res), Options{})
}

// What an IO manager of the user's stored is loaded through it, under what it was stored.
func TestStepOutputsOfIOManagers(t *testing.T) {
	for name, noMemo := range map[string]bool{"recorded": false, "not recorded": true} {
		t.Run(name, func(t *testing.T) {
			w, shelf := newWorld(t), newShelf()
			withShelf(w, memoShelf{shelf})
			w.opts.NoMemo = noMemo
			days := partition.Static("a", "b")
			in(w.asset("kept", nil, add(4)), days).IO = "shelf"
			f := w.op("f", nil, add(1))
			f.IO = "shelf"
			g := w.op("g", []string{"n"}, add(2))
			w.job("j", []dag.Node{{Key: "f", Op: f}, {Key: "g", Op: g, Inputs: []dag.Binding{from(0)}}}, 1)
			res := w.ok("j")
			w.requireGiven(&res.Run, given(t, res), Options{})
			w.opts.Tags = map[string]string{plan.TagPartition: "*"}
			all := w.ok("")
			w.requireGiven(&all.Run, given(t, all), Options{})
			clear(shelf.stored)
			outs, err := w.inst.StepOutputs(t.Context(), res.RunID, "f")
			require.NoError(t, err)
			_, err = StoredStepValue(t.Context(), w.catalog(), &res.Run, "f", &outs[0], Options{Instance: w.inst})
			assert.ErrorContains(t, err, `IO manager "shelf"`)
		})
	}
}
