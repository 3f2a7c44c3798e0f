package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// TagPartition is the tag of a run whose value is the partition that the run computes, as Dagster names it.
const TagPartition = "dagster/partition"

// In is the target in one partition: all partitioned assets that it selects are computed for that. key is empty for none. The error is an [*Error] where the partition is missing,
// is none of an asset's, or no asset has partitions.
func (t *Target) In(key string, at partition.At) (*Target, error) {
	var wrong problems
	var first *Node
	for _, i := range t.Selected {
		n := &t.Graph.Nodes[i]
		d := n.Op.Partitions
		switch {
		case d == nil:
		case first == nil:
			first = n
		case !partition.Alike(first.Op.Partitions, d):
			wrong.add("several_partitions", "assets %q (%s) and %q (%s) have other partitions, so one run cannot compute both; select one of them", first.Key, first.Op.Partitions, n.Key, d)
		}
	}
	switch {
	case len(wrong) > 0:
		return nil, wrong.err()
	case first == nil && key != "":
		wrong.add("no_partitions", "nothing that is selected has partitions; leave out --partition, or the tag %s", TagPartition)
		return nil, wrong.err()
	case first == nil:
		return t, nil
	}
	space, err := first.Op.Partitions.Resolve(at)
	if err != nil {
		wrong.add("bad_partitions", "asset %q: %v", first.Key, err)
		return nil, wrong.err()
	}
	if key == "" {
		hint := "; there is none yet" + toAdd(first.Op.Partitions, "KEY")
		if n := space.Len(); n > 0 {
			all := space.All()
			hint = ": one of " + strconv.Itoa(n) + ", such as " + space.Key(all.First(1)[0])
		}
		wrong.add("partition_needed", "asset %q has partitions (%s); say which one is meant with --partition KEY%s", first.Key, first.Op.Partitions, hint)
		return nil, wrong.err()
	}
	p, err := space.Find(key)
	if err != nil {
		wrong.add("unknown_partition", "asset %q: %v%s", first.Key, err, toAdd(first.Op.Partitions, key))
		return nil, wrong.err()
	}
	in := *t
	in.Partition = partitionAt(space, p)
	return &in, nil
}

// toAdd says how a key becomes one of a definition, where people decide about that.
func toAdd(d *partition.Definition, key string) string {
	names := d.DynamicNames()
	if len(names) != 1 {
		return ""
	}
	if strings.Contains(key, "|") {
		key = "KEY"
	}
	return fmt.Sprintf("; `partitions add %s %s` adds one", names[0], key)
}

// partitionAt describes a partition to a body.
func partitionAt(space *partition.Space, p partition.Point) *dag.Partition {
	out := &dag.Partition{Key: dag.PartitionKey(space.Key(p))}
	for _, dim := range space.Dimensions() {
		if out.Dims == nil {
			out.Dims = map[string]string{}
		}
		out.Dims[dim] = space.KeyOf(p, dim)
	}
	if w, ok := space.Window(p); ok {
		out.Start, out.End, out.Zone = w.Start, w.End, w.Start.Location().String()
	}
	return out
}

// partitionOf is the partition that a step of a node is computed for; nil where the node has none.
func (t *Target) partitionOf(n *Node) *dag.Partition {
	if n.Op.Partitions == nil {
		return nil
	}
	return t.Partition
}

// encodePartition adds all that a body can know of its partition. A step without one has nothing in the encoding, as there was before any could.
func encodePartition(e *canon.Encoder, p *dag.Partition) {
	if p == nil {
		return
	}
	dims := slices.Sorted(maps.Keys(p.Dims))
	e.String("partition", string(p.Key))
	e.List("dimensions", len(dims))
	for _, dim := range dims {
		e.String(dim, p.Dims[dim])
	}
	if !p.Timed() {
		e.Nil("window")
		return
	}
	e.String("window", fmt.Sprintf("%s/%s %s", p.Start.UTC().Format(time.RFC3339), p.End.UTC().Format(time.RFC3339), p.Zone))
}

// StepKey is what the step of a node is called that stands in no loop: with its partition in brackets where it has one.
func (t *Target) StepKey(n *Node) string {
	if p := t.partitionOf(n); p != nil {
		return dag.PartitionStep(n.Key, p.Key)
	}
	return n.Key
}

// PartitionOfStep is the partition in the key of a step of op: of "daily[2024-01-31]" that in the brackets; empty where op has no partitions.
func PartitionOfStep(op *dag.Op, key string) dag.PartitionKey {
	if op.Partitions == nil {
		return ""
	}
	_, rest, _ := strings.Cut(key, "[")
	rest = strings.TrimSuffix(rest, "]")
	if text, err := strconv.Unquote(rest); err == nil {
		return dag.PartitionKey(text)
	}
	return dag.PartitionKey(rest)
}

// PartitionAt is the partition that the steps of the node with a key are computed for; nil for none.
func (t *Target) PartitionAt(node string) *dag.Partition {
	for i := range t.Graph.Nodes {
		if n := &t.Graph.Nodes[i]; n.Key == node {
			return t.partitionOf(n)
		}
	}
	return nil
}

func samePartitions(a, b *dag.Op) bool { return partition.Alike(a.Partitions, b.Partitions) }

// checkPartitions is the guard of a join between assets with partitions: what is computed for a partition takes that of what has the same ones, and what has none takes nothing that is there once for each.
func checkPartitions(op *dag.Op, what string, up *dag.Op, wrong *problems) {
	switch {
	case up.Partitions == nil:
	case op.Partitions == nil:
		wrong.add("partition_mismatch", "%s %q: its %s is computed for each partition (%s), and the %s has none; give the asset partitions= of the same", op.Kind, op.Key, what, up.Partitions, op.Kind)
	case !partition.Alike(op.Partitions, up.Partitions):
		wrong.add("partition_mismatch", "%s %q: its %s has other partitions (%s) than the %s (%s); give both the same", op.Kind, op.Key, what, up.Partitions, op.Kind, op.Partitions)
	}
}
