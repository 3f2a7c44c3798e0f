package model

import (
	"fmt"
	"go/types"
	"strconv"
	"strings"
)

// TypeName returns the canonical name of a type: identical types have the same one, different types different ones. Aliases
// are resolved, packages are spelled by their import paths.
func TypeName(t types.Type) string {
	var b strings.Builder
	writeType(&b, t)
	return b.String()
}

func writeType(b *strings.Builder, t types.Type) {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		b.WriteString(basicName(t))
	case *types.Named:
		if pkg := t.Obj().Pkg(); pkg != nil {
			b.WriteString(pkg.Path() + ".")
		}
		b.WriteString(t.Obj().Name())
		if args := t.TypeArgs(); args.Len() > 0 {
			b.WriteByte('[')
			for i := range args.Len() {
				if i > 0 {
					b.WriteByte(',')
				}
				writeType(b, args.At(i))
			}
			b.WriteByte(']')
		}
	case *types.Pointer:
		b.WriteByte('*')
		writeType(b, t.Elem())
	case *types.Slice:
		b.WriteString("[]")
		writeType(b, t.Elem())
	case *types.Array:
		b.WriteString("[" + strconv.FormatInt(t.Len(), 10) + "]")
		writeType(b, t.Elem())
	case *types.Map:
		b.WriteString("map[")
		writeType(b, t.Key())
		b.WriteByte(']')
		writeType(b, t.Elem())
	case *types.Chan:
		b.WriteString([]string{"chan(", "chan<-(", "<-chan("}[t.Dir()])
		writeType(b, t.Elem())
		b.WriteByte(')')
	case *types.Struct:
		writeStruct(b, t)
	case *types.Signature:
		b.WriteString("func")
		writeSignature(b, t)
	case *types.Interface:
		writeInterface(b, t)
	default:
		fmt.Fprintf(b, "%s", t)
	}
}

func writeStruct(b *strings.Builder, t *types.Struct) {
	b.WriteString("struct{")
	for i := range t.NumFields() {
		f := t.Field(i)
		if i > 0 {
			b.WriteString("; ")
		}
		if !f.Exported() { // unexported names of two packages are different names
			b.WriteString(f.Pkg().Path() + ".")
		}
		b.WriteString(f.Name() + " ")
		if f.Embedded() {
			b.WriteString("embedded ")
		}
		writeType(b, f.Type())
		if tag := t.Tag(i); tag != "" {
			b.WriteString(" " + strconv.Quote(tag))
		}
	}
	b.WriteByte('}')
}

func writeSignature(b *strings.Builder, t *types.Signature) {
	b.WriteByte('(')
	writeTuple(b, t.Params(), t.Variadic())
	b.WriteString(")(")
	writeTuple(b, t.Results(), false)
	b.WriteByte(')')
}

func writeTuple(b *strings.Builder, t *types.Tuple, variadic bool) {
	for i := range t.Len() {
		if i > 0 {
			b.WriteByte(',')
		}
		if variadic && i == t.Len()-1 {
			b.WriteString("...")
		}
		writeType(b, t.At(i).Type())
	}
}

func writeInterface(b *strings.Builder, t *types.Interface) {
	b.WriteString("interface{")
	for i := range t.NumMethods() { // all methods, embedded ones too, in a fixed order
		m := t.Method(i)
		if i > 0 {
			b.WriteString("; ")
		}
		if !m.Exported() {
			b.WriteString(m.Pkg().Path() + ".")
		}
		b.WriteString(m.Name())
		writeSignature(b, m.Signature())
	}
	b.WriteByte('}')
}

// basicName spells byte and rune as what they are.
func basicName(t *types.Basic) string {
	if k := t.Kind(); k > types.Invalid && k <= types.UnsafePointer {
		if k == types.UnsafePointer {
			return "unsafe.Pointer"
		}
		return types.Typ[k].Name()
	}
	return t.Name()
}

// Short spells a type for people who read code of package from: others by their package names.
func Short(t types.Type, from *types.Package) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == from {
			return ""
		}
		return p.Name()
	})
}

// isNamed reports whether t is the type name of the package with this path.
func isNamed(t types.Type, path, name string) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == path && n.Obj().Name() == name
}

func isContext(t types.Type) bool { return isNamed(t, "context", "Context") }

func isError(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() == nil && n.Obj().Name() == "error"
}

// Invalid reports whether the type checker could not make sense of some part of t. Every type that is printed into
// generated code has passed this.
func Invalid(t types.Type) bool { return invalid(t, map[types.Type]bool{}) }

func invalid(t types.Type, seen map[types.Type]bool) bool {
	if t == nil {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	any := func(ts ...types.Type) bool {
		for _, t := range ts {
			if invalid(t, seen) {
				return true
			}
		}
		return false
	}
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		return t.Kind() == types.Invalid
	case *types.Named:
		for i := range t.TypeArgs().Len() {
			if invalid(t.TypeArgs().At(i), seen) {
				return true
			}
		}
		// A field of a named type is that declaration's affair: it is not printed.
		b, ok := t.Underlying().(*types.Basic)
		return ok && b.Kind() == types.Invalid
	case *types.Pointer:
		return any(t.Elem())
	case *types.Slice:
		return any(t.Elem())
	case *types.Array:
		return any(t.Elem())
	case *types.Chan:
		return any(t.Elem())
	case *types.Map:
		return any(t.Key(), t.Elem())
	case *types.Struct:
		for i := range t.NumFields() {
			if any(t.Field(i).Type()) {
				return true
			}
		}
	case *types.Signature:
		return invalidTuple(t.Params(), seen) || invalidTuple(t.Results(), seen)
	case *types.Interface:
		for i := range t.NumMethods() {
			if any(t.Method(i).Type()) {
				return true
			}
		}
	}
	return false
}

func invalidTuple(t *types.Tuple, seen map[types.Type]bool) bool {
	for i := range t.Len() {
		if invalid(t.At(i).Type(), seen) {
			return true
		}
	}
	return false
}
