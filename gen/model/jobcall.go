package model

import (
	"go/ast"
	"go/types"

	"github.com/dagstergen/dagstergen/annotations"
)

// callee returns the function that a call names; nil for calls of function values, closures and builtins.
func (w *body) callee(call *ast.CallExpr) *types.Func {
	id := calleeName(call.Fun)
	if id == nil {
		return nil
	}
	f, _ := w.info.Uses[id].(*types.Func)
	return f
}

// call reads the call of an op or a graph and adds its node; nil after an error.
func (w *body) call(call *ast.CallExpr) *Node {
	if w.conditional > 0 {
		w.report(CodeJobCall, call, "call it before, and use its result here: or write the condition as two, one inside of the other", "%s is called only sometimes", source(call))
		return nil
	}
	f := w.callee(call)
	n := &Node{Pos: call.Pos()}
	switch {
	case w.g.Configured && f != nil && w.b.resources[f] != nil:
		n.Resource = w.b.resources[f]
	case !w.isStep(f):
		w.notAnOp(call, f)
		return nil
	case w.b.graphs[f] != nil:
		n.Graph = w.b.graphs[f]
		n.Inputs = make([]*Binding, len(n.Graph.In))
	default:
		n.Op = w.b.ops[f.Origin()]
		if isGeneric(n.Op.Kind, n.Op.Node) && !n.Op.Broken {
			if n.Op = w.instance(call, n.Op); n.Op == nil {
				return nil
			}
		}
		n.Inputs = make([]*Binding, len(n.Op.Inputs))
	}
	fn := n.Func()
	if fn.Broken {
		w.fail() // reported where it is declared
		return nil
	}
	ok := w.receiverArg(call, fn)
	args := call.Args
	w.calling++
	if len(args) == 1 {
		if inner, isCall := ast.Unparen(args[0]).(*ast.CallExpr); isCall {
			if tuple, many := w.info.TypeOf(inner).(*types.Tuple); many && tuple.Len() > 1 {
				ok = w.spread(n, inner)
				args = nil
			}
		}
	}
	for i, p := range fn.Params {
		if args == nil && len(call.Args) > 0 {
			break
		}
		if fn.Variadic && i == len(fn.Params)-1 && !call.Ellipsis.IsValid() {
			ok = w.variadic(n, p, args[min(i, len(args)):], call) && ok
			break
		}
		if i >= len(args) {
			ok = false // does not compile
			break
		}
		ok = w.arg(n, p, args[i]) && ok
	}
	w.calling--
	if !ok {
		w.fail()
		return nil
	}
	w.addCall(n)
	return n
}

// notAnOp explains why a call cannot be a step.
func (w *body) notAnOp(call *ast.CallExpr, f *types.Func) {
	text := source(call)
	if f == nil {
		if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
			if _, builtin := w.info.Uses[id].(*types.Builtin); builtin {
				w.report(CodeJobExpression, call, "move "+text+" into an op", "a %s does not compute: %s", w.what(), text)
				return
			}
		}
		w.report(CodeJobCall, call, "call a function marked //dag:op by its name", "%s calls a function value, which has no code version", text)
		return
	}
	if fn := w.b.funcs[f.Origin()]; fn != nil {
		hint := "call an op"
		switch fn.Kind {
		case annotations.Asset, annotations.Source, annotations.Check:
			hint = "move its code into a function marked //dag:op that both call"
		case annotations.Job:
			hint = "move its body into a function marked //dag:graph that both call"
		case annotations.Resource:
			hint = "take what it provides as a parameter of the " + w.what()
		}
		d := w.report(CodeJobCall, call, hint, "%s is %s, and a %s calls ops and graphs", fn.GoName, article(string(fn.Kind)), w.what())
		w.b.relate(d, fn.Pos, "%s is declared here", fn.GoName)
		return
	}
	if f.Pkg() != nil {
		if q := w.b.m.byPath[f.Pkg().Path()]; q != nil && w.b.brokenKeys[q][annotations.Snake(f.Name())] {
			w.fail()
			return
		}
	}
	hint := "move " + text + " into an op"
	if lp := w.b.prog.Packages[pathOf(f)]; lp != nil && lp.Local && f.Signature().Recv() == nil {
		hint = "annotate " + f.Name() + " with //dag:op, or move the call into an op"
	}
	d := w.report(CodeJobCall, call, hint, "%s is no op", text)
	if w.b.localPos(f.Pos()) {
		w.b.relate(d, f.Pos(), "%s is declared here", f.Name())
	}
}

func pathOf(f *types.Func) string {
	if f.Pkg() == nil {
		return ""
	}
	return f.Pkg().Path()
}

func article(kind string) string {
	if kind == "asset" || kind == "op" {
		return "an " + kind
	}
	return "a " + kind
}

