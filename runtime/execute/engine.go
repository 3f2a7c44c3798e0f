package execute

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A taskState is how far a step is.
type taskState uint8

const (
	taskAbsent  taskState = iota // not part of this run
	taskWaiting                  // for steps above it
	taskReady
	taskRunning
	taskBlocked // by another task: of the same content, or one that restores what this one needs
	taskDone    // computed, reused or observed: its outputs can be had
	taskFailed
	taskSkipped
)

// A task is a step in a run. The engine's mutex guards it; a worker owns the rest of it while it is running.
type task struct {
	step    *plan.Step
	state   taskState
	missing int32 // steps above it that are not done
	left    int32 // consumers that may still take its outputs

	reused  bool
	record  *storage.Record // what stands for it: of a reused or hidden step
	outs    []outcome       // of a step that was computed, or took over what another one computed
	content canon.Digest
	durable bool    // its batch is on disk, or it never needed one
	waiters []int32 // blocked by it

	restored bool            // computed to restore a stored output
	broken   *storage.Record // the record that cannot be loaded

	err     *StepError
	skipped string // why
	elapsed time.Duration
}

// settled reports whether nothing more will happen to the task, unless a stored output must be restored.
func (t *task) settled() bool { return t.state >= taskDone }

// An outcome is an output of a step that ran in this run.
type outcome struct {
	storage.Output
	value any
	held  bool   // value may go to consumers as it is
	data  []byte // the canonical encoding, as long as someone may want it
	only  bool   // it is stored nowhere else
}

// engine is the state of a run: which steps are ready, what is running, what came out.
type engine struct {
	run *run

	mu      sync.Mutex
	wake    sync.Cond // something became ready, or nothing more will
	tasks   []task    // by index of the node
	ready   readyHeap
	running int
	stopped bool // schedule nothing more
	content map[canon.Digest]int32
}

// run is what all parts of a run share. It does not change once steps execute.
type run struct {
	id      string
	opts    *Options
	target  *plan.Target
	asked   *resolved
	plan    *plan.Plan
	seen    map[int32]*sighting
	inst    *instance.Instance
	store   storage.Store
	private bool // kept nowhere: no store, no locks, no second looks
	newFile func(name string, write func(io.Writer) error) (dag.File, error)
	res     *resources
	log     *journal
	look    *lookup
	show    *observer
	engine  *engine
	params  paramCache

	ctx  context.Context // of the run: canceled from outside, or when the store fails
	stop context.CancelCauseFunc
}

func (r *run) jobKey() string {
	if r.target.Job == nil {
		return ""
	}
	return r.target.Job.Key
}

func newEngine(r *run) *engine {
	e := &engine{run: r, tasks: make([]task, len(r.plan.All))}
	e.wake.L = &e.mu
	open := 0
	for i, s := range r.plan.All {
		if s != nil {
			e.tasks[i] = newTask(s)
			if e.tasks[i].state == taskWaiting {
				open++
			}
		}
	}
	e.content = make(map[canon.Digest]int32, open)
	if open > 0 {
		for i := range e.tasks {
			e.count(int32(i))
		}
	}
	for i := range e.tasks {
		if t := &e.tasks[i]; t.state == taskWaiting && t.missing == 0 {
			t.state = taskReady
			e.ready.push(int32(i))
		}
	}
	return e
}

// newTask is a task as the plan leaves it.
func newTask(s *plan.Step) task {
	t := task{step: s, state: taskWaiting, content: s.Content}
	switch {
	case s.Op.Kind == dag.KindSource:
		t.state, t.durable, t.reused = taskDone, true, s.Action == plan.Reuse
		if err := s.Observed.Err; err != nil {
			t.state = taskFailed
			t.err = asStepError(s.Key, WhereSource, err)
		}
	case s.Action == plan.Reuse: // hidden steps too
		t.state, t.durable, t.reused, t.record = taskDone, true, true, s.Record
	}
	return t
}

// count registers task i with its consumers that wait.
func (e *engine) count(i int32) {
	t := &e.tasks[i]
	if t.state == taskAbsent {
		return
	}
	for _, c := range e.run.target.Graph.Consumers(int(i)) {
		if down := &e.tasks[c]; down.state == taskWaiting {
			t.left++
			if t.state != taskDone {
				down.missing++
			}
		}
	}
}

