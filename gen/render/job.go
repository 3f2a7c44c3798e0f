package render

import (
	"go/constant"
	"go/types"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/gen/model"
)

// job writes the block of a job: its typed inputs and outputs, its handle and its graph.
func (r *renderer) job(f *jen.File, j *model.Job) {
	var name string
	for i, other := range r.d.Jobs {
		if other == j {
			name = r.jobs[i]
		}
	}
	r.guard(f, &j.Func)
	in, out := r.local("in"), r.local("out")

	var paramNames, resultNames []string
	for _, p := range j.JobIn {
		paramNames = append(paramNames, p.GoName)
	}
	for _, res := range j.Results {
		goName := res.GoName
		if res.Name == "result" {
			goName = "Result"
		}
		resultNames = append(resultNames, goName)
	}
	inFields, outFields := fieldNames(paramNames), fieldNames(resultNames)

	var fields, values []jen.Code
	for i, p := range j.JobIn {
		fields = append(fields, jen.Id(inFields[i]).Add(r.typ(p.Type)))
		values = append(values, jen.Id(in).Dot(inFields[i]))
	}
	doc(f, "%s are the inputs of the job %s.", j.Inputs, j.Key)
	f.Type().Id(j.Inputs).Struct(fields...)

	var results, reads []jen.Code
	for i, res := range j.Results {
		results = append(results, jen.Id(outFields[i]).Add(r.typ(res.Type)))
		reads = append(reads, field(outFields[i], r.dag("OutputAs").Types(r.typ(res.Type)).Call(jen.Id(out).Index(jen.Lit(i)))))
	}
	doc(f, "%s are the outputs of the job %s.", j.OutType, j.Key)
	f.Type().Id(j.OutType).Struct(results...)

	list := jen.Index().Add(r.any.Clone())
	doc(f, "%s is the job %s with its Go types.", j.Handle, j.Key)
	f.Var().Id(j.Handle).Op("=").Add(r.dag("Job")).Types(jen.Id(j.Inputs), jen.Id(j.OutType)).Add(multi(
		field("Definitions", jen.Op("&").Id("Definitions")),
		field("Def", jen.Id("_dagJob"+name)),
		field("Inputs", jen.Func().Params(jen.Id(in).Id(j.Inputs)).Add(list.Clone()).Block(jen.Return(list.Clone().Values(values...)))),
		field("Outputs", jen.Func().Params(jen.Id(out).Add(list.Clone())).Id(j.OutType).Block(jen.Return(jen.Id(j.OutType).Values(reads...)))),
	))
	f.Line()
	f.Var().Id("_dagJob" + name).Op("=").Op("&").Add(r.dag("JobDef")).Add(multi(r.jobFields(j)...))
}

// fieldNames are the exported forms of names, each once.
func fieldNames(names []string) []string {
	used := map[string]bool{}
	out := make([]string, len(names))
	for i, n := range names {
		base := model.Exported(n)
		out[i] = base
		for k := 2; used[out[i]]; k++ {
			out[i] = base + strconv.Itoa(k)
		}
		used[out[i]] = true
	}
	return out
}

func (r *renderer) jobFields(j *model.Job) []jen.Code {
	var l fieldList
	l.text("Key", j.Key)
	l.text("Symbol", j.Symbol)
	l.text("Description", j.Description)
	l.pairs("Tags", j.Tags)
	l.pairs("Metadata", j.Metadata)
	l.text("Executor", j.Executor)
	r.strategy(&l, j.Strategy)
	var params, nodes, outputs []jen.Code
	for i, p := range j.JobIn {
		var pf fieldList
		pf.text("Name", p.Name)
		pf.add("Type", r.dataType(p.Type))
		if c := j.Configs[i]; c != nil {
			pf.add("Config", jen.Id("_dagConfig"+r.configs[c]))
		}
		params = append(params, jen.Values(pf...))
	}
	if len(params) > 0 {
		l.add("Params", jen.Index().Add(r.dag("JobParam")).Add(multi(params...)))
	}
	for _, n := range j.Nodes {
		nodes = append(nodes, r.node(j, n))
	}
	l.add("Nodes", jen.Index().Add(r.dag("Node")).Add(multi(nodes...)))
	for _, o := range j.Outputs {
		outputs = append(outputs, jen.Values(field("Name", jen.Lit(o.Name)), field("Type", r.dataType(o.Type)), field("From", r.binding(j, o.From, true))))
	}
	if len(outputs) > 0 {
		l.add("Outputs", jen.Index().Add(r.dag("JobOutput")).Add(multi(outputs...)))
	}
	return l
}

