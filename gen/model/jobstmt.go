package model

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// returned is what a return statement gives: a value for each result of the graph, the error left out.
type returned struct {
	values []*value
}

// statements reads a list in order. It returns what the graph returns where the list ends in a return on every way through it.
func (w *body) statements(list []ast.Stmt) *returned {
	for i, s := range list {
		rest := list[i+1:]
		ret, whole := w.statement(s, rest)
		if ret != nil && !whole {
			w.unreachable(rest)
		}
		if ret != nil || whole {
			return ret
		}
	}
	return nil
}

func (w *body) unreachable(rest []ast.Stmt) {
	for _, s := range rest {
		if _, empty := s.(*ast.EmptyStmt); !empty {
			w.report(CodeJobStatement, s, "remove it", "this statement is never reached")
			return
		}
	}
}

// statement reads s. rest are the statements behind it: whole says that they were read too, as part of an arm that does not return.
func (w *body) statement(s ast.Stmt, rest []ast.Stmt) (ret *returned, whole bool) {
	outer := w.stmt
	w.stmt = w.directives(s)
	defer func() {
		w.finish(w.stmt)
		w.stmt = outer
	}()
	switch s := s.(type) {
	case *ast.EmptyStmt:
	case *ast.IfStmt:
		return w.ifStmt(s, rest)
	case *ast.SwitchStmt:
		w.unchecked()
		return w.switchStmt(s, rest)
	case *ast.ReturnStmt:
		return w.returnStmt(s), false
	case *ast.BlockStmt: // variables are told apart by their declarations, so that a block needs no scope of its own
		return w.statements(slices.Concat(s.List, rest)), true
	case *ast.AssignStmt:
		w.unchecked()
		w.assign(s)
	case *ast.DeclStmt:
		w.unchecked()
		w.declaration(s)
	case *ast.ExprStmt:
		w.unchecked()
		w.expression(s)
	case *ast.RangeStmt:
		w.unchecked()
		w.rangeStmt(s)
	default:
		w.unchecked()
		w.refuse(s)
	}
	return nil, false
}

// refuse reports a statement that a body cannot have, with what to write instead. What it assigns gets no errors of its own.
func (w *body) refuse(s ast.Stmt) {
	w.breakAssigned(s)
	say := func(hint, format string, args ...any) { w.report(CodeJobStatement, s, hint, format, args...) }
	switch s := s.(type) {
	case *ast.ForStmt:
		say("range over a slice, an array, a map or an int: for i := range n { ... }", "the number of iterations of this loop is not known before its body has run")
	case *ast.TypeSwitchStmt:
		say("move the decision into an op", "a %s does not look at types of values", w.what())
	case *ast.SelectStmt, *ast.SendStmt:
		say("pass values as arguments of ops", "a %s has no channels", w.what())
	case *ast.GoStmt:
		say("call the op without go", "a %s starts no goroutines: its steps run in parallel by themselves", w.what())
	case *ast.DeferStmt:
		say("clean up in the op, or in the cleanup func of a resource", "a %s defers nothing: its steps run elsewhere", w.what())
	case *ast.IncDecStmt:
		say("move `"+text(s.X, 60)+s.Tok.String()+"` into an op", "a %s does not compute", w.what())
	case *ast.LabeledStmt:
		say("remove it", "a %s has no jumps, and so no labels", w.what())
	case *ast.BranchStmt:
		w.refuseJump(s)
	default:
		say("move it into an op", "a %s cannot do this", w.what())
	}
}

func (w *body) refuseJump(s *ast.BranchStmt) {
	switch {
	case s.Tok == token.FALLTHROUGH:
		w.report(CodeJobStatement, s, "list the values in one case: case 1, 2:", "each case of a switch stands for itself")
	case s.Tok == token.GOTO || s.Label != nil:
		w.report(CodeJobStatement, s, "write loops and branches without jumps", "a %s has no jumps", w.what())
	case s.Tok == token.CONTINUE:
		w.report(CodeJobStatement, s, "write the rest of the body as the other arm: if ... { } else { ... }", "an iteration cannot be left in its middle")
	case len(w.loops) == 0:
		w.report(CodeJobStatement, s, "remove it, or put the rest of the case into an if", "a case ends where the next one begins")
	default:
		w.report(CodeJobStatement, s, "range over what an op has cut off, or put the calls into an if", "a loop runs for all elements: they are steps that do not wait for each other")
	}
}

// declaration reads var; constants need no reading, because their values stand where they are used.
func (w *body) declaration(s *ast.DeclStmt) {
	g, ok := s.Decl.(*ast.GenDecl)
	if !ok || g.Tok == token.CONST {
		return
	}
	for _, spec := range g.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok {
			w.report(CodeJobStatement, spec, "declare it outside of the "+w.what(), "a %s declares no types", w.what())
			continue
		}
		if len(v.Values) > 0 {
			var names []ast.Expr
			for _, n := range v.Names {
				names = append(names, n)
			}
			w.pairs(names, v.Values)
			continue
		}
		for _, n := range v.Names {
			if obj := w.info.Defs[n]; obj != nil && !isError(obj.Type()) {
				w.scope.values[obj] = &value{typ: obj.Type(), unset: true}
			}
		}
	}
}

// expression reads a call whose results nobody takes.
func (w *body) expression(s *ast.ExprStmt) {
	call, ok := ast.Unparen(s.X).(*ast.CallExpr)
	if !ok {
		w.report(CodeJobStatement, s, "remove it", "%s does nothing", source(s.X))
		return
	}
	node := w.call(call)
	if node != nil && node.Func().HasError {
		w.report(CodeJobUnchecked, s, "write: if err := "+types.ExprString(call.Fun)+"(...); err != nil { return ..., err }", "the error of %s is dropped", node.Func().GoName)
	}
}
