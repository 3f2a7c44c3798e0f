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
	if isNamed(t, load.RuntimePath, "File") || isDir(t) {
		return nil
	}
	name := from.Path() + "\x00" + TypeName(t)
	if p, ok := b.storable[name]; ok {
		return p
	}
	w := &storeWalk{from: from, seen: map[*types.Named]bool{}, open: map[*types.TypeName]int{}, local: func(p *types.Package) bool {
		lp := b.prog.Packages[p.Path()]
		return lp != nil && lp.Local
	}, messages: func() bool {
		lp := b.prog.Packages[from.Path()]
		return lp != nil && reaches(lp, load.ProtobufPath)
	}}
	p := w.walk(t, Short(t, from), nil)
	b.storable[name] = p
	return p
}

// dirIsNoData is why a dag.Dir is no part of data.
const dirIsNoData = "says where files are, and holds none of their bytes: a source returns it, assets take it"

func isDir(t types.Type) bool { return isNamed(t, load.RuntimePath, "Dir") }

// StreamElem returns the type of the elements of iter.Seq[T] and of iter.Seq2[T, error]; nil for any other type. two tells the second.
func StreamElem(t types.Type) (elem types.Type, two bool) {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != "iter" {
		return nil, false
	}
	switch args := n.TypeArgs(); {
	case n.Obj().Name() == "Seq" && args.Len() == 1:
		return args.At(0), false
	case n.Obj().Name() == "Seq2" && args.Len() == 2 && isError(args.At(1)):
		return args.At(0), true
	}
	return nil, false
}

// dataProblem is storeProblem for what goes in and out of ops and assets, which may be a stream of what can be stored.
func (b *builder) dataProblem(t types.Type, from *types.Package) *storeProblem {
	elem, _ := StreamElem(t)
	switch {
	case elem == nil:
		return b.storeProblem(t, from)
	case IsFile(elem):
		p := special(elem)
		p.path, p.typ = Short(t, from)+"[]", Short(elem, from)
		return p
	}
	return b.storeProblem(elem, from)
}

// A storeWalk visits the parts of a type depth first and stops at the first one at fault. It admits what the codec of the runtime
// stores, which is structure first: a marshaller counts only where structure alone would lose something.
type storeWalk struct {
	from  *types.Package
	local func(*types.Package) bool // whether a user can edit its types
	// messages tells whether the package has what stores protocol buffers. It goes through all that the package imports, so it is asked only for a type that is one.
	messages func() bool
	seen     map[*types.Named]bool   // types found sound, or being looked at: values of recursive types are finite
	order    []*types.Named          // in which seen was filled
	open     map[*types.TypeName]int // how many instances of a declaration are being looked at
}

// maxInstances bounds how often instances of one generic type are looked at inside of each other. One that grows with every step into it would
// never end; the compiler refuses it, but later. maxDepth does the same for types that are looked at by value alone.
const maxInstances, maxDepth = 8, 100

func (w *storeWalk) walk(t types.Type, path string, hops []fieldHop) *storeProblem {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return w.parts(t, path, hops)
	}
	if w.seen[named] || isNamed(t, "time", "Time") || closedInterface(t) {
		return nil
	}
	if p := special(t); p != nil {
		p.path, p.typ, p.hops = path, Short(t, w.from), hops
		return p
	}
	name := named.Obj()
	if w.open[name]++; w.open[name] > maxInstances {
		return &storeProblem{path: name.Name(), typ: name.Name(), why: "it has no end", fix: "use a type of finite depth"}
	}
	defer func() { w.open[name]-- }()
	mark := len(w.order)
	w.seen[named] = true
	w.order = append(w.order, named)
	p := w.parts(t, path, hops)
	if p == nil {
		return nil
	}
	for _, n := range w.order[mark:] { // what was found sound on the way may refer to what is not
		delete(w.seen, n)
	}
	w.order = w.order[:mark]
	if types.IsInterface(t) {
		return p
	}
	pair, half := Marshaller(t)
	switch {
	case pair != "":
		field := promoted(t, pair)
		if field == "" {
			return nil
		}
		p.why += ", and its " + pair + " form is that of its embedded field " + field + " alone"
	case isMessage(t):
		if w.messages() {
			return nil
		}
		p.path, p.typ, p.hops, p.why, p.fix = path, Short(t, w.from), hops, "it is a protocol buffer, and what stores those is in a module of its own, which this package does not import", importFix(load.ProtobufPath)
	case half != "":
		p.why += ", and it has " + half
	}
	return p
}

// closedInterface reports whether t is an interface that can be stored, because what stands behind it is of one of the types of the standard library.
func closedInterface(t types.Type) bool {
	return isNamed(t, "image", "Image") || isNamed(t, "image/color", "Color")
}

