package cli

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/internal/figure"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

func (a *app) graphCommand() *cobra.Command {
	form := choice{new(string), []string{"dot", "mermaid"}}
	*form.value = "dot"
	cmd := &cobra.Command{
		Use:   "graph JOB",
		Short: "Draw a job for Graphviz or as Mermaid",
		Long: "Draw a job for Graphviz (dot) or as Mermaid: its steps, and the graphs, loops and branches that they stand in. It knows jobs that were\n" +
			"made in Go code too; `dagstergen graph` reads source code, and knows assets. `list JOB` draws a job on the terminal.",
		Args:              arguments("a job"),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.format == formatJSON {
				return usage(cmd, fmt.Errorf("as JSON a job is drawn by list JOB -o json"))
			}
			if len(args) == 0 {
				return usage(cmd, fmt.Errorf("name a job%s", a.jobNames()))
			}
			cat, err := a.catalog()
			if err != nil {
				return err
			}
			job, err := cat.Job(args[0])
			if err != nil {
				return err
			}
			if job.Select != "" {
				return usage(cmd, fmt.Errorf("the job %s is the assets %s, and has no body to draw; list %s names them", job.Key, job.Select, job.Key))
			}
			var text bytes.Buffer
			draw := figure.Dot
			if *form.value == "mermaid" {
				draw = figure.Mermaid
			}
			if err := draw(&text, []figure.Figure{drawJob(job)}); err != nil {
				return err
			}
			_, _ = a.out.Write(text.Bytes()) // an error is kept in out
			return nil
		},
	}
	cmd.Flags().Var(&form, "as", "for what it is drawn: dot or mermaid")
	complete(cmd, "as", form.allowed...)
	return cmd
}

// drawJob makes the figure of a job.
func drawJob(j *dag.JobDef) figure.Figure {
	d := &figureOf{seen: map[figure.Edge]bool{}}
	d.Title = "job " + j.Key
	for _, p := range j.Params {
		d.Nodes = append(d.Nodes, figure.Node{ID: "in:" + p.Name, Label: p.Name, Kind: "input"})
	}
	top := &figureFrame{def: &j.GraphDef}
	d.block(top, bodyOf(&j.GraphDef), "")
	for i := range j.Outputs {
		o := &j.Outputs[i]
		d.Nodes = append(d.Nodes, figure.Node{ID: "out:" + o.Name, Label: o.Name, Kind: "output"})
		d.edges(top, &o.From, "out:"+o.Name, map[figurePlace]bool{})
	}
	return d.Figure
}

func bodyOf(g *dag.GraphDef) []int {
	if g.Body != nil {
		return g.Body
	}
	all := make([]int, len(g.Nodes))
	for i := range all {
		all[i] = i
	}
	return all
}

// figureFrame is one call of a graph.
type figureFrame struct {
	def    *dag.GraphDef
	prefix string       // of the ids of its nodes
	outer  *figureFrame // nil for the job
	call   *dag.Node
}

// id is what a node is called in the figure. What is configured stands in the place of its call.
func (f *figureFrame) id(n *dag.Node) string {
	if f.def.Configured {
		return f.prefix
	}
	return f.prefix + n.Key
}

// inside is the frame of a call in f.
func (f *figureFrame) inside(n *dag.Node) *figureFrame {
	prefix := f.id(n)
	if !n.Graph.Configured {
		prefix += "."
	}
	return &figureFrame{def: n.Graph, prefix: prefix, outer: f, call: n}
}

// figurePlace is a value in one call of a graph.
type figurePlace struct {
	prefix string
	b      *dag.Binding
}

type figureOf struct {
	figure.Figure
	seen map[figure.Edge]bool
}

