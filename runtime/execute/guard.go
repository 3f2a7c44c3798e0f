package execute

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
)

// errGoexit is what a step fails with that ended its goroutine, as t.FailNow of package testing does.
var errGoexit = errors.New("the function ended its goroutine (runtime.Goexit) instead of returning")

// guard calls user code. A panic becomes an error with the stack of the user's frames.
func guard(call func() error) (err error, stack string) {
	defer func() {
		if v := recover(); v != nil {
			err, stack = &PanicError{v}, userStack()
		}
	}()
	return call(), ""
}

// ours are the packages whose frames say nothing to a user.
const ours = "github.com/dagstergen/dagstergen/runtime/"

// userStack lists the frames between a panic and the engine, without generated code and without us. It is called by the deferred
// function that recovered.
func userStack() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var b strings.Builder
	user := false
	for {
		f, more := frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			// the machinery of the panic above, and of goroutines below
		case strings.HasPrefix(f.Function, ours+"execute.guard"), user && strings.HasPrefix(f.Function, ours+"execute."):
			return b.String()
		case path.Base(f.File) == "dag_gen.go", strings.HasPrefix(f.Function, ours+"dag."):
		default:
			user = true
			fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}

// A userError is an error of user code that is not a step's own, with the stack of its panic.
type userError struct {
	error
	stack string
}

func (e *userError) Unwrap() error { return e.error }

// stackOf returns the stack that an error of user code carries.
func stackOf(err error) string {
	var r *ResourceError
	if errors.As(err, &r) {
		return r.Stack
	}
	var u *userError
	if errors.As(err, &u) {
		return u.stack
	}
	return ""
}

// placed says for which input or output of a step something failed.
func placed(step, where, what string, err error) *StepError {
	stack := stackOf(err)
	if u, ok := err.(*userError); ok {
		err = u.error
	}
	return &StepError{Step: step, Where: where, Err: fmt.Errorf("%s: %w", what, err), Stack: stack}
}
