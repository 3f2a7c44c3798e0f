package partition

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A schedule is when windows begin, in the wall clock of some zone: at some minutes of some days.
type schedule struct {
	expr  string  // the cron expression that it was made from
	slots []int64 // seconds of the day, ascending
	days  *calendar
	// hourly is set where every hour of a day has the same slots: then both of the hours that a clock set back shows twice have windows.
	hourly bool
}

// cronField is one of the five fields of a cron expression.
type cronField struct {
	name     string
	min, max int
	names    []string // of the values from min; none for most fields
}

var cronFields = [5]cronField{
	{name: "minute", min: 0, max: 59},
	{name: "hour", min: 0, max: 23},
	{name: "day of the month", min: 1, max: 31},
	{name: "month", min: 1, max: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day of the week", min: 0, max: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// shorthands are words that stand for a whole expression.
var shorthands = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// parseCron reads the five fields of a cron expression: minute, hour, day of the month, month, day of the week. Each is * or a list of values, ranges a-b
// and steps */n, a-b/n, a/n; months and days of the week have names. Where both days are restricted, a day that is either counts, as cron has it.
func parseCron(expr string) (*schedule, error) {
	text := strings.ToLower(strings.TrimSpace(expr))
	if long, ok := shorthands[text]; ok {
		text = long
	} else if strings.HasPrefix(text, "@") {
		return nil, fmt.Errorf("cron expression %q: no such shorthand; write five fields, or @hourly, @daily, @weekly, @monthly or @yearly", expr)
	}
	words := strings.Fields(text)
	if len(words) != len(cronFields) {
		return nil, fmt.Errorf("cron expression %q has %d fields; write five: minute, hour, day of the month, month, day of the week", expr, len(words))
	}
	var sets [5]uint64
	for i, word := range words {
		set, err := cronFields[i].parse(word)
		if err != nil {
			return nil, fmt.Errorf("cron expression %q: %w", expr, err)
		}
		sets[i] = set
	}
	s := &schedule{expr: strings.Join(words, " "), hourly: sets[1] == 1<<24-1}
	for hour := range 24 {
		for minute := range 60 {
			if sets[1]>>hour&1 == 1 && sets[0]>>minute&1 == 1 {
				s.slots = append(s.slots, int64(hour*60+minute)*60)
			}
		}
	}
	weekdays := sets[4]&(1<<7-1) | sets[4]>>7&1 // 7 is Sunday too
	// A field that begins with a star restricts nothing, so that "*/2" of one kind of days goes with the other kind, as cron has it.
	either := !strings.HasPrefix(words[2], "*") && !strings.HasPrefix(words[4], "*")
	s.days = newCalendar(func(month, day, weekday int) bool {
		ofMonth, ofWeek := sets[2]>>day&1 == 1, weekdays>>weekday&1 == 1
		return sets[3]>>month&1 == 1 && (ofMonth && ofWeek || either && (ofMonth || ofWeek))
	})
	if s.days.total == 0 {
		return nil, fmt.Errorf("cron expression %q names no day of any year", expr)
	}
	return s, nil
}

func (f cronField) parse(word string) (set uint64, err error) {
	for part := range strings.SplitSeq(word, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > f.max {
				return 0, fmt.Errorf("%s %q: %q is no step from 1 to %d", f.name, word, stepText, f.max)
			}
		}
		lo, hi := f.min, f.max
		if f.max == 7 {
			hi = 6
		}
		if span != "*" {
			from, to, ranged := strings.Cut(span, "-")
			if lo, err = f.value(from); err != nil {
				return 0, err
			}
			switch {
			case ranged:
				if hi, err = f.value(to); err != nil {
					return 0, err
				}
			case !stepped:
				hi = lo
			}
			if lo > hi {
				return 0, fmt.Errorf("%s %q: the range %s ends before it begins", f.name, word, span)
			}
		}
		for v := lo; v <= hi; v += step {
			set |= 1 << v
		}
	}
	return set, nil
}

func (f cronField) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.min + i, nil
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < f.min || v > f.max || len(text) > 2 {
		return 0, fmt.Errorf("%s: %q is no value from %d to %d", f.name, text, f.min, f.max)
	}
	return v, nil
}

// rank counts the times of the schedule from 2000-01-01 to the wall time w, which is not counted; it is negative before. Wall times are seconds from
// 1970-01-01 00:00 of the same wall clock.
func (s *schedule) rank(w int64) int {
	day, second := floorDiv(w, daySeconds)
	n := s.days.rank(day) * len(s.slots)
	if s.days.has(day) {
		i, _ := slices.BinarySearch(s.slots, second)
		n += i
	}
	return n
}

// nth is the inverse of rank: the wall time of the schedule before which there are r.
func (s *schedule) nth(r int) int64 {
	day, slot := floorDiv(int64(r), int64(len(s.slots)))
	return s.days.nth(int(day))*daySeconds + s.slots[slot]
}

// at says whether a wall time is one of the schedule.
func (s *schedule) at(w int64) bool {
	day, second := floorDiv(w, daySeconds)
	_, ok := slices.BinarySearch(s.slots, second)
	return ok && s.days.has(day)
}
