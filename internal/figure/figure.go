// Package figure writes graphs for programs that draw them: Graphviz and Mermaid.
//
// Stage: the ground. It imports the standard library alone; the tool draws what it reads from source code with it, and a pipeline binary what it was given.
//
// Invariants: what is written depends on the figures alone and has their order. Labels may be any text.
package figure

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Figure is one graph to draw: the assets of a package, or a job.
type Figure struct {
	Title string
	Nodes []Node // what a node needs stands before it, and what stands in another right behind that
	Edges []Edge
}

// A Node is something that has a shape, or that others stand in.
type Node struct {
	ID, Label string
	Kind      string // asset, source, check, external, op, input, output; graph, map, branch or arm for what others stand in
	Parent    string // id of the node that it stands in
	Value     string // the Go type
	Note      string // what else a reader wants to know, such as the op behind a step
}

// Region reports whether other nodes stand in n.
func (n Node) Region() bool {
	return n.Kind == "graph" || n.Kind == "arm" || n.Decides()
}

// Decides reports whether n is a region that values lead to: what is ranged over, or the condition.
func (n Node) Decides() bool { return n.Kind == "map" || n.Kind == "branch" }

// An Edge leads from what makes a value to what receives it.
type Edge struct {
	From, To, Label string
	Dashed          bool // an order without a value
}

// Children returns the nodes that stand in parent, in order.
func (f Figure) Children(parent string) []Node {
	return slices.DeleteFunc(slices.Clone(f.Nodes), func(n Node) bool { return n.Parent != parent })
}

// Empty reports whether n is the last arm of a branch and has no steps.
func (f Figure) Empty(n Node) bool {
	return n.Kind == "arm" && (n.Label == "else" || n.Label == "default") && len(f.Children(n.ID)) == 0
}

// drawn is the node that an edge from or to id is drawn at: for a region without a shape of its own, the first one inside of it.
func (f Figure) drawn(id string) string {
	for _, n := range f.Nodes {
		if n.ID == id && n.Region() && !n.Decides() {
			if inner := f.Children(id); len(inner) > 0 {
				return f.drawn(inner[0].ID)
			}
		}
	}
	return id
}

var dotShapes = map[string]string{
	"source": ", shape=cylinder, style=solid", "external": ", style=\"rounded,dashed\"", "input": ", shape=plaintext", "output": ", shape=plaintext",
	"check": ", shape=note, style=solid", "map": ", shape=hexagon, style=solid", "branch": ", shape=diamond, style=solid",
}

// Dot writes the figures for Graphviz, each in a cluster; graphs, loops, branches and their arms are clusters in it.
func Dot(w io.Writer, figures []Figure) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "digraph dagstergen {\n\trankdir=LR;\n\tnode [shape=box, style=rounded, fontname=\"sans-serif\"];\n")
	for i, f := range figures {
		id := func(id string) string { return dotQuote(fmt.Sprintf("%d.%s", i, id)) }
		clusters := 0
		var block func(parent, indent string)
		block = func(parent, indent string) {
			for _, n := range f.Children(parent) {
				if f.Empty(n) {
					continue
				}
				if !n.Region() {
					fmt.Fprintf(b, "%s%s [label=%s%s];\n", indent, id(n.ID), dotQuote(n.Label), dotShapes[n.Kind])
					continue
				}
				clusters++
				fmt.Fprintf(b, "%ssubgraph cluster_%d_%d {\n%s\tlabel=%s; style=%s;\n", indent, i, clusters, indent, dotQuote(n.Label), map[bool]string{true: "dashed", false: "rounded"}[n.Kind == "arm"])
				if n.Decides() {
					fmt.Fprintf(b, "%s\t%s [label=%s%s];\n", indent, id(n.ID), dotQuote(n.Kind), dotShapes[n.Kind])
				}
				block(n.ID, indent+"\t")
				fmt.Fprintf(b, "%s}\n", indent)
			}
		}
		fmt.Fprintf(b, "\tsubgraph cluster_%d {\n\t\tlabel=%s;\n", i, dotQuote(f.Title))
		block("", "\t\t")
		for _, e := range f.Edges {
			label := ""
			switch {
			case e.Dashed:
				label = " [style=dashed]"
			case e.Label != "":
				label = " [label=" + dotQuote(e.Label) + "]"
			}
			fmt.Fprintf(b, "\t\t%s -> %s%s;\n", id(f.drawn(e.From)), id(f.drawn(e.To)), label)
		}
		fmt.Fprint(b, "\t}\n")
	}
	fmt.Fprint(b, "}\n")
	return b.Flush()
}

func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// Mermaid writes the figures as one Mermaid flowchart, each in a subgraph.
func Mermaid(w io.Writer, figures []Figure) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "flowchart LR\n")
	for i, f := range figures {
		ids := map[string]string{}
		for j, n := range f.Nodes {
			ids[n.ID] = fmt.Sprintf("n%d_%d", i, j)
		}
		shape := func(n Node, label, indent string) {
			left, right := "[", "]"
			switch n.Kind {
			case "source":
				left, right = "[(", ")]"
			case "input", "output":
				left, right = "([", "])"
			case "check":
				left, right = ">", "]"
			case "map":
				left, right = "{{", "}}"
			case "branch":
				left, right = "{", "}"
			}
			fmt.Fprintf(b, "%s%s%s%s%s\n", indent, ids[n.ID], left, mermaidQuote(label), right)
		}
		var block func(parent, indent string)
		block = func(parent, indent string) {
			for _, n := range f.Children(parent) {
				if f.Empty(n) {
					continue
				}
				if !n.Region() {
					shape(n, n.Label, indent)
					continue
				}
				fmt.Fprintf(b, "%ssubgraph s%s[%s]\n", indent, ids[n.ID], mermaidQuote(n.Label))
				if n.Decides() {
					shape(n, n.Kind, indent+"  ")
				}
				block(n.ID, indent+"  ")
				fmt.Fprintf(b, "%send\n", indent)
			}
		}
		fmt.Fprintf(b, "  subgraph g%d[%s]\n", i, mermaidQuote(f.Title))
		block("", "    ")
		for _, e := range f.Edges {
			arrow := "-->"
			switch {
			case e.Dashed:
				arrow = "-.->"
			case e.Label != "":
				arrow = "-->|" + mermaidQuote(e.Label) + "|"
			}
			fmt.Fprintf(b, "    %s %s %s\n", ids[f.drawn(e.From)], arrow, ids[f.drawn(e.To)])
		}
		fmt.Fprint(b, "  end\n")
	}
	return b.Flush()
}

func mermaidQuote(s string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "\n", " ").Replace(s) + `"`
}
