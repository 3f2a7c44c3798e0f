package partition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Overlapping takes the windows that share time with those downstream: the days of a week, or the week of a day.
func Overlapping() Mapping { return Mapping{"overlapping", overlap{}} }

// Shifted takes the windows that share time with a stretch around the window downstream: from the beginning of the window that is from windows further, to the end of the
// one that is to windows further, both counted downstream; negative numbers are earlier. Shifted(-1, -1) is the window before, Shifted(-6, 0) the last seven.
func Shifted(from, to int) Mapping {
	return Mapping{fmt.Sprintf("shifted(%d, %d)", from, to), overlap{from, to}}
}

type overlap struct{ first, last int }

// farthest is how far a window may be shifted: more is a slip, and would be windows of another age of the calendar.
const farthest = 1_000_000

func (o overlap) check(down, up *Space) error {
	switch {
	case o.first > o.last:
		return errors.New("the stretch ends before it begins")
	case o.first < -farthest || o.last > farthest:
		return fmt.Errorf("it is shifted by more than %d windows", farthest)
	}
	if _, _, ok := timedAxes(down, up); !ok {
		return errors.New("both sides need time windows, without other dimensions; use ByDimension where there are several")
	}
	return nil
}

func timedAxes(down, up *Space) (d, u *windowAxis, ok bool) {
	if len(down.axes) != 1 || len(up.axes) != 1 {
		return nil, nil, false
	}
	d, okD := down.axes[0].(*windowAxis)
	u, okU := up.axes[0].(*windowAxis)
	return d, u, okD && okU
}

func (o overlap) up(down, up *Space, of Set) (Set, error) {
	d, u, _ := timedAxes(down, up)
	var sets []Set
	for _, span := range of.Spans() {
		from, to := d.moment(span.From+o.first), d.moment(span.To+o.last)
		// The first window upstream that ends after from, up to the first that begins at to or later.
		first := u.line.before(from+1) - u.skip - 1
		sets = append(sets, Box(clip(Span{first, u.line.before(to) - u.skip}, u.n)))
	}
	return Union(sets...), nil
}

func (o overlap) down(down, up *Space, of Set) (Set, error) {
	d, u, _ := timedAxes(down, up)
	var sets []Set
	for _, span := range of.Spans() {
		from, to := u.moment(span.From), u.moment(span.To)
		// Number i is made from the span where what it takes ends after from and begins before to.
		sets = append(sets, Box(clip(Span{d.position(from+1) - 1 - o.last, d.position(to) - o.first}, d.n)))
	}
	return Union(sets...), nil
}

// Everything takes all partitions.
func Everything() Mapping {
	return Mapping{"everything", chosen{func(up *Space) (Set, error) { return up.All(), nil }}}
}

// Last takes the last partition.
func Last() Mapping {
	return Mapping{"last", chosen{func(up *Space) (Set, error) {
		spans := make([]Span, len(up.axes))
		for i, a := range up.axes {
			spans[i] = Span{max(a.len()-1, 0), a.len()}
		}
		return Box(spans...), nil
	}}}
}

// Specific takes the partitions with the given keys.
func Specific(keys ...string) Mapping {
	keys = slices.Clone(keys)
	return Mapping{fmt.Sprintf("specific %q", keys), chosen{func(up *Space) (Set, error) {
		var points []Point
		var errs []error
		for _, key := range keys {
			p, err := up.Find(key)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			points = append(points, p)
		}
		return Of(points...), errors.Join(errs...)
	}}}
}

// chosen is a mapping by which all partitions downstream are made from the same ones.
type chosen struct{ choose func(up *Space) (Set, error) }

func (c chosen) check(_, up *Space) error {
	_, err := c.choose(up)
	return err
}

func (c chosen) up(_, up *Space, _ Set) (Set, error) { return c.choose(up) }

func (c chosen) down(down, up *Space, of Set) (Set, error) {
	set, err := c.choose(up)
	if err != nil || set.Intersect(of).Empty() {
		return Set{}, err
	}
	return down.All(), nil
}

// ByKey takes the partitions upstream for which downstream lists the key: it says for each key upstream which keys downstream are made from it.
func ByKey(downstream map[string][]string) Mapping {
	table := maps.Clone(downstream)
	return Mapping{"by key", byKey{table}}
}

type byKey struct{ table map[string][]string }

// check asks for every key of the table, so that a key that was misspelt or removed is not silently without effect.
func (b byKey) check(down, up *Space) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(b.table)) {
		if _, err := up.Find(key); err != nil {
			errs = append(errs, fmt.Errorf("upstream: %w", err))
		}
		for _, to := range b.table[key] {
			if _, err := down.Find(to); err != nil {
				errs = append(errs, fmt.Errorf("downstream: %w", err))
			}
		}
	}
	return errors.Join(errs...)
}

func (b byKey) up(down, up *Space, of Set) (Set, error) {
	return b.pairs(down, up, func(d, u Point) (Point, bool) { return u, of.Has(d) })
}

func (b byKey) down(down, up *Space, of Set) (Set, error) {
	return b.pairs(down, up, func(d, u Point) (Point, bool) { return d, of.Has(u) })
}

func (b byKey) pairs(down, up *Space, choose func(d, u Point) (Point, bool)) (Set, error) {
	var points []Point
	for _, key := range slices.Sorted(maps.Keys(b.table)) {
		u, err := up.Find(key)
		if err != nil {
			return Set{}, err
		}
		for _, to := range b.table[key] {
			d, err := down.Find(to)
			if err != nil {
				return Set{}, err
			}
			if p, ok := choose(d, u); ok {
				points = append(points, p)
			}
		}
	}
	return Of(points...), nil
}

// Func takes the partitions whose keys f returns for a key downstream. It is asked for every partition downstream to find what is made from some upstream, so
// the other mappings are better for many.
func Func(name string, f func(key string) ([]string, error)) Mapping { return Mapping{name, custom{f}} }

type custom struct {
	f func(key string) ([]string, error)
}

func (c custom) check(_, _ *Space) error { return nil }

func (c custom) one(down, up *Space, p Point) (Set, error) {
	key := down.Key(p)
	keys, err := c.f(key)
	if err != nil {
		return Set{}, fmt.Errorf("partition %q: %w", key, err)
	}
	var points []Point
	for _, k := range keys {
		u, err := up.Find(k)
		if err != nil {
			return Set{}, fmt.Errorf("partition %q: %w", key, err)
		}
		points = append(points, u)
	}
	return Of(points...), nil
}

func (c custom) up(down, up *Space, of Set) (Set, error) {
	var sets []Set
	for p := range of.Points() {
		set, err := c.one(down, up, p)
		if err != nil {
			return Set{}, err
		}
		sets = append(sets, set)
	}
	return Union(sets...), nil
}

func (c custom) down(down, up *Space, of Set) (Set, error) {
	var points []Point
	for p := range down.All().Points() {
		set, err := c.one(down, up, p)
		if err != nil {
			return Set{}, err
		}
		if !set.Intersect(of).Empty() {
			points = append(points, p)
		}
	}
	return Of(points...), nil
}
