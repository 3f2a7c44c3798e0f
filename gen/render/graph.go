package render

import (
	"go/types"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/gen/model"
)

// graph writes the block of a graph.
func (r *renderer) graph(f *jen.File, g *model.Graph) {
	if g.Pkg == r.p {
		r.guard(f, &g.Func)
	}
	f.Line()
	f.Var().Id("_dagGraph" + r.graphs[g]).Op("=").Op("&").Add(r.dag("GraphDef")).Add(multi(r.graphFields(g)...))
	r.graphHandle(f, g)
}

func (r *renderer) graphFields(g *model.Graph) []jen.Code {
	var l fieldList
	l.text("Key", g.Key)
	l.text("Symbol", g.Symbol)
	l.text("Description", g.Description)
	var params, nodes, outputs []jen.Code
	for i, p := range g.In {
		var pf fieldList
		pf.text("Name", p.Name)
		pf.add("Type", r.dataType(p.Type))
		if c := g.Configs[i]; c != nil {
			pf.add("Config", jen.Id("_dagConfig"+r.configs[c]))
		}
		params = append(params, jen.Values(pf...))
	}
	if len(params) > 0 {
		l.add("Params", jen.Index().Add(r.dag("JobParam")).Add(multi(params...)))
	}
	for _, n := range g.Nodes {
		nodes = append(nodes, r.node(g, n))
	}
	l.add("Nodes", jen.Index().Add(r.dag("Node")).Add(multi(nodes...)))
	if len(g.Body) < len(g.Nodes) {
		l.numbers("Body", g.Body)
	}
	for _, o := range g.Outputs {
		outputs = append(outputs, jen.Values(field("Name", jen.Lit(o.Name)), field("Type", r.dataType(o.Type)), field("From", r.bound(g, o.From))))
	}
	if len(outputs) > 0 {
		l.add("Outputs", jen.Index().Add(r.dag("JobOutput")).Add(multi(outputs...)))
	}
	l.flag("Configured", g.Configured)
	return l
}

// numbers writes nodes as their numbers in the graph.
func (l *fieldList) numbers(name string, nodes []*model.Node) {
	if len(nodes) == 0 {
		return
	}
	var list []jen.Code
	for _, n := range nodes {
		list = append(list, jen.Lit(n.Index))
	}
	l.add(name, jen.Index().Int().Values(list...))
}

func (r *renderer) node(g *model.Graph, n *model.Node) jen.Code {
	var l fieldList
	l.text("Key", n.Key)
	switch {
	case n.Op != nil:
		l.add("Op", jen.Id("_dagOp"+r.ops[n.Op]))
	case n.Graph != nil:
		l.add("Graph", jen.Id("_dagGraph"+r.graphs[n.Graph]))
	case n.Map != nil:
		l.add("Map", r.mapping(g, n.Map))
	case n.Branch != nil:
		l.add("Branch", r.branch(g, n.Branch))
	}
	var inputs []jen.Code
	for _, in := range n.Inputs {
		inputs = append(inputs, jen.Values(r.binding(g, in, false)...))
	}
	if len(inputs) > 0 {
		l.add("Inputs", jen.Index().Add(r.dag("Binding")).Add(multi(inputs...)))
	}
	if n.Config != nil {
		l.add("Config", jen.Op("&").Add(r.bound(g, n.Config)))
	}
	l.numbers("After", n.After)
	r.running(&l, &n.With)
	l.text("Pos", g.File+":"+g.GoName) // without a line, which an edit above it would move
	return jen.Add(multi(l...))
}

func (r *renderer) mapping(g *model.Graph, m *model.Map) jen.Code {
	var l fieldList
	l.add("Over", r.derived(g, m.Over))
	if m.Key != nil {
		l.add("Key", jen.Op("&").Add(r.derived(g, m.Key)))
	}
	l.numbers("Body", m.Body)
	var carried []jen.Code
	for _, c := range m.Carried {
		carried = append(carried, multi(field("Name", jen.Lit(c.Name)), field("Type", r.dataType(c.Type)), field("Init", r.derived(g, c.Init)), field("Next", r.derived(g, c.Next))))
	}
	if len(carried) > 0 {
		l.add("Carried", jen.Index().Add(r.dag("Carried")).Add(multi(carried...)))
	}
	return jen.Op("&").Add(r.dag("Map")).Add(multi(l...))
}

