package model

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
)

// A step of a path into a value: a field, an index, or what a pointer points to.
type pathStep struct {
	expr  ast.Expr
	field *types.Var
	index []int // of the selection, embedded fields included
	base  types.Type
	at    ast.Expr // of an index
}

// isPath reports whether e takes a part out of a value: x.F, x[i], *x.
func (w *body) isPath(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.SelectorExpr:
		sel := w.info.Selections[e]
		return sel != nil && sel.Kind() == types.FieldVal
	case *ast.IndexExpr:
		if w.info.Types[e.X].IsValue() {
			switch t := w.info.TypeOf(e.X).Underlying().(type) {
			case *types.Slice, *types.Array, *types.Map:
				return true
			case *types.Pointer:
				_, array := t.Elem().Underlying().(*types.Array)
				return array
			}
		}
	case *ast.StarExpr:
		return w.info.Types[e].IsValue()
	}
	return false
}

// pathOf splits e into what it begins with and the steps into it.
func (w *body) pathOf(e ast.Expr) (root ast.Expr, steps []pathStep) {
	e = ast.Unparen(e)
	if !w.isPath(e) {
		return e, nil
	}
	var inner ast.Expr
	step := pathStep{expr: e}
	switch x := e.(type) {
	case *ast.SelectorExpr:
		inner = x.X
		if star, ok := ast.Unparen(inner).(*ast.StarExpr); ok { // (*p).F is p.F
			inner = star.X
		}
		sel := w.info.Selections[x]
		step.field, _ = sel.Obj().(*types.Var)
		step.index = sel.Index()
	case *ast.IndexExpr:
		inner, step.at = x.X, x.Index
	case *ast.StarExpr:
		inner = x.X
	}
	step.base = w.info.TypeOf(inner)
	root, steps = w.pathOf(inner)
	return root, append(steps, step)
}

// pathValue reads a projection.
func (w *body) pathValue(e ast.Expr) *value {
	root, steps := w.pathOf(e)
	base := w.operand(root)
	if base.broken {
		return base
	}
	b := &Binding{Kind: FromField, Type: w.info.TypeOf(e), Parts: []*Binding{base.from}, Expr: &Expr{Kind: ExprPart}}
	for len(steps) > 0 { // a part of what is built here is that part
		part := builtPart(b.Parts[0], steps[0])
		if part == nil {
			break
		}
		b.Parts[0], steps = part, steps[1:]
	}
	if len(steps) == 0 {
		return &value{from: b.Parts[0], typ: b.Type}
	}
	if p := b.Parts[0]; p.Kind == FromField { // a part of a part is one path
		b.Parts, b.Expr, b.Name = append([]*Binding(nil), p.Parts...), p.Expr, p.Name
	}
	for _, s := range steps {
		expr, name := w.pathExpr(b.Expr, s, func(v *Binding) *Expr {
			b.Parts = append(b.Parts, v)
			return &Expr{Kind: ExprPart, Part: len(b.Parts) - 1}
		})
		if expr == nil {
			w.fail()
			return brokenValue
		}
		b.Expr, b.Name = expr, b.Name+name
	}
	if !w.storable(e, b.Type) {
		return brokenValue
	}
	return &value{from: b, typ: b.Type}
}

// pathExpr writes one step behind base and names it. index is asked for the expression of an index that is no constant.
func (w *body) pathExpr(base *Expr, s pathStep, index func(*Binding) *Expr) (*Expr, string) {
	switch x := s.expr.(type) {
	case *ast.SelectorExpr:
		name := ""
		t := s.base
		for _, i := range s.index { // embedded fields on the way have their names in the path
			if p := pointerElem(t); p != nil {
				t = p
			} else if p, ok := t.Underlying().(*types.Pointer); ok {
				t = p.Elem()
			}
			f := t.Underlying().(*types.Struct).Field(i)
			name += "." + f.Name()
			t = f.Type()
		}
		return &Expr{Kind: ExprField, Name: x.Sel.Name, Field: s.field, Args: []*Expr{base}}, name
	case *ast.StarExpr:
		return &Expr{Kind: ExprDeref, Args: []*Expr{base}}, "*"
	}
	want := types.Type(types.Typ[types.Int])
	if m, ok := s.base.Underlying().(*types.Map); ok {
		want = m.Key()
	}
	v := w.indexOf(s.at, want)
	if v == nil {
		return nil, ""
	}
	if v.Kind == FromLiteral && v.Lit.Const != nil {
		return &Expr{Kind: ExprIndex, Args: []*Expr{base, {Kind: ExprLiteral, Lit: v.Lit}}}, "[" + v.Lit.Const.ExactString() + "]"
	}
	return &Expr{Kind: ExprIndex, Args: []*Expr{base, index(v)}}, "[*]"
}

// builtPart returns the part of b that a step takes, where b is a composite literal of the body that has it.
func builtPart(b *Binding, s pathStep) *Binding {
	sel, isField := s.expr.(*ast.SelectorExpr)
	if b.Kind != FromParts || b.Expr.Kind != ExprBuild || !isField || len(s.index) != 1 {
		return nil
	}
	for _, f := range b.Expr.Fields {
		if f.Name == sel.Sel.Name && f.Value.Kind == ExprPart {
			return b.Parts[f.Value.Part]
		}
	}
	return nil
}

// storable reports a type that steps could not hand on.
func (w *body) storable(e ast.Node, t types.Type) bool {
	return w.sound(e, t, w.b.storeProblem(t, w.own()))
}

