package compare

import (
	"cmp"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/internal/rules"
)

// A Snapshot is what one state of a project defines, as plain values.
type Snapshot struct {
	Name     string // of the state, for people: "HEAD (1f2e3d4)", "the work tree"
	Things   []Thing
	Units    []Unit
	Manifest *manifest.Manifest
	Places   map[string]string // symbols and node names -> "file:line:col"
	Modules  map[string]string // import paths of packages of other modules -> "v1.2.3"
}

// A Thing is an annotated declaration, or a version strategy.
type Thing struct {
	Kind    string // "op", "asset", "source", "check", "resource", "config", "job", "strategy"; in a binary: "func", "method", "type", "var"
	Key     string // its key; its Go name where it has none
	Package string // import path
	Symbol  string

	// Versioned is set where the version of the thing is part of that of a step. That of a config type or of a job is not: ops that take the type reach
	// it, and the steps of a job have versions of their own.
	Versioned bool
	Pinned    string // the version= argument, which counts instead of the code
	Strategy  string // symbol of the strategy that gives the version when a run is planned
	Facts     []Fact // what else its declaration says, in a fixed order
}

// A Fact is one thing that a declaration says, such as its signature or the default of a config field.
type Fact struct{ Name, Value string }

// A Unit is a step that may run: an op of a job's graph, or the op of an asset or source.
type Unit struct {
	Package   string
	Job       string // empty for assets
	Key       string
	Symbol    string // of the op
	Strategy  string // that of the job, or of the asset
	Resources []string
	Env       []string // environment variables whose values count for it or a resource of it, sorted
	Wiring    []Fact   // where each input comes from
	Upstream  []string // ids of units, sorted
}

func (u Unit) id() string { return unitID(u.Package, u.Job, u.Key) }

func unitID(pkg, job, key string) string { return pkg + "\x00" + job + "\x00" + key }

// id is what stays the same when a function gets another name but keeps its key.
func (t Thing) id() string {
	kind := t.Kind
	switch annotations.Kind(kind) {
	case annotations.Asset, annotations.Source:
		kind = string(annotations.Op) // an op may become an asset
	}
	return kind + "\x00" + t.Package + "\x00" + t.Key
}

// Take makes the snapshot of an analysis without errors: of the packages that were asked for and the local ones they import. The function place gives the
// name to show for a file of the analysis.
func Take(a *gen.Analysis, name string, place func(file string) string) (Snapshot, diag.List) {
	s := Snapshot{Name: name, Places: map[string]string{}, Modules: map[string]string{}}
	at := func(pos token.Position) string {
		pos.Filename = filepath.ToSlash(place(pos.Filename))
		return pos.String()
	}
	t := taker{a: a, s: &s, at: at, producers: map[string]*model.Op{}}
	pkgs := visible(a)
	for _, p := range pkgs {
		for _, op := range p.Ops {
			if op.Kind == annotations.Op || op.Check != nil {
				continue
			}
			for _, o := range op.Outputs {
				t.producers[o.Asset] = op
			}
			if len(op.Outputs) == 0 {
				t.producers[op.Key] = op
			}
		}
	}
	for _, p := range pkgs {
		t.take(p)
	}
	s.Things = append(s.Things, t.strategies...)
	slices.SortFunc(s.Things, func(x, y Thing) int {
		return cmp.Or(cmp.Compare(x.Package, y.Package), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Key, y.Key), cmp.Compare(x.Symbol, y.Symbol))
	})
	s.Things = slices.CompactFunc(s.Things, func(x, y Thing) bool { return x.Kind == y.Kind && x.Symbol == y.Symbol }) // a strategy that several name
	var symbols []string
	for _, thing := range s.Things {
		if thing.Versioned {
			symbols = append(symbols, thing.Symbol)
		}
	}
	m, diags := a.Versions.Manifest(symbols)
	s.Manifest = m
	for _, n := range m.Nodes {
		if pos := a.Versions.Pos(n.Name); pos.IsValid() {
			s.Places[n.Name] = at(pos)
		}
		if p := a.Program.Packages[n.Name]; n.Kind == manifest.KindExt && p != nil && p.Module != nil {
			s.Modules[n.Name] = p.Module.Version
		}
	}
	return s, diags
}

