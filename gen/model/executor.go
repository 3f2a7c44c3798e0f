package model

import (
	"go/ast"
	"go/constant"
	"go/types"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// builtinExecutors are the executors that are there without anybody's doing.
var builtinExecutors = []string{"in_process", "multi", "multiprocess"}

// executor finds what executor= of a job names: an executor that is always there, or a variable of the package that defines one, by its Go name or by the name that it gives the
// executor. Generated code registers such a one, so that a job never names an executor that is not there.
func (b *builder) executor(j *Job, arg annotations.Arg) {
	f := &j.Func
	if slices.Contains(builtinExecutors, arg.Value) {
		return
	}
	offered := slices.Clone(builtinExecutors)
	var found []*types.Var
	for _, v := range f.Pkg.executors() {
		name := f.Pkg.nameOfExecutor(v)
		if v.Name() == arg.Value || name == arg.Value {
			found = append(found, v)
		}
		if name == "" {
			name = v.Name()
		}
		offered = append(offered, name)
	}
	switch len(found) {
	case 1:
		j.ExecutorVar = found[0]
		return
	case 0:
	default:
		d := b.argError(f, CodeUnknownExecutor, arg, "name one of the variables", "%s: executor=%s fits %d executors", f.GoName, arg.Value, len(found))
		for _, v := range found {
			b.relate(d, v.Pos(), "executor %s", v.Name())
		}
		return
	}
	obj := f.Pkg.Types.Scope().Lookup(arg.Value)
	hint := "declare it as a variable: var " + arg.Value + " = execute.ExecutorDefinition{...}"
	if near, ok := nearest.Of(arg.Value, offered); ok {
		hint = "did you mean " + near + "?"
	} else if obj != nil {
		hint = "name a variable that is an execute.ExecutorDefinition"
	}
	d := b.argError(f, CodeUnknownExecutor, arg, hint, "%s: executor=%s names no executor; there is %s", f.GoName, arg.Value, strings.Join(offered, ", "))
	if obj != nil && !Invalid(obj.Type()) {
		b.relate(d, obj.Pos(), "%s is no execute.ExecutorDefinition", arg.Value)
	}
}

// executors are the variables of the package that define executors, sorted by name.
func (p *Package) executors() (out []*types.Var) {
	scope := p.Types.Scope()
	for _, name := range scope.Names() {
		if v, ok := scope.Lookup(name).(*types.Var); ok && isNamed(v.Type(), load.ExecutePath, "ExecutorDefinition") {
			out = append(out, v)
		}
	}
	return out
}

// nameOfExecutor is the name that a variable gives its executor; empty where that is not a constant in its declaration.
func (p *Package) nameOfExecutor(v *types.Var) string {
	for _, file := range p.Syntax {
		for _, decl := range file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				spec, ok := s.(*ast.ValueSpec)
				if !ok {
					continue
				}
				if at := slices.IndexFunc(spec.Names, func(n *ast.Ident) bool { return p.Info.Defs[n] == v }); at >= 0 && at < len(spec.Values) {
					return p.nameIn(spec.Values[at])
				}
			}
		}
	}
	return ""
}

func (p *Package) nameIn(value ast.Expr) string {
	lit, ok := ast.Unparen(value).(*ast.CompositeLit)
	if !ok {
		return ""
	}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Name" {
			if c := p.Info.Types[kv.Value].Value; c != nil && c.Kind() == constant.String {
				return constant.StringVal(c)
			}
		}
	}
	return ""
}
