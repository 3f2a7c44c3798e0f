package model

import (
	"go/types"
	"slices"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// A ConfigFunc is what config= names: a function of the package that makes a config of a partition.
type ConfigFunc struct {
	Obj   *types.Func
	Param string // the parameter that takes it
	Fails bool   // it returns an error, too
}

// configFor finds the function that config= names, and checks it like code. Its version does not count: what it returns does.
func (b *builder) configFor(f *Func, arg annotations.Arg) *ConfigFunc {
	const hint = "write func "
	from := f.Pkg.Types
	var takes []*Param // a job may take several
	for _, p := range f.Params {
		if p.Role == RoleConfig {
			takes = append(takes, p)
		}
	}
	if takes == nil {
		if !f.Broken {
			b.argError(f, CodePartitionConfig, arg, "take a struct marked //dag:config as a parameter", "%s: config=%s makes a config, and it takes none", f.GoName, arg.Value)
		}
		return nil
	}
	want := arg.Value + "(p dag.Partition) " + Short(takes[0].Type, from)
	obj := from.Scope().Lookup(arg.Value)
	if obj == nil {
		fix := hint + want
		if near, ok := nearest.Of(arg.Value, from.Scope().Names()); ok {
			fix = "did you mean " + near + "?"
		}
		b.argError(f, CodePartitionConfig, arg, fix, "%s: config=%s names nothing in this package", f.GoName, arg.Value)
		return nil
	}
	fn, ok := obj.(*types.Func)
	if !ok {
		b.relate(b.argError(f, CodePartitionConfig, arg, hint+want, "%s: config=%s is no function", f.GoName, arg.Value), obj.Pos(), "%s is declared here", obj.Name())
		return nil
	}
	sig := fn.Signature()
	params, results := sig.Params(), sig.Results()
	for _, t := range []*types.Tuple{params, results} {
		for v := range t.Variables() {
			if Invalid(v.Type()) {
				b.relate(b.argError(f, CodePartitionConfig, arg, "mend its declaration", "%s: the signature of config=%s has a type that does not exist", f.GoName, arg.Value), fn.Pos(), "%s is declared here", fn.Name())
				return nil
			}
		}
	}
	fails := results.Len() == 2 && types.Identical(results.At(1).Type(), types.Universe.Lookup("error").Type())
	if results.Len() > 0 {
		takes = slices.DeleteFunc(takes, func(p *Param) bool { return !types.Identical(results.At(0).Type(), p.Type) })
	}
	switch {
	case sig.TypeParams().Len() > 0, params.Len() != 1, sig.Variadic(), !isRuntime(params.At(0).Type(), "Partition"), results.Len() == 0, results.Len() > 1 && !fails, len(takes) == 0:
		b.relate(b.argError(f, CodePartitionConfig, arg, hint+want+", which may return an error, too", "%s: config=%s is a %s", f.GoName, arg.Value, Short(sig, from)), fn.Pos(), "%s is declared here", fn.Name())
		return nil
	case len(takes) > 1:
		b.argError(f, CodePartitionConfig, arg, "give one of them another type", "%s: config=%s makes a %s, and the parameters %s and %s are one", f.GoName, arg.Value, Short(takes[0].Type, from), takes[0].GoName, takes[1].GoName)
		return nil
	}
	return &ConfigFunc{Obj: fn, Param: takes[0].Name, Fails: fails}
}
