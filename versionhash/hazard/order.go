package hazard

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// order looks for values that the order of maps, goroutines and channels gets into.
func (s *scan) order() {
	ast.Inspect(s.d.root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			s.rangeOver(n)
		case *ast.CallExpr:
			s.collected(n)
			if lit := s.spawned(n); lit != nil {
				s.goroutine(n, lit)
			}
		case *ast.GoStmt:
			if lit, ok := ast.Unparen(n.Call.Fun).(*ast.FuncLit); ok {
				s.goroutine(n, lit)
			}
		case *ast.ForStmt:
			s.receiving(n, n.Body)
		case *ast.SelectStmt:
			s.selects(n)
		}
		return true
	})
}

// rangeOver looks at a loop over a map or a channel.
func (s *scan) rangeOver(r *ast.RangeStmt) {
	name := types.ExprString(r.X)
	switch {
	case s.isMap(r.X):
		for _, b := range s.builds(r.Body, r) {
			if !b.keyed(s, r) {
				s.add(Order, r, "map iteration over "+name+" decides "+b.what, nil)
			}
		}
		if ret := s.first(r); ret != nil {
			s.add(Order, ret, "map iteration over "+name+" decides what is returned", nil)
		}
	case isChan(s.d.typeOf(r.X)):
		if s.senders(r.X) {
			for _, b := range s.builds(r.Body, r) {
				s.add(Order, r, "the order in which goroutines send to "+name+" decides "+b.what, nil)
			}
			return
		}
	}
	s.receiving(r, r.Body)
}

// isMap reports whether an expression is a map, or an iterator over one.
func (s *scan) isMap(e ast.Expr) bool {
	if _, ok := s.d.typeOf(e).Underlying().(*types.Map); ok {
		return true
	}
	c, ok := ast.Unparen(e).(*ast.CallExpr)
	return ok && s.mapIterator(c)
}

// mapIterator reports whether a call is maps.Keys, maps.Values or maps.All.
func (s *scan) mapIterator(c *ast.CallExpr) bool {
	f := s.d.callee(c)
	if f == nil || f.Pkg() == nil || f.Pkg().Path() != "maps" && f.Pkg().Path() != "golang.org/x/exp/maps" {
		return false
	}
	return f.Name() == "Keys" || f.Name() == "Values" || f.Name() == "All"
}

func isChan(t types.Type) bool {
	_, ok := t.Underlying().(*types.Chan)
	return ok
}

// A build is a statement that adds to something in the order in which it is reached.
type build struct {
	target ast.Expr
	what   string // "the order of names"
}

// keyed reports whether the target is an element that the key of the loop alone names: each is reached once.
func (b build) keyed(s *scan, r *ast.RangeStmt) bool {
	ix, ok := ast.Unparen(b.target).(*ast.IndexExpr)
	if !ok {
		return false
	}
	key := ast.Expr(nil)
	if r.Key != nil {
		key = r.Key
	}
	k := s.flow.local(keyOrNil(key))
	return k != nil && s.mentions(ix.Index, k)
}

func keyOrNil(e ast.Expr) ast.Expr {
	if e == nil {
		return ast.NewIdent("_")
	}
	return e
}

// builds lists what the statements of body add in order to something that is declared outside of scope, and that is not sorted behind it.
func (s *scan) builds(body ast.Node, scope ast.Node) []build {
	var out []build
	add := func(target ast.Expr, what string) {
		if target == nil || !s.outside(target, scope) || s.sorted(target, scope.End()) {
			return
		}
		for _, b := range out {
			if types.ExprString(b.target) == types.ExprString(target) {
				return
			}
		}
		out = append(out, build{target, what})
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if len(n.Lhs) == 1 && len(n.Rhs) == 1 {
				l := n.Lhs[0]
				switch name := types.ExprString(l); {
				case s.isAppend(n.Rhs[0], l):
					if _, element := ast.Unparen(l).(*ast.IndexExpr); !element {
						add(l, "the order of "+name)
					}
				case s.concatenates(n):
					add(l, "the order of the text in "+name)
				case s.sums(n):
					add(l, "how the floating-point sum "+name+" is rounded")
				}
			}
		case *ast.CallExpr:
			if w := s.writes(n); w != nil {
				add(w, "the order of what is written to "+types.ExprString(w))
			}
		}
		return true
	})
	return out
}

// isAppend reports whether e is append(target, ...).
func (s *scan) isAppend(e, target ast.Expr) bool {
	c, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || len(c.Args) < 2 {
		return false
	}
	b, ok := s.d.used(c.Fun).(*types.Builtin)
	return ok && b.Name() == "append" && types.ExprString(c.Args[0]) == types.ExprString(target)
}

