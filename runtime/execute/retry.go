package execute

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// retryPolicy is what holds for a step: of its call, of its op, of the calls of the graphs around it from the inside out, of the job. Nil for none.
func (r *run) retryPolicy(s *plan.Step) *dag.RetryPolicy {
	for i, call := range s.Calls {
		if call.Retry != nil {
			return call.Retry
		}
		if i == 0 && s.Op.Retry != nil {
			return s.Op.Retry
		}
	}
	if j := r.target.Def(); j != nil {
		return j.Retry
	}
	return nil
}

// retries says how often a step that failed with err may be computed again, and how long to wait before the next time; limit is 0 for an error that no
// retry can change. tries is how often that was done already.
func (r *run) retries(s *plan.Step, err error, tries int) (limit int, wait time.Duration) {
	if permanent(err) {
		return 0, 0
	}
	if asked, ok := requested(err); ok {
		return max(1, asked.MaxRetries), max(0, asked.Wait)
	}
	p := r.retryPolicy(s)
	if p == nil || tries >= p.MaxRetries {
		return 0, 0
	}
	return p.MaxRetries, p.Wait(tries+1, rand.Float64())
}

// requested finds the request for a retry in an error.
func requested(err error) (dag.RetryRequested, bool) {
	var v dag.RetryRequested
	if errors.As(err, &v) {
		return v, true
	}
	var p *dag.RetryRequested
	if errors.As(err, &p) {
		return *p, true
	}
	return v, false
}

// again decides whether a task that failed is computed once more, and records that. It is for what user code said: of the op, or of an IO manager.
func (w *worker) again(t *task, err *StepError, began time.Time) bool {
	r := w.run
	if r.asked.retries == RetryDisabled || t.step == nil || r.ctx.Err() != nil || began.IsZero() && !err.manager {
		return false
	}
	limit, wait := r.retries(t.step, err, t.tries)
	if t.tries >= limit {
		return false
	}
	t.tries, t.wait = t.tries+1, wait
	o := newObject(nil)
	o.str("error", err.Err.Error())
	o.str("where", err.Where)
	o.opt("stack", err.Stack)
	details(&o, err.Err)
	o.num("retry_number", int64(t.tries))
	o.num("max_retries", int64(limit))
	o.seconds("seconds_to_wait", wait.Seconds())
	o.seconds("seconds", t.elapsed.Seconds())
	message := fmt.Sprintf("%v; retry %d of %d", err.Err, t.tries, limit)
	if wait > 0 {
		message += " in " + wait.Round(time.Millisecond).String()
	}
	e := r.log.event(storage.EventStepUpForRetry, t.step.Key, message, o.end())
	e.Level = "WARN"
	r.log.add(e)
	r.show.retrying(t.step.Key, message, t.elapsed, !began.IsZero())
	return true
}
