package gen

import (
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash/hazard"
)

// A Finding is something that makes the reuse of results unsafe, or useless.
type Finding struct {
	diag.Diagnostic
	Kind     string      // of //dag:allow; "stale", "allow" and "ignore" for what cannot be accepted
	What     string      // "time.Now"
	Function string      // symbol of the declaration that it stands in; empty where there is none
	From     []FoundFrom // what it is reachable from, sorted by symbol
}

// FoundFrom is a way from something annotated to a finding.
type FoundFrom struct {
	Key, Kind, Symbol string
	Path              []string // names from the annotated function to the declaration with the finding
}

// vetCode says how the findings of a kind are reported.
type vetCode struct {
	code     string
	severity diag.Severity
	says     string // behind "op NAME "
	hint     string
}

// The kinds that are certain are errors; what is found by a rule of thumb is a warning. Both end dagstergen vet with exit code 1.
var vetCodes = map[hazard.Kind]vetCode{
	hazard.Clock:   {"DAG0801", diag.Error, "depends on the clock", "make the time an input"},
	hazard.Random:  {"DAG0802", diag.Error, "depends on chance", "seed a generator from config or inputs"},
	hazard.Env:     {"DAG0803", diag.Error, "depends on the environment", "take the value from config, let it count with //dag:depends env:NAME"},
	hazard.Network: {"DAG0804", diag.Error, "depends on the network", "call through a resource, or observe the data with a source"},
	hazard.Files:   {"DAG0805", diag.Error, "uses files that are not declared", "take a dag.File from a source and write with dag.WriteFile"},
	hazard.Exec:    {"DAG0806", diag.Error, "depends on another program", "start it from a resource"},
	hazard.Order:   {"DAG0807", diag.Warning, "depends on an order that differs from run to run", "sort what was collected"},
	hazard.Global:  {"DAG0808", diag.Warning, "writes a package variable", "return the value, or keep it in a resource"},
	hazard.Input:   {"DAG0809", diag.Error, "modifies its input", "copy it first"},
	hazard.Run:     {"DAG0810", diag.Error, "depends on the run", "use it for logs alone, or make the op volatile"},
}

// mostRelated is how many other ways to a finding its message shows.
const mostRelated = 4

// The codes of findings that are not about code that an op reaches.
const (
	CodeUnused  = "DAG0811" // a step of a job that nobody needs
	CodeStale   = "DAG0812" // a generated file is not what would be written
	CodeNothing = "DAG0813" // an allow that accepts nothing
)

// Vet looks for what versions cannot see in the packages that c names. The diagnostics are those of [Generate]; packages with errors are not looked into.
// Findings are sorted by position.
func Vet(ctx context.Context, c Config) ([]Finding, diag.List, error) {
	a, diags, err := analyze(ctx, c) // of all packages the syntax, too
	if err != nil || a == nil {
		return nil, diags, err
	}
	g := &generation{Analysis: a, cfg: c, diags: diags}
	results, diags, err := g.run()
	if err != nil {
		return nil, diags, err
	}
	v := &vetting{Analysis: a}
	v.roots()
	v.report = hazard.Find(a.Program, a.Versions, v.asked)
	v.allows()
	v.hazards()
	v.unused()
	if err := v.stale(results); err != nil {
		return nil, diags, err
	}
	trees := slices.ContainsFunc(c.Load.Patterns, func(p string) bool { return strings.Contains(p, "...") })
	v.idle(trees)
	if trees {
		v.idleIgnores(g)
	}
	slices.SortStableFunc(v.found, func(x, y Finding) int {
		return cmp.Or(strings.Compare(x.Pos.Filename, y.Pos.Filename), cmp.Compare(x.Pos.Line, y.Pos.Line), cmp.Compare(x.Pos.Column, y.Pos.Column),
			strings.Compare(x.Code, y.Code), strings.Compare(x.Message, y.Message))
	})
	return v.found, diags, nil
}

// A vetting is one call of Vet.
type vetting struct {
	*Analysis
	asked  []hazard.Root
	decls  []*model.Decl // of the roots
	env    [][]string    // environment variables that count in their versions
	report hazard.Report
	allow  []*allowance
	found  []Finding
}

// An allowance is a //dag:allow.
type allowance struct {
	annotations.Annotation
	name  token.Position // of the function that it stands on
	asked bool           // its package was asked for
	used  bool
}

