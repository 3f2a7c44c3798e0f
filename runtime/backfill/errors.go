package backfill

import (
	"context"
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/instance"
)

// A Failure is a run that failed, or could not begin.
type Failure struct {
	Partitions string // of the run: a key, or ranges
	RunID      string // empty where it could not begin
	Err        error
}

// A FailedError says that a backfill has ended and partitions have failed.
type FailedError struct {
	ID         string
	Failed     int       // how many partitions
	Partitions string    // which, as ranges; not all where they are many
	Failures   []Failure // of this process, the first ones
}

// Error names the partitions and the first failures.
func (e *FailedError) Error() string {
	var b strings.Builder
	what := "partitions"
	if e.Failed == 1 {
		what = "partition"
	}
	fmt.Fprintf(&b, "backfill %s: %d %s failed: %s", e.ID, e.Failed, what, e.Partitions)
	for _, f := range e.Failures {
		b.WriteString("\n" + f.Partitions + ": " + f.Err.Error())
	}
	return b.String()
}

// A StoppedError says that a backfill was stopped before it was done.
type StoppedError struct {
	ID    string
	Left  int   // partitions
	Cause error // ErrCanceled where it was asked to stop; else why the context ended
}

// Error says how much is left.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("backfill %s: %v; %d partitions are left", e.ID, e.Cause, e.Left)
}

// Unwrap returns the cause, and context.Canceled.
func (e *StoppedError) Unwrap() []error { return []error{e.Cause, context.Canceled} }

// ErrCanceled is why the runs of a backfill stop that another process has canceled, see [instance.Instance.CancelBackfill].
var ErrCanceled = fmt.Errorf("the backfill was canceled")

// ErrBusy is [instance.ErrBusy]: a living process works on the backfill.
var ErrBusy = instance.ErrBusy
