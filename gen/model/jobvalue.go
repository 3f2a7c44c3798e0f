package model

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
)

// valueAs reads an expression and converts it to type t, as Go does where a value is assigned. what begins the message about one that cannot be.
func (w *body) valueAs(e ast.Expr, t types.Type, what string) *value {
	return w.convert(e, w.value(e, t), t, what)
}

// convert makes v a value of type t: the two differ in their names at most, or the program would not compile.
func (w *body) convert(n ast.Node, v *value, t types.Type, what string) *value {
	switch {
	case v == nil || v.broken:
		w.fail()
		return brokenValue
	case t == nil || types.Identical(v.typ, t) || v.from == nil:
		return v
	case Invalid(v.typ) || Invalid(t):
		w.fail() // does not compile
		return brokenValue
	case types.IsInterface(t) || !types.IdenticalIgnoreTags(v.typ.Underlying(), t.Underlying()):
		w.report(CodeJobType, n, "use a concrete type, the same on both sides", "%s %s, which Go would convert to %s on the way: what is stored keeps its own type",
			what, Short(v.typ, w.own()), Short(t, w.own()))
		return brokenValue
	case v.from.Kind == FromLiteral && v.from.Lit.Addr == (pointerElem(t) != nil): // a literal of the other name
		lit := *v.from.Lit
		lit.Type = t
		return &value{from: &Binding{Kind: FromLiteral, Type: t, Lit: &lit}, typ: t, mem: v.mem}
	}
	return &value{from: conversion(v.from, t), typ: t, mem: v.mem}
}

func conversion(b *Binding, t types.Type) *Binding {
	return &Binding{Kind: FromParts, Type: t, Name: TypeName(t) + "(" + TypeName(b.Type) + ")", Parts: []*Binding{b},
		Expr: &Expr{Kind: ExprConvert, Type: t, Args: []*Expr{{Kind: ExprPart}}}}
}

func pointerElem(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return nil
}

// value reads an expression that stands for data. t is the type that it is used as, which untyped constants and nil take; the value may have another.
func (w *body) value(e ast.Expr, t types.Type) *value {
	e = ast.Unparen(e)
	own := w.info.TypeOf(e)
	if own == nil || Invalid(own) || t == nil && w.info.Types[e].IsNil() {
		w.fail() // does not compile
		return brokenValue
	}
	if t == nil {
		t = own
	}
	if lit := w.literal(e, t); lit != nil {
		return &value{from: &Binding{Kind: FromLiteral, Type: lit.Type, Lit: lit}, typ: lit.Type, mem: w.literalMemory(lit.Type, lit.Nil)}
	}
	switch e := e.(type) {
	case *ast.Ident:
		return w.identValue(e)
	case *ast.CallExpr:
		return w.callValue(e)
	case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
		if w.isPath(e) {
			return w.pathValue(e)
		}
	case *ast.CompositeLit:
		return w.compositeValue(e, false)
	case *ast.BinaryExpr:
		if b, ok := w.info.TypeOf(e).Underlying().(*types.Basic); ok && b.Info()&types.IsBoolean != 0 && isLogic(e.Op) {
			return w.conditionValue(e)
		}
	case *ast.UnaryExpr:
		if inner, ok := ast.Unparen(e.X).(*ast.CompositeLit); ok && e.Op == token.AND {
			return w.compositeValue(inner, true)
		}
		if e.Op == token.NOT {
			return w.conditionValue(e)
		}
	}
	w.computes(e)
	return brokenValue
}

// callValue reads a call that gives one value.
func (w *body) callValue(e *ast.CallExpr) *value {
	switch {
	case w.conversion(e):
		return w.conversionValue(e)
	case w.builtin(e) == "append":
		return w.appendValue(e)
	case w.builtin(e) == "make":
		return w.makeValue(e)
	case w.clips(e):
		v := w.operand(e.Args[0])
		if v.broken {
			return v
		}
		out := w.made(memory{full: true, foreign: false})
		if v.mem != nil {
			out.parents = []*memory{v.mem}
			w.scope.memory[out] = w.scope.memory[v.mem]
		}
		return &value{from: v.from, typ: w.info.TypeOf(e), mem: out}
	}
	node := w.call(e)
	if node == nil {
		return brokenValue
	}
	fn := node.Func()
	if fn.HasError || len(fn.Results) != 1 {
		w.fail()
		return brokenValue // does not compile
	}
	out := fn.Results[0]
	return &value{from: &Binding{Kind: FromNode, Type: out.Type, Node: node}, typ: out.Type}
}

