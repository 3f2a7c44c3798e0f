package plan

import (
	"context"
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Lookup answers what is stored, in batches. A record that cannot be read is simply not in the answer; an error means that nothing can be
// read at all. A [storage.Store] has all but the last two methods.
type Lookup interface {
	RecordsByStep(ctx context.Context, steps []canon.Digest) (map[canon.Digest]*storage.Record, error)
	RecordsByContent(ctx context.Context, contents []canon.Digest) (map[canon.Digest]*storage.Record, error)
	Latest(ctx context.Context, identities []string) (map[string]*storage.Record, error)
	Manifests(ctx context.Context, digests []canon.Digest) (map[canon.Digest][]byte, error)

	// Check says for each stored step what is wrong with its outputs: "" if they can all be loaded, otherwise text such as
	// "blob sha256:ab... is missing".
	Check(ctx context.Context, stored []Stored) []string
	// Memoizable reports whether the IO manager with this resource key can say what it has stored.
	Memoizable(ctx context.Context, io string) (bool, error)
}

// Stored is a record that would stand for a step.
type Stored struct {
	Step   *Step
	Record *storage.Record
}

// A Request is all that a plan is a function of, beside what is stored.
type Request struct {
	Target    *Target
	Tags      map[string]string                        // of the run; the job's own are read from it
	NoMemo    bool                                     // --no-memo
	Configs   map[string]*Config                       // of ops, by key of the node; one for every selected node and source that takes config
	Resources map[string]*Config                       // of resources, by key
	Replaced  map[string]bool                          // resources replaced by values
	Params    []any                                    // one for each parameter of the job
	Observed  map[int32]*Observation                   // of each of Target.Sources
	Encode    func(t *dag.Type, v any) ([]byte, error) // canonical bytes of a literal or parameter
	Position  func(symbol string) string               // "stats.go:12" of a declaration, or ""; nil for none
	Env       func(name string) (string, bool)         // the environment, for what depends on variables of it; nil where none is set
}

// Build makes the plan of a request. With a nil look everything runs. The error is an [*Error] for what the user can mend, or that of look.
func Build(ctx context.Context, r Request, look Lookup) (*Plan, error) {
	b := &builder{Request: r, look: look, ctx: ctx, hash: NewHasher(), static: make([]*opStatic, len(r.Target.Catalog.ops))}
	b.plan = &Plan{Target: r.Target, All: make([]*Step, len(r.Target.Graph.Nodes))}
	if r.Target.Job != nil {
		b.plan.Job = r.Target.Job.Key
	}
	for _, phase := range []func() error{b.memoization, b.lay, b.externals, b.versions, b.decide, b.explain} {
		if err := phase(); err != nil {
			return nil, err
		}
	}
	return b.plan, nil
}

type builder struct {
	Request
	ctx  context.Context
	look Lookup
	hash *Hasher
	plan *Plan

	memo   bool   // the run is memoized
	off    string // why not
	static []*opStatic
	params []canon.Digest // versions of the job's parameters, where asked for
	byStep map[canon.Digest]*storage.Record
	was    map[canon.Digest]*storedManifest // of the steps that are explained now
	env    map[string]canon.Digest          // of the variables that were asked for
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
		return false, "", &Error{[]Problem{{"bad_tag", fmt.Sprintf("tag %s %s is %q; it must be exactly \"true\" or \"false\"", dag.MemoizedRunTag, where, value)}}}
	case noMemo:
		return false, "memoization is off for this run (--no-memo)", nil
	case ok && value == "false":
		return false, fmt.Sprintf("memoization is off: tag %s=false %s", dag.MemoizedRunTag, where), nil
	}
	return true, "", nil
}

func (b *builder) memoization() (err error) {
	b.memo, b.off, err = Memoized(b.Target.Job, b.Tags, b.NoMemo)
	b.plan.Memo = b.memo
	return err
}

