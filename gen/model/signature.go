package model

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// signatures reads the parameters and results of all annotated functions.
func (b *builder) signatures() {
	for _, p := range b.m.Packages {
		for _, r := range p.Resources {
			b.params(&r.Func)
			b.resourceInputs(r)
		}
		for _, h := range p.Hooks {
			b.hookSignature(h)
		}
		for _, op := range p.Ops {
			if op.Graph != nil {
				continue
			}
			b.params(&op.Func)
			b.opResults(op)
			b.opInputs(op)
		}
		for _, g := range p.Compositions() {
			b.params(&g.Func)
			b.graphResults(g)
			b.assetOfGraph(g)
		}
	}
}

// soundType reports a type of the signature that does not exist, once per declaration, and returns whether all of it does.
func (b *builder) soundSignature(f *Func) bool {
	p := f.Pkg
	sig := f.Obj.Signature()
	if f.Node.Type.TypeParams != nil || sig.TypeParams().Len() > 0 || sig.RecvTypeParams().Len() > 0 {
		b.report(p, CodeGeneric, f.Pos, f.ident.End(), "write a plain function for each type that calls it, and annotate those",
			"%s is generic, which only functions marked //dag:op can be", f.GoName)
		f.Broken = true
		return false
	}
	bad := false
	check := func(list *ast.FieldList) {
		if list == nil {
			return
		}
		for _, field := range list.List {
			t := p.Info.TypeOf(field.Type)
			if t != nil && !Invalid(t) && !fromC(t) {
				continue
			}
			bad = true
			if fromC(t) {
				b.report(p, CodeCgo, field.Type.Pos(), field.Type.End(), "convert to Go types inside the function", "%s: its signature uses a C type", f.GoName)
				continue
			}
			b.invalidType(p, f, field.Type)
		}
	}
	check(f.Node.Recv)
	check(f.Node.Type.Params)
	check(f.Node.Type.Results)
	f.Broken = f.Broken || bad
	return !bad
}

func fromC(t types.Type) bool {
	found := false
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "C" {
		found = true
	}
	return found
}

// invalidType explains a type expression that has no type: with the special case of a type that dagstergen would generate, and
// otherwise in the words of the type checker.
func (b *builder) invalidType(p *Package, f *Func, expr ast.Expr) {
	special, cgo := false, false
	ast.Inspect(expr, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				if pn, ok := p.Info.Uses[x].(*types.PkgName); ok {
					if pn.Imported().Path() == "C" {
						cgo = true
					}
					if q := b.m.byPath[pn.Imported().Path()]; q != nil && q.Generated[sel.Sel.Name] != "" {
						b.generatedType(p, f, sel, q, sel.Sel.Name)
						special = true
					}
				}
			}
			return false
		}
		if id, ok := n.(*ast.Ident); ok && p.Info.Uses[id] == nil && p.Info.Defs[id] == nil && p.Generated[id.Name] != "" {
			b.generatedType(p, f, id, p, id.Name)
			special = true
		}
		return true
	})
	if special {
		return
	}
	if cgo {
		b.report(p, CodeCgo, expr.Pos(), expr.End(), "convert to Go types inside the function", "%s: its signature uses a C type", f.GoName)
		return
	}
	reported := false
	for _, e := range p.Errors {
		if expr.Pos() <= e.Pos && e.Pos < expr.End() {
			b.report(p, CodeInvalidType, e.Pos, token.NoPos, "", "%s: %s", f.GoName, strings.Join(strings.Fields(e.Msg), " "))
			reported = true
		}
	}
	if !reported {
		b.report(p, CodeInvalidType, expr.Pos(), expr.End(), "mend the declaration of that type", "%s: its signature uses a type that does not compile", f.GoName)
	}
}

func (b *builder) generatedType(p *Package, f *Func, n ast.Node, q *Package, name string) {
	d := b.report(p, CodeGeneratedType, n.Pos(), n.End(), "declare it by hand under another name, or take its fields as parameters",
		"the signature of %s uses %s, which dagstergen generates from signatures", f.GoName, name)
	if q != p {
		d.Message += " of package " + q.Path
	}
}

