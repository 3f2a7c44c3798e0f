package model

import (
	"go/ast"
	"go/token"
	"go/types"
)

func (w *body) object(id *ast.Ident) types.Object {
	if obj := w.info.Defs[id]; obj != nil {
		return obj
	}
	return w.info.Uses[id]
}

func isBlank(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && id.Name == "_"
}

func (w *body) assign(s *ast.AssignStmt) {
	if s.Tok != token.ASSIGN && s.Tok != token.DEFINE {
		w.report(CodeJobExpression, s, "move the computation into an op", "a %s does not compute: `%s %s %s`", w.what(), text(s.Lhs[0], 40), s.Tok, text(s.Rhs[0], 40))
		return
	}
	w.pairs(s.Lhs, s.Rhs)
}

// A target is the left side of an assignment: a variable, or an element of one.
type target struct {
	expr  ast.Expr
	obj   types.Object   // of the variable; nil for the blank one
	index *ast.IndexExpr // of an element
	at    *Binding       // which one
	typ   types.Type     // of what can be assigned; nil for the blank variable
	bad   bool           // an error was reported
}

// targets reads left sides; operands of indexes come before anything on the right, as in Go.
func (w *body) targets(lhs []ast.Expr) []target {
	out := make([]target, len(lhs))
	for i, e := range lhs {
		out[i] = w.target(ast.Unparen(e))
	}
	return out
}

func (w *body) target(e ast.Expr) target {
	t := target{expr: e}
	switch x := e.(type) {
	case *ast.Ident:
		if x.Name == "_" {
			return t
		}
		t.obj = w.object(x)
		if t.obj == nil {
			t.bad = true
			w.fail() // does not compile
			return t
		}
		t.typ = t.obj.Type()
		t.bad = !w.assignable(x, t.obj, w.info.Defs[x] == nil)
		return t
	case *ast.IndexExpr:
		id, ok := ast.Unparen(x.X).(*ast.Ident)
		if !ok {
			break
		}
		t.obj, t.index = w.object(id), x
		if t.obj == nil {
			t.bad = true
			w.fail()
			return t
		}
		switch u := t.obj.Type().Underlying().(type) {
		case *types.Slice:
			t.typ = u.Elem()
			t.at = w.indexOf(x.Index, types.Typ[types.Int])
		case *types.Map:
			t.typ = u.Elem()
			t.at = w.indexOf(x.Index, u.Key())
		default:
			w.report(CodeJobExpression, e, "use a slice made with make, or build the value in an op", "%s is no element of a slice or a map", source(e))
			t.bad = true
			return t
		}
		t.bad = t.at == nil || !w.assignable(id, t.obj, true) || !w.orderless(x, t.obj)
		return t
	case *ast.SelectorExpr:
		if id, ok := ast.Unparen(x.X).(*ast.Ident); ok {
			t.obj = w.object(id)
		}
		w.report(CodeJobExpression, e, "write the whole value as one literal: T{Field: ...}, or build it in an op", "a field cannot be set by itself: %s", source(e))
		t.bad = true
		return t
	}
	w.report(CodeJobExpression, e, "assign to a variable, and build the value in an op", "%s is not a variable", source(e))
	t.bad = true
	return t
}

// assignable reports variables that a body cannot assign to. Those that it declares here and now are fine.
func (w *body) assignable(id *ast.Ident, obj types.Object, again bool) bool {
	if !again {
		return true
	}
	if obj.Parent() == w.own().Scope() || obj.Pkg() != w.own() {
		w.report(CodeJobExpression, id, "return it as a result", "it sets the package variable %s, which its steps would not see", id.Name)
		return false
	}
	if p := w.params[obj]; p != nil && p.Role != RoleInput {
		w.report(CodeJobExpression, id, "pass "+p.GoName+" on as it is", "%s is injected: what it is cannot be changed", p.GoName)
		return false
	}
	for _, l := range w.loops {
		switch {
		case l.ranged == obj:
			d := w.report(CodeJobExpression, id, "collect into another variable", "the loop ranges over %s, and cannot change it", id.Name)
			w.b.relate(d, l.stmt.Pos(), "the loop")
			return false
		}
	}
	return true
}

// indexOf reads the index or key of an element.
func (w *body) indexOf(e ast.Expr, t types.Type) *Binding {
	if tv := w.info.Types[e]; tv.Value == nil && tv.Type != nil {
		if b, ok := tv.Type.Underlying().(*types.Basic); ok && b.Info()&types.IsInteger != 0 && types.Identical(t, types.Typ[types.Int]) {
			t = tv.Type // any integer may be an index
		}
	}
	v := w.valueAs(e, t, "the index")
	if v.broken {
		return nil
	}
	return v.from
}

// put gives the variable or element that t names a value.
func (w *body) put(t target, v *value) {
	switch {
	case t.obj == nil || isError(t.obj.Type()):
		return
	case t.bad:
		v = brokenValue
	case t.index != nil:
		v = w.putElement(t, v)
	case v.from != nil && takesConfig(v.from) && len(w.regions) > 0 && !w.declares(t):
		w.report(CodeJobConfig, t.expr, "assign it before, or to a variable of its own", "the config %s would depend on what happens in the run", t.obj.Name())
		v = brokenValue
	default:
		if loop := w.unordered(t.obj); loop != nil && !v.broken {
			d := w.report(CodeJobStatement, t.expr, "range over a sorted slice of the keys, or assign to the elements of a map", "the value of %s would depend on the order of a map, which Go makes anew each time", t.obj.Name())
			w.b.relate(d, loop.stmt.Pos(), "the loop over a map")
			v = brokenValue
		}
		v = w.convert(t.expr, v, t.obj.Type(), t.obj.Name()+" is assigned")
	}
	if _, known := w.scope.values[t.obj]; known || w.declares(t) {
		w.scope.values[t.obj] = v
	}
}

