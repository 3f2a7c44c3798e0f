package backfill

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

const memoTag = dag.MemoizedRunTag

const (
	// heedEvery is how often it is looked whether somebody wants the backfill to stop.
	heedEvery = 100 * time.Millisecond
	// saveEvery is how often what became of partitions moves from the runs into the row. It changes nothing that is known; it keeps what has to be read for it small.
	saveEvery = 2 * time.Second
	// mostFailures is how many failures an error has.
	mostFailures = 10
)

// A session is a process at work on a backfill.
type session struct {
	cat   *plan.Catalog
	id    string
	o     execute.Options
	row   *storage.Backfill
	scope *scope
	stop  context.CancelCauseFunc
	quiet bool // what is up to date needs no run

	saving sync.Mutex // held while it is saved; taken before mu

	mu       sync.Mutex
	counts   execute.Progress
	reused   []found // up to date without a run, and not saved yet
	failures []Failure
	fatal    error // nothing more can be done
}

// found is partitions of a part.
type found struct {
	part int
	set  partition.Set
}

// work computes what is left of a backfill whose lock this process has.
func work(ctx context.Context, cat *plan.Catalog, id string, how Resume, o execute.Options) (*State, error) {
	if _, err := o.Instance.ReapDeadRuns(ctx); err != nil {
		return nil, err
	}
	s := &session{cat: cat, id: id, o: o}
	state, err := s.begin(ctx, how)
	if err != nil {
		return state, err
	}
	inner, stop := context.WithCancelCause(ctx)
	s.stop = stop
	defer stop(nil)
	heeded := s.heed(inner)
	s.parts(inner, state)
	heeded()
	return s.end(context.WithoutCancel(ctx), context.Cause(inner))
}

// parts computes one part after the other. What is made from partitions that are not there, because they failed, is not tried.
func (s *session) parts(ctx context.Context, state *State) {
	for i := range state.Parts {
		todo := state.Parts[i].left(false)
		if i > 0 {
			if ctx.Err() != nil {
				return
			}
			lost, err := s.lost(ctx, i)
			if err != nil {
				s.fail(err)
				return
			}
			s.spare(&state.Parts[i], todo.Intersect(lost))
			todo = todo.Minus(lost)
		}
		p := &state.Parts[i]
		s.runs(ctx, chunks(p.Space, todo, s.row.Newest, s.row.PerRun), func(set partition.Set) { s.one(ctx, p, i, set) })
	}
}

// lost are the partitions of a part that are made from some of earlier parts that were tried and are not there.
func (s *session) lost(ctx context.Context, part int) (partition.Set, error) {
	if err := s.save(ctx, nil); err != nil {
		return partition.Set{}, err
	}
	state, err := Look(ctx, s.cat, s.o.Instance, s.id)
	if err != nil {
		return partition.Set{}, err
	}
	if state.Changed != nil {
		return partition.Set{}, state.Changed
	}
	missed := make([]partition.Set, len(state.Parts))
	for i := range part {
		missed[i] = state.Parts[i].left(true)
	}
	sets, err := s.scope.stages.MadeFrom(missed, execute.PartitionsAt(ctx, s.o.Instance, time.Now()))
	if err != nil {
		return partition.Set{}, err
	}
	return sets[part], nil
}

// errLost is why a partition is not tried.
var errLost = errors.New("it is made from partitions that failed")

// spare counts partitions that are not tried among those that failed.
func (s *session) spare(p *Part, set partition.Set) {
	n := set.Len()
	if n == 0 {
		return
	}
	s.failed(p.Label(set), errLost, nil)
	s.tell(execute.Progress{Kind: execute.ProgressSkipped, Step: p.Label(set), Message: errLost.Error()}, func(c *execute.Progress) { c.Failed += n })
}

// begin stores that the backfill goes on, with what its earlier runs have come to.
func (s *session) begin(ctx context.Context, how Resume) (*State, error) {
	state, err := Look(ctx, s.cat, s.o.Instance, s.id)
	if err != nil {
		return nil, err
	}
	if state.Changed != nil {
		return nil, state.Changed
	}
	// While somebody else does a run of it again, what older runs came to is read again each time: what is found without a run could not overrule that.
	s.row, s.quiet = &state.Backfill, !state.held
	if s.scope, err = scopeOf(s.cat, s.row.Job, s.row.Selection); err != nil {
		return nil, err
	}
	if how.Failed {
		for i := range state.Parts {
			state.Parts[i].Failed = partition.Set{}
		}
	}
	change := &storage.BackfillChange{ID: s.id, Progress: s.progress(state, state.through), Time: time.Now().UTC()}
	// The status is the row's own: what reads as canceled may still be stored as being so.
	if stored, _, err := s.o.Instance.Store().Backfill(ctx, s.id); err != nil {
		return nil, err
	} else if stored.Status != storage.BackfillRequested {
		change.To = storage.BackfillRequested
	}
	if err := s.o.Instance.Store().Submit(&storage.Batch{Backfill: change}).Wait(ctx); err != nil {
		return nil, err
	}
	state.count()
	c := &state.Counts
	s.counts = execute.Progress{Kind: execute.ProgressPlanned, Total: c.Total, Ran: c.Done, Reused: c.Reused, Failed: c.Failed}
	s.say(s.counts)
	return state, nil
}

