package versionhash

import (
	"slices"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// A state is something that outlives a call: a package variable, what a package outside keeps, or a function whose body another package
// gives by linkname.
type state struct {
	node int32  // the variable or function; -1 for a package outside
	path string // import path of a package outside
}

// state finds which nodes set which state when a program starts: init functions and initialisers of package variables, by
// all the code that they reach.
func (g *Graph) state() {
	g.sets = make([][]int32, len(g.comps))
	for c, members := range g.comps {
		var lists [][]int32
		var own []int32
		for _, n := range members {
			for _, k := range g.sums[n].states {
				own = append(own, g.stateID(k))
			}
			for _, r := range g.refs[n] {
				if rc := g.comp[r]; rc != int32(c) && len(g.sets[rc]) > 0 {
					lists = append(lists, g.sets[rc])
				}
			}
		}
		g.sets[c] = union(own, lists)
	}
	for _, l := range g.locals {
		for _, p := range l.pushes {
			if n, ok := g.index[p.from]; ok && g.sums[n].kind != manifest.KindIgnored {
				if target, ok := g.linked(p.target); ok {
					g.provide(g.stateID(g.sums[target].key), n)
				}
			}
		}
	}
	for n, s := range g.sums {
		if !s.acts {
			continue
		}
		for _, st := range g.sets[g.comp[n]] {
			if g.states[st].node != int32(n) {
				g.provide(st, int32(n))
			}
		}
	}
	g.order()
}

// linked finds a function without a body by its full name.
func (g *Graph) linked(symbol string) (int32, bool) {
	n, ok := g.byName[symbol]
	return n, ok && g.sums[n].kind == manifest.KindFunc
}

func (g *Graph) provide(state, n int32) {
	for int(state) >= len(g.providers) {
		g.providers = append(g.providers, nil)
	}
	g.providers[state] = append(g.providers[state], n)
}

func (g *Graph) stateID(k key) int32 {
	if id, ok := g.stateOf[k]; ok {
		return id
	}
	s := state{node: -1}
	if k.kind == keyObject || k.kind == keyInit {
		if n, ok := g.index[k]; ok {
			s.node = n
		}
	} else {
		s.path = k.pkg
	}
	id := int32(len(g.states))
	g.states, g.stateOf[k] = append(g.states, s), id
	return id
}

// union merges sorted lists; a list that has it all is shared and not copied.
func union(own []int32, lists [][]int32) []int32 {
	slices.Sort(own)
	out := slices.Compact(own)
	for _, l := range lists {
		switch {
		case len(out) == 0:
			out = l
		case containsAll(out, l):
		case containsAll(l, out):
			out = l
		default:
			merged := slices.Concat(out, l)
			slices.Sort(merged)
			out = slices.Compact(merged)
		}
	}
	return out
}

func containsAll(list, part []int32) bool {
	i := 0
	for _, x := range part {
		for i < len(list) && list[i] < x {
			i++
		}
		if i == len(list) || list[i] != x {
			return false
		}
	}
	return true
}

// imported returns which local packages a package is or imports, at any depth: a program that contains it runs their initialisers.
func (g *Graph) imported(pkg int32) []bool {
	if in, ok := g.closures[pkg]; ok {
		return in
	}
	in := make([]bool, len(g.locals))
	seen := map[string]bool{}
	queue := []string{g.locals[pkg].lp.Path}
	for len(queue) > 0 {
		path := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		p := g.prog.Packages[path]
		if p == nil || seen[path] {
			continue
		}
		seen[path] = true
		if id, ok := g.pkgID[path]; ok {
			in[id] = true
		}
		if g.env.wherePath(path) == standard || g.env.wherePath(path) == opaque {
			continue
		}
		for _, q := range p.Imports {
			queue = append(queue, q.Path)
		}
	}
	g.closures[pkg] = in
	return in
}

// A reached is what an entry depends on.
type reached struct {
	nodes  []int32         // all, in the order they were found
	also   []int32         // those that only the state they set brings in, and what encodes values of the entry
	states []int32         // that are read
	in     []bool          // by node
	uses   map[string]bool // packages outside
	keeps  map[string]bool // packages that keep something that counts: who registers with them counts
}

// reach collects everything that the version of a node covers: what it refers to, and as long as there is more, what sets
// the state that is read, in the packages that the node's package imports.
func (g *Graph) reach(start int32, also []int32) *reached {
	r := &reached{in: make([]bool, len(g.sums)), uses: map[string]bool{}, keeps: map[string]bool{}}
	if g.opts.Mode == Body {
		r.nodes, r.in[start] = []int32{start}, true
		for _, k := range g.sums[start].needs { // by decision, whatever the mode sees
			if n, ok := g.index[k]; ok && !r.in[n] {
				r.nodes, r.in[n] = append(r.nodes, n), true
				r.also = append(r.also, n)
			}
		}
		return r
	}
	r.spread(g, start)
	for _, n := range also {
		r.add(g, n)
	}
	scope := g.scope(start)
	blanks := g.registering(scope)
	for done, looked := 0, map[string]bool{}; ; {
		for ; done < len(r.nodes); done++ {
			n := r.nodes[done]
			if id, ok := g.stateOf[g.sums[n].key]; ok && g.sums[n].kind != manifest.KindIgnored {
				r.states = append(r.states, id)
				r.provided(g, id, scope)
			}
			if s := g.sums[n]; s.kind == manifest.KindVar {
				r.keeps[s.key.pkg] = true
			}
		}
		for _, path := range slices.Sorted(keys(r.uses)) {
			if looked[path] {
				continue
			}
			looked[path] = true
			if id, ok := g.stateOf[key{kind: keyExt, pkg: path}]; ok {
				r.states = append(r.states, id)
				r.provided(g, id, scope)
			}
			for _, id := range g.kept(path) {
				r.states = append(r.states, id)
				r.provided(g, id, scope)
			}
			r.keeps[path] = true
		}
		for _, path := range slices.Sorted(keys(r.keeps)) {
			for _, b := range blanks[path] {
				r.add(g, b)
			}
		}
		if done == len(r.nodes) && len(looked) == len(r.uses) {
			break
		}
	}
	slices.SortFunc(r.also, func(a, b int32) int { return compareStrings(g.names[a], g.names[b]) })
	return r
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// spread adds a node and all it refers to.
func (r *reached) spread(g *Graph, n int32) {
	if r.in[n] {
		return
	}
	r.in[n] = true
	from := len(r.nodes)
	r.nodes = append(r.nodes, n)
	for i := from; i < len(r.nodes); i++ {
		for _, u := range g.sums[r.nodes[i]].uses {
			if !g.outside[u] {
				r.uses[u] = true
			}
		}
		for _, next := range g.refs[r.nodes[i]] {
			if !r.in[next] {
				r.in[next] = true
				r.nodes = append(r.nodes, next)
			}
		}
	}
}

// add makes a node count for the entry itself. It does so even where it is reached anyway, so that whether it counts by
// itself does not depend on the order of discovery.
func (r *reached) add(g *Graph, n int32) {
	if !slices.Contains(r.also, n) {
		r.also = append(r.also, n)
		r.spread(g, n)
	}
}

func (r *reached) provided(g *Graph, state int32, scope []bool) {
	if int(state) >= len(g.providers) {
		return
	}
	for _, p := range g.providers[state] {
		if pkg := g.sums[p].pkg; pkg >= 0 && scope[pkg] {
			r.add(g, p)
		}
	}
}

// kept returns the states of a deep package. Where it counts by its contents, because a package outside imports it, all of them do.
func (g *Graph) kept(path string) []int32 {
	if g.statesIn == nil {
		g.statesIn = map[string][]int32{}
		for id, st := range g.states {
			if st.node < 0 {
				continue
			}
			if k := g.sums[st.node].key; g.prog.Packages[k.pkg].Deep {
				g.statesIn[k.pkg] = append(g.statesIn[k.pkg], int32(id))
			}
		}
	}
	return g.statesIn[path]
}

// A blank is a package outside that a local or deep package imports for what it registers alone.
type blank struct {
	node    int32
	keepers []string // the packages it may register with
}

// blankNodes makes the nodes of such packages; nothing need refer to them.
func (g *Graph) blankNodes() {
	for _, l := range g.locals {
		for _, written := range l.blanks {
			p := l.lp.Imports[written]
			if p == nil || g.env.wherePath(p.Path) != external && g.env.wherePath(p.Path) != standard {
				continue
			}
			if keepers := g.keepers(p.Path); len(keepers) > 0 {
				k := key{kind: keyExt, pkg: p.Path}
				if _, ok := g.index[k]; !ok {
					g.add(g.special(k))
				}
				l.registers = append(l.registers, blank{g.index[k], keepers})
			}
		}
	}
}

// registering gives the packages that a program registers with, by the nodes of those that do so in the packages of a scope.
func (g *Graph) registering(scope []bool) map[string][]int32 {
	out := map[string][]int32{}
	for id, l := range g.locals {
		if !scope[id] {
			continue
		}
		for _, b := range l.registers {
			for _, keeper := range b.keepers {
				out[keeper] = append(out[keeper], b.node)
			}
		}
	}
	return out
}

// keepers are the packages that one imported for its registrations may register with.
func (g *Graph) keepers(path string) []string {
	switch path {
	case "embed", load.ParquetPath, load.ProtobufPath: // how a value is stored is no part of a version
		return nil
	case "time/tzdata":
		return []string{"time"}
	}
	fromStd := g.env.wherePath(path) == standard && path != "net/http/pprof" && path != "expvar"
	seen := map[string]bool{}
	var out []string
	queue := []string{path}
	for len(queue) > 0 {
		p := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[p] {
			continue
		}
		seen[p] = true
		if fills[p] && (p != "net/http" || !fromStd) || g.env.wherePath(p) == external || g.env.wherePath(p) == local {
			out = append(out, p)
		}
		if lp := g.prog.Packages[p]; lp != nil {
			for _, q := range lp.Imports {
				queue = append(queue, q.Path)
			}
		}
	}
	slices.Sort(out)
	return out
}
