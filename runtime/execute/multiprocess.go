package execute

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/subprocess"
	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// This file is the multiprocess executor as its parent sees it. Each worker has a child of its own, which it keeps as long as that lives. What must run is decided
// here, and what came out is stored here; only the user's function, its resources and its IO manager run in the child.

// tidying is how long the resources of a child may take to be cleaned up at the end of a run.
const tidying = 30 * time.Second

// A remote computes the steps of one worker in a child process, one after the other.
type remote struct {
	run   *run
	begin *runRef
	p     peer      // nil where there is none
	out   *printout // what it prints; nil where nobody keeps it

	launch LaunchStep // nil for children that stay
}

// call sends a task to the child, which loads its inputs. The outputs will stand in the call.
func (c *remote) call(w *worker, i int32) (*dag.Call, blocking, error) {
	r := c.run
	s := r.engine.tasks.At(int(i)).step
	ref := &stepRef{Key: s.Key, Node: s.Node.Name, Partition: s.Partition, Inputs: make([]inputRef, len(s.Op.Inputs))}
	for k := range s.Op.Inputs {
		in, err := w.inputRef(s, k)
		if err != nil {
			state, err := w.missing(i, k, err)
			return nil, state, err
		}
		ref.Inputs[k] = in
	}
	said, err := c.load(s, ref, r.engine.tasks.At(int(i)).tries)
	switch {
	case err != nil:
		return nil, notBlocked, err
	case said == nil: // the run was canceled
		return &dag.Call{}, notBlocked, nil
	case said.Lost != nil:
		f := &w.feeds[*said.Lost]
		if f.up == nil || f.seen != nil {
			break
		}
		out := f.stored
		if f.outcome != nil {
			out = &f.outcome.Output
		}
		state, err := w.restore(plan.Vertex(i), &lostError{f.up.Index, out, errors.New(said.Err.Text)})
		return nil, state, err
	case said.Type == storage.EventStepStart:
		return &dag.Call{Out: make([]any, len(s.Op.Outputs))}, notBlocked, nil
	}
	return nil, notBlocked, said.failure(s.Key)
}

// failure is what a child says of a step that failed.
func (e *stepEvent) failure(step string) *StepError {
	err, stack := e.Err.fromWire()
	return &StepError{Step: step, Where: e.Where, Err: err, Stack: stack, manager: e.Err.Manager}
}

// stage stores what a child gave, short of committing it.
func (w *worker) stage(ctx context.Context, def *dag.Output, said *stepEvent) (*iomanager.Staged, error) {
	if def.Codec != "" {
		ref := inputRef{Data: said.Data, Object: said.Object}
		v, err := ref.value(def.Type)
		if err == nil && said.Object != nil {
			err = os.Remove(said.Object.Path)
		}
		if err != nil {
			return nil, err
		}
		return w.run.inst.IO().StageOutput(ctx, def, v)
	}
	if said.Object == nil {
		return w.run.inst.IO().StageEncoded(ctx, said.Data)
	}
	d, err := canon.ParseDigest(said.Object.Digest)
	if err != nil {
		return nil, err
	}
	return w.run.inst.IO().StageObject(ctx, iomanager.Object{Path: said.Object.Path, Codec: said.Object.Codec, Size: said.Object.Size, Digest: d})
}

// inputRef says where an input is, without loading it where the child can.
func (w *worker) inputRef(s *plan.Step, k int) (inputRef, error) {
	f, in := &w.feeds[k], &s.Op.Inputs[k]
	if f.up != nil {
		return w.feedRef(f, in.Type)
	}
	if elem := in.Type.Gathers(); elem != nil {
		if keys, parts, ok := w.run.plan.Gathered(f.ref); ok {
			return gather(keys, func(i int) (inputRef, error) {
				part, err := w.feedOf(parts[i])
				if err != nil {
					return inputRef{}, err
				}
				return w.feedRef(part, elem)
			})
		}
	}
	v, err := w.eval.Value(f.ref)
	if err != nil {
		return inputRef{}, err
	}
	return refOf(in.Type, v)
}

