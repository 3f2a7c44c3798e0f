package dag

import (
	"reflect"
	"slices"
	"strings"
)

// Build checks the graph and returns it, fit to be called by other graphs and to be made a job. The error is a [*GraphError] with all that is wrong.
func (g *GraphBuilder) Build() (Graph[Values, Values], error) {
	g.name()
	if len(g.nodes) == 0 {
		g.problem(g.pos, "nothing", "it has no nodes; add one: FetchOp.Call(g, ...)")
	}
	if g.block != g.root {
		g.problem(callerPosition(), "bad_node", "it is built inside of a loop or an arm; call Build behind that")
	}
	for _, n := range g.nodes {
		g.checkNode(n)
	}
	for _, o := range g.outputs {
		if o.from == nil {
			g.problem(o.pos, "bad_wire", "output %s has no value; give it an output of a node, or a parameter", o.name)
			continue
		}
		g.check(wireUse{w: o.from, block: g.root, what: "output " + o.name, pos: o.pos})
	}
	def := &GraphDef{Key: g.key, Description: g.description}
	if len(g.problems) == 0 {
		g.order()
	}
	if len(g.problems) > 0 {
		return Graph[Values, Values]{}, &GraphError{g.key, g.problems}
	}
	l := layout{g: g, def: def, types: newTypeTable(g)}
	l.graph()
	return Graph[Values, Values]{Def: def, Uses: g.uses, Outputs: func(out []any) Values {
		named := make(Values, len(out))
		for i, v := range out {
			named[def.Outputs[i].Name] = v
		}
		return named
	}}, nil
}

func (g *GraphBuilder) checkNode(n *AddedNode) {
	for _, u := range n.wires() {
		g.check(u)
	}
	if def := n.callee.graph; def != nil {
		for i, w := range n.inputs {
			if w == nil && def.Params[i].Config == nil {
				g.problem(n.pos, "bad_wire", "parameter %s of %s is not wired; only inputs of ops come from run config", def.Params[i].Name, n.what())
			}
		}
	}
	if w := n.config; w != nil {
		c := settled(w)
		switch {
		case c.kind != FromLiteral && c.kind != FromParam:
			g.problem(n.pos, "bad_config", "the config of %s is computed by the graph, and must be known before; give it dag.Const, or dag.Param of the graph", n.what())
		case c.kind == FromParam:
			g.configParam(n, c.param, n.callee.op.Config)
		case c.kind == FromLiteral:
			g.configValue(n, c, n.callee.op.Config)
		}
	}
	for i, w := range n.inputs { // a config parameter of a graph that is called
		if w == nil || n.callee.graph == nil || n.callee.graph.Params[i].Config == nil {
			continue
		}
		if c := settled(w); c.kind == FromParam {
			g.configParam(n, c.param, n.callee.graph.Params[i].Config)
		} else if c.kind != FromLiteral {
			g.problem(n.pos, "bad_config", "parameter %s of %s is config, which must be known before the graph runs; give it dag.Const, or dag.Param of the graph", n.callee.graph.Params[i].Name, n.what())
		}
	}
	g.checkFlow(n)
}

func (g *GraphBuilder) checkFlow(n *AddedNode) {
	if l := n.loop; l != nil {
		if l.over == nil {
			g.problem(n.pos, "bad_wire", "the collection of a loop has no value; give it an output of a node, or a parameter")
		}
		if l.keyed != nil && l.keyed != l.elem {
			g.problem(n.pos, "type_mismatch", "dag.KeyBy takes %s, and the elements of the loop are %s; write dag.KeyBy(func(e %s) string { ... })", l.keyed, l.elem, l.elem)
		}
	}
	if br := n.branch; br != nil {
		if br.when == nil {
			g.problem(n.pos, "bad_wire", "the condition of a branch has no value; give it an output of a node, or a parameter")
		}
		if br.goType != nil && (br.yields[0] == nil || br.yields[1] == nil) {
			g.problem(n.pos, "bad_wire", "an arm of a branch returns no value; return one in both, or use dag.When")
		}
	}
}