// storableData is storable for a parameter or result of an op.
func (w *body) storableData(e ast.Node, t types.Type) bool {
	return w.sound(e, t, w.b.dataProblem(t, w.own()))
}

func (w *body) sound(e ast.Node, t types.Type, p *storeProblem) bool {
	if p == nil {
		return true
	}
	w.fail()
	fix := p.fix
	if fix == "" {
		fix = "take what matters out of it inside an op"
	}
	w.b.unstorable(&w.g.Func, e.Pos(), w.what()+" "+w.g.GoName+": this value is of type "+Short(t, w.own())+", which cannot be stored exactly", p, fix)
	return false
}

// A build is a composite literal in the making.
type build struct {
	t     types.Type
	addr  bool
	parts []*Binding
	pairs []ExprPair
	name  string
}

func newBuild(t types.Type) *build { return &build{t: t} }

func (b *build) part(v *Binding) *Expr {
	b.parts = append(b.parts, v)
	return &Expr{Kind: ExprPart, Part: len(b.parts) - 1}
}

func (b *build) more(s string) {
	if s != "" && b.name != "" {
		b.name += ","
	}
	b.name += s
}

func (b *build) field(f *types.Var, v *Binding) {
	b.more(f.Name())
	b.pairs = append(b.pairs, ExprPair{Name: f.Name(), Field: f, Value: b.part(v)})
}

func (b *build) element(i int64, v *Binding) {
	b.more(strconv.FormatInt(i, 10))
	b.pairs = append(b.pairs, ExprPair{Index: i, Value: b.part(v)})
}

func (b *build) entry(k, v *Binding) {
	b.pairs = append(b.pairs, ExprPair{Key: b.part(k), Value: b.part(v)})
}

// binding is the literal as a value. Its name says what is built and which parts it has, so that equal names and equal parts are equal values.
func (b *build) binding() *Binding {
	out := &Binding{Kind: FromParts, Type: b.t, Parts: b.parts, Expr: &Expr{Kind: ExprBuild, Type: b.t, Addr: b.addr, Fields: b.pairs}}
	prefix := ""
	if b.addr {
		prefix = "&"
		out.Type = types.NewPointer(b.t)
	}
	out.Name = prefix + TypeName(b.t) + "{" + b.name + "}"
	return out
}

// compositeValue reads T{...} or &T{...} with values in it.
func (w *body) compositeValue(e *ast.CompositeLit, addr bool) *value {
	t := w.info.TypeOf(e)
	if t == nil || Invalid(t) {
		w.fail()
		return brokenValue
	}
	if elem := pointerElem(t); elem != nil { // {...} in a []*T
		t, addr = elem, true
	}
	b := newBuild(t)
	b.addr = addr
	good := true
	read := func(x ast.Expr, t types.Type) *Binding {
		v := w.valueAs(x, t, "the literal receives")
		if v.broken {
			good = false
			return nil
		}
		w.give(v, x, "a literal")
		return v.from
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for i, x := range e.Elts {
			field, x := w.fieldOf(u, i, x)
			if field == nil {
				good = false
				continue
			}
			b.field(field, read(x, field.Type()))
		}
	case *types.Slice:
		good = w.buildElements(b, e, u.Elem(), read)
	case *types.Array:
		good = w.buildElements(b, e, u.Elem(), read)
	case *types.Map:
		for _, x := range e.Elts {
			kv, ok := x.(*ast.KeyValueExpr)
			if !ok {
				good = false
				continue
			}
			k := read(kv.Key, u.Key())
			b.entry(k, read(kv.Value, u.Elem()))
		}
	default:
		good = false
	}
	if !good || !w.storable(e, t) {
		w.fail()
		return brokenValue
	}
	out := b.binding()
	return &value{from: out, typ: out.Type, mem: w.literalMemory(out.Type, false)}
}

func (w *body) buildElements(b *build, e *ast.CompositeLit, elem types.Type, read func(ast.Expr, types.Type) *Binding) bool {
	next, good := int64(0), true
	for _, x := range e.Elts {
		if kv, ok := x.(*ast.KeyValueExpr); ok {
			if i, ok := w.constantIndex(kv.Key); ok {
				next = i
			} else {
				good = false
			}
			x = kv.Value
		}
		v := read(x, elem)
		good = good && v != nil
		b.element(next, v)
		next++
	}
	return good
}

// fieldOf returns the field that element i of a struct literal is for, and its value.
func (w *body) fieldOf(s *types.Struct, i int, x ast.Expr) (*types.Var, ast.Expr) {
	if kv, ok := x.(*ast.KeyValueExpr); ok {
		if id, ok := kv.Key.(*ast.Ident); ok {
			f, _ := w.info.Uses[id].(*types.Var)
			return f, kv.Value
		}
		return nil, x
	}
	if i < s.NumFields() {
		return s.Field(i), x
	}
	return nil, x
}

// constantIndex is the value of a constant index of a literal.
func (w *body) constantIndex(e ast.Expr) (int64, bool) {
	v := w.info.Types[e].Value
	if v == nil {
		return 0, false
	}
	return constant.Int64Val(constant.ToInt(v))
}

// isLogic reports whether op makes a bool in a way that bodies know.
func isLogic(op token.Token) bool {
	return op == token.LAND || op == token.LOR || op == token.EQL || op == token.NEQ
}
