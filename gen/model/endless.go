package model

import (
	"go/types"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// Endless reports generic types of local packages that grow with every look into them, such as
//
//	type List[T any] struct{ Next *List[[]T] }
//
// The compiler refuses them, but the type checker says so only where there is no other error; and whoever looks at their fields or methods, the type
// checker too, would never come to an end. So nothing else is done with a program that has one.
func Endless(prog *load.Program) diag.List {
	var out diag.List
	for _, lp := range prog.Locals() {
		out = append(out, EndlessIn(prog, lp)...)
	}
	return out
}

// EndlessIn reports those of one package; there are none in a package without types, which is one that was looked at before it was summarised.
func EndlessIn(prog *load.Program, lp *load.Package) diag.List {
	if lp.Types == nil {
		return nil
	}
	var out diag.List
	scope := lp.Types.Scope()
	for _, name := range scope.Names() {
		obj, ok := scope.Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		named, ok := obj.Type().(*types.Named)
		if !ok || named.TypeParams().Len() == 0 {
			continue
		}
		w := &endlessWalk{open: map[*types.TypeName]int{}, seen: map[string]bool{}}
		if w.visit(named) {
			pos := prog.Position(obj.Pos())
			end := pos
			end.Column += len(name)
			out.Add(diag.Diagnostic{Code: CodeInvalidType, Pos: pos, End: end, Message: "type " + name + " has no end: each look into it finds a larger type",
				Hint: "use the same type arguments inside of it"})
		}
	}
	return out
}

type endlessWalk struct {
	open map[*types.TypeName]int
	seen map[string]bool
}

// visit reports whether the parts of t go on without end.
func (w *endlessWalk) visit(t types.Type) bool {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		if t.TypeParams().Len() == 0 { // not generic: it is finite, or made of generic types that are looked at by themselves
			return false
		}
		name := TypeName(t)
		if w.seen[name] {
			return false
		}
		w.seen[name] = true
		obj := t.Obj()
		if w.open[obj]++; w.open[obj] > maxInstances {
			return true
		}
		defer func() { w.open[obj]-- }()
		return w.visit(t.Underlying())
	case *types.Pointer:
		return w.visit(t.Elem())
	case *types.Slice:
		return w.visit(t.Elem())
	case *types.Array:
		return w.visit(t.Elem())
	case *types.Chan:
		return w.visit(t.Elem())
	case *types.Map:
		return w.visit(t.Key()) || w.visit(t.Elem())
	case *types.Struct:
		for i := range t.NumFields() {
			if w.visit(t.Field(i).Type()) {
				return true
			}
		}
	}
	return false
}
