package cli

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A listedNode is a step of a job, or what steps stand in: the call of a graph, a loop or a branch.
type listedNode struct {
	Key   string       `json:"key"`
	Kind  string       `json:"kind"`            // "op", "graph", "map" or "branch"
	Op    string       `json:"op,omitempty"`    // key of the op, or of the graph
	Type  string       `json:"type,omitempty"`  // of its only output
	From  []string     `json:"from"`            // inputs of the job or graph, nodes and loops that its values come from
	Nodes []listedNode `json:"nodes,omitempty"` // of a graph or a loop
	Arms  []listedArm  `json:"arms,omitempty"`
}

type listedArm struct {
	When  string       `json:"when"` // "else" for the last one
	Nodes []listedNode `json:"nodes"`
}

// listNodes lists the nodes of a block; nil numbers stand for all.
func listNodes(g *dag.GraphDef, numbers []int, all bool) []listedNode {
	if all && numbers == nil {
		for i := range g.Nodes {
			numbers = append(numbers, i)
		}
	}
	out := []listedNode{}
	for _, i := range numbers {
		n := &g.Nodes[i]
		e := listedNode{Key: n.Key, From: []string{}}
		for k := range n.Inputs {
			e.From = sources(g, &n.Inputs[k], e.From)
		}
		if n.Config != nil {
			e.From = sources(g, n.Config, e.From)
		}
		switch {
		case n.Op != nil:
			e.Kind, e.Op = "op", n.Op.Key
			if len(n.Op.Outputs) == 1 {
				e.Type = typeName(n.Op.Outputs[0].Type)
			}
		case n.Graph != nil && n.Graph.Configured:
			e.configured(n.Graph)
		case n.Graph != nil:
			e.Kind, e.Op, e.Nodes = "graph", n.Graph.Key, listNodes(n.Graph, n.Graph.Body, true)
		case n.Map != nil:
			e.Kind, e.From, e.Nodes = "map", sources(g, &n.Map.Over, e.From), listNodes(g, n.Map.Body, false)
		case n.Branch != nil:
			e.Kind = "branch"
			for k := range n.Branch.Arms {
				arm := &n.Branch.Arms[k]
				if arm.When != nil {
					e.From = sources(g, arm.When, e.From)
				}
				e.Arms = append(e.Arms, listedArm{condition(g, arm.When), listNodes(g, arm.Body, false)})
			}
		}
		out = append(out, e)
	}
	return out
}

// configured makes e what is configured in the place of the call.
func (e *listedNode) configured(g *dag.GraphDef) {
	inner := listNodes(g, g.Body, true)
	if len(inner) == 1 {
		e.Kind, e.Op, e.Type, e.Nodes = inner[0].Kind, inner[0].Op, inner[0].Type, inner[0].Nodes
	}
}

// condition is what decides for an arm, as the source says it.
func condition(g *dag.GraphDef, when *dag.Binding) string {
	switch {
	case when == nil:
		return "else"
	case when.Kind == dag.FromParts:
		return when.Name
	}
	return strings.Join(sources(g, when, nil), ", ")
}

// sources adds where a value comes from, each once.
func sources(g *dag.GraphDef, b *dag.Binding, out []string) []string {
	name := ""
	switch b.Kind {
	case dag.FromParam:
		name = g.Params[b.Param].Name
	case dag.FromNode, dag.FromElem, dag.FromKey, dag.FromCarried:
		n := &g.Nodes[b.Node]
		name = n.Key
		switch {
		case b.Kind != dag.FromNode:
		case n.Op != nil && len(n.Op.Outputs) > 1:
			name += "." + n.Op.Outputs[b.Output].Name
		case n.Graph != nil && len(n.Graph.Outputs) > 1:
			name += "." + n.Graph.Outputs[b.Output].Name
		case n.Map != nil:
			name = n.Map.Carried[b.Output].Name
		case n.Branch != nil:
			name = n.Branch.Outputs[b.Output].Name
		}
	}
	if name != "" && !slices.Contains(out, name) {
		out = append(out, name)
	}
	for i := range b.Parts {
		out = sources(g, &b.Parts[i], out)
	}
	return out
}

