package hazard

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A set is what a value comes from: the names of the types of all values on the way, and [own].
type set map[types.Object]bool

// own marks what comes from a temporary file or folder of the step's own.
var own types.Object = types.NewTypeName(token.NoPos, nil, "own", nil)

func (s set) with(o types.Object) set {
	if s == nil {
		s = set{}
	}
	s[o] = true
	return s
}

func (s set) join(t set) set {
	for o := range t {
		s = s.with(o)
	}
	return s
}

func (s set) meets(t map[types.Object]bool) bool {
	for o := range s {
		if t[o] {
			return true
		}
	}
	return false
}

// A flow knows how values go through one declaration, whatever the order of its statements.
type flow struct {
	d      *decl
	parent map[ast.Node]ast.Node
	vars   map[types.Object]set          // what local variables come from
	uses   map[types.Object][]*ast.Ident // of local variables, other than being assigned to
}

func (x *index) flowOf(d *decl) *flow {
	if f := x.flow[d]; f != nil {
		return f
	}
	f := &flow{d: d, parent: map[ast.Node]ast.Node{}, vars: map[types.Object]set{}, uses: map[types.Object][]*ast.Ident{}}
	x.flow[d] = f
	var stack []ast.Node
	ast.Inspect(d.root, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		if len(stack) > 0 {
			f.parent[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		if id, ok := n.(*ast.Ident); ok {
			if o := d.lp.Info.Uses[id]; o != nil {
				f.uses[o] = append(f.uses[o], id)
			}
		}
		return true
	})
	for range 4 { // chains of assignments against the order of the text are short
		if !f.spread() {
			break
		}
	}
	return f
}

// local returns the local variable that e is, or nil.
func (f *flow) local(e ast.Expr) types.Object {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	o := f.d.lp.Info.Defs[id]
	if o == nil {
		o = f.d.lp.Info.Uses[id]
	}
	v, ok := o.(*types.Var)
	if !ok || v.Pkg() == nil || v.IsField() || v.Parent() == v.Pkg().Scope() {
		return nil
	}
	return v
}

// spread passes on what variables come from through all assignments, once; it reports whether anything was new.
func (f *flow) spread() bool {
	changed := false
	give := func(l ast.Expr, from set) {
		o := f.local(l)
		if o == nil {
			return
		}
		have := f.vars[o]
		n := len(have)
		f.vars[o] = have.join(from)
		changed = changed || len(f.vars[o]) > n
	}
	assign := func(lhs, rhs []ast.Expr) {
		for i, l := range lhs {
			switch {
			case len(rhs) == len(lhs):
				give(l, f.origins(rhs[i]))
			case len(rhs) == 1:
				give(l, f.origins(rhs[0]))
			}
		}
	}
	ast.Inspect(f.d.root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			assign(n.Lhs, n.Rhs)
		case *ast.ValueSpec:
			lhs := make([]ast.Expr, len(n.Names))
			for i, id := range n.Names {
				lhs[i] = id
			}
			assign(lhs, n.Values)
		case *ast.RangeStmt:
			from := f.origins(n.X)
			if n.Key != nil {
				give(n.Key, from)
			}
			if n.Value != nil {
				give(n.Value, from)
			}
		}
		return true
	})
	return changed
}

