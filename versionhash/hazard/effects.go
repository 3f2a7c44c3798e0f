package hazard

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// effects are what the code of a declaration writes to beyond its own variables.
type effects struct {
	globals []Site
	params  map[*types.Var][]Site // writes to what a parameter, or the receiver, leads to
}

// inputs returns the writes to the given parameters.
func (e *effects) inputs(params []*types.Var) []Site {
	var out []Site
	for _, p := range params {
		out = append(out, e.params[p]...)
	}
	return out
}

// effects looks through a declaration once. In a cycle of calls, what is not known yet counts as no write.
func (x *index) effects(d *decl) *effects {
	if e := x.effectM[d]; e != nil {
		return e
	}
	e := &effects{params: map[*types.Var][]Site{}}
	x.effectM[d] = e
	w := &writes{x: x, d: d, e: e, flow: x.flowOf(d), alias: map[types.Object]map[*types.Var]bool{}, params: map[*types.Var]bool{}}
	w.run()
	return e
}

// writes finds the writes of one declaration.
type writes struct {
	x      *index
	d      *decl
	e      *effects
	flow   *flow
	params map[*types.Var]bool
	alias  map[types.Object]map[*types.Var]bool // local variables that lead to memory of a parameter or a package variable
}

func (w *writes) run() {
	if f, ok := w.d.obj.(*types.Func); ok {
		sig := f.Signature()
		if r := sig.Recv(); r != nil {
			w.params[r] = true
		}
		for v := range sig.Params().Variables() {
			w.params[v] = true
		}
	}
	for range 4 {
		if !w.spread() {
			break
		}
	}
	ast.Inspect(w.d.root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, l := range n.Lhs {
					w.write(n, w.location(l), types.ExprString(l)+" is written")
				}
			}
		case *ast.IncDecStmt:
			w.write(n, w.location(n.X), types.ExprString(n.X)+" is written")
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				for _, l := range []ast.Expr{n.Key, n.Value} {
					if l != nil {
						w.write(l, w.location(l), types.ExprString(l)+" is written")
					}
				}
			}
		case *ast.CallExpr:
			w.call(n)
		}
		return true
	})
}

// write adds a site for each root.
func (w *writes) write(n ast.Node, roots map[*types.Var]bool, what string) {
	for r := range roots {
		s := Site{Pos: n.Pos(), End: n.End(), What: what}
		if w.params[r] {
			s.Kind = Input
			if s.What = what; !strings.HasPrefix(what, r.Name()) {
				s.What += ", memory of parameter " + r.Name()
			}
			w.e.params[r] = append(w.e.params[r], s)
			continue
		}
		if w.once(n) {
			continue
		}
		s.Kind, s.Var = Global, r
		if !strings.HasPrefix(what, r.Name()) {
			s.What += ", memory of package variable " + r.Name()
		}
		w.e.globals = append(w.e.globals, s)
	}
}

// once reports whether a node is run by a sync.Once: what is made once, by code that counts in the version, is the same each time.
func (w *writes) once(n ast.Node) bool {
	return w.flow.up(n, func(p ast.Node) bool {
		lit, ok := p.(*ast.FuncLit)
		if !ok {
			return false
		}
		c, ok := w.flow.parent[lit].(*ast.CallExpr)
		if !ok {
			return false
		}
		f := w.d.callee(c)
		return f != nil && f.Pkg() != nil && f.Pkg().Path() == "sync" && (f.Name() == "Do" || strings.HasPrefix(f.Name(), "OnceValue") || f.Name() == "OnceFunc")
	}) != nil
}

