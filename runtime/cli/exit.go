package cli

import (
	"context"
	"errors"

	"github.com/dagstergen/dagstergen/runtime/execute"
)

// exitCode is the exit code of a command that ended with err. What an error means is said in execute.ExitCode and by the errors
// themselves; only the signal that canceled a run is known here alone.
func exitCode(ctx context.Context, err error) int {
	code := execute.ExitCode(nil, err)
	var step *execute.StepError
	var run *execute.RunError
	if errors.As(err, &step) && !errors.As(err, &run) { // a source that a plan could not observe: what it failed with is not the store's failure
		code = 1
	}
	var by *interrupted
	if code == 130 && errors.As(context.Cause(ctx), &by) {
		return by.ExitCode()
	}
	return code
}
