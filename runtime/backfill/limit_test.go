package backfill

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// There are as many runs at once as asked for, and not more.
func TestRunsAtOnce(t *testing.T) {
	s := newShop(t, days(12))
	var now, most atomic.Int32
	full := make(chan struct{})
	var once sync.Once
	s.does(func(ctx context.Context, _ string) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == 3 {
			once.Do(func() { close(full) })
		}
		select { // until all places are taken for the first time
		case <-full:
			return nil
		case <-time.After(time.Minute):
			return errBroken
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	state, err := Launch(t.Context(), s.catalog(t), Request{Partitions: "*", Concurrent: 3}, s.options())
	require.NoError(t, err)
	assert.Equal(t, Counts{Total: 12, Done: 12}, state.Counts)
	assert.Equal(t, int32(3), most.Load())
}
