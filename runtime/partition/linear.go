package partition

import (
	"iter"
	"slices"
)

// The partitions of a space have numbers in one row: as Points goes through them, the last axis first. What is known of each of a million of them is kept in arrays by that number.

// Number returns the number of a partition among all of the space.
func (s *Space) Number(p Point) int {
	n := 0
	for i, a := range s.axes {
		n = n*a.len() + p[i]
	}
	return n
}

// Numbered goes through the partitions with numbers from one up to another, which is not one of them. The point is used again.
func (s *Space) Numbered(from, to int) iter.Seq2[int, Point] {
	return func(yield func(int, Point) bool) {
		to = min(to, s.Len())
		if from >= to {
			return
		}
		p := make(Point, len(s.axes))
		rest := from
		for i, a := range slices.Backward(s.axes) {
			p[i] = rest % a.len()
			rest /= a.len()
		}
		for n := from; n < to; n++ {
			if !yield(n, p) {
				return
			}
			for i := len(p) - 1; i >= 0; i-- {
				if p[i]++; p[i] < s.axes[i].len() {
					break
				}
				p[i] = 0
			}
		}
	}
}

// Numbers returns the partitions with the numbers in the given spans, which are ascending and do not touch.
func (s *Space) Numbers(spans []Span) Set {
	sizes := make([]int, len(s.axes)) // of what one number along each axis stands for
	size := 1
	for i, a := range slices.Backward(s.axes) {
		sizes[i] = size
		size *= a.len()
	}
	if len(spans) == 0 || size == 0 {
		return Set{}
	}
	return Set{s.numbers(0, sizes, spans)}
}

func (s *Space) numbers(depth int, sizes []int, spans []Span) *region {
	out := &region{}
	if depth == len(sizes)-1 {
		for _, span := range spans {
			out.add(span, nil)
		}
		return out
	}
	size := sizes[depth]
	var whole *region // of the axes below
	start := spans[0].From
	for i := 0; i < len(spans); {
		row := start / size
		if n := (spans[i].To - start) / size; start%size == 0 && n > 0 {
			if whole == nil {
				whole = s.numbers(depth+1, sizes, []Span{{0, size}})
			}
			out.add(Span{row, row + n}, whole)
			start += n * size
		} else {
			var within []Span
			end := (row + 1) * size
			for start < end {
				to := min(spans[i].To, end)
				within = append(within, Span{start - row*size, to - row*size})
				if start = to; start < spans[i].To { // the rest is of the next row
					break
				}
				if i++; i == len(spans) {
					break
				}
				start = spans[i].From
			}
			out.add(Span{row, row + 1}, s.numbers(depth+1, sizes, within))
			continue
		}
		if start == spans[i].To {
			if i++; i < len(spans) {
				start = spans[i].From
			}
		}
	}
	return out
}

// InNumbers goes through the spans of numbers that a set is, ascending.
func (s *Space) InNumbers(set Set) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		var last Span
		more := set.root.empty() || s.spans(set.root, 0, 0, func(span Span) bool {
			if last.To > last.From && span.From == last.To {
				last.To = span.To
				return true
			}
			before := last
			last = span
			return before.To == before.From || yield(before)
		})
		if more && last.To > last.From {
			yield(last)
		}
	}
}

// spans gives the spans of a region, those of one row after the other.
func (s *Space) spans(r *region, depth, base int, yield func(Span) bool) bool {
	base *= s.axes[depth].len()
	for i, run := range r.runs {
		if r.subs == nil {
			if !yield(Span{base + run.From, base + run.To}) {
				return false
			}
			continue
		}
		for k := run.From; k < run.To; k++ {
			if !s.spans(r.subs[i], depth+1, base+k, yield) {
				return false
			}
		}
	}
	return true
}
