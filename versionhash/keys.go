package versionhash

import (
	"fmt"
	"go/token"
	"go/types"
	"path"
	"strings"
)

// A keyKind says what a [key] stands for.
type keyKind uint8

const (
	keyObject  keyKind = iota + 1 // a function, method, variable, type or constant of a package
	keyRuntime                    // a type as a value at run time
	keyCodec                      // a type as it is stored
	keyInit                       // an init function or blank initialiser, "init(file.go)"
	keyExt                        // a package of another module
	keyNative                     // assembly, C and cgo of a local package
	keySkipped                    // the files of a local package that build constraints leave out
	keyTwin                       // one such file
	keyEmbed                      // a file of a package that counts by content
	keyDebug                      // the //go:debug lines of a local main package
	keyLink                       // what a //go:linkname directive names: resolved when packages are connected
)

// An objectSort says what a declaration declares. It is part of a [key], so that it is known where the declaration is not.
type objectSort byte

const (
	sortFunc   objectSort = 'f'
	sortMethod objectSort = 'm'
	sortVar    objectSort = 'v'
	sortType   objectSort = 't'
	sortAlias  objectSort = 'a'
	sortConst  objectSort = 'c'
)

// A key identifies a node while packages are summarised, before it has a number. It holds names and nothing of the type checker's, so that
// summaries outlive the syntax and the types that they were made from.
type key struct {
	kind keyKind
	sort objectSort // of keyObject
	pkg  string     // import path
	name string     // of a declaration in its package: "F", "(*T).M", "init(a.go)"; of a file
}

// callable reports whether k is a function or a method.
func (k key) callable() bool { return k.sort == sortFunc || k.sort == sortMethod }

// symbol is the name of a declaration with its package.
func (k key) symbol() string { return k.pkg + "." + k.name }

// A place is where something is declared.
type place struct {
	file         string // base name; "" for no place
	line, column int
}

// symbol is the name of a declaration of a package.
func symbol(pkgPath, name string) string { return pkgPath + "." + name }

// methodName is the name of a method in its package, with its receiver.
func methodName(f *types.Func) string {
	recv := f.Signature().Recv().Type()
	star := false
	if p, ok := types.Unalias(recv).(*types.Pointer); ok {
		star, recv = true, p.Elem()
	}
	name := "?"
	if n, ok := types.Unalias(recv).(*types.Named); ok {
		name = n.Obj().Name()
	}
	if star {
		return "(*" + name + ")." + f.Name()
	}
	return name + "." + f.Name()
}

// initKey names what has no name of its own by its file, so that an edit elsewhere does not rename it.
func (s *scanner) initKey(base string) key {
	name := fmt.Sprintf("init(%s)", base)
	s.named[name]++
	if n := s.named[name]; n > 1 {
		name = fmt.Sprintf("%s#%d", name, n)
	}
	return key{kind: keyInit, pkg: s.lp.Path, name: name}
}

// declare returns the key of an object that is being declared. In code that does not compile it may be a second one of its name, which nothing
// can refer to.
func (s *scanner) declare(o types.Object) key {
	k := s.key(o)
	s.named[k.name]++
	if n := s.named[k.name]; n > 1 {
		k.name = fmt.Sprintf("%s#%d", k.name, n)
		s.again[o] = k.name
	}
	return k
}

// key is how a package-level object, or a method, of any package is referred to.
func (s *scanner) key(o types.Object) key {
	k := key{kind: keyObject, name: o.Name()}
	if o.Pkg() != nil {
		k.pkg = o.Pkg().Path()
	}
	switch o := o.(type) {
	case *types.Func:
		k.sort = sortFunc
		if o.Signature().Recv() != nil {
			k.sort, k.name = sortMethod, methodName(o)
		}
	case *types.Var:
		k.sort = sortVar
	case *types.TypeName:
		if k.sort = sortType; o.IsAlias() {
			k.sort = sortAlias
		}
	case *types.Const:
		k.sort = sortConst
	}
	if name, ok := s.again[o]; ok {
		k.name = name
	}
	return k
}

// asValueKey is how a type is referred to as a value or as it is stored.
func (s *scanner) asValueKey(kind keyKind, t *types.Named) key {
	k := s.key(t.Origin().Obj())
	k.kind, k.sort = kind, 0
	return k
}

// place is where pos is.
func (s *scanner) place(pos token.Pos) place {
	if !pos.IsValid() {
		return place{}
	}
	p := s.env.prog.Position(pos)
	return place{path.Base(strings.ReplaceAll(p.Filename, `\`, "/")), p.Line, p.Column}
}
