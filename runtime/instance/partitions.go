package instance

import (
	"context"
	"errors"
	"fmt"

	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// AddDynamicPartitions adds keys to the dynamic partitions with a name, after those that there are, all in one transaction. A key that is there stays where it is. The error says what is
// wrong with the keys, and then none is added. (Dagster's add_dynamic_partitions.)
func (i *Instance) AddDynamicPartitions(ctx context.Context, name string, keys ...string) error {
	var errs []error
	for _, key := range keys {
		errs = append(errs, partition.CheckKey(key))
	}
	if err := dynamicName(name, errs); err != nil || len(keys) == 0 {
		return err
	}
	return i.store.Submit(&storage.Batch{AddPartitions: []storage.DynamicKeys{{Name: name, Keys: keys}}}).Wait(ctx)
}

// GetDynamicPartitions returns the keys of the dynamic partitions with a name, in the order in which they were added; none for a name that is not known. (Dagster's
// get_dynamic_partitions.)
func (i *Instance) GetDynamicPartitions(ctx context.Context, name string) ([]string, error) {
	return i.store.DynamicPartitions(ctx, name)
}

// HasDynamicPartition reports whether a key is one of the dynamic partitions with a name. (Dagster's has_dynamic_partition.)
func (i *Instance) HasDynamicPartition(ctx context.Context, name, key string) (bool, error) {
	return i.store.HasDynamicPartition(ctx, name, key)
}

// DeleteDynamicPartition removes keys of the dynamic partitions with a name, all in one transaction. A key that is not there is no error. What was stored for it stays, and is
// found again where the key is added again. (Dagster's delete_dynamic_partition.)
func (i *Instance) DeleteDynamicPartition(ctx context.Context, name string, keys ...string) error {
	if err := dynamicName(name, nil); err != nil || len(keys) == 0 {
		return err
	}
	return i.store.Submit(&storage.Batch{DeletePartitions: []storage.DynamicKeys{{Name: name, Keys: keys}}}).Wait(ctx)
}

// DynamicPartitionNames returns the names of dynamic partitions that have keys, sorted.
func (i *Instance) DynamicPartitionNames(ctx context.Context) ([]string, error) {
	return i.store.DynamicPartitionNames(ctx)
}

// dynamicName says what is wrong with a name and with keys that were checked.
func dynamicName(name string, errs []error) error {
	if name == "" {
		errs = append(errs, errors.New("they have no name"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("dynamic partitions %q: %w", name, err)
	}
	return nil
}
