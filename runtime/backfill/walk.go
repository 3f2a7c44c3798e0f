package backfill

import (
	"iter"
	"math"

	"github.com/dagstergen/dagstergen/runtime/partition"
)

// walk goes through the partitions of a set by time, the earliest or the latest first; by the order of the keys where they are not by time. Of several dimensions the one that is by time
// comes first, and where none is, or more than one, the first dimension; those of one key there stand in the order of the space.
func walk(space *partition.Space, set partition.Set, newest bool) iter.Seq[partition.Point] {
	axis, _ := space.TimeAxis()
	return func(yield func(partition.Point) bool) {
		several := len(space.Dimensions()) > 1
		for n := range numbers(along(set, axis), newest) {
			if !several {
				if !yield(partition.Point{n}) {
					return
				}
				continue
			}
			for p := range slice(set, len(space.Dimensions()), axis, n).Points() {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// along returns the numbers that the points of a set have on an axis.
func along(set partition.Set, axis int) []partition.Span {
	var parts []partition.Set
	for box := range set.Boxes() {
		parts = append(parts, partition.Box(box[axis]))
	}
	return partition.Union(parts...).Spans()
}

// slice is the points of a set that have a number on an axis.
func slice(set partition.Set, axes, axis, n int) partition.Set {
	spans := make([]partition.Span, axes)
	for i := range spans {
		spans[i] = partition.Span{From: 0, To: math.MaxInt}
	}
	spans[axis] = partition.Span{From: n, To: n + 1}
	return set.Intersect(partition.Box(spans...))
}

func numbers(spans []partition.Span, falling bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range spans {
			span := spans[i]
			if falling {
				span = spans[len(spans)-1-i]
			}
			for k := range span.To - span.From {
				n := span.From + k
				if falling {
					n = span.To - 1 - k
				}
				if !yield(n) {
					return
				}
			}
		}
	}
}

// chunks cuts what walk gives into sets of n partitions, the last one of what is left; all are one set where n is 0.
func chunks(space *partition.Space, set partition.Set, newest bool, n int) iter.Seq[partition.Set] {
	return func(yield func(partition.Set) bool) {
		if n == 0 {
			if !set.Empty() {
				yield(set)
			}
			return
		}
		part := make([]partition.Point, 0, min(n, 1000))
		for p := range walk(space, set, newest) {
			if part = append(part, p); len(part) == n {
				if !yield(partition.Of(part...)) {
					return
				}
				part = part[:0]
			}
		}
		if len(part) > 0 {
			yield(partition.Of(part...))
		}
	}
}
