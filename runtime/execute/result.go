package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// What was done about a step, and how it ended.
const (
	ActionRun   = "run"
	ActionReuse = "reuse"
	ActionSkip  = "skip" // something above it failed, or the run ended before it

	StatusSuccess = "success"
	StatusFailure = "failure"
	StatusSkipped = "skipped"
)

// A Result is how a run ended. Outputs are read from the instance of the run on demand, so it must still be open; a result that was made
// without an instance keeps its own until [Result.Close].
type Result struct {
	RunID  string
	Job    string // empty for assets
	Status storage.RunStatus
	Run    storage.Run
	Steps  []StepResult // in plan order

	run    *run
	index  map[string]int // of Steps, made on first use
	reason error          // why it was canceled or failed as a whole; nil where the steps say it
	busy   *BusyError
	close  func() error
}

// A StepResult is how a step ended.
type StepResult struct {
	Key     string
	Op      *dag.Op
	Version canon.Digest // zero where a source above it could not be observed
	Action  string       // run, reuse or skip
	Status  string       // success, failure or skipped; a success is on disk
	Reasons []plan.Reason
	Outputs []OutputResult       // of a successful step
	Err     *StepError           // of a failed one
	Because string               // of a skipped one: the step that failed
	Why     string               // of one that is skipped although nothing failed: another arm is taken, an input is nil
	Elapsed time.Duration        // in user code and storing, the last time it was computed; zero unless it ran
	Retries int                  // how often it failed and was computed again
	Check   *dag.CheckEvaluation // of a check that was made, or whose result is reused; a blocking one that did not pass is a failure

	index int // of the step in the plan
}

// An OutputResult is an output of a successful step. The metadata of a reused step is what was recorded when it ran.
type OutputResult struct {
	Name        string
	Asset       string // empty in jobs
	Version     canon.Digest
	DataVersion canon.Digest
	Size        int64 // of the encoded value in bytes
	Metadata    []dag.MetadataEntry
	File        string // where the file of an output that is one can be read; empty otherwise
}

// errStranded is the reason of a run that ended although it was not over. Whatever led to that, it is no success.
var errStranded = errors.New("steps are left that nothing lets go on: this is a bug of dagstergen; run it again, and report it with the output of `runs export`")

func newResult(r *run, stored error) *Result {
	steps := r.plan.Flatten()
	res := &Result{RunID: r.id, Job: r.name(), run: r, Steps: make([]StepResult, len(steps))}
	total := 0
	for _, s := range steps {
		total += len(s.Op.Outputs)
	}
	slab := make([]OutputResult, total)
	failed, unfinished := false, false
	for k, s := range steps {
		out := &res.Steps[k]
		*out = StepResult{Key: s.Key, Op: s.Op, Version: s.Version, Reasons: s.Reasons, index: s.Index}
		if s.Index < 0 {
			unfinished = r.absent(out, s) || unfinished
			failed = failed || out.Err != nil
			continue
		}
		t := r.engine.tasks.At(s.Index)
		out.Elapsed, out.Retries, out.Check = t.elapsed, t.tries, t.verdict
		switch t.state {
		case taskDone:
			out.Action, out.Status = ActionRun, StatusSuccess
			if t.reused {
				out.Action = ActionReuse
			}
			if t.outs != nil && t.lost != nil { // a record that was there before still is
				lost := &StepError{Step: s.Key, Where: WhereStore, Err: &StoreError{t.lost}}
				out.Action, out.Status, out.Err, failed = ActionRun, StatusFailure, lost, true
				continue
			}
			n := len(s.Op.Outputs)
			out.Outputs, slab = slab[:n:n], slab[n:]
			r.outputsOf(t, out.Outputs)
		case taskFailed:
			out.Action, out.Status, out.Err, failed = ActionRun, StatusFailure, t.err, true
			if t.blocks() && t.reused {
				out.Action = ActionReuse
			}
		default:
			out.skip(t)
			unfinished = unfinished || t.state != taskSkipped
		}
	}
	if r.outErr != nil {
		res.Steps = append(res.Steps, StepResult{Key: r.outErr.Step, Op: &dag.Op{Key: r.outErr.Step}, Action: ActionRun, Status: StatusFailure, Err: r.outErr, index: -1})
		failed = true
	}
	cause := context.Cause(r.ctx)
	var broken *StoreError
	var executor *ExecutorError
	switch {
	case stored != nil:
		res.Status, res.reason = storage.RunFailure, &StoreError{stored}
	case errors.As(cause, &res.busy):
		res.Status, res.reason = storage.RunFailure, res.busy
	case errors.As(cause, &broken):
		res.Status, res.reason = storage.RunFailure, broken
	case errors.As(cause, &executor):
		res.Status, res.reason = storage.RunFailure, executor
	case cause != nil && (unfinished || failed):
		res.Status, res.reason = storage.RunCanceled, cause
	case failed:
		res.Status = storage.RunFailure
	case unfinished:
		res.Status, res.reason = storage.RunFailure, errStranded
	default:
		res.Status = storage.RunSuccess
	}
	return res
}

