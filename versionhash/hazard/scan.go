package hazard

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
)

// facts are what is known of one declaration, whoever reaches it.
type facts struct {
	sites []site
	uses  map[*types.Func][]set // of a method: what the value of each use comes from
}

// A site is one in a declaration; via is what the value that it is reached through comes from.
type site struct {
	Site
	via set
}

// facts looks through a declaration once.
func (x *index) facts(d *decl) *facts {
	if f := x.known[d]; f != nil {
		return f
	}
	f := &facts{uses: map[*types.Func][]set{}}
	x.known[d] = f
	s := &scan{x: x, d: d, f: f, flow: x.flowOf(d)}
	s.names()
	s.order()
	for _, g := range x.effects(d).globals {
		f.sites = append(f.sites, site{Site: g})
	}
	return f
}

// A scan looks for the sites of one declaration.
type scan struct {
	x    *index
	d    *decl
	f    *facts
	flow *flow
}

func (s *scan) add(k Kind, n ast.Node, what string, via set) {
	s.f.sites = append(s.f.sites, site{Site{Kind: k, Pos: n.Pos(), End: n.End(), What: what}, via})
}

// names looks at all that the declaration names.
func (s *scan) names() {
	selected := map[*ast.Ident]bool{}
	ast.Inspect(s.d.root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			selected[n.Sel] = true
			s.name(n, n.Sel, n.X)
		case *ast.Ident:
			if !selected[n] {
				s.name(n, n, nil)
			}
		}
		return true
	})
}

// name looks at one name; x is what a method is taken from, or the package.
func (s *scan) name(e ast.Expr, id *ast.Ident, x ast.Expr) {
	o := s.d.lp.Info.Uses[id]
	f, isFunc := o.(*types.Func)
	var via set
	if isFunc && x != nil && f.Signature().Recv() != nil {
		via = s.flow.origins(x)
		if r := named(f.Signature().Recv().Type()); r != nil {
			via = via.with(r)
		}
		s.f.uses[f.Origin()] = append(s.f.uses[f.Origin()], via)
	}
	if isFunc && s.timeZone(e, f) {
		return
	}
	kind, ok := lookup(o)
	if !ok {
		return
	}
	switch kind {
	case Files:
		if s.declared(e) {
			return
		}
	case Clock, Random, Env, Run:
		if s.flow.onlyLogged(e, 0) {
			return
		}
	}
	s.f.sites = append(s.f.sites, site{Site{Kind: kind, Pos: e.Pos(), End: e.End(), What: display(o), Variable: s.variable(e, o)}, via})
}

// variable returns the environment variable that a call of os.Getenv or os.LookupEnv asks for, where its name is a constant.
func (s *scan) variable(e ast.Expr, o types.Object) string {
	call, ok := s.flow.parent[e].(*ast.CallExpr)
	if !ok || ast.Unparen(call.Fun) != e || len(call.Args) != 1 || o.Pkg().Path() != "os" || o.Name() != "Getenv" && o.Name() != "LookupEnv" {
		return ""
	}
	v := s.d.lp.Info.Types[call.Args[0]].Value
	if v == nil || v.Kind() != constant.String {
		return ""
	}
	return constant.StringVal(v)
}

// display spells a name as people write it: "time.Now", "(*http.Client).Do".
func display(o types.Object) string {
	f, ok := o.(*types.Func)
	if !ok || f.Signature().Recv() == nil {
		return o.Pkg().Name() + "." + o.Name()
	}
	r := named(f.Signature().Recv().Type())
	if r == nil {
		return o.Name()
	}
	name := o.Pkg().Name() + "." + r.Name()
	if _, pointer := types.Unalias(f.Signature().Recv().Type()).(*types.Pointer); pointer {
		name = "(*" + name + ")"
	}
	return name + "." + o.Name()
}

// zoned are the methods of a time.Time whose results depend on its zone.
var zoned = map[string]bool{"Format": true, "String": true, "Date": true, "Year": true, "Month": true, "Day": true, "Hour": true, "Weekday": true, "YearDay": true, "ISOWeek": true, "AppendFormat": true}

// timeZone reports time.Unix(...).Format(...): the host's time zone decides what comes of it.
func (s *scan) timeZone(e ast.Expr, f *types.Func) bool {
	if f.Pkg() == nil || f.Pkg().Path() != "time" || !strings.HasPrefix(f.Name(), "Unix") || f.Signature().Recv() != nil {
		return false
	}
	call, ok := s.flow.parent[e].(*ast.CallExpr)
	if !ok {
		return false
	}
	if sel, ok := s.flow.parent[call].(*ast.SelectorExpr); ok && zoned[sel.Sel.Name] {
		s.add(Env, e, "time."+f.Name()+"(...)."+sel.Sel.Name+", in the time zone of the host", nil)
		return true
	}
	return false
}

// declared reports whether a function of the file system is used on what the step may use: the path of a dag.File, or files that it made in a
// temporary folder of its own.
func (s *scan) declared(e ast.Expr) bool {
	call, ok := s.flow.parent[e].(*ast.CallExpr)
	if !ok || ast.Unparen(call.Fun) != e {
		return false
	}
	for _, a := range call.Args {
		for o := range s.flow.origins(a) {
			if o == own || (o.Name() == "File" || o.Name() == "Dir") && o.Pkg() != nil && o.Pkg().Path() == load.RuntimePath {
				return true
			}
		}
	}
	return false
}

// An enclosing node of a kind, going up from n, without leaving the function around it unless it is asked for.
func (f *flow) up(n ast.Node, is func(ast.Node) bool) ast.Node {
	for p := f.parent[n]; p != nil; p = f.parent[p] {
		if is(p) {
			return p
		}
	}
	return nil
}

// within reports whether a position lies in a node.
func within(n ast.Node, pos token.Pos) bool { return n.Pos() <= pos && pos < n.End() }
