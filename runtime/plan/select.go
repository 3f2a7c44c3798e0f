package plan

import (
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// walk marks nodes and what is at most depth steps from them. Nodes that a selection takes as one are at no distance from each other. A check that comes with its
// asset leads nowhere: what else it takes, the asset does not need.
func (g *Graph) walk(mark []bool, start []int32, depth int, next func(int32) []int32) {
	seen := map[int32]bool{}
	var front []int32
	reach := func(i int32) {
		for _, j := range g.whole(i) {
			if !seen[j] {
				seen[j], mark[j] = true, true
				if j == i || g.Nodes[j].Op.Check == nil {
					front = append(front, j)
				}
			}
		}
	}
	for _, check := range []bool{false, true} { // assets first, with the checks that come with them
		for _, i := range start {
			if (g.Nodes[i].Op.Check != nil) == check {
				reach(i)
			}
		}
	}
	for ; depth != 0 && len(front) > 0; depth-- {
		was := front
		front = nil
		for _, i := range was {
			for _, j := range next(i) {
				if g.Nodes[j].Op.Check == nil { // they come with their asset alone
					reach(j)
				}
			}
		}
	}
}

// whole returns the nodes that a selection takes together with node i: what an asset is made of, and its checks.
func (g *Graph) whole(i int32) []int32 {
	if g.unit == nil {
		return []int32{i}
	}
	all := slices.Clone(g.checks[g.unit[i]])
	if g.unit[i] == i && (i == 0 || g.unit[i-1] != i) {
		return append(all, i)
	}
	last := g.unit[i]
	for j := last; j >= 0 && g.unit[j] == last; j-- {
		all = append(all, j)
	}
	return all
}

// A Target is a job, or the assets, with a selection: what a run is about, before any version is known.
type Target struct {
	Catalog   *Catalog
	Graph     *Graph         // with a node for each partition that is needed, after [Target.In]
	Job       *dag.JobDef    // nil for assets
	Assets    *dag.JobDef    // the job that names the selection of assets that is run; nil for none
	Selection string         // as the user gave it
	Partition *dag.Partition // of a job with partitions: the one that the run is of
	LeftOut   []string       // assets that are left out of everything, because no partition is given for them: [Target.In]

	Selected []int32 // nodes that are steps of the run, in plan order
	Sources  []int32 // sources to observe: selected ones and those that feed a selected step
	External []int32 // what a selected step takes from an unselected one, sources left out

	*resourceSet         // as the job sees them
	plain        *Target // before [Target.In] gave it partitions; nil where that did not
	selected     []bool
	wanted       []bool // selected, or needed by something that is
}

// Target finds what a run of a job ("" for the assets) with a selection ("" for everything) is about. The error is an [*Error].
func (c *Catalog) Target(job, selection string) (*Target, error) {
	t := &Target{Catalog: c, Graph: c.assets, Selection: selection, resourceSet: c.resourceSet}
	var wrong problems
	if job != "" {
		j, err := c.Job(job)
		if err != nil {
			return nil, err
		}
		t.Job, t.Graph, t.resourceSet = j, c.graphs[job], c.resourcesOf(j)
		if j.Select != "" {
			t.Job, t.Assets = nil, j
		}
	}
	if len(t.Graph.Nodes) == 0 && len(wrong) == 0 {
		what := "no package given to this binary has an asset; put //dag:asset above a function and run `go generate ./...`"
		if job != "" {
			what = "job \"" + job + "\" has no steps"
		}
		wrong.add("nothing", "%s", what)
	}
	t.selected = c.selectNodes(t.Graph, selection, &wrong)
	if t.Assets != nil && len(wrong) == 0 {
		t.within(&wrong)
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	t.reach()
	return t, nil
}

// Only is the target that is one node of t's graph and nothing else, which no selection can say of a node inside of an asset.
func (t *Target) Only(place int32) *Target {
	one := &Target{Catalog: t.Catalog, Graph: t.Graph, Job: t.Job, Assets: t.Assets, Partition: t.Partition, resourceSet: t.resourceSet, Selection: t.Graph.Nodes[place].Name, plain: t.plain, selected: make([]bool, len(t.selected))}
	one.selected[place] = true
	one.reach()
	return one
}

// WithUpstream is the target whose steps are those of t and all that they are made from.
func (t *Target) WithUpstream() *Target {
	all := &Target{Catalog: t.Catalog, Graph: t.Graph, Job: t.Job, Assets: t.Assets, resourceSet: t.resourceSet, Selection: t.Selection, selected: make([]bool, len(t.selected))}
	if t.plain != nil {
		all.plain = t.plain.WithUpstream()
	}
	t.Graph.walk(all.selected, t.Selected, -1, func(i int32) []int32 { return t.Graph.Nodes[i].ups })
	for i := range all.selected {
		all.selected[i] = all.selected[i] && t.Graph.Nodes[i].Op.Check == nil
	}
	all.reach()
	return all
}

// reach finds what the selected nodes need.
func (t *Target) reach() {
	t.wanted = slices.Clone(t.selected)
	var hidden []int32
	want := func(nodes []int32) {
		for _, u := range nodes {
			if !t.wanted[u] && t.Graph.Nodes[u].Op.Check == nil { // what is not checked in this run does not wait for it
				t.wanted[u] = true
				hidden = append(hidden, u)
			}
		}
	}
	for i, yes := range t.selected {
		if yes {
			t.Selected = append(t.Selected, int32(i))
			want(t.Graph.Nodes[i].ups)
		}
	}
	for len(hidden) > 0 { // what is read of a loop cannot be found without what the loop goes over
		i := hidden[len(hidden)-1]
		hidden = hidden[:len(hidden)-1]
		want(t.Graph.Nodes[i].gates)
	}
	for i, yes := range t.wanted {
		switch {
		case !yes:
		case t.Graph.Nodes[i].Op.Kind == dag.KindSource:
			t.Sources = append(t.Sources, int32(i))
		case !t.selected[i]:
			t.External = append(t.External, int32(i))
		}
	}
}

// Name is what a selection calls a node: its name, or that of the asset it is inside of.
func (g *Graph) Name(place int32) string {
	if g.unit != nil {
		place = g.unit[place]
	}
	return g.Nodes[place].Name
}

// Clause is the clause of a selection that is a node, or the asset that it is inside of.
func (g *Graph) Clause(place int32) string {
	if n := &g.Nodes[place]; n.Op.Check != nil {
		return "check:" + n.Name
	}
	return Clause(g.Name(place))
}

// Above returns the keys of the nodes that node i takes something from, must follow, or that decide whether it runs.
func (g *Graph) Above(i int) []string {
	ups := g.Nodes[i].ups
	keys := make([]string, len(ups))
	for k, u := range ups {
		keys[k] = g.Nodes[u].Key
	}
	return keys
}

// Plain is the target over the graph in which each asset is one node, whatever its partitions: what run config and selections are about.
func (t *Target) Plain() *Target {
	if t.plain != nil {
		return t.plain
	}
	return t
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
			if !all {
				continue
			}
			for _, u := range op.Resources {
				need(u.Key)
			}
			for _, h := range t.Hooks(&t.Graph.Nodes[i]) {
				for _, u := range h.Resources {
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
		for _, u := range t.resourceByKey[key].resource.Resources {
			need(u.Key)
		}
	}
	var rs []*dag.Resource
	for _, r := range t.resourceOrder {
		if needed[r.resource.Key] {
			rs = append(rs, r.resource)
		}
	}
	return rs
}
