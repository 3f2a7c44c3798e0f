package backfill

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A State is a backfill and what has become of its partitions, all of one moment.
type State struct {
	storage.Backfill      // Progress is as it was stored last; the sets below are exact
	Live             bool // a living process works on it

	// Changed is why the partitions are not known: an asset, or its partitions definition, is not what it was. What was stored is not touched. The sets are empty then, and the counts
	// those that were stored last.
	Changed error

	Space   *partition.Space // nil where Changed is set
	Chosen  partition.Set    // all of the backfill
	Done    partition.Set    // computed
	Reused  partition.Set    // what was stored is what they would give
	Failed  partition.Set
	Running partition.Set
	Counts  Counts

	through int64 // number of the last run that has ended with all before it
	held    bool  // one has not ended
}

// Counts are how many partitions are in which state.
type Counts struct {
	Total   int `json:"total"`
	Done    int `json:"done"`
	Reused  int `json:"reused"`
	Failed  int `json:"failed"`
	Running int `json:"running"`
	Left    int `json:"left"` // neither of these
}

// Interrupted reports whether the backfill waits for somebody to go on with it: whoever worked on it was stopped or killed.
func (s *State) Interrupted() bool { return s.Status == storage.BackfillRequested && !s.Live }

// left is what is neither done nor reused, nor failed where those are left alone.
func (s *State) left(failedToo bool) partition.Set {
	left := s.Chosen.Minus(s.Done).Minus(s.Reused)
	if !failedToo {
		left = left.Minus(s.Failed)
	}
	return left
}

// Look returns how a backfill of the instance stands. Nothing is written. One that is not there is storage.ErrNotFound.
func Look(ctx context.Context, cat *plan.Catalog, inst *instance.Instance, id string) (*State, error) {
	row, runs, err := inst.Backfill(ctx, id)
	if err != nil {
		return nil, err
	}
	s := &State{Backfill: *row}
	if s.Live, err = inst.BackfillLives(id); err != nil {
		return nil, err
	}
	p := &row.Progress
	scope, err := scopeOf(cat, row.Job, row.Selection)
	if err == nil {
		err = s.read(scope, execute.PartitionsAt(ctx, inst, time.Now()))
	}
	if err == nil {
		return s, s.follow(ctx, inst, scope, runs)
	}
	if storage.IsUnavailable(err) {
		return nil, err
	}
	s.Changed = &ChangedError{ID: id, Definition: row.Definition, Err: err}
	s.Chosen, s.Done, s.Reused, s.Failed = partition.Set{}, partition.Set{}, partition.Set{}, partition.Set{}
	s.Counts = Counts{Total: row.Total, Done: p.DoneCount, Reused: p.ReusedCount, Failed: p.FailedCount}
	s.Counts.Left = s.Counts.Total - s.Counts.Done - s.Counts.Reused - s.Counts.Failed
	return s, nil
}

// read fills in the sets from what the row says.
func (s *State) read(scope *scope, at partition.At) error {
	space, err := scope.definition.Resolve(at)
	if err != nil {
		return err
	}
	p := &s.Progress
	for _, part := range []struct {
		text string
		into *partition.Set
	}{{s.Partitions, &s.Chosen}, {p.Done, &s.Done}, {p.Reused, &s.Reused}, {p.Failed, &s.Failed}} {
		if part.text == "" {
			continue
		}
		if *part.into, err = space.Decode(part.text); err != nil {
			return err
		}
	}
	s.Space, s.through = space, p.Through
	return nil
}

// follow takes in what the runs did that the row does not know of.
func (s *State) follow(ctx context.Context, inst *instance.Instance, scope *scope, runs []storage.BackfillRun) error {
	if err := s.take(ctx, inst, scope, runs); err != nil {
		return err
	}
	running := partition.Set{}
	for i := range runs {
		r := &runs[i]
		switch {
		case !r.Status.Finished():
			running = running.Union(s.setOf(r))
			s.held = true
		case !s.held:
			s.through = r.Number
		}
	}
	s.Running = running.Intersect(s.left(true))
	s.count()
	return nil
}

func (s *State) count() {
	s.Counts = Counts{Total: s.Chosen.Len(), Done: s.Done.Len(), Reused: s.Reused.Len(), Failed: s.Failed.Minus(s.Running).Len(), Running: s.Running.Len()}
	s.Counts.Left = s.Counts.Total - s.Counts.Done - s.Counts.Reused - s.Counts.Failed - s.Counts.Running
}

// take takes in what runs that have ended did, in their order: the last one of a partition counts.
func (s *State) take(ctx context.Context, inst *instance.Instance, scope *scope, runs []storage.BackfillRun) error {
	var same []partition.Set // of runs that ended in one way, one after the other
	var into *partition.Set
	put := func() {
		if into == nil {
			return
		}
		what := partition.Union(same...).Intersect(s.Chosen)
		for _, set := range []*partition.Set{&s.Done, &s.Reused, &s.Failed} {
			if *set = set.Minus(what); set == into {
				*set = set.Union(what)
			}
		}
		same = same[:0]
	}
	for i := range runs {
		o, err := s.outcomeOf(ctx, inst, scope, &runs[i])
		if err != nil {
			return err
		}
		for _, part := range []struct {
			set partition.Set
			to  *partition.Set
		}{{o.done, &s.Done}, {o.reused, &s.Reused}, {o.failed, &s.Failed}} {
			if part.set.Empty() {
				continue
			}
			if part.to != into {
				put()
				into = part.to
			}
			same = append(same, part.set)
		}
	}
	put()
	return nil
}

// setOf is the partitions of a run: those of its tag that there are.
func (s *State) setOf(r *storage.BackfillRun) partition.Set {
	set, err := s.Space.Select(r.Tags[plan.TagPartition])
	if err != nil {
		return partition.Set{} // somebody has made a run with this tag by himself
	}
	return set
}

// A ChangedError says that the assets or partitions of a backfill are not what they were when it was made.
type ChangedError struct {
	ID         string
	Definition string // what the partitions were, in words
	Err        error  // what does not fit any more
}

// Error says what has changed and what can be done.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("backfill %s is of other partitions (%s) than there are now: %v; nothing is lost: change the code back to go on with it, or launch another one", e.ID, e.Definition, e.Err)
}

// Unwrap returns what does not fit, and a [*plan.Error]: the request makes no sense now.
func (e *ChangedError) Unwrap() []error {
	return []error{e.Err, &plan.Error{Problems: []plan.Problem{problem("other_partitions", e.Err.Error())}}}
}

// terms writes a set for people: at most most ranges.
func terms(space *partition.Space, set partition.Set, most int) string {
	list := space.Terms(set)
	if len(list) > most {
		list = append(list[:most:most], fmt.Sprintf("and %d more", len(list)-most))
	}
	return strings.Join(list, ", ")
}
