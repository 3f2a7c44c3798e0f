package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// partCauses collects why partitions are not fresh. Partitions whose newest records differ in the same way are a group, which is explained once.
type partCauses struct {
	parts  *parts
	groups []*group
	byKey  map[string]int32
	last   int32 // the group that was last found: mostly the next record is like the one before
	key    []byte

	all  []causeAt
	find map[Cause]int
}

type causeAt struct {
	Cause
	at spans
}

// A group is a way in which records differ from what their partitions would be now.
type group struct {
	was      storage.Record // the first of them
	first    int            // the number of its partition
	alike    int32          // the first group with a record that was made alike, but from other data
	changed  []bool         // by feed: it has other data
	moved    []bool         // by feed: it leads to other partitions
	data     []canon.Digest // by feed, of the first
	complete bool           // all data is known

	causes []Cause // once it is explained
	own    bool
	from   []int // feeds whose new data was not seen
	index  []int // of causes, in partCauses.all
	said   bool
}

func newPartCauses(p *parts) *partCauses {
	return &partCauses{parts: p, byKey: map[string]int32{}, find: map[Cause]int{}}
}

// add notes a cause of one partition.
func (r *partCauses) add(c Cause, n int) { r.all[r.indexOf(c)].at.add(n) }

func (r *partCauses) indexOf(c Cause) int {
	i, ok := r.find[c]
	if !ok {
		i = len(r.all)
		r.find[c] = i
		r.all = append(r.all, causeAt{Cause: c})
	}
	return i
}

// fixed is the group of all partitions with a cause that says it all.
func (r *partCauses) fixed(c Cause) int32 {
	key := "\x00" + c.Code + "\x00" + c.Text
	g, ok := r.byKey[key]
	if !ok {
		g = int32(len(r.groups))
		r.byKey[key] = g
		r.groups = append(r.groups, &group{causes: []Cause{c}, own: true, said: true})
	}
	return g
}

