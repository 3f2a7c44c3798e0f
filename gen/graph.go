package gen

import (
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/gen/model"
)

// A Graph is what the definitions of one package look like: the graph of its assets, and one for each of its jobs.
type Graph struct {
	Package string     `json:"package"`
	Assets  GraphPart  `json:"assets"`
	Jobs    []JobGraph `json:"jobs"`
}

// A JobGraph is the graph of a job: its inputs, the calls of ops in its body, and its outputs.
type JobGraph struct {
	Key         string `json:"key"`
	Description string `json:"description,omitempty"`
	GraphPart
}

// A GraphPart is a set of nodes with their edges, both in a fixed order. The slices are never nil.
type GraphPart struct {
	Nodes []GraphNode `json:"nodes"`
	Edges []GraphEdge `json:"edges"`
}

// A GraphNode is an asset, a step, input or output of a job, or what steps stand in: the call of a graph, a loop, a branch or an arm of one.
type GraphNode struct {
	ID          string   `json:"id"`   // unique in its part: the asset key, the step key, "in:NAME" or "out:NAME"
	Kind        string   `json:"kind"` // "asset", "source", "check", "external" (an asset that is joined at run time), "op", "input", "output", "graph", "map", "branch" or "arm"
	Label       string   `json:"label"`
	Parent      string   `json:"parent,omitempty"` // the node that it stands in
	Op          string   `json:"op,omitempty"`     // key of the op that makes it
	Type        string   `json:"type,omitempty"`   // Go type of the value
	Group       string   `json:"group,omitempty"`
	Kinds       []string `json:"kinds,omitempty"`
	Description string   `json:"description,omitempty"`
	Pos         string   `json:"pos,omitempty"` // "file:line:col" of the function, or of the call
}

// A GraphEdge leads from what makes a value to what receives it.
type GraphEdge struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Input string `json:"input,omitempty"` // the parameter that receives the value; empty for an order without a value
	Value string `json:"value,omitempty"` // the output it comes from, where there are several
}

// Graphs returns the graphs of the packages that were asked for and have sound definitions, sorted by package.
func (a *Analysis) Graphs() []Graph {
	out := []Graph{}
	for _, p := range a.Targets {
		if p.Definitions == nil || a.loadErrors[p.Package] {
			continue
		}
		g := Graph{Package: p.Path, Assets: a.assetGraph(p.Definitions), Jobs: []JobGraph{}}
		for _, j := range p.Definitions.Jobs {
			g.Jobs = append(g.Jobs, JobGraph{Key: j.Key, Description: j.Description, GraphPart: a.jobGraph(j)})
		}
		out = append(out, g)
	}
	return out
}

// assetKeys are the keys of what op makes.
func assetKeys(op *model.Op) []string {
	if len(op.Outputs) == 0 {
		return []string{op.Key}
	}
	var out []string
	for _, o := range op.Outputs {
		out = append(out, o.Asset)
	}
	return out
}

func (a *Analysis) assetGraph(d *model.Definitions) GraphPart {
	part := GraphPart{Nodes: []GraphNode{}, Edges: []GraphEdge{}}
	known := map[string]bool{}
	external := map[string]bool{}
	here := map[*model.Op]bool{}
	for _, op := range d.Ops {
		here[op] = true
	}
	for _, op := range d.Ops {
		if op.Kind == annotations.Op {
			continue
		}
		if op.Graph != nil {
			a.assetSteps(&part, op)
		}
		for i, key := range assetKeys(op) {
			n := GraphNode{ID: key, Kind: string(op.Kind), Label: key, Op: op.Key, Group: op.Group, Kinds: op.Kinds, Description: op.Description, Pos: a.Program.Position(op.Pos).String()}
			if i < len(op.Outputs) {
				n.Type = model.Short(op.Outputs[i].Type, op.Pkg.Types)
			}
			if op.Graph != nil {
				n.Parent = "graph:" + op.Key
			}
			known[key] = true
			part.Nodes = append(part.Nodes, n)
			for _, in := range op.Inputs {
				if in.From == nil {
					external[in.Asset] = true
				}
				if op.Graph == nil {
					part.Edges = append(part.Edges, GraphEdge{From: in.Asset, To: key, Input: in.Name})
				}
			}
			for _, dep := range op.Deps {
				part.Edges = append(part.Edges, GraphEdge{From: dep.Key, To: key})
			}
			for _, check := range op.Gates {
				if here[check] {
					part.Edges = append(part.Edges, GraphEdge{From: check.Key, To: key})
				}
			}
		}
	}
	for key := range external {
		if !known[key] {
			part.Nodes = append(part.Nodes, GraphNode{ID: key, Kind: "external", Label: key})
		}
	}
	slices.SortStableFunc(part.Nodes, func(x, y GraphNode) int { return strings.Compare(root(x), root(y)) })
	slices.SortFunc(part.Edges, func(x, y GraphEdge) int {
		return strings.Compare(x.From+"\x00"+x.To+"\x00"+x.Input, y.From+"\x00"+y.To+"\x00"+y.Input)
	})
	return part
}

// root is what a node of the assets is sorted by: the steps of a graph stay in the order of its body, with its assets behind them.
func root(n GraphNode) string {
	switch {
	case n.Kind == "asset" && n.Parent != "":
		return strings.TrimPrefix(n.Parent, "graph:")
	case n.Parent != "":
		key, _, _ := strings.Cut(n.ID, ".")
		return key
	}
	return strings.TrimPrefix(n.ID, "graph:")
}

