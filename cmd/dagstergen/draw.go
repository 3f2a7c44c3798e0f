package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A figure is one graph to draw: the assets of a package, or a job.
type figure struct {
	title string
	nodes []figureNode // what a node needs stands before it, and what stands in another right behind that
	edges []figureEdge
}

type figureNode struct {
	id, label string
	kind      string // asset, source, external, op, input, output; graph, map, branch or arm for what others stand in
	parent    string // id of the node that it stands in
	value     string // the Go type
	note      string // what else a reader wants to know, such as the op behind a step
}

// region reports whether other nodes stand in n.
func (n figureNode) region() bool {
	return n.kind == "graph" || n.kind == "arm" || n.decides()
}

// decides reports whether n is a region that values lead to: what is ranged over, or the condition.
func (n figureNode) decides() bool { return n.kind == "map" || n.kind == "branch" }

type figureEdge struct {
	from, to, label string
	dashed          bool // an order without a value
}

// children returns the nodes that stand in parent, in order.
func (f figure) children(parent string) []figureNode {
	return slices.DeleteFunc(slices.Clone(f.nodes), func(n figureNode) bool { return n.parent != parent })
}

// empty reports whether n is the last arm of a branch and has no steps.
func (f figure) empty(n figureNode) bool {
	return n.kind == "arm" && (n.label == "else" || n.label == "default") && len(f.children(n.id)) == 0
}

// drawn is the node that an edge from or to id is drawn at: for a region without a shape of its own, the first one inside of it.
func (f figure) drawn(id string) string {
	for _, n := range f.nodes {
		if n.id == id && n.region() && !n.decides() {
			if inner := f.children(id); len(inner) > 0 {
				return f.drawn(inner[0].id)
			}
		}
	}
	return id
}

var dotShapes = map[string]string{
	"source": ", shape=cylinder, style=solid", "external": ", style=\"rounded,dashed\"", "input": ", shape=plaintext", "output": ", shape=plaintext",
	"map": ", shape=hexagon, style=solid", "branch": ", shape=diamond, style=solid",
}

// drawDot writes the figures for Graphviz, each in a cluster; graphs, loops, branches and their arms are clusters in it.
func drawDot(w io.Writer, figures []figure) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "digraph dagstergen {\n\trankdir=LR;\n\tnode [shape=box, style=rounded, fontname=\"sans-serif\"];\n")
	for i, f := range figures {
		id := func(id string) string { return dotQuote(fmt.Sprintf("%d.%s", i, id)) }
		clusters := 0
		var block func(parent, indent string)
		block = func(parent, indent string) {
			for _, n := range f.children(parent) {
				if f.empty(n) {
					continue
				}
				if !n.region() {
					fmt.Fprintf(b, "%s%s [label=%s%s];\n", indent, id(n.id), dotQuote(n.label), dotShapes[n.kind])
					continue
				}
				clusters++
				fmt.Fprintf(b, "%ssubgraph cluster_%d_%d {\n%s\tlabel=%s; style=%s;\n", indent, i, clusters, indent, dotQuote(n.label), map[bool]string{true: "dashed", false: "rounded"}[n.kind == "arm"])
				if n.decides() {
					fmt.Fprintf(b, "%s\t%s [label=%s%s];\n", indent, id(n.id), dotQuote(n.kind), dotShapes[n.kind])
				}
				block(n.id, indent+"\t")
				fmt.Fprintf(b, "%s}\n", indent)
			}
		}
		fmt.Fprintf(b, "\tsubgraph cluster_%d {\n\t\tlabel=%s;\n", i, dotQuote(f.title))
		block("", "\t\t")
		for _, e := range f.edges {
			label := ""
			switch {
			case e.dashed:
				label = " [style=dashed]"
			case e.label != "":
				label = " [label=" + dotQuote(e.label) + "]"
			}
			fmt.Fprintf(b, "\t\t%s -> %s%s;\n", id(f.drawn(e.from)), id(f.drawn(e.to)), label)
		}
		fmt.Fprint(b, "\t}\n")
	}
	fmt.Fprint(b, "}\n")
	return b.Flush()
}

func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// drawMermaid writes the figures as one Mermaid flowchart, each in a subgraph.
func drawMermaid(w io.Writer, figures []figure) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "flowchart LR\n")
	for i, f := range figures {
		ids := map[string]string{}
		for j, n := range f.nodes {
			ids[n.id] = fmt.Sprintf("n%d_%d", i, j)
		}
		shape := func(n figureNode, label, indent string) {
			left, right := "[", "]"
			switch n.kind {
			case "source":
				left, right = "[(", ")]"
			case "input", "output":
				left, right = "([", "])"
			case "map":
				left, right = "{{", "}}"
			case "branch":
				left, right = "{", "}"
			}
			fmt.Fprintf(b, "%s%s%s%s%s\n", indent, ids[n.id], left, mermaidQuote(label), right)
		}
		var block func(parent, indent string)
		block = func(parent, indent string) {
			for _, n := range f.children(parent) {
				if f.empty(n) {
					continue
				}
				if !n.region() {
					shape(n, n.label, indent)
					continue
				}
				fmt.Fprintf(b, "%ssubgraph s%s[%s]\n", indent, ids[n.id], mermaidQuote(n.label))
				if n.decides() {
					shape(n, n.kind, indent+"  ")
				}
				block(n.id, indent+"  ")
				fmt.Fprintf(b, "%send\n", indent)
			}
		}
		fmt.Fprintf(b, "  subgraph g%d[%s]\n", i, mermaidQuote(f.title))
		block("", "    ")
		for _, e := range f.edges {
			arrow := "-->"
			switch {
			case e.dashed:
				arrow = "-.->"
			case e.label != "":
				arrow = "-->|" + mermaidQuote(e.label) + "|"
			}
			fmt.Fprintf(b, "    %s %s %s\n", ids[f.drawn(e.from)], arrow, ids[f.drawn(e.to)])
		}
		fmt.Fprint(b, "  end\n")
	}
	return b.Flush()
}

func mermaidQuote(s string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "\n", " ").Replace(s) + `"`
}
