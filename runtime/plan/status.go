package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// A Freshness says how what is stored of an asset stands to its code, config and data.
type Freshness string

// The states of an asset.
const (
	Fresh   Freshness = "fresh"
	Stale   Freshness = "stale"
	Missing Freshness = "missing" // nothing is stored, or it cannot be loaded; of a source: it could not be observed
)

// The codes of a [Cause] beside those of a [Reason].
const (
	CauseData       = "data"       // an upstream asset has other data
	CauseDependency = "dependency" // it takes another upstream asset, one more or one less
)

// A Cause says why an asset is not fresh.
type Cause struct {
	Code  string `json:"code"`
	Text  string `json:"text"`
	Asset string `json:"asset,omitempty"` // the upstream asset that it is about
}

// An AssetStatus says how an asset stands.
type AssetStatus struct {
	Key   string `json:"key"`
	Op    string `json:"op"` // what makes it, as plans and selections call it
	Kind  string `json:"kind"`
	Group string `json:"group,omitempty"`

	Partition string `json:"partition,omitempty"` // of a partitioned asset: which one stands so

	// Status compares with the upstream assets as they are stored now, Projected with what they would be if all were brought up to date.
	Status    Freshness `json:"status"`
	Projected Freshness `json:"projected"`
	Action    Action    `json:"action"` // what a run would do

	Causes []Cause  `json:"causes"` // why it is not fresh, or runs all the same
	Roots  []string `json:"roots"`  // where that begins: by Op, in plan order; see [Status.Roots]

	Partitions *PartitionStatus `json:"partitions,omitempty"` // how all of them stand, where no one was asked about
}

// A Root is an asset at which something begins that makes others stale.
type Root struct {
	Op     string  `json:"op"`
	Causes []Cause `json:"causes"`
}

// A Status says how the assets of a selection stand, in plan order.
type Status struct {
	Assets []AssetStatus `json:"assets"`
	Roots  []Root        `json:"roots"` // all that an asset names

	outdated   string
	partitions Partitions
	apart      error
}

// Count returns how many assets are in each state now, and how many would not be fresh if all were brought up to date.
func (s *Status) Count() (now map[Freshness]int, projected int) {
	now = map[Freshness]int{}
	for i := range s.Assets {
		now[s.Assets[i].Status]++
		if s.Assets[i].Projected != Fresh {
			projected++
		}
	}
	return now, projected
}

// Outdated is a selection of what brings the assets up to date: those that are stale or missing in the projected view, and what they need of that kind
// upstream. It is empty where all are fresh.
func (s *Status) Outdated() string { return s.outdated }

// OutdatedPartitions are the partitions to run the selection for, where all partitions were asked about: those of which some asset that it names is stale or missing in the projected view. They are
// none where it names no asset with partitions. The error is an [*Error] where assets are stale whose partitions no one selection says.
func (s *Status) OutdatedPartitions() (Partitions, error) { return s.partitions, s.apart }

// standing is how all steps of one asset stand: there is one, or those of the graph that the asset is.
type standing struct {
	place  int32 // of the node that gives the asset's outputs
	now    Freshness
	ahead  Freshness
	action Action
	causes []Cause // of now, then of ahead
	roots  nodeSet
	root   []Cause // why others are stale because of it
	last   *Step   // at place
	turned bool    // the record that is reused is not the newest: reading what is stored would find another one
	direct bool    // it has a cause of its own
	parts  *parts  // how each of its partitions stands; nil where the step at place is for one of them, or it has none
}

// A statusMaker finds out how the assets of a plan stand.
type statusMaker struct {
	*builder
	plan    *Plan
	units   []*standing // by place
	order   []*standing
	free    []*scratch
	encoded map[*partition.Space]*encodedPartitions

	each *Bulk // where all partitions are asked about and the plan has a step for each; nil otherwise
}

// Status says how the assets that shown selects stand. The plan must be one of all that they are made from: of shown.WithUpstream(). It looks up by content what the plan
// could not decide, in one batch; the error is that of the look-up.
//
// Where all partitions are asked about, the plan is one of the rest, shown.WithUpstream().WithoutPartitions(), and x says how to look at them; it is nil otherwise. Of a target that is not
// [Target.InBulk] the plan is one of all partitions, see [Target.InAll], and shown is in them.
func (p *Plan) Status(shown *Target, x *Bulk) (*Status, error) {
	m := &statusMaker{builder: p.builder, plan: p, units: make([]*standing, len(p.Target.Graph.Nodes))}
	all, err := m.compareNow()
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		m.stand(c)
	}
	if x != nil && x.Each {
		m.each = x
		st := m.status(shown)
		return st, m.together(st, shown, x.At)
	}
	if x != nil {
		if err := m.bulk(shown.WithUpstream(), x); err != nil {
			return nil, err
		}
		slices.SortStableFunc(m.order, func(a, b *standing) int { return cmp.Compare(a.place, b.place) })
	}
	return m.status(shown), nil
}

