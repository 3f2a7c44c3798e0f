package versionhash

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// A Decision is what was decided by hand about one declaration. It is part of the summary of the declaration's package.
type Decision struct {
	// Ignored is why the declaration counts in no version by more than its name and type; "" where it counts. With a type go its methods.
	Ignored string

	// Without are what the version of this declaration leaves out. Versions of others that reach the declaration do not.
	Without []Left

	// Needs are declarations that count wherever this one does, as if its text named them: functions, methods, variables, types, constants.
	Needs []types.Object

	// Files count likewise, by name and content: slash-separated paths below the folder of the package, sorted, which Patterns match
	// as those of //go:embed would. The package must embed them to prove what it was built from.
	Patterns, Files []string
}

// A Left is something that one version leaves out.
type Left struct {
	// Symbol is a declaration of a local package, as in [Graph.Manifest], or the import path of a package, which stands for all of it.
	Symbol string
	Reason string // not empty
}

// decided puts into a summary what was decided about its declaration.
func (s *scanner) decided(sum *summary, pos token.Pos, of ...types.Object) {
	d := s.env.decisions[pos]
	sum.ignored, sum.without = d.Ignored, d.Without
	for _, o := range of { // the type of a receiver
		if sum.ignored == "" && o != nil {
			sum.ignored = s.env.decisions[o.Pos()].Ignored
		}
	}
}

// needs writes what a declaration needs by decision.
func (w *writer) needs() {
	d := w.s.env.decisions[w.pos]
	need := func(k key) {
		w.ref(k)
		w.out.needs = append(w.out.needs, k)
	}
	for _, o := range d.Needs {
		switch w.s.where(o.Pkg()) {
		case local:
			k := w.s.key(o)
			need(k)
			if k.sort == sortType {
				need(key{kind: keyRuntime, pkg: k.pkg, name: k.name})
			}
		default:
			w.outside(o.Pkg().Path())
		}
	}
	// The text names the patterns; that a file is new is said by the file.
	for _, p := range d.Patterns {
		w.s.embeds = append(w.s.embeds, p)
		w.expl = appendString(append(w.expl, mFile), p)
	}
	for _, o := range d.Needs {
		w.expl = appendString(append(w.expl, mName), symbolOf(o))
	}
	for _, file := range d.Files {
		w.core = appendString(append(w.core, mFile), file)
		need(key{kind: keyEmbed, pkg: w.s.lp.Path, name: file})
		w.s.declared = append(w.s.declared, file)
	}
}

// symbolOf is the name of the node of a declaration.
func symbolOf(o types.Object) string {
	if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil {
		return symbol(o.Pkg().Path(), methodName(f))
	}
	return symbol(o.Pkg().Path(), o.Name())
}

// standIn is what counts of something that is left out: its identity, and its type, by which the code around it was compiled.
func standIn(s *summary, name, reason string) *summary {
	e := canon.New("dagstergen/code/ignored/v1")
	e.String("name", name)
	e.String("type", s.typ)
	out := &summary{key: s.key, name: s.name, kind: manifest.KindIgnored, file: s.file, pos: s.pos, pkg: s.pkg, typ: s.typ, ignored: reason, without: s.without, entry: s.entry}
	out.core = e.Sum()
	out.local = out.core
	return out
}

// left are the nodes that the version of a node leaves out, with the reasons. Paths are packages outside among them.
func (g *Graph) left(n int32) (nodes map[int32]string, paths map[string]bool) {
	for _, l := range g.sums[n].without {
		for _, m := range g.matching(l.Symbol) {
			if nodes == nil {
				nodes, paths = map[int32]string{}, map[string]bool{}
			}
			if nodes[m] == "" {
				nodes[m] = l.Reason
			}
			if k := g.sums[m].key; k.kind == keyExt {
				paths[k.pkg] = true
			}
		}
	}
	return nodes, paths
}

