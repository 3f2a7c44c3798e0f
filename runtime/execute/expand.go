package execute

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// fewSteps is how many new steps are not worth look-ups of their own: each looks for itself when its turn comes.
const fewSteps = 4

// expand turns a loop or branch into steps, now that it is known what it goes over, and plans them like those of the beginning.
func (w *worker) expand(v plan.Vertex) verdict {
	r, e := w.run, w.run.engine
	x, on, err := w.examine(v)
	switch {
	case on >= 0:
		if e.block(v, plan.Vertex(on)) {
			return verdictBlocked
		}
		return w.expand(v)
	case err != nil:
		return w.noExpansion(v, err)
	}
	e.grow.Lock()
	defer e.grow.Unlock()
	e.mu.Lock()
	g := r.plan.Lay(x)
	e.take(g)
	e.mu.Unlock()
	// What a canceled run has begun to expand is expanded, so that its result says what there was to do.
	if err := r.plan.Decide(context.WithoutCancel(r.ctx), g, w, g.Steps > fewSteps); err != nil {
		var wrong *plan.Error
		var lost *lostError
		if !errors.As(err, &wrong) && !errors.As(err, &lost) {
			r.stop(storeError(err))
		}
		// The steps are there; those that were not decided find out for themselves, and have a lost output computed again.
		r.warn(r.plan.RegionKey(v), fmt.Sprintf("what it gives could not be planned: %v", err))
	}
	e.mu.Lock()
	skipped := e.install(g)
	e.mu.Unlock()
	r.sayGrown(g)
	r.saySkipped(skipped)
	return verdictDone
}

// examine finds out what a loop or branch becomes. on is a task that it must wait for, or -1.
func (w *worker) examine(v plan.Vertex) (x *plan.Expansion, on int32, err error) {
	p := w.run.plan
	var parts []plan.Ref
	p.Parts(v, func(r plan.Ref) { parts = append(parts, r) })
	for _, r := range parts {
		d, on, failed, err := w.known(r)
		switch {
		case err != nil:
			return nil, -1, err
		case on >= 0:
			return nil, on, nil
		case failed != "":
			return nil, -1, fmt.Errorf("step %s failed", failed)
		case d.IsZero():
			if x = p.Nowhere(v); x == nil {
				err = errors.New("what it goes over is not known")
			}
			return x, -1, err
		}
	}
	x, err = p.Examine(v, w.eval)
	return x, -1, err
}

// noExpansion ends a loop or branch of which it cannot be found out what it becomes.
func (w *worker) noExpansion(v plan.Vertex, err error) verdict {
	r := w.run
	t := r.engine.task(v)
	var lost *lostError
	switch {
	case errors.Is(err, plan.ErrNil):
		t.skipped, t.why = r.plan.RegionKey(v), "what it goes over is nil"
		return verdictSkipped
	case errors.As(err, &lost):
		state, err := w.restore(v, lost)
		if state == blockedAlready {
			return verdictBlocked
		}
		return w.fail(v, err, time.Time{})
	}
	return w.fail(v, &StepError{Step: r.plan.RegionKey(v), Where: WhereBody, Err: err, Stack: stackOf(err)}, time.Time{})
}

// take makes room for what was added to the plan. What leads to it now is held as long as its consumers may take it.
func (e *engine) take(g *plan.Growth) {
	for range g.Steps {
		e.tasks.Add()
	}
	for range g.Values {
		e.values.Add()
	}
	for _, c := range g.Cells {
		if x := e.values.At(int(^c)); x.left > 0 {
			var refs []plan.Ref
			e.run.plan.Parts(c, func(r plan.Ref) { refs = append(refs, r) })
			e.countAll(refs, 1)
		}
	}
}

// install lets new steps run, and lets those go on that waited for what a loop or branch gives.
func (e *engine) install(g *plan.Growth) (skipped []*task) {
	for i := g.FirstStep; i < g.FirstStep+g.Steps; i++ {
		t := e.tasks.At(i)
		left := t.left
		*t = newTask(e.run.plan.At(i))
		if t.left = left; t.state == taskSkipped {
			skipped = append(skipped, t)
		}
	}
	for _, c := range g.Cells {
		x := e.values.At(int(^c))
		if x.state != passageWaiting {
			continue
		}
		ready, dead := true, false
		e.run.plan.Parts(c, func(r plan.Ref) {
			ready = e.old(g, r.From) && e.has(r.From)
			dead = e.old(g, r.From) && e.gone(r.From)
		})
		switch {
		case dead:
			skipped = append(skipped, e.bury(c)...)
		case ready:
			x.missing = 0
			e.pass(c)
		}
	}
	skipped = append(skipped, e.connect(g)...)
	e.wake.Broadcast()
	return skipped
}

// sayGrown records what was added to a run and is settled already: steps that are reused, and arms that are not taken.
func (r *run) sayGrown(g *plan.Growth) {
	b := &storage.Batch{}
	var reused []string
	var records []int64
	var kept []int32
	for i := g.FirstStep; i < g.FirstStep+g.Steps; i++ {
		s := r.plan.At(i)
		if s.Action != plan.Reuse || s.Hidden {
			continue
		}
		reused, records, kept = append(reused, s.Key), append(records, numberOf(s.Record)), append(kept, int32(i))
		if s.Note {
			r.noteReuse(b, s, s.Record)
		}
	}
	if len(reused) > 0 {
		o := newObject(make([]byte, 0, 48+32*len(reused)))
		o.list("reused", reused)
		o.numbers("records", records)
		b.Events = append(b.Events, r.log.event(storage.EventEngine, "", fmt.Sprintf("reused %d of %d steps", len(reused), g.Steps), o.end()))
	}
	for _, s := range g.Skipped {
		b.Events = append(b.Events, r.notTaken(s))
	}
	r.show.grown(g.More)
	for _, s := range g.Skipped {
		r.show.skipped(s.Key, s.Reasons[0].Text)
	}
	if len(b.Events) == 0 {
		return
	}
	r.log.submit(b, func(err error) {
		if err == nil {
			for _, i := range kept {
				r.show.reused(r.plan.At(int(i)).Key)
			}
		}
	})
}

// notTaken is STEP_SKIPPED of a step in an arm that is not taken.
func (r *run) notTaken(s *plan.Step) storage.Event {
	o := newObject(nil)
	o.str("code", s.Reasons[0].Code)
	return r.log.event(storage.EventStepSkipped, s.Key, s.Reasons[0].Text, o.end())
}
