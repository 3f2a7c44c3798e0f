package dag

import (
	"context"
	"time"
)

// A PartitionKey is the key of a partition: "2024-01-31", or "paris|2024-01-31" where there are several dimensions.
type PartitionKey string

// A Partition is what a step is computed for. It counts in the version of the step, so a body may let it reach its outputs.
type Partition struct {
	Key  PartitionKey
	Dims map[string]string // key of each dimension, by its name; nil where there is one without a name

	// Start and End are the time that the partition is about, End not being part of it, in the time zone of the definition. Both are zero where the keys are no time windows, or
	// where several dimensions are.
	Start, End time.Time
	Zone       string // IANA name of that time zone; empty where there is none
}

// Timed reports whether the partition is about a time, from Start to End. (Dagster's context.partition_time_window.)
func (p Partition) Timed() bool { return !p.End.IsZero() }

// PartitionOf returns the partition that is computed; ok is false in an asset without partitions, and outside a run. (Dagster's context.partition_key and
// has_partition_key.)
func PartitionOf(ctx context.Context) (p Partition, ok bool) {
	info, _ := StepInfoFrom(ctx)
	if info.Partition == nil {
		return Partition{}, false
	}
	return *info.Partition, true
}

// PartitionStep is what the step of an asset for a partition is called: "daily[2024-01-31]".
func PartitionStep(asset string, key PartitionKey) string {
	return asset + "[" + MappingKey(string(key)) + "]"
}
