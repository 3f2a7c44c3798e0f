package model

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"

	"github.com/dagstergen/dagstergen/internal/diag"
)

// buildJobs reads the body of each job into its graph.
func (b *builder) buildJobs() {
	for _, p := range b.m.Packages {
		for _, j := range p.Jobs {
			if j.Broken {
				continue
			}
			w := &body{b: b, j: j, info: p.Info, values: map[types.Object]*value{}, params: map[types.Object]*Param{}, keys: map[string]bool{}}
			w.read()
			if w.failed {
				j.Broken = true
			}
		}
	}
}

// A body reads the statements of a job in order. What it cannot read it reports, with what to do instead; then it goes on.
type body struct {
	b    *builder
	j    *Job
	info *types.Info

	params  map[types.Object]*Param
	values  map[types.Object]*value // variables that hold data; nil while they hold nothing yet
	pending *pendingError
	keys    map[string]bool
	done    bool // the final return was read
	failed  bool
}

// A value is what an expression stands for.
type value struct {
	from   *Binding
	typ    types.Type
	broken bool // an error was reported
}

// A pendingError is the error of a call that the next statement has to check.
type pendingError struct {
	obj  types.Object
	call ast.Node
	op   string
}

func (w *body) report(code string, n ast.Node, hint, format string, args ...any) *diag.Diagnostic {
	w.failed = true
	d := w.b.report(w.j.Pkg, code, n.Pos(), n.End(), hint, format, args...)
	d.Message = "job " + w.j.GoName + ": " + d.Message
	return d
}

// source returns the text of an expression on one line.
func source(e ast.Expr) string {
	const most = 60
	s := types.ExprString(e)
	if rs := []rune(s); len(rs) > most {
		s = string(rs[:most-3]) + "..."
	}
	return "`" + s + "`"
}

func (w *body) read() {
	node := w.j.Node
	if node.Body == nil {
		w.report(CodeJobStatement, node.Name, "write it in Go", "it has no body to read the graph from")
		return
	}
	for _, e := range w.j.Pkg.Errors {
		if node.Body.Pos() <= e.Pos && e.Pos < node.Body.End() {
			w.failed = true // the body does not compile; type errors are shown by themselves
			return
		}
	}
	sig := w.j.Obj.Signature()
	for i, p := range w.j.Params {
		w.params[sig.Params().At(i)] = p
	}
	if w.j.Recv != nil {
		w.params[sig.Recv()] = w.j.Recv
	}
	for i := range sig.Results().Len() {
		w.values[sig.Results().At(i)] = nil
	}
	w.block(node.Body.List)
	w.unchecked()
	if !w.failed && len(w.j.Nodes) == 0 {
		w.report(CodeJobEmpty, node.Name, "call functions marked //dag:op", "it calls no op")
	}
}

// unchecked reports a pending error that the statement just reached does not check.
func (w *body) unchecked() {
	if p := w.pending; p != nil {
		w.pending = nil
		w.report(CodeJobUnchecked, p.call, "check it in the next statement: if err != nil { return ..., err }", "the error of %s is not checked right after the call", p.op)
	}
}

func (w *body) block(list []ast.Stmt) {
	for _, s := range list {
		if w.done {
			w.report(CodeJobStatement, s, "remove it", "this statement is never reached")
			return
		}
		w.statement(s)
	}
}

func (w *body) statement(s ast.Stmt) {
	switch s := s.(type) {
	case *ast.EmptyStmt:
	case *ast.IfStmt:
		w.ifStmt(s)
	case *ast.ReturnStmt:
		w.finalReturn(s)
	case *ast.AssignStmt:
		w.unchecked()
		w.assign(s)
	case *ast.DeclStmt:
		w.unchecked()
		w.declaration(s)
	case *ast.ExprStmt:
		w.unchecked()
		w.expression(s)
	case *ast.BlockStmt:
		w.block(s.List)
	default:
		w.unchecked()
		what, hint := refused(s)
		w.report(CodeJobStatement, s, hint, "%s", what)
	}
}

// refused says what a statement is and what to write instead.
func refused(s ast.Stmt) (what, hint string) {
	switch s.(type) {
	case *ast.ForStmt, *ast.RangeStmt:
		return "a job has no loops", "move the loop into an op, or call the op once for each element"
	case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		return "a job has no branches", "move the decision into an op"
	case *ast.GoStmt:
		return "a job starts no goroutines: its steps run in parallel by themselves", "call the op without go"
	case *ast.DeferStmt:
		return "a job defers nothing: its steps run elsewhere", "clean up in the op, or in the cleanup func of a resource"
	case *ast.IncDecStmt:
		return "a job does not compute", "move the computation into an op"
	case *ast.SendStmt:
		return "a job has no channels", "pass values as arguments of ops"
	case *ast.LabeledStmt, *ast.BranchStmt:
		return "a job has no jumps", "write the calls one after the other"
	}
	return "a job cannot do this", "move it into an op"
}

// set gives the variable that lhs names a value; a nil value is one after an error.
func (w *body) set(lhs ast.Expr, v *value) {
	id, ok := ast.Unparen(lhs).(*ast.Ident)
	if !ok {
		w.report(CodeJobExpression, lhs, "assign to a variable, and build the value in an op", "%s is not a variable", source(lhs))
		return
	}
	if id.Name == "_" {
		return
	}
	if obj := w.object(id); obj != nil {
		if obj.Parent() == w.j.Pkg.Types.Scope() {
			w.report(CodeJobExpression, lhs, "return it as a result", "it sets the package variable %s, which its steps would not see", id.Name)
		}
		w.values[obj] = v
	}
}

