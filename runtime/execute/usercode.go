package execute

import (
	"cmp"
	"errors"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// As makes a [dag.UserCodeError] of a step's error, for errors.As.
func (e *StepError) As(target any) bool {
	u, ok := target.(**dag.UserCodeError)
	if !ok {
		return false
	}
	var inner *dag.UserCodeError // of a resource, which knows more
	if errors.As(e.Err, &inner) {
		*u = inner
	} else {
		*u = &dag.UserCodeError{Where: e.Where, Name: e.Step, Err: e.Err, Stack: e.Stack}
	}
	return true
}

// As makes a [dag.UserCodeError] of a resource's error, for errors.As.
func (e *ResourceError) As(target any) bool {
	u, ok := target.(**dag.UserCodeError)
	if ok {
		*u = &dag.UserCodeError{Where: WhereResource, Name: e.Resource, Err: e.Err, Stack: e.Stack}
	}
	return ok
}

// permanent reports whether no retry can change an error.
func permanent(err error) bool {
	f, _ := dag.FailureOf(err)
	var left *LeftBehindError
	return f.NoRetry || dag.IsPermanent(err) || errors.Is(err, errGoexit) || errors.As(err, &left)
}

// A wireError is an error of user code as it travels from a child process to its parent: all that the engine asks of it.
type wireError struct {
	Text      string              `json:"text"`
	Stack     string              `json:"stack,omitempty"` // of a panic
	Panic     bool                `json:"panic,omitempty"`
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
	w := wireError{Text: err.Error(), Stack: stack, Permanent: permanent(err)}
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
	if w.Panic {
		e.is = append(e.is, &PanicError{Value: w.Text})
	}
	if w.Requested {
		e.is = append(e.is, dag.RetryRequested{MaxRetries: w.Retries, Wait: w.Wait})
	}
	if w.Failure {
		e.is = append(e.is, dag.Failure{Description: w.Details, Metadata: w.Metadata})
	}
	if w.Permanent {
		return dag.Permanent(e), w.Stack
	}
	return e, w.Stack
}
