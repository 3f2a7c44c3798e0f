package versionhash

import (
	"bytes"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// hash makes sure that a node and all it reaches have their hashes. Components are numbered bottom up, so that what a node refers to is done
// when the node's turn comes. Only what is reached is hashed: files of other modules are read for nothing else.
func (g *Graph) hash(roots []int32) {
	need := make([]bool, len(g.comps))
	var mark []int32
	want := func(n int32) {
		if c := g.comp[n]; !need[c] && !g.hashed[c] {
			need[c] = true
			mark = append(mark, c)
		}
	}
	for _, r := range roots {
		want(r)
	}
	for i := 0; i < len(mark); i++ {
		for _, n := range g.comps[mark[i]] {
			for _, r := range g.refs[n] {
				want(r)
			}
		}
	}
	slices.Sort(mark)
	var reached []int32
	for _, c := range mark {
		reached = append(reached, g.comps[c]...)
	}
	g.fill(reached)
	for _, c := range mark {
		g.hashed[c] = true
		if m := g.comps[c]; len(m) == 1 && !slices.Contains(g.refs[m[0]], m[0]) {
			g.hashes[m[0]] = g.single(m[0])
		} else {
			g.cycle(c)
		}
	}
}

// core is the digest of a node itself.
func (g *Graph) core(n int32) canon.Digest {
	if g.sums[n].lazy != nil {
		g.fill([]int32{n})
	}
	return g.sums[n].core
}

func (g *Graph) single(n int32) canon.Digest {
	e := canon.New("dagstergen/code/node/v1")
	e.Digest("local", g.core(n))
	e.List("refs", len(g.refs[n]))
	for _, r := range g.refs[n] {
		e.Digest("", g.hashes[r])
	}
	return e.Sum()
}

// cycle hashes declarations that refer to one another. Each starts with the colour of what it is by itself and of what it refers to outside;
// then colours are refined by those of the references until no more can be told apart. Members that look alike in everything have
// one hash, whatever their names and their number; two cycles that differ anywhere differ in all members.
func (g *Graph) cycle(c int32) {
	members := g.comps[c]
	colour := make(map[int32]canon.Digest, len(members))
	e := canon.New("")
	for _, n := range members {
		e.Reset("dagstergen/code/colour/v1")
		e.Digest("local", g.core(n))
		e.List("refs", len(g.refs[n]))
		for _, r := range g.refs[n] {
			if g.comp[r] == c {
				e.Nil("")
			} else {
				e.Digest("", g.hashes[r])
			}
		}
		colour[n] = e.Sum()
	}
	for classes := distinct(colour); ; {
		next := make(map[int32]canon.Digest, len(members))
		for _, n := range members {
			e.Reset("dagstergen/code/refine/v1")
			e.Digest("colour", colour[n])
			for _, r := range g.refs[n] {
				if g.comp[r] == c {
					e.Digest("", colour[r])
				}
			}
			next[n] = e.Sum()
		}
		colour = next
		now := distinct(colour)
		if now == classes {
			break
		}
		classes = now
	}
	all := make([]canon.Digest, 0, len(members))
	for _, d := range colour {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b canon.Digest) int { return bytes.Compare(a[:], b[:]) })
	all = slices.Compact(all)
	e.Reset("dagstergen/code/cycle/v1")
	for _, d := range all {
		e.Digest("", d)
	}
	whole := e.Sum()
	for _, n := range members {
		e.Reset("dagstergen/code/member/v1")
		e.Digest("cycle", whole)
		e.Digest("colour", colour[n])
		g.hashes[n] = e.Sum()
	}
}

func distinct(colour map[int32]canon.Digest) int {
	seen := make(map[canon.Digest]bool, len(colour))
	for _, d := range colour {
		seen[d] = true
	}
	return len(seen)
}
