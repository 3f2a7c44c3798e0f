package execute

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute/differ"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// VerifyOptions say what [Verify] compares, and how hard it looks.
type VerifyOptions struct {
	Instance *instance.Instance  // whose records are held against what the code gives now; read only
	Config   *runconfig.Document // run config, as of the run that is verified; nil for none
	Select   string              // a selection, see docs/runs.md; empty for everything
	// Partition is the key of the partition whose steps are verified, where assets have them; empty for none.
	Partition string
	Inputs    map[string]any // values for parameters of the job, by name. A config among them must be without secrets: it is given by Config
	Getenv    func(string) (string, bool)

	Sample  int           // so many of the stored steps, chosen by Seed; 0 for all
	Seed    uint64        // of the sample: the same one chooses the same steps of the same plan
	Times   int           // how often each step is computed, each time in another environment than the last; 0 for 3
	Timeout time.Duration // of one computation of one step; 0 for none
	Workers int           // steps at once; 0 for the number of processors

	Observe func(Progress) // told what happens as it happens, one call at a time; must not block for long
}

// defaultTimes is how often a step is computed where nobody says: twice in one environment, once in the other.
const defaultTimes = 3

// Verify computes stored steps again and compares what they give with what is stored. It finds what a version cannot see: a clock, a time zone, the number of
// processors, the order of a map, a random number, in code that is said to depend on its inputs alone.
//
// It plans a job, or the assets where job is empty, and takes the steps that a run would reuse, or a sample of them. Each is computed from the stored inputs
// of its record, in child processes of this program whose environment differs: time zone, number of processors, locale, memory management, temporary folder. Nothing is
// written to the instance: no run, no event, no record, no output. What a step does besides (through a resource, or by itself) it does again.
//
// A difference is no error of Verify: see [VerifyResult.Err]. The error is not nil if the steps could not be planned ([*plan.Error] and those of
// [Plan]), if no child process could be started, or if ctx ended; in the last case the result holds what was verified until then. The program
// must call [Serve] first thing.
func Verify(ctx context.Context, cat *plan.Catalog, job string, o VerifyOptions) (_ *VerifyResult, err error) {
	began := time.Now()
	if err := checkVerify(&o); err != nil {
		return nil, err
	}
	v := &verification{opts: &o, environment: map[string]*string{}}
	defer func() { err = errors.Join(err, v.close()) }()
	if err := v.plan(ctx, cat, job); err != nil {
		return nil, err
	}
	res := v.choose()
	if err := v.run(ctx, res); err != nil {
		if ctx.Err() == nil {
			return nil, err
		}
		reached, of := res.drop()
		res.Elapsed = time.Since(began)
		return res, fmt.Errorf("stopped after %d of %s: %w", reached, steps(of), ctx.Err())
	}
	res.Elapsed = time.Since(began)
	return res, nil
}

