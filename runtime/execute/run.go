package execute

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"github.com/dagstergen/dagstergen/internal/failpoint"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Plan says what [Run] would do with the same arguments. It observes sources and reads the store; it writes nothing. The error of a source that could not be
// observed is an error of the plan.
func Plan(ctx context.Context, cat *plan.Catalog, job string, o Options) (*plan.Plan, error) {
	r, err := planRun(ctx, cat, job, &o)
	if err != nil {
		return nil, err
	}
	r.res.close()
	return r.plan, nil
}

// planRun makes a run as far as its plan, and writes nothing. The caller closes its resources.
func planRun(ctx context.Context, cat *plan.Catalog, job string, o *Options) (_ *run, err error) {
	r, err := prepare(ctx, cat, job, o)
	if err != nil {
		return nil, err
	}
	r.res.scope = &dag.Scope{Log: discard(o.Console)}
	defer func() {
		if err != nil {
			r.res.close()
		}
	}()
	if r.inst = o.Instance; r.inst != nil {
		r.store = r.inst.Store()
		r.look = &lookup{Store: r.store, io: r.inst.IO(), res: r.res, jobKey: r.jobKey(), warn: func(string, string) {}}
	}
	r.seen = r.observe(dag.WithScope(ctx, r.res.scope))
	var failed []error
	for _, w := range r.target.Watches() {
		if err := r.seen[w.Sight()].Err; err != nil && !o.status {
			failed = append(failed, err)
		}
	}
	if failed != nil {
		return nil, errors.Join(failed...)
	}
	r.plan, err = r.build(ctx)
	return r, err
}

// prepare checks everything about a run that needs no user code, and of the store no more than the keys of dynamic partitions.
func prepare(ctx context.Context, cat *plan.Catalog, job string, o *Options) (*run, error) {
	if err := CheckProof(cat); err != nil {
		return nil, err
	}
	t, err := cat.Target(job, o.Select)
	if err != nil {
		return nil, err
	}
	all := o.status && o.Tags[plan.TagPartition] == "" && t.WithUpstream().HasPartitions()
	each := all && !t.WithUpstream().InBulk()
	switch {
	case each:
		if t, err = t.InAll(PartitionsAt(ctx, o.Instance, time.Now())); err != nil {
			return nil, err
		}
	case !all:
		if t, err = t.In(o.Tags[plan.TagPartition], PartitionsAt(ctx, o.Instance, time.Now())); err != nil {
			return nil, err
		}
	}
	shown := t
	if o.status {
		t = t.WithUpstream()
	}
	if _, _, err := plan.Memoized(t.Def(), o.Tags, o.NoMemo); err != nil {
		return nil, err
	}
	if err := checkPriorities(t); err != nil {
		return nil, err
	}
	again, err := placesOf(cat, t, job, o.Again)
	if err != nil {
		return nil, err
	}
	if o, err = withJob(t.Def(), t.Partition, o); err != nil {
		return nil, err
	}
	chosen := ""
	if j := t.Def(); j != nil {
		chosen = j.Executor
	}
	if o.Config, err = withDefaultExecutor(chosen, o); err != nil {
		return nil, err
	}
	asked, err := resolve(t, o)
	if err != nil {
		return nil, err
	}
	io, err := ioOfInstance(o.Instance)
	if err != nil {
		return nil, err
	}
	r := &run{
		opts: o, target: t, shown: shown, asked: asked, again: again, io: io, res: newResources(managed(t, io), asked.resources, o.Resources), show: &observer{tell: o.Observe},
	}
	if r.each = each; all && !each { // they are no steps of a plan
		r.target, r.parted = t.WithoutPartitions(), t
	}
	return r, nil
}

// build makes the plan.
func (r *run) build(ctx context.Context) (*plan.Plan, error) {
	observed := make(map[plan.Sight]*plan.Observation, len(r.seen))
	for i, s := range r.seen {
		observed[i] = &s.Observation
	}
	var look plan.Lookup // a nil *lookup would be a Lookup that is not nil
	if r.look != nil {
		look = r.look
	}
	p, err := plan.Build(ctx, r.request(r.target, observed), look)
	if err != nil && storage.IsUnavailable(err) {
		err = &StoreError{err}
	}
	return p, err
}