// progress is what the row is to hold of a state, which is that of the runs up to one.
func (s *session) progress(state *State, through int64) *storage.BackfillProgress {
	spaces := make([]*partition.Space, len(state.Parts))
	done, reused, failed := make([]partition.Set, len(spaces)), make([]partition.Set, len(spaces)), make([]partition.Set, len(spaces))
	for i := range state.Parts {
		p := &state.Parts[i]
		spaces[i], done[i], reused[i], failed[i] = p.Space, p.Done, p.Reused, p.Failed
	}
	out := &storage.BackfillProgress{Through: through}
	out.Done, out.DoneCount = encode(spaces, done)
	out.Reused, out.ReusedCount = encode(spaces, reused)
	out.Failed, out.FailedCount = encode(spaces, failed)
	return out
}

// heed saves progress from time to time, and lets the runs stop when the store says that the backfill should. It ends with the function that it returns.
func (s *session) heed(ctx context.Context) (done func()) {
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(heedEvery)
		defer tick.Stop()
		saved := time.Now()
		for {
			select {
			case <-end:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			// An error of the store shows in what the runs write.
			rows, err := s.o.Instance.Store().Backfills(ctx, storage.BackfillFilter{IDs: []string{s.id}})
			if err == nil && len(rows) == 1 && rows[0].Status == storage.BackfillCanceling {
				s.stop(ErrCanceled)
				return
			}
			if time.Since(saved) >= saveEvery {
				if err := s.save(ctx, nil); err != nil && ctx.Err() == nil {
					s.fail(err)
				}
				saved = time.Now()
			}
		}
	})
	return func() {
		close(end)
		wg.Wait()
	}
}