// absent fills in the result of a line that stands for no step: a loop or branch that failed or was not reached, or an arm that is not taken. It reports
// whether the run ended before that was decided.
func (r *run) absent(out *StepResult, s *plan.Step) (unfinished bool) {
	switch {
	case s.Failure != nil:
		out.Action, out.Status, out.Err = ActionRun, StatusFailure, asStepError(s.Key, WhereBody, s.Failure)
		return false
	case s.Action == plan.Skip:
		out.Action, out.Status, out.Why = ActionSkip, StatusSkipped, s.Reasons[0].Text
		return false
	}
	t := r.engine.task(s.Region)
	if t.state == taskFailed {
		out.Action, out.Status, out.Because = ActionSkip, StatusSkipped, t.err.Step
		return false
	}
	out.skip(t)
	return t.state != taskSkipped
}

// skip says that a task did not run.
func (s *StepResult) skip(t *task) {
	s.Action, s.Status, s.Because, s.Why = ActionSkip, StatusSkipped, t.skipped, t.why
	if t.why != "" {
		s.Because = ""
	}
}

// outputsOf fills in the outputs of a task that is done.
func (r *run) outputsOf(t *task, outs []OutputResult) {
	s := t.step
	for k := range s.Op.Outputs {
		o := &outs[k]
		*o = OutputResult{Name: s.Op.Outputs[k].Name, Asset: r.assetOf(s, &s.Op.Outputs[k]), Version: s.Outputs[k]}
		if s.Observed != nil {
			o.DataVersion = s.Observed.Data
			if f, ok := s.Observed.Value.(dag.File); ok {
				o.File, o.Size = f.Path(), f.Size()
			}
			continue
		}
		if out := t.output(k); out != nil {
			o.DataVersion, o.Size, o.Metadata = out.DataVersion, out.Size, out.Metadata
			o.File = r.readable(t, o.Asset, out, s.Op.Outputs[k].Type)
		}
	}
}

// readable keeps the copy that people read of an output in step with what is stored, and returns where a dag.File can be read. A value that was the newest before this run has its copy, unless somebody removed it, and one that is large has none
// until somebody asks for it. That none can be made is no failure: what is stored is stored.
func (r *run) readable(t *task, asset string, out *storage.Output, typ *dag.Type) string {
	if p := t.step.Partition; p != nil && asset != "" {
		asset = dag.PartitionStep(asset, p.Key)
	}
	unchanged := t.reused && t.record != nil && t.record.Newest && t.record.Identity == t.step.Identity
	if out.File == "" && (asset == "" || unchanged && r.inst.IO().HasReadable(asset, out, typ)) {
		return ""
	}
	if asset == "" { // no asset key has a dot
		asset = r.jobKey() + "." + t.step.Key
	}
	file, ok, err := r.inst.IO().KeepReadable(context.WithoutCancel(r.ctx), asset, out, typ, unchanged)
	if err != nil || !ok || out.File == "" {
		return ""
	}
	return file
}

// output is where output k of a task that is done is stored.
func (t *task) output(k int) *storage.Output {
	if t.outs != nil {
		return &t.outs[k].Output
	}
	if t.record != nil {
		return plan.OutputOf(t.record, t.step.Op.Outputs[k].Name)
	}
	return nil
}

// Success reports whether every step was computed or reused.
func (res *Result) Success() bool { return res.Status == storage.RunSuccess }

