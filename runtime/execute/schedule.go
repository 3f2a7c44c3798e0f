package execute

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// This file is the order in which ready tasks are handed out, and what holds one back although it is ready: a limit that is reached, or a time that has not come.
// The engine's mutex is held where nothing else is said.

// PriorityTag is the tag of an op that says how early its steps go, among those that are ready: a whole number, the higher the sooner; 0 where nothing is said.
const PriorityTag = "dagster/priority"

// A slot is one of the places that a limit has: all of a limit are in one, or those with one value of a tag each.
type slot struct {
	limit int // index in runconfig.Resolved.TagLimits, or poolSlot
	value string
}

// poolSlot is the limit of the slots that are pools.
const poolSlot = -1

// holding says which limits hold tasks back. The zero value holds nothing.
type holding struct {
	limits []runconfig.TagLimit
	inUse  map[slot]int
	parked map[slot]*readyHeap // ready tasks that wait for this one

	pool   func(name string) int    // the limit of a pool; nil where there are no pools
	closed map[string]bool          // pools whose places others have
	pauses map[string]time.Duration // how long was waited for them last
}

// some reports whether anything may hold tasks back.
func (h *holding) some() bool { return h.limits != nil || h.pool != nil }

// slots are what a step takes while it runs.
func (h *holding) slots(s *plan.Step) (all []slot) {
	if s.Op.Pool != "" && h.pool != nil && h.pool(s.Op.Pool) > 0 {
		all = append(all, slot{poolSlot, s.Op.Pool})
	}
	for i := range h.limits {
		l := &h.limits[i]
		value, tagged := s.Tags[l.Key]
		switch {
		case !tagged, l.Value != nil && *l.Value != value:
		case l.PerValue:
			all = append(all, slot{i, value})
		default:
			all = append(all, slot{i, ""})
		}
	}
	return all
}

func (h *holding) full(s slot) bool {
	if s.limit == poolSlot {
		return h.closed[s.value] || h.inUse[s] >= h.pool(s.value)
	}
	return h.inUse[s] >= h.limits[s.limit].Limit
}

// pick takes the first ready task that no limit holds back; ok is false where there is none.
func (e *engine) pick() (v plan.Vertex, ok bool) {
	h := &e.holding
	for len(e.ready.all) > 0 {
		v := e.ready.pop()
		if !h.some() || v < 0 {
			return v, true
		}
		slots := h.slots(e.tasks.At(int(v)).step)
		if full := h.firstFull(slots); full < 0 {
			for _, s := range slots {
				h.inUse[s]++
			}
			return v, true
		} else {
			e.park(v, slots[full])
			for _, s := range slots { // it does not take these: they may serve another
				e.unpark(s)
			}
		}
	}
	return 0, false
}

func (h *holding) firstFull(slots []slot) int {
	for i, s := range slots {
		if h.full(s) {
			return i
		}
	}
	return -1
}

func (e *engine) park(v plan.Vertex, s slot) {
	h := &e.holding
	if h.parked[s] == nil {
		h.parked[s] = &readyHeap{before: e.ready.before}
	}
	h.parked[s].push(v)
}

// unpark makes the first task ready again that waits for a slot, if that is free.
func (e *engine) unpark(s slot) {
	h := &e.holding
	if p := h.parked[s]; p != nil && len(p.all) > 0 && !h.full(s) {
		e.ready.push(p.pop())
		e.wake.Signal()
	}
}

// rest is how a task stops to run, whatever comes next: what it held is free.
func (e *engine) rest(v plan.Vertex) {
	e.running--
	if h := &e.holding; h.some() && v >= 0 {
		for _, s := range h.slots(e.tasks.At(int(v)).step) {
			h.inUse[s]--
			e.unpark(s)
		}
	}
}

// postpone makes a running task ready again after a while, so that nobody has to sit and wait for it. The mutex is not held.
func (e *engine) postpone(v plan.Vertex, pause time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.task(v)
	e.rest(v)
	if e.stopped {
		t.state = taskWaiting
		e.wake.Broadcast()
		return
	}
	t.state = taskPostponed
	if e.sleeping == nil {
		e.sleeping = map[plan.Vertex]*time.Timer{}
	}
	e.sleeping[v] = time.AfterFunc(pause, func() { e.rouse(v) })
}

