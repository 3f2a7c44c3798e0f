package hazard

import (
	"go/ast"
	"go/token"
	"go/types"
)

// spawned returns the function literal of g.Go(func() {...}), as errgroup and sync.WaitGroup have it.
func (s *scan) spawned(c *ast.CallExpr) *ast.FuncLit {
	sel, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Go" && sel.Sel.Name != "TryGo" || len(c.Args) != 1 {
		return nil
	}
	lit, _ := ast.Unparen(c.Args[0]).(*ast.FuncLit)
	return lit
}

// goroutine reports what several goroutines add to one thing in the order in which they come to it, whether or not a mutex keeps them apart.
func (s *scan) goroutine(n ast.Node, lit *ast.FuncLit) {
	if !s.inLoop(n) {
		return
	}
	for _, b := range s.builds(lit.Body, lit) {
		if _, element := ast.Unparen(b.target).(*ast.IndexExpr); element {
			continue
		}
		s.add(Order, n, "the order in which goroutines run decides "+b.what, nil)
	}
}

// inLoop reports whether a node is run more than once by the function that it stands in.
func (s *scan) inLoop(n ast.Node) bool {
	return s.flow.up(n, func(p ast.Node) bool {
		switch p.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			return true
		}
		return false
	}) != nil
}

// senders reports whether several goroutines that are started here may send to ch.
func (s *scan) senders(ch ast.Expr) bool {
	o := s.base(ch)
	if o == nil {
		return false
	}
	started, inLoop := 0, false
	ast.Inspect(s.d.root, func(n ast.Node) bool {
		var body ast.Node
		switch n := n.(type) {
		case *ast.GoStmt:
			body = n.Call
		case *ast.CallExpr:
			if lit := s.spawned(n); lit != nil {
				body = lit
			}
		}
		if body != nil && s.maySend(body, o) {
			started++
			inLoop = inLoop || s.inLoop(n)
		}
		return true
	})
	return inLoop || started > 1
}

// maySend reports whether code sends to a channel, or hands it to a function that may.
func (s *scan) maySend(body ast.Node, ch types.Object) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SendStmt:
			found = found || s.base(n.Chan) == ch
		case *ast.CallExpr:
			if b, ok := s.d.used(n.Fun).(*types.Builtin); ok && b.Name() == "close" {
				return false
			}
			for _, a := range n.Args {
				found = found || s.base(a) == ch
			}
		}
		return !found
	})
	return found
}

// receiving reports a loop that receives from a channel that several goroutines send to, and adds what it gets to something.
func (s *scan) receiving(loop ast.Node, body *ast.BlockStmt) {
	var from ast.Expr
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.SelectStmt:
			return false
		case *ast.UnaryExpr:
			if n.Op == token.ARROW && from == nil && s.senders(n.X) {
				from = n.X
			}
		}
		return true
	})
	if from == nil {
		return
	}
	for _, b := range s.builds(body, loop) {
		if _, element := ast.Unparen(b.target).(*ast.IndexExpr); !element {
			s.add(Order, loop, "the order in which goroutines send to "+types.ExprString(from)+" decides "+b.what, nil)
		}
	}
}

// selects reports a select of which several cases may be ready, with data in them that goes somewhere.
func (s *scan) selects(sel *ast.SelectStmt) {
	data := 0
	effect := false
	for _, c := range sel.Body.List {
		clause := c.(*ast.CommClause)
		from := received(clause.Comm)
		if from == nil || isSignal(s.d.typeOf(from)) {
			continue
		}
		data++
		if as, ok := clause.Comm.(*ast.AssignStmt); ok && as.Tok == token.ASSIGN {
			effect = true
		}
		for _, st := range clause.Body {
			switch st.(type) {
			case *ast.ReturnStmt, *ast.AssignStmt, *ast.SendStmt:
				effect = true
			}
			effect = effect || len(s.builds(st, sel)) > 0
		}
	}
	if data > 1 && effect {
		s.add(Order, sel, "select takes whichever case is ready", nil)
	}
}

// received returns the channel that a case receives from, or nil.
func received(st ast.Stmt) ast.Expr {
	var e ast.Expr
	switch st := st.(type) {
	case *ast.ExprStmt:
		e = st.X
	case *ast.AssignStmt:
		e = st.Rhs[0]
	}
	if u, ok := ast.Unparen(keyOrNil(e)).(*ast.UnaryExpr); ok && u.Op == token.ARROW {
		return u.X
	}
	return nil
}

// isSignal reports whether a channel carries no data: struct{} of a done channel, the time of a timer, an error.
func isSignal(t types.Type) bool {
	c, ok := t.Underlying().(*types.Chan)
	if !ok {
		return true
	}
	if st, ok := c.Elem().Underlying().(*types.Struct); ok && st.NumFields() == 0 {
		return true
	}
	o := named(c.Elem())
	return o != nil && (o.Pkg() == nil && o.Name() == "error" || o.Pkg() != nil && o.Pkg().Path() == "time")
}
