package execute

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

func assetIn(t *testing.T, st *plan.Status, key string) *plan.AssetStatus {
	i := slices.IndexFunc(st.Assets, func(a plan.AssetStatus) bool { return a.Key == key })
	require.GreaterOrEqual(t, i, 0, key)
	return &st.Assets[i]
}

// What takes earlier partitions of itself, and what is a graph, says of all its partitions how they stand, without names of partitions in its causes.
func TestStatusOfAllPartitionsWithAStepForEach(t *testing.T) {
	w := newPartitionedWorld(t).withSteps()
	target, err := w.catalog().Target("", "")
	require.NoError(t, err)
	assert.False(t, target.WithUpstream().InBulk())
	of := "*running,*pipeline,below"
	w.opts.Tags, w.opts.Select = map[string]string{plan.TagPartition: "shop=bern"}, of
	w.ok("")
	w.fails["2024-03-31|rome"] = true
	w.opts.Tags = map[string]string{plan.TagPartition: "2024-03-31|rome"}
	require.Error(t, w.run("").Err())
	w.opts.Tags, w.opts.Select = nil, ""
	w.code["second"] = "edited"
	st := w.requireSame("")

	a := assetIn(t, st, "pipeline")
	p := a.Partitions
	assert.Equal(t, plan.Stale, a.Status)
	assert.Equal(t, 9, p.Total)
	assert.Equal(t, []string{"shop=bern"}, p.Status[plan.Stale].Terms())
	assert.Equal(t, 6, p.Status[plan.Missing].Len())
	require.NotEmpty(t, p.Causes)
	assert.Equal(t, "step pipeline.second: func shop.second (shop.go) changed", p.Causes[0].Text)
	assert.Equal(t, []string{"shop=bern"}, p.Causes[0].Terms())
	assert.Contains(t, a.Roots, "pipeline")

	a = assetIn(t, st, "running")
	assert.Equal(t, []string{"day=2024-03-30|shop=bern", "day=2024-03-30|shop=rome", "day=2024-03-31...2024-04-01|shop=bern"}, a.Partitions.Status[plan.Fresh].Terms(), "the run that failed took the day before along")
	raw := assetIn(t, st, "raw").Partitions
	assert.Equal(t, []string{"day=2024-03-31|shop=rome"}, raw.Failed.Terms())
	below := assetIn(t, st, "below").Partitions
	for _, c := range below.Causes {
		assert.NotContains(t, c.Text+c.Asset, "2024-", "no partition is named")
	}

	// What it says is what there is to run: then all is fresh.
	clear(w.fails)
	st = w.status(of)
	partitions, err := st.OutdatedPartitions()
	require.NoError(t, err)
	assert.Equal(t, 9, partitions.Len())
	w.opts.Select, w.opts.Tags = st.Outdated(), map[string]string{plan.TagPartition: "*"}
	w.ok("")
	w.opts.Select, w.opts.Tags = "", nil
	st = w.status(of)
	now, projected := st.Count()
	assert.Equal(t, map[plan.Freshness]int{plan.Fresh: len(st.Assets)}, now)
	assert.Zero(t, projected)
}

// Where there is no partition yet, nothing is missing.
func TestStatusWithAStepForEachOfNoPartitions(t *testing.T) {
	w := newPartitionedWorld(t).withSteps()
	for _, op := range w.ops {
		if op.Partitions == w.ops[2].Partitions && op != w.ops[2] {
			op.Partitions = partition.Dynamic("shops")
			op.Inputs = slices.Clone(op.Inputs)
		}
	}
	w.ops[2].Partitions = partition.Dynamic("shops")
	w.ops = slices.DeleteFunc(w.ops, func(op *dag.Op) bool {
		return slices.Contains([]string{"shop", "total", "share", "own", "running", "below"}, op.Key)
	})
	a := assetIn(t, w.status(""), "pipeline")
	assert.Equal(t, 0, a.Partitions.Total)
	assert.Equal(t, plan.Fresh, a.Status)
}