// grows reports whether an assignment is x += y, or x = x + y.
func (s *scan) grows(a *ast.AssignStmt, also ...token.Token) bool {
	if a.Tok == token.ADD_ASSIGN {
		return true
	}
	for _, t := range also {
		if a.Tok == t {
			return true
		}
	}
	b, ok := ast.Unparen(a.Rhs[0]).(*ast.BinaryExpr)
	return ok && a.Tok == token.ASSIGN && b.Op == token.ADD && types.ExprString(b.X) == types.ExprString(a.Lhs[0])
}

func (s *scan) concatenates(a *ast.AssignStmt) bool {
	b, ok := s.d.typeOf(a.Lhs[0]).Underlying().(*types.Basic)
	return ok && b.Info()&types.IsString != 0 && s.grows(a)
}

// sums reports whether an assignment adds floating-point numbers: (a+b)+c is not a+(b+c). Constants do not count: the sums are the same in any order.
func (s *scan) sums(a *ast.AssignStmt) bool {
	b, ok := s.d.typeOf(a.Lhs[0]).Underlying().(*types.Basic)
	if !ok || b.Info()&(types.IsFloat|types.IsComplex) == 0 || !s.grows(a, token.SUB_ASSIGN, token.MUL_ASSIGN) {
		return false
	}
	return s.d.lp.Info.Types[a.Rhs[0]].Value == nil
}

// writes returns what a call writes to: the builder of b.WriteString, the writer of fmt.Fprintf.
func (s *scan) writes(c *ast.CallExpr) ast.Expr {
	f := s.d.callee(c)
	if f == nil {
		return nil
	}
	if sel, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr); ok && f.Signature().Recv() != nil {
		switch f.Name() {
		case "Write", "WriteString", "WriteByte", "WriteRune", "WriteRow", "WriteAll", "Encode", "Fprintf":
			return sel.X
		}
		return nil
	}
	if f.Pkg() == nil || len(c.Args) == 0 {
		return nil
	}
	if f.Pkg().Path() == "fmt" && strings.HasPrefix(f.Name(), "Fprint") || f.Pkg().Path() == "io" && f.Name() == "WriteString" {
		if u, ok := ast.Unparen(c.Args[0]).(*ast.UnaryExpr); ok && u.Op == token.AND {
			return u.X
		}
		if sel, ok := ast.Unparen(c.Args[0]).(*ast.SelectorExpr); ok {
			if _, isPkg := s.d.used(sel.X).(*types.PkgName); isPkg {
				return nil // os.Stderr: nobody's output
			}
		}
		return c.Args[0]
	}
	return nil
}

// outside reports whether the variable that e begins with is declared outside of scope.
func (s *scan) outside(e ast.Expr, scope ast.Node) bool {
	o := s.base(e)
	return o != nil && !within(scope, o.Pos())
}

// base returns the variable that an expression begins with, or nil.
func (s *scan) base(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v, ok := s.d.lp.Info.ObjectOf(e).(*types.Var); ok {
			return v
		}
	case *ast.SelectorExpr:
		if _, isPkg := s.d.used(e.X).(*types.PkgName); isPkg {
			return s.d.used(e)
		}
		return s.base(e.X)
	case *ast.IndexExpr:
		return s.base(e.X)
	case *ast.StarExpr:
		return s.base(e.X)
	case *ast.UnaryExpr:
		return s.base(e.X)
	case *ast.SliceExpr:
		return s.base(e.X)
	}
	return nil
}

func (s *scan) mentions(n ast.Node, o types.Object) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && s.d.lp.Info.Uses[id] == o {
			found = true
		}
		return !found
	})
	return found
}

// sorted reports whether target is sorted somewhere behind pos, here or by all who call this function for it.
func (s *scan) sorted(target ast.Expr, pos token.Pos) bool {
	name := types.ExprString(target)
	if s.sortedBehind(name, pos) || s.worklist(target, name) {
		return true
	}
	f, ok := s.d.obj.(*types.Func)
	if !ok || !s.returned(target) {
		return false
	}
	sites := s.x.callers(f.Origin())
	for _, c := range sites {
		t := &scan{x: s.x, d: c.in, flow: s.x.flowOf(c.in)}
		if !t.resultSorted(c.call) {
			return false
		}
	}
	return len(sites) > 0
}

// worklist reports whether target is a queue or stack that is taken from until it is empty: what comes of it rarely shows its order.
func (s *scan) worklist(target ast.Expr, name string) bool {
	if s.flow.local(target) == nil {
		return false
	}
	found := false
	ast.Inspect(s.d.root, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i, l := range a.Lhs {
				cut, ok := ast.Unparen(a.Rhs[i]).(*ast.SliceExpr)
				found = found || ok && types.ExprString(l) == name && types.ExprString(cut.X) == name
			}
		}
		return !found
	})
	return found
}