func (w *body) object(id *ast.Ident) types.Object {
	if obj := w.info.Defs[id]; obj != nil {
		return obj
	}
	return w.info.Uses[id]
}

var brokenValue = &value{broken: true}

func (w *body) assign(s *ast.AssignStmt) {
	if s.Tok != token.ASSIGN && s.Tok != token.DEFINE {
		w.report(CodeJobExpression, s, "move the computation into an op", "a job does not compute: %s %s %s", source(s.Lhs[0]), s.Tok, source(s.Rhs[0]))
		return
	}
	w.pairs(s.Lhs, s.Rhs, nil)
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
			w.report(CodeJobStatement, spec, "declare it outside of the job", "a job declares no types")
			continue
		}
		var names []ast.Expr
		for _, n := range v.Names {
			names = append(names, n)
		}
		if len(v.Values) == 0 {
			for _, n := range v.Names {
				if obj := w.info.Defs[n]; obj != nil {
					w.values[obj] = nil
				}
			}
			continue
		}
		var declared types.Type
		if v.Type != nil {
			declared = w.info.TypeOf(v.Type)
		}
		w.pairs(names, v.Values, declared)
	}
}

// pairs assigns: the results of one call to many, or one to one. declared is the type a var declaration gives, or nil.
func (w *body) pairs(lhs, rhs []ast.Expr, declared types.Type) {
	if len(rhs) == 1 {
		if call, ok := ast.Unparen(rhs[0]).(*ast.CallExpr); ok && !w.constant(rhs[0]) && !w.conversion(call) {
			w.callInto(lhs, call, declared)
			return
		}
	}
	if len(lhs) != len(rhs) { // v, ok := m[k]
		w.computes(ast.Unparen(rhs[0]))
		for _, l := range lhs {
			w.set(l, brokenValue)
		}
		return
	}
	values := make([]*value, len(rhs))
	for i, e := range rhs {
		t := declared
		if t == nil {
			t = w.info.TypeOf(e)
			if i < len(lhs) {
				if lt := w.info.TypeOf(lhs[i]); lt != nil { // the variable's own type: an untyped constant takes it
					t = lt
				}
			}
		}
		if i < len(lhs) && isBlank(lhs[i]) {
			t = types.Default(w.info.TypeOf(e))
		}
		values[i] = w.value(e, t)
	}
	for i := range lhs {
		w.set(lhs[i], values[i])
	}
}

func isBlank(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	return ok && id.Name == "_"
}

func (w *body) constant(e ast.Expr) bool { return w.info.Types[e].Value != nil }

func (w *body) conversion(call *ast.CallExpr) bool { return w.info.Types[call.Fun].IsType() }

// callInto reads "a, b, err := Op(...)".
func (w *body) callInto(lhs []ast.Expr, call *ast.CallExpr, declared types.Type) {
	node := w.call(call)
	if node == nil {
		for _, l := range lhs {
			w.set(l, brokenValue)
		}
		return
	}
	op := node.Op
	for i, l := range lhs {
		if i >= len(op.Outputs) { // the error
			if isBlank(l) {
				w.report(CodeJobUnchecked, l, "give it a name and return it: if err != nil { return ..., err }", "the error of %s is dropped", op.GoName)
				continue
			}
			if id, ok := ast.Unparen(l).(*ast.Ident); ok {
				w.pending = &pendingError{obj: w.object(id), call: call, op: op.GoName}
			} else {
				w.set(l, brokenValue)
			}
			continue
		}
		out := op.Outputs[i]
		if lt := w.info.TypeOf(l); !isBlank(l) && lt != nil && !types.Identical(lt, out.Type) || declared != nil && !types.Identical(declared, out.Type) {
			if lt == nil {
				lt = declared
			}
			w.converted(l, op.GoName+" returns", out.Type, lt)
			w.set(l, brokenValue)
			continue
		}
		w.set(l, &value{from: &Binding{Node: node, Output: i}, typ: out.Type})
	}
}

// converted reports a value that Go would convert silently on its way.
func (w *body) converted(n ast.Node, what string, from, to types.Type) {
	pkg := w.j.Pkg.Types
	w.report(CodeJobType, n, "make the two types the same", "%s %s, which Go would convert to %s on the way: stored values keep their own type", what, Short(from, pkg), Short(to, pkg))
}

// expression reads a call whose results nobody takes.
func (w *body) expression(s *ast.ExprStmt) {
	call, ok := ast.Unparen(s.X).(*ast.CallExpr)
	if !ok {
		w.report(CodeJobStatement, s, "remove it", "%s does nothing", source(s.X))
		return
	}
	node := w.call(call)
	if node != nil && node.Op.HasError {
		w.report(CodeJobUnchecked, s, "write: if err := "+types.ExprString(call.Fun)+"(...); err != nil { return ..., err }", "the error of %s is dropped", node.Op.GoName)
	}
}

// addNode gives the call of op the next free key of its name.
func (w *body) addNode(n *Node) {
	n.Key = n.Op.Key
	for i := 2; w.keys[n.Key]; i++ {
		n.Key = n.Op.Key + "_" + strconv.Itoa(i)
	}
	w.keys[n.Key] = true
	w.j.Nodes = append(w.j.Nodes, n)
}
