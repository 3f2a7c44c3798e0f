package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// attributes are what a selection can ask beside keys, with the values that a node has of each: "k" and "k=v" for a tag.
var attributes = map[string]func(n *Node) []string{
	"tag": func(n *Node) []string {
		var all []string
		for k, v := range tagsOf(n.Op, n.Calls) {
			all = append(all, k, k+"="+v)
		}
		return all
	},
	"group": func(n *Node) []string {
		if n.Op.Group == "" {
			return nil
		}
		return []string{n.Op.Group}
	},
	"kind":  func(n *Node) []string { return n.Op.Kinds },
	"owner": func(n *Node) []string { return n.Op.Owners },
	"key": func(n *Node) []string {
		if n.Op.Check != nil {
			return nil
		}
		keys := []string{n.Key}
		for j := range n.Op.Outputs {
			if n.Op.Kind != dag.KindOp {
				keys = append(keys, assetKey(n.Op, &n.Op.Outputs[j]))
			}
		}
		return keys
	},
	"check": func(n *Node) []string {
		if n.Op.Check == nil {
			return nil
		}
		return []string{n.Op.Check.Asset, n.Key}
	},
}

// A selector finds what a selection selects in a graph.
type selector struct {
	c     *Catalog
	g     *Graph
	index map[string][]int32 // see keysOf; made when needed
	wrong *problems
}

// selectNodes marks the nodes of g that a selection names. An empty selection is everything; one that selects nothing, or a clause of which nothing is there, is
// an error.
func (c *Catalog) selectNodes(g *Graph, selection string, wrong *problems) []bool {
	if strings.TrimSpace(selection) == "" {
		selection = "*"
	}
	e, err := parseSelection(selection)
	if err != nil {
		wrong.add("bad_selection", "selection %q, column %d: %s", selection, len([]rune(selection[:err.at]))+1, err.text)
		return make([]bool, len(g.Nodes))
	}
	before := len(*wrong)
	selected := (&selector{c: c, g: g, wrong: wrong}).eval(e)
	if len(*wrong) == before && !slices.Contains(selected, true) && len(g.Nodes) > 0 {
		wrong.add("bad_selection", "selection %q selects nothing: no %s is left", selection, g.thing())
	}
	return selected
}

// thing is what a node of the graph is called.
func (g *Graph) thing() string {
	if g.Job != nil {
		return "step"
	}
	return "asset"
}

// nobody is the start of a message that nothing is found.
func (g *Graph) nobody() string {
	if g.Job != nil {
		return "job " + g.Job.Key + " has no step"
	}
	return "no asset"
}

func (s *selector) eval(e *expr) []bool {
	g := s.g
	marked := make([]bool, len(g.Nodes))
	switch e.kind {
	case exprAll:
		for i := range marked {
			marked[i] = true
		}
	case exprKey, exprAttr:
		g.walk(marked, s.start(e), 0, nil)
	case exprWalk:
		var start []int32
		for i, yes := range s.eval(e.a) {
			if yes {
				start = append(start, int32(i))
			}
		}
		g.walk(marked, start, e.up, func(i int32) []int32 { return g.Nodes[i].ups })
		g.walk(marked, start, e.down, g.below)
	case exprNot:
		for i, yes := range s.eval(e.a) {
			marked[i] = !yes
		}
	case exprUnion, exprBoth:
		a, b := s.eval(e.a), s.eval(e.b)
		for i := range marked {
			marked[i] = a[i] && b[i] || e.kind == exprUnion && (a[i] || b[i])
		}
	}
	return marked
}

// start returns the nodes that a key or an attribute names; that there are none is a problem.
func (s *selector) start(e *expr) []int32 {
	if e.kind == exprAttr {
		return s.having(e)
	}
	if s.index == nil {
		s.index = s.c.keysOf(s.g)
	}
	nodes, ok := s.index[e.text]
	if !ok {
		s.wrong.add("unknown_key", "selection %q matches nothing: %s %q%s", e.source, s.g.nobody(), e.text, nearest.Hint(e.text, slices.Collect(maps.Keys(s.index))))
	}
	return nodes
}

// having returns the nodes with an attribute.
func (s *selector) having(e *expr) (nodes []int32) {
	want := e.text
	if e.valued {
		want += "=" + e.value
	}
	known := map[string]bool{}
	for i := range s.g.Nodes {
		if s.g.unit != nil && s.g.unit[i] != int32(i) {
			continue // inside of an asset
		}
		values := attributes[e.name](&s.g.Nodes[i])
		if slices.ContainsFunc(values, func(v string) bool { return v == want || e.name == "key" && wildcard(want, v) }) {
			nodes = append(nodes, int32(i))
		}
		for _, v := range values {
			known[v] = true
		}
	}
	if len(nodes) == 0 {
		hint := nearest.Hint(want, slices.Collect(maps.Keys(known)))
		if hint == "" && len(known) == 0 {
			hint = fmt.Sprintf("; no %s has any", s.g.thing())
		}
		s.wrong.add("unknown_key", "selection %q matches nothing: %s with the %s %q%s", e.source, s.g.nobody(), e.name, want, hint)
	}
	return nodes
}

// wildcard reports whether a key is one of those that a pattern means, in which * stands for any text, with slashes too.
func wildcard(pattern, key string) bool {
	parts := strings.Split(pattern, "*")
	key, ok := strings.CutPrefix(key, parts[0])
	if len(parts) == 1 || !ok {
		return ok && key == ""
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(key, p)
		if i < 0 {
			return false
		}
		key = key[i+len(p):]
	}
	return strings.HasSuffix(key, parts[len(parts)-1])
}

// keysOf returns all names that a selection may use: the keys of nodes, of the graphs they are in and, for assets, of each of their outputs.
func (c *Catalog) keysOf(g *Graph) map[string][]int32 {
	index := make(map[string][]int32, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if g.Job == nil {
			if g.unit[i] != int32(i) {
				continue // inside of an asset
			}
			if n.Op.Check != nil {
				continue
			}
			index[n.Key] = []int32{int32(i)}
			for j := range n.Op.Outputs {
				index[assetKey(n.Op, &n.Op.Outputs[j])] = []int32{int32(i)}
			}
			if whole := n.Whole(); whole != nil && c.assetByKey[whole.Key].op == nil { // its function means all of them
				index[whole.Key] = append(index[whole.Key], int32(i))
			}
			continue
		}
		index[n.Key] = append(index[n.Key], int32(i))
		for at, r := range n.Key {
			if r == '.' {
				index[n.Key[:at]] = append(index[n.Key[:at]], int32(i))
			}
		}
	}
	return index
}