// unit is where what is found out about the asset goes that a node belongs to.
func (m *statusMaker) unit(place int32) *standing {
	place = m.Target.Graph.unit[place]
	u := m.units[place]
	if u == nil {
		u = &standing{place: place, now: Fresh, ahead: Fresh, action: Reuse}
		m.units[place] = u
		m.order = append(m.order, u)
	}
	return u
}

// stand takes one step into the standing of its asset. Steps come in plan order, so all above it is known.
func (m *statusMaker) stand(c *compared) {
	s, u := c.step, m.unit(c.step.Place)
	if s.Place == u.place {
		u.last = s
		if c.never() { // then so are its steps
			u.causes, u.roots = nil, nil
		}
	}
	u.turned = u.turned || s.Action == Reuse && s.Note
	switch {
	case s.Action == Run, u.action == Run:
		u.action = Run
	case s.Action == Maybe:
		u.action = Maybe
	}
	if c.now != Fresh {
		if u.now != Missing {
			u.now = c.now
		}
		if c.now == Missing && s.Place != u.place {
			u.now = Stale // a step inside of it has nothing stored; the asset has
		}
		u.ahead = u.now
	}
	own := c.own
	for _, cause := range c.causes {
		if s.Place != u.place {
			cause.Text = "step " + s.Key + ": " + cause.Text
		}
		u.causes = append(u.causes, cause)
	}
	for _, place := range c.from {
		if up := m.unit(place); up != u {
			u.roots.add(m.rank(up))
			m.begins(up)
			u.roots.union(up.roots)
		} else {
			own = true
		}
	}
	if own {
		u.roots.add(m.rank(u))
		u.direct = true
	}
	if !c.never() {
		m.above(c, u)
	}
}

// rank is the place of a standing in plan order.
func (m *statusMaker) rank(u *standing) int { return int(u.place) }

// begins notes that an asset which is fresh has data that others have not seen.
func (m *statusMaker) begins(u *standing) {
	if u.parts != nil && u.root == nil {
		u.root = []Cause{{Code: CauseData, Text: "it has new data"}}
	}
	if u.root != nil || u.last == nil {
		return
	}
	switch s := u.last; {
	case s.Observed != nil && len(s.Reasons) > 0:
		u.root = causesOf(s.Reasons)
	case s.Observed != nil:
		u.root = []Cause{{Code: ReasonSource, Text: "it has new data: " + s.Observed.Text}}
	default:
		u.root = []Cause{{Code: CauseData, Text: "it has new data"}}
		if rec := cmp.Or(s.Record, s.Latest); rec != nil && rec.RunID != "" {
			u.root[0].Text += ", made in run " + rec.RunID
		}
	}
}

// above takes in what is not fresh right above a step that a run would not simply reuse.
func (m *statusMaker) above(c *compared, u *standing) {
	s := c.step
	if s.Action == Reuse || s.Action == Skip || s.Observed != nil {
		return
	}
	for _, place := range m.Target.Graph.Nodes[s.Place].ups {
		up := m.unit(place)
		if up == u || up.ahead == Fresh {
			continue
		}
		u.roots.union(up.roots)
		if u.ahead == Fresh {
			u.ahead = Stale
		}
		cause := Cause{Code: ReasonUpstream, Asset: m.Target.Graph.Nodes[up.place].Key}
		cause.Text = fmt.Sprintf("upstream %q is %s", cause.Asset, up.ahead)
		if len(u.causes) == 0 || u.causes[len(u.causes)-1] != cause {
			u.causes = append(u.causes, cause)
		}
	}
}

func causesOf(reasons []Reason) []Cause {
	causes := make([]Cause, len(reasons))
	for i, r := range reasons {
		causes[i] = Cause{Code: r.Code, Text: r.Text}
	}
	return causes
}

