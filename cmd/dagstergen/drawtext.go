package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// drawText writes the figures for a terminal: one line for each node, with what it is made from. What stands in a graph, a loop or a branch is
// drawn inside of a line around it.
func drawText(w io.Writer, figures []figure, color bool) error {
	b := bufio.NewWriter(w)
	for i, f := range figures {
		if i > 0 {
			fmt.Fprintln(b)
		}
		t := &textDrawing{b: b, f: f, color: color}
		fmt.Fprintln(b, t.paint(bold, f.title))
		t.measure("", 0)
		t.block("", "")
	}
	return b.Flush()
}

const bold, dim, cyan = "\x1b[1m", "\x1b[2m", "\x1b[36m"

type textDrawing struct {
	b            *bufio.Writer
	f            figure
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
	for _, n := range t.f.children(parent) {
		if n.region() {
			t.measure(n.id, depth+1)
			continue
		}
		t.width = max(t.width, 2*depth+utf8.RuneCountInString(n.label))
		t.kinds = max(t.kinds, len(n.kind))
	}
}

// block writes what stands in parent behind the lines of what is around it.
func (t *textDrawing) block(parent, bars string) {
	for _, n := range t.f.children(parent) {
		switch {
		case n.kind == "arm" && (t.f.empty(n) || "if "+n.label == t.label(parent)):
			t.block(n.id, bars) // the head of the branch says it, or there is nothing to say
		case n.kind == "arm":
			fmt.Fprintf(t.b, "  %s%s\n", t.paint(dim, bars[:len(bars)-len("│ ")]+"├ "), n.label)
			t.block(n.id, bars)
		case n.region():
			fmt.Fprintln(t.b, strings.TrimRight(fmt.Sprintf("  %s%s%s%s", t.paint(dim, bars+"┌ "), n.label, t.from(n), t.note(n)), " "))
			t.block(n.id, bars+"│ ")
			fmt.Fprintf(t.b, "  %s\n", t.paint(dim, bars+"└"))
		default:
			indent := utf8.RuneCountInString(bars)
			line := fmt.Sprintf("  %s%s%s  %s", t.paint(dim, bars), n.label, strings.Repeat(" ", t.width-indent-utf8.RuneCountInString(n.label)), t.paint(dim, fmt.Sprintf("%-*s", t.kinds, n.kind)))
			if n.value != "" {
				line += "  " + t.paint(cyan, n.value)
			}
			fmt.Fprintln(t.b, strings.TrimRight(line+t.from(n)+t.note(n), " "))
		}
	}
}

func (t *textDrawing) label(id string) string {
	for _, n := range t.f.nodes {
		if n.id == id {
			return n.label
		}
	}
	return ""
}

// from says what leads to a node.
func (t *textDrawing) from(n figureNode) string {
	var from []string
	for _, e := range t.f.edges {
		name := t.label(e.from)
		if e.label != "" {
			name += "." + e.label
		}
		if e.to == n.id && !slices.Contains(from, name) {
			from = append(from, name)
		}
	}
	if len(from) == 0 {
		return ""
	}
	return " ← " + strings.Join(from, ", ")
}

func (t *textDrawing) note(n figureNode) string {
	if n.note == "" {
		return ""
	}
	return "  " + t.paint(dim, "("+n.note+")")
}
