package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Graph is the static shape of what a job, or the assets together, would run. Nodes are in plan order: upstream first.
type Graph struct {
	Job   *dag.JobDef // nil for assets
	Nodes []Node

	levels [][]int32 // the nodes of each level, ascending; the inputs of a node are on lower levels

	consumers     []int32 // of all nodes, one after the other
	consumerStart []int32 // where those of node i begin; one more at the end
	producers     []int32
	producerStart []int32
}

// A Node is one step of a graph before any decision.
type Node struct {
	Key      string // unique in the graph; what run config, selection and events call it
	Identity string // what its records are the latest of: "asset:KEY" or "op:JOB/STEP"
	Op       *dag.Op
	Inputs   []Edge       // one for each of Op.Inputs
	Deps     []Edge       // one for each of Op.Deps; kind FromStep
	Config   *dag.Binding // what a job's body passes as config; nil otherwise

	info *opInfo
}

// An EdgeKind says where an input comes from.
type EdgeKind uint8

// The kinds of an [Edge].
const (
	FromStep    EdgeKind = iota // output Output of node Node
	FromParam                   // parameter Param of the job
	FromLiteral                 // Value, from the body of the job
)

// An Edge is where a node gets an input from.
type Edge struct {
	Kind   EdgeKind
	Node   int32
	Output int32 // -1: ordering after a node that has no outputs
	Param  int32
	Value  any
}

// Consumers returns the nodes that take an output of node i or must follow it, ascending, each once.
func (g *Graph) Consumers(i int) []int32 {
	return g.consumers[g.consumerStart[i]:g.consumerStart[i+1]]
}

// Producers returns the nodes that node i takes an output from or must follow, each once.
func (g *Graph) Producers(i int) []int32 {
	return g.producers[g.producerStart[i]:g.producerStart[i+1]]
}

// upstream calls yield with each node that node i needs; one may come twice.
func (n *Node) upstream(yield func(int32)) {
	for i := range n.Inputs {
		if n.Inputs[i].Kind == FromStep {
			yield(n.Inputs[i].Node)
		}
	}
	for i := range n.Deps {
		yield(n.Deps[i].Node)
	}
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
	nodes := make([]Node, len(infos))
	edges := make([][]int32, len(infos))
	keys := c.AssetKeys()
	for i, o := range infos {
		n := &nodes[i]
		*n = Node{Key: o.op.Key, Identity: "asset:" + o.op.Key, Op: o.op, info: o, Inputs: make([]Edge, len(o.op.Inputs))}
		for j := range o.op.Inputs {
			in := &o.op.Inputs[j]
			ref, ok := c.assetByKey[in.Asset]
			if !ok {
				wrong.add("unknown_asset", "asset %q: its input %s is fed by %q, which no package given to this binary defines%s", o.op.Key, in.Name, in.Asset, nearest(in.Asset, keys))
				continue
			}
			checkJoin(o.op, in, ref, wrong)
			n.Inputs[j] = Edge{Kind: FromStep, Node: index[ref.op], Output: int32(ref.output)}
			edges[i] = append(edges[i], index[ref.op])
		}
		for _, d := range o.op.Deps {
			ref, ok := c.assetByKey[d]
			if !ok {
				wrong.add("unknown_asset", "asset %q: deps= names %q, which no package given to this binary defines%s", o.op.Key, d, nearest(d, keys))
				continue
			}
			n.Deps = append(n.Deps, Edge{Kind: FromStep, Node: index[ref.op], Output: int32(ref.output)})
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
	order := make([]int32, len(nodes))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(level[a], level[b]), strings.Compare(nodes[a].Key, nodes[b].Key))
	})
	place := make([]int32, len(order))
	sorted := make([]Node, len(order))
	sortedLevel := make([]int32, len(order))
	for to, from := range order {
		place[from] = int32(to)
		sorted[to], sortedLevel[to] = nodes[from], level[from]
	}
	for i := range sorted {
		for j := range sorted[i].Inputs {
			sorted[i].Inputs[j].Node = place[sorted[i].Inputs[j].Node]
		}
		for j := range sorted[i].Deps {
			sorted[i].Deps[j].Node = place[sorted[i].Deps[j].Node]
		}
	}
	return newGraph(nil, sorted, sortedLevel)
}

// checkJoin is the type guard of a join that the generator has not seen.
func checkJoin(op *dag.Op, in *dag.Input, ref assetRef, wrong *problems) {
	if ref.output < 0 {
		wrong.add("type_mismatch", "asset %q: its input %s takes the value of %q, which has none; use deps=%s for the order alone", op.Key, in.Name, in.Asset, in.Asset)
		return
	}
	if have := ref.op.op.Outputs[ref.output].Type; have.Name != in.Type.Name || have.Go != in.Type.Go {
		wrong.add("type_mismatch", "asset %q: its input %s is a %s, but %q (%s) is a %s; make the types agree", op.Key, in.Name, in.Type.Name, in.Asset, ref.op.op.Symbol, have.Name)
	}
}

