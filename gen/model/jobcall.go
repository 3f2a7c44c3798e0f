package model

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"

	"github.com/dagstergen/dagstergen/annotations"
)

// callee returns the function that a call names; nil for calls of function values, closures and builtins.
func (w *body) callee(call *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = f
	case *ast.SelectorExpr:
		id = f.Sel
	case *ast.IndexExpr:
		return w.callee(&ast.CallExpr{Fun: f.X})
	case *ast.IndexListExpr:
		return w.callee(&ast.CallExpr{Fun: f.X})
	default:
		return nil
	}
	f, _ := w.info.Uses[id].(*types.Func)
	return f
}

// call reads the call of an op and adds its node; nil after an error.
func (w *body) call(call *ast.CallExpr) *Node {
	f := w.callee(call)
	op := w.b.ops[f]
	if f == nil || op == nil || op.Kind != annotations.Op {
		w.notAnOp(call, f)
		return nil
	}
	if op.Broken {
		w.failed = true // reported where it is declared
		return nil
	}
	n := &Node{Op: op, Pos: call.Pos(), Inputs: make([]*Binding, len(op.Inputs))}
	ok := w.receiverArg(call, op)
	args := call.Args
	if len(args) == 1 {
		if inner, isCall := ast.Unparen(args[0]).(*ast.CallExpr); isCall {
			if tuple, many := w.info.TypeOf(inner).(*types.Tuple); many && tuple.Len() > 1 {
				return w.spread(n, inner)
			}
		}
	}
	for i, p := range op.Params {
		if op.Variadic && i == len(op.Params)-1 && !call.Ellipsis.IsValid() {
			ok = w.variadic(n, p, args[min(i, len(args)):], call) && ok
			break
		}
		if i >= len(args) {
			ok = false // does not compile
			break
		}
		ok = w.arg(n, p, args[i]) && ok
	}
	if !ok {
		w.failed = true
		return nil
	}
	w.addNode(n)
	return n
}

// notAnOp explains why a call cannot be a step.
func (w *body) notAnOp(call *ast.CallExpr, f *types.Func) {
	text := source(call)
	if f == nil {
		if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
			if _, builtin := w.info.Uses[id].(*types.Builtin); builtin {
				w.report(CodeJobExpression, call, "move "+text+" into an op", "a job does not compute: %s", text)
				return
			}
		}
		w.report(CodeJobCall, call, "call a function marked //dag:op by its name", "%s calls a function value, which has no code version", text)
		return
	}
	if fn := w.b.funcs[f]; fn != nil {
		hint := "call an op"
		switch fn.Kind {
		case annotations.Asset, annotations.Source:
			hint = "move its code into a function marked //dag:op that both call"
		case annotations.Job:
			hint = "call the ops of " + fn.GoName + " here"
		case annotations.Resource:
			hint = "take what it provides as a parameter of the job"
		}
		d := w.report(CodeJobCall, call, hint, "%s is %s, and a job calls ops", fn.GoName, article(string(fn.Kind)))
		w.b.relate(d, fn.Pos, "%s is declared here", fn.GoName)
		return
	}
	if f.Pkg() != nil {
		if q := w.b.m.byPath[f.Pkg().Path()]; q != nil && w.b.brokenKeys[q][annotations.Snake(f.Name())] {
			w.failed = true
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
func (w *body) receiverArg(call *ast.CallExpr, op *Op) bool {
	if op.Recv == nil {
		return true
	}
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		w.report(CodeJobCall, call, "call it as resource.Method(...)", "%s is a method", op.GoName)
		return false
	}
	return w.resourceArg(sel.X, op, op.Resources[0].Resource, op.Recv)
}

// arg reads one argument by what its parameter is for.
func (w *body) arg(n *Node, p *Param, e ast.Expr) bool {
	switch p.Role {
	case RoleContext:
		return w.contextArg(n.Op, e)
	case RoleResource:
		i := p.Index
		if n.Op.Recv != nil {
			i++
		}
		return w.resourceArg(e, n.Op, n.Op.Resources[i].Resource, p)
	case RoleConfig:
		return w.configArg(n, p, e)
	case RoleInput:
		v := w.value(e, p.Type)
		if v == nil || v.broken {
			return false
		}
		if !types.Identical(v.typ, p.Type) {
			w.converted(e, "parameter "+p.GoName+" of "+n.Op.GoName+" receives", v.typ, p.Type)
			return false
		}
		n.Inputs[p.Index] = v.from
		return true
	}
	return false
}

// paramOf returns the parameter of the job that e names.
func (w *body) paramOf(e ast.Expr) *Param {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		return w.params[w.info.Uses[id]]
	}
	return nil
}

