package plaincall

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
)

//go:embed testdata/ops.go.txt
var opsSource string

//go:embed testdata/runner.go.txt
var runnerSource string

// modulePath is the path of the module that programs are written for: that of internal/scripttest.
const modulePath = "example.com/shop"

// Write returns the files of a module with n random jobs, by slash-separated path; go.mod and go.sum are the caller's.
func Write(seed uint64, n int) map[string]string {
	const perPackage = 25
	files := map[string]string{"ops/ops.go": opsSource, "runner/runner.go": runnerSource}
	r := rand.New(rand.NewPCG(seed, 4))
	var main strings.Builder
	var imports []string
	for first := 0; first < n; first += perPackage {
		pkg := fmt.Sprintf("p%03d", first/perPackage)
		imports = append(imports, fmt.Sprintf("\t%q\n", modulePath+"/"+pkg))
		files[pkg+"/jobs.go"] = jobsFile(r, pkg, first, min(n, first+perPackage), &main)
	}
	files["main.go"] = "package main\n\nimport (\n\t\"context\"\n\n\t\"github.com/dagstergen/dagstergen/runtime/execute\"\n" + strings.Join(imports, "") +
		"\t\"" + modulePath + "/ops\"\n\t\"" + modulePath + "/runner\"\n)\n\nfunc main() {\n\trunner.Main([]runner.Job{\n" + main.String() + "\t})\n}\n\nvar _ ops.Rep\n"
	return files
}

// jobsFile writes the jobs first to end-1 and graphs of their own, and the entries for the runner.
func jobsFile(r *rand.Rand, pkg string, first, end int, main *strings.Builder) string {
	var b strings.Builder
	b.WriteString("package " + pkg + "\n\nimport (\n\t\"context\"\n\n\t\"" + modulePath + "/ops\"\n)\n\nvar _ context.Context\n")
	calls := append([]op{}, family...)
	for i := range 3 {
		g := op{name: fmt.Sprintf("Graph%d", i), ctx: true, err: i == 0, in: params(r), out: results(r)}
		function(r, &b, "graph", g, calls)
		calls = append(calls, g)
	}
	for i := first; i < end; i++ {
		j := op{name: fmt.Sprintf("Job%d", i), ctx: true, err: true, in: params(r), out: results(r)}
		function(r, &b, "job", j, calls)
		entry(r, main, pkg, j)
	}
	return b.String()
}

func params(r *rand.Rand) []string {
	all := []string{tInt, tInts, tText, tReps, tTable, tGrid, tBool, tRep}
	in := []string{tInt}
	for range r.IntN(3) {
		in = append(in, all[r.IntN(len(all))])
	}
	return in
}

func results(r *rand.Rand) []string {
	all := []string{tInt, tInts, tText, tRep, tReps, tTable, tGrid, tPtr}
	var out []string
	for range 1 + r.IntN(3) {
		out = append(out, all[r.IntN(len(all))])
	}
	return out
}

// function writes a graph or a job.
func function(r *rand.Rand, b *strings.Builder, kind string, o op, calls []op) {
	w := &writer{r: r, calls: calls, budget: 6 + r.IntN(12), indent: 1}
	var in []string
	for i, t := range o.in {
		v := &variable{name: fmt.Sprintf("a%d", i), typ: t, fixed: true, used: true}
		w.scope = append(w.scope, v)
		in = append(in, v.name+" "+t)
	}
	var out, zero []string
	for i, t := range o.out {
		out = append(out, fmt.Sprintf("r%d %s", i, t))
		zero = append(zero, fmt.Sprintf("r%d", i))
	}
	if o.err {
		out = append(out, "err error")
		w.fail = strings.Join(append(zero, "err"), ", ")
	}
	sure := &variable{name: w.name("v"), typ: tInt} // every job calls an op
	w.line("%s := ops.Inc(a0)", sure.name)
	w.scope = append(w.scope, sure)
	for range 2 + r.IntN(5) {
		w.statement(3)
	}
	var ret []string
	for _, t := range o.out {
		ret = append(ret, w.expr(t, 2))
	}
	for _, v := range w.scope {
		if !v.used {
			w.line("_ = %s", v.name)
		}
	}
	if o.err {
		ret = append(ret, "nil")
	}
	w.line("return %s", strings.Join(ret, ", "))
	fmt.Fprintf(b, "\n//dag:%s\nfunc %s(ctx context.Context, %s) (%s) {\n%s}\n", kind, o.name, strings.Join(in, ", "), strings.Join(out, ", "), w.b.String())
}

// entry writes how the runner calls and runs a job, with two sets of arguments.
func entry(r *rand.Rand, main *strings.Builder, pkg string, j op) {
	for k := range 2 {
		w := &writer{r: r}
		var plain, fields []string
		for i, t := range j.in {
			v := w.literal(t, 2)
			plain = append(plain, v)
			fields = append(fields, fmt.Sprintf("A%d: %s", i, v))
		}
		var names, outs []string
		for i := range j.out {
			names = append(names, fmt.Sprintf("r%d", i))
			outs = append(outs, fmt.Sprintf("res.Output().R%d", i))
		}
		fmt.Fprintf(main, "\t\t{Name: %q,\n", fmt.Sprintf("%s.%s/%d", pkg, j.name, k))
		fmt.Fprintf(main, "\t\t\tCall: func(ctx context.Context) ([]any, error) {\n\t\t\t\t%s, err := %s.%s(ctx, %s)\n\t\t\t\treturn []any{%s}, err\n\t\t\t},\n",
			strings.Join(names, ", "), pkg, j.name, strings.Join(plain, ", "), strings.Join(names, ", "))
		fmt.Fprintf(main, "\t\t\tRun: func(ctx context.Context, opts ...execute.Option) ([]any, error) {\n\t\t\t\tres, err := execute.InProcess(ctx, %s.%sJob, %s.%sInputs{%s}, opts...)\n"+
			"\t\t\t\tif err != nil {\n\t\t\t\t\treturn nil, err\n\t\t\t\t}\n\t\t\t\treturn []any{%s}, nil\n\t\t\t}},\n", pkg, j.name, pkg, j.name, strings.Join(fields, ", "), strings.Join(outs, ", "))
	}
}
