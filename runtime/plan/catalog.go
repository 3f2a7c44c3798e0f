package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Catalog is all that a binary offers to run: the definitions of several packages as one. It is read-only after
// [NewCatalog] and safe for concurrent use.
type Catalog struct {
	packages  []packageInfo // in the order given, each package once
	ops       []*opInfo     // sorted by key
	resources []*resourceInfo
	jobs      []*dag.JobDef

	opByKey    map[string]*opInfo
	opBySymbol map[string]*opInfo
	assetByKey map[string]assetRef
	shares     map[*dag.Op]*opInfo // of functions of which each asset is a step, see [opInfo.share]
	*resourceSet
	jobByKey     map[string]*dag.JobDef
	graphs       map[string]*Graph       // of jobs, by key
	jobResources map[string]*resourceSet // of jobs that have resources of their own, by key

	assets *Graph // all assets and sources
}

// packageInfo is one Definitions with its manifest read.
type packageInfo struct {
	definitions dag.Definitions
	manifest    *manifest.Manifest
	closures    *closures
	more        []*dag.JobDef // of the same package, given once more
}

// opInfo is an op with what is known of it before any run.
type opInfo struct {
	op      *dag.Op
	pkg     *packageInfo
	hash    string       // its source hash, "sha256:..."; empty where the manifest has none
	shape   canon.Digest // of the names and types of its inputs and outputs
	code    code         // by version= or source hash; its text is empty where the manifest has no entry
	store   *opInfo      // of an asset that is a graph: the step that stores what the graph gives
	inputs  []link       // of an asset: where its inputs come from, one for each; none for what the run config feeds
	deps    []link       // likewise, of its deps
	whole   *dag.Op      // the function of which this is one of the assets; nil for an op that is all of its function
	closure lazyClosure
}

type resourceInfo struct {
	resource *dag.Resource
	pkg      *packageInfo
	hash     string
	closure  lazyClosure
}

// assetRef is where an asset key is made.
type assetRef struct {
	op     *opInfo
	output int // index into Op.Outputs; -1 for an asset without a value
}

