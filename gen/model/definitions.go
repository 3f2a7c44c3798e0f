package model

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// definitions collects what each package offers: its own things, and all they reach in other packages. Generated code names these by what
// users wrote, so that all of it must be nameable from the package.
func (b *builder) definitions() {
	for _, p := range b.m.Packages {
		if slices.ContainsFunc(p.visible, (*Package).broken) {
			continue
		}
		r := &reach{b: b, p: p, ops: map[*Op]need{}, resources: map[*Resource]need{}, configs: map[*Config]need{}, graphs: map[*Graph]need{}, hooks: map[*Hook]need{}}
		r.own()
		d := &Definitions{Jobs: p.Jobs}
		for op := range r.ops {
			d.Ops = append(d.Ops, op)
		}
		for res := range r.resources {
			d.Resources = append(d.Resources, res)
		}
		for c := range r.configs {
			d.Configs = append(d.Configs, c)
		}
		for g := range r.graphs {
			d.Graphs = append(d.Graphs, g)
		}
		slices.SortFunc(d.Graphs, func(x, y *Graph) int { return strings.Compare(x.Key+"\x00"+x.Symbol, y.Key+"\x00"+y.Symbol) })
		slices.SortFunc(d.Ops, func(x, y *Op) int { return strings.Compare(x.Key+"\x00"+x.Symbol, y.Key+"\x00"+y.Symbol) })
		slices.SortFunc(d.Resources, func(x, y *Resource) int { return strings.Compare(x.Key+"\x00"+x.Symbol, y.Key+"\x00"+y.Symbol) })
		slices.SortFunc(d.Configs, func(x, y *Config) int { return strings.Compare(x.Symbol, y.Symbol) })
		d.Hooks = r.sortedHooks()
		r.unique(d)
		r.nameable(d)
		if !p.Diagnostics.HasErrors() {
			p.Definitions = d
		}
	}
}

// broken reports whether something is wrong with an annotated declaration of p: an error of ours, or one that the compiler reports.
func (p *Package) broken() bool {
	for _, f := range p.Funcs() {
		if f.Broken {
			return true
		}
	}
	return len(p.lost) > 0 || p.Diagnostics.HasErrors() || slices.ContainsFunc(p.Partitions, func(d *Partitions) bool { return d.Broken }) || slices.ContainsFunc(p.Configs, func(c *Config) bool { return c.Broken })
}

// A need says why something is part of a package's definitions.
type need struct {
	pos token.Pos
	why string // "asset report needs it"
}

// reach walks from the things of a package to all they need.
type reach struct {
	b         *builder
	p         *Package
	ops       map[*Op]need
	resources map[*Resource]need
	configs   map[*Config]need
	graphs    map[*Graph]need
	hooks     map[*Hook]need
}

func (r *reach) own() {
	for _, op := range r.p.Ops {
		r.op(op, need{op.Pos, "it is declared here"})
	}
	for _, res := range r.p.Resources {
		r.resource(res, need{res.Pos, "it is declared here"})
	}
	for _, c := range r.p.Configs {
		r.config(c, need{c.Pos, "it is declared here"})
	}
	for _, g := range r.p.Graphs {
		r.graph(g, need{g.Pos, "it is declared here"})
	}
	for _, h := range r.p.Hooks {
		r.hookList([]*Hook{h}, need{h.Pos, "it is declared here"})
	}
	for _, j := range r.p.Jobs {
		r.composition(&j.Graph)
		r.hookList(j.Running.Hooks, need{j.Pos, "job " + j.Key + " has it"})
	}
}

func (r *reach) graph(g *Graph, n need) {
	if _, seen := r.graphs[g]; !seen {
		r.graphs[g] = n
		r.composition(g)
	}
}

// composition walks into a graph or a job.
func (r *reach) composition(g *Graph) {
	what := string(g.Kind) + " " + g.Key
	for _, n := range g.Nodes {
		r.hookList(n.With.Hooks, need{n.Pos, what + " has it for a call"})
		switch {
		case n.Op != nil:
			r.op(n.Op, need{n.Pos, what + " calls it"})
		case n.Graph != nil:
			r.graph(n.Graph, need{n.Pos, what + " calls it"})
		}
	}
	for i, c := range g.Configs {
		r.config(c, need{g.In[i].Pos, what + " takes it"})
	}
}

func (r *reach) op(op *Op, n need) {
	if _, seen := r.ops[op]; seen {
		return
	}
	r.ops[op] = n
	what := string(op.Kind) + " " + op.Key
	for _, in := range op.Inputs {
		if in.From != nil {
			r.op(in.From.Op, need{in.Pos, what + " needs it"})
		}
	}
	for _, a := range op.Deps {
		r.op(a.Op, need{op.Pos, what + " follows it"})
	}
	for _, c := range r.b.checks[op] { // an asset is nowhere without them
		r.op(c, need{c.Pos, "it checks " + op.Key})
	}
	if op.IO != nil {
		r.resource(op.IO, need{op.Pos, what + " is stored by it"})
	}
	r.hookList(op.Running.Hooks, need{op.Pos, what + " has it"})
	if op.Graph != nil {
		r.graph(op.Graph, n)
		return
	}
	r.injected(&op.Func, what)
}

