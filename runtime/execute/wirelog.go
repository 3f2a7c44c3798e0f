package execute

import (
	"context"
	"encoding/json"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A lineRef is a log line on its way out of a child.
type lineRef struct {
	Time    time.Time  `json:"time"`
	Level   slog.Level `json:"level"`
	Message string     `json:"message"`
	Attrs   []attrRef  `json:"attrs,omitempty"`
}

// An attrRef is an attribute of a line: one of the fields after Key is set. What is none of these is a text.
type attrRef struct {
	Key      string          `json:"key"`
	Text     *string         `json:"text,omitempty"`
	Int      *int64          `json:"int,omitempty"`
	Uint     *uint64         `json:"uint,omitempty"`
	Float    *float64        `json:"float,omitempty"` // finite
	Bool     *bool           `json:"bool,omitempty"`
	Duration *time.Duration  `json:"duration,omitempty"`
	Time     *time.Time      `json:"time,omitempty"`
	JSON     json.RawMessage `json:"json,omitempty"`
	Null     bool            `json:"null,omitempty"`
	Group    []attrRef       `json:"group,omitempty"`
}

func refOfAttr(a slog.Attr) attrRef {
	v := a.Value.Resolve()
	r := attrRef{Key: a.Key}
	text := func(s string) { r.Text = &s }
	switch v.Kind() {
	case slog.KindString:
		text(v.String())
	case slog.KindInt64:
		n := v.Int64()
		r.Int = &n
	case slog.KindUint64:
		n := v.Uint64()
		r.Uint = &n
	case slog.KindFloat64:
		f := v.Float64()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			text(v.String())
			break
		}
		r.Float = &f
	case slog.KindBool:
		b := v.Bool()
		r.Bool = &b
	case slog.KindDuration:
		d := v.Duration()
		r.Duration = &d
	case slog.KindTime:
		t := v.Time()
		r.Time = &t
	case slog.KindGroup:
		r.Group = make([]attrRef, 0, len(v.Group()))
		for _, b := range v.Group() {
			r.Group = append(r.Group, refOfAttr(b))
		}
	default:
		switch x := jsonOrText(v).(type) {
		case nil:
			r.Null = true
		case string:
			text(x)
		default:
			data, err := json.Marshal(x)
			if err != nil {
				text(v.String())
				break
			}
			r.JSON = data
		}
	}
	return r
}

func (r *attrRef) attr() slog.Attr {
	switch {
	case r.Text != nil:
		return slog.String(r.Key, *r.Text)
	case r.Int != nil:
		return slog.Int64(r.Key, *r.Int)
	case r.Uint != nil:
		return slog.Uint64(r.Key, *r.Uint)
	case r.Float != nil:
		return slog.Float64(r.Key, *r.Float)
	case r.Bool != nil:
		return slog.Bool(r.Key, *r.Bool)
	case r.Duration != nil:
		return slog.Duration(r.Key, *r.Duration)
	case r.Time != nil:
		return slog.Time(r.Key, *r.Time)
	case r.Null:
		return slog.Any(r.Key, nil)
	case r.JSON != nil:
		return slog.Any(r.Key, r.JSON)
	}
	group := make([]any, len(r.Group))
	for i := range r.Group {
		group[i] = r.Group[i].attr()
	}
	return slog.Group(r.Key, group...)
}

// record is the line as it was logged.
func (l *lineRef) record() slog.Record {
	r := slog.NewRecord(l.Time, l.Level, l.Message, 0)
	for i := range l.Attrs {
		r.AddAttrs(l.Attrs[i].attr())
	}
	return r
}

// A wireHandler sends log lines out of a child.
type wireHandler struct {
	say    func(stepEvent)
	debug  bool
	attrs  []slog.Attr // with the groups they were given under
	groups []string
}

// Enabled keeps debug lines in unless somebody wants them.
func (h *wireHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.debug
}

// Handle sends a line, without the secrets of this process: the parent does not know those that a resource has made.
func (h *wireHandler) Handle(_ context.Context, r slog.Record) error {
	r = maskedRecord(r)
	l := &lineRef{Time: r.Time, Level: r.Level, Message: r.Message}
	for _, a := range h.attrs {
		l.Attrs = append(l.Attrs, refOfAttr(a))
	}
	r.Attrs(func(a slog.Attr) bool {
		l.Attrs = append(l.Attrs, refOfAttr(h.inGroups(a)))
		return true
	})
	h.say(stepEvent{Type: storage.EventLog, Line: l})
	return nil
}

func (h *wireHandler) inGroups(a slog.Attr) slog.Attr {
	for _, g := range slices.Backward(h.groups) {
		a = slog.Attr{Key: g, Value: slog.GroupValue(a)}
	}
	return a
}

// WithAttrs returns a handler that adds attrs to every line.
func (h *wireHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = slices.Clone(h.attrs)
	for _, a := range maskedAttrs(attrs) {
		c.attrs = append(c.attrs, h.inGroups(a))
	}
	return &c
}

// WithGroup returns a handler that puts what follows into a group.
func (h *wireHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.groups = append(slices.Clone(h.groups), name)
	return &c
}
