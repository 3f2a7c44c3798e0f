package versionhash

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"go/types"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/load"
)

// rewrite returns the files of a package written anew so that nothing of what it does changes: all locals, parameters, receivers, labels and type
// parameters get other names, all imports other names, all comments go that are no code, the layout is another one, and all
// declarations are shuffled over the files. Files with directives or cgo, where comments are code, stay as they are.
func rewrite(t testing.TB, p *load.Program, lp *load.Package, rnd *rand.Rand) []txtar.File {
	t.Helper()
	r := &rewriter{info: lp.Info, names: map[token.Pos]string{}}
	r.prefix = unusedPrefix(lp)
	var plain []int
	var loose []ast.Decl
	out := make([]*ast.File, len(lp.Syntax))
	for i, f := range lp.Syntax {
		out[i] = f
		if isPlain(f) {
			r.rename(f)
			plain = append(plain, i)
		}
	}
	for _, i := range plain {
		var kept []ast.Decl
		for _, d := range out[i].Decls {
			// The order of init functions and of initialisers with effects on one another is the program's meaning.
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "init" && f.Recv == nil {
				kept = append(kept, d)
				continue
			}
			if g, ok := d.(*ast.GenDecl); !ok || g.Tok != token.IMPORT {
				loose = append(loose, d)
			}
		}
		out[i].Decls = kept
	}
	rnd.Shuffle(len(loose), func(i, j int) { loose[i], loose[j] = loose[j], loose[i] })
	for _, d := range loose {
		f := out[plain[rnd.IntN(len(plain))]]
		f.Decls = append(f.Decls, d)
	}
	var files []txtar.File
	for _, i := range plain {
		name := filepath.Base(p.Fset.File(lp.Syntax[i].FileStart).Name())
		files = append(files, txtar.File{Name: name, Data: r.print(t, p.Fset, out[i], rnd)})
	}
	return files
}

type rewriter struct {
	info   *types.Info
	prefix string
	names  map[token.Pos]string // of local objects, by their declaration
}

func unusedPrefix(lp *load.Package) string {
	prefix := "zz"
	for _, src := range lp.Source {
		for bytes.Contains(src, []byte(prefix)) {
			prefix += "z"
		}
	}
	return prefix
}

// isPlain reports whether a file has no comment that is code.
func isPlain(f *ast.File) bool {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if strings.HasPrefix(c.Text, "//go:") {
				return false
			}
		}
	}
	return !slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool {
		return i.Path.Value == `"C"` || i.Name != nil && (i.Name.Name == "." || i.Name.Name == "_")
	})
}

func (r *rewriter) rename(f *ast.File) {
	isLocal := func(o types.Object) bool {
		switch o := o.(type) {
		case *types.Var:
			return !o.IsField() && o.Parent() != o.Pkg().Scope()
		case *types.Label:
			return true
		case *types.TypeName:
			_, param := o.Type().(*types.TypeParam)
			return param
		}
		return false
	}
	newName := func(o types.Object) string {
		n, ok := r.names[o.Pos()]
		if !ok {
			n = fmt.Sprintf("%s%d", r.prefix, len(r.names))
			r.names[o.Pos()] = n
		}
		return n
	}
	for _, o := range r.info.Implicits {
		if v, ok := o.(*types.Var); ok && v.Name() != "" && v.Name() != "_" && !v.IsField() {
			newName(v)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok {
				if p, ok := r.info.Uses[id].(*types.PkgName); ok && p.Imported().Path() != "C" {
					id.Name = alias(r.prefix, p.Imported().Path())
				}
			}
		}
		id, ok := n.(*ast.Ident)
		if !ok || id.Name == "_" {
			return true
		}
		o := r.info.Defs[id]
		if o == nil {
			o = r.info.Uses[id]
		}
		if o != nil && isLocal(o) {
			id.Name = newName(o)
		} else if name, ok := r.names[id.Pos()]; ok && o == nil { // the variable of a type switch
			id.Name = name
		}
		return true
	})
}

func alias(prefix, path string) string {
	clean := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, path)
	return prefix + "_" + clean
}

// print writes a file with the imports that its declarations use.
func (r *rewriter) print(t testing.TB, fset *token.FileSet, f *ast.File, rnd *rand.Rand) []byte {
	t.Helper()
	var b bytes.Buffer
	config := printer.Config{Tabwidth: 1 + rnd.IntN(8), Indent: rnd.IntN(3)}
	fmt.Fprintf(&b, "package %s\n", f.Name.Name)
	used := map[string]bool{}
	for _, d := range f.Decls {
		stripComments(d)
		ast.Inspect(d, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if p, ok := r.info.Uses[id].(*types.PkgName); ok {
					used[p.Imported().Path()] = true
				}
			}
			return true
		})
	}
	paths := slices.Collect(keys(used))
	slices.Sort(paths)
	slices.Reverse(paths)
	for _, path := range paths {
		fmt.Fprintf(&b, "import %s %q\n", alias(r.prefix, path), path)
	}
	for _, d := range f.Decls {
		fmt.Fprintf(&b, "\n// A comment that was not there: %d.\n", rnd.IntN(1000))
		require.NoError(t, config.Fprint(&b, fset, d))
		b.WriteString("\n")
	}
	return b.Bytes()
}

func stripComments(d ast.Decl) {
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			n.Doc = nil
		case *ast.GenDecl:
			n.Doc = nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		}
		return true
	})
}
