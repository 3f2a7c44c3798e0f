package memory

import (
	"context"
	"maps"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// keys are those of one dynamic partitions definition.
type keys struct {
	order []string
	there map[string]bool
}

func (s *Store) applyPartitions(b *storage.Batch) {
	for _, d := range b.DeletePartitions {
		if k := s.dynamic[d.Name]; k != nil {
			for _, key := range d.Keys {
				delete(k.there, key)
			}
			k.order = slices.DeleteFunc(k.order, func(key string) bool { return !k.there[key] })
		}
	}
	for _, d := range b.AddPartitions {
		k := s.dynamic[d.Name]
		if k == nil {
			k = &keys{there: map[string]bool{}}
			s.dynamic[d.Name] = k
		}
		for _, key := range d.Keys {
			if !k.there[key] {
				k.there[key] = true
				k.order = append(k.order, key)
			}
		}
	}
	maps.DeleteFunc(s.dynamic, func(_ string, k *keys) bool { return len(k.order) == 0 })
}

// DynamicPartitions implements storage.Store.
func (s *Store) DynamicPartitions(ctx context.Context, name string) (out []string, err error) {
	err = s.read(ctx, func() error {
		if k := s.dynamic[name]; k != nil {
			out = slices.Clone(k.order)
		}
		return nil
	})
	return out, err
}

// HasDynamicPartition implements storage.Store.
func (s *Store) HasDynamicPartition(ctx context.Context, name, key string) (has bool, err error) {
	err = s.read(ctx, func() error {
		has = s.dynamic[name] != nil && s.dynamic[name].there[key]
		return nil
	})
	return has, err
}

// DynamicPartitionNames implements storage.Store.
func (s *Store) DynamicPartitionNames(ctx context.Context) (out []string, err error) {
	err = s.read(ctx, func() error {
		out = slices.Sorted(maps.Keys(s.dynamic))
		return nil
	})
	return out, err
}
