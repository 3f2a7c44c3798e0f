package execute

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// Steps are the steps of a run as an [Executor] sees them (Dagster's ActiveExecution). It is safe for concurrent use.
type Steps struct {
	engine  *engine
	work    func(w *worker, v plan.Vertex)
	running sync.WaitGroup

	mu      sync.Mutex
	ended   bool
	workers []*Worker
}

// A Step is one that is ready to be computed, or looked up once more; or a loop or branch that is to be expanded. It is handed out once, and is given to a [Worker] once, or
// as often as that says.
type Step struct {
	steps  *Steps
	vertex plan.Vertex
	key    string
	op     *dag.Op
	tags   map[string]string
}

// Key is the step's key, "outer.fit[seattle]"; of a loop or branch a name for people.
func (s *Step) Key() string { return s.key }

// Op is what is to be computed; nil for a loop or branch. It must not be modified.
func (s *Step) Op() *dag.Op { return s.op }

// Tags are those of the op under those of its call.
func (s *Step) Tags() map[string]string { return maps.Clone(s.tags) }

// Next hands out the step that is ready and comes first, by priority and then in plan order, within the limits of the run. It waits for one as long as others are running: what was
// handed out and not given to a worker counts as running. ok is false when no more will come.
func (s *Steps) Next() (step *Step, ok bool) {
	v, ok := s.engine.next()
	if !ok {
		return nil, false
	}
	step = &Step{steps: s, vertex: v, key: s.engine.run.keyOf(v)}
	if v >= 0 {
		st := s.engine.run.plan.At(int(v))
		step.op, step.tags = st.Op, st.Tags
	}
	return step, true
}

// An Outcome is what became of a step that a worker was given.
type Outcome struct {
	// Retry says that it failed and may be tried again, after Wait: with RetryDeferred alone. The executor gives it to a worker again, this one or another.
	Retry bool
	Wait  time.Duration
}

// A Worker computes one step after the other. It is for one goroutine at a time.
type Worker struct {
	steps *Steps
	w     *worker
}

// Worker makes a worker that computes in this process.
func (s *Steps) Worker() *Worker { return s.add(nil) }

// ProcessWorker makes a worker that computes in a process of its own, as the multiprocess executor has them. The definition of the executor must say NeedsInstance, and
// the program must call [Serve].
func (s *Steps) ProcessWorker() (*Worker, error) {
	r := s.engine.run
	if err := checkMultiprocess(r.target, r.opts); err != nil {
		return nil, err
	}
	begin, err := r.beginChildren()
	if err != nil {
		return nil, err
	}
	return s.add(&remote{run: r, begin: begin}), nil
}

// RemoteWorker makes a worker that hands each of its steps to launch, as a reference that a process anywhere can compute with [ExecuteStepRunRef]: for each step a fresh one, with
// resources of its own. What the steps print is left to launch. The definition of the executor must say NeedsInstance, and values cannot stand in place of resources.
func (s *Steps) RemoteWorker(launch LaunchStep) (*Worker, error) {
	r := s.engine.run
	if err := checkRemote(r.target, r.opts, r.asked.executor); err != nil {
		return nil, err
	}
	begin, err := r.beginChildren()
	if err != nil {
		return nil, err
	}
	return s.add(&remote{run: r, begin: begin, launch: launch}), nil
}

func (s *Steps) add(far *remote) *Worker {
	w := &Worker{steps: s, w: newWorker(s.engine.run)}
	w.w.remote = far
	s.mu.Lock()
	defer s.mu.Unlock()
	s.workers = append(s.workers, w)
	return w
}

// Run has a step computed and returns when it is finished, or has to wait for another one: then it is handed out once more. A failure of the step is no error of Run: it is part of
// the run. It panics where the step was finished before.
func (w *Worker) Run(step *Step) Outcome {
	s := w.steps
	s.mu.Lock()
	if s.ended || step.steps != s {
		s.mu.Unlock()
		panic(fmt.Sprintf("step %s is of a run whose executor has returned", step.key))
	}
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	e := s.engine
	e.mu.Lock()
	state := e.task(step.vertex).state
	e.mu.Unlock()
	if state != taskRunning {
		panic(fmt.Sprintf("step %s is given to a worker that is not to be computed now", step.key))
	}
	w.w.deferred = nil
	// A goroutine of its own: user code may end it.
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.work(w.w, step.vertex)
	}()
	<-done
	if d := w.w.deferred; d != nil {
		return Outcome{Retry: true, Wait: *d}
	}
	return Outcome{}
}

// Close ends the worker, and the process that it has. All that are left are closed when the executor returns.
func (w *Worker) Close() {
	if w.w.remote != nil {
		w.w.remote.close()
	}
}

// close ends what workers are left.
func (s *Steps) close() {
	s.mu.Lock()
	s.ended = true
	all := s.workers
	s.mu.Unlock()
	for _, w := range all {
		w.Close()
	}
	s.engine.run.removeFolders()
}
