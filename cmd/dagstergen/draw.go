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
	nodes []figureNode // what a node needs stands before it
	edges []figureEdge
}

type figureNode struct {
	id, label string
	kind      string // asset, source, external, op, input or output
	value     string // the Go type
	note      string // what else a reader wants to know, such as the op behind a step
}

type figureEdge struct {
	from, to, label string
	dashed          bool // an order without a value
}

var dotShapes = map[string]string{
	"source": ", shape=cylinder, style=solid", "external": ", style=\"rounded,dashed\"", "input": ", shape=plaintext", "output": ", shape=plaintext",
}

// drawDot writes the figures for Graphviz, each in a cluster.
func drawDot(w io.Writer, figures []figure) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "digraph dagstergen {\n\trankdir=LR;\n\tnode [shape=box, style=rounded, fontname=\"sans-serif\"];\n")
	for i, f := range figures {
		fmt.Fprintf(b, "\tsubgraph cluster_%d {\n\t\tlabel=%s;\n", i, dotQuote(f.title))
		for _, n := range f.nodes {
			fmt.Fprintf(b, "\t\t%s [label=%s%s];\n", dotQuote(fmt.Sprintf("%d.%s", i, n.id)), dotQuote(n.label), dotShapes[n.kind])
		}
		for _, e := range f.edges {
			label := ""
			switch {
			case e.dashed:
				label = " [style=dashed]"
			case e.label != "":
				label = " [label=" + dotQuote(e.label) + "]"
			}
			fmt.Fprintf(b, "\t\t%s -> %s%s;\n", dotQuote(fmt.Sprintf("%d.%s", i, e.from)), dotQuote(fmt.Sprintf("%d.%s", i, e.to)), label)
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
		fmt.Fprintf(b, "  subgraph g%d[%s]\n", i, mermaidQuote(f.title))
		ids := map[string]string{}
		for j, n := range f.nodes {
			ids[n.id] = fmt.Sprintf("n%d_%d", i, j)
			left, right := "[", "]"
			switch n.kind {
			case "source":
				left, right = "[(", ")]"
			case "input", "output":
				left, right = "([", "])"
			}
			fmt.Fprintf(b, "    %s%s%s%s\n", ids[n.id], left, mermaidQuote(n.label), right)
		}
		for _, e := range f.edges {
			arrow := "-->"
			switch {
			case e.dashed:
				arrow = "-.->"
			case e.label != "":
				arrow = "-->|" + mermaidQuote(e.label) + "|"
			}
			fmt.Fprintf(b, "    %s %s %s\n", ids[e.from], arrow, ids[e.to])
		}
		fmt.Fprint(b, "  end\n")
	}
	return b.Flush()
}

func mermaidQuote(s string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "\n", " ").Replace(s) + `"`
}

// drawText writes the figures for a terminal: one line for each node, with what it is made from.
func drawText(w io.Writer, figures []figure, color bool) error {
	paint := func(style, s string) string {
		if !color || s == "" {
			return s
		}
		return style + s + "\x1b[0m"
	}
	const bold, dim, cyan = "\x1b[1m", "\x1b[2m", "\x1b[36m"
	b := bufio.NewWriter(w)
	for i, f := range figures {
		if i > 0 {
			fmt.Fprintln(b)
		}
		fmt.Fprintln(b, paint(bold, f.title))
		labels := map[string]string{}
		width, kinds := 0, 0
		for _, n := range f.nodes {
			labels[n.id] = n.label
			width, kinds = max(width, len(n.label)), max(kinds, len(n.kind))
		}
		for _, n := range f.nodes {
			var from []string
			for _, e := range f.edges {
				name := labels[e.from]
				if e.label != "" {
					name += "." + e.label
				}
				if e.to == n.id && !slices.Contains(from, name) {
					from = append(from, name)
				}
			}
			line := fmt.Sprintf("  %-*s  %s", width, n.label, paint(dim, fmt.Sprintf("%-*s", kinds, n.kind)))
			if n.value != "" {
				line += "  " + paint(cyan, n.value)
			}
			if len(from) > 0 {
				line += " ← " + strings.Join(from, ", ")
			}
			if n.note != "" {
				line += "  " + paint(dim, "("+n.note+")")
			}
			fmt.Fprintln(b, strings.TrimRight(line, " "))
		}
	}
	return b.Flush()
}
