package execute

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A faultStore fails at its n-th batch and at all after it, as a store does whose disk is gone. Before: nothing of that batch is stored. After: all of it is, and
// nobody is told.
type faultStore struct {
	storage.Store
	n     int
	after bool

	mu    sync.Mutex
	count int
}

// A lostTicket is that of a batch that failed.
type lostTicket struct{ err error }

func (f lostTicket) Wait(context.Context) error { return f.err }

func (f *faultStore) Submit(b *storage.Batch) storage.Ticket {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	if f.count < f.n {
		return f.Store.Submit(b)
	}
	if f.count == f.n && f.after {
		if err := f.Store.Submit(b).Wait(context.Background()); err != nil {
			return lostTicket{err}
		}
	}
	return lostTicket{fmt.Errorf("batch %d: %w", f.count, storage.ErrIO)}
}

// The store fails before and after each commit of a run. Whatever was reported done is on disk, the run is no success unless that is stored, the
// store verifies, and the next run gives what an undisturbed one does and computes nothing again that was reported done.
func TestStoreFailsAtEachCommit(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after %t", executor, after), func(t *testing.T) {
				for n := 1; ; n++ {
					if !failAt(t, executor, n, after) {
						require.Greater(t, n, 4, "no batch failed: nothing is proven")
						return
					}
				}
			})
		}
	}
}

// failAt reports whether a run came to its n-th batch.
func failAt(t *testing.T, executor string, n int, after bool) bool {
	s := newShop(t)
	s.asset("a", nil, add(1))
	s.asset("b", []string{"a"}, add(1))
	s.asset("c", []string{"a"}, add(2))
	s.asset("d", []string{"b", "c"}, add(3))
	cat, dir := s.catalog(), t.TempDir()
	faulty := &faultStore{n: n, after: after}
	inst, err := instance.Open(t.Context(), dir, instance.Options{Wrap: func(s storage.Store) storage.Store {
		faulty.Store = s
		return faulty
	}})
	require.NoError(t, err)
	done := map[string]bool{}
	var said map[string]string
	res, err := Run(t.Context(), cat, "", Options{Instance: inst, Executor: executor, Observe: func(p Progress) {
		if p.Kind == ProgressFinished {
			done[p.Step] = true
		}
	}})
	hit := faulty.count >= n
	if hit {
		require.True(t, storage.IsUnavailable(err), "batch %d: %v", n, err)
		if res != nil {
			require.NotEqual(t, storage.RunSuccess, res.Status)
			said = reported(t, res)
		}
	} else {
		require.NoError(t, err)
		require.Equal(t, storage.RunSuccess, res.Status)
	}
	require.NoError(t, inst.Close())

	again := openInstance(t, dir)
	v, err := again.Verify(t.Context(), true)
	require.NoError(t, err)
	require.Zero(t, v.Left(), "%v", v.Problems)
	p, err := Plan(t.Context(), cat, "", Options{Instance: again})
	require.NoError(t, err)
	for _, step := range p.Steps {
		if done[step.Key] {
			require.Equal(t, plan.Reuse, step.Action, "batch %d: %s was reported done", n, step.Key)
			require.Contains(t, []string{"", StatusSuccess}, said[step.Key], "batch %d: %s was reported done", n, step.Key)
		}
		if said[step.Key] == StatusSuccess {
			require.Equal(t, plan.Reuse, step.Action, "batch %d: the result says that %s succeeded", n, step.Key)
		}
	}
	runs, err := again.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	for _, r := range runs {
		require.True(t, r.Status.Finished(), "batch %d: nobody executes it any more", n)
	}
	res, err = Run(t.Context(), cat, "", Options{Instance: again})
	require.NoError(t, err)
	require.Equal(t, storage.RunSuccess, res.Status)
	value, err := res.Output(t.Context(), "d", "result")
	require.NoError(t, err)
	require.Equal(t, 1+1+1+2+3, value)
	return hit
}

// reported is the status of each step as a result says it in JSON, the result of a store that failed. A step that is no success is skipped, or says why.
func reported(t *testing.T, res *Result) map[string]string {
	text, err := json.Marshal(res)
	require.NoError(t, err)
	var doc struct {
		Steps []struct {
			Key, Status, Error string
			Outputs            []any
		}
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	said := map[string]string{}
	for _, step := range doc.Steps {
		said[step.Key] = step.Status
		if step.Status == StatusFailure {
			require.Contains(t, step.Error, "the store failed: batch ", step.Key)
			require.Empty(t, step.Outputs, "%s: nothing of it is on disk", step.Key)
			require.ErrorIs(t, res.Step(step.Key).Err, storage.ErrIO)
		}
	}
	counted := 0
	for _, status := range said {
		if status == StatusFailure {
			counted++
		}
	}
	require.Equal(t, counted, res.Run.Failed)
	return said
}
