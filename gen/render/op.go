package render

import (
	"go/types"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/gen/model"
)

// op writes the block of an op, an asset or a source.
func (r *renderer) op(f *jen.File, op *model.Op) {
	name := r.ops[op]
	if op.Graph == nil {
		r.guard(f, &op.Func)
	}
	if op.Pkg == r.p {
		for _, out := range op.Outputs {
			if out.Ref != "" {
				doc(f, "%s names the asset %s and its Go type.", out.Ref, out.Asset)
				f.Var().Id(out.Ref).Op("=").Add(r.dag("AssetRef")).Types(r.typ(out.Type)).Values(field("Key", jen.Lit(out.Asset)))
			}
		}
	}
	f.Line()
	f.Var().Id("_dagOp" + name).Op("=").Op("&").Add(r.dag("Op")).Add(multi(r.opFields(op)...))
	if op.Graph != nil {
		return
	}
	r.opHandle(f, op)
	f.Line()
	f.Type().Id("_dagCall" + name).Struct()
	f.Line()
	f.Func().Params(jen.Id("_dagCall" + name)).Id("Invoke").Params(r.invokeParams()...).Error().Block(r.invoke(op)...)
}

func (r *renderer) invokeParams() []jen.Code {
	return []jen.Code{jen.Id(r.ctx).Add(r.qual("context", "Context")), jen.Id(r.call).Op("*").Add(r.dag("Call"))}
}

func (r *renderer) opFields(op *model.Op) []jen.Code {
	var l fieldList
	switch op.Kind {
	case annotations.Asset:
		l.add("Kind", r.dag("KindAsset"))
	case annotations.Source:
		l.add("Kind", r.dag("KindSource"))
	case annotations.Check:
		l.add("Kind", r.dag("KindCheck"))
	}
	l.text("Key", op.Key)
	l.text("Symbol", op.Symbol)
	l.text("Description", op.Description)
	l.text("Group", op.Group)
	l.texts("Owners", op.Owners)
	l.texts("Kinds", op.Kinds)
	l.texts("Was", op.Was)
	r.span(&l, "Freshness", op.Fresh)
	l.pairs("Tags", op.Tags)
	l.pairs("Metadata", op.Metadata)
	l.flag("Volatile", op.Volatile)
	l.flag("Subset", op.Subset)
	l.flag("Share", op.Share)
	l.text("Version", op.Version)
	r.strategy(&l, op.Strategy)
	if op.IO != nil {
		l.text("IO", op.IO.Key)
	}
	if op.Partitions != nil {
		l.add("Partitions", r.qual(op.Partitions.Pkg.Path, op.Partitions.GoName))
	}
	l.flag("Versions", op.Versions)
	l.flag("External", op.External)
	r.running(&l, &op.Running)
	var inputs, outputs []jen.Code
	for _, in := range op.Inputs {
		var i fieldList
		i.text("Name", in.Name)
		if in.Gather {
			i.add("Type", r.gatherType(in.Type))
		} else {
			i.add("Type", r.dataType(in.Type))
		}
		i.text("Asset", in.Asset)
		if m := in.Mapping; m != nil {
			i.add("Mapping", r.dag("MappingOf").Call(r.qual(m.Pkg().Path(), m.Name())))
		}
		i.flag("Unwrap", in.Unwrap)
		inputs = append(inputs, jen.Values(i...))
	}
	for _, out := range op.Outputs {
		var o fieldList
		o.text("Name", out.Name)
		o.add("Type", r.dataType(out.Type))
		o.text("Asset", out.Asset)
		if elem, _ := model.StreamElem(out.Type); !model.IsFile(out.Type) && (elem == nil || op.Codec == "parquet") {
			o.text("Codec", op.Codec)
		}
		outputs = append(outputs, jen.Values(o...))
	}
	if len(inputs) > 0 {
		l.add("Inputs", jen.Index().Add(r.dag("Input")).Add(multi(inputs...)))
	}
	r.injected(&l, &op.Func)
	r.configFor(&l, op.ConfigFor)
	if op.Check != nil {
		r.check(&l, op)
	}
	if len(outputs) > 0 {
		l.add("Outputs", jen.Index().Add(r.dag("Output")).Add(multi(outputs...)))
	}
	var deps []string
	for _, a := range op.Deps {
		deps = append(deps, a.Key)
	}
	l.texts("Deps", deps)
	if op.Graph != nil {
		l.add("Graph", jen.Id("_dagGraph"+r.graphs[op.Graph]))
		return l
	}
	l.texts("Env", op.Env)
	l.add("Invoke", r.dag("InvokeOf").Call(jen.Id("_dagCall"+r.ops[op]).Values()))
	return l
}

func (r *renderer) strategy(l *fieldList, s *model.Strategy) {
	if s == nil {
		return
	}
	v := r.qual(s.Obj.Pkg().Path(), s.Obj.Name())
	if s.Call {
		v = v.Call()
	}
	l.add("Strategy", v)
}

// configFor writes what makes a config for a partition.
func (r *renderer) configFor(l *fieldList, f *model.ConfigFunc) {
	if f == nil {
		return
	}
	of := "PartitionConfigOf"
	if f.Fails {
		of = "PartitionConfigFrom"
	}
	l.add("ConfigFor", r.dag(of).Call(r.qual(f.Obj.Pkg().Path(), f.Obj.Name())))
}

