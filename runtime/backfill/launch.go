package backfill

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Request says what a backfill is to compute, and how.
type Request struct {
	Job        string // the job that its runs are of; empty for assets
	Select     string // a selection of assets, see docs/runs.md; empty for all that have partitions, with what they are made from, and for all of a job
	Partitions string // a selection of partitions, see partition.Space.Select: "2024-01-01...2024-03-31", "*"
	Missing    bool   // of these only what was never stored of one of the assets
	Stale      bool   // of these only what is missing or stale of one of the assets, also where that follows from what is stale above it
	Newest     bool   // the last partitions first; else the earliest
	PerRun     int    // partitions of each run; 0 for one, AllInOne for all
	Concurrent int    // runs at once; 0 for as many as there are processors
	Title      string // for people; may be empty
}

// AllInOne is the [Request.PerRun] of a backfill that is one run.
const AllInOne = -1

// Launch stores a backfill in the instance of o and works on it until it has ended, ctx is done, or another process asks it to stop. It returns how the backfill stands then; the error is
// not nil where a partition failed ([*FailedError]), where it was stopped ([*StoppedError]), where there is nothing to do (execute.ErrNothingToRun), or where it could not go on. Everything about the request that can be wrong is an error before
// anything is stored: then the state is nil.
//
// Of o count Instance, which is needed, Config, Tags, Executor, NoMemo, Grace, Resources and what runs write to; config, tags, executor and NoMemo are kept for [Resume], secrets aside. Observe is
// told about partitions in place of steps.
func Launch(ctx context.Context, cat *plan.Catalog, r Request, o execute.Options) (*State, error) {
	row, unlock, err := create(ctx, cat, r, &o)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return work(ctx, cat, row.ID, Resume{}, o)
}

// Create is Launch without the work: the backfill waits for [Resume]. It returns its id.
func Create(ctx context.Context, cat *plan.Catalog, r Request, o execute.Options) (id string, err error) {
	row, unlock, err := create(ctx, cat, r, &o)
	if err != nil {
		return "", err
	}
	unlock()
	return row.ID, nil
}

// Check finds what is wrong with a request that needs no store to be seen, as Launch does.
func Check(cat *plan.Catalog, r Request, o execute.Options) error {
	_, err := prepare(cat, r, &o)
	return err
}

// prepared is a request that makes sense.
type prepared struct {
	*scope
	row storage.Backfill
}

func prepare(cat *plan.Catalog, r Request, o *execute.Options) (*prepared, error) {
	if err := execute.CheckProof(cat); err != nil {
		return nil, err
	}
	s, err := scopeOf(cat, r.Job, r.Select)
	if err != nil {
		return nil, err
	}
	var wrong []plan.Problem
	bad := func(format string, args ...any) {
		wrong = append(wrong, problem("bad_option", fmt.Sprintf(format, args...)))
	}
	if r.PerRun < AllInOne {
		bad("%d partitions of each run; it must be 1 or more, or all", r.PerRun)
	}
	if r.Concurrent < 0 {
		bad("%d runs at once; it must be 1 or more", r.Concurrent)
	}
	if s.each() && r.PerRun != 0 && r.PerRun != 1 {
		bad("a run of job %q is of one partition; leave out --per-run", r.Job)
	}
	if s.each() && (r.Missing || r.Stale) {
		bad("what is missing or stale is known of assets, not of job %q; leave it out: what is up to date is not run anyway", r.Job)
	}
	if names := execute.Executors(); o.Executor != "" && !slices.Contains(names, o.Executor) {
		bad("no executor %q", o.Executor)
	}
	for _, tag := range []string{plan.TagPartition, storage.TagBackfill, storage.TagBackfillPart} {
		if _, given := o.Tags[tag]; given {
			bad("the tag %s is the backfill's own; leave it out", tag)
		}
	}
	tags := map[string]string{}
	maps.Copy(tags, o.Tags)
	if o.NoMemo {
		tags[memoTag] = "false"
	}
	if _, _, err := plan.Memoized(nil, tags, false); err != nil {
		return nil, err
	}
	if wrong != nil {
		return nil, &plan.Error{Problems: wrong}
	}
	p := &prepared{scope: s}
	p.row = storage.Backfill{
		Status: storage.BackfillRequested, Title: r.Title, Job: s.name(), Selection: s.selection, Definition: s.definitions(), Newest: r.Newest, PerRun: max(r.PerRun, 1), Concurrent: r.Concurrent,
		Executor: o.Executor, Tags: tags,
	}
	if r.PerRun == AllInOne {
		p.row.PerRun = 0
	}
	if !s.perPartition() {
		resolved, err := execute.ResolveConfig(cat, s.name(), s.selection, o.Config, o.Getenv)
		if err != nil {
			return nil, err
		}
		p.row.Config = resolved.Text
	}
	return p, nil
}