// params tells the parameters apart by their types.
func (b *builder) params(f *Func) {
	if f.Obj.Signature().TypeParams().Len() == 0 && f.Node.Type.TypeParams != nil {
		f.Params, f.Resources = nil, nil // of an instance, whose types were found sound
	} else if !b.soundSignature(f) {
		return
	}
	sig := f.Obj.Signature()
	f.Variadic = sig.Variadic()
	if recv := sig.Recv(); recv != nil {
		b.receiverParam(f, recv)
	}
	count := map[Role]int{}
	var context *Param
	names := map[string]*Param{}
	for i := range sig.Params().Len() {
		v := sig.Params().At(i)
		p := &Param{GoName: v.Name(), Name: annotations.Snake(v.Name()), Type: v.Type(), Pos: v.Pos()}
		f.Params = append(f.Params, p)
		b.role(f, p, &context)
		p.Index = count[p.Role]
		count[p.Role]++
		if p.Role == RoleContext || p.Role == RoleUnknown || f.Kind == annotations.Hook && p.Role == RoleInput || p.Role == RoleConfig && !composes(f) {
			continue // their names count nowhere
		}
		if !annotations.ValidName(p.Name) {
			b.paramName(f, p, i)
			continue
		}
		if other := names[p.Name]; other != nil {
			d := b.report(f.Pkg, CodeRepeatedName, p.Pos, p.Pos+token.Pos(len(p.GoName)), "rename one of them",
				"%s: the parameters %s and %s have one name in snake case, %s", f.GoName, other.GoName, p.GoName, p.Name)
			b.relate(d, other.Pos, "parameter %s", other.GoName)
			f.Broken = true
		}
		names[p.Name] = p
	}
}

// composes reports whether f is a job or a graph.
func composes(f *Func) bool {
	return f.Kind == annotations.Job || f.Kind == annotations.Graph
}

func (b *builder) paramName(f *Func, p *Param, i int) {
	f.Broken = true
	if p.GoName == "" || p.GoName == "_" {
		b.report(f.Pkg, CodeParamName, p.Pos, token.NoPos, "name it: names of parameters wire things and are part of versions",
			"%s: its parameter of type %s has no name", f.GoName, Short(p.Type, f.Pkg.Types))
		return
	}
	b.report(f.Pkg, CodeParamName, p.Pos, p.Pos+token.Pos(len(p.GoName)), "use ASCII letters, digits and underscores, a letter first",
		"%s: parameter %s has no key in snake case", f.GoName, p.GoName)
}

// role decides what p is for. context is the first context parameter so far.
func (b *builder) role(f *Func, p *Param, context **Param) {
	pkg := f.Pkg
	end := p.Pos + token.Pos(len(p.GoName))
	switch {
	case isContext(p.Type):
		p.Role = RoleContext
		if *context != nil {
			d := b.report(pkg, CodeContext, p.Pos, end, "keep one of them", "%s takes two contexts", f.GoName)
			b.relate(d, (*context).Pos, "the first one")
			f.Broken = true
			return
		}
		*context = p
	case b.configOf(p.Type) != nil:
		p.Role = RoleConfig
		c := b.configOf(p.Type)
		if composes(f) {
			return // a composition may pass several on
		}
		if f.Config != nil {
			b.report(pkg, CodeConfigCount, p.Pos, end, "put both into one struct type marked //dag:config", "%s takes two configs, %s and %s", f.GoName, f.Config.GoName, c.GoName)
			f.Broken = true
			return
		}
		f.Config = c
	case b.pointsToConfig(p.Type) != nil:
		c := b.pointsToConfig(p.Type)
		b.report(pkg, CodeConfigPointer, p.Pos, end, "take "+Short(c.Obj.Type(), pkg.Types), "%s takes the config %s by pointer", f.GoName, c.GoName)
		f.Broken = true
	default:
		found := pkg.resourcesOfType(p.Type)
		if len(found) == 0 {
			p.Role = RoleInput
			return
		}
		if r := b.choose(f, found, p.Name, fmt.Sprintf("parameter %s", orBlank(p.GoName)), p.Type, p.Pos, end); r != nil {
			p.Role = RoleResource
			f.Resources = append(f.Resources, ResourceUse{Name: p.Name, Resource: r})
		}
	}
}

