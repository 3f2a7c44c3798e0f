package backfill

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestMissingAndStale(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(6))
	_, err := Launch(ctx, s.catalog(t), Request{Partitions: "2024-01-02...2024-01-03", Concurrent: 1}, s.options())
	require.NoError(t, err)
	_, err = Launch(ctx, s.catalog(t), Request{Partitions: "2024-01-02", Missing: true}, s.options())
	require.ErrorIs(t, err, execute.ErrNothingToRun)
	s.code = "edited"
	_, err = Launch(ctx, s.catalog(t), Request{Partitions: "2024-01-03", Concurrent: 1}, s.options())
	require.NoError(t, err)
	s.take()

	missing, err := Launch(ctx, s.catalog(t), Request{Partitions: "...2024-01-04", Missing: true, Concurrent: 1}, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-01 2024-01-04", s.take(), "what is stored is left alone, stale or not")
	assert.Equal(t, Counts{Total: 2, Done: 2}, missing.Counts)
	stale, err := Launch(ctx, s.catalog(t), Request{Partitions: "...2024-01-05", Stale: true, Concurrent: 1}, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-02 2024-01-05", s.take())
	assert.Equal(t, Counts{Total: 2, Done: 2}, stale.Counts)
	_, err = Launch(ctx, s.catalog(t), Request{Partitions: "...2024-01-05", Stale: true}, s.options())
	require.ErrorIs(t, err, execute.ErrNothingToRun)
	list, err := s.inst.Backfills(ctx, storage.BackfillFilter{})
	require.NoError(t, err)
	assert.Len(t, list, 4, "nothing to do leaves nothing")
}

// An asset that begins later calls its partitions by other numbers, and takes part with those that it has, wherever it stands.
func TestAssetsThatBeginLater(t *testing.T) {
	ctx := t.Context()
	for _, name := range []string{"aftermath", "tail"} { // before readings, and after
		t.Run(name, func(t *testing.T) {
			s := newShop(t, days(6))
			later := asset(name, partition.Daily("2024-01-04", partition.Until("2024-01-07")), func(ctx context.Context, key string) error { return s.read(ctx, name+":"+key) }, "base")
			cat := s.definitions(t, []*dag.Op{later})
			state, err := Launch(ctx, cat, Request{Select: "base, readings, " + name, Partitions: "...2024-01-04", Concurrent: 1}, s.options())
			require.NoError(t, err)
			assert.Equal(t, Counts{Total: 4, Done: 4}, state.Counts)
			assert.Equal(t, "daily from 2024-01-01", state.Definition)
			assert.Equal(t, "2024-01-01 2024-01-02 2024-01-03 2024-01-04 "+name+":2024-01-04", s.sorted())
			_, err = Launch(ctx, cat, Request{Select: "base, readings", Partitions: "*", Concurrent: 1}, s.options())
			require.NoError(t, err)
			s.take()
			state, err = Launch(ctx, cat, Request{Select: "readings, " + name, Partitions: "*", Missing: true, Concurrent: 1}, s.options())
			require.NoError(t, err)
			assert.Equal(t, name+":2024-01-05 "+name+":2024-01-06", s.take())
			assert.Equal(t, 2, state.Counts.Total)
		})
	}
}
