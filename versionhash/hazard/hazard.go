// Package hazard finds what a code version cannot see: calls, reachable from a function whose results are reused, whose outcome depends on
// something other than code and inputs: clock, randomness, environment, network, files, other programs, and the order in which
// maps and goroutines deliver.
//
// Stage: behind versionhash, before gen. It walks the graph of a version ([manifest.Manifest]) over the syntax of a [load.Program]. It knows no directives
// and no ops: which functions are asked about is said by [Root], and what is accepted is decided by its caller. It imports internal/load,
// internal/manifest and versionhash.
//
// What a version leaves out, or every version does, is not looked into: that it does no harm was decided with its reason.
//
// Invariants: nothing is executed, and no file is read. A finding names a place in local source and a way to it that exists in the graph. What is not
// found is listed, with the reason, in docs/vet.md.
package hazard

import (
	"cmp"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/versionhash"
)

// A Kind is a sort of hazard.
type Kind string

// The kinds.
const (
	Clock   Kind = "clock"
	Random  Kind = "random"
	Env     Kind = "env"     // environment variables, host, user, arguments, number of CPUs, time zone
	Network Kind = "network" // sockets, HTTP, databases
	Files   Kind = "files"   // the file system, other than through dag.File
	Exec    Kind = "exec"    // other programs
	Order   Kind = "order"   // map iteration, goroutines, select
	Global  Kind = "global"  // package variables that are written while the program runs
	Input   Kind = "input"   // data parameters that are written through
	Run     Kind = "run"     // the identity of the run
)

// Kinds lists all kinds in the order of the documentation.
var Kinds = []Kind{Clock, Random, Env, Network, Files, Exec, Order, Global, Input, Run}

// A Root is a function whose results are reused.
type Root struct {
	Symbol   string       // "example.com/m/weather.MonthlyMeans"
	Injected []types.Type // types of the resources it is given: what happens inside of their values is their business
	Inputs   []*types.Var // parameters that hold data

	// Constructor is set for a function that makes a resource. It may reach for network, files and programs, which is what
	// resources are for, and methods of what it returns are not its own.
	Constructor bool
}

// A Site is a place in local source with a hazard.
type Site struct {
	Kind     Kind
	Pos, End token.Pos
	What     string // "time.Now", "range over map counts: append to names"
	Func     string // symbol of the declaration that it stands in

	Variable string     // of Env: the environment variable that is read by a constant name, or ""
	Var      *types.Var // of Global: the package variable that is written
}

// A Reach is a way from a root to a site.
type Reach struct {
	Root int      // index of the root
	Path []string // symbols, from the root to the declaration with the site
}

// A Finding is a site with all roots that reach it, in the order of the roots, each by one of its shortest ways.
type Finding struct {
	Site
	From []Reach
}

// A Report is what [Find] found.
type Report struct {
	Findings []Finding
	Reached  map[string]bool // symbols of the functions that some root reaches
}

// Find looks for hazards that the roots reach. Roots without a declaration in p are left out. Findings are in the order of
// file, line, column and kind.
func Find(p *load.Program, g *versionhash.Graph, roots []Root) Report {
	var symbols []string
	for _, r := range roots {
		symbols = append(symbols, r.Symbol)
	}
	m, _ := g.Manifest(symbols) // its diagnostics are the generator's to report
	w := &walker{index: newIndex(p), nodes: map[string]*manifest.Node{}, pos: g.Pos, reached: map[string]bool{}, found: map[siteKey]*Finding{}}
	for i := range m.Nodes {
		w.nodes[m.Nodes[i].Name] = &m.Nodes[i]
	}
	for i, r := range roots {
		if e := slices.IndexFunc(m.Entries, func(e manifest.Entry) bool { return e.Symbol == r.Symbol }); e >= 0 {
			w.walk(i, r, m.Entries[e])
		}
	}
	out := Report{Reached: w.reached}
	for _, f := range w.found {
		out.Findings = append(out.Findings, *f)
	}
	slices.SortFunc(out.Findings, func(a, b Finding) int {
		x, y := p.Position(a.Pos), p.Position(b.Pos)
		return cmp.Or(strings.Compare(x.Filename, y.Filename), cmp.Compare(x.Offset, y.Offset), strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.What, b.What))
	})
	return out
}

// A siteKey tells sites apart.
type siteKey struct {
	kind Kind
	pos  token.Pos
	what string
}

// A walker follows the graph from each root.
type walker struct {
	index   *index
	nodes   map[string]*manifest.Node
	pos     func(node string) token.Position
	reached map[string]bool
	found   map[siteKey]*Finding
	without map[string]bool // nodes that the version of the current root leaves out: what they do is accepted
}

// A step is a node on the way from a root.
type step struct {
	node string
	from int  // index of the step before; -1 for the root
	init bool // it runs when the program starts, not when the root runs
}

