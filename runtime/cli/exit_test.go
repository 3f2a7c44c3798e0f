package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestExitCodes(t *testing.T) {
	path := &os.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}
	canceled := &execute.RunError{Status: storage.RunCanceled}
	for _, c := range []struct {
		name string
		err  error
		code int
	}{
		{"nothing", nil, 0},
		{"usage", &usageError{err: path}, 2},
		{"run config", runconfig.Problems{{Message: "x"}}, 2},
		{"selection", &plan.Error{}, 2},
		{"no home", fmt.Errorf("%w: here", instance.ErrNoHome), 2},
		{"bad dagstergen.yaml", &instance.ConfigError{}, 2},
		{"stale", &plan.StaleError{}, 5},
		{"step", &execute.RunError{Status: storage.RunFailure, Steps: []*execute.StepError{{Err: path}}}, 1},
		{"step with a code of its own", &execute.RunError{Status: storage.RunFailure, Steps: []*execute.StepError{{Err: &execute.BusyError{}}}}, 1},
		{"store in a run", &execute.RunError{Status: storage.RunFailure, Reason: &execute.StoreError{Err: storage.ErrFull}}, 74},
		{"source of a plan", errors.Join(&execute.StepError{Err: path}), 1},
		{"busy step", &execute.BusyError{}, 3},
		{"busy", fmt.Errorf("lock: %w", instance.ErrBusy), 3},
		{"too new", fmt.Errorf("open: %w", storage.ErrTooNew), 4},
		{"store of a run", &execute.StoreError{Err: storage.ErrFull}, 74},
		{"corrupt", fmt.Errorf("open: %w", storage.ErrCorrupt), 74},
		{"read only", fmt.Errorf("open: %w", storage.ErrReadOnly), 74},
		{"full", fmt.Errorf("open: %w", storage.ErrFull), 74},
		{"output", &outputError{syscall.ENOSPC}, 74},
		{"canceled", canceled, 130},
		{"canceled early", context.Canceled, 130},
		{"anything else", errors.New("x"), 1},
	} {
		assert.Equal(t, c.code, exitCode(t.Context(), c.err), c.name)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(&interrupted{syscall.SIGTERM})
	assert.Equal(t, 143, exitCode(ctx, canceled))
	assert.Equal(t, 143, exitCode(ctx, context.Canceled))
	assert.Equal(t, 1, exitCode(ctx, &execute.RunError{Status: storage.RunFailure}), "it failed before it could be canceled")
}
