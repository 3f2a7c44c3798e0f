package versionhash

import (
	"go/token"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// A Mode says how far a version sees.
type Mode uint8

// The modes. Transitive is the default; Body is for those who want what Dagster did.
const (
	Transitive Mode = iota // everything the declaration reaches
	Body                   // the text of the declaration alone, with the names of what it calls
)

// String returns "transitive" or "body".
func (m Mode) String() string {
	if m == Body {
		return "body"
	}
	return "transitive"
}

// runtimeAPI counts what the runtime package promises to ops. It moves when a helper that an op can call begins to give other
// results, and with it the version of every op that uses the package.
const runtimeAPI = 1

// Options say how versions are computed. The zero Options are the default.
type Options struct {
	Mode Mode

	// Generated reports whether dagstergen is going to declare a name in a package. Such a name need not resolve yet; it counts by
	// itself, not by what is generated for it. Nil means that none is.
	Generated func(pkgPath, name string) bool

	// Runtime is the import path of the package that is counted by its API and not by its code; "" is dagstergen's own.
	Runtime string

	// Cache is where digests of packages of other modules are kept; nil is nowhere. It changes no version.
	Cache *cache.Store

	// Decisions are what was decided by hand, by the position of the declared name.
	Decisions map[token.Pos]Decision

	// Instances are the generic functions whose instances have versions of their own.
	Instances []Instance

	// Toolchain is the release of Go that counts, such as "go1.26" or "go1.26.8"; "" where only the language version does.
	Toolchain string
}

// A Graph holds the declarations of the local and deep packages of a program and what they depend on. It is not safe for concurrent use.
type Graph struct {
	prog     *load.Program
	opts     Options
	env      *env
	locals   []*localPackage  // by number
	pkgID    map[string]int32 // import path -> number
	closures map[int32][]bool // local packages that a local package imports, at any depth

	// The nodes, by number.
	index  map[key]int32
	consts map[key]*summary // of other modules
	sums   []*summary
	names  []string
	byName map[string]int32
	refs   [][]int32 // hashed
	text   [][]int32 // what the text names; not hashed
	calls  []bool    // of a type as a value: whether there is a method to call
	comp   []int32   // strongly connected component; a component is numbered after all it refers to
	comps  [][]int32 // its members
	hashes []canon.Digest
	hashed []bool // by component

	states    []state
	statesIn  map[string][]int32 // by import path of a deep package: the states that it keeps; made when first needed
	stateOf   map[key]int32
	providers [][]int32 // by state: the nodes that set it when a program starts
	sets      [][]int32 // by node: the states that its code may change, itself or through what it refers to; by component
	turns     [][]int32 // by state: the init functions that set or read it, in their order; nil where there are no two

	// Of a graph as one entry sees it, see view.
	out     map[int32]string // the nodes that are left out, with the reasons
	outside map[string]bool  // packages of other modules among them
	views   map[string]*Graph
}

// A localPackage is a package whose declarations are nodes: a local one, or a deep one of another module.
type localPackage struct {
	lp        *load.Package
	registers []blank
	*packageSummary
}

// Analyze summarises the local packages of p and connects their declarations. Its diagnostics are those of the whole program; what is
// wrong in a declaration is reported by [Graph.Manifest] for the symbols that reach it.
func Analyze(p *load.Program, o Options) (*Graph, diag.List) {
	if o.Runtime == "" {
		o.Runtime = load.RuntimePath
	}
	g := &Graph{
		prog: p, opts: o, env: newEnv(p, o), pkgID: map[string]int32{}, closures: map[int32][]bool{},
		index: map[key]int32{}, consts: map[key]*summary{}, byName: map[string]int32{}, stateOf: map[key]int32{},
	}
	for _, lp := range p.Analyzed() {
		if lp.Path == o.Runtime {
			continue
		}
		g.pkgID[lp.Path] = int32(len(g.locals))
		g.locals = append(g.locals, &localPackage{lp: lp})
	}
	g.scan()
	g.connect()
	g.components()
	g.state()
	return g, nil
}

// scan summarises the packages that have no summary yet, several at a time.
func (g *Graph) scan() {
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, l := range g.locals {
		if stored, ok := l.lp.Summary.(*packageSummary); ok {
			l.packageSummary = stored.clone()
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			l.packageSummary = g.env.scan(l.lp)
		})
	}
	wg.Wait()
}

// connect gives numbers to the nodes and turns references into numbers. Nodes that only references make, such as those of external packages,
// are made on the way; the order of numbers does not show in any result.
func (g *Graph) connect() {
	for id, l := range g.locals {
		for _, sum := range l.out {
			sum.pkg = int32(id)
			g.add(sum)
		}
		for k, sum := range l.consts {
			g.consts[k] = sum
		}
	}
	for _, l := range g.locals {
		for _, sum := range l.out {
			g.links(sum)
		}
	}
	g.blankNodes()
	g.debugNodes()
	for i := 0; i < len(g.sums); i++ {
		sum := g.sums[i]
		g.refs = append(g.refs, g.numbers(sum.refs))
		g.text = append(g.text, g.numbers(sum.text))
	}
	g.hashes = make([]canon.Digest, len(g.sums))
	g.prune()
}