func (r *run) request(t *plan.Target, observed map[plan.Sight]*plan.Observation) plan.Request {
	replaced := make(map[string]bool, len(r.opts.Resources))
	for k := range r.opts.Resources {
		replaced[k] = true
	}
	return plan.Request{
		Target: t, Tags: r.opts.Tags, NoMemo: r.opts.NoMemo, Again: r.again, Configs: r.asked.ops, ConfigOf: r.asked.config, Inputs: r.asked.opInputs, Resources: r.asked.resources, Replaced: replaced, IO: r.io.key(),
		Params: r.asked.params, Observed: observed, Position: positions.Of, Env: os.LookupEnv, Encode: codec.Encode, Decode: codec.Decode, Guard: guard,
	}
}

// positions is shared by all plans of a process: the sources in a binary do not change.
var positions plan.Positions

func (r *run) memo() bool { return r.plan.Memo }

// Run executes a job, or the assets where job is empty. The result is not nil once the run has begun; its Status says how it ended and
// [Result.Err] why. The error is not nil if the run could not begin (definitions, selection, config, stale code), if it was told not to wait
// ([*BusyError]), or if the store failed ([*StoreError]). When Run returns, what the result reports as done is on disk.
//
// A canceled ctx stops the run: no step is started any more, running ones see their context canceled and are waited for, and what they give
// is kept.
func Run(ctx context.Context, cat *plan.Catalog, job string, o Options) (*Result, error) {
	r, err := prepare(ctx, cat, job, &o)
	if err != nil {
		return nil, err
	}
	if r.id, err = runID(o.RunID); err != nil {
		return nil, err
	}
	if r.inst = o.Instance; r.inst == nil {
		r.private, r.inst = true, instance.Ephemeral()
	}
	res, err := r.execute(ctx)
	if r.private {
		if res == nil {
			err = errors.Join(err, r.inst.Close())
		} else {
			res.own(r.inst)
		}
	}
	return res, err
}

// execute does what Run says, on an instance.
func (r *run) execute(ctx context.Context) (*Result, error) {
	began := time.Now()
	r.ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	if !r.private {
		r.store = r.inst.Store()
	}
	r.log = newJournal(r.id, r.store, func(err error) { r.stop(&StoreError{err}) })
	r.newFile = r.inst.IO().NewFile
	if !r.private {
		r.look = &lookup{Store: r.store, io: r.inst.IO(), res: r.res, jobKey: r.jobKey(), warn: r.warn}
		if _, err := r.inst.ReapDeadRuns(ctx); err != nil {
			return nil, storeError(err)
		}
	}
	switch {
	case r.private:
	case r.opts.launched: // whoever launched it has the lock
	default:
		if r.opts.RunID != "" {
			if _, err := r.store.Run(ctx, r.id); err == nil {
				return nil, badOption("run %s exists already; give another id, or none", r.id)
			}
		}
		// Taken before the row is inserted: a row without a living owner is a dead run.
		unlock, err := r.inst.LockRun(r.id)
		if err != nil {
			return nil, storeError(err)
		}
		defer unlock()
		if err := r.struck(failpoint.RunLocked); err != nil {
			return nil, err
		}
	}
	defer r.closeLogFiles()
	defer r.res.close() // for the ways out below; at the end of a run it has been done
	where, err := r.executor()
	if err != nil {
		return nil, err
	}
	if err := r.begin(ctx, began); err != nil {
		return nil, err
	}

	r.sayDamaged()
	r.engine = newEngine(r)
	r.afterPlan()
	release := context.AfterFunc(r.ctx, r.engine.halt)
	heeded := r.heed()
	kept := r.keepPrints()
	where().execute(r.engine, (*worker).work)
	r.engine.dismiss()
	release()
	heeded()
	kept()
	stored := r.log.close()
	r.outErr = r.checkOutputs()
	r.res.close()
	return r.finish(ctx, began, stored)
}

// struck is the error that a campaign wants at a point.
func (r *run) struck(p failpoint.Point) error {
	if err := failpoint.Hit(p); err != nil {
		return &StoreError{storage.FileError("write", "the store", err)}
	}
	return nil
}

