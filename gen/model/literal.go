package model

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
)

// literal reads an expression that is made of constants alone, as a value of type t; nil where it is anything else.
func (w *body) literal(e ast.Expr, t types.Type) *Literal {
	e = ast.Unparen(e)
	tv, ok := w.info.Types[e]
	if !ok || Invalid(t) {
		return nil
	}
	switch {
	case tv.IsNil():
		switch t.Underlying().(type) {
		case *types.Pointer, *types.Slice, *types.Map:
			return &Literal{Type: t, Nil: true, Pos: e.Pos()}
		}
		return nil
	case tv.Value != nil:
		typ := tv.Type
		if b, ok := typ.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
			typ = types.Default(typ)
		}
		if types.IsInterface(t) {
			return nil
		}
		if types.ConvertibleTo(typ, t) && isUntypedOr(tv.Type, t) {
			typ = t
		}
		return &Literal{Type: typ, Const: represented(tv.Value, typ), Pos: e.Pos()}
	}
	switch e := e.(type) {
	case *ast.CompositeLit:
		return w.composite(e)
	case *ast.CallExpr:
		if w.conversion(e) && len(e.Args) == 1 && w.info.Types[e.Args[0]].IsNil() { // []T(nil)
			return w.literal(e.Args[0], tv.Type)
		}
	case *ast.UnaryExpr:
		if inner, ok := ast.Unparen(e.X).(*ast.CompositeLit); ok && e.Op == token.AND {
			if l := w.composite(inner); l != nil && !l.Addr {
				return &Literal{Type: tv.Type, Addr: true, Fields: l.Fields, Pos: e.Pos()}
			}
		}
	}
	return nil
}

// isUntypedOr reports whether a constant of type from simply takes type to.
func isUntypedOr(from, to types.Type) bool {
	b, ok := from.(*types.Basic)
	return ok && b.Info()&types.IsUntyped != 0 || types.Identical(from, to)
}

// represented is the value that a constant has once it is of type t: floats are rounded, a rune given to a float becomes one.
func represented(v constant.Value, t types.Type) constant.Value {
	b, ok := t.Underlying().(*types.Basic)
	if !ok {
		return v
	}
	switch {
	case b.Info()&types.IsInteger != 0:
		return constant.ToInt(v)
	case b.Kind() == types.Float32:
		f, _ := constant.Float32Val(constant.ToFloat(v))
		return constant.MakeFloat64(float64(f))
	case b.Info()&types.IsFloat != 0:
		f, _ := constant.Float64Val(constant.ToFloat(v))
		return constant.MakeFloat64(f)
	}
	return v
}

// composite reads T{...}, with everything in it literal too.
func (w *body) composite(e *ast.CompositeLit) *Literal {
	t := w.info.TypeOf(e)
	if t == nil || Invalid(t) {
		return nil
	}
	out := &Literal{Type: t, Pos: e.Pos()}
	if p, ok := types.Unalias(t).(*types.Pointer); ok { // {...} in a []*T
		out.Addr = true
		t = p.Elem()
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		return w.structLit(out, e, u)
	case *types.Slice:
		return w.elements(out, e, u.Elem())
	case *types.Array:
		return w.elements(out, e, u.Elem())
	case *types.Map:
		for _, x := range e.Elts {
			kv, ok := x.(*ast.KeyValueExpr)
			if !ok {
				return nil
			}
			k, v := w.literal(kv.Key, u.Key()), w.literal(kv.Value, u.Elem())
			if !sameType(k, u.Key()) || !sameType(v, u.Elem()) {
				return nil
			}
			out.Fields = append(out.Fields, LiteralField{Key: k, Value: v})
		}
		return out
	}
	return nil
}

func sameType(l *Literal, t types.Type) bool { return l != nil && types.Identical(l.Type, t) }

func (w *body) structLit(out *Literal, e *ast.CompositeLit, s *types.Struct) *Literal {
	for i, x := range e.Elts {
		field, x := w.fieldOf(s, i, x)
		if field == nil {
			return nil
		}
		v := w.literal(x, field.Type())
		if !sameType(v, field.Type()) {
			return nil
		}
		out.Fields = append(out.Fields, LiteralField{Name: field.Name(), Value: v})
	}
	return out
}

func (w *body) elements(out *Literal, e *ast.CompositeLit, elem types.Type) *Literal {
	next := int64(0)
	for _, x := range e.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			i, exact := w.constantIndex(kv.Key)
			if !exact {
				return nil
			}
			next, x = i, kv.Value
		}
		v := w.literal(x, elem)
		if !sameType(v, elem) {
			return nil
		}
		out.Fields = append(out.Fields, LiteralField{Index: next, Value: v})
		next++
	}
	return out
}
