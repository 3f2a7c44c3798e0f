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

func latestOf(t *testing.T, s storage.Store) {
	ctx := t.Context()
	b := &storage.Batch{NewRun: NewRun("r1")}
	for i, id := range []string{"asset:a[3]", "asset:a[1]", "asset:a", "asset:ab[1]", "asset:a[1]", "asset:a[2]", "asset:b[1]", "asset:a[é]"} {
		rec := Record(i)
		rec.Identity, rec.Partition = id, "p"
		b.Records = append(b.Records, rec)
	}
	Submit(t, s, b)
	Submit(t, s, &storage.Batch{Aliases: []storage.Alias{{Step: Digest("other", 1), Record: 7, Identity: "asset:a[0]"}}, Drop: []int64{6}})
	page := func(after string, limit int) (names []string) {
		got, err := s.LatestOf(ctx, "asset:a[", after, limit)
		require.NoError(t, err)
		for _, r := range got {
			names = append(names, fmt.Sprintf("%s=%d", r.Identity, r.ID))
			assert.Equal(t, r.ID != 6, r.Usable)
			latest, err := s.Latest(ctx, []string{r.Identity})
			require.NoError(t, err)
			assert.Equal(t, *latest[r.Identity], r.Record)
		}
		return names
	}
	used := []storage.Brief{{Identity: "another", Content: Digest("another", 1), Output: "one"}}
	briefs := func(after string, limit int) (names []string, ok bool) {
		got, ok, err := s.BriefsOf(ctx, "asset:a[", after, limit, used)
		require.NoError(t, err)
		full, err := s.LatestOf(ctx, "asset:a[", after, limit)
		require.NoError(t, err)
		for i, b := range got {
			want, has := storage.BriefOf(&full[i].Record)
			assert.True(t, has && full[i].Usable)
			assert.Equal(t, want, b)
			names = append(names, b.Identity)
		}
		return names, ok
	}
	all := func(after string, limit int, want ...string) {
		t.Helper()
		names, ok := briefs(after, limit)
		assert.True(t, ok)
		assert.Equal(t, want, names)
	}
	none := func(after string, limit int) {
		t.Helper()
		names, ok := briefs(after, limit)
		assert.False(t, ok)
		assert.Empty(t, names)
	}
	none("", 100) // the second was dropped
	all("asset:a[2]", 100, "asset:a[3]", "asset:a[é]")
	all("asset:a[2]", 1, "asset:a[3]")
	all("asset:a[é]", 5)
	none("asset:a[1]", 5)
	heal := Record(9)
	heal.Identity, heal.Partition = "asset:a[2]", "p"
	Submit(t, s, &storage.Batch{Records: []storage.Record{heal}})
	all("asset:a[1]", 5, "asset:a[2]", "asset:a[3]", "asset:a[é]")
	Submit(t, s, &storage.Batch{Drop: []int64{9}})
	none("asset:a[1]", 5)
	// An alias makes an older record the newest again.
	Submit(t, s, &storage.Batch{Aliases: []storage.Alias{{Step: Digest("again", 1), Record: 2, Identity: "asset:a[1]"}}})
	one, _ := briefs("asset:a[0]", 1)
	assert.Equal(t, []string{"asset:a[1]"}, one)
	Submit(t, s, &storage.Batch{Drop: []int64{2}})
	none("asset:a[0]", 1)
	Submit(t, s, &storage.Batch{Aliases: []storage.Alias{{Step: Digest("again", 2), Record: 5, Identity: "asset:a[1]"}, {Step: Digest("again", 3), Record: 6, Identity: "asset:a[2]"}}})
	file := Record(10)
	file.Identity, file.Outputs[0].Inline = "asset:f[1]", false
	Submit(t, s, &storage.Batch{Records: []storage.Record{file}})
	_, ok, err := s.BriefsOf(ctx, "asset:f[", "", 5, nil)
	require.NoError(t, err)
	assert.False(t, ok, "its file may be damaged")

	assert.Equal(t, []string{"asset:a[0]=7", "asset:a[1]=5", "asset:a[2]=6", "asset:a[3]=1", "asset:a[é]=8"}, page("", 100))
	assert.Equal(t, []string{"asset:a[0]=7", "asset:a[1]=5"}, page("", 2))
	assert.Equal(t, []string{"asset:a[2]=6", "asset:a[3]=1"}, page("asset:a[1]", 2))
	assert.Empty(t, page("asset:a[é]", 2))
	assert.Equal(t, page("", 2), page("asset:a", 2), "what lies before the prefix is no place to begin at")
	assert.Empty(t, page("asset:b", 2))
}
