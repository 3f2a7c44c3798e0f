package dag

import (
	"context"
	"io"
	"log/slog"
)

// A Scope is what the engine gives a step: where its log lines, metadata and files go. It travels in the context.
// Executors make one; user code goes through [Log], [AddOutputMetadata], [Expect], [WriteFile] and
// what tells it where it runs, such as [RunID].
type Scope struct {
	Info StepInfo
	Log  *slog.Logger
	// AddMetadata records entries for an output; an empty output name means the only one.
	AddMetadata func(output string, entries []MetadataEntry) error
	// SetDataVersion says which data an output is; an empty output name means the only one. The version is not empty.
	SetDataVersion func(output string, v DataVersion) error
	// NewFile stores what write produces as a file of this step.
	NewFile func(name string, write func(io.Writer) error) (File, error)
	// Expect records an expectation.
	Expect func(Expectation)
	// LogAsset records what a body says of an asset.
	LogAsset func(LoggedAsset)
	// Selected are the names of the outputs that are asked for; nil for all.
	Selected []string

	Op  *Op     // that runs
	Job *JobDef // nil for assets
}

// StepInfo tells a body which run and step it is part of. It is not in the version of the step, so a memoized op must
// not let it reach its outputs.
type StepInfo struct {
	RunID   string
	JobKey  string // empty for assets
	StepKey string
	// RetryNumber counts the tries before this one.
	RetryNumber int
	MappingKeys []string          // of the loops that the step stands in, the outermost first
	Tags        map[string]string // of the op and of the calls that lead to it
	Partition   *Partition        // of a step of a partitioned asset; it is in the version
	Run         *RunInfo          // nil where no more is known than RunID and JobKey
}

type scopeKey struct{}

// WithScope returns a context in which the helpers of this package act for s. It is for executors.
func WithScope(ctx context.Context, s *Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

func scopeOf(ctx context.Context) *Scope {
	s, _ := ctx.Value(scopeKey{}).(*Scope)
	return s
}

// Log returns the logger of the current step: its lines go to the event log of the run and to the console. Outside a run it is
// slog.Default().
func Log(ctx context.Context) *slog.Logger {
	if s := scopeOf(ctx); s != nil && s.Log != nil {
		return s.Log
	}
	return slog.Default()
}

// StepInfoFrom returns the run and step that ctx belongs to; ok is false outside a run.
func StepInfoFrom(ctx context.Context) (info StepInfo, ok bool) {
	if s := scopeOf(ctx); s != nil {
		return s.Info, true
	}
	return StepInfo{}, false
}
