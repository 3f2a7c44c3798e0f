package model

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// exits says whether a list of statements leaves the function with a result.
type exits uint8

const (
	never exits = iota
	sometimes
	always
)

// exitOf looks for returns that are no check of an error.
func (w *body) exitOf(list []ast.Stmt) exits {
	out := never
	for _, s := range list {
		switch e := w.exitOfStatement(s); e {
		case always:
			return always
		case sometimes:
			out = sometimes
		}
	}
	return out
}

func (w *body) exitOfStatement(s ast.Stmt) exits {
	switch s := s.(type) {
	case *ast.ReturnStmt:
		return always
	case *ast.BlockStmt:
		return w.exitOf(s.List)
	case *ast.IfStmt:
		if w.errorCheck(s.Cond) != nil {
			return never
		}
		arms := []exits{w.exitOf(s.Body.List), never}
		if s.Else != nil {
			arms[1] = w.exitOfStatement(s.Else)
		}
		return all(arms)
	case *ast.SwitchStmt:
		var arms []exits
		whole := false
		for _, c := range s.Body.List {
			if c, ok := c.(*ast.CaseClause); ok {
				arms = append(arms, w.exitOf(c.Body))
				whole = whole || c.List == nil
			}
		}
		if !whole {
			arms = append(arms, never)
		}
		return all(arms)
	}
	return never
}

func all(arms []exits) exits {
	switch {
	case !slices.ContainsFunc(arms, func(e exits) bool { return e != always }):
		return always
	case !slices.ContainsFunc(arms, func(e exits) bool { return e != never }):
		return never
	}
	return sometimes
}

// A way is an arm that is about to be read.
type way struct {
	when *Binding
	text string
	list []ast.Stmt
}

// ifStmt reads a check of an error, or a branch.
func (w *body) ifStmt(s *ast.IfStmt, rest []ast.Stmt) (*returned, bool) {
	if s.Init != nil {
		w.simpleStatement(s.Init)
	}
	if w.errorCheck(s.Cond) != nil {
		w.checkError(s)
		return nil, false
	}
	w.unchecked()
	name := "if " + text(s.Cond, 40)
	if w.exitOfStatement(s) != never { // one step at a time: what does not return goes on with the rest
		when := w.when(s.Cond)
		ways := []way{{when, text(s.Cond, 60), s.Body.List}, {text: "else"}}
		if s.Else != nil {
			ways[1].list = []ast.Stmt{s.Else}
			if b, ok := s.Else.(*ast.BlockStmt); ok {
				ways[1].list = b.List
			}
		}
		return w.branch(s, name, ways, rest)
	}
	ways := []way{{w.when(s.Cond), text(s.Cond, 60), s.Body.List}}
	for e := s.Else; ; {
		next, chain := e.(*ast.IfStmt)
		if chain && next.Init == nil && !w.calls(next.Cond) && w.errorCheck(next.Cond) == nil {
			ways = append(ways, way{w.when(next.Cond), text(next.Cond, 60), next.Body.List})
			e = next.Else
			continue
		}
		last := way{text: "else"}
		switch e := e.(type) {
		case *ast.BlockStmt:
			last.list = e.List
		case *ast.IfStmt:
			last.list = []ast.Stmt{e}
		}
		ways = append(ways, last)
		break
	}
	return w.branch(s, name, ways, rest)
}

// simpleStatement reads the statement in front of a condition. Its directives are those of the statement that it belongs to.
func (w *body) simpleStatement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.AssignStmt:
		w.unchecked()
		w.assign(s)
	case *ast.ExprStmt:
		w.unchecked()
		w.expression(s)
	default:
		w.unchecked()
		w.refuse(s)
	}
}

// calls reports whether e calls a function.
func (w *body) calls(e ast.Expr) bool { return w.firstCall(e) != nil }

// switchStmt reads a switch over a value and constants, or over conditions.
func (w *body) switchStmt(s *ast.SwitchStmt, rest []ast.Stmt) (*returned, bool) {
	if s.Init != nil {
		w.simpleStatement(s.Init)
		w.unchecked()
	}
	name := "switch"
	var tag *Binding
	var tagType types.Type
	if s.Tag != nil {
		name += " " + text(s.Tag, 40)
		v := w.operand(s.Tag)
		if v.broken {
			w.fail()
		}
		tag, tagType = v.from, v.typ
	}
	var ways []way
	last := way{text: "default"}
	for _, c := range s.Body.List {
		c, ok := c.(*ast.CaseClause)
		if !ok {
			continue
		}
		if c.List == nil {
			last.list = c.Body
			continue
		}
		ways = append(ways, way{w.caseWhen(s, c, tag, tagType), caseText(c), c.Body})
	}
	return w.branch(s, name, append(ways, last), rest)
}

// caseText is what a case says.
func caseText(c *ast.CaseClause) string {
	var parts []string
	for _, e := range c.List {
		parts = append(parts, text(e, 60))
	}
	return "case " + strings.Join(parts, ", ")
}

