package execute

import (
	"context"
	"fmt"
	"maps"

	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// restore has the step computed again whose stored output task i cannot load, and parks task i until that is done. Nothing else is
// undone: what was reused below stays.
func (w *worker) restore(i plan.Vertex, lost *lostError) (blocking, error) {
	r, e := w.run, w.run.engine
	u := int32(lost.step)
	if lost.out == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.blockLocked(i, plan.Vertex(u)) {
			e.again(i) // it is done meanwhile
		}
		return blockedAlready, nil
	}
	e.mu.Lock()
	up := e.tasks.At(int(u))
	hidden := up.step.Hidden && !up.restored
	e.mu.Unlock()
	var more *extension
	if hidden {
		var err error
		if more, err = r.extend(up.step); err != nil {
			return notBlocked, fmt.Errorf("%w; it cannot be computed again in this run: %w", lost, err)
		}
		e.grow.Lock()
		defer e.grow.Unlock()
	}
	e.mu.Lock()
	if up.restored {
		switch {
		case !up.settled(): // another consumer was first
			e.blockLocked(i, plan.Vertex(u))
			e.mu.Unlock()
			return blockedAlready, nil
		case up.state != taskDone, up.has(lost.out):
			e.mu.Unlock()
			return notBlocked, fmt.Errorf("%w, although step %s was computed again", lost, up.step.Key)
		case !up.stands(lost.out): // what this task looked at is not what there is now
			e.again(i)
			e.mu.Unlock()
			return blockedAlready, nil
		}
		// A newer record took the place of the lost one, and its output is lost too: it is the next one not to be believed.
	}
	if more != nil {
		e.adopt(u, more)
	}
	wasHidden, wasReused := up.step.Hidden, up.reused
	up.restored, up.reused, up.durable, up.lost = true, false, false, nil
	up.broken, up.outs = up.record, nil
	up.life++
	e.turns++
	up.state = taskReady
	r.plan.Forget(int(u))
	e.ready.push(plan.Vertex(u))
	e.enter(plan.Vertex(u))
	e.blockLocked(i, plan.Vertex(u))
	e.wake.Signal()
	e.mu.Unlock()
	r.show.restored(wasHidden, wasReused)
	r.warn(up.step.Key, fmt.Sprintf("%v; computing step %s again", lost, up.step.Key))
	return blockedAlready, nil
}

// has reports whether an output is one of what the task has now: restoring it once more would not help.
func (t *task) has(out *storage.Output) bool {
	for k := range t.outs {
		if out == &t.outs[k].Output {
			return true
		}
	}
	return false
}

// stands reports whether an output is one of the record that stands for the task.
func (t *task) stands(out *storage.Output) bool {
	if t.outs != nil || t.record == nil {
		return false
	}
	for k := range t.record.Outputs {
		if out == &t.record.Outputs[k] {
			return true
		}
	}
	return false
}

// again makes a running task ready once more.
func (e *engine) again(i plan.Vertex) {
	e.task(i).state = taskReady
	e.ready.push(i)
	e.rest(i)
	e.wake.Signal()
}

// extension is what it takes to compute a step that was not selected.
type extension struct {
	plan *plan.Plan
	step *plan.Step
	seen map[plan.Sight]*sighting
}

// extend plans an unselected step as if it had been selected, with what it needs from above taken from the store.
func (r *run) extend(s *plan.Step) (*extension, error) {
	t := r.target.Only(s.Place)
	x := &extension{seen: map[plan.Sight]*sighting{}}
	r.engine.mu.Lock()
	maps.Copy(x.seen, r.seen)
	r.engine.mu.Unlock()
	observed := map[plan.Sight]*plan.Observation{}
	for _, w := range t.Watches() {
		i := w.Sight()
		if x.seen[i] == nil {
			x.seen[i] = r.observeOne(r.ctx, t, w, &r.said)
		}
		if err := x.seen[i].Err; err != nil {
			return nil, err
		}
		observed[i] = &x.seen[i].Observation
	}
	q := r.request(t, observed)
	q.NoMemo = true
	var err error
	if x.plan, err = plan.Build(context.WithoutCancel(r.ctx), q, r.look); err != nil {
		return nil, err
	}
	for i := range x.plan.Len() {
		if found := x.plan.At(i); found.Key == s.Key && !found.Hidden {
			x.step = found
			return x, nil
		}
	}
	return nil, fmt.Errorf("there is no step %s any more", s.Key)
}

// adopt makes task u one that can be computed.
func (e *engine) adopt(u int32, x *extension) {
	r := e.run
	maps.Copy(r.seen, x.seen)
	byKey := make(map[string]*plan.Step, e.tasks.Len())
	for i := range e.tasks.Len() {
		if t := e.tasks.At(i); t.state != taskAbsent {
			byKey[t.step.Key] = t.step
		}
	}
	s, g := r.plan.Adopt(int(u), x.plan, x.step, func(key string) *plan.Step { return byKey[key] })
	s.Hidden, s.Force = true, false
	s.Reasons = []plan.Reason{{Code: plan.ReasonDamaged, Text: "its stored output cannot be loaded"}}
	e.take(g)
	e.install(g)
	e.tasks.At(int(u)).step = s
}
