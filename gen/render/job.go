package render

import (
	"strconv"
	"strings"

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
	literal := r.typed(f, &j.Graph, "job", field("Definitions", jen.Op("&").Id("Definitions")), field("Def", jen.Id("_dagJob"+name)))
	doc(f, "%s is the job %s with its Go types.", j.Handle, j.Key)
	f.Var().Id(j.Handle).Op("=").Add(r.dag("Job")).Types(jen.Id(j.Inputs), jen.Id(j.OutType)).Add(literal)
	r.steps(f, j)
	for _, pre := range j.Presets {
		f.Line()
		f.Comment("//go:embed " + pre.File)
		f.Var().Id(presetName(name, pre)).String()
	}
	f.Line()
	f.Var().Id("_dagJob" + name).Op("=").Op("&").Add(r.dag("JobDef")).Add(multi(r.jobFields(j, name)...))
}

// presetName is the variable that holds the file of a preset.
func presetName(job string, pre *model.Preset) string { return "_dagPreset" + job + "_" + pre.Name }

// steps writes a reference for each output of each step, under its Go type. Steps of a loop have one for all elements.
func (r *renderer) steps(f *jen.File, j *model.Job) {
	var names, refs []string
	var steps, outputs []string
	var goTypes []*jen.Statement
	for _, l := range j.Leaves() {
		outs := l.Node.Op.Outputs
		for _, o := range outs {
			name, output := l.Key, ""
			if len(outs) > 1 {
				name, output = name+"_"+o.Name, o.Name
			}
			ref := "StepRef"
			if len(l.Loops()) > 0 {
				ref = "MappedRef"
			}
			names, refs = append(names, camel(strings.ReplaceAll(name, ".", "_"))), append(refs, ref)
			steps, outputs, goTypes = append(steps, l.Pattern()), append(outputs, output), append(goTypes, r.typ(o.Type))
		}
	}
	var fields, values []jen.Code
	for i, name := range fieldNames(names) {
		var v fieldList
		v.text("Step", steps[i])
		v.text("Output", outputs[i])
		fields = append(fields, jen.Id(name).Add(r.dag(refs[i])).Types(goTypes[i].Clone()))
		values = append(values, field(name, r.dag(refs[i]).Types(goTypes[i].Clone()).Values(v...)))
	}
	doc(f, "%s names the outputs of the steps of the job %s with their Go types.", j.Steps, j.Key)
	f.Var().Id(j.Steps).Op("=").Struct(fields...).Add(multi(values...))
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

func (r *renderer) jobFields(j *model.Job, name string) []jen.Code {
	var l fieldList
	l.add("GraphDef", r.dag("GraphDef").Add(multi(r.graphFields(&j.Graph)...)))
	l.pairs("Tags", j.Tags)
	l.pairs("Metadata", j.Metadata)
	if j.ExecutorVar != nil {
		l.add("Executor", jen.Id(j.ExecutorVar.Name()).Dot("Registered").Call())
	} else {
		l.text("Executor", j.Executor)
	}
	r.strategy(&l, j.Strategy)
	r.running(&l, &j.Running)
	if d := j.Partitions; d != nil {
		l.add("Partitions", r.qual(d.Pkg.Path, d.GoName))
	}
	if f := j.ConfigFor; f != nil {
		r.configFor(&l, f)
		l.text("ConfigParam", f.Param)
	}
	var presets []jen.Code
	for _, pre := range j.Presets {
		var pl fieldList
		pl.text("Name", pre.Name)
		pl.text("Description", pre.Description)
		pl.text("File", pre.File)
		pl.add("Text", jen.Id(presetName(name, pre)))
		pl.pairs("Tags", pre.Tags)
		presets = append(presets, jen.Values(pl...))
	}
	if len(presets) > 0 {
		l.add("Presets", jen.Index().Add(r.dag("Preset")).Add(multi(presets...)))
	}
	return l
}
