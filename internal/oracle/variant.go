package oracle

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/types"
	"maps"
	"path/filepath"
	"slices"

	"github.com/dagstergen/dagstergen/internal/load"
)

// detached returns p with the contents of other modules' packages left out. An edit of local code never changes them, so both sides of a
// comparison are without, and are spared reading them each time.
func detached(p *load.Program) *load.Program {
	q := *p
	q.Packages = make(map[string]*load.Package, len(p.Packages))
	copies := make(map[*load.Package]*load.Package, len(p.Packages))
	for path, lp := range p.Packages {
		if !lp.Local {
			c := *lp
			c.GoFiles, c.IgnoredFiles, c.OtherFiles, c.EmbedFiles = nil, nil, nil, nil
			lp = &c
		} else {
			c := *lp
			lp = &c
		}
		copies[p.Packages[path]] = lp
		q.Packages[path] = lp
	}
	for _, lp := range q.Packages {
		lp.Imports = maps.Clone(lp.Imports)
		for name, dep := range lp.Imports {
			lp.Imports[name] = copies[dep]
		}
	}
	q.Roots = nil
	for _, r := range p.Roots {
		q.Roots = append(q.Roots, copies[r])
	}
	return &q
}

// variant returns p with one package's files replaced or added (base name, or path below the package for embedded files -> content), that
// package and all that import it checked anew. All else is shared with p. It returns the first type error where there is one.
func variant(p *load.Program, pkg string, files map[string][]byte) (*load.Program, error) {
	q := *p
	q.Packages = maps.Clone(p.Packages)
	old := p.Packages[pkg]
	edited := *old
	edited.Source = maps.Clone(old.Source)
	edited.Syntax = slices.Clone(old.Syntax)
	changed := false
	for _, name := range slices.Sorted(maps.Keys(files)) {
		edited.Source[name] = files[name]
		i, isGo := slices.BinarySearch(edited.GoFiles, name)
		if !isGo {
			if slices.Contains(edited.IgnoredFiles, name) || slices.Contains(edited.EmbedFiles, name) {
				continue
			}
			edited.GoFiles = slices.Insert(slices.Clone(edited.GoFiles), i, name)
			edited.Syntax = slices.Insert(edited.Syntax, i, nil)
		}
		f, err := parser.ParseFile(p.Fset, p.Rel(filepath.Join(old.Dir, name)), files[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		edited.Syntax[i] = f
		changed = true
	}
	q.Packages[pkg] = &edited
	if changed {
		if err := check(&q, &edited); err != nil {
			return nil, err
		}
	}
	// Those that import it name other objects now.
	renew := map[string]bool{pkg: true}
	for _, lp := range p.Locals() {
		if lp.Path == pkg {
			continue
		}
		stale := false
		for _, dep := range lp.Imports {
			stale = stale || renew[dep.Path]
		}
		if !stale {
			continue
		}
		renew[lp.Path] = true
		c := *lp
		c.Imports = maps.Clone(lp.Imports)
		for name, dep := range c.Imports {
			c.Imports[name] = q.Packages[dep.Path]
		}
		q.Packages[c.Path] = &c
		if changed {
			if err := check(&q, &c); err != nil {
				return nil, err
			}
		}
	}
	q.Roots = nil
	for _, r := range p.Roots {
		q.Roots = append(q.Roots, q.Packages[r.Path])
	}
	return &q, nil
}

// release gives the files of a variant back, which otherwise stay in the shared file set for good.
func release(p, v *load.Program, pkg string) {
	if v == nil {
		return
	}
	for _, f := range v.Packages[pkg].Syntax {
		if !slices.Contains(p.Packages[pkg].Syntax, f) {
			if tf := p.Fset.File(f.FileStart); tf != nil {
				p.Fset.RemoveFile(tf)
			}
		}
	}
}

// check type-checks one local package of p and sets its types.
func check(p *load.Program, lp *load.Package) error {
	lp.Errors = nil
	lp.Info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		Scopes: map[ast.Node]*types.Scope{}, FileVersions: map[*ast.File]string{},
	}
	conf := types.Config{
		Sizes: p.Sizes, FakeImportC: true, GoVersion: "go1.16",
		Importer: importer(func(path string) (*types.Package, error) {
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			if dep := lp.Imports[path]; dep != nil && dep.Types != nil {
				return dep.Types, nil
			}
			return nil, fmt.Errorf("%s has no types", path)
		}),
	}
	if lp.Module != nil && lp.Module.GoVersion != "" {
		conf.GoVersion = "go" + lp.Module.GoVersion
	}
	var err error
	lp.Types, err = conf.Check(lp.Path, p.Fset, lp.Syntax, lp.Info)
	return err
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }
