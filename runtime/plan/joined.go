package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// A link is an input or a dep of an asset: the asset that it leads to, and which partitions of that.
type link struct {
	up      *opInfo
	mapping partition.Mapping
}

// ofItself reports whether an asset takes other partitions of itself.
func (o *opInfo) ofItself() bool {
	for l := range o.links {
		if l.up == o {
			return true
		}
	}
	return false
}

// assetGraph joins all assets and sources by key.
func (c *Catalog) assetGraph(wrong *problems) *Graph {
	var infos []*opInfo
	for _, o := range c.ops {
		if o.op.Kind != dag.KindOp {
			infos = append(infos, o)
		}
	}
	index := make(map[*opInfo]int32, len(infos))
	for i, o := range infos {
		index[o] = int32(i)
	}
	edges := make([][]int32, len(infos))
	blocking := c.blocking()
	keys := c.AssetKeys()
	several := severals{}
	for i, o := range infos {
		for _, check := range blocking.before(o.op) {
			edges[i] = append(edges[i], index[check])
		}
		o.inputs, o.deps = make([]link, len(o.op.Inputs)), make([]link, len(o.op.Deps))
		for j := range o.op.Inputs {
			in := &o.op.Inputs[j]
			if in.Asset == "" {
				continue // the run config feeds it
			}
			ref, ok := c.assetByKey[in.Asset]
			if !ok {
				wrong.add("unknown_asset", "%s %q: its input %s is fed by %q, which no package given to this binary defines%s", o.op.Kind, o.op.Key, in.Name, in.Asset, nearest.Hint(in.Asset, keys))
				continue
			}
			checkJoin(o.op, in, ref, wrong)
			o.inputs[j] = link{ref.op, mappingOf(o.op, in, ref.op.op)}
			if ref.op == o && o.op.Partitions != nil {
				checkSelf(o.op, in, o.inputs[j].mapping, wrong)
				continue // of other partitions: in the graph of those it comes before
			}
			several.check(o.op, in, ref.op.op, o.inputs[j].mapping, wrong)
			edges[i] = append(edges[i], index[ref.op])
		}
		for j, d := range o.op.Deps {
			ref, ok := c.assetByKey[d]
			if !ok {
				wrong.add("unknown_asset", "%s %q: deps= names %q, which no package given to this binary defines%s", o.op.Kind, o.op.Key, d, nearest.Hint(d, keys))
				continue
			}
			o.deps[j] = link{ref.op, mappingOf(o.op, nil, ref.op.op)}
			edges[i] = append(edges[i], index[ref.op])
		}
	}
	if len(*wrong) > 0 {
		return nil
	}
	level, cycle := levels(edges)
	if cycle != nil {
		wrong.add("cycle", "assets depend on themselves in a circle: %s; break it at one of them",
			chain(cycle, func(i int32) string { return infos[i].op.Key + " (" + infos[i].op.Symbol + ")" }))
		return nil
	}
	// Plan order is by level, then by key: it does not depend on the order of packages, and shows what can run side by side.
	slices.SortFunc(infos, func(a, b *opInfo) int {
		return cmp.Or(cmp.Compare(level[index[a]], level[index[b]]), strings.Compare(a.op.Key, b.op.Key))
	})
	parts := make([]part, len(infos))
	for i, o := range infos {
		parts[i].info = o
	}
	j := joiner{c: c, blocking: blocking, plain: true, ups: func(_ *part, l link) []dag.PartitionKey { return []dag.PartitionKey{""} }}
	g := j.graph(parts, wrong)
	if len(*wrong) == 0 {
		g.assets, g.homes = infos, make(map[*opInfo]int32, len(infos))
		for i, o := range infos {
			g.homes[o] = g.main.sites[parts[i].at].lo
		}
	}
	return g
}

// A part is an asset, or one partition of it.
type part struct {
	info      *opInfo
	partition *dag.Partition // nil for an asset without, and for all of one
	point     partition.Point
	call, at  int // the first node of the body that it is, and the one that gives its outputs
}

// key is the key of the partition, empty for none.
func (p *part) key() dag.PartitionKey {
	if p.partition == nil {
		return ""
	}
	return p.partition.Key
}

// name is what the node of the part is called.
func (p *part) name() string {
	if p.partition == nil {
		return p.info.op.Key
	}
	return dag.PartitionStep(p.info.op.Key, p.partition.Key)
}

// A joiner writes assets, or partitions of them, as the body of a graph: each a call whose arguments are what others return.
type joiner struct {
	c        *Catalog
	blocking gates
	plain    bool                                     // parts are whole assets
	terms    func(p *part, l link) string             // those partitions as a selection says them
	ups      func(p *part, l link) []dag.PartitionKey // which partitions of what a link leads to a part takes

	def  *dag.GraphDef
	at   map[*opInfo]map[dag.PartitionKey]int // the node that gives the outputs of a part
	deps map[int][]dag.Binding
}

// graph joins parts, each of which stands after those that it takes from. Of each it notes where it stands.
func (j *joiner) graph(parts []part, wrong *problems) *Graph {
	j.def = &dag.GraphDef{Nodes: make([]dag.Node, 0, len(parts))}
	j.at, j.deps = map[*opInfo]map[dag.PartitionKey]int{}, map[int][]dag.Binding{}
	for i := range parts {
		j.add(&parts[i])
	}
	g := &Graph{prefix: "asset:", checks: map[int32][]int32{}}
	k := compiler{c: j.c, g: g, what: "the assets", deps: j.deps, wrong: wrong}
	k.main(j.def)
	g.unit = make([]int32, len(g.Nodes))
	for i := range g.unit {
		g.unit[i] = int32(i)
	}
	if len(*wrong) > 0 {
		return g
	}
	for i := range parts {
		j.place(g, &parts[i])
	}
	return g
}

