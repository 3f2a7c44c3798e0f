package execute

import (
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// This file is how what happens to one task reaches the others, through the values between them. Nothing in it recurses: a chain may be as long as it
// likes. The engine's mutex is held.

// connect counts what new tasks and values wait for, and lets those go on that wait for nothing.
func (e *engine) connect(g *plan.Growth) (skipped []*task) {
	p := e.run.plan
	var done, dead, decide []plan.Vertex
	waits := func(r plan.Ref) int32 {
		if e.old(g, r.From) && e.has(r.From) {
			return 0
		}
		return 1
	}
	for i := g.FirstValue; i < g.FirstValue+g.Values; i++ {
		v := ^plan.Vertex(i)
		x := e.values.At(i)
		x.state, x.missing = passageWaiting, 0
		if p.Waits(v) {
			x.missing = 1
		}
		lost := false
		p.Parts(v, func(r plan.Ref) {
			x.missing += waits(r)
			lost = lost || e.old(g, r.From) && e.gone(r.From)
		})
		if p.Decides(v) {
			x.decides = &task{state: taskWaiting, durable: true}
			decide = append(decide, v)
		}
		switch {
		case lost:
			dead = append(dead, v)
		case x.missing == 0:
			done = append(done, v)
		}
	}
	for i := g.FirstStep; i < g.FirstStep+g.Steps; i++ {
		v := plan.Vertex(i)
		t := e.tasks.At(i)
		if t.state != taskWaiting {
			switch t.state {
			case taskDone:
				done = append(done, v)
			case taskFailed, taskSkipped:
				dead = append(dead, v)
			}
			continue
		}
		lost := false
		t.step.Refs(func(r plan.Ref, _ bool) {
			t.missing += waits(r)
			lost = lost || e.old(g, r.From) && e.gone(r.From)
		})
		switch {
		case lost:
			dead = append(dead, v)
		case t.missing == 0:
			done = append(done, v)
		}
	}
	for i := g.FirstStep; i < g.FirstStep+g.Steps; i++ {
		if e.tasks.At(i).state == taskWaiting {
			e.enter(plan.Vertex(i))
		}
	}
	for _, v := range decide {
		e.enter(v)
	}
	for _, v := range done {
		e.arrived(v)
	}
	for _, v := range dead {
		skipped = append(skipped, e.bury(v)...)
	}
	return skipped
}

// old reports whether a vertex was there before a growth.
func (e *engine) old(g *plan.Growth, v plan.Vertex) bool {
	if v < 0 {
		return int(^v) < g.FirstValue
	}
	return int(v) < g.FirstStep
}

// has reports whether nothing waits for v any more: it can be had, or could until its stored output was found lost. Who takes a step that is computed again finds that out
// then, and is blocked by it: nothing is released a second time.
func (e *engine) has(v plan.Vertex) bool {
	if v < 0 {
		return e.values.At(int(^v)).state == passageDone
	}
	t := e.tasks.At(int(v))
	return t.state == taskDone || t.restored && !t.settled()
}

// gone reports whether something will never be had.
func (e *engine) gone(v plan.Vertex) bool {
	if v < 0 {
		return e.values.At(int(^v)).state == passageDead
	}
	s := e.tasks.At(int(v)).state
	return s == taskFailed || s == taskSkipped
}

// arrived lets a new task or value go on that waits for nothing, and what waits for it.
func (e *engine) arrived(v plan.Vertex) {
	if v >= 0 {
		if t := e.tasks.At(int(v)); t.state == taskWaiting {
			t.state = taskReady
			e.ready.push(v)
			return
		}
		e.release(v)
		return
	}
	if x := e.values.At(int(^v)); x.state == passageWaiting {
		e.pass(v)
	}
}

// pass says that a value has all that it is made of.
func (e *engine) pass(v plan.Vertex) (released int) {
	e.values.At(int(^v)).state = passageDone
	if t := e.values.At(int(^v)).decides; t != nil && t.state == taskWaiting {
		t.state = taskReady
		e.ready.push(v)
		return 1
	}
	return e.release(v)
}

// release counts v as done with all that waits for it, and returns how many tasks became ready.
func (e *engine) release(v plan.Vertex) (released int) {
	p := e.run.plan
	turn := int32(0)
	if v >= 0 && e.run.asked.executor != InProcessExecutor && e.tasks.At(int(v)).weighs() {
		turn = int32(e.turns)
	}
	front := []plan.Vertex{v}
	for len(front) > 0 {
		v := front[len(front)-1]
		front = front[:len(front)-1]
		p.Downstream(v, func(to plan.Vertex) {
			if to >= 0 {
				down := e.tasks.At(int(to))
				if down.state != taskWaiting {
					return
				}
				down.fed = max(down.fed, turn)
				if down.missing--; down.missing == 0 {
					down.state = taskReady
					e.ready.push(to)
					released++
				}
				return
			}
			x := e.values.At(int(^to))
			if x.state != passageWaiting {
				return
			}
			if x.missing--; x.missing > 0 {
				return
			}
			x.state = passageDone
			if t := x.decides; t != nil && t.state == taskWaiting {
				t.state = taskReady
				e.ready.push(to)
				released++
				return
			}
			front = append(front, to)
		})
	}
	return released
}

// bury skips a new task or value that waits for what will never be had, and what waits for it.
func (e *engine) bury(v plan.Vertex) (skipped []*task) {
	if v >= 0 && e.gone(v) {
		return e.skipBelow(v) // such as a source that could not be observed
	}
	because, why := "", ""
	look := func(r plan.Ref) {
		if because == "" && e.gone(r.From) {
			because, why = e.cause(r.From)
		}
	}
	if v >= 0 {
		t := e.tasks.At(int(v))
		t.step.Refs(func(r plan.Ref, _ bool) { look(r) })
	} else {
		e.run.plan.Parts(v, look)
	}
	return e.skip([]plan.Vertex{v}, because, why)
}

// cause is what to say of a task that is skipped because of v.
func (e *engine) cause(v plan.Vertex) (because, why string) {
	t := e.task(v)
	switch {
	case t == nil: // a value
		e.run.plan.Parts(v, func(r plan.Ref) {
			if because == "" && e.gone(r.From) {
				because, why = e.cause(r.From)
			}
		})
		return because, why
	case t.state != taskSkipped && t.step == nil:
		return t.err.Step, ""
	case t.state != taskSkipped:
		return t.step.Key, ""
	case t.why != "" && t.step != nil:
		return t.step.Key, "upstream " + t.step.Key + " is skipped"
	}
	return t.skipped, t.why
}

// skipBelow skips everything that needs v and waits.
func (e *engine) skipBelow(v plan.Vertex) []*task {
	because, why := e.cause(v)
	var front []plan.Vertex
	e.run.plan.Downstream(v, func(to plan.Vertex) { front = append(front, to) })
	var skipped []*task
	if v < 0 {
		front = append(front, e.run.plan.Cells(v)...)
		skipped = e.shown(v, because, why)
	}
	return append(skipped, e.skip(front, because, why)...)
}

// skip skips tasks and values that wait, and everything that needs them.
func (e *engine) skip(front []plan.Vertex, because, why string) (skipped []*task) {
	p := e.run.plan
	for len(front) > 0 {
		v := front[len(front)-1]
		front = front[:len(front)-1]
		var t *task
		if v >= 0 {
			t = e.tasks.At(int(v))
		} else {
			x := e.values.At(int(^v))
			if x.state != passageWaiting {
				continue
			}
			x.state = passageDead
			if t = x.decides; t != nil {
				front = append(front, p.Cells(v)...)
			}
		}
		if t != nil {
			if t.state != taskWaiting {
				continue
			}
			t.state, t.skipped, t.why = taskSkipped, because, why
			skipped = append(skipped, t)
			if t.step == nil {
				skipped = append(skipped, e.shown(v, because, why)...)
			}
			e.leave(v)
		}
		p.Downstream(v, func(to plan.Vertex) { front = append(front, to) })
	}
	return skipped
}

// shown are the lines of a loop or branch that is skipped as a whole, as tasks to speak of.
func (e *engine) shown(v plan.Vertex, because, why string) (tasks []*task) {
	e.run.plan.Shown(v, func(s *plan.Step) {
		if s.Failure == nil {
			tasks = append(tasks, &task{step: s, state: taskSkipped, skipped: because, why: why})
		}
	})
	return tasks
}

// enter says that a task may take what it needs: that is kept in memory until it has left.
func (e *engine) enter(v plan.Vertex) { e.count(v, 1) }

// leave tells what is above that a task will take nothing more from it.
func (e *engine) leave(v plan.Vertex) { e.count(v, -1) }

func (e *engine) count(v plan.Vertex, by int32) {
	var few [8]plan.Ref
	front := few[:0]
	if v >= 0 {
		e.tasks.At(int(v)).step.Refs(func(r plan.Ref, _ bool) { front = append(front, r) })
	} else {
		e.run.plan.Parts(v, func(r plan.Ref) { front = append(front, r) })
	}
	e.countAll(front, by)
}

// countAll counts one more, or one less, that may take each of some outputs and values.
func (e *engine) countAll(front []plan.Ref, by int32) {
	p := e.run.plan
	for len(front) > 0 {
		u := front[len(front)-1].From
		front = front[:len(front)-1]
		if u >= 0 {
			up := e.tasks.At(int(u))
			up.left += by
			if by < 0 {
				up.drop()
			}
			continue
		}
		x := e.values.At(int(^u))
		x.left += by
		if x.left == max(by, 0) { // the first that enters, or the last that leaves
			p.Parts(u, func(r plan.Ref) { front = append(front, r) })
		}
	}
}
