package model

import (
	"cmp"
	"go/token"
	"slices"

	"github.com/dagstergen/dagstergen/annotations"
)

// A keyed thing takes part in a name space of keys.
type keyed struct {
	key, what string
	pkg       *Package
	pos       token.Pos
	owner     *Func
}

// keys makes the assets of each package and reports keys that two of its things have.
func (b *builder) keys() {
	for _, p := range b.m.Packages {
		for _, op := range p.Ops {
			p.assets = append(p.assets, op.assets()...)
		}
		b.uniqueKeys(stepKeys(p.Ops))
		var rs, js, gs []keyed
		for _, r := range p.Resources {
			rs = append(rs, keyed{r.Key, "resource " + r.GoName, p, r.Pos, &r.Func})
		}
		for _, j := range p.Jobs {
			js = append(js, keyed{j.Key, "job " + j.GoName, p, j.Pos, &j.Func})
		}
		for _, g := range p.Graphs {
			gs = append(gs, keyed{g.Key, "graph " + g.GoName, p, g.Pos, &g.Func})
		}
		b.uniqueKeys(rs)
		b.uniqueKeys(js)
		b.uniqueKeys(gs)
		var hs []keyed
		for _, h := range p.Hooks {
			hs = append(hs, keyed{h.Key, "hook " + h.GoName, p, h.Pos, &h.Func})
		}
		b.uniqueKeys(hs)
	}
}

// assets returns what op makes under asset keys.
func (op *Op) assets() []*Asset {
	if op.Kind == annotations.Op || op.Check != nil {
		return nil
	}
	if len(op.Outputs) == 0 {
		return []*Asset{{Key: op.Key, Op: op}}
	}
	var out []*Asset
	for _, o := range op.Outputs {
		if o.Asset != "" {
			out = append(out, &Asset{Key: o.Asset, Op: op, Output: o})
		}
	}
	return out
}

// stepKeys lists ops, assets and wired checks in their one name space: config, selections and plans name all by key.
func stepKeys(ops []*Op) []keyed {
	var all []keyed
	for _, op := range ops {
		if op.Check != nil && op.Check.Asset == nil {
			continue // its key begins with that of the asset
		}
		all = append(all, keyed{op.Key, string(op.Kind) + " " + op.GoName, op.Pkg, op.Pos, &op.Func})
		for _, a := range op.assets() {
			if a.Key != op.Key && a.Output != nil {
				all = append(all, keyed{a.Key, "result " + a.Output.GoName + " of " + op.GoName, op.Pkg, a.Output.Pos, &op.Func})
			}
		}
	}
	return all
}

// uniqueKeys reports each key that is there twice, at the later of two things of one package.
func (b *builder) uniqueKeys(all []keyed) {
	byKey := map[string][]keyed{}
	for _, k := range all {
		byKey[k.key] = append(byKey[k.key], k)
	}
	for _, ks := range byKey {
		if len(ks) < 2 {
			continue
		}
		slices.SortFunc(ks, func(x, y keyed) int {
			px, py := b.at(x.pos), b.at(y.pos)
			return cmp.Or(cmp.Compare(px.Filename, py.Filename), cmp.Compare(px.Offset, py.Offset))
		})
		for _, k := range ks[1:] {
			d := b.report(k.pkg, CodeDuplicateKey, k.pos, token.NoPos, "give one of them another key with name=", "%s has the key %s, as %s has", k.what, k.key, ks[0].what)
			b.relate(d, ks[0].pos, "%s", ks[0].what)
			k.owner.Broken = true
		}
	}
}

// predeclared are the names of the universe that generated code may write. It has another spelling for any.
var predeclared = map[string]bool{
	"bool": true, "byte": true, "error": true, "false": true, "float32": true, "float64": true, "int": true, "int8": true, "int16": true, "int32": true,
	"int64": true, "nil": true, "rune": true, "string": true, "true": true, "uint": true, "uint8": true, "uint16": true, "uint32": true, "uint64": true,
	"uintptr": true,
}

// generatedNames reports declarations of the user that have the name of something generated, or hide a name that generated code needs.
func (b *builder) generatedNames() {
	for _, p := range b.m.Packages {
		if p.Types == nil {
			continue
		}
		scope := p.Types.Scope()
		for _, name := range scope.Names() {
			obj := scope.Lookup(name)
			end := obj.Pos() + token.Pos(len(name))
			switch {
			case p.Generated[name] != "":
				b.report(p, CodeGeneratedName, obj.Pos(), end, "rename this declaration", "%s is the name that dagstergen gives to %s", name, p.Generated[name])
			case len(name) > 4 && name[:4] == "_dag":
				b.report(p, CodeReservedName, obj.Pos(), end, "rename it", "%s: names that begin with _dag belong to generated code", name)
			case predeclared[name]:
				b.report(p, CodeReservedName, obj.Pos(), end, "rename it", "%s hides Go's own %s from generated code", name, name)
			}
		}
		b.generatedTwice(p)
	}
}

// generatedTwice reports two things of a package for which the same name would be generated, such as an asset Train and another
// one's result train with name= keys that differ.
func (b *builder) generatedTwice(p *Package) {
	type owner struct {
		what string
		pos  token.Pos
	}
	seen, declared := map[string]owner{}, map[string]bool{}
	add := func(name, what string, pos token.Pos) bool {
		if first, ok := seen[name]; ok {
			d := b.report(p, CodeGeneratedName, pos, token.NoPos, "rename one of them", "%s and %s would both be called %s in generated code", first.what, what, name)
			b.relate(d, first.pos, "%s", first.what)
			return false
		}
		seen[name] = owner{what, pos}
		return true
	}
	for _, op := range p.Ops {
		if op.Handle != "" && !op.Broken && !declared[op.GoName] { // the compiler reports one function that is declared twice
			declared[op.GoName] = true
			add(op.Handle, "op "+op.Key, op.Pos)
		}
		for _, o := range op.Outputs {
			if o.Ref != "" && !op.Broken {
				add(o.Ref, "asset "+o.Asset, o.Pos)
			}
		}
	}
	for _, h := range p.Hooks {
		if !h.Broken && !declared[h.GoName] {
			declared[h.GoName] = true
			add(h.Handle, "hook "+h.Key, h.Pos)
		}
	}
	for _, g := range p.Graphs {
		if !g.Broken {
			for _, name := range []string{g.Handle, g.Inputs, g.OutType} {
				if !add(name, "graph "+g.Key, g.Pos) {
					break
				}
			}
		}
	}
	for _, j := range p.Jobs {
		if !j.Broken {
			for _, name := range []string{j.Handle, j.Inputs, j.OutType, j.Steps} {
				if !add(name, "job "+j.Key, j.Pos) {
					break
				}
			}
		}
	}
	if first, ok := seen["Definitions"]; ok {
		b.report(p, CodeGeneratedName, first.pos, token.NoPos, "rename it", "%s would be called Definitions in generated code", first.what)
	}
}