// walk visits all that one root reaches, breadth first: first what runs with it, then what ran before it.
func (w *walker) walk(i int, r Root, e manifest.Entry) {
	w.without = map[string]bool{}
	for _, l := range e.Without {
		w.without[l.Name] = true
	}
	injected := map[types.Object]bool{}
	for _, t := range r.Injected {
		if o := named(t); o != nil {
			injected[o] = true
		}
	}
	seen := map[string]bool{}
	var steps []step
	var later []step
	push := func(s step) {
		switch {
		case seen[s.node]:
		case s.init:
			later = append(later, s)
		default:
			seen[s.node] = true
			steps = append(steps, s)
		}
	}
	push(step{node: e.Node, from: -1})
	done := 0
	settle := func(init bool) {
		for ; done < len(steps); done++ {
			s := steps[done]
			n := w.nodes[s.node]
			if n == nil {
				continue
			}
			d := w.index.decl(w.pos(s.node), n.Kind)
			if d != nil {
				w.reached[s.node] = true
				w.report(i, r, d, steps, done, injected)
			}
			for _, ref := range slices.Concat(n.Refs, n.Implied) {
				if w.follow(r, n, d, ref, injected) {
					push(step{node: ref, from: done, init: !init && runsBefore(n, d)})
				}
			}
		}
	}
	settle(false)
	for _, name := range e.Also {
		n := w.nodes[name]
		if n == nil {
			continue
		}
		if n.Kind == manifest.KindCodec || n.Kind == manifest.KindRuntime {
			push(step{node: name, from: 0})
			continue
		}
		from := 0 // what it sets is what leads to it
		for j, s := range steps {
			if slices.Contains(n.Sets, s.node) {
				from = j
				break
			}
		}
		push(step{node: name, from: from, init: true})
	}
	settle(false)
	for len(later) > 0 {
		s := later[0]
		later = later[1:]
		if !seen[s.node] {
			seen[s.node] = true
			steps = append(steps, s)
			done = len(steps) - 1
			// What a variable's initialiser or an init function reaches all ran before, too.
			w.spreadInit(&steps, &done, seen, i, r, injected)
		}
	}
}

// spreadInit visits what the last step reaches; all of it runs when the program starts.
func (w *walker) spreadInit(steps *[]step, done *int, seen map[string]bool, i int, r Root, injected map[types.Object]bool) {
	for ; *done < len(*steps); *done++ {
		s := (*steps)[*done]
		n := w.nodes[s.node]
		if n == nil {
			continue
		}
		d := w.index.decl(w.pos(s.node), n.Kind)
		if d != nil {
			w.reached[s.node] = true
			w.report(i, r, d, *steps, *done, injected)
		}
		for _, ref := range slices.Concat(n.Refs, n.Implied) {
			if !seen[ref] && w.follow(r, n, d, ref, injected) {
				seen[ref] = true
				*steps = append(*steps, step{node: ref, from: *done, init: true})
			}
		}
	}
}

// runsBefore reports whether what a node refers to runs when the program starts: the initialiser of a variable does, unless functions are what
// the variable holds.
func runsBefore(n *manifest.Node, d *decl) bool {
	switch n.Kind {
	case manifest.KindInit:
		return true
	case manifest.KindVar:
		return d == nil || d.obj == nil || !holdsFunc(d.obj.Type(), nil)
	}
	return false
}

// follow reports whether a reference leads to code that the root may run.
func (w *walker) follow(r Root, from *manifest.Node, d *decl, ref string, injected map[types.Object]bool) bool {
	n := w.nodes[ref]
	if n == nil || w.without[ref] {
		return false
	}
	switch n.Kind {
	case manifest.KindFunc, manifest.KindVar, manifest.KindInit:
		return true
	case manifest.KindRuntime, manifest.KindCodec:
		return !r.Constructor
	case manifest.KindMethod:
	default:
		return false
	}
	m := w.index.method(w.pos(ref))
	if m == nil {
		return false
	}
	if from.Kind == manifest.KindRuntime {
		return !injected[named(m.Signature().Recv().Type())] && w.index.dispatched(m, packageOf(r.Symbol))
	}
	if d == nil {
		return true
	}
	uses := w.index.facts(d).uses[m]
	return len(uses) == 0 && !injected[named(m.Signature().Recv().Type())] ||
		slices.ContainsFunc(uses, func(via set) bool { return !via.meets(injected) })
}

// report adds the sites of a declaration that count for the root.
func (w *walker) report(i int, r Root, d *decl, steps []step, at int, injected map[types.Object]bool) {
	f := w.index.facts(d)
	for _, s := range f.sites {
		if s.via.meets(injected) || steps[at].init && s.Kind == Global || r.Constructor && (s.Kind == Network || s.Kind == Files || s.Kind == Exec) {
			continue
		}
		w.add(i, s.Site, steps, at)
	}
	if at > 0 {
		return
	}
	for _, s := range w.index.effects(d).inputs(r.Inputs) {
		w.add(i, s, steps, at)
	}
}

// packageOf is the import path in a symbol.
func packageOf(symbol string) string {
	slash := strings.LastIndexByte(symbol, '/') + 1
	dot := strings.IndexByte(symbol[slash:], '.')
	if dot < 0 {
		return symbol
	}
	return symbol[:slash+dot]
}

func (w *walker) add(i int, s Site, steps []step, at int) {
	s.Func = steps[at].node
	k := siteKey{s.Kind, s.Pos, s.What}
	f := w.found[k]
	if f == nil {
		f = &Finding{Site: s}
		w.found[k] = f
	}
	if n := len(f.From); n > 0 && f.From[n-1].Root == i {
		return
	}
	var path []string
	for j := at; j >= 0; j = steps[j].from {
		if n := w.nodes[steps[j].node]; n.Kind != manifest.KindRuntime && n.Kind != manifest.KindCodec {
			path = append(path, steps[j].node)
		}
	}
	slices.Reverse(path)
	f.From = append(f.From, Reach{Root: i, Path: path})
}