// jobGraph is the graph of a job's body.
func (c *Catalog) jobGraph(j *dag.JobDef, wrong *problems) *Graph {
	nodes := make([]Node, len(j.Nodes))
	level := make([]int32, len(j.Nodes))
	prefix := "op:" + j.Key + "/"
	total := 0
	for i := range j.Nodes {
		total += len(j.Nodes[i].Inputs)
	}
	slab := make([]Edge, total)
	for i := range j.Nodes {
		from := &j.Nodes[i]
		n := &nodes[i]
		*n = Node{Key: from.Key, Identity: prefix + from.Key, Op: from.Op, Config: from.Config, info: c.opBySymbol[from.Op.Symbol]}
		if n.info == nil {
			wrong.add("unknown_op", "job %q calls %s, which its package does not list; run `go generate ./...` again", j.Key, from.Op.Symbol)
			continue
		}
		n.Inputs, slab = slab[:len(from.Inputs):len(from.Inputs)], slab[len(from.Inputs):]
		if len(from.Inputs) != len(from.Op.Inputs) {
			wrong.add("bad_job", "job %q: step %s has %d inputs and is given %d; run `go generate ./...` again", j.Key, from.Key, len(from.Op.Inputs), len(from.Inputs))
			continue
		}
		for k, b := range from.Inputs {
			e := &n.Inputs[k]
			switch b.Kind {
			case dag.FromNode:
				if b.Node < 0 || b.Node >= i || b.Output < 0 || b.Output >= len(j.Nodes[b.Node].Op.Outputs) {
					wrong.add("bad_job", "job %q: input %s of step %s does not come from an earlier step; run `go generate ./...` again", j.Key, from.Op.Inputs[k].Name, from.Key)
					continue
				}
				*e = Edge{Kind: FromStep, Node: int32(b.Node), Output: int32(b.Output)}
				level[i] = max(level[i], level[b.Node]+1)
			case dag.FromParam:
				if b.Param < 0 || b.Param >= len(j.Params) {
					wrong.add("bad_job", "job %q: input %s of step %s is no parameter of the job; run `go generate ./...` again", j.Key, from.Op.Inputs[k].Name, from.Key)
					continue
				}
				*e = Edge{Kind: FromParam, Param: int32(b.Param)}
			case dag.FromLiteral:
				*e = Edge{Kind: FromLiteral, Value: b.Value}
			}
		}
	}
	return newGraph(j, nodes, level)
}

func (c *Catalog) checkJobs(wrong *problems) {
	for _, j := range c.jobs {
		c.jobGraph(j, wrong)
		seen := map[string]bool{}
		for i := range j.Nodes {
			if seen[j.Nodes[i].Key] {
				wrong.add("duplicate_key", "job %q has two steps %q; run `go generate ./...` again", j.Key, j.Nodes[i].Key)
			}
			seen[j.Nodes[i].Key] = true
		}
	}
}

func newGraph(j *dag.JobDef, nodes []Node, level []int32) *Graph {
	g := &Graph{Job: j, Nodes: nodes}
	for i, l := range level {
		for int(l) >= len(g.levels) {
			g.levels = append(g.levels, nil)
		}
		g.levels[l] = append(g.levels[l], int32(i))
	}
	// Consumers as one array with offsets: two passes, no small slices.
	last := make([]int32, len(nodes)) // the consumer noted last, to count each once
	each := func(note func(up, down int32)) {
		for i := range last {
			last[i] = -1
		}
		for i := range nodes {
			nodes[i].upstream(func(u int32) {
				if last[u] != int32(i) {
					last[u] = int32(i)
					note(u, int32(i))
				}
			})
		}
	}
	g.consumerStart, g.producerStart = make([]int32, len(nodes)+1), make([]int32, len(nodes)+1)
	each(func(up, down int32) {
		g.consumerStart[up+1]++
		g.producerStart[down+1]++
	})
	for i := range nodes {
		g.consumerStart[i+1] += g.consumerStart[i]
		g.producerStart[i+1] += g.producerStart[i]
	}
	g.consumers = make([]int32, g.consumerStart[len(nodes)])
	g.producers = make([]int32, 0, len(g.consumers))
	fill := slices.Clone(g.consumerStart)
	each(func(up, down int32) {
		g.consumers[fill[up]] = down
		fill[up]++
		g.producers = append(g.producers, up) // down never goes back, so this is in order
	})
	return g
}

// levels gives each node of a graph (edges lead to what it needs) the length of the longest chain below it, or a cycle: its
// nodes, each needing the next and the last the first.
func levels(edges [][]int32) (level, cycle []int32) {
	level = make([]int32, len(edges))
	missing := make([]int32, len(edges))
	down := make([][]int32, len(edges))
	var ready []int32
	for i, needs := range edges {
		missing[i] = int32(len(needs))
		for _, u := range needs {
			down[u] = append(down[u], int32(i))
		}
		if len(needs) == 0 {
			ready = append(ready, int32(i))
		}
	}
	done := 0
	for ; len(ready) > 0; done++ {
		i := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		for _, d := range down[i] {
			level[d] = max(level[d], level[i]+1)
			if missing[d]--; missing[d] == 0 {
				ready = append(ready, d)
			}
		}
	}
	if done == len(edges) {
		return level, nil
	}
	// Whatever is left needs something that is left: walking up from any of it must come round.
	at := int32(slices.IndexFunc(missing, func(m int32) bool { return m > 0 }))
	place := map[int32]int{}
	var walk []int32
	for {
		if start, seen := place[at]; seen {
			return nil, walk[start:]
		}
		place[at] = len(walk)
		walk = append(walk, at)
		at = edges[at][slices.IndexFunc(edges[at], func(u int32) bool { return missing[u] > 0 })]
	}
}

// chain writes a cycle as "a → b → a".
func chain(cycle []int32, name func(int32) string) string {
	parts := make([]string, 0, len(cycle)+1)
	for _, i := range cycle {
		parts = append(parts, name(i))
	}
	return strings.Join(append(parts, name(cycle[0])), " → ")
}