// NewCatalog merges the definitions of several packages. The same symbol with the same code version is one definition.
//
// The error is a [*StaleError] where two packages disagree about one symbol or a manifest cannot be read, and otherwise an [*Error] with all that is wrong: two
// definitions with one key, an input fed by an asset that nobody defines or whose Go type is another, a cycle.
func NewCatalog(defs ...dag.Definitions) (*Catalog, error) {
	c := &Catalog{
		opByKey: map[string]*opInfo{}, opBySymbol: map[string]*opInfo{}, assetByKey: map[string]assetRef{}, shares: map[*dag.Op]*opInfo{},
		resourceSet: &resourceSet{resourceByKey: map[string]*resourceInfo{}}, jobByKey: map[string]*dag.JobDef{},
	}
	if err := c.addPackages(defs); err != nil {
		return nil, err
	}
	var wrong problems
	for i := range c.packages {
		if err := c.addDefinitions(&c.packages[i], &wrong); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(c.ops, func(a, b *opInfo) int { return strings.Compare(a.op.Key, b.op.Key) })
	slices.SortFunc(c.resources, func(a, b *resourceInfo) int { return strings.Compare(a.resource.Key, b.resource.Key) })
	slices.SortFunc(c.jobs, func(a, b *dag.JobDef) int { return strings.Compare(a.Key, b.Key) })
	c.checkResources(&wrong)
	c.earlierKeys(&wrong)
	h := NewHasher()
	for _, o := range c.ops {
		o.shape = opShape(o.op)
		if text := cmp.Or(o.op.Version, o.hash); text != "" {
			o.code = opCode(h, o, text)
		}
		if o.op.Graph != nil {
			o.store = storing(h, o)
		}
	}
	if len(wrong) == 0 { // a graph over half a catalog would only repeat the problems above
		c.assets = c.assetGraph(&wrong)
		c.compileJobs(&wrong)
		c.jobOptions(&wrong)
		c.jobPartitions(&wrong)
		c.assetJobs(&wrong)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Catalog) addPackages(defs []dag.Definitions) error {
	seen := map[string]int{}
	for _, d := range append(slices.Clip(defs), usedBy(defs)...) {
		if at, again := seen[d.Package]; again {
			c.packages[at].more = append(c.packages[at].more, d.Jobs...)
			continue
		}
		seen[d.Package] = len(c.packages)
		m, err := manifest.Parse(d.Manifest)
		if err != nil {
			return &StaleError{Reason: fmt.Sprintf("the manifest of package %s cannot be read: %v", d.Package, err), Command: "go generate ./..."}
		}
		c.packages = append(c.packages, packageInfo{definitions: d, manifest: m, closures: newClosures(m)})
	}
	return nil
}

// addDefinitions takes in the ops, resources and jobs of one package.
func (c *Catalog) addDefinitions(p *packageInfo, wrong *problems) error {
	hash := func(symbol string) string {
		if v, ok := p.manifest.Version(symbol); ok {
			return v.String()
		}
		return ""
	}
	for _, op := range p.definitions.Ops {
		if known := c.opBySymbol[op.Symbol]; known != nil {
			if known.hash != hash(op.Symbol) || !sameOp(known.op, op) {
				return disagree(op.Symbol, known.pkg, p)
			}
			continue
		}
		info := &opInfo{op: op, pkg: p, hash: hash(op.Symbol)}
		c.opBySymbol[op.Symbol] = info
		if shares := info.shares(); shares != nil {
			c.addShares(info, shares, wrong)
			continue
		}
		c.addOp(info, wrong)
	}
	for _, r := range p.definitions.Resources {
		if known := c.resourceByKey[r.Key]; known != nil {
			switch {
			case known.resource.Symbol != r.Symbol:
				wrong.add("duplicate_key", "two resources have the key %q: %s and %s; give one of them another with name=", r.Key, known.resource.Symbol, r.Symbol)
			case known.hash != hash(r.Symbol) || known.resource.Version != r.Version:
				return disagree(r.Symbol, known.pkg, p)
			}
			continue
		}
		info := &resourceInfo{resource: r, pkg: p, hash: hash(r.Symbol)}
		c.resourceByKey[r.Key] = info
		c.resources = append(c.resources, info)
	}
	for _, j := range slices.Concat(p.definitions.Jobs, p.more) {
		if j == nil {
			wrong.add("bad_job", "a job that was added to the definitions of %s is the zero value; look at the error of the graph that it is made of", p.definitions.Package)
			continue
		}
		if known := c.jobByKey[j.Key]; known != nil {
			switch {
			case known == j, known.Symbol == j.Symbol && known.Select == "" && j.Select == "" && known.Uses == nil && j.Uses == nil: // one job
			case known.Uses == nil && j.Uses == nil && known.Select == "" && j.Select == "":
				wrong.add("duplicate_key", "two jobs have the key %q: %s and %s; give one of them another with name=", j.Key, known.Symbol, j.Symbol)
			default:
				wrong.add("duplicate_key", "two jobs have the key %q; give one of them another: dag.JobOptions{Key: ...}", j.Key)
			}
			continue
		}
		c.jobByKey[j.Key] = j
		c.jobs = append(c.jobs, j)
	}
	return nil
}

// addOp takes in an op.
func (c *Catalog) addOp(info *opInfo, wrong *problems) {
	op := info.op
	c.ops = append(c.ops, info)
	if known := c.opByKey[op.Key]; known != nil {
		wrong.add("duplicate_key", "two definitions have the key %q: %s and %s; give one of them another with name=", op.Key, known.op.Symbol, op.Symbol)
		return
	}
	c.opByKey[op.Key] = info
	c.addAssets(info, wrong)
}

// storing is the op of the step that stores what an asset that is a graph gives, under the key of the asset. It hands on what it gets, so its
// code never changes.
func storing(h *Hasher, o *opInfo) *opInfo {
	op := *o.op
	op.Graph, op.Inputs, op.Version, op.Strategy, op.Config, op.Resources, op.Volatile = nil, make([]dag.Input, len(op.Outputs)), "graph", nil, nil, nil, false
	for i := range op.Outputs {
		op.Inputs[i] = dag.Input{Name: op.Outputs[i].Name, Type: op.Outputs[i].Type}
	}
	op.Invoke = func(_ context.Context, c *dag.Call) error {
		copy(c.Out, c.In)
		return nil
	}
	info := &opInfo{op: &op, pkg: o.pkg, shape: opShape(&op)}
	info.code = opCode(h, info, op.Version)
	return info
}

func (c *Catalog) addAssets(info *opInfo, wrong *problems) {
	op := info.op
	if op.Kind == dag.KindOp || op.Kind == dag.KindCheck {
		return
	}
	if d := op.Partitions; d != nil && d.Err() != nil {
		wrong.add("bad_partitions", "asset %q: its partitions are wrong: %v", op.Key, d.Err())
	}
	add := func(key string, output int) {
		if known, ok := c.assetByKey[key]; ok {
			wrong.add("duplicate_key", "two assets have the key %q: %s and %s; give one of them another with name=", key, known.op.op.Symbol, op.Symbol)
			return
		}
		c.assetByKey[key] = assetRef{info, output}
	}
	for i, out := range op.Outputs {
		add(assetKey(op, &out), i)
	}
	if len(op.Outputs) == 0 {
		add(op.Key, -1)
	}
}

// assetKey is the key of an output of an asset.
func assetKey(op *dag.Op, out *dag.Output) string {
	if out.Asset == "" {
		return op.Key
	}
	return out.Asset
}

func disagree(symbol string, a, b *packageInfo) error {
	return &StaleError{
		Reason:  fmt.Sprintf("packages %s and %s were generated from different states of %s", a.definitions.Package, b.definitions.Package, symbol),
		Command: "go generate ./...",
	}
}

// sameOp reports whether two definitions of one symbol with one code version say the same; directives are no part of the version.
func sameOp(a, b *dag.Op) bool {
	return a == b || samePartitions(a, b) && a.Kind == b.Kind && a.Key == b.Key && a.Volatile == b.Volatile && a.Subset == b.Subset && a.Share == b.Share && a.Version == b.Version && a.IO == b.IO &&
		slices.EqualFunc(a.Inputs, b.Inputs, func(x, y dag.Input) bool {
			return x.Name == y.Name && x.Asset == y.Asset && x.Type.Name == y.Type.Name
		}) &&
		slices.EqualFunc(a.Outputs, b.Outputs, func(x, y dag.Output) bool {
			return x.Name == y.Name && x.Asset == y.Asset && x.Type.Name == y.Type.Name
		}) &&
		slices.Equal(a.Resources, b.Resources) && slices.Equal(a.Deps, b.Deps) && slices.Equal(a.Env, b.Env) && sameCheck(a.Check, b.Check) &&
		slices.Equal(a.Was, b.Was)
}

func sameCheck(a, b *dag.CheckDef) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// Definitions returns the merged packages in the order they were given.
func (c *Catalog) Definitions() []dag.Definitions {
	defs := make([]dag.Definitions, len(c.packages))
	for i := range c.packages {
		defs[i] = c.packages[i].definitions
	}
	return defs
}

// Manifests returns the manifest of each package, in the order of [Catalog.Definitions].
func (c *Catalog) Manifests() []*manifest.Manifest {
	ms := make([]*manifest.Manifest, len(c.packages))
	for i := range c.packages {
		ms[i] = c.packages[i].manifest
	}
	return ms
}

// Ops returns all ops, assets, sources and checks, sorted by key.
func (c *Catalog) Ops() []*dag.Op {
	ops := make([]*dag.Op, len(c.ops))
	for i, o := range c.ops {
		ops[i] = o.op
	}
	return ops
}

// Assets returns the ops that are assets or sources, in plan order: upstream first.
func (c *Catalog) Assets() []*dag.Op {
	ops := make([]*dag.Op, 0, len(c.assets.Nodes))
	for i := range c.assets.Nodes {
		if c.assets.unit[i] == int32(i) && c.assets.Nodes[i].Op.Check == nil { // not inside of another
			ops = append(ops, c.infoOf(c.assets.Nodes[i].Op).op)
		}
	}
	return ops
}

// Checks returns the checks of an asset, sorted by key; with an empty key those of all.
func (c *Catalog) Checks(asset string) (ops []*dag.Op) {
	for _, o := range c.ops {
		if o.op.Check != nil && (asset == "" || o.op.Check.Asset == asset) {
			ops = append(ops, o.op)
		}
	}
	return ops
}

// Resources returns all resources, sorted by key.
func (c *Catalog) Resources() []*dag.Resource {
	rs := make([]*dag.Resource, len(c.resources))
	for i, r := range c.resources {
		rs[i] = r.resource
	}
	return rs
}

// Jobs returns all jobs, sorted by key.
func (c *Catalog) Jobs() []*dag.JobDef { return slices.Clone(c.jobs) }

// Op returns the op, asset or source with a key; the error names the nearest one.
func (c *Catalog) Op(key string) (*dag.Op, error) {
	if o := c.opByKey[key]; o != nil {
		return o.op, nil
	}
	keys := make([]string, len(c.ops))
	for i, o := range c.ops {
		keys[i] = o.op.Key
	}
	return nil, &Error{[]Problem{{Code: "unknown_key", Message: fmt.Sprintf("no op or asset %q%s", key, nearest.Hint(key, keys))}}}
}

// Job returns the job with a key; the error names the nearest one, or all where there are few.
func (c *Catalog) Job(key string) (*dag.JobDef, error) {
	if j := c.jobByKey[key]; j != nil {
		return j, nil
	}
	keys := make([]string, len(c.jobs))
	for i, j := range c.jobs {
		keys[i] = j.Key
	}
	hint := nearest.Hint(key, keys)
	switch {
	case hint != "":
	case len(keys) == 0:
		hint = "; no package defines a job"
	case len(keys) <= 10:
		hint = "; there is " + strings.Join(keys, ", ")
	}
	return nil, &Error{[]Problem{{Code: "unknown_job", Message: fmt.Sprintf("no job %q%s", key, hint)}}}
}

// JobNodes returns the places where a job and the graphs that it calls call ops, in source order.
func (c *Catalog) JobNodes(j *dag.JobDef) []Node { return c.graphs[j.Key].Nodes }

// AssetOp returns the op that makes an asset and the index of the output, -1 for an asset without a value.
func (c *Catalog) AssetOp(key string) (op *dag.Op, output int, ok bool) {
	r, ok := c.assetByKey[key]
	if !ok {
		return nil, 0, false
	}
	return r.op.op, r.output, true
}

// AssetKeys returns the keys of all assets and sources, sorted.
func (c *Catalog) AssetKeys() []string {
	keys := make([]string, 0, len(c.assetByKey))
	for k := range c.assetByKey {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Code returns the source hash of an annotated symbol, "sha256:...".
func (c *Catalog) Code(symbol string) (string, bool) {
	for i := range c.packages {
		if v, ok := c.packages[i].manifest.Version(symbol); ok {
			return v.String(), true
		}
	}
	return "", false
}
