package model

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
)

// A memory is that of a slice or map which the body made. A run gives each consumer a value of its own, so that nobody sees what others do to it; a
// plain call shares memory. The two agree as long as nothing is written into memory that somebody else holds, which is what is checked here:
// assignments to elements need memory that was never given away, and append needs either memory without room behind its end, or room that
// nothing else can write to.
type memory struct {
	full     bool      // there is no room behind its end: append copies
	settable bool      // made with make or a literal: elements may be assigned
	null     bool      // of a nil slice or map
	foreign  bool      // it may be memory from elsewhere
	loop     *loop     // the innermost loop in which it was made
	parents  []*memory // what it may be, where it is that of a variable after a branch or in a loop
}

// A memoryState is what has happened to a memory on the way to one point of the body; zero positions are what has not.
type memoryState struct {
	given    token.Pos // it was passed to a step, put into another value, or copied to another variable
	to       string
	appended token.Pos // something was appended to it in place
	set      token.Pos // an element was assigned
}

func (s memoryState) or(o memoryState) memoryState {
	return memoryState{given: cmp.Or(s.given, o.given), to: cmp.Or(s.to, o.to), appended: cmp.Or(s.appended, o.appended), set: cmp.Or(s.set, o.set)}
}

// made is the memory of a value that was just built here.
func (w *body) made(m memory) *memory {
	m.loop = w.loop()
	return &m
}

// literalMemory is that of a literal of type t, or of its zero value.
func (w *body) literalMemory(t types.Type, null bool) *memory {
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map:
		return w.made(memory{full: true, settable: !null, null: null})
	}
	return nil
}

// note changes the state of m and of all that it may be.
func (s *scope) note(m *memory, change func(*memoryState)) {
	if m == nil {
		return
	}
	st := s.memory[m]
	change(&st)
	s.memory[m] = st
	for _, p := range m.parents {
		s.note(p, change)
	}
}

// give notes that v is handed on.
func (w *body) give(v *value, n ast.Node, to string) {
	if v == nil || v.broken {
		return
	}
	w.scope.note(v.mem, func(s *memoryState) {
		if !s.given.IsValid() {
			s.given, s.to = n.Pos(), to
		}
	})
}

// held reports whether a variable other than obj has m, or memory that m may be.
func (w *body) held(m *memory, obj types.Object) bool {
	if m == nil {
		return false
	}
	for other, v := range w.scope.values {
		if other != obj && v.mem == m {
			return true
		}
	}
	for _, p := range m.parents {
		if w.held(p, obj) {
			return true
		}
	}
	return false
}

// mayAppend checks that append to base writes nowhere that a plain call would see, and returns the memory of the result.
func (w *body) mayAppend(call *ast.CallExpr, base *value) (*memory, bool) {
	arg := call.Args[0]
	m := base.mem
	hint := "append to a copy: append(slices.Clip(" + text(arg, 60) + "), ...)"
	switch st := w.scope.memory[m]; {
	case m == nil || m.foreign:
		w.report(CodeJobMemory, call, hint, "%s was not made here, so that append may write into memory that something else shares", source(arg))
		return nil, false
	case m.full:
	case st.given.IsValid():
		d := w.report(CodeJobMemory, call, hint, "%s was given to %s, which append may write into the memory of", source(arg), st.to)
		w.b.relate(d, st.given, "given here")
		return nil, false
	case st.appended.IsValid():
		d := w.report(CodeJobMemory, call, hint, "append may overwrite what was appended to %s before", source(arg))
		w.b.relate(d, st.appended, "appended here")
		return nil, false
	case m.loop != w.loop():
		w.report(CodeJobMemory, call, hint, "each iteration appends to the same %s, and may overwrite what the one before appended", source(arg))
		return nil, false
	default:
		w.scope.note(m, func(s *memoryState) { s.appended = cmp.Or(s.appended, call.Pos()) })
	}
	return w.made(memory{}), true
}