func visible(a *gen.Analysis) []*model.Package {
	var out []*model.Package
	for _, p := range a.Targets {
		out = append(out, p.Visible()...)
	}
	slices.SortFunc(out, func(x, y *model.Package) int { return strings.Compare(x.Path, y.Path) })
	return slices.Compact(out)
}

// A taker collects one snapshot.
type taker struct {
	a         *gen.Analysis
	s         *Snapshot
	at        func(token.Position) string
	producers map[string]*model.Op // by asset key

	strategies []Thing
}

func (t *taker) take(p *model.Package) {
	for _, op := range append(p.Instances(), p.Ops...) {
		thing := t.add(&op.Decl, op.Graph == nil)
		thing.Strategy = t.strategy(op.Strategy)
		thing.Facts = append(signature(&op.Func), opFacts(op)...)
		if op.Kind != annotations.Op {
			t.s.Units = append(t.s.Units, t.assetUnit(op))
		}
	}
	for _, r := range p.Resources {
		t.add(&r.Decl, true).Facts = append(signature(&r.Func), facts("env", strings.Join(r.Env, ", "))...)
	}
	for _, d := range p.Partitions {
		t.add(&d.Decl, false)
	}
	for _, c := range p.Configs {
		thing := t.add(&c.Decl, false)
		thing.Key = cmp.Or(c.Key, c.GoName)
		thing.Facts = fieldFacts(nil, "", c.Fields)
	}
	for _, g := range p.Graphs {
		t.add(&g.Decl, false).Facts = signature(&g.Func)
	}
	for _, j := range p.Jobs {
		thing := t.add(&j.Decl, false)
		thing.Facts = append(signature(&j.Func), facts("executor", j.Executor, "strategy", t.strategy(j.Strategy))...)
		for _, l := range j.Leaves() {
			t.s.Units = append(t.s.Units, t.jobUnit(j, l))
		}
	}
}

func (t *taker) add(d *model.Decl, versioned bool) *Thing {
	t.s.Places[d.Symbol] = t.at(t.a.Program.Position(d.Pos))
	t.s.Things = append(t.s.Things, Thing{
		Kind: string(d.Kind), Key: cmp.Or(d.Key, d.GoName), Package: d.Pkg.Path, Symbol: d.Symbol, Versioned: versioned, Pinned: d.Version,
	})
	return &t.s.Things[len(t.s.Things)-1]
}

// strategy returns the symbol of s and makes it a thing: its code counts where it decides.
func (t *taker) strategy(s *model.Strategy) string {
	if s == nil {
		return ""
	}
	t.s.Places[s.Symbol] = t.at(t.a.Program.Position(s.Obj.Pos()))
	t.strategies = append(t.strategies, Thing{Kind: "strategy", Key: s.Obj.Name(), Package: s.Obj.Pkg().Path(), Symbol: s.Symbol, Versioned: true})
	return s.Symbol
}

func (t *taker) assetUnit(op *model.Op) Unit {
	u := Unit{Package: op.Pkg.Path, Key: op.Key, Symbol: op.Symbol}
	u.Resources, u.Env = resources(op)
	if op.Strategy != nil {
		u.Strategy = op.Strategy.Symbol
	}
	for _, in := range op.Inputs {
		u.Wiring = append(u.Wiring, Fact{in.Name, in.Asset})
		t.above(&u, in.Asset)
	}
	for _, dep := range op.Deps {
		t.above(&u, dep.Key)
	}
	u.Upstream = sortedSet(u.Upstream)
	return u
}

