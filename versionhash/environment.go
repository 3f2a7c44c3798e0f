package versionhash

import (
	"go/ast"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// algorithm counts the ways in which this package has computed versions. It moves with the domains of the encodings.
const algorithm = "1"

func (g *Graph) target() string {
	t := g.prog.Target
	s := t.GOOS + "/" + t.GOARCH
	if t.Cgo {
		s += "+cgo"
	}
	for _, tag := range t.Tags {
		s += "," + tag
	}
	return s
}

// declarations is how modules required directly count where they do not count by their contents. It is no part of a version: what they count with is, and
// what reaches none of them is the same either way.
const declarations = "declarations"

// settings are what every version depends on beside code, by the names of their nodes; language versions count with the code of each module.
func (g *Graph) settings() map[string]string {
	out := map[string]string{manifest.Algorithm: algorithm, manifest.Target: g.target()}
	if g.opts.Toolchain != "" {
		out[manifest.Toolchain] = g.opts.Toolchain
	}
	if len(g.prog.Debug) > 0 {
		out[manifest.Debug] = debugText(g.prog.Debug)
	}
	return out
}

// environment is the digest of the settings. Those that are not there leave no trace, so that versions stay what they are when there is a new one.
func (g *Graph) environment() canon.Digest {
	e := canon.New("dagstergen/code/env/v1")
	all := g.settings()
	for _, name := range slices.Sorted(keys(all)) {
		e.String(name, all[name])
	}
	return e.Sum()
}

// environmentNodes explain what is not code: the settings, the mode, and the language version of each module, which is hashed with the code
// of the module.
func (g *Graph) environmentNodes(packages map[int32]bool) []manifest.Node {
	values := g.settings()
	values[manifest.Mode] = g.opts.Mode.String()
	if g.prog.Deep {
		values[manifest.Deps] = declarations
	}
	for id := range packages {
		if lp := g.locals[id].lp; lp.Module != nil {
			values[manifest.Language+lp.Module.Path] = languageOf(lp, moduleLanguage(lp.Module))
		}
	}
	env := manifest.Node{Name: manifest.EnvNode, Kind: manifest.KindEnv}
	all := canon.New("dagstergen/code/env/v1")
	out := make([]manifest.Node, 0, len(values)+1)
	for _, name := range slices.Sorted(keys(values)) {
		e := canon.New("dagstergen/code/env/v1")
		e.String(name, values[name])
		d := e.Sum()
		out = append(out, manifest.Node{Name: name, Kind: manifest.KindEnv, Local: d, Hash: d, Value: values[name]})
		env.Refs = append(env.Refs, name)
		all.Digest(name, d)
	}
	env.Hash = all.Sum()
	return append(out, env)
}

// debugSettings reads the //go:debug lines in front of a package clause.
func debugSettings(f *ast.File) []string {
	var out []string
	for _, group := range f.Comments {
		for _, c := range group.List {
			if rest, ok := strings.CutPrefix(c.Text, "//go:debug"); ok && c.Pos() < f.Package && strings.TrimLeft(rest, " \t") != rest {
				out = append(out, strings.TrimSpace(rest))
			}
		}
	}
	return out
}

// debugText writes settings so that their order does not show.
func debugText(settings []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(settings))), ",")
}

// debugNodes makes the nodes of main packages that set what the standard library does.
func (g *Graph) debugNodes() {
	for _, l := range g.locals {
		if k := (key{kind: keyDebug, pkg: l.lp.Path}); len(l.debug) > 0 {
			g.add(g.special(k))
		}
	}
}
