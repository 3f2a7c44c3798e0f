package instance

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// BenchmarkLockVersion takes and gives back a version that nobody else wants.
func BenchmarkLockVersion(b *testing.B) {
	i, err := Open(b.Context(), b.TempDir(), Options{})
	require.NoError(b, err)
	n := uint64(0)
	for b.Loop() {
		n++
		var d canon.Digest
		binary.BigEndian.PutUint64(d[:], n*0x9e3779b97f4a7c15)
		unlock, _, err := i.LockVersion(b.Context(), d, true)
		if err != nil {
			b.Fatal(err)
		}
		unlock()
	}
	require.NoError(b, i.Close())
}

// BenchmarkOpen opens an instance that exists.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		i, err := Open(b.Context(), dir, Options{})
		require.NoError(b, err)
		require.NoError(b, i.Close())
	}
}