// origins returns what a value comes from.
func (f *flow) origins(e ast.Expr) set {
	var s set
	if o := named(f.d.typeOf(e)); o != nil {
		s = s.with(o)
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if o := f.local(e); o != nil {
			s = s.join(f.vars[o])
		}
	case *ast.SelectorExpr:
		if _, isPkg := f.d.used(e.X).(*types.PkgName); !isPkg {
			s = s.join(f.origins(e.X))
		}
	case *ast.CallExpr:
		if c := f.d.callee(e); c != nil && c.Pkg() != nil && scratch[c.Pkg().Path()+"."+c.Name()] {
			s = s.with(own)
		}
		if sel, ok := ast.Unparen(e.Fun).(*ast.SelectorExpr); ok {
			if _, isPkg := f.d.used(sel.X).(*types.PkgName); !isPkg {
				s = s.join(f.origins(sel.X))
			}
		}
		for _, a := range e.Args {
			s = s.join(f.origins(a))
		}
		if t, ok := f.d.typeOf(e).(*types.Tuple); ok {
			for v := range t.Variables() {
				if o := named(v.Type()); o != nil {
					s = s.with(o)
				}
			}
		}
	case *ast.IndexExpr:
		s = s.join(f.origins(e.X))
	case *ast.SliceExpr:
		s = s.join(f.origins(e.X))
	case *ast.StarExpr:
		s = s.join(f.origins(e.X))
	case *ast.UnaryExpr:
		s = s.join(f.origins(e.X))
	case *ast.TypeAssertExpr:
		s = s.join(f.origins(e.X))
	case *ast.BinaryExpr:
		s = s.join(f.origins(e.X)).join(f.origins(e.Y))
	}
	return s
}

// carriers are packages through whose functions a value may go on its way into a log.
var carriers = map[string]bool{"time": true, "fmt": true, "log": true, "log/slog": true, "strconv": true, "strings": true, "os": true, "math": true, load.RuntimePath: true}

// onlyLogged reports whether the value of e ends in lines of a log, or in metadata, and nowhere else.
func (f *flow) onlyLogged(e ast.Node, depth int) bool {
	if depth > 4 {
		return false
	}
	child := e
	for p := f.parent[e]; p != nil; child, p = p, f.parent[p] {
		switch n := p.(type) {
		case *ast.ParenExpr, *ast.SelectorExpr, *ast.KeyValueExpr, *ast.CompositeLit, *ast.BinaryExpr:
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				return false // waiting for a timer is its use
			}
		case *ast.CallExpr:
			if f.logs(n) {
				return true
			}
			c := f.d.callee(n)
			if c == nil || c.Pkg() == nil || !carriers[c.Pkg().Path()] {
				return false
			}
		case *ast.ExprStmt:
			return child != e // the value is dropped
		case *ast.AssignStmt:
			if len(n.Rhs) != 1 || child != n.Rhs[0] || n.Tok != token.DEFINE {
				return false
			}
			for _, l := range n.Lhs {
				if !f.loggedVar(l, depth) {
					return false
				}
			}
			return true
		case *ast.IfStmt:
			return child == n.Cond && depth > 0 && f.onlyLogging(n.Body) && n.Else == nil
		default:
			return false
		}
	}
	return false
}

func (f *flow) loggedVar(l ast.Expr, depth int) bool {
	if id, ok := l.(*ast.Ident); ok && id.Name == "_" {
		return true
	}
	o := f.local(l)
	if o == nil {
		return false
	}
	if types.Identical(o.Type(), types.Universe.Lookup("error").Type()) {
		return true
	}
	for _, use := range f.uses[o] {
		if !f.onlyLogged(use, depth+1) {
			return false
		}
	}
	return true
}

// onlyLogging reports whether a block does nothing but log.
func (f *flow) onlyLogging(b *ast.BlockStmt) bool {
	for _, s := range b.List {
		e, ok := s.(*ast.ExprStmt)
		if !ok {
			return false
		}
		c, ok := e.X.(*ast.CallExpr)
		if !ok || !f.logs(c) {
			return false
		}
	}
	return true
}

// logs reports whether a call writes a line of a log, or metadata.
func (f *flow) logs(c *ast.CallExpr) bool {
	o := f.d.callee(c)
	if o == nil || o.Pkg() == nil {
		return false
	}
	switch o.Pkg().Path() {
	case "log":
		return strings.HasPrefix(o.Name(), "Print") || o.Name() == "Output"
	case "log/slog":
		switch o.Name() {
		case "Debug", "Info", "Warn", "Error", "Log", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "LogAttrs":
			return true
		}
	case load.RuntimePath:
		return o.Name() == "AddOutputMetadata" || o.Name() == "AddMetadataTo"
	}
	return false
}