// spread follows assignments to local variables, once; it reports whether anything was new.
func (w *writes) spread() bool {
	changed := false
	give := func(l ast.Expr, roots map[*types.Var]bool) {
		o := w.flow.local(l)
		if o == nil || len(roots) == 0 || !refers(o.Type(), nil) {
			return
		}
		if w.alias[o] == nil {
			w.alias[o] = map[*types.Var]bool{}
		}
		for r := range roots {
			if r != o && !w.alias[o][r] {
				w.alias[o][r] = true
				changed = true
			}
		}
	}
	ast.Inspect(w.d.root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if len(n.Lhs) == len(n.Rhs) {
				for i, l := range n.Lhs {
					give(l, w.shares(n.Rhs[i]))
				}
			} else if len(n.Rhs) == 1 && len(n.Lhs) > 0 {
				give(n.Lhs[0], w.shares(n.Rhs[0]))
			}
		case *ast.ValueSpec:
			if len(n.Names) == len(n.Values) {
				for i, l := range n.Names {
					give(l, w.shares(n.Values[i]))
				}
			}
		case *ast.RangeStmt:
			from := w.shares(n.X)
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

// packageVar returns the package variable that e names, or nil.
func (w *writes) packageVar(e ast.Expr) *types.Var {
	v, ok := w.d.used(e).(*types.Var)
	if !ok || v.IsField() || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
		return nil
	}
	return v.Origin()
}

func one(v *types.Var) map[*types.Var]bool { return map[*types.Var]bool{v: true} }

// location returns the parameters and package variables whose memory an assignment to e changes.
func (w *writes) location(e ast.Expr) map[*types.Var]bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v := w.packageVar(e); v != nil {
			return one(v)
		}
	case *ast.IndexExpr:
		if _, ok := w.d.typeOf(e.X).Underlying().(*types.Array); ok {
			return w.location(e.X)
		}
		return w.shares(e.X)
	case *ast.SelectorExpr:
		if v := w.packageVar(e); v != nil {
			return one(v)
		}
		if _, ok := w.d.typeOf(e.X).Underlying().(*types.Pointer); ok {
			return w.shares(e.X)
		}
		return w.location(e.X)
	case *ast.StarExpr:
		return w.shares(e.X)
	}
	return nil
}

// shares returns the parameters and package variables whose memory the value of e leads to.
func (w *writes) shares(e ast.Expr) map[*types.Var]bool {
	if !refers(w.d.typeOf(e), nil) {
		if _, tuple := w.d.typeOf(e).(*types.Tuple); !tuple {
			return nil
		}
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v := w.packageVar(e); v != nil {
			return one(v)
		}
		o := w.flow.local(e)
		if v, ok := o.(*types.Var); ok && w.params[v] {
			return one(v)
		}
		return w.alias[o]
	case *ast.SelectorExpr:
		if v := w.packageVar(e); v != nil {
			return one(v)
		}
		if _, isPkg := w.d.used(e.X).(*types.PkgName); isPkg {
			return nil
		}
		if s := w.d.lp.Info.Selections[e]; s != nil && s.Kind() != types.FieldVal {
			return nil
		}
		return w.shares(e.X)
	case *ast.IndexExpr:
		return w.shares(e.X)
	case *ast.SliceExpr:
		if _, ok := w.d.typeOf(e.X).Underlying().(*types.Array); ok {
			return w.location(e.X)
		}
		return w.shares(e.X)
	case *ast.StarExpr:
		return w.shares(e.X)
	case *ast.TypeAssertExpr:
		return w.shares(e.X)
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			return w.location(e.X)
		}
	case *ast.CallExpr:
		if tv := w.d.lp.Info.Types[e.Fun]; tv.IsType() && len(e.Args) == 1 {
			return w.shares(e.Args[0]) // []byte(s) has no reference in s, which shares sees
		}
		if b, ok := w.d.used(e.Fun).(*types.Builtin); ok && b.Name() == "append" && len(e.Args) > 0 {
			return w.shares(e.Args[0])
		}
	}
	return nil
}

// refers reports whether a value of type t leads to memory that others can see. Interfaces, functions and channels are not followed.
func refers(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	if seen == nil {
		seen = map[types.Type]bool{}
	}
	seen[t] = true
	switch u := t.Underlying().(type) {
	case *types.Pointer, *types.Slice, *types.Map:
		return true
	case *types.Array:
		return refers(u.Elem(), seen)
	case *types.Struct:
		if o := named(t); o != nil && o.Pkg() != nil && o.Pkg().Path() == "time" {
			return false
		}
		for f := range u.Fields() {
			if refers(f.Type(), seen) {
				return true
			}
		}
	}
	return false
}

// modifiers are functions of the standard library that change what their first argument leads to.
var modifiers = func() map[string]bool {
	m := map[string]bool{}
	for pkg, names := range map[string]string{
		"sort":        "Strings Ints Float64s Slice SliceStable Sort Stable",
		"slices":      "Sort SortFunc SortStableFunc Reverse Delete DeleteFunc Compact CompactFunc Replace",
		"maps":        "Copy DeleteFunc Insert",
		"sync/atomic": "AddInt32 AddInt64 AddUint32 AddUint64 StoreInt32 StoreInt64 StoreUint32 StoreUint64 SwapInt32 SwapInt64 CompareAndSwapInt32 CompareAndSwapInt64 StorePointer",
	} {
		for n := range strings.FieldsSeq(names) {
			m[pkg+"."+n] = true
		}
	}
	return m
}()