// lay makes the steps: selected ones, and hidden ones for what they need from elsewhere.
func (b *builder) lay() error {
	t := b.Target
	slab := make([]Step, len(t.Selected)+len(t.Sources)+len(t.External))
	inputs, outputs := 0, 0
	each := func(nodes []int32, lay func(i int32)) {
		for _, i := range nodes {
			if b.plan.All[i] == nil {
				lay(i)
			}
		}
	}
	place := func(i int32) {
		s := &slab[0]
		slab = slab[1:]
		n := &t.Graph.Nodes[i]
		*s = Step{Node: n, Index: int(i), Hidden: !t.selected[i], Recorded: true}
		b.plan.All[i] = s
		inputs += len(n.Inputs) + len(n.Deps)
		outputs += max(1, len(n.Op.Outputs))
	}
	each(t.Selected, place)
	each(t.Sources, place)
	each(t.External, place)
	b.plan.Steps = make([]*Step, len(t.Selected))
	for k, i := range t.Selected {
		b.plan.Steps[k] = b.plan.All[i]
	}
	// One array for the versions of all inputs and outputs: a plan of 10,000 steps makes a dozen allocations, not 50,000.
	digests := make([]canon.Digest, 2*inputs+outputs)
	cut := func(n int) []canon.Digest {
		d := digests[:n:n]
		digests = digests[n:]
		return d
	}
	for _, s := range b.plan.All {
		if s != nil {
			n := len(s.Inputs) + len(s.Deps)
			s.Versions, s.Data, s.Outputs = cut(n), cut(n), cut(max(1, len(s.Op.Outputs)))
		}
	}
	return nil
}

// externals finds the stored outputs of unselected steps that selected ones take.
func (b *builder) externals() error {
	if len(b.Target.External) == 0 {
		return nil
	}
	ids := make([]string, len(b.Target.External))
	for k, i := range b.Target.External {
		ids[k] = b.plan.All[i].Identity
	}
	var latest map[string]*storage.Record
	if b.look != nil {
		var err error
		if latest, err = b.look.Latest(b.ctx, ids); err != nil {
			return err
		}
	}
	var wrong problems
	for _, i := range b.Target.External {
		s := b.plan.All[i]
		s.Action = Reuse
		s.Record = latest[s.Identity]
		if s.Record == nil || !hasOutputs(s.Op, s.Record) {
			user := b.Target.Graph.Consumers(int(i))
			for _, c := range user {
				if b.Target.selected[c] {
					wrong.add("not_stored", "%s needs %q, which is not selected and has never been stored; select %q, or run %q first",
						b.describe(c), s.Key, "+"+b.Target.Graph.Nodes[c].Key, s.Key)
					break
				}
			}
		}
	}
	return wrong.err()
}