// create stores a backfill. Its lock is taken first: one that is stored and not locked is nobody's.
func create(ctx context.Context, cat *plan.Catalog, r Request, o *execute.Options) (_ *storage.Backfill, unlock func(), err error) {
	if o.Instance == nil {
		return nil, nil, &plan.Error{Problems: []plan.Problem{problem("bad_option", "a backfill needs an instance, which remembers it")}}
	}
	p, err := prepare(cat, r, o)
	if err != nil {
		return nil, nil, err
	}
	row := &p.row
	row.Created = time.Now().UTC()
	at := execute.PartitionsAt(ctx, o.Instance, row.Created)
	spaces, err := p.spaces(at)
	if err != nil {
		return nil, nil, err
	}
	chosen, err := p.choose(spaces, r.Partitions, at)
	if err != nil {
		return nil, nil, err
	}
	if r.Missing || r.Stale {
		if chosen, err = p.outdated(ctx, cat, r, *o, spaces, chosen); err != nil {
			return nil, nil, err
		}
	}
	if p.perPartition() {
		if row.Config, err = p.configIn(cat, spaces[0], chosen[0], *o); err != nil {
			return nil, nil, err
		}
	}
	row.Partitions, row.Total = encode(spaces, chosen)
	id, err := uuid.NewV7()
	if err != nil {
		return nil, nil, err
	}
	row.ID = id.String()
	if unlock, err = o.Instance.LockBackfill(row.ID); err != nil {
		return nil, nil, err
	}
	if err := o.Instance.Store().Submit(&storage.Batch{NewBackfill: row}).Wait(ctx); err != nil {
		unlock()
		return nil, nil, err
	}
	return row, unlock, nil
}

// outdated leaves of chosen partitions those that are missing, or missing or stale, of one of the assets of their part. None at all is execute.ErrNothingToRun.
func (p *prepared) outdated(ctx context.Context, cat *plan.Catalog, r Request, o execute.Options, spaces []*partition.Space, chosen []partition.Set) ([]partition.Set, error) {
	any := false
	for i := range p.parts {
		o.Select = p.parts[i].selection
		wanted, err := outdatedOf(ctx, cat, r, o, spaces[i])
		if err != nil {
			return nil, err
		}
		chosen[i] = chosen[i].Intersect(wanted)
		any = any || !chosen[i].Empty()
	}
	if !any {
		return nil, execute.ErrNothingToRun
	}
	return chosen, nil
}

// outdatedOf finds them in a space: an asset that begins later calls its partitions by other numbers.
func outdatedOf(ctx context.Context, cat *plan.Catalog, r Request, o execute.Options, space *partition.Space) (partition.Set, error) {
	st, err := execute.Status(ctx, cat, o)
	if err != nil {
		return partition.Set{}, err
	}
	var sets []partition.Set
	for i := range st.Assets {
		s := st.Assets[i].Partitions
		if s == nil || st.Assets[i].Kind != dag.KindAsset.String() {
			continue
		}
		own := s.Status[plan.Missing].Set
		if r.Stale {
			own = s.Outdated().Set
		}
		same, err := partition.Identity().Upstream(s.Space, space, own)
		if err != nil {
			return partition.Set{}, err
		}
		sets = append(sets, same)
	}
	return partition.Union(sets...), nil
}

// A Resume says what to go on with.
type Resume struct {
	Failed bool // partitions that failed are tried again, too
}

// Run goes on with a backfill of the instance of o that was stopped, killed or canceled, or whose failed partitions are to be tried again. What is finished is not done again. The recorded run
// config and executor count where o says nothing else; otherwise it is as [Launch]. One that a living process works on is instance.ErrBusy, one that is not there storage.ErrNotFound.
func (how Resume) Run(ctx context.Context, cat *plan.Catalog, id string, o execute.Options) (*State, error) {
	if o.Instance == nil {
		return nil, &plan.Error{Problems: []plan.Problem{problem("bad_option", "a backfill needs an instance, which remembers it")}}
	}
	if err := execute.CheckProof(cat); err != nil {
		return nil, err
	}
	unlock, err := o.Instance.LockBackfill(id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	state, err := Look(ctx, cat, o.Instance, id)
	if err != nil {
		return nil, err
	}
	if state.Changed != nil {
		return nil, state.Changed
	}
	if err := how.possible(state); err != nil {
		return nil, err
	}
	recorded, _, err := runconfig.Recorded("the config of backfill "+id, state.Config)
	if err != nil {
		return nil, err
	}
	o.Config = recorded.Merge(o.Config)
	if o.Executor == "" {
		o.Executor = state.Executor
	}
	s, err := scopeOf(cat, state.Job, state.Selection)
	if err != nil {
		return nil, err
	}
	if s.perPartition() {
		_, err = s.configIn(cat, state.Parts[0].Space, state.Parts[0].Chosen, o)
	} else {
		_, err = execute.ResolveConfig(cat, s.name(), s.selection, o.Config, o.Getenv)
	}
	if err != nil {
		return nil, err
	}
	return work(ctx, cat, id, how, o)
}

// possible says why there is nothing to go on with.
func (how Resume) possible(s *State) error {
	switch {
	case s.left(how.Failed) > 0:
		return nil
	case s.Status == storage.BackfillRequested: // all was done when it was killed, and it did not come to say so
		return nil
	case s.Counts.Failed > 0:
		return &plan.Error{Problems: []plan.Problem{problem("nothing", fmt.Sprintf("backfill %s has ended and %d of its partitions failed; --failed tries these again", s.ID, s.Counts.Failed))}}
	}
	return &plan.Error{Problems: []plan.Problem{problem("nothing", fmt.Sprintf("backfill %s has ended: nothing is left to do", s.ID))}}
}
