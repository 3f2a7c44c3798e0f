package execute

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"sync"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// A RetryMode says who tries a step again that failed and may be tried again (Dagster's RetryMode).
type RetryMode uint8

// The retry modes.
const (
	RetryEnabled  RetryMode = iota // the run waits and tries again
	RetryDisabled                  // nobody: a step fails the first time
	RetryDeferred                  // the executor: it is told that a step may be tried again, and when
)

// String returns the mode as Dagster names it.
func (m RetryMode) String() string { return [...]string{"enabled", "disabled", "deferred"}[m] }

// An Executor decides where, when and how many at a time the steps of a run are computed (Dagster's Executor). What is ready, reused, stored and recorded is decided and
// done by the run.
type Executor interface {
	// Execute takes steps from steps and has them computed by workers of it, until it hands out no more. It returns when all that it took is finished. An error, and a return
	// before the steps are, fails the run. ctx is that of the run: when it ends, no more steps are handed out, and running ones see it.
	Execute(ctx context.Context, steps *Steps) error
	// Retries says who tries a step again: what [InitExecutorContext].Retries says, or RetryDeferred by an executor that does it itself.
	Retries() RetryMode
}

// An ExecutorDefinition is an executor that a run can choose by its name (Dagster's ExecutorDefinition).
type ExecutorDefinition struct {
	Name string // snake case; it stands in run config as execution: {config: {NAME: {...}}}
	// Config is what may stand there, see runconfig.ConfigOf. Nil for max_concurrent. Retries and tag_concurrency_limits may stand there in any case.
	Config *dag.Config
	// NeedsInstance refuses runs whose instance is in memory, or which have none, before anything runs. An executor that asks for workers in other processes sets it.
	NeedsInstance bool
	// New makes the executor of a run.
	New func(InitExecutorContext) (Executor, error)
}

// An InitExecutorContext is what an executor is made of (Dagster's InitExecutorContext).
type InitExecutorContext struct {
	Definition    *ExecutorDefinition
	Job           string // key; empty for assets
	RunID         string
	Instance      *instance.Instance // of the run; one of its own, in memory, where it is kept nowhere
	Config        any                // value of Definition.Config's type; nil where there is none
	MaxConcurrent int                // what run config or an option says; 0 where nothing is said
	Retries       RetryMode          // what run config says: enabled or disabled
}

var registered struct {
	sync.Mutex
	all []*ExecutorDefinition // sorted by name
}

var executorName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// RegisterExecutor makes an executor known to all runs of this program, by its name in run config, --executor and [WithExecutor]. It is called before the first run: in main
// before cli.Main, or in an init function; generated code has done it for an executor that a job names with executor=, and to register the same again changes nothing. It panics
// where the name is another executor's or is none, because that is a mistake in the program.
func RegisterExecutor(d ExecutorDefinition) {
	registered.Lock()
	defer registered.Unlock()
	at := slices.IndexFunc(registered.all, func(o *ExecutorDefinition) bool { return o.Name == d.Name })
	switch {
	case at >= 0 && d.New != nil && reflect.ValueOf(d.New).Pointer() == reflect.ValueOf(registered.all[at].New).Pointer():
		return
	case !executorName.MatchString(d.Name) || d.Name == "config":
		panic(fmt.Sprintf("an executor cannot be named %q: write a name in snake case", d.Name))
	case at >= 0 || slices.Contains(builtin, d.Name):
		panic(fmt.Sprintf("there are two executors %q", d.Name))
	case d.New == nil:
		panic(fmt.Sprintf("the executor %q has no New", d.Name))
	}
	registered.all = append(registered.all, &d)
	slices.SortFunc(registered.all, func(a, b *ExecutorDefinition) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// Registered registers the executor, see [RegisterExecutor], and returns its name. Generated code calls it for a job with executor=VARIABLE.
func (d ExecutorDefinition) Registered() string {
	RegisterExecutor(d)
	return d.Name
}

// builtin are the executors that are always there.
var builtin = []string{InProcessExecutor, MultiExecutor, MultiprocessExecutor}

// Executors returns the names of the executors that a run may choose, the ones that are always there first.
func Executors() []string {
	names := slices.Clone(builtin)
	for _, d := range definitions() {
		names = append(names, d.Name)
	}
	return names
}

func definitions() []*ExecutorDefinition {
	registered.Lock()
	defer registered.Unlock()
	return slices.Clone(registered.all)
}

// definitionOf returns the definition of a registered executor; nil for one that is always there.
func definitionOf(name string) *ExecutorDefinition {
	for _, d := range definitions() {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// executorSchemas are what run config may say of each executor.
func executorSchemas() []runconfig.ExecutorSchema {
	all := []runconfig.ExecutorSchema{{Name: InProcessExecutor, Single: true}, {Name: MultiExecutor}, {Name: MultiprocessExecutor}}
	for _, d := range definitions() {
		all = append(all, runconfig.ExecutorSchema{Name: d.Name, Config: d.Config})
	}
	return all
}

// An ExecutorError says that an executor of the user's failed, or ended before the steps did.
type ExecutorError struct {
	Name string // of the executor
	Err  error
}

// Error names the executor.
func (e *ExecutorError) Error() string { return fmt.Sprintf("executor %s: %v", e.Name, e.Err) }

// Unwrap returns what it said.
func (e *ExecutorError) Unwrap() error { return e.Err }

// custom is a registered executor of a run.
type custom struct {
	def *ExecutorDefinition
	ex  Executor
}

// newCustom makes the executor of a run.
func (r *run) newCustom(d *ExecutorDefinition) (*custom, error) {
	c := InitExecutorContext{
		Definition: d, Job: r.name(), RunID: r.id, Instance: r.inst, Config: r.asked.executorConfig,
		MaxConcurrent: r.asked.concurrent, Retries: r.asked.retries,
	}
	var ex Executor
	err, _ := guard(func() (err error) { ex, err = d.New(c); return err })
	if err == nil && ex == nil {
		err = errors.New("New returned none")
	}
	if err != nil {
		return nil, &ExecutorError{d.Name, err}
	}
	r.asked.retries = ex.Retries()
	return &custom{d, ex}, nil
}

func (c *custom) execute(e *engine, work func(w *worker, v plan.Vertex)) {
	r := e.run
	s := &Steps{engine: e, work: work}
	err, _ := guard(func() error { return c.ex.Execute(r.ctx, s) })
	left := e.left()
	switch {
	case r.ctx.Err() != nil: // it may return what that is
	case err != nil:
		r.stop(&ExecutorError{c.def.Name, err})
	case left:
		r.stop(&ExecutorError{c.def.Name, errors.New("it returned before all steps were finished: take steps until Next hands out none, and run each of them to its end")})
	}
	e.halt()
	s.running.Wait()
	s.close()
	e.forsake()
}

// left reports whether there is something that could still run.
func (e *engine) left() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.stopped && (e.running > 0 || len(e.ready.all) > 0 || len(e.sleeping) > 0)
}

// forsake takes back what was handed out and nobody ran.
func (e *engine) forsake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.tasks.Len() {
		if t := e.tasks.At(i); t.state == taskRunning {
			t.state = taskWaiting
		}
	}
	for i := range e.values.Len() {
		if t := e.values.At(i).decides; t != nil && t.state == taskRunning {
			t.state = taskWaiting
		}
	}
	e.running = 0
}
