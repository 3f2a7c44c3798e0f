package render

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/gen/model"
)

// opHandle writes what graphs that are built in Go code call an op by: a value with a method Call that has the inputs and outputs of the function.
func (r *renderer) opHandle(f *jen.File, op *model.Op) {
	if op.Handle == "" || op.Pkg != r.p {
		return
	}
	typ := "_dagHandle" + r.ops[op]
	doc(f, "%s calls %s in graphs that are built in Go code.", op.Handle, op.GoName)
	f.Var().Id(op.Handle).Op("=").Id(typ).Values(r.dag("OpHandle").Values(
		field("Op", jen.Id("_dagOp"+r.ops[op])), field("Definitions", jen.Op("&").Id("Definitions"))))
	f.Line()
	f.Type().Id(typ).Struct(r.dag("OpHandle"))
	var results []*model.Result
	for _, o := range op.Outputs {
		results = append(results, o.Result)
	}
	r.callMethod(f, typ, op.GoName, op.Params, results)
}

// graphHandle writes what a graph is called by, with its Go types: to call it in other graphs, to make jobs of it, and to run it.
func (r *renderer) graphHandle(f *jen.File, g *model.Graph) {
	if g.Pkg != r.p {
		return
	}
	typ := "_dagGraphHandle" + r.graphs[g]
	generic := r.dag("Graph").Types(jen.Id(g.Inputs), jen.Id(g.OutType))
	literal := r.typed(f, g, "graph",
		field("Def", jen.Id("_dagGraph"+r.graphs[g])),
		field("Uses", jen.Index().Op("*").Add(r.dag("Definitions")).Values(jen.Op("&").Id("Definitions"))))
	doc(f, "%s is the graph %s with its Go types: graphs that are built in Go code call it, its method Job makes jobs of it.", g.Handle, g.Key)
	f.Var().Id(g.Handle).Op("=").Id(typ).Values(generic.Clone().Add(literal))
	f.Line()
	f.Type().Id(typ).Struct(generic)
	r.callMethod(f, typ, g.GoName, g.Params, g.Results)
}

// callMethod writes the method that adds a call to a graph, with parameters and results as those of the function: contexts and resources are left out.
func (r *renderer) callMethod(f *jen.File, typ, goName string, params []*model.Param, results []*model.Result) {
	used := map[string]bool{}
	local := func(want string) string {
		name := r.local(want)
		for i := 2; used[name]; i++ {
			name = r.local(want + strconv.Itoa(i))
		}
		used[name] = true
		return name
	}
	named := make([]string, len(params)) // those of the function keep their names
	for i, p := range params {
		if p.Role == model.RoleInput || p.Role == model.RoleConfig {
			named[i] = local(p.GoName)
		}
	}
	h, g, n, options := local("h"), local("g"), local("n"), local("options")
	value := func(of jen.Code) *jen.Statement { return r.dag("Value").Types(of) }
	option := func() *jen.Statement { return r.dag("NodeOption") }

	in := []jen.Code{jen.Id(g).Op("*").Add(r.dag("GraphBuilder"))}
	var args []jen.Code
	isOp := typ[:len("_dagHandle")] == "_dagHandle"
	config := ""
	for i, p := range params {
		name := named[i]
		if name == "" {
			continue
		}
		in = append(in, jen.Id(name).Add(value(r.typ(p.Type))))
		if isOp && p.Role == model.RoleConfig {
			config = name
			continue
		}
		args = append(args, jen.Id(name))
	}
	in = append(in, jen.Id(options).Op("...").Add(option()))

	given := jen.Id(options)
	if config != "" {
		given = jen.Append(jen.Index().Add(option()).Values(r.dag("WithConfig").Call(jen.Id(config))), jen.Id(options).Op("..."))
	}
	// One call, because compilers spend more on each of these methods than on the rest of an op.
	add := jen.Id(g).Dot("AddCall").Call(append([]jen.Code{jen.Id(h), given}, args...)...)

	var types, values []jen.Code
	for i, res := range results {
		types = append(types, value(r.typ(res.Type)))
		values = append(values, r.dag("OutputOf").Types(r.typ(res.Type)).Call(jen.Id(n), jen.Lit(i)))
	}
	doc(f, "Call adds a call of %s to a graph that is built in Go code.", goName)
	m := f.Func().Params(jen.Id(h).Id(typ)).Id("Call").Params(in...)
	switch len(results) {
	case 0:
		m.Op("*").Add(r.dag("AddedNode")).Block(jen.Return(add))
	case 1:
		m.Add(types[0]).Block(jen.Return(r.dag("OutputOf").Types(r.typ(results[0].Type)).Call(add, jen.Lit(0))))
	default:
		m.Params(types...).Block(jen.Id(n).Op(":=").Add(add), jen.Return(values...))
	}
}

// typed writes the types of the inputs and outputs of a graph or a job, and returns the fields of its handle as a literal: those that are given, and how to
// go from one to the other.
func (r *renderer) typed(f *jen.File, g *model.Graph, what string, handle ...jen.Code) *jen.Statement {
	in, out := r.local("in"), r.local("out")
	var paramNames, resultNames []string
	for _, p := range g.In {
		paramNames = append(paramNames, p.GoName)
	}
	for _, res := range g.Results {
		goName := res.GoName
		if res.Name == "result" {
			goName = "Result"
		}
		resultNames = append(resultNames, goName)
	}
	inFields, outFields := fieldNames(paramNames), fieldNames(resultNames)

	var fields, values []jen.Code
	for i, p := range g.In {
		fields = append(fields, jen.Id(inFields[i]).Add(r.typ(p.Type)))
		values = append(values, jen.Id(in).Dot(inFields[i]))
	}
	doc(f, "%s are the inputs of the %s %s.", g.Inputs, what, g.Key)
	f.Type().Id(g.Inputs).Struct(fields...)

	var results, reads []jen.Code
	for i, res := range g.Results {
		results = append(results, jen.Id(outFields[i]).Add(r.typ(res.Type)))
		reads = append(reads, field(outFields[i], r.dag("OutputAs").Types(r.typ(res.Type)).Call(jen.Id(out).Index(jen.Lit(i)))))
	}
	doc(f, "%s are the outputs of the %s %s.", g.OutType, what, g.Key)
	f.Type().Id(g.OutType).Struct(results...)

	list := jen.Index().Add(r.any.Clone())
	return multi(append(handle,
		field("Inputs", jen.Func().Params(jen.Id(in).Id(g.Inputs)).Add(list.Clone()).Block(jen.Return(list.Clone().Values(values...)))),
		field("Outputs", jen.Func().Params(jen.Id(out).Add(list.Clone())).Id(g.OutType).Block(jen.Return(jen.Id(g.OutType).Values(reads...)))),
	)...)
}
