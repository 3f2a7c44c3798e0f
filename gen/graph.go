package gen

import (
	"slices"
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

// A GraphNode is an asset, or a step, input or output of a job.
type GraphNode struct {
	ID          string   `json:"id"`   // unique in its part: the asset key, the step key, "in:NAME" or "out:NAME"
	Kind        string   `json:"kind"` // "asset", "source", "external" (an asset that is joined at run time), "op", "input" or "output"
	Label       string   `json:"label"`
	Op          string   `json:"op,omitempty"`   // key of the op that makes it
	Type        string   `json:"type,omitempty"` // Go type of the value
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
	for _, op := range d.Ops {
		if op.Kind == annotations.Op {
			continue
		}
		for i, key := range assetKeys(op) {
			n := GraphNode{ID: key, Kind: string(op.Kind), Label: key, Op: op.Key, Group: op.Group, Kinds: op.Kinds, Description: op.Description, Pos: a.Program.Position(op.Pos).String()}
			if i < len(op.Outputs) {
				n.Type = model.Short(op.Outputs[i].Type, op.Pkg.Types)
			}
			known[key] = true
			part.Nodes = append(part.Nodes, n)
			for _, in := range op.Inputs {
				if in.From == nil {
					external[in.Asset] = true
				}
				part.Edges = append(part.Edges, GraphEdge{From: in.Asset, To: key, Input: in.Name})
			}
			for _, dep := range op.Deps {
				part.Edges = append(part.Edges, GraphEdge{From: dep.Key, To: key})
			}
		}
	}
	for key := range external {
		if !known[key] {
			part.Nodes = append(part.Nodes, GraphNode{ID: key, Kind: "external", Label: key})
		}
	}
	slices.SortFunc(part.Nodes, func(x, y GraphNode) int { return strings.Compare(x.ID, y.ID) })
	slices.SortFunc(part.Edges, func(x, y GraphEdge) int {
		return strings.Compare(x.From+"\x00"+x.To+"\x00"+x.Input, y.From+"\x00"+y.To+"\x00"+y.Input)
	})
	return part
}

// jobGraph keeps the order of the body: it says more than the alphabet.
func (a *Analysis) jobGraph(j *model.Job) GraphPart {
	part := GraphPart{Nodes: []GraphNode{}, Edges: []GraphEdge{}}
	own := j.Pkg.Types
	for _, p := range j.JobIn {
		part.Nodes = append(part.Nodes, GraphNode{ID: "in:" + p.Name, Kind: "input", Label: p.Name, Type: model.Short(p.Type, own), Pos: a.Program.Position(p.Pos).String()})
	}
	edge := func(b *model.Binding, to, input string) {
		switch {
		case b == nil:
		case b.Param != nil:
			part.Edges = append(part.Edges, GraphEdge{From: "in:" + b.Param.Name, To: to, Input: input})
		case b.Node != nil:
			e := GraphEdge{From: b.Node.Key, To: to, Input: input}
			if outs := b.Node.Op.Outputs; len(outs) > 1 {
				e.Value = outs[b.Output].Name
			}
			part.Edges = append(part.Edges, e)
		}
	}
	for _, n := range j.Nodes {
		node := GraphNode{ID: n.Key, Kind: "op", Label: n.Key, Op: n.Op.Key, Description: n.Op.Description, Pos: a.Program.Position(n.Pos).String()}
		if len(n.Op.Outputs) == 1 {
			node.Type = model.Short(n.Op.Outputs[0].Type, own)
		}
		part.Nodes = append(part.Nodes, node)
		for i, in := range n.Inputs {
			edge(in, n.Key, n.Op.Inputs[i].Name)
		}
		edge(n.Config, n.Key, "config")
	}
	for _, o := range j.Outputs {
		part.Nodes = append(part.Nodes, GraphNode{ID: "out:" + o.Name, Kind: "output", Label: o.Name, Type: model.Short(o.Type, own), Pos: a.Program.Position(o.Pos).String()})
		edge(o.From, "out:"+o.Name, "")
	}
	return part
}
