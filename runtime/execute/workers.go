package execute

import (
	"runtime"

	"github.com/dagstergen/dagstergen/runtime/plan"
)

// An executor decides where and how many at a time the tasks of an engine are worked on. It returns when the engine hands out nothing
// more and all that it handed out is settled.
type executor interface {
	execute(e *engine, work func(w *worker, v plan.Vertex))
}

// workers is the executor of the names that are always there: in_process is one worker, who takes tasks in plan order; multi is several; those of
// multiprocess have a child process each.
type workers struct {
	n        int
	children *runRef // what their children are told first; nil where they have none
}

func (n workers) execute(e *engine, work func(w *worker, v plan.Vertex)) {
	ended := make(chan bool) // whether the worker is to be replaced
	start := func() {
		w := newWorker(e.run)
		if n.children != nil {
			w.remote = &remote{run: e.run, begin: n.children}
		}
		go func() {
			lost := true // unless the loop ends: user code that ends its goroutine takes the worker with it
			defer func() {
				if w.remote != nil {
					w.remote.close()
				}
				ended <- lost
			}()
			for {
				i, ok := e.next()
				if !ok {
					lost = false
					return
				}
				work(w, i)
			}
		}()
	}
	for range n.n {
		start()
	}
	for alive := n.n; alive > 0; {
		if <-ended {
			start()
		} else {
			alive--
		}
	}
	if n.children != nil {
		e.run.removeFolders()
	}
}

// executor finds out where steps are computed, before the run begins: what is wrong with that is no run. How many workers there are is known when there is a plan.
func (r *run) executor() (func() executor, error) {
	if d := definitionOf(r.asked.executor); d != nil {
		own, err := r.newCustom(d)
		return func() executor { return own }, err
	}
	var children *runRef
	if r.asked.executor == MultiprocessExecutor {
		var err error
		if children, err = r.beginChildren(); err != nil {
			return nil, err
		}
	}
	return func() executor { return workers{r.workers(), children} }, nil
}

// workers is how many there are.
func (r *run) workers() int {
	if r.asked.executor == InProcessExecutor {
		return 1
	}
	n := r.asked.concurrent
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if !r.plan.Open() { // otherwise nobody knows how many steps there will be
		n = min(n, len(r.plan.Steps))
	}
	return max(1, n)
}
