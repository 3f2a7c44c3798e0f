package dag

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A NodeOption says something about a node: [As], [After], [Args], [Wire], [WithConfig], [WithRetry], [WithTimeout],
// [WithTags], [WithHooks].
type NodeOption func(*AddedNode)

// As gives a node another key than that of what it calls. The second node without an alias is fetch_2. (Dagster's alias.)
func As(alias string) NodeOption {
	return func(n *AddedNode) {
		switch {
		case !ValidName(alias):
			n.g.problem(n.pos, "bad_name", "%q is no name of a node; use lower-case letters, digits and _, a letter first", alias)
		case n.alias != "" && n.alias != alias:
			n.g.problem(n.pos, "duplicate_key", "the node is called %s and %s; give it one alias", n.alias, alias)
		}
		n.alias = alias
	}
}

// After makes a node wait for others without taking their values. It is no part of a version.
func After(others ...AnyValue) NodeOption {
	return func(n *AddedNode) {
		for _, v := range others {
			n.after = append(n.after, sourceOf(v))
		}
	}
}

// Args wires all inputs of a node, in the order of the function's parameters, without contexts, resources and the config. Nil stands for an input that run
// config gives. Those of a graph are all its parameters.
func Args(values ...AnyValue) NodeOption {
	return func(n *AddedNode) {
		if len(values) != len(n.inputs) {
			n.g.problem(n.pos, "bad_wire", "%s takes %s and is given %d", n.what(), count(len(n.inputs), "input"), len(values))
			return
		}
		for i, v := range values {
			if w := sourceOf(v); w != nil {
				n.wire(i, w)
			}
		}
	}
}

// Wire wires one input of a node by name.
func Wire(input string, v AnyValue) NodeOption {
	return func(n *AddedNode) {
		names := n.inputNames()
		i := slices.Index(names, input)
		switch {
		case i < 0:
			n.g.problem(n.pos, "unknown_input", "%s has no input %q%s", n.what(), input, nearestName(input, names))
		case sourceOf(v) == nil:
			n.g.problem(n.pos, "bad_wire", "input %s of %s is wired to nothing; leave it out where run config gives it", input, n.what())
		default:
			n.wire(i, v.source())
		}
	}
}

func (n *AddedNode) wire(i int, w *wire) {
	if n.inputs[i] != nil {
		n.g.problem(n.pos, "bad_wire", "input %s of %s is wired twice; a list takes several values: dag.List(a, b)", n.inputNames()[i], n.what())
		return
	}
	n.inputs[i] = w
}

// WithConfig gives the op of a node its config: a [Const], or a [Param] of the graph. Run config overlays it.
func WithConfig(v AnyValue) NodeOption {
	return func(n *AddedNode) {
		w := sourceOf(v)
		switch {
		case w == nil:
			return
		case n.callee.op == nil || n.callee.op.Config == nil:
			n.g.problem(n.pos, "bad_config", "%s takes no config; leave it out", n.what())
		case n.config != nil:
			n.g.problem(n.pos, "bad_config", "%s is given two configs; remove one", n.what())
		default:
			n.config = w
		}
	}
}

// WithRetry says what happens to the steps of a node that fail. It wins over what the op and the job say.
func WithRetry(p RetryPolicy) NodeOption { return func(n *AddedNode) { n.retry = &p } }

// WithTimeout says how long the steps of a node may take, each time. It wins over what the op says.
func WithTimeout(d time.Duration) NodeOption {
	return func(n *AddedNode) {
		if d <= 0 {
			n.g.problem(n.pos, "bad_node", "the timeout of %s is %s; give a time that is longer than nothing, or leave it out", n.what(), d)
		}
		n.timeout = d
	}
}

// WithTags adds tags to the steps of a node, over those of the op.
func WithTags(tags map[string]string) NodeOption {
	return func(n *AddedNode) { n.tags = union(n.tags, tags) }
}

// WithHooks adds hooks to the steps of a node, beside those of the op and the job.
func WithHooks(hooks ...*Hook) NodeOption {
	return func(n *AddedNode) { n.hooks = append(n.hooks, hooks...) }
}

