package model

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
)

// Symbols returns the symbols whose code versions the definitions need: ops, resources, configs, graphs, jobs and strategies, sorted.
func (d *Definitions) Symbols() []string {
	var out []string
	strategy := func(s *Strategy) {
		if s != nil {
			out = append(out, s.Symbol)
		}
	}
	for _, op := range d.Ops {
		out = append(out, op.Symbol)
		strategy(op.Strategy)
	}
	for _, r := range d.Resources {
		out = append(out, r.Symbol)
	}
	for _, c := range d.Configs {
		out = append(out, c.Symbol)
	}
	for _, g := range d.Graphs {
		out = append(out, g.Symbol)
	}
	for _, j := range d.Jobs {
		out = append(out, j.Symbol)
		strategy(j.Strategy)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// AssetRefs returns the assets that the package itself makes and that have a value, sorted by the name of their reference.
func (p *Package) AssetRefs() []*Output {
	var out []*Output
	for _, op := range p.Ops {
		if op.Kind == annotations.Op {
			continue
		}
		for _, o := range op.Outputs {
			if o.Ref != "" {
				out = append(out, o)
			}
		}
	}
	slices.SortFunc(out, func(x, y *Output) int { return strings.Compare(x.Ref, y.Ref) })
	return out
}

// Strategies returns the version strategies that the definitions name, in the order of what uses them.
func (d *Definitions) Strategies() []*Strategy {
	var out []*Strategy
	for _, op := range d.Ops {
		if op.Strategy != nil {
			out = append(out, op.Strategy)
		}
	}
	for _, j := range d.Jobs {
		if j.Strategy != nil {
			out = append(out, j.Strategy)
		}
	}
	return out
}

// Funcs returns the annotated functions of the package: ops, resources, graphs, jobs and hooks.
func (p *Package) Funcs() []*Func {
	var out []*Func
	for _, op := range p.Ops {
		out = append(out, &op.Func)
	}
	for _, r := range p.Resources {
		out = append(out, &r.Func)
	}
	for _, g := range p.Compositions() {
		out = append(out, &g.Func)
	}
	for _, h := range p.Hooks {
		out = append(out, &h.Func)
	}
	return out
}

// Annotated reports whether pos lies in an annotated declaration of p.
func (p *Package) Annotated(pos token.Pos) bool {
	for _, f := range p.Funcs() {
		if f.Node.Pos() <= pos && pos < f.Node.End() {
			return true
		}
	}
	for _, c := range p.Configs {
		if node := c.ann.Decl; node.Pos() <= pos && pos < node.End() {
			return true
		}
	}
	for _, d := range p.Partitions {
		if node := d.ann.Decl; node.Pos() <= pos && pos < node.End() {
			return true
		}
	}
	return slices.ContainsFunc(p.lost, func(n ast.Node) bool { return n.Pos() <= pos && pos < n.End() })
}

// Symbols returns the symbols of the package's own annotated functions, sorted; broken ones too.
func (p *Package) Symbols() []string {
	var out []string
	for _, f := range p.Funcs() {
		if f.Kind != annotations.Hook { // it has no version
			out = append(out, f.Symbol)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