// links puts what it stands for in the place of each reference that a //go:linkname directive makes.
func (g *Graph) links(s *summary) {
	if !slices.ContainsFunc(s.refs, func(k key) bool { return k.kind == keyLink }) {
		return
	}
	var refs []key
	for _, k := range s.refs {
		if k.kind == keyLink {
			switch g.env.wherePath(k.pkg) {
			case local:
				k = g.declared(k.pkg, k.name)
			case external, opaque:
				s.uses = append(s.uses, k.pkg)
				k = key{kind: keyExt, pkg: k.pkg}
			default:
				s.uses = append(s.uses, k.pkg)
				continue
			}
		}
		if k != (key{}) && !slices.Contains(refs, k) {
			refs = append(refs, k)
		}
	}
	slices.Sort(s.uses)
	s.refs, s.uses = refs, slices.Compact(s.uses)
}

// declared finds a package-level declaration by its name; the result is zero where there is none.
func (g *Graph) declared(pkg, name string) key {
	for _, sort := range []objectSort{sortFunc, sortVar, sortType, sortAlias, sortConst} {
		if k := (key{kind: keyObject, sort: sort, pkg: pkg, name: name}); g.has(k) {
			return k
		}
	}
	return key{}
}

func (g *Graph) has(k key) bool {
	_, ok := g.index[k]
	return ok
}

// prune drops references to types as values where neither the type nor anything that can be reached through it has a method: there is
// nothing to call, and the declarations of the types are referred to by themselves.
func (g *Graph) prune() {
	asValue := func(n int32) bool { k := g.sums[n].key.kind; return k == keyRuntime || k == keyCodec }
	users := make(map[int32][]int32)
	g.calls = make([]bool, len(g.sums))
	var queue []int32
	for n := range int32(len(g.sums)) {
		if !asValue(n) {
			continue
		}
		for _, r := range g.refs[n] {
			if asValue(r) {
				users[r] = append(users[r], n)
			} else if g.sums[r].key.callable() && !g.calls[n] {
				g.calls[n] = true
				queue = append(queue, n)
			}
		}
	}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, u := range users[n] {
			if !g.calls[u] {
				g.calls[u] = true
				queue = append(queue, u)
			}
		}
	}
	for n, refs := range g.refs {
		g.refs[n] = slices.DeleteFunc(refs, func(r int32) bool { return asValue(r) && !g.calls[r] })
	}
}

func (g *Graph) add(s *summary) int32 {
	if n, ok := g.index[s.key]; ok {
		return n
	}
	n := int32(len(g.sums))
	g.index[s.key] = n
	g.sums = append(g.sums, s)
	name := s.name
	for i := 2; ; i++ { // two declarations of one name: a package that does not compile, or an import path that looks like a symbol
		if _, taken := g.byName[name]; !taken {
			break
		}
		name = s.name + "#" + itoa(i)
	}
	g.byName[name] = n
	g.names = append(g.names, name)
	return n
}

func itoa(i int) string {
	if i < 10 {
		return string(rune('0' + i))
	}
	return itoa(i/10) + string(rune('0'+i%10))
}

func (g *Graph) numbers(ks []key) []int32 {
	if len(ks) == 0 {
		return nil
	}
	out := make([]int32, 0, len(ks))
	for _, k := range ks {
		n, ok := g.index[k]
		if !ok {
			n = g.add(g.special(k))
		}
		out = append(out, n)
	}
	return out
}

// Pos returns where a node or symbol stands in the current source, without an offset; it is not valid where there is no such place. A file of another
// module is named by its import path: where its copy lies on this machine says nothing.
func (g *Graph) Pos(node string) token.Position {
	n, ok := g.byName[node]
	if !ok {
		return token.Position{}
	}
	s := g.sums[n]
	p := g.prog.Packages[s.key.pkg]
	if s.pos.file == "" || p == nil {
		return token.Position{}
	}
	name := g.prog.Rel(filepath.Join(p.Dir, s.pos.file))
	if p.Deep {
		name = moduleFile(p, s.pos.file)
	}
	return token.Position{Filename: name, Line: s.pos.line, Column: s.pos.column}
}

// components finds the strongly connected components of the hashed references (Tarjan's algorithm, without recursion because chains of
// calls can be long).
func (g *Graph) components() {
	n := len(g.sums)
	g.comp = slices.Repeat([]int32{-1}, n)
	order, low := make([]int32, n), make([]int32, n)
	onStack := make([]bool, n)
	var stack []int32
	type frame struct{ node, next int32 }
	var calls []frame
	counter := int32(0)
	for root := range int32(n) {
		if order[root] != 0 {
			continue
		}
		calls = append(calls[:0], frame{node: root})
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			v := f.node
			if f.next == 0 {
				counter++
				order[v], low[v] = counter, counter
				stack, onStack[v] = append(stack, v), true
			}
			descended := false
			for int(f.next) < len(g.refs[v]) {
				u := g.refs[v][f.next]
				f.next++
				if order[u] == 0 {
					calls = append(calls, frame{node: u})
					descended = true
					break
				}
				if onStack[u] {
					low[v] = min(low[v], order[u])
				}
			}
			if descended {
				continue
			}
			if low[v] == order[v] {
				g.pop(&stack, onStack, v)
			}
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				p := calls[len(calls)-1].node
				low[p] = min(low[p], low[v])
			}
		}
	}
	g.hashed = make([]bool, len(g.comps))
}

func (g *Graph) pop(stack *[]int32, onStack []bool, v int32) {
	var members []int32
	for {
		u := (*stack)[len(*stack)-1]
		*stack = (*stack)[:len(*stack)-1]
		onStack[u] = false
		g.comp[u] = int32(len(g.comps))
		members = append(members, u)
		if u == v {
			break
		}
	}
	g.comps = append(g.comps, members)
}
