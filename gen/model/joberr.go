package model

import (
	"go/ast"
	"go/token"
	"go/types"
)

// checkError reads "if err != nil { return ..., err }".
func (w *body) checkError(s *ast.IfStmt) {
	obj := w.errorCheck(s.Cond)
	p := w.pending
	if p == nil || p.obj != obj {
		w.unchecked()
		if !w.failed { // after an error the call may be unknown
			w.report(CodeJobUnchecked, s.Cond, "check the error right after the call that returns it", "%s is not the error of the call right above", obj.Name())
		}
		return
	}
	w.pending = nil
	if s.Else != nil {
		w.report(CodeJobErrorReturn, s.Else, "put these statements after the if, without else", "an error check has no else")
	}
	w.errorReturn(s.Body, p)
}

// errorCheck returns the variable of `err != nil`.
func (w *body) errorCheck(cond ast.Expr) types.Object {
	c, ok := ast.Unparen(cond).(*ast.BinaryExpr)
	if !ok || c.Op != token.NEQ {
		return nil
	}
	x, y := ast.Unparen(c.X), ast.Unparen(c.Y)
	if w.info.Types[x].IsNil() {
		x, y = y, x
	}
	id, ok := x.(*ast.Ident)
	if !ok || !w.info.Types[y].IsNil() {
		return nil
	}
	obj := w.info.Uses[id]
	if obj == nil || !isError(obj.Type()) {
		return nil
	}
	return obj
}

const errorReturnHint = "return it, or handle it inside an op: a job fails when a step fails"

// errorReturn checks that a block does nothing but return the error of p.
func (w *body) errorReturn(block *ast.BlockStmt, p *pendingError) {
	var ret *ast.ReturnStmt
	if len(block.List) == 1 {
		ret, _ = block.List[0].(*ast.ReturnStmt)
	}
	if ret == nil {
		at := ast.Node(block)
		if len(block.List) > 0 {
			at = block.List[0]
		}
		w.report(CodeJobErrorReturn, at, errorReturnHint, "the check of the error of %s does more than to return it", p.op)
		return
	}
	if len(ret.Results) == 0 {
		sig := w.g.Obj.Signature().Results()
		if sig.Len() == 0 || sig.At(sig.Len()-1) != p.obj {
			w.report(CodeJobErrorReturn, ret, errorReturnHint, "the error of %s is not returned", p.op)
		}
		return
	}
	last := len(ret.Results) - 1
	for _, e := range ret.Results[:last] {
		if call := w.firstCall(e); call != nil {
			w.report(CodeJobErrorReturn, call, "return the zero value with the error", "results that go with an error count for nothing: %s", source(call))
			return
		}
	}
	if !w.isFailure(ret.Results[last], p.obj) {
		w.report(CodeJobErrorReturn, ret.Results[last], errorReturnHint+`; wrapping it is fine: fmt.Errorf("...: %w", err)`, "the error of %s is not returned", p.op)
	}
}

// isFailure reports whether e is obj or an error made around it, and so is never nil where obj is not.
func (w *body) isFailure(e ast.Expr, obj types.Object) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return w.info.Uses[e] == obj
	case *ast.CallExpr:
		f := w.callee(e)
		if f == nil || f.Pkg() == nil {
			return false
		}
		switch f.Pkg().Path() + "." + f.Name() {
		case "fmt.Errorf", "errors.New":
		case "errors.Join":
			found := false
			for _, a := range e.Args {
				found = found || w.isFailure(a, obj)
			}
			if !found {
				return false
			}
		default:
			return false
		}
		for _, a := range e.Args {
			if w.callsOp(a) {
				return false
			}
		}
		return true
	}
	return false
}

// firstCall returns the first call in e that is not a conversion.
func (w *body) firstCall(e ast.Expr) (found *ast.CallExpr) {
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && found == nil && !w.conversion(call) && !w.constant(call) {
			found = call
		}
		return found == nil
	})
	return found
}

