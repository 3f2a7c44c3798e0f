package model

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strings"
	"unicode"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/load"
)

// IsFile reports whether t is dag.File, which is stored as it is.
func IsFile(t types.Type) bool { return isNamed(t, load.RuntimePath, "File") }

// storedAsItIs reports whether codec= says nothing of a result: a file, and a stream, which is one, but for a stream of rows.
func (op *Op) storedAsItIs(t types.Type) bool {
	elem, _ := StreamElem(t)
	return elem != nil && op.Codec != codecParquet || IsFile(t)
}

// codec reads codec=: whether the results can be stored in that way and be read back exactly.
func (b *builder) codec(op *Op, arg annotations.Arg) {
	if _, ok := op.ann.Arg("io"); ok {
		b.argError(&op.Func, CodeCodec, arg, "drop one of them", "%s: codec= says how the instance stores outputs, and io= lets a resource store them", op.GoName)
		return
	}
	if arg.Value == "cbor" {
		return
	}
	op.Codec = arg.Value
	b.codecImport(op, arg)
	if op.Obj.Signature().TypeParams().Len() > 0 {
		return // its instances are looked at
	}
	values := 0
	for _, r := range op.Results {
		if op.storedAsItIs(r.Type) {
			continue
		}
		values++
		what := "its result"
		if r.GoName != "" {
			what = "result " + r.GoName
		}
		if p := b.codecProblem(op.Codec, r.Type, op.Pkg.Types); p != nil {
			b.notExact(&op.Func, op.Codec, r.Pos, op.GoName+": "+what, p)
		}
	}
	if values == 0 && !op.Broken {
		b.argError(&op.Func, CodeCodec, arg, "drop it", "%s: codec= says nothing here: it returns no value, or files and streams, which are stored as they are", op.GoName)
	}
}

// codecProblem says what of t a codec does not give back exactly; nil for nothing.
func (b *builder) codecProblem(codec string, t types.Type, from *types.Package) *storeProblem {
	switch codec {
	case codecParquet:
		return b.tableProblem(t, from)
	case codecPNG:
		return pngProblem(t, from)
	case codecProtobuf:
		return messageProblem(t, from)
	}
	return b.jsonProblem(t, from)
}

// codecPNG is the codec of images.
const codecPNG = "png"

// pngImages are the types of package image that package image/png reads a PNG as. All others would come back as one of these.
var pngImages = []string{"Gray", "Gray16", "NRGBA", "NRGBA64", "Paletted", "RGBA", "RGBA64"}

// pngProblem says why t is no image that PNG gives back; nil for nothing. What depends on the value (where it begins, premultiplied colours) is found when the step runs.
func pngProblem(t types.Type, from *types.Package) *storeProblem {
	if isNamed(t, "image", "Image") {
		return nil
	}
	p := &storeProblem{path: Short(t, from), typ: Short(t, from), why: "it is no image", fix: "return an image.Image or an *image.NRGBA"}
	ptr, ok := types.Unalias(t).(*types.Pointer)
	if !ok {
		return p
	}
	for _, name := range pngImages {
		if isNamed(ptr.Elem(), "image", name) {
			return nil
		}
	}
	if n, ok := types.Unalias(ptr.Elem()).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "image" {
		p.why, p.fix = "a PNG is read as another type of image", "draw it on an *image.NRGBA and return that"
	}
	return p
}

// notExact reports a type that a codec does not give back exactly.
func (b *builder) notExact(f *Func, codec string, pos token.Pos, what string, p *storeProblem) {
	format := map[string]string{codecParquet: "Parquet", codecPNG: "PNG", codecProtobuf: "protocol buffers"}[codec]
	if format == "" {
		format = "JSON"
	}
	f.Broken = true
	b.badPart(f, CodeCodec, pos, what+" cannot be stored as "+format+" and read back exactly", p, p.fix+", or leave codec="+codec+" out")
}

// exact reports a type that an instance of a generic op with codec= would return, and the codec does not give back exactly.
func (w *body) exact(call ast.Node, codec string, t types.Type) bool {
	p := w.b.codecProblem(codec, t, w.own())
	if p == nil {
		return true
	}
	w.fail()
	w.b.notExact(&w.g.Func, codec, call.Pos(), w.what()+" "+w.g.GoName+": what this call returns, "+Short(t, w.own())+",", p)
	return false
}

// jsonProblem says what of t, which can be stored, encoding/json would lose or refuse whatever the value is; nil for nothing. What depends on the value (NaN, a
// string that is not UTF-8, a time that is not in UTC) is found when the step runs.
func (b *builder) jsonProblem(t types.Type, from *types.Package) *storeProblem {
	w := &jsonWalk{typeWalk: typeWalk{from}, seen: map[types.Type]bool{}}
	return w.walk(t, Short(t, from), nil)
}

// A jsonWalk visits the parts of a type depth first and stops at the first one at fault.
type jsonWalk struct {
	typeWalk
	seen map[types.Type]bool
}

func (w *jsonWalk) walk(t types.Type, path string, hops []fieldHop) *storeProblem {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return w.parts(t, path, hops)
	}
	if w.seen[named] || isNamed(t, "time", "Time") {
		return nil
	}
	w.seen[named] = true
	if isMessage(t) {
		return w.fail(t, path, hops, "encoding/json knows nothing of protocol buffers", "drop it, or use codec=protobuf for a result that is one")
	}
	set := types.NewMethodSet(types.NewPointer(t))
	for _, m := range [][2]string{{"MarshalJSON", "UnmarshalJSON"}, {"MarshalText", "UnmarshalText"}} {
		out, in := hasMethod(set, m[0], nil, []string{"[]uint8", "error"}), hasMethod(set, m[1], []string{"[]uint8"}, []string{"error"})
		switch field := embeddedSource(t, set, m); {
		case (out || in) && field != "":
			return w.fail(t, path, hops, "its "+m[0]+" is that of its embedded field "+field+" alone", "give it methods of its own, or name the field")
		case out && in:
			return nil
		case out:
			return w.fail(t, path, hops, "it has "+m[0]+" without "+m[1], "give it both")
		case in:
			return w.fail(t, path, hops, "it has "+m[1]+" without "+m[0], "give it both")
		}
	}
	return w.parts(t, path, hops)
}

