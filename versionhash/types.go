package versionhash

import (
	"encoding/binary"
	"go/ast"
	"go/types"
)

// typeExpr writes a type that stands in the source: by identity for the hash, as it is spelt for the explanation.
func (w *writer) typeExpr(e ast.Expr, t types.Type) {
	w.mark(mType)
	w.typ(t)
	w.syntax(e)
}

// typ writes a type by identity, to the hash alone.
func (w *writer) typ(t types.Type) { w.core = w.appendType(w.core, t) }

func (w *writer) appendType(b []byte, t types.Type) []byte {
	num := func(n int) { b = binary.AppendUvarint(b, uint64(n)) }
	sub := func(t types.Type) { b = w.appendType(b, t) }
	switch t := types.Unalias(t).(type) {
	case nil:
		b = append(b, mNil)
	case *types.Basic:
		if t.Kind() == types.Invalid {
			return append(b, mInvalid)
		}
		b = append(b, mBasic)
		b = appendString(b, basicName(t))
	case *types.Pointer:
		b = append(b, mPointer)
		sub(t.Elem())
	case *types.Slice:
		b = append(b, mSliceType)
		sub(t.Elem())
	case *types.Array:
		b = append(b, mArray)
		b = binary.AppendVarint(b, t.Len())
		sub(t.Elem())
	case *types.Map:
		b = append(b, mMap)
		sub(t.Key())
		sub(t.Elem())
	case *types.Chan:
		b = append(b, mChan)
		num(int(t.Dir()))
		sub(t.Elem())
	case *types.Signature:
		b = append(b, mSignature)
		b = w.appendSignature(b, t)
	case *types.Tuple:
		b = append(b, mTuple)
		num(t.Len())
		for v := range t.Variables() {
			sub(v.Type())
		}
	case *types.Struct:
		b = append(b, mStruct)
		num(t.NumFields())
		for i := range t.NumFields() {
			f := t.Field(i)
			b = appendString(b, f.Name())
			num(boolInt(f.Embedded()))
			b = appendString(b, t.Tag(i))
			sub(f.Type())
		}
	case *types.Interface:
		b = w.appendInterface(b, t)
	case *types.Union:
		b = append(b, mUnion)
		num(t.Len())
		for term := range t.Terms() {
			num(boolInt(term.Tilde()))
			sub(term.Type())
		}
	case *types.TypeParam:
		b = append(b, mTypeParam)
		n, ok := w.tparams[t]
		if !ok {
			n = uint64(len(w.tparams))
			w.tparams[t] = n
		}
		b = binary.AppendUvarint(b, n)
	case *types.Named:
		b = w.appendNamed(b, t)
	default:
		b = append(b, mBad)
	}
	return b
}

func basicName(t *types.Basic) string {
	// byte and rune are uint8 and int32 by another name.
	if k := t.Kind(); int(k) < len(types.Typ) && types.Typ[k] != nil {
		return types.Typ[k].Name()
	}
	return t.Name()
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *writer) appendSignature(b []byte, t *types.Signature) []byte {
	// Type parameters first: parameters name them.
	b = binary.AppendUvarint(b, uint64(t.TypeParams().Len()))
	for p := range t.TypeParams().TypeParams() {
		b = w.appendType(b, p)
		b = w.appendType(b, p.Constraint())
	}
	for _, tuple := range []*types.Tuple{t.Params(), t.Results()} {
		b = binary.AppendUvarint(b, uint64(tuple.Len()))
		for v := range tuple.Variables() {
			b = w.appendType(b, v.Type())
		}
	}
	return binary.AppendUvarint(b, uint64(boolInt(t.Variadic())))
}

func (w *writer) appendInterface(b []byte, t *types.Interface) []byte {
	b = append(b, mInterface)
	// The complete method set, in the order of go/types (by identity): embedding and listing are the same.
	b = binary.AppendUvarint(b, uint64(t.NumMethods()))
	for m := range t.Methods() {
		b = appendString(b, m.Name())
		if !m.Exported() && m.Pkg() != nil {
			b = appendString(b, m.Pkg().Path())
		}
		b = w.appendType(b, m.Type())
	}
	for e := range t.EmbeddedTypes() {
		if i, ok := e.Underlying().(*types.Interface); ok && i.IsMethodSet() {
			continue
		}
		b = w.appendType(b, e) // a constraint
	}
	b = append(b, mEnd)
	return binary.AppendUvarint(b, uint64(boolInt(t.IsComparable())))
}