// conversionValue reads T(x) where T and the type of x differ in their names alone.
func (w *body) conversionValue(e *ast.CallExpr) *value {
	t := w.info.TypeOf(e)
	if len(e.Args) != 1 || t == nil || Invalid(t) {
		w.fail()
		return brokenValue
	}
	from := w.info.TypeOf(e.Args[0])
	if from == nil || types.IsInterface(t) || !types.IdenticalIgnoreTags(from.Underlying(), t.Underlying()) {
		w.computes(e)
		return brokenValue
	}
	v := w.value(e.Args[0], from)
	if v.broken || types.Identical(v.typ, t) {
		return v
	}
	return w.convert(e, v, t, source(e)+" converts")
}

// operand reads an expression that is looked into and not handed on.
func (w *body) operand(e ast.Expr) *value {
	v := w.value(e, nil)
	if v.broken {
		w.fail()
	}
	return v
}

// appendValue reads append(base, items...).
func (w *body) appendValue(e *ast.CallExpr) *value {
	t := w.info.TypeOf(e)
	base := w.value(e.Args[0], t)
	slice, ok := t.Underlying().(*types.Slice)
	if !ok || base.broken || base.maybe {
		w.fail()
		return brokenValue
	}
	kind, parts, good := FromAppend, []*Binding{base.from}, true
	for _, arg := range e.Args[1:] {
		want := slice.Elem()
		if e.Ellipsis.IsValid() {
			kind = FromConcat
			if want = w.info.TypeOf(arg); want == nil {
				w.fail()
				return brokenValue
			}
			if b, ok := want.Underlying().(*types.Basic); ok {
				if b.Kind() != types.UntypedNil {
					w.computes(e)
					return brokenValue
				}
				want = t
			}
		}
		v := w.valueAs(arg, want, source(e.Fun)+" receives")
		if v.broken {
			good = false
			continue
		}
		if kind == FromAppend {
			w.give(v, arg, "the elements of "+text(e.Args[0], 40))
		}
		parts = append(parts, v.from)
	}
	if len(parts) == 1 && good { // append(base)
		return base
	}
	mem, allowed := w.mayAppend(e, base) // what the arguments did to base comes before
	if !good || !allowed {
		w.fail()
		return brokenValue
	}
	return &value{from: &Binding{Kind: kind, Type: base.typ, Parts: parts}, typ: base.typ, mem: mem}
}

// makeValue reads make(T), make(T, n) and make(T, n, cap), with n a number or the length of a collection.
func (w *body) makeValue(e *ast.CallExpr) *value {
	t := w.info.TypeOf(e)
	if t == nil || Invalid(t) {
		w.fail()
		return brokenValue
	}
	out := &Binding{Kind: FromMake, Type: t}
	full := true
	switch t.Underlying().(type) {
	case *types.Map:
		if len(e.Args) > 1 && w.length(e.Args[1]) == nil {
			return brokenValue
		}
	case *types.Slice:
		n := w.length(e.Args[1])
		if n == nil {
			return brokenValue
		}
		if l := n.Lit; n.Kind != FromLiteral || l.Const == nil || l.Const.ExactString() != "0" {
			out.Parts = []*Binding{n}
		}
		if len(e.Args) > 2 {
			full = false
			if w.length(e.Args[2]) == nil {
				return brokenValue
			}
		}
	default:
		w.computes(e)
		return brokenValue
	}
	return &value{from: out, typ: t, mem: w.made(memory{full: full, settable: full})}
}

