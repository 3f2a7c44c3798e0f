package manifest

import (
	"slices"
	"strings"
)

// An Index finds the nodes of a manifest by name, for whoever cuts many closures out of it. The manifest must not change meanwhile.
type Index struct {
	m     *Manifest
	nodes map[string]*Node
}

// NewIndex returns the index of m.
func NewIndex(m *Manifest) *Index {
	x := &Index{m: m, nodes: make(map[string]*Node, len(m.Nodes))}
	for i := range m.Nodes {
		x.nodes[m.Nodes[i].Name] = &m.Nodes[i]
	}
	return x
}

// Closure returns the entry of a symbol with the nodes it reaches, without sources: what is stored with a materialization, so
// that a later [Diff] can say what changed since. What the entry leaves out is there as the node that stands for it. The closure shares memory with
// the manifest. For an unknown symbol it has no entry and no nodes.
func (x *Index) Closure(symbol string) *Manifest {
	c := &Manifest{Mode: x.m.Mode, Target: x.m.Target, Language: x.m.Language, Toolchain: x.m.Toolchain, Deps: x.m.Deps}
	e := x.m.entry(symbol)
	if e == nil {
		return c
	}
	c.Entries = []Entry{*e}
	c.Entries[0].Without = nil
	for _, n := range x.reach(e) {
		c.Nodes = append(c.Nodes, *n)
	}
	slices.SortFunc(c.Nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	return c
}

// Closure is [Index.Closure] for a single symbol.
func (m *Manifest) Closure(symbol string) *Manifest { return NewIndex(m).Closure(symbol) }

// reach returns the nodes that an entry and the environment reach.
func (x *Index) reach(e *Entry) map[string]*Node {
	seen := make(map[string]*Node)
	queue := append([]string{e.Node, EnvNode}, e.Also...)
	for _, w := range e.Without {
		if n := x.nodes[LeftOut(w.Name)]; n != nil {
			standIn := *n
			standIn.Name, standIn.Value = w.Name, w.Reason
			seen[w.Name] = &standIn
		}
	}
	named := make(map[string]bool, len(seen)) // of what is left out, what is referred to all the same
	for len(queue) > 0 {
		name := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[name] != nil {
			named[name] = true
			continue
		}
		n := x.nodes[name]
		if n == nil {
			continue
		}
		seen[name] = n
		queue = append(queue, n.Refs...)
		queue = append(queue, n.Implied...)
	}
	for _, w := range e.Without {
		if !named[w.Name] {
			delete(seen, w.Name)
		}
	}
	return seen
}
