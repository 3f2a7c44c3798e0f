package execute

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// vars are the values that a place of a body may take.
type vars struct {
	of    map[*dag.Type][]dag.Binding
	nodes []int // calls that a later statement may be ordered after
}

func newVars() *vars { return &vars{of: map[*dag.Type][]dag.Binding{}} }

func (v *vars) add(t *dag.Type, b dag.Binding) { v.of[t] = append(v.of[t], b) }

func (v *vars) copy() *vars {
	c := newVars()
	for t, bs := range v.of {
		c.of[t] = slices.Clone(bs)
	}
	c.nodes = slices.Clone(v.nodes)
	return c
}

// bodyWriter writes a random body.
type bodyWriter struct {
	p      *program
	def    *dag.GraphDef
	budget int // statements that may still be written
	depth  int // of graphs
	subs   []*dag.GraphDef
}

func (g *bodyWriter) n(k int) int { return g.p.rng.IntN(k) }

// block writes statements and returns their nodes. vars has what they give afterwards.
func (g *bodyWriter) block(v *vars, statements, depth int) []int {
	body := []int{}
	for range statements {
		if g.budget <= 0 {
			break
		}
		g.budget--
		n := len(g.def.Nodes)
		g.def.Nodes = append(g.def.Nodes, dag.Node{Pos: "body.go:J"})
		body = append(body, n)
		kind := g.n(10)
		switch {
		case kind < 5 || depth >= 3:
			g.call(v, n)
		case kind < 7:
			g.loop(v, n, depth)
		case kind < 9:
			g.branch(v, n, depth)
		default:
			g.graph(v, n)
		}
		if len(v.nodes) > 0 && g.n(6) == 0 {
			g.def.Nodes[n].After = []int{v.nodes[g.n(len(v.nodes))]}
		}
		v.nodes = append(v.nodes, n)
	}
	return body
}

func (g *bodyWriter) call(v *vars, n int) {
	op := g.p.ops[g.n(len(g.p.ops))]
	node := &g.def.Nodes[n]
	node.Key, node.Op = fmt.Sprint(op.Key, "_", n), op.Op
	for i := range op.Inputs {
		node.Inputs = append(node.Inputs, g.expr(v, op.Inputs[i].Type, 0))
	}
	v.add(op.Outputs[0].Type, dag.Binding{Kind: dag.FromNode, Node: n})
}

func (g *bodyWriter) loop(v *vars, n, depth int) {
	over := []*dag.Type{intType, listType, textsType, pointsType, mapType}[g.n(5)]
	m := &dag.Map{Over: g.expr(v, over, 0)}
	m.Over.Type = over
	inner := v.copy()
	elem := map[*dag.Type]*dag.Type{intType: intType, listType: intType, textsType: textType, pointsType: pointType, mapType: intType}[over]
	key := intType
	if over == mapType {
		key = textType
	}
	inner.add(elem, dag.Binding{Kind: dag.FromElem, Node: n, Type: elem})
	inner.add(elem, dag.Binding{Kind: dag.FromElem, Node: n, Type: elem})
	inner.add(key, dag.Binding{Kind: dag.FromKey, Node: n, Type: key})
	if over == textsType && g.n(3) == 0 { // it may be there twice: then both fail
		m.Key = &dag.Binding{Kind: dag.FromElem, Node: n, Type: textType}
	}
	type variable struct {
		typ     *dag.Type
		collect bool
	}
	var vs []variable
	for k := range g.n(4) {
		x := variable{typ: programTypes[g.n(len(programTypes))]}
		switch x.typ {
		case listType, textsType, pointsType, mapType:
			x.collect = g.n(4) > 0
		}
		vs = append(vs, x)
		init := g.expr(v, x.typ, 1)
		if x.collect {
			init = g.empty(x.typ)
		}
		m.Carried = append(m.Carried, dag.Carried{Name: fmt.Sprint("v", k), Type: x.typ, Init: init})
		if !x.collect || g.n(3) == 0 { // mostly nobody looks at what is collected
			inner.add(x.typ, dag.Binding{Kind: dag.FromCarried, Node: n, Output: k})
		}
	}
	g.def.Nodes[n].Key, g.def.Nodes[n].Map = fmt.Sprint("for ", n), m
	m.Body = g.block(inner, 1+g.n(3), depth+1)
	for k, x := range vs {
		if !x.collect {
			m.Carried[k].Next = g.expr(inner, x.typ, 1)
			continue
		}
		m.Carried[k].Next = g.collected(inner, x.typ, dag.Binding{Kind: dag.FromCarried, Node: n, Output: k})
	}
	for k, x := range vs {
		v.add(x.typ, dag.Binding{Kind: dag.FromNode, Node: n, Output: k})
		v.add(x.typ, dag.Binding{Kind: dag.FromNode, Node: n, Output: k})
	}
}

