package model

import (
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/internal/diag"
)

// values checks that generated code of the package can write every value that the body of g makes.
func (r *reach) values(g *Graph) {
	said := map[token.Pos]bool{}
	for _, n := range g.Nodes {
		n.Bindings(func(b *Binding) { r.value(g, n.Pos, b, said) })
	}
	for _, o := range g.Outputs {
		o.From.Walk(func(b *Binding) { r.value(g, o.Pos, b, said) })
	}
}

// value checks one binding. Its place is that of the node that takes it.
func (r *reach) value(g *Graph, pos token.Pos, b *Binding, said map[token.Pos]bool) {
	if b.Lit != nil {
		r.literal(b.Lit)
		return
	}
	if b.Kind == FromNode || b.Kind == FromParam {
		return // of a signature
	}
	bad := Unspeakable(b.Type, r.p.Types)
	what, hint := "the type", "build the value in an op"
	if bad == nil && b.Expr != nil {
		bad = b.Expr.unspeakable(r.p.Types)
		if _, field := bad.(*types.Var); field {
			what = "the field"
		}
		if _, function := bad.(*types.Func); function {
			what, hint = "the function", "export it"
		}
	}
	if bad == nil || said[pos] {
		return
	}
	said[pos] = true
	d := r.b.report(r.p, CodeUnspeakable, pos, token.NoPos, hint,
		"%s %s makes a value with %s %s of package %s, which generated code of package %s cannot name", g.Kind, g.GoName, what, bad.Name(), bad.Pkg().Path(), r.p.Path)
	if g.Pkg != r.p && r.graphs[g].pos.IsValid() && r.graphs[g].pos != pos {
		r.b.relate(d, r.graphs[g].pos, "%s", r.graphs[g].why)
	}
}

// unspeakable returns a type or a field in e that code of package from cannot name, or nil.
func (e *Expr) unspeakable(from *types.Package) types.Object {
	if e == nil {
		return nil
	}
	if e.Type != nil {
		if bad := Unspeakable(e.Type, from); bad != nil {
			return bad
		}
	}
	hidden := func(f *types.Var) bool { return f != nil && !f.Exported() && f.Pkg() != from }
	if hidden(e.Field) {
		return e.Field
	}
	if f := e.Func; f != nil && f.Pkg() != from && (!f.Exported() || !CanImport(from.Path(), f.Pkg())) {
		return f
	}
	if e.Lit != nil {
		if bad := Unspeakable(e.Lit.Type, from); bad != nil {
			return bad
		}
	}
	for _, a := range e.Args {
		if bad := a.unspeakable(from); bad != nil {
			return bad
		}
	}
	for _, f := range e.Fields {
		if hidden(f.Field) {
			return f.Field
		}
		for _, x := range []*Expr{f.Key, f.Value} {
			if bad := x.unspeakable(from); bad != nil {
				return bad
			}
		}
	}
	return nil
}

func (r *reach) literal(l *Literal) {
	if !l.Addr && !l.Nil || len(l.Fields) == 0 {
		if bad := Unspeakable(l.Type, r.p.Types); bad != nil {
			r.p.Diagnostics.Add(diag.Diagnostic{Code: CodeUnspeakable, Pos: r.b.at(l.Pos), Hint: "build the value in an op",
				Message: "this literal is of type " + bad.Name() + " of package " + bad.Pkg().Path() + ", which generated code cannot name"})
		}
	}
	for _, f := range l.Fields {
		if f.Key != nil {
			r.literal(f.Key)
		}
		r.literal(f.Value)
	}
}

// partitions checks that generated code of the package can name partitions, nil for none.
func (r *reach) partitions(d *Partitions, n need) {
	switch {
	case d == nil:
	case !visibleName(d.Obj, r.p.Types):
		r.unexported(d.Pkg, d.GoName, d.Pos, n)
	case !CanImport(r.p.Path, d.Pkg.Types):
		at := r.b.report(r.p, CodeUnspeakable, n.pos, token.NoPos, "move it to a package that "+r.p.Path+" may import",
			"partitions %s of package %s are needed here, and generated code of package %s may not import that", d.GoName, d.Pkg.Path, r.p.Path)
		r.b.relate(at, d.Pos, "%s is declared here", d.GoName)
	}
}
