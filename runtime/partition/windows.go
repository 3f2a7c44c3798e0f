package partition

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A Window is the time that a partition is about: from Start, up to End, which is not part of it.
type Window struct {
	Start, End time.Time
}

// windows defines partitions by time.
type windows struct {
	word      string // "daily"; the expression where it is from [Cron]
	sched     *schedule
	zone      *time.Location
	layout    string // of keys
	start     int64  // unix seconds: windows begin at the first tick from here on
	startText string
	end       int64 // no window ends after; 0 for no such limit
	ended     bool
	offset    int // windows more than those that have ended

	checked func() error
}

const (
	dateLayout = "2006-01-02"
	hourLayout = "2006-01-02-15:04"
	// A key that is the second of its wall time says so by its offset from UTC.
	offsetLayout = "-0700"
	// A definition that asks for windows after this has no sensible ones.
	lastYear = 9999
)

// An Option changes a definition by time.
type Option func(*options)

type options struct {
	end, zone, layout string
	endOffset         int
	minute, hour, day int
	set               map[string]bool
}

// Until sets a time after which no window ends, written as the start is.
func Until(end string) Option { return func(o *options) { o.end, o.set["Until"] = end, true } }

// In sets the time zone whose clock and calendar the windows follow, by its IANA name; it is UTC otherwise.
func In(zone string) Option { return func(o *options) { o.zone, o.set["In"] = zone, true } }

// EndOffset adds n partitions after the last window that has ended: with 1, the window that goes on now is a partition too. A negative n leaves out the last ones.
func EndOffset(n int) Option { return func(o *options) { o.endOffset, o.set["EndOffset"] = n, true } }

// AtMinute sets the minute of the hour at which windows begin; 0 otherwise.
func AtMinute(minute int) Option {
	return func(o *options) { o.minute, o.set["AtMinute"] = minute, true }
}

// AtHour sets the hour of the day at which windows of a day or more begin; 0 otherwise.
func AtHour(hour int) Option { return func(o *options) { o.hour, o.set["AtHour"] = hour, true } }

// OnDay sets the day on which windows of a week or a month begin: of a week, 0 for Sunday, which it is otherwise, to 6 for Saturday; of a month, 1, which it is otherwise, to 28.
func OnDay(day int) Option { return func(o *options) { o.day, o.set["OnDay"] = day, true } }

// Format sets how keys are written, as a layout of package time: "2006-01-02" for days. It must tell all windows apart.
func Format(layout string) Option {
	return func(o *options) { o.layout, o.set["Format"] = layout, true }
}

// Hourly has a partition for each hour from start on. Keys look like 2024-01-31-15:00; the second of two hours with one name, when a clock is set back, has
// its offset from UTC too: 2024-11-03-01:00-0500. start is written like a key, as a date, or as RFC 3339; the same holds for the other definitions by time.
func Hourly(start string, opts ...Option) *Definition {
	return timed("hourly", start, opts, "AtMinute", func(o options) string { return fmt.Sprintf("%d * * * *", o.minute) })
}

// Daily has a partition for each day from start on. Keys look like 2024-01-31.
func Daily(start string, opts ...Option) *Definition {
	return timed("daily", start, opts, "AtMinute AtHour", func(o options) string { return fmt.Sprintf("%d %d * * *", o.minute, o.hour) })
}

// Weekly has a partition for each week from start on, beginning on Sundays. Keys look like 2024-01-28: the day on which the week begins.
func Weekly(start string, opts ...Option) *Definition {
	return timed("weekly", start, opts, "AtMinute AtHour OnDay", func(o options) string { return fmt.Sprintf("%d %d * * %d", o.minute, o.hour, o.day) })
}

// Monthly has a partition for each month from start on. Keys look like 2024-01-01: the day on which the month begins.
func Monthly(start string, opts ...Option) *Definition {
	return timed("monthly", start, opts, "AtMinute AtHour OnDay", func(o options) string {
		if !o.set["OnDay"] {
			o.day = 1
		}
		return fmt.Sprintf("%d %d %d * *", o.minute, o.hour, o.day)
	})
}

// Cron has a partition for each stretch between two times of a cron expression: minute, hour, day of the month, month, day of the week. Keys look like
// 2024-01-31 where there is one time a day at most, like 2024-01-31-15:00 otherwise.
func Cron(expr, start string, opts ...Option) *Definition {
	return timed(expr, start, opts, "", func(options) string { return expr })
}

