package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/diag"
)

// ManifestFile is the base name of the generated file that holds versions; like Go files with our Header it is never an input.
const ManifestFile = "dag_gen.manifest"

// IsGenerated reports whether the Go file src was written by dagstergen: its first line is [Header], whatever its line ends are.
// A file that a merge left in conflict on that very line is recognised too.
func IsGenerated(src []byte) bool {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	first, rest, _ := bytes.Cut(src, []byte("\n"))
	if isHeader(first) {
		return true
	}
	if !bytes.HasPrefix(first, []byte("<<<<<<<")) {
		return false
	}
	for range 20 { // one side of the conflict starts right below the marker
		first, rest, _ = bytes.Cut(rest, []byte("\n"))
		if isHeader(first) {
			return true
		}
	}
	return false
}

func isHeader(line []byte) bool { return string(bytes.TrimRight(line, "\r")) == Header }

// A work is one package on its way through the loader.
type work struct {
	l      *loader
	p      *Package
	listed *listedPackage
	files  []*ast.File
	deps   []*work   // the imports whose types it needs
	diags  diag.List // of this package alone, so that no lock is needed
	err    error
	once   sync.Once
	ready  chan struct{} // closed when p.Types is set, or the package is light
	lightWork
}

// start loads w in the background, after what it imports; a second call does nothing.
func (w *work) start(ctx context.Context, wg *sync.WaitGroup) {
	w.once.Do(func() {
		wg.Go(func() {
			defer close(w.ready)
			defer w.guard()
			w.l.limited(ctx, func() {
				switch {
				case w.p.Local:
					w.readLocal()
					w.parseLocal()
				case w.p.Deep && w.parseDeep():
				default:
					w.parseExternal(w.l.prog.Fset)
				}
			})
			w.deps = w.needed()
			for _, d := range w.deps {
				d.start(ctx, wg)
			}
			for _, d := range w.deps {
				<-d.ready
			}
			w.l.limited(ctx, w.check)
		})
	})
}

// guard turns a panic, which would be a bug of ours or of go/types, into an error of the load.
func (w *work) guard() {
	if p := recover(); p != nil {
		w.err = fmt.Errorf("load: package %s: panic: %v\n%s", w.p.Path, p, debug.Stack())
	}
}

// limited runs f when one of the slots is free, or not at all when ctx is cancelled.
func (l *loader) limited(ctx context.Context, f func()) {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return
	}
	if ctx.Err() == nil {
		f()
	}
}

// readLocal reads all Go files of a local package and sets our own ones apart.
func (w *work) readLocal() {
	p := w.p
	p.Source = map[string][]byte{}
	ours := func(name string) bool {
		src, ok := w.read(name)
		if !ok {
			return true // reported; there is nothing to analyse
		}
		p.Source[name] = src
		if IsGenerated(src) {
			p.Generated = append(p.Generated, name)
			return true
		}
		return false
	}
	p.GoFiles = slices.DeleteFunc(p.GoFiles, ours)
	p.IgnoredFiles = slices.DeleteFunc(p.IgnoredFiles, ours)
	slices.Sort(p.Generated)
	p.EmbedFiles = slices.DeleteFunc(p.EmbedFiles, func(name string) bool {
		return name == ManifestFile || slices.Contains(p.Generated, name)
	})
}

// parseLocal parses the files of the target.
func (w *work) parseLocal() {
	p := w.p
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(w.l.prog.Fset, w.l.prog.Rel(filepath.Join(p.Dir, name)), p.Source[name], parser.ParseComments|parser.SkipObjectResolution)
		w.syntaxErrors(p.Source[name], err)
		if f != nil {
			p.Syntax = append(p.Syntax, f)
		}
	}
	w.files = p.Syntax
	if len(p.Syntax) > 0 && p.Syntax[0].Name != nil {
		p.Name = p.Syntax[0].Name.Name // go list may have taken it from a file of ours
	}
}

// parseExternal parses the files of another module. What dagstergen generated there belongs to its types: other than
// in a local package, it is as final as the rest.
func (w *work) parseExternal(fset *token.FileSet) {
	for _, name := range w.externalFiles() {
		src, ok := w.read(name)
		if !ok {
			continue
		}
		f, err := parser.ParseFile(fset, w.l.prog.Rel(filepath.Join(w.p.Dir, name)), withoutBodies(src), parser.SkipObjectResolution)
		w.syntaxErrors(src, err)
		if f != nil {
			dropElements(f)
			w.files = append(w.files, f)
		}
	}
}

// externalFiles are the Go files of a package of another module, with those that dagstergen generated.
func (w *work) externalFiles() []string {
	names := w.p.GoFiles
	if w.p.Module != nil {
		for _, name := range w.p.IgnoredFiles {
			if strings.HasSuffix(name, "_gen.go") && strings.HasPrefix(name, "dag_") {
				names = append(slices.Clone(names), name)
			}
		}
	}
	return names
}

// dropElements empties the composite literals in package-level declarations of a file whose values do not matter: T{...} has the type T whatever is
// in it. Tables of code points or font outlines make up most of what would be checked otherwise. The elements of [...]T{} are its length, so they stay.
func dropElements(f *ast.File) {
	for _, d := range f.Decls {
		ast.Inspect(d, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BlockStmt:
				return false // not checked anyway
			case *ast.CompositeLit:
				if a, ok := n.Type.(*ast.ArrayType); n.Type != nil && !(ok && isEllipsis(a.Len)) {
					n.Elts = nil
				}
			}
			return true
		})
	}
}