// matching are the nodes that a symbol stands for: a declaration, a type with what its values can do, or a package.
func (g *Graph) matching(symbol string) []int32 {
	var out []int32
	if id, ok := g.pkgID[symbol]; ok {
		for n, s := range g.sums {
			if s.pkg == id && !explains(s) {
				out = append(out, int32(n))
			}
		}
		if n, ok := g.index[key{kind: keyExt, pkg: symbol}]; ok {
			out = append(out, n) // as it counts for packages of further modules
		}
		return out
	}
	for _, name := range []string{symbol, "rt:" + symbol, "codec:" + symbol} {
		if n, ok := g.byName[name]; ok {
			out = append(out, n)
		}
	}
	if len(out) > 0 && g.sums[out[0]].key.sort == sortType {
		k := g.sums[out[0]].key
		value, pointer := symbol+".", k.pkg+".(*"+k.name+")."
		for n, name := range g.names {
			if strings.HasPrefix(name, value) || strings.HasPrefix(name, pointer) {
				out = append(out, int32(n))
			}
		}
	}
	return out
}

// explains reports whether a node only explains what is written into the code that mentions it: nothing of that can be left out.
func explains(s *summary) bool {
	return s.key.sort == sortConst || s.key.sort == sortAlias || s.kind == manifest.KindSkipped
}

// view returns the graph as the version of a node sees it: with stand-ins for what it leaves out. It shares numbers and names with g.
func (g *Graph) view(n int32) *Graph {
	if len(g.sums[n].without) == 0 || g.opts.Mode == Body {
		return g
	}
	nodes, paths := g.left(n)
	if len(nodes) == 0 {
		return g
	}
	id := ""
	if _, itself := nodes[n]; itself { // a package that leaves itself out leaves out the rest of it
		delete(nodes, n)
		id = g.names[n] + "\x00"
	}
	for _, l := range g.sums[n].without {
		id += l.Symbol + "\x00" + l.Reason + "\x00"
	}
	if v := g.views[id]; v != nil {
		return v
	}
	v := *g
	v.sums, v.refs, v.text = slices.Clone(g.sums), slices.Clone(g.refs), slices.Clone(g.text)
	v.out, v.outside = nodes, paths
	for m, reason := range nodes {
		v.sums[m] = standIn(g.sums[m], g.names[m], reason)
		v.refs[m], v.text[m] = nil, nil
	}
	v.views = nil
	v.hashes = make([]canon.Digest, len(v.sums))
	v.comp, v.comps, v.hashed = nil, nil, nil
	v.states, v.stateOf, v.statesIn, v.providers, v.sets, v.turns = nil, map[key]int32{}, nil, nil, nil, nil
	v.components()
	v.state()
	if g.views == nil {
		g.views = map[string]*Graph{}
	}
	g.views[id] = &v
	return &v
}

// Idle returns what the version of a symbol is told to leave out although it does not reach it; nil for a symbol that does not exist.
func (g *Graph) Idle(symbol string) []Left {
	start, also, ok := g.entry(symbol)
	n, known := g.byName[symbol]
	if !ok || !known || len(g.sums[n].without) == 0 || g.opts.Mode == Body {
		return nil
	}
	r := g.reach(start, also)
	var out []Left
	for _, l := range g.sums[n].without {
		found := r.uses[l.Symbol] && g.env.wherePath(l.Symbol) != standard
		for _, m := range g.matching(l.Symbol) {
			found = found || r.in[m] && m != start
		}
		if !found {
			out = append(out, l)
		}
	}
	return out
}

// Reached returns the names of the nodes that the version of a symbol covers, sorted; nil for a symbol that does not exist.
func (g *Graph) Reached(symbol string) []string {
	start, also, ok := g.entry(symbol)
	if !ok {
		return nil
	}
	r := g.view(start).reach(start, also)
	out := make([]string, len(r.nodes))
	for i, n := range r.nodes {
		out[i] = g.names[n]
	}
	slices.Sort(out)
	return out
}
