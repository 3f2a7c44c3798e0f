package execute

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// The names of the executors.
const (
	InProcessExecutor    = "in_process"   // one step at a time, in plan order
	MultiExecutor        = "multi"        // steps side by side; the default
	MultiprocessExecutor = "multiprocess" // steps side by side, each in a process that computes one at a time
)

// Options say how to plan and run. The zero Options plan and run everything in memory, and persist nothing.
type Options struct {
	Instance *instance.Instance  // where runs, events, records and outputs are kept; nil keeps them in memory
	Config   *runconfig.Document // run config; nil for none
	Select   string              // a selection, see docs/runs.md; empty for everything
	Tags     map[string]string   // of the run; they win over those of the job
	RunID    string              // empty for a new one
	Executor string              // name of one; empty for what run config or the job says

	MaxConcurrent int  // steps at once; 0 for what run config says, else the number of processors
	NoMemo        bool // run everything, whatever is stored
	NoWait        bool // fail with a [*BusyError] instead of waiting for another process that computes the same step

	// Grace is how long a step may go on after a timeout or the end of the run's context before nobody waits for it any more; 0 for [DefaultGrace].
	Grace time.Duration

	// Resources are values in place of resources, by key: for tests. What depends on one has no known version, so it always runs and is
	// not recorded.
	Resources map[string]any
	// Inputs are values for parameters of the job, by name. One that run config gives too is an error.
	Inputs map[string]any

	Getenv  func(string) (string, bool) // for env: values of run config; nil for os.LookupEnv
	Observe func(Progress)              // told what happens as it happens, one call at a time; must not block for long
	Console slog.Handler                // where log lines of steps go besides the event log; nil for nowhere. Run config may choose others
	// LogOutput is where loggers that run config chooses write lines that go to no file; nil for os.Stderr.
	LogOutput io.Writer
	// Prints gives what the process prints while the run goes on to take: 1 is stdout, 2 is stderr; one call at a time. stop ends that. It is kept with the run. Nil where
	// nobody can tell; cli.Main can.
	Prints func(take func(stream int, text []byte)) (stop func())

	Parent string // id of the run of Instance that this one does again, see [Rerun]; empty for none
	Again  string // a selection of steps that run whatever is stored; empty for none

	// OnlyNeeded makes no run where there is nothing to do or to remember: [Run] returns [ErrNothingToRun] then.
	OnlyNeeded bool

	launched bool // the run is stored and waits for this process, which has its lock

	status bool // all that the selection is made from is planned, and a source that cannot be observed is no error; see [Status]

	fallback string // the executor where nobody chooses one; empty for multi
}

// A ProgressKind says what happened.
type ProgressKind uint8

// The kinds of [Progress].
const (
	ProgressPlanned  ProgressKind = iota // the plan is made: Total is known, Reused counts what it reuses
	ProgressStarted                      // a step starts
	ProgressFinished                     // a step is done and durable
	ProgressReused                       // a step that might have run is reused
	ProgressFailed                       // a step failed
	ProgressSkipped                      // a step is skipped because something above it failed
	ProgressWarning                      // something that a person should see: a damaged blob, a step that leaves no record
	ProgressGrown                        // it is known what a loop or branch is: Total has changed
	ProgressRetrying                     // a step failed and will be computed again: Message says why and when
)

// Progress is one thing that happened in a run.
type Progress struct {
	Kind    ProgressKind
	Step    string        // key; empty where it is about the run
	Message string        // of warnings and skips
	Err     error         // of failures
	Elapsed time.Duration // of a finished or failed step

	Total   int // steps of the run
	Running int // now
	Ran     int // finished
	Reused  int
	Failed  int
	Skipped int
}

// Done is the number of steps that are settled.
func (p Progress) Done() int { return p.Ran + p.Reused + p.Failed + p.Skipped }

func runID(given string) (string, error) {
	if given == "" {
		id, err := uuid.NewV7()
		return id.String(), err
	}
	id, err := uuid.Parse(given)
	if err != nil || id.String() != strings.ToLower(given) {
		return "", badOption("run id %q is not a UUID such as %s", given, uuid.Nil)
	}
	return id.String(), nil
}

func badOption(format string, args ...any) error {
	return &plan.Error{Problems: []plan.Problem{{Code: "bad_option", Message: fmt.Sprintf(format, args...)}}}
}
