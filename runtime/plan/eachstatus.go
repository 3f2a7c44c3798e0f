package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// Where an asset is a graph, or takes earlier partitions of itself or what a pointer leads to, its partitions are not all alike: then the plan has a step for each, and what it says of each is put
// together here, in the form that [statusMaker.bulk] gives.

// InBulk reports whether all partitions can be looked at asset by asset, without a step for each.
func (t *Target) InBulk() bool {
	return !slices.ContainsFunc(t.Selected, func(place int32) bool {
		n := &t.Graph.Nodes[place]
		if !t.Graph.ofPartitions(place) || n.Op.Check != nil {
			return false
		}
		info := t.Catalog.infoOf(n.Op)
		return t.Graph.unit[place] != place || info.op.Graph != nil || info.ofItself() || slices.ContainsFunc(n.Op.Inputs, func(in dag.Input) bool { return in.Unwrap })
	})
}

// InAll is the target in all partitions of what is selected, also where there are none yet.
func (t *Target) InAll(at partition.At) (*Target, error) {
	p := parting{t: t, resolved: resolved{at: at}, chosen: map[*opInfo]partition.Set{}, all: map[*opInfo]partition.Set{}, any: true}
	if err := p.choose("*"); err != nil {
		return nil, err
	}
	return p.target()
}

// A gathered is what is known of the partitions of one asset.
type gathered struct {
	AssetStatus
	space              *partition.Space
	now, ahead, action map[string][]int // numbers by state
	causes             []causeAt
	find               map[Cause]int
	roots              []string
}

// together makes of the status of each partition that of all, for each asset that is shown.
func (m *statusMaker) together(st *Status, shown *Target, at partition.At) error {
	spaces := resolved{at: at}
	plain := shown.Plain()
	byKey := map[string]*gathered{}
	var order []*gathered
	for _, place := range plain.Selected {
		g := plain.Graph
		if g.unit[place] != place || g.Nodes[place].Op.Check != nil {
			continue
		}
		info := m.Target.Catalog.infoOf(g.Nodes[place].Op)
		op := info.op
		keys := []string{op.Key}
		if len(op.Outputs) > 0 {
			keys = nil
		}
		for i := range op.Outputs {
			keys = append(keys, assetKey(op, &op.Outputs[i]))
		}
		for _, key := range keys {
			one := &gathered{AssetStatus: AssetStatus{Key: key, Op: op.Key, Kind: op.Kind.String(), Group: op.Group}, now: map[string][]int{}, ahead: map[string][]int{}, action: map[string][]int{}, find: map[Cause]int{}}
			if op.Partitions != nil {
				var err error
				if one.space, err = spaces.space(info); err != nil {
					return err
				}
				one.Partitions = &PartitionStatus{Definition: op.Partitions.String(), Total: one.space.Len(), Space: one.space}
			}
			byKey[key] = one
			order = append(order, one)
		}
	}
	names := m.names()
	for i := range st.Assets {
		if err := byKey[st.Assets[i].Key].add(&st.Assets[i], names); err != nil {
			return err
		}
	}
	st.Assets = st.Assets[:0]
	for _, one := range order {
		if one.space == nil && one.Status == "" {
			continue // no step of the plan
		}
		st.Assets = append(st.Assets, one.sum(m.rankOf))
	}
	st.Roots = rootsTogether(st.Roots, names)
	return nil
}

// names are what nodes of partitions are called without them, by their keys.
func (m *statusMaker) names() map[string]string {
	names := map[string]string{}
	for i := range m.Target.Graph.Nodes {
		if n := &m.Target.Graph.Nodes[i]; n.Partition != nil {
			names[n.Key] = n.Name
			for k := range n.Op.Outputs { // as causes call them
				if asset := n.Op.Outputs[k].Asset; asset != "" {
					names[dag.PartitionStep(asset, n.Partition.Key)] = asset
				}
			}
		}
	}
	return names
}

// rankOf is where in plan order a root stands.
func (m *statusMaker) rankOf(name string) int {
	return slices.IndexFunc(m.Target.Graph.Nodes, func(n Node) bool { return n.Name == name })
}

// withoutPartition is a cause that names assets without their partitions.
func withoutPartition(c Cause, of *AssetStatus, names map[string]string) Cause {
	if name, ok := names[c.Asset]; ok {
		c.Text = strings.ReplaceAll(c.Text, strconv.Quote(c.Asset), strconv.Quote(name))
		c.Asset = name
	}
	if of.Partition != "" {
		if rest, ok := strings.CutPrefix(c.Text, "step "+dag.PartitionStep(of.Op, dag.PartitionKey(of.Partition))); ok {
			c.Text = "step " + of.Op + rest
		}
	}
	return c
}

