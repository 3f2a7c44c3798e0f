package plan

import (
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A clause is one part of a selection: a key with how far to go up and down from it.
type clause struct {
	key      string // "*" for everything
	up, down int    // steps; all where negative
}

const everything = -1

// parseClause reads "a", "*a", "a*", "+a", "a++", "*a+" or "*".
func parseClause(text string) clause {
	if text == "*" {
		return clause{key: "*"}
	}
	c := clause{key: text}
	if rest, ok := strings.CutPrefix(c.key, "*"); ok {
		c.key, c.up = rest, everything
	} else {
		c.key = strings.TrimLeft(c.key, "+")
		c.up = len(text) - len(c.key)
	}
	if rest, ok := strings.CutSuffix(c.key, "*"); ok {
		c.key, c.down = rest, everything
	} else {
		key := strings.TrimRight(c.key, "+")
		c.key, c.down = key, len(c.key)-len(key)
	}
	return c
}

// selectNodes marks the nodes of g that a selection names: clauses separated by commas, their union. An empty selection is everything.
func (c *Catalog) selectNodes(g *Graph, selection string, wrong *problems) []bool {
	selected := make([]bool, len(g.Nodes))
	if strings.TrimSpace(selection) == "" {
		selection = "*"
	}
	var index map[string]int32
	for text := range strings.SplitSeq(selection, ",") {
		text = strings.TrimSpace(text)
		cl := parseClause(text)
		if cl.key == "*" {
			for i := range selected {
				selected[i] = true
			}
			continue
		}
		if index == nil {
			index = c.keysOf(g)
		}
		start, ok := index[cl.key]
		if !ok {
			names := make([]string, 0, len(index))
			for k := range index {
				names = append(names, k)
			}
			what := "no asset"
			if g.Job != nil {
				what = "job " + g.Job.Key + " has no step"
			}
			switch {
			case text == "":
				wrong.add("bad_selection", "selection %q has an empty clause; separate keys with one comma", selection)
			default:
				wrong.add("unknown_key", "selection %q matches nothing: %s %q%s", text, what, cl.key, nearest(cl.key, names))
			}
			continue
		}
		g.walk(selected, start, cl.up, func(i int32, yield func(int32)) { g.Nodes[i].upstream(yield) })
		g.walk(selected, start, cl.down, func(i int32, yield func(int32)) {
			for _, d := range g.Consumers(int(i)) {
				yield(d)
			}
		})
	}
	return selected
}

// keysOf returns all names that a selection may use: the keys of nodes and, for assets, of each of their outputs.
func (c *Catalog) keysOf(g *Graph) map[string]int32 {
	index := make(map[string]int32, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		index[n.Key] = int32(i)
		if g.Job == nil {
			for j := range n.Op.Outputs {
				index[assetKey(n.Op, &n.Op.Outputs[j])] = int32(i)
			}
		}
	}
	return index
}

// walk marks start and what is at most depth steps from it.
func (g *Graph) walk(mark []bool, start int32, depth int, next func(int32, func(int32))) {
	seen := map[int32]bool{start: true}
	front := []int32{start}
	mark[start] = true
	for ; depth != 0 && len(front) > 0; depth-- {
		var further []int32
		for _, i := range front {
			next(i, func(j int32) {
				if !seen[j] {
					seen[j], mark[j] = true, true
					further = append(further, j)
				}
			})
		}
		front = further
	}
}

// A Target is a job, or the assets, with a selection: what a run is about, before any version is known.
type Target struct {
	Catalog   *Catalog
	Graph     *Graph
	Job       *dag.JobDef // nil for assets
	Selection string      // as the user gave it

	Selected []int32 // nodes that are steps of the run, in plan order
	Sources  []int32 // sources to observe: selected ones and those that feed a selected step
	External []int32 // what a selected step takes from an unselected one, sources left out

	selected []bool
}

// Target finds what a run of a job ("" for the assets) with a selection ("" for everything) is about. The error is an [*Error].
func (c *Catalog) Target(job, selection string) (*Target, error) {
	t := &Target{Catalog: c, Graph: c.assets, Selection: selection}
	var wrong problems
	if job != "" {
		j, err := c.Job(job)
		if err != nil {
			return nil, err
		}
		t.Job, t.Graph = j, c.jobGraph(j, &wrong)
	}
	if len(t.Graph.Nodes) == 0 && len(wrong) == 0 {
		what := "no package given to this binary has an asset; put //dag:asset above a function and run `go generate ./...`"
		if job != "" {
			what = "job \"" + job + "\" has no steps"
		}
		wrong.add("nothing", "%s", what)
	}
	t.selected = c.selectNodes(t.Graph, selection, &wrong)
	if err := wrong.err(); err != nil {
		return nil, err
	}
	extra := make([]bool, len(t.selected))
	for i, yes := range t.selected {
		if !yes {
			continue
		}
		t.Selected = append(t.Selected, int32(i))
		t.Graph.Nodes[i].upstream(func(u int32) { extra[u] = extra[u] || !t.selected[u] })
	}
	for i := range t.selected {
		switch source := t.Graph.Nodes[i].Op.Kind == dag.KindSource; {
		case source && (t.selected[i] || extra[i]):
			t.Sources = append(t.Sources, int32(i))
		case extra[i]:
			t.External = append(t.External, int32(i))
		}
	}
	return t, nil
}

// IsSelected reports whether node i is a step of the run.
func (t *Target) IsSelected(i int) bool { return t.selected[i] }

// Resources returns the resources that steps, sources and IO managers of the target may need, with those that they need in turn,
// each after the ones it needs.
func (t *Target) Resources() []*dag.Resource {
	needed := map[string]bool{}
	var queue []string
	need := func(key string) {
		if !needed[key] {
			needed[key] = true
			queue = append(queue, key)
		}
	}
	take := func(nodes []int32, all bool) {
		for _, i := range nodes {
			op := t.Graph.Nodes[i].Op
			if op.IO != "" {
				need(op.IO)
			}
			for _, u := range op.Resources {
				if all {
					need(u.Key)
				}
			}
		}
	}
	take(t.Selected, true)
	take(t.Sources, true)
	take(t.External, false) // they are loaded, not run
	for len(queue) > 0 {
		key := queue[0]
		queue = queue[1:]
		for _, u := range t.Catalog.resourceByKey[key].resource.Resources {
			need(u.Key)
		}
	}
	var rs []*dag.Resource
	for _, r := range t.Catalog.resourceOrder {
		if needed[r.resource.Key] {
			rs = append(rs, r.resource)
		}
	}
	return rs
}