// resultSorted reports whether the result of a call is sorted, or only counted.
func (s *scan) resultSorted(c *ast.CallExpr) bool {
	switch p := s.flow.parent[c].(type) {
	case *ast.CallExpr:
		return s.sorts(p) || s.onlyCounts(p)
	case *ast.AssignStmt:
		return len(p.Lhs) > 0 && len(p.Rhs) == 1 && s.sortedBehind(types.ExprString(p.Lhs[0]), p.End())
	}
	return false
}

func (s *scan) sortedBehind(name string, pos token.Pos) bool {
	found := false
	ast.Inspect(s.d.root, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && c.Pos() >= pos && s.sorts(c) {
			for _, a := range c.Args {
				found = found || s.isNamed(a, name)
			}
			if sel, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr); ok {
				found = found || types.ExprString(sel.X) == name
			}
		}
		return !found
	})
	return found
}

// isNamed reports whether an argument is name, its address, its values, or a conversion of one.
func (s *scan) isNamed(a ast.Expr, name string) bool {
	switch a := ast.Unparen(a).(type) {
	case *ast.CallExpr:
		return len(a.Args) == 1 && s.isNamed(a.Args[0], name)
	case *ast.UnaryExpr:
		return s.isNamed(a.X, name)
	case *ast.SliceExpr:
		return s.isNamed(a.X, name)
	}
	return types.ExprString(a) == name
}

// sorts reports whether a call sorts what it is given: its name says so.
func (s *scan) sorts(c *ast.CallExpr) bool {
	o := s.d.used(c.Fun)
	if o == nil {
		return false
	}
	if o.Pkg() != nil && o.Pkg().Path() == "sort" {
		return !strings.HasPrefix(o.Name(), "Search")
	}
	return strings.Contains(strings.ToLower(o.Name()), "sort")
}

// onlyCounts reports whether a call does not care for the order of what it is given.
func (s *scan) onlyCounts(c *ast.CallExpr) bool {
	o := s.d.used(c.Fun)
	if b, ok := o.(*types.Builtin); ok {
		return b.Name() == "len" || b.Name() == "cap" || b.Name() == "max" || b.Name() == "min"
	}
	if o == nil || o.Pkg() == nil || o.Pkg().Path() != "slices" {
		return false
	}
	switch o.Name() {
	case "Contains", "Max", "Min":
		return true
	}
	return false
}

// returned reports whether target is a result of the function.
func (s *scan) returned(target ast.Expr) bool {
	o := s.base(target)
	if o == nil || s.d.fn == nil {
		return false
	}
	for v := range s.d.obj.(*types.Func).Signature().Results().Variables() {
		if v == o {
			return true
		}
	}
	name, found := types.ExprString(target), false
	ast.Inspect(s.d.root, func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) > 0 {
			found = found || types.ExprString(r.Results[0]) == name
		}
		return !found
	})
	return found
}

// first returns a return statement that gives away the first element that a loop over a map comes to.
func (s *scan) first(r *ast.RangeStmt) ast.Node {
	for _, st := range r.Body.List {
		ret, ok := st.(*ast.ReturnStmt)
		if !ok {
			continue
		}
		for _, v := range []ast.Expr{r.Key, r.Value} {
			if o := s.flow.local(keyOrNil(v)); o != nil && s.mentions(ret, o) {
				return ret
			}
		}
	}
	return nil
}

// collected reports slices.Collect(maps.Keys(m)) that nobody sorts.
func (s *scan) collected(c *ast.CallExpr) {
	if s.mapIterator(c) && s.d.callee(c).Pkg().Path() != "maps" { // the older package returns a slice
		s.unsorted(c, c)
		return
	}
	f := s.d.callee(c)
	if f == nil || f.Pkg() == nil || f.Pkg().Path() != "slices" || f.Name() != "Collect" && f.Name() != "AppendSeq" {
		return
	}
	for _, a := range c.Args {
		if m, ok := ast.Unparen(a).(*ast.CallExpr); ok && s.mapIterator(m) {
			s.unsorted(c, m)
		}
	}
}

func (s *scan) unsorted(c, m *ast.CallExpr) {
	if s.resultSorted(c) || len(m.Args) == 0 {
		return
	}
	switch p := s.flow.parent[c].(type) {
	case *ast.ReturnStmt:
		if f, ok := s.d.obj.(*types.Func); ok && len(p.Results) == 1 {
			if sites := s.x.callers(f.Origin()); len(sites) > 0 {
				all := true
				for _, site := range sites {
					t := &scan{x: s.x, d: site.in, flow: s.x.flowOf(site.in)}
					all = all && t.resultSorted(site.call)
				}
				if all {
					return
				}
			}
		}
	case *ast.RangeStmt:
		return // judged as a loop
	}
	s.add(Order, c, "map iteration over "+types.ExprString(m.Args[0])+" decides the order of "+types.ExprString(c), nil)
}
