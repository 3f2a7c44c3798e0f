package model

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/load"
)

// A Partitions is a variable marked //dag:partitions.
type Partitions struct {
	Decl
	Obj *types.Var
}

// partitionPath is the package whose Definition such a variable holds. Like runtime/dag it is known by its name alone.
const partitionPath = load.PartitionPath

var partitionsReferral = referral[Partitions]{
	what: "partitions", hint: "name a variable marked //dag:partitions", unknown: CodeUnknownPartitions, ambiguous: CodeUnknownPartitions,
	of:    func(p *Package) []*Partitions { return p.Partitions },
	named: func(d *Partitions) (string, string, token.Pos) { return d.Key, d.GoName, d.Pos },
}

// declarePartitions adds a variable marked //dag:partitions.
func (b *builder) declarePartitions(p *Package, d Decl, node *ast.ValueSpec) {
	obj, _ := p.Info.Defs[node.Names[0]].(*types.Var)
	if obj == nil {
		p.lost = append(p.lost, node) // a second declaration of that name; the compiler says so
		return
	}
	d.ident, d.Pos, d.Symbol = node.Names[0], node.Names[0].Pos(), p.Path+"."+d.GoName
	if d.Key = d.ann.Value("name"); d.Key == "" {
		d.Key = annotations.Snake(d.GoName)
	}
	p.Partitions = append(p.Partitions, &Partitions{Decl: d, Obj: obj})
}

// partitionTypes checks what variables marked //dag:partitions are, and that their keys differ.
func (b *builder) partitionTypes() {
	for _, p := range b.m.Packages {
		byKey := map[string]*Partitions{}
		for _, d := range p.Partitions {
			node := d.ann.Decl.(*ast.ValueSpec)
			ptr, isPtr := types.Unalias(d.Obj.Type()).(*types.Pointer)
			switch {
			case len(node.Names) > 1:
				d.Broken = true
				b.report(p, CodePartitions, node.Names[1].Pos(), node.Names[1].End(), "declare each of them by itself", "//dag:partitions stands on %d variables", len(node.Names))
			case Invalid(d.Obj.Type()):
				d.Broken = true // the compiler says what is wrong
			case !isPtr || !isNamed(ptr.Elem(), partitionPath, "Definition"):
				d.Broken = true
				b.report(p, CodePartitions, d.Pos, d.ident.End(), "make it one with partition.Static, partition.Daily, partition.Multi or the like, of package "+partitionPath,
					"%s is marked //dag:partitions and is a %s, not a *partition.Definition", d.GoName, Short(d.Obj.Type(), p.Types))
			}
			if other := byKey[d.Key]; other != nil {
				d.Broken = true
				b.relate(b.report(p, CodeDuplicateKey, d.Pos, d.ident.End(), "give one of them another key with name=", "partitions %s has the key %s, as partitions %s has", d.GoName, d.Key, other.GoName),
					other.Pos, "partitions %s", other.GoName)
				continue
			}
			byKey[d.Key] = d
		}
	}
}

// partitions finds what partitions= names.
func (b *builder) partitions(f *Func, arg annotations.Arg) *Partitions {
	d := referred(b, f, arg, arg.Value, partitionsReferral)
	if d != nil && !f.Broken && len(f.Results) == 0 && f.Kind != annotations.Job {
		b.argError(f, CodePartitions, arg, "return what it made, such as a count", "%s: partitions=%s is for an asset with a value, and it returns none", f.GoName, arg.Value)
		return nil
	}
	if d == nil || d.Broken {
		f.Broken = true
		return nil
	}
	return d
}