func (r *renderer) node(j *model.Job, n *model.Node) jen.Code {
	var l fieldList
	l.text("Key", n.Key)
	l.add("Op", jen.Id("_dagOp"+r.ops[n.Op]))
	var inputs []jen.Code
	for _, in := range n.Inputs {
		inputs = append(inputs, r.binding(j, in, false))
	}
	if len(inputs) > 0 {
		l.add("Inputs", jen.Index().Add(r.dag("Binding")).Add(multi(inputs...)))
	}
	if n.Config != nil {
		l.add("Config", jen.Op("&").Add(r.binding(j, n.Config, true)))
	}
	l.text("Pos", j.File+":"+j.GoName) // without a line, which an edit above it would move
	return jen.Add(multi(l...))
}

// binding writes where a value comes from; typed adds the name of the type, which elements of a slice leave out.
func (r *renderer) binding(j *model.Job, b *model.Binding, typed bool) *jen.Statement {
	var l fieldList
	switch {
	case b.Param != nil:
		l.add("Kind", r.dag("FromParam"))
		for i, p := range j.JobIn {
			if p == b.Param {
				l.add("Param", jen.Lit(i))
			}
		}
	case b.Node != nil:
		l.add("Kind", r.dag("FromNode"))
		for i, n := range j.Nodes {
			if n == b.Node {
				l.add("Node", jen.Lit(i))
			}
		}
		l.add("Output", jen.Lit(b.Output))
	default:
		l.add("Kind", r.dag("FromLiteral"))
		l.add("Value", r.literal(b.Lit))
	}
	if typed {
		return r.dag("Binding").Values(l...)
	}
	return jen.Values(l...)
}

// literal writes a constant so that it has exactly its type wherever it stands.
func (r *renderer) literal(l *model.Literal) *jen.Statement {
	t := l.Type
	if l.Nil {
		return jen.Parens(r.typ(t)).Parens(jen.Nil())
	}
	if l.Const != nil {
		return r.constant(l)
	}
	op := jen.Null()
	if l.Addr {
		op = jen.Op("&")
		t = types.Unalias(t).(*types.Pointer).Elem()
	}
	var parts []jen.Code
	next := int64(0)
	for _, f := range l.Fields {
		v := r.literal(f.Value)
		switch {
		case f.Name != "":
			parts = append(parts, field(f.Name, v))
		case f.Key != nil:
			parts = append(parts, r.literal(f.Key).Op(":").Add(v))
		case f.Index != next:
			parts = append(parts, jen.Op(strconv.FormatInt(f.Index, 10)).Op(":").Add(v))
			next = f.Index + 1
		default:
			parts = append(parts, v)
			next++
		}
	}
	return op.Add(r.typ(t)).Values(parts...)
}

// float writes a floating-point constant in the fewest digits that are read back as the same number.
func float(v constant.Value, single bool) string {
	bits := 64
	if single {
		bits = 32
	}
	f, _ := constant.Float64Val(constant.ToFloat(v))
	return strconv.FormatFloat(f, 'g', -1, bits)
}

func (r *renderer) constant(l *model.Literal) *jen.Statement {
	b := l.Type.Underlying().(*types.Basic)
	var text *jen.Statement
	switch {
	case b.Info()&types.IsString != 0:
		text = jen.Lit(constant.StringVal(l.Const))
	case b.Info()&types.IsBoolean != 0:
		text = jen.Lit(constant.BoolVal(l.Const))
	case b.Info()&types.IsFloat != 0:
		text = jen.Op(float(l.Const, b.Kind() == types.Float32))
	case b.Info()&types.IsComplex != 0:
		single := b.Kind() == types.Complex64
		text = jen.Op(float(constant.Real(l.Const), single) + " + " + float(constant.Imag(l.Const), single) + "i")
	default:
		text = jen.Op(l.Const.ExactString())
	}
	switch types.Unalias(l.Type) {
	case types.Typ[types.String], types.Typ[types.Bool], types.Typ[types.Int]: // what such a literal is by itself
		return text
	}
	return r.typ(l.Type).Call(text)
}
