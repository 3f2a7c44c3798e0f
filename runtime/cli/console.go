package cli

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
)

// longestMessage bounds what a log line brings to a terminal, in bytes.
const longestMessage = 64 << 10

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
	step, attrs := c.take(r.Attrs)
	if step != "" {
		b.WriteString(l.paint(escape(step), bold) + gap)
	}
	message := r.Message
	if len(message) > longestMessage {
		message = strings.ToValidUTF8(message[:longestMessage], "") + "..."
	}
	b.WriteString(escape(message))
	b.WriteString(attrs)
	c.screen.note(b.String())
	return nil
}

// WithAttrs returns a console that writes attrs behind each message.
func (c *console) WithAttrs(attrs []slog.Attr) slog.Handler {
	d := *c
	d.step, d.attrs = c.take(func(yield func(slog.Attr) bool) {
		for _, a := range attrs {
			yield(a)
		}
	})
	return &d
}

// take adds attributes to those of c: the first one called step, outside of any group, stands before the message.
func (c *console) take(each func(func(slog.Attr) bool)) (step, attrs string) {
	var b strings.Builder
	step = c.step
	b.WriteString(c.attrs)
	each(func(a slog.Attr) bool {
		if a.Key == "step" && c.prefix == "" && step == "" {
			step = a.Value.String()
		} else {
			appendAttr(&b, c.prefix, a)
		}
		return true
	})
	return step, b.String()
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

// logLines is the screen for a handler that writes a whole line, or several, at once.
type logLines screen

func (l *logLines) Write(p []byte) (int, error) {
	(*screen)(l).note(strings.Split(strings.TrimSuffix(string(p), "\n"), "\n")...)
	return len(p), nil
}