// patterns are the keys of the steps of a graph, with a star for the key of each loop.
func patterns(nodes []listedNode, prefix, stars string) []string {
	out := []string{}
	for _, n := range nodes {
		switch n.Kind {
		case "op":
			out = append(out, prefix+n.Key+stars)
		case "graph":
			out = append(out, patterns(n.Nodes, prefix+n.Key+stars+".", "")...)
		case "map":
			out = append(out, patterns(n.Nodes, prefix, stars+"[*]")...)
		}
		for _, a := range n.Arms {
			out = append(out, patterns(a.Nodes, prefix, stars)...)
		}
	}
	return out
}

// jobView draws one job: what it takes and gives, and its steps with a line around each graph, loop and branch.
func (j *listedJob) view(l look) []string {
	out := []string{l.paint(escape(j.Key), bold)}
	if j.Description != "" {
		out = append(out, escapeLines(j.Description)...)
	}
	values := func(title string, list []listedValue, flag bool) {
		if len(list) == 0 {
			return
		}
		out = append(out, "", l.paint(title, bold))
		for _, v := range list {
			name := v.Name
			if flag {
				name = "--" + strings.ReplaceAll(name, "_", "-")
			}
			out = append(out, "  "+escape(name)+"  "+l.paint(escape(shortType(v.Type)), dim))
		}
	}
	values("INPUTS", j.Inputs, true)
	out = append(out, "", l.paint("STEPS", bold))
	d := &jobDrawing{look: l}
	d.measure(j.Body, 0)
	d.block(j.Body, "")
	out = append(out, d.lines...)
	values("OUTPUTS", j.Outputs, false)
	pairs := func(title string, m map[string]string) {
		if len(m) > 0 {
			out = append(out, "", l.paint(title, bold))
		}
		for _, kv := range sortedTags(m) {
			out = append(out, "  "+escape(kv))
		}
	}
	pairs("TAGS", j.Tags)
	pairs("METADATA", j.Metadata)
	if len(j.Presets) > 0 {
		out = append(out, "", l.paint("PRESETS", bold))
	}
	for _, p := range j.Presets {
		line := "  " + escape(p.Name) + "  " + l.paint(escape(p.File), dim)
		if p.Description != "" {
			line += "  " + escape(firstSentence(p.Description))
		}
		out = append(out, line)
	}
	return out
}

type jobDrawing struct {
	look  look
	width int
	lines []string
}

func (d *jobDrawing) measure(nodes []listedNode, depth int) {
	for _, n := range nodes {
		if n.Kind == "op" {
			d.width = max(d.width, 2*depth+utf8.RuneCountInString(n.Key))
		}
		d.measure(n.Nodes, depth+1)
		for _, a := range n.Arms {
			d.measure(a.Nodes, depth+1)
		}
	}
}

func (d *jobDrawing) add(bars, corner, text string) {
	d.lines = append(d.lines, strings.TrimRight("  "+d.look.paint(bars+corner, dim)+text, " "))
}

func (d *jobDrawing) block(nodes []listedNode, bars string) {
	for _, n := range nodes {
		from := ""
		if len(n.From) > 0 {
			from = " ← " + escape(strings.Join(n.From, ", "))
		}
		switch n.Kind {
		case "op":
			pad := strings.Repeat(" ", d.width-utf8.RuneCountInString(bars)-utf8.RuneCountInString(n.Key))
			d.add(bars, "", escape(n.Key)+pad+"  "+d.look.paint(escape(shortType(n.Type)), dim)+from)
			continue
		case "branch":
			d.add(bars, "┌ ", escape(n.Key)+from)
			for i, a := range n.Arms {
				switch last := i == len(n.Arms)-1; {
				case last && len(a.Nodes) == 0, i == 0 && strings.HasPrefix(n.Key, "if "):
				default:
					d.add(bars, "├ ", escape(a.When))
				}
				d.block(a.Nodes, bars+"│ ")
			}
		default:
			d.add(bars, "┌ ", escape(n.Key)+from)
			d.block(n.Nodes, bars+"│ ")
		}
		d.add(bars, "└", "")
	}
}
