package render

import (
	"fmt"
	"go/types"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode"

	"github.com/dave/jennifer/jen"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/load"
)

// The base names of the generated files.
const (
	File         = "dag_gen.go"
	ProofFile    = "dag_proof_gen.go"
	ManifestFile = load.ManifestFile
)

// constraint keeps the file away from tools that load packages with our tag, as our own loader does.
const constraint = "//go:build !" + load.GeneratedTag

// Definitions returns dag_gen.go for a package whose definitions are complete, before it is laid out. proof is the name of a dag.ProofMode, "ProofEmbed". The
// error is a bug of ours.
func Definitions(module string, p *model.Package, proof string) (draft Draft, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("render %s: %v\n%s", p.Path, r, debug.Stack())
		}
	}()
	imports := baseImports()
	d := p.Definitions
	collectImports(p, imports)
	r := &renderer{p: p, d: d, ops: map[*model.Op]string{}, resources: map[*model.Resource]string{}, configs: map[*model.Config]string{}, graphs: map[*model.Graph]string{}, hooks: map[*model.Hook]string{}, typeArgs: map[*model.Func][]types.Type{}}
	r.assign()
	r.names = newNames(p.Types, r.declared(), imports)
	r.ctx, r.call, r.err = r.local("ctx"), r.local("c"), r.local("err")

	f := jen.NewFilePathName(p.Path, p.Name)
	f.HeaderComment(load.Header)
	f.HeaderComment("")
	f.HeaderComment(constraint)
	f.Anon("embed")
	r.definitions(f, module, proof)
	for _, c := range d.Configs {
		r.config(f, c)
	}
	for _, res := range d.Resources {
		r.resource(f, res)
	}
	for _, h := range d.Hooks {
		r.hook(f, h)
	}
	for _, op := range d.Ops {
		r.op(f, op)
	}
	for _, g := range d.Graphs {
		r.graph(f, g)
	}
	for _, j := range d.Jobs {
		r.job(f, j)
	}
	r.versionGuard(f)
	r.apply(f)
	return newDraft(f)
}

// A renderer writes one dag_gen.go.
type renderer struct {
	*names
	p *model.Package
	d *model.Definitions

	ctx, call, err string // parameters and variables of generated methods

	ops       map[*model.Op]string
	resources map[*model.Resource]string
	configs   map[*model.Config]string
	graphs    map[*model.Graph]string
	hooks     map[*model.Hook]string
	typeArgs  map[*model.Func][]types.Type // of instances of generic ops
	jobs      []string
}

// assign chooses the package-level names for what the definitions hold: after the key, in camel case.
func (r *renderer) assign() {
	var opKeys, resKeys, jobKeys, graphKeys, configNames []string
	for _, op := range r.d.Ops {
		r.typeArgs[&op.Func] = op.TypeArgs
		opKeys = append(opKeys, op.Key)
	}
	for _, res := range r.d.Resources {
		resKeys = append(resKeys, res.Key)
	}
	for _, j := range r.d.Jobs {
		jobKeys = append(jobKeys, j.Key)
	}
	for _, c := range r.d.Configs {
		name := c.GoName
		if c.Pkg != r.p {
			name = c.Pkg.Name + "_" + c.GoName
		}
		configNames = append(configNames, name)
	}
	for i, name := range camels(opKeys) {
		r.ops[r.d.Ops[i]] = name
	}
	for i, name := range camels(resKeys) {
		r.resources[r.d.Resources[i]] = name
	}
	for i, name := range camels(configNames) {
		r.configs[r.d.Configs[i]] = name
	}
	for _, g := range r.d.Graphs {
		graphKeys = append(graphKeys, g.Key)
	}
	var hookKeys []string
	for _, h := range r.d.Hooks {
		hookKeys = append(hookKeys, h.Key)
	}
	for i, name := range camels(hookKeys) {
		r.hooks[r.d.Hooks[i]] = name
	}
	for i, name := range camels(graphKeys) {
		r.graphs[r.d.Graphs[i]] = name
	}
	r.jobs = camels(jobKeys)
}

// camels returns the camel case of each key: "monthly_means" is MonthlyMeans. Keys that would share one keep their underscores, and
// those that still would get a number.
func camels(keys []string) []string {
	count := map[string]int{}
	for _, k := range keys {
		count[camel(k)]++
	}
	used := map[string]int{}
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = camel(k)
		if count[out[i]] > 1 {
			out[i] = "_" + strings.NewReplacer(":", "__", "/", "__").Replace(k)
		}
		if used[out[i]]++; used[out[i]] > 1 {
			out[i] += "_" + strconv.Itoa(used[out[i]])
		}
	}
	return out
}

