package execute

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// The places that an error of user code can come from.
const (
	WhereOp       = "op"
	WhereSource   = "source"
	WhereResource = "resource"
	WhereStore    = "handle output" // an IO manager, or the codec, on the way in
	WhereLoad     = "load input"    // an IO manager, or the codec, on the way out; or what the body makes of a value
	WhereCheck    = "check"         // a blocking check that did not pass
	WhereBody     = "body"          // what a loop goes over, a mapping key, or the condition of a branch
)

// A StepError is why a step failed.
type StepError struct {
	Step  string // key
	Where string // one of the Where constants
	Err   error  // of the user's code; for a panic an error with its value
	Stack string // the user's frames, outermost last; of a panic only

	Retries int // how often it had been computed again before

	manager bool // an IO manager said so
}

// Error returns "step fetch: connection refused", and how often it was tried where that is more than once.
func (e *StepError) Error() string {
	text := fmt.Sprintf("step %s: %v", e.Step, e.Err)
	if e.Where == WhereStore || e.Where == WhereLoad {
		text = fmt.Sprintf("step %s: %s: %v", e.Step, e.Where, e.Err)
	}
	if e.Retries > 0 {
		text += fmt.Sprintf(" (tried %d times)", e.Retries+1)
	}
	return text
}

// Unwrap returns the error of the user's code.
func (e *StepError) Unwrap() error { return e.Err }

// A ResourceError is why a resource could not be built.
type ResourceError struct {
	Resource string // key
	Err      error  // of its constructor
	Stack    string // the user's frames; of a panic only
}

// Error returns "resource db: connection refused".
func (e *ResourceError) Error() string { return fmt.Sprintf("resource %s: %v", e.Resource, e.Err) }

// Unwrap returns the error of the constructor.
func (e *ResourceError) Unwrap() error { return e.Err }

// A PanicError is the value that user code panicked with.
type PanicError struct{ Value any }

// Error returns "panic: " and the value.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A RunError is why a run did not succeed.
type RunError struct {
	RunID  string
	Status storage.RunStatus
	Cause  string       // "" where the steps say it
	Reason error        // of a run that failed or was canceled as a whole; nil where the steps say it
	Steps  []*StepError // in plan order
}

// Error names the run and each failed step.
func (e *RunError) Error() string {
	var b strings.Builder
	switch {
	case e.Status == storage.RunCanceled:
		fmt.Fprintf(&b, "run %s was canceled", e.RunID)
	default:
		fmt.Fprintf(&b, "run %s failed", e.RunID)
	}
	if e.Cause != "" {
		b.WriteString(": " + e.Cause)
	}
	for i, s := range e.Steps {
		if i == 10 {
			fmt.Fprintf(&b, "\nand %d more", len(e.Steps)-i)
			break
		}
		b.WriteString("\n" + s.Error())
	}
	return b.String()
}

// Unwrap returns the errors of the steps, and context.Canceled for a canceled run.
func (e *RunError) Unwrap() []error {
	var errs []error
	if e.Status == storage.RunCanceled {
		errs = append(errs, context.Canceled)
	}
	if e.Reason != nil {
		errs = append(errs, e.Reason)
	}
	for _, s := range e.Steps {
		errs = append(errs, s)
	}
	return errs
}

// ErrNothingToRun is what [Run] returns where everything is up to date and [Options.OnlyNeeded] is set. Nothing was stored.
var ErrNothingToRun = errors.New("nothing to run, all is up to date")

// A BusyError says that another run is computing a step and that this one was told not to wait.
type BusyError struct{ Step string }

// Error names the step and the flag.
func (e *BusyError) Error() string {
	return fmt.Sprintf("step %s is being computed by another run; leave --no-wait out to wait for it", e.Step)
}

// ExitCode returns 3: busy.
func (e *BusyError) ExitCode() int { return 3 }

// A StoreError says that the instance could not be read or written. What was not reported done may be lost.
type StoreError struct{ Err error }

// Error says what failed.
func (e *StoreError) Error() string { return "the store failed: " + e.Err.Error() }

// Unwrap returns the error of the store.
func (e *StoreError) Unwrap() error { return e.Err }

// ExitCode returns 74, or 4 for a store that is newer than this program.
func (e *StoreError) ExitCode() int {
	if errors.Is(e.Err, storage.ErrTooNew) {
		return 4
	}
	return 74
}

// ExitCode is the exit code of a command that ended with res and err: 0 success, 1 a step failed, 2 usage or config, 3 busy, 4 the store is too
// new, 5 stale generated code, 74 the store cannot be read or written, 130 canceled. Either argument may be nil.
func ExitCode(res *Result, err error) int {
	if err == nil && res != nil {
		err = res.Err()
	}
	var run *RunError
	if errors.As(err, &run) {
		if run.Status == storage.RunCanceled {
			return 130
		}
		if err = run.Reason; err == nil {
			return 1
		}
	}
	// By type and not by the method alone: a user's error, such as that of a child process, may have an ExitCode too.
	var (
		usage  *plan.Error
		config runconfig.Problems
		stale  *plan.StaleError
		busy   *BusyError
		store  *StoreError
		step   *StepError
		home   *instance.ConfigError
		path   *fs.PathError
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &store):
		return store.ExitCode()
	case errors.As(err, &step):
		return 1
	case errors.As(err, &usage):
		return usage.ExitCode()
	case errors.As(err, &config), errors.As(err, &home), errors.Is(err, instance.ErrNoHome):
		return 2
	case errors.As(err, &stale):
		return stale.ExitCode()
	case errors.As(err, &busy):
		return busy.ExitCode()
	case errors.Is(err, storage.ErrTooNew):
		return 4
	case storage.IsUnavailable(err), errors.As(err, &path):
		return 74
	case errors.Is(err, context.Canceled):
		return 130
	}
	return 1
}