// feedOf finds where the output of a step is that is done.
func (w *worker) feedOf(ref plan.Ref) (*feed, error) {
	e := w.run.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	f := &feed{ref: w.run.plan.Follow(ref)}
	t := e.tasks.At(int(f.ref.From))
	if t.state != taskDone {
		return nil, &lostError{t.step.Index, nil, fmt.Errorf("step %s is computed again", t.step.Key)}
	}
	w.feedFrom(f, t, w.run.seen[t.step.Sight()])
	return f, nil
}

// feedRef says where an output of a step is that an input of type t takes.
func (w *worker) feedRef(f *feed, t *dag.Type) (inputRef, error) {
	r := w.run
	if f.seen != nil {
		return refOf(t, f.seen.Value)
	}
	out := f.stored
	if o := f.outcome; o != nil {
		out = &o.Output
		switch {
		case o.held:
			return refOf(t, o.value)
		case o.data != nil:
			return inputRef{Data: o.data}, nil
		}
	}
	f.loaded = true
	if out.IO != "" {
		ref := &storedRef{Node: f.up.Node.Name, Key: f.up.Key, Partition: f.up.Partition, IO: out.IO, Name: out.Name, RunID: out.RunID, Step: out.Step}
		if !out.Version.IsZero() {
			ref.Version = out.Version.String()
		}
		return inputRef{Stored: ref}, nil
	}
	io := r.inst.IO()
	if o, ok, err := io.Object(out); ok || err != nil {
		return inputRef{Object: &fileRef{Path: o.Path, Codec: o.Codec, Size: o.Size, Digest: o.Digest.String()}}, err
	}
	lost := func(err error) error {
		if errors.Is(err, iomanager.ErrDamaged) || errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrCorrupt) {
			return &lostError{f.up.Index, out, err}
		}
		return err
	}
	if out.Codec == iomanager.CodecFile {
		v, err := io.Load(r.ctx, out, t)
		if err != nil {
			return inputRef{}, lost(err)
		}
		return refOf(t, v)
	}
	data, err := io.Encoding(r.ctx, out, t)
	if err != nil {
		return inputRef{}, lost(err)
	}
	return inputRef{Data: data}, nil
}

// load has the child load the inputs of a step, and returns what it says then: STEP_START or a failure; nothing where the run was canceled meanwhile.
func (c *remote) load(s *plan.Step, ref *stepRef, tries int) (*stepEvent, error) {
	r := c.run
	request := stepRequest{Step: ref}
	if c.launch != nil { // it cannot be told later
		request.Go = c.goRef([]*plan.Step{s}, r.stepInfo(s, tries), timeout(s))
	}
	for {
		fresh := c.p == nil
		if fresh {
			died, err := c.start(s.Key)
			if died != nil {
				return nil, died.failure(s.Key)
			}
			if err != nil {
				return nil, &StepError{Step: s.Key, Where: WhereOp, Err: err}
			}
		}
		p := c.p
		stopped := context.AfterFunc(r.ctx, p.Interrupt)
		err := p.Send(request)
		var said *stepEvent
		if err == nil {
			said, err = c.hear(context.Background(), nil)
		}
		inTime := stopped()
		started := err == nil && said.Type == storage.EventStepStart
		switch {
		case err != nil:
		case c.launch == nil && inTime:
			return said, nil
		case c.launch != nil && started: // it is at work, whatever has become of the run
			return said, nil
		case c.launch != nil && inTime: // that was all of it
			p.Stop()
			c.p = nil
			return said, nil
		}
		c.p = nil
		if r.ctx.Err() != nil {
			p.Stop()
			return nil, nil
		}
		if fresh {
			return nil, died(p, s.Key)
		}
		// It died of what an earlier step had left running: this step has not begun.
		how, _ := p.(*subprocess.Process).Ended() // what is launched is fresh for each step
		r.warn(s.Key, "the process for steps ended between two of them: "+how+"; starting another")
	}
}

// hear waits for the next thing that a child says of a step. Log lines go to sc, if there is one.
func (c *remote) hear(ctx context.Context, sc *scope) (*stepEvent, error) {
	for {
		var said stepEvent
		if err := c.p.Receive(&said); err != nil {
			return nil, err
		}
		switch said.Type {
		case storage.EventLog:
			c.logged(ctx, sc, said.Line)
		case storage.EventExpectation:
			if sc != nil && said.Expectation != nil {
				sc.Expect(*said.Expectation)
			}
		case eventNoted:
			if sc != nil && said.Noted != nil {
				sc.LogAsset(*said.Noted)
			}
		case eventCheck:
			if sc != nil {
				sc.note(said.Output != "", said.Of, said.Check)
			}
		case eventResource:
			e := resourceEvent{key: said.Resource, phase: said.Phase, elapsed: time.Duration(said.Seconds * float64(time.Second))}
			if said.Err != nil {
				e.err, _ = said.Err.fromWire()
			}
			c.run.resourceEvent(e)
		default:
			return &said, nil
		}
	}
}