// settled is the wire that others stand for, as far as that does not depend on nodes.
func settled(w *wire) *wire {
	for w.kind == fromTyped && w.parts[0] != nil {
		w = w.parts[0]
	}
	return w
}

func (g *GraphBuilder) configParam(n *AddedNode, p *graphParam, c *Config) {
	if p.config != nil && p.config.Symbol != c.Symbol {
		g.problem(n.pos, "bad_config", "parameter %s is the config of several ops with different config types, %s and %s; add a parameter for each", p.name, p.config.Symbol, c.Symbol)
		return
	}
	p.config = c
	g.configType(n, p.goType, c)
}

func (g *GraphBuilder) configValue(n *AddedNode, w *wire, c *Config) { g.configType(n, w.goType, c) }

// configType checks a Go type against a config, by what its decoder makes.
func (g *GraphBuilder) configType(n *AddedNode, have reflect.Type, c *Config) {
	zero, err := c.Decode(nil, []byte("{}"))
	if err == nil && reflect.TypeOf(zero) != have {
		g.problem(n.pos, "type_mismatch", "the config of %s takes %s, and is given %s; make the types agree", n.what(), reflect.TypeOf(zero), have)
	}
}

// check finds out whether a value may be used at a place.
func (g *GraphBuilder) check(u wireUse) {
	if u.order && settled(u.w).kind != FromNode {
		g.problem(u.pos, "bad_wire", "%s is no node, and so there is nothing to wait for; remove it", u.what)
		return
	}
	before := len(g.problems)
	have := g.resolve(u.w, u)
	if len(g.problems) > before || u.order || u.want == nil || have == nil {
		return
	}
	if have != u.want {
		g.problem(u.pos, "type_mismatch", "%s takes %s, and is given %s; make the types agree", u.what, u.want, have)
	}
}

// resolve finds what a wire leads to and returns its type; nil where that is wrong, or has none.
func (g *GraphBuilder) resolve(w *wire, u wireUse) reflect.Type {
	if w.g != nil && w.g != g {
		g.problem(u.pos, "bad_wire", "%s is a value of another graph, %s; return it there, and call that graph here", u.what, w.g.key)
		return nil
	}
	switch w.kind {
	case FromParts, fromTyped:
		for _, p := range w.parts {
			if p == nil {
				g.problem(u.pos, "bad_wire", "%s has a part without a value; give it an output of a node, a parameter or a constant", u.what)
				return nil
			}
			part := wireUse{w: p, block: u.block, what: "a part of " + u.what, pos: u.pos}
			if w.kind == FromParts {
				part.want = w.goType.Elem()
			} else {
				part.want, part.what = w.goType, u.what
			}
			g.check(part)
		}
	case FromElem:
		if !u.block.within(w.block) {
			g.problem(u.pos, "bad_wire", "%s is the element of the loop at %s, and used outside of it; return what is made of it there, and use what the loop collects", u.what, w.pos)
			return nil
		}
	case FromNode:
		return g.resolveNode(w, u)
	}
	return w.goType
}

func (g *GraphBuilder) resolveNode(w *wire, u wireUse) reflect.Type {
	if w.node == nil {
		if w.node = g.byKey[w.ref]; w.node == nil || w.node.blocks() != nil {
			w.node = nil
			g.problem(u.pos, "unknown_key", "%s comes from the node %q, which is not there%s", u.what, w.ref, nearestName(w.ref, g.keys()))
			return nil
		}
	}
	n := w.node
	if !u.block.within(n.block) {
		where := "the loop at " + blockOwner(n.block, u.block).pos
		fix := "return it there, and use what the loop collects"
		if blockOwner(n.block, u.block).branch != nil {
			where, fix = "an arm of the branch at "+blockOwner(n.block, u.block).pos, "return it in both arms, and use what the branch gives"
		}
		g.problem(u.pos, "bad_wire", "%s comes from %s, which stands in %s; %s", u.what, n.what(), where, fix)
		return nil
	}
	for b := u.block; b != nil; b = b.outer {
		if b.owner == n {
			g.problem(u.pos, "bad_wire", "%s takes what the loop or branch around it will give; take it behind that", u.what)
			return nil
		}
	}
	if u.order {
		return nil
	}
	if n.loop != nil && n.loop.collect == nil {
		g.problem(u.pos, "bad_wire", "%s is what the loop at %s collects, and its body returns no value; return one there", u.what, n.pos)
		return nil
	}
	if w.output == fixedOutput {
		return w.goType
	}
	names, types := n.outputs()
	switch i := slices.Index(names, w.output); {
	case w.output == "" && len(names) == 1:
		w.out = 0
	case w.output == "" && len(names) == 0:
		g.problem(u.pos, "unknown_output", "%s is given %s, which has no output; use dag.After for the order alone", u.what, n.what())
		return nil
	case w.output == "":
		g.problem(u.pos, "unknown_output", "%s is given %s, which has %d outputs; name one of %s", u.what, n.what(), len(names), strings.Join(names, ", "))
		return nil
	case i < 0:
		g.problem(u.pos, "unknown_output", "%s has no output %q%s", n.what(), w.output, nearestName(w.output, names))
		return nil
	default:
		w.out = i
	}
	w.goType = types[w.out].Go
	return w.goType
}

