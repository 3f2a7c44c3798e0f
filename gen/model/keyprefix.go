package model

import (
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// keyPrefix reads what //dag:package says of the keys of all assets of the package.
func (b *builder) keyPrefix(p *Package, anns []annotations.Annotation) {
	for _, a := range anns {
		arg, ok := a.Arg("key_prefix")
		if a.Kind != annotations.Package || !ok {
			continue
		}
		if p.prefix != nil {
			d := diag.Diagnostic{Code: annotations.CodeRepeated, Pos: arg.Pos, End: arg.End, Hint: "keep one of them",
				Message: "package " + p.Name + " has a key_prefix already", Related: []diag.Related{{Pos: p.prefix.Pos, Message: "first given here"}}}
			p.Diagnostics.Add(d)
			continue
		}
		p.prefix = &arg
	}
}

// prefixKeys puts the prefixes in front of the keys of assets and sources: their own one, or that of the package. (Dagster's key_prefix of an asset, and of load_assets_from_modules.)
func (p *Package) prefixKeys() {
	for _, op := range p.Ops {
		if op.Kind != annotations.Asset && op.Kind != annotations.Source {
			continue
		}
		if arg, ok := op.ann.Arg("key_prefix"); ok {
			op.Prefix = arg.Value + "/"
		} else if p.prefix != nil && !strings.Contains(op.Key, "/") {
			op.Prefix = p.prefix.Value + "/"
		}
		op.Key = op.Prefix + op.Key
	}
}

// lastPart is what a key ends with: "orders" of "warehouse/orders".
func lastPart(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// several says which assets a word may mean.
func several(found []*Asset, key string) string {
	if found[0].Key == key {
		return "several assets in sight have the key " + key
	}
	keys := make([]string, len(found))
	for i, a := range found {
		keys[i] = a.Key
	}
	slices.Sort(keys)
	return key + " may be " + strings.Join(slices.Compact(keys), " or ")
}

// itself returns the asset of op whose key ends with a word, where that takes earlier partitions of itself: of a word that means no other asset.
func (op *Op) itself(p *Package, key string) []*Asset {
	if op.Partitions == nil {
		return nil
	}
	for _, a := range p.assets {
		if a.Op == op && lastPart(a.Key) == key {
			return []*Asset{a}
		}
	}
	return nil
}

// find returns the assets in sight that a word means which op says: those with this key, or else those whose key ends with it, op itself left out.
func (p *Package) find(key string, op *Op) []*Asset {
	found := p.lookup(key)
	if len(found) > 0 || strings.Contains(key, "/") {
		return found
	}
	for _, q := range p.visible {
		for _, a := range q.assets {
			if lastPart(a.Key) == key && a.Op != op && !slices.ContainsFunc(found, func(o *Asset) bool { return o.Key == a.Key && o.Op.Pkg == a.Op.Pkg }) {
				found = append(found, a)
			}
		}
	}
	return found
}
