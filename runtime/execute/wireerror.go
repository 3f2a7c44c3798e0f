package execute

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A wireError is an error of user code as it travels from a child process to its parent: all that the engine asks of it.
type wireError struct {
	Text      string              `json:"text"`
	Stack     string              `json:"stack,omitempty"` // of a panic
	Panic     bool                `json:"panic,omitempty"`
	Goexit    bool                `json:"goexit,omitempty"`
	Canceled  bool                `json:"canceled,omitempty"`
	Deadline  bool                `json:"deadline,omitempty"`
	Late      time.Duration       `json:"late,omitempty"`     // a step that took longer than this; the text is that of what it returned, or empty
	Resource  string              `json:"resource,omitempty"` // the text is that of its constructor
	Manager   bool                `json:"manager,omitempty"`  // an IO manager of the user's said so
	Permanent bool                `json:"permanent,omitempty"`
	Requested bool                `json:"requested,omitempty"` // a retry, with:
	Retries   int                 `json:"retries,omitempty"`
	Wait      time.Duration       `json:"wait,omitempty"`
	Failure   bool                `json:"failure,omitempty"` // it has a dag.Failure, with:
	Details   string              `json:"details,omitempty"`
	Metadata  []dag.MetadataEntry `json:"metadata,omitempty"`
}

// toWire takes an error apart.
func toWire(err error, stack string) wireError {
	w := wireError{Stack: stack}
	var manager *userError
	w.Manager = errors.As(err, &manager)
	if step, ok := err.(*StepError); ok { // whoever reads it knows the step
		w.Manager, err = w.Manager || step.manager, step.Err
	}
	var res *ResourceError
	if errors.As(err, &res) {
		w.Resource, w.Stack, err = res.Resource, cmp.Or(w.Stack, res.Stack), res.Err
	}
	var late *TimeoutError
	if errors.As(err, &late) {
		if w.Late = late.Limit; late.Err == nil {
			return w
		}
		err = late.Err
	}
	w.Text, w.Permanent = err.Error(), permanent(err)
	w.Goexit, w.Canceled, w.Deadline = errors.Is(err, errGoexit), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded)
	var p *PanicError
	w.Panic = errors.As(err, &p)
	if asked, ok := requested(err); ok {
		w.Requested, w.Retries, w.Wait = true, asked.MaxRetries, asked.Wait
	}
	if f, ok := dag.FailureOf(err); ok {
		w.Failure, w.Details, w.Metadata = true, f.Description, f.Metadata
	}
	return w
}

// A remoteError is an error that came out of another process: its text, and what the engine asks of errors.
type remoteError struct {
	text string
	is   []error
}

func (e *remoteError) Error() string   { return e.text }
func (e *remoteError) Unwrap() []error { return e.is }

// fromWire puts an error together again: its text, its stack, and what the engine asks of it. Other types are lost on the way.
func (w *wireError) fromWire() (err error, stack string) {
	e := &remoteError{text: cmp.Or(w.Text, "failed")}
	err = e
	add := func(is bool, kind error) {
		if is {
			e.is = append(e.is, kind)
		}
	}
	add(w.Panic, &PanicError{Value: strings.TrimPrefix(w.Text, "panic: ")})
	add(w.Goexit, errGoexit)
	add(w.Canceled, context.Canceled)
	add(w.Deadline, context.DeadlineExceeded)
	add(w.Requested, dag.RetryRequested{MaxRetries: w.Retries, Wait: w.Wait})
	add(w.Failure, dag.Failure{Description: w.Details, Metadata: w.Metadata})
	if w.Permanent {
		err = dag.Permanent(err)
	}
	if w.Late > 0 {
		if w.Text == "" {
			err = nil
		}
		err = &TimeoutError{w.Late, err}
	}
	if w.Resource != "" {
		err = &ResourceError{Resource: w.Resource, Err: err, Stack: w.Stack}
	}
	return err, w.Stack
}