// empty is where collecting starts.
func (g *bodyWriter) empty(t *dag.Type) dag.Binding {
	if t == mapType || g.n(3) == 0 {
		return dag.Binding{Kind: dag.FromMake, Type: t}
	}
	if g.n(2) == 0 {
		return typed(t, reflect.Zero(t.Go).Interface())
	}
	return typed(t, reflect.MakeSlice(t.Go, 0, 0).Interface())
}

// collected adds to a collection.
func (g *bodyWriter) collected(v *vars, t *dag.Type, base dag.Binding) dag.Binding {
	elem := map[*dag.Type]*dag.Type{listType: intType, textsType: textType, pointsType: pointType, mapType: intType}[t]
	switch {
	case t == mapType:
		return dag.Binding{Kind: dag.FromSet, Type: t, Parts: []dag.Binding{base, g.expr(v, textType, 1), g.expr(v, intType, 1)}}
	case g.n(5) == 0:
		return dag.Binding{Kind: dag.FromConcat, Type: t, Parts: []dag.Binding{base, g.expr(v, t, 1)}}
	}
	items := []dag.Binding{g.expr(v, elem, 1)}
	if g.n(4) == 0 {
		items = append(items, g.expr(v, elem, 1))
	}
	return appended(t, base, items...)
}

func (g *bodyWriter) branch(v *vars, n, depth int) {
	b := &dag.Branch{}
	for k := range g.n(3) {
		b.Outputs = append(b.Outputs, dag.BranchOutput{Name: fmt.Sprint("b", k), Type: programTypes[g.n(len(programTypes))]})
	}
	g.def.Nodes[n].Key, g.def.Nodes[n].Branch = fmt.Sprint("if ", n), b
	arms := 1 + g.n(3)
	for i := range arms {
		var arm dag.Arm
		if i < arms-1 {
			when := g.expr(v, boolType, 0)
			if when.Type == nil {
				when.Type = boolType
			}
			arm.When = &when
		}
		inner := v.copy()
		arm.Body = g.block(inner, g.n(3), depth+1)
		for _, o := range b.Outputs {
			arm.Yields = append(arm.Yields, g.expr(inner, o.Type, 1))
		}
		b.Arms = append(b.Arms, arm)
	}
	for k, o := range b.Outputs {
		v.add(o.Type, dag.Binding{Kind: dag.FromNode, Node: n, Output: k})
	}
}