func timed(word, start string, opts []Option, allowed string, expr func(options) string) *Definition {
	o := options{zone: "UTC", set: map[string]bool{}}
	for _, opt := range opts {
		opt(&o)
	}
	w := &windows{word: word, startText: start, offset: o.endOffset, layout: o.layout}
	d := &Definition{kind: kindTime, time: w}
	d.err = w.fill(o, allowed, expr)
	if d.err != nil {
		d.err = fmt.Errorf("%s partitions: %w", word, d.err)
	}
	return d
}

func (w *windows) fill(o options, allowed string, expr func(options) string) error {
	var errs []error
	for _, name := range []string{"AtMinute", "AtHour", "OnDay"} {
		if o.set[name] && !strings.Contains(allowed, name) {
			errs = append(errs, fmt.Errorf("%s means nothing for them", name))
		}
	}
	most := map[string]int{"weekly": 6, "monthly": 28}[w.word]
	least := max(0, most-27) // 1 for months
	if o.set["OnDay"] && (o.day < least || o.day > most) {
		errs = append(errs, fmt.Errorf("OnDay(%d): write a day from %d to %d", o.day, least, most))
	}
	if o.minute < 0 || o.minute > 59 {
		errs = append(errs, fmt.Errorf("AtMinute(%d): write a minute from 0 to 59", o.minute))
	}
	if o.hour < 0 || o.hour > 23 {
		errs = append(errs, fmt.Errorf("AtHour(%d): write an hour from 0 to 23", o.hour))
	}
	zone, err := time.LoadLocation(o.zone)
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("In(%q): %w; write an IANA name such as Europe/Berlin", o.zone, err))
	case o.zone == "" || zone == time.Local:
		errs = append(errs, fmt.Errorf("In(%q) is another zone on another machine; write an IANA name such as Europe/Berlin", o.zone))
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	w.zone = zone
	if w.sched, err = parseCron(expr(o)); err != nil {
		return err
	}
	if w.layout == "" {
		w.layout = hourLayout
		if len(w.sched.slots) == 1 {
			w.layout = dateLayout
		}
	}
	if w.start, err = w.parseTime(w.startText); err != nil {
		return fmt.Errorf("start %w", err)
	}
	if o.set["Until"] {
		w.ended = true
		if w.end, err = w.parseTime(o.end); err != nil {
			return fmt.Errorf("end %w", err)
		}
		if w.end <= w.start {
			return fmt.Errorf("end %q is not after start %q", o.end, w.startText)
		}
	}
	w.checked = sync.OnceValue(w.check)
	return nil
}

// parseTime reads a start or an end: a key, a date with or without a time of day, or RFC 3339.
func (w *windows) parseTime(text string) (int64, error) {
	for _, layout := range []string{w.layout, dateLayout, hourLayout, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return wall(w.zone, t.Unix()), nil
		}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time; write it as %s, as a date or as RFC 3339", text, w.layout)
	}
	return t.Unix(), nil
}

// check tries the layout on the first windows: each must be found by its key again.
func (w *windows) check() error {
	if !strings.Contains(w.layout, "06") {
		return fmt.Errorf("%s: the format %q has no year; keys of different years would be the same", w, w.layout)
	}
	tried := 400
	a := w.spread(w.start, tried)
	for ; a == nil; a = w.spread(w.start, tried) {
		if tried /= 4; tried == 0 {
			return fmt.Errorf("%s: it begins no window before the year %d", w, lastYear)
		}
	}
	for i := range tried {
		if found, ok := a.find(a.key(i)); !ok || found != i {
			return fmt.Errorf("%s: the format %q does not tell windows apart: the key %s stands for more than one; write one with all that differs, such as %q", w, w.layout, a.key(i), hourLayout)
		}
	}
	return nil
}

func (w *windows) String() string {
	s := w.word + " from " + w.startText
	if name := w.zone.String(); name != "UTC" {
		s += " in " + name
	}
	return s
}

// withOffset says whether the layout itself tells the offset from UTC.
func (w *windows) withOffset() bool {
	return strings.Contains(w.layout, "-07") || strings.Contains(w.layout, "Z07")
}

// print identifies the windows by number: what an encoded set of them rests on.
func (w *windows) print() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s", w.sched.expr, w.zone, w.start, w.layout))
	return hex.EncodeToString(sum[:8])
}

// resolve returns the windows that are partitions now.
func (w *windows) resolve(now time.Time) (*windowAxis, error) {
	if err := w.checked(); err != nil {
		return nil, err
	}
	limit := now.Unix()
	if w.ended {
		limit = min(limit, w.end)
	}
	a := w.spread(limit, 0)
	a.n = a.ending(limit) + w.offset
	if w.offset > 0 {
		more := w.spread(limit, w.offset+1)
		if more == nil {
			return nil, fmt.Errorf("%s: there are no %d windows more before the year %d", w, w.offset, lastYear)
		}
		more.n = a.n
		if w.ended {
			more.n = min(more.n, more.ending(w.end))
		}
		a = more
	}
	a.n = max(a.n, 0)
	return a, nil
}