func (r *reach) injected(f *Func, what string) {
	r.config(f.Config, need{f.Pos, what + " takes it"})
	for _, u := range f.Resources {
		r.resource(u.Resource, need{f.Pos, what + " takes it"})
	}
}

func (r *reach) resource(res *Resource, n need) {
	if _, seen := r.resources[res]; seen {
		return
	}
	r.resources[res] = n
	r.injected(&res.Func, "resource "+res.Key)
	if res.Of != nil {
		r.resource(res.Of, need{res.Pos, "resource " + res.Key + " configures it"})
	}
}

func (r *reach) config(c *Config, n need) {
	if _, seen := r.configs[c]; !seen && c != nil {
		r.configs[c] = n
	}
}

// unique reports keys that things of different packages share.
func (r *reach) unique(d *Definitions) {
	r.uniqueKeys(stepKeys(d.Ops))
	var rs []keyed
	for _, res := range d.Resources {
		rs = append(rs, keyed{res.Key, "resource " + res.GoName, res.Pkg, res.Pos, &res.Func})
	}
	r.uniqueKeys(rs)
}

func (r *reach) uniqueKeys(all []keyed) {
	first := map[string]keyed{}
	slices.SortStableFunc(all, func(x, y keyed) int { // what is declared here comes last, so that the error stands here
		if (x.pkg == r.p) != (y.pkg == r.p) {
			if x.pkg == r.p {
				return 1
			}
			return -1
		}
		return strings.Compare(x.pkg.Path, y.pkg.Path)
	})
	for _, k := range all {
		f, taken := first[k.key]
		if !taken {
			first[k.key] = k
			continue
		}
		d := r.b.report(r.p, CodeDuplicateKey, k.pos, token.NoPos, "give one of them another key with name=",
			"%s has the key %s, as %s of package %s has, and package %s needs both", k.what, k.key, f.what, f.pkg.Path, r.p.Path)
		r.b.relate(d, f.pos, "%s", f.what)
	}
}

// nameable checks that generated code of the package can write the names of all that is part of its definitions.
func (r *reach) nameable(d *Definitions) {
	for _, op := range d.Ops {
		n := r.ops[op]
		if op.Graph != nil {
			continue // its function is never called: see its graph
		}
		r.function(&op.Func, n)
		r.typeArgs(op, n)
		for _, in := range op.Inputs {
			if m := in.Mapping; m != nil && !visibleName(m, r.p.Types) {
				r.unexported(op.Pkg, m.Name(), m.Pos(), n)
			}
		}
		if f := op.ConfigFor; f != nil && !visibleName(f.Obj, r.p.Types) {
			r.unexported(op.Pkg, f.Obj.Name(), f.Obj.Pos(), n)
		}
		if s := op.Strategy; s != nil && !visibleName(s.Obj, r.p.Types) {
			r.unexported(op.Pkg, s.Obj.Name(), s.pos, n)
		}
	}
	for _, op := range d.Ops {
		r.partitions(op.Partitions, r.ops[op])
	}
	for _, res := range d.Resources {
		r.function(&res.Func, r.resources[res])
		said := map[token.Pos]bool{}
		res.Made.Walk(func(b *Binding) { r.value(&Graph{Func: res.Func}, res.Pos, b, said) })
	}
	for _, h := range d.Hooks {
		r.function(&h.Func, r.hooks[h])
	}
	for _, c := range d.Configs {
		if !visibleName(c.Obj, r.p.Types) {
			r.unexported(c.Pkg, c.GoName, c.Pos, r.configs[c])
			continue
		}
		r.types(c.GoName, []*types.Var{types.NewVar(c.Pos, c.Pkg.Types, "", c.Obj.Type())}, r.configs[c])
	}
	for _, g := range d.Graphs {
		if g.Pkg == r.p {
			r.function(&g.Func, need{})
		} else {
			r.types(g.GoName, g.dataVars(), r.graphs[g]) // generated code does not call it
		}
		r.values(g)
	}
	for _, j := range d.Jobs {
		r.partitions(j.Partitions, need{pos: j.Pos})
		r.function(&j.Func, need{})
		r.values(&j.Graph)
	}
}

// dataVars are the parameters and results of g that are data or config.
func (g *Graph) dataVars() []*types.Var {
	var out []*types.Var
	sig := g.Obj.Signature()
	for i, p := range g.Params {
		if p.Role == RoleInput || p.Role == RoleConfig {
			out = append(out, sig.Params().At(i))
		}
	}
	for i := range g.Results {
		out = append(out, sig.Results().At(i))
	}
	return out
}