// caseWhen is the condition of a case: one of its values is the tag, or one of its conditions holds.
func (w *body) caseWhen(s *ast.SwitchStmt, c *ast.CaseClause, tag *Binding, tagType types.Type) *Binding {
	cond := &condition{w: w}
	var whole *Expr
	w.conditional++
	for i, e := range c.List {
		var x *Expr
		switch {
		case s.Tag == nil:
			x = cond.read(e)
		case tag == nil:
			cond.bad = true
		default:
			x = cond.caseValue(e, tag, tagType)
		}
		if i > 0 {
			x = cond.combine(&Expr{Kind: ExprBinary, Op: token.LOR}, whole, x)
		}
		whole = x
	}
	w.conditional--
	if cond.bad {
		w.fail()
		return nil
	}
	if whole.Kind == ExprPart && cond.parts[0].Type == types.Typ[types.Bool] {
		return cond.parts[0]
	}
	return cond.binding(&Expr{Kind: ExprConvert, Type: types.Typ[types.Bool], Args: []*Expr{whole}}, types.Typ[types.Bool], caseText(c))
}

// caseValue compares the tag with the value of a case.
func (c *condition) caseValue(e ast.Expr, tag *Binding, tagType types.Type) *Expr {
	w := c.w
	tv := w.info.Types[ast.Unparen(e)]
	if tv.IsNil() {
		return c.combine(&Expr{Kind: ExprBinary, Op: token.EQL}, c.part(tag), &Expr{Kind: ExprNil})
	}
	if _, basic := tagType.Underlying().(*types.Basic); !basic || tv.Value == nil {
		w.report(CodeJobExpression, e, "compare them in an op, and branch on what it returns", "the cases of a switch are constants: %s", source(e))
		return c.fail()
	}
	lit := w.literal(e, tagType)
	if lit == nil {
		return c.fail()
	}
	return c.combine(&Expr{Kind: ExprBinary, Op: token.EQL}, c.part(tag), &Expr{Kind: ExprLiteral, Lit: lit})
}

// branch reads the arms. Where some of them return, the others go on with rest, and the results are the outputs of the branch; else
// its outputs are the variables that the arms assign.
func (w *body) branch(s ast.Stmt, name string, ways []way, rest []ast.Stmt) (*returned, bool) {
	ends := make([]exits, len(ways))
	open := 0
	for i, way := range ways {
		ends[i] = w.exitOf(way.list)
		if ends[i] != always {
			open++
		}
	}
	returns := all(ends) != never
	if returns && len(w.loops) > 0 {
		returns = false // refused where it stands
	}
	if returns && open > 1 && len(rest) > 0 {
		w.report(CodeJobStatement, s, "write what returns as an if of its own before, or assign in all arms and return behind them",
			"more than one way through this goes on behind it, while others return")
		returns = false
	}
	if returns && open == 0 {
		w.unreachable(rest)
	}
	node := &Node{Branch: &Branch{}, Pos: s.Pos()}
	w.addRegion(node, name)
	w.noteRegion(node)
	outer := w.scope
	scopes := make([]*scope, len(ways))
	rets := make([]*returned, len(ways))
	for i, way := range ways {
		arm := &Arm{When: way.when, Text: way.text}
		node.Branch.Arms = append(node.Branch.Arms, arm)
		list := way.list
		if returns && ends[i] != always {
			list = slices.Concat(list, rest)
		}
		w.scope = outer.clone()
		w.enter(region{node, i}, &arm.Body, func() {
			rets[i] = w.statements(list)
			w.unchecked()
		})
		scopes[i] = w.scope
	}
	w.scope = outer
	w.joinMemory(scopes)
	if returns {
		return w.joinReturns(node, rets, scopes), true
	}
	for _, obj := range outer.changed(scopes...) {
		vs := make([]*value, len(scopes))
		for i, sc := range scopes {
			vs[i] = sc.values[obj]
		}
		outer.values[obj] = w.merged(obj.Type(), vs, scopes, func(yields []*Binding) *Binding { return node.yield(obj.Name(), obj.Type(), yields) })
	}
	return nil, false
}

// yield adds an output to a branch.
func (n *Node) yield(name string, t types.Type, yields []*Binding) *Binding {
	k := len(n.Branch.Outputs)
	n.Branch.Outputs = append(n.Branch.Outputs, &BranchOutput{Name: name, Type: t})
	for i, a := range n.Branch.Arms {
		a.Yields = append(a.Yields, yields[i])
	}
	return &Binding{Kind: FromNode, Type: t, Node: n, Output: k}
}

// joinMemory makes what happened on any of the ways the state behind them.
func (w *body) joinMemory(ways []*scope) {
	for _, s := range ways {
		for m, st := range s.memory {
			w.scope.memory[m] = w.scope.memory[m].or(st)
		}
	}
}

// joinReturns makes one return of those in the arms.
func (w *body) joinReturns(node *Node, rets []*returned, scopes []*scope) *returned {
	out := &returned{}
	for i, r := range w.g.Results {
		vs := make([]*value, len(rets))
		for k, ret := range rets {
			vs[k] = brokenValue
			if ret != nil && i < len(ret.values) {
				vs[k] = ret.values[i]
			}
		}
		name := r.GoName
		if name == "" || name == "_" {
			name = r.Name
		}
		v := w.merged(r.Type, vs, scopes, func(yields []*Binding) *Binding { return node.yield(name, r.Type, yields) })
		out.values = append(out.values, v)
	}
	return out
}