// spread returns an axis whose timeline has all ticks up to an instant, and the given number of ticks more; nil where they come too late. It has no partitions yet.
func (w *windows) spread(until int64, more int) *windowAxis {
	latest := time.Date(lastYear, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	until = min(max(until, w.start), latest)
	for span := int64(32 * daySeconds); ; span *= 2 {
		tl := newTimeline(w.sched, w.zone, w.start-2*daySeconds, until+span)
		if tl.total-tl.before(until) >= more+1 {
			return &windowAxis{def: w, line: tl, skip: tl.before(w.start)}
		}
		if until+span > latest {
			return nil
		}
	}
}

// A windowAxis is an axis of time windows.
type windowAxis struct {
	def  *windows
	line *timeline
	skip int // ticks of the timeline before the start
	n    int
}

func (a *windowAxis) len() int { return a.n }

func (a *windowAxis) key(i int) string {
	at, again := a.line.tick(a.skip + i)
	t := time.Unix(at, 0).In(a.def.zone)
	if again && a.def.sched.hourly && !a.def.withOffset() {
		return t.Format(a.def.layout + offsetLayout)
	}
	return t.Format(a.def.layout)
}

func (a *windowAxis) window(i int) (Window, bool) {
	from, _ := a.line.tick(a.skip + i)
	to, _ := a.line.tick(a.skip + i + 1)
	return Window{time.Unix(from, 0).In(a.def.zone), time.Unix(to, 0).In(a.def.zone)}, true
}

// find returns the number of the window with a key, which may be one after those that are partitions.
func (a *windowAxis) find(key string) (int, bool) {
	at, ok := a.instant(key)
	if !ok || at < a.def.start-2*daySeconds {
		return 0, false
	}
	i, ok := a.following(at)
	if ok && a.key(i) == key {
		return i, true
	}
	// Of two times that the wall shows alike a schedule that is not hourly has the second.
	if i, ok = a.following(a.line.last(at)); ok && a.key(i) == key {
		return i, true
	}
	return 0, false
}

// following returns the first window that begins at an instant or later.
func (a *windowAxis) following(at int64) (int, bool) {
	// Before the start: the key may say less than that does, such as the day in which it is.
	i := max(a.line.before(at), a.skip)
	return i - a.skip, i < a.line.total-1
}

// instant reads a key as the first time that it may stand for.
func (a *windowAxis) instant(key string) (at int64, ok bool) {
	if t, err := time.Parse(a.def.layout, key); err == nil {
		if a.def.withOffset() {
			return t.Unix(), true
		}
		return wall(a.def.zone, t.Unix()), true
	}
	if t, err := time.Parse(a.def.layout+offsetLayout, key); err == nil {
		return t.Unix(), true
	}
	return 0, false
}

// ending counts the windows that end at an instant or before.
func (a *windowAxis) ending(at int64) int {
	return max(a.line.before(at+1)-a.skip-1, 0)
}

func (a *windowAxis) print(int) string { return a.def.print() }

// moment returns when window i begins; i may be before the first window and after the last one.
func (a *windowAxis) moment(i int) int64 {
	line, at := a.line, a.skip+i
	for span := int64(64 * daySeconds); at < 0; span *= 2 {
		line = newTimeline(a.def.sched, a.def.zone, a.def.start-span, a.def.start+2*daySeconds)
		at = line.before(a.def.start) + i
	}
	for span := int64(64 * daySeconds); at >= line.total; span *= 2 {
		last, _ := a.line.tick(a.line.total - 1)
		line = newTimeline(a.def.sched, a.def.zone, a.def.start-2*daySeconds, last+span)
	}
	at64, _ := line.tick(at)
	return at64
}

// position counts the windows that begin before an instant, from the first on; it is negative where the instant is that much before the start.
func (a *windowAxis) position(at int64) int {
	first := a.def.start - 2*daySeconds
	if last := a.line.end(); at > last {
		return newTimeline(a.def.sched, a.def.zone, first, at).before(at) - a.skip
	}
	if at >= first {
		return a.line.before(at) - a.skip
	}
	line := newTimeline(a.def.sched, a.def.zone, at-2*daySeconds, a.def.start+2*daySeconds)
	return line.before(at) - line.before(a.def.start)
}
