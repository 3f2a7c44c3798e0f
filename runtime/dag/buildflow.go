package dag

import (
	"fmt"
	"reflect"
)

// builtLoop is a loop of a graph under construction.
type builtLoop struct {
	over    *wire
	body    *builderBlock
	elem    reflect.Type
	collect *wire // nil for a loop that gives nothing
	slice   reflect.Type
	key     func(elem any) string // nil for the index
	keyed   reflect.Type          // what key takes
}

// builtBranch is a branch of a graph under construction.
type builtBranch struct {
	when    *wire
	yes, no *builderBlock
	yields  [2]*wire
	goType  reflect.Type // nil for a branch that gives nothing
}

// A LoopOption says something about a loop: [KeyBy].
type LoopOption func(*AddedNode)

// KeyBy names the elements of a loop in the keys of their steps: fit[seattle]. Without it an element is called by its index. The name of an element is in no
// version, so that f is free code; two elements with one name are an error of the run.
func KeyBy[E any](f func(elem E) string) LoopOption {
	return func(n *AddedNode) {
		n.loop.keyed = reflect.TypeFor[E]()
		n.loop.key = func(elem any) string { return f(OutputAs[E](elem)) }
	}
}

// ForEach adds a loop over the elements of a slice, as `for _, elem := range over` in the body of a job: what body adds to the graph is made once for each element,
// and what it returns is collected in order. body is called once, now. (Dagster's dynamic mapping and collect, to any depth.)
//
// Where the elements are known when the graph is built, a loop of Go adds nodes as well.
func ForEach[E, R any](g *GraphBuilder, over Value[[]E], body func(elem Value[E]) Value[R], options ...LoopOption) Value[[]R] {
	n := g.node()
	b := &builderBlock{outer: g.block, owner: n}
	n.loop = &builtLoop{over: over.w, body: b, elem: reflect.TypeFor[E](), slice: reflect.TypeFor[[]R]()}
	for _, o := range options {
		o(n)
	}
	elem := &wire{kind: FromElem, g: g, goType: n.loop.elem, pos: n.pos, node: n, block: b}
	g.inside(b, func() { n.loop.collect = body(Value[E]{elem}).w })
	return Value[[]R]{&wire{kind: FromNode, g: g, goType: n.loop.slice, pos: n.pos, node: n, output: fixedOutput}}
}

// If adds a branch, as `if cond { v = then() } else { v = otherwise() }` in the body of a job: the steps that the arm which is not taken has added are skipped.
// Both functions are called once, now.
func If[T any](g *GraphBuilder, cond Value[bool], then, otherwise func() Value[T]) Value[T] {
	n := g.node()
	n.branch = &builtBranch{when: cond.w, yes: &builderBlock{outer: g.block, owner: n}, no: &builderBlock{outer: g.block, owner: n}, goType: reflect.TypeFor[T]()}
	g.inside(n.branch.yes, func() { n.branch.yields[0] = then().w })
	g.inside(n.branch.no, func() { n.branch.yields[1] = otherwise().w })
	return Value[T]{&wire{kind: FromNode, g: g, goType: n.branch.goType, pos: n.pos, node: n, output: fixedOutput}}
}

// When adds a branch that gives nothing: the steps that then adds run where cond holds, and are skipped otherwise.
func When(g *GraphBuilder, cond Value[bool], then func()) {
	n := g.node()
	n.branch = &builtBranch{when: cond.w, yes: &builderBlock{outer: g.block, owner: n}, no: &builderBlock{outer: g.block, owner: n}}
	g.inside(n.branch.yes, then)
}

// inside lets f add nodes to a block.
func (g *GraphBuilder) inside(b *builderBlock, f func()) {
	outer := g.block
	g.block = b
	defer func() { g.block = outer }()
	f()
}

// blocks are the bodies of a loop or a branch.
func (n *AddedNode) blocks() []*builderBlock {
	switch {
	case n.loop != nil:
		return []*builderBlock{n.loop.body}
	case n.branch != nil:
		return []*builderBlock{n.branch.yes, n.branch.no}
	}
	return nil
}

// A wireUse is a place that takes a value.
type wireUse struct {
	w     *wire
	block *builderBlock // where the place is
	want  reflect.Type  // nil for any
	what  string        // "input rows of fit"
	pos   string
	order bool // the order alone
}

// wires are all places of a node that take values. Those at the end of a loop's body or of an arm stand in there.
func (n *AddedNode) wires() []wireUse {
	var all []wireUse
	add := func(w *wire, b *builderBlock, want reflect.Type, format string, args ...any) {
		if w != nil {
			all = append(all, wireUse{w: w, block: b, want: want, what: fmt.Sprintf(format, args...), pos: n.pos})
		}
	}
	names := n.inputNames()
	for i, w := range n.inputs {
		add(w, n.block, n.inputType(i).Go, "input %s of %s", names[i], n.what())
	}
	add(n.config, n.block, nil, "the config of %s", n.what())
	for _, w := range n.after {
		if w != nil {
			all = append(all, wireUse{w: w, block: n.block, what: "what " + n.what() + " follows", pos: n.pos, order: true})
		}
	}
	if l := n.loop; l != nil {
		add(l.over, n.block, reflect.SliceOf(l.elem), "the collection of a loop")
		add(l.collect, l.body, l.slice.Elem(), "what the body of a loop returns")
	}
	if br := n.branch; br != nil {
		add(br.when, n.block, reflect.TypeFor[bool](), "the condition of a branch")
		add(br.yields[0], br.yes, br.goType, "what an arm returns")
		add(br.yields[1], br.no, br.goType, "what an arm returns")
	}
	return all
}
