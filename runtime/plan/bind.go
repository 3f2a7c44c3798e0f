package plan

import (
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// site is what a node gave, in the frame of its block.
func (fr *frame) site(n int) *given {
	s := &fr.sc.sites[n]
	for ; fr != nil; fr = fr.up {
		if fr.block == s.block {
			return &fr.outs[s.place]
		}
	}
	return nil
}

// iteration is the frame of the loop whose node is n.
func (fr *frame) iteration(n int) *frame {
	for ; fr != nil; fr = fr.up {
		if fr.block.owner == int32(n) {
			return fr
		}
	}
	return nil
}

// lookup returns what a binding leads to that is not made of others; ok is false for one that is.
func (fr *frame) lookup(b *dag.Binding) (r Ref, ok bool) {
	switch b.Kind {
	case dag.FromParam:
		for fr.up != nil {
			fr = fr.up
		}
		return fr.params[b.Param], true
	case dag.FromNode:
		g := fr.site(b.Node)
		if fr.sc.def.Nodes[b.Node].Op == nil {
			return g.refs[b.Output], true
		}
		if g.step < 0 {
			return noRef, true
		}
		return Ref{From: Vertex(g.step), Out: int32(b.Output)}, true
	case dag.FromElem:
		return fr.iteration(b.Node).elem, true
	case dag.FromKey:
		return fr.iteration(b.Node).key, true
	case dag.FromCarried:
		return fr.iteration(b.Node).carried[b.Output], true
	}
	return noRef, false
}

// ref returns what a binding leads to, and makes the values that it is made of. t is the type of a literal that does not say it.
func (x *expander) ref(fr *frame, b *dag.Binding, t *dag.Type) Ref {
	if r, ok := fr.lookup(b); ok {
		return r
	}
	if b.Kind == dag.FromLiteral {
		if r, known := x.last[b]; known {
			return r
		}
		if b.Type != nil {
			t = b.Type
		}
		if t == nil {
			t = typeOf(b.Value)
		}
		r := x.known(t, b.Value)
		x.last[b] = r
		return r
	}
	parts := x.parts(len(b.Parts))
	for i := range b.Parts {
		parts[i] = x.ref(fr, &b.Parts[i], b.Parts[i].Type)
		if parts[i].none() {
			return noRef
		}
	}
	return x.value(value{kind: kindOf(b.Kind), typ: b.Type, bind: b, parts: parts})
}

// parts makes room for the parts of a value. What is as long as a row of partitions has a slice of its own.
func (x *expander) parts(n int) []Ref {
	if n > 256 {
		return make([]Ref, n)
	}
	return x.f.refs.cut(n)
}

// value adds a value that is made of parts. What one place of a body makes of the same parts again, as in each iteration of a loop that does not change
// them, is one value.
func (x *expander) value(v value) Ref {
	for _, p := range v.parts {
		if p.none() {
			return noRef
		}
	}
	if v.kind == valueField || v.kind == valueParts {
		if r, ok := x.last[v.bind]; ok && slices.Equal(x.f.value(r.From).parts, v.parts) {
			return r
		}
	}
	v.steady = true
	for _, p := range v.parts {
		p = x.f.follow(p)
		v.steady = v.steady && p.From < 0 && x.f.value(p.From).steady
	}
	r := x.f.addValue(v)
	if v.kind == valueField || v.kind == valueParts {
		x.last[v.bind] = r
	}
	return r
}

func kindOf(k dag.BindingKind) valueKind {
	switch k {
	case dag.FromField:
		return valueField
	case dag.FromAppend:
		return valueAppend
	case dag.FromConcat:
		return valueConcat
	case dag.FromSet:
		return valueSet
	case dag.FromMake:
		return valueMake
	case dag.FromPartitions:
		return valueGather
	}
	return valueParts
}