func (w *writer) appendNamed(b []byte, t *types.Named) []byte {
	o := t.Obj()
	switch where := w.s.where(o.Pkg()); {
	case where == universe:
		b = append(b, mUniverse)
		b = appendString(b, o.Name())
	case where == local && !isPackageLevel(o):
		b = append(b, mLocal)
		b = binary.AppendUvarint(b, w.local(t.Origin().Obj()))
	case where == local:
		b = append(b, mNamed)
		b = binary.AppendUvarint(b, w.ref(w.s.key(t.Origin().Obj())))
	default:
		w.outside(o.Pkg().Path())
		b = append(b, mExternal)
		b = appendString(b, o.Pkg().Path())
		b = appendString(b, o.Name())
	}
	b = binary.AppendUvarint(b, uint64(t.TypeArgs().Len()))
	for a := range t.TypeArgs().Types() {
		b = w.appendType(b, a)
	}
	return b
}

// runtimeType notes that a value of t becomes visible to code that only knows interfaces or reflection: the methods of all local
// types that can be reached through it count.
func (w *writer) runtimeType(t types.Type) {
	w.s.eachNamed(t, w.runtime, func(n *types.Named) {
		w.ref(w.s.asValueKey(keyRuntime, n))
	})
}

// eachNamed calls yield for every local package-level type that a value of type t shows to reflection without a look into
// named types: elements, keys, exported and embedded fields, type arguments.
func (s *scanner) eachNamed(t types.Type, seen map[types.Type]bool, yield func(*types.Named)) {
	if t == nil || seen[t] {
		return
	}
	seen[t] = true
	switch t := types.Unalias(t).(type) {
	case *types.Pointer:
		s.eachNamed(t.Elem(), seen, yield)
	case *types.Slice:
		s.eachNamed(t.Elem(), seen, yield)
	case *types.Array:
		s.eachNamed(t.Elem(), seen, yield)
	case *types.Chan:
		s.eachNamed(t.Elem(), seen, yield)
	case *types.Map:
		s.eachNamed(t.Key(), seen, yield)
		s.eachNamed(t.Elem(), seen, yield)
	case *types.Tuple:
		for v := range t.Variables() {
			s.eachNamed(v.Type(), seen, yield)
		}
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() || f.Embedded() {
				s.eachNamed(f.Type(), seen, yield)
			}
		}
	case *types.Signature:
		// reflect.Value.Call takes and gives such values.
		s.eachNamed(t.Params(), seen, yield)
		s.eachNamed(t.Results(), seen, yield)
	case *types.Named:
		for a := range t.TypeArgs().Types() {
			s.eachNamed(a, seen, yield)
		}
		if s.where(t.Obj().Pkg()) != local {
			return
		}
		if !isPackageLevel(t.Obj()) { // declared in a function: it has no methods of its own
			s.eachNamed(t.Underlying(), seen, yield)
			return
		}
		yield(t)
	}
}

// asEntry keeps the types of which more counts where the declaration itself is asked for.
func (s *scanner) asEntry(sum *summary, kind keyKind, list ...types.Type) {
	seen := map[types.Type]bool{}
	for _, t := range list {
		s.eachNamed(t, seen, func(n *types.Named) { sum.entry = append(sum.entry, s.asValueKey(kind, n)) })
	}
}

// isInterface reports whether values of t are interface values at run time.
func isInterface(t types.Type) bool {
	if t == nil {
		return false
	}
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return false
	}
	return types.IsInterface(t)
}

// convert notes the conversion of a value of type src to dst, if it is one from a concrete type to an interface.
func (w *writer) convert(dst, src types.Type) {
	if isInterface(dst) && src != nil && !isInterface(src) {
		w.runtimeType(src)
	}
}

func (w *writer) convertExpr(dst types.Type, e ast.Expr) {
	if e != nil && isInterface(dst) {
		w.convert(dst, w.typeOf(e))
	}
}

func (w *writer) typeOf(e ast.Expr) types.Type {
	if t := w.s.info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

// under returns the type that operations see: the underlying one, of a type parameter that of its first term.
func under(t types.Type) types.Type {
	if t == nil {
		return types.Typ[types.Invalid]
	}
	u := t.Underlying()
	if p, ok := types.Unalias(t).(*types.TypeParam); ok {
		if i, ok := p.Constraint().Underlying().(*types.Interface); ok {
			for e := range i.EmbeddedTypes() {
				if un, ok := types.Unalias(e).(*types.Union); ok && un.Len() > 0 {
					return un.Term(0).Type().Underlying()
				}
				if _, ok := e.Underlying().(*types.Interface); !ok {
					return e.Underlying()
				}
			}
		}
	}
	return u
}

// deref returns the element of a pointer type, else t.
func deref(t types.Type) types.Type {
	if p, ok := under(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}