// function checks the name of a function, of its receiver, and all types of its signature.
func (r *reach) function(f *Func, n need) {
	if f.Pkg != r.p {
		name := f.GoName
		typeName, _, method := strings.Cut(name, ".")
		if !f.Obj.Exported() || method && !ast.IsExported(typeName) {
			r.unexported(f.Pkg, name, f.Pos, n)
			return
		}
		if !CanImport(r.p.Path, f.Pkg.Types) {
			d := r.b.report(r.p, CodeUnspeakable, n.pos, token.NoPos, "move it to a package that "+r.p.Path+" may import",
				"%s of package %s is needed here, and generated code of package %s may not import that", f.GoName, f.Pkg.Path, r.p.Path)
			r.b.relate(d, f.Pos, "%s is declared here", f.GoName)
			return
		}
	}
	sig := f.Obj.Signature()
	var vars []*types.Var
	if sig.Recv() != nil {
		vars = append(vars, sig.Recv())
	}
	for i := range sig.Params().Len() {
		vars = append(vars, sig.Params().At(i))
	}
	for i := range sig.Results().Len() {
		vars = append(vars, sig.Results().At(i))
	}
	r.types(f.GoName, vars, n)
}

// typeArgs checks the type arguments of an instance.
func (r *reach) typeArgs(op *Op, n need) {
	var vars []*types.Var
	for _, t := range op.TypeArgs {
		vars = append(vars, types.NewVar(n.pos, op.Pkg.Types, "", t))
	}
	r.types(op.GoName, vars, n)
}

func (r *reach) types(name string, vars []*types.Var, n need) {
	for _, v := range vars {
		bad := Unspeakable(v.Type(), r.p.Types)
		if bad == nil {
			continue
		}
		why := "is unexported"
		if bad.Exported() {
			why = "is internal there"
		}
		pos := n.pos
		if !pos.IsValid() {
			pos = v.Pos()
		}
		d := r.b.report(r.p, CodeUnspeakable, pos, token.NoPos, "use a type that "+r.p.Path+" can name",
			"%s: the type %s of package %s %s, so generated code of package %s cannot name it", name, bad.Name(), bad.Pkg().Path(), why, r.p.Path)
		if r.b.localPos(v.Pos()) && v.Pos() != pos {
			r.b.relate(d, v.Pos(), "it is used here")
		}
		return
	}
}

func (r *reach) unexported(of *Package, name string, decl token.Pos, n need) {
	d := r.b.report(r.p, CodeUnexported, n.pos, token.NoPos, "export it: rename it to begin with an upper-case letter",
		"%s of package %s is unexported, but the definitions of package %s include it", name, of.Path, r.p.Path)
	r.b.relate(d, n.pos, "%s", n.why)
	r.b.relate(d, decl, "%s is declared here", name)
}

// Unspeakable returns a declared type in t that code of package from cannot name, or nil. An alias that it can name stands for what
// it means.
func Unspeakable(t types.Type, from *types.Package) types.Object {
	var bad types.Object
	var visit func(types.Type)
	tuple := func(ts *types.Tuple) {
		for i := range ts.Len() {
			visit(ts.At(i).Type())
		}
	}
	visit = func(t types.Type) {
		if bad != nil {
			return
		}
		switch t := t.(type) {
		case *types.Alias:
			if !UseAlias(t, from) {
				visit(types.Unalias(t))
				return
			}
			for i := range t.TypeArgs().Len() {
				visit(t.TypeArgs().At(i))
			}
		case *types.Named:
			obj := t.Obj()
			if obj.Pkg() != nil && obj.Pkg() != from && (!obj.Exported() || !CanImport(from.Path(), obj.Pkg())) {
				bad = obj
				return
			}
			for i := range t.TypeArgs().Len() {
				visit(t.TypeArgs().At(i))
			}
		case *types.Pointer:
			visit(t.Elem())
		case *types.Slice:
			visit(t.Elem())
		case *types.Array:
			visit(t.Elem())
		case *types.Chan:
			visit(t.Elem())
		case *types.Map:
			visit(t.Key())
			visit(t.Elem())
		case *types.Struct:
			for i := range t.NumFields() {
				f := t.Field(i)
				if !f.Exported() && f.Pkg() != from {
					bad = f
					return
				}
				visit(f.Type())
			}
		case *types.Signature:
			tuple(t.Params())
			tuple(t.Results())
		case *types.Interface:
			for i := range t.NumMethods() {
				m := t.Method(i)
				if !m.Exported() && m.Pkg() != from {
					bad = m
					return
				}
				visit(m.Type())
			}
		}
	}
	visit(t)
	return bad
}

// UseAlias reports whether code of package from names t by its alias rather than by what it means.
func UseAlias(t *types.Alias, from *types.Package) bool {
	obj := t.Obj()
	if obj.Pkg() == nil { // any
		return true
	}
	if obj.Parent() != obj.Pkg().Scope() {
		return false // declared inside a function
	}
	return obj.Pkg() == from || obj.Exported() && CanImport(from.Path(), obj.Pkg())
}