// receiverArg checks that a method is called on the resource that the engine will call it on.
func (w *body) receiverArg(call *ast.CallExpr, fn *Func) bool {
	if fn.Recv == nil {
		return true
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		w.report(CodeJobCall, call, "call it as resource.Method(...)", "%s is a method", fn.GoName)
		return false
	}
	return w.resourceArg(sel.X, fn, fn.Resources[0].Resource, fn.Recv)
}

// arg reads one argument by what its parameter is for.
func (w *body) arg(n *Node, p *Param, e ast.Expr) bool {
	fn := n.Func()
	switch p.Role {
	case RoleContext:
		return w.contextArg(fn, e)
	case RoleResource:
		i := p.Index
		if fn.Recv != nil {
			i++
		}
		return w.resourceArg(e, fn, fn.Resources[i].Resource, p)
	case RoleConfig:
		return w.configArg(n, p, e)
	case RoleInput:
		v := w.valueAs(e, p.Type, "parameter "+p.GoName+" of "+fn.GoName+" receives")
		if v.broken {
			return false
		}
		w.give(v, e, fn.GoName)
		n.setInput(p, v.from)
		return true
	}
	return false
}

// setInput binds a data or config parameter of what n calls.
func (n *Node) setInput(p *Param, b *Binding) {
	if n.Op != nil {
		n.Inputs[p.Index] = b
		return
	}
	if n.Graph == nil {
		return
	}
	for i, in := range n.Graph.In {
		if in == p {
			n.Inputs[i] = b
		}
	}
}

// paramOf returns the parameter of the graph that e names.
func (w *body) paramOf(e ast.Expr) *Param {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		return w.params[w.info.Uses[id]]
	}
	return nil
}

func (w *body) contextArg(fn *Func, e ast.Expr) bool {
	if p := w.paramOf(e); p != nil && p.Role == RoleContext {
		return true
	}
	hint := "take a context.Context as the first parameter of the " + w.what() + ", and pass it"
	for _, p := range w.g.Params {
		if p.Role == RoleContext && p.GoName != "" && p.GoName != "_" {
			hint = "pass " + p.GoName
		}
	}
	w.report(CodeJobContext, e, hint, "%s receives a context that is not the %s's: %s", fn.GoName, w.what(), source(e))
	return false
}

func (w *body) resourceArg(e ast.Expr, fn *Func, want *Resource, p *Param) bool {
	got := w.paramOf(e)
	if got == nil || got.Role != RoleResource {
		w.report(CodeJobResource, e, "take "+Short(p.Type, w.own())+" as a parameter of the "+w.what()+", and pass it",
			"%s needs the resource %s, which a %s passes on from its own parameters: %s", fn.GoName, want.Key, w.what(), source(e))
		return false
	}
	i := got.Index
	if w.g.Recv != nil && got != w.g.Recv {
		i++
	}
	if r := w.g.Resources[i].Resource; r != want {
		w.report(CodeJobResource, e, "rename the "+w.what()+"'s parameter to "+want.Key, "%s receives %s, but the engine gives it the resource %s", fn.GoName, r.Key, want.Key)
		return false
	}
	return true
}

// spread reads "Op(Other(...))" where Other returns as many values as Op takes.
func (w *body) spread(n *Node, inner *ast.CallExpr) bool {
	from := w.call(inner)
	if from == nil {
		return false
	}
	fn, gives := n.Func(), from.Func()
	for i, p := range fn.Params {
		if p.Role != RoleInput || fn.Variadic || gives.HasError || len(fn.Params) != len(gives.Results) {
			w.report(CodeJobExpression, inner, "assign its results first, and pass them one by one", "the results of %s cannot be passed straight to %s", gives.GoName, fn.GoName)
			return false
		}
		out := gives.Results[i]
		v := w.convert(inner, &value{from: &Binding{Kind: FromNode, Type: out.Type, Node: from, Output: i}, typ: out.Type}, p.Type, "parameter "+p.GoName+" of "+fn.GoName+" receives")
		if v.broken {
			return false
		}
		n.setInput(p, v.from)
	}
	return true
}

// variadic reads the last arguments of a variadic function: they are one input, a slice.
func (w *body) variadic(n *Node, p *Param, args []ast.Expr, call *ast.CallExpr) bool {
	fn := n.Func()
	elem := p.Type.Underlying().(*types.Slice).Elem()
	lit := &Literal{Type: p.Type, Pos: call.Pos(), Nil: len(args) == 0}
	build := newBuild(p.Type)
	constant := true
	for i, e := range args {
		v := w.valueAs(e, elem, "parameter "+p.GoName+" of "+fn.GoName+" receives")
		if v.broken {
			return false
		}
		w.give(v, e, fn.GoName)
		build.element(int64(i), v.from)
		if v.from.Kind == FromLiteral {
			lit.Fields = append(lit.Fields, LiteralField{Index: int64(i), Value: v.from.Lit})
		} else {
			constant = false
		}
	}
	if constant {
		n.setInput(p, &Binding{Kind: FromLiteral, Type: p.Type, Lit: lit})
	} else {
		n.setInput(p, build.binding())
	}
	return true
}
