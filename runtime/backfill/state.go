package backfill

import (
	"context"
	"fmt"
	"strconv"
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

	// Changed is why the partitions are not known: an asset, or its partitions definition, is not what it was. What was stored is not touched. There are no parts then, and the counts are
	// those that were stored last.
	Changed error

	Parts  []Part // one for each partitions definition, in the order in which they are computed; nil where Changed is set
	Counts Counts // of all parts

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

// left is how many partitions of all parts are.
func (s *State) left(failedToo bool) (n int) {
	for i := range s.Parts {
		n += s.Parts[i].left(failedToo).Len()
	}
	return n
}

// failed are the partitions that failed, for people.
func (s *State) failed() string {
	var list []string
	for i := range s.Parts {
		switch p := &s.Parts[i]; {
		case p.Failed.Empty():
		case p.Name == "":
			list = append(list, terms(p.Space, p.Failed, mostFailures))
		default:
			list = append(list, p.Name+"["+terms(p.Space, p.Failed, mostFailures)+"]")
		}
	}
	return strings.Join(list, ", ")
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
		return s, s.follow(ctx, inst, runs)
	}
	if storage.IsUnavailable(err) {
		return nil, err
	}
	s.Changed = &ChangedError{ID: id, Definition: row.Definition, Err: err}
	s.Parts = nil
	s.Counts = Counts{Total: row.Total, Done: p.DoneCount, Reused: p.ReusedCount, Failed: p.FailedCount}
	s.Counts.Left = s.Counts.Total - s.Counts.Done - s.Counts.Reused - s.Counts.Failed
	return s, nil
}

// read fills in the sets from what the row says.
func (s *State) read(scope *scope, at partition.At) error {
	spaces, err := scope.spaces(at)
	if err != nil {
		return err
	}
	parts := make([]Part, len(spaces))
	p := &s.Progress
	for i := range parts {
		u := &scope.parts[i]
		parts[i] = Part{Name: u.name, Selection: u.selection, Definition: u.definition.String(), Space: spaces[i], definition: u.definition}
	}
	for _, part := range []struct {
		text string
		into func(*Part) *partition.Set
	}{
		{s.Partitions, func(p *Part) *partition.Set { return &p.Chosen }}, {p.Done, func(p *Part) *partition.Set { return &p.Done }},
		{p.Reused, func(p *Part) *partition.Set { return &p.Reused }}, {p.Failed, func(p *Part) *partition.Set { return &p.Failed }},
	} {
		if err := decode(part.text, parts, part.into); err != nil {
			return err
		}
	}
	s.Parts, s.through = parts, p.Through
	return nil
}

// follow takes in what the runs did that the row does not know of.
func (s *State) follow(ctx context.Context, inst *instance.Instance, runs []storage.BackfillRun) error {
	for i := range s.Parts {
		p := &s.Parts[i]
		var own []storage.BackfillRun
		running := partition.Set{}
		for k := range runs {
			r := &runs[k]
			if s.partOf(r) != i {
				continue
			}
			if own = append(own, *r); !r.Status.Finished() {
				running = running.Union(p.setOf(r))
			}
		}
		if err := p.take(ctx, inst, own); err != nil {
			return err
		}
		p.Running = running.Intersect(p.left(true))
	}
	for i := range runs {
		switch r := &runs[i]; {
		case !r.Status.Finished():
			s.held = true
		case !s.held:
			s.through = r.Number
		}
	}
	s.count()
	return nil
}

// partOf is the number of the part that a run is of; -1 for none.
func (s *State) partOf(r *storage.BackfillRun) int {
	if len(s.Parts) == 1 {
		return 0
	}
	n, err := strconv.Atoi(r.Tags[storage.TagBackfillPart])
	if err != nil {
		return -1 // somebody has made a run with this tag by himself
	}
	return n - 1
}

func (s *State) count() {
	s.Counts = Counts{}
	c := &s.Counts
	for i := range s.Parts {
		p := &s.Parts[i]
		c.Total, c.Done, c.Reused = c.Total+p.Chosen.Len(), c.Done+p.Done.Len(), c.Reused+p.Reused.Len()
		c.Failed, c.Running = c.Failed+p.Failed.Minus(p.Running).Len(), c.Running+p.Running.Len()
	}
	c.Left = c.Total - c.Done - c.Reused - c.Failed - c.Running
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