func checkVerify(o *VerifyOptions) error {
	switch {
	case !served.Load():
		return badOption("this program cannot start processes that compute steps: call execute.Serve with its Definitions first thing in main, or in TestMain")
	case o.Instance == nil:
		return badOption("there is nothing to verify without an instance")
	case o.Sample < 0, o.Times < 0, o.Timeout < 0, o.Workers < 0:
		return badOption("sample, times, timeout and workers must not be negative")
	}
	if o.Times == 0 {
		o.Times = defaultTimes
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return nil
}

// A verification is what the parts of one Verify share.
type verification struct {
	opts        *VerifyOptions
	base        *run // planned, as on a first look; nothing of it runs
	begin       runRef
	environment map[string]*string             // what run config took from variables
	records     map[*plan.Step]*storage.Record // of steps that a run might find unchanged: below one that runs each time
	broken      map[*plan.Step]string          // what is wrong with what is stored of them
	redact      *differ.Redactor
	rounds      []environment
	show        *observer

	scratch string // folder of all its files
	folders atomic.Int64
	mu      sync.Mutex // of inputs that IO managers of the user's load
}

// close removes what the verification has made.
func (v *verification) close() error {
	if v.base != nil {
		v.base.res.close()
	}
	if v.scratch == "" {
		return nil
	}
	return os.RemoveAll(v.scratch)
}

// plan finds out what is stored, and what a child needs to know of the run.
func (v *verification) plan(ctx context.Context, cat *plan.Catalog, job string) error {
	o := v.opts
	getenv := o.Getenv
	if getenv == nil {
		getenv = os.LookupEnv
	}
	// Whatever the job says about reuse: what it has stored is stored.
	tags := map[string]string{dag.MemoizedRunTag: "true"}
	if o.Partition != "" {
		tags[plan.TagPartition] = o.Partition
	}
	r, err := planRun(ctx, cat, job, &Options{
		Instance: o.Instance, Config: o.Config, Select: o.Select, Inputs: o.Inputs,
		Tags: tags, Getenv: recorded(getenv, v.environment),
	})
	if err != nil {
		return err
	}
	r.ctx, v.base = ctx, r
	if err := v.undecided(ctx); err != nil {
		return err
	}
	v.redact = differ.NewRedactor(secretsOf(r.asked))
	v.rounds = changedEnvironments()
	v.show = &observer{tell: o.Observe}
	given, err := givenTo(r.target, r.opts.Inputs) // with what the job says itself
	if err != nil {
		return err
	}
	config, err := r.opts.Config.WithoutInputs(dataParams(r.target)).MarshalBinary()
	if err != nil {
		return err
	}
	v.begin = runRef{
		Definitions: definitionsDigest(cat), RunID: uuid.Must(uuid.NewV7()).String(), Job: r.name(), Selection: r.target.Selection,
		Config: config, Environment: v.environment, Given: given,
	}
	return nil
}

// undecided finds the records of steps for which the plan says maybe, and of what is above them: they stand below a step that runs each time, and what
// they were computed from is stored all the same.
func (v *verification) undecided(ctx context.Context) error {
	r := v.base
	var steps []*plan.Step
	var versions []canon.Digest
	for i := range r.plan.Len() {
		s := r.plan.At(i)
		if s.Op.Kind != dag.KindSource && s.Action != plan.Reuse && !s.Version.IsZero() {
			steps, versions = append(steps, s), append(versions, s.Version)
		}
	}
	v.records, v.broken = map[*plan.Step]*storage.Record{}, map[*plan.Step]string{}
	if len(steps) == 0 {
		return nil
	}
	found, err := r.store.RecordsByStep(ctx, versions)
	if err != nil {
		return storeError(err)
	}
	var stored []plan.Stored
	for _, s := range steps {
		if rec := found[s.Version]; rec != nil && plan.Unfit(s, rec).Code == "" && len(rec.Inputs) >= len(s.Op.Inputs) {
			v.records[s] = rec
			stored = append(stored, plan.Stored{Step: s, Record: rec})
		}
	}
	for k, problem := range r.look.Check(ctx, stored) {
		if problem != "" {
			v.broken[stored[k].Step] = problem
		}
	}
	return ctx.Err()
}

// record is what is stored of a step; nil for nothing.
func (v *verification) record(s *plan.Step) *storage.Record {
	if s.Action == plan.Reuse {
		return s.Record
	}
	return v.records[s]
}

// dataParams are the names of the parameters of the job that are no config.
func dataParams(t *plan.Target) (names []string) {
	if t.Job != nil {
		for i := range t.Job.Params {
			if p := &t.Job.Params[i]; p.Config == nil {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// choose makes the result as it is before anything was computed: skipped steps have their reason, the others wait for their turn.
func (v *verification) choose() *VerifyResult {
	p := v.base.plan
	res := &VerifyResult{Job: p.Job, Seed: v.opts.Seed, Sample: v.opts.Sample, Times: v.opts.Times}
	for _, e := range v.rounds {
		res.Environments = append(res.Environments, e.labels())
	}
	stored := map[int]bool{}
	for i, s := range p.Steps {
		if v.whyNot(s) == "" {
			stored[i] = true
		}
	}
	res.Stored = len(stored)
	if n := v.opts.Sample; n > 0 && n < len(stored) {
		order := make([]int, 0, len(stored))
		for i := range p.Steps {
			if stored[i] {
				order = append(order, i)
			}
		}
		rand.New(rand.NewPCG(v.opts.Seed, 0)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order[n:] {
			delete(stored, i)
		}
	}
	for i, s := range p.Steps {
		step := VerifiedStep{Key: s.Key, Op: s.Op, Version: s.Version, step: s}
		switch why := v.whyNot(s); {
		case why != "":
			step.Result, step.Because = VerifySkipped, why
		case !stored[i]:
			continue
		}
		res.Steps = append(res.Steps, step)
	}
	return res
}

// whyNot says why a step cannot be verified; empty if it can.
func (v *verification) whyNot(s *plan.Step) string {
	switch {
	case s.Op.Kind == dag.KindSource:
		return "a source is observed, not computed"
	case s.Action == plan.Skip:
		return s.Reasons[0].Text
	case s.Index < 0:
		return "what its loop goes over, or whether its branch is taken, is not known before a run"
	case s.Op.Volatile:
		return "marked volatile: it runs every time, and may differ"
	case v.broken[s] != "":
		return v.broken[s]
	case s.Action == plan.Run || v.record(s) == nil:
		why := "nothing is stored that a run would reuse"
		if len(s.Reasons) > 0 {
			why += ": " + s.Reasons[0].Text
		}
		return why
	}
	return ""
}

// run verifies the steps of a result, several at once.
func (v *verification) run(ctx context.Context, res *VerifyResult) error {
	var todo []*VerifiedStep
	for i := range res.Steps {
		if res.Steps[i].Result == "" {
			todo = append(todo, &res.Steps[i])
		}
	}
	v.show.say(Progress{Kind: ProgressPlanned}, func(c *Progress) { c.Total, c.Skipped = len(res.Steps), len(res.Steps)-len(todo) })
	if len(todo) == 0 {
		return ctx.Err()
	}
	var err error
	if v.scratch, err = os.MkdirTemp("", "dagstergen-verify-"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for n := range min(v.opts.Workers, len(todo)) {
		wg.Go(func() {
			l := &lane{v: v, number: n}
			defer l.close()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(todo) {
					return
				}
				if err := l.verify(ctx, todo[i]); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// folder makes a folder for a child.
func (v *verification) folder() (string, error) {
	dir := filepath.Join(v.scratch, strconv.FormatInt(v.folders.Add(1), 10))
	return dir, os.Mkdir(dir, 0o700)
}

// ref says to a child what to compute for a step. The error is one of a stored input that cannot be loaded.
func (v *verification) ref(ctx context.Context, s *plan.Step) (*stepRef, error) {
	ref := &stepRef{Key: s.Key, Node: s.Node.Name, Partition: s.Partition, Inputs: make([]inputRef, len(s.Op.Inputs)), Known: make([]string, len(s.Op.Outputs))}
	for k := range s.Op.Inputs {
		in, err := v.input(ctx, s, k)
		if err != nil {
			return nil, fmt.Errorf("its input %s cannot be loaded: %w", s.Op.Inputs[k].Name, err)
		}
		ref.Inputs[k] = in
	}
	for k := range s.Op.Outputs {
		o := plan.OutputOf(v.record(s), s.Op.Outputs[k].Name)
		ref.Known[k] = toldApart(o.DataVersion.String(), o.Said)
	}
	return ref, nil
}

// toldApart is what tells an output from what it was before: its data version, or what the step says it is.
func toldApart(data, said string) string {
	if said != "" {
		return fmt.Sprintf("said %q", said)
	}
	return data
}

// errOther says that what a record was made of is not what is there now.
var errOther = errors.New("it is not what the stored output was made of")

// input is the value that the record of a step was made of.
func (v *verification) input(ctx context.Context, s *plan.Step, k int) (inputRef, error) {
	r := v.base
	in, ref := &s.Op.Inputs[k], r.plan.Follow(s.Inputs[k])
	data := s.Data[k]
	if s.Action != plan.Reuse {
		data = v.record(s).Inputs[k].DataVersion
	}
	if ref.From < 0 {
		return v.made(ctx, s, in, ref, data)
	}
	if v.dataOf(ref) != data {
		if v.dataOf(ref).IsZero() {
			return inputRef{}, errors.New("it is not stored")
		}
		return inputRef{}, errOther
	}
	return v.given(ctx, s.Key, in.Name, in.Type, ref)
}

// dataOf is the data version of what a step gave, as it is stored; zero where it is not.
func (v *verification) dataOf(ref plan.Ref) canon.Digest {
	return verified{verification: v}.Data(v.base.plan.At(int(ref.From)), ref.Out)
}

// given is what a step gave, which is stored, for an input of type t.
func (v *verification) given(ctx context.Context, step, name string, t *dag.Type, ref plan.Ref) (inputRef, error) {
	r := v.base
	up := r.plan.At(int(ref.From))
	if up.Op.Kind == dag.KindSource {
		return refOf(t, r.seen[up.Sight()].Value)
	}
	out := plan.OutputOf(v.record(up), up.Op.Outputs[ref.Out].Name)
	if out.IO != "" {
		v.mu.Lock()
		defer v.mu.Unlock()
		value, err := r.loadCustom(ctx, up, out, step, &dag.Input{Name: name, Type: t})
		if err != nil {
			return inputRef{}, err
		}
		return refOf(t, value)
	}
	if object, ok, err := r.inst.IO().Object(out); ok || err != nil {
		return inputRef{Object: &fileRef{Path: object.Path, Codec: object.Codec, Size: object.Size, Digest: object.Digest.String()}}, err
	}
	if out.Codec == iomanager.CodecFile {
		value, err := r.inst.IO().Load(ctx, out, t)
		if err != nil {
			return inputRef{}, err
		}
		return refOf(t, value)
	}
	encoded, err := r.inst.IO().Encoding(ctx, out, t)
	return inputRef{Data: encoded}, err
}

// changedSource is the key of a source of a step whose file is not any more what was observed; empty for none.
func (v *verification) changedSource(s *plan.Step) string {
	key := ""
	for k := range s.Inputs {
		v.base.plan.Leaves(s.Inputs[k], func(up *plan.Step) bool {
			if seen := v.base.seen[up.Sight()]; seen != nil && up.Op.Kind == dag.KindSource && seen.changed() {
				key = up.Key
			}
			return key == ""
		})
	}
	return key
}

// made is an input that is no output of a step as it is: a parameter, an element, a part, a list of outputs.
func (v *verification) made(ctx context.Context, s *plan.Step, in *dag.Input, ref plan.Ref, data canon.Digest) (inputRef, error) {
	if keys, parts, ok := v.base.plan.Gathered(ref); ok && in.Type.Gathers() != nil {
		v.mu.Lock()
		d, err := v.base.plan.Evaluator(verified{v, ctx}).Data(ref)
		v.mu.Unlock()
		switch {
		case err != nil:
			return inputRef{}, err
		case d != data:
			return inputRef{}, errOther
		}
		return gather(keys, func(i int) (inputRef, error) {
			return v.given(ctx, s.Key, in.Name, in.Type.Gathers(), v.base.plan.Follow(parts[i]))
		})
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	eval := v.base.plan.Evaluator(verified{v, ctx})
	switch d, err := eval.Data(ref); {
	case err != nil:
		return inputRef{}, err
	case d.IsZero():
		return inputRef{}, errors.New("it is not stored")
	case d != data:
		return inputRef{}, errOther
	}
	value, err := eval.Value(ref)
	if err != nil {
		return inputRef{}, err
	}
	return refOf(in.Type, value)
}

// verified reads what steps gave from what is stored of them.
type verified struct {
	*verification
	ctx context.Context
}

// Version returns no version: what is verified has one.
func (verified) Version(*plan.Step, int32) canon.Digest { return canon.Digest{} }

// Data returns the data version of a stored output.
func (v verified) Data(s *plan.Step, out int32) canon.Digest {
	if s.Op.Kind == dag.KindSource {
		return v.base.seen[s.Sight()].Data
	}
	if rec := v.record(s); rec != nil && out >= 0 {
		return plan.OutputOf(rec, s.Op.Outputs[out].Name).DataVersion
	}
	return canon.Digest{}
}

// Load returns a stored output.
func (v verified) Load(s *plan.Step, out int32) (any, error) {
	def := &s.Op.Outputs[out]
	if s.Op.Kind == dag.KindSource {
		return copyOf(def.Type, v.base.seen[s.Sight()].Value)
	}
	return v.base.look.Load(v.ctx, s, plan.OutputOf(v.record(s), def.Name), def.Type)
}