func (g *gathered) add(a *AssetStatus, names map[string]string) error {
	n := 0
	if g.space != nil {
		p, err := g.space.Find(a.Partition)
		if err != nil {
			return err
		}
		n = g.space.Number(p)
	}
	g.Status, g.Projected, g.Action = a.Status, a.Projected, a.Action // of one without partitions
	g.now[string(a.Status)] = append(g.now[string(a.Status)], n)
	g.ahead[string(a.Projected)] = append(g.ahead[string(a.Projected)], n)
	g.action[string(a.Action)] = append(g.action[string(a.Action)], n)
	for _, c := range a.Causes {
		c = withoutPartition(c, a, names)
		i, ok := g.find[c]
		if !ok {
			i = len(g.causes)
			g.find[c] = i
			g.causes = append(g.causes, causeAt{Cause: c})
		}
		if at := g.causes[i].at; len(at) == 0 || at[len(at)-1].To <= n { // two partitions above it are one asset
			g.causes[i].at.add(n)
		}
	}
	for _, root := range a.Roots {
		if root = cmp.Or(names[root], root); !slices.Contains(g.roots, root) {
			g.roots = append(g.roots, root)
		}
	}
	return nil
}

// sum says it of the asset.
func (g *gathered) sum(rank func(string) int) AssetStatus {
	out := g.AssetStatus
	out.Causes, out.Roots = make([]Cause, len(g.causes)), slices.Clip(append([]string{}, g.roots...))
	slices.SortStableFunc(out.Roots, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for i, c := range g.causes {
		out.Causes[i] = c.Cause
	}
	if g.space == nil {
		return out
	}
	set := func(numbers []int) Partitions {
		slices.Sort(numbers)
		var at spans
		for _, n := range numbers {
			at.add(n)
		}
		return Partitions{g.space.Numbers(at), g.space}
	}
	said := out.Partitions
	said.Status, said.Projected = map[Freshness]Partitions{}, map[Freshness]Partitions{}
	for _, f := range freshnesses {
		said.Status[f], said.Projected[f] = set(g.now[string(f)]), set(g.ahead[string(f)])
	}
	said.Plan = map[Action]Partitions{}
	for _, a := range []Action{Run, Reuse, Maybe} {
		said.Plan[a] = set(g.action[string(a)])
	}
	said.Failed, said.InProgress = set(nil), set(nil)
	said.Causes = make([]PartitionCause, len(g.causes))
	for i, c := range g.causes {
		said.Causes[i] = PartitionCause{c.Cause, Partitions{g.space.Numbers([]partition.Span(c.at)), g.space}}
	}
	out.Status, out.Projected = wholly(said.Status, said.Total), wholly(said.Projected, said.Total)
	switch {
	case !said.Plan[Run].Empty():
		out.Action = Run
	case !said.Plan[Maybe].Empty():
		out.Action = Maybe
	default:
		out.Action = Reuse
	}
	return out
}

// rootsTogether names each asset once at which something begins.
func rootsTogether(roots []Root, names map[string]string) (all []Root) {
	all = []Root{}
	for _, r := range roots {
		of := &AssetStatus{Op: cmp.Or(names[r.Op], r.Op)}
		i := slices.IndexFunc(all, func(known Root) bool { return known.Op == of.Op })
		if i < 0 {
			i = len(all)
			all = append(all, Root{Op: of.Op})
		}
		for _, c := range r.Causes {
			if c = withoutPartition(c, of, names); !slices.Contains(all[i].Causes, c) {
				all[i].Causes = append(all[i].Causes, c)
			}
		}
	}
	return all
}

// stale are the partitions to run of assets of which each has a standing of its own.
func (m *statusMaker) stale(of []*standing, at partition.At) (list []stalePartitions, err error) {
	spaces := resolved{at: at}
	find := map[*opInfo]int{}
	for _, u := range of {
		if u.last == nil || u.last.Partition == nil {
			continue
		}
		info := m.Target.Catalog.infoOf(u.last.Op)
		space, err := spaces.space(info)
		if err != nil {
			return nil, err
		}
		p, err := space.Find(string(u.last.Partition.Key))
		if err != nil {
			return nil, err
		}
		i, ok := find[info]
		if !ok {
			i = len(list)
			find[info] = i
			list = append(list, stalePartitions{key: info.op.Key, definition: info.op.Partitions, space: space})
		}
		list[i].numbers.add(space.Number(p))
	}
	for i := range list {
		list[i].set = list[i].space.Numbers(list[i].numbers)
	}
	return list, nil
}
