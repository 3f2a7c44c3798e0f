package render

import (
	"fmt"
	"go/types"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/load"
)

// typ writes a type. It panics on one that the type checker could not make sense of, or that has no spelling: the model has checked that there is none.
func (n *names) typ(t types.Type) *jen.Statement {
	if model.Invalid(t) {
		panic(fmt.Sprintf("render: invalid type %s", t))
	}
	switch t := t.(type) {
	case *types.Alias:
		if t.Obj().Name() == "any" && t.Obj().Pkg() == nil {
			return n.any.Clone()
		}
		if !model.UseAlias(t, n.own) {
			return n.typ(types.Unalias(t))
		}
		return n.declared(t.Obj(), t.TypeArgs())
	case *types.Named:
		return n.declared(t.Obj(), t.TypeArgs())
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return n.qual("unsafe", "Pointer")
		}
		return jen.Id(t.Name())
	case *types.Pointer:
		return jen.Op("*").Add(n.typ(t.Elem()))
	case *types.Slice:
		return jen.Index().Add(n.typ(t.Elem()))
	case *types.Array:
		return jen.Index(jen.Lit(int(t.Len()))).Add(n.typ(t.Elem()))
	case *types.Map:
		return jen.Map(n.typ(t.Key())).Add(n.typ(t.Elem()))
	case *types.Chan:
		elem := n.typ(t.Elem())
		switch t.Dir() {
		case types.SendOnly:
			return jen.Chan().Op("<-").Add(elem)
		case types.RecvOnly:
			return jen.Op("<-").Chan().Add(elem)
		}
		if inner, ok := t.Elem().(*types.Chan); ok && inner.Dir() == types.RecvOnly {
			elem = jen.Parens(elem)
		}
		return jen.Chan().Add(elem)
	case *types.Struct:
		return n.structType(t)
	case *types.Signature:
		return jen.Func().Add(n.signature(t))
	case *types.Interface:
		return n.interfaceType(t)
	}
	panic(fmt.Sprintf("render: no spelling for type %s", t))
}

func (n *names) declared(obj *types.TypeName, args *types.TypeList) *jen.Statement {
	var s *jen.Statement
	if obj.Pkg() == nil {
		s = jen.Id(obj.Name())
	} else {
		s = n.qual(obj.Pkg().Path(), obj.Name())
	}
	if args.Len() == 0 {
		return s
	}
	var list []jen.Code
	for i := range args.Len() {
		list = append(list, n.typ(args.At(i)))
	}
	return s.Types(list...)
}

// signature writes parameters and results, without names.
func (n *names) signature(t *types.Signature) *jen.Statement {
	return jen.Params(n.params(t, nil)...).Add(n.results(t.Results()))
}

// params writes the parameter types of t, after recv where there is one.
func (n *names) params(t *types.Signature, recv types.Type) []jen.Code {
	var out []jen.Code
	if recv != nil {
		out = append(out, n.typ(recv))
	}
	for i := range t.Params().Len() {
		p := t.Params().At(i).Type()
		if s, ok := types.Unalias(p).(*types.Slice); ok && t.Variadic() && i == t.Params().Len()-1 {
			out = append(out, jen.Op("...").Add(n.typ(s.Elem())))
			continue
		}
		out = append(out, n.typ(p))
	}
	return out
}

func (n *names) results(t *types.Tuple) *jen.Statement {
	switch t.Len() {
	case 0:
		return jen.Null()
	case 1:
		if _, isFunc := t.At(0).Type().(*types.Signature); !isFunc {
			return n.typ(t.At(0).Type())
		}
	}
	var out []jen.Code
	for i := range t.Len() {
		out = append(out, n.typ(t.At(i).Type()))
	}
	return jen.Params(out...)
}

func (n *names) structType(t *types.Struct) *jen.Statement {
	var fields []jen.Code
	for i := range t.NumFields() {
		f := t.Field(i)
		s := n.typ(f.Type())
		if !f.Embedded() {
			s = jen.Id(f.Name()).Add(s)
		}
		if tag := t.Tag(i); tag != "" {
			s = s.Add(jen.Op(quoteTag(tag)))
		}
		fields = append(fields, s)
	}
	return jen.Struct(fields...)
}

