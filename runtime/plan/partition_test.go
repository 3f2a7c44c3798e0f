package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

func partitioned(op *dag.Op, d *partition.Definition) *dag.Op {
	op.Partitions = d
	return op
}

var march = partition.At{Now: time.Date(2024, 3, 5, 0, 0, 0, 0, time.UTC)}

func TestTargetInAPartition(t *testing.T) {
	days := partition.Daily("2024-03-01", partition.In("Europe/Berlin"))
	grid := partition.Multi(partition.Dim("day", days), partition.Dim("city", partition.Static("oslo", "rome")))
	c := catalog(t, define(t, nil, []*dag.Op{asset("base"), partitioned(asset("a", "base"), days), partitioned(asset("b", "a"), partition.Daily("2024-03-02", partition.In("Europe/Berlin"))), partitioned(asset("g"), grid)}))
	in := func(selection, key string) (*Target, error) {
		target, err := c.Target("", selection)
		require.NoError(t, err)
		return target.In(key, march)
	}
	target, err := in("a,base", "2024-03-04")
	require.NoError(t, err)
	node := &target.Graph.Nodes[target.Selected[1]]
	assert.Equal(t, "a[2024-03-04]", node.Key)
	assert.Equal(t, "a", node.Name)
	assert.Equal(t, dag.PartitionKey("2024-03-04"), node.Partition.Key)
	assert.True(t, node.Partition.Timed())
	assert.Equal(t, "2024-03-05T00:00:00+01:00", node.Partition.End.Format(time.RFC3339))
	assert.Nil(t, target.Graph.Nodes[target.Selected[0]].Partition)
	assert.Equal(t, "a,base", target.Plain().Selection)
	assert.Len(t, target.Plain().Graph.Nodes, 4)

	target, err = in("g", "rome|2024-03-04")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"city": "rome", "day": "2024-03-04"}, target.Graph.Nodes[0].Partition.Dims)

	target, err = in("base", "")
	require.NoError(t, err)
	assert.Same(t, target, target.Plain())

	for _, several := range []struct{ selection, partitions, want string }{
		{"a", "2024-03-02...2024-03-03", "a[2024-03-02] a[2024-03-03]"},
		{"a", "2024-03-04,2024-03-01", "a[2024-03-01] a[2024-03-04]"},
		{"a,b", "...2024-03-02", "a[2024-03-01] a[2024-03-02] b[2024-03-02]"}, // b begins later
		{"base,b", "*", "base b[2024-03-02] b[2024-03-03] b[2024-03-04]"},
		{"g", "city=oslo|day=2024-03-03...", `g["oslo|2024-03-03"] g["oslo|2024-03-04"]`},
	} {
		target, err := in(several.selection, several.partitions)
		require.NoError(t, err)
		var keys []string
		for _, i := range target.Selected {
			keys = append(keys, target.Graph.Nodes[i].Key)
		}
		assert.Equal(t, several.want, strings.Join(keys, " "))
	}

	for _, bad := range []struct{ selection, key, want string }{
		{"base", "2024-03-01", "nothing that is selected has partitions"},
		{"a", "", `asset "a" has partitions (daily from 2024-03-01 in Europe/Berlin); say which one is meant with --partition KEY: one of 4, such as 2024-03-01 (several as FROM...TO, * for all); or leave it out with --select`},
		{"a", "2024-03-05", "did you mean 2024-03-04?"},
		{"a,g", "2024-03-04", "have other partitions, and neither is made from the other"},
		{"g", "rome", `has 1 of 2 dimensions; write city|day`},
	} {
		_, err := in(bad.selection, bad.key)
		assert.ErrorContains(t, err, bad.want)
	}
	none, err := c.Target("", "a")
	require.NoError(t, err)
	_, err = none.In("", partition.At{Now: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})
	assert.ErrorContains(t, err, "there is none yet")
}

