package execute

import "github.com/dagstergen/dagstergen/runtime/runconfig"

// A RetryMode says who tries a step again that failed and may be tried again (Dagster's RetryMode).
type RetryMode uint8

// The retry modes.
const (
	RetryEnabled  RetryMode = iota // the run waits and tries again
	RetryDisabled                  // nobody: a step fails the first time
	RetryDeferred                  // who asked for the step: it is told that it may be tried again, and when
)

// String returns the mode as Dagster names it.
func (m RetryMode) String() string { return [...]string{"enabled", "disabled", "deferred"}[m] }

// Executors returns the names of the executors that a run may choose, the ones that are always there first.
func Executors() []string {
	return []string{InProcessExecutor, MultiExecutor, MultiprocessExecutor}
}

// executorSchemas are what run config may say of each executor.
func executorSchemas() []runconfig.ExecutorSchema {
	return []runconfig.ExecutorSchema{{Name: InProcessExecutor, Single: true}, {Name: MultiExecutor}, {Name: MultiprocessExecutor}}
}
