package plan

import (
	"context"
	"errors"
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Lookup answers what is stored, in batches. A record that cannot be read is simply not in the answer; an error means that nothing can be
// read at all. A [storage.Store] has all but the last three methods.
type Lookup interface {
	RecordsByStep(ctx context.Context, steps []canon.Digest) (map[canon.Digest]*storage.Record, error)
	RecordsByContent(ctx context.Context, contents []canon.Digest) (map[canon.Digest]*storage.Record, error)
	Latest(ctx context.Context, identities []string) (map[string]*storage.Record, error)
	LatestOf(ctx context.Context, prefix, after string, limit int) ([]storage.LatestRecord, error)
	BriefsOf(ctx context.Context, prefix, after string, limit int, into []storage.Brief) (briefs []storage.Brief, ok bool, err error)
	Manifests(ctx context.Context, digests []canon.Digest) (map[canon.Digest][]byte, error)

	// Check says for each stored step what is wrong with its outputs: "" if they can all be loaded, otherwise text such as
	// "blob sha256:ab... is missing".
	Check(ctx context.Context, stored []Stored) []string
	// Memoizable reports whether the IO manager with this resource key can say what it has stored.
	Memoizable(ctx context.Context, io string) (bool, error)
	// Load returns a stored output, as a value that the caller may change.
	Load(ctx context.Context, s *Step, out *storage.Output, t *dag.Type) (any, error)
}

// Stored is a record that would stand for a step.
type Stored struct {
	Step   *Step
	Record *storage.Record
}

// A Request is all that a plan is a function of, beside what is stored.
type Request struct {
	Target    *Target
	Tags      map[string]string                                // of the run; the job's own are read from it
	NoMemo    bool                                             // --no-memo
	Again     map[int32]bool                                   // places of nodes that run whatever is stored
	Configs   map[string]*Config                               // of ops, by key of the node; one for every selected node and source that takes config
	ConfigOf  func(n *Node, p *dag.Partition) (*Config, error) // of an op with a ConfigFor, for a partition; safe for several goroutines
	Inputs    map[string]map[string]any                        // what the run config gives for inputs that the body does not wire, by key of the node and name
	Resources map[string]*Config                               // of resources, by key
	Replaced  map[string]bool                                  // resources replaced by values
	IO        string                                           // key of the IO manager of ops that name none, see [IOOf]
	Params    []any                                            // one for each parameter of the job
	Observed  map[Sight]*Observation                           // of each of Target.Watches
	Position  func(symbol string) string                       // "stats.go:12" of a declaration, or ""; nil for none
	Env       func(name string) (string, bool)                 // the environment, for what depends on variables of it; nil where none is set

	Encode func(t *dag.Type, v any) ([]byte, error)       // canonical bytes of a value
	Decode func(t *dag.Type, data []byte) (any, error)    // the opposite; nil where no value is ever changed
	Guard  func(f func() error) (err error, stack string) // calls f, in which user code may panic; nil to let it
}

// Build makes the plan of a request. With a nil look everything runs. The error is an [*Error] for what the user can mend, or that of look.
func Build(ctx context.Context, r Request, look Lookup) (*Plan, error) {
	lost := map[string]string{}
	for {
		p, err := buildOnce(ctx, r, look, lost)
		var again *unreadable
		if !errors.As(err, &again) || again.hidden {
			return p, err
		}
		lost[again.key] = again.problem // what was decided with the lost output in mind is decided again
	}
}

// unreadable says that a stored output, whose value decides what there is to do, cannot be loaded.
type unreadable struct {
	key, problem string
	hidden       bool // the step is not selected: only the run can compute it again
}

func (e *unreadable) Error() string { return "step " + e.key + ": " + e.problem }

func buildOnce(ctx context.Context, r Request, look Lookup, lost map[string]string) (*Plan, error) {
	b := &builder{Request: r, look: look, ctx: ctx, hash: NewHasher(), works: make([]*work, len(r.Target.Graph.Nodes)), lost: lost}
	b.plan = &Plan{Target: r.Target, builder: b}
	if r.Target.Job != nil {
		b.plan.Job = r.Target.Job.Key
	}
	b.eval = b.plan.Evaluator(planned{b})
	b.lay = newExpander(b.plan, b.eval)
	for _, phase := range []func() error{b.memoization, b.root, b.prepare, b.decide, b.explain} {
		if err := phase(); err != nil {
			return nil, err
		}
	}
	b.plan.Steps = b.plan.Flatten()
	return b.plan, nil
}

// A builder makes a plan, and in a run what is added to it. It works in waves: whatever has all that it takes decided is decided next, all of it with
// the same look-ups; loops and branches are expanded as soon as it is known what they go over.
type builder struct {
	Request
	ctx  context.Context
	look Lookup
	hash *Hasher
	plan *Plan
	eval *Evaluator
	lay  *expander
	lost map[string]string // steps whose stored output cannot be loaded, and why

	memo       bool    // the run is memoized
	off        string  // why not
	works      []*work // by node
	workSlab   slab[work]
	reached    map[*opInfo]*work
	memoizable map[string]bool
	byStep     map[canon.Digest]*storage.Record
	was        map[canon.Digest]*storedManifest // of the steps that are explained now
	env        map[string]canon.Digest          // of the variables that were asked for

	wave
}

// Memoized reads whether a run is memoized, and if not, why: --no-memo, then the tag of the run, then that of the job, else it is. The
// error is an [*Error] for a tag that is neither "true" nor "false".
func Memoized(job *dag.JobDef, tags map[string]string, noMemo bool) (memo bool, off string, err error) {
	where := "of the run"
	value, ok := tags[dag.MemoizedRunTag]
	if !ok && job != nil {
		where = "of the job"
		value, ok = job.Tags[dag.MemoizedRunTag]
	}
	switch {
	case ok && value != "true" && value != "false":
		return false, "", &Error{[]Problem{{Code: "bad_tag", Message: fmt.Sprintf("tag %s %s is %q; it must be exactly \"true\" or \"false\"", dag.MemoizedRunTag, where, value)}}}
	case noMemo:
		return false, "memoization is off for this run (--no-memo)", nil
	case ok && value == "false":
		return false, fmt.Sprintf("memoization is off: tag %s=false %s", dag.MemoizedRunTag, where), nil
	}
	return true, "", nil
}

func (b *builder) memoization() (err error) {
	b.memo, b.off, err = Memoized(b.Target.Def(), b.Tags, b.NoMemo)
	b.plan.Memo = b.memo
	return err
}

// root lays out what the body of the job, or the assets, say.
func (b *builder) root() error {
	b.plan.flow.steps.Reserve(len(b.Target.Graph.Nodes))
	params := make([]Ref, 0, 4)
	if j := b.Target.Job; j != nil {
		for i := range j.Params {
			var v any
			if i < len(b.Params) {
				v = b.Params[i]
			}
			params = append(params, b.lay.known(j.Params[i].Type, v))
		}
		b.plan.params = params
	}
	b.plan.outs = b.lay.root(params)
	return nil
}

// prepare computes the versions of new steps, and finds the records that they may reuse.
func (b *builder) prepare() error {
	fresh := b.fresh()
	b.batch = append(b.batch, fresh...)
	for _, phase := range []func([]*Step) error{b.externals, b.versions, b.forced, b.fetchAll} {
		if err := phase(fresh); err != nil {
			return err
		}
	}
	b.enqueue(fresh)
	return nil
}

// fresh takes the steps that were laid out since it was last called.
func (b *builder) fresh() []*Step {
	fresh := make([]*Step, len(b.lay.fresh))
	for i, at := range b.lay.fresh {
		fresh[i] = b.plan.At(int(at))
	}
	b.lay.fresh = nil
	b.room(fresh)
	return fresh
}

// unlooked prepares new steps without a look at what is stored of them.
func (b *builder) unlooked() error {
	fresh := b.fresh()
	for _, phase := range []func([]*Step) error{b.externals, b.versions, b.forced} {
		if err := phase(fresh); err != nil {
			return err
		}
	}
	for _, s := range fresh {
		if s.Action == "" {
			s.Action = Maybe
		}
	}
	return nil
}

// room cuts the versions of inputs and outputs from one array: a plan of 10,000 steps makes a dozen allocations, not 50,000.
func (b *builder) room(fresh []*Step) {
	n := 0
	for _, s := range fresh {
		n += 2*(len(s.Inputs)+len(s.Deps)) + max(1, len(s.Op.Outputs))
	}
	digests := make([]canon.Digest, n)
	cut := func(n int) []canon.Digest {
		d := digests[:n:n]
		digests = digests[n:]
		return d
	}
	for _, s := range fresh {
		n := len(s.Inputs) + len(s.Deps)
		s.Versions, s.Data, s.Outputs = cut(n), cut(n), cut(max(1, len(s.Op.Outputs)))
	}
}

// hasOutputs reports whether a record has every output that an op has now.
func hasOutputs(op *dag.Op, r *storage.Record) bool {
	for i := range op.Outputs {
		if OutputOf(r, op.Outputs[i].Name) == nil {
			return false
		}
	}
	return true
}

// OutputOf returns the output of a record with a name, or nil.
func OutputOf(r *storage.Record, name string) *storage.Output {
	for i := range r.Outputs {
		if r.Outputs[i].Name == name {
			return &r.Outputs[i]
		}
	}
	return nil
}

// versions computes codes, then step and output versions, upstream first.
func (b *builder) versions(fresh []*Step) error {
	var wrong problems
	for _, s := range fresh {
		switch {
		case s.source():
			b.observe(s)
		case s.Hidden:
			b.stored(s)
		default:
			b.version(s, &wrong)
		}
	}
	return wrong.err()
}

// observe gives a source the version of its data.
func (b *builder) observe(s *Step) {
	s.Observed = b.Observed[s.Sight()]
	if s.Observed == nil {
		s.Observed = &Observation{Err: fmt.Errorf("source %q was not observed", s.Key)}
	}
	if s.Observed.Err == nil {
		s.Version, s.Content = s.Observed.Data, s.Observed.Data
		s.Outputs[0] = s.Observed.Data
	}
}

// stored gives a hidden step the versions it was stored under.
func (b *builder) stored(s *Step) {
	s.Version, s.Content = s.Record.Step, s.Record.Content
	for i := range s.Op.Outputs {
		s.Outputs[i] = OutputOf(s.Record, s.Op.Outputs[i].Name).Version
	}
	if len(s.Op.Outputs) == 0 {
		s.Outputs[0] = b.hash.output(s.Version, "")
	}
}

func (b *builder) version(s *Step, wrong *problems) {
	w, err := b.workOf(s)
	if err != nil {
		wrong.add("version", "%v", err)
		return
	}
	if w == nil {
		wrong.add("config", "%s %q has no config value", s.Op.Kind, s.Key)
		return
	}
	s.work = w
	if err := s.complete(b.eval, b.hash); err != nil {
		wrong.add("input", "%v", err)
	}
}

// Complete computes what could not be computed of a step's versions while it was not known where its inputs come from.
func (e *Evaluator) Complete(s *Step) error { return s.complete(e, e.hash) }

// complete computes the versions of a step as far as those of its inputs are known.
func (s *Step) complete(e *Evaluator, h *Hasher) error {
	known := true
	for k := range s.Versions {
		v, err := e.Version(s.ref(k))
		if err != nil && !hopeless(err) {
			return fmt.Errorf("input %s of step %q: %w", s.InputName(k), s.Key, err)
		}
		s.Versions[k] = v
		known = known && !v.IsZero()
	}
	if !known {
		return nil
	}
	s.Version = h.step(domainStep, s, s.Versions)
	for k := range s.Op.Outputs {
		s.Outputs[k] = h.output(s.Version, s.Op.Outputs[k].Name)
	}
	if len(s.Op.Outputs) == 0 {
		s.Outputs[0] = h.output(s.Version, "")
	}
	return nil
}

// hopeless reports whether an error says that a value cannot be made, so that the step that takes it will fail or be skipped.
func hopeless(err error) bool {
	var wrong *ValueError
	return errors.As(err, &wrong) || errors.Is(err, ErrNil)
}

// ref is entry k of Versions and Data: an input, or a dep.
func (s *Step) ref(k int) Ref {
	if k < len(s.Inputs) {
		return s.Inputs[k]
	}
	return s.Deps[k-len(s.Inputs)]
}

// workOf computes once per node what its steps share; nil if its config is missing.
func (b *builder) workOf(s *Step) (*work, error) {
	if w := b.works[s.Place]; w != nil {
		return w, nil
	}
	w := &b.workSlab.cut(1)[0]
	w.io = b.IO
	var err error
	if w.Config, err = b.configOf(s); err != nil || w.Config == nil && s.Op.Config != nil {
		return nil, err
	}
	if err = b.reach(w, s.info); err != nil {
		return nil, err
	}
	c, err := b.codeOf(s.info, w.Config)
	if err != nil {
		return nil, err
	}
	w.Code, w.code = c.text, c.digest
	b.works[s.Place] = w
	return w, nil
}

// reach finds the versions of the resources that an op reaches.
func (b *builder) reach(w *work, info *opInfo) error {
	w.env = b.variables(info.op.Env)
	if len(info.op.Resources) == 0 {
		return nil
	}
	if known := b.reached[info]; known != nil {
		w.resources, w.reached, w.replaced = known.resources, known.reached, known.replaced
		return nil
	}
	strategy := info.op.Strategy
	if strategy == nil {
		strategy = b.jobStrategy()
	}
	done, err := b.resourceVersions(info.op.Resources, strategy)
	if err != nil {
		return fmt.Errorf("%s %q: %w", info.op.Kind, info.op.Key, err)
	}
	for _, u := range info.op.Resources {
		w.resources = append(w.resources, done[u.Key].Version)
		w.replaced = w.replaced || done[u.Key].Replaced
	}
	for _, r := range b.Target.resourceOrder {
		if v := done[r.resource.Key]; v != nil {
			w.reached = append(w.reached, v)
		}
	}
	if b.reached == nil {
		b.reached = map[*opInfo]*work{}
	}
	b.reached[info] = w
	return nil
}

func (b *builder) jobStrategy() dag.VersionStrategy {
	if j := b.Target.Def(); j != nil {
		return j.Strategy
	}
	return nil
}

// resourceVersions computes the versions of resources and of all they take, in topological order.
func (b *builder) resourceVersions(uses []dag.ResourceUse, strategy dag.VersionStrategy) (map[string]*ResourceVersion, error) {
	c := b.Target.resourceSet
	needed := map[string]bool{}
	queue := append([]dag.ResourceUse(nil), uses...)
	for len(queue) > 0 {
		u := queue[0]
		queue = queue[1:]
		if needed[u.Key] {
			continue
		}
		needed[u.Key] = true
		if !b.Replaced[u.Key] {
			queue = append(queue, c.resourceByKey[u.Key].resource.Resources...)
		}
	}
	done := make(map[string]*ResourceVersion, len(needed))
	for _, info := range c.resourceOrder {
		r := info.resource
		if !needed[r.Key] {
			continue
		}
		if b.Replaced[r.Key] {
			done[r.Key] = replacedVersion(b.hash, r)
			continue
		}
		config := b.Resources[r.Key]
		if (r.Config != nil || r.Makes != nil) && config == nil {
			return nil, fmt.Errorf("resource %q has no config value", r.Key)
		}
		v, err := resourceVersion(b.hash, info, strategy, config, b.variables(r.Env), done)
		if err != nil {
			return nil, err
		}
		done[r.Key] = v
	}
	return done, nil
}

// codeOf is the code version of an op. That of a strategy may depend on config; the others are known before any run.
func (b *builder) codeOf(info *opInfo, config *Config) (code, error) {
	if info.code.text != "" && (info.op.Version != "" || info.op.Strategy == nil && b.jobStrategy() == nil) {
		return info.code, nil
	}
	var value any
	if config != nil {
		value = config.Go
	}
	text, err := opText(info, b.jobStrategy(), value)
	if err != nil {
		return code{}, err
	}
	return opCode(b.hash, info, text), nil
}
