package execute

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// An errorRef is what a process must know of an error of its child, besides the text. The zero value is an error that says no more than its text.
type errorRef struct {
	Panic    bool          `json:"panic,omitempty"`
	Goexit   bool          `json:"goexit,omitempty"`
	Canceled bool          `json:"canceled,omitempty"`
	Deadline bool          `json:"deadline,omitempty"`
	Late     time.Duration `json:"late,omitempty"`     // a step that took longer than this; the text is of what it returned, or empty
	Resource string        `json:"resource,omitempty"` // the text is that of its constructor

	Permanent bool          `json:"permanent,omitempty"` // no retry can change it
	Retry     bool          `json:"retry,omitempty"`     // it asks to be tried again
	Retries   int           `json:"retries,omitempty"`
	Wait      time.Duration `json:"wait,omitempty"`
}

// refOfError takes an error apart: its text, and the rest; nil for no rest.
func refOfError(err error) (text string, ref *errorRef) {
	var r errorRef
	var res *ResourceError
	if errors.As(err, &res) {
		r.Resource, err = res.Resource, res.Err
	}
	var late *TimeoutError
	if errors.As(err, &late) {
		if r.Late = late.Limit; late.Err == nil {
			return "", &r
		}
		err = late.Err
	}
	r.Goexit, r.Canceled, r.Deadline = errors.Is(err, errGoexit), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded)
	if asked, ok := requested(err); ok {
		r.Retry, r.Retries, r.Wait = true, asked.MaxRetries, asked.Wait
	}
	r.Permanent = dag.IsPermanent(err)
	var p *PanicError
	r.Panic = errors.As(err, &p)
	if r == (errorRef{}) {
		return err.Error(), nil
	}
	return err.Error(), &r
}

// error puts an error together again.
func (r *errorRef) error(text, stack string) error {
	var err error = &childError{text: text}
	if r == nil {
		return err
	}
	switch rest, panicked := strings.CutPrefix(text, "panic: "); {
	case r.Goexit:
		err = errGoexit
	case r.Panic && panicked:
		err = &PanicError{rest}
	default:
		err = &childError{text, *r}
	}
	if r.Retry {
		err = dag.RetryRequested{Err: err, MaxRetries: r.Retries, Wait: r.Wait}
	}
	if r.Permanent {
		err = dag.Permanent(err)
	}
	if r.Late > 0 {
		if text == "" {
			err = nil
		}
		err = &TimeoutError{r.Late, err}
	}
	if r.Resource != "" {
		err = &ResourceError{Resource: r.Resource, Err: err, Stack: stack}
	}
	return err
}

// A childError is an error that a child has said.
type childError struct {
	text string
	ref  errorRef
}

func (e *childError) Error() string { return e.text }

// Is reports that a step was canceled in the child.
func (e *childError) Is(target error) bool {
	return e.ref.Canceled && target == context.Canceled || e.ref.Deadline && target == context.DeadlineExceeded
}
