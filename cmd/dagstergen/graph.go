package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen"
)

func (t *tool) graphCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "graph [packages]",
		Short: "draw the graph of assets and jobs",
		Long: "Prints the assets and the jobs of each package with what each depends on: as text, for Graphviz (dot), as Mermaid, or as JSON:\n" +
			"[{\"package\", \"assets\": {\"nodes\", \"edges\"}, \"jobs\": [{\"key\", \"description\", \"nodes\", \"edges\"}]}], where a node has id, kind, label, op, type,\n" +
			"group, kinds, description and pos, and an edge from, to, input and value.",
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
		return drawDot(t.stdout, figures(graphs))
	case "mermaid":
		return drawMermaid(t.stdout, figures(graphs))
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
func figures(graphs []gen.Graph) []figure {
	var out []figure
	add := func(title string, part gen.GraphPart) {
		if len(part.Nodes) == 0 {
			return
		}
		f := figure{title: title}
		for _, n := range inOrder(part) {
			note := ""
			switch {
			case n.Kind == "external":
				note = "of another package, joined when the program starts"
			case n.Op != "" && n.Op != n.Label:
				note = "from " + n.Op
			}
			f.nodes = append(f.nodes, figureNode{id: n.ID, label: n.Label, kind: n.Kind, value: n.Type, note: note})
		}
		for _, e := range part.Edges {
			f.edges = append(f.edges, figureEdge{from: e.From, to: e.To, label: e.Value, dashed: e.Input == "" && !strings.HasPrefix(e.To, "out:")})
		}
		out = append(out, f)
	}
	for _, g := range graphs {
		add(g.Package, g.Assets)
		for _, j := range g.Jobs {
			add(g.Package+", job "+j.Key, j.GraphPart)
		}
	}
	return out
}

// inOrder returns the nodes so that each stands behind those it needs, as near to their own order as that allows.
func inOrder(part gen.GraphPart) []gen.GraphNode {
	needs := map[string][]string{}
	for _, e := range part.Edges {
		needs[e.To] = append(needs[e.To], e.From)
	}
	byID := map[string]gen.GraphNode{}
	for _, n := range part.Nodes {
		byID[n.ID] = n
	}
	var out []gen.GraphNode
	done := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		n, ok := byID[id]
		if !ok || done[id] {
			return
		}
		done[id] = true
		for _, from := range needs[id] {
			visit(from)
		}
		out = append(out, n)
	}
	for _, n := range part.Nodes {
		visit(n.ID)
	}
	return out
}
