package typedata

import (
	"encoding/binary"
	"go/constant"
	"go/types"
	"math/big"
)

// The forms of types.
const (
	formBasic byte = iota + 1
	formUniverse
	formNamed
	formAlias
	formParam // a type parameter
	formPointer
	formSlice
	formArray
	formMap
	formChan
	formStruct
	formInterface
	formSignature
	formTuple
	formUnion
)

// name writes a declared type by its package and name.
func (e *encoder) name(o *types.TypeName) {
	if o.Pkg().Path() == e.pkg.Path() {
		if o.Pkg().Scope().Lookup(o.Name()) != o {
			fail("type %s of %s is not declared at package level", o.Name(), o.Pkg().Path())
		}
		e.want(o)
	}
	e.num(e.packageIndex(o.Pkg()))
	e.str(o.Name())
}

func (e *encoder) typeArgs(l *types.TypeList) {
	e.int(l.Len())
	for t := range l.Types() {
		e.typ(t)
	}
}

func (e *encoder) typ(t types.Type) {
	switch t := t.(type) {
	case nil:
		e.byte(0)
	case *types.Basic:
		e.byte(formBasic)
		e.byte(basicCode(t))
	case *types.Alias:
		if t.Obj().Pkg() == nil {
			e.byte(formUniverse)
			e.str(t.Obj().Name())
			return
		}
		e.byte(formAlias)
		e.name(t.Origin().Obj())
		e.typeArgs(t.TypeArgs())
	case *types.Named:
		if t.Obj().Pkg() == nil {
			e.byte(formUniverse)
			e.str(t.Obj().Name())
			return
		}
		e.byte(formNamed)
		e.name(t.Origin().Obj())
		e.typeArgs(t.TypeArgs())
	case *types.TypeParam:
		n, ok := e.tparams[t]
		if !ok {
			fail("type parameter %s is out of place", t)
		}
		e.byte(formParam)
		e.int(n)
	case *types.Pointer:
		e.byte(formPointer)
		e.typ(t.Elem())
	case *types.Slice:
		e.byte(formSlice)
		e.typ(t.Elem())
	case *types.Array:
		e.byte(formArray)
		e.b = binary.AppendVarint(e.b, t.Len())
		e.typ(t.Elem())
	case *types.Map:
		e.byte(formMap)
		e.typ(t.Key())
		e.typ(t.Elem())
	case *types.Chan:
		e.byte(formChan)
		e.byte(byte(t.Dir()))
		e.typ(t.Elem())
	case *types.Struct:
		e.structure(t)
	case *types.Interface:
		e.iface(t)
	case *types.Signature:
		e.byte(formSignature)
		e.signature(t)
	case *types.Tuple:
		e.byte(formTuple)
		e.tuple(t)
	case *types.Union:
		e.byte(formUnion)
		e.int(t.Len())
		for term := range t.Terms() {
			e.bool(term.Tilde())
			e.typ(term.Type())
		}
	default:
		fail("type %s of an unknown form", t)
	}
}

func (e *encoder) structure(t *types.Struct) {
	e.byte(formStruct)
	e.int(t.NumFields())
	for i := range t.NumFields() {
		f := t.Field(i)
		e.at(f)
		e.owner(f)
		e.str(f.Name())
		e.bool(f.Embedded())
		e.typ(f.Type())
		e.str(t.Tag(i))
	}
}

// owner writes the package of a field or method, which tells unexported names apart.
func (e *encoder) owner(o types.Object) {
	if o.Pkg() == nil {
		e.num(0)
		return
	}
	e.num(e.packageIndex(o.Pkg()) + 1)
}

func (e *encoder) iface(t *types.Interface) {
	e.byte(formInterface)
	e.bool(t.IsImplicit())
	e.int(t.NumExplicitMethods())
	for m := range t.ExplicitMethods() {
		e.at(m)
		e.owner(m)
		e.str(m.Name())
		// A method knows the type that it was declared for; of a type that is made of another one that is not itself.
		var recv types.Type
		if v := m.Signature().Recv(); v != nil {
			if n, ok := types.Unalias(v.Type()).(*types.Named); ok {
				recv = n
			}
		}
		e.typ(recv)
		e.signature(m.Signature())
	}
	e.int(t.NumEmbeddeds())
	for u := range t.EmbeddedTypes() {
		e.typ(u)
	}
}

// The codes of basic types beyond their kinds: byte and rune are uint8 and int32 by another name.
const (
	codeByte = 100
	codeRune = 101
)

func basicCode(t *types.Basic) byte {
	switch t.Name() {
	case "byte":
		return codeByte
	case "rune":
		return codeRune
	}
	return byte(t.Kind())
}

// value writes a constant in the representation it has, so that its text is the same after it was read.
func (e *encoder) value(v constant.Value) {
	if v == nil {
		v = constant.MakeUnknown()
	}
	e.byte(byte(v.Kind()))
	switch v.Kind() {
	case constant.Unknown:
	case constant.Bool:
		e.bool(constant.BoolVal(v))
	case constant.String:
		e.bytes([]byte(constant.StringVal(v)))
	case constant.Complex:
		e.value(constant.Real(v))
		e.value(constant.Imag(v))
	default:
		switch x := constant.Val(v).(type) {
		case int64:
			e.byte('i')
			e.b = binary.AppendVarint(e.b, x)
		case *big.Int:
			e.byte('I')
			e.gob(x.GobEncode())
		case *big.Rat:
			e.byte('R')
			e.gob(x.GobEncode())
		case *big.Float:
			e.byte('F')
			e.gob(x.GobEncode())
		default:
			fail("constant %s of an unknown form", v)
		}
	}
}

func (e *encoder) gob(b []byte, err error) {
	if err != nil {
		fail("constant: %v", err)
	}
	e.bytes(b)
}