func isEllipsis(e ast.Expr) bool {
	_, ok := e.(*ast.Ellipsis)
	return ok
}

func (w *work) read(name string) ([]byte, bool) {
	file := filepath.Join(w.p.Dir, name)
	src, err := os.ReadFile(file)
	if err != nil {
		w.diags.Add(problem(CodeList, w.l.prog.Rel(file), "cannot read the file: "+underlying(err), "make it readable"))
	}
	return src, err == nil
}

func underlying(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func (w *work) syntaxErrors(src []byte, err error) {
	var list scanner.ErrorList
	if !errors.As(err, &list) {
		return
	}
	for _, e := range list {
		d := diag.Diagnostic{Code: CodeSyntax, Pos: e.Pos, Message: "syntax error: " + e.Msg}
		if conflict := lineAt(src, e.Pos.Offset); slices.ContainsFunc(conflictMarkers, func(m string) bool { return strings.HasPrefix(conflict, m) }) {
			d.Message, d.Hint = "the file has a merge conflict here", "resolve it"
			w.diags.Add(d)
			return // what follows from it is noise
		}
		w.diags.Add(d)
	}
}

var conflictMarkers = []string{"<<<<<<< ", "=======", ">>>>>>> ", "||||||| "}

// lineAt returns the line that a byte offset lies in.
func lineAt(src []byte, offset int) string {
	if offset < 0 || offset > len(src) {
		return ""
	}
	start := bytes.LastIndexByte(src[:offset], '\n') + 1
	line, _, _ := bytes.Cut(src[start:], []byte("\n"))
	return string(line)
}

// needed returns the imports whose types w needs: all of a local or deep package; of others those that are named outside of function bodies,
// because their bodies are not checked. This leaves out a good part of the standard library.
func (w *work) needed() []*work {
	var out []*work
	if w.p.Local || w.p.Deep {
		for _, path := range slices.Sorted(keys(w.p.Imports)) {
			out = append(out, w.l.byPath[w.p.Imports[path].Path])
		}
		return out
	}
	used := map[*work]bool{}
	for _, f := range w.files {
		byName := map[string]*work{}
		for _, spec := range f.Imports {
			dep := w.p.Imports[importPath(spec)]
			if dep == nil {
				continue
			}
			if dep.Local {
				used[w.l.byPath[dep.Path]] = true // its name may be set in this moment
				continue
			}
			name := dep.Name
			if spec.Name != nil {
				name = spec.Name.Name
			}
			switch name {
			case "_":
			case ".":
				used[w.l.byPath[dep.Path]] = true
			default:
				byName[name] = w.l.byPath[dep.Path]
			}
		}
		qualifiers(f, func(name string) {
			if d := byName[name]; d != nil {
				used[d] = true
			}
		})
	}
	for d := range used {
		out = append(out, d)
	}
	return out
}

func importPath(spec *ast.ImportSpec) string { return strings.Trim(spec.Path.Value, "\"`") }

// qualifiers calls yield with the X of every X.Sel outside of function bodies.
func qualifiers(f *ast.File, yield func(string)) {
	visit := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				yield(x.Name)
			}
		}
		return true
	}
	for _, d := range f.Decls {
		ast.Inspect(d, visit)
	}
}

// check type-checks w. All imports that it needs are ready.
func (w *work) check() {
	w.checkWith(func(path string) *types.Package {
		if dep := w.p.Imports[path]; dep != nil && slices.Contains(w.deps, w.l.byPath[dep.Path]) {
			return dep.Types
		}
		return nil // not needed here, and perhaps being checked for another package just now
	})
}

func (w *work) checkWith(imported func(path string) *types.Package) {
	conf := w.l.prog.config(w.p, imported)
	if w.p.Local || w.p.Deep {
		w.p.Info, w.p.Errors = newInfo(), nil
		conf.Error = func(err error) {
			var e types.Error
			if errors.As(err, &e) {
				w.p.Errors = append(w.p.Errors, e)
			}
		}
	}
	w.p.Types, _ = conf.Check(w.p.Path, w.l.prog.Fset, w.files, w.p.Info)
	if w.p.Deep {
		w.keepDeep()
	}
}

// config is the type checker's configuration for a package; errors are dropped unless the caller sets Error.
func (p *Program) config(pkg *Package, imported func(path string) *types.Package) *types.Config {
	conf := &types.Config{
		Importer: importer(func(path string) (*types.Package, error) {
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			if t := imported(path); t != nil {
				return t, nil
			}
			return nil, errNoTypes
		}),
		Sizes:            p.Sizes,
		FakeImportC:      true,
		IgnoreFuncBodies: !pkg.Local && !pkg.Deep,
		Error:            func(error) {},
	}
	if pkg.Module != nil {
		conf.GoVersion = "go" + orElse(pkg.Module.GoVersion, "1.16") // what the go command takes for a go.mod without a go line
	}
	return conf
}

var errNoTypes = errors.New("package not found")

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }

func newInfo() *types.Info {
	return &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		Scopes: map[ast.Node]*types.Scope{}, FileVersions: map[*ast.File]string{},
	}
}