// setters are methods of the standard library that change what they are called on.
var setters = map[string]string{
	"sync/atomic": "Add Store Swap CompareAndSwap And Or", "sync": "Store LoadOrStore LoadAndDelete Delete Swap CompareAndSwap CompareAndDelete Clear",
	"bytes": "Write WriteString WriteByte WriteRune Reset Truncate ReadFrom", "strings": "Write WriteString WriteByte WriteRune Reset",
	"container/list": "PushBack PushFront Remove Init InsertBefore InsertAfter MoveToFront MoveToBack", "expvar": "Add Set",
}

// call adds what a call changes of its arguments.
func (w *writes) call(c *ast.CallExpr) {
	if b, ok := w.d.used(c.Fun).(*types.Builtin); ok {
		w.builtin(c, b.Name())
		return
	}
	f := w.d.callee(c)
	if f == nil || f.Pkg() == nil {
		return
	}
	var recv ast.Expr
	if sel, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr); ok && f.Signature().Recv() != nil {
		if s := w.d.lp.Info.Selections[sel]; s != nil && s.Kind() == types.MethodVal {
			recv = sel.X
		}
	}
	if d := w.x.byObj[f]; d != nil {
		w.local(c, f, d, recv)
		return
	}
	switch {
	case recv == nil && modifiers[f.Pkg().Path()+"."+f.Name()] && len(c.Args) > 0:
		w.write(c, w.shares(unwrapped(c.Args[0])), types.ExprString(c.Fun)+" changes "+types.ExprString(c.Args[0]))
	case recv != nil && setting(f):
		w.write(c, w.through(recv), types.ExprString(c.Fun)+" changes "+types.ExprString(recv))
	}
}

func setting(f *types.Func) bool {
	for n := range strings.FieldsSeq(setters[f.Pkg().Path()]) {
		if n == f.Name() {
			return f.Pkg().Path() != "sync" || named(f.Signature().Recv().Type()).Name() == "Map"
		}
	}
	return false
}

// unwrapped takes off the conversions of sort.Sort(sort.Reverse(byName(list))).
func unwrapped(e ast.Expr) ast.Expr {
	for {
		c, ok := ast.Unparen(e).(*ast.CallExpr)
		if !ok || len(c.Args) != 1 {
			return e
		}
		e = c.Args[0]
	}
}

// through is the memory that a method with a pointer receiver gets to see.
func (w *writes) through(recv ast.Expr) map[*types.Var]bool {
	if _, ok := w.d.typeOf(recv).Underlying().(*types.Pointer); ok {
		return w.shares(recv)
	}
	return w.location(recv)
}

func (w *writes) builtin(c *ast.CallExpr, name string) {
	if len(c.Args) == 0 {
		return
	}
	a := c.Args[0]
	switch name {
	case "delete", "clear", "copy":
		w.write(c, w.shares(a), name+" changes "+types.ExprString(a))
	case "append": // append(x[:i], ...) writes over what stands behind i
		if s, ok := ast.Unparen(a).(*ast.SliceExpr); ok && s.High != nil && !s.Slice3 {
			w.write(c, w.shares(a), "append writes over the rest of "+types.ExprString(s.X))
		}
	}
}

// local adds what a function of this program changes of its arguments.
func (w *writes) local(c *ast.CallExpr, f *types.Func, d *decl, recv ast.Expr) {
	e := w.x.effects(d)
	sig := f.Signature()
	name := types.ExprString(c.Fun)
	if r := sig.Recv(); r != nil && recv != nil && len(e.params[r]) > 0 {
		roots := w.shares(recv)
		if _, pointer := types.Unalias(r.Type()).(*types.Pointer); pointer {
			roots = w.through(recv)
		}
		w.write(c, roots, name+" changes "+types.ExprString(recv))
	}
	for i, a := range c.Args {
		if n := sig.Params().Len(); i < n || sig.Variadic() && n > 0 {
			if len(e.params[sig.Params().At(min(i, n-1))]) > 0 {
				w.write(c, w.shares(a), name+" changes "+types.ExprString(a))
			}
		}
	}
}