// declares reports whether the left side declares its variable.
func (w *body) declares(t target) bool {
	id, ok := t.expr.(*ast.Ident)
	return ok && w.info.Defs[id] != nil
}

func (w *body) putElement(t target, v *value) *value {
	base := w.scope.values[t.obj]
	if base == nil || base.broken || v.broken {
		w.fail()
		return brokenValue
	}
	base = w.settled(base)
	if base.maybe || !w.maySet(t.index, base) {
		w.fail()
		return brokenValue
	}
	v = w.convert(t.expr, v, t.typ, "the element is assigned")
	if v.broken {
		return brokenValue
	}
	w.give(v, t.expr, source(t.expr))
	return &value{from: &Binding{Kind: FromSet, Type: base.typ, Parts: []*Binding{base.from, t.at, v.from}}, typ: base.typ, mem: base.mem}
}

// unordered returns a loop over a map that is being read and that obj is declared outside of; nil where there is none.
func (w *body) unordered(obj types.Object) *loop {
	for _, l := range w.loops {
		if l.overMap && !l.declares(obj) {
			return l
		}
	}
	return nil
}

// orderless checks that no two iterations of a loop over a map may assign to one element, because then the last one would win.
func (w *body) orderless(lhs *ast.IndexExpr, obj types.Object) bool {
	_, isMap := obj.Type().Underlying().(*types.Map)
	for _, l := range w.loops {
		if !l.overMap || l.declares(obj) || isMap && w.distinct(lhs.Index, l) {
			continue
		}
		hint := "use the key of the loop as the key: for k, v := range m { out[k] = ... }"
		if l.keyObj != nil {
			hint = "use the key of the loop as the key of a map: " + l.keyObj.Name()
		}
		d := w.report(CodeJobStatement, lhs, hint, "which iteration assigns %s last would depend on the order of a map, which Go makes anew each time", source(lhs))
		w.b.relate(d, l.stmt.Pos(), "the loop over a map")
		return false
	}
	return true
}

// distinct reports whether e has another value in each iteration of l: the key, or a literal or conversion with the key in it.
func (w *body) distinct(e ast.Expr, l *loop) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return l.keyObj != nil && w.info.Uses[e] == l.keyObj && w.scope.values[l.keyObj] == l.keyValue
	case *ast.CompositeLit:
		for _, x := range e.Elts {
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				x = kv.Value
			}
			if w.distinct(x, l) {
				return true
			}
		}
	case *ast.CallExpr:
		return w.conversion(e) && len(e.Args) == 1 && w.distinct(e.Args[0], l)
	}
	return false
}

// pairs assigns: the results of one call to many, or one to one.
func (w *body) pairs(lhs, rhs []ast.Expr) {
	if len(rhs) == 1 {
		if call, ok := ast.Unparen(rhs[0]).(*ast.CallExpr); ok && w.plainCall(call) {
			if !w.configInto(lhs, call) {
				w.callInto(w.targets(lhs), call)
			}
			return
		}
	}
	targets := w.targets(lhs)
	if len(lhs) != len(rhs) { // v, ok := m[k]
		w.computes(ast.Unparen(rhs[0]))
		for _, t := range targets {
			w.put(t, brokenValue)
		}
		return
	}
	values := make([]*value, len(rhs))
	for i, e := range rhs {
		t := targets[i].typ
		if t == nil {
			if t = w.info.TypeOf(e); t == nil {
				w.fail()
				values[i] = brokenValue
				continue
			}
			t = types.Default(t)
			if b, ok := t.(*types.Basic); ok && b.Kind() == types.UntypedNil {
				t = nil
			}
		}
		if values[i] = w.configValue(e); values[i] == nil {
			values[i] = w.value(e, t)
		}
		if targets[i].obj != nil && w.held(values[i].mem, targets[i].obj) {
			w.give(values[i], e, "another variable")
		}
	}
	for i := range targets {
		w.put(targets[i], values[i])
	}
}

// plainCall reports whether call is that of a function, which may return any number of results: no constant, conversion, or anything that the
// language of bodies has as an expression.
func (w *body) plainCall(call *ast.CallExpr) bool {
	return !w.constant(call) && !w.conversion(call) && w.builtin(call) == "" && !w.clips(call)
}

func (w *body) constant(e ast.Expr) bool { return w.info.Types[e].Value != nil }

func (w *body) conversion(call *ast.CallExpr) bool { return w.info.Types[call.Fun].IsType() }

// builtin returns the name of the builtin function that call calls, or "".
func (w *body) builtin(call *ast.CallExpr) string {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := w.info.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

// clips reports whether call is slices.Clip(x), after which append copies.
func (w *body) clips(call *ast.CallExpr) bool {
	f := w.callee(call)
	return f != nil && f.Pkg() != nil && f.Pkg().Path() == "slices" && f.Name() == "Clip"
}

// callInto reads "a, b, err := Op(...)".
func (w *body) callInto(targets []target, call *ast.CallExpr) {
	node := w.call(call)
	if node == nil {
		for _, t := range targets {
			w.put(t, brokenValue)
		}
		return
	}
	fn := node.Func()
	for i, t := range targets {
		if i < len(fn.Results) {
			out := fn.Results[i]
			w.put(t, &value{from: &Binding{Kind: FromNode, Type: out.Type, Node: node, Output: i}, typ: out.Type})
			continue
		}
		w.errorInto(t, call, fn.GoName)
	}
}