// logged takes in a log line of a step, or of a resource that is being made.
func (c *remote) logged(ctx context.Context, sc *scope, line *lineRef) {
	if line == nil {
		return
	}
	h := newLogger(c.run.log, c.run.opts.Console, "").Handler()
	if sc != nil {
		h = sc.Log.Handler()
	}
	if rec := line.record(); h.Enabled(ctx, rec.Level) {
		_ = h.Handle(ctx, rec)
	}
}

// invoke has the child compute the step that is loaded. The outputs stand in the call then, as the child gave them.
// limit is how long that may take, where there is a limit: the context of the step ends then in both processes.
func (c *remote) invoke(ctx context.Context, s *plan.Step, sc *scope, call *dag.Call, limit time.Duration) *StepError {
	p := c.p
	parts := sc.parts
	if parts == nil {
		parts = []*plan.Step{s}
	}
	ref := c.goRef(parts, sc.Info, limit)
	if c.launch != nil {
		defer func() {
			if c.p != nil { // the next step has one of its own
				c.p.Stop()
				c.p = nil
			}
		}()
	}
	if c.out != nil && !computelog.IsNoop(c.run.inst.ComputeLogs()) {
		ref.Number = c.out.begin(c.run.ctx, c.run.inst.ComputeLogs(), c.run.id, s.Key)
		defer func() {
			d, err := c.out.end(c.p != nil)
			c.run.logsCaptured(s.Key, d, err)
		}()
	}
	grace := c.run.grace()
	listening := context.AfterFunc(c.run.ctx, p.Interrupt)
	var late atomic.Pointer[time.Timer]
	waiting := context.AfterFunc(ctx, func() { late.Store(time.AfterFunc(grace, p.Cut)) })
	failed, err := c.computed(ctx, p, s, sc, call, ref)
	if !waiting() {
		if t := late.Load(); t == nil || !t.Stop() {
			listening() // it is about to be cut off, so it is of no use any more
		}
	}
	if listening() && err == nil {
		return failed
	}
	c.p = nil // it is gone, or was told to go
	switch {
	case err == nil:
		p.Stop()
		return failed
	case ctx.Err() != nil:
		p.Kill()
		return &StepError{Step: s.Key, Where: WhereOp, Err: &KilledError{Grace: grace, Cause: context.Cause(c.run.ctx)}}
	}
	return died(p, s.Key)
}

// begun reports whether a step that was loaded is at work already: nobody could keep it from that.
func (c *remote) begun() bool { return c != nil && c.launch != nil && c.p != nil }

// goRef is the word to compute a step, or several that are assets of one function.
func (c *remote) goRef(steps []*plan.Step, info dag.StepInfo, limit time.Duration) *goRef {
	ref := &goRef{Info: info, Give: true, Limit: limit}
	for _, s := range steps {
		stored := s.IO() != "" && s.Recorded && c.run.memo()
		if s.Whole() != nil {
			part := partRef{Output: s.Op.Outputs[0].Name, Node: s.Node.Name, Key: s.Key}
			if stored {
				part.Version = s.Outputs[0].String()
			}
			ref.Parts = append(ref.Parts, part)
			continue
		}
		for k := range s.Op.Outputs {
			if stored {
				ref.Versions = append(ref.Versions, s.Outputs[k].String())
			}
		}
	}
	return ref
}

// died is the failure of a step whose peer has gone.
func died(p peer, step string) *StepError {
	if l, ok := p.(*launched); ok {
		return &StepError{Step: step, Where: WhereOp, Err: l.died()}
	}
	return death(p.(*subprocess.Process)).failure(step)
}

// A KilledError says that a function went on after its context had ended, for longer than it was given, and that its process was killed.
type KilledError struct {
	Grace time.Duration
	Cause error // why it was to stop, of a canceled run; nil for a timeout
}

