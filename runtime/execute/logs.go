package execute

import (
	"context"
	"log/slog"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// maxLogLine bounds a log line in the event log, in bytes; the console gets all of it.
const maxLogLine = 64 << 10

// stepHandler sends the log lines of a step, or of a resource, to the event log and to the console.
type stepHandler struct {
	journal *journal
	console slog.Handler // nil for none
	step    string
	named   bool        // the console knows the step
	attrs   []slog.Attr // with the groups they were given under
	groups  []string
}

func newLogger(j *journal, console slog.Handler, step string) *slog.Logger {
	return slog.New(&stepHandler{journal: j, console: console, step: step})
}

// Enabled keeps debug lines out unless the console wants them.
func (h *stepHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.console != nil && h.console.Enabled(ctx, level)
}

// Handle records a line, secrets masked.
func (h *stepHandler) Handle(ctx context.Context, r slog.Record) error {
	r = maskedRecord(r)
	attrs := slices.Clone(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, h.inGroups(a))
		return true
	})
	var data []byte
	if len(attrs) > 0 {
		fields := map[string]any{}
		for _, a := range attrs {
			put(fields, a)
		}
		o := newObject(nil)
		o.value("attrs", fields)
		data = o.end()
	}
	message := r.Message
	if len(message) > maxLogLine {
		message = message[:maxLogLine] + "..."
	}
	h.journal.add(storage.Event{
		RunID: h.journal.runID, Time: r.Time, Type: storage.EventLog, StepKey: h.step,
		Level: r.Level.String(), Message: message, Data: data,
	})
	if h.console == nil || !h.console.Enabled(ctx, r.Level) {
		return nil
	}
	if h.step != "" && !h.named {
		r = r.Clone()
		r.AddAttrs(slog.String("step", h.step))
	}
	return h.console.Handle(ctx, r)
}

func (h *stepHandler) inGroups(a slog.Attr) slog.Attr {
	for _, g := range slices.Backward(h.groups) {
		a = slog.Attr{Key: g, Value: slog.GroupValue(a)}
	}
	return a
}

// put adds an attribute to a JSON object. What has no JSON form is shown as slog shows it.
func put(fields map[string]any, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		fields[a.Key] = jsonOrText(v)
		return
	}
	into := fields
	if a.Key != "" {
		sub, ok := fields[a.Key].(map[string]any)
		if !ok {
			sub = map[string]any{}
			fields[a.Key] = sub
		}
		into = sub
	}
	for _, b := range v.Group() {
		put(into, b)
	}
}

func jsonOrText(v slog.Value) any {
	if err, ok := v.Any().(error); ok {
		return err.Error()
	}
	o := newObject(nil)
	o.value("v", v.Any())
	if len(o.b) == 1 {
		return v.String()
	}
	return v.Any()
}

// WithAttrs returns a handler that adds attrs to every line.
func (h *stepHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	attrs = maskedAttrs(attrs)
	c := *h
	c.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		c.attrs = append(c.attrs, h.inGroups(a))
	}
	if c.console != nil {
		c.name()
		c.console = c.console.WithAttrs(attrs)
	}
	return &c
}

// WithGroup returns a handler that puts what follows into a group.
func (h *stepHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.groups = append(slices.Clone(h.groups), name)
	if c.console != nil {
		c.name()
		c.console = c.console.WithGroup(name)
	}
	return &c
}

// name tells the console once which step its lines are from, outside of all groups.
func (h *stepHandler) name() {
	if h.step != "" && !h.named {
		h.named, h.console = true, h.console.WithAttrs([]slog.Attr{slog.String("step", h.step)})
	}
}
