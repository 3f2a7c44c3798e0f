package plan

import (
	"encoding/json"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// Partitions are some partitions of an asset. As JSON they are {"count", "partitions": [keys and ranges FROM...TO]}.
type Partitions struct {
	partition.Set
	Space *partition.Space
}

// Terms are the partitions as elements of a selection, see [partition.Space.Terms].
func (p Partitions) Terms() []string { return p.Space.Terms(p.Set) }

// FirstTerms are the first most of the terms; more is how many partitions they leave out.
func (p Partitions) FirstTerms(most int) (terms []string, more int) {
	return p.Space.FirstTerms(p.Set, most)
}

// MarshalJSON implements json.Marshaler.
func (p Partitions) MarshalJSON() ([]byte, error) {
	out := struct {
		Count      int      `json:"count"`
		Partitions []string `json:"partitions"`
	}{p.Len(), []string{}}
	if !p.Empty() {
		out.Partitions = p.Terms()
	}
	return json.Marshal(out)
}

// A PartitionStatus says how all partitions of an asset stand. It is as small as the ranges that it is made of.
type PartitionStatus struct {
	Definition string `json:"definition"`
	Total      int    `json:"total"`

	Status    map[Freshness]Partitions `json:"status"`    // as in [AssetStatus]; each of the three is there
	Projected map[Freshness]Partitions `json:"projected"` // likewise
	Plan      map[Action]Partitions    `json:"plan"`      // what a run of each would do: run, reuse or maybe

	// Failed are those whose last run failed, and that are not fresh; InProgress those that a run computes now.
	Failed     Partitions `json:"failed"`
	InProgress Partitions `json:"in_progress"`

	Causes []PartitionCause `json:"causes"` // why some are not fresh, or run all the same

	Space *partition.Space `json:"-"`
}

// A PartitionCause is a [Cause] with the partitions that it is one of.
type PartitionCause struct {
	Cause
	Partitions
}

// MarshalJSON implements json.Marshaler.
func (c PartitionCause) MarshalJSON() ([]byte, error) {
	out := struct {
		Cause
		Count      int      `json:"count"`
		Partitions []string `json:"partitions"`
	}{c.Cause, c.Len(), c.Terms()}
	return json.Marshal(out)
}

// Outdated are the partitions that are stale or missing in the projected view.
func (s *PartitionStatus) Outdated() Partitions {
	return Partitions{s.Projected[Stale].Union(s.Projected[Missing].Set), s.Space}
}

// HasPartitions reports whether a step of the target is computed for partitions and it is not said for which.
func (t *Target) HasPartitions() bool {
	return t.plain == nil && slices.ContainsFunc(t.Selected, func(i int32) bool { return t.Graph.Nodes[i].Op.Partitions != nil })
}

// ofPartitions reports whether a node has partitions, or is made from what has.
func (g *Graph) ofPartitions(place int32) bool {
	g.partsOnce.Do(func() {
		g.ofParts = make([]bool, len(g.Nodes))
		for i := range g.Nodes {
			g.ofParts[i] = g.Nodes[i].Op.Partitions != nil || slices.ContainsFunc(g.Nodes[i].ups, func(u int32) bool { return g.ofParts[u] })
		}
	})
	return g.ofParts[place]
}

// WithoutPartitions is the target of those steps of t that neither have partitions nor are made from what has.
func (t *Target) WithoutPartitions() *Target {
	rest := &Target{Catalog: t.Catalog, Graph: t.Graph, Job: t.Job, Assets: t.Assets, resourceSet: t.resourceSet, Selection: t.Selection, selected: slices.Clone(t.selected)}
	for i := range rest.selected {
		rest.selected[i] = rest.selected[i] && !t.Graph.ofPartitions(int32(i))
	}
	rest.reach()
	return rest
}

// PartitionIn is what a body is told of the partition at a point of a space.
func PartitionIn(space *partition.Space, p partition.Point) *dag.Partition {
	return partitionAt(space, p)
}

// spans collects numbers, ascending, as spans.
type spans []partition.Span

func (s *spans) add(n int) {
	if k := len(*s); k > 0 && (*s)[k-1].To == n {
		(*s)[k-1].To++
		return
	}
	*s = append(*s, partition.Span{From: n, To: n + 1})
}

// sum counts how the partitions stand.
func (p *parts) sum() {
	var now, ahead, action [3]spans
	for n := range p.n {
		now[p.now[n]].add(n)
		ahead[p.ahead[n]].add(n)
		action[p.action[n]].add(n)
	}
	set := func(s spans) Partitions { return Partitions{p.space.Numbers(s), p.space} }
	said := p.said
	said.Status, said.Projected = map[Freshness]Partitions{}, map[Freshness]Partitions{}
	for i, f := range freshnesses {
		said.Status[f], said.Projected[f] = set(now[i]), set(ahead[i])
	}
	said.Plan = map[Action]Partitions{Run: set(action[run8]), Reuse: set(action[reuse8]), Maybe: set(action[maybe8])}
	said.Failed, said.InProgress = set(nil), set(nil)
	p.u.now, p.u.ahead = wholly(said.Status, p.n), wholly(said.Projected, p.n)
	switch {
	case !said.Plan[Run].Empty():
		p.u.action = Run
	case !said.Plan[Maybe].Empty():
		p.u.action = Maybe
	default:
		p.u.action = Reuse
	}
}

// wholly is how an asset stands some of whose partitions do: fresh if all are, missing if none is stored.
func wholly(of map[Freshness]Partitions, n int) Freshness {
	switch {
	case of[Fresh].Len() == n:
		return Fresh
	case of[Missing].Len() == n:
		return Missing
	}
	return Stale
}

// toRun are the partitions that are not fresh, with those whose record must be noted as the newest again before others are made from it.
func (p *parts) toRun() partition.Set {
	slices.Sort(p.turned)
	var turned spans
	for _, n := range p.turned {
		turned.add(n)
	}
	return p.said.Outdated().Union(p.space.Numbers(turned))
}

// stalePartitions are the partitions of an asset that are to run.
type stalePartitions struct {
	key        string
	definition *partition.Definition
	space      *partition.Space
	numbers    spans
	set        partition.Set
}

// stalePartsOf are those of assets that were looked at in bulk.
func stalePartsOf(of []*standing) (list []stalePartitions) {
	for _, u := range of {
		if p := u.parts; p != nil && p.node.Op.Partitions != nil {
			list = append(list, stalePartitions{key: p.node.Key, definition: p.node.Op.Partitions, space: p.space, set: p.toRun()})
		}
	}
	return list
}

// outdatedPartitions are the partitions of which some of the assets are not fresh, as the first of them calls them.
func outdatedPartitions(of []stalePartitions) (all Partitions, err error) {
	for i := range of {
		first, p := &of[0], &of[i]
		set := p.set
		if i == 0 {
			all = Partitions{set, p.space}
			continue
		}
		n := set.Len()
		if partition.Alike(first.definition, p.definition) {
			if set, err = partition.Identity().Upstream(p.space, first.space, set); err != nil {
				return all, err
			}
		}
		if !partition.Alike(first.definition, p.definition) || set.Len() < n {
			var wrong problems
			wrong.add("several_partitions", "assets %q (%s) and %q (%s) are stale, and one run cannot say of which partitions: bring one up to date after the other with --select", first.key, first.definition, p.key, p.definition)
			return all, wrong.err()
		}
		all.Set = all.Union(set)
	}
	return all, nil
}
