package execute

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// An Option changes how [InProcess], [Materialize] and [MaterializeToMemory] run.
type Option func(*call)

// call is a run under preparation.
type call struct {
	Options
	returnFailure bool
	preset        string
	problems      []plan.Problem
}

// WithInstance keeps the run, its records and outputs in an instance, and reuses what is stored there. The caller closes it.
func WithInstance(i *instance.Instance) Option { return func(c *call) { c.Instance = i } }

// WithConfig sets the run config.
func WithConfig(d *runconfig.Document) Option { return func(c *call) { c.Config = d } }

// WithSelection runs only some assets, or steps of the job: keys with * and +, tags, groups, and, or, not; see docs/runs.md.
func WithSelection(s string) Option { return func(c *call) { c.Select = s } }

// WithPartition computes the partitioned assets for the partition with this key. It is the run's tag [plan.TagPartition].
func WithPartition(key string) Option { return WithPartitions(key) }

// WithPartitions computes the partitioned assets for the partitions of a selection, as --partition takes it: keys, ranges "2024-01-01...2024-01-31", "*" for all; several with commas or as
// several terms. What else takes part is said at [plan.Target.In].
func WithPartitions(terms ...string) Option {
	return WithTags(map[string]string{plan.TagPartition: strings.Join(terms, ",")})
}

// WithTags adds tags to the run.
func WithTags(tags map[string]string) Option {
	return func(c *call) {
		if c.Tags == nil {
			c.Tags = map[string]string{}
		}
		maps.Copy(c.Tags, tags)
	}
}

// WithRunID gives the run an id, a UUID. It must be new to the instance.
func WithRunID(id string) Option { return func(c *call) { c.RunID = id } }

// WithExecutor chooses the executor by name: one of [Executors].
func WithExecutor(name string) Option { return func(c *call) { c.Executor = name } }

// WithoutMemo runs every step, whatever is stored.
func WithoutMemo() Option { return func(c *call) { c.NoMemo = true } }

// WithResources puts values in place of resources, by key: fakes in a test. Steps that depend on one always run and are not recorded. Two
// values for one key are an error.
func WithResources(values map[string]any) Option {
	return func(c *call) {
		if c.Resources == nil {
			c.Resources = map[string]any{}
		}
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if _, twice := c.Resources[key]; twice {
				c.problems = append(c.problems, plan.Problem{Code: "duplicate_key", Message: fmt.Sprintf("two values are given for the resource %q", key)})
			}
			c.Resources[key] = values[key]
		}
	}
}

// WithLog sends log lines of steps to a handler, besides the event log.
func WithLog(h slog.Handler) Option { return func(c *call) { c.Console = h } }

// WithObserver is told what happens as it happens, one call at a time.
func WithObserver(tell func(Progress)) Option { return func(c *call) { c.Observe = tell } }

// WithGrace sets how long a step may go on after a timeout or the end of the context, see [Options].
func WithGrace(d time.Duration) Option { return func(c *call) { c.Grace = d } }

// ReturnFailure makes a failed run no error: the result says how it ended.
func ReturnFailure() Option { return func(c *call) { c.returnFailure = true } }

// A JobResult is how a run of a job ended, with the job's outputs under their Go types.
type JobResult[Out any] struct {
	*Result
	out Out
}

// Output returns what the job returns. It is the zero value unless the run succeeded with all steps selected.
func (r *JobResult[Out]) Output() Out { return r.out }

// InProcess runs a job in this process, one step at a time unless the job, run config or an option says otherwise, and returns its outputs with
// their Go types. The parameters of the job have the values of in; one that run config gives too is an error. Without [WithInstance] nothing is persisted. A run that does not succeed is an
// error of type [*RunError], see [ReturnFailure]; the result is there all the same.
//
// A graph runs as the job that it is without further options, a graph that was built in Go code with dag.Values for In.
func InProcess[In, Out any](ctx context.Context, what dag.Runnable[In, Out], in In, opts ...Option) (*JobResult[Out], error) {
	c, err := newCall(opts)
	if err != nil {
		return nil, err
	}
	job := what.Runnable()
	if job.Def == nil || job.Definitions == nil {
		return nil, badOption("the job or graph is the zero value: use what dagstergen generates, or what dag.GraphBuilder.Build returns without an error")
	}
	defs := *job.Definitions
	if !slices.Contains(defs.Jobs, job.Def) {
		defs = defs.With(job)
	}
	cat, err := plan.NewCatalog(defs)
	if err != nil {
		return nil, err
	}
	switch values, ok := any(in).(dag.Values); {
	case ok:
		c.Inputs = maps.Clone(values)
	case job.Inputs != nil:
		values := job.Inputs(in)
		c.Inputs = make(map[string]any, len(values))
		for i := range job.Def.Params {
			c.Inputs[job.Def.Params[i].Name] = values[i]
		}
	}
	c.fallback = InProcessExecutor
	res, err := c.run(ctx, cat, job.Def.Key)
	if res == nil {
		return nil, err
	}
	typed := &JobResult[Out]{Result: res}
	if err == nil && res.Success() && c.Select == "" && job.Outputs != nil {
		values, err := res.jobOutputs(context.WithoutCancel(ctx))
		if err != nil {
			return typed, err
		}
		typed.out = job.Outputs(values)
	}
	return typed, err
}

