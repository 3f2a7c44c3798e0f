package model

import (
	"fmt"
	"go/types"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// arguments resolves what executor=, io=, partitions=, config= and strategy= name, and checks it like code.
func (b *builder) arguments() {
	for _, p := range b.m.Packages {
		for _, op := range append(p.generics[:len(p.generics):len(p.generics)], p.Ops...) {
			b.hooks(&op.Func, &op.Running)
			if arg, ok := op.ann.Arg("io"); ok {
				op.IO = b.ioManager(&op.Func, arg)
			}
			if arg, ok := op.ann.Arg("codec"); ok {
				b.codec(op, arg)
			}
			if arg, ok := op.ann.Arg("partitions"); ok {
				op.Partitions = b.partitions(&op.Func, arg)
			} else if op.Versions && !op.Broken {
				op.Broken = true
				b.report(p, CodeSource, op.Pos, op.ident.End(), "give it partitions=, or return a dag.DataVersion", "%s returns the data versions of partitions, and has none", op.GoName)
			}
			if arg, ok := op.ann.Arg("config"); ok {
				op.ConfigFor = b.configFor(&op.Func, arg)
			}
			if arg, ok := op.ann.Arg("strategy"); ok {
				op.Strategy = b.strategy(&op.Func, arg)
			}
		}
		for _, j := range p.Jobs {
			b.hooks(&j.Func, &j.Running)
			if arg, ok := j.ann.Arg("executor"); ok {
				b.executor(j, arg)
			}
			if arg, ok := j.ann.Arg("strategy"); ok {
				j.Strategy = b.strategy(&j.Func, arg)
			}
			if arg, ok := j.ann.Arg("partitions"); ok {
				j.Partitions = b.partitions(&j.Func, arg)
			}
			if arg, ok := j.ann.Arg("config"); ok {
				j.ConfigFor = b.configFor(&j.Func, arg)
			}
		}
	}
}

func (b *builder) argError(f *Func, code string, arg annotations.Arg, hint, format string, args ...any) *diag.Diagnostic {
	f.Broken = true
	f.Pkg.Diagnostics.Add(diag.Diagnostic{Code: code, Pos: arg.ValuePos, End: arg.End, Message: fmt.Sprintf(format, args...), Hint: hint})
	return &f.Pkg.Diagnostics[len(f.Pkg.Diagnostics)-1]
}

// ioManager finds the resource that io= names: by its Go function or its key, in the package first.
func (b *builder) ioManager(f *Func, arg annotations.Arg) *Resource {
	r := referred(b, f, arg, arg.Value, ioReferral)
	if r == nil {
		return nil
	}
	if r.Type == nil {
		f.Broken = true
		return nil
	}
	if iface := b.runtime().ioManager; iface != nil && !types.Implements(r.Type, iface) {
		d := b.argError(f, CodeNotIO, arg, "give it these methods, or name another resource", "%s: io=%s: %s does not implement dag.IOManager%s",
			f.GoName, arg.Value, Short(r.Type, f.Pkg.Types), missing(r.Type, iface))
		b.relate(d, r.Pos, "resource %s", r.Key)
		return nil
	}
	return r
}

// missing says which method keeps t from implementing iface.
func missing(t types.Type, iface *types.Interface) string {
	m, wrong := types.MissingMethod(t, iface, true)
	switch {
	case m == nil:
		return ""
	case wrong:
		return ": its method " + m.Name() + " has another signature"
	}
	if _, ptr := types.MissingMethod(types.NewPointer(t), iface, true); !ptr && !types.IsInterface(t) && types.Implements(types.NewPointer(t), iface) {
		return ": its methods belong to the pointer"
	}
	return ": it has no method " + m.Name()
}

// strategy finds the variable or function that strategy= names.
func (b *builder) strategy(f *Func, arg annotations.Arg) *Strategy {
	pkg := f.Pkg
	obj := pkg.Types.Scope().Lookup(arg.Value)
	if obj == nil {
		hint := "name a variable of the package, or a function without parameters, whose type implements dag.VersionStrategy"
		if near, ok := nearest.Of(arg.Value, pkg.Types.Scope().Names()); ok {
			hint = "did you mean " + near + "?"
		}
		b.argError(f, CodeUnknownStrategy, arg, hint, "%s: strategy=%s names nothing in this package", f.GoName, arg.Value)
		return nil
	}
	s := &Strategy{Obj: obj, Symbol: pkg.Path + "." + obj.Name(), pos: obj.Pos()}
	var t types.Type
	switch obj := obj.(type) {
	case *types.Var:
		t = obj.Type()
	case *types.Func:
		sig := obj.Signature()
		if sig.Params().Len() > 0 || sig.Results().Len() != 1 || sig.TypeParams().Len() > 0 {
			d := b.argError(f, CodeNotStrategy, arg, "give it no parameters and one result", "%s: strategy=%s: the function must be a func() dag.VersionStrategy", f.GoName, arg.Value)
			b.relate(d, obj.Pos(), "%s is declared here", obj.Name())
			return nil
		}
		s.Call, t = true, sig.Results().At(0).Type()
	default:
		d := b.argError(f, CodeNotStrategy, arg, "declare a variable: var v dag.VersionStrategy = ...", "%s: strategy=%s is neither a variable nor a function", f.GoName, arg.Value)
		b.relate(d, obj.Pos(), "%s is declared here", obj.Name())
		return nil
	}
	if Invalid(t) {
		d := b.argError(f, CodeNotStrategy, arg, "mend its declaration, and give the variable a type: var "+obj.Name()+" dag.VersionStrategy = ...", "%s: the type of strategy=%s is not known", f.GoName, arg.Value)
		b.relate(d, obj.Pos(), "%s is declared here", obj.Name())
		return nil
	}
	if iface := b.runtime().strategy; iface != nil && !types.Implements(t, iface) {
		d := b.argError(f, CodeNotStrategy, arg, "give it the method OpVersion(dag.OpVersionContext) (string, error)", "%s: strategy=%s: %s does not implement dag.VersionStrategy%s",
			f.GoName, arg.Value, Short(t, pkg.Types), missing(t, iface))
		b.relate(d, obj.Pos(), "%s is declared here", obj.Name())
		return nil
	}
	return s
}

// isRuntime reports whether t is the type name of runtime/dag.
func isRuntime(t types.Type, name string) bool { return isNamed(t, load.RuntimePath, name) }
