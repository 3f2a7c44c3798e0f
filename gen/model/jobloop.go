package model

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A loop is one that is being read.
type loop struct {
	stmt     *ast.RangeStmt
	node     *Node
	overMap  bool
	keyObj   types.Object // of the first variable; nil where it has none
	keyValue *value
	ranged   types.Object // the variable that is ranged over; nil where it is none
}

// declares reports whether obj is declared by the loop or inside of it.
func (l *loop) declares(obj types.Object) bool {
	return l.stmt.Pos() <= obj.Pos() && obj.Pos() < l.stmt.End()
}

// loop is the innermost one that is being read.
func (w *body) loop() *loop {
	if k := len(w.loops); k > 0 {
		return w.loops[k-1]
	}
	return nil
}

// rangeStmt reads a mapping.
func (w *body) rangeStmt(s *ast.RangeStmt) {
	over := w.operand(s.X)
	if over.broken {
		w.breakAssigned(s)
		return
	}
	l := &loop{stmt: s}
	key, elem, ok := w.rangeTypes(s, over.typ, l)
	if !ok || !w.loopVariables(s) {
		w.fail()
		w.breakAssigned(s)
		return
	}
	if id, isVar := ast.Unparen(s.X).(*ast.Ident); isVar {
		l.ranged = w.info.Uses[id]
	}
	node := &Node{Map: &Map{Over: over.from}, Pos: s.Pos()}
	l.node = node
	w.addRegion(node, loopName(s))
	w.noteRegion(node)
	outer := w.scope
	w.scope = outer.clone()
	w.loops = append(w.loops, l)
	if isInteger(over.typ) {
		w.loopVariable(l, s.Key, FromElem, elem)
	} else {
		w.loopVariable(l, s.Key, FromKey, key)
		w.loopVariable(l, s.Value, FromElem, elem)
	}
	w.mappingKey(l)

	assigned := w.assignedIn(s.Body, outer)
	inits := make([]*value, len(assigned))
	phis := make([]*memory, len(assigned))
	for i, obj := range assigned {
		init := w.settled(outer.values[obj])
		inits[i] = init
		if init.broken || init.maybe {
			w.scope.values[obj] = init
			continue
		}
		phis[i] = w.phi(init)
		k := len(node.Map.Carried)
		node.Map.Carried = append(node.Map.Carried, &Carried{Name: obj.Name(), Type: obj.Type(), Init: init.from})
		w.scope.values[obj] = &value{from: &Binding{Kind: FromCarried, Type: obj.Type(), Node: node, Output: k}, typ: obj.Type(), mem: phis[i]}
	}
	w.enter(region{node, 0}, &node.Map.Body, func() {
		w.statements(s.Body.List)
		w.unchecked()
	})
	end := w.scope
	w.scope = outer
	w.loops = w.loops[:len(w.loops)-1]
	w.carry(l, assigned, inits, phis, end)
}

// carry gives the variables that the body assigned their values behind the loop.
func (w *body) carry(l *loop, assigned []types.Object, inits []*value, phis []*memory, end *scope) {
	before := w.scope.clone()
	w.joinMemory([]*scope{end})
	k := 0
	for i, obj := range assigned {
		init, next := inits[i], w.settled(end.values[obj])
		if init.broken {
			continue
		}
		if init.maybe { // a value that the loop may not give
			w.scope.values[obj] = &value{typ: obj.Type(), maybe: true, broken: next.broken}
			continue
		}
		c := l.node.Map.Carried[k]
		out := &Binding{Kind: FromNode, Type: c.Type, Node: l.node, Output: k}
		k++
		if next.broken || next.maybe {
			w.scope.values[obj] = next
			w.failed = w.failed || next.broken
			c.Next = c.Init
			continue
		}
		c.Next = next.from
		mem := w.around(obj.Name(), init, phis[i], next, before, end)
		w.scope.values[obj] = &value{from: out, typ: c.Type, mem: mem}
	}
}

