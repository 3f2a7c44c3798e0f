package dag

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// layout writes a graph whose nodes are in order as the generator writes what it reads from a body.
type layout struct {
	g     *GraphBuilder
	def   *GraphDef
	types *typeTable
}

func (l *layout) graph() {
	l.def.Body = l.block(l.g.root)
	for _, n := range l.g.nodes {
		l.fill(n)
	}
	for _, p := range l.g.params {
		l.def.Params = append(l.def.Params, JobParam{Name: p.name, Type: l.types.of(p.goType), Config: p.config})
	}
	for _, o := range l.g.outputs {
		from := l.binding(o.from)
		l.def.Outputs = append(l.def.Outputs, JobOutput{Name: o.name, Type: l.types.of(l.g.resolve(o.from, wireUse{w: o.from, block: l.g.root})), From: from})
	}
}

// block gives the nodes of a block, and of the blocks in it, their places in the table.
func (l *layout) block(b *builderBlock) []int {
	var at []int
	for _, n := range b.nodes {
		n.index = len(l.def.Nodes)
		at = append(at, n.index)
		l.def.Nodes = append(l.def.Nodes, Node{Key: n.key, Op: n.callee.op, Graph: n.callee.graph, Retry: n.retry, Timeout: n.timeout, Tags: n.tags, Hooks: n.hooks, Pos: n.pos})
		switch {
		case n.loop != nil:
			body := l.block(n.loop.body)
			l.def.Nodes[n.index].Map = &Map{Body: body}
		case n.branch != nil:
			br := &Branch{Arms: []Arm{{}, {}}}
			br.Arms[0].Body, br.Arms[1].Body = l.block(n.branch.yes), l.block(n.branch.no)
			l.def.Nodes[n.index].Branch = br
		}
	}
	return at
}

// fill writes where a node takes its values.
func (l *layout) fill(n *AddedNode) {
	node := &l.def.Nodes[n.index]
	for i, w := range n.inputs {
		switch {
		case w != nil:
			node.Inputs = append(node.Inputs, l.binding(w))
		case n.callee.graph != nil: // a config parameter: its type's defaults
			node.Inputs = append(node.Inputs, Binding{Kind: FromLiteral, Type: n.callee.graph.Params[i].Type})
		default:
			node.Inputs = append(node.Inputs, Binding{Kind: FromRunConfig})
		}
	}
	if n.config != nil {
		b := l.binding(n.config)
		node.Config = &b
	}
	for _, w := range n.after {
		if w != nil {
			node.After = append(node.After, settled(w).node.index)
		}
	}
	if lp := n.loop; lp != nil {
		l.fillLoop(n, lp, node.Map)
	}
	if br := n.branch; br != nil {
		when := l.binding(br.when)
		node.Branch.Arms[0].When = &when
		if br.goType != nil {
			node.Branch.Outputs = []BranchOutput{{Name: "value", Type: l.types.of(br.goType)}}
			for i := range br.yields {
				node.Branch.Arms[i].Yields = []Binding{l.binding(br.yields[i])}
			}
		}
	}
}

func (l *layout) fillLoop(n *AddedNode, lp *builtLoop, m *Map) {
	m.Over = l.binding(lp.over)
	if lp.key != nil {
		m.Key = &Binding{Kind: FromParts, Type: l.types.of(reflect.TypeFor[string]()), Name: "key",
			Parts: []Binding{{Kind: FromElem, Node: n.index, Type: l.types.of(lp.elem)}},
			Func:  func(parts []any) any { return lp.key(parts[0]) }}
	}
	if lp.collect == nil {
		return
	}
	t := l.types.of(lp.slice)
	item := l.binding(lp.collect)
	m.Carried = []Carried{{Name: "collected", Type: t, Init: Binding{Kind: FromLiteral, Type: t, Value: reflect.Zero(lp.slice).Interface()},
		Next: Binding{Kind: FromAppend, Type: t, Parts: []Binding{{Kind: FromCarried, Node: n.index, Type: t}, item}}}}
}

// binding writes what a wire leads to.
func (l *layout) binding(w *wire) Binding {
	switch w.kind {
	case FromParam:
		for i, p := range l.g.params {
			if p == w.param {
				return Binding{Kind: FromParam, Param: i, Type: l.types.of(p.goType)}
			}
		}
	case FromNode:
		return Binding{Kind: FromNode, Node: w.node.index, Output: w.out, Type: l.types.of(w.goType)}
	case FromLiteral:
		return Binding{Kind: FromLiteral, Value: w.value, Type: l.types.of(w.goType)}
	case FromElem:
		return Binding{Kind: FromElem, Node: w.node.index, Type: l.types.of(w.goType)}
	case fromTyped:
		return l.binding(w.parts[0])
	}
	return l.list(w)
}

