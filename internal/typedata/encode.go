package typedata

import (
	"encoding/binary"
	"fmt"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strings"
)

// version is the first byte of all data. It moves with every change of what is written.
const version = 1

// The sorts of package-level declarations.
const (
	declHidden byte = iota // nothing can refer to it; only its name is known
	declConst
	declVar
	declFunc
	declType
	declAlias
)

// A Places tells where something was declared: in a file of which package. The folder of the file is not kept.
type Places func(types.Object) (pkgPath string, p token.Position)

// Encode writes what other packages can see of pkg, which must have been checked. The error says what cannot be written, such as a type that is declared in a function.
func Encode(pkg *types.Package, places Places) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(failure)
			if !ok {
				panic(p)
			}
			data, err = nil, f.err
		}
	}()
	e := &encoder{pkg: pkg, places: places, strings: map[string]uint64{}, packages: map[string]uint64{}, files: map[encodedFile]uint64{}, seen: map[string]bool{}}
	e.packageIndex(pkg)
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		if token.IsExported(name) {
			e.want(scope.Lookup(name))
		}
	}
	for len(e.queue) > 0 {
		o := e.queue[0]
		e.queue = e.queue[1:]
		e.declaration(o)
	}
	return e.assemble(), nil
}

// A failure is what encoding and decoding give up with.
type failure struct{ err error }

func fail(format string, args ...any) { panic(failure{fmt.Errorf("typedata: "+format, args...)}) }

type encoder struct {
	pkg    *types.Package
	places Places

	strings  map[string]uint64
	list     []string
	packages map[string]uint64 // path -> number
	paths    []*types.Package
	files    map[encodedFile]uint64
	extents  []extent
	fileList []encodedFile

	seen  map[string]bool
	queue []types.Object
	decls []encodedDecl

	b       []byte // what is being written, and where it is
	pos     []byte
	last    position
	tparams map[*types.TypeParam]int
}

type encodedDecl struct {
	name string
	sort byte
	data []byte
	pos  []byte
}

type encodedFile struct{ pkg, name string }

// An extent is the last line and the last column of a file that something is on.
type extent struct{ lines, width int }

type position struct {
	file         uint64
	line, column int
}

func (e *encoder) num(n uint64) { e.b = binary.AppendUvarint(e.b, n) }
func (e *encoder) int(n int)    { e.num(uint64(n)) }
func (e *encoder) byte(b byte)  { e.b = append(e.b, b) }

