package model

import (
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// split returns the results of f without a trailing error.
func (f *Func) split() []*types.Var {
	tuple := f.Obj.Signature().Results()
	var out []*types.Var
	for i := range tuple.Len() {
		out = append(out, tuple.At(i))
	}
	if n := len(out); n > 0 && isError(out[n-1].Type()) {
		f.HasError = true
		return out[:n-1]
	}
	return out
}

func varEnd(v *types.Var) token.Pos {
	if v.Name() == "" {
		return token.NoPos
	}
	return v.Pos() + token.Pos(len(v.Name()))
}

// dataResults reads the results of f that are data, and names them. A single one is called single unless named is set and it has a name.
func (b *builder) dataResults(f *Func, named bool) {
	if f.Broken {
		return
	}
	vars := f.split()
	seen := map[string]*types.Var{}
	for i, v := range vars {
		r := &Result{GoName: v.Name(), Name: annotations.Snake(v.Name()), Type: v.Type(), Pos: v.Pos()}
		f.Results = append(f.Results, r)
		if isError(v.Type()) {
			b.report(f.Pkg, CodeErrorResult, v.Pos(), varEnd(v), "return one error, as the last result", "%s: result %d is an error and not the last one", f.GoName, i+1)
			f.Broken = true
			continue
		}
		if len(vars) == 1 && (!named || v.Name() == "") {
			r.Name = "result"
			continue
		}
		switch {
		case v.Name() == "" || v.Name() == "_":
			if !f.Broken {
				b.report(f.Pkg, CodeResultNames, v.Pos(), varEnd(v), "name the results: (train, test []Row, err error)",
					"%s: several results need names, which tell the outputs apart", f.GoName)
			}
			f.Broken = true
			continue
		case !annotations.ValidName(r.Name):
			b.report(f.Pkg, CodeKey, v.Pos(), varEnd(v), "use ASCII letters, digits and underscores, a letter first", "%s: result %s has no key in snake case", f.GoName, v.Name())
			f.Broken = true
		case seen[r.Name] != nil:
			d := b.report(f.Pkg, CodeRepeatedName, v.Pos(), varEnd(v), "rename one of them", "%s: the results %s and %s have one name in snake case, %s", f.GoName, seen[r.Name].Name(), v.Name(), r.Name)
			b.relate(d, seen[r.Name].Pos(), "result %s", seen[r.Name].Name())
			f.Broken = true
		}
		seen[r.Name] = v
	}
}

// opResults reads the outputs of an op, an asset or a source.
func (b *builder) opResults(op *Op) {
	switch op.Kind {
	case annotations.Check:
		b.checkResults(op)
		return
	case annotations.Source:
		b.sourceResults(op)
	default:
		b.dataResults(&op.Func, false)
	}
	for _, r := range op.Results {
		op.Outputs = append(op.Outputs, &Output{Result: r})
	}
	if op.Kind != annotations.Op {
		refs := assetRefs(op.Kind, op.Obj, op.Node.Type)
		for i, out := range op.Outputs {
			out.Asset = op.Prefix + out.Name
			if len(op.Outputs) == 1 {
				out.Asset = op.Key
			}
			if i < len(refs) {
				out.Ref = refs[i]
			}
		}
	}
	if !op.Broken {
		b.outputTypes(&op.Func)
	}
}

// outputTypes checks that the results of f can be stored and are not injected elsewhere.
func (b *builder) outputTypes(f *Func) {
	judge := b.judge(f)
	for _, r := range f.Results {
		what := "its result"
		if r.GoName != "" {
			what = "result " + r.GoName
		}
		short := Short(r.Type, f.Pkg.Types)
		if who, pos := b.injected(f.Pkg, r.Type); who != "" {
			d := b.report(f.Pkg, CodeInjectedResult, r.Pos, token.NoPos, "return another type, or do not annotate that one",
				"%s: %s is of type %s, which is injected into parameters and so cannot be data", f.GoName, what, short)
			if pos.IsValid() {
				b.relate(d, pos, "%s", who)
			}
			f.Broken = true
			continue
		}
		if isDir(r.Type) && f.Kind != annotations.Source {
			b.report(f.Pkg, CodeStorable, r.Pos, token.NoPos, "return a dag.File, or what you read; a //dag:source returns a dag.Dir", "%s: %s: %s %s", f.GoName, what, short, dirIsNoData)
			f.Broken = true
			continue
		}
		if p := judge(r.Type, f.Pkg.Types); p != nil {
			fix := p.fix
			if fix == "" {
				fix = "return a type of your own that holds what matters"
			}
			b.unstorable(f, r.Pos, fmt.Sprintf("%s: %s cannot be stored exactly", f.GoName, what), p, fix)
			f.Broken = true
		}
	}
}

// judge says how data of f is looked at: only ops, assets and checks have streams, because what a job takes and returns has a value.
func (b *builder) judge(f *Func) func(types.Type, *types.Package) *storeProblem {
	if f.Kind == annotations.Op || f.Kind == annotations.Asset || f.Kind == annotations.Check {
		return b.dataProblem
	}
	return b.storeProblem
}

// injected says what injects values of type t into functions of p, or returns "".
func (b *builder) injected(p *Package, t types.Type) (who string, pos token.Pos) {
	if isContext(t) {
		return "contexts come from the engine", token.NoPos
	}
	if c := b.configOf(t); c != nil {
		return "config " + c.GoName, c.Pos
	}
	if c := b.pointsToConfig(t); c != nil {
		return "config " + c.GoName, c.Pos
	}
	if rs := p.resourcesOfType(t); len(rs) > 0 {
		return "resource " + rs[0].Key, rs[0].Pos
	}
	return "", token.NoPos
}

// unstorable reports p at pos, with the path to the part at fault.
func (b *builder) unstorable(f *Func, pos token.Pos, message string, p *storeProblem, hint string) *diag.Diagnostic {
	code := CodeStorable
	if p.file {
		code = CodeNestedFile
	}
	return b.badPart(f, code, pos, message, p, hint)
}

// badPart reports what message says of the part of a type that p is about, with the declared fields on the way to it.
func (b *builder) badPart(f *Func, code string, pos token.Pos, message string, p *storeProblem, hint string) *diag.Diagnostic {
	part := p.path
	if part != p.typ {
		part += ": " + p.typ
	}
	d := b.report(f.Pkg, code, pos, token.NoPos, hint, "%s: %s: %s", message, part, p.why)
	for _, h := range p.hops {
		if at := b.at(h.pos); !filepath.IsAbs(at.Filename) { // fields of other modules are no news to the user
			d.Related = append(d.Related, diag.Related{Pos: at, Message: h.text})
		}
	}
	return d
}

const sourceHint = "return (dag.File, error), (dag.Dir, error), (dag.DataVersion, error) or (T, dag.DataVersion, error)"

// sourceResults reads what a source returns.
func (b *builder) sourceResults(op *Op) {
	if op.Broken {
		return
	}
	vars := op.split()
	isVersion := func(i int) bool { return isNamed(vars[i].Type(), load.RuntimePath, "DataVersion") }
	wrong := func(hint, text string) {
		pos, end := op.Pos, op.ident.End()
		if r := op.Node.Type.Results; r != nil {
			pos, end = r.Pos(), r.End()
		}
		b.report(op.Pkg, CodeSource, pos, end, hint, "%s: "+text, op.GoName)
		op.Broken = true
	}
	switch {
	case op.External && (len(vars) != 1 || !isVersion(0)):
		wrong("return (dag.DataVersion, error): the version that holds until something is reported", "nobody looks at an external source, so it gives no data")
		return
	case len(vars) == 1 && (isVersion(0) || isNamed(vars[0].Type(), load.RuntimePath, "File") || isDir(vars[0].Type())):
	case len(vars) == 1 && isNamed(vars[0].Type(), load.RuntimePath, "DataVersionsByPartition"):
		op.Versions = true
	case len(vars) == 2 && isVersion(1) && !isVersion(0) && !isError(vars[0].Type()):
		op.ReturnsVersion = true
	default:
		wrong(sourceHint, "a source returns what says whether it changed")
		return
	}
	op.Results = []*Result{{GoName: vars[0].Name(), Name: "result", Type: vars[0].Type(), Pos: vars[0].Pos()}}
	if op.Versions {
		op.Results[0].Type = vars[0].Type().Underlying().(*types.Map).Elem()
	}
}

// opInputs reads the data parameters of an op, an asset or a source.
func (b *builder) opInputs(op *Op) {
	for _, p := range op.Params {
		if p.Role != RoleInput {
			continue
		}
		if op.Kind == annotations.Source {
			b.notInjected(&op.Func, p, "a source takes no data: it is looked at before anything runs", CodeSource)
			continue
		}
		op.Inputs = append(op.Inputs, &Input{Param: p, keyPos: p.Pos})
		if op.Kind == annotations.Op {
			b.inputType(&op.Func, p)
		}
	}
}

// inputType checks that values of a data parameter can be stored.
func (b *builder) inputType(f *Func, p *Param) {
	t := p.Type
	if elem := GatherElem(t); elem != nil && f.ann.Kind != annotations.Op {
		t = elem
	}
	problem := b.judge(f)(t, f.Pkg.Types)
	if isDir(p.Type) && f.Kind == annotations.Job {
		b.report(f.Pkg, CodeStorable, p.Pos, token.NoPos, "let an asset take it", "%s: parameter %s is a dag.Dir, which %s", f.GoName, orBlank(p.GoName), dirIsNoData)
		f.Broken = true
		return
	}
	if problem == nil {
		return
	}
	f.Broken = true
	short := Short(p.Type, f.Pkg.Types)
	hint := "for a resource, declare a //dag:resource function that returns " + short
	if problem.fix != "" && (len(problem.hops) > 0 || problem.file) {
		hint = problem.fix + "; " + hint
	}
	d := b.unstorable(f, p.Pos, fmt.Sprintf("%s: parameter %s of type %s is neither injected nor data that can be stored", f.GoName, orBlank(p.GoName), short), problem, hint)
	b.nearResources(d, f.Pkg, p.Type)
}

// notInjected reports a parameter that is neither a context, a config nor a resource where nothing else is allowed.
func (b *builder) notInjected(f *Func, p *Param, why, code string) {
	d := b.report(f.Pkg, code, p.Pos, token.NoPos, "take a config, or declare a //dag:resource function that returns "+Short(p.Type, f.Pkg.Types),
		"%s: parameter %s of type %s: %s", f.GoName, orBlank(p.GoName), Short(p.Type, f.Pkg.Types), why)
	b.nearResources(d, f.Pkg, p.Type)
	f.Broken = true
}

// graphResults reads the results and parameters of a job or a graph.
func (b *builder) graphResults(g *Graph) {
	b.dataResults(&g.Func, true)
	if !g.Broken {
		b.outputTypes(&g.Func)
	}
	for _, p := range g.Params {
		switch p.Role {
		case RoleConfig:
			g.In = append(g.In, p)
			g.Configs = append(g.Configs, b.configOf(p.Type))
		case RoleInput:
			g.In = append(g.In, p)
			g.Configs = append(g.Configs, nil)
			b.inputType(&g.Func, p)
		}
	}
}
