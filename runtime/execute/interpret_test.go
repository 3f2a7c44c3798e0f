package execute

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// An interpreter runs a graph as plain Go code would: one statement after the other, values in variables, nothing stored. It is what the engine is held
// against.
type interpreter struct {
	call  func(op *dag.Op, in []any) []any
	steps map[string]any // what each step gave, by its key
}

// scopeVars are the variables of an activation of a block.
type scopeVars struct {
	def     *dag.GraphDef
	up      *scopeVars
	params  []any
	outs    map[int][]any
	loop    int // the node whose iteration this is; -1
	elem    any
	key     any
	carried []any
	prefix  string // of step keys
	suffix  string
}

func (in *interpreter) graph(def *dag.GraphDef, params []any, prefix string) []any {
	sc := &scopeVars{def: def, params: params, outs: map[int][]any{}, loop: -1, prefix: prefix}
	body := def.Body
	if body == nil {
		for i := range def.Nodes {
			body = append(body, i)
		}
	}
	in.block(sc, body)
	outs := make([]any, len(def.Outputs))
	for i := range outs {
		outs[i] = in.eval(sc, &def.Outputs[i].From)
	}
	return outs
}

func (in *interpreter) block(sc *scopeVars, nodes []int) {
	for _, n := range nodes {
		node := &sc.def.Nodes[n]
		switch {
		case node.Op != nil:
			sc.outs[n] = in.call(node.Op, in.all(sc, node.Inputs))
			in.steps[sc.prefix+node.Key+sc.suffix] = sc.outs[n][0]
		case node.Graph != nil:
			sc.outs[n] = in.graph(node.Graph, in.all(sc, node.Inputs), sc.prefix+node.Key+sc.suffix+".")
		case node.Map != nil:
			sc.outs[n] = in.loop(sc, n, node.Map)
		default:
			sc.outs[n] = in.branch(sc, node.Branch)
		}
	}
}

func (in *interpreter) all(sc *scopeVars, bs []dag.Binding) []any {
	values := make([]any, len(bs))
	for i := range bs {
		values[i] = in.eval(sc, &bs[i])
	}
	return values
}

func (in *interpreter) loop(sc *scopeVars, n int, m *dag.Map) []any {
	carried := make([]any, len(m.Carried))
	for i := range carried {
		carried[i] = in.eval(sc, &m.Carried[i].Init)
	}
	seen := map[string]bool{}
	iterate := func(key, elem any) {
		child := &scopeVars{def: sc.def, up: sc, outs: map[int][]any{}, loop: n, elem: elem, key: key, carried: carried, prefix: sc.prefix}
		name := fmt.Sprint(key)
		if m.Key != nil {
			name = fmt.Sprint(in.eval(child, m.Key))
			if seen[name] {
				panic("mapping key twice")
			}
			seen[name] = true
		}
		child.suffix = sc.suffix + "[" + dag.MappingKey(name) + "]"
		in.block(child, m.Body)
		next := make([]any, len(carried))
		for i := range next {
			next[i] = in.eval(child, &m.Carried[i].Next)
		}
		carried = next
	}
	switch over := in.eval(sc, &m.Over).(type) {
	case int:
		for i := range over {
			iterate(i, i)
		}
	case map[string]int:
		for _, k := range slices.Sorted(maps.Keys(over)) {
			iterate(k, over[k])
		}
	default:
		v := reflect.ValueOf(over)
		for i := range v.Len() {
			iterate(i, v.Index(i).Interface())
		}
	}
	return carried
}

func (in *interpreter) branch(sc *scopeVars, b *dag.Branch) []any {
	for i := range b.Arms {
		if w := b.Arms[i].When; w != nil && !in.eval(sc, w).(bool) {
			continue
		}
		child := &scopeVars{def: sc.def, up: sc, outs: map[int][]any{}, loop: -1, prefix: sc.prefix, suffix: sc.suffix}
		in.block(child, b.Arms[i].Body)
		return in.all(child, b.Arms[i].Yields)
	}
	panic("no arm")
}

func (in *interpreter) eval(sc *scopeVars, b *dag.Binding) any {
	frame := func(ok func(*scopeVars) bool) *scopeVars {
		for s := sc; s != nil; s = s.up {
			if ok(s) {
				return s
			}
		}
		panic("not in scope")
	}
	ofLoop := func() *scopeVars { return frame(func(s *scopeVars) bool { return s.loop == b.Node }) }
	switch b.Kind {
	case dag.FromParam:
		return frame(func(s *scopeVars) bool { return s.up == nil }).params[b.Param]
	case dag.FromNode:
		return frame(func(s *scopeVars) bool { return s.outs[b.Node] != nil }).outs[b.Node][b.Output]
	case dag.FromLiteral:
		return b.Value
	case dag.FromElem:
		return ofLoop().elem
	case dag.FromKey:
		return ofLoop().key
	case dag.FromCarried:
		return ofLoop().carried[b.Output]
	case dag.FromField, dag.FromParts:
		return b.Func(in.all(sc, b.Parts))
	}
	parts := in.all(sc, b.Parts)
	v := func(i int) reflect.Value { return reflect.ValueOf(parts[i]) }
	switch b.Kind {
	case dag.FromAppend:
		return reflect.Append(clone(v(0)), values(parts[1:])...).Interface()
	case dag.FromConcat:
		return reflect.AppendSlice(clone(v(0)), v(1)).Interface()
	case dag.FromSet:
		c := clone(v(0))
		if c.Kind() == reflect.Map {
			c.SetMapIndex(v(1), v(2))
		} else {
			c.Index(int(v(1).Int())).Set(v(2))
		}
		return c.Interface()
	case dag.FromMake:
		if b.Type.Go.Kind() == reflect.Map {
			return reflect.MakeMap(b.Type.Go).Interface()
		}
		n := 0
		if len(parts) > 0 {
			if v(0).CanInt() {
				n = int(v(0).Int())
			} else {
				n = v(0).Len()
			}
		}
		return reflect.MakeSlice(b.Type.Go, n, n).Interface()
	}
	panic(fmt.Sprint("kind ", b.Kind))
}

