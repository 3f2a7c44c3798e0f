package versionhash

import (
	"encoding/binary"
	"go/ast"
	"go/types"
	"strconv"
)

// call writes a conversion, the use of a builtin, or a call.
func (w *writer) call(e *ast.CallExpr) {
	fun := ast.Unparen(e.Fun)
	tv := w.s.info.Types[fun]
	if tv.IsType() {
		w.mark(mConversion)
		w.typeExpr(fun, tv.Type)
		for _, a := range e.Args {
			w.expr(a, useValue)
			w.convertExpr(tv.Type, a)
		}
		w.mark(mEnd)
		return
	}
	w.mark(mCall)
	w.bool(e.Ellipsis.IsValid())
	if name := w.builtin(fun); name != "" {
		w.mark(mBuiltin)
		w.str(name)
		w.builtinArgs(name, e)
		w.mark(mEnd)
		return
	}
	w.registers(e, false)
	w.expr(fun, useLook)
	sig, _ := under(w.typeOf(fun)).(*types.Signature)
	for _, a := range e.Args {
		w.expr(a, useValue)
	}
	w.mark(mEnd)
	if sig == nil {
		return
	}
	if len(e.Args) == 1 {
		if t, ok := w.typeOf(e.Args[0]).(*types.Tuple); ok { // f(g()) with several results
			for i := range t.Len() {
				w.convert(paramType(sig, i, false), t.At(i).Type())
			}
			return
		}
	}
	for i, a := range e.Args {
		w.convertExpr(paramType(sig, i, e.Ellipsis.IsValid()), a)
	}
}

// paramType is the type that argument i is assigned to; spread is whether the last argument is a slice followed by dots.
func paramType(sig *types.Signature, i int, spread bool) types.Type {
	n := sig.Params().Len()
	if sig.Variadic() && i >= n-1 {
		last := sig.Params().At(n - 1).Type()
		if spread {
			return last
		}
		if s, ok := under(last).(*types.Slice); ok {
			return s.Elem()
		}
		return last
	}
	if i < n {
		return sig.Params().At(i).Type()
	}
	return nil
}

// builtin returns the name of the predeclared function that fun denotes, or "".
func (w *writer) builtin(fun ast.Expr) string {
	var o types.Object
	switch f := fun.(type) {
	case *ast.Ident:
		o = w.s.info.Uses[f]
	case *ast.SelectorExpr: // of package unsafe
		o = w.s.info.Uses[f.Sel]
	}
	if b, ok := o.(*types.Builtin); ok {
		return b.Name()
	}
	return ""
}

func (w *writer) builtinArgs(name string, e *ast.CallExpr) {
	arg := func(i int, u use) {
		if i < len(e.Args) {
			w.expr(e.Args[i], u)
		}
	}
	rest := func(from int) {
		for i := from; i < len(e.Args); i++ {
			w.expr(e.Args[i], useValue)
		}
	}
	first := types.Type(types.Typ[types.Invalid])
	if len(e.Args) > 0 {
		first = w.typeOf(e.Args[0])
	}
	switch name {
	case "len", "cap":
		arg(0, useLook)
		rest(1)
	case "clear", "close":
		arg(0, useCall)
		rest(1)
	case "delete":
		arg(0, useCall)
		rest(1)
		if m, ok := under(first).(*types.Map); ok && len(e.Args) > 1 {
			w.convertExpr(m.Key(), e.Args[1])
		}
	case "copy":
		arg(0, useCall)
		if s, ok := under(first).(*types.Slice); ok {
			arg(1, part(useValue, s.Elem()))
			rest(2)
		} else {
			rest(1)
		}
	case "append":
		rest(0)
		if s, ok := under(first).(*types.Slice); ok && !e.Ellipsis.IsValid() {
			for _, a := range e.Args[min(1, len(e.Args)):] {
				w.convertExpr(s.Elem(), a)
			}
		}
	case "panic":
		rest(0)
		if len(e.Args) > 0 {
			w.convertExpr(types.Universe.Lookup("any").Type(), e.Args[0])
		}
	default:
		rest(0)
	}
}

// syntax writes an expression as it is spelt, to the explanation alone, and notes what it names: declarations that fold into a
// constant, and aliases, so that they can be blamed.
func (w *writer) syntax(e ast.Expr) {
	w.expl = append(w.expl, mSyntax)
	w.spell(e, true)
	w.expl = append(w.expl, mEnd)
}

// mentions notes the declarations that a constant key names, without writing anything.
func (w *writer) mentions(e ast.Expr) { w.spell(e, false) }

