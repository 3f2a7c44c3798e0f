package plan

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Graph is the static shape of what a job, or the assets together, would run: the places where ops are called, in plan order. A run makes one
// step of each, several in a loop, none in an arm that is not taken. It does not change once it is made.
type Graph struct {
	Job   *dag.JobDef // nil for assets
	Nodes []Node

	main    *scope
	configs []*GraphConfig    // of calls of graphs, outer ones first
	prefix  string            // what the identity of a step is before its key
	unit    []int32           // by node: the last node of what a selection takes as one, such as a graph that is an asset
	assets  []*opInfo         // of the graph of all assets: what it is made of, in plan order
	homes   map[*opInfo]int32 // likewise: the node that gives the outputs of an asset
	checks  map[int32][]int32 // of an asset, by its node: what a selection takes with it

	partsOnce sync.Once
	ofParts   []bool // by node, see ofPartitions

	downOnce   sync.Once
	downs      []int32 // the nodes below each node, one after the other
	downsStart []int32 // where those of node i begin; one more at the end
}

// A Node is a place where an op is called.
type Node struct {
	Key    string // unique in the graph: "fetch", "outer.fetch", "readings[2024-03-31]"
	Name   string // what run config and selection call it: Key without the partition
	Op     *dag.Op
	Calls  []*dag.Node       // the calls in bodies that lead here: of the op, then of the graphs around it from the inside out
	Tags   map[string]string // of its op and of the calls that lead here
	Fixed  bool              // its config is what the code says: see dag.GraphDef.Configured
	Passed *ConfigSource     // what the body passes as config; nil for the defaults of its type
	Loops  int               // how many loops it stands in
	Asked  []int             // inputs whose values the run config gives

	Partition *dag.Partition // what its steps are computed for; nil for none, and for assets in the graph of all of them

	identity string // of its step where it stands in no loop
	info     *opInfo
	ups      []int32 // the nodes it takes something from, must follow, or that decide whether it runs; ascending
	gates    []int32 // those that decide whether and how often it runs: conditions and what loops go over
	from     []string
}

// below returns the nodes that node i is upstream of, ascending.
func (g *Graph) below(i int32) []int32 {
	g.downOnce.Do(func() {
		g.downsStart = make([]int32, len(g.Nodes)+1)
		total := 0
		for i := range g.Nodes {
			for _, u := range g.Nodes[i].ups {
				g.downsStart[u+1]++
				total++
			}
		}
		for i := range g.Nodes {
			g.downsStart[i+1] += g.downsStart[i]
		}
		g.downs = make([]int32, total)
		fill := slices.Clone(g.downsStart)
		for i := range g.Nodes {
			for _, u := range g.Nodes[i].ups {
				g.downs[fill[u]] = int32(i)
				fill[u]++
			}
		}
	})
	return g.downs[g.downsStart[i]:g.downsStart[i+1]]
}

// Called returns the graph that is called at a place, "outer.inner", and how many loops that stands in; nil where none is.
func (g *Graph) Called(place string) (def *dag.GraphDef, loops int) {
	var find func(sc *scope, b *block, loops int) (*dag.GraphDef, int)
	find = func(sc *scope, b *block, loops int) (*dag.GraphDef, int) {
		for _, n := range b.nodes {
			s := &sc.sites[n]
			inside := loops
			switch {
			case s.node.Map != nil:
				inside++
			case s.node.Graph != nil && s.sub.path == place+separator(s.node.Graph):
				return s.node.Graph, loops
			case s.node.Graph != nil && strings.HasPrefix(place+".", strings.TrimSuffix(s.sub.path, ".")+"."):
				return find(s.sub, s.sub.body, loops)
			}
			for _, inner := range s.bodies {
				if def, n := find(sc, inner, inside); def != nil {
					return def, n
				}
			}
		}
		return nil, 0
	}
	return find(g.main, g.main.body, 0)
}

// NoNode is the error for a key that no node has; it names the nearest one.
func (g *Graph) NoNode(key string) error {
	keys := make([]string, len(g.Nodes))
	for i := range g.Nodes {
		keys[i] = g.Nodes[i].Key
	}
	what := "the graph of assets"
	if g.Job != nil {
		what = "job " + quoted(g.Job.Key)
	}
	return &Error{[]Problem{{Code: "unknown_key", Message: fmt.Sprintf("%s has no node %q%s", what, key, nearest.Hint(key, keys))}}}
}

// jobGraph is the graph of a job's body.
func (c *Catalog) jobGraph(j *dag.JobDef, wrong *problems) *Graph { return c.graphOf(j, j.Key, wrong) }

// graphOf is the graph of a job's body, whose steps are known by a name of the job: with the partition, where there is one.
func (c *Catalog) graphOf(j *dag.JobDef, name string, wrong *problems) *Graph {
	g := &Graph{Job: j, prefix: "op:" + name + "/"}
	k := compiler{c: c, g: g, what: "job " + quoted(j.Key), wrong: wrong}
	k.main(&j.GraphDef)
	return g
}

// compileJobs makes the graphs of all jobs, and finds what is wrong with them.
func (c *Catalog) compileJobs(wrong *problems) {
	c.graphs = make(map[string]*Graph, len(c.jobs))
	for _, j := range c.jobs {
		if c.graphs[j.Key] = c.assets; j.Select == "" {
			c.graphs[j.Key] = c.jobGraph(j, wrong)
		}
	}
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