// status writes down what was found out about the assets that are shown.
func (m *statusMaker) status(shown *Target) *Status {
	g := m.Target.Graph
	st := &Status{Assets: []AssetStatus{}, Roots: []Root{}}
	var named nodeSet
	for _, u := range m.order {
		if u.last == nil && u.parts == nil || !shown.selected[u.place] {
			continue
		}
		named.union(u.roots)
		roots := []string{}
		u.roots.each(func(place int) { roots = append(roots, g.Nodes[place].Key) })
		op := m.Target.Catalog.infoOf(g.Nodes[u.place].Op).op
		one := AssetStatus{Op: op.Key, Kind: op.Role(), Group: op.Group, Action: u.action, Causes: u.causes, Roots: roots}
		if u.last != nil && u.last.Partition != nil {
			one.Partition = string(u.last.Partition.Key)
		}
		if one.Causes == nil {
			one.Causes = []Cause{}
		}
		if u.parts != nil && op.Partitions != nil {
			one.Partitions = u.parts.said
		}
		if len(op.Outputs) == 0 {
			one.Key, one.Status, one.Projected = op.Key, u.now, u.ahead
			st.Assets = append(st.Assets, one)
		}
		for i := range op.Outputs {
			one.Key, one.Status, one.Projected = assetKey(op, &op.Outputs[i]), u.now, u.ahead
			if u.parts != nil {
				st.Assets = append(st.Assets, one)
				continue
			}
			if rec := u.last.Latest; rec != nil && op.Kind != dag.KindSource && OutputOf(rec, op.Outputs[i].Name) == nil {
				one.Status, one.Projected = Missing, Missing // others of the function are stored
			}
			st.Assets = append(st.Assets, one)
		}
	}
	named.each(func(place int) {
		u := m.units[place]
		r := Root{Op: g.Nodes[place].Key, Causes: u.root}
		if u.direct {
			r.Causes = u.causes
		}
		st.Roots = append(st.Roots, r)
	})
	st.outdated, st.partitions, st.apart = m.outdated(shown)
	return st
}

// observes reports whether it is a source, or nothing that the plan has.
func (u *standing) observes() bool {
	if u.parts != nil {
		return u.parts.node.Op.Kind == dag.KindSource
	}
	return u.last == nil || u.last.source()
}

// outdated is the selection of what is to run, and its partitions.
func (m *statusMaker) outdated(shown *Target) (selection string, partitions Partitions, err error) {
	g := m.Target.Graph
	var queue, chosen []*standing
	taken := map[*standing]bool{}
	take := func(u *standing) {
		if !taken[u] {
			taken[u] = true
			queue = append(queue, u)
		}
	}
	selected := 0
	for _, u := range m.order {
		if u.observes() || !shown.selected[u.place] {
			continue
		}
		selected++
		if u.ahead != Fresh || u.parts != nil && u.parts.turned != nil {
			take(u)
		}
	}
	for len(queue) > 0 {
		u := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, i := range g.whole(u.place) {
			for _, place := range g.Nodes[i].ups {
				if up := m.unit(place); !up.observes() && (up.ahead != Fresh || up.turned || up.parts != nil && up.parts.turned != nil) {
					take(up)
				}
			}
		}
	}
	whole := true
	for _, u := range m.order {
		if taken[u] {
			chosen = append(chosen, u)
			whole = whole && shown.selected[u.place]
		}
	}
	list := stalePartsOf(chosen)
	if m.each != nil {
		if list, err = m.stale(chosen, m.each.At); err != nil {
			return "", partitions, err
		}
	}
	if partitions, err = outdatedPartitions(list); err != nil {
		return "", partitions, err
	}
	if whole && len(chosen) == selected && len(chosen) > 0 {
		return cmp.Or(shown.Selection, "*"), partitions, nil
	}
	clauses := make([]string, len(chosen))
	for i, u := range chosen {
		clauses[i] = Clause(g.Nodes[u.place].Name)
	}
	return strings.Join(slices.Compact(clauses), ","), partitions, nil // partitions of one asset stand together
}

// A nodeSet is a set of places.
type nodeSet []uint64

func (b *nodeSet) add(n int) {
	for len(*b) <= n/64 {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b *nodeSet) union(o nodeSet) {
	for len(*b) < len(o) {
		*b = append(*b, 0)
	}
	for i, w := range o {
		(*b)[i] |= w
	}
}

// each calls yield with the numbers, ascending.
func (b nodeSet) each(yield func(n int)) {
	for i, w := range b {
		for n := 0; w != 0; n, w = n+1, w>>1 {
			if w&1 != 0 {
				yield(i*64 + n)
			}
		}
	}
}
