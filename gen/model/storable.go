package model

import (
	"fmt"
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A storeProblem says why values of a type cannot be stored and read back exactly: the path to the part at fault.
type storeProblem struct {
	path string // "Report.Rows[].Fn"
	typ  string // of that part: "func()"
	why  string // "a function has no bytes"
	fix  string
	hops []fieldHop // the declared fields on the way
	file bool       // a nested dag.File
}

type fieldHop struct {
	pos  token.Pos
	text string
}

// storeProblem returns what is wrong with t as data, or nil. from is the package whose spelling messages use.
func (b *builder) storeProblem(t types.Type, from *types.Package) *storeProblem {
	if isNamed(t, load.RuntimePath, "File") {
		return nil
	}
	name := from.Path() + "\x00" + TypeName(t)
	if p, ok := b.storable[name]; ok {
		return p
	}
	w := &storeWalk{from: from, seen: map[types.Type]bool{}}
	p := w.walk(t, Short(t, from), nil)
	b.storable[name] = p
	return p
}

// A storeWalk visits the parts of a type depth first and stops at the first one at fault.
type storeWalk struct {
	from *types.Package
	seen map[types.Type]bool
}

func (w *storeWalk) walk(t types.Type, path string, hops []fieldHop) *storeProblem {
	fail := func(why, fix string) *storeProblem {
		return &storeProblem{path: path, typ: Short(t, w.from), why: why, fix: fix, hops: hops}
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		if w.seen[named] {
			return nil // a recursive type: its values are finite
		}
		w.seen[named] = true
		if done, p := w.named(named, fail); done {
			return p
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Kind() == types.UnsafePointer || u.Kind() == types.Uintptr:
			return fail("an address means nothing in another process", "store what it points to")
		case u.Info()&types.IsComplex != 0:
			return fail("complex numbers have no stored form", "use two floats")
		}
		return nil
	case *types.Pointer:
		return w.pointer(u, path, hops, fail)
	case *types.Slice:
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Array:
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Map:
		if p := w.walk(u.Key(), elementPath(path, hops, "[key]"), hops); p != nil {
			return p
		}
		if why := keyProblem(u.Key(), map[types.Type]bool{}); why != "" {
			return &storeProblem{path: path, typ: Short(t, w.from), why: "as a map key, " + Short(u.Key(), w.from) + " " + why, fix: "use a string or integer key", hops: hops}
		}
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Struct:
		return w.fields(u, path, hops)
	case *types.Chan:
		return fail("a channel has no bytes", "return what comes out of it as a slice")
	case *types.Signature:
		return fail("a function has no bytes", "store the data that it is made from")
	case *types.Interface:
		return fail("what stands behind an interface is not known when it is read back", "use a concrete type")
	}
	return fail("it has no stored form", "use another type")
}

// elementPath adds the step into an element. At the top the spelled type shows it already.
func elementPath(path string, hops []fieldHop, step string) string {
	if len(hops) == 0 {
		return path
	}
	return path + step
}

// named judges a declared type by itself; done says that its parts need not be looked at.
func (w *storeWalk) named(t *types.Named, fail func(why, fix string) *storeProblem) (done bool, p *storeProblem) {
	switch {
	case isNamed(t, "time", "Time"):
		return true, nil
	case isNamed(t, load.RuntimePath, "File"):
		p := fail("a dag.File is data by itself", "return it as an output of its own, or store its bytes")
		p.file = true
		return true, p
	case isNamed(t, load.RuntimePath, "Secret"):
		return true, fail("a secret is never stored", "take it as config where it is needed")
	}
	if types.IsInterface(t) {
		return false, nil
	}
	pair, half := Marshaller(t)
	if pair != "" {
		if field := promoted(t, pair); field != "" {
			return true, fail("its "+pair+" form is that of its embedded field "+field+" alone", "give the field a name, or the type a pair of its own")
		}
		return true, nil
	}
	if s, ok := t.Underlying().(*types.Struct); ok && half != "" && hasUnexported(s) {
		return true, fail("it has unexported fields and "+half, "give it both methods of a pair")
	}
	return false, nil
}

func (w *storeWalk) pointer(u *types.Pointer, path string, hops []fieldHop, fail func(why, fix string) *storeProblem) *storeProblem {
	elem := u.Elem()
	if pair, _ := Marshaller(elem); pair == "" {
		switch elem.Underlying().(type) {
		case *types.Pointer, *types.Slice, *types.Map:
			return fail("a pointer to nil and nil itself look the same when stored", "use "+Short(elem, w.from))
		}
	}
	return w.walk(elem, path, hops)
}

func (w *storeWalk) fields(s *types.Struct, path string, hops []fieldHop) *storeProblem {
	for i := range s.NumFields() {
		f := s.Field(i)
		if f.Name() == "_" {
			continue
		}
		at := append(hops[:len(hops):len(hops)], fieldHop{f.Pos(), "field " + f.Name() + " is declared here"})
		fieldPath := path + "." + f.Name()
		if !f.Exported() {
			return &storeProblem{path: fieldPath, typ: Short(f.Type(), w.from), why: "an unexported field cannot be read back", hops: at,
				fix: "export it, or give " + path + " a MarshalBinary and UnmarshalBinary pair"}
		}
		if p := w.walk(f.Type(), fieldPath, at); p != nil {
			return p
		}
	}
	return nil
}

func hasUnexported(s *types.Struct) bool {
	for i := range s.NumFields() {
		if f := s.Field(i); !f.Exported() && f.Name() != "_" {
			return true
		}
	}
	return false
}

// keyProblem says why a type cannot be a map key, or returns "".
func keyProblem(t types.Type, seen map[types.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	if isNamed(t, "time", "Time") {
		return "compares its location by address"
	}
	if pair, _ := Marshaller(t); pair != "" && !types.IsInterface(t) {
		return ""
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&(types.IsInteger|types.IsString|types.IsBoolean) != 0 && u.Kind() != types.Uintptr {
			return ""
		}
		if u.Info()&types.IsFloat != 0 {
			return "may be NaN, which is never found again"
		}
	case *types.Array:
		return keyProblem(u.Elem(), seen)
	case *types.Struct:
		for i := range u.NumFields() {
			f := u.Field(i)
			if !f.Exported() {
				return "has the unexported field " + f.Name()
			}
			if why := keyProblem(f.Type(), seen); why != "" {
				return "has a field " + f.Name() + " that " + why
			}
		}
		return ""
	case *types.Pointer:
		return "is compared by address"
	}
	return "cannot be read back exactly"
}

// marshallers are the method pairs by which a type stores itself, in the order in which the codec prefers them.
var marshallers = []struct{ name, marshal, unmarshal string }{
	{"CBOR", "MarshalCBOR", "UnmarshalCBOR"},
	{"binary", "MarshalBinary", "UnmarshalBinary"},
	{"text", "MarshalText", "UnmarshalText"},
}

// Marshaller returns the name of the method pair ("CBOR", "binary" or "text") by which t, or a pointer to it, stores itself; "" where there
// is none, with half saying which method of a pair lacks the other.
func Marshaller(t types.Type) (pair, half string) {
	if _, ok := types.Unalias(t).(*types.Named); !ok {
		return "", ""
	}
	set := types.NewMethodSet(types.NewPointer(t))
	for _, m := range marshallers {
		out := hasMethod(set, m.marshal, nil, []string{"[]uint8", "error"})
		in := hasMethod(set, m.unmarshal, []string{"[]uint8"}, []string{"error"})
		switch {
		case out && in:
			return m.name, ""
		case out && half == "":
			half = fmt.Sprintf("%s without %s", m.marshal, m.unmarshal)
		case in && half == "":
			half = fmt.Sprintf("%s without %s", m.unmarshal, m.marshal)
		}
	}
	return "", half
}

// promoted returns the name of the embedded field that the pair of t comes from, or "" where it is its own.
func promoted(t types.Type, pair string) string {
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return ""
	}
	set := types.NewMethodSet(types.NewPointer(t))
	for _, m := range marshallers {
		if m.name != pair {
			continue
		}
		for _, name := range []string{m.marshal, m.unmarshal} {
			if sel := set.Lookup(nil, name); len(sel.Index()) > 1 {
				return s.Field(sel.Index()[0]).Name()
			}
		}
	}
	return ""
}

func hasMethod(set *types.MethodSet, name string, params, results []string) bool {
	sel := set.Lookup(nil, name)
	if sel == nil {
		return false
	}
	sig, ok := sel.Type().(*types.Signature)
	return ok && tupleIs(sig.Params(), params) && tupleIs(sig.Results(), results) && !sig.Variadic()
}

func tupleIs(t *types.Tuple, names []string) bool {
	if t.Len() != len(names) {
		return false
	}
	for i, n := range names {
		if TypeName(t.At(i).Type()) != n {
			return false
		}
	}
	return true
}

// Immutable reports whether values of t may be handed on without a copy: nothing in them can be modified through a copy of the value, and a
// round trip through the store gives the identical value.
func Immutable(t types.Type) bool {
	if pair, _ := Marshaller(t); pair != "" {
		return false // its stored form is its own affair
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&(types.IsBoolean|types.IsInteger|types.IsFloat|types.IsString) != 0 && u.Kind() != types.Uintptr
	case *types.Array:
		return Immutable(u.Elem())
	case *types.Struct:
		for i := range u.NumFields() {
			if f := u.Field(i); !f.Exported() || !Immutable(f.Type()) {
				return false
			}
		}
		return true
	}
	return false
}
