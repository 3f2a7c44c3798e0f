package model

import (
	"cmp"
	"go/constant"
	"go/types"
	"maps"
	"slices"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A value is what an expression stands for. Values do not change: an assignment gives a variable another one.
type value struct {
	from   *Binding
	typ    types.Type
	mem    *memory // of a slice or map that the body made; nil for one from elsewhere, which may share its memory with anything
	broken bool    // an error was reported
	unset  bool    // of a variable that was declared and not assigned: from is nil
	maybe  bool    // unset on some way to here, and of a type whose zero value is no data
}

var brokenValue = &value{broken: true}

// A scope is what is known at one point of the body. Arms of a branch and bodies of loops begin with a copy.
type scope struct {
	values map[types.Object]*value
	memory map[*memory]memoryState
}

func newScope() *scope {
	return &scope{values: map[types.Object]*value{}, memory: map[*memory]memoryState{}}
}

func (s *scope) clone() *scope {
	return &scope{values: maps.Clone(s.values), memory: maps.Clone(s.memory)}
}

// changed returns the variables of s that have another value in one of the others, in the order of their declarations.
func (s *scope) changed(others ...*scope) []types.Object {
	var out []types.Object
	for obj, v := range s.values {
		if slices.ContainsFunc(others, func(o *scope) bool { return o.values[obj] != v }) {
			out = append(out, obj)
		}
	}
	slices.SortFunc(out, func(a, b types.Object) int { return cmp.Compare(a.Pos(), b.Pos()) })
	return out
}

// zero returns the binding of a variable that nobody has assigned; nil where the zero value is no data.
func zero(t types.Type) *Binding {
	lit := zeroLiteral(t)
	if lit == nil {
		return nil
	}
	return &Binding{Kind: FromLiteral, Type: t, Lit: lit}
}

func zeroLiteral(t types.Type) *Literal {
	if isNamed(t, load.RuntimePath, "File") {
		return nil
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsBoolean != 0:
			return &Literal{Type: t, Const: constant.MakeBool(false)}
		case u.Info()&types.IsString != 0:
			return &Literal{Type: t, Const: constant.MakeString("")}
		case u.Info()&types.IsNumeric != 0:
			return &Literal{Type: t, Const: represented(constant.MakeInt64(0), t)}
		}
	case *types.Struct, *types.Array:
		return &Literal{Type: t}
	case *types.Pointer, *types.Slice, *types.Map:
		return &Literal{Type: t, Nil: true}
	}
	return nil
}

// settled is v as something that can be bound: the zero value where it was not assigned.
func (w *body) settled(v *value) *value {
	if !v.unset {
		return v
	}
	if from := zero(v.typ); from != nil {
		return &value{from: from, typ: v.typ, mem: w.literalMemory(v.typ, true)}
	}
	return &value{typ: v.typ, maybe: true}
}

// merged makes one value of those that a variable has at the ends of several ways. bind is called for a value that is bound on all of them.
func (w *body) merged(typ types.Type, vs []*value, states []*scope, bind func(yields []*Binding) *Binding) *value {
	unset := true
	for _, v := range vs {
		if v == nil || v.broken {
			return brokenValue
		}
		unset = unset && v.unset
	}
	if unset {
		return vs[0]
	}
	yields := make([]*Binding, len(vs))
	mems := make([]*memory, len(vs))
	for i, v := range vs {
		v = w.settled(v)
		if v.maybe {
			return &value{typ: typ, maybe: true}
		}
		yields[i], mems[i] = v.from, v.mem
	}
	return &value{from: bind(yields), typ: typ, mem: w.mergedMemory(mems, states)}
}
