package instance

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func openPools(t *testing.T, dir string) *Instance {
	t.Helper()
	i, err := Open(t.Context(), dir, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = i.Close() })
	return i
}

func TestPools(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, configFile), []byte("concurrency: {pools: {default_limit: 1, limits: {db: 3}}}"), 0o600))
	a, b := openPools(t, dir), openPools(t, dir) // another opening of the file is as good as another process
	assert.Equal(t, 3, a.PoolLimit("db"))
	assert.Equal(t, 1, a.PoolLimit("gpu"))
	take := func(i *Instance, pool string) func() {
		t.Helper()
		release, ok, err := i.TryPool(pool)
		require.NoError(t, err)
		require.True(t, ok)
		return release
	}
	full := func(i *Instance, pool string) {
		t.Helper()
		_, ok, err := i.TryPool(pool)
		require.NoError(t, err)
		assert.False(t, ok)
	}
	one, _, three := take(a, "db"), take(b, "db"), take(a, "db")
	full(a, "db")
	full(b, "db")
	gpu := take(b, "gpu")
	full(a, "gpu")
	three()
	three() // only once
	again := take(b, "db")
	full(a, "db")
	full(b, "db")
	one()
	again()
	take(a, "db")
	take(a, "db")
	full(b, "db")
	require.NoError(t, a.Close(), "a process that is gone has no place")
	take(b, "db")
	gpu()
	take(b, "gpu")
}

func TestPoolsWithoutLimit(t *testing.T) {
	for _, i := range []*Instance{openPools(t, t.TempDir()), Ephemeral()} {
		assert.Zero(t, i.PoolLimit("db"))
		for range 100 {
			_, ok, err := i.TryPool("db")
			require.NoError(t, err)
			assert.True(t, ok)
		}
		require.NoError(t, i.Close())
	}
}

// The places of a pool are its own, whatever its name and its limit.
func TestPlacesAreApart(t *testing.T) {
	seen := map[int64]string{}
	for n := range 2000 {
		name := fmt.Sprint("pool", n)
		at := firstPlace(name)
		assert.Zero(t, at%mostPlaces)
		assert.Positive(t, at)
		assert.Empty(t, seen[at])
		seen[at] = name
	}
}