// add writes the call of a part.
func (j *joiner) add(p *part) {
	o := p.info
	op := o.op
	inputs := make([]dag.Binding, len(op.Inputs))
	for i := range op.Inputs {
		if inputs[i].Kind = dag.FromRunConfig; op.Inputs[i].Asset != "" {
			inputs[i] = j.from(p, o.inputs[i], op.Inputs[i].Asset, op.Inputs[i].Type)
		}
	}
	var after []int
	for _, check := range j.blocking.before(op) {
		after = append(after, j.checksOf(p, check)...)
	}
	var deps []dag.Binding
	for i, d := range op.Deps {
		deps = append(deps, j.from(p, o.deps[i], d, nil))
	}
	p.call = len(j.def.Nodes)
	if op.Graph != nil {
		call := dag.Node{Key: p.name(), Graph: op.Graph, Inputs: graphInputs(op, inputs), After: slices.Clone(after)}
		for _, d := range deps { // what is in it follows them too, not only the step that stores
			for _, from := range append(d.Parts, d) {
				if from.Kind == dag.FromNode {
					call.After = append(call.After, from.Node)
				}
			}
		}
		j.def.Nodes = append(j.def.Nodes, call)
		op, inputs = o.store.op, make([]dag.Binding, len(op.Outputs))
		for k := range inputs {
			inputs[k] = dag.Binding{Kind: dag.FromNode, Node: len(j.def.Nodes) - 1, Output: k}
		}
	}
	p.at = len(j.def.Nodes)
	if j.at[o] == nil {
		j.at[o] = map[dag.PartitionKey]int{}
	}
	j.at[o][p.key()] = p.at
	if deps != nil {
		j.deps[p.at] = deps
	}
	j.def.Nodes = append(j.def.Nodes, dag.Node{Key: p.name(), Op: op, Inputs: inputs, After: after})
}

// from is where a part gets what a link leads to. t is the type of the input, nil for a dep.
func (j *joiner) from(p *part, l link, key string, t *dag.Type) dag.Binding {
	output := j.c.assetByKey[key].output
	at := func(k dag.PartitionKey) dag.Binding {
		return dag.Binding{Kind: dag.FromNode, Node: j.at[l.up][k], Output: output}
	}
	if j.plain && l.up == p.info {
		return dag.Binding{Kind: dag.FromLiteral, Type: t} // itself: there is no part of it before
	}
	keys := j.ups(p, l)
	gathers := t.Gathers() != nil && !j.plain
	if !gathers && len(keys) == 1 {
		return at(keys[0])
	}
	if !gathers && t != nil { // of a part that is not computed: see [parting.lacking]
		return dag.Binding{Kind: dag.FromLiteral, Type: t}
	}
	b := dag.Binding{Kind: dag.FromPartitions, Type: t, Name: key, Keys: keys, Parts: make([]dag.Binding, len(keys)), Value: j.terms(p, l)}
	for i, k := range keys {
		b.Parts[i] = at(k)
	}
	return b
}

// checksOf are the nodes of a blocking check that a part waits for: of the partitions that it takes.
func (j *joiner) checksOf(p *part, check *opInfo) (nodes []int) {
	asset := j.c.assetByKey[check.op.Check.Asset].op
	for _, l := range slices.Concat(p.info.inputs, p.info.deps) {
		if l.up != asset {
			continue
		}
		for _, key := range j.ups(p, l) {
			if n, ok := j.at[check][key]; ok && !slices.Contains(nodes, n) { // a check that is not made in this run holds nothing up
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

// place notes what belongs together: the nodes of an asset that is a graph, and an asset with its checks.
func (j *joiner) place(g *Graph, p *part) {
	lo, last := g.main.sites[p.call].lo, g.main.sites[p.at].lo
	for i := lo; i <= last; i++ {
		n := &g.Nodes[i]
		g.unit[i] = last
		n.Partition, n.Name = p.partition, p.info.op.Key+strings.TrimPrefix(n.Key, p.name())
	}
	if check := p.info.op.Check; check != nil {
		if at, ok := j.at[j.c.assetByKey[check.Asset].op][p.key()]; ok {
			asset := g.main.sites[at].lo
			g.checks[asset] = append(g.checks[asset], last)
		}
	}
}

// graphInputs are the arguments of the call of a graph that is an asset: its config parameters take their defaults.
func graphInputs(op *dag.Op, inputs []dag.Binding) []dag.Binding {
	var all []dag.Binding
	next := 0
	for _, p := range op.Graph.Params {
		if p.Config != nil || next == len(inputs) {
			all = append(all, dag.Binding{Kind: dag.FromLiteral, Type: p.Type})
			continue
		}
		all = append(all, inputs[next])
		next++
	}
	return all
}

// checkJoin is the type guard of a join that the generator has not seen.
func checkJoin(op *dag.Op, in *dag.Input, ref assetRef, wrong *problems) {
	if ref.output < 0 {
		wrong.add("type_mismatch", "%s %q: its input %s takes the value of %q, which has none; use deps=%s for the order alone", op.Kind, op.Key, in.Name, in.Asset, in.Asset)
		return
	}
	have := ref.op.op.Outputs[ref.output].Type
	takes := in.Type
	if elem := takes.Gathers(); elem != nil {
		takes = elem
	}
	name, typ := takes.Name, takes.Go
	if in.Unwrap {
		name, typ = "*"+name, pointerTo(typ)
	}
	if have.Name != name || have.Go != typ {
		wrong.add("type_mismatch", "%s %q: its input %s is a %s, but %q (%s) is a %s; make the types agree", op.Kind, op.Key, in.Name, takes.Name, in.Asset, ref.op.op.Symbol, have.Name)
	}
}
