package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/figure"
)

func (t *tool) graphCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "graph [packages]",
		Short: "draw the graph of assets and jobs",
		Long: "Prints the assets and the jobs of each package with what each depends on: as text, for Graphviz (dot), as Mermaid, or as JSON:\n" +
			"[{\"package\", \"assets\": {\"nodes\", \"edges\"}, \"jobs\": [{\"key\", \"description\", \"nodes\", \"edges\"}]}], where a node has id, kind, label, parent, op,\n" +
			"type, group, kinds, description and pos, and an edge from, to, input and value. Graphs, loops (map), branches and their arms are nodes\n" +
			"that others stand in.",
		Example: "  dagstergen graph -o dot ./weather | dot -Tsvg > weather.svg",
		Args:    cobra.ArbitraryArgs,
		RunE:    t.graph,
	}
	t.loading(c.Flags())
	t.outputs(c, "text", "dot", "mermaid", "json")
	return c
}

func (t *tool) graph(c *cobra.Command, args []string) error {
	a, err := t.analyze(c, args)
	if err != nil {
		return err
	}
	graphs := a.Graphs()
	switch t.flags.output {
	case "json":
		return t.printJSON(graphs)
	case "dot":
		return figure.Dot(t.stdout, figures(graphs))
	case "mermaid":
		return figure.Mermaid(t.stdout, figures(graphs))
	}
	return drawText(t.stdout, figures(graphs), t.colored(t.stdout))
}

// analyze loads what the arguments name. Diagnostics are printed; errors among them end the command.
func (t *tool) analyze(c *cobra.Command, args []string) (*gen.Analysis, error) {
	config, err := t.config(args)
	if err != nil {
		return nil, err
	}
	a, diags, err := gen.Analyze(c.Context(), config)
	if err != nil {
		return nil, err
	}
	if err := t.printer().Print(t.stderr, diags); err != nil {
		return nil, err
	}
	if diags.HasErrors() {
		return nil, exitError(exitInput)
	}
	return a, nil
}

// figures makes a drawing of each graph that has something in it.
func figures(graphs []gen.Graph) []figure.Figure {
	var out []figure.Figure
	add := func(title string, part gen.GraphPart) {
		if len(part.Nodes) == 0 {
			return
		}
		f := figure.Figure{Title: title}
		for _, n := range part.Nodes {
			note := ""
			switch {
			case n.Kind == "external":
				note = "of another package, joined when the program starts"
			case n.Op != "" && n.Op != n.Label[strings.LastIndexByte(n.Label, '.')+1:]:
				note = "from " + n.Op
			}
			f.Nodes = append(f.Nodes, figure.Node{ID: n.ID, Label: n.Label, Kind: n.Kind, Parent: n.Parent, Value: n.Type, Note: note})
		}
		for _, e := range part.Edges {
			f.Edges = append(f.Edges, figure.Edge{From: e.From, To: e.To, Label: e.Value, Dashed: e.Input == "" && !strings.HasPrefix(e.To, "out:")})
		}
		out = append(out, f)
	}
	for _, g := range graphs {
		add(g.Package, inOrder(g.Assets))
		for _, j := range g.Jobs {
			add(g.Package+", job "+j.Key, j.GraphPart)
		}
	}
	return out
}

// inOrder returns assets so that each stands behind those it needs, as near to their own order as that allows. What stands in another node stays there.
func inOrder(part gen.GraphPart) gen.GraphPart {
	parent := map[string]string{}
	for _, n := range part.Nodes {
		parent[n.ID] = n.Parent
	}
	top := func(id string) string {
		for parent[id] != "" {
			id = parent[id]
		}
		return id
	}
	needs := map[string][]string{}
	for _, e := range part.Edges {
		if from, to := top(e.From), top(e.To); from != to {
			needs[to] = append(needs[to], from)
		}
	}
	var order []string
	done := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		if _, known := parent[id]; !known || done[id] {
			return
		}
		done[id] = true
		for _, from := range needs[id] {
			visit(from)
		}
		order = append(order, id)
	}
	for _, n := range part.Nodes {
		visit(top(n.ID))
	}
	out := gen.GraphPart{Edges: part.Edges}
	for _, id := range order {
		for _, n := range part.Nodes {
			if top(n.ID) == id {
				out.Nodes = append(out.Nodes, n)
			}
		}
	}
	return out
}
