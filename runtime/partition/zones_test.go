package partition

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// zones have transitions of every sort: an hour, half an hour, at midnight, of a whole day, southern, of the standard offset itself, around Ramadan, none.
var zones = []string{
	"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "Africa/Casablanca", "America/Havana",
	"Asia/Pyongyang", "America/Caracas", "Asia/Beirut", "Antarctica/Troll", "UTC",
}

// simple is a schedule as the oracle reads it: which wall times of a day, on which days.
type simple struct {
	name   string
	make   func(start string, opts ...Option) *Definition
	hourly bool
	match  func(t time.Time) bool // of a wall time, given in UTC
}

func on(minute, hour int) func(time.Time) bool {
	return func(t time.Time) bool { return t.Minute() == minute && t.Hour() == hour }
}

var simples = []simple{
	{"hourly", Hourly, true, func(t time.Time) bool { return t.Minute() == 0 }},
	{"hourly at 30", func(s string, o ...Option) *Definition { return Hourly(s, append(o, AtMinute(30))...) }, true, func(t time.Time) bool { return t.Minute() == 30 }},
	{"quarters", func(s string, o ...Option) *Definition { return Cron("*/15 * * * *", s, o...) }, true, func(t time.Time) bool { return t.Minute()%15 == 0 }},
	{"daily", Daily, false, on(0, 0)},
	{"daily at 2:30", func(s string, o ...Option) *Definition { return Daily(s, append(o, AtHour(2), AtMinute(30))...) }, false, on(30, 2)},
	{"daily at 1:15", func(s string, o ...Option) *Definition { return Daily(s, append(o, AtHour(1), AtMinute(15))...) }, false, on(15, 1)},
	{"weekly", Weekly, false, func(t time.Time) bool { return t.Weekday() == time.Sunday && on(0, 0)(t) }},
	{"weekly on Saturday at 2", func(s string, o ...Option) *Definition { return Weekly(s, append(o, OnDay(6), AtHour(2))...) }, false,
		func(t time.Time) bool { return t.Weekday() == time.Saturday && on(0, 2)(t) }},
	{"monthly", Monthly, false, func(t time.Time) bool { return t.Day() == 1 && on(0, 0)(t) }},
	{"every two hours", func(s string, o ...Option) *Definition { return Cron("5 */2 * * *", s, o...) }, false,
		func(t time.Time) bool { return t.Minute() == 5 && t.Hour()%2 == 0 }},
	{"workdays at 3 and 4", func(s string, o ...Option) *Definition { return Cron("0,30 2-4 * * mon-fri", s, o...) }, false,
		func(t time.Time) bool {
			return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && t.Minute()%30 == 0 && t.Hour() >= 2 && t.Hour() <= 4
		}},
}

// A tick is a beginning of a window as the oracle found it.
type tick struct {
	at    time.Time
	again bool
}

// A clock is what a clock on the wall shows in each minute of a stretch of time, as a time of UTC.
type clock struct {
	from  time.Time
	shows []time.Time
}

func watch(zone *time.Location, from, to time.Time) clock {
	c := clock{from: from}
	for t := from; t.Before(to); t = t.Add(time.Minute) {
		l := t.In(zone)
		y, m, d := l.Date()
		c.shows = append(c.shows, time.Date(y, m, d, l.Hour(), l.Minute(), 0, 0, time.UTC))
	}
	return c
}

// walk finds the ticks in a stretch of time by going through it minute by minute.
func walk(s simple, c clock) []tick {
	var ticks []tick
	latest := c.shows[0].Add(-time.Minute) // what the clock has shown at most
	found := map[time.Time]int{}           // a time of the schedule, and when it is: the last time that the wall shows it, else the first that it shows more
	for i, w := range c.shows {
		if s.match(w) {
			if s.hourly {
				ticks = append(ticks, tick{c.from.Add(time.Duration(i) * time.Minute), !w.After(latest)})
			}
			found[w] = i
		}
		for left := latest.Add(time.Minute); left.Before(w); left = left.Add(time.Minute) {
			if s.match(left) && w.Sub(latest) < 12*time.Hour {
				found[left] = i
			}
		}
		if w.After(latest) {
			latest = w
		}
	}
	if s.hourly {
		return ticks
	}
	for _, i := range slices.Compact(slices.Sorted(maps.Values(found))) {
		ticks = append(ticks, tick{c.from.Add(time.Duration(i) * time.Minute), false})
	}
	return ticks
}

