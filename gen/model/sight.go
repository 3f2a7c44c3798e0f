package model

import (
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
)

// sight computes what each package sees: itself and the annotated packages of its import closure.
func (b *builder) sight() {
	for _, p := range b.m.Packages {
		seen := map[*load.Package]bool{p.Package: true}
		todo := []*load.Package{p.Package}
		for len(todo) > 0 {
			lp := todo[0]
			todo = todo[1:]
			for _, dep := range lp.Imports {
				if dep.Local && !seen[dep] {
					seen[dep] = true
					todo = append(todo, dep)
				}
			}
		}
		for _, q := range b.m.Packages {
			if q != p && seen[q.Package] {
				p.visible = append(p.visible, q)
			}
		}
		slices.SortFunc(p.visible, func(x, y *Package) int { return strings.Compare(x.Path, y.Path) })
		p.visible = append([]*Package{p}, p.visible...)
	}
}

// Visible returns p and the annotated packages of its import closure: where its names are looked up.
func (p *Package) Visible() []*Package { return p.visible }

// resourcesOfType returns the resources that p sees whose type is identical to t, in the order of sight and key.
func (p *Package) resourcesOfType(t types.Type) []*Resource {
	var out []*Resource
	for _, q := range p.visible {
		for _, r := range q.Resources {
			if r.Type != nil && types.Identical(r.Type, t) {
				out = append(out, r)
			}
		}
	}
	return out
}

// runtimeTypes are the interfaces of the runtime that user types must implement.
type runtimeTypes struct{ ioManager, strategy *types.Interface }

// runtime finds them; nil interfaces where the program does not have the runtime.
func (b *builder) runtime() *runtimeTypes {
	if b.types != nil {
		return b.types
	}
	b.types = &runtimeTypes{}
	lp := b.prog.Runtime()
	if lp == nil || lp.Types == nil {
		return b.types
	}
	find := func(name string) *types.Interface {
		obj := lp.Types.Scope().Lookup(name)
		if obj == nil {
			return nil
		}
		i, _ := obj.Type().Underlying().(*types.Interface)
		return i
	}
	b.types.ioManager, b.types.strategy = find("IOManager"), find("VersionStrategy")
	return b.types
}