// blockOwner is the loop or branch that block b stands in and a place in block at does not.
func blockOwner(b, at *builderBlock) *AddedNode {
	for b.outer != nil && !at.within(b.outer) {
		b = b.outer
	}
	return b.owner
}

func (g *GraphBuilder) keys() []string {
	var keys []string
	for _, n := range g.nodes {
		if n.blocks() == nil {
			keys = append(keys, n.key)
		}
	}
	return keys
}

// order puts the nodes of each block in an order in which each comes after what it takes, otherwise as they were added.
func (g *GraphBuilder) order() {
	g.orderBlock(g.root)
	for _, n := range g.nodes {
		for _, b := range n.blocks() {
			g.orderBlock(b)
		}
	}
}

func (g *GraphBuilder) orderBlock(b *builderBlock) {
	needs := make(map[*AddedNode][]*AddedNode, len(b.nodes))
	for _, n := range b.nodes {
		needs[n] = n.upstream(b)
	}
	done := make(map[*AddedNode]bool, len(b.nodes))
	var order, path []*AddedNode
	var visit func(n *AddedNode) bool
	visit = func(n *AddedNode) bool {
		if done[n] {
			return true
		}
		if i := slices.Index(path, n); i >= 0 {
			circle := path[i:]
			names := make([]string, 0, len(circle)+1)
			for _, c := range circle {
				names = append(names, c.what())
			}
			g.problem(n.pos, "cycle", "nodes need each other in a circle: %s; break it at one of them", strings.Join(append(names, n.what()), " ← "))
			return false
		}
		path = append(path, n)
		for _, up := range needs[n] {
			if !visit(up) {
				return false
			}
		}
		path = path[:len(path)-1]
		done[n] = true
		order = append(order, n)
		return true
	}
	for _, n := range b.nodes {
		path = path[:0]
		if !visit(n) {
			return
		}
	}
	b.nodes = order
}

// upstream are the nodes of a block that a node of it, or what is in that, needs. Only a call can need itself: what is in a loop is part of it.
func (n *AddedNode) upstream(b *builderBlock) []*AddedNode {
	var ups []*AddedNode
	seen := map[*AddedNode]bool{}
	n.takes(func(m *AddedNode) {
		itself := m == n && n.blocks() == nil
		for m.block != b {
			if m.block.owner == nil {
				return // it stands around the block
			}
			m = m.block.owner
		}
		if (m != n || itself) && !seen[m] {
			seen[m] = true
			ups = append(ups, m)
		}
	})
	return ups
}

// takes calls yield with the nodes that a node and what is in it take from or follow.
func (n *AddedNode) takes(yield func(*AddedNode)) {
	var walk func(w *wire)
	walk = func(w *wire) {
		if w.kind == FromNode && w.node != nil {
			yield(w.node)
		}
		for _, p := range w.parts {
			walk(p)
		}
	}
	for _, u := range n.wires() {
		walk(u.w)
	}
	for _, b := range n.blocks() {
		for _, inner := range b.nodes {
			inner.takes(yield)
		}
	}
}
