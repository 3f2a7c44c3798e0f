package model

import (
	"go/types"
	"slices"
	"strings"
)

// A Leaf is the call of an op in a job, those of the graphs that it calls included: what a run makes steps of, one, or one for each element of the
// loops around it. A Region is what leaves stand in: the call of a graph, a loop or a branch. Both are Items.
type (
	Leaf   = Item
	Region = Item
)

// An Item is a node of a job or of a graph that it calls, in one of the calls of that graph.
type Item struct {
	Key    string // "outer.fit"; the loops around it are not in it. Of a loop or a branch "outer.for city"
	Node   *Node
	Parent *Region // nil in the body of the job
	Arm    int     // of a branch that is the parent

	frame *frame
}

// A frame is one call of a graph.
type frame struct {
	graph  *Graph
	parent *frame // nil for the job
	call   *Item
	items  map[*Node]*Item
	inner  map[*Node]*frame
}

// Merged reports whether another item stands for it, under the same key: for the call of a configured op, its op; for a configured graph, the call.
func (it *Item) Merged() bool {
	g := it.Node.Graph
	return g != nil && (it.frame.graph.Configured || g.Configured && g.Nodes[0].Op != nil)
}

// Configured is the function that gave the op or graph of the item its config; nil where none did.
func (it *Item) Configured() *Graph {
	if it.Node.Graph != nil && it.Node.Graph.Configured {
		return it.Node.Graph
	}
	if it.Node.Op != nil && it.frame.graph.Configured {
		return it.frame.graph
	}
	return nil
}

// An Unfolded is a job or a graph with all graphs that it calls laid out in it.
type Unfolded struct {
	Items []*Item // in the order of the source, regions before what stands in them
	top   *frame
}

// Unfold lays out g.
func (g *Graph) Unfold() *Unfolded {
	u := &Unfolded{}
	var visit func(f *frame, prefix string)
	visit = func(f *frame, prefix string) {
		for _, n := range f.graph.Nodes {
			it := &Item{Key: prefix + n.Key, Node: n, Parent: f.call, frame: f}
			if f.graph.Configured { // it stands in the place of its call
				it.Key = f.call.Key
			}
			if n.parent != nil {
				it.Parent, it.Arm = f.items[n.parent], n.arm
			}
			f.items[n] = it
			u.Items = append(u.Items, it)
			if n.Graph != nil {
				child := newFrame(n.Graph)
				child.parent, child.call = f, it
				f.inner[n] = child
				visit(child, it.Key+".")
			}
		}
	}
	u.top = newFrame(g)
	visit(u.top, "")
	return u
}

func newFrame(g *Graph) *frame {
	return &frame{graph: g, items: map[*Node]*Item{}, inner: map[*Node]*frame{}}
}

// Leaves returns the calls of ops that g makes, in the order of the source.
func (g *Graph) Leaves() []*Leaf { return g.Unfold().Leaves() }

// Leaves returns the calls of ops, in the order of the source.
func (u *Unfolded) Leaves() []*Leaf {
	return slices.DeleteFunc(slices.Clone(u.Items), func(it *Item) bool { return it.Node.Op == nil })
}

// A Source is where a value begins: an output of a leaf, a parameter of the job, a literal, or, where walks stop at loops, the element of a loop.
type Source struct {
	Leaf   *Leaf
	Output int
	Param  *Param
	Lit    *Literal
	Loop   *Region
}

// Sources returns where the value of output i begins.
func (u *Unfolded) Sources(i int) []Source {
	w := &sourceWalk{seen: map[sourcePlace]bool{}}
	w.visit(u.top, u.top.graph.Outputs[i].From)
	return w.out
}

// Sources returns where a value begins that the item receives: through graphs, loops, branches and all that a body does with values.
func (it *Item) Sources(b *Binding) []Source {
	w := &sourceWalk{seen: map[sourcePlace]bool{}}
	w.visit(it.frame, b)
	return w.out
}

// Functions are those that make the config of the item, in its body or in those around it.
func (it *Item) Functions() []*types.Func {
	w := &sourceWalk{seen: map[sourcePlace]bool{}}
	w.visit(it.frame, it.Node.Config)
	return w.functions
}

