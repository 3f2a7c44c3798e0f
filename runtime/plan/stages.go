package plan

import (
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
)

// Stages are the assets with partitions of a target, in groups that can be computed one after the other, whatever else a group has computed: each has partitions of one definition, and takes of
// others no more than what stands in an earlier one. They are what is read off the definitions: which partitions take part is found by [Stages.Choose].
type Stages struct {
	List   []Stage
	t      *Target
	number map[*opInfo]int // of the stage of an asset
}

// A Stage is assets with partitions of one definition.
type Stage struct {
	Definition *partition.Definition // that of the asset that begins first: its numbers stay the same however many partitions there come to be
	Name       string                // of its first asset
	Selection  string                // of its assets, with those without partitions that they are made from; of the first stage also with what is made from nothing that has some

	assets []*opInfo
}

// Stages finds the stages of the assets that are selected. The error is an [*Error], for a selected asset without partitions that stands between two stages or behind them: it is made of all
// partitions, and of which run it were a part nothing says.
func (t *Target) Stages() (*Stages, error) {
	out := &Stages{t: t, number: map[*opInfo]int{}}
	p := parting{t: t}
	level, behind := map[*opInfo]int{}, map[*opInfo]bool{}
	var wrong problems
	for _, o := range t.Graph.assets {
		if !p.selected(o) || o.op.Check != nil || o.op.Kind == dag.KindSource {
			continue
		}
		for l := range o.links {
			up := l.up
			switch n, staged := level[up]; {
			case up == o:
			case behind[up], staged && o.op.Partitions == nil:
				behind[o] = true
			case staged && !partition.Alike(o.op.Partitions, up.op.Partitions):
				level[o] = max(level[o], n+1)
			case staged:
				level[o] = max(level[o], n)
			}
		}
		switch {
		case behind[o] && o.op.Partitions == nil:
			wrong.add("several_partitions", "asset %q takes all partitions, and those that are selected are computed one definition after the other; leave it out with --select, and bring it up to date after the backfill", o.op.Key)
		case o.op.Partitions != nil:
			level[o] = max(level[o], 0)
		}
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	for _, o := range t.Graph.assets {
		if n, staged := level[o]; staged {
			out.put(o, n, level)
		}
	}
	slices.SortStableFunc(out.List, func(a, b Stage) int { return level[a.assets[0]] - level[b.assets[0]] })
	placed := map[*opInfo]bool{}
	for i := range out.List {
		s := &out.List[i]
		for _, o := range s.assets {
			out.number[o] = i
		}
		s.Selection = strings.Join(out.clauses(s.assets, placed), ", ")
	}
	var apart []*opInfo // made from nothing with partitions, and nothing with partitions from them
	for _, o := range t.Graph.assets {
		if p.selected(o) && !placed[o] && o.op.Check == nil && o.op.Kind != dag.KindSource {
			apart = append(apart, o)
		}
	}
	if len(apart) > 0 && len(out.List) > 0 {
		first := &out.List[0]
		first.Selection = strings.Join(out.clauses(slices.Concat(first.assets, apart), placed), ", ")
	}
	return out, nil
}

// put puts an asset into the stage of its level and definition.
func (ss *Stages) put(o *opInfo, n int, level map[*opInfo]int) {
	for i := range ss.List {
		if s := &ss.List[i]; level[s.assets[0]] == n && partition.Alike(s.Definition, o.op.Partitions) {
			s.assets, s.Definition = append(s.assets, o), partition.Earliest(s.Definition, o.op.Partitions)
			return
		}
	}
	ss.List = append(ss.List, Stage{Definition: o.op.Partitions, Name: o.op.Key, assets: []*opInfo{o}})
}

// first is the asset of a stage that begins first.
func (s *Stage) first() *opInfo {
	return s.assets[slices.IndexFunc(s.assets, func(o *opInfo) bool { return o.op.Partitions == s.Definition })]
}

// clauses select some assets, and of those that they are made from the selected ones without partitions. All are noted in placed.
func (ss *Stages) clauses(assets []*opInfo, placed map[*opInfo]bool) (list []string) {
	p := parting{t: ss.t}
	seen := map[*opInfo]bool{}
	var add func(o *opInfo)
	add = func(o *opInfo) {
		if seen[o] {
			return
		}
		seen[o], placed[o] = true, true
		for l := range o.links {
			if l.up.op.Partitions == nil && l.up.op.Kind != dag.KindSource && p.selected(l.up) {
				add(l.up)
			}
		}
		list = append(list, ss.t.Graph.Clause(ss.t.Graph.homes[o]))
	}
	for _, o := range assets {
		add(o)
	}
	return list
}

// Spaces are the partitions that the definition of each stage has at a time.
func (ss *Stages) Spaces(at partition.At) ([]*partition.Space, error) {
	r := resolved{at: at}
	out := make([]*partition.Space, len(ss.List))
	for i := range ss.List {
		var err error
		if out[i], err = r.space(ss.List[i].first()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Choose finds the partitions of each stage that a run with a selection of partitions would compute: those that it says, those that are made from these, and all that something of these is made
// from. The error is that of [Target.In].
func (ss *Stages) Choose(selection string, at partition.At) ([]partition.Set, error) {
	p := parting{t: ss.t, resolved: resolved{at: at}, chosen: map[*opInfo]partition.Set{}, all: map[*opInfo]partition.Set{}}
	if err := p.choose(strings.TrimSpace(selection)); err != nil {
		return nil, err
	}
	return ss.gather(&p)
}

// gather puts together what was found of the assets of each stage.
func (ss *Stages) gather(p *parting) ([]partition.Set, error) {
	out := make([]partition.Set, len(ss.List))
	for i := range ss.List {
		s := &ss.List[i]
		to, err := p.space(s.first())
		if err != nil {
			return nil, err
		}
		for _, o := range s.assets {
			from, err := p.space(o)
			if err != nil {
				return nil, err
			}
			same, err := partition.Identity().Upstream(from, to, p.chosen[o]) // they may begin at other times
			if err != nil {
				return nil, err
			}
			if same.Len() < p.chosen[o].Len() {
				var wrong problems
				wrong.add("several_partitions", "asset %q has partitions (%s) before or after those of others of its schedule; select it without them", o.op.Key, o.op.Partitions)
				return nil, wrong.err()
			}
			out[i] = out[i].Union(same)
		}
	}
	return out, nil
}

// MadeFrom finds the partitions of each stage that are made from some of earlier ones, also by way of others.
func (ss *Stages) MadeFrom(sets []partition.Set, at partition.At) ([]partition.Set, error) {
	p := parting{t: ss.t, resolved: resolved{at: at}, chosen: map[*opInfo]partition.Set{}}
	of := map[*opInfo]partition.Set{}
	for i := range ss.List {
		s := &ss.List[i]
		from, err := p.space(s.first())
		if err != nil {
			return nil, err
		}
		for _, o := range s.assets {
			to, err := p.space(o)
			if err != nil {
				return nil, err
			}
			if of[o], err = partition.Identity().Upstream(from, to, sets[i]); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range ss.t.Graph.assets { // what is upstream comes before
		n, staged := ss.number[o]
		if !staged {
			continue
		}
		for l := range o.links {
			if up, staged := ss.number[l.up]; !staged || up == n {
				continue
			}
			more, err := p.downstream(o, l, of[l.up].Union(p.chosen[l.up]))
			if err != nil {
				return nil, err
			}
			p.chosen[o] = p.chosen[o].Union(more)
		}
	}
	return ss.gather(&p)
}
