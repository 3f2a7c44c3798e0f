package oracle

import (
	"fmt"
	"go/types"

	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A dependence is the oracle's own view of a program: which code and which declarations a piece of code uses, taken from SSA form. Nodes
// are functions in SSA form (closures, wrappers and instances of generic functions are functions of their own), package variables with
// the code that initialises them, and named types.
type dependence struct {
	prog  *load.Program
	ssa   *ssa.Program
	names []string       // symbol of each root, in versionhash's spelling
	roots []int32        // node of each root: the functions and methods that are declared
	scope []map[int]bool // by package: the numbers of the local packages that it imports, at any depth, and its own

	pkgs    map[*types.Package]int
	fns     map[*ssa.Function]int32
	objs    map[types.Object]int32
	nodes   []node
	scanned int

	named    map[types.Type][]int32
	types    typeutil.Map // type that is converted to an interface -> number
	typeList []types.Type
	invokes  map[invoke]int32
	calls    []invoke
	targets  [][]target // by call of an interface method: what it may run
}

type node struct {
	fn      *ssa.Function
	decl    types.Object // the declaration that the code stands in; nil for what the compiler makes
	pkg     int
	edges   []int32
	seen    map[int32]bool
	becomes []int32 // types that are converted to interfaces here
	invokes []int32
	sets    []int32 // variables whose value this code changes, by itself
	by      []int32 // of a variable: the initialisers that change it when a program starts
	starts  bool    // runs when a program starts
}

// An invoke is a method of an interface that some code calls.
type invoke struct {
	iface  types.Type
	method *types.Func
}

type target struct {
	typ int32 // the concrete type
	fn  int32
}

// build makes SSA form of the local packages and collects what each node uses.
func build(p *load.Program) (d *dependence, err error) {
	defer func() {
		if r := recover(); r != nil { // x/tools panics on code that it does not know
			err = fmt.Errorf("oracle: SSA form of %s: %v", p.Module.Path, r)
		}
	}()
	d = &dependence{
		prog: p, ssa: ssa.NewProgram(p.Fset, ssa.InstantiateGenerics|ssa.BuildSerially),
		named: map[types.Type][]int32{},
		pkgs:  map[*types.Package]int{}, fns: map[*ssa.Function]int32{}, objs: map[types.Object]int32{}, invokes: map[invoke]int32{},
	}
	created := map[*types.Package]bool{}
	locals := p.Locals()
	for _, lp := range locals {
		d.pkgs[lp.Types] = len(d.pkgs)
	}
	var others func(t *types.Package)
	others = func(t *types.Package) {
		if created[t] {
			return
		}
		created[t] = true
		for _, i := range t.Imports() {
			others(i)
		}
		if _, local := d.pkgs[t]; !local {
			d.ssa.CreatePackage(t, nil, nil, true)
		}
	}
	for _, lp := range locals {
		others(lp.Types)
	}
	for _, lp := range locals {
		d.ssa.CreatePackage(lp.Types, lp.Syntax, lp.Info, false)
	}
	d.ssa.Build()
	d.scopes(locals)
	for _, lp := range locals {
		d.declarations(lp)
	}
	d.scan()
	d.dispatch()
	d.initialisers()
	return d, nil
}

func (d *dependence) scopes(locals []*load.Package) {
	d.scope = make([]map[int]bool, len(d.pkgs))
	for _, lp := range locals { // dependencies first
		n := d.pkgs[lp.Types]
		d.scope[n] = map[int]bool{n: true}
		for _, dep := range lp.Imports {
			if m, ok := d.pkgs[dep.Types]; ok && dep.Types != nil {
				for i := range d.scope[m] {
					d.scope[n][i] = true
				}
			}
		}
	}
}

// declarations makes the roots: functions, and methods of named types.
func (d *dependence) declarations(lp *load.Package) {
	root := func(f *types.Func, symbol string) {
		if fn := d.ssa.FuncValue(f); fn != nil && f.Name() != "_" {
			d.roots = append(d.roots, d.function(fn))
			d.names = append(d.names, symbol)
		}
	}
	scope := lp.Types.Scope()
	for _, name := range scope.Names() {
		switch o := scope.Lookup(name).(type) {
		case *types.Func:
			root(o, lp.Path+"."+name)
		case *types.Var:
			d.object(o)
		case *types.TypeName:
			d.object(o)
			named, ok := o.Type().(*types.Named)
			if !ok || o.IsAlias() {
				continue
			}
			for m := range named.Methods() {
				root(m, symbolOf(lp.Path, m))
			}
		}
	}
}

// symbolOf spells a function or method as manifests do.
func symbolOf(path string, f *types.Func) string {
	recv := f.Signature().Recv()
	if recv == nil {
		return path + "." + f.Name()
	}
	t := types.Unalias(recv.Type())
	if ptr, ok := t.(*types.Pointer); ok {
		return path + ".(*" + types.Unalias(ptr.Elem()).(*types.Named).Obj().Name() + ")." + f.Name()
	}
	return path + "." + t.(*types.Named).Obj().Name() + "." + f.Name()
}

// local returns the number of a local package; -1 for others.
func (d *dependence) local(p *types.Package) int {
	if n, ok := d.pkgs[p]; ok {
		return n
	}
	return -1
}

// function returns the node of a function, which is scanned later.
func (d *dependence) function(fn *ssa.Function) int32 {
	if n, ok := d.fns[fn]; ok {
		return n
	}
	n := int32(len(d.nodes))
	d.fns[fn] = n
	at := fn
	for at.Parent() != nil {
		at = at.Parent()
	}
	if at.Origin() != nil {
		at = at.Origin()
	}
	nd := node{fn: fn, pkg: -1, seen: map[int32]bool{}}
	if o, ok := at.Object().(*types.Func); ok && at.Synthetic == "" {
		nd.decl = o.Origin()
		nd.pkg = d.local(o.Pkg())
	}
	d.nodes = append(d.nodes, nd)
	return n
}

// object returns the node of a local variable of a package or of a named type; -1 for what is not local.
func (d *dependence) object(o types.Object) int32 {
	if o == nil || o.Pkg() == nil || d.local(o.Pkg()) < 0 {
		return -1
	}
	if n, ok := d.objs[o]; ok {
		return n
	}
	n := int32(len(d.nodes))
	d.objs[o] = n
	d.nodes = append(d.nodes, node{decl: o, pkg: d.local(o.Pkg()), seen: map[int32]bool{}})
	if t, ok := o.(*types.TypeName); ok {
		if named, ok := types.Unalias(t.Type()).(*types.Named); ok {
			d.uses(n, named.Underlying())
			for p := range named.TypeParams().TypeParams() {
				d.uses(n, p.Constraint())
			}
		}
	}
	return n
}

func (d *dependence) edge(from, to int32) {
	if to >= 0 && from != to && !d.nodes[from].seen[to] {
		d.nodes[from].seen[to] = true
		d.nodes[from].edges = append(d.nodes[from].edges, to)
	}
}

// uses adds the named types that a type is made of.
func (d *dependence) uses(n int32, t types.Type) {
	list, ok := d.named[t]
	if !ok {
		d.eachNamed(t, map[types.Type]bool{}, func(o *types.TypeName) {
			if m := d.object(o); m >= 0 {
				list = append(list, m)
			}
		})
		d.named[t] = list
	}
	for _, m := range list {
		d.edge(n, m)
	}
}

func (d *dependence) eachNamed(t types.Type, seen map[types.Type]bool, yield func(*types.TypeName)) {
	if t == nil || seen[t] {
		return
	}
	seen[t] = true
	each := func(t types.Type) { d.eachNamed(t, seen, yield) }
	switch t := t.(type) {
	case *types.Alias:
		each(types.Unalias(t))
	case *types.Named:
		yield(t.Origin().Obj())
		for a := range t.TypeArgs().Types() {
			each(a)
		}
	case *types.TypeParam:
		each(t.Constraint())
	case *types.Pointer:
		each(t.Elem())
	case *types.Slice:
		each(t.Elem())
	case *types.Array:
		each(t.Elem())
	case *types.Chan:
		each(t.Elem())
	case *types.Map:
		each(t.Key())
		each(t.Elem())
	case *types.Tuple:
		for v := range t.Variables() {
			each(v.Type())
		}
	case *types.Signature:
		each(t.Params())
		each(t.Results())
	case *types.Struct:
		for f := range t.Fields() {
			each(f.Type())
		}
	case *types.Interface:
		for m := range t.Methods() {
			each(m.Type())
		}
		for e := range t.EmbeddedTypes() {
			each(e)
		}
	case *types.Union:
		for term := range t.Terms() {
			each(term.Type())
		}
	}
}

// converted notes that a value of type t becomes an interface value in node n.
func (d *dependence) converted(n int32, t types.Type, iface types.Type) {
	if _, param := types.Unalias(t).(*types.TypeParam); param || types.IsInterface(t) {
		return
	}
	id, ok := d.types.At(t).(int32)
	if !ok {
		id = int32(len(d.typeList))
		d.types.Set(t, id)
		d.typeList = append(d.typeList, t)
	}
	d.nodes[n].becomes = append(d.nodes[n].becomes, id)
	// Code of other modules may call what their interfaces ask for, and what fmt, errors and encoders look for in any value.
	if i := iface.Underlying().(*types.Interface); i.NumMethods() == 0 || types.Identical(iface, types.Universe.Lookup("error").Type()) {
		set := d.ssa.MethodSets.MethodSet(t)
		for sel := range set.Methods() {
			if wellKnown[sel.Obj().Name()] {
				if fn := d.ssa.MethodValue(sel); fn != nil {
					d.edge(n, d.function(fn))
				}
			}
		}
	}
	if named, ok := types.Unalias(iface).(*types.Named); ok && d.local(named.Obj().Pkg()) < 0 {
		for m := range named.Underlying().(*types.Interface).Methods() {
			d.invoked(n, iface, m)
		}
	}
}

// wellKnown are the methods that the standard library looks for in a value of any type.
var wellKnown = map[string]bool{
	"String": true, "Error": true, "GoString": true, "Format": true, "Is": true, "As": true, "Unwrap": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true, "MarshalBinary": true, "UnmarshalBinary": true,
	"MarshalXML": true, "UnmarshalXML": true, "MarshalYAML": true, "UnmarshalYAML": true, "LogValue": true,
}

func (d *dependence) invoked(n int32, iface types.Type, m *types.Func) {
	k := invoke{iface.Underlying(), m.Origin()}
	id, ok := d.invokes[k]
	if !ok {
		id = int32(len(d.calls))
		d.invokes[k] = id
		d.calls = append(d.calls, k)
	}
	d.nodes[n].invokes = append(d.nodes[n].invokes, id)
}

// scan goes through the code of all functions that are known, which makes more of them known.
func (d *dependence) scan() {
	for _, lp := range d.prog.Locals() {
		if pkg := d.ssa.Package(lp.Types); pkg != nil {
			for _, m := range pkg.Members {
				if fn, ok := m.(*ssa.Function); ok {
					n := d.function(fn)
					if fn.Synthetic == "" && fn.Signature.Recv() == nil && isInit(fn) {
						d.nodes[n].starts = true
					}
				}
			}
		}
	}
	d.rest()
}

// rest scans what has become known since.
func (d *dependence) rest() {
	for ; d.scanned < len(d.nodes); d.scanned++ {
		if fn := d.nodes[d.scanned].fn; fn != nil && fn.Synthetic != "package initializer" {
			d.code(int32(d.scanned), fn)
		}
	}
}

// dispatch finds, for each method of an interface that is called, the methods of all types that are converted to an interface and
// implement it, until no code becomes known by that.
func (d *dependence) dispatch() {
	var done []int // by call: how many types it was compared with
	for again := true; again; {
		again = false
		for c := 0; c < len(d.calls); c++ {
			if c == len(done) {
				done, d.targets = append(done, 0), append(d.targets, nil)
			}
			call := d.calls[c]
			for ; done[c] < len(d.typeList); done[c]++ {
				again = true
				t := d.typeList[done[c]]
				sel := d.ssa.MethodSets.MethodSet(t).Lookup(call.method.Pkg(), call.method.Name())
				if sel == nil || !types.Implements(t, call.iface.(*types.Interface)) {
					continue
				}
				if fn := d.ssa.MethodValue(sel); fn != nil {
					d.targets[c] = append(d.targets[c], target{int32(done[c]), d.function(fn)})
				}
			}
		}
		d.rest()
	}
}

// isInit holds for declared init functions, which SSA form numbers.
func isInit(fn *ssa.Function) bool {
	o, ok := fn.Object().(*types.Func)
	return ok && o.Name() == "init" && o.Signature().Recv() == nil
}

func (d *dependence) code(n int32, fn *ssa.Function) {
	d.uses(n, fn.Signature)
	if o := fn.Origin(); o != nil {
		d.uses(n, o.Signature) // with the constraints of type parameters
	}
	if r := fn.Signature.Recv(); r != nil {
		d.uses(n, r.Type())
	}
	for _, b := range fn.Blocks {
		for _, i := range b.Instrs {
			d.instruction(n, i)
		}
	}
}

func (d *dependence) instruction(n int32, i ssa.Instruction) {
	if v, ok := i.(ssa.Value); ok {
		d.uses(n, v.Type())
	}
	if m, ok := i.(*ssa.MakeInterface); ok {
		d.converted(n, m.X.Type(), m.Type())
	}
	if c, ok := i.(ssa.CallInstruction); ok && c.Common().IsInvoke() {
		if _, param := types.Unalias(c.Common().Value.Type()).(*types.TypeParam); !param {
			d.invoked(n, c.Common().Value.Type(), c.Common().Method)
		}
	}
	var room [8]*ssa.Value
	for _, op := range i.Operands(room[:0]) {
		switch v := (*op).(type) {
		case *ssa.Function:
			d.edge(n, d.function(v))
		case *ssa.Global:
			if o := v.Object(); o != nil {
				d.edge(n, d.object(o))
			}
		case *ssa.Const:
			d.uses(n, v.Type())
		}
	}
}