func values(parts []any) []reflect.Value {
	vs := make([]reflect.Value, len(parts))
	for i := range parts {
		vs[i] = reflect.ValueOf(parts[i])
	}
	return vs
}

// clone copies a slice or a map, but for what is in it.
func clone(v reflect.Value) reflect.Value {
	switch {
	case v.IsNil():
		return v
	case v.Kind() == reflect.Map:
		c := reflect.MakeMap(v.Type())
		for it := v.MapRange(); it.Next(); {
			c.SetMapIndex(it.Key(), it.Value())
		}
		return c
	}
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(c, v)
	return c
}

// text writes a graph as the body it could have come from, for a test that fails.
func text(def *dag.GraphDef) string {
	var b strings.Builder
	var bind func(x *dag.Binding) string
	list := func(xs []dag.Binding) string {
		parts := make([]string, len(xs))
		for i := range xs {
			parts[i] = bind(&xs[i])
		}
		return strings.Join(parts, ", ")
	}
	bind = func(x *dag.Binding) string {
		switch x.Kind {
		case dag.FromParam:
			return fmt.Sprint("p", x.Param)
		case dag.FromNode:
			return fmt.Sprint("n", x.Node, ".", x.Output)
		case dag.FromLiteral:
			return fmt.Sprintf("%#v", x.Value)
		case dag.FromElem:
			return fmt.Sprint("elem", x.Node)
		case dag.FromKey:
			return fmt.Sprint("key", x.Node)
		case dag.FromCarried:
			return fmt.Sprint("c", x.Node, ".", x.Output)
		}
		return fmt.Sprint(map[dag.BindingKind]string{dag.FromField: "field", dag.FromParts: "parts", dag.FromAppend: "append", dag.FromConcat: "concat", dag.FromSet: "set", dag.FromMake: "make"}[x.Kind], x.Name, "(", list(x.Parts), ")")
	}
	var block func(nodes []int, indent string)
	block = func(nodes []int, indent string) {
		for _, n := range nodes {
			node := &def.Nodes[n]
			fmt.Fprintf(&b, "%sn%d = ", indent, n)
			switch {
			case node.Op != nil:
				fmt.Fprintf(&b, "%s[%s](%s) after %v\n", node.Op.Key, node.Key, list(node.Inputs), node.After)
			case node.Graph != nil:
				fmt.Fprintf(&b, "graph %s[%s](%s)\n", node.Graph.Key, node.Key, list(node.Inputs))
			case node.Map != nil:
				fmt.Fprintf(&b, "for %s {", bind(&node.Map.Over))
				for i, c := range node.Map.Carried {
					fmt.Fprintf(&b, " c%d.%d := %s;", n, i, bind(&c.Init))
				}
				b.WriteString("\n")
				block(node.Map.Body, indent+"\t")
				for i := range node.Map.Carried {
					fmt.Fprintf(&b, "%s\tc%d.%d = %s\n", indent, n, i, bind(&node.Map.Carried[i].Next))
				}
				b.WriteString(indent + "}\n")
			default:
				b.WriteString("switch {\n")
				for _, a := range node.Branch.Arms {
					when := "else"
					if a.When != nil {
						when = bind(a.When)
					}
					fmt.Fprintf(&b, "%scase %s:\n", indent, when)
					block(a.Body, indent+"\t")
					fmt.Fprintf(&b, "%s\tyield %s\n", indent, list(a.Yields))
				}
				b.WriteString(indent + "}\n")
			}
		}
	}
	body := def.Body
	if body == nil {
		for i := range def.Nodes {
			body = append(body, i)
		}
	}
	fmt.Fprintf(&b, "graph %s\n", def.Key)
	block(body, "\t")
	for i := range def.Outputs {
		fmt.Fprintf(&b, "\treturn %s\n", bind(&def.Outputs[i].From))
	}
	seen := map[*dag.GraphDef]bool{}
	for i := range def.Nodes {
		if g := def.Nodes[i].Graph; g != nil && !seen[g] {
			seen[g] = true
			b.WriteString(text(g))
		}
	}
	return b.String()
}