// breakAssigned spares variables that an unreadable statement assigns errors of their own.
func (w *body) breakAssigned(s ast.Stmt) {
	for _, obj := range w.assignedIn(s, w.scope) {
		w.scope.values[obj] = brokenValue
	}
}

func isInteger(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}

// rangeTypes returns the types of keys and elements of what is ranged over.
func (w *body) rangeTypes(s *ast.RangeStmt, t types.Type, l *loop) (key, elem types.Type, ok bool) {
	key = types.Typ[types.Int]
	switch u := t.Underlying().(type) {
	case *types.Slice:
		elem = u.Elem()
	case *types.Array:
		elem = u.Elem()
	case *types.Map:
		key, elem, l.overMap = u.Key(), u.Elem(), true
	case *types.Basic:
		if u.Info()&types.IsInteger != 0 {
			return t, t, true
		}
	}
	if elem == nil {
		w.report(CodeJobStatement, s.X, "range over a slice, an array, a map or an int: an op can make one", "a %s cannot range over %s", w.what(), Short(t, w.own()))
		return nil, nil, false
	}
	return key, elem, w.storable(s.X, elem) && w.storable(s.X, key)
}

// loopVariables refuses loops that assign to variables of before.
func (w *body) loopVariables(s *ast.RangeStmt) bool {
	if s.Tok != token.ASSIGN {
		return true
	}
	for _, e := range []ast.Expr{s.Key, s.Value} {
		if e != nil && !isBlank(e) {
			w.report(CodeJobStatement, e, "declare the variables of the loop with :=", "the loop assigns to a variable of before")
			return false
		}
	}
	return true
}

func (w *body) loopVariable(l *loop, e ast.Expr, kind BindingKind, t types.Type) {
	id, ok := e.(*ast.Ident)
	if !ok || id.Name == "_" {
		return
	}
	obj := w.info.Defs[id]
	if obj == nil {
		return
	}
	v := &value{from: &Binding{Kind: kind, Type: t, Node: l.node}, typ: t}
	w.scope.values[obj] = v
	if e == l.stmt.Key {
		l.keyObj, l.keyValue = obj, v
	}
}

// loopName is what people call a loop: by its variable.
func loopName(s *ast.RangeStmt) string {
	for _, e := range []ast.Expr{s.Value, s.Key} {
		if id, ok := e.(*ast.Ident); ok && id.Name != "_" {
			return "for " + id.Name
		}
	}
	return "for range " + text(s.X, 40)
}

// assignedIn returns the variables of outer that a block assigns, in the order of the assignments.
func (w *body) assignedIn(block ast.Node, outer *scope) []types.Object {
	first := map[types.Object]token.Pos{}
	ast.Inspect(block, func(n ast.Node) bool {
		if _, closure := n.(*ast.FuncLit); closure {
			return false
		}
		var lhs []ast.Expr
		switch s := n.(type) {
		case *ast.AssignStmt:
			lhs = s.Lhs
		case *ast.IncDecStmt:
			lhs = []ast.Expr{s.X}
		case *ast.RangeStmt:
			if s.Tok == token.ASSIGN {
				lhs = []ast.Expr{s.Key, s.Value}
			}
		}
		for _, e := range lhs {
			if e == nil {
				continue
			}
			e = ast.Unparen(e)
			switch x := e.(type) {
			case *ast.IndexExpr:
				e = ast.Unparen(x.X)
			case *ast.SelectorExpr:
				e = ast.Unparen(x.X)
			}
			id, ok := e.(*ast.Ident)
			if !ok {
				continue
			}
			obj := w.info.Uses[id]
			if _, known := outer.values[obj]; known && !first[obj].IsValid() {
				first[obj] = id.Pos()
			}
		}
		return true
	})
	var out []types.Object
	for obj := range first {
		out = append(out, obj)
	}
	slices.SortFunc(out, func(a, b types.Object) int { return cmp.Compare(first[a], first[b]) })
	return out
}