// Err returns nil for a run that succeeded, else a [*RunError] that names each failed step.
func (res *Result) Err() error {
	if res.Success() {
		return nil
	}
	e := &RunError{RunID: res.RunID, Status: res.Status}
	if res.reason != nil && !errors.Is(res.reason, context.Canceled) {
		e.Cause = res.reason.Error()
	}
	e.Reason = res.reason
	for i := range res.Steps {
		if res.Steps[i].Err != nil {
			e.Steps = append(e.Steps, res.Steps[i].Err)
		}
	}
	return e
}

// cause is the first line of why the run did not succeed.
func (res *Result) cause() string {
	if res.Success() {
		return ""
	}
	if res.reason != nil {
		return firstLine(res.reason.Error())
	}
	for i := range res.Steps {
		if res.Steps[i].Err != nil {
			return firstLine(res.Steps[i].Err.Error())
		}
	}
	return ""
}

func firstLine(s string) string {
	for i := range len(s) {
		if s[i] == '\n' {
			return s[:i]
		}
	}
	return s
}

// Step returns how the step with a key ended; nil if there is none.
func (res *Result) Step(key string) *StepResult {
	if res.index == nil {
		res.index = make(map[string]int, len(res.Steps))
		for i := range res.Steps {
			res.index[res.Steps[i].Key] = i
		}
	}
	if i, ok := res.index[key]; ok {
		return &res.Steps[i]
	}
	return nil
}

// Events returns the log of the run, in order.
func (res *Result) Events(ctx context.Context) ([]storage.Event, error) {
	if res.run.private {
		return res.run.events(), nil
	}
	return res.run.store.Events(ctx, res.RunID, 0, 0)
}

