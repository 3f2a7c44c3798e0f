package execute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// worker computes tasks, one after the other. What it holds is scratch space.
type worker struct {
	run      *run
	hash     *plan.Hasher
	eval     *plan.Evaluator
	feeds    []feed
	data     []canon.Digest
	done     chan reply     // of calls of user code
	deferred *time.Duration // of the step at hand: it is tried again after this, by whoever asked for it
	remote   *remote        // computes its steps in another process; nil for this one
	out      []any          // what the last step that was computed gave
	stored   chan error     // of a step with hooks: that it is on disk
}

func newWorker(r *run) *worker {
	w := &worker{run: r, hash: plan.NewHasher()}
	w.eval = r.plan.Evaluator(w)
	return w
}

// verdict is how an attempt at a task ended.
type verdict uint8

const (
	verdictDone verdict = iota
	verdictFailed
	verdictSkipped
	verdictBlocked  // it waits for another task, which will make it ready again
	verdictCanceled // it was not started, and will not be
	verdictRetry    // it failed and is tried again later
)

// work brings a task to an end, or parks it.
func (w *worker) work(i plan.Vertex) {
	e := w.run.engine
	v := verdictFailed
	settled := false
	end := func() {
		settled = true
		switch v {
		case verdictBlocked:
		case verdictCanceled:
			e.giveUp(i)
		case verdictRetry:
			if w.run.asked.retries == RetryDeferred { // the executor still has it
				wait := e.task(i).wait
				w.deferred = &wait
				return
			}
			e.postpone(i, e.task(i).wait)
		case verdictDone:
			e.settle(i, taskDone)
		case verdictSkipped:
			w.run.saySkipped(append(e.settle(i, taskSkipped), e.task(i)))
		default:
			w.run.saySkipped(e.settle(i, taskFailed))
		}
	}
	// User code may end the goroutine (t.FailNow): then this is all that still runs.
	defer func() {
		if !settled {
			w.fail(i, &StepError{Step: w.run.keyOf(i), Where: WhereOp, Err: errGoexit}, time.Time{})
			end()
		}
	}()
	if i < 0 {
		v = w.expand(i)
	} else {
		v = w.attempt(int32(i))
		w.tell(int32(i), v)
	}
	end()
}

// keyOf is the key of a task.
func (r *run) keyOf(v plan.Vertex) string {
	if v < 0 {
		return r.plan.RegionKey(v)
	}
	return r.plan.At(int(v)).Key
}

// giveUp takes a task back that the run will not get to.
func (e *engine) giveUp(v plan.Vertex) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.task(v).state = taskWaiting
	e.rest(v)
	e.stopLocked()
}

// attempt tries to reuse task i and computes it otherwise.
func (w *worker) attempt(i int32) verdict {
	r, e := w.run, w.run.engine
	t := e.tasks.At(int(i))
	got, blocked := e.join(i)
	if blocked {
		return verdictBlocked
	}
	for {
		on, failed, err := w.gather(i)
		switch {
		case err != nil:
			return w.noInput(i, err)
		case failed != "":
			t.skipped = failed
			return verdictSkipped
		}
		if on < 0 {
			break
		}
		if e.block(plan.Vertex(i), plan.Vertex(on)) {
			return verdictBlocked
		}
	}
	s := t.step
	if s.Version.IsZero() {
		if err := w.eval.Complete(s); err != nil {
			return w.fail(plan.Vertex(i), placed(s.Key, WhereLoad, "its version", err), time.Time{})
		}
	}
	t.content = w.hash.Content(s, w.data)
	if got != nil {
		if e.accept(i, got) {
			return w.take(i, got)
		}
		if _, blocked = e.join(i); blocked {
			return verdictBlocked
		}
	}
	unlock := func() {}
	if !s.Force || t.restored {
		if !t.restored {
			switch j, state := e.claim(i, t.content); state {
			case taskDone:
				return w.takeOver(i, j)
			case taskRunning:
				return verdictBlocked
			}
		}
		if !r.private {
			var v verdict
			var done bool
			if unlock, v, done = w.lookAgain(i); done {
				return v
			}
		}
	}
	v := verdictCanceled
	defer func() {
		if v != verdictDone { // a computed step keeps its lock until it is durable
			unlock()
		}
	}()
	leave, free, err := w.enterPool(s)
	switch {
	case err != nil:
		r.stop(&StoreError{err})
		return v
	case !free:
		unlock() // whoever waits for a place keeps nothing from others
		w.waitForPool(i)
		return verdictBlocked
	}
	defer leave()
	call, on, err := w.call(i)
	switch {
	case on == blockedAlready:
		v = verdictBlocked
	case err != nil:
		v = w.noInput(i, err)
	case r.ctx.Err() != nil && !w.remote.begun():
		// The inputs took so long that the run was canceled meanwhile.
	default:
		v = w.compute(i, call, unlock, nil)
	}
	return v
}

