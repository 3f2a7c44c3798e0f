package execute

import (
	"context"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// attempts adds to a status of all partitions which of them a run computes now, and which failed when they were last computed.
func (r *run) attempts(ctx context.Context, st *plan.Status) error {
	a := attempts{run: r, byOp: map[string][]*plan.AssetStatus{}, failed: map[string]time.Time{}, started: map[string]bool{}}
	for i := range st.Assets {
		if s := &st.Assets[i]; s.Partitions != nil {
			a.byOp[s.Op] = append(a.byOp[s.Op], s)
		}
	}
	if err := a.failures(ctx); err != nil {
		return err
	}
	if err := a.running(ctx); err != nil {
		return err
	}
	for _, of := range a.byOp {
		if err := a.tell(ctx, of[0]); err != nil {
			return err
		}
		for _, s := range of[1:] { // of a function with several assets
			s.Partitions.Failed, s.Partitions.InProgress = of[0].Partitions.Failed, of[0].Partitions.InProgress
		}
	}
	return nil
}

type attempts struct {
	*run
	byOp    map[string][]*plan.AssetStatus
	failed  map[string]time.Time // by step key: its last failure
	started map[string]bool      // by step key: a run that lives computes it
}

// each calls yield with the events of some types, of one run or of all.
func (a *attempts) each(ctx context.Context, runID string, types []storage.EventType, yield func(e *storage.EventRecord)) error {
	f := storage.EventFilter{RunID: runID, Types: types, Ascending: true, Limit: 10_000}
	for {
		page, err := a.inst.EventRecords(ctx, f)
		if err != nil {
			return err
		}
		for i := range page.Records {
			yield(&page.Records[i])
		}
		if !page.More {
			return nil
		}
		f.After = page.Cursor
	}
}

func (a *attempts) failures(ctx context.Context) error {
	return a.each(ctx, "", []storage.EventType{storage.EventStepFailure}, func(e *storage.EventRecord) {
		if a.target.Catalog.OfAssets(e.Job) {
			a.failed[e.StepKey] = e.Time
		}
	})
}

// running finds the steps that runs which live have started and not ended.
func (a *attempts) running(ctx context.Context) error {
	runs, err := a.inst.Runs(ctx, storage.RunFilter{Statuses: []storage.RunStatus{storage.RunStarted, storage.RunCanceling}})
	if err != nil {
		return err
	}
	types := []storage.EventType{storage.EventStepStart, storage.EventStepSuccess, storage.EventStepFailure, storage.EventStepSkipped}
	for i := range runs {
		if !a.target.Catalog.OfAssets(runs[i].Job) {
			continue
		}
		mine := map[string]bool{}
		err := a.each(ctx, runs[i].ID, types, func(e *storage.EventRecord) {
			if e.Type == storage.EventStepStart {
				mine[e.StepKey] = true
			} else {
				delete(mine, e.StepKey)
			}
		})
		if err != nil {
			return err
		}
		for key := range mine {
			a.started[key] = true
		}
	}
	return nil
}

// tell finds the partitions of an asset among the steps.
func (a *attempts) tell(ctx context.Context, s *plan.AssetStatus) error {
	op, err := a.target.Catalog.Op(s.Op)
	if err != nil {
		return err
	}
	space := s.Partitions.Space
	fresh := s.Partitions.Status[plan.Fresh]
	var running []partition.Point
	var keys []dag.PartitionKey
	var failed []partition.Point
	find := func(step string) (dag.PartitionKey, partition.Point, bool) {
		key := plan.PartitionOfStep(op, step)
		if step != dag.PartitionStep(s.Op, key) {
			return "", nil, false
		}
		p, err := space.Find(string(key))
		return key, p, err == nil
	}
	for step := range a.started {
		if _, p, ok := find(step); ok {
			running = append(running, p)
		}
	}
	for step := range a.failed {
		if key, p, ok := find(step); ok && !fresh.Has(p) {
			failed, keys = append(failed, p), append(keys, key)
		}
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = dag.PartitionStep("asset:"+s.Op, key)
	}
	latest, err := a.store.Latest(ctx, ids)
	if err != nil {
		return err
	}
	var points []partition.Point
	for i, id := range ids { // one that was computed since is no failure, whatever became of it then
		if r := latest[id]; r == nil || r.Time.Before(a.failed[dag.PartitionStep(s.Op, keys[i])]) {
			points = append(points, failed[i])
		}
	}
	slices.SortFunc(points, slices.Compare[partition.Point])
	s.Partitions.Failed = plan.Partitions{Set: partition.Of(points...), Space: space}
	s.Partitions.InProgress = plan.Partitions{Set: partition.Of(running...), Space: space}
	return nil
}