// transitions finds when a zone's offset changes by looking at it every quarter of an hour.
func transitions(zone *time.Location) []time.Time {
	var found []time.Time
	t, last := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
	_, before := t.In(zone).Zone()
	for ; t.Before(last); t = t.Add(15 * time.Minute) {
		if _, now := t.In(zone).Zone(); now != before {
			found, before = append(found, t), now
		}
	}
	return found
}

// Around every transition of many zones, windows begin when a clock on the wall says so, and keys are found again.
func TestWindowsAtAllTransitions(t *testing.T) {
	for _, name := range zones {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(name)
			require.NoError(t, err)
			around := transitions(zone)
			if len(around) == 0 {
				around = []time.Time{time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)}
			}
			// Of the walk's first day and a half nothing is compared: it does not know what the clock showed before.
			const near = 36 * time.Hour
			clocks := make([]clock, len(around))
			for i, at := range around {
				clocks[i] = watch(zone, at.Add(-2*near), at.Add(near))
			}
			for _, s := range simples {
				d := s.make("1999-06-01", In(name))
				require.NoError(t, d.Err())
				space, err := d.Resolve(At{Now: time.Date(2038, 6, 1, 0, 0, 0, 0, time.UTC)})
				require.NoError(t, err)
				a := space.axes[0].(*windowAxis)
				for i, at := range around {
					from, to := at.Add(-near), at.Add(near)
					want := slices.DeleteFunc(walk(s, clocks[i]), func(k tick) bool { return k.at.Before(from) })
					var got []tick
					for i := a.position(from.Unix()); i < a.position(to.Unix()); i++ {
						w, _ := a.window(i)
						_, again := a.line.tick(a.skip + i)
						got = append(got, tick{w.Start.UTC(), again && s.hourly})
						if n, ok := a.find(a.key(i)); !ok || n != i {
							require.Fail(t, "not found again", "%s: %s is number %d", s.name, a.key(i), i)
						}
					}
					require.Equal(t, texts(want), texts(got), "%s around %s", s.name, at.In(zone))
				}
			}
		})
	}
}

func texts(ticks []tick) []string {
	var out []string
	for _, k := range ticks {
		out = append(out, fmt.Sprintf("%s %t", k.at.UTC().Format(time.RFC3339), k.again))
	}
	return out
}

// Over all of 38 years keys are unique and ascend in time, and a key leads back to its number.
func TestKeysAreUnique(t *testing.T) {
	for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "America/Havana"} {
		for _, s := range simples {
			if s.name == "quarters" {
				continue // a million keys, which the hours stand for
			}
			space, err := s.make("2000-01-01", In(name)).Resolve(At{Now: time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)})
			require.NoError(t, err)
			a := space.axes[0]
			step := max(1, a.len()/20_000)
			seen := make(map[string]bool, a.len())
			for i := 0; i < a.len(); i++ {
				key := a.key(i)
				require.False(t, seen[key], "%s %s: %s", name, s.name, key)
				seen[key] = true
				if i%step == 0 {
					n, ok := a.find(key)
					require.True(t, ok)
					require.Equal(t, i, n)
				}
			}
		}
	}
}

// What keys look like, in Dagster's form, where a clock is set.
func TestKeysWhereClocksAreSet(t *testing.T) {
	for _, c := range []struct {
		def  *Definition
		want []string
	}{
		{Hourly("2022-11-06", In("America/New_York"), Until("2022-11-06-03:00")), []string{"2022-11-06-00:00", "2022-11-06-01:00", "2022-11-06-01:00-0500", "2022-11-06-02:00"}},
		{Hourly("2022-03-13", In("America/New_York"), Until("2022-03-13-05:00")), []string{"2022-03-13-00:00", "2022-03-13-01:00", "2022-03-13-03:00", "2022-03-13-04:00"}},
		{Hourly("2023-10-29-01:00", In("Europe/Berlin"), Until("2023-10-29-04:00"), Format("2006-01-02T15:04Z07:00")),
			[]string{"2023-10-29T01:00+02:00", "2023-10-29T02:00+02:00", "2023-10-29T02:00+01:00", "2023-10-29T03:00+01:00"}},
		{Daily("2022-03-12", In("America/New_York"), Until("2022-03-15"), AtHour(2), AtMinute(30), Format("2006-01-02-15:04")), []string{"2022-03-12-02:30", "2022-03-13-03:00"}},
		{Daily("2011-12-28", In("Pacific/Apia"), Until("2012-01-02")), []string{"2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"}},
	} {
		space, err := c.def.Resolve(At{Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)})
		require.NoError(t, err)
		assert.Equal(t, c.want, slices.Collect(space.Keys(space.All())), c.def.String())
	}
}
