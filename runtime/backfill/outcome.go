package backfill

import (
	"context"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An outcome is what a run did: sets of partitions that are none of each other's.
type outcome struct{ done, reused, failed partition.Set }

// outcomeOf reads what a run did that has ended. One that was canceled, or whose process died, has decided nothing.
func (p *Part) outcomeOf(ctx context.Context, inst *instance.Instance, r *storage.BackfillRun) (outcome, error) {
	set := p.setOf(r)
	switch {
	case r.Status == storage.RunSuccess && r.Ran == 0:
		return outcome{reused: set}, nil
	case r.Status == storage.RunSuccess:
		return outcome{done: set}, nil
	case r.Status != storage.RunFailure || r.Cause == instance.CauseCrashed:
		return outcome{}, nil
	case set.Len() == 1 || !strings.HasPrefix(r.Cause, "step "): // it failed as a whole
		return outcome{failed: set}, nil
	}
	// Those of its partitions that no step failed of, or was skipped of, are done.
	var failed []string
	f := storage.EventFilter{RunID: r.ID, Types: []storage.EventType{storage.EventStepFailure, storage.EventStepSkipped}, Ascending: true, Limit: 1000}
	for {
		page, err := inst.EventRecords(ctx, f)
		if err != nil {
			return outcome{}, err
		}
		for i := range page.Records {
			failed = append(failed, page.Records[i].StepKey)
		}
		if f.After = page.Cursor; !page.More {
			break
		}
	}
	bad := failedOf(p.Space, p.definition, set, failed)
	return outcome{done: set.Minus(bad), failed: bad}, nil
}

// failedOf are the partitions of a run that failed, by the keys of the steps that failed or were skipped: all where one of them, or none at all, is of no partition.
func failedOf(space *partition.Space, d *partition.Definition, set partition.Set, steps []string) partition.Set {
	op := &dag.Op{Partitions: d}
	var bad []partition.Point
	for _, key := range steps {
		p, err := space.Find(string(plan.PartitionOfStep(op, key)))
		if err != nil {
			return set
		}
		bad = append(bad, p)
	}
	out := partition.Of(bad...).Intersect(set)
	if out.Empty() {
		return set
	}
	return out
}

// failedSteps are the keys of the steps of a run that failed or were skipped.
func failedSteps(res *execute.Result) []string {
	var keys []string
	for i := range res.Steps {
		if s := &res.Steps[i]; s.Status != execute.StatusSuccess {
			keys = append(keys, s.Key)
		}
	}
	return keys
}
