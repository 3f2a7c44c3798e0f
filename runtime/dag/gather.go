package dag

import (
	"fmt"
	"iter"

	"github.com/dagstergen/dagstergen/runtime/partition"
)

// A gathering is what a [Type] knows of parameters that take several partitions of an asset.
type gathering struct {
	elem     *Type
	ordered  bool
	optional bool
	open     func(g Gathered) (any, error)
}

// Gathered is the partitions that a parameter takes. It is for executors.
type Gathered struct {
	Keys []PartitionKey           // in their order
	Load func(i int) (any, error) // the value of Keys[i], which the caller may change
}

// PartitionMapOf is the [Type] of a parameter map[PartitionKey]T, which takes several partitions of an asset of elem, the type of T: all their values at once. name is that of the map.
func PartitionMapOf[T any](name string, elem *Type) *Type {
	t := TypeOf[map[PartitionKey]T](name)
	t.gather = &gathering{elem: elem, open: func(g Gathered) (any, error) {
		m := make(map[PartitionKey]T, len(g.Keys))
		for i, key := range g.Keys {
			v, err := g.Load(i)
			if err != nil {
				return nil, fmt.Errorf("partition %s: %w", key, err)
			}
			m[key] = OutputAs[T](v)
		}
		return m, nil
	}}
	return t
}

// PartitionSeqOf is [PartitionMapOf] for iter.Seq2[PartitionKey, T]: partitions in their order, of which one at a time is loaded, each time that it is gone through.
func PartitionSeqOf[T any](name string, elem *Type) *Type {
	t := TypeOf[iter.Seq2[PartitionKey, T]](name)
	t.gather = &gathering{elem: elem, ordered: true, open: func(g Gathered) (any, error) {
		return iter.Seq2[PartitionKey, T](func(yield func(PartitionKey, T) bool) {
			for i, key := range g.Keys {
				v, err := g.Load(i)
				if err != nil {
					panic(fmt.Errorf("partition %s cannot be loaded: %w", key, err)) // there is no other way out of a Seq2; the step fails with it
				}
				if !yield(key, OutputAs[T](v)) {
					return
				}
			}
		}), nil
	}}
	return t
}

// PartitionOptOf is [PartitionMapOf] for a parameter *T that takes one partition, or none: then it is nil.
func PartitionOptOf[T any](name string, elem *Type) *Type {
	t := TypeOf[*T](name)
	t.gather = &gathering{elem: elem, optional: true, open: func(g Gathered) (any, error) {
		if len(g.Keys) == 0 {
			return (*T)(nil), nil
		}
		v, err := g.Load(0)
		if err != nil {
			return nil, fmt.Errorf("partition %s: %w", g.Keys[0], err)
		}
		own := OutputAs[T](v)
		return &own, nil
	}}
	return t
}

// TakesSeveral reports whether a parameter of the type takes any number of partitions.
func (t *Type) TakesSeveral() bool { return t.Gathers() != nil && !t.gather.optional }

// Gathers returns the type of the asset's values where a parameter of the type takes partitions of it by their keys, see [PartitionMapOf] and [PartitionOptOf]; nil for any other.
func (t *Type) Gathers() *Type {
	if t == nil || t.gather == nil {
		return nil
	}
	return t.gather.elem
}

// Ordered reports whether what a parameter of the type takes has an order.
func (t *Type) Ordered() bool { return t != nil && t.gather != nil && t.gather.ordered }

// Gather makes what a parameter of the type takes. It is for executors.
func (t *Type) Gather(g Gathered) (any, error) { return t.gather.open(g) }

// MappingOf returns the address of a mapping, so that generated code can name a variable of any package. It is for generated code only.
func MappingOf(m partition.Mapping) *partition.Mapping { return &m }