// Materialize computes assets, all or those of [WithSelection], and keeps them: in the instance of the working directory
// ($DAGSTERGEN_HOME, or .dagstergen beside go.mod) unless [WithInstance] names another. Errors are those of [InProcess].
func Materialize(ctx context.Context, defs dag.Definitions, opts ...Option) (res *Result, err error) {
	c, err := newCall(opts)
	if err != nil {
		return nil, err
	}
	cat, err := plan.NewCatalog(defs)
	if err != nil {
		return nil, err
	}
	if c.Instance != nil {
		return c.run(ctx, cat, "")
	}
	dir, err := instance.Find(".")
	if err != nil {
		return nil, err
	}
	inst, err := instance.Open(ctx, dir, instance.Options{})
	if err != nil {
		return nil, err
	}
	c.Instance = inst
	res, err = c.run(ctx, cat, "")
	if res == nil {
		return nil, errors.Join(err, inst.Close())
	}
	res.own(inst)
	return res, err
}

// MaterializeToMemory computes assets, all or those of [WithSelection], and persists nothing: the values live as long as the result.
// [WithInstance] is an error here. Errors are those of [InProcess].
func MaterializeToMemory(ctx context.Context, defs dag.Definitions, opts ...Option) (*Result, error) {
	c, err := newCall(opts)
	if err != nil {
		return nil, err
	}
	if c.Instance != nil {
		return nil, badOption("MaterializeToMemory persists nothing: leave WithInstance out, or call Materialize")
	}
	cat, err := plan.NewCatalog(defs)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, cat, "")
}

// Value returns the value of an asset after a run that had it, computed or reused, with its Go type.
func Value[T any](res *Result, a dag.AssetRef[T]) (T, error) {
	var zero T
	op, k, ok := res.run.target.Catalog.AssetOp(a.Key)
	if !ok || k < 0 {
		return zero, fmt.Errorf("no asset %q with a value", a.Key)
	}
	step := op.Key
	if op.Partitions != nil {
		keys := res.run.target.PartitionsOf(op)
		if len(keys) != 1 {
			return zero, fmt.Errorf("asset %q has %d partitions in this run; say which one's value with PartitionValue", a.Key, len(keys))
		}
		step = dag.PartitionStep(step, keys[0])
	}
	return readAs[T](res, step, op.Outputs[k].Name, fmt.Sprintf("asset %q", a.Key))
}

// PartitionValue is [Value] for one partition of an asset.
func PartitionValue[T any](res *Result, a dag.AssetRef[T], key dag.PartitionKey) (T, error) {
	var zero T
	op, k, ok := res.run.target.Catalog.AssetOp(a.Key)
	switch {
	case !ok || k < 0:
		return zero, fmt.Errorf("no asset %q with a value", a.Key)
	case op.Partitions == nil:
		return zero, fmt.Errorf("asset %q has no partitions; read it with Value", a.Key)
	}
	return readAs[T](res, dag.PartitionStep(op.Key, key), op.Outputs[k].Name, fmt.Sprintf("partition %q of asset %q", key, a.Key))
}

// StepValue returns an output of a step after a run that had it, computed or reused, with its Go type. References are written for each job:
// NightlySteps.Summarize, and NightlySteps.Fit.At("seattle") for one element of a loop. It is an error where the run has no such step, or where the step has no
// output because it failed or was skipped.
func StepValue[T any](res *Result, s dag.StepRef[T]) (T, error) {
	return readAs[T](res, s.Step, s.Output, fmt.Sprintf("the output of step %q", s.Step))
}

// readAs reads an output; what is how a message names it.
func readAs[T any](res *Result, step, output, what string) (T, error) {
	var zero T
	v, err := res.Output(context.Background(), step, output)
	if err != nil {
		return zero, err
	}
	t, ok := v.(T)
	if !ok && v != nil {
		return zero, fmt.Errorf("%s is a %T, not a %T", what, v, zero)
	}
	return t, nil
}

func newCall(opts []Option) (*call, error) {
	c := &call{}
	for _, o := range opts {
		o(c)
	}
	if c.problems != nil {
		return nil, &plan.Error{Problems: c.problems}
	}
	return c, nil
}

// run runs and turns a failure into an error unless the caller wants it as a result.
func (c *call) run(ctx context.Context, cat *plan.Catalog, job string) (*Result, error) {
	if err := c.applyPreset(cat, job); err != nil {
		return nil, err
	}
	res, err := Run(ctx, cat, job, c.Options)
	if err == nil && !c.returnFailure {
		err = res.Err()
	}
	return res, err
}

// jobOutputs reads the values that the job returns.
func (res *Result) jobOutputs(ctx context.Context) ([]any, error) {
	r := res.run
	eval := r.plan.Evaluator(ended{r, ctx})
	refs := r.plan.Outputs()
	values := make([]any, len(refs))
	for i, ref := range refs {
		var err error
		if values[i], err = eval.Value(ref); err != nil {
			return nil, fmt.Errorf("output %s of job %s: %w", r.target.Job.Outputs[i].Name, res.Job, err)
		}
	}
	return values, nil
}

// ended reads what steps gave after a run.
type ended struct {
	*run
	ctx context.Context
}

// Version returns no version: nobody needs one any more.
func (e ended) Version(*plan.Step, int32) canon.Digest { return canon.Digest{} }

// Data returns the data version of an output.
func (e ended) Data(s *plan.Step, out int32) canon.Digest {
	if o := e.engine.tasks.At(s.Index).output(int(out)); o != nil {
		return o.DataVersion
	}
	return canon.Digest{}
}

// Load returns an output.
func (e ended) Load(s *plan.Step, out int32) (any, error) {
	return e.value(e.ctx, e.engine.tasks.At(s.Index), int(out))
}
