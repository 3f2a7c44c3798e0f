package gen

import (
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// An Explanation says what the code version of one thing is made of.
type Explanation struct {
	Key      string
	Kind     string // "op", "asset", "source", "resource", "config" or "job"
	Package  string
	Symbol   string
	Pos      token.Position
	Hash     canon.Digest       // of the code, whether or not it is the version
	Version  string             // the version= argument; empty where the hash of the code is the version
	Strategy string             // symbol of the strategy that gives the version; empty for the default
	Env      []string           // environment variables whose values count when a run is planned, sorted
	Manifest *manifest.Manifest // the entry of the symbol with the components that it reaches
}

// Explain returns what name stands for in the packages that were asked for and the ones that they import: a key, a Go name ("Fetch", "Client.Fetch"), an asset that is
// one of several results, or a whole symbol. A name may stand for several things. None is an error that names the nearest.
func (a *Analysis) Explain(name string) ([]Explanation, diag.List, error) {
	found, names := a.find(name)
	if len(found) == 0 {
		hint := fmt.Sprintf("; `%s graph` shows what there is", load.ToolCommand(a.Program.Dir))
		if near, ok := nearest.Of(name, names); ok {
			hint = "; did you mean " + near + "?"
		}
		return nil, nil, fmt.Errorf("nothing annotated is called %s%s", name, hint)
	}
	var diags diag.List
	var out []Explanation
	for _, e := range found {
		m, more := a.Versions.Manifest([]string{e.Symbol})
		diags = append(diags, more...)
		e.Manifest = m.Closure(e.Symbol)
		e.Hash, _ = m.Version(e.Symbol)
		out = append(out, e)
	}
	return out, diags.Sorted(), nil
}

// find collects what name stands for, sorted by symbol, and all names there are.
func (a *Analysis) find(name string) (found []Explanation, names []string) {
	seen := map[*model.Package]bool{}
	add := func(d *model.Decl, strategy *model.Strategy, env []string, more ...string) {
		all := append([]string{d.Key, d.GoName, d.Symbol}, more...)
		names = append(names, all...)
		if !slices.Contains(all, name) {
			return
		}
		e := Explanation{Key: d.Key, Kind: string(d.Kind), Package: d.Pkg.Path, Symbol: d.Symbol, Pos: a.Program.Position(d.Pos), Version: d.Version, Env: env}
		if strategy != nil {
			e.Strategy = strategy.Symbol
		}
		found = append(found, e)
	}
	for _, p := range a.Targets {
		for _, q := range p.Visible() {
			if seen[q] {
				continue
			}
			seen[q] = true
			for _, op := range append(q.Instances(), q.Ops...) {
				add(&op.Decl, op.Strategy, op.Env, assetKeys(op)...)
			}
			for _, r := range q.Resources {
				add(&r.Decl, nil, r.Env)
			}
			for _, g := range q.Graphs {
				if g.Asset == nil {
					add(&g.Decl, nil, nil)
				}
			}
			for _, j := range q.Jobs {
				add(&j.Decl, j.Strategy, nil)
			}
			for _, c := range q.Configs {
				add(&c.Decl, nil, nil, c.GoName)
			}
		}
	}
	slices.SortFunc(found, func(x, y Explanation) int { return strings.Compare(x.Symbol, y.Symbol) })
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	return found, names
}