// checkOutputs finds out whether what the job returns can be made, where that is more than what steps gave: plain code would panic at its return.
func (r *run) checkOutputs() *StepError {
	if r.target.Job == nil || r.target.Selection != "" || r.ctx.Err() != nil {
		return nil
	}
	for i := range r.plan.Len() {
		if r.engine.tasks.At(i).state == taskFailed {
			return nil // it is no success anyway
		}
	}
	eval := r.plan.Evaluator(ended{r, context.WithoutCancel(r.ctx)})
	for i, ref := range r.plan.Outputs() {
		if !r.plan.MayFail(ref) {
			continue
		}
		var wrong *plan.ValueError
		if _, err := eval.Value(ref); errors.As(err, &wrong) {
			return &StepError{Step: "return " + r.target.Job.Outputs[i].Name, Where: WhereBody, Err: err, Stack: wrong.Stack}
		}
	}
	return nil
}

// sayDamaged warns of stored outputs that the plan found missing or damaged: nothing of the user's doing makes their steps run again.
func (r *run) sayDamaged() {
	for _, s := range r.plan.Steps {
		for _, why := range s.Reasons {
			if why.Code == plan.ReasonDamaged {
				r.warn(s.Key, why.Text+"; computing it again")
			}
		}
	}
}

// storeError marks an error of the instance, unless it is of another kind.
func storeError(err error) error {
	if storage.IsUnavailable(err) || errors.Is(err, storage.ErrTooNew) {
		return &StoreError{err}
	}
	return err
}

// begin observes, plans, and inserts the run with what the plan already settles.
func (r *run) begin(ctx context.Context, began time.Time) (err error) {
	o := newObject(nil)
	o.opt("job", r.name())
	o.opt("selection", r.target.Selection)
	start := r.log.event(storage.EventRunStart, "", "", o.end())
	r.log.add(start)
	r.info = r.runInfo(began)
	r.res.scope = &dag.Scope{Info: dag.StepInfo{RunID: r.id, JobKey: r.name(), Run: r.info}, Job: r.target.Def(), Log: newLogger(r.log, r.opts.Console, "")}
	r.res.note = r.resourceEvent
	if err = r.openLoggers(dag.WithScope(r.ctx, r.res.scope)); err != nil {
		return err
	}
	r.res.scope.Log = newLogger(r.log, r.opts.Console, "")
	looks := r.snapshotOf(ctx)
	defer func() { _, _ = looks(nil) }() // for the ways out: nothing outlives the run
	r.seen = r.observe(dag.WithScope(r.ctx, r.res.scope))
	if r.plan, err = r.build(ctx); err != nil {
		return err
	}
	if r.opts.OnlyNeeded && r.idle() {
		return ErrNothingToRun
	}
	root, err := r.root(ctx)
	if err != nil {
		return err
	}
	row := &storage.Run{
		ID: r.id, Job: r.name(), Selection: r.target.Selection, Status: storage.RunStarted, Tags: r.tags(), Config: r.asked.text,
		Parent: r.opts.Parent, Root: root,
		Created: began.UTC(), Started: began.UTC(), Steps: len(r.plan.Steps),
	}
	first := &storage.Batch{Files: r.inst.IO().States()} // what planning has learnt about stored files
	if row.Snapshot, err = looks(first); err != nil {
		return err
	}
	if r.opts.launched {
		first.Start = row
	} else {
		first.NewRun = row
	}
	r.settled(first)
	rest := r.planned(first)
	err = r.log.open(first)
	if errors.Is(err, storage.ErrNoSnapshot) { // the last run that had it was deleted since it was looked for
		if _, err = looks(first); err == nil {
			err = r.log.open(first)
		}
	}
	if err != nil {
		return &StoreError{err}
	}
	rest()
	return r.struck(failpoint.RunStored)
}

// tags are those of the run over those of the job.
func (r *run) tags() map[string]string {
	tags := map[string]string{}
	if j := r.target.Def(); j != nil {
		maps.Copy(tags, j.Tags)
	}
	maps.Copy(tags, r.opts.Tags)
	return tags
}

