package plan

import (
	"cmp"
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
		if n := &t.Graph.Nodes[i]; n.Partition != nil && n.Op.Symbol == op.Symbol && n.Op.Key == op.Key && t.Graph.Name(i) == n.Name {
			keys = append(keys, n.Partition.Key)
		}
	}
	return keys
}

func samePartitions(a, b *dag.Op) bool { return partition.Alike(a.Partitions, b.Partitions) }

// severals is what was found out about joins without a mapping of their own: which one they have then follows from the two definitions, and most joins of a catalog are of the same few.
type severals map[[2]*partition.Definition]struct {
	several bool
	err     error
}

// of is [takesSeveral] for an input.
func (s severals) of(in *dag.Input, down, up *partition.Definition, m partition.Mapping) (bool, error) {
	if in.Mapping != nil {
		return takesSeveral(down, up, m)
	}
	key := [...]*partition.Definition{down, up}
	known, ok := s[key]
	if !ok {
		known.several, known.err = takesSeveral(down, up, m)
		s[key] = known
	}
	return known.several, known.err
}

// check is the guard of a join with an asset with partitions. What takes one value must be made from one partition, as far as that can be known before it is known which there
// are; else it gathers them.
func (s severals) check(op *dag.Op, in *dag.Input, up *dag.Op, m partition.Mapping, wrong *problems) {
	what := fmt.Sprintf("%s %q: its input %s", op.Kind, op.Key, in.Name)
	elem := in.Type.Gathers()
	switch {
	case up.Partitions == nil && elem != nil:
		wrong.add("partition_mismatch", "%s takes partitions of %q, which has none; take a %s", what, up.Key, elem.Name)
		return
	case up.Partitions == nil && in.Mapping != nil:
		wrong.add("partition_mismatch", "%s has a mapping of partitions, and %q has none; leave it out", what, up.Key)
		return
	case up.Partitions == nil:
		return
	}
	several, err := s.of(in, cmp.Or(op.Partitions, whole), up.Partitions, m)
	several = several && !in.Type.TakesSeveral()
	switch {
	case err != nil:
		wrong.add("partition_mismatch", "%s: %v", what, err)
	case several && op.Partitions == nil:
		wrong.add("partition_mismatch", "%s is computed for each partition (%s), and the %s has none; take them as map[dag.PartitionKey]%s or iter.Seq2, or give the %s partitions= of the same", what, up.Partitions, op.Kind, in.Type.Name, op.Kind)
	case several:
		wrong.add("partition_mismatch", "%s has other partitions (%s) than the %s (%s), several for one (%s); take them as map[dag.PartitionKey]%s or iter.Seq2, or give both the same", what, up.Partitions, op.Kind, op.Partitions, m, in.Type.Name)
	}
}

// checkSelf is the guard of an asset that takes other partitions of itself: earlier ones, of which the first has none.
func checkSelf(op *dag.Op, in *dag.Input, m partition.Mapping, wrong *problems) {
	what := fmt.Sprintf("%s %q: its input %s takes other partitions of the %s itself", op.Kind, op.Key, in.Name, op.Kind)
	if in.Type.Gathers() == nil {
		wrong.add("partition_mismatch", "%s, and the first has none before it; take it as *%s, which is nil then, or as map[dag.PartitionKey]%s", what, in.Type.Name, in.Type.Name)
		return
	}
	if in.Mapping == nil {
		if _, ok := partition.Previous(op.Partitions); !ok {
			wrong.add("partition_mismatch", "%s (%s), which are no windows of time; say which with mapping.%s=", what, op.Partitions, in.Name)
		}
		return
	}
	if several, err := takesSeveral(op.Partitions, op.Partitions, m); err != nil {
		wrong.add("partition_mismatch", "%s: %v", what, err)
	} else if several && !in.Type.TakesSeveral() {
		wrong.add("partition_mismatch", "%s, several of them (%s); take them as map[dag.PartitionKey]%s", what, m, in.Type.Gathers().Name)
	}
}

// sampled is when definitions are looked at that no time is given for: late enough that schedules of years have windows.
var sampled = partition.At{Now: time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)}

// takesSeveral looks at some partitions whether one of them is made from more than one. What cannot be known before a run is left to that. The error says that the mapping does not fit.
func takesSeveral(down, up *partition.Definition, m partition.Mapping) (bool, error) {
	if len(down.DynamicNames())+len(up.DynamicNames()) > 0 {
		return false, nil
	}
	d, err := down.Resolve(sampled)
	if err != nil {
		return false, err
	}
	u, err := up.Resolve(sampled)
	if err != nil {
		return false, err
	}
	if err := m.Check(d, u); err != nil {
		return false, err
	}
	for _, p := range d.All().First(50) {
		if set, err := m.Upstream(d, u, partition.Of(p)); err == nil && set.Len() > 1 {
			return true, nil
		}
	}
	return false, nil
}

// mappingOf is which partitions of one asset another is made from by an input, nil for a dep.
func mappingOf(down *dag.Op, in *dag.Input, up *dag.Op) partition.Mapping {
	switch {
	case up.Partitions == nil:
		return partition.Everything()
	case in != nil && in.Mapping != nil:
		return *in.Mapping
	case down == up:
		m, _ := partition.Previous(up.Partitions) // checkSelf says where there is none
		return m
	case down.Partitions == nil:
		return partition.Everything()
	}
	return partition.Natural(down.Partitions, up.Partitions)
}
