package partition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Pair connects a dimension downstream with one upstream. The name is empty for a side that is no [Multi].
type Pair struct {
	Down, Up string
	Mapping  Mapping
}

// ByDimension connects dimensions one by one. A dimension upstream that is in no pair is taken with all its keys; one downstream that is in none makes no difference.
func ByDimension(pairs ...Pair) Mapping {
	pairs = slices.Clone(pairs)
	var parts []string
	for _, p := range pairs {
		parts = append(parts, fmt.Sprintf("%s from %s %s", p.Down, p.Up, p.Mapping.name))
	}
	return Mapping{"by dimension (" + strings.Join(parts, ", ") + ")", byDimension{pairs}}
}

type byDimension struct{ pairs []Pair }

func (b byDimension) check(down, up *Space) error {
	var errs []error
	for i, p := range b.pairs {
		d, u := slices.Index(down.names, p.Down), slices.Index(up.names, p.Up)
		switch {
		case d < 0:
			errs = append(errs, fmt.Errorf("downstream has no dimension %q", p.Down))
		case u < 0:
			errs = append(errs, fmt.Errorf("upstream has no dimension %q", p.Up))
		default:
			errs = append(errs, p.Mapping.Check(down.only(d), up.only(u)))
		}
		for _, q := range b.pairs[:i] {
			if q.Down == p.Down || q.Up == p.Up {
				errs = append(errs, fmt.Errorf("dimension %q or %q is in two pairs", p.Down, p.Up))
			}
		}
	}
	return errors.Join(errs...)
}

// only is the space of one axis.
func (s *Space) only(i int) *Space { return &Space{names: []string{""}, axes: s.axes[i : i+1]} }

func (b byDimension) up(down, up *Space, of Set) (Set, error) {
	return b.through(down, up, of, func(p Pair) (from, to string) { return p.Down, p.Up },
		func(p Pair, from, to *Space, of Set) (Set, error) { return p.Mapping.Upstream(from, to, of) })
}

func (b byDimension) down(down, up *Space, of Set) (Set, error) {
	return b.through(up, down, of, func(p Pair) (from, to string) { return p.Up, p.Down },
		func(p Pair, from, to *Space, of Set) (Set, error) { return p.Mapping.Downstream(to, from, of) })
}

// through maps a set block by block: along each axis that is in a pair by that, and to all numbers along any other.
func (b byDimension) through(from, to *Space, of Set, ends func(Pair) (string, string), one func(p Pair, from, to *Space, of Set) (Set, error)) (Set, error) {
	var sets []Set
	for box := range of.Boxes() {
		along := make([]Set, len(to.axes))
		for i, a := range to.axes {
			along[i] = Box(Span{0, a.len()})
		}
		for _, p := range b.pairs {
			a, z := ends(p)
			i, j := slices.Index(from.names, a), slices.Index(to.names, z)
			set, err := one(p, from.only(i), to.only(j), Box(box[i]))
			if err != nil {
				return Set{}, err
			}
			along[j] = set
		}
		sets = append(sets, product(along))
	}
	return Union(sets...), nil
}