// list is a slice of values, named as the generator names a slice literal, so that both have one version.
func (l *layout) list(w *wire) Binding {
	t := l.types.of(w.goType)
	var name strings.Builder
	name.WriteString(t.Name + "{")
	b := Binding{Kind: FromParts, Type: t, Func: func(parts []any) any {
		s := reflect.MakeSlice(w.goType, len(parts), len(parts))
		for i, p := range parts {
			if p != nil { // a nil interface is the zero value
				s.Index(i).Set(reflect.ValueOf(p))
			}
		}
		return s.Interface()
	}}
	for i, p := range w.parts {
		if i > 0 {
			name.WriteByte(',')
		}
		name.WriteString(strconv.Itoa(i))
		b.Parts = append(b.Parts, l.binding(p))
	}
	name.WriteByte('}')
	b.Name = name.String()
	return b
}

// typeTable finds the data type of a Go type: the one that generated code has, or one that is made here of its parts.
type typeTable struct {
	known map[reflect.Type]*Type
	main  string // the import path of the package main, which the Go type does not say; empty where it is not known
}

func newTypeTable(g *GraphBuilder) *typeTable {
	t := &typeTable{known: map[reflect.Type]*Type{}}
	add := func(d *Type) {
		if d != nil && d.Go != nil && t.known[d.Go] == nil {
			t.known[d.Go] = d
		}
	}
	graph := func(def *GraphDef) {
		for i := range def.Params {
			add(def.Params[i].Type)
		}
		for i := range def.Outputs {
			add(def.Outputs[i].Type)
		}
	}
	for _, n := range g.nodes {
		_, outs := n.outputs()
		for _, d := range outs {
			add(d)
		}
		for i := range n.inputs {
			add(n.inputType(i))
		}
	}
	for _, d := range g.uses {
		for _, op := range d.Ops {
			for i := range op.Inputs {
				add(op.Inputs[i].Type)
			}
			for i := range op.Outputs {
				add(op.Outputs[i].Type)
			}
			if op.Invoke != nil && strings.HasPrefix(op.Symbol, d.Package+".") {
				t.note(op, d.Package)
			}
		}
		for _, def := range d.Graphs {
			graph(def)
		}
		for _, j := range d.Jobs {
			graph(&j.GraphDef)
		}
	}
	return t
}

// note finds out which package is called main.
func (t *typeTable) note(op *Op, path string) {
	if t.main != "" {
		return
	}
	for i := range op.Inputs {
		t.noteType(op.Inputs[i].Type, path)
	}
	for i := range op.Outputs {
		t.noteType(op.Outputs[i].Type, path)
	}
}

func (t *typeTable) noteType(d *Type, path string) {
	for g := d.Go; g != nil; g = g.Elem() {
		if g.PkgPath() == "main" {
			t.main = path
		}
		switch g.Kind() {
		case reflect.Slice, reflect.Pointer, reflect.Array, reflect.Map:
		default:
			return
		}
	}
}

// of returns the data type of a Go type.
func (t *typeTable) of(g reflect.Type) *Type {
	if d := t.known[g]; d != nil {
		return d
	}
	d := &Type{Name: t.name(g), Go: g, Immutable: plainKind(g), check: checkOf(g)}
	t.known[g] = d
	return d
}

// plainKind reports whether values of a type are numbers, text or truth values, which nobody can change.
func plainKind(g reflect.Type) bool {
	switch g.Kind() {
	case reflect.Bool, reflect.String:
		return true
	}
	return g.Kind() >= reflect.Int && g.Kind() <= reflect.Complex128
}

// name spells a type as the generator does.
func (t *typeTable) name(g reflect.Type) string {
	if d := t.known[g]; d != nil {
		return d.Name
	}
	if g.Name() != "" {
		switch path := g.PkgPath(); {
		case path == "":
			return g.Name()
		case path == "main" && t.main != "":
			return t.main + "." + g.Name()
		default:
			return path + "." + g.Name()
		}
	}
	switch g.Kind() {
	case reflect.Slice:
		return "[]" + t.name(g.Elem())
	case reflect.Pointer:
		return "*" + t.name(g.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", g.Len(), t.name(g.Elem()))
	case reflect.Map:
		return "map[" + t.name(g.Key()) + "]" + t.name(g.Elem())
	}
	return g.String()
}