// Near is like Sources, but an element of a loop that the item stands in begins with the loop.
func (it *Item) Near(b *Binding) []Source {
	w := &sourceWalk{seen: map[sourcePlace]bool{}, stop: true}
	w.visit(it.frame, b)
	return w.out
}

// Control returns where the values begin that decide whether and how often the leaf runs: what the loops around it range over, and the conditions of
// the branches that it stands in.
func (it *Item) Control() []Source {
	w := &sourceWalk{seen: map[sourcePlace]bool{}}
	for x := it; x.Parent != nil; x = x.Parent {
		switch r := x.Parent; {
		case r.Node.Map != nil:
			w.visit(r.frame, r.Node.Map.Over)
		case r.Node.Branch != nil:
			for _, a := range r.Node.Branch.Arms[:x.Arm+1] {
				w.visit(r.frame, a.When)
			}
		}
	}
	return w.out
}

// After returns the items that must be done before it starts, by the order that its statement asks for.
func (it *Item) After() []*Item {
	var out []*Item
	for _, n := range it.Node.After {
		out = append(out, it.frame.items[n])
	}
	return out
}

// Loops returns the loops that the item stands in, the outermost first.
func (it *Item) Loops() []*Region {
	var out []*Region
	for x := it.Parent; x != nil; x = x.Parent {
		if x.Node.Map != nil {
			out = append(out, x)
		}
	}
	slices.Reverse(out)
	return out
}

// Pattern is the key of the leaf with a star for the key of each loop: "train_all[*].fit".
func (it *Item) Pattern() string {
	var parts []string
	stars, name := "", it.Node.Key
	for x := it.Parent; ; x = x.Parent {
		if x != nil && x.Node.Graph != nil && x.Node.Graph.Configured {
			stars, name = "", x.Node.Key
			continue
		}
		if x == nil || x.Node.Graph != nil {
			parts = append(parts, name+stars)
			if x == nil {
				break
			}
			stars, name = "", x.Node.Key
			continue
		}
		if x.Node.Map != nil {
			stars += "[*]"
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}

type sourcePlace struct {
	frame *frame
	b     *Binding
}

type sourceWalk struct {
	seen map[sourcePlace]bool
	stop bool // at loops
	out  []Source

	functions []*types.Func // that configs are made by
}

func (w *sourceWalk) visit(f *frame, b *Binding) {
	if b == nil || w.seen[sourcePlace{f, b}] {
		return
	}
	w.seen[sourcePlace{f, b}] = true
	if b.Expr != nil && b.Expr.Kind == ExprCall && !slices.Contains(w.functions, b.Expr.Func) {
		w.functions = append(w.functions, b.Expr.Func)
	}
	switch b.Kind {
	case FromLiteral:
		w.add(Source{Lit: b.Lit})
	case FromParam:
		if f.parent == nil {
			w.add(Source{Param: b.Param})
		} else if i := slices.Index(f.graph.In, b.Param); i >= 0 {
			w.visit(f.parent, f.call.Node.Inputs[i])
		}
	case FromNode:
		w.node(f, b.Node, b.Output)
	case FromElem, FromKey:
		if w.stop {
			w.add(Source{Loop: f.items[b.Node]})
		} else {
			w.visit(f, b.Node.Map.Over)
		}
	case FromCarried:
		w.node(f, b.Node, b.Output)
	}
	for _, p := range b.Parts {
		w.visit(f, p)
	}
}

// node visits an output of a node.
func (w *sourceWalk) node(f *frame, n *Node, output int) {
	switch {
	case n.Op != nil:
		w.add(Source{Leaf: f.items[n], Output: output})
	case n.Graph != nil:
		if child := f.inner[n]; output < len(child.graph.Outputs) {
			w.visit(child, child.graph.Outputs[output].From)
		}
	case n.Map != nil:
		w.visit(f, n.Map.Carried[output].Init)
		w.visit(f, n.Map.Carried[output].Next)
	default:
		for _, a := range n.Branch.Arms {
			w.visit(f, a.Yields[output])
		}
	}
}

func (w *sourceWalk) add(s Source) {
	if !slices.Contains(w.out, s) {
		w.out = append(w.out, s)
	}
}
