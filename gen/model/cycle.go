package model

import (
	"go/token"
	"slices"
	"strings"
)

// cycles returns one shortest cycle of each set of nodes that reach each other, beginning with the node that comes first in nodes.
// Edges that leave nodes do not count.
func cycles[N comparable](nodes []N, next func(N) []N) [][]N {
	index := make(map[N]int, len(nodes))
	for i, n := range nodes {
		index[n] = i
	}
	edges := make([][]int, len(nodes))
	for i, n := range nodes {
		for _, m := range next(n) {
			if j, ok := index[m]; ok && !slices.Contains(edges[i], j) {
				edges[i] = append(edges[i], j)
			}
		}
	}
	var out [][]N
	done := make([]bool, len(nodes))
	for _, component := range components(edges) {
		start := slices.Min(component)
		if done[start] {
			continue
		}
		path := shortest(edges, start, component)
		if path == nil {
			continue
		}
		var cycle []N
		for _, i := range path {
			cycle = append(cycle, nodes[i])
		}
		out = append(out, cycle)
		for _, i := range component {
			done[i] = true
		}
	}
	return out
}

// components are the strongly connected components of a graph, each sorted, in the order of their first nodes.
func components(edges [][]int) [][]int {
	t := &tarjan{edges: edges, number: make([]int, len(edges)), low: make([]int, len(edges)), on: make([]bool, len(edges))}
	for i := range edges {
		if t.number[i] == 0 {
			t.visit(i)
		}
	}
	slices.SortFunc(t.out, func(a, b []int) int { return a[0] - b[0] })
	return t.out
}

type tarjan struct {
	edges       [][]int
	number, low []int
	on          []bool
	stack       []int
	count       int
	out         [][]int
}

func (t *tarjan) visit(i int) {
	t.count++
	t.number[i], t.low[i] = t.count, t.count
	t.stack, t.on[i] = append(t.stack, i), true
	for _, j := range t.edges[i] {
		if t.number[j] == 0 {
			t.visit(j)
			t.low[i] = min(t.low[i], t.low[j])
		} else if t.on[j] {
			t.low[i] = min(t.low[i], t.number[j])
		}
	}
	if t.low[i] != t.number[i] {
		return
	}
	var c []int
	for {
		j := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.on[j] = false
		c = append(c, j)
		if j == i {
			break
		}
	}
	slices.Sort(c)
	t.out = append(t.out, c)
}

// shortest returns a shortest way from start back to itself inside a component, or nil.
func shortest(edges [][]int, start int, component []int) []int {
	from := map[int]int{}
	queue := []int{start}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range edges[i] {
			if j == start {
				path := []int{i}
				for i != start {
					i = from[i]
					path = append(path, i)
				}
				slices.Reverse(path)
				return path
			}
			if _, seen := from[j]; !seen && slices.Contains(component, j) {
				from[j] = i
				queue = append(queue, j)
			}
		}
	}
	return nil
}

// reportCycle reports a cycle of n hops at its first one, with a related position for each. hop returns the name of element i, where it
// refers to the next one, and how.
func (b *builder) reportCycle(p *Package, code, what, hint string, n int, hop func(i int) (name string, pos token.Pos, how string)) {
	names := make([]string, 0, n+1)
	for i := range n {
		name, _, _ := hop(i)
		names = append(names, name)
	}
	names = append(names, names[0])
	_, pos, _ := hop(0)
	d := b.report(p, code, pos, token.NoPos, hint, "%s: %s", what, strings.Join(names, " -> "))
	for i := range n {
		_, pos, how := hop(i)
		b.relate(d, pos, "%s", how)
	}
}
