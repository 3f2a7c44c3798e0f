package execute

import (
	"context"
	"fmt"
	"maps"

	"github.com/dagstergen/dagstergen/runtime/plan"
)

// restore has task u computed again, because task i cannot load a stored output of it, and parks task i until that is done. Nothing else is
// undone: what was reused below u stays.
func (w *worker) restore(i, u int32, lost *lostError) (blocking, error) {
	r, e := w.run, w.run.engine
	e.mu.Lock()
	hidden := e.tasks[u].step.Hidden && !e.tasks[u].restored
	e.mu.Unlock()
	var more *extension
	if hidden {
		var err error
		if more, err = r.extend(u); err != nil {
			return notBlocked, fmt.Errorf("%w; it cannot be computed again in this run: %w", lost, err)
		}
	}
	e.mu.Lock()
	up := &e.tasks[u]
	if up.restored {
		defer e.mu.Unlock()
		switch {
		case !up.settled(): // another consumer was first
			e.blockLocked(i, u)
			return blockedAlready, nil
		case up.state != taskDone, up.outs != nil && w.saw(u, up):
			return notBlocked, fmt.Errorf("%w, although step %s was computed again", lost, up.step.Key)
		}
		e.again(i)
		return blockedAlready, nil
	}
	if more != nil {
		e.install(u, more)
	}
	wasHidden, wasReused := up.step.Hidden, up.reused
	up.restored, up.reused, up.durable = true, false, false
	up.broken, up.outs = up.record, nil
	up.state = taskReady
	e.ready.push(u)
	e.enter(u)
	e.blockLocked(i, u)
	e.wake.Signal()
	e.mu.Unlock()
	r.show.restored(wasHidden, wasReused)
	r.warn(up.step.Key, fmt.Sprintf("%v; computing step %s again", lost, up.step.Key))
	return blockedAlready, nil
}

// saw reports whether what this worker failed to load is what task u has now: restoring it once more would not help.
func (w *worker) saw(u int32, up *task) bool {
	for k := range w.feeds {
		if f := &w.feeds[k]; f.edge.Node == u && f.outcome != nil && f.outcome == &up.outs[f.edge.Output] {
			return true
		}
	}
	return false
}

// again makes a running task ready once more.
func (e *engine) again(i int32) {
	e.tasks[i].state = taskReady
	e.ready.push(i)
	e.running--
	e.wake.Signal()
}

// extension is what it takes to compute a step that was not selected.
type extension struct {
	plan *plan.Plan
	seen map[int32]*sighting
}

// extend plans an unselected step as if it had been selected, with what it needs from above taken from the store.
func (r *run) extend(u int32) (*extension, error) {
	t, err := r.target.Catalog.Target(r.jobKey(), r.target.Graph.Nodes[u].Key)
	if err != nil {
		return nil, err
	}
	x := &extension{seen: map[int32]*sighting{}}
	r.engine.mu.Lock()
	maps.Copy(x.seen, r.seen)
	r.engine.mu.Unlock()
	observed := map[int32]*plan.Observation{}
	for _, i := range t.Sources {
		if x.seen[i] == nil {
			x.seen[i] = observeOne(r.ctx, &t.Graph.Nodes[i], r.asked, r.res)
		}
		if err := x.seen[i].Err; err != nil {
			return nil, err
		}
		observed[i] = &x.seen[i].Observation
	}
	q := r.request(t, observed)
	q.NoMemo = true
	x.plan, err = plan.Build(context.WithoutCancel(r.ctx), q, r.look)
	return x, err
}

// install adds an extension to the run.
func (e *engine) install(u int32, x *extension) {
	r := e.run
	maps.Copy(r.seen, x.seen)
	for j, s := range x.plan.All {
		if s == nil || e.tasks[j].state != taskAbsent && int32(j) != u {
			continue
		}
		if int32(j) != u {
			e.tasks[j] = newTask(s)
			continue
		}
		s.Hidden, s.Force = true, false
		s.Reasons = []plan.Reason{{Code: plan.ReasonDamaged, Text: "its stored output cannot be loaded"}}
		e.tasks[u].step = s
	}
}
