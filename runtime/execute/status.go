package execute

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Status says how the assets that o selects stand: fresh, stale or missing, why, where that begins, and what a run would do. It makes the plan of them and of all
// that they are made from, so config is needed as for a run of these. It observes sources and reads the store; it writes nothing. A source that cannot be observed is
// missing, and no error. Of an asset with partitions it says how each of them stands, exact for any number, unless o.Tags say which one is meant.
func Status(ctx context.Context, cat *plan.Catalog, o Options) (*plan.Status, error) {
	o.status = true
	r, err := planRun(ctx, cat, "", &o)
	if err != nil {
		return nil, err
	}
	defer r.res.close()
	var all *plan.Bulk
	if r.each || r.parted != nil {
		all = &plan.Bulk{Each: r.each, At: PartitionsAt(ctx, o.Instance, time.Now()), Observe: r.observeAll}
	}
	st, err := r.plan.Status(r.shown, all)
	if err == nil && all != nil && o.Instance != nil {
		err = r.attempts(ctx, st)
	}
	if err != nil && storage.IsUnavailable(err) {
		err = &StoreError{err}
	}
	return st, err
}

// observeAll looks at a source once for each of some partitions, several at once unless one at a time is asked for.
func (r *run) observeAll(ctx context.Context, place int32, space *partition.Space, from, to int) []*plan.Observation {
	found := make([]*plan.Observation, to-from)
	width := runtime.GOMAXPROCS(0)
	if r.asked.executor == InProcessExecutor {
		width = 1
	}
	ctx = dag.WithScope(ctx, r.res.scope)
	var wg sync.WaitGroup
	slots := make(chan struct{}, width)
	for n, p := range space.Numbered(from, to) {
		w := plan.Watch{Place: place, Partition: plan.PartitionIn(space, p)}
		// What stays if the function ends this goroutine.
		found[n-from] = &plan.Observation{Err: &StepError{Step: watched(r.parted, w), Where: WhereSource, Err: errGoexit}}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found[n-from] = &r.observeOne(ctx, r.parted, w, &r.said).Observation
		})
	}
	wg.Wait()
	return found
}