// noInput ends a task that does not get an input: a nil that must not be one skips it, anything else fails it.
func (w *worker) noInput(i int32, err error) verdict {
	t := w.run.engine.tasks.At(int(i))
	var lost *lostError
	switch {
	case errors.Is(err, plan.ErrNil):
		t.skipped, t.why = t.step.Key, w.nilInput(t.step)+" is nil"
		return verdictSkipped
	case errors.As(err, &lost):
		state, err := w.restore(plan.Vertex(i), lost)
		if state == blockedAlready {
			return verdictBlocked
		}
		return w.fail(plan.Vertex(i), err, time.Time{})
	}
	return w.fail(plan.Vertex(i), err, time.Time{})
}

// nilInput names the first input that is nil and must not be.
func (w *worker) nilInput(s *plan.Step) string {
	for k := range s.Inputs {
		if _, err := w.eval.Data(s.Inputs[k]); errors.Is(err, plan.ErrNil) {
			return "input " + s.Op.Inputs[k].Name
		}
	}
	return "an input"
}

// claim makes task i the one that computes a content. If another task is at it, that one is returned: with taskDone its outputs can be
// taken over, with taskRunning task i has been parked until it is settled.
func (e *engine) claim(i int32, content canon.Digest) (j int32, state taskState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	j, taken := e.content[content]
	if !taken || j == i {
		e.content[content] = i
		return i, taskAbsent
	}
	switch other := e.tasks.At(int(j)); {
	case other.state == taskDone && other.outs != nil && (e.run.private || !other.outsOnly()):
		return j, taskDone
	case other.settled():
		e.content[content] = i
		return i, taskAbsent
	}
	e.blockLocked(plan.Vertex(i), plan.Vertex(j))
	return j, taskRunning
}

// outsOnly reports whether the task's outputs are recorded nowhere, so that another task must not stand on them.
func (t *task) outsOnly() bool {
	for i := range t.outs {
		if t.outs[i].only {
			return true
		}
	}
	return false
}

// lookAgain takes the version lock of a task and asks the store once more: another process may have computed it meanwhile. done means that
// there is nothing left to compute.
func (w *worker) lookAgain(i int32) (unlock func(), v verdict, done bool) {
	r := w.run
	t := r.engine.tasks.At(int(i))
	unlock, waited, err := r.inst.LockVersion(r.ctx, t.content, !r.opts.NoWait)
	switch {
	case errors.Is(err, instance.ErrBusy):
		r.stop(&BusyError{t.step.Key})
		return nil, verdictCanceled, true
	case err != nil && r.ctx.Err() != nil:
		return nil, verdictCanceled, true
	case err != nil:
		r.stop(&StoreError{err})
		return nil, verdictCanceled, true
	}
	if waited {
		o := newObject(nil)
		o.digest("content", t.content)
		r.log.add(r.log.event(storage.EventEngine, t.step.Key, "waited for another run that was computing this step", o.end()))
	}
	rec, broken, err := r.look.hit(context.WithoutCancel(r.ctx), t.step, t.content)
	switch {
	case err != nil: // a failed look-up is a miss
		r.warn(t.step.Key, fmt.Sprintf("the store could not be asked: %v", err))
	case rec != nil && (t.broken == nil || rec.ID > t.broken.ID):
		unlock()
		return nil, w.reuse(i, rec), true
	case broken != nil && t.broken == nil:
		t.broken = broken
	}
	return unlock, 0, false
}

// reuse lets a record stand for a task: the early cutoff.
func (w *worker) reuse(i int32, rec *storage.Record) verdict {
	r := w.run
	t := r.engine.tasks.At(int(i))
	s := t.step
	t.record, t.reused, t.outs = rec, true, nil
	if err := w.judge(t); err != nil {
		return w.fail(plan.Vertex(i), placed(s.Key, WhereLoad, "what is stored of it", err), time.Time{})
	}
	o := newObject(nil)
	o.list("reused", []string{s.Key})
	o.numbers("records", []int64{rec.ID})
	o.digest("content", t.content)
	o.str("run_id", rec.RunID)
	b := &storage.Batch{Events: []storage.Event{r.log.event(storage.EventEngine, s.Key, "reused: its inputs have the data they had before", o.end())}}
	if rec.Step != s.Version || !rec.Newest || rec.Identity != s.Identity {
		r.noteReuse(b, s, rec)
	}
	return w.reused(i, b)
}

