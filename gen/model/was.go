package model

import (
	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// earlierKeys holds was= to what it can mean: the history of one key goes on in one asset, which did not have it all the time.
func (b *builder) earlierKeys() {
	for _, p := range b.m.Packages {
		for _, op := range p.Ops {
			arg, ok := op.ann.Arg("was")
			if !ok || op.Broken {
				continue
			}
			if len(op.Outputs) > 1 {
				b.was(op, arg.Items[0], "name the keys with the results, or take the function apart", "has several assets, and was= is for one")
				continue
			}
			for _, it := range arg.Items {
				b.earlierKey(op, it)
			}
		}
	}
}

func (b *builder) was(op *Op, it annotations.Item, hint, what string) *diag.Diagnostic {
	op.Broken = true
	op.Pkg.Diagnostics.Add(diag.Diagnostic{Code: CodeWas, Pos: it.Pos, End: it.End, Message: op.GoName + ": " + what, Hint: hint})
	return &op.Pkg.Diagnostics[len(op.Pkg.Diagnostics)-1]
}

func (b *builder) earlierKey(op *Op, it annotations.Item) {
	if it.Text == op.Key {
		b.was(op, it, "name the key that it had before, or drop was=", "was="+it.Text+" is its key now")
		return
	}
	for _, a := range op.Pkg.lookup(it.Text) {
		d := b.was(op, it, "name the key that it had before, or drop was=", "was="+it.Text+" is the key of another asset")
		b.relate(d, a.pos(), "%s", a.what())
		return
	}
	for _, q := range op.Pkg.visible {
		for _, other := range q.Ops {
			if other == op || other.Broken || q == op.Pkg && other.Pos > op.Pos {
				continue // of two that claim a key, the second one is told
			}
			for _, key := range other.Was {
				if key == it.Text {
					d := b.was(op, it, "one asset can have its history; drop one of them", "was="+it.Text+" is what another asset claims, too")
					b.relate(d, other.Pos, "%s", other.GoName)
					return
				}
			}
		}
	}
}
