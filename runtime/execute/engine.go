package execute

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
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
	taskBlocked   // by another task: of the same content, or one that restores what this one needs
	taskPostponed // until a time has come
	taskDone      // computed, reused or observed: its outputs can be had
	taskFailed
	taskSkipped
)

// A task is a step in a run, or a loop or branch that is to be expanded. The engine's mutex guards it; a worker owns the rest of it while it is
// running.
type task struct {
	step    *plan.Step // nil for a loop or branch
	state   taskState
	missing int32 // what it takes that is not done
	left    int32 // what may still take its outputs
	fed     int32 // the turn in which it was given what takes much memory until it has run; 0 for nothing like that

	reused  bool
	record  *storage.Record // what stands for it: of a reused or hidden step
	outs    []outcome       // of a step that was computed, or took over what another one computed
	content canon.Digest
	durable bool          // its batch is on disk, or it never needed one
	lost    error         // why its batch is not
	life    int32         // how often it was computed to restore a stored output
	waiters []plan.Vertex // blocked by it

	restored bool            // computed to restore a stored output
	broken   *storage.Record // the record that cannot be loaded

	tries int           // how often it failed and was, or will be, computed again
	wait  time.Duration // before the next try

	verdict *dag.CheckEvaluation // of a check that was made or reused
	checked canon.Digest         // of a check that was made: the data of the asset

	err     *StepError
	skipped string // the key of what failed or is skipped above it
	why     string // it is skipped although nothing failed
	elapsed time.Duration
}

// settled reports whether nothing more will happen to the task, unless a stored output must be restored.
func (t *task) settled() bool { return t.state >= taskDone }

// An outcome is an output of a step that ran in this run.
type outcome struct {
	storage.Output
	value any
	held  bool   // value may go to consumers as it is
	data  []byte // the canonical encoding of a value that is not held, as long as someone may want it
	only  bool   // it is stored nowhere else
	check *dag.TypeCheck
}

// engine is the state of a run: which steps are ready, what is running, what came out.
type engine struct {
	run *run

	mu      sync.Mutex
	wake    sync.Cond // something became ready, or nothing more will
	tasks   plan.Pages[task]
	values  plan.Pages[passage]
	ready   readyHeap
	holding holding // limits that hold ready tasks back
	running int
	stopped bool // schedule nothing more

	content map[canon.Digest]int32
	party   map[int32]*party // by task, of those whose function gives other assets too
	turns   int              // how often a task was done, or is computed again

	sleeping map[plan.Vertex]*time.Timer // postponed tasks

	early []*task    // skipped before anything ran
	grow  sync.Mutex // held by who expands a loop or branch; taken before mu
}

// A passage is a value in a run: what lies between steps and is no step.
type passage struct {
	state   passageState
	missing int32 // what it is made of that is not done
	left    int32 // what may still take it
	decides *task // the loop or branch that it decides about
}

type passageState uint8

const (
	passageAbsent passageState = iota // not part of the run yet
	passageWaiting
	passageDone
	passageDead // what it is made of failed or is skipped
)

// run is what all parts of a run share. It does not change once steps execute.
type run struct {
	id         string
	opts       *Options
	target     *plan.Target
	shown      *plan.Target // of a status: what is asked about, where target has what that is made from too
	parted     *plan.Target // of a status of all partitions: target with what has partitions too; nil otherwise
	each       bool         // a status of all partitions, of a target with a step for each
	asked      *resolved
	io         *instanceIO    // that the instance names; nil for its own store
	again      map[int32]bool // nodes that run whatever is stored
	plan       *plan.Plan
	seen       map[plan.Sight]*sighting
	said       answers // of sources that are asked beside those that the plan needs
	inst       *instance.Instance
	store      storage.Store
	private    bool // kept nowhere: no store, no locks, no second looks
	newFile    func(name string, write func(io.Writer) error) (dag.File, error)
	res        *resources
	log        *journal
	look       *lookup
	show       *observer
	logFiles   []*os.File     // of loggers
	endLoggers []slog.Handler // that are told how the run ended
	engine     *engine
	info       *dag.RunInfo // what user code can ask of it
	outErr     *StepError   // why what the job returns cannot be made

	ctx  context.Context // of the run: canceled from outside, or when the store fails
	stop context.CancelCauseFunc

	children atomic.Int64 // processes that were started for steps
}

// name is what the run is of: the key of its job, also where that names a selection of assets; empty for assets without one.
func (r *run) name() string {
	if j := r.target.Def(); j != nil {
		return j.Key
	}
	return ""
}

// jobKey is the key of the job whose steps it computes; empty for assets.
func (r *run) jobKey() string {
	if r.target.Job == nil {
		return ""
	}
	return r.target.Job.Key
}

