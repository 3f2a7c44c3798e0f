package versionhash

import (
	"encoding/binary"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
)

// expr writes an expression. u says what becomes of its value.
func (w *writer) expr(e ast.Expr, u use) {
	if e == nil {
		w.mark(mNil)
		return
	}
	e = ast.Unparen(e)
	if tv, ok := w.s.info.Types[e]; ok {
		if tv.Value != nil {
			w.constant(e, tv)
			return
		}
		if tv.IsType() {
			w.typeExpr(e, tv.Type)
			return
		}
	}
	switch e := e.(type) {
	case *ast.Ident:
		w.ident(e, u)
	case *ast.BasicLit: // without a type: the checker gave up around it
		w.mark(mBad)
		w.str(e.Value)
	case *ast.SelectorExpr:
		w.selector(e, u)
	case *ast.CallExpr:
		w.call(e)
	case *ast.CompositeLit:
		w.composite(e)
	case *ast.FuncLit:
		w.mark(mFuncLit)
		sig, _ := w.typeOf(e).(*types.Signature)
		w.params(e.Type, sig)
		w.body(e.Body, sig)
	case *ast.IndexExpr:
		if w.instantiated(e.X) {
			w.expr(e.X, u) // the type arguments stand with the name, whether written or inferred
			return
		}
		w.mark(mIndex)
		w.expr(e.X, part(u, w.typeOf(e)))
		w.expr(e.Index, useValue)
		if m, ok := under(w.typeOf(e.X)).(*types.Map); ok {
			w.convertExpr(m.Key(), e.Index)
		}
	case *ast.IndexListExpr:
		w.expr(e.X, u)
	case *ast.SliceExpr:
		w.mark(mSlice)
		w.expr(e.X, part(u, w.typeOf(e)))
		for _, x := range []ast.Expr{e.Low, e.High, e.Max} {
			w.expr(x, useValue)
		}
		w.bool(e.Slice3)
	case *ast.TypeAssertExpr:
		w.mark(mAssert)
		w.expr(e.X, part(u, w.typeOf(e)))
		if e.Type == nil {
			w.mark(mNil)
		} else {
			w.typeExpr(e.Type, w.typeOf(e.Type))
		}
	case *ast.StarExpr:
		w.mark(mStar)
		w.expr(e.X, part(u, w.typeOf(e)))
	case *ast.UnaryExpr:
		w.unary(e)
	case *ast.BinaryExpr:
		w.binary(e)
	case *ast.KeyValueExpr: // outside of a literal that was understood
		w.mark(mKeyed)
		w.looseKey(e.Key)
		w.expr(e.Value, useValue)
	default:
		// A type without a record (the checker gave up around it), or a syntax error.
		w.mark(mBad)
		w.syntax(e)
		w.bad(e, "", "")
	}
}

// constant folds: spelling, and whether a constant has a name, do not matter. The explanation keeps the names.
func (w *writer) constant(e ast.Expr, tv types.TypeAndValue) {
	w.mark(mConst)
	w.typ(tv.Type)
	w.core = appendConstant(w.core, tv.Value, tv.Type)
	w.syntax(e)
}

func appendConstant(b []byte, v constant.Value, t types.Type) []byte {
	if basic, ok := t.Underlying().(*types.Basic); ok {
		// 1 and 1.0 are one float64; go/types has rounded them already.
		switch {
		case basic.Info()&types.IsFloat != 0:
			v = constant.ToFloat(v)
		case basic.Info()&types.IsComplex != 0:
			v = constant.ToComplex(v)
		case basic.Info()&types.IsInteger != 0:
			v = constant.ToInt(v)
		}
	}
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case constant.String:
		return appendString(b, constant.StringVal(v))
	case constant.Complex:
		b = appendString(b, constant.Real(v).ExactString())
		return appendString(b, constant.Imag(v).ExactString())
	case constant.Float:
		return appendString(b, v.ExactString())
	default:
		return appendString(b, v.ExactString())
	}
}

// instantiated reports whether e names a generic function or type.
func (w *writer) instantiated(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		_, ok := w.s.info.Instances[e]
		return ok
	case *ast.SelectorExpr:
		_, ok := w.s.info.Instances[e.Sel]
		return ok
	}
	return false
}

func (w *writer) ident(id *ast.Ident, u use) {
	if id.Name == "_" {
		w.mark(mBlank)
		return
	}
	o := w.s.info.Uses[id]
	if o == nil {
		o = w.s.info.Defs[id]
	}
	if o == nil {
		w.unresolved(id, w.pkg.Path())
		return
	}
	w.object(id, o, u)
}