// embeddedSource returns the name of the embedded field that one of two methods of t comes from, or "" where both are its own.
func embeddedSource(t types.Type, set *types.MethodSet, methods [2]string) string {
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return ""
	}
	for _, name := range methods {
		if sel := set.Lookup(nil, name); sel != nil && len(sel.Index()) > 1 {
			return s.Field(sel.Index()[0]).Name()
		}
	}
	return ""
}

// A typeWalk is what all walks through the parts of a type have.
type typeWalk struct{ from *types.Package }

func (w *typeWalk) fail(t types.Type, path string, hops []fieldHop, why, fix string) *storeProblem {
	return &storeProblem{path: path, typ: Short(t, w.from), why: why, fix: fix, hops: hops}
}

// parts judges a type by its structure.
func (w *jsonWalk) parts(t types.Type, path string, hops []fieldHop) *storeProblem {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&types.IsComplex != 0 {
			return w.fail(t, path, hops, "JSON has no complex numbers", "store both parts")
		}
	case *types.Pointer:
		switch u.Elem().Underlying().(type) {
		case *types.Pointer, *types.Slice, *types.Map:
			return w.fail(t, path, hops, "null would be the pointer, or what it points to", "drop the pointer")
		}
		return w.walk(u.Elem(), path, hops)
	case *types.Slice:
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Array:
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Map:
		if !jsonKey(u.Key()) {
			return w.fail(t, path, hops, "as a map key, "+Short(u.Key(), w.from)+" is no text", "use a string or integer key, or one with MarshalText and UnmarshalText")
		}
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Struct:
		return w.fields(u, path, hops, map[string]string{})
	case *types.Interface:
		return w.fail(t, path, hops, "JSON does not say what stands behind an interface", "use a concrete type")
	}
	return nil
}

// jsonKey reports whether encoding/json writes a map key as the name of a member, and reads it back.
func jsonKey(t types.Type) bool {
	if b, ok := t.Underlying().(*types.Basic); ok && b.Info()&(types.IsString|types.IsInteger) != 0 {
		return true
	}
	return hasMethod(types.NewMethodSet(t), "MarshalText", nil, []string{"[]uint8", "error"}) &&
		hasMethod(types.NewMethodSet(types.NewPointer(t)), "UnmarshalText", []string{"[]uint8"}, []string{"error"})
}

// fields judges the fields of a struct. members are the names in the JSON object so far, with the paths of their fields: those of embedded structs are in it too.
func (w *jsonWalk) fields(s *types.Struct, path string, hops []fieldHop, members map[string]string) *storeProblem {
	for i := range s.NumFields() {
		f := s.Field(i)
		if f.Name() == "_" || Invalid(f.Type()) {
			continue
		}
		at := append(hops[:len(hops):len(hops)], fieldHop{f.Pos(), "field " + f.Name() + " is declared here"})
		fieldPath := path + "." + f.Name()
		name, options, _ := strings.Cut(reflect.StructTag(s.Tag(i)).Get("json"), ",")
		if name == "-" && options == "" && !strings.HasSuffix(reflect.StructTag(s.Tag(i)).Get("json"), ",") {
			return w.fail(f.Type(), fieldPath, at, `its tag json:"-" leaves it out`, "drop the tag")
		}
		if !jsonName(name) {
			name = ""
		}
		if inner := embedded(f); inner != nil && name == "" {
			if p := w.fields(inner, fieldPath, at, members); p != nil {
				return p
			}
			continue
		}
		if !f.Exported() {
			return w.fail(f.Type(), fieldPath, at, "an unexported field with a name of its own is not read back", "drop its tag")
		}
		for option := range strings.SplitSeq(options, ",") {
			if p := omitted(f.Type(), option); p != "" {
				return w.fail(f.Type(), fieldPath, at, p, "drop omitempty, or write omitzero")
			}
		}
		if name == "" {
			name = f.Name()
		}
		if other, taken := members[name]; taken {
			return w.fail(f.Type(), fieldPath, at, fmt.Sprintf("%s is the member %q too, and encoding/json drops one or both", other, name), "give them different json tags")
		}
		members[name] = fieldPath
		if p := w.walk(f.Type(), fieldPath, at); p != nil {
			return p
		}
	}
	return nil
}

// embedded returns the struct whose fields an embedded field brings into the object, or nil.
func embedded(f *types.Var) *types.Struct {
	if !f.Embedded() || isNamed(f.Type(), "time", "Time") {
		return nil
	}
	t := f.Type()
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	set := types.NewMethodSet(types.NewPointer(t))
	if set.Lookup(nil, "MarshalJSON") != nil || set.Lookup(nil, "MarshalText") != nil {
		return nil
	}
	s, _ := t.Underlying().(*types.Struct)
	return s
}

// omitted says what an option of a json tag loses, or returns "".
func omitted(t types.Type, option string) string {
	if option != "omitempty" {
		return ""
	}
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map:
		return "omitempty makes nil of what is empty"
	}
	return ""
}

// jsonName reports whether encoding/json takes a name from a tag.
func jsonName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
