package model

import (
	"go/ast"
	"go/types"
)

// What a body passes as a config is known before anything runs: it is made of constants, of the config parameters of the body and their fields, and by functions that
// make one config of another, which are called then. The functions count in no version, because what they return does.

// A whyNot says why an expression is no config: the part of it that is to blame, and what to do.
type whyNot struct {
	at            ast.Node
	message, hint string
}

func (w *body) configArg(n *Node, p *Param, e ast.Expr) bool {
	from, why := w.configOf(e, p.Type)
	if from == nil {
		if why == nil {
			w.fail() // does not compile
			return false
		}
		w.report(CodeJobConfig, why.at, why.hint, "the config of %s must be known before anything runs: %s", n.Func().GoName, why.message)
		return false
	}
	if n.Graph == nil {
		n.Config = from
	} else {
		n.setInput(p, from)
	}
	return true
}

// configOf reads an expression as a config, or a part of one, of type t. It reports nothing: where it is none, it says why.
func (w *body) configOf(e ast.Expr, t types.Type) (*Binding, *whyNot) {
	e = ast.Unparen(e)
	own := w.info.TypeOf(e)
	if own == nil || Invalid(own) || Invalid(t) {
		return nil, nil
	}
	if lit := w.literal(e, t); sameType(lit, t) {
		return &Binding{Kind: FromLiteral, Type: t, Lit: lit}, nil
	}
	b, why := w.configExpr(e)
	if b == nil {
		return nil, why
	}
	if types.Identical(b.Type, t) {
		return b, nil
	}
	if types.IsInterface(t) || !types.IdenticalIgnoreTags(b.Type.Underlying(), t.Underlying()) {
		return nil, &whyNot{e, source(e), "give both sides one type"}
	}
	return conversion(b, t), nil
}

// knownNow reports whether a binding is made of constants and configs alone.
func knownNow(b *Binding) bool {
	switch b.Kind {
	case FromLiteral:
		return true
	case FromParam:
		return b.Param.Role == RoleConfig
	case FromField, FromParts:
		for _, p := range b.Parts {
			if !knownNow(p) {
				return false
			}
		}
		return true
	}
	return false
}

// takesConfig reports whether a binding is made of a config parameter, so that it is no data.
func takesConfig(b *Binding) bool {
	found := false
	b.Walk(func(b *Binding) { found = found || b.Kind == FromParam && b.Param.Role == RoleConfig })
	return found
}

// configValue reads an expression that a variable gets where it is a config that is known now; nil for any other.
func (w *body) configValue(e ast.Expr) *value {
	t := w.info.TypeOf(e)
	if t == nil || w.b.configType(t) == nil {
		return nil
	}
	b, _ := w.configOf(e, t)
	if b == nil || !takesConfig(b) && b.Kind == FromLiteral {
		return nil
	}
	return &value{from: b, typ: t}
}

// configExpr reads an expression that is no literal of constants.
func (w *body) configExpr(e ast.Expr) (*Binding, *whyNot) {
	hint := "make it of constants and of a config parameter of the " + w.what() + ", or write a function that returns it and call it here"
	switch x := e.(type) {
	case *ast.Ident:
		obj := w.info.Uses[x]
		if p := w.params[obj]; p != nil && p.Role == RoleConfig {
			return &Binding{Kind: FromParam, Type: p.Type, Param: p}, nil
		}
		if v := w.scope.values[obj]; v != nil {
			switch {
			case v.broken:
				return nil, nil
			case v.unset && zero(v.typ) != nil:
				return zero(v.typ), nil
			case v.from != nil && knownNow(v.from):
				return v.from, nil
			}
		}
	case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
		if w.isPath(e) {
			return w.configPath(e)
		}
	case *ast.CompositeLit:
		return w.configLiteral(x, false)
	case *ast.UnaryExpr:
		if inner, ok := ast.Unparen(x.X).(*ast.CompositeLit); ok && w.info.Types[e].IsValue() && pointerElem(w.info.TypeOf(e)) != nil {
			return w.configLiteral(inner, true)
		}
	case *ast.CallExpr:
		if w.conversion(x) && len(x.Args) == 1 {
			if t := w.info.TypeOf(x); types.IdenticalIgnoreTags(t.Underlying(), w.info.TypeOf(x.Args[0]).Underlying()) {
				b, why := w.configOf(x.Args[0], w.info.TypeOf(x.Args[0]))
				if b == nil {
					return nil, why
				}
				return conversion(b, t), nil
			}
		}
		return w.configCall(x)
	}
	return nil, &whyNot{e, source(e), hint}
}

// configPath reads a part of a config.
func (w *body) configPath(e ast.Expr) (*Binding, *whyNot) {
	root, steps := w.pathOf(e)
	base, why := w.configOf(root, w.info.TypeOf(root))
	if base == nil {
		if why != nil && why.at == ast.Node(root) {
			why = &whyNot{e, source(e), why.hint}
		}
		return nil, why
	}
	b := &Binding{Kind: FromField, Type: w.info.TypeOf(e), Parts: []*Binding{base}, Expr: &Expr{Kind: ExprPart}}
	for _, s := range steps {
		if s.at != nil && w.info.Types[s.at].Value == nil {
			return nil, &whyNot{s.at, source(s.at), "use a constant, or a function that takes the config"}
		}
		expr, name := w.pathExpr(b.Expr, s, func(*Binding) *Expr { return nil })
		if expr == nil {
			return nil, nil
		}
		b.Expr, b.Name = expr, b.Name+name
	}
	return b, nil
}

