package execute

import (
	"errors"

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
