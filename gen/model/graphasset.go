package model

import (
	"go/token"
	"slices"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// assetArguments are those of //dag:graph that only mean something on one that makes assets.
var assetArguments = []string{"group", "owners", "kinds", "was", "freshness", "key_prefix", "partitions"}

// graphAsset adds the asset that a graph is, where its directive says so.
func (b *builder) graphAsset(p *Package, g *Graph, a annotations.Annotation) {
	if !a.Flag("asset") {
		for _, arg := range a.Args {
			if arg.Param != "" || slices.Contains(assetArguments, arg.Key) {
				p.Diagnostics.Add(diag.Diagnostic{Code: CodeGraphAsset, Pos: arg.Pos, End: arg.End, Hint: "write //dag:graph asset, or leave it out",
					Message: g.GoName + ": " + arg.Key + " is for a graph that makes assets"})
				g.Broken = true
			}
		}
		return
	}
	f := g.Func
	f.Kind = annotations.Asset
	op := &Op{Func: f, Graph: g, Group: a.Value("group"), Owners: a.List("owners"), Kinds: a.List("kinds"), Was: a.List("was"), Fresh: a.Span("freshness")}
	if op.Group == "" {
		op.Group = defaultGroup(p)
	}
	g.Asset = op
	p.Ops = append(p.Ops, op)
	for _, ref := range assetRefs(annotations.Asset, g.Obj, g.Node.Type) {
		p.Generated[ref] = "the asset reference of " + op.GoName
	}
}

// assetOfGraph gives the asset the parameters and results of its graph.
func (b *builder) assetOfGraph(g *Graph) {
	op := g.Asset
	if op == nil {
		return
	}
	op.Params, op.HasError, op.Broken = g.Params, g.HasError, g.Broken
	if len(g.Results) == 0 && !g.Broken {
		b.report(g.Pkg, CodeGraphAsset, g.Pos, g.ident.End(), "return what the asset is", "%s returns nothing that could be an asset", g.GoName)
		g.Broken, op.Broken = true, true
	}
	var config *Param
	for i, p := range g.In {
		if g.Configs[i] != nil { // it stands under ops.KEY.config
			if config != nil {
				d := b.report(g.Pkg, CodeGraphAsset, p.Pos, token.NoPos, "put both into one struct type marked //dag:config", "%s takes two configs, and run config has one place for them, ops.%s.config", g.GoName, op.Key)
				b.relate(d, config.Pos, "the first one")
				g.Broken, op.Broken = true, true
			}
			config = p
			continue
		}
		op.Inputs = append(op.Inputs, &Input{Param: p, keyPos: p.Pos})
	}
	refs := assetRefs(annotations.Asset, g.Obj, g.Node.Type)
	for i, r := range g.Results {
		out := &Output{Result: r, Asset: r.Name}
		if len(g.Results) == 1 {
			single := *r
			single.Name = "result"
			out.Result, out.Asset = &single, op.Key
		}
		if i < len(refs) {
			out.Ref = refs[i]
		}
		op.Results = append(op.Results, out.Result)
		op.Outputs = append(op.Outputs, out)
	}
}