func (e *encoder) bool(b bool) {
	if b {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

// str writes a string as its number in the table.
func (e *encoder) str(s string) {
	n, ok := e.strings[s]
	if !ok {
		n = uint64(len(e.list))
		e.strings[s], e.list = n, append(e.list, s)
	}
	e.num(n)
}

// bytes writes a string in full.
func (e *encoder) bytes(s []byte) {
	e.int(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) packageIndex(p *types.Package) uint64 {
	n, ok := e.packages[p.Path()]
	if !ok {
		n = uint64(len(e.paths))
		e.packages[p.Path()], e.paths = n, append(e.paths, p)
	}
	return n
}

// want queues a declaration of the package itself.
func (e *encoder) want(o types.Object) {
	if !e.seen[o.Name()] {
		e.seen[o.Name()] = true
		e.queue = append(e.queue, o)
	}
}

// at writes where something is, relative to what was written before it in the same declaration.
func (e *encoder) at(o types.Object) {
	if !o.Pos().IsValid() {
		e.pos = binary.AppendUvarint(e.pos, 0)
		return
	}
	pkg, p := e.places(o)
	if p.Line < 1 || p.Column < 1 {
		e.pos = binary.AppendUvarint(e.pos, 0)
		return
	}
	f := encodedFile{pkg, path.Base(strings.ReplaceAll(p.Filename, `\`, "/"))}
	n, ok := e.files[f]
	if !ok {
		n = uint64(len(e.fileList))
		e.files[f], e.fileList, e.extents = n, append(e.fileList, f), append(e.extents, extent{})
	}
	e.extents[n] = extent{max(e.extents[n].lines, p.Line), max(e.extents[n].width, p.Column)}
	e.pos = binary.AppendUvarint(e.pos, n+1)
	e.pos = binary.AppendVarint(e.pos, int64(p.Line-e.last.line))
	e.pos = binary.AppendUvarint(e.pos, uint64(p.Column))
	e.last.line = p.Line
}

func (e *encoder) declaration(o types.Object) {
	e.b, e.pos, e.last, e.tparams = nil, nil, position{}, map[*types.TypeParam]int{}
	d := encodedDecl{name: o.Name()}
	e.at(o)
	switch o := o.(type) {
	case *types.Const:
		d.sort = declConst
		e.typ(o.Type())
		e.value(o.Val())
	case *types.Var:
		d.sort = declVar
		e.typ(o.Type())
	case *types.Func:
		d.sort = declFunc
		sig := o.Signature()
		e.params(sig.TypeParams())
		e.signature(sig)
	case *types.TypeName:
		d.sort = declType
		named, ok := o.Type().(*types.Named)
		if o.IsAlias() || !ok {
			d.sort = declAlias
			e.alias(o)
			break
		}
		e.params(named.TypeParams())
		e.typ(named.Underlying())
		e.int(named.NumMethods())
		for m := range named.Methods() {
			e.method(m)
		}
	default:
		fail("declaration %s of an unknown sort", o)
	}
	d.data, d.pos = e.b, e.pos
	e.decls = append(e.decls, d)
}

func (e *encoder) alias(o *types.TypeName) {
	a, ok := o.Type().(*types.Alias)
	e.bool(ok)
	if !ok { // it could not be understood
		e.typ(o.Type())
		return
	}
	e.params(a.TypeParams())
	e.typ(a.Rhs())
}

// params declares type parameters: all names first, because the constraints may mention any of them.
func (e *encoder) params(l *types.TypeParamList) {
	e.int(l.Len())
	for p := range l.TypeParams() {
		e.tparams[p] = len(e.tparams)
		e.at(p.Obj())
		e.str(p.Obj().Name())
	}
	for p := range l.TypeParams() {
		e.typ(p.Constraint())
	}
}

func (e *encoder) method(m *types.Func) {
	sig := m.Signature()
	recv := sig.Recv()
	e.at(m)
	e.str(m.Name())
	_, pointer := types.Unalias(recv.Type()).(*types.Pointer)
	e.bool(pointer)
	e.tparams = map[*types.TypeParam]int{}
	e.params(sig.RecvTypeParams())
	e.at(recv)
	e.str(recv.Name())
	e.signature(sig)
}

func (e *encoder) signature(sig *types.Signature) {
	e.tuple(sig.Params())
	e.tuple(sig.Results())
	e.bool(sig.Variadic())
}

func (e *encoder) tuple(t *types.Tuple) {
	e.int(t.Len())
	for v := range t.Variables() {
		e.at(v)
		e.str(v.Name())
		e.typ(v.Type())
	}
}

// assemble puts the parts together: the declarations with their tables, which are the API, and then what nobody depends on.
func (e *encoder) assemble() []byte {
	decls := slices.Clone(e.decls)
	slices.SortFunc(decls, func(a, b encodedDecl) int { return strings.Compare(a.name, b.name) })

	e.b = nil
	e.bytes([]byte(e.pkg.Name()))
	e.int(len(e.list))
	for _, s := range e.list {
		e.bytes([]byte(s))
	}
	e.int(len(e.paths))
	for _, p := range e.paths {
		e.bytes([]byte(p.Path()))
	}
	e.int(len(decls))
	for _, d := range decls {
		e.bytes([]byte(d.name))
		e.byte(d.sort)
		e.bytes(d.data)
	}
	api := e.b

	e.b = nil
	e.int(len(e.fileList))
	for i, f := range e.fileList {
		own := f.pkg == e.pkg.Path()
		if e.bool(own); !own {
			e.bytes([]byte(f.pkg))
		}
		e.bytes([]byte(f.name))
		e.int(e.extents[i].lines)
		e.int(e.extents[i].width)
	}
	for _, d := range decls {
		e.bytes(d.pos)
	}
	var hidden []string
	for _, name := range e.pkg.Scope().Names() {
		if !e.seen[name] {
			hidden = append(hidden, name)
		}
	}
	e.int(len(hidden))
	for _, name := range hidden {
		e.bytes([]byte(name))
	}
	rest := e.b

	e.b = []byte{version}
	e.bytes(api)
	e.b = append(e.b, rest...)
	return e.b
}
