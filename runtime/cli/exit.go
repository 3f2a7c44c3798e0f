package cli

import (
	"context"
	"errors"

	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// The exit codes, see docs/cli.md.
const (
	exitFailure = 1
	exitUsage   = 2
	exitBusy    = 3
	exitTooNew  = 4
	exitStore   = 74
	exitStopped = 130
)

// exitCodes says what the errors mean that a command can end with before there is a run. It is read from the top.
var exitCodes = []struct {
	is   func(error) bool
	code int
}{
	{as[*usageError], exitUsage},
	{as[*outputError], exitStore},
	{as[*damageError], exitFailure},
	{as[*execute.StepError], exitFailure}, // a source that a plan could not observe: what it failed with is not the store's failure
	{as[*instance.ConfigError], exitUsage},
	{is(instance.ErrNoHome), exitUsage},
	{is(instance.ErrBusy), exitBusy},
	{is(storage.ErrTooNew), exitTooNew},
	{storage.IsUnavailable, exitStore},
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// codeOf is the exit code that err stands for.
func codeOf(err error) int {
	// A run is judged by itself: an error of a step is user code's, and may be anything, such as an *exec.ExitError with a code of its own.
	var run *execute.RunError
	if errors.As(err, &run) {
		switch {
		case run.Status == storage.RunCanceled:
			return exitStopped
		case run.Reason != nil:
			return codeOf(run.Reason)
		}
		return exitFailure
	}
	for _, c := range exitCodes {
		if c.is(err) {
			return c.code
		}
	}
	return execute.ExitCode(nil, err)
}

// exitCode is the exit code of a command that ended with err.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	if mutant.Is(mutant.WrongExit) {
		return 0
	}
	code := codeOf(err)
	var by *interrupted
	if code == exitStopped && errors.As(context.Cause(ctx), &by) {
		return by.ExitCode()
	}
	return code
}