// reused submits the batch of a task that another one's outputs stand for. A check that blocks fails as it did when it was made.
func (w *worker) reused(i int32, b *storage.Batch) verdict {
	r := w.run
	t := r.engine.tasks.At(int(i))
	blocks, life := t.blocks(), t.life
	if blocks {
		b.Events = append(b.Events, r.failure(t))
	}
	r.log.submit(b, func(err error) {
		r.engine.kept(i, life, err)
		switch {
		case err != nil:
		case blocks:
			r.show.failed(t.step.Key, t.err, 0, false)
		default:
			r.show.reused(t.step.Key)
		}
	})
	if blocks {
		return verdictFailed
	}
	return verdictDone
}

// noteReuse makes a record found by the version of a step and the newest of its identity. One that was computed for another asset is
// written again under this one's name, so that each asset has a history of its own.
func (r *run) noteReuse(b *storage.Batch, s *plan.Step, rec *storage.Record) {
	if r.target.Job != nil || rec.Identity == s.Identity {
		b.Aliases = append(b.Aliases, storage.Alias{Step: s.Version, Record: rec.ID, Identity: s.Identity})
		return
	}
	own := *rec
	own.Step, own.Identity, own.RunID, own.StepKey, own.Symbol = s.Version, s.Identity, r.id, s.Key, s.Op.Symbol
	own.Partition = partitionKey(s)
	own.Outputs = slices.Clone(rec.Outputs)
	for k := range own.Outputs {
		for o := range s.Op.Outputs {
			if def := &s.Op.Outputs[o]; def.Name == own.Outputs[k].Name {
				own.Outputs[k].Asset = r.assetOf(s, def)
			}
		}
	}
	b.Records = append(b.Records, own)
}

// assetOf is the asset key of an output; empty in jobs, of the steps inside of an asset, and of checks.
func (r *run) assetOf(s *plan.Step, def *dag.Output) string {
	if r.target.Job != nil || s.Op.Kind == dag.KindOp || s.Op.Kind == dag.KindCheck {
		return ""
	}
	return cmp.Or(def.Asset, s.Op.Key)
}

// takeOver lets what another task of this run computed from equal content stand for task i. The record is written again under the identity
// of task i, because the other one may not have an id yet.
func (w *worker) takeOver(i, j int32) verdict {
	r, e := w.run, w.run.engine
	e.mu.Lock()
	from := e.tasks.At(int(j))
	outs := slices.Clone(from.outs)
	key := from.step.Key
	e.mu.Unlock()
	t := e.tasks.At(int(i))
	for k := range outs {
		outs[k].Asset = r.assetOf(t.step, &t.step.Op.Outputs[k])
	}
	t.outs, t.reused = outs, true
	if err := w.judge(t); err != nil {
		return w.fail(plan.Vertex(i), err, time.Time{})
	}
	o := newObject(nil)
	o.list("reused", []string{t.step.Key})
	o.digest("content", t.content)
	o.str("step", key)
	b := &storage.Batch{
		Events:  []storage.Event{r.log.event(storage.EventEngine, t.step.Key, "reused: step "+key+" of this run is the same work", o.end())},
		Records: []storage.Record{w.record(t, time.Now())},
	}
	return w.reused(i, b)
}

// fail records why a task failed, unless it is tried again. began is zero where user code was not reached.
func (w *worker) fail(v plan.Vertex, err error, began time.Time) verdict {
	r := w.run
	t := r.engine.task(v)
	t.err = asStepError(r.keyOf(v), WhereOp, err)
	started := !began.IsZero()
	if started {
		t.elapsed = time.Since(began)
	}
	if v < 0 {
		r.plan.Fail(v, t.err)
	}
	if w.again(t, t.err, began) {
		t.err = nil
		return verdictRetry
	}
	t.err.Retries = t.tries
	r.log.submit(&storage.Batch{Events: []storage.Event{r.failure(t)}}, func(error) {
		r.show.failed(t.err.Step, t.err, t.elapsed, started)
	})
	return verdictFailed
}

// asStepError gives an error the step and place it came from, unless it has them.
func asStepError(step, where string, err error) *StepError {
	var s *StepError
	if errors.As(err, &s) {
		return s
	}
	return &StepError{Step: step, Where: where, Err: err, Stack: stackOf(err)}
}
