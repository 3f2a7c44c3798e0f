package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/figure"
)

// drawText writes the figures for a terminal: one line for each node, with what it is made from. What stands in a graph, a loop or a branch is
// drawn inside of a line around it.
func drawText(w io.Writer, figures []figure.Figure, color bool) error {
	b := bufio.NewWriter(w)
	for i, f := range figures {
		if i > 0 {
			fmt.Fprintln(b)
		}
		t := &textDrawing{b: b, f: f, color: color}
		fmt.Fprintln(b, t.paint(bold, f.Title))
		t.measure("", 0)
		t.block("", "")
	}
	return b.Flush()
}

const bold, dim, cyan = "\x1b[1m", "\x1b[2m", "\x1b[36m"

type textDrawing struct {
	b            *bufio.Writer
	f            figure.Figure
	color        bool
	width, kinds int // of the first two columns
}

func (t *textDrawing) paint(style, s string) string {
	if !t.color || s == "" {
		return s
	}
	return style + s + "\x1b[0m"
}

func (t *textDrawing) measure(parent string, depth int) {
	for _, n := range t.f.Children(parent) {
		if n.Region() {
			t.measure(n.ID, depth+1)
			continue
		}
		t.width = max(t.width, 2*depth+utf8.RuneCountInString(n.Label))
		t.kinds = max(t.kinds, len(n.Kind))
	}
}

// block writes what stands in parent behind the lines of what is around it.
func (t *textDrawing) block(parent, bars string) {
	for _, n := range t.f.Children(parent) {
		switch {
		case n.Kind == "arm" && (t.f.Empty(n) || "if "+n.Label == t.label(parent)):
			t.block(n.ID, bars) // the head of the branch says it, or there is nothing to say
		case n.Kind == "arm":
			fmt.Fprintf(t.b, "  %s%s\n", t.paint(dim, bars[:len(bars)-len("│ ")]+"├ "), n.Label)
			t.block(n.ID, bars)
		case n.Region():
			fmt.Fprintln(t.b, strings.TrimRight(fmt.Sprintf("  %s%s%s%s", t.paint(dim, bars+"┌ "), n.Label, t.from(n), t.note(n)), " "))
			t.block(n.ID, bars+"│ ")
			fmt.Fprintf(t.b, "  %s\n", t.paint(dim, bars+"└"))
		default:
			indent := utf8.RuneCountInString(bars)
			line := fmt.Sprintf("  %s%s%s  %s", t.paint(dim, bars), n.Label, strings.Repeat(" ", t.width-indent-utf8.RuneCountInString(n.Label)), t.paint(dim, fmt.Sprintf("%-*s", t.kinds, n.Kind)))
			if n.Value != "" {
				line += "  " + t.paint(cyan, n.Value)
			}
			fmt.Fprintln(t.b, strings.TrimRight(line+t.from(n)+t.note(n), " "))
		}
	}
}

func (t *textDrawing) label(id string) string {
	for _, n := range t.f.Nodes {
		if n.ID == id {
			return n.Label
		}
	}
	return ""
}

// from says what leads to a node.
func (t *textDrawing) from(n figure.Node) string {
	var from []string
	for _, e := range t.f.Edges {
		name := t.label(e.From)
		if e.Label != "" {
			name += "." + e.Label
		}
		if e.To == n.ID && !slices.Contains(from, name) {
			from = append(from, name)
		}
	}
	if len(from) == 0 {
		return ""
	}
	return " ← " + strings.Join(from, ", ")
}

func (t *textDrawing) note(n figure.Node) string {
	if n.Note == "" {
		return ""
	}
	return "  " + t.paint(dim, "("+n.Note+")")
}
