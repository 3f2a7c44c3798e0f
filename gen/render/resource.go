package render

import (
	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/gen/model"
)

// resource writes the block of a resource.
func (r *renderer) resource(f *jen.File, res *model.Resource) {
	name := r.resources[res]
	r.guard(f, &res.Func)
	var l fieldList
	l.text("Key", res.Key)
	made := res
	if res.Of != nil {
		made = res.Of
	}
	l.text("Symbol", made.Symbol)
	l.text("Description", res.Description)
	l.text("Version", made.Version)
	l.add("Type", r.dag("TypeOf").Types(r.typ(res.Type)).Call(jen.Lit(model.TypeName(res.Type))))
	r.injected(&l, &model.Func{Config: res.Config, Resources: made.Resources})
	l.texts("Env", made.Env)
	if res.Of != nil {
		l.text("Configured", res.Symbol)
		l.add("Makes", jen.Id("_dagConfig"+r.configs[made.Config]))
		l.add("Made", jen.Op("&").Add(r.derived(&model.Graph{}, res.Made)))
	}
	l.add("Open", r.dag("OpenOf").Call(jen.Id("_dagOpen"+r.resources[made]).Values()))
	f.Line()
	if res.Of != nil {
		f.Var().Id("_dagResource" + name).Op("=").Op("&").Add(r.dag("Resource")).Add(multi(l...))
		return
	}
	f.Var().Id("_dagResource" + name).Op("=").Op("&").Add(r.dag("Resource")).Add(multi(l...))
	f.Line()
	f.Type().Id("_dagOpen" + name).Struct()
	f.Line()
	results := jen.Params(r.any.Clone(), jen.Func().Params(), jen.Error())
	f.Func().Params(jen.Id("_dagOpen" + name)).Id("Open").Params(r.invokeParams()...).Add(results).Block(r.open(res)...)
}

// open writes the body that calls a constructor.
func (r *renderer) open(res *model.Resource) []jen.Code {
	call := r.target(&res.Func).Call(r.arguments(&res.Func)...)
	v, cleanup := r.local("v"), r.local("cleanup")
	switch {
	case res.Cleanup && res.HasError:
		return []jen.Code{jen.Return(call)}
	case res.Cleanup:
		return []jen.Code{jen.List(jen.Id(v), jen.Id(cleanup)).Op(":=").Add(call), jen.Return(jen.Id(v), jen.Id(cleanup), jen.Nil())}
	case res.HasError:
		return []jen.Code{jen.List(jen.Id(v), jen.Id(r.err)).Op(":=").Add(call), jen.Return(jen.Id(v), jen.Nil(), jen.Id(r.err))}
	}
	return []jen.Code{jen.Return(call, jen.Nil(), jen.Nil())}
}

// config writes the block of a config: its schema, and for one of this package a guard on its fields.
func (r *renderer) config(f *jen.File, c *model.Config) {
	name := r.configs[c]
	if c.Pkg == r.p {
		advice := r.local("runDagstergenAgain")
		doc(f, "%s had these fields when this file was written. Where that does not compile any more, run dagstergen again.", c.GoName)
		f.Func().Id("_").Params().Block(
			jen.Type().Id(advice).Op("=").Add(r.structType(c.Struct)),
			jen.Var().Id("_").Id(advice).Op("=").Id(c.GoName).Values(),
		)
	}
	typ := r.qual(c.Pkg.Path, c.GoName)
	var l fieldList
	l.text("Symbol", c.Symbol)
	l.text("Description", c.Description)
	r.fields(&l, c.Fields)
	l.add("Decode", r.dag("DecodeConfig").Types(typ.Clone()))
	l.add("Encode", r.dag("EncodeConfig").Types(typ))
	f.Line()
	f.Var().Id("_dagConfig" + name).Op("=").Op("&").Add(r.dag("Config")).Add(multi(l...))
}

func (r *renderer) fields(l *fieldList, fields []*model.Field) {
	if len(fields) == 0 {
		return
	}
	var all []jen.Code
	for _, fd := range fields {
		all = append(all, jen.Values(r.field(fd)...))
	}
	l.add("Fields", jen.Index().Add(r.dag("Field")).Add(multi(all...)))
}

// fieldKinds are the names of the dag.FieldKind constants.
var fieldKinds = map[string]string{
	"string": "FieldString", "int": "FieldInt", "uint": "FieldUint", "float": "FieldFloat", "bool": "FieldBool", "duration": "FieldDuration",
	"time": "FieldTime", "list": "FieldList", "map": "FieldMap", "struct": "FieldStruct", "text": "FieldText",
}

func (r *renderer) field(fd *model.Field) []jen.Code {
	var l fieldList
	l.text("Name", fd.Name)
	l.add("Kind", r.dag(fieldKinds[fd.Kind]))
	l.number("Bits", fd.Bits)
	l.text("Description", fd.Description)
	l.flag("Required", fd.Required)
	l.flag("Nullable", fd.Nullable)
	l.text("Default", fd.Default)
	l.flag("Secret", fd.Secret)
	l.flag("Unversioned", fd.Unversioned)
	l.texts("Enum", fd.Enum)
	l.text("Min", fd.Min)
	l.text("Max", fd.Max)
	l.number("MinLen", fd.MinLen)
	l.number("MaxLen", fd.MaxLen)
	l.text("Pattern", fd.Pattern)
	if fd.Elem != nil {
		l.add("Elem", jen.Op("&").Add(r.dag("Field")).Values(r.field(fd.Elem)...))
	}
	r.fields(&l, fd.Fields)
	return l
}