// unresolved writes an identifier that means nothing to the type checker: one that dagstergen is going to declare, or a mistake.
func (w *writer) unresolved(id *ast.Ident, pkgPath string) {
	if w.s.env.generates(pkgPath, id.Name) {
		w.mark(mGenerated)
		w.str(id.Name)
		return
	}
	w.mark(mName)
	w.str(id.Name)
	w.bad(id, id.Name, "")
}

// object writes what an identifier stands for.
func (w *writer) object(id *ast.Ident, o types.Object, u use) {
	switch o := o.(type) {
	case *types.Var:
		o = o.Origin()
		switch {
		case o.IsField():
			w.mark(mField)
			w.str(o.Name())
		case isPackageLevel(o):
			w.touch(o, u)
			w.global(o)
		default:
			w.mark(mLocal)
			w.num(w.local(o))
		}
	case *types.Func:
		w.global(o.Origin())
	case *types.Const: // not folded: its initialiser is wrong
		w.mark(mName)
		w.str(o.Name())
	case *types.TypeName:
		w.typeExpr(id, o.Type())
	case *types.Builtin:
		w.mark(mBuiltin)
		w.str(o.Name())
	case *types.Nil:
		w.mark(mUniverse)
		w.str("nil")
	case *types.Label:
		w.mark(mLocal)
		w.num(w.local(o))
	default:
		w.mark(mBad)
		w.str(id.Name)
	}
	w.instance(id)
}

// instance writes the type arguments of a generic function; methods of the arguments may be called by it.
func (w *writer) instance(id *ast.Ident) {
	inst, ok := w.s.info.Instances[id]
	if !ok {
		return
	}
	w.mark(mInstance)
	w.int(inst.TypeArgs.Len())
	for t := range inst.TypeArgs.Types() {
		w.typ(t)
		w.runtimeType(t)
	}
}

// global writes a package-level function or variable, or a method.
func (w *writer) global(o types.Object) {
	switch w.s.where(o.Pkg()) {
	case local:
		w.both(w.s.key(o))
	case universe:
		w.mark(mUniverse)
		w.str(o.Name())
		if o.Pkg() != nil {
			w.str(o.Pkg().Path())
		}
	default:
		w.outside(o.Pkg().Path())
		w.mark(mExternal)
		w.str(o.Pkg().Path())
		w.str(o.Name())
	}
}

func (w *writer) selector(e *ast.SelectorExpr, u use) {
	if id, ok := ast.Unparen(e.X).(*ast.Ident); ok {
		if p, ok := w.s.info.Uses[id].(*types.PkgName); ok {
			w.qualified(e, p, u)
			return
		}
	}
	sel := w.s.info.Selections[e]
	if sel == nil {
		// Of a value whose type is not known: it comes from C, from a generated symbol, or from a mistake that is reported itself.
		w.mark(mName)
		w.expr(e.X, u)
		w.str(e.Sel.Name)
		return
	}
	switch o := sel.Obj().(type) {
	case *types.Var:
		w.mark(mField)
		w.depth(sel)
		w.fieldName(o)
		w.receiver(sel.Recv())
		w.expr(e.X, part(u, w.typeOf(e)))
	case *types.Func:
		o = o.Origin()
		recv := o.Signature().Recv()
		if recv != nil && isInterface(recv.Type()) {
			w.mark(mInterfaceMethod)
			w.fieldName(o)
			w.typ(o.Type()) // not the interface that declares it: listing a method and embedding it are the same
		} else {
			w.mark(mMethod)
			w.method(o)
		}
		w.depth(sel)
		w.int(int(sel.Kind()))
		w.receiver(sel.Recv())
		if sel.Kind() == types.MethodExpr {
			w.typeExpr(e.X, w.typeOf(e.X))
			return
		}
		w.expr(e.X, receiverUse(o))
	default:
		w.mark(mBad)
		w.str(e.Sel.Name)
	}
}

// depth writes how many embedded fields a selection goes through; the text does not say it.
func (w *writer) depth(sel *types.Selection) {
	w.core = binary.AppendUvarint(w.core, uint64(len(sel.Index())))
}

// receiver writes the type a selection is made on, so that what the selection goes through counts.
func (w *writer) receiver(t types.Type) { w.typ(t) }

func (w *writer) fieldName(o types.Object) {
	w.str(o.Name())
	if !o.Exported() && o.Pkg() != nil && o.Pkg() != w.pkg {
		w.str(o.Pkg().Path())
	}
}