// of is the group of the newest record of a partition.
func (r *partCauses) of(f *finder, n int, was *storage.Record) int32 {
	alike := r.alike(was, f.configures())
	r.key = append(r.key[:0], byte(alike), byte(alike>>8), byte(alike>>16), byte(alike>>24))
	complete := true
	for k := range f.feeds {
		d, _ := f.feeds[k].at(n)
		o := inputOf(was, f.feeds[k].name, k)
		moved := o != nil && o.From == f.feeds[k].from && o.Partitions != f.feeds[k].partitions(n)
		changed := o != nil && !d.IsZero() && d != o.DataVersion
		complete = complete && !d.IsZero()
		r.key = append(r.key, bit(changed)|bit(moved)<<1)
	}
	r.key = append(r.key, bit(complete))
	r.key = append(r.key, f.configChange(n, was.Config)...)
	if g, ok := r.byKey[string(r.key)]; ok {
		return g
	}
	g := &group{was: *was, first: n, alike: alike, complete: complete}
	for k := range f.feeds {
		d, _ := f.feeds[k].at(n)
		g.data, g.changed, g.moved = append(g.data, d), append(g.changed, r.key[4+k]&1 != 0), append(g.moved, r.key[4+k]&2 != 0)
	}
	if alike == int32(len(r.groups)) {
		r.last = alike
	}
	r.byKey[string(r.key)] = int32(len(r.groups))
	r.groups = append(r.groups, g)
	return int32(len(r.groups) - 1)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// inputOf is the input of a record with a name, which is mostly at the same place.
func inputOf(was *storage.Record, name string, at int) *storage.Input {
	if at < len(was.Inputs) && was.Inputs[at].Name == name {
		return &was.Inputs[at]
	}
	for i := range was.Inputs {
		if was.Inputs[i].Name == name {
			return &was.Inputs[i]
		}
	}
	return nil
}

// alike is the first group whose record was made alike; the number of the next group where there is none.
func (r *partCauses) alike(was *storage.Record, configures bool) int32 {
	alike := func(g *group) bool {
		return madeAlike(&g.was, was) && (configures || bytes.Equal(g.was.Config, was.Config)) // where each has its own config, how that changed is a part of the key
	}
	if int(r.last) < len(r.groups) && alike(r.groups[r.last]) {
		return r.last
	}
	for i, g := range r.groups {
		if !g.said && g.alike == int32(i) && alike(g) {
			r.last = g.alike
			return g.alike
		}
	}
	return int32(len(r.groups))
}

// madeAlike reports whether two records differ in nothing but data, config and partition, as far as explanations go.
func madeAlike(a, b *storage.Record) bool {
	return a.Symbol != "" && a.Code == b.Code && a.Symbol == b.Symbol && a.Manifest == b.Manifest && maps.Equal(a.Resources, b.Resources) && maps.Equal(a.Env, b.Env) &&
		slices.EqualFunc(a.Inputs, b.Inputs, func(x, y storage.Input) bool { return x.Name == y.Name && x.From == y.From }) &&
		slices.EqualFunc(a.Outputs, b.Outputs, func(x, y storage.Output) bool { return x.Name == y.Name })
}

// unfit notes that a record of the right content cannot stand for a partition.
func (f *finder) unfit(n int, why Reason) {
	f.state[n] |= unfit
	f.group[n] = f.why.fixed(Cause{Code: why.Code, Text: why.Text})
}

// explain finds the causes of a group, as [statusMaker.differs] does for one step.
func (r *partCauses) explain(f *finder, g *group) {
	g.said = true
	s := *f.step
	if w, err := f.workAt(g.first); err == nil {
		s.work = w
	}
	s.Latest, s.Reasons = &g.was, f.step.forced[:len(f.step.forced):len(f.step.forced)]
	f.fetchManifests([]*Step{&s})
	f.compare(&s, &g.was, false)
	for _, why := range s.Reasons {
		g.causes = append(g.causes, Cause{Code: why.Code, Text: why.Text})
		g.own = g.own || !slices.Contains(f.step.forced, why)
	}
	r.inputs(f, g)
	if len(g.causes) == 0 && g.complete {
		g.causes, g.own = []Cause{{Code: ReasonTypes, Text: typesChanged}}, true
	}
}

// inputs says how what a group takes differs from what it was made from.
func (r *partCauses) inputs(f *finder, g *group) {
	old := map[string]*storage.Input{}
	for i := range g.was.Inputs {
		old[g.was.Inputs[i].Name] = &g.was.Inputs[i]
	}
	add := func(own bool, code, from, format string, args ...any) {
		g.causes = append(g.causes, Cause{Code: code, Asset: from, Text: fmt.Sprintf(format, args...)})
		g.own = g.own || own
	}
	var news []int
	for k := range f.feeds {
		l := &f.feeds[k]
		o := old[l.name]
		delete(old, l.name)
		switch {
		case o == nil:
			news = append(news, k)
		case g.moved[k]:
			add(true, CauseDependency, l.from, "input %s is made from other partitions of %q than before", l.name, l.from)
		case !g.changed[k]:
		case l.from == "":
			add(true, ReasonInput, "", "input %s: another value is passed", l.name)
		case o.From != l.from:
			add(true, CauseDependency, l.from, "input %s comes from %q now, from %s before", l.name, l.from, cmp.Or(quoted(o.From), "a value"))
		default:
			add(false, CauseData, l.from, "input %s: upstream %q has new data", l.name, l.from)
			g.from = append(g.from, k)
		}
	}
	for _, k := range news {
		renamed := ""
		for _, name := range slices.Sorted(maps.Keys(old)) {
			if renamed == "" && old[name].DataVersion == g.data[k] {
				renamed = name
			}
		}
		if delete(old, renamed); renamed != "" {
			add(true, CauseDependency, f.feeds[k].from, "input %s was called %s before", f.feeds[k].name, renamed)
		} else {
			add(true, CauseDependency, f.feeds[k].from, "input %s is new", f.feeds[k].name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		add(true, CauseDependency, old[name].From, "input %s is gone", name)
	}
}

// tell gives every partition its causes, and the asset the places where they begin.
func (r *partCauses) tell(f *finder) {
	never := r.fixed(Cause{Code: neverMaterialized[0].Code, Text: neverMaterialized[0].Text})
	lost := r.fixed(Cause{Code: ReasonDamaged, Text: "its stored value is missing or damaged"})
	forced := -1
	if f.step.forced != nil {
		forced = len(r.groups)
		r.groups = append(r.groups, &group{causes: causesOf(f.step.forced), said: true})
	}
	above := make([][3]int, len(f.feeds)) // where the cause is that one above is not fresh, and 1
	for n := range f.n {
		if f.action[n] == reuse8 {
			continue
		}
		g := int32(-1)
		switch st := f.state[n]; {
		case st&hasContent != 0:
			g = int32(forced)
		case st&unfit != 0:
			g = f.group[n]
		case st&(damaged|gone) != 0:
			g = lost
		case st&hasLatest == 0:
			g = never
		default:
			g = f.group[n]
		}
		if g >= 0 {
			r.tellGroup(f, r.groups[g], n)
		}
		if g == never {
			continue
		}
		for k := range f.feeds {
			l := &f.feeds[k]
			for _, ahead := range [2]freshness8{stale8, missing8} {
				if l.ahead(n)&aheadBit(ahead) == 0 {
					continue
				}
				if above[k][ahead] == 0 {
					up := l.standing()
					f.u.roots.union(up.roots)
					above[k][ahead] = 1 + r.indexOf(Cause{Code: ReasonUpstream, Asset: l.from, Text: fmt.Sprintf("upstream %q is %s", l.from, freshnesses[ahead])})
				}
				if at := &r.all[above[k][ahead]-1].at; len(*at) == 0 || (*at)[len(*at)-1].To <= n { // two feeds may lead to one asset
					at.add(n)
				}
			}
		}
	}
	r.sum()
}

// tellGroup gives a partition the causes of its group.
func (r *partCauses) tellGroup(f *finder, g *group, n int) {
	if !g.said {
		r.explain(f, g)
	}
	if g.index == nil {
		for _, c := range g.causes {
			g.index = append(g.index, r.indexOf(c))
		}
		if g.own {
			f.u.roots.add(f.rank(f.u))
			f.u.direct = true
		}
		for _, k := range g.from {
			up := f.feeds[k].standing()
			f.u.roots.add(f.rank(up))
			f.u.roots.union(up.roots)
			f.begins(up)
		}
	}
	for _, i := range g.index {
		r.all[i].at.add(n)
	}
}

// sum writes down what was found out.
func (r *partCauses) sum() {
	p := r.parts
	p.sum()
	p.said.Causes = make([]PartitionCause, len(r.all))
	p.u.causes = make([]Cause, len(r.all))
	for i, c := range r.all {
		p.said.Causes[i] = PartitionCause{c.Cause, Partitions{p.space.Numbers([]partition.Span(c.at)), p.space}}
		p.u.causes[i] = c.Cause
	}
}
