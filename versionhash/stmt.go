package versionhash

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
)

// params gives numbers to the parameters and results of a function and writes their types.
func (w *writer) params(ft *ast.FuncType, sig *types.Signature) {
	w.mark(mSignature)
	if sig == nil {
		w.mark(mBad)
		return
	}
	w.core = w.appendSignature(w.core, sig)
	w.syntaxOfFields(ft.Params)
	w.syntaxOfFields(ft.Results)
	// Numbered by position, so that naming one, or using _ for it, makes no difference.
	for _, t := range []*types.Tuple{sig.Params(), sig.Results()} {
		for v := range t.Variables() {
			w.local(v)
		}
	}
}

func (w *writer) syntaxOfFields(l *ast.FieldList) {
	if l == nil {
		return
	}
	for _, f := range l.List {
		for range max(1, len(f.Names)) {
			w.syntax(f.Type)
		}
	}
}

func (w *writer) body(b *ast.BlockStmt, sig *types.Signature) {
	if b == nil {
		w.mark(mNil)
		return
	}
	var results *types.Tuple
	if sig != nil {
		results = sig.Results()
	}
	w.results = append(w.results, results)
	w.block(b)
	w.results = w.results[:len(w.results)-1]
}

func (w *writer) block(b *ast.BlockStmt) {
	if b == nil {
		w.mark(mNil)
		return
	}
	w.mark(mBlock)
	w.stmts(b.List)
}

func (w *writer) stmts(list []ast.Stmt) {
	for _, s := range list {
		w.stmt(s)
	}
	w.mark(mEnd)
}

// optional writes a statement that may be missing.
func (w *writer) optional(s ast.Stmt) {
	if s == nil {
		w.mark(mNil)
		return
	}
	w.stmt(s)
	w.mark(mEnd)
}

func (w *writer) stmt(s ast.Stmt) {
	switch s := s.(type) {
	case nil, *ast.EmptyStmt:
	case *ast.ExprStmt:
		w.mark(mExprStmt)
		w.expr(s.X, useLook)
		w.drops(s.X)
	case *ast.AssignStmt:
		w.assign(s.Lhs, s.Rhs, s.Tok)
	case *ast.IncDecStmt:
		// x++ is x += 1.
		tok := token.ADD_ASSIGN
		if s.Tok == token.DEC {
			tok = token.SUB_ASSIGN
		}
		w.mark(mAssign)
		w.str(tok.String())
		w.expr(s.X, useSet)
		w.mark(mEnd)
		w.mark(mConst)
		w.typ(w.typeOf(s.X))
		w.core = appendConstant(w.core, constant.MakeInt64(1), w.typeOf(s.X))
		w.mark(mEnd)
	case *ast.DeclStmt:
		w.declaration(s.Decl)
	case *ast.SendStmt:
		w.mark(mSend)
		w.expr(s.Chan, useCall)
		w.expr(s.Value, useValue)
		if c, ok := under(w.typeOf(s.Chan)).(*types.Chan); ok {
			w.convertExpr(c.Elem(), s.Value)
		}
	case *ast.GoStmt:
		w.mark(mGo)
		w.expr(s.Call, useValue)
		w.drops(s.Call)
	case *ast.DeferStmt:
		w.mark(mDefer)
		w.expr(s.Call, useValue)
		w.drops(s.Call)
	case *ast.ReturnStmt:
		w.returns(s)
	case *ast.BranchStmt:
		w.mark(mBranch)
		w.str(s.Tok.String())
		w.label(s.Label)
	case *ast.BlockStmt:
		w.block(s)
	case *ast.IfStmt:
		w.mark(mIf)
		w.optional(s.Init)
		w.expr(s.Cond, useValue)
		w.block(s.Body)
		w.optional(s.Else)
	case *ast.SwitchStmt:
		w.mark(mSwitch)
		w.optional(s.Init)
		w.expr(s.Tag, useLook)
		w.cases(s.Body, s.Tag)
	case *ast.TypeSwitchStmt:
		w.typeSwitch(s)
	case *ast.SelectStmt:
		w.mark(mSelect)
		for _, c := range s.Body.List {
			if c, ok := c.(*ast.CommClause); ok {
				w.mark(mComm)
				w.optional(c.Comm)
				w.stmts(c.Body)
			}
		}
		w.mark(mEnd)
	case *ast.ForStmt:
		w.mark(mFor)
		w.optional(s.Init)
		w.expr(s.Cond, useValue)
		w.optional(s.Post)
		w.block(s.Body)
	case *ast.RangeStmt:
		w.ranges(s)
	case *ast.LabeledStmt:
		w.mark(mLabeled)
		w.label(s.Label)
		w.optional(s.Stmt)
	default:
		w.mark(mBad)
		w.bad(s, "", "")
	}
}