func (w *writer) spell(e ast.Expr, write bool) {
	text := func(m byte, s string) {
		if write {
			w.expl = append(w.expl, m)
			w.expl = appendString(w.expl, s)
		}
	}
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case nil:
			if write {
				w.expl = append(w.expl, mEnd)
			}
		case *ast.StructType:
			text(mSyntax, "struct")
			w.spellFields(n.Fields, write, text)
			return false
		case *ast.InterfaceType:
			text(mSyntax, "interface")
			w.spellFields(n.Methods, write, text)
			return false
		case *ast.Field: // a parameter: its name does not matter
			w.spell(n.Type, write)
			return false
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok {
				if p, ok := w.s.info.Uses[id].(*types.PkgName); ok && w.s.info.Uses[n.Sel] == nil {
					w.missing(n, p.Imported().Path())
					return false
				}
			}
			text(mSyntax, ".")
		case *ast.Ident:
			w.spellIdent(n, text)
		case *ast.BasicLit:
			text(mConst, n.Value)
		case *ast.BinaryExpr:
			text(mBinary, n.Op.String())
		case *ast.UnaryExpr:
			text(mUnary, n.Op.String())
		case *ast.ParenExpr, *ast.FieldList:
		case *ast.FuncLit:
			return false // in the argument of a builtin that folds: its code does not run
		default:
			text(mSyntax, nodeName(n))
		}
		return true
	})
}

// spellFields writes the fields of a struct, or the methods of an interface.
func (w *writer) spellFields(l *ast.FieldList, write bool, text func(byte, string)) {
	for _, f := range l.List {
		for _, name := range f.Names {
			text(mField, name.Name)
		}
		w.spell(f.Type, write)
		if f.Tag != nil {
			tag, err := strconv.Unquote(f.Tag.Value)
			if err != nil {
				tag = f.Tag.Value
			}
			text(mConst, tag)
		}
	}
}

func (w *writer) spellIdent(id *ast.Ident, text func(byte, string)) {
	o := w.s.info.Uses[id]
	w.noteInstance(id)
	switch {
	case o == nil:
		if id.Name != "_" && w.s.info.Defs[id] == nil {
			w.unresolved(id, w.pkg.Path())
		}
		return
	case o.Pkg() == nil:
		text(mUniverse, o.Name())
		return
	case !isPackageLevel(o):
		switch o := o.(type) {
		case *types.Const:
			text(mConst, o.Val().ExactString())
		case *types.PkgName: // what is selected from it says the package
		default:
			n, ok := w.spelt[o]
			if !ok {
				n = uint64(len(w.spelt))
				w.spelt[o] = n
			}
			text(mLocal, string(binary.AppendUvarint(nil, n)))
		}
		return
	}
	c, isConst := o.(*types.Const)
	if w.s.where(o.Pkg()) != local && (!isConst || w.s.where(o.Pkg()) == standard) {
		text(mName, o.Pkg().Path()+"."+o.Name())
		if isConst {
			text(mConst, c.Val().ExactString())
		}
		return
	}
	if v, ok := o.(*types.Var); ok {
		o = v.Origin()
	}
	n := w.name(w.s.key(o))
	text(mRef, string(binary.AppendUvarint(nil, n)))
	if isConst {
		w.s.foreignConst(c)
		w.skipped(o.Pkg())
	}
}

// missing writes pkg.Name where the package has no such name, as far as is known.
func (w *writer) missing(e *ast.SelectorExpr, path string) {
	if path == "C" {
		w.usesC = true
		w.ref(key{kind: keyNative, pkg: w.pkg.Path()})
		w.mark(mName)
		w.str(e.Sel.Name)
		return
	}
	w.unresolved(e.Sel, path)
}

// noteInstance marks the type arguments of a generic type that is written out.
func (w *writer) noteInstance(id *ast.Ident) {
	if inst, ok := w.s.info.Instances[id]; ok {
		for t := range inst.TypeArgs.Types() {
			w.runtimeType(t)
		}
	}
}

// skipped makes the declaration depend on the files of a package that build constraints leave out, where there are any.
func (w *writer) skipped(pkg *types.Package) {
	if pkg != nil && w.s.env.hasSkipped(pkg.Path()) {
		w.ref(key{kind: keySkipped, pkg: pkg.Path()})
	}
}

func nodeName(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StarExpr:
		return "*"
	case *ast.ArrayType:
		return "[]"
	case *ast.MapType:
		return "map"
	case *ast.ChanType:
		return "chan" + string(rune('0'+int(n.Dir)))
	case *ast.FuncType:
		return "func"
	case *ast.CallExpr:
		return "call"
	case *ast.IndexExpr, *ast.IndexListExpr:
		return "index"
	case *ast.Ellipsis:
		return "..."
	default:
		return "other"
	}
}