// save moves what is decided into the row. last, if not nil, may say how the backfill has ended.
func (s *session) save(ctx context.Context, last func(*State) (storage.BackfillStatus, error)) error {
	s.saving.Lock() // one after the other: each drops what it has saved, and goes by what the one before it stored
	defer s.saving.Unlock()
	s.mu.Lock()
	reused := s.reused
	s.mu.Unlock()
	state, err := Look(ctx, s.cat, s.o.Instance, s.id)
	if err != nil {
		return err
	}
	if state.Changed != nil {
		return state.Changed
	}
	// Look has taken in all runs that have ended; only those up to the first that has not are left out of what is read the next time.
	for i := range state.Parts {
		p := &state.Parts[i]
		var sets []partition.Set
		for _, f := range reused {
			if f.part == i {
				sets = append(sets, f.set)
			}
		}
		up := partition.Union(sets...).Minus(p.Done)
		p.Reused, p.Failed = p.Reused.Union(up), p.Failed.Minus(up)
	}
	change := &storage.BackfillChange{ID: s.id, Time: time.Now().UTC()}
	if last != nil {
		if change.To, err = last(state); err != nil {
			return err
		}
	}
	change.Progress = s.progress(state, state.through)
	if change.To == storage.BackfillCanceled {
		change.Cause = ErrCanceled.Error()
	}
	if err := s.o.Instance.Store().Submit(&storage.Batch{Backfill: change}).Wait(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.reused = s.reused[len(reused):]
	s.mu.Unlock()
	return nil
}

// end stores how the backfill stands now that no run of it goes on here.
func (s *session) end(ctx context.Context, cause error) (*State, error) {
	s.mu.Lock()
	fatal := s.fatal
	s.mu.Unlock()
	left := 0
	err := s.save(ctx, func(state *State) (storage.BackfillStatus, error) {
		if cause == nil && fatal == nil {
			// All were tried: what has left no trace could not begin, or somebody has canceled its run.
			for i := range state.Parts {
				p := &state.Parts[i]
				p.Failed = p.Failed.Union(p.left(false))
			}
		}
		left = state.left(false)
		switch {
		case left > 0 && errors.Is(cause, ErrCanceled):
			return storage.BackfillCanceled, nil
		case left > 0:
			return "", nil
		case state.left(true) == 0:
			return storage.BackfillCompletedSuccess, nil
		}
		return storage.BackfillCompletedFailed, nil
	})
	if fatal != nil {
		return nil, errors.Join(fatal, err)
	}
	if err != nil {
		return nil, err
	}
	state, err := Look(ctx, s.cat, s.o.Instance, s.id)
	switch {
	case err != nil:
		return nil, err
	case left > 0:
		return state, &StoppedError{ID: s.id, Left: left, Cause: cause}
	case state.left(true) > 0:
		return state, &FailedError{ID: s.id, Failed: state.left(true), Partitions: state.failed(), Failures: s.failures}
	}
	return state, nil
}

// runs executes sets of partitions, each in a run, several at once, until there are none or ctx is done.
func (s *session) runs(ctx context.Context, sets func(func(partition.Set) bool), one func(partition.Set)) {
	n := s.row.Concurrent
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	todo := make(chan partition.Set)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for set := range todo {
				one(set)
			}
		})
	}
	for set := range sets {
		if ctx.Err() != nil {
			break
		}
		select {
		case todo <- set:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(todo)
	wg.Wait()
}

// one executes a run and takes note of what came of it.
func (s *session) one(ctx context.Context, p *Part, part int, set partition.Set) {
	if ctx.Err() != nil {
		return
	}
	name, n := p.Label(set), set.Len()
	id, err := uuid.NewV7()
	if err != nil {
		s.fail(err)
		return
	}
	o := s.o
	o.Select, o.RunID, o.OnlyNeeded, o.NoMemo, o.Observe = p.Selection, id.String(), s.quiet, false, s.warnings(name)
	o.Tags = maps.Clone(s.row.Tags)
	if o.Tags == nil {
		o.Tags = map[string]string{}
	}
	o.Tags[storage.TagBackfill], o.Tags[plan.TagPartition] = s.id, selectionOf(p.Space, set)
	if p.Name != "" {
		o.Tags[storage.TagBackfillPart] = strconv.Itoa(part + 1)
	}
	s.tell(execute.Progress{Kind: execute.ProgressStarted, Step: name}, func(c *execute.Progress) { c.Running += n })
	began := time.Now()
	res, err := execute.Run(ctx, s.cat, s.row.Job, o)
	took := time.Since(began)
	if err == nil {
		err = res.Err()
	}
	var refused *plan.Error
	var run *execute.RunError
	switch {
	case errors.Is(err, execute.ErrNothingToRun):
		s.mu.Lock()
		s.reused = append(s.reused, found{part, set})
		s.mu.Unlock()
		s.tell(execute.Progress{Kind: execute.ProgressReused, Step: name}, func(c *execute.Progress) { c.Running, c.Reused = c.Running-n, c.Reused+n })
	case err == nil && res.Run.Ran == 0:
		s.tell(execute.Progress{Kind: execute.ProgressReused, Step: name}, func(c *execute.Progress) { c.Running, c.Reused = c.Running-n, c.Reused+n })
	case err == nil:
		s.tell(execute.Progress{Kind: execute.ProgressFinished, Step: name, Elapsed: took}, func(c *execute.Progress) { c.Running, c.Ran = c.Running-n, c.Ran+n })
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || !errors.As(err, &run)):
		s.tell(execute.Progress{Kind: execute.ProgressSkipped, Step: name, Message: "stopped"}, func(c *execute.Progress) { c.Running -= n })
	case errors.As(err, &run) && run.Reason == nil, errors.As(err, &refused), errors.Is(err, execute.ErrCancelRequested):
		bad := n
		if n > 1 && run != nil && run.Reason == nil {
			bad = failedOf(p.Space, p.definition, set, failedSteps(res)).Len()
		}
		s.failed(name, err, run)
		s.tell(execute.Progress{Kind: execute.ProgressFailed, Step: name, Err: err, Elapsed: took}, func(c *execute.Progress) {
			c.Running, c.Failed, c.Ran = c.Running-n, c.Failed+bad, c.Ran+n-bad
		})
	default:
		s.fail(err)
	}
}

// selectionOf writes a set as --partition takes it: the key of a single partition, where that can stand by itself.
func selectionOf(space *partition.Space, set partition.Set) string {
	if set.Len() == 1 {
		key := space.Key(set.First(1)[0])
		if same, err := space.Select(key); err == nil && same.Equal(set) {
			return key
		}
	}
	return strings.Join(space.Terms(set), ",")
}

// failed keeps the first failures for the error at the end.
func (s *session) failed(name string, err error, run *execute.RunError) {
	f := Failure{Partitions: name, Err: err}
	if run != nil {
		f.RunID = run.RunID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.failures) < mostFailures {
		s.failures = append(s.failures, f)
	}
}

// fail ends the work: what comes next would fail as well.
func (s *session) fail(err error) {
	s.mu.Lock()
	if s.fatal == nil {
		s.fatal = err
	}
	s.mu.Unlock()
	s.stop(err)
}

// tell changes the counts and says what has happened.
func (s *session) tell(p execute.Progress, change func(*execute.Progress)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.counts)
	c := s.counts
	p.Total, p.Running, p.Ran, p.Reused, p.Failed, p.Skipped = c.Total, c.Running, c.Ran, c.Reused, c.Failed, c.Skipped
	s.say(p)
}

func (s *session) say(p execute.Progress) {
	if s.o.Observe != nil {
		s.o.Observe(p)
	}
}

// warnings passes on what a person should see of a run.
func (s *session) warnings(name string) func(execute.Progress) {
	return func(p execute.Progress) {
		if p.Kind != execute.ProgressWarning {
			return
		}
		if p.Step == "" {
			p.Step = name
		}
		s.tell(execute.Progress{Kind: p.Kind, Step: p.Step, Message: p.Message}, func(*execute.Progress) {})
	}
}
