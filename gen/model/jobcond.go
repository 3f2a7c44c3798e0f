package model

import (
	"go/ast"
	"go/token"
	"go/types"
)

// A condition is made as Go makes it: what stands right of && and || is looked at only where it counts, so that `p != nil && p.Ready` never
// looks into a nil p. It is one expression over the values that it begins with.
type condition struct {
	w     *body
	parts []*Binding
	bad   bool
}

// part is the expression of a value.
func (c *condition) part(b *Binding) *Expr {
	for i, p := range c.parts {
		if p == b {
			return &Expr{Kind: ExprPart, Part: i}
		}
	}
	c.parts = append(c.parts, b)
	return &Expr{Kind: ExprPart, Part: len(c.parts) - 1}
}

// conditionValue reads a bool expression that is more than a value.
func (w *body) conditionValue(e ast.Expr) *value {
	c := &condition{w: w}
	x := c.read(e)
	if c.bad {
		w.fail()
		return brokenValue
	}
	t := w.info.TypeOf(e)
	if b, ok := t.(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
		t = types.Typ[types.Bool]
	}
	return &value{from: c.binding(x, t, text(e, 200)), typ: t}
}

func (c *condition) binding(x *Expr, t types.Type, name string) *Binding {
	if !types.Identical(t, types.Typ[types.Bool]) {
		x = &Expr{Kind: ExprConvert, Type: t, Args: []*Expr{x}}
	}
	return &Binding{Kind: FromParts, Type: t, Name: name, Parts: c.parts, Expr: x}
}

// when reads the condition of a branch: a binding of type bool, or nil after an error.
func (w *body) when(e ast.Expr) *Binding {
	v := w.value(e, types.Typ[types.Bool])
	if v.broken {
		w.fail()
		return nil
	}
	if !types.Identical(v.typ, types.Typ[types.Bool]) {
		return conversion(v.from, types.Typ[types.Bool])
	}
	return v.from
}

func (c *condition) fail() *Expr {
	c.bad = true
	return nil
}

func (c *condition) read(e ast.Expr) *Expr {
	e = ast.Unparen(e)
	w := c.w
	if w.info.TypeOf(e) == nil {
		return c.fail() // does not compile
	}
	if lit := w.literal(e, w.info.TypeOf(e)); lit != nil && lit.Const != nil {
		return &Expr{Kind: ExprLiteral, Lit: lit}
	}
	switch x := e.(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			return c.combine(&Expr{Kind: ExprNot}, c.read(x.X))
		}
	case *ast.BinaryExpr:
		switch x.Op {
		case token.LAND, token.LOR:
			left := c.read(x.X)
			w.conditional++
			right := c.read(x.Y)
			w.conditional--
			return c.combine(&Expr{Kind: ExprBinary, Op: x.Op}, left, right)
		case token.EQL, token.NEQ:
			return c.compare(x)
		}
	}
	return c.operand(e)
}

func (c *condition) combine(x *Expr, args ...*Expr) *Expr {
	for _, a := range args {
		if a == nil {
			return c.fail()
		}
	}
	x.Args = args
	return x
}

// operand reads a value, or a part of one.
func (c *condition) operand(e ast.Expr) *Expr {
	w := c.w
	root, steps := w.pathOf(e)
	v := w.operand(root)
	if v.broken {
		return c.fail()
	}
	x := c.part(v.from)
	for _, s := range steps {
		if x, _ = w.pathExpr(x, s, c.part); x == nil {
			return c.fail()
		}
	}
	return x
}

// compare reads a comparison with a constant or with nil.
func (c *condition) compare(e *ast.BinaryExpr) *Expr {
	w := c.w
	x, y := ast.Unparen(e.X), ast.Unparen(e.Y)
	if tv := w.info.Types[x]; tv.IsNil() || tv.Value != nil {
		x, y = y, x
	}
	if id, ok := x.(*ast.Ident); ok && isError(w.info.TypeOf(id)) {
		w.report(CodeJobUnchecked, e, "write: if err != nil { return ..., err }", "an error is checked in the statement behind the call, and returned")
		return c.fail()
	}
	t := w.info.TypeOf(x)
	tv := w.info.Types[y]
	if t == nil {
		return c.fail()
	}
	if elem, _ := StreamElem(t); elem != nil {
		w.report(CodeJobExpression, e, "ask in an op that takes the stream", "a %s knows nothing of what is in a stream: %s", w.what(), source(e))
		return c.fail()
	}
	if tv.IsNil() {
		left := c.operand(x)
		return c.combine(&Expr{Kind: ExprBinary, Op: e.Op}, left, &Expr{Kind: ExprNil})
	}
	if _, basic := t.Underlying().(*types.Basic); !basic || tv.Value == nil {
		w.report(CodeJobExpression, e, "compare them in an op that returns a bool", "a %s compares values with constants and nil alone: %s", w.what(), source(e))
		return c.fail()
	}
	lit := w.literal(y, t)
	if lit == nil {
		return c.fail()
	}
	return c.combine(&Expr{Kind: ExprBinary, Op: e.Op}, c.operand(x), &Expr{Kind: ExprLiteral, Lit: lit})
}