func (w *body) contextArg(op *Op, e ast.Expr) bool {
	if p := w.paramOf(e); p != nil && p.Role == RoleContext {
		return true
	}
	hint := "take a context.Context as the first parameter of the job, and pass it"
	for _, p := range w.j.Params {
		if p.Role == RoleContext && p.GoName != "" && p.GoName != "_" {
			hint = "pass " + p.GoName
		}
	}
	w.report(CodeJobContext, e, hint, "%s receives a context that is not the job's: %s", op.GoName, source(e))
	return false
}

func (w *body) resourceArg(e ast.Expr, op *Op, want *Resource, p *Param) bool {
	got := w.paramOf(e)
	if got == nil || got.Role != RoleResource {
		w.report(CodeJobResource, e, "take "+Short(p.Type, w.j.Pkg.Types)+" as a parameter of the job, and pass it",
			"%s needs the resource %s, which a job passes on from its own parameters: %s", op.GoName, want.Key, source(e))
		return false
	}
	i := got.Index
	if w.j.Recv != nil && got != w.j.Recv {
		i++
	}
	if r := w.j.Resources[i].Resource; r != want {
		w.report(CodeJobResource, e, "rename the job's parameter to "+want.Key, "%s receives %s, but the engine gives it the resource %s", op.GoName, r.Key, want.Key)
		return false
	}
	return true
}

func (w *body) configArg(n *Node, p *Param, e ast.Expr) bool {
	if got := w.paramOf(e); got != nil && got.Role == RoleConfig && types.Identical(got.Type, p.Type) {
		n.Config = &Binding{Param: got}
		return true
	}
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		if v, known := w.values[w.info.Uses[id]]; known && v != nil && v.from != nil && v.from.Lit != nil && types.Identical(v.typ, p.Type) {
			n.Config = v.from
			return true
		}
	}
	if lit := w.literal(e, p.Type); sameType(lit, p.Type) {
		n.Config = &Binding{Lit: lit}
		return true
	}
	w.report(CodeJobConfig, e, "pass a config parameter of the job, or a literal of constants such as "+Short(p.Type, w.j.Pkg.Types)+"{...}",
		"the config of %s must be known: %s", n.Op.GoName, source(e))
	return false
}

// spread reads "Op(Other(...))" where Other returns as many values as Op takes.
func (w *body) spread(n *Node, inner *ast.CallExpr) *Node {
	from := w.call(inner)
	if from == nil {
		return nil
	}
	op := n.Op
	for _, p := range op.Params {
		if p.Role != RoleInput || op.Variadic || from.Op.HasError || len(op.Inputs) != len(from.Op.Outputs) {
			w.report(CodeJobExpression, inner, "assign its results first, and pass them one by one", "the results of %s cannot be passed straight to %s", from.Op.GoName, op.GoName)
			return nil
		}
		out := from.Op.Outputs[p.Index]
		if !types.Identical(out.Type, p.Type) {
			w.converted(inner, "parameter "+p.GoName+" of "+op.GoName+" receives", out.Type, p.Type)
			return nil
		}
		n.Inputs[p.Index] = &Binding{Node: from, Output: p.Index}
	}
	w.addNode(n)
	return n
}