// settled adds to the first batch what the plan has decided: observations, and one event for all reused steps.
func (r *run) settled(b *storage.Batch) {
	for i := range r.plan.Len() {
		s := r.plan.At(i)
		if s.Observed == nil || s.Observed.Err != nil {
			continue
		}
		if !s.Op.External { // nobody has looked at that
			b.Events = append(b.Events, r.observation(s))
		}
		if s.Latest == nil || s.Latest.Content != s.Content {
			b.Records = append(b.Records, r.sourceRecord(s))
		}
	}
	var reused []string
	var records []int64
	for _, s := range r.plan.Steps {
		if s.Action == plan.Skip && s.Reasons[0].Code != plan.ReasonCheck {
			b.Events = append(b.Events, r.notTaken(s))
		}
		if s.Op.Check != nil && (s.Action == plan.Run || s.Action == plan.Maybe) {
			b.Events = append(b.Events, r.checkPlanned(s))
		}
		if s.Action != plan.Reuse {
			continue
		}
		reused, records = append(reused, s.Key), append(records, numberOf(s.Record))
		if s.Note {
			r.noteReuse(b, s, s.Record)
		}
	}
	if len(reused) > 0 {
		o := newObject(make([]byte, 0, 48+32*len(reused)))
		o.list("reused", reused)
		o.numbers("records", records)
		b.Events = append(b.Events, r.log.event(storage.EventEngine, "", fmt.Sprintf("reused %d of %d steps", len(reused), len(r.plan.Steps)), o.end()))
	}
}

// afterPlan reports the failures that observing has brought, and what the plan has settled.
func (r *run) afterPlan() {
	r.show.say(Progress{Kind: ProgressPlanned}, func(c *Progress) {
		c.Total = len(r.plan.Steps)
		for _, s := range r.plan.Steps {
			switch {
			case s.Action == plan.Skip && s.Reasons[0].Code == plan.ReasonCheck: // said in a moment, as of what runs
			case s.Action == plan.Skip:
				c.Skipped++
			case s.Index < 0:
			default:
				switch t := r.engine.tasks.At(s.Index); {
				case t.state != taskDone:
				case t.reused:
					c.Reused++
				default: // a source with new data
					c.Ran++
				}
			}
		}
	})
	for i := range r.plan.Len() {
		if t := r.engine.tasks.At(i); t.state == taskFailed {
			r.log.add(r.failure(t))
			r.show.failed(t.step.Key, t.err, 0, false)
		}
	}
	r.saySkipped(r.engine.early)
}

// finish records how the run ended and makes the result.
func (r *run) finish(ctx context.Context, began time.Time, stored error) (*Result, error) {
	res := newResult(r, stored)
	row := storage.Run{
		ID: r.id, Job: r.name(), Selection: r.target.Selection, Status: res.Status, Cause: res.cause(), Tags: r.tags(), Config: r.asked.text,
		Started: began.UTC(), Ended: time.Now().UTC(), Steps: len(res.Steps),
	}
	for i := range res.Steps {
		switch s := &res.Steps[i]; {
		case s.Status == StatusFailure:
			row.Failed++
		case s.Action == ActionRun:
			row.Ran++
		case s.Action == ActionReuse:
			row.Reused++
		default:
			row.Skipped++
		}
	}
	res.Run = row
	r.logEnd(&row)
	typ, level := storage.EventRunSuccess, "INFO"
	switch res.Status {
	case storage.RunFailure:
		typ, level = storage.EventRunFailure, "ERROR"
	case storage.RunCanceled:
		typ, level = storage.EventRunCanceled, "WARN"
	}
	o := newObject(nil)
	o.num("ran", int64(row.Ran))
	o.num("reused", int64(row.Reused))
	o.num("failed", int64(row.Failed))
	o.num("skipped", int64(row.Skipped))
	o.seconds("seconds", row.Ended.Sub(row.Started).Seconds())
	end := r.log.event(typ, "", row.Cause, o.end())
	end.Level = level
	err := r.struck(failpoint.RunEnding)
	if err == nil {
		err = r.log.now(&storage.Batch{Events: []storage.Event{end}, Files: r.inst.IO().States(), Finish: &row})
	}
	if err == nil {
		err = r.struck(failpoint.RunEnded)
	}
	r.log.seal()
	switch {
	case stored != nil:
		return res, &StoreError{stored}
	case err != nil:
		res.reason = &StoreError{err}
		res.Status, res.Run.Status = storage.RunFailure, storage.RunFailure
		return res, res.reason
	case res.busy != nil:
		return res, res.busy
	}
	return res, nil
}