func TestPartitionsOfJoins(t *testing.T) {
	days := partition.Daily("2024-03-01")
	_, err := NewCatalog(define(t, nil, []*dag.Op{partitioned(asset("a"), days), asset("b", "a"), partitioned(asset("c", "a"), partition.Weekly("2024-03-01")), partitioned(asset("d"), partition.Daily("soon"))}))
	require.ErrorContains(t, err, `asset "d": its partitions are wrong: daily partitions: start "soon" is no time`)
	gathers := gathering(asset("e", "b"), 0)
	mapped := asset("f", "b")
	last := partition.Last()
	mapped.Inputs[0].Mapping = &last
	unfit := partitioned(asset("g", "a"), days)
	shifted := partition.Specific("2024-02-01")
	unfit.Inputs[0].Mapping = &shifted
	_, err = NewCatalog(define(t, nil, []*dag.Op{partitioned(asset("a"), days), asset("b", "a"), partitioned(asset("c", "a"), partition.Weekly("2024-03-01")), gathers, mapped, unfit}))
	require.ErrorContains(t, err, `asset "b": its input a is computed for each partition (daily from 2024-03-01), and the asset has none`)
	require.ErrorContains(t, err, `asset "c": its input a has other partitions (daily from 2024-03-01) than the asset (weekly from 2024-03-01)`)
	require.ErrorContains(t, err, `asset "e": its input b takes partitions of "b", which has none; take a int`)
	require.ErrorContains(t, err, `asset "f": its input b has a mapping of partitions, and "b" has none; leave it out`)
	require.ErrorContains(t, err, `asset "g": its input a: partition mapping specific ["2024-02-01"]: no partition "2024-02-01"`)
}

// All that a body can know of its partition is in the version, and a step without one has the version that it had before there were any.
func TestPartitionsCount(t *testing.T) {
	sum := func(p *dag.Partition) canon.Digest {
		e := canon.New(domainStep)
		encodePartition(e, p)
		return e.Sum()
	}
	assert.Equal(t, canon.New(domainStep).Sum(), sum(nil))
	start := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	seen := map[canon.Digest]int{sum(nil): -1}
	for i, p := range []dag.Partition{
		{Key: "a"}, {Key: "b"},
		{Key: "a", Dims: map[string]string{"x": "a"}}, {Key: "a", Dims: map[string]string{"y": "a"}}, {Key: "a", Dims: map[string]string{"x": "b"}},
		{Key: "a", Start: start, End: start.Add(time.Hour), Zone: "UTC"}, {Key: "a", Start: start, End: start.Add(2 * time.Hour), Zone: "UTC"},
		{Key: "a", Start: start.Add(time.Hour), End: start.Add(2 * time.Hour), Zone: "UTC"}, {Key: "a", Start: start, End: start.Add(time.Hour), Zone: "Africa/Accra"},
	} {
		other, ok := seen[sum(&p)]
		assert.False(t, ok, "%d and %d", i, other)
		seen[sum(&p)] = i
	}
	in := start.In(time.FixedZone("CET", 3600))
	assert.Equal(t, sum(&dag.Partition{Key: "a", Start: start, End: start.Add(time.Hour), Zone: "UTC"}), sum(&dag.Partition{Key: "a", Start: in, End: in.Add(time.Hour), Zone: "UTC"}))
}

func TestPartitionInTheKeyOfAStep(t *testing.T) {
	op := partitioned(asset("a"), partition.Daily("2024-03-01"))
	for _, key := range []dag.PartitionKey{"2024-03-01", "rome|2024-03-01", "a]b", `q"q`, "[x]", " "} {
		assert.Equal(t, key, PartitionOfStep(op, dag.PartitionStep("a", key)))
	}
	assert.Empty(t, PartitionOfStep(asset("a"), "a[x]"))
}

// Everything, without a partition, is what has none and is made from none that has; what is named needs one.
func TestEverythingWithoutAPartition(t *testing.T) {
	days := partition.Daily("2024-03-01", partition.In("Europe/Berlin"))
	c := catalog(t, define(t, nil, []*dag.Op{asset("base"), partitioned(asset("a", "base"), days), partitioned(asset("b", "a"), days), asset("c", "base")}))
	all, err := c.Target("", "")
	require.NoError(t, err)
	target, err := all.In("", march)
	require.NoError(t, err)
	var keys []string
	for _, i := range target.Selected {
		keys = append(keys, target.Graph.Nodes[i].Key)
	}
	assert.Equal(t, []string{"base", "c"}, keys)
	assert.Equal(t, []string{"a", "b"}, target.LeftOut)
	assert.Empty(t, target.Selection)
	target, err = all.In("2024-03-02", march)
	require.NoError(t, err)
	assert.Len(t, target.Selected, 4)
	assert.Empty(t, target.LeftOut)
	named, err := c.Target("", "a, base")
	require.NoError(t, err)
	_, err = named.In("", march)
	require.ErrorContains(t, err, "say which one is meant with --partition KEY")

	c = catalog(t, define(t, nil, []*dag.Op{partitioned(asset("a"), days), partitioned(asset("b", "a"), days)}))
	all, err = c.Target("", "")
	require.NoError(t, err)
	_, err = all.In("", march)
	require.ErrorContains(t, err, "say which one is meant with --partition KEY", "nothing is left")
}
