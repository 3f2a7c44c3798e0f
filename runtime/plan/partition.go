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

// PartitionsOf are the keys of the partitions of an asset that are steps of the run, in their order; nil where it has none.
func (t *Target) PartitionsOf(op *dag.Op) (keys []dag.PartitionKey) {
	for _, i := range t.Selected {
		if n := &t.Graph.Nodes[i]; n.Partition != nil && n.Op.Symbol == op.Symbol && t.Graph.Name(i) == n.Name {
			keys = append(keys, n.Partition.Key)
		}
	}
	return keys
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

// mappingOf is which partitions of one asset another is made from.
func mappingOf(down, up *dag.Op) partition.Mapping {
	if down.Partitions == nil || up.Partitions == nil {
		return partition.Everything()
	}
	return partition.Natural(down.Partitions, up.Partitions)
}
