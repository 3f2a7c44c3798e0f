package model

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
)

// A function marked //dag:configured is an op, a graph or a resource that was given its config (Dagster's configured): it calls that, passes its own parameters on as they
// are, and returns what it returns. So the plain call of it is what the engine does, which runs the op, or opens the resource, with the config that the body says.

// configuredKinds finds out what each configured function stands for, by what its body calls, and makes it a graph or a resource. It comes before any signature is read, because
// parameters are told apart by what resources there are.
func (b *builder) configuredKinds() {
	all := map[*types.Func]*Func{}
	var order []*Func
	for _, p := range b.m.Packages {
		for _, f := range p.configured {
			all[f.Obj] = f
			order = append(order, f)
		}
	}
	// A function that calls another one of them is of its kind. What calls itself has none.
	var isResource func(obj *types.Func, depth int) bool
	isResource = func(obj *types.Func, depth int) bool {
		if b.resources[obj] != nil {
			return true
		}
		f := all[obj]
		return f != nil && depth < len(all) && isResource(f.callee(), depth+1)
	}
	for _, f := range order {
		p := f.Pkg
		if isResource(f.Obj, 0) {
			r := &Resource{Func: *f, Configured: true}
			r.Kind = annotations.Resource
			p.Resources = append(p.Resources, r)
			b.resources[f.Obj], b.funcs[f.Obj] = r, &r.Func
		} else {
			g := &Graph{Func: *f, Configured: true}
			g.Kind = annotations.Graph
			g.names(p, "graph", exported(f.Obj), "Graph")
			for _, name := range []string{g.Handle, g.Inputs, g.OutType} {
				p.Expected[name] = true
			}
			p.Graphs = append(p.Graphs, g)
			b.graphs[f.Obj], b.funcs[f.Obj] = g, &g.Func
		}
	}
	for _, p := range b.m.Packages {
		slices.SortStableFunc(p.Resources, func(x, y *Resource) int { return strings.Compare(x.Key, y.Key) })
		slices.SortStableFunc(p.Graphs, func(x, y *Graph) int { return strings.Compare(x.Key, y.Key) })
	}
}

// lastCall is the call that a function returns the results of; nil where it does not.
func (f *Func) lastCall() *ast.CallExpr {
	if f.Node.Body == nil || len(f.Node.Body.List) == 0 {
		return nil
	}
	ret, ok := f.Node.Body.List[len(f.Node.Body.List)-1].(*ast.ReturnStmt)
	if !ok || len(ret.Results) != 1 {
		return nil
	}
	call, _ := ast.Unparen(ret.Results[0]).(*ast.CallExpr)
	return call
}

// callee is the function that f returns the results of; nil where there is none.
func (f *Func) callee() *types.Func {
	call := f.lastCall()
	if call == nil {
		return nil
	}
	if id := calleeName(call.Fun); id != nil {
		obj, _ := f.Pkg.Info.Uses[id].(*types.Func)
		if obj != nil {
			return obj.Origin()
		}
	}
	return nil
}

