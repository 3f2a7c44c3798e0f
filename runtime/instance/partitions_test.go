package instance

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDynamicPartitions(t *testing.T) {
	dir := t.TempDir()
	ctx := t.Context()
	inst, err := Open(ctx, dir, Options{})
	require.NoError(t, err)
	require.NoError(t, inst.AddDynamicPartitions(ctx, "shops", "rome", "oslo", "rome"))
	require.NoError(t, inst.AddDynamicPartitions(ctx, "shops"))
	err = inst.AddDynamicPartitions(ctx, "shops", "bern", "a|b", "")
	require.ErrorContains(t, err, `dynamic partitions "shops": partition key "a|b"`)
	require.ErrorContains(t, err, "an empty partition key")
	require.ErrorContains(t, inst.AddDynamicPartitions(ctx, "", "x"), "they have no name")
	require.ErrorContains(t, inst.DeleteDynamicPartition(ctx, "", "x"), "they have no name")
	require.NoError(t, inst.Close())

	inst, err = OpenReadOnly(ctx, dir)
	require.NoError(t, err)
	keys, err := inst.GetDynamicPartitions(ctx, "shops")
	require.NoError(t, err)
	assert.Equal(t, []string{"rome", "oslo"}, keys, "they are durable, and none of a call with a bad one is added")
	require.NoError(t, inst.Close())

	inst, err = Open(ctx, dir, Options{})
	require.NoError(t, err)
	require.NoError(t, inst.DeleteDynamicPartition(ctx, "shops", "rome", "nobody"))
	has, err := inst.HasDynamicPartition(ctx, "shops", "rome")
	require.NoError(t, err)
	assert.False(t, has)
	names, err := inst.DynamicPartitionNames(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"shops"}, names)
	require.NoError(t, inst.Close())
}
