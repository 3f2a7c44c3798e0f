package dag

import (
	"errors"
	"fmt"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// A Failure is an error that says more than its text (Dagster's Failure): what stands in Metadata is shown with the failed step and kept in its event.
//
//	return dag.Failure{Description: "too few rows", Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}}
//
// An error that wraps one counts, too.
type Failure struct {
	Description string
	Metadata    []MetadataEntry
	Err         error // what caused it; may be nil
	NoRetry     bool  // the step is not computed again, whatever its policy says, as with [Permanent]
}

// Error returns the description and the cause.
func (f Failure) Error() string {
	switch {
	case f.Err == nil && f.Description == "":
		return "failed"
	case f.Err == nil:
		return f.Description
	case f.Description == "":
		return f.Err.Error()
	}
	return fmt.Sprintf("%s: %v", f.Description, f.Err)
}

// Unwrap returns Err.
func (f Failure) Unwrap() error { return f.Err }

// FailureOf finds the Failure in an error. Secrets are masked in what it says.
func FailureOf(err error) (f Failure, ok bool) {
	var p *Failure
	switch {
	case errors.As(err, &f):
	case errors.As(err, &p):
		f = *p
	default:
		return f, false
	}
	f.Description, f.Metadata = mask.Hide(f.Description), MaskedMetadata(f.Metadata)
	return f, true
}

// A UserCodeError is an error of the user's code, by whom the engine called it: errors.As finds one in every error of a run that user code is
// the cause of. (Dagster's DagsterUserCodeExecutionError.)
type UserCodeError struct {
	Where string // "op", "source", "resource", "strategy", "handle output", "load input", "body", "hook" ...
	Name  string // of the step, the resource or what else it was called for
	Err   error  // what the code returned; of a panic an error with its value
	Stack string // of a panic: the user's frames, without those of the engine
}

// Error returns the text of Err.
func (e *UserCodeError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UserCodeError) Unwrap() error { return e.Err }
