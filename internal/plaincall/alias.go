package plaincall

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
)

//go:embed testdata/alias.go.txt
var aliasSource string

// AliasJobs returns n random jobs by name. They pass slices and maps around that share memory, append to them and assign to their elements, through
// ops that return what they were given. Most of them are refused by the generator; what it accepts must agree with the plain call.
func AliasJobs(seed uint64, n int) map[string]string {
	r := rand.New(rand.NewPCG(seed, 5))
	out := map[string]string{}
	for i := range n {
		w := &aliasWriter{r: r, left: 4 + r.IntN(6)}
		name := fmt.Sprintf("Alias%d", i)
		out[name] = "//dag:job\nfunc " + name + "(k int) (ra, rb, rc []int, rg [][]int, rm, rm2 map[string]int, rn, rf int) {\n" + w.body() + "}\n"
	}
	return out
}

// WriteAlias returns the files of a module with these jobs, in the order of names.
func WriteAlias(jobs map[string]string, names []string) map[string]string {
	var b, main strings.Builder
	b.WriteString(aliasSource)
	for _, name := range names {
		b.WriteString("\n" + jobs[name])
		for k := range 3 {
			fmt.Fprintf(&main, "\t\t{Name: \"%[1]s/%[2]d\",\n\t\t\tCall: func(context.Context) ([]any, error) {\n\t\t\t\ta, b, c, g, m, m2, n, f := alias.%[1]s(%[2]d)\n\t\t\t\treturn []any{a, b, c, g, m, m2, n, f}, nil\n\t\t\t},\n"+
				"\t\t\tRun: func(ctx context.Context, opts ...execute.Option) ([]any, error) {\n\t\t\t\tres, err := execute.InProcess(ctx, alias.%[1]sJob, alias.%[1]sInputs{%[2]d}, opts...)\n\t\t\t\tif err != nil {\n\t\t\t\t\treturn nil, err\n\t\t\t\t}\n"+
				"\t\t\t\to := res.Output()\n\t\t\t\treturn []any{o.Ra, o.Rb, o.Rc, o.Rg, o.Rm, o.Rm2, o.Rn, o.Rf}, nil\n\t\t\t}},\n", name, k)
		}
	}
	return map[string]string{"ops/ops.go": opsSource, "runner/runner.go": runnerSource, "alias/alias.go": b.String(),
		"main.go": "package main\n\nimport (\n\t\"context\"\n\n\t\"github.com/dagstergen/dagstergen/runtime/execute\"\n\t\"" + modulePath + "/alias\"\n\t\"" + modulePath + "/runner\"\n)\n\nfunc main() {\n\trunner.Main([]runner.Job{\n" + main.String() + "\t})\n}\n"}
}

type aliasWriter struct {
	r     *rand.Rand
	left  int // statements
	depth int
	loops int
}

func (w *aliasWriter) one(of ...string) string { return of[w.r.IntN(len(of))] }

func (w *aliasWriter) slice() string { return w.one("a", "b", "c") }

func (w *aliasWriter) number() string {
	return w.one("n", "k", fmt.Sprint(w.r.IntN(10)), "Sum("+w.slice()+")")
}

func (w *aliasWriter) expr() string {
	x := w.slice()
	return w.one(x, "append("+x+", "+w.number()+")", "append("+x+", "+w.number()+")", "append("+x+", "+w.number()+")", "append("+x+", "+w.slice()+"...)",
		"append(slices.Clip("+x+"), "+w.number()+")", "append(slices.Clip("+x+"), "+w.slice()+"...)", "slices.Clip("+x+")", "Same("+x+")", "Head("+x+")", "Wide("+w.number()+")",
		"make([]int, 2)", "make([]int, len("+x+"))", "make([]int, 0, 5)", "[]int{"+w.number()+", 2}", "[]int(nil)")
}

func (w *aliasWriter) statement(indent string) string {
	w.left--
	v := w.slice()
	switch k := w.r.IntN(100); {
	case k < 20:
		return indent + v + " = append(" + v + ", " + w.number() + ")\n"
	case k < 45:
		return indent + v + " = " + w.expr() + "\n"
	case k < 53:
		return fmt.Sprintf("%s%s[%d] = %s\n", indent, v, w.r.IntN(2), w.number())
	case k < 58:
		return indent + "g = append(g, " + v + ")\n"
	case k < 62:
		return indent + "m[\"" + w.one("x", "y") + "\"] = " + w.number() + "\n"
	case k < 64:
		return indent + w.one("m = map[string]int{\"x\": n}", "m2 = m", "m2 = SameMap(m)", "m = m2") + "\n"
	case k < 70 || w.depth >= 2:
		return indent + "n = Sum(" + v + ")\n"
	case k < 73:
		return indent + w.one("a, b", "b, c", "c, a") + " = Pair(" + v + ")\n"
	case k < 76:
		return indent + w.one("a, b = b, a", "a, c = b, b", "b, c = c, a") + "\n"
	}
	w.depth++
	defer func() { w.depth-- }()
	if w.r.IntN(2) == 0 {
		s := indent + w.one("if Odd(n) {", "if k == 2 {", "if "+v+" != nil {") + "\n" + w.block(indent+"\t")
		if w.r.IntN(2) == 0 {
			s += indent + "} else {\n" + w.block(indent+"\t")
		}
		return s + indent + "}\n"
	}
	w.loops++
	i := fmt.Sprint("i", w.loops)
	head := w.one("for range 3 {", "for "+i+" := range 2 {\n"+indent+"\tn = Add(n, "+i+")", "for _, "+i+" := range "+v+" {\n"+indent+"\t_ = "+i)
	return indent + head + "\n" + w.block(indent+"\t") + indent + "}\n"
}

func (w *aliasWriter) block(indent string) string {
	s := ""
	for range 1 + w.r.IntN(3) {
		s += w.statement(indent)
	}
	return s
}

func (w *aliasWriter) body() string {
	s := "\tn := Sum(nil)\n"
	for _, v := range []string{"a", "b", "c"} {
		s += "\t" + w.one("var "+v+" []int", v+" := []int{4, 5}", v+" := make([]int, 2)", v+" := Wide(7)", v+" := make([]int, 1, 4)") + "\n"
	}
	s += "\tvar g [][]int\n\tm, m2 := map[string]int{}, map[string]int{\"q\": 1}\n"
	for w.left > 0 {
		s += w.statement("\t")
	}
	return s + "\treturn a, b, c, g, m, m2, n, Flat(g)\n"
}
