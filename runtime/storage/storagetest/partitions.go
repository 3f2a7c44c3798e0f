package storagetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

func dynamicPartitions(t *testing.T, s storage.Store) {
	ctx := t.Context()
	add := func(name string, keys ...string) {
		Submit(t, s, &storage.Batch{AddPartitions: []storage.DynamicKeys{{Name: name, Keys: keys}}})
	}
	remove := func(name string, keys ...string) {
		Submit(t, s, &storage.Batch{DeletePartitions: []storage.DynamicKeys{{Name: name, Keys: keys}}})
	}
	keys := func(name string) []string {
		keys, err := s.DynamicPartitions(ctx, name)
		require.NoError(t, err)
		return keys
	}
	has := func(name, key string) bool {
		yes, err := s.HasDynamicPartition(ctx, name, key)
		require.NoError(t, err)
		return yes
	}
	names := func() []string {
		names, err := s.DynamicPartitionNames(ctx)
		require.NoError(t, err)
		return names
	}
	assert.Empty(t, keys("shops"))
	assert.Empty(t, names())
	assert.False(t, has("shops", "rome"))

	add("shops", "rome", "oslo", "rome")
	assert.Equal(t, []string{"rome", "oslo"}, keys("shops"), "in the order in which they were added, once each")
	add("shops", "bern", "rome", "../../etc", "a'b\"%", "é")
	assert.Equal(t, []string{"rome", "oslo", "bern", "../../etc", "a'b\"%", "é"}, keys("shops"), "what is there stays where it is")
	add("files", "rome")
	assert.Equal(t, []string{"files", "shops"}, names())
	assert.True(t, has("shops", "../../etc"))
	assert.False(t, has("files", "oslo"))
	assert.False(t, has("shops", "ROME"))

	remove("shops", "rome", "unknown")
	remove("unknown", "rome")
	assert.Equal(t, []string{"oslo", "bern", "../../etc", "a'b\"%", "é"}, keys("shops"))
	assert.Equal(t, []string{"rome"}, keys("files"), "of another name")
	add("shops", "rome")
	assert.Equal(t, []string{"oslo", "bern", "../../etc", "a'b\"%", "é", "rome"}, keys("shops"), "it is a new one")
	remove("files", "rome")
	assert.Equal(t, []string{"shops"}, names(), "a name without keys is none")

	// One batch is all or nothing.
	err := s.Submit(&storage.Batch{AddPartitions: []storage.DynamicKeys{{Name: "shops", Keys: []string{"lost"}}}, Aliases: []storage.Alias{{Record: 999}}}).Wait(ctx)
	require.ErrorIs(t, err, storage.ErrNotFound)
	assert.False(t, has("shops", "lost"))

	var many []string
	for i := range 5000 {
		many = append(many, fmt.Sprintf("key-%d", 5000-i))
	}
	add("many", many...)
	assert.Equal(t, many, keys("many"))
}
