package partition

import (
	"iter"
	"slices"
	"sort"
)

// A Set is some partitions of a space. It is as small as the ranges that it is made of, whatever they hold: all partitions of a space are one range an axis.
// The zero value is empty. Sets that are combined are of one space.
type Set struct{ root *region }

// Box returns the points that are within a span along each axis; no point where a span is empty.
func Box(spans ...Span) Set {
	var root *region
	for i := len(spans) - 1; i >= 0; i-- {
		if spans[i].From >= spans[i].To {
			return Set{}
		}
		r := &region{runs: []Span{spans[i]}}
		if root != nil {
			r.subs = []*region{root}
		}
		root = r
	}
	return Set{root}
}

// Of returns the set of the given points.
func Of(points ...Point) Set {
	// In order, neighbours join early.
	sorted := slices.SortedFunc(slices.Values(points), slices.Compare[Point])
	parts := make([]*region, len(sorted))
	for i, p := range sorted {
		parts[i] = point(p)
	}
	return Set{unionAll(parts)}
}

func point(p Point) *region {
	r := &region{runs: []Span{{p[0], p[0] + 1}}}
	if len(p) > 1 {
		r.subs = []*region{point(p[1:])}
	}
	return r
}

// Union returns what is in one of the sets.
func Union(sets ...Set) Set {
	parts := make([]*region, len(sets))
	for i, s := range sets {
		parts[i] = s.root
	}
	return Set{unionAll(parts)}
}

// Union returns what is in s or in o.
func (s Set) Union(o Set) Set { return Set{combine(s.root, o.root, opUnion)} }

// Intersect returns what is in s and in o.
func (s Set) Intersect(o Set) Set { return Set{combine(s.root, o.root, opIntersect)} }

// Minus returns what is in s and not in o.
func (s Set) Minus(o Set) Set { return Set{combine(s.root, o.root, opMinus)} }

// Len counts the partitions in the set.
func (s Set) Len() int { return s.root.size() }

// Empty says whether there is none.
func (s Set) Empty() bool { return s.root.empty() }

// Equal says whether both have the same partitions.
func (s Set) Equal(o Set) bool { return same(s.root, o.root) }

// Has says whether a partition is in the set.
func (s Set) Has(p Point) bool {
	r := s.root
	for _, n := range p {
		if r.empty() {
			return false
		}
		i := sort.Search(len(r.runs), func(i int) bool { return r.runs[i].To > n })
		if i == len(r.runs) || n < r.runs[i].From {
			return false
		}
		if r.subs == nil {
			return true
		}
		r = r.subs[i]
	}
	return false
}

// Points goes through the partitions in their order: by the first axis, then by the next. Each point is the caller's own.
func (s Set) Points() iter.Seq[Point] {
	return func(yield func(Point) bool) {
		if !s.root.empty() {
			s.root.points(nil, yield)
		}
	}
}

func (r *region) points(prefix Point, yield func(Point) bool) bool {
	for i, run := range r.runs {
		for n := run.From; n < run.To; n++ {
			at := append(prefix, n)
			if r.subs == nil {
				if !yield(slices.Clone(at)) {
					return false
				}
			} else if !r.subs[i].points(at, yield) {
				return false
			}
		}
	}
	return true
}

// Boxes goes through the set in blocks: a span along each axis. Together they are the set, and no point is in two of them. The slice is used again.
func (s Set) Boxes() iter.Seq[[]Span] {
	return func(yield func([]Span) bool) {
		if !s.root.empty() {
			s.root.boxes(nil, yield)
		}
	}
}

func (r *region) boxes(prefix []Span, yield func([]Span) bool) bool {
	for i, run := range r.runs {
		box := append(prefix, run)
		if r.subs == nil {
			if !yield(box) {
				return false
			}
		} else if !r.subs[i].boxes(box, yield) {
			return false
		}
	}
	return true
}

// Spans returns the ranges of a set with one axis, ascending.
func (s Set) Spans() []Span {
	if s.root == nil {
		return nil
	}
	return slices.Clone(s.root.runs)
}

// First returns the first n partitions of the set, all of them where it has fewer.
func (s Set) First(n int) []Point {
	var points []Point
	if n <= 0 {
		return nil
	}
	for p := range s.Points() {
		if points = append(points, p); len(points) == n {
			break
		}
	}
	return points
}