// configLiteral reads a composite literal with parts that are configs.
func (w *body) configLiteral(e *ast.CompositeLit, addr bool) (*Binding, *whyNot) {
	t := w.info.TypeOf(e)
	if elem := pointerElem(t); elem != nil {
		t, addr = elem, true
	}
	b := newBuild(t)
	b.addr = addr
	var first *whyNot
	good := true
	read := func(x ast.Expr, t types.Type) *Binding {
		v, why := w.configOf(x, t)
		if v == nil {
			good = false
			if first == nil {
				first = why
			}
		}
		return v
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for i, x := range e.Elts {
			field, x := w.fieldOf(u, i, x)
			if field == nil {
				return nil, nil
			}
			b.field(field, read(x, field.Type()))
		}
	case *types.Slice:
		good = w.buildElements(b, e, u.Elem(), read) && good
	case *types.Array:
		good = w.buildElements(b, e, u.Elem(), read) && good
	case *types.Map:
		for _, x := range e.Elts {
			kv, ok := x.(*ast.KeyValueExpr)
			if !ok {
				return nil, nil
			}
			k := read(kv.Key, u.Key())
			b.entry(k, read(kv.Value, u.Elem()))
		}
	}
	if !good {
		return nil, first
	}
	return b.binding(), nil
}

// mapping returns the function that a call makes a config with, and whether it may fail; nil where the call is of anything else.
func (w *body) mapping(call *ast.CallExpr) (f *types.Func, fails bool) {
	f = w.callee(call)
	if f == nil || w.b.funcs[f.Origin()] != nil || f.Pkg() == nil {
		return nil, false
	}
	results := f.Signature().Results()
	if results.Len() == 0 || results.Len() > 2 || results.Len() == 2 && !isError(results.At(1).Type()) || w.b.configType(results.At(0).Type()) == nil {
		return nil, false
	}
	return f, results.Len() == 2
}

// configType returns the config that t is, or nil.
func (b *builder) configType(t types.Type) *Config {
	if named, ok := types.Unalias(t).(*types.Named); ok {
		return b.configs[named.Obj()]
	}
	return nil
}

// configCall reads the call of a function that makes a config.
func (w *body) configCall(call *ast.CallExpr) (*Binding, *whyNot) {
	f, fails := w.mapping(call)
	if f == nil {
		return nil, &whyNot{call, source(call), "call a function of the package that takes configs and constants, and returns a config"}
	}
	sig := f.Signature()
	refuse := func(why, hint string) (*Binding, *whyNot) {
		return nil, &whyNot{call, f.Name() + " " + why, hint}
	}
	switch {
	case sig.Recv() != nil:
		return refuse("is a method", "write a function that takes the config")
	case sig.TypeParams().Len() > 0:
		return refuse("has type parameters", "write one function for each type")
	case sig.Variadic():
		return refuse("is variadic", "take a slice")
	case f.Pkg() != w.own() && !f.Exported():
		return nil, nil // does not compile
	}
	out := &Binding{Kind: FromParts, Type: sig.Results().At(0).Type(), Name: f.FullName() + "()"}
	expr := &Expr{Kind: ExprCall, Func: f, Fails: fails}
	for i, arg := range call.Args {
		if i >= sig.Params().Len() {
			return nil, nil
		}
		part, why := w.configOf(arg, sig.Params().At(i).Type())
		if part == nil {
			return nil, why
		}
		out.Parts = append(out.Parts, part)
		expr.Args = append(expr.Args, &Expr{Kind: ExprPart, Part: i})
	}
	out.Expr = expr
	return out, nil
}

// configInto reads "cfg, err := mapping(...)"; it is false where the call is of something else.
func (w *body) configInto(lhs []ast.Expr, call *ast.CallExpr) bool {
	f, fails := w.mapping(call)
	if f == nil {
		return false
	}
	targets := w.targets(lhs)
	b, why := w.configCall(call)
	v := brokenValue
	switch {
	case b != nil:
		v = &value{from: b, typ: b.Type}
	case why != nil:
		w.report(CodeJobConfig, why.at, why.hint, "a config must be known before anything runs: %s", why.message)
	default:
		w.fail()
	}
	w.put(targets[0], v)
	if fails && len(targets) == 2 {
		w.errorInto(targets[1], call, f.Name())
	}
	return true
}

// errorInto notes that the error of a call was assigned, which the next statement has to check.
func (w *body) errorInto(t target, call ast.Node, name string) {
	switch {
	case t.bad:
	case t.index != nil || t.obj != nil && !isError(t.obj.Type()):
		w.report(CodeJobUnchecked, t.expr, "assign it to a variable of type error, and return it", "the error of %s is not checked", name)
	case t.obj == nil:
		w.report(CodeJobUnchecked, t.expr, "give it a name and return it: if err != nil { return ..., err }", "the error of %s is dropped", name)
	default:
		w.pending = &pendingError{obj: t.obj, call: call, op: name}
	}
}
