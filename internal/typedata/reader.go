package typedata

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"sync"
)

// A Reader makes the declarations of packages when they are asked for. It is safe for concurrent use. After an error it must not be used again: what it
// made may be incomplete.
type Reader struct {
	open     func(path string) (*Data, error)
	fset     *token.FileSet
	fileName func(path, base string) string

	mu       sync.Mutex
	packages map[string]*pkg
	files    sync.Map           // *token.File -> *openFile
	bodies   []func()           // of named types that were made and are not complete yet
	bounds   []func()           // constraints that are looked at when they are set
	ifaces   []*types.Interface // not complete either
	depth    int                // of what is being read
	err      error
}

// An openFile is a file of the file set in which each line is as wide as the widest.
type openFile struct {
	token        *token.File
	pkg          string
	lines, width int
}

// NewReader returns a reader that finds the data of a package by open, which is called once for each path, and adds its files to fset by the names that fileName gives them.
func NewReader(open func(path string) (*Data, error), fset *token.FileSet, fileName func(path, base string) string) *Reader {
	return &Reader{open: open, fset: fset, fileName: fileName, packages: map[string]*pkg{}}
}

// A pkg is one package on its way from data to types.
type pkg struct {
	path  string
	data  *Data
	types *types.Package
	objs  map[string]types.Object
	files []*openFile
}

// Package returns the package that owns the declarations of path. Its scope holds those that were asked for so far, and may grow.
func (r *Reader) Package(path string) (p *types.Package, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.do(func() { p = r.pkg(path).types })
	return p, err
}

// Names returns the names of all package-level declarations of path, sorted.
func (r *Reader) Names(path string) (names []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.do(func() { names = slices.Sorted(slices.Values(r.pkg(path).data.Names())) })
	return names, err
}

// Lookup returns a package-level declaration that other packages can see; nil where there is none.
func (r *Reader) Lookup(path, name string) (o types.Object, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.do(func() { o = r.object(r.pkg(path), name) })
	return o, err
}

// View returns a package for one importer of path, with the declarations of the given names, or with all that the package declares where names is nil. The
// declarations are those that [Reader.Package] owns. Of a declaration that no other package can see there is a variable without a type, so that the type checker
// finds the name.
func (r *Reader) View(path string, names []string) (v *types.Package, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.do(func() {
		p := r.pkg(path)
		v = types.NewPackage(path, p.data.Name)
		if names == nil {
			names = p.data.Names()
		}
		for _, name := range names {
			if o := r.object(p, name); o != nil {
				v.Scope().Insert(o)
			} else if !token.IsExported(name) && slices.Contains(p.data.hidden, name) {
				v.Scope().Insert(types.NewVar(token.NoPos, v, name, types.Typ[types.Invalid]))
			}
		}
		v.MarkComplete()
	})
	return v, err
}

// Place is where pos is, and the import path of the package that the file belongs to, for a position of a declaration that was read; false for any other. There
// is no offset: the file itself was not seen.
func (r *Reader) Place(pos token.Pos) (pkgPath string, p token.Position, ok bool) {
	tf := r.fset.File(pos)
	if tf == nil {
		return "", p, false
	}
	v, ok := r.files.Load(tf)
	if !ok {
		return "", p, false
	}
	f := v.(*openFile)
	offset := tf.Offset(pos)
	return f.pkg, token.Position{Filename: tf.Name(), Line: offset/f.width + 1, Column: offset%f.width + 1}, true
}

// do runs f, and completes what it made.
func (r *Reader) do(f func()) error {
	if r.err != nil {
		return r.err
	}
	func() {
		defer recovered(&r.err)
		f()
		for len(r.bodies) > 0 {
			body := r.bodies[len(r.bodies)-1]
			r.bodies = r.bodies[:len(r.bodies)-1]
			body()
		}
		for _, set := range r.bounds {
			set()
		}
		r.bounds = r.bounds[:0]
		for _, i := range r.ifaces {
			i.Complete()
		}
		r.ifaces = r.ifaces[:0]
	}()
	return r.err
}

// pkg opens a package.
func (r *Reader) pkg(path string) *pkg {
	if p := r.packages[path]; p != nil {
		return p
	}
	d, err := r.open(path)
	if err != nil {
		panic(failure{err})
	}
	p := &pkg{path: path, data: d, types: types.NewPackage(path, d.Name), objs: map[string]types.Object{}, files: make([]*openFile, len(d.files))}
	p.types.MarkComplete()
	r.packages[path] = p
	return p
}

// openFile adds file i of a package to the file set.
func (r *Reader) openFile(p *pkg, i int) *openFile {
	if f := p.files[i]; f != nil {
		return f
	}
	in := p.data.files[i]
	f := &openFile{pkg: in.pkg, lines: in.lines, width: in.width + 1}
	if f.pkg == "" {
		f.pkg = p.path
	}
	f.token = r.fset.AddFile(r.fileName(f.pkg, in.name), -1, f.lines*f.width)
	p.files[i] = f
	r.files.Store(f.token, f)
	return f
}

// object makes a declaration, or finds it; nil where there is none that others can see.
func (r *Reader) object(p *pkg, name string) types.Object {
	if o := p.objs[name]; o != nil {
		return o
	}
	i, ok := p.data.byName[name]
	if !ok {
		return nil
	}
	d := &decoder{r: r, p: p, data: reader{p.data.decls[i].data}, pos: reader{p.data.decls[i].pos}}
	return d.declaration(p.data.decls[i])
}

// declare makes an object known before what it is made of.
func (r *Reader) declare(p *pkg, o types.Object) {
	p.objs[o.Name()] = o
	if alt := p.types.Scope().Insert(o); alt != nil {
		fail("%s is declared twice", o.Name())
	}
}

// typeName finds a declared type of a package.
func (r *Reader) typeName(path, name string) *types.TypeName {
	t, ok := r.object(r.pkg(path), name).(*types.TypeName)
	if !ok {
		panic(failure{fmt.Errorf("typedata: there is no type %s in %s", name, path)})
	}
	return t
}