// Add adds a call of an op or a graph to the graph. Programs that choose ops by data wire inputs by name or position, and take outputs by name; handles of
// generated code have a method Call that does it with the types of the function. Inputs that are not wired come from run config.
func (g *GraphBuilder) Add(c Callable, options ...NodeOption) *AddedNode {
	n := g.node()
	if c != nil {
		n.callee = c.callee()
	}
	switch {
	case n.callee.op == nil && n.callee.graph == nil:
		g.problem(n.pos, "bad_node", "a node calls nothing; give it the handle of an op or a graph, such as FetchOp")
		n.callee.graph = &GraphDef{Key: "nothing"}
	case n.callee.op != nil && n.callee.op.Kind != KindOp:
		g.problem(n.pos, "bad_node", "%s is %s, and a graph calls ops and graphs; make its function an op", n.callee.op.Key, article(n.callee.op.Kind))
	}
	n.inputs = make([]*wire, len(n.inputNames()))
	for _, u := range n.callee.uses {
		if u != nil && !slices.Contains(g.uses, u) {
			g.uses = append(g.uses, u)
		}
	}
	for _, o := range options {
		o(n)
	}
	return n
}

// AddCall is [GraphBuilder.Add] for generated code: with arguments for all inputs, before the options.
func (g *GraphBuilder) AddCall(c Callable, options []NodeOption, args ...AnyValue) *AddedNode {
	return g.Add(c, append([]NodeOption{Args(args...)}, options...)...)
}

// node adds an empty node to the block at hand.
func (g *GraphBuilder) node() *AddedNode {
	n := &AddedNode{g: g, block: g.block, pos: callerPosition(), index: -1}
	g.block.nodes = append(g.block.nodes, n)
	g.nodes = append(g.nodes, n)
	return n
}

func (n *AddedNode) inputNames() []string {
	var names []string
	switch {
	case n.callee.op != nil:
		for i := range n.callee.op.Inputs {
			names = append(names, n.callee.op.Inputs[i].Name)
		}
	case n.callee.graph != nil:
		for i := range n.callee.graph.Params {
			names = append(names, n.callee.graph.Params[i].Name)
		}
	}
	return names
}

// inputType is the type of input i.
func (n *AddedNode) inputType(i int) *Type {
	if n.callee.op != nil {
		return n.callee.op.Inputs[i].Type
	}
	return n.callee.graph.Params[i].Type
}

// outputs are the names and types of what a node gives.
func (n *AddedNode) outputs() (names []string, types []*Type) {
	switch {
	case n.callee.op != nil:
		for i := range n.callee.op.Outputs {
			names, types = append(names, n.callee.op.Outputs[i].Name), append(types, n.callee.op.Outputs[i].Type)
		}
	case n.callee.graph != nil:
		for i := range n.callee.graph.Outputs {
			names, types = append(names, n.callee.graph.Outputs[i].Name), append(types, n.callee.graph.Outputs[i].Type)
		}
	}
	return names, types
}

// base is what a node is called without an alias.
func (n *AddedNode) base() string {
	switch {
	case n.callee.op != nil:
		return n.callee.op.Key
	case n.callee.graph != nil:
		return n.callee.graph.Key
	case n.loop != nil:
		return "for each"
	}
	return "if"
}

// what is how messages call a node.
func (n *AddedNode) what() string {
	name := n.base()
	if n.alias != "" {
		name = n.alias
	}
	if n.key != "" {
		name = n.key
	}
	if n.callee.graph != nil {
		return "graph " + name
	}
	return name
}

// name gives all nodes their keys.
func (g *GraphBuilder) name() {
	taken := make(map[string]*AddedNode, len(g.nodes))
	next := map[string]int{} // the number to try for what is called again
	for _, n := range g.nodes {
		if n.alias == "" {
			continue
		}
		if first := taken[n.alias]; first != nil {
			g.problem(n.pos, "duplicate_key", "two nodes are called %s, the first at %s; choose another alias", n.alias, first.pos)
		}
		taken[n.alias], n.key = n, n.alias
	}
	for _, n := range g.nodes {
		if n.alias != "" {
			continue
		}
		base := n.base()
		n.key = base
		for taken[n.key] != nil {
			next[base] = max(2, next[base]+1)
			n.key = base + "_" + strconv.Itoa(next[base])
		}
		taken[n.key] = n
	}
	g.byKey = taken
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func article(k Kind) string {
	if k == KindAsset {
		return "an asset"
	}
	return "a " + k.String()
}