// Error says how long it was waited for.
func (e *KilledError) Error() string {
	return unheeded(e.Grace, "its process was killed", e.Cause)
}

// Unwrap returns why the run was canceled.
func (e *KilledError) Unwrap() error { return e.Cause }

// computed takes in what the child says of a step until it has ended. An error says that the child has gone.
func (c *remote) computed(ctx context.Context, p peer, s *plan.Step, sc *scope, call *dag.Call, ref *goRef) (*StepError, error) {
	if err := p.Send(stepRequest{Go: ref}); err != nil {
		return nil, err
	}
	for {
		said, err := c.hear(ctx, sc)
		if err != nil {
			return nil, err
		}
		switch said.Type {
		case storage.EventStepOutput:
			at := slices.IndexFunc(s.Op.Outputs, func(o dag.Output) bool { return o.Name == said.Output })
			if at < 0 {
				return nil, fmt.Errorf("it says output %s", said.Output)
			}
			if said.File != nil && !said.Stored {
				if call.Out[at], err = said.File.file(); err != nil {
					return nil, err
				}
			} else {
				call.Out[at] = said
			}
			sc.give(at, said.Metadata, dag.DataVersion(said.Said))
		case storage.EventStepFailure:
			return said.failure(s.Key), nil
		case storage.EventStepSuccess:
			return nil, nil
		default:
			return nil, fmt.Errorf("it says %s", said.Type)
		}
	}
}

// start starts the child, for a step. One that dies of that is a failure of the step: what it does before main is user code.
func (c *remote) start(step string) (died *stepEvent, err error) {
	r := c.run
	dir, err := r.inst.TempDir(r.id)
	if err != nil {
		return nil, err
	}
	ref := *c.begin
	ref.Folder = filepath.Join(dir, "child-"+strconv.FormatInt(r.children.Add(1), 10))
	if err := os.Mkdir(ref.Folder, 0o700); err != nil {
		return nil, storage.FileError("create", ref.Folder, err)
	}
	if c.launch != nil {
		r.log.add(r.log.event(storage.EventStepWorkerStarting, step, "handing the step on", nil))
		l := newLaunched(r.ctx, c.launch, r.grace())
		_ = l.Send(stepRequest{Run: &ref}) // nothing is sent yet
		_ = l.Receive(new(stepEvent))
		c.p = l
		return nil, nil
	}
	r.log.add(r.log.event(storage.EventStepWorkerStarting, step, "starting a process for steps", nil))
	spec := subprocess.Spec{Service: stepService, Processor: -1, Grace: r.grace()}
	c.out = newPrintout()
	ref.Mark, ref.Seal, spec.Printed = c.out.mark, c.out.key, c.out.take
	p, err := subprocess.Start(spec)
	if err != nil {
		return nil, err
	}
	stopped := context.AfterFunc(r.ctx, p.Interrupt)
	c.p = p
	err = p.Send(stepRequest{Run: &ref})
	var said *stepEvent
	if err == nil {
		said, err = c.hear(r.ctx, nil)
	}
	if !stopped() || err != nil || said.Type != eventReady {
		c.p = nil
		switch {
		case r.ctx.Err() != nil:
			p.Stop()
			return nil, r.ctx.Err()
		case err != nil:
			return death(p), nil
		}
		p.Kill()
		return nil, errors.New(said.Err.Text)
	}
	o := newObject(nil)
	o.num("pid", int64(p.Pid()))
	r.log.add(r.log.event(storage.EventStepWorkerStarted, step, "process "+strconv.Itoa(p.Pid())+" computes steps", o.end()))
	return nil, nil
}

// removeFolders removes what children have left behind: all that they gave has been taken.
func (r *run) removeFolders() {
	if r.children.Load() == 0 {
		return
	}
	dir, err := r.inst.TempDir(r.id)
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err != nil {
		r.warn("", fmt.Sprintf("temporary files of the run stay until the instance is closed: %v", err))
	}
}

// close ends the child when its resources are cleaned up.
func (c *remote) close() {
	if c.p == nil {
		return
	}
	p := c.p
	patience := time.AfterFunc(tidying, p.Interrupt)
	if p.Send(stepRequest{End: true}) == nil {
		_, _ = c.hear(context.Background(), nil)
	}
	patience.Stop()
	p.Stop()
	c.p = nil
}
