package versionhash

import "go/types"

// A use says what becomes of the value of an expression, as far as package variables are concerned.
type use uint8

const (
	useValue use = iota // the value goes on: what it points to may be changed by others
	useLook             // only looked at: len, an immutable part of it, a comparison
	useSet              // assigned to, or its address is taken
	useCall             // a method that can change it is called, or it is sent to or received from
)

// part is the use of x where only a part of it, of type t, is used as u.
func part(u use, t types.Type) use {
	if pair, ok := t.(*types.Tuple); ok && pair.Len() > 0 {
		t = pair.At(0).Type() // v, ok := x[i]
	}
	if u == useValue && !mutable(t, nil) {
		return useLook
	}
	return u
}

// touch records the effect of a use on a package variable.
func (w *writer) touch(v *types.Var, u use) {
	switch w.s.where(v.Pkg()) {
	case local:
		if u == useSet || u == useCall || u == useValue && mutable(v.Type(), nil) {
			w.change(w.s.key(v))
		}
	case standard, external:
		// Handing on os.Stdout changes nothing that a version could see, nor does writing to it; assigning to http.DefaultTransport does.
		if u == useSet || u == useCall && w.s.where(v.Pkg()) == external {
			w.change(key{kind: keyExt, pkg: v.Pkg().Path()})
		}
	}
}

// mutable reports whether someone who gets a copy of a value of type t can change what others see through it.
func mutable(t types.Type, seen map[types.Type]bool) bool {
	if t == nil || seen[t] {
		return false
	}
	if types.Identical(t, types.Universe.Lookup("error").Type()) {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() == types.UnsafePointer || u.Kind() == types.Invalid
	case *types.Array:
		return mutable(u.Elem(), mark(seen, t))
	case *types.Struct:
		seen = mark(seen, t)
		for f := range u.Fields() {
			if mutable(f.Type(), seen) {
				return true
			}
		}
		return false
	case *types.Signature:
		return false
	default:
		return true
	}
}

func mark(seen map[types.Type]bool, t types.Type) map[types.Type]bool {
	if seen == nil {
		seen = map[types.Type]bool{}
	}
	seen[t] = true
	return seen
}

// receiverUse is how a call of method m uses the value it is called on.
func receiverUse(m *types.Func) use {
	sig, ok := m.Type().(*types.Signature)
	if !ok || sig.Recv() == nil {
		return useValue
	}
	t := sig.Recv().Type()
	if isInterface(t) {
		if types.Identical(t, types.Universe.Lookup("error").Type()) {
			return useLook
		}
		return useCall
	}
	if _, ok := types.Unalias(t).(*types.Pointer); ok {
		return useCall
	}
	return part(useValue, t)
}
