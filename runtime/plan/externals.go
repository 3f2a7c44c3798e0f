package plan

import (
	"fmt"
	"slices"
)

// externals finds the stored outputs of unselected steps that selected ones take.
func (b *builder) externals(fresh []*Step) error {
	var hidden []*Step
	for _, s := range fresh {
		if s.Hidden && !s.source() {
			hidden = append(hidden, s)
		}
	}
	if hidden == nil {
		return nil
	}
	latest, err := b.newest(hidden)
	if err != nil {
		return err
	}
	type lack struct {
		clause, name string // of who needs it and what is needed, in all partitions
	}
	type found struct {
		taker, key string // the first of them
		count      int
	}
	var lacks []lack
	founds := map[lack]*found{}
	for _, s := range hidden {
		s.Action, s.decided = Reuse, true
		s.Record = newestOf(s, latest)
		if s.Record != nil && hasOutputs(s.Op, s.Record) {
			continue
		}
		below := b.Target.Graph.below(s.Place)
		if at := slices.IndexFunc(below, func(c int32) bool { return b.Target.selected[c] }); at >= 0 {
			l := lack{b.Target.Graph.Clause(below[at]), s.Node.Name}
			if founds[l] == nil {
				lacks = append(lacks, l)
				founds[l] = &found{taker: b.describe(below[at]), key: s.Key}
			}
			founds[l].count++
		}
	}
	var wrong problems
	for _, l := range lacks {
		f := founds[l]
		what := fmt.Sprintf("%q, which is not selected and has never been stored", f.key)
		if f.count > 1 {
			what = fmt.Sprintf("%q and %d more of %q, which are not selected and have never been stored", f.key, f.count-1, l.name)
		}
		wrong.add("not_stored", "%s needs %s; select %q, or run %q first", f.taker, what, "+"+l.clause, l.name)
	}
	return wrong.err()
}