// quoteTag writes a tag as people do, in backquotes, where it can.
func quoteTag(tag string) string {
	for _, r := range tag {
		if r == '`' || r == '\r' || r == '\n' || r == replacement {
			return fmt.Sprintf("%q", tag)
		}
	}
	return "`" + tag + "`"
}

// replacement is what a broken byte of a string reads as; in backquotes it would be another string.
const replacement = '\uFFFD'

func (n *names) interfaceType(t *types.Interface) *jen.Statement {
	if t.NumMethods() == 0 {
		if t.IsComparable() {
			panic("render: a constraint is no type of a value")
		}
		return n.any.Clone()
	}
	var methods []jen.Code
	for i := range t.NumMethods() {
		m := t.Method(i)
		methods = append(methods, jen.Id(m.Name()).Add(n.signature(m.Signature())))
	}
	return jen.Interface(methods...)
}

// dataType writes the *dag.Type of t.
func (n *names) dataType(t types.Type) *jen.Statement {
	if elem, two := model.StreamElem(t); elem != nil {
		of := "SeqOf"
		if two {
			of = "Seq2Of"
		}
		return n.dag(of).Types(n.typ(elem)).Call(jen.Lit(model.TypeName(t)), jen.Lit(model.TypeName(elem)))
	}
	of := "TypeOf"
	if model.Immutable(t) {
		of = "ImmutableOf"
	}
	return n.dag(of).Types(n.typ(t)).Call(jen.Lit(model.TypeName(t)))
}

// gatherType writes the *dag.Type of a parameter that takes several partitions.
func (n *names) gatherType(t types.Type) *jen.Statement {
	of := "PartitionSeqOf"
	switch types.Unalias(t).Underlying().(type) {
	case *types.Map:
		of = "PartitionMapOf"
	case *types.Pointer:
		of = "PartitionOptOf"
	}
	elem := model.GatheredType(t)
	return n.dag(of).Types(n.typ(elem)).Call(jen.Lit(model.TypeName(t)), n.dataType(elem))
}

// packagesOf collects the packages that writing t may name.
func packagesOf(t types.Type, own *types.Package, into map[string]string) {
	add := func(p *types.Package) {
		if p != nil && p != own {
			into[p.Path()] = p.Name()
		}
	}
	list := func(l *types.TypeList) {
		for i := range l.Len() {
			packagesOf(l.At(i), own, into)
		}
	}
	tuple := func(ts *types.Tuple) {
		for i := range ts.Len() {
			packagesOf(ts.At(i).Type(), own, into)
		}
	}
	switch t := t.(type) {
	case *types.Alias:
		if !model.UseAlias(t, own) {
			packagesOf(types.Unalias(t), own, into)
			return
		}
		add(t.Obj().Pkg())
		list(t.TypeArgs())
	case *types.Named:
		add(t.Obj().Pkg())
		list(t.TypeArgs())
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			into["unsafe"] = "unsafe"
		}
	case *types.Pointer:
		packagesOf(t.Elem(), own, into)
	case *types.Slice:
		packagesOf(t.Elem(), own, into)
	case *types.Array:
		packagesOf(t.Elem(), own, into)
	case *types.Chan:
		packagesOf(t.Elem(), own, into)
	case *types.Map:
		packagesOf(t.Key(), own, into)
		packagesOf(t.Elem(), own, into)
	case *types.Struct:
		for i := range t.NumFields() {
			packagesOf(t.Field(i).Type(), own, into)
		}
	case *types.Signature:
		tuple(t.Params())
		tuple(t.Results())
	case *types.Interface:
		for i := range t.NumMethods() {
			packagesOf(t.Method(i).Type(), own, into)
		}
	}
}

// baseImports are the packages that generated code itself names.
func baseImports() map[string]string {
	return map[string]string{load.RuntimePath: "dag", "context": "context"}
}
