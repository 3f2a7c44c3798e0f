package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// gathered makes what a parameter takes of several partitions. Those of an iterator are loaded while the function goes through it, by an evaluator of their own each time: the one
// at hand is for one goroutine.
func (e *Evaluator) gathered(x *value) (any, error) {
	return x.typ.Gather(dag.Gathered{Keys: x.bind.Keys, Load: func(i int) (any, error) {
		own := &Evaluator{flow: e.flow, q: e.q, read: e.read, hash: NewHasher()}
		return own.Value(x.parts[i])
	}})
}

// partitions is the digest of several partitions: of each key with its value, in the order of the keys' bytes, so that it does not count in which order a definition lists them, but where the consumer sees that.
func (e *Evaluator) partitions(x *value, truth bool) (canon.Digest, error) {
	parts, err := e.digests(x.parts, truth)
	if err != nil || parts == nil {
		return canon.Digest{}, err
	}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	if !x.typ.Ordered() {
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(string(x.bind.Keys[a]), string(x.bind.Keys[b])) })
	}
	h := e.hash.enc
	h.Reset(domainGather)
	h.List("partitions", len(parts))
	for _, i := range order {
		h.Digest(string(x.bind.Keys[i]), parts[i])
	}
	return h.Sum(), nil
}

// Gathered returns the partitions that r leads to, and where each comes from; ok is false for anything else.
func (p *Plan) Gathered(r Ref) (keys []dag.PartitionKey, parts []Ref, ok bool) {
	r = p.flow.follow(r)
	if r.none() || r.From >= 0 {
		return nil, nil, false
	}
	v := p.flow.value(r.From)
	if v.kind != valueGather {
		return nil, nil, false
	}
	return v.bind.Keys, v.parts, true
}

// InputPartitions is which partitions entry k of Versions and Data comes from, as a selection says them: empty for the one that the step is computed for, and for what has no partitions.
func (s *Step) InputPartitions(p *Plan, k int) string {
	r := p.flow.follow(s.ref(k))
	switch {
	case r.none():
		return ""
	case r.From < 0:
		if v := p.flow.value(r.From); v.kind == valueGather {
			terms, _ := v.bind.Value.(string)
			return terms
		}
		return ""
	}
	up := p.flow.step(r.From).Partition
	if up == nil || s.Partition != nil && s.Partition.Key == up.Key {
		return ""
	}
	return partition.Quote(string(up.Key))
}

// renewed says which of the partitions that entry k gathers have other data than when a record was made, as far as that shows: " in 2024-03-27", or nothing.
func (b *builder) renewed(s *Step, k int, was *storage.Record) string {
	r := b.plan.flow.follow(s.ref(k))
	if r.From >= 0 || r.none() {
		return ""
	}
	v := b.plan.flow.value(r.From)
	if v.kind != valueGather {
		return ""
	}
	var keys []string
	for i, part := range v.parts {
		up := b.plan.flow.step(b.plan.flow.follow(part).From)
		if up.Action != Reuse || up.Record != nil && up.Record.Time.After(was.Time) {
			keys = append(keys, string(v.bind.Keys[i]))
		}
	}
	switch n := len(keys); {
	case n == 0:
		return ""
	case n > maxCauses:
		return fmt.Sprintf(" in %s and %d more", strings.Join(keys[:maxCauses], ", "), n-maxCauses)
	}
	return " in " + strings.Join(keys, ", ")
}
