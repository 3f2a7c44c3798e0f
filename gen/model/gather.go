package model

import (
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// GatherElem returns T of map[dag.PartitionKey]T and of iter.Seq2[dag.PartitionKey, T], which take several partitions of an asset; nil for any other type.
func GatherElem(t types.Type) types.Type {
	switch t := types.Unalias(t).(type) {
	case *types.Map:
		if isRuntime(t.Key(), "PartitionKey") {
			return t.Elem()
		}
	case *types.Named:
		if p := t.Obj().Pkg(); p == nil || p.Path() != "iter" || t.Obj().Name() != "Seq2" || t.TypeArgs().Len() != 2 || !isRuntime(t.TypeArgs().At(0), "PartitionKey") {
			return nil
		}
		return t.TypeArgs().At(1)
	}
	return nil
}

// GatheredType is T of a parameter that takes partitions by their keys: of what GatherElem knows, and of *T.
func GatheredType(t types.Type) types.Type {
	if elem := GatherElem(t); elem != nil {
		return elem
	}
	return pointerElem(t)
}

// mapping finds the variable that mapping.PARAM= names.
func (b *builder) mapping(f *Func, arg annotations.Arg) *types.Var {
	scope := f.Pkg.Types.Scope()
	switch obj := scope.Lookup(arg.Value).(type) {
	case nil:
		hint := "name a variable of the package, whose type is partition.Mapping"
		if near, ok := nearest.Of(arg.Value, scope.Names()); ok {
			hint = "did you mean " + near + "?"
		}
		b.argError(f, CodeGather, arg, hint, "%s: %s=%s names nothing in this package", f.GoName, arg.Key, arg.Value)
	case *types.Var:
		if isNamed(obj.Type(), partitionPath, "Mapping") {
			return obj
		}
		if Invalid(obj.Type()) {
			f.Broken = true // the compiler says what is wrong
			return nil
		}
		d := b.argError(f, CodeGather, arg, "make it one with partition.Shifted, partition.Last, partition.Func or the like, of package "+partitionPath,
			"%s: %s=%s is a %s, not a partition.Mapping", f.GoName, arg.Key, arg.Value, Short(obj.Type(), f.Pkg.Types))
		b.relate(d, obj.Pos(), "%s is declared here", obj.Name())
	default:
		d := b.argError(f, CodeGather, arg, "declare a variable: var "+arg.Value+"Mapping = partition.Shifted(-1, 0)", "%s: %s=%s is no variable", f.GoName, arg.Key, arg.Value)
		b.relate(d, obj.Pos(), "%s is declared here", obj.Name())
	}
	return nil
}

// gathers checks what parameters take of assets with partitions, as far as that does not depend on which there are.
func (b *builder) gathers() {
	for _, p := range b.m.Packages {
		for _, op := range p.Ops {
			for _, in := range op.Inputs {
				if in.From != nil && !in.From.Op.Broken && !op.Broken {
					b.gather(op, in)
				}
			}
		}
	}
}

func (b *builder) gather(op *Op, in *Input) {
	from, up := op.Pkg.Types, in.From.Op
	report := func(hint, format string, args ...any) {
		d := b.report(op.Pkg, CodeGather, in.Pos, in.Pos+token.Pos(len(in.GoName)), hint, format, args...)
		b.relate(d, in.From.pos(), "%s", in.From.what())
		op.Broken = true
	}
	if up == op && up.Partitions != nil && !in.Gather {
		short := Short(in.Type, from)
		report("take it as *"+short+", which is nil then, or as map[dag.PartitionKey]"+short,
			"%s: parameter %s takes one %s of %s itself, an earlier partition, and the first has none before it", op.GoName, in.GoName, short, in.From.what())
		return
	}
	if in.Gather {
		if elem, _ := StreamElem(GatheredType(in.Type)); elem != nil {
			report("take one partition of it, with partitions= of the same", "%s: parameter %s takes several partitions of %s, each of which is a stream", op.GoName, in.GoName, in.From.what())
			return
		}
	}
	switch {
	case up.Partitions == nil && in.Gather:
		report("take "+Short(GatheredType(in.Type), from)+", or give it partitions=", "%s: parameter %s takes partitions of %s, which has none", op.GoName, in.GoName, in.From.what())
	case up.Partitions == nil && in.Mapping != nil:
		report("leave it out, or give the asset partitions=", "%s: mapping.%s=%s says which partitions of %s, which has none", op.GoName, in.GoName, in.Mapping.Name(), in.From.what())
	case up.Partitions != nil && op.Partitions == nil && !in.Gather && in.Mapping == nil && op.Check == nil:
		short := Short(in.Type, from)
		report("take them as map[dag.PartitionKey]"+short+" or iter.Seq2[dag.PartitionKey, "+short+"], or give "+op.GoName+" partitions= too",
			"%s: parameter %s takes one %s, but %s is computed for each partition, and %s has none", op.GoName, in.GoName, short, in.From.what(), op.GoName)
	}
}
