package execute

import (
	"context"
	"time"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// PartitionsAt is what definitions of partitions are resolved with: those of a time, with the dynamic keys of an instance. Without one, nil, there are none.
func PartitionsAt(ctx context.Context, inst *instance.Instance, now time.Time) partition.At {
	at := partition.At{Now: now, Keys: func(string) ([]string, error) { return nil, nil }}
	if inst != nil {
		at.Keys = func(name string) ([]string, error) { return inst.GetDynamicPartitions(ctx, name) }
	}
	return at
}