// roots lists the functions whose results are reused, and the constructors of resources.
func (v *vetting) roots() {
	for _, p := range v.Targets {
		if p.Diagnostics.HasErrors() || v.loadErrors[p.Package] {
			continue
		}
		for _, op := range append(p.Instances(), p.Ops...) {
			if op.Volatile || op.Kind == annotations.Source || op.Graph != nil {
				continue
			}
			r := hazard.Root{Symbol: op.Symbol, Injected: injected(op.Resources)}
			for _, in := range op.Inputs {
				if pv := paramVar(cmp.Or(op.Generic, op.Obj), in.Param); pv != nil {
					r.Inputs = append(r.Inputs, pv)
				}
			}
			v.asked, v.decls, v.env = append(v.asked, r), append(v.decls, &op.Decl), append(v.env, op.Env)
		}
		for _, res := range p.Resources {
			v.asked = append(v.asked, hazard.Root{Symbol: res.Symbol, Injected: injected(res.Resources), Constructor: true})
			v.decls, v.env = append(v.decls, &res.Decl), append(v.env, res.Env)
		}
	}
}

// injected are the types of resources, and of the resources that these are made with.
func injected(uses []model.ResourceUse) []types.Type {
	var out []types.Type
	seen := map[*model.Resource]bool{}
	var visit func([]model.ResourceUse)
	visit = func(uses []model.ResourceUse) {
		for _, u := range uses {
			if u.Resource != nil && !seen[u.Resource] {
				seen[u.Resource] = true
				out = append(out, u.Resource.Type)
				visit(u.Resource.Resources)
			}
		}
	}
	visit(uses)
	return out
}

func paramVar(f *types.Func, p *model.Param) *types.Var {
	for v := range f.Signature().Params().Variables() {
		if v.Pos() == p.Pos {
			return v
		}
	}
	return nil
}

// allows reads the //dag:allow lines of all local packages.
func (v *vetting) allows() {
	for _, lp := range v.Program.Locals() {
		for _, f := range lp.Syntax {
			anns, _ := annotations.Parse(v.Program.Fset, f) // errors were reported with the package
			for _, a := range anns {
				if a.Kind == annotations.Allow {
					v.allow = append(v.allow, &allowance{Annotation: a, name: place(v.Program.Position(declName(a).Pos())), asked: slices.Contains(v.Program.Roots, lp)})
				}
			}
		}
	}
}

// accepted reports whether an allow for kind stands on the function at one of the given positions.
func (v *vetting) accepted(kind string, names ...token.Position) bool {
	ok := false
	for _, a := range v.allow {
		if a.Value("kind") == kind && slices.Contains(names, a.name) {
			a.used, ok = true, true
		}
	}
	return ok
}

// hazards turns what was found in code into findings.
func (v *vetting) hazards() {
	for _, h := range v.report.Findings {
		in := place(v.Versions.Pos(h.Func))
		if v.accepted(string(h.Kind), in) {
			continue
		}
		how := vetCodes[h.Kind]
		f := Finding{Kind: string(h.Kind), What: h.What, Function: h.Func, Diagnostic: diag.Diagnostic{
			Code: how.code, Severity: how.severity, Pos: v.Program.Position(h.Pos), End: v.Program.Position(h.End),
			Hint: fmt.Sprintf("%s, or accept it with //dag:allow %s \"reason\"", how.hint, h.Kind)}}
		for _, from := range h.From {
			d := v.decls[from.Root]
			if v.decided(h, from.Root) || v.accepted(string(h.Kind), place(v.Program.Position(d.Pos))) {
				continue
			}
			way := FoundFrom{Key: d.Key, Kind: string(d.Kind), Symbol: d.Symbol}
			for _, s := range from.Path {
				way.Path = append(way.Path, shortName(s, d.Pkg.Path))
			}
			if len(f.From) == 0 {
				f.Message = fmt.Sprintf("%s %s %s: %s", d.Kind, d.Key, how.says, chain(way.Path, h))
			} else if len(f.From) <= mostRelated {
				f.Related = append(f.Related, diag.Related{Pos: v.Program.Position(d.Pos), Message: fmt.Sprintf("so does %s %s: %s", d.Kind, d.Key, strings.Join(way.Path, " → "))})
			}
			f.From = append(f.From, way)
		}
		if more := len(f.From) - 1 - mostRelated; more > 0 {
			f.Related[mostRelated-1].Message += fmt.Sprintf("; and %d more", more)
		}
		if len(f.From) > 0 {
			v.found = append(v.found, f)
		}
	}
}

// decided reports whether directives make a finding no problem for a root: a variable of the environment that counts in its version, or a package
// variable that does not.
func (v *vetting) decided(h hazard.Finding, root int) bool {
	if h.Variable != "" && slices.Contains(v.env[root], h.Variable) {
		return true
	}
	if h.Var == nil {
		return false
	}
	if d := v.Model.Decisions[h.Var.Pos()]; d != nil && d.Ignored != "" {
		return true
	}
	own := v.Model.Decisions[v.decls[root].Pos]
	return own != nil && slices.ContainsFunc(own.Without, func(l model.Left) bool { return l.Symbol == model.SymbolOf(h.Var) || l.Symbol == h.Var.Pkg().Path() })
}

