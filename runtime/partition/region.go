package partition

// A region is a set of points in one form: runs along the first axis, ascending, each with the region of the other axes that is the same for all its numbers. Runs that touch have
// different regions, and no region is empty, so equal sets are equal regions. subs is nil for the last axis. A block of any size is one run per axis.
//
// Regions are never modified: operations share parts of what they are given.
type region struct {
	runs []Span
	subs []*region
}

// A Span is the numbers from From, up to To, which is not one of them.
type Span struct{ From, To int }

func (r *region) empty() bool { return r == nil || len(r.runs) == 0 }

func (r *region) sub(i int) *region {
	if r.subs == nil {
		return nil
	}
	return r.subs[i]
}

// add appends a run that is not before the last one, and joins the two where they are one.
func (r *region) add(run Span, sub *region) {
	if n := len(r.runs); n > 0 && r.runs[n-1].To == run.From && same(r.sub(n-1), sub) {
		r.runs[n-1].To = run.To
		return
	}
	r.runs = append(r.runs, run)
	if sub != nil {
		r.subs = append(r.subs, sub)
	}
}

func same(a, b *region) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || len(a.runs) != len(b.runs) {
		return false
	}
	for i := range a.runs {
		if a.runs[i] != b.runs[i] || !same(a.sub(i), b.sub(i)) {
			return false
		}
	}
	return true
}

// An operation combines two regions: what is in the first alone, in the second alone, in both.
type operation struct{ first, second, both bool }

var (
	opUnion     = operation{true, true, true}
	opIntersect = operation{both: true}
	opMinus     = operation{first: true}
)

// combine goes along the runs of both at once, and cuts them where one of them begins or ends.
func combine(a, b *region, op operation) *region {
	if a == b {
		if op.both {
			return a
		}
		return nil
	}
	if a.empty() || b.empty() {
		switch {
		case op.first && !a.empty():
			return a
		case op.second && !b.empty():
			return b
		}
		return nil
	}
	out := &region{}
	i, j := 0, 0
	at := min(a.runs[0].From, b.runs[0].From)
	for i < len(a.runs) || j < len(b.runs) {
		// Which of the two has at, and up to where that stays so.
		inA, endA := standing(a, i, at)
		inB, endB := standing(b, j, at)
		end := min(endA, endB)
		switch {
		case inA && inB:
			if a.subs == nil {
				if op.both {
					out.add(Span{at, end}, nil)
				}
			} else if sub := combine(a.subs[i], b.subs[j], op); !sub.empty() {
				out.add(Span{at, end}, sub)
			}
		case inA && op.first:
			out.add(Span{at, end}, a.sub(i))
		case inB && op.second:
			out.add(Span{at, end}, b.sub(j))
		}
		at = end
		if i < len(a.runs) && a.runs[i].To == at {
			i++
		}
		if j < len(b.runs) && b.runs[j].To == at {
			j++
		}
	}
	if out.empty() {
		return nil
	}
	return out
}

// standing says whether run i of r has a number, which is not after it, and up to where that stays so.
func standing(r *region, i, at int) (in bool, end int) {
	switch {
	case i == len(r.runs):
		return false, int(^uint(0) >> 1)
	case at < r.runs[i].From:
		return false, r.runs[i].From
	}
	return true, r.runs[i].To
}

// size counts the points.
func (r *region) size() int {
	if r == nil {
		return 0
	}
	n := 0
	for i, run := range r.runs {
		each := 1
		if r.subs != nil {
			each = r.subs[i].size()
		}
		n += each * (run.To - run.From)
	}
	return n
}

// bound returns for each axis, from the given one on, how many numbers a space needs at least.
func (r *region) bound(depth int, most []int) {
	if r == nil {
		return
	}
	for i, run := range r.runs {
		most[depth] = max(most[depth], run.To)
		r.sub(i).bound(depth+1, most)
	}
}

// unionAll joins many regions as a tournament, so that a million single points do not cost a million copies.
func unionAll(parts []*region) *region {
	switch len(parts) {
	case 0:
		return nil
	case 1:
		return parts[0]
	}
	half := len(parts) / 2
	return combine(unionAll(parts[:half]), unionAll(parts[half:]), opUnion)
}