// method writes a method of a concrete type.
func (w *writer) method(o *types.Func) {
	switch w.s.where(o.Pkg()) {
	case local:
		w.both(w.s.key(o))
	default:
		w.mark(mExternal)
		if o.Pkg() != nil {
			w.outside(o.Pkg().Path())
			w.str(o.Pkg().Path())
		}
		w.str(o.Name())
		if r := o.Signature().Recv(); r != nil {
			w.typ(r.Type())
		}
	}
}

// qualified writes pkg.Name.
func (w *writer) qualified(e *ast.SelectorExpr, p *types.PkgName, u use) {
	o := w.s.info.Uses[e.Sel]
	if o == nil {
		w.missing(e, p.Imported().Path())
		return
	}
	w.object(e.Sel, o, u)
}

func (w *writer) unary(e *ast.UnaryExpr) {
	if e.Op == token.AND {
		if lit, ok := ast.Unparen(e.X).(*ast.CompositeLit); ok {
			w.address(lit)
			return
		}
	}
	w.mark(mUnary)
	w.str(e.Op.String())
	switch e.Op {
	case token.AND:
		w.expr(e.X, useSet)
	case token.ARROW:
		w.expr(e.X, useCall)
	default:
		w.expr(e.X, useValue)
	}
}

// address writes &T{...}, or {...} where the element type of the literal around it is *T.
func (w *writer) address(lit *ast.CompositeLit) {
	w.mark(mUnary)
	w.str(token.AND.String())
	w.literal(lit)
}

func (w *writer) binary(e *ast.BinaryExpr) {
	w.mark(mBinary)
	w.str(e.Op.String())
	u := useValue
	if e.Op == token.EQL || e.Op == token.NEQ {
		u = useLook
		x, y := w.typeOf(e.X), w.typeOf(e.Y)
		w.convert(x, y)
		w.convert(y, x)
	}
	w.expr(e.X, u)
	w.expr(e.Y, u)
}

func (w *writer) composite(e *ast.CompositeLit) {
	if _, ok := under(w.typeOf(e)).(*types.Pointer); ok {
		w.address(e)
		return
	}
	w.literal(e)
}

// literal writes a composite literal; elements are known by field name or by index whether or not these are written.
func (w *writer) literal(e *ast.CompositeLit) {
	t := deref(w.typeOf(e))
	w.mark(mLiteral)
	w.typ(t)
	if e.Type != nil {
		w.syntax(e.Type)
	}
	switch t := under(t).(type) {
	case *types.Struct:
		for i, x := range e.Elts {
			var f *types.Var
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				if id, ok := kv.Key.(*ast.Ident); ok {
					f, _ = w.s.info.Uses[id].(*types.Var)
					if f == nil {
						w.bad(id, id.Name, "")
					}
				}
				x = kv.Value
			} else if i < t.NumFields() {
				f = t.Field(i)
			}
			w.mark(mKeyed)
			if f != nil {
				w.str(f.Name())
				w.convertExpr(f.Type(), x)
			}
			w.expr(x, useValue)
		}
	case *types.Slice:
		w.elements(e.Elts, t.Elem())
	case *types.Array:
		w.elements(e.Elts, t.Elem())
	case *types.Map:
		for _, x := range e.Elts {
			w.mark(mKeyed)
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				w.expr(kv.Key, useValue)
				w.convertExpr(t.Key(), kv.Key)
				x = kv.Value
			}
			w.expr(x, useValue)
			w.convertExpr(t.Elem(), x)
		}
	default:
		for _, x := range e.Elts {
			w.expr(x, useValue)
		}
	}
	w.mark(mEnd)
}

func (w *writer) elements(list []ast.Expr, elem types.Type) {
	next := int64(0)
	for _, x := range list {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			if tv := w.s.info.Types[kv.Key]; tv.Value != nil {
				if n, ok := constant.Int64Val(constant.ToInt(tv.Value)); ok {
					next = n
				}
				w.mentions(kv.Key)
			} else {
				w.looseKey(kv.Key)
			}
			x = kv.Value
		}
		w.mark(mKeyed)
		w.str(strconv.FormatInt(next, 10))
		w.convertExpr(elem, x)
		w.expr(x, useValue)
		next++
	}
}

// looseKey writes the key of an element of a literal whose type is not known.
func (w *writer) looseKey(e ast.Expr) {
	if id, ok := e.(*ast.Ident); ok && w.s.info.Uses[id] == nil {
		w.mark(mName)
		w.str(id.Name)
		return
	}
	w.expr(e, useValue)
}
