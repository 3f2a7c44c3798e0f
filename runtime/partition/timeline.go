package partition

import (
	"math"
	"sort"
	"time"
)

// A timeline is when the windows of a schedule begin in a zone, as instants. It holds one period for each stretch in which the zone's offset
// stays the same: within one, wall time and time go together, so the schedule's arithmetic holds.
//
// Where the clock is set forward, times of the schedule that it leaves out fall on the first instant after; a schedule that has windows every hour has none
// for an hour that is not there, and none has one for a day that a country skipped to get to the other side of the date line. Where it is set back, an hourly schedule has both hours, and any other one the second.
type timeline struct {
	sched   *schedule
	periods []period
	total   int // ticks of all periods
}

// A period is a stretch of time with one offset. Its ticks are those of the schedule in the wall times [from+offset, to), and one more at its beginning where late.
type period struct {
	from   int64 // unix seconds
	offset int64 // seconds east of UTC
	to     int64 // wall time; what follows in the period is shown again after it, and counts there
	late   bool  // its first instant is that of times that the clock left out
	again  int64 // until when wall times have been shown before, in unix seconds
	base   int   // ticks before it
	rank   int   // of its first wall time
}

// skipped is by how much a clock is set forward, in seconds, where that is no summer time but another side of the date line.
const skipped = daySeconds / 2

// newTimeline holds all ticks from one instant to another, and may hold more before.
func newTimeline(sched *schedule, zone *time.Location, from, to int64) *timeline {
	tl := &timeline{sched: sched}
	for at := from; ; {
		t := time.Unix(at, 0).In(zone)
		_, seconds := t.Zone()
		p := period{from: at, offset: int64(seconds), base: tl.total}
		if n := len(tl.periods); n > 0 {
			before := tl.periods[n-1].offset
			p.again = at + before - p.offset
			p.late = !sched.hourly && before < p.offset && p.offset-before < skipped && !sched.at(at+p.offset) && sched.rank(at+p.offset) > sched.rank(at+before)
		}
		until, after := change(t)
		last := until >= to
		if last {
			until = to
		}
		p.to = until + p.offset
		if back := until + after; !last && back < p.to && !sched.hourly {
			p.to = max(back, at+p.offset)
		}
		p.rank = sched.rank(at + p.offset)
		tl.total += sched.rank(p.to) - p.rank
		if p.late {
			tl.total++
		}
		tl.periods = append(tl.periods, p)
		if last {
			return tl
		}
		at = until
	}
}

// before counts the ticks before an instant, from the beginning of the timeline.
func (tl *timeline) before(at int64) int {
	i := sort.Search(len(tl.periods), func(i int) bool { return tl.periods[i].from > at }) - 1
	if i < 0 {
		return 0
	}
	p := tl.periods[i]
	n := p.base + tl.sched.rank(min(at+p.offset, p.to)) - p.rank
	if p.late && at > p.from {
		n++
	}
	return n
}

// tick returns the instant of the tick before which there are i, and whether its wall time is the second of its kind.
func (tl *timeline) tick(i int) (at int64, again bool) {
	k := sort.Search(len(tl.periods), func(k int) bool { return tl.periods[k].base > i }) - 1
	p := tl.periods[k]
	i -= p.base
	if p.late {
		if i == 0 {
			return p.from, false
		}
		i--
	}
	at = tl.sched.nth(p.rank+i) - p.offset
	return at, at < p.again
}

// last returns the last instant at which the wall shows what it first shows at an instant.
func (tl *timeline) last(at int64) int64 {
	i := sort.Search(len(tl.periods), func(i int) bool { return tl.periods[i].from > at })
	if i == 0 {
		return at
	}
	w := at + tl.periods[i-1].offset
	for ; i < len(tl.periods) && tl.periods[i].from < at+daySeconds; i++ {
		if p := tl.periods[i]; w >= p.from+p.offset && w-p.offset < p.again {
			at = w - p.offset
		}
	}
	return at
}

// wall returns the first instant at which a wall clock of the zone shows w or more.
func wall(zone *time.Location, w int64) int64 {
	// An offset is less than a day, and no clock was ever set by more than a day at once.
	at := w - 2*daySeconds
	for {
		t := time.Unix(at, 0).In(zone)
		_, offset := t.Zone()
		end, _ := change(t)
		found := max(w-int64(offset), at)
		if found < end {
			return found
		}
		at = end
	}
}

// change returns an instant after t up to which the offset of its zone stays as it is, and the offset from there on, which is often another one.
func change(t time.Time) (at, offset int64) {
	_, end := t.ZoneBounds()
	switch {
	case end.IsZero():
		return math.MaxInt64, 0
	case !end.After(t):
		// On the last day of a leap year for which the zone has a rule and no table, ZoneBounds gives the beginning of that day, which leads nowhere. Such
		// a bound is of the year and not of the offset, so an hour further is as good.
		end = t.Add(time.Hour)
	}
	_, seconds := end.Zone()
	return end.Unix(), int64(seconds)
}

// end is an instant up to which all ticks are in the timeline.
func (tl *timeline) end() int64 {
	p := tl.periods[len(tl.periods)-1]
	return p.to - p.offset
}