// assetSteps adds the steps of the graph that makes the assets of op, in a node of their own.
func (a *Analysis) assetSteps(part *GraphPart, op *model.Op) {
	id := "graph:" + op.Key
	part.Nodes = append(part.Nodes, GraphNode{ID: id, Kind: "graph", Label: op.Key, Description: op.Description, Pos: a.Program.Position(op.Pos).String()})
	feeds := map[*model.Param]string{}
	for _, in := range op.Inputs {
		feeds[in.Param] = in.Asset
	}
	d := &drawing{a: a, part: part, own: op.Pkg.Types, prefix: op.Key + ".", parent: id, param: func(p *model.Param) string { return feeds[p] }}
	u := op.Graph.Unfold()
	d.items(u)
	for i, o := range op.Outputs {
		d.edges(u.Sources(i), o.Asset, "value")
	}
}

// jobGraph keeps the order of the body: it says more than the alphabet.
func (a *Analysis) jobGraph(j *model.Job) GraphPart {
	part := GraphPart{Nodes: []GraphNode{}, Edges: []GraphEdge{}}
	own := j.Pkg.Types
	for _, p := range j.In {
		part.Nodes = append(part.Nodes, GraphNode{ID: "in:" + p.Name, Kind: "input", Label: p.Name, Type: model.Short(p.Type, own), Pos: a.Program.Position(p.Pos).String()})
	}
	d := &drawing{a: a, part: &part, own: own, param: func(p *model.Param) string { return "in:" + p.Name }}
	u := j.Unfold()
	d.items(u)
	for i, o := range j.Outputs {
		part.Nodes = append(part.Nodes, GraphNode{ID: "out:" + o.Name, Kind: "output", Label: o.Name, Type: model.Short(o.Type, own), Pos: a.Program.Position(o.Pos).String()})
		d.edges(u.Sources(i), "out:"+o.Name, "")
	}
	return part
}

// A drawing adds a body to a part.
type drawing struct {
	a      *Analysis
	part   *GraphPart
	own    *types.Package
	prefix string // of the ids
	parent string // of what stands in no loop, branch or graph
	param  func(*model.Param) string
}

// items adds the steps, and the graphs, loops and branches that they stand in.
func (d *drawing) items(u *model.Unfolded) {
	for _, it := range u.Items {
		n := it.Node
		if it.Merged() {
			continue
		}
		id := d.prefix + it.Key
		node := GraphNode{ID: id, Label: n.Key, Parent: d.inside(it), Pos: d.a.Program.Position(n.Pos).String()}
		switch {
		case n.Op != nil:
			node.Kind, node.Label, node.Op, node.Description = "op", it.Key, n.Op.Key, n.Op.Description
			if len(n.Op.Outputs) == 1 {
				node.Type = model.Short(n.Op.Outputs[0].Type, d.own)
			}
			for i, in := range n.Inputs {
				d.edges(it.Near(in), id, n.Op.Inputs[i].Name)
			}
			d.edges(it.Near(n.Config), id, "config")
		case n.Graph != nil:
			node.Kind, node.Op, node.Description = "graph", n.Graph.Key, n.Graph.Description
		case n.Map != nil:
			node.Kind = "map"
			node.Type = model.Short(n.Map.Over.Type, d.own)
			d.edges(it.Near(n.Map.Over), id, "range")
		default:
			node.Kind = "branch"
		}
		if c := it.Configured(); c != nil {
			node.Description = c.Description
		}
		d.part.Nodes = append(d.part.Nodes, node)
		if n.Branch != nil {
			for i, arm := range n.Branch.Arms {
				d.part.Nodes = append(d.part.Nodes, GraphNode{ID: armID(id, i), Kind: "arm", Label: arm.Text, Parent: id, Pos: node.Pos})
				d.edges(it.Near(arm.When), id, "condition")
			}
		}
		for _, after := range it.After() {
			d.part.Edges = append(d.part.Edges, GraphEdge{From: d.prefix + after.Key, To: id})
		}
	}
}

func armID(branch string, i int) string { return branch + "/" + strconv.Itoa(i+1) }

// inside is the id of what an item stands in.
func (d *drawing) inside(it *model.Item) string {
	p := it.Parent
	for p != nil && p.Merged() {
		p = p.Parent
	}
	switch {
	case p == nil:
		return d.parent
	case p.Node.Branch != nil:
		return armID(d.prefix+p.Key, it.Arm)
	}
	return d.prefix + p.Key
}

// edges leads from where a value begins to what receives it; nothing leads to itself, as what a loop carries would.
func (d *drawing) edges(from []model.Source, to, input string) {
	add := func(e GraphEdge) {
		e.To, e.Input = to, input
		if e.From != to && !slices.Contains(d.part.Edges, e) {
			d.part.Edges = append(d.part.Edges, e)
		}
	}
	for _, s := range from {
		switch {
		case s.Param != nil:
			if from := d.param(s.Param); from != "" { // not the config of a graph that is an asset
				add(GraphEdge{From: from})
			}
		case s.Loop != nil:
			add(GraphEdge{From: d.prefix + s.Loop.Key})
		case s.Leaf != nil:
			e := GraphEdge{From: d.prefix + s.Leaf.Key}
			if outs := s.Leaf.Node.Op.Outputs; len(outs) > 1 {
				e.Value = outs[s.Output].Name
			}
			add(e)
		}
	}
}