func (t *taker) above(u *Unit, asset string) {
	if op := t.producers[asset]; op != nil {
		u.Upstream = append(u.Upstream, unitID(op.Pkg.Path, "", op.Key))
	}
}

// jobUnit is a step of a job, or the steps that a loop makes of one call.
func (t *taker) jobUnit(j *model.Job, l *model.Leaf) Unit {
	n := l.Node
	u := Unit{Package: j.Pkg.Path, Job: j.Key, Key: l.Key, Symbol: n.Op.Symbol}
	u.Resources, u.Env = resources(n.Op)
	if j.Strategy != nil {
		u.Strategy = j.Strategy.Symbol
	} else if n.Op.Strategy != nil {
		u.Strategy = n.Op.Strategy.Symbol
	}
	above := func(from []model.Source) {
		for _, s := range from {
			if s.Leaf != nil {
				u.Upstream = append(u.Upstream, unitID(j.Pkg.Path, j.Key, s.Leaf.Key))
			}
		}
	}
	wire := func(name string, b *model.Binding) {
		if b == nil {
			return
		}
		from := l.Sources(b)
		above(from)
		u.Wiring = append(u.Wiring, Fact{name, wiring(b, from)})
	}
	for i, b := range n.Inputs {
		wire(n.Op.Inputs[i].Name, b)
	}
	wire("config", n.Config)
	for _, f := range l.Functions() {
		u.Wiring = append(u.Wiring, Fact{"config, made by " + f.Name(), t.code(model.SymbolOf(f))})
	}
	above(l.Control())
	u.Upstream = slices.DeleteFunc(sortedSet(u.Upstream), func(id string) bool { return id == unitID(j.Pkg.Path, j.Key, l.Key) }) // of an iteration before
	return u
}

// code is the version of a function that makes configs, short.
func (t *taker) code(symbol string) string {
	m, _ := t.a.Versions.Manifest([]string{symbol}) // what is wrong with it is reported by who reaches it
	if v, ok := m.Version(symbol); ok {
		return v.Short()
	}
	return ""
}

// wiring says where a value comes from: what it is made of, and what the body does with that.
func wiring(b *model.Binding, from []model.Source) string {
	var parts []string
	for _, s := range from {
		switch {
		case s.Param != nil:
			parts = append(parts, "the job's "+s.Param.Name)
		case s.Lit != nil:
			parts = append(parts, literal(s.Lit))
		case len(s.Leaf.Node.Op.Outputs) > 1:
			parts = append(parts, s.Leaf.Key+"."+s.Leaf.Node.Op.Outputs[s.Output].Name)
		default:
			parts = append(parts, s.Leaf.Key)
		}
	}
	text := strings.Join(parts, ", ")
	if b.Kind == model.FromParam || b.Kind == model.FromNode || b.Kind == model.FromLiteral {
		return text
	}
	return made(b) + " of " + text
}

// made says what a body does to get a value.
func made(b *model.Binding) string {
	switch b.Kind {
	case model.FromElem:
		return "element"
	case model.FromKey:
		return "index"
	case model.FromField:
		return b.Name
	case model.FromParts:
		return b.Name
	}
	return strings.ToLower(strings.TrimPrefix(string(b.Kind), "From"))
}

// resources are the symbols of all resources that op takes, and those take, and the environment variables that count for them or op; sorted.
func resources(op *model.Op) (out, env []string) {
	seen := map[*model.Resource]bool{}
	env = slices.Clone(op.Env)
	var visit func([]model.ResourceUse)
	visit = func(uses []model.ResourceUse) {
		for _, use := range uses {
			if r := use.Resource; r != nil && !seen[r] {
				seen[r] = true
				out = append(out, r.Symbol)
				env = append(env, r.Env...)
				visit(r.Resources)
			}
		}
	}
	visit(op.Resources)
	return sortedSet(out), sortedSet(env)
}