// injected writes the config and the resources of a function.
func (r *renderer) injected(l *fieldList, fn *model.Func) {
	if fn.Config != nil {
		l.add("Config", jen.Id("_dagConfig"+r.configs[fn.Config]))
	}
	var uses []jen.Code
	for _, u := range fn.Resources {
		uses = append(uses, jen.Values(field("Name", jen.Lit(u.Name)), field("Key", jen.Lit(u.Resource.Key))))
	}
	if len(uses) > 0 {
		l.add("Resources", jen.Index().Add(r.dag("ResourceUse")).Add(multi(uses...)))
	}
}

// target writes the function as generated code calls it: a method on the resource that it belongs to.
func (r *renderer) target(fn *model.Func) *jen.Statement {
	if fn.Recv == nil {
		return r.function(fn)
	}
	return r.dag("ResourceOf").Types(r.typ(fn.Recv.Type)).Call(jen.Id(r.call), jen.Lit(0)).Dot(fn.Obj.Name())
}

// function writes the name of a function, with its type arguments.
func (r *renderer) function(fn *model.Func) *jen.Statement {
	s := r.qual(fn.Pkg.Path, fn.Obj.Name())
	if args := r.typeArgs[fn]; len(args) > 0 {
		var list []jen.Code
		for _, t := range args {
			list = append(list, r.typ(t))
		}
		s = s.Types(list...)
	}
	return s
}

// arguments writes what the function is called with.
func (r *renderer) arguments(fn *model.Func) []jen.Code {
	var out []jen.Code
	for i, p := range fn.Params {
		var arg *jen.Statement
		switch p.Role {
		case model.RoleContext:
			arg = jen.Id(r.ctx)
		case model.RoleConfig:
			arg = r.dag("ConfigOf").Types(r.typ(p.Type)).Call(jen.Id(r.call))
		case model.RoleResource:
			index := p.Index
			if fn.Recv != nil {
				index++
			}
			arg = r.dag("ResourceOf").Types(r.typ(p.Type)).Call(jen.Id(r.call), jen.Lit(index))
		default:
			arg = r.dag("In").Types(r.typ(p.Type)).Call(jen.Id(r.call), jen.Lit(p.Index))
		}
		if fn.Variadic && i == len(fn.Params)-1 {
			arg = arg.Op("...")
		}
		out = append(out, arg)
	}
	return out
}

// check writes what a check says beside how it is computed.
func (r *renderer) check(l *fieldList, op *model.Op) {
	severity := "CheckError"
	if op.Check.Warn {
		severity = "CheckWarn"
	}
	var c fieldList
	c.text("Asset", op.Check.Asset.Key)
	c.text("Name", op.Check.Name)
	c.add("Severity", r.dag(severity))
	c.flag("Blocking", op.Check.Blocking)
	l.add("Check", jen.Op("&").Add(r.dag("CheckDef")).Values(c...))
	l.add("Outputs", jen.Index().Add(r.dag("Output")).Values(r.dag("CheckOutput")))
}

// invokeCheck writes the body that calls a check.
func (r *renderer) invokeCheck(op *model.Op, call *jen.Statement) []jen.Code {
	give := func(result, err jen.Code) jen.Code {
		if op.Check.Bool {
			result = r.dag("CheckResult").Values(field("Passed", result))
		}
		return jen.Return(r.dag("GiveCheck").Call(jen.Id(r.call), result, err))
	}
	if !op.HasError {
		return []jen.Code{give(call, jen.Nil())}
	}
	result := r.local("result")
	return []jen.Code{jen.List(jen.Id(result), jen.Id(r.err)).Op(":=").Add(call), give(jen.Id(result), jen.Id(r.err))}
}

// invoke writes the body that calls an op and keeps its results.
func (r *renderer) invoke(op *model.Op) []jen.Code {
	call := r.target(&op.Func).Call(r.arguments(&op.Func)...)
	if op.Check != nil {
		return r.invokeCheck(op, call)
	}
	values := len(op.Outputs)
	if op.ReturnsVersion {
		values++
	}
	var slots []jen.Code
	for i := range values {
		slots = append(slots, jen.Id(r.call).Dot("Out").Index(jen.Lit(i)))
	}
	switch {
	case values == 0 && op.HasError:
		return []jen.Code{jen.Return(call)}
	case values == 0:
		return []jen.Code{call, jen.Return(jen.Nil())}
	case !op.HasError:
		return []jen.Code{jen.List(slots...).Op("=").Add(call), jen.Return(jen.Nil())}
	}
	return []jen.Code{
		jen.Var().Id(r.err).Error(),
		jen.List(append(slots, jen.Id(r.err))...).Op("=").Add(call),
		jen.Return(jen.Id(r.err)),
	}
}

// guard writes code that stops compiling when the signature of a function changes. It is the body of a function nobody can call, so that it
// takes no part in the initialisation of the package, and names what to do in the compiler's message.
func (r *renderer) guard(f *jen.File, fn *model.Func) {
	sig := fn.Obj.Signature()
	value := r.function(fn)
	var recv types.Type
	if fn.Recv != nil {
		recv = fn.Recv.Type
		value = jen.Parens(r.typ(recv)).Dot(fn.Obj.Name())
	}
	advice := r.local("runDagstergenAgain")
	doc(f, "%s had this signature when this file was written. Where that does not compile any more, run dagstergen again.", strings.TrimSpace(fn.GoName))
	f.Func().Id("_").Params().Block(
		jen.Type().Id(advice).Func().Params(r.params(sig, recv)...).Add(r.results(sig.Results())),
		jen.Var().Id("_").Id(advice).Op("=").Add(value),
	)
}