func newEngine(r *run) *engine {
	p := r.plan
	e := &engine{run: r}
	e.wake.L = &e.mu
	e.order()
	e.holding = holding{limits: r.asked.limits}
	if !r.private && pooled(r.target) {
		e.holding.pool, e.holding.closed, e.holding.pauses = r.inst.PoolLimit, map[string]bool{}, map[string]time.Duration{}
	}
	if e.holding.some() {
		e.holding.inUse, e.holding.parked = map[slot]int{}, map[slot]*readyHeap{}
	}
	e.tasks.Reserve(p.Len())
	e.values.Reserve(p.Values())
	open := 0
	for i := range p.Len() {
		t := e.tasks.Add()
		*t = newTask(p.At(i))
		if t.state == taskWaiting {
			open++
		}
	}
	for range p.Values() {
		e.values.Add()
	}
	if r.target.Job == nil {
		e.parties(p)
	}
	e.content = make(map[canon.Digest]int32, open)
	if open > 0 || p.Open() {
		e.early = e.connect(&plan.Growth{Steps: p.Len(), Values: p.Values()})
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
	case s.Action == plan.Skip && s.Reasons[0].Code == plan.ReasonCheck: // it waits, for a check that has failed
	case s.Action == plan.Skip:
		t.state, t.skipped, t.why = taskSkipped, s.Key, s.Reasons[0].Text
	case s.Action == plan.Reuse && s.Record == nil: // in what a loop or branch turned out to be
		t.state = taskFailed
		t.err = &StepError{Step: s.Key, Where: WhereLoad, Err: fmt.Errorf("it is not selected and has never been stored; select %q too", s.Node.Name)}
	case s.Action == plan.Reuse: // hidden steps too
		t.state, t.durable, t.reused, t.record, t.verdict = taskDone, true, true, s.Record, s.Verdict
		if t.blocks() {
			t.state = taskFailed
		}
	}
	return t
}

// task returns the task of a step, or of the loop or branch that a value decides about.
func (e *engine) task(v plan.Vertex) *task {
	if v < 0 {
		return e.values.At(int(^v)).decides
	}
	return e.tasks.At(int(v))
}

// next hands out the first ready task, see order. It blocks while nothing is ready and something runs; ok is false when nothing more
// will become ready.
func (e *engine) next() (v plan.Vertex, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		if e.stopped {
			return 0, false
		}
		if v, ok = e.pick(); ok {
			e.task(v).state = taskRunning
			e.running++
			return v, true
		}
		if e.running == 0 && len(e.sleeping) == 0 {
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
	e.stopLocked()
}

func (e *engine) stopLocked() {
	e.stopped = true
	for v, timer := range e.sleeping {
		timer.Stop()
		e.task(v).state = taskWaiting
	}
	e.sleeping = nil
	e.wake.Broadcast()
}

// settle takes in how a running task ended and releases what waited for it. It returns the tasks that are skipped by that.
func (e *engine) settle(v plan.Vertex, state taskState) (skipped []*task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.settleLocked(v, state)
}

func (e *engine) settleLocked(v plan.Vertex, state taskState) (skipped []*task) {
	t := e.task(v)
	first := !t.restored // those below have been released before when a stored output was restored
	t.state = state
	e.rest(v)
	e.turns++
	released := 0
	for _, w := range t.waiters {
		// They look again at what they need: what is here now may serve them, or the failure skips them.
		if e.task(w).state == taskBlocked {
			e.task(w).state = taskReady
			e.ready.push(w)
			released++
		}
	}
	t.waiters = nil
	if first {
		if state == taskDone {
			released += e.release(v)
		} else {
			skipped = e.skipBelow(v)
		}
	}
	e.leave(v)
	if released > 1 || e.running == 0 {
		e.wake.Broadcast()
	} else if released == 1 {
		e.wake.Signal()
	}
	return skipped
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

// kept notes that the batch of a task is durable, or why it is not. One of an earlier life says nothing about what the task has now.
func (e *engine) kept(i, life int32, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tasks.At(int(i))
	switch {
	case t.life != life:
	case err != nil:
		t.lost = err
	default:
		t.durable = true
		t.drop()
	}
}

// block parks a running task until task on is settled. It returns false if that has happened meanwhile: look again.
func (e *engine) block(v, on plan.Vertex) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.blockLocked(v, on)
}

func (e *engine) blockLocked(v, on plan.Vertex) bool {
	up := e.task(on)
	if up.settled() {
		return false
	}
	up.waiters = append(up.waiters, v)
	e.task(v).state = taskBlocked
	e.rest(v)
	return true
}

// readyHeap is a binary heap: the first in the order of the engine comes out first.
type readyHeap struct {
	all    []plan.Vertex
	before func(a, b plan.Vertex) bool
}

func (h *readyHeap) push(v plan.Vertex) {
	s := append(h.all, v)
	k := len(s) - 1
	for k > 0 {
		up := (k - 1) / 2
		if !h.before(s[k], s[up]) {
			break
		}
		s[up], s[k] = s[k], s[up]
		k = up
	}
	h.all = s
}

func (h *readyHeap) pop() plan.Vertex {
	s := h.all
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
		if down+1 < last && h.before(s[down+1], s[down]) {
			down++
		}
		if !h.before(s[down], s[k]) {
			break
		}
		s[k], s[down] = s[down], s[k]
		k = down
	}
	h.all = s
	return top
}
