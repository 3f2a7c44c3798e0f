package execute

import (
	"context"
	"fmt"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// This file is how one call of a function gives several assets that are steps of their own, see [dag.Op.Subset]. The first of its steps that has to be computed leads: it asks for the others, too,
// that are not stored and that nobody else is at, and leaves them what the call gave. Until it is settled they wait. So a function is called once for what is needed of it, and each
// asset is looked up, locked, stored and recorded as if it were alone.

// A party are the steps of a run that are assets of one function, for one partition. The engine's mutex guards it.
type party struct {
	members []int32
	lead    int32 // that calls; the last one once that is settled. -1 before the first
	gifts   map[int32]*gift
	called  []int32 // others that the last call of lead was for, where it failed
}

// A gift is what the call of another step gave for a step, and the lock that it was asked for under.
type gift struct {
	from     string       // the key of that step
	content  canon.Digest // of the step it is for, as the call knew it
	value    any
	metadata []dag.MetadataEntry
	version  dag.DataVersion
	check    *dag.TypeCheck
	err      *StepError // why it gave nothing
	unlock   func()
}

// parties finds the steps that are called together.
func (e *engine) parties(p *plan.Plan) {
	type function struct {
		op        *dag.Op
		partition dag.PartitionKey
	}
	all := map[function]*party{}
	for i := range p.Len() {
		s := p.At(i)
		whole := s.Whole()
		if whole == nil || s.Hidden {
			continue
		}
		of := function{op: whole, partition: dag.PartitionKey(partitionKey(s))}
		if all[of] == nil {
			all[of] = &party{lead: -1, gifts: map[int32]*gift{}}
		}
		all[of].members = append(all[of].members, int32(i))
		if e.party == nil {
			e.party = map[int32]*party{}
		}
		e.party[int32(i)] = all[of]
	}
}

// join lets a running task take its place among those that are called together: it leads, it has got something, or it was parked until who leads is settled. A task that restores
// a stored output is alone.
func (e *engine) join(i int32) (got *gift, blocked bool) {
	p := e.party[i]
	if p == nil {
		return nil, false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tasks.At(int(i)).restored {
		return nil, false
	}
	if got = p.gifts[i]; got != nil { // it stays until it is taken: the task may have to wait for an input first
		return got, false
	}
	if p.lead >= 0 && p.lead != i {
		lead := e.tasks.At(int(p.lead))
		if e.blockLocked(plan.Vertex(i), plan.Vertex(p.lead)) {
			return nil, true
		}
		if lead.state == taskFailed && slices.Contains(p.called, i) {
			return &gift{from: lead.step.Key, err: lead.err, unlock: func() {}}, false
		}
	}
	p.lead, p.called = i, nil
	return nil, false
}

// accept takes what was given for a task out of its place. fits is false where the task is made from other data by now: then it is of no use.
func (e *engine) accept(i int32, got *gift) (fits bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.party[i].gifts, i)
	if fits = got.err != nil || got.content == e.tasks.At(int(i)).content; !fits {
		got.unlock()
	}
	return fits
}

// A guest is a task that another one calls the function for.
type guest struct {
	task    int32
	step    *plan.Step
	content canon.Digest
	unlock  func()
}

// guests finds whom the call of task i is for besides: those of its party that would be computed next, and that nobody else is computing.
func (w *worker) guests(i int32) (guests []guest) {
	r, e := w.run, w.run.engine
	p := e.party[i]
	e.mu.Lock()
	var free []*task
	var at []int32
	for _, j := range p.members {
		t := e.tasks.At(int(j))
		if j != i && p.gifts[j] == nil && (t.state == taskReady || t.state == taskBlocked) && !t.restored && !e.tasks.At(int(i)).restored {
			free, at = append(free, t), append(at, j)
		}
	}
	e.mu.Unlock()
	for k, t := range free {
		g := guest{task: at[k], step: t.step, unlock: func() {}}
		if t.step.Version.IsZero() && w.eval.Complete(t.step) != nil {
			continue // it says so itself
		}
		g.content = w.hash.Content(t.step, w.data)
		if !r.private && !t.step.Force {
			// It is not waited for: two processes that have each other's locks would wait for ever.
			unlock, _, err := r.inst.LockVersion(r.ctx, g.content, false)
			if err != nil {
				continue
			}
			if rec, _, err := r.look.hit(context.WithoutCancel(r.ctx), t.step, g.content); err == nil && rec != nil {
				unlock()
				continue
			}
			g.unlock = unlock
		}
		guests = append(guests, g)
	}
	return guests
}

// convene calls the function of task i for it and its guests, and leaves these what it gave. What is for the task itself stands in the call and in sc.
func (w *worker) convene(ctx context.Context, i int32, sc *scope, call *dag.Call) *StepError {
	r, e := w.run, w.run.engine
	own := sc.step
	var guests []guest
	if !w.remote.begun() { // what has been handed on cannot be told any more
		guests = w.guests(i)
	}
	all := &scope{step: own.Entire(), lines: sc.lines, parts: []*plan.Step{own}}
	for _, g := range guests {
		all.parts = append(all.parts, g.step)
	}
	whole := all.step.Op
	at := func(s *plan.Step) int {
		return slices.IndexFunc(whole.Outputs, func(o dag.Output) bool { return o.Name == s.Op.Outputs[0].Name })
	}
	slices.SortFunc(all.parts, func(a, b *plan.Step) int { return at(a) - at(b) })
	all.Scope = sc.Scope
	all.Op, all.AddMetadata, all.SetDataVersion = whole, all.addMetadata, all.setDataVersion
	all.note = func(output bool, k int, c *dag.TypeCheck) { all.checked(w, output, k, c) }
	all.Selected = selectedOf(all.parts)
	gave := &dag.Call{In: call.In, Config: call.Config, Resources: call.Resources, Out: make([]any, len(whole.Outputs))}
	failed := w.invoke(dag.WithScope(ctx, &all.Scope), all.step, all, gave)
	said := all.close()
	if failed == nil {
		call.Out[0] = gave.Out[at(own)]
		sc.give(0, said.metadataOf(at(own)), said.versionOf(at(own)))
		sc.checks = checksOf(all.checks, at(own))
	}
	e.mu.Lock()
	p := e.party[i]
	p.called = nil
	for _, g := range guests {
		if failed != nil {
			p.called = append(p.called, g.task)
			continue
		}
		k := at(g.step)
		got := &gift{from: own.Key, content: g.content, value: gave.Out[k], metadata: said.metadataOf(k), version: said.versionOf(k), unlock: g.unlock}
		if all.checks != nil {
			got.check = all.checks[k]
		}
		p.gifts[g.task] = got
	}
	e.mu.Unlock()
	if failed != nil {
		for _, g := range guests {
			g.unlock()
		}
	} else if len(guests) > 0 {
		o := newObject(nil)
		o.list("steps", keysOf(guests))
		r.log.add(r.log.event(storage.EventEngine, own.Key, fmt.Sprintf("%s gave %d more of its assets", whole.Key, len(guests)), o.end()))
	}
	return failed
}

func keysOf(guests []guest) []string {
	keys := make([]string, len(guests))
	for i := range guests {
		keys[i] = guests[i].step.Key
	}
	return keys
}

// selectedOf are the names of the outputs that a call is for.
func selectedOf(parts []*plan.Step) []string {
	names := make([]string, len(parts))
	for i, s := range parts {
		names[i] = s.Op.Outputs[0].Name
	}
	return names
}

// checksOf is what one of several outputs says of itself.
func checksOf(all []*dag.TypeCheck, k int) []*dag.TypeCheck {
	if all == nil || all[k] == nil {
		return nil
	}
	return all[k : k+1]
}

// take ends a task that another step's call was for.
func (w *worker) take(i int32, got *gift) verdict {
	r := w.run
	t := r.engine.tasks.At(int(i))
	if got.err != nil {
		err := *got.err
		err.Step = t.step.Key
		t.err = &err
		r.log.submit(&storage.Batch{Events: []storage.Event{r.failure(t)}}, func(error) {
			r.show.failed(t.err.Step, t.err, 0, false)
		})
		return verdictFailed
	}
	v := w.compute(i, &dag.Call{Out: []any{got.value}}, got.unlock, got)
	if v != verdictDone {
		got.unlock()
	}
	return v
}

// called runs the function of a step, or takes what the call of another step gave.
func (w *worker) called(ctx context.Context, i int32, sc *scope, call *dag.Call, got *gift) *StepError {
	switch {
	case got != nil:
		sc.give(0, got.metadata, got.version)
		if got.check != nil {
			sc.checks = []*dag.TypeCheck{got.check}
		}
		return nil
	case sc.step.Whole() != nil:
		return w.convene(ctx, i, sc, call)
	}
	return w.invoke(ctx, sc.step, sc, call)
}

// dismiss lets go of what was given to steps that the run did not get to.
func (e *engine) dismiss() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.party {
		for i, g := range p.gifts {
			delete(p.gifts, i)
			g.unlock()
		}
	}
}