func (w *writer) label(id *ast.Ident) {
	if id == nil {
		w.mark(mNil)
		return
	}
	o := w.s.info.Uses[id]
	if o == nil {
		o = w.s.info.Defs[id]
	}
	if o == nil {
		w.mark(mName)
		w.str(id.Name)
		return
	}
	w.mark(mLocal)
	w.num(w.local(o))
}

// assign writes assignments and short declarations; `x := v` and `var x = v` are the same, and so are they with the type of v.
func (w *writer) assign(lhs, rhs []ast.Expr, tok token.Token) {
	if tok == token.ASSIGN || tok == token.DEFINE {
		w.mark(mDefine)
	} else {
		w.mark(mAssign)
		w.str(tok.String())
	}
	for _, l := range lhs {
		w.target(l, tok == token.DEFINE)
	}
	w.mark(mEnd)
	for _, r := range rhs {
		w.expr(r, useValue)
	}
	w.mark(mEnd)
	if !slices.ContainsFunc(lhs, func(e ast.Expr) bool { return !isBlank(e) }) {
		w.drops(rhs...)
	}
	dst := make([]types.Type, len(lhs))
	for i, l := range lhs {
		dst[i] = w.targetType(l)
	}
	w.assigned(dst, rhs)
}

// target writes the left side of an assignment: a variable, whether it is a new one, and its type.
func (w *writer) target(l ast.Expr, define bool) {
	if id, ok := ast.Unparen(l).(*ast.Ident); ok {
		if id.Name == "_" {
			w.mark(mBlank)
			return
		}
		if o, ok := w.s.info.Defs[id].(*types.Var); define && ok {
			w.variable(o)
			return
		}
	}
	w.expr(l, useSet)
}

// variable writes a new local variable.
func (w *writer) variable(o *types.Var) {
	w.mark(mVar)
	w.num(w.local(o))
	w.typ(o.Type())
}

func (w *writer) targetType(l ast.Expr) types.Type {
	if id, ok := ast.Unparen(l).(*ast.Ident); ok && id.Name == "_" {
		return nil
	}
	return w.typeOf(l)
}

// assigned notes the conversions of an assignment of rhs to variables of the given types.
func (w *writer) assigned(dst []types.Type, rhs []ast.Expr) {
	if len(rhs) == 1 && len(dst) > 1 {
		if t, ok := w.typeOf(rhs[0]).(*types.Tuple); ok {
			for i := range min(t.Len(), len(dst)) {
				w.convert(dst[i], t.At(i).Type())
			}
			return
		}
		w.convertExpr(dst[0], rhs[0]) // v, ok := ...
		return
	}
	for i := range min(len(dst), len(rhs)) {
		w.convertExpr(dst[i], rhs[i])
	}
}

func (w *writer) declaration(d ast.Decl) {
	g, ok := d.(*ast.GenDecl)
	if !ok {
		w.mark(mBad)
		return
	}
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			if g.Tok == token.VAR {
				w.localVars(spec)
			}
		case *ast.TypeSpec:
			w.localType(spec)
		}
	}
}

func (w *writer) localVars(spec *ast.ValueSpec) {
	w.mark(mDefine)
	var dst []types.Type
	for _, id := range spec.Names {
		o, ok := w.s.info.Defs[id].(*types.Var)
		if id.Name == "_" || !ok {
			w.mark(mBlank)
			if spec.Type != nil {
				dst = append(dst, w.typeOf(spec.Type))
			} else {
				dst = append(dst, nil)
			}
			continue
		}
		w.variable(o)
		dst = append(dst, o.Type())
	}
	w.mark(mEnd)
	for _, v := range spec.Values {
		w.expr(v, useValue)
	}
	w.mark(mEnd)
	if spec.Type != nil {
		w.syntax(spec.Type)
	}
	w.assigned(dst, spec.Values)
}