// maySet checks that an assignment to an element of base is seen by nobody but the variable.
func (w *body) maySet(lhs *ast.IndexExpr, base *value) bool {
	m := base.mem
	name := source(lhs.X)
	fresh := "make(" + Short(base.typ, w.own()) + ", len(...))"
	if _, isMap := base.typ.Underlying().(*types.Map); isMap {
		fresh = "make(" + Short(base.typ, w.own()) + ")"
	}
	switch st := w.scope.memory[m]; {
	case m != nil && m.null:
		w.report(CodeJobMemory, lhs, "make it first: "+fresh, "%s is nil, and has no element to assign to", name)
		return false
	case m == nil || m.foreign || !m.settable:
		w.report(CodeJobMemory, lhs, "assign to the elements of what "+fresh+" has made here", "%s was not made here with make or a literal, so that something else may share its memory", name)
		return false
	case st.given.IsValid():
		d := w.report(CodeJobMemory, lhs, "assign all elements first", "%s was given to %s, which would see the change", name, st.to)
		w.b.relate(d, st.given, "given here")
		return false
	}
	w.scope.note(m, func(s *memoryState) { s.set = cmp.Or(s.set, lhs.Pos()) })
	return true
}

// mergedMemory is the memory of a variable after a branch: that of one of its arms, whose states are at hand.
func (w *body) mergedMemory(mems []*memory, states []*scope) *memory {
	first := mems[0]
	same, none := true, true
	for _, m := range mems {
		same, none = same && m == first, none && m == nil
	}
	if same || none {
		return first
	}
	out := &memory{full: true, settable: true, loop: w.loop()}
	var st memoryState
	for i, m := range mems {
		if m == nil {
			out.foreign, out.full, out.settable = true, false, false
			continue
		}
		out.full, out.settable, out.foreign = out.full && m.full, out.settable && m.settable, out.foreign || m.foreign
		if !m.full && m.loop != w.loop() {
			out.loop = m.loop
		}
		out.parents = append(out.parents, m)
		st = st.or(states[i].memory[m])
	}
	w.scope.memory[out] = st
	return out
}

// phi is the memory of a variable at the start of an iteration, whose value before the loop is init: that of init, or what comes around from
// the end of the body, which around looks at.
func (w *body) phi(init *value) *memory {
	if init.mem == nil {
		switch init.typ.Underlying().(type) {
		case *types.Slice, *types.Map:
			return w.made(memory{foreign: true})
		}
		return nil
	}
	in, st := init.mem, w.scope.memory[init.mem]
	m := w.made(memory{foreign: in.foreign, parents: []*memory{in}, settable: in.settable && !st.given.IsValid()})
	if !in.full { // append to a full one copies: what happened to it before does not matter
		w.scope.memory[m] = st
	}
	return m
}

// around checks what the body did to the memory that a variable has as an iteration begins, now that it is known what the variable has as the
// iteration ends, and returns the memory of the variable after the loop. before and end are the states around the body.
func (w *body) around(name string, init *value, phi *memory, next *value, before, end *scope) *memory {
	if phi == nil || next.broken {
		return nil
	}
	st, n := end.memory[phi], next.mem
	hint := "append to a copy: append(slices.Clip(" + name + "), ...)"
	if st.appended.IsValid() && !(n != nil && n.full) {
		at := posNode(st.appended)
		switch ns := end.memory[n]; {
		case n == nil || n.foreign:
			w.report(CodeJobMemory, at, hint, "from the second iteration on, `%s` was not made here, so that append may write into memory that something else shares", name)
		case ns.given.IsValid():
			d := w.report(CodeJobMemory, at, hint, "in the iteration before, `%s` was given to %s, which append may write into the memory of", name, ns.to)
			w.b.relate(d, ns.given, "given here")
		case ns.appended.IsValid():
			w.report(CodeJobMemory, at, hint, "each iteration appends to the same `%s`, and may overwrite what the one before appended", name)
		}
	}
	if st.set.IsValid() {
		at := posNode(st.set)
		switch {
		case n != phi:
			w.report(CodeJobMemory, at, "assign to one that the iteration makes", "from the second iteration on, `%s` is not what make or a literal made before the loop", name)
		case st.given.IsValid():
			d := w.report(CodeJobMemory, at, "assign all elements first", "in the iteration before, `%s` was given to %s, which would see the change", name, st.to)
			w.b.relate(d, st.given, "given here")
		}
	}
	if n == phi {
		return init.mem
	}
	out := w.made(memory{})
	var ost memoryState
	for i, m := range []*memory{init.mem, n} {
		if m == nil || m.foreign {
			out.foreign = true
			continue
		}
		out.parents = append(out.parents, m)
		ost = ost.or([]*scope{before, end}[i].memory[m])
	}
	w.scope.memory[out] = ost
	return out
}

// posNode is a place without an extent.
type posNode token.Pos

// Pos returns the place.
func (p posNode) Pos() token.Pos { return token.Pos(p) }

// End returns no position: the extent is not known.
func (p posNode) End() token.Pos { return token.NoPos }