// length reads a length of make: len(x) stands for x. It is nil after an error.
func (w *body) length(e ast.Expr) *Binding {
	e = ast.Unparen(e)
	if call, ok := e.(*ast.CallExpr); ok && w.builtin(call) == "len" && !w.constant(call) {
		v := w.operand(call.Args[0])
		if v.broken {
			return nil
		}
		switch v.typ.Underlying().(type) {
		case *types.Slice, *types.Map, *types.Array:
			return v.from
		}
		w.computes(e)
		return nil
	}
	t := w.info.TypeOf(e)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		t = types.Typ[types.Int]
	}
	v := w.value(e, t)
	if v.broken {
		w.fail()
		return nil
	}
	return v.from
}

func (w *body) identValue(e *ast.Ident) *value {
	obj := w.info.Uses[e]
	p := w.params[obj]
	v, known := w.scope.values[obj]
	switch {
	case known && v.from != nil && takesConfig(v.from), p != nil && p.Role == RoleConfig:
		w.report(CodeJobConfig, e, "pass it to ops as their config, whole or in parts, and read its fields there", "config %s is no data", e.Name)
		return brokenValue
	case known:
		return w.read1(e, v)
	case p != nil:
		w.report(CodeJobExpression, e, "pass it to ops as it is", "%s is injected and no data", e.Name)
		return brokenValue
	}
	switch obj := obj.(type) {
	case *types.Var:
		if isError(obj.Type()) {
			w.report(CodeJobExpression, e, "return it in the next statement: if err != nil { return ..., err }", "the error %s is no data", e.Name)
			return brokenValue
		}
		if obj.Parent() != nil && obj.Parent().Parent() == types.Universe {
			d := w.report(CodeJobExpression, e, "make it a constant, or read it inside an op", "the package variable %s may change, and no version would say so", e.Name)
			w.b.relate(d, obj.Pos(), "%s is declared here", e.Name)
			return brokenValue
		}
	case *types.Func:
		w.report(CodeJobExpression, e, "call it", "a function is no data: %s", e.Name)
		return brokenValue
	}
	w.report(CodeJobExpression, e, "assign it from an op", "%s has no value that the graph knows", e.Name)
	return brokenValue
}

// read1 is the value of a variable that e names.
func (w *body) read1(e *ast.Ident, v *value) *value {
	if v.unset {
		switch v.typ.Underlying().(type) {
		case *types.Slice, *types.Map, *types.Pointer: // nil is what such a variable is declared for
			return w.settled(v)
		}
		w.report(CodeJobExpression, e, "assign it first", "%s has no value here", e.Name)
		return brokenValue
	}
	if v.maybe {
		w.report(CodeJobExpression, e, "assign it on every way to here", "%s has no value here on some way through the branches and loops above", e.Name)
		return brokenValue
	}
	return v
}

// computes reports an expression that a body cannot have, with the way to write it.
func (w *body) computes(e ast.Expr) {
	text := source(e)
	hint := "move " + text + " into an op"
	switch x := e.(type) {
	case *ast.FuncLit:
		w.report(CodeJobExpression, e, "write the code as a function marked //dag:op", "a %s has no closures", w.what())
		return
	case *ast.SelectorExpr:
		if id, ok := ast.Unparen(x.X).(*ast.Ident); ok {
			if pn, ok := w.info.Uses[id].(*types.PkgName); ok {
				w.report(CodeJobExpression, e, "use a constant, or read it inside an op", "the package variable %s.%s may change, and no version would say so", path.Base(pn.Imported().Path()), x.Sel.Name)
				return
			}
		}
		hint = "take " + text + " inside the op that needs it, or return it as a result of its own"
	case *ast.IndexExpr, *ast.IndexListExpr, *ast.SliceExpr:
		if _, function := w.info.TypeOf(e).(*types.Signature); function {
			w.report(CodeJobExpression, e, "call it", "a function is no data: %s", text)
			return
		}
		hint = "take " + text + " inside the op that needs it"
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			hint = "take pointers inside ops"
		}
	}
	w.report(CodeJobExpression, e, hint, "a %s does not compute: %s", w.what(), text)
}