func signature(f *model.Func) []Fact {
	text := types.TypeString(f.Obj.Type(), func(p *types.Package) string {
		if p == f.Obj.Pkg() {
			return ""
		}
		return p.Name()
	})
	var out []Fact
	if f.Recv != nil {
		out = facts("receiver", model.Short(f.Recv.Type, f.Obj.Pkg()))
	}
	return append(out, Fact{"signature", text})
}

func opFacts(op *model.Op) []Fact {
	var io string
	if op.IO != nil {
		io = op.IO.Key
	}
	var deps []string
	for _, d := range op.Deps {
		deps = append(deps, d.Key)
	}
	var partitions string
	if op.Partitions != nil {
		partitions = op.Partitions.Key
	}
	out := facts("partitions", partitions, "volatile", truth(op.Volatile), "subset", truth(op.Subset), "external", truth(op.External), "share", truth(op.Share), "io", io, "group", op.Group, "deps", strings.Join(sortedSet(deps), ", "), "env", strings.Join(op.Env, ", "))
	if op.Kind != annotations.Op {
		for _, in := range op.Inputs {
			out = append(out, Fact{"input " + in.Name, in.Asset})
			if in.Mapping != nil {
				out = append(out, Fact{"mapping " + in.Name, in.Mapping.Name()})
			}
		}
	}
	if op.Fresh > 0 {
		out = append(out, Fact{"freshness", op.Fresh.String()})
	}
	if c := op.Check; c != nil {
		out = append(out, facts("warn", truth(c.Warn), "blocking", truth(c.Blocking))...)
	}
	return out
}

// fieldFacts says what each field of a config accepts, nested ones under their dotted names.
func fieldFacts(out []Fact, prefix string, fields []*model.Field) []Fact {
	for _, f := range fields {
		name := prefix + f.Name
		out = append(out, Fact{"field " + name, fieldText(f)})
		sub := f
		for sub.Elem != nil {
			sub = sub.Elem
		}
		out = fieldFacts(out, name+".", sub.Fields)
	}
	return out
}

func fieldText(f *model.Field) string {
	words := []string{f.Kind}
	if f.Bits > 0 {
		words[0] += strconv.Itoa(f.Bits)
	}
	if f.Elem != nil {
		words = append(words, "of "+fieldText(f.Elem))
	}
	for _, flag := range []struct {
		set  bool
		word string
	}{{f.Required, "required"}, {f.Nullable, "nullable"}, {f.Secret, "secret"}, {f.Unversioned, "not in the version"}} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	if f.Default != "" && !f.Secret {
		words = append(words, "default "+f.Default)
	}
	if len(f.Enum) > 0 {
		words = append(words, "one of "+strings.Join(f.Enum, ", "))
	}
	r := rules.Rule{Kind: f.Kind, Min: f.Min, Max: f.Max, MinLen: f.MinLen, MaxLen: f.MaxLen, Pattern: f.Pattern}
	return strings.Join(words, " ") + r.Words()
}

// facts makes facts of names and values in turn; empty values are left out.
func facts(pairs ...string) []Fact {
	var out []Fact
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			out = append(out, Fact{pair[0], pair[1]})
		}
	}
	return out
}

func truth(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// literal writes a constant of a job's body much as the source has it.
func literal(l *model.Literal) string {
	if l.Nil {
		return "nil"
	}
	if l.Const != nil {
		return l.Const.ExactString()
	}
	var parts []string
	for _, f := range l.Fields {
		value := literal(f.Value)
		switch {
		case f.Key != nil:
			value = literal(f.Key) + ": " + value
		case f.Name != "":
			value = f.Name + ": " + value
		default:
			value = strconv.FormatInt(f.Index, 10) + ": " + value
		}
		parts = append(parts, value)
	}
	amp := ""
	if l.Addr {
		amp = "&"
	}
	return amp + "{" + strings.Join(parts, ", ") + "}"
}

func sortedSet(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
