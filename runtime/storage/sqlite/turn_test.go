//go:build cgo

package sqlite

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// Writers of one store take turns, however busy one of them is.
func TestTurnsAreFair(t *testing.T) {
	a := openTest(t)
	b, err := Open(t.Context(), a.Path())
	require.NoError(t, err)
	storagetest.Submit(t, a, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	stop := make(chan struct{})
	var commits atomic.Int64
	var wg sync.WaitGroup
	for w := range 4 { // so that the other always has something to write
		wg.Go(func() {
			for n := w * 100_000; ; n++ {
				select {
				case <-stop:
					return
				default:
					assert.NoError(t, a.Submit(stepBatch(n)).Wait(t.Context()))
					commits.Add(1)
				}
			}
		})
	}
	const turns = 50
	for n := range turns {
		storagetest.Submit(t, b, stepBatch(1_000_000+n))
	}
	assert.Less(t, commits.Load(), int64(5*4*turns), "commits of the other between ours")
	close(stop)
	wg.Wait()
	require.NoError(t, errors.Join(a.Close(), b.Close()))
}
