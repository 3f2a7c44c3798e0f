package partition

import "sort"

const (
	daySeconds = 24 * 60 * 60
	// The calendar repeats after 400 years, weekdays included.
	cycleYears = 400
	cycleDays  = 146097
	// day2000 is 2000-01-01, where cycles are counted from, in days from 1970-01-01. It was a Saturday.
	day2000     = 10957
	weekday2000 = 6
)

// A calendar is a choice of days by month, day of the month and weekday. It counts them, and finds one by its number, without going through them: it
// knows how many each of the 14 kinds of year has up to each of its days, and how many all years of a cycle have before each.
type calendar struct {
	kinds [14][367]int16
	years [cycleYears + 1]int32
	total int // in a cycle
}

// yearStart holds the day on which each year of a cycle begins, counted from its first.
var yearStart = func() (days [cycleYears + 1]int32) {
	for y := range cycleYears {
		days[y+1] = days[y] + 365
		if leap(y) {
			days[y+1]++
		}
	}
	return days
}()

// leap says whether the year 2000+y of a cycle has 366 days.
func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y == 0) }

// kindOf returns which of the 14 kinds a year of the cycle is: by the weekday on which it begins, and by its length.
func kindOf(y int) int {
	kind := (weekday2000 + int(yearStart[y])) % 7
	if leap(y) {
		kind += 7
	}
	return kind
}

func newCalendar(match func(month, day, weekday int) bool) *calendar {
	c := &calendar{}
	for kind := range c.kinds {
		lengths := [12]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
		if kind >= 7 {
			lengths[1] = 29
		}
		yday := 0
		for month, length := range lengths {
			for day := 1; day <= length; day++ {
				n := c.kinds[kind][yday]
				if match(month+1, day, (kind+yday)%7) {
					n++
				}
				yday++
				c.kinds[kind][yday] = n
			}
		}
	}
	for y := range cycleYears {
		days := yearStart[y+1] - yearStart[y]
		c.years[y+1] = c.years[y] + int32(c.kinds[kindOf(y)][days])
	}
	c.total = int(c.years[cycleYears])
	return c
}

// rank counts the chosen days from 2000-01-01 to day, which is not counted; days are numbered from 1970-01-01.
func (c *calendar) rank(day int64) int {
	cycle, y, yday := locate(day)
	return int(cycle)*c.total + int(c.years[y]) + int(c.kinds[kindOf(y)][yday])
}

// has says whether a day is chosen.
func (c *calendar) has(day int64) bool {
	_, y, yday := locate(day)
	kind := &c.kinds[kindOf(y)]
	return kind[yday+1] > kind[yday]
}

// nth returns the chosen day before which rank counts r.
func (c *calendar) nth(r int) int64 {
	cycle, rest := floorDiv(int64(r), int64(c.total))
	y := sort.Search(cycleYears, func(y int) bool { return int64(c.years[y+1]) > rest })
	rest -= int64(c.years[y])
	kind := &c.kinds[kindOf(y)]
	yday := sort.Search(366, func(d int) bool { return int64(kind[d+1]) > rest })
	return day2000 + cycle*cycleDays + int64(yearStart[y]) + int64(yday)
}

// locate returns where a day stands: its cycle, the year in that and the day in that.
func locate(day int64) (cycle int64, y, yday int) {
	cycle, rest := floorDiv(day-day2000, cycleDays)
	y = sort.Search(cycleYears, func(y int) bool { return int64(yearStart[y+1]) > rest })
	return cycle, y, int(rest) - int(yearStart[y])
}

// floorDiv divides such that the remainder is never negative.
func floorDiv(a, b int64) (quotient, remainder int64) {
	quotient, remainder = a/b, a%b
	if remainder < 0 {
		return quotient - 1, remainder + b
	}
	return quotient, remainder
}