// readConfigured reads the body of a configured function.
func (w *body) readConfigured() {
	g := w.g
	call := g.lastCall()
	const form = "write it as one call: return Op(ctx, Config{...}, ...)"
	if call == nil {
		w.report(CodeConfigured, g.Node.Name, form, "it does not end in the return of a call")
		return
	}
	w.block = &g.Body
	list := g.Node.Body.List
	for i, s := range list[:len(list)-1] {
		if w.statement(s, list[i+1:len(list)-1]); w.failed {
			return
		}
	}
	w.unchecked()
	if len(g.Nodes) > 0 {
		w.report(CodeConfigured, call, form, "it calls %s before", g.Nodes[0].Func().GoName)
		return
	}
	f := w.callee(call)
	if f == nil || !w.isStep(f) && w.b.resources[f] == nil {
		w.report(CodeConfigured, call, "call an op, a graph or a resource", "what it returns the results of is none: %s", source(call))
		return
	}
	n := w.call(call)
	if n == nil {
		return
	}
	fn := n.Func()
	if len(g.Nodes) > 1 {
		w.report(CodeConfigured, call, "pass the parameters on as they are", "it calls %s for an argument", g.Nodes[0].Func().GoName)
		return
	}
	mine, theirs := g.Obj.Signature().Results(), f.Signature().Results()
	if tuple, ok := w.info.TypeOf(call).(*types.Tuple); ok {
		theirs = tuple
	} else if t := w.info.TypeOf(call); theirs.Len() == 1 && t != nil {
		theirs = types.NewTuple(types.NewVar(0, nil, "", t)) // of an instance
	}
	if !types.Identical(mine, theirs) {
		w.report(CodeConfigured, g.Node.Name, "return what it returns, with the same types", "it does not return what %s returns", fn.GoName)
		return
	}
	if !takesOne(fn) {
		w.report(CodeConfigured, call, "call "+fn.GoName+" itself, or write a //dag:graph", "%s does not take one config that it could be given", fn.GoName)
		return
	}
	w.passesOn(n, call)
	for i, r := range g.Results {
		if n.Resource != nil || i >= len(fn.Results) {
			break
		}
		g.Outputs = append(g.Outputs, &GraphOutput{Result: r, From: &Binding{Kind: FromNode, Type: fn.Results[i].Type, Node: n, Output: i}})
	}
}

// takesOne reports whether a function takes exactly one config.
func takesOne(fn *Func) bool {
	n := 0
	for _, p := range fn.Params {
		if p.Role == RoleConfig {
			n++
		}
	}
	return n == 1
}

// passesOn checks that the parameters go to the call as they are, each once: what is configured is the config alone.
func (w *body) passesOn(n *Node, call *ast.CallExpr) {
	used := map[*Param]bool{}
	for _, in := range n.Inputs {
		switch {
		case in == nil || in.Kind == FromParam && in.Param.Role == RoleConfig, n.Graph != nil && in.Type != nil && w.b.configType(in.Type) != nil:
		case in.Kind != FromParam || used[in.Param]:
			w.report(CodeConfigured, call, "take it as a parameter, or write a //dag:graph", "it passes something else on than its own parameters, each once")
			return
		default:
			used[in.Param] = true
		}
	}
	configs := 0
	for _, p := range w.g.Params {
		if p.Role == RoleInput && !used[p] {
			w.report(CodeConfigured, w.g.Node.Name, "remove it", "parameter %s goes nowhere", p.GoName)
		}
		if p.Role == RoleConfig {
			configs++
		}
	}
	if configs > 1 {
		w.report(CodeConfigured, w.g.Node.Name, "put them into one struct", "it takes %d configs", configs)
	}
}

// configuredResource reads the body of a configured resource: it becomes its constructor with another config.
func (b *builder) configuredResource(r *Resource) bool {
	w := &body{b: b, g: &Graph{Func: r.Func, Configured: true}, info: r.Pkg.Info, params: map[types.Object]*Param{}, keys: map[string]*Node{}, scope: newScope()}
	w.read()
	if w.failed || len(w.g.Nodes) != 1 || w.g.Nodes[0].Resource == nil {
		return false
	}
	n := w.g.Nodes[0]
	r.Of, r.Made = n.Resource, n.Config
	return true
}

// flattenConfigured gives a resource that configures a configured one what that configures in the end.
func (b *builder) flattenConfigured() {
	for _, p := range b.m.Packages {
		for _, r := range p.Resources {
			for hops := 0; r.Of != nil && r.Of.Configured; hops++ {
				if r.Of.Of == nil || hops > 100 { // broken, or in a circle
					r.Broken = true
					break
				}
				r.Made, r.Of = substitute(r.Of.Made, r.Made), r.Of.Of
			}
		}
	}
}

// substitute returns b with with in place of the parameter.
func substitute(b, with *Binding) *Binding {
	if b.Kind == FromParam {
		return with
	}
	if len(b.Parts) == 0 {
		return b
	}
	out := *b
	out.Parts = make([]*Binding, len(b.Parts))
	for i, p := range b.Parts {
		out.Parts[i] = substitute(p, with)
	}
	return &out
}
