package load

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
)

// Check type-checks pkg again with extra files in place: base name -> content of Go files that replace all that was generated for pkg
// before. It returns all type errors (and syntax errors of the extra files), in order. Packages that pkg imports count with the generated
// files they have on disk. The program is not changed, but for the new files in its Fset.
func (p *Program) Check(pkg *Package, extra map[string][]byte) []types.Error {
	return p.verify([]*Package{pkg}, map[string]map[string][]byte{pkg.Path: extra})[pkg.Path]
}

// Verify type-checks again all that extra files have an effect on: the packages they belong to (import path -> base name -> content; they replace what
// was generated before, an empty map removes it) and all local packages that import them. Other local packages count with the generated files they
// have on disk. The result has the type errors of each local package by import path, and no entry for a package without one.
func (p *Program) Verify(extra map[string]map[string][]byte) map[string][]types.Error {
	return p.verify(p.Locals(), extra)
}

func (p *Program) verify(targets []*Package, extra map[string]map[string][]byte) map[string][]types.Error {
	v := &verifier{prog: p, extra: extra, done: map[*Package]*types.Package{}, errs: map[string][]types.Error{}}
	for _, t := range targets {
		v.check(t)
	}
	return v.errs
}

type verifier struct {
	prog  *Program
	extra map[string]map[string][]byte
	done  map[*Package]*types.Package
	errs  map[string][]types.Error
}

// check returns the types of pkg with the generated files in place; a package that neither has nor imports any keeps the types
// it has, so that they stay identical for all who use them.
func (v *verifier) check(pkg *Package) *types.Package {
	if !pkg.Local || pkg.light { // of a light package nothing is generated but what nobody can name
		return pkg.Types
	}
	if t, ok := v.done[pkg]; ok {
		return t
	}
	v.done[pkg] = pkg.Types // for generated code whose import leads back to pkg: an error that must not become an endless recursion
	changed := false
	deps := map[string]*types.Package{}
	for _, path := range slices.Sorted(keys(pkg.Imports)) {
		dep := pkg.Imports[path]
		deps[path] = v.check(dep)
		changed = changed || deps[path] != dep.Types
	}
	files, has := v.extra[pkg.Path]
	if !has {
		files = map[string][]byte{}
		for _, name := range pkg.Generated {
			files[name] = pkg.Source[name]
		}
	}
	if !changed && len(files) == 0 {
		if len(pkg.Errors) > 0 {
			v.errs[pkg.Path] = pkg.Errors
		}
		return pkg.Types
	}

	var errs []types.Error
	syntax := slices.Clone(pkg.Syntax)
	for _, name := range slices.Sorted(keys(files)) {
		f, err := parser.ParseFile(v.prog.Fset, v.prog.Rel(filepath.Join(pkg.Dir, name)), files[name], parser.SkipObjectResolution)
		var list scanner.ErrorList
		if errors.As(err, &list) {
			for _, e := range list {
				pos := f.Pos()
				if file := v.prog.Fset.File(pos); file != nil && e.Pos.Offset <= file.Size() {
					pos = file.Pos(e.Pos.Offset)
				}
				errs = append(errs, types.Error{Fset: v.prog.Fset, Pos: pos, Msg: "syntax error: " + e.Msg})
			}
		}
		if f != nil {
			syntax = append(syntax, f)
		}
	}
	t, more := v.typeCheck(pkg, syntax, deps, false)
	if slices.ContainsFunc(more, undefinedElsewhere) && v.prog.reader != nil {
		t, more = v.typeCheck(pkg, syntax, deps, true)
	}
	errs = append(errs, more...)
	v.done[pkg] = t
	if len(errs) > 0 {
		v.errs[pkg.Path] = errs
	}
	return t
}

// typeCheck checks the syntax of pkg. deps are the packages that its own code imports; complete is as in [Program.importer].
func (v *verifier) typeCheck(pkg *Package, syntax []*ast.File, deps map[string]*types.Package, complete bool) (*types.Package, []types.Error) {
	imports := maps.Clone(pkg.Imports)
	for _, f := range syntax {
		for _, spec := range f.Imports {
			path := importPath(spec)
			if dep := v.prog.Packages[path]; dep != nil && imports[path] == nil { // imported by generated code alone
				imports[path] = dep
			}
		}
	}
	var errs []types.Error
	views := v.prog.importer(selectionsOf(syntax), imports, complete, func(error) {})
	conf := v.prog.config(pkg, func(path string) *types.Package {
		switch dep := imports[path]; {
		case dep == nil:
			return nil
		case dep.light:
			return views(path)
		case deps[path] != nil:
			return deps[path]
		default:
			return v.check(dep)
		}
	})
	conf.Error = func(err error) {
		var e types.Error
		if errors.As(err, &e) {
			errs = append(errs, e)
		}
	}
	t, _ := conf.Check(pkg.Path, v.prog.Fset, syntax, nil)
	return t, errs
}