func (d *figureOf) block(f *figureFrame, nodes []int, parent string) {
	for _, i := range nodes {
		n := &f.def.Nodes[i]
		id := f.id(n)
		shape := figure.Node{ID: id, Label: n.Key, Parent: parent}
		into := func(b *dag.Binding) { d.edges(f, b, id, map[figurePlace]bool{}) }
		switch {
		case n.Op != nil:
			shape.Kind, shape.Label = "op", id
			d.Nodes = append(d.Nodes, shape)
			for k := range n.Inputs {
				into(&n.Inputs[k])
			}
			if n.Config != nil {
				into(n.Config)
			}
		case n.Graph != nil && n.Graph.Configured:
			d.block(f.inside(n), bodyOf(n.Graph), parent)
		case n.Graph != nil:
			shape.Kind = "graph"
			d.Nodes = append(d.Nodes, shape)
			d.block(f.inside(n), bodyOf(n.Graph), id)
		case n.Map != nil:
			shape.Kind = "map"
			d.Nodes = append(d.Nodes, shape)
			into(&n.Map.Over)
			d.block(f, n.Map.Body, id)
		case n.Branch != nil:
			shape.Kind = "branch"
			d.Nodes = append(d.Nodes, shape)
			d.arms(f, n, id)
		}
		for _, after := range n.After {
			d.edge(figure.Edge{From: f.id(&f.def.Nodes[after]), To: id, Dashed: true})
		}
	}
}

func (d *figureOf) arms(f *figureFrame, n *dag.Node, id string) {
	for k := range n.Branch.Arms {
		arm := &n.Branch.Arms[k]
		if arm.When != nil {
			d.edges(f, arm.When, id, map[figurePlace]bool{})
		}
		armID := id + "/" + strconv.Itoa(k+1)
		d.Nodes = append(d.Nodes, figure.Node{ID: armID, Label: condition(f.def, arm.When), Kind: "arm", Parent: id})
		d.block(f, arm.Body, armID)
	}
}

// edges leads from where a value begins to what receives it: through graphs, branches and what loops collect. An element begins with its loop.
func (d *figureOf) edges(f *figureFrame, b *dag.Binding, to string, seen map[figurePlace]bool) {
	at := figurePlace{f.prefix, b}
	if seen[at] {
		return
	}
	seen[at] = true
	switch b.Kind {
	case dag.FromParam:
		if f.outer == nil {
			d.edge(figure.Edge{From: "in:" + f.def.Params[b.Param].Name, To: to})
		} else if b.Param < len(f.call.Inputs) {
			d.edges(f.outer, &f.call.Inputs[b.Param], to, seen)
		}
	case dag.FromElem, dag.FromKey:
		d.edge(figure.Edge{From: f.id(&f.def.Nodes[b.Node]), To: to})
	case dag.FromNode, dag.FromCarried:
		d.given(f, &f.def.Nodes[b.Node], b.Output, to, seen)
	}
	for i := range b.Parts {
		d.edges(f, &b.Parts[i], to, seen)
	}
}

// given leads from output k of a node.
func (d *figureOf) given(f *figureFrame, n *dag.Node, k int, to string, seen map[figurePlace]bool) {
	switch {
	case n.Op != nil:
		e := figure.Edge{From: f.id(n), To: to}
		if len(n.Op.Outputs) > 1 {
			e.Label = n.Op.Outputs[k].Name
		}
		d.edge(e)
	case n.Graph != nil:
		d.edges(f.inside(n), &n.Graph.Outputs[k].From, to, seen)
	case n.Map != nil:
		d.edges(f, &n.Map.Carried[k].Init, to, seen)
		d.edges(f, &n.Map.Carried[k].Next, to, seen)
	case n.Branch != nil:
		for i := range n.Branch.Arms {
			d.edges(f, &n.Branch.Arms[i].Yields[k], to, seen)
		}
	}
}

// edge adds an edge once; nothing leads to itself, as what a loop carries would.
func (d *figureOf) edge(e figure.Edge) {
	if e.From != e.To && !d.seen[e] {
		d.seen[e] = true
		d.Edges = append(d.Edges, e)
	}
}