func orBlank(name string) string {
	if name == "" {
		return "_"
	}
	return name
}

func (b *builder) configOf(t types.Type) *Config {
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return b.configs[n.Obj()]
	}
	return nil
}

func (b *builder) pointsToConfig(t types.Type) *Config {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return b.configOf(p.Elem())
	}
	return nil
}

// choose takes the only candidate, or the one whose key is name; nil after an error.
func (b *builder) choose(f *Func, found []*Resource, name, what string, t types.Type, pos, end token.Pos) *Resource {
	if len(found) == 1 {
		return found[0]
	}
	var named []*Resource
	for _, r := range found {
		if r.Key == name {
			named = append(named, r)
		}
	}
	if len(named) == 1 {
		return named[0]
	}
	keys := make([]string, len(found))
	for i, r := range found {
		keys[i] = r.Key
	}
	d := b.report(f.Pkg, CodeAmbiguousResource, pos, end, "name it after one of them: "+strings.Join(keys, ", "),
		"%s: %s of type %s fits %d resources", f.GoName, what, Short(t, f.Pkg.Types), len(found))
	for _, r := range found {
		b.relate(d, r.Pos, "resource %s", r.Key)
	}
	f.Broken = true
	return nil
}

// receiverParam finds the resource that a method is called on.
func (b *builder) receiverParam(f *Func, recv *types.Var) {
	f.Recv = &Param{GoName: recv.Name(), Name: "receiver", Type: recv.Type(), Role: RoleResource, Pos: recv.Pos()}
	found := f.Pkg.resourcesOfType(recv.Type())
	pos := f.Node.Recv.Pos()
	if len(found) == 0 {
		hint := fmt.Sprintf("declare a //dag:resource function that returns %s, or make it a plain function", Short(recv.Type(), f.Pkg.Types))
		d := diag.Diagnostic{Code: CodeNoResource, Pos: b.at(pos), End: b.at(f.Node.Recv.End()), Hint: hint,
			Message: fmt.Sprintf("%s: no resource provides its receiver %s", f.GoName, Short(recv.Type(), f.Pkg.Types))}
		f.Pkg.Diagnostics.Add(d)
		b.nearResources(&f.Pkg.Diagnostics[len(f.Pkg.Diagnostics)-1], f.Pkg, recv.Type())
		f.Broken = true
		return
	}
	if r := b.choose(f, found, annotations.Snake(recv.Name()), "receiver", recv.Type(), pos, f.Node.Recv.End()); r != nil {
		f.Resources = append(f.Resources, ResourceUse{Name: "receiver", Resource: r})
	}
}

// nearResources adds to d the resources that p sees whose types are almost t: its pointer, what it points to, or an implementation of
// the interface t.
func (b *builder) nearResources(d *diag.Diagnostic, p *Package, t types.Type) bool {
	found := false
	iface, _ := t.Underlying().(*types.Interface)
	for _, q := range p.visible {
		for _, r := range q.Resources {
			if r.Type == nil || types.Identical(r.Type, t) {
				continue
			}
			near := types.Identical(types.NewPointer(r.Type), t) || types.Identical(r.Type, types.NewPointer(t))
			if iface != nil && iface.NumMethods() > 0 && types.Implements(r.Type, iface) {
				near = true
			}
			if near {
				b.relate(d, r.Pos, "resource %s provides %s, which is another type", r.Key, Short(r.Type, p.Types))
				found = true
			}
		}
	}
	return found
}