func (b *builder) describe(i int32) string {
	n := &b.Target.Graph.Nodes[i]
	if b.Target.Job != nil {
		return fmt.Sprintf("step %q", n.Key)
	}
	return fmt.Sprintf("asset %q", n.Key)
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
func (b *builder) versions() error {
	var wrong problems
	for _, level := range b.Target.Graph.levels {
		for _, i := range level {
			s := b.plan.All[i]
			if s == nil {
				continue
			}
			switch {
			case s.source():
				b.observe(s)
			case s.Hidden:
				b.stored(s)
			default:
				b.version(s, &wrong)
			}
		}
	}
	return wrong.err()
}

// observe gives a source the version of its data.
func (b *builder) observe(s *Step) {
	s.Observed = b.Observed[int32(s.Index)]
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
	if s.Op.Config != nil {
		if s.Config = b.Configs[s.Key]; s.Config == nil {
			wrong.add("config", "%s %q has no config value", s.Op.Kind, s.Key)
			return
		}
	}
	static, err := b.staticOf(s.info)
	if err == nil {
		s.static = static
		s.code, err = b.codeOf(s)
	}
	if err != nil {
		wrong.add("version", "%v", err)
		return
	}
	s.Code = s.code.text
	known := true
	for k := range s.Node.Inputs {
		v, ok := b.inputVersion(s, k, wrong)
		known = known && ok
		s.Versions[k] = v
	}
	for k, e := range s.Deps {
		up := b.plan.All[e.Node]
		known = known && !up.Version.IsZero()
		s.Versions[len(s.Inputs)+k] = up.Outputs[max(0, e.Output)]
	}
	if !known {
		return
	}
	s.Version = b.hash.step(domainStep, s, s.Versions)
	for k := range s.Op.Outputs {
		s.Outputs[k] = b.hash.output(s.Version, s.Op.Outputs[k].Name)
	}
	if len(s.Op.Outputs) == 0 {
		s.Outputs[0] = b.hash.output(s.Version, "")
	}
}

// inputVersion returns the version of input k; ok is false below a source that could not be observed.
func (b *builder) inputVersion(s *Step, k int, wrong *problems) (v canon.Digest, ok bool) {
	e := &s.Node.Inputs[k]
	var err error
	switch e.Kind {
	case FromStep:
		up := b.plan.All[e.Node]
		return up.Outputs[e.Output], !up.Version.IsZero()
	case FromParam:
		if v, err = b.param(e.Param); err != nil {
			wrong.add("input", "parameter %s of job %q: %v", b.Target.Job.Params[e.Param].Name, b.plan.Job, err)
		}
	default:
		if v, err = b.hash.value(s.Op.Inputs[k].Type, e.Value, b.Encode); err != nil {
			wrong.add("input", "input %s of step %q: %v", s.Op.Inputs[k].Name, s.Key, err)
		}
	}
	s.Data[k] = v // of a value the version is the truth too
	return v, true
}

func (b *builder) param(i int32) (canon.Digest, error) {
	if b.params == nil {
		b.params = make([]canon.Digest, len(b.Target.Job.Params))
	}
	if b.params[i].IsZero() {
		v, err := b.hash.value(b.Target.Job.Params[i].Type, b.Params[i], b.Encode)
		if err != nil {
			return v, err
		}
		b.params[i] = v
	}
	return b.params[i], nil
}

// staticOf computes once per op what its steps share.
func (b *builder) staticOf(info *opInfo) (*opStatic, error) {
	if s := b.static[info.index]; s != nil {
		return s, nil
	}
	s := &opStatic{env: b.variables(info.op.Env)}
	if len(info.op.Resources) > 0 {
		strategy := info.op.Strategy
		if strategy == nil {
			strategy = b.jobStrategy()
		}
		done, err := b.resourceVersions(info.op.Resources, strategy)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", info.op.Kind, info.op.Key, err)
		}
		for _, u := range info.op.Resources {
			s.resources = append(s.resources, done[u.Key].Version)
			s.replaced = s.replaced || done[u.Key].Replaced
		}
		for _, r := range b.Target.Catalog.resourceOrder {
			if v := done[r.resource.Key]; v != nil {
				s.reached = append(s.reached, v)
			}
		}
	}
	b.static[info.index] = s
	return s, nil
}

func (b *builder) jobStrategy() dag.VersionStrategy {
	if b.Target.Job == nil {
		return nil
	}
	return b.Target.Job.Strategy
}

// resourceVersions computes the versions of resources and of all they take, in topological order.
func (b *builder) resourceVersions(uses []dag.ResourceUse, strategy dag.VersionStrategy) (map[string]*ResourceVersion, error) {
	c := b.Target.Catalog
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
		if r.Config != nil && config == nil {
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

// codeOf is the code version of a step. That of a strategy may depend on config; the others are known before any run.
func (b *builder) codeOf(s *Step) (code, error) {
	if s.info.code.text != "" && (s.Op.Version != "" || s.Op.Strategy == nil && b.jobStrategy() == nil) {
		return s.info.code, nil
	}
	var config any
	if s.Config != nil {
		config = s.Config.Go
	}
	text, err := opText(s.info, b.jobStrategy(), config)
	if err != nil {
		return code{}, err
	}
	return opCode(b.hash, s.info, text), nil
}