func (r *renderer) branch(g *model.Graph, b *model.Branch) jen.Code {
	var l fieldList
	var arms, outputs []jen.Code
	for _, a := range b.Arms {
		var al fieldList
		if a.When != nil {
			al.add("When", jen.Op("&").Add(r.derived(g, a.When)))
		}
		al.numbers("Body", a.Body)
		var yields []jen.Code
		for _, y := range a.Yields {
			yields = append(yields, jen.Values(r.binding(g, y, true)...))
		}
		if len(yields) > 0 {
			al.add("Yields", jen.Index().Add(r.dag("Binding")).Add(multi(yields...)))
		}
		if len(al) == 0 {
			arms = append(arms, jen.Values())
			continue
		}
		arms = append(arms, multi(al...))
	}
	l.add("Arms", jen.Index().Add(r.dag("Arm")).Add(multi(arms...)))
	for _, o := range b.Outputs {
		outputs = append(outputs, jen.Values(field("Name", jen.Lit(o.Name)), field("Type", r.dataType(o.Type))))
	}
	if len(outputs) > 0 {
		l.add("Outputs", jen.Index().Add(r.dag("BranchOutput")).Add(multi(outputs...)))
	}
	return jen.Op("&").Add(r.dag("Branch")).Add(multi(l...))
}

// bound writes a binding whose place says its type.
func (r *renderer) bound(g *model.Graph, b *model.Binding) *jen.Statement {
	return r.dag("Binding").Values(r.binding(g, b, false)...)
}

// derived writes a binding that says its type itself.
func (r *renderer) derived(g *model.Graph, b *model.Binding) *jen.Statement {
	return r.dag("Binding").Values(r.binding(g, b, true)...)
}

// binding writes where a value comes from; typed is for a literal where nothing else says its type.
func (r *renderer) binding(g *model.Graph, b *model.Binding, typed bool) []jen.Code {
	var l fieldList
	l.add("Kind", r.dag(string(b.Kind)))
	switch b.Kind {
	case model.FromParam:
		for i, p := range g.In {
			if p == b.Param {
				l.add("Param", jen.Lit(i))
			}
		}
		return l
	case model.FromNode:
		l.add("Node", jen.Lit(b.Node.Index))
		l.add("Output", jen.Lit(b.Output))
		return l
	case model.FromLiteral:
		l.add("Value", r.literal(b.Lit))
		if typed {
			l.add("Type", r.dataType(b.Type))
		}
		return l
	case model.FromElem, model.FromKey:
		l.add("Node", jen.Lit(b.Node.Index))
	case model.FromCarried:
		l.add("Node", jen.Lit(b.Node.Index))
		l.add("Output", jen.Lit(b.Output))
	}
	l.add("Type", r.dataType(b.Type))
	l.text("Name", b.Name)
	var parts []jen.Code
	for _, p := range b.Parts {
		parts = append(parts, jen.Values(r.binding(g, p, true)...))
	}
	if len(parts) > 0 {
		l.add("Parts", jen.Index().Add(r.dag("Binding")).Add(multi(parts...)))
	}
	if b.Expr != nil {
		p := r.local("p")
		l.add("Func", jen.Func().Params(jen.Id(p).Index().Add(r.any.Clone())).Add(r.any.Clone()).Block(jen.Return(r.expr(b, b.Expr, p))))
	}
	return l
}

// expr writes the Go code of a value over its parts, which stand in the slice p.
func (r *renderer) expr(b *model.Binding, e *model.Expr, p string) *jen.Statement {
	arg := func(i int) *jen.Statement { return r.expr(b, e.Args[i], p) }
	inner := func(i int) *jen.Statement {
		if e.Args[i].Kind == model.ExprBinary {
			return jen.Parens(arg(i))
		}
		return arg(i)
	}
	switch e.Kind {
	case model.ExprPart:
		return r.dag("OutputAs").Types(r.typ(b.Parts[e.Part].Type)).Call(jen.Id(p).Index(jen.Lit(e.Part)))
	case model.ExprLiteral:
		return r.literal(e.Lit)
	case model.ExprNil:
		return jen.Nil()
	case model.ExprField:
		return arg(0).Dot(e.Name)
	case model.ExprIndex:
		return arg(0).Index(arg(1))
	case model.ExprDeref:
		return jen.Parens(jen.Op("*").Add(arg(0)))
	case model.ExprCall:
		var args []jen.Code
		for i := range e.Args {
			args = append(args, arg(i))
		}
		call := r.qual(e.Func.Pkg().Path(), e.Func.Name()).Call(args...)
		if e.Fails {
			return r.dag("ConfigFrom").Call(call)
		}
		return call
	case model.ExprNot:
		return jen.Op("!").Add(inner(0))
	case model.ExprBinary:
		return inner(0).Op(e.Op.String()).Add(inner(1))
	case model.ExprConvert:
		switch types.Unalias(e.Type).(type) {
		case *types.Named, *types.Basic:
			return r.typ(e.Type).Call(arg(0))
		}
		return jen.Parens(r.typ(e.Type)).Call(arg(0))
	}
	return r.built(b, e, p)
}

// built writes a composite literal.
func (r *renderer) built(b *model.Binding, e *model.Expr, p string) *jen.Statement {
	parts := make([]part, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = part{name: f.Name, index: f.Index, value: r.expr(b, f.Value, p)}
		if f.Key != nil {
			parts[i].key = r.expr(b, f.Key, p)
		}
	}
	return r.composite(e.Addr, e.Type, parts)
}