// EventsOf returns the events of a step, in order.
func (res *Result) EventsOf(ctx context.Context, step string) ([]storage.Event, error) {
	events, err := res.Events(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(events, func(e storage.Event) bool { return e.StepKey != step }), nil
}

// SuccessEvent returns the STEP_SUCCESS of a step, or nil: a reused step has none.
func (res *Result) SuccessEvent(ctx context.Context, step string) (*storage.Event, error) {
	return res.first(ctx, step, storage.EventStepSuccess)
}

// FailureEvent returns the STEP_FAILURE of a step, or nil.
func (res *Result) FailureEvent(ctx context.Context, step string) (*storage.Event, error) {
	return res.first(ctx, step, storage.EventStepFailure)
}

func (res *Result) first(ctx context.Context, step string, typ storage.EventType) (*storage.Event, error) {
	events, err := res.EventsOf(ctx, step)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(events, func(e storage.Event) bool { return e.Type == typ }); i >= 0 {
		return &events[i], nil
	}
	return nil, nil
}

// Output returns an output of a step by name; an empty name is the only one. Reused steps have their outputs too. A step whose stored output
// turns out to be damaged is computed again for this, in a run of its own.
func (res *Result) Output(ctx context.Context, step, output string) (any, error) {
	s := res.Step(step)
	switch {
	case s == nil:
		return nil, fmt.Errorf("run %s has no step %q", res.RunID, step)
	case s.Status != StatusSuccess:
		return nil, fmt.Errorf("step %s has no outputs: it ended as %s", step, s.Status)
	case output == "" && len(s.Op.Outputs) != 1:
		return nil, fmt.Errorf("step %s has %d outputs; name one", step, len(s.Op.Outputs))
	}
	k := slices.IndexFunc(s.Op.Outputs, func(o dag.Output) bool { return o.Name == output || output == "" })
	if k < 0 {
		return nil, fmt.Errorf("step %s has no output %q", step, output)
	}
	v, err := res.run.value(ctx, res.run.engine.tasks.At(s.index), k)
	if t := s.Op.Outputs[k].Type; t.IsStream() && err == nil {
		v = openStream(t, v)
	}
	return v, err
}

// value reads output k of a task after the run.
func (r *run) value(ctx context.Context, t *task, k int) (any, error) {
	def := &t.step.Op.Outputs[k]
	if t.step.Observed != nil {
		return copyOf(def.Type, t.step.Observed.Value)
	}
	if t.outs != nil {
		switch o := &t.outs[k]; {
		case o.held:
			return o.value, nil
		case o.data != nil:
			return codec.Decode(def.Type, o.data)
		}
	}
	out := t.output(k)
	if out.IO != "" {
		// The resources of the run are cleaned up; the manager is built again for this.
		res := newResources(managed(r.target, r.io), r.asked.resources, r.opts.Resources)
		defer res.close()
		reader := &run{id: r.id, target: r.target, res: res, ctx: ctx}
		return reader.loadCustom(ctx, t.step, out, t.step.Key, &dag.Input{Name: def.Name, Type: def.Type})
	}
	v, err := r.inst.IO().Load(ctx, out, def.Type)
	if errors.Is(err, iomanager.ErrDamaged) {
		return r.mended(ctx, t, k, err)
	}
	return v, err
}

// mended computes a step again whose stored output cannot be loaded, in a run of its own, and returns the output of that.
func (r *run) mended(ctx context.Context, t *task, k int, damage error) (any, error) {
	def := &t.step.Op.Outputs[k]
	o := *r.opts
	o.Instance, o.Select, o.RunID, o.NoMemo, o.Observe = r.inst, r.target.Graph.Clause(t.step.Place), "", true, nil
	again, err := Run(ctx, r.target.Catalog, r.name(), o)
	if err == nil {
		err = again.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("output %s of step %s: %w; computing it again: %w", def.Name, t.step.Key, damage, err)
	}
	mended := again.Step(t.step.Key)
	if mended == nil || mended.index < 0 {
		return nil, fmt.Errorf("output %s of step %s: %w; there is no such step any more", def.Name, t.step.Key, damage)
	}
	return r.inst.IO().Load(ctx, again.run.engine.tasks.At(mended.index).output(k), def.Type)
}

// own makes the result responsible for an instance of its own.
func (res *Result) own(inst *instance.Instance) {
	cleanup := runtime.AddCleanup(res, func(i *instance.Instance) { _ = i.Close() }, inst)
	res.close = func() error {
		cleanup.Stop()
		return inst.Close()
	}
}

// Close lets go of what a result without an instance keeps: its outputs, and the files among them. It does nothing for other results.
func (res *Result) Close() error {
	if res.close == nil {
		return nil
	}
	c := res.close
	res.close = nil
	return c()
}

// MarshalJSON writes {"run_id","status","steps":[{"key","version","action","status","outputs"}]}. A failed step has "error", a skipped one
// "because", the step that failed, or "why" where nothing did; an output has "name", "asset" (null in jobs), "version", "data_version", "size", "file" (null unless it is one) and "metadata"; a
// check has "check", what it said.
func (res *Result) MarshalJSON() ([]byte, error) {
	type output struct {
		Name        string              `json:"name"`
		Asset       *string             `json:"asset"`
		Version     *string             `json:"version"`
		DataVersion *string             `json:"data_version"`
		Size        int64               `json:"size"`
		File        *string             `json:"file"`
		Metadata    []dag.MetadataEntry `json:"metadata"`
	}
	type step struct {
		Key     string   `json:"key"`
		Version *string  `json:"version"`
		Action  string   `json:"action"`
		Status  string   `json:"status"`
		Seconds float64  `json:"seconds"`
		Outputs []output `json:"outputs"`
		Error   *string  `json:"error,omitempty"`
		Because *string  `json:"because,omitempty"`
		Why     *string  `json:"why,omitempty"`

		Check *dag.CheckEvaluation `json:"check,omitempty"`
	}
	doc := struct {
		RunID  string            `json:"run_id"`
		Job    *string           `json:"job"`
		Status storage.RunStatus `json:"status"`
		Steps  []step            `json:"steps"`
	}{RunID: res.RunID, Job: optional(res.Job), Status: res.Status, Steps: make([]step, len(res.Steps))}
	for i := range res.Steps {
		s := &res.Steps[i]
		out := step{Key: s.Key, Version: digestText(s.Version), Action: s.Action, Status: s.Status, Seconds: s.Elapsed.Seconds(), Outputs: []output{}, Because: optional(s.Because), Why: optional(s.Why), Check: s.Check}
		if s.Err != nil {
			out.Error = optional(s.Err.Err.Error())
		}
		for _, o := range s.Outputs {
			x := output{o.Name, optional(o.Asset), digestText(o.Version), digestText(o.DataVersion), o.Size, optional(o.File), o.Metadata}
			if x.Metadata == nil {
				x.Metadata = []dag.MetadataEntry{}
			}
			out.Outputs = append(out.Outputs, x)
		}
		doc.Steps[i] = out
	}
	return json.Marshal(doc)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func digestText(d canon.Digest) *string {
	if d.IsZero() {
		return nil
	}
	s := d.String()
	return &s
}
