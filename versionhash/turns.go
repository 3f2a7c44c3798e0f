package versionhash

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// What a state is after a program has started depends on the order in which init functions set it, and what one of them makes of it on whether it was
// set before. So where more than one of them has to do with a state, their order counts. Within a package it is that of the files and of the text. Between
// packages it is that of the imports, and of the paths where neither imports the other; the standard library is taken to start before all others.
//
// Variables have no turn: their declarations may move.

// order finds, for each state that something sets when a program starts, the init functions that set or read it, in the order in which they run.
// States that only one of them has to do with are left out.
func (g *Graph) order() {
	g.turns = make([][]int32, len(g.providers))
	if g.opts.Mode == Body {
		return
	}
	reads := g.reads()
	for n, s := range g.sums {
		if s.turn == 0 {
			continue
		}
		for _, st := range reads[g.comp[n]] {
			g.turns[st] = append(g.turns[st], int32(n))
		}
	}
	ranks := g.ranks()
	for st, list := range g.turns {
		for _, p := range g.providers[st] {
			if g.sums[p].turn > 0 {
				list = append(list, p)
			}
		}
		slices.SortFunc(list, func(a, b int32) int {
			x, y := g.sums[a], g.sums[b]
			return cmp.Or(cmp.Compare(ranks[x.key.pkg], ranks[y.key.pkg]), cmp.Compare(x.turn, y.turn), cmp.Compare(a, b))
		})
		if g.turns[st] = slices.Compact(list); len(g.turns[st]) < 2 {
			g.turns[st] = nil
		}
	}
}

// reads returns the states that something sets and that a node reaches, by component.
func (g *Graph) reads() [][]int32 {
	out := make([][]int32, len(g.comps))
	for c, members := range g.comps {
		var own []int32
		var lists [][]int32
		note := func(k key) {
			if st, ok := g.stateOf[k]; ok && int(st) < len(g.providers) && len(g.providers[st]) > 0 {
				own = append(own, st)
			}
		}
		for _, n := range members {
			note(g.sums[n].key)
			for _, path := range g.sums[n].uses {
				note(key{kind: keyExt, pkg: path})
			}
			for _, r := range g.refs[n] {
				if rc := g.comp[r]; rc != int32(c) && len(out[rc]) > 0 {
					lists = append(lists, out[rc])
				}
			}
		}
		out[c] = union(own, lists)
	}
	return out
}

// ranks says in which order packages start: of those whose imports have started, the one with the first path.
func (g *Graph) ranks() map[string]int {
	waits := map[string]int{}
	users := map[string][]string{}
	counts := func(path string) bool {
		w := g.env.wherePath(path)
		return w == local || w == external
	}
	var ready paths
	for path, p := range g.prog.Packages {
		if !counts(path) {
			continue
		}
		for _, dep := range p.Imports {
			if counts(dep.Path) {
				waits[path]++
				users[dep.Path] = append(users[dep.Path], path)
			}
		}
		if waits[path] == 0 {
			ready = append(ready, path)
		}
	}
	heap.Init(&ready)
	out := map[string]int{}
	for len(ready) > 0 {
		path := heap.Pop(&ready).(string)
		out[path] = len(out)
		for _, u := range users[path] {
			if waits[u]--; waits[u] == 0 {
				heap.Push(&ready, u)
			}
		}
	}
	return out
}

// paths is a heap.
type paths []string

func (p paths) Len() int           { return len(p) }
func (p paths) Less(i, j int) bool { return p[i] < p[j] }
func (p paths) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *paths) Push(x any)        { *p = append(*p, x.(string)) }
func (p *paths) Pop() any {
	last := len(*p) - 1
	x := (*p)[last]
	*p = (*p)[:last]
	return x
}

// startOrder returns a digest for each state that an entry sees and that more than one init function that it covers has to do with.
func (g *Graph) startOrder(r *reached) []canon.Digest {
	var out []canon.Digest
	e := canon.New("")
	for _, st := range r.states {
		if int(st) >= len(g.turns) {
			continue
		}
		var list []canon.Digest
		for _, n := range g.turns[st] {
			if r.in[n] {
				list = append(list, g.hashes[n])
			}
		}
		if len(list) < 2 {
			continue
		}
		e.Reset("dagstergen/code/turns/v1")
		e.List("turns", len(list))
		for _, d := range list {
			e.Digest("", d)
		}
		out = append(out, e.Sum())
	}
	slices.SortFunc(out, func(a, b canon.Digest) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(out)
}