// special judges the types of the runtime that are no plain data.
func special(t types.Type) *storeProblem {
	switch {
	case isNamed(t, load.RuntimePath, "File"):
		return &storeProblem{why: "a dag.File is data by itself", fix: "return it as an output of its own, or store its bytes", file: true}
	case isDir(t):
		return &storeProblem{why: dirIsNoData, fix: "take it as it is, and return what you read from it"}
	case isNamed(t, load.RuntimePath, "Secret"):
		return &storeProblem{why: "a secret is never stored", fix: "take it as config where it is needed"}
	}
	if elem, _ := StreamElem(t); elem != nil {
		return &storeProblem{why: "a stream goes from one op or asset to another by itself, and is no value", fix: "return what an op makes of it"}
	}
	return nil
}

// parts judges a type by its structure.
func (w *storeWalk) parts(t types.Type, path string, hops []fieldHop) *storeProblem {
	fail := func(why, fix string) *storeProblem {
		return &storeProblem{path: path, typ: Short(t, w.from), why: why, fix: fix, hops: hops}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Kind() == types.UnsafePointer {
			return fail("an address means nothing in another process", "store what it points to")
		}
		return nil
	case *types.Pointer:
		return w.walk(u.Elem(), path, hops)
	case *types.Slice:
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Array:
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Map:
		if Invalid(u.Key()) {
			return nil // the compiler has said it
		}
		if p := w.walk(u.Key(), elementPath(path, hops, "[key]"), hops); p != nil {
			return p
		}
		if why := keyProblem(u.Key(), map[types.Type]bool{}); why != "" {
			return fail("as a map key, "+Short(u.Key(), w.from)+" "+why, "use a string or integer key")
		}
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Struct:
		return w.fields(t, u, path, hops)
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

// fields judges the fields of a struct type. owner is the type that has them.
func (w *storeWalk) fields(owner types.Type, s *types.Struct, path string, hops []fieldHop) *storeProblem {
	for i := range s.NumFields() {
		f := s.Field(i)
		if f.Name() == "_" {
			continue
		}
		at := append(hops[:len(hops):len(hops)], fieldHop{f.Pos(), "field " + f.Name() + " is declared here"})
		fieldPath := path + "." + f.Name()
		if Invalid(f.Type()) {
			continue // the compiler has said it
		}
		if !f.Exported() {
			inner, isStruct := f.Type().Underlying().(*types.Struct)
			if f.Embedded() && isStruct && !isNamed(f.Type(), "time", "Time") { // its exported fields can be set all the same
				if p := w.fields(f.Type(), inner, fieldPath, at); p != nil {
					return p
				}
				continue
			}
			return &storeProblem{path: fieldPath, typ: Short(f.Type(), w.from), why: "an unexported field cannot be read back", hops: at, fix: w.unexportedFix(owner)}
		}
		if p := w.walk(f.Type(), fieldPath, at); p != nil {
			return p
		}
	}
	return nil
}

// unexportedFix says what to do about an unexported field of owner.
func (w *storeWalk) unexportedFix(owner types.Type) string {
	n, ok := types.Unalias(owner).(*types.Named)
	switch {
	case !ok:
		return "export it"
	case !w.local(n.Obj().Pkg()):
		return ""
	}
	return "export it, or give " + Short(owner, w.from) + " a MarshalBinary and UnmarshalBinary pair"
}

// keyProblem says why a type that can be stored cannot be a map key, or returns "": a key must be found again by what it is.
func keyProblem(t types.Type, seen map[types.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	if isNamed(t, "time", "Time") {
		return "compares its location by address"
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&(types.IsInteger|types.IsString|types.IsBoolean) != 0 {
			return ""
		}
		if u.Info()&(types.IsFloat|types.IsComplex) != 0 {
			return "may be NaN, which is never found again"
		}
	case *types.Array:
		return keyProblem(u.Elem(), seen)
	case *types.Struct:
		for i := range u.NumFields() {
			f := u.Field(i)
			if why := keyProblem(f.Type(), seen); why != "" {
				return "has a field " + f.Name() + " that " + why
			}
		}
		return ""
	case *types.Pointer:
		return "is compared by address"
	}
	return "is compared by more than its content"
}

// marshallers are the method pairs by which a type stores itself, in the order in which the codec prefers them.
var marshallers = []struct{ name, marshal, unmarshal string }{
	{"binary", "MarshalBinary", "UnmarshalBinary"},
	{"text", "MarshalText", "UnmarshalText"},
}

// Marshaller returns the name of the method pair ("binary" or "text") by which t, or a pointer to it, stores itself; "" where there
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
func Immutable(t types.Type) bool { return immutable(t, 0) }

func immutable(t types.Type, depth int) bool {
	if depth > maxDepth {
		return false // a type that contains itself, which the compiler refuses
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&(types.IsBoolean|types.IsNumeric|types.IsString) != 0
	case *types.Array:
		return immutable(u.Elem(), depth+1)
	case *types.Struct:
		for i := range u.NumFields() {
			if f := u.Field(i); !f.Exported() || !immutable(f.Type(), depth+1) {
				return false
			}
		}
		return true
	}
	return false
}