func camel(key string) string {
	var b strings.Builder
	up := true
	for _, r := range key {
		switch {
		case r == '_', r == ':', r == '/':
			up = true
			continue
		case up:
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return b.String()
}

// declared are the package-level names that the file declares for user code.
func (r *renderer) declared() []string {
	var out []string
	for name := range r.p.Generated {
		out = append(out, name)
	}
	return out
}

func collectImports(p *model.Package, into map[string]string) {
	function := func(f *model.Func) {
		sig := f.Obj.Signature()
		packagesOf(sig, p.Types, into)
		if sig.Recv() != nil {
			packagesOf(sig.Recv().Type(), p.Types, into)
		}
		if f.Pkg != p {
			into[f.Pkg.Path] = f.Pkg.Types.Name()
		}
	}
	d := p.Definitions
	for _, op := range d.Ops {
		function(&op.Func)
		if d := op.Partitions; d != nil && d.Pkg != p {
			into[d.Pkg.Path] = d.Pkg.Types.Name()
		}
		for _, t := range op.TypeArgs {
			packagesOf(t, p.Types, into)
		}
	}
	for _, res := range d.Resources {
		function(&res.Func)
		res.Made.Walk(func(b *model.Binding) { bindingImports(b, p, into) })
	}
	for _, h := range d.Hooks {
		function(&h.Func)
	}
	for _, c := range d.Configs {
		packagesOf(c.Obj.Type(), p.Types, into)
		if c.Pkg == p {
			packagesOf(c.Struct, p.Types, into)
		}
	}
	composition := func(g *model.Graph) {
		function(&g.Func)
		g.Bindings(func(b *model.Binding) { bindingImports(b, p, into) })
	}
	for _, g := range d.Graphs {
		composition(g)
	}
	for _, j := range d.Jobs {
		if d := j.Partitions; d != nil && d.Pkg != p {
			into[d.Pkg.Path] = d.Pkg.Types.Name()
		}
		composition(&j.Graph)
	}
}

func bindingImports(b *model.Binding, p *model.Package, into map[string]string) {
	packagesOf(b.Type, p.Types, into)
	literalImports(b.Lit, p, into)
	exprImports(b.Expr, p, into)
}

func exprImports(e *model.Expr, p *model.Package, into map[string]string) {
	if e == nil {
		return
	}
	if e.Type != nil {
		packagesOf(e.Type, p.Types, into)
	}
	if e.Func != nil && e.Func.Pkg() != p.Types {
		into[e.Func.Pkg().Path()] = e.Func.Pkg().Name()
	}
	literalImports(e.Lit, p, into)
	for _, a := range e.Args {
		exprImports(a, p, into)
	}
	for _, f := range e.Fields {
		exprImports(f.Key, p, into)
		exprImports(f.Value, p, into)
	}
}

func literalImports(l *model.Literal, p *model.Package, into map[string]string) {
	if l == nil {
		return
	}
	packagesOf(l.Type, p.Types, into)
	for _, f := range l.Fields {
		literalImports(f.Key, p, into)
		literalImports(f.Value, p, into)
	}
}

// multi writes a composite literal with one part a line.
func multi(parts ...jen.Code) *jen.Statement {
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, parts...)
}

// field writes "name: value" of a composite literal.
func field(name string, value jen.Code) jen.Code { return jen.Id(name).Op(":").Add(value) }

// A fieldList collects the fields of a composite literal that are not zero.
type fieldList []jen.Code

func (l *fieldList) add(name string, value jen.Code) { *l = append(*l, field(name, value)) }

func (l *fieldList) text(name, value string) {
	if value != "" {
		l.add(name, jen.Lit(value))
	}
}

func (l *fieldList) flag(name string, value bool) {
	if value {
		l.add(name, jen.True())
	}
}

func (l *fieldList) number(name string, value int) {
	if value != 0 {
		l.add(name, jen.Lit(value))
	}
}

func (l *fieldList) texts(name string, values []string) {
	if len(values) > 0 {
		l.add(name, jen.Index().String().Values(lits(values)...))
	}
}

func (l *fieldList) pairs(name string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	dict := jen.Dict{}
	for k, v := range m {
		dict[jen.Lit(k)] = jen.Lit(v)
	}
	l.add(name, jen.Map(jen.String()).String().Values(dict))
}

func lits(values []string) []jen.Code {
	out := make([]jen.Code, len(values))
	for i, v := range values {
		out[i] = jen.Lit(v)
	}
	return out
}

// definitions writes the variable that everything else hangs on.
func (r *renderer) definitions(f *jen.File, module, proof string) {
	var fields fieldList
	fields.text("Module", module)
	fields.text("Package", r.p.Path)
	fields.add("Manifest", jen.Id("_dagManifest"))
	fields.add("Proof", r.dag(proof))
	list := func(name, typ, prefix string, names []string) {
		if len(names) == 0 {
			return
		}
		var ids []jen.Code
		for _, n := range names {
			ids = append(ids, jen.Id(prefix+n))
		}
		fields.add(name, jen.Index().Op("*").Add(r.dag(typ)).Add(multi(ids...)))
	}
	var ops, graphs, resources []string
	for _, g := range r.d.Graphs {
		graphs = append(graphs, r.graphs[g])
	}
	for _, op := range r.d.Ops {
		ops = append(ops, r.ops[op])
	}
	for _, res := range r.d.Resources {
		resources = append(resources, r.resources[res])
	}
	list("Ops", "Op", "_dagOp", ops)
	list("Graphs", "GraphDef", "_dagGraph", graphs)
	list("Jobs", "JobDef", "_dagJob", r.jobs)
	list("Resources", "Resource", "_dagResource", resources)

	f.Comment("Definitions is all that this package offers to run: pass it to cli.Main, or run its jobs with package execute.")
	f.Var().Id("Definitions").Op("=").Add(r.dag("Definitions")).Add(multi(fields...))
	f.Line()
	f.Comment("//go:embed " + ManifestFile)
	f.Var().Id("_dagManifest").String()
}

// versionGuard writes the line that fails to compile where runtime and generated code are not made for each other.
func (r *renderer) versionGuard(f *jen.File) {
	shape := jen.Index(jen.Lit(model.CodegenShape)).Struct()
	f.Line()
	f.Comment("This line compiles as long as the dagstergen in go.mod understands code of this shape.")
	f.Const().Id("_").Add(r.dag("SupportedCodegen")).Op("=").Add(r.dag("Codegen")).Types(shape).Call(
		jen.Lit("to use another version of dagstergen, run: go tool dagstergen ./..."))
}

// doc is the text of a comment about something generated.
func doc(f *jen.File, format string, args ...any) {
	f.Line()
	f.Comment("// " + fmt.Sprintf(format, args...))
}