func (w *body) callsOp(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if f := w.callee(call); f != nil && w.b.funcs[f] != nil {
				found = true
			}
		}
		return !found
	})
	return found
}

// returnStmt reads where the results of the graph come from.
func (w *body) returnStmt(s *ast.ReturnStmt) *returned {
	defer w.unchecked()
	results := w.g.Results
	out := &returned{}
	if len(w.loops) > 0 {
		w.pending = nil
		w.report(CodeJobStatement, s, "collect what the elements give, and choose in an op behind the loop", "an iteration cannot end the %s: the steps of all elements run", w.what())
		return out
	}
	sig := w.g.Obj.Signature().Results()
	if len(s.Results) == 0 {
		if w.pending != nil && w.g.HasError && sig.At(sig.Len()-1) == w.pending.obj {
			w.pending = nil
		}
		for i, r := range results {
			v := w.scope.values[sig.At(i)]
			if v == nil || v.unset || v.maybe {
				w.report(CodeJobResult, s, "assign it from an op", "result %s is never set", r.GoName)
				v = brokenValue
			}
			out.values = append(out.values, v)
		}
		return out
	}
	total := len(results)
	if w.g.HasError {
		total++
	}
	if call, ok := ast.Unparen(s.Results[0]).(*ast.CallExpr); ok && len(s.Results) == 1 && w.plainCall(call) && (total > 1 || len(results) == 0) {
		return w.returnCall(call)
	}
	for i, r := range results {
		v := brokenValue
		if i < len(s.Results) {
			v = w.valueAs(s.Results[i], r.Type, "it returns")
			w.give(v, s.Results[i], "the caller")
		}
		out.values = append(out.values, v)
	}
	if w.g.HasError {
		w.returnedError(s.Results[len(s.Results)-1])
	}
	return out
}

// returnedError reads the error of a return: nil, the error of the call right above, or an op that returns nothing else.
func (w *body) returnedError(e ast.Expr) {
	if w.info.Types[e].IsNil() {
		return
	}
	if w.pending != nil && w.isFailureOrNil(e, w.pending.obj) {
		w.pending = nil
		return
	}
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok {
		w.unchecked()
		if w.isStep(w.callee(call)) {
			if node := w.call(call); node != nil && len(node.Func().Results) > 0 {
				w.report(CodeJobExpression, e, "assign its results first", "%s returns more than an error", node.Func().GoName)
			}
			return
		}
	}
	if id, ok := ast.Unparen(e).(*ast.Ident); ok && w.pending == nil {
		if obj := w.info.Uses[id]; obj != nil && obj.Parent() != w.own().Scope() && isError(obj.Type()) {
			return // it was checked before, and is nil here
		}
	}
	w.report(CodeJobErrorReturn, e, "return nil, or the error of an op", "a %s fails when a step fails, and in no other way: %s", w.what(), source(e))
}

// isFailureOrNil reports whether e is obj itself: wrapped, it would be an error even where obj is nil.
func (w *body) isFailureOrNil(e ast.Expr, obj types.Object) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && w.info.Uses[id] == obj
}

// returnCall reads "return Op(...)" where the op gives all results.
func (w *body) returnCall(call *ast.CallExpr) *returned {
	w.unchecked()
	node := w.call(call)
	out := &returned{}
	if node == nil {
		return out
	}
	fn := node.Func()
	if fn.HasError != w.g.HasError || len(fn.Results) != len(w.g.Results) {
		w.report(CodeJobType, call, "assign the results first, and return them one by one", "%s does not return what the %s returns", fn.GoName, w.what())
		return out
	}
	for i, r := range w.g.Results {
		t := fn.Results[i].Type
		v := &value{from: &Binding{Kind: FromNode, Type: t, Node: node, Output: i}, typ: t}
		out.values = append(out.values, w.convert(call, v, r.Type, "it returns"))
	}
	return out
}