// rouse ends the wait of a postponed task. The mutex is not held.
func (e *engine) rouse(v plan.Vertex) {
	e.mu.Lock()
	defer e.mu.Unlock()
	timer := e.sleeping[v]
	if timer == nil || e.stopped {
		return
	}
	timer.Stop()
	delete(e.sleeping, v)
	t := e.task(v)
	t.state = taskReady
	e.ready.push(v)
	if t.step != nil && e.holding.closed[t.step.Op.Pool] {
		delete(e.holding.closed, t.step.Op.Pool) // somebody has to look
		e.unpark(slot{poolSlot, t.step.Op.Pool})
	}
	e.wake.Signal()
}

// heavy is the size in bytes from which a value that waits in memory for a task brings that task forward. It is large enough for the order of all usual runs to be that of their plan, and small enough
// for a thousand such values to fit into any memory.
const heavy = 1 << 20

// weighs reports whether the outputs of a task take much memory as long as somebody waits for them.
func (t *task) weighs() bool {
	for i := range t.outs {
		if o := &t.outs[i]; o.Size >= heavy && o.File == "" && (o.held || o.data != nil) {
			return true
		}
	}
	return false
}

// order makes the order in which ready tasks are handed out: by priority; then those that large values wait for, the newest of these first, so that one goes from step to step and leaves memory before the next
// is made, and a run holds as many as it has workers and not as many as it makes (the executor in_process promises plan order, and knows none); then in plan order. What decides about a loop or branch goes before all steps where there
// are priorities, because what it holds may have one.
func (e *engine) order() {
	p := e.run.plan
	e.ready.before = func(a, b plan.Vertex) bool {
		if fa, fb := e.fed(a), e.fed(b); fa != fb {
			return fa > fb
		}
		return p.Before(a, b)
	}
	if !prioritized(e.run.target) {
		return
	}
	rank := func(v plan.Vertex) int {
		if v < 0 {
			return 1 << 40
		}
		n, _ := priorityOf(e.tasks.At(int(v)).step.Node) // it was checked before the run
		return n
	}
	among := e.ready.before
	e.ready.before = func(a, b plan.Vertex) bool {
		if ra, rb := rank(a), rank(b); ra != rb {
			return ra > rb
		}
		return among(a, b)
	}
}

// fed is the turn in which a task was given a large value; 0 where it was not, and for a loop or branch.
func (e *engine) fed(v plan.Vertex) int32 {
	if v < 0 {
		return 0
	}
	return e.tasks.At(int(v)).fed
}

func prioritized(t *plan.Target) bool {
	for i := range t.Graph.Nodes {
		if t.Graph.Nodes[i].Tags[PriorityTag] != "" {
			return true
		}
	}
	return false
}

// priorityOf is the priority of the steps of a node.
func priorityOf(node *plan.Node) (int, error) {
	op := node.Op
	text, tagged := node.Tags[PriorityTag]
	if !tagged {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s %q has the tag %s:%s, and a priority is a whole number: the higher, the sooner, such as 5 or -1", op.Kind, op.Key, PriorityTag, text)
	}
	return int(n), nil
}

// checkPriorities reports the ops of a target whose priority is no number.
func checkPriorities(t *plan.Target) error {
	var wrong []plan.Problem
	seen := map[*dag.Op]bool{}
	for i := range t.Graph.Nodes {
		node := &t.Graph.Nodes[i]
		if text := node.Tags[PriorityTag]; seen[node.Op] && text == node.Op.Tags[PriorityTag] {
			continue
		}
		seen[node.Op] = true
		if _, err := priorityOf(node); err != nil {
			wrong = append(wrong, plan.Problem{Code: "bad_tag", Message: err.Error()})
		}
	}
	if wrong != nil {
		return &plan.Error{Problems: wrong}
	}
	return nil
}

// pooled reports whether steps of a target name pools.
func pooled(t *plan.Target) bool {
	for i := range t.Graph.Nodes {
		if t.Graph.Nodes[i].Op.Pool != "" {
			return true
		}
	}
	return false
}
