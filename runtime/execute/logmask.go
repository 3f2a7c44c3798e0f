package execute

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// maskedRecord returns a log line without secrets, whatever its handler makes of it.
func maskedRecord(r slog.Record) slog.Record {
	if !mask.Active() {
		return r
	}
	out := slog.NewRecord(r.Time, r.Level, mask.Hide(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(maskedAttr(a))
		return true
	})
	return out
}

func maskedAttrs(attrs []slog.Attr) []slog.Attr {
	if !mask.Active() {
		return attrs
	}
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = maskedAttr(a)
	}
	return out
}

func maskedAttr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: mask.Hide(a.Key), Value: maskedValue(a.Value)}
}

func maskedValue(v slog.Value) slog.Value {
	switch v = v.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.StringValue(mask.Hide(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(maskedAttrs(v.Group())...)
	case slog.KindAny:
		return maskedAny(v)
	}
	return v
}

// maskedAny replaces a value by its text where any form that a handler may write of it holds a secret.
func maskedAny(v slog.Value) slog.Value {
	if err, ok := v.Any().(error); ok {
		return slog.AnyValue(mask.Error(err))
	}
	forms := formsOf(v.Any())
	for _, form := range forms {
		if mask.Hide(form) != form {
			return slog.StringValue(mask.Hide(forms[0]))
		}
	}
	return v
}

// formsOf writes a value of user code as handlers do, for people first; its methods may panic.
func formsOf(v any) (forms []string) {
	add := func(form func() (string, error)) {
		_, _ = guard(func() error {
			text, err := form()
			if err == nil {
				forms = append(forms, text)
			}
			return err
		})
	}
	if b := reflect.ValueOf(v); b.Kind() == reflect.Slice && b.Type().Elem().Kind() == reflect.Uint8 {
		add(func() (string, error) { return string(b.Bytes()), nil })
	}
	add(func() (string, error) { return fmt.Sprintf("%+v", v), nil })
	if m, ok := v.(encoding.TextMarshaler); ok {
		add(func() (string, error) { b, err := m.MarshalText(); return string(b), err })
	}
	add(func() (string, error) { b, err := json.Marshal(v); return string(b), err })
	return forms
}
