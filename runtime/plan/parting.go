package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// TagPartition is the tag of a run whose value is the partition that the run computes, as Dagster names it: a key, or several as --partition takes them.
const TagPartition = "dagster/partition"

// In is the target in some partitions, in a graph that has a node for each (asset, partition) that is needed. selection says which, as --partition does: those of the first asset in
// plan order for which it is one, and of all with the same definition. Assets with other partitions take part with those that are made from these, and every selected
// asset with all that something selected is made from. "*" is all partitions of every asset; empty is right only where no selected asset has any: of everything, those that have are left out,
// see LeftOut. A job with partitions is in one of them.
//
// The error is an [*Error] where the selection is missing or selects nothing, where no asset has partitions, and where an asset has others that nothing connects.
func (t *Target) In(selection string, at partition.At) (*Target, error) {
	if t.Job != nil {
		return t.inJob(strings.TrimSpace(selection), at)
	}
	if j := t.Assets; j != nil && j.Partitions != nil && t.Partition == nil {
		p, err := partitionOfJob(j, strings.TrimSpace(selection), at)
		if err != nil {
			return nil, err
		}
		own := *t
		own.Partition = p
		return own.In(selection, at)
	}
	p := parting{t: t, resolved: resolved{at: at}, chosen: map[*opInfo]partition.Set{}, all: map[*opInfo]partition.Set{}}
	first := p.first()
	var wrong problems
	switch {
	case first == nil && selection != "":
		wrong.add("no_partitions", "nothing that is selected has partitions; leave out --partition, or the tag %s", TagPartition)
	case first == nil && !p.needed():
		return t, nil
	case first != nil && selection == "":
		if rest := t.unparted(); rest != nil {
			return rest, nil
		}
		wrong.add("partition_needed", "asset %q has partitions (%s); say which one is meant with --partition KEY%s; or leave it out with --select", first.op.Key, first.op.Partitions, p.example(first))
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	if err := p.choose(strings.TrimSpace(selection)); err != nil {
		return nil, err
	}
	return p.target()
}

// resolved are the spaces of definitions at one time.
type resolved struct {
	at     partition.At
	spaces map[*partition.Definition]*partition.Space
}

// whole is the definition of what has no partitions: one, which is all of it.
var whole = partition.Static("whole")

// space returns the partitions of an asset; the one of whole where it has none.
func (r *resolved) space(o *opInfo) (*partition.Space, error) {
	d := o.op.Partitions
	if d == nil {
		d = whole
	}
	if s := r.spaces[d]; s != nil {
		return s, nil
	}
	s, err := d.Resolve(r.at)
	if err != nil {
		var wrong problems
		wrong.add("bad_partitions", "%s %q: %v", o.op.Kind, o.op.Key, err)
		return nil, wrong.err()
	}
	if r.spaces == nil {
		r.spaces = map[*partition.Definition]*partition.Space{}
	}
	r.spaces[d] = s
	return s, nil
}

// upstream returns the partitions that those of a set of o are made from by a link.
func (r *resolved) upstream(o *opInfo, l link, of partition.Set) (partition.Set, error) {
	return r.across(o, l, func(down, up *partition.Space) (partition.Set, error) { return l.mapping.Upstream(down, up, of) })
}

// downstream returns the partitions of o that are made by a link from those of a set.
func (r *resolved) downstream(o *opInfo, l link, of partition.Set) (partition.Set, error) {
	return r.across(o, l, func(down, up *partition.Space) (partition.Set, error) { return l.mapping.Downstream(down, up, of) })
}

func (r *resolved) across(o *opInfo, l link, through func(down, up *partition.Space) (partition.Set, error)) (set partition.Set, err error) {
	down, err := r.space(o)
	if err != nil {
		return set, err
	}
	up, err := r.space(l.up)
	if err != nil {
		return set, err
	}
	if set, err = through(down, up); err != nil {
		var wrong problems
		wrong.add("partition_mismatch", "%s %q takes partitions of %q: %v", o.op.Kind, o.op.Key, l.up.op.Key, err)
		return set, wrong.err()
	}
	return set, nil
}

// A parting finds the partitions that take part in a run.
type parting struct {
	t *Target
	resolved
	chosen map[*opInfo]partition.Set // what is computed
	all    map[*opInfo]partition.Set // with all that this is made from
	any    bool                      // there need not be a partition
}

// selected reports whether an asset is.
func (p *parting) selected(o *opInfo) bool {
	home, ok := p.t.Graph.homes[o]
	return ok && p.t.selected[home]
}

// links calls yield with what an asset takes from other assets, or from itself.
func (o *opInfo) links(yield func(link) bool) {
	for _, list := range [2][]link{o.inputs, o.deps} {
		for _, l := range list {
			if l.up != nil && !yield(l) {
				return
			}
		}
	}
}

// first is the first selected asset with partitions; nil for none.
func (p *parting) first() *opInfo {
	for _, o := range p.t.Graph.assets {
		if o.op.Partitions != nil && p.selected(o) {
			return o
		}
	}
	return nil
}

// needed reports whether anything that a selected asset takes has partitions.
func (p *parting) needed() bool {
	for _, i := range slices.Concat(p.t.External, p.t.Sources) {
		if p.t.Graph.Nodes[i].Op.Partitions != nil {
			return true
		}
	}
	return false
}

// example says what could stand after --partition.
func (p *parting) example(o *opInfo) string {
	space, err := p.space(o)
	if err != nil || space.Len() == 0 {
		return "; there is none yet" + toAdd(o.op.Partitions, "KEY")
	}
	return ": one of " + strconv.Itoa(space.Len()) + ", such as " + space.Key(space.All().First(1)[0]) + " (several as FROM...TO, * for all)"
}

// choose finds out which partitions are computed, and all that they are made from.
func (p *parting) choose(selection string) error {
	assets := p.t.Graph.assets
	if err := p.asked(selection); err != nil {
		return err
	}
	for _, o := range assets {
		if p.selected(o) && o.op.Partitions == nil {
			p.chosen[o] = partition.Box(partition.Span{From: 0, To: 1})
		}
	}
	if err := p.close(p.chosen, p.selected); err != nil {
		return err
	}
	none, several := true, false
	for _, o := range assets {
		if check := o.op.Check; check != nil && p.selected(o) { // it is made of what is computed of its asset
			if asset := p.t.Catalog.assetByKey[check.Asset].op; p.selected(asset) {
				p.chosen[o] = p.chosen[o].Union(p.chosen[asset])
			}
		}
		if o.op.Partitions != nil && p.selected(o) {
			none = none && p.chosen[o].Empty()
			several = true
		}
	}
	if none && several && !p.any {
		var wrong problems
		wrong.add("no_partitions", "%q selects no partition of what is selected: there is none yet", selection)
		return wrong.err()
	}
	for o, set := range p.chosen {
		p.all[o] = set
	}
	return p.close(p.all, func(*opInfo) bool { return true })
}

// asked finds the partitions that a selection says, and those downstream that are made from them.
func (p *parting) asked(selection string) error {
	var wrong problems
	var anchor *opInfo
	var set partition.Set
	var failed []*partition.Definition
	for _, o := range p.t.Graph.assets {
		if o.op.Partitions == nil || !p.selected(o) {
			continue
		}
		space, err := p.space(o)
		switch {
		case err != nil:
			return err
		case selection == "*":
			p.chosen[o] = space.All()
			continue
		case anchor == nil:
			if slices.Contains(failed, o.op.Partitions) {
				continue
			}
			if set, err = selectIn(space, selection); err != nil {
				wrong.add("unknown_partition", "asset %q: %v%s", o.op.Key, err, toAdd(o.op.Partitions, selection))
				failed = append(failed, o.op.Partitions)
				continue
			}
			anchor = o
		}
	}
	if selection == "" || selection == "*" {
		return nil
	}
	if anchor == nil {
		return wrong.err()
	}
	from, err := p.space(anchor)
	if err != nil {
		return err
	}
	for _, o := range p.t.Graph.assets {
		if o.op.Partitions == nil || !p.selected(o) {
			continue
		}
		if partition.Alike(anchor.op.Partitions, o.op.Partitions) {
			space, err := p.space(o)
			if err == nil {
				p.chosen[o], err = partition.Identity().Upstream(from, space, set)
			}
			if err != nil {
				return err
			}
			continue
		}
		for l := range o.links {
			if p.chosen[l.up].Empty() || l.up.op.Partitions == nil || l.up == o {
				continue
			}
			more, err := p.downstream(o, l, p.chosen[l.up])
			if err != nil {
				return err
			}
			p.chosen[o] = p.chosen[o].Union(more)
		}
	}
	return p.apart(anchor)
}

// selectIn reads a selection. What is a key as it stands means that, though it has commas.
func selectIn(space *partition.Space, selection string) (partition.Set, error) {
	if point, err := space.Find(selection); err == nil {
		return partition.Of(point), nil
	}
	return space.Select(selection)
}

// apart reports the selected assets with other partitions than anchor that nothing selected connects with it.
func (p *parting) apart(anchor *opInfo) error {
	group := map[*opInfo]*opInfo{}
	var root func(o *opInfo) *opInfo
	root = func(o *opInfo) *opInfo {
		for group[o] != nil {
			o = group[o]
		}
		return o
	}
	join := func(a, b *opInfo) {
		if a, b = root(a), root(b); a != b {
			group[a] = b
		}
	}
	for _, o := range p.t.Graph.assets {
		if !p.selected(o) {
			continue
		}
		if partition.Alike(anchor.op.Partitions, o.op.Partitions) {
			join(o, anchor)
		}
		for l := range o.links {
			if p.selected(l.up) {
				join(o, l.up)
			}
		}
	}
	var wrong problems
	for _, o := range p.t.Graph.assets {
		if o.op.Partitions != nil && p.selected(o) && root(o) != root(anchor) {
			wrong.add("several_partitions", "assets %q (%s) and %q (%s) have other partitions, and neither is made from the other; select one of them", anchor.op.Key, anchor.op.Partitions, o.op.Key, o.op.Partitions)
		}
	}
	return wrong.err()
}

// close adds to sets what they are made from, of the assets that are meant.
func (p *parting) close(sets map[*opInfo]partition.Set, meant func(*opInfo) bool) error {
	assets := p.t.Graph.assets
	for i := len(assets) - 1; i >= 0; i-- { // what is upstream comes before
		o := assets[i]
		for l := range o.links {
			if l.up != o || !meant(o) {
				continue
			}
			for last := sets[o]; !last.Empty(); {
				more, err := p.upstream(o, l, last)
				if err != nil {
					return err
				}
				last = more.Minus(sets[o])
				sets[o] = sets[o].Union(more)
			}
		}
		for l := range o.links {
			if l.up == o || !meant(l.up) || sets[o].Empty() {
				continue
			}
			more, err := p.upstream(o, l, sets[o])
			if err != nil {
				return err
			}
			sets[l.up] = sets[l.up].Union(more)
		}
	}
	return nil
}

// target makes the graph of what was found, and selects in it what is computed.
func (p *parting) target() (*Target, error) {
	var wrong problems
	parts, err := p.parts()
	if err != nil {
		return nil, err
	}
	var failed error
	j := joiner{c: p.t.Catalog, blocking: p.t.Catalog.blocking()}
	j.ups = func(d *part, l link) []dag.PartitionKey {
		keys, err := p.keys(d, l)
		if err != nil && failed == nil {
			failed = err
		}
		return keys
	}
	j.terms = func(d *part, l link) string {
		space, err := p.space(l.up)
		if err != nil {
			return ""
		}
		set, _ := p.upstream(d.info, l, partition.Of(d.point)) // that it can be found out is known from its keys
		return strings.Join(space.Terms(set), ",")
	}
	p.lacking(parts, &wrong)
	if err := wrong.err(); err != nil {
		return nil, err
	}
	g := j.graph(parts, &wrong)
	if failed == nil {
		failed = wrong.err()
	}
	if failed != nil {
		return nil, failed
	}
	out := *p.t
	out.plain, out.Graph = p.t, g
	out.Selected, out.Sources, out.External, out.selected = nil, nil, nil, make([]bool, len(g.Nodes))
	for i := range parts {
		if d := &parts[i]; p.chosen[d.info].Has(d.point) {
			for n := g.main.sites[d.call].lo; n <= g.main.sites[d.at].lo; n++ {
				out.selected[n] = true
			}
		}
	}
	out.reach()
	return &out, nil
}

// lacking reports what is computed and takes one value of an asset with partitions, where there is none, or more: one partition of each input, as an example.
func (p *parting) lacking(parts []part, wrong *problems) {
	said := map[*dag.Input]bool{}
	for i := range parts {
		d := &parts[i]
		op := d.info.op
		for k := range d.info.inputs {
			l, in := d.info.inputs[k], &op.Inputs[k]
			if l.up == nil || l.up.op.Partitions == nil || in.Type.TakesSeveral() || said[in] || !p.chosen[d.info].Has(d.point) {
				continue
			}
			keys, err := p.keys(d, l)
			if err != nil || len(keys) == 1 || len(keys) == 0 && in.Type.Gathers() != nil {
				continue // the error is that of the graph
			}
			said[in] = true
			if len(keys) == 0 {
				wrong.add("no_upstream_partition", "%s %q: its input %s has no partition that it is made from (%s, by the mapping %s); leave it out of --partition", op.Kind, d.name(), in.Name, l.up.op.Partitions, l.mapping)
				continue
			}
			wrong.add("partition_mismatch", "%s %q: its input %s is made from %d partitions, from %s to %s (by the mapping %s); take them as map[dag.PartitionKey]%s or iter.Seq2",
				op.Kind, d.name(), in.Name, len(keys), keys[0], keys[len(keys)-1], l.mapping, in.Type.Name)
		}
	}
}

// parts are the nodes of the graph, asset by asset, each with its partitions in their order.
func (p *parting) parts() ([]part, error) {
	var parts []part
	for _, o := range p.t.Graph.assets {
		space, err := p.space(o)
		if err != nil {
			return nil, err
		}
		for point := range p.all[o].Points() {
			d := part{info: o, point: point}
			if err := p.before(o, point); err != nil {
				return nil, err
			}
			if o.op.Partitions != nil {
				d.partition = partitionAt(space, point)
			}
			parts = append(parts, d)
		}
	}
	return parts, nil
}

// before is the guard of an asset that takes partitions of itself: they must be earlier ones.
func (p *parting) before(o *opInfo, point partition.Point) error {
	for l := range o.links {
		if l.up != o {
			continue
		}
		set, err := p.upstream(o, l, partition.Of(point))
		if err != nil {
			return err
		}
		for u := range set.Points() {
			if slices.Compare(u, point) >= 0 {
				space, err := p.space(o)
				if err != nil {
					return err
				}
				var wrong problems
				wrong.add("cycle", "%s %q: partition %s is made from partition %s of itself (by the mapping %s), which is not an earlier one; choose a mapping to those before", o.op.Kind, o.op.Key, space.Key(point), space.Key(u), l.mapping)
				return wrong.err()
			}
		}
	}
	return nil
}

// keys are the partitions of what a link leads to that a part takes, in their order; one empty key for all of what has none.
func (p *parting) keys(d *part, l link) ([]dag.PartitionKey, error) {
	if l.up.op.Partitions == nil {
		return []dag.PartitionKey{""}, nil
	}
	set, err := p.upstream(d.info, l, partition.Of(d.point))
	if err != nil {
		return nil, err
	}
	space, err := p.space(l.up)
	if err != nil {
		return nil, err
	}
	keys := make([]dag.PartitionKey, 0, set.Len())
	for key := range space.Keys(set) {
		keys = append(keys, dag.PartitionKey(key))
	}
	return keys, nil
}