// localType writes a type declared in a function: its name shows in %T, so it counts.
func (w *writer) localType(spec *ast.TypeSpec) {
	o, ok := w.s.info.Defs[spec.Name].(*types.TypeName)
	if !ok || o.IsAlias() {
		return
	}
	w.mark(mLocalType)
	w.num(w.local(o))
	w.str(o.Name())
	w.typeExpr(spec.Type, w.typeOf(spec.Type))
}

func (w *writer) returns(s *ast.ReturnStmt) {
	w.mark(mReturn)
	for _, r := range s.Results {
		w.expr(r, useValue)
	}
	w.mark(mEnd)
	if len(w.results) == 0 || w.results[len(w.results)-1] == nil {
		return
	}
	results := w.results[len(w.results)-1]
	dst := make([]types.Type, results.Len())
	for i := range dst {
		dst[i] = results.At(i).Type()
	}
	w.assigned(dst, s.Results)
}

func (w *writer) cases(body *ast.BlockStmt, tag ast.Expr) {
	var t types.Type
	if tag != nil {
		t = w.typeOf(tag)
	}
	for _, c := range body.List {
		c, ok := c.(*ast.CaseClause)
		if !ok {
			continue
		}
		w.mark(mCase)
		w.bool(c.List == nil)
		for _, x := range c.List {
			w.expr(x, useLook)
			if t != nil {
				w.convert(t, w.typeOf(x))
				w.convert(w.typeOf(x), t)
			}
		}
		w.mark(mEnd)
		w.stmts(c.Body)
	}
	w.mark(mEnd)
}

func (w *writer) typeSwitch(s *ast.TypeSwitchStmt) {
	w.mark(mTypeSwitch)
	w.optional(s.Init)
	switch a := s.Assign.(type) {
	case *ast.AssignStmt:
		if len(a.Rhs) == 1 {
			w.expr(a.Rhs[0], useValue)
		}
	case *ast.ExprStmt:
		w.expr(a.X, useValue)
	}
	for _, c := range s.Body.List {
		c, ok := c.(*ast.CaseClause)
		if !ok {
			continue
		}
		w.mark(mCase)
		w.bool(c.List == nil)
		for _, x := range c.List {
			w.expr(x, useValue)
		}
		w.mark(mEnd)
		// The variable of the switch is another one in each clause; one that is not used has no number.
		if o := w.s.info.Implicits[c]; o != nil {
			w.local(o)
		}
		w.stmts(c.Body)
	}
	w.mark(mEnd)
}

func (w *writer) ranges(s *ast.RangeStmt) {
	w.mark(mRange)
	x := w.typeOf(s.X)
	k, v := rangeTypes(x)
	u := useLook
	if mutable(k, nil) || mutable(v, nil) {
		u = useValue
	}
	if _, ok := under(x).(*types.Chan); ok {
		u = useCall
	}
	w.expr(s.X, u)
	// `for range x`, `for _ = range x` and `for _, _ = range x` are the same, and so on.
	key, value := s.Key, s.Value
	if isBlank(value) {
		value = nil
	}
	if isBlank(key) && value == nil {
		key = nil
	}
	for _, l := range []ast.Expr{key, value} {
		if l == nil {
			w.mark(mNil)
			continue
		}
		w.target(l, s.Tok == token.DEFINE)
	}
	if key != nil {
		w.convert(w.targetType(key), k)
	}
	if value != nil {
		w.convert(w.targetType(value), v)
	}
	w.block(s.Body)
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// rangeTypes returns the types of the iteration values.
func rangeTypes(t types.Type) (k, v types.Type) {
	switch u := under(t).(type) {
	case *types.Basic:
		if u.Info()&types.IsString != 0 {
			return types.Typ[types.Int], types.Typ[types.Rune]
		}
		return t, nil
	case *types.Slice:
		return types.Typ[types.Int], u.Elem()
	case *types.Array:
		return types.Typ[types.Int], u.Elem()
	case *types.Pointer:
		if a, ok := under(u.Elem()).(*types.Array); ok {
			return types.Typ[types.Int], a.Elem()
		}
	case *types.Map:
		return u.Key(), u.Elem()
	case *types.Chan:
		return u.Elem(), nil
	case *types.Signature:
		if u.Params().Len() == 1 {
			if yield, ok := under(u.Params().At(0).Type()).(*types.Signature); ok {
				if n := yield.Params().Len(); n > 0 {
					k = yield.Params().At(0).Type()
					if n > 1 {
						v = yield.Params().At(1).Type()
					}
				}
			}
		}
	}
	return k, v
}
