package backfill

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/execute"
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
