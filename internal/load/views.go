package load

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
)

// selections are what files select from packages, as far as that can be seen without types.
type selections struct {
	files []*ast.File
	from  map[string]map[string]bool // "Println" from "fmt", but also "n" from a variable "t"
}

func selectionsOf(files []*ast.File) selections {
	s := selections{files, map[string]map[string]bool{}}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok {
					if s.from[x.Name] == nil {
						s.from[x.Name] = map[string]bool{}
					}
					s.from[x.Name][sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	return s
}

// of returns the names that the files may mean of the package that they import as path; all is whether they may mean any.
func (s selections) of(path, pkgName string) (names []string, all bool) {
	set := map[string]bool{}
	for _, f := range s.files {
		for _, spec := range f.Imports {
			if importPath(spec) != path {
				continue
			}
			name := pkgName
			if spec.Name != nil {
				name = spec.Name.Name
			}
			if name == "." {
				return nil, true
			}
			for sel := range s.from[name] {
				set[sel] = true
			}
		}
	}
	return slices.Sorted(keys(set)), false
}

// importer returns what finds the packages that files import: those that are whole as they are, of others a view with the names that the files select. Where complete
// is set, views have all names: only so can the type checker say that a name exists in another spelling. failed is told of types that cannot be read.
func (p *Program) importer(selected selections, imports map[string]*Package, complete bool, failed func(error)) func(path string) *types.Package {
	return func(path string) *types.Package {
		dep := imports[path]
		if dep == nil {
			return nil
		}
		names, all := selected.of(path, dep.Name)
		switch {
		case !dep.light && dep.Types != nil:
			return dep.Types
		case all || complete && len(names) > 0:
			names = nil
		case len(names) == 0 && dep.Name != "": // imported for what it does; its types may not be known
			t := types.NewPackage(dep.Path, dep.Name)
			t.MarkComplete()
			return t
		}
		if !dep.light {
			return nil
		}
		t, err := p.reader.View(dep.Path, names)
		if err != nil {
			failed(err)
			return nil
		}
		return t
	}
}

// Complete returns a package with all its declarations; nil for one whose types are not known. What they mention is complete too, so that this is for
// few packages. Its objects are those of all other views.
func (p *Program) Complete(pkg *Package) *types.Package {
	if p.reader == nil || !pkg.light && (pkg.Local || pkg.Types != nil) {
		return pkg.Types
	}
	if !pkg.light {
		p.load(pkg) // of another module, and nothing that was loaded needed it
	}
	if !pkg.light {
		return pkg.Types
	}
	t, err := p.reader.View(pkg.Path, nil)
	if err != nil {
		return nil
	}
	return t
}

// Shell returns a package with the names of all package-level declarations of a local package, for those who must not use them. Of a light package it has
// no types.
func (p *Program) Shell(pkg *Package) *types.Package {
	if !pkg.light {
		return pkg.Types
	}
	t := types.NewPackage(pkg.Path, pkg.Name)
	names, _ := p.reader.Names(pkg.Path) // it was opened when the package was loaded
	for _, name := range names {
		t.Scope().Insert(types.NewVar(token.NoPos, t, name, types.Typ[types.Invalid]))
	}
	return t
}

// Owner returns the local package that has the file in which pos is; nil where there is none.
func (p *Program) Owner(pos token.Pos) *Package {
	file := p.Fset.File(pos)
	if file == nil {
		return nil
	}
	if p.reader != nil {
		if path, _, ok := p.reader.Place(pos); ok {
			if pkg := p.Packages[path]; pkg != nil && pkg.Local {
				return pkg
			}
			return nil
		}
	}
	for _, pkg := range p.Packages {
		for _, f := range pkg.Syntax {
			if pkg.Local && f.FileStart <= pos && pos <= f.FileEnd {
				return pkg
			}
		}
	}
	return nil
}

// Files returns the syntax of a local package with comments; it parses the files of a light one.
func (p *Program) Files(pkg *Package) []*ast.File {
	if !pkg.light || pkg.Syntax != nil {
		return pkg.Syntax
	}
	var out []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(p.Fset, p.Rel(filepath.Join(pkg.Dir, name)), pkg.Source[name], parser.ParseComments|parser.SkipObjectResolution)
		if err == nil {
			out = append(out, f)
		}
	}
	return out
}