func (g *bodyWriter) graph(v *vars, n int) {
	var def *dag.GraphDef
	if len(g.subs) > 0 && g.n(2) == 0 {
		def = g.subs[g.n(len(g.subs))]
	} else if g.depth < 2 {
		name := fmt.Sprint("g", len(g.subs), "_", g.depth)
		sub := &bodyWriter{p: g.p, def: &dag.GraphDef{Key: name, Symbol: pkg + "." + name}, budget: 5, depth: g.depth + 1}
		inner := newVars()
		for k := range 1 + g.n(2) {
			typ := programTypes[g.n(len(programTypes))]
			sub.def.Params = append(sub.def.Params, dag.JobParam{Name: fmt.Sprint("a", k), Type: typ})
			inner.add(typ, dag.Binding{Kind: dag.FromParam, Param: k})
		}
		sub.def.Body = sub.block(inner, 1+g.n(3), 1)
		for k := range 1 + g.n(2) {
			typ := programTypes[g.n(len(programTypes))]
			sub.def.Outputs = append(sub.def.Outputs, dag.JobOutput{Name: fmt.Sprint("r", k), Type: typ, From: sub.expr(inner, typ, 1)})
		}
		def = sub.def
		g.subs = append(g.subs, def)
	}
	if def == nil {
		g.call(v, n)
		return
	}
	node := &g.def.Nodes[n]
	node.Key, node.Graph = fmt.Sprint(def.Key, "_", n), def
	for _, p := range def.Params {
		node.Inputs = append(node.Inputs, g.expr(v, p.Type, 0))
	}
	for k, o := range def.Outputs {
		v.add(o.Type, dag.Binding{Kind: dag.FromNode, Node: n, Output: k})
	}
}

// expr is a value of a type: a variable, a constant, or made of others. From a depth on constants say their type.
func (g *bodyWriter) expr(v *vars, t *dag.Type, depth int) dag.Binding {
	if known := v.of[t]; len(known) > 0 && g.n(6) > 0 {
		return known[g.n(len(known))]
	}
	if depth < 3 && g.n(2) == 0 {
		if b, ok := g.made(v, t, depth+1); ok {
			return b
		}
	}
	return typed(t, map[*dag.Type]any{
		intType: g.n(4), boolType: g.n(2) == 0, textType: string(rune('p' + g.n(3))), listType: []int{1, 2}[:g.n(3)], textsType: []string{"q", "r"}[:g.n(3)],
		pointType: point{X: g.n(3), Tags: []string{"lit"}}, pointsType: []point{{X: 1}}[:g.n(2)], mapType: map[string]int{"m": g.n(3)},
	}[t])
}

func (g *bodyWriter) made(v *vars, t *dag.Type, depth int) (dag.Binding, bool) {
	field := func(name string, of *dag.Type, f func(any) any) (dag.Binding, bool) {
		base := g.expr(v, of, depth)
		return dag.Binding{Kind: dag.FromField, Type: t, Name: name, Parts: []dag.Binding{base}, Func: func(p []any) any { return f(p[0]) }}, true
	}
	parts := func(name string, f func([]any) any, of ...*dag.Type) (dag.Binding, bool) {
		b := dag.Binding{Kind: dag.FromParts, Type: t, Name: name, Func: f}
		for _, o := range of {
			b.Parts = append(b.Parts, g.expr(v, o, depth))
		}
		return b, true
	}
	switch t {
	case intType:
		switch g.n(12) {
		case 0: // it may be out of range: then both fail
			return field("[0]", listType, func(x any) any { return x.([]int)[0] })
		case 1:
			b := dag.Binding{Kind: dag.FromField, Type: t, Name: "[*]", Parts: []dag.Binding{g.expr(v, mapType, depth), g.expr(v, textType, depth)}}
			b.Func = func(p []any) any { return p[0].(map[string]int)[p[1].(string)] }
			return b, true
		}
		return field(".X", pointType, func(x any) any { return x.(point).X })
	case boolType:
		k := g.n(4)
		return parts(fmt.Sprint("> ", k), func(p []any) any { return p[0].(int) > k }, intType)
	case textsType:
		return field(".Tags", pointType, func(x any) any { return x.(point).Tags })
	case pointType:
		return parts("point{X,Tags}", func(p []any) any { return point{p[0].(int), p[1].([]string)} }, intType, textsType)
	case listType:
		if g.n(3) == 0 {
			n := g.expr(v, listType, depth)
			n.Type = listType
			return dag.Binding{Kind: dag.FromMake, Type: t, Parts: []dag.Binding{n}}, true
		}
		return g.collected(v, t, g.expr(v, t, depth)), true
	case pointsType, mapType:
		base := g.expr(v, t, depth)
		if t == mapType {
			base = dag.Binding{Kind: dag.FromMake, Type: t}
		}
		return g.collected(v, t, base), true
	}
	return dag.Binding{}, false
}