// next hands out the first ready task in plan order. It blocks while nothing is ready and something runs; ok is false when nothing more
// will become ready.
func (e *engine) next() (i int32, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		switch {
		case e.stopped:
			return 0, false
		case len(e.ready) > 0:
			i = e.ready.pop()
			e.tasks[i].state = taskRunning
			e.running++
			return i, true
		case e.running == 0:
			e.wake.Broadcast()
			return 0, false
		}
		e.wake.Wait()
	}
}

// halt makes next hand out nothing more.
func (e *engine) halt() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	e.wake.Broadcast()
}

// settle takes in how a running task ended and releases what waited for it. It returns the tasks that are skipped by that.
func (e *engine) settle(i int32, state taskState) (skipped []int32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := &e.tasks[i]
	first := !t.restored // those below have been released before when a stored output was restored
	t.state = state
	e.running--
	released := 0
	for _, w := range t.waiters {
		// They look again at what they need: what is here now may serve them, or the failure skips them.
		if e.tasks[w].state == taskBlocked {
			e.tasks[w].state = taskReady
			e.ready.push(w)
			released++
		}
	}
	t.waiters = nil
	if first {
		if state == taskDone {
			released += e.release(i)
		} else {
			skipped = e.skipBelow(i)
		}
	}
	e.leave(i)
	if released > 1 || e.running == 0 {
		e.wake.Broadcast()
	} else if released == 1 {
		e.wake.Signal()
	}
	return skipped
}

// release counts task i as done with its consumers.
func (e *engine) release(i int32) (released int) {
	for _, c := range e.run.target.Graph.Consumers(int(i)) {
		if down := &e.tasks[c]; down.state == taskWaiting {
			if down.missing--; down.missing == 0 {
				down.state = taskReady
				e.ready.push(c)
				released++
			}
		}
	}
	return released
}

// skipBelow skips everything that needs task i and waits. It does not recurse: a chain may be as long as it likes.
func (e *engine) skipBelow(i int32) (skipped []int32) {
	because := e.tasks[i].step.Key
	front := []int32{i}
	for len(front) > 0 {
		up := front[len(front)-1]
		front = front[:len(front)-1]
		for _, c := range e.run.target.Graph.Consumers(int(up)) {
			down := &e.tasks[c]
			if down.state != taskWaiting {
				continue
			}
			down.state, down.skipped = taskSkipped, because
			skipped = append(skipped, c)
			front = append(front, c)
			e.leave(c)
		}
	}
	return skipped
}

// leave tells the tasks above that task i will take nothing more from them.
func (e *engine) leave(i int32) {
	for _, u := range e.run.target.Graph.Producers(int(i)) {
		up := &e.tasks[u]
		up.left--
		up.drop()
	}
}

// enter is the opposite of leave, for a task that is computed although it was settled.
func (e *engine) enter(i int32) {
	for _, u := range e.run.target.Graph.Producers(int(i)) {
		e.tasks[u].left++
	}
}

// drop lets go of values that nobody in the run needs and that can be loaded again.
func (t *task) drop() {
	if t.left > 0 || !t.durable {
		return
	}
	for i := range t.outs {
		if o := &t.outs[i]; !o.only {
			o.value, o.held, o.data = nil, false, nil
		}
	}
}

// kept marks the batch of a task as durable.
func (e *engine) kept(i int32) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tasks[i].durable = true
	e.tasks[i].drop()
}

// block parks a running task until task on is settled. It returns false if that has happened meanwhile: look again.
func (e *engine) block(i, on int32) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.blockLocked(i, on)
}

func (e *engine) blockLocked(i, on int32) bool {
	if e.tasks[on].settled() {
		return false
	}
	e.tasks[on].waiters = append(e.tasks[on].waiters, i)
	e.tasks[i].state = taskBlocked
	e.running--
	return true
}

// readyHeap is a binary heap of node indexes: the first in plan order comes out first.
type readyHeap []int32

func (h *readyHeap) push(i int32) {
	s := append(*h, i)
	k := len(s) - 1
	for k > 0 {
		up := (k - 1) / 2
		if s[up] <= s[k] {
			break
		}
		s[up], s[k] = s[k], s[up]
		k = up
	}
	*h = s
}

func (h *readyHeap) pop() int32 {
	s := *h
	top := s[0]
	last := len(s) - 1
	s[0] = s[last]
	s = s[:last]
	k := 0
	for {
		down := 2*k + 1
		if down >= last {
			break
		}
		if down+1 < last && s[down+1] < s[down] {
			down++
		}
		if s[k] <= s[down] {
			break
		}
		s[k], s[down] = s[down], s[k]
		k = down
	}
	*h = s
	return top
}
