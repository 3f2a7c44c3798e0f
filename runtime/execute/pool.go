package execute

import (
	"time"

	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A step that names a pool takes a place in it when it has its version lock, and waits for none: where other processes have all places it gives up the lock and its
// worker. The pool is closed then for this run, and the step that found that out looks again after a while, for all of them. So nobody who has a place ever waits for
// a version, and nobody who waits for a place keeps others from anything.

// The pauses between two looks at a pool that is full, the first and the longest.
const (
	poolPause    = time.Millisecond
	poolPauseMax = 50 * time.Millisecond
)

// enterPool takes a place in the pool of a step. free is false where there is none; leave gives it back.
func (w *worker) enterPool(s *plan.Step) (leave func(), free bool, err error) {
	r := w.run
	if s.Op.Pool == "" || r.private {
		return func() {}, true, nil
	}
	leave, free, err = r.inst.TryPool(s.Op.Pool)
	if free {
		r.engine.entered(s.Op.Pool)
	}
	return leave, free, err
}

// entered says that a pool is open.
func (e *engine) entered(pool string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.holding.pauses, pool)
	e.unpark(slot{poolSlot, pool})
}

// waitForPool postpones a task whose pool is full, and closes the pool until then.
func (w *worker) waitForPool(i int32) {
	e := w.run.engine
	s := e.tasks.At(int(i)).step
	e.mu.Lock()
	h := &e.holding
	pause, again := h.pauses[s.Op.Pool]
	pause = min(max(2*pause, poolPause), poolPauseMax)
	h.pauses[s.Op.Pool], h.closed[s.Op.Pool] = pause, true
	e.mu.Unlock()
	if !again {
		w.run.log.add(w.run.log.event(storage.EventEngine, s.Key, "waiting for a place in the pool "+s.Op.Pool, nil))
	}
	e.postpone(plan.Vertex(i), pause)
}
