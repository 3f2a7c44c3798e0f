package execute

import (
	"errors"
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// feed is where an input of a task comes from, as it was found under the engine's lock.
type feed struct {
	ref     plan.Ref
	up      *plan.Step      // nil for a value
	seen    *sighting       // of a source
	outcome *outcome        // of a step that was computed in this run
	stored  *storage.Output // of a reused or hidden step
	loaded  bool            // its value was read back from where it is stored
}

// gather finds the inputs of a task. on is a task it must wait for, or -1; failed names one that will never give what is needed. An error is that of a
// value that cannot be made.
func (w *worker) gather(i int32) (on int32, failed string, err error) {
	s, on, failed := w.gatherSteps(i)
	if on >= 0 || failed != "" {
		return on, failed, nil
	}
	for k := range w.feeds {
		f := &w.feeds[k]
		if f.up != nil {
			continue
		}
		d, on, failed, err := w.known(f.ref)
		if err != nil {
			var lost *lostError
			if k < len(s.Inputs) && !errors.As(err, &lost) && !errors.Is(err, plan.ErrNil) {
				err = placed(s.Key, WhereLoad, "input "+s.Op.Inputs[k].Name, err)
			}
			return -1, "", err
		}
		if on >= 0 || failed != "" {
			return on, failed, nil
		}
		if d.IsZero() {
			return -1, "", &StepError{Step: s.Key, Where: WhereLoad, Err: fmt.Errorf("%s is not known", s.InputName(k))}
		}
		w.data[k] = d
	}
	return -1, "", nil
}

// known returns the data version of a value, or where a step that it is made of is computed again, that one; failed names one that will never give what is
// needed.
func (w *worker) known(r plan.Ref) (d canon.Digest, on int32, failed string, err error) {
	for before := -1; ; {
		if d, err = w.eval.Data(r); err != nil || !d.IsZero() {
			return d, -1, "", err
		}
		var turns int
		if on, failed, turns = w.unready(r); on >= 0 || failed != "" || turns == before {
			return d, on, failed, nil
		}
		before = turns // between the two looks all may have been done: then there is no more to wait for, and a version now
	}
}

// unready finds a task that a value waits for; failed names one that will never give what is needed. turns is the state of the engine that tells it.
func (w *worker) unready(r plan.Ref) (on int32, failed string, turns int) {
	e := w.run.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	on = -1
	w.run.plan.Leaves(r, func(s *plan.Step) bool {
		switch up := e.tasks.At(s.Index); up.state {
		case taskDone:
			return true
		case taskFailed, taskSkipped:
			failed = s.Key
		default:
			on = int32(s.Index)
		}
		return false
	})
	return on, failed, e.turns
}

// gatherSteps finds the inputs of a task that are outputs of steps.
func (w *worker) gatherSteps(i int32) (s *plan.Step, on int32, failed string) {
	r, e := w.run, w.run.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	s = e.tasks.At(int(i)).step
	w.feeds, w.data = w.feeds[:0], w.data[:0]
	for k := range len(s.Inputs) + len(s.Deps) {
		var f feed
		if k < len(s.Inputs) {
			f.ref = r.plan.Follow(s.Inputs[k])
		} else {
			f.ref = r.plan.Follow(s.Deps[k-len(s.Inputs)])
		}
		var d canon.Digest
		if u := f.ref.From; u >= 0 {
			up := e.tasks.At(int(u))
			switch {
			case up.state == taskFailed, up.state == taskSkipped:
				return s, -1, up.step.Key
			case up.state != taskDone:
				return s, int32(u), ""
			}
			d = w.feedFrom(&f, up, r.seen[up.step.Sight()])
		}
		w.feeds, w.data = append(w.feeds, f), append(w.data, d)
	}
	return s, -1, ""
}

// feedFrom fills in where an output of a settled task is, and returns its data version.
func (w *worker) feedFrom(f *feed, up *task, seen *sighting) canon.Digest {
	f.up = up.step
	switch {
	case seen != nil && up.step.Op.Kind == dag.KindSource:
		f.seen = seen
		return seen.Data
	case f.ref.Out < 0:
		return w.hash.Nothing(up.content)
	case up.outs != nil:
		f.outcome = &up.outs[f.ref.Out]
		return f.outcome.DataVersion
	}
	f.stored = plan.OutputOf(up.record, up.step.Op.Outputs[f.ref.Out].Name)
	return f.stored.DataVersion
}

// loadsPart reports whether one of the partitions that a feed gathers is read back from where it is stored, now or when the body comes to it.
func (w *worker) loadsPart(f *feed) bool {
	_, parts, _ := w.run.plan.Gathered(f.ref)
	for _, ref := range parts {
		part, err := w.feedOf(ref)
		if err == nil && part.seen == nil && (part.outcome == nil || !part.outcome.held && part.outcome.data == nil) {
			return true
		}
	}
	return false
}

// Version is how values ask for the version of an output: it is known once its step is done.
func (w *worker) Version(s *plan.Step, out int32) canon.Digest {
	e := w.run.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.tasks.At(s.Index); t.state == taskDone {
		return t.step.Outputs[max(0, out)]
	}
	return canon.Digest{}
}

// Data is the same for data versions.
func (w *worker) Data(s *plan.Step, out int32) canon.Digest {
	e := w.run.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tasks.At(s.Index)
	if t.state != taskDone {
		return canon.Digest{}
	}
	f := feed{ref: plan.Ref{From: plan.Vertex(s.Index), Out: out}}
	return w.feedFrom(&f, t, w.run.seen[s.Sight()])
}

// Load is how values ask for an output of a step that is done.
func (w *worker) Load(s *plan.Step, out int32) (any, error) {
	e := w.run.engine
	f := feed{ref: plan.Ref{From: plan.Vertex(s.Index), Out: out}}
	e.mu.Lock()
	t := e.tasks.At(s.Index)
	if t.state != taskDone {
		e.mu.Unlock()
		return nil, &lostError{s.Index, nil, fmt.Errorf("step %s is computed again", s.Key)} // another worker found its output lost since this one looked
	}
	w.feedFrom(&f, t, w.run.seen[s.Sight()])
	e.mu.Unlock()
	return w.output(&f, s.Key, &s.Op.Outputs[out])
}