// variadic reads the last arguments of a variadic op: they are one input, a slice, and so must all be literals.
func (w *body) variadic(n *Node, p *Param, args []ast.Expr, call *ast.CallExpr) bool {
	lit := &Literal{Type: p.Type, Pos: call.Pos(), Nil: len(args) == 0}
	elem := p.Type.Underlying().(*types.Slice).Elem()
	for i, e := range args {
		v := w.literal(e, elem)
		if !sameType(v, elem) {
			w.report(CodeJobExpression, e, "collect the values into a slice in an op, and pass it with ...", "values of steps cannot be gathered for the variadic parameter %s of %s", p.GoName, n.Op.GoName)
			return false
		}
		lit.Fields = append(lit.Fields, LiteralField{Index: int64(i), Value: v})
	}
	n.Inputs[p.Index] = &Binding{Lit: lit}
	return true
}

// value reads an expression that stands for data of type t (the type that it is used as).
func (w *body) value(e ast.Expr, t types.Type) *value {
	e = ast.Unparen(e)
	if t == nil {
		w.failed = true // does not compile
		return brokenValue
	}
	if lit := w.literal(e, t); lit != nil {
		return &value{from: &Binding{Lit: lit}, typ: lit.Type}
	}
	switch e := e.(type) {
	case *ast.Ident:
		return w.identValue(e)
	case *ast.CallExpr:
		if w.conversion(e) {
			break
		}
		node := w.call(e)
		if node == nil {
			return brokenValue
		}
		if node.Op.HasError || len(node.Op.Outputs) != 1 {
			w.failed = true
			return brokenValue // does not compile
		}
		return &value{from: &Binding{Node: node}, typ: node.Op.Outputs[0].Type}
	}
	w.computes(e)
	return brokenValue
}

func (w *body) identValue(e *ast.Ident) *value {
	obj := w.info.Uses[e]
	if p := w.params[obj]; p != nil {
		switch p.Role {
		case RoleInput:
			return &value{from: &Binding{Param: p}, typ: p.Type}
		case RoleConfig:
			w.report(CodeJobConfig, e, "pass it to a parameter of its own type", "config %s is no data", e.Name)
		default:
			w.report(CodeJobExpression, e, "pass it to ops as it is", "%s is injected and no data", e.Name)
		}
		return brokenValue
	}
	if v, ok := w.values[obj]; ok {
		if v == nil {
			w.report(CodeJobExpression, e, "assign it from an op first", "%s has no value here", e.Name)
			return brokenValue
		}
		return v
	}
	switch obj := obj.(type) {
	case *types.Var:
		if obj.Parent() != nil && obj.Parent().Parent() == types.Universe {
			d := w.report(CodeJobExpression, e, "make it a constant, or read it inside an op", "the package variable %s may change, and no version would say so", e.Name)
			w.b.relate(d, obj.Pos(), "%s is declared here", e.Name)
			return brokenValue
		}
		if isError(obj.Type()) {
			w.report(CodeJobExpression, e, "return it", "the error %s is no data", e.Name)
			return brokenValue
		}
	case *types.Func:
		w.report(CodeJobExpression, e, "call it", "a function is no data: %s", e.Name)
		return brokenValue
	}
	w.report(CodeJobExpression, e, "assign it from an op", "%s has no value that the graph knows", e.Name)
	return brokenValue
}

// computes reports an expression that a job cannot have, with the way to write it.
func (w *body) computes(e ast.Expr) {
	text := source(e)
	hint := "move " + text + " into an op"
	switch x := e.(type) {
	case *ast.FuncLit:
		w.report(CodeJobExpression, e, "write the code as a function marked //dag:op", "a job has no closures")
		return
	case *ast.SelectorExpr:
		if id, ok := ast.Unparen(x.X).(*ast.Ident); ok {
			if pn, ok := w.info.Uses[id].(*types.PkgName); ok {
				w.report(CodeJobExpression, e, "use a constant, or read it inside an op", "the package variable %s.%s may change, and no version would say so", path.Base(pn.Imported().Path()), x.Sel.Name)
				return
			}
		}
		hint = "take " + text + " inside the op that needs it, or return it as a result of its own"
	case *ast.IndexExpr, *ast.SliceExpr:
		hint = "take " + text + " inside the op that needs it"
	case *ast.CompositeLit:
		hint = "build the value in an op; a literal in a job is made of constants"
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			hint = "take pointers inside ops"
		}
	}
	w.report(CodeJobExpression, e, hint, "a job does not compute: %s", text)
}
