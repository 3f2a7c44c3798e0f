package partition

import (
	"errors"
	"fmt"
	"slices"
)

// A Mapping says which partitions of what is upstream those downstream are made from. Make one with [Identity], [Overlapping], [Shifted], [Everything], [Last], [Specific],
// [ByKey], [ByDimension] or [Func]; [Natural] chooses one.
//
// It is a relation between two spaces, and both directions are answered for whole sets: a partition u is upstream of d exactly where d is downstream of u.
type Mapping struct {
	name string
	rule rule
}

// String describes the mapping in a few words.
func (m Mapping) String() string { return m.name }

// A rule is a mapping between two spaces. check says why it does not fit them; up and down are called only where it does.
type rule interface {
	check(down, up *Space) error
	up(down, up *Space, of Set) (Set, error)
	down(down, up *Space, of Set) (Set, error)
}

// Check says why the mapping cannot connect two spaces; nil where it can.
func (m Mapping) Check(down, up *Space) error {
	if m.rule == nil {
		return errors.New("no partition mapping")
	}
	if err := m.rule.check(down, up); err != nil {
		return fmt.Errorf("partition mapping %s: %w", m.name, err)
	}
	return nil
}

// Upstream returns the partitions of up that those of the set in down are made from.
func (m Mapping) Upstream(down, up *Space, of Set) (Set, error) {
	if err := m.Check(down, up); err != nil || of.Empty() {
		return Set{}, err
	}
	return m.rule.up(down, up, of)
}

// Downstream returns the partitions of down that are made from those of the set in up.
func (m Mapping) Downstream(down, up *Space, of Set) (Set, error) {
	if err := m.Check(down, up); err != nil || of.Empty() {
		return Set{}, err
	}
	return m.rule.down(down, up, of)
}

// Natural returns the mapping that holds where none is given: the same key where both have the same definition, windows that overlap where both are by time, the dimensions
// of one name where there are several, the dimension that is like the other side where only one side has dimensions, and else every partition.
func Natural(down, up *Definition) Mapping {
	switch {
	case alike(down, up, false):
		return Identity()
	case down.kind == kindTime && up.kind == kindTime:
		return Overlapping()
	case down.kind != kindMulti && up.kind != kindMulti:
		return Everything()
	}
	var pairs []Pair
	ofUp, ofDown := dimensionsOf(up), dimensionsOf(down)
	for _, u := range ofUp {
		for _, d := range ofDown {
			sameName := u.Name == d.Name && down.kind == up.kind
			if sameName || down.kind != up.kind && alike(d.Keys, u.Keys, false) {
				pairs = append(pairs, Pair{Down: d.Name, Up: u.Name, Mapping: Natural(d.Keys, u.Keys)})
				break
			}
		}
	}
	if down.kind != up.kind && len(pairs) == 0 {
		for _, u := range ofUp {
			for _, d := range ofDown {
				if len(pairs) == 0 && u.Keys.kind == kindTime && d.Keys.kind == kindTime {
					pairs = append(pairs, Pair{Down: d.Name, Up: u.Name, Mapping: Overlapping()})
				}
			}
		}
	}
	return ByDimension(pairs...)
}

func dimensionsOf(d *Definition) []Dimension {
	if d.kind == kindMulti {
		return d.dims
	}
	return []Dimension{{Keys: d}}
}

// cadence identifies when windows begin, wherever the first is.
func (w *windows) cadence() string { return w.sched.expr + " " + w.zone.String() }

// Identity takes the partition of the same key. Windows of one schedule are the same window, whatever the formats of their keys.
func Identity() Mapping { return Mapping{"identity", identity{}} }

type identity struct{}

func (identity) check(down, up *Space) error {
	if !slices.Equal(down.names, up.names) {
		return errors.New("the two have other dimensions; use ByDimension")
	}
	for i := range down.axes {
		d, dTimed := down.axes[i].(*windowAxis)
		u, uTimed := up.axes[i].(*windowAxis)
		if dTimed != uTimed || dTimed && d.def.cadence() != u.def.cadence() {
			return fmt.Errorf("the keys%s are not of one kind; use Overlapping for time windows, or ByKey", down.ofAxis(i))
		}
	}
	return nil
}

func (identity) up(down, up *Space, of Set) (Set, error) {
	return transfer(down.axes, up.axes, of), nil
}
func (identity) down(down, up *Space, of Set) (Set, error) {
	return transfer(up.axes, down.axes, of), nil
}

// transfer returns the points of the axes to that have the keys of a set of the axes from.
func transfer(from, to []axis, of Set) Set {
	var sets []Set
	for box := range of.Boxes() {
		var along []Set
		for i, span := range box {
			along = append(along, transferSpan(from[i], to[i], span))
		}
		sets = append(sets, product(along))
	}
	return Union(sets...)
}

func transferSpan(from, to axis, span Span) Set {
	if f, ok := from.(*windowAxis); ok {
		t := to.(*windowAxis)
		// Windows of one schedule differ by where their numbers begin.
		first, _ := f.line.tick(f.skip)
		shift := t.line.before(first) - t.skip
		if first < t.def.start {
			begin, _ := t.line.tick(t.skip)
			shift = f.skip - f.line.before(begin)
		}
		return Box(clip(Span{span.From + shift, span.To + shift}, to.len()))
	}
	f, t := from.(*listing), to.(*listing)
	if slices.Equal(f.keys, t.keys) {
		return Box(span)
	}
	var points []Point
	for _, key := range f.keys[span.From:span.To] {
		if i, ok := t.find(key); ok {
			points = append(points, Point{i})
		}
	}
	return Of(points...)
}

func clip(s Span, n int) Span { return Span{max(s.From, 0), min(s.To, n)} }

// product returns the points that are in each of the sets along its axis; those are sets of one axis.
func product(along []Set) Set {
	var root *region
	for i := len(along) - 1; i >= 0; i-- {
		if along[i].Empty() {
			return Set{}
		}
		r := &region{runs: along[i].root.runs}
		if root != nil {
			r.subs = make([]*region, len(r.runs))
			for j := range r.subs {
				r.subs[j] = root
			}
		}
		root = r
	}
	return Set{root}
}
