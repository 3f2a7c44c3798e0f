package hazard

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// A decl is a local declaration with code: a function, or a variable with its initialiser.
type decl struct {
	lp   *load.Package
	obj  types.Object  // nil for an init function and a blank variable
	fn   *ast.FuncDecl // nil for a variable
	root ast.Node      // what is looked through
}

// An index finds declarations by where they stand, and remembers what is known of each.
type index struct {
	prog      *load.Program
	byPos     map[place]*decl
	byObj     map[types.Object]*decl
	known     map[*decl]*facts
	effectM   map[*decl]*effects
	names     map[string]bool // methods that some code may call through an interface; nil until needed
	templates map[string]bool // by package: it, or a local one that it imports, uses templates, which call methods by name
	calls     map[types.Object][]callSite
	flow      map[*decl]*flow
}

// A place is a position without its offset, which is not the same in all ways to compute it.
type place struct {
	file      string
	line, col int
}

func placeOf(p token.Position) place { return place{p.Filename, p.Line, p.Column} }

func newIndex(p *load.Program) *index {
	x := &index{prog: p, byPos: map[place]*decl{}, byObj: map[types.Object]*decl{}, known: map[*decl]*facts{}, effectM: map[*decl]*effects{}, flow: map[*decl]*flow{}, templates: map[string]bool{}}
	for _, lp := range p.Locals() {
		if lp.Info == nil {
			continue
		}
		for _, f := range lp.Syntax {
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if d.Body != nil {
						x.add(d.Name, &decl{lp: lp, obj: lp.Info.Defs[d.Name], fn: d, root: d.Body})
					}
				case *ast.GenDecl:
					if d.Tok == token.VAR {
						for _, s := range d.Specs {
							x.addVars(lp, s.(*ast.ValueSpec))
						}
					}
				}
			}
		}
	}
	return x
}

func (x *index) addVars(lp *load.Package, s *ast.ValueSpec) {
	for i, id := range s.Names {
		switch {
		case len(s.Values) == len(s.Names):
			x.add(id, &decl{lp: lp, obj: lp.Info.Defs[id], root: s.Values[i]})
		case len(s.Values) == 1:
			x.add(id, &decl{lp: lp, obj: lp.Info.Defs[id], root: s.Values[0]})
		}
	}
}

func (x *index) add(id *ast.Ident, d *decl) {
	x.byPos[placeOf(x.prog.Position(id.Pos()))] = d
	if d.obj != nil {
		x.byObj[d.obj] = d
	}
}

// decl returns the declaration of a node with code that stands at pos, or nil.
func (x *index) decl(pos token.Position, kind string) *decl {
	switch kind {
	case manifest.KindFunc, manifest.KindMethod, manifest.KindVar, manifest.KindInit:
		return x.byPos[placeOf(pos)]
	}
	return nil
}

// method returns the method that is declared at pos, or nil.
func (x *index) method(pos token.Position) *types.Func {
	if d := x.byPos[placeOf(pos)]; d != nil {
		if f, ok := d.obj.(*types.Func); ok && f.Signature().Recv() != nil {
			return f
		}
	}
	return nil
}

// dispatched reports whether anything that a function of package from reaches may call m without naming it: through an interface of another package or of
// a local one, or, where templates are about, by its name.
func (x *index) dispatched(m *types.Func, from string) bool {
	if x.names == nil {
		x.collectNames()
	}
	return x.names[m.Name()] || m.Exported() && x.usesTemplates(x.prog.Packages[from])
}

// usesTemplates reports whether a local package, or one that it imports, imports a template package.
func (x *index) usesTemplates(p *load.Package) bool {
	if p == nil || !p.Local {
		return false
	}
	if uses, known := x.templates[p.Path]; known {
		return uses
	}
	uses := false
	for _, q := range p.Imports {
		uses = uses || q.Path == "text/template" || q.Path == "html/template" || x.usesTemplates(q)
	}
	x.templates[p.Path] = uses
	return uses
}

// wellKnown are methods that the standard library looks for with interfaces that have no name.
var wellKnown = []string{"Is", "As", "Unwrap", "Timeout", "Temporary", "Format", "String", "GoString", "Error", "IsZero", "LogValue"}

func (x *index) collectNames() {
	x.names = map[string]bool{}
	for _, n := range wellKnown {
		x.names[n] = true
	}
	add := func(t types.Type) {
		if i, ok := t.Underlying().(*types.Interface); ok {
			for m := range i.Methods() {
				x.names[m.Name()] = true
			}
		}
	}
	for _, p := range x.prog.Packages {
		if p.Types == nil || p.Local {
			continue
		}
		scope := p.Types.Scope()
		for _, name := range scope.Names() {
			if o, ok := scope.Lookup(name).(*types.TypeName); ok {
				add(o.Type())
			}
		}
	}
	for _, lp := range x.prog.Locals() {
		if lp.Info == nil {
			continue
		}
		for _, sel := range lp.Info.Selections {
			if sel.Kind() == types.MethodVal && types.IsInterface(sel.Recv()) {
				x.names[sel.Obj().Name()] = true
			}
			if _, ok := types.Unalias(sel.Recv()).(*types.TypeParam); ok {
				x.names[sel.Obj().Name()] = true
			}
		}
	}
}

// A callSite is a call of a local function.
type callSite struct {
	in   *decl
	call *ast.CallExpr
}

// callers returns the calls of a function in local code.
func (x *index) callers(o types.Object) []callSite {
	if x.calls == nil {
		x.calls = map[types.Object][]callSite{}
		for _, d := range x.byPos {
			ast.Inspect(d.root, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok {
					if f := d.callee(c); f != nil {
						x.calls[f] = append(x.calls[f], callSite{d, c})
					}
				}
				return true
			})
		}
	}
	return x.calls[o]
}

// callee returns the function or method that a call names, the generic one for an instance; nil for a value, a conversion and a builtin.
func (d *decl) callee(c *ast.CallExpr) *types.Func {
	f, _ := d.used(c.Fun).(*types.Func)
	if f == nil {
		return nil
	}
	return f.Origin()
}

// used returns what a name, qualified or not, instantiated or not, stands for.
func (d *decl) used(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return d.lp.Info.Uses[e]
	case *ast.SelectorExpr:
		return d.lp.Info.Uses[e.Sel]
	case *ast.IndexExpr:
		return d.used(e.X)
	case *ast.IndexListExpr:
		return d.used(e.X)
	}
	return nil
}

func (d *decl) typeOf(e ast.Expr) types.Type {
	if t := d.lp.Info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

// named returns the name of a type or of what it points to; nil where there is none.
func named(t types.Type) types.Object {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Origin().Obj()
	}
	return nil
}

// holdsFunc reports whether a value of type t may hold functions.
func holdsFunc(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	if seen == nil {
		seen = map[types.Type]bool{}
	}
	seen[t] = true
	switch u := t.Underlying().(type) {
	case *types.Signature, *types.Interface:
		return true
	case *types.Pointer:
		return holdsFunc(u.Elem(), seen)
	case *types.Slice:
		return holdsFunc(u.Elem(), seen)
	case *types.Array:
		return holdsFunc(u.Elem(), seen)
	case *types.Map:
		return holdsFunc(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if holdsFunc(f.Type(), seen) {
				return true
			}
		}
	}
	return false
}
