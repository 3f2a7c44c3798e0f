package cli

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
)

// A console is where the log lines of steps go: one line each, below the time and the step, with its attributes behind the message. It is a
// slog.Handler.
type console struct {
	screen *screen
	level  slog.Level
	step   string // the attribute of this name, which stands before the message
	attrs  string // of WithAttrs, written already
	prefix string // of WithGroup
}

func newConsole(s *screen) *console {
	c := &console{screen: s, level: slog.LevelInfo}
	switch {
	case s.level >= verbose:
		c.level = slog.LevelDebug
	case s.level <= quiet:
		c.level = slog.LevelWarn
	}
	return c
}

// Enabled reports whether a line of this level is shown.
func (c *console) Enabled(_ context.Context, level slog.Level) bool { return level >= c.level }

// Handle writes one line.
func (c *console) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	l := c.screen.look
	b.WriteString(l.paint(r.Time.Format("15:04:05"), dim))
	b.WriteByte(' ')
	st := plain
	switch {
	case r.Level >= slog.LevelError:
		st = red
	case r.Level >= slog.LevelWarn:
		st = yellow
	case r.Level < slog.LevelInfo:
		st = dim
	}
	b.WriteString(l.paint(pad(r.Level.String(), 5, false), st))
	b.WriteByte(' ')
	if c.step != "" {
		b.WriteString(l.paint(escape(c.step), bold) + gap)
	}
	b.WriteString(escape(r.Message))
	b.WriteString(c.attrs)
	r.Attrs(func(a slog.Attr) bool {
		appendAttr(&b, c.prefix, a)
		return true
	})
	c.screen.note(b.String())
	return nil
}

// WithAttrs returns a console that writes attrs behind each message.
func (c *console) WithAttrs(attrs []slog.Attr) slog.Handler {
	d := *c
	var b strings.Builder
	for _, a := range attrs {
		if a.Key == "step" && c.prefix == "" && c.step == "" {
			d.step = a.Value.String()
			continue
		}
		appendAttr(&b, c.prefix, a)
	}
	d.attrs += b.String()
	return &d
}

// WithGroup returns a console that puts name before the keys that follow.
func (c *console) WithGroup(name string) slog.Handler {
	if name == "" {
		return c
	}
	d := *c
	d.prefix += name + "."
	return &d
}

func appendAttr(b *strings.Builder, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return
	}
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, g := range v.Group() {
			appendAttr(b, prefix, g)
		}
		return
	}
	s := v.String()
	if s == "" || strings.ContainsAny(s, " \"=") || escape(s) != s {
		s = strconv.Quote(s)
	}
	b.WriteString(" " + escape(prefix+a.Key) + "=" + escape(s))
}