// chain writes the way to what was found: "Chart → style → time.Now", or, for what is no name, "append ..., in Chart → style".
func chain(names []string, h hazard.Finding) string {
	way := strings.Join(names, " → ")
	switch h.Kind {
	case hazard.Order, hazard.Global, hazard.Input:
		return h.What + ", in " + way
	}
	return way + " → " + h.What
}

// shortName writes a symbol as code of package from would: "style", "Client.Fetch", "units.Round".
func shortName(symbol, from string) string {
	slash := strings.LastIndexByte(symbol, '/') + 1
	dot := slash + strings.IndexByte(symbol[slash:], '.')
	if dot < slash {
		return symbol
	}
	name := strings.NewReplacer("(*", "", ")", "").Replace(symbol[dot+1:])
	if strings.HasPrefix(symbol[dot+1:], "init(") {
		name = symbol[dot+1:]
	}
	if symbol[:dot] == from {
		return name
	}
	return path.Base(symbol[:dot]) + "." + name
}

// unused reports steps of jobs of which no output is used. Assets are kept for their own sake, and volatile ops run for their effect.
func (v *vetting) unused() {
	for _, p := range v.Targets {
		if p.Definitions == nil {
			continue
		}
		for _, g := range p.Compositions() {
			used := map[*model.Node]bool{}
			g.Bindings(func(b *model.Binding) {
				if b.Kind == model.FromNode {
					used[b.Node] = true
				}
			})
			for _, n := range g.Nodes {
				fn := n.Func()
				if fn == nil || used[n] || n.Op != nil && (n.Op.Kind != annotations.Op || n.Op.Volatile) || len(fn.Results) == 0 || v.accepted("unused", place(v.Program.Position(g.Pos))) {
					continue
				}
				v.found = append(v.found, Finding{Kind: "unused", What: n.Key, Function: g.Symbol, From: []FoundFrom{{Key: g.Key, Kind: string(g.Kind), Symbol: g.Symbol, Path: []string{g.GoName}}},
					Diagnostic: diag.Diagnostic{Code: CodeUnused, Severity: diag.Warning, Pos: v.Program.Position(n.Pos),
						Message: fmt.Sprintf("%s %s: nothing uses what step %s returns", g.Kind, g.Key, n.Key),
						Hint:    fmt.Sprintf(`use it, make the op volatile if it is run for its effect, or accept it with //dag:allow unused "reason" on the %s`, g.Kind)}})
			}
		}
	}
}

// stale reports generated files that are not what would be written.
func (v *vetting) stale(results []Result) error {
	differences, err := Check(results)
	if err != nil {
		return err
	}
	for _, d := range differences {
		name := filepath.Base(d.Path)
		message := name + " is out of date"
		switch d.Change {
		case "missing":
			message = name + " is missing"
		case "orphaned":
			message = name + " is left over: nothing calls for it any more"
		}
		if len(d.Sources) > 0 {
			message += " (changed: " + strings.Join(d.Sources, ", ") + ")"
		}
		v.found = append(v.found, Finding{Kind: "stale", What: name, Diagnostic: diag.Diagnostic{Code: CodeStale,
			Pos: token.Position{Filename: v.Program.Rel(d.Path)}, Message: message, Hint: "run " + load.ToolCommand(v.Program.Dir)}})
	}
	return nil
}

// idle reports allows that accepted nothing: those on annotated functions and on functions that were looked into, and, where whole trees of packages
// were asked for, those that nothing reaches.
func (v *vetting) idle(trees bool) {
	judged := map[token.Position]bool{}
	for node := range v.report.Reached {
		judged[place(v.Versions.Pos(node))] = true
	}
	broken := false
	for _, p := range v.Model.Packages {
		broken = broken || p.Diagnostics.HasErrors()
		if slices.Contains(v.Targets, p) {
			for _, f := range p.Funcs() {
				judged[place(v.Program.Position(f.Pos))] = true
			}
		}
	}
	for _, a := range v.allow {
		if a.used || !a.asked || broken || !judged[a.name] && !trees {
			continue
		}
		kind := a.Value("kind")
		message := fmt.Sprintf("//dag:allow %s accepts nothing: vet finds no such thing in %s", kind, a.Name)
		if !judged[a.name] {
			message = fmt.Sprintf("//dag:allow %s accepts nothing: no op, asset or resource that is reused reaches %s", kind, a.Name)
		}
		v.found = append(v.found, Finding{Kind: "allow", What: kind, Diagnostic: diag.Diagnostic{Code: CodeNothing, Severity: diag.Warning, Pos: a.Pos, End: a.End,
			Message: message, Hint: "remove it"}})
	}
}

// declName is the name of the function that an annotation stands on.
func declName(a annotations.Annotation) *ast.Ident { return a.Decl.(*ast.FuncDecl).Name }
