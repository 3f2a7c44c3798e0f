package execute

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// DefaultGrace is how long a function may go on after its context has ended, where Options.Grace says nothing.
const DefaultGrace = 10 * time.Second

// A TimeoutError says that a step took longer than timeout= allows. errors.Is finds context.DeadlineExceeded in it.
type TimeoutError struct {
	Limit time.Duration
	Err   error // what the function returned when its context had ended; nil for nothing, a [*LeftBehindError] if it did not return
}

// Error says what the limit was, and what the function made of it where that is more than the end of its context.
func (e *TimeoutError) Error() string {
	text := fmt.Sprintf("timed out after %s", e.Limit)
	if e.Err == nil || errors.Is(e.Err, context.DeadlineExceeded) {
		return text
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns context.DeadlineExceeded, and what the function returned.
func (e *TimeoutError) Unwrap() []error {
	if e.Err == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{context.DeadlineExceeded, e.Err}
}

// A LeftBehindError says that a function went on after its context had ended, for longer than it was given. Nobody waits for it any more; no code can
// end a goroutine that does not listen, so it goes on by itself. Such a step is not tried again: two of it would run.
type LeftBehindError struct {
	Grace time.Duration
	Cause error // why it was to stop, of a canceled run; nil for a timeout
}

// Error says how long it was waited for.
func (e *LeftBehindError) Error() string {
	return unheeded(e.Grace, "was left behind", e.Cause)
}

// unheeded is the text about a function that went on after its context had ended.
func unheeded(grace time.Duration, fate string, canceled error) string {
	text := fmt.Sprintf("it did not stop within %s and %s; let it watch its context", grace, fate)
	if canceled != nil {
		text = "the run was canceled: " + text
	}
	return text
}

// Unwrap returns why the run was canceled.
func (e *LeftBehindError) Unwrap() error { return e.Cause }

// timeout is how long a step may take, once: what its call says, its op, or the calls of the graphs around it from the inside out. 0 is for ever.
func timeout(s *plan.Step) time.Duration {
	for i, call := range s.Calls {
		if call.Timeout > 0 {
			return call.Timeout
		}
		if i == 0 && s.Op.Timeout > 0 {
			return s.Op.Timeout
		}
	}
	return s.Op.Timeout
}

// invoke calls the function of a step, for as long as it may take. A context that ends asks it to stop; it is waited for, but not for ever.
func (w *worker) invoke(ctx context.Context, s *plan.Step, sc *scope, call *dag.Call) (failed *StepError) {
	r := w.run
	limit := timeout(s)
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	if w.remote != nil {
		failed = w.remote.invoke(ctx, s, sc, call, limit)
	} else if err, stack := w.bounded(ctx, r.grace(), func() error {
		return invokeOp(ctx, s.Op, call, sc.note)
	}); err != nil {
		failed = &StepError{Step: s.Key, Where: whereOf(err), Err: err, Stack: stack}
	}
	if limit > 0 && r.ctx.Err() == nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		late := &StepError{Step: s.Key, Where: WhereOp, Err: &TimeoutError{Limit: limit}}
		if failed != nil {
			if _, said := failed.Err.(*TimeoutError); said { // by the process that it ran in
				return failed
			}
			late.Err, late.Stack = &TimeoutError{limit, failed.Err}, failed.Stack
		}
		return late
	}
	return failed
}

func (r *run) grace() time.Duration {
	if r.opts.Grace > 0 {
		return r.opts.Grace
	}
	return DefaultGrace
}

// A reply is what a call of user code gave.
type reply struct {
	err   error
	stack string
}

// bounded calls user code in a goroutine of its own, which is left behind where it does not return within grace after ctx has ended.
func (w *worker) bounded(ctx context.Context, grace time.Duration, call func() error) (err error, stack string) {
	if w.done == nil {
		w.done = make(chan reply, 1)
	}
	done := w.done
	go func() {
		e := reply{err: errGoexit} // what stays where the code ends this goroutine
		defer func() { done <- e }()
		e.err, e.stack = guard(call)
	}()
	select {
	case e := <-done:
		return e.err, e.stack
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case e := <-done:
		return e.err, e.stack
	case <-timer.C:
	}
	w.done = nil // it belongs to the one that is left behind
	return &LeftBehindError{Grace: grace, Cause: context.Cause(w.run.ctx)}, ""
}
