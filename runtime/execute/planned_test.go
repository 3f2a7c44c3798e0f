package execute

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// announced is what a run said that it would materialize, in the order of its log. All of it must stand before the first step.
func announced(t testing.TB, res *Result) string {
	events, err := res.Events(t.Context())
	require.NoError(t, err)
	var out []string
	begun := false
	for i := range events {
		switch e := &events[i]; e.Type {
		case storage.EventMaterializationPlanned:
			assert.False(t, begun, "%s is planned when a step has begun", e.Asset)
			data, err := e.Payload()
			require.NoError(t, err)
			assert.Equal(t, &storage.MaterializationData{Asset: e.Asset}, data)
			out = append(out, strings.TrimSuffix(e.Asset+"@"+e.Partition, "@"))
		case storage.EventStepStart:
			begun = true
		}
	}
	return strings.Join(out, " ")
}

func TestMaterializationsArePlanned(t *testing.T) {
	for _, where := range []string{"on disk", "in memory"} {
		t.Run(where, func(t *testing.T) {
			w := newWorld(t)
			if where == "in memory" {
				w.inst = instance.Ephemeral()
				t.Cleanup(func() { require.NoError(t, w.inst.Close()) })
			}
			w.source("seen", func() (any, error) { return dag.DataVersion("1"), nil })
			w.asset("a", nil, add(1))
			w.asset("b", []string{"a"}, add(1))
			w.asset("c", []string{"b"}, add(1))
			pair := w.asset("pair", nil, nil)
			pair.Outputs = []dag.Output{{Name: "x", Asset: "shop/x", Type: intType}, {Name: "y", Asset: "shop/y", Type: intType}}
			pair.Invoke = func(_ context.Context, c *dag.Call) error {
				c.Out[0], c.Out[1] = 1, 2
				return nil
			}
			w.add(&dag.Op{Kind: dag.KindAsset, Key: "nothing"}, func(context.Context, *dag.Call) error { return nil })
			w.check("a", "fine", verdictOf(dag.CheckResult{Passed: true}))
			assert.Equal(t, "a shop/x shop/y b c", announced(t, w.ok("")))
			assert.Empty(t, announced(t, w.ok("")), "what is reused is not computed")

			w.code["a"] = "edited, and gives the same"
			res := w.ok("")
			assert.Equal(t, "a b c", announced(t, res), "whether b and c are computed depends on what a gives")
			page, err := w.inst.Materializations(t.Context(), storage.EventFilter{RunID: res.RunID})
			require.NoError(t, err)
			require.Len(t, page.Records, 1, "and they were not")
			assert.Equal(t, "a", page.Records[0].Asset)

			page, err = w.inst.PlannedMaterializations(t.Context(), storage.EventFilter{Asset: "b", Ascending: true})
			require.NoError(t, err)
			require.Len(t, page.Records, 2)
			assert.Equal(t, res.RunID, page.Records[1].RunID)
			_, err = w.inst.PlannedMaterializations(t.Context(), storage.EventFilter{Types: []storage.EventType{storage.EventMaterialization}})
			assert.EqualError(t, err, "ASSET_MATERIALIZATION is no ASSET_MATERIALIZATION_PLANNED")
		})
	}
}

// A run that fails, or whose process dies, has said what it was going to do.
func TestPlannedMaterializationsOfWhatFails(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, func([]int) int { panic("no luck") })
	w.asset("b", []string{"a"}, add(1))
	assert.Equal(t, "a b", announced(t, w.run("")))
	has, err := w.inst.HasAsset(t.Context(), "b")
	require.NoError(t, err)
	assert.False(t, has, "to be planned is not to exist")
}

func TestJobsPlanNoMaterializations(t *testing.T) {
	w := newWorld(t)
	op := w.op("a", nil, add(1))
	w.job("nightly", []dag.Node{{Key: "a", Op: op}}, 0)
	assert.Empty(t, announced(t, w.ok("nightly")))
}

// manyParts has more assets and partitions than one batch says.
func (s *shop) manyParts() (keys []string) {
	for i := range plannedAtOnce {
		keys = append(keys, fmt.Sprintf("p%05d", i))
	}
	s.asset("base", nil, add(1))
	s.asset("part", []string{"base"}, add(1)).Partitions = partition.Static(keys...)
	s.asset("other", []string{"base"}, add(1)).Partitions = s.ops[1].Partitions
	return keys
}

func TestManyPlannedMaterializations(t *testing.T) {
	w := newWorld(t)
	keys := w.manyParts()
	o := w.options()
	o.Tags = map[string]string{plan.TagPartition: keys[0] + "..." + keys[len(keys)-1]}
	res, err := Run(t.Context(), w.catalog(), "", o)
	require.NoError(t, err)
	require.NoError(t, res.Err())
	got := strings.Fields(announced(t, res))
	want := []string{"base"}
	for _, k := range keys {
		want = append(want, "part@"+k, "other@"+k)
	}
	slices.Sort(got)
	slices.Sort(want)
	require.Equal(t, want, got)
	page, err := w.inst.PlannedMaterializations(t.Context(), storage.EventFilter{Asset: "other", Partitions: []string{"p04000"}})
	require.NoError(t, err)
	require.Len(t, page.Records, 1)
	assert.Equal(t, "other[p04000]", page.Records[0].StepKey)
}

func TestStoreFailsWhileMaterializationsArePlanned(t *testing.T) {
	w := newWorld(t)
	keys := w.manyParts()
	faulty := &faultStore{n: 2}
	inst, err := instance.Open(t.Context(), t.TempDir(), instance.Options{Wrap: func(s storage.Store) storage.Store {
		faulty.Store = s
		return faulty
	}})
	require.NoError(t, err)
	defer func() { require.NoError(t, inst.Close()) }()
	res, err := Run(t.Context(), w.catalog(), "", Options{Instance: inst, Tags: map[string]string{plan.TagPartition: keys[0] + "..." + keys[len(keys)-1]}})
	require.True(t, storage.IsUnavailable(err), "%v", err)
	assert.NotEqual(t, storage.RunSuccess, res.Status)
	assert.Empty(t, w.takeCalls(), "nothing is computed that could not be stored")
}
