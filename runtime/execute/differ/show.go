package differ

import (
	"encoding/hex"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

const (
	shownLength  = 72   // of a text that is shown, in runes
	rawLength    = 4096 // of what is made of a value before secrets are hidden and it is cut, in bytes
	mostElements = 8
)

// hidden stands for a secret.
const hidden = "***"

// A Redactor hides secrets in what is shown. The zero and the nil Redactor hide nothing.
type Redactor struct {
	replacer *strings.Replacer
	longest  int // bytes of a secret
}

// NewRedactor hides these texts, each of them only if it has three bytes or more: shorter ones are everywhere.
func NewRedactor(secrets []string) *Redactor {
	r := &Redactor{}
	list := slices.Clone(secrets)
	// The longer one first, so that one that begins like another is hidden whole.
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range slices.Compact(list) {
		// As it is, and as it stands in a quoted text.
		for _, form := range []string{s, strings.Trim(strconv.Quote(s), `"`)} {
			if len(s) >= 3 {
				pairs = append(pairs, form, hidden)
				r.longest = max(r.longest, len(form))
			}
		}
	}
	if pairs != nil {
		r.replacer = strings.NewReplacer(pairs...)
	}
	return r
}

// Hide returns s without secrets.
func (r *Redactor) Hide(s string) string {
	if r == nil || r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

// Short returns s on one line, without secrets, cut where it is long.
func (r *Redactor) Short(s string) string {
	return clip(strings.Join(strings.Fields(r.Hide(s)), " "), shownLength)
}

func (r *Redactor) margin() int {
	if r == nil {
		return 0
	}
	return r.longest
}

// show writes a value as short text: Go's own form where it is readable.
func (r *Redactor) show(v reflect.Value) string {
	b := writer{limit: rawLength + 2*r.margin()}
	b.value(v, 0)
	return clip(r.hideCut(b.String(), b.full()), shownLength)
}

// hideCut is Hide for a text that may have been cut, in the middle of a secret too: its end is left out then.
func (r *Redactor) hideCut(s string, cut bool) string {
	s = r.Hide(s)
	if cut {
		s = s[:max(0, len(s)-r.margin())]
	}
	return s
}

// showExactly is show for values that differ and look the same.
func (r *Redactor) showExactly(v reflect.Value, looks string) string {
	switch v.Kind() {
	case reflect.Float32:
		return fmt.Sprintf("%s (%#08x)", looks, math.Float32bits(float32(v.Float())))
	case reflect.Float64:
		return fmt.Sprintf("%s (%#016x)", looks, math.Float64bits(v.Float()))
	}
	if !v.CanInterface() {
		return looks
	}
	if t, ok := v.Interface().(time.Time); ok {
		return fmt.Sprintf("%s (%s)", looks, t.Location())
	}
	data, err := codec.Encode(&dag.Type{Name: v.Type().String(), Go: v.Type()}, v.Interface())
	if err != nil {
		return looks
	}
	return fmt.Sprintf("%s (%s)", looks, canon.Sum(data).Short())
}

// A writer writes values until there is enough.
type writer struct {
	strings.Builder
	limit int // bytes
}

func (b *writer) full() bool { return b.Len() >= b.limit }

func (b *writer) value(v reflect.Value, depth int) {
	if b.full() {
		return
	}
	if depth > 6 {
		b.WriteString("…")
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.String:
		s := v.String()
		b.WriteString(strconv.Quote(s[:min(len(s), b.limit)]))
	case reflect.Float32, reflect.Float64:
		b.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()))
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		b.value(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		b.list(v, depth)
	case reflect.Map:
		b.mapping(v, depth)
	case reflect.Struct:
		b.structure(v, depth)
	default:
		switch {
		case v.CanInt():
			b.integer(v)
		case v.CanUint():
			b.WriteString(strconv.FormatUint(v.Uint(), 10))
		case v.CanComplex():
			b.WriteString(strconv.FormatComplex(v.Complex(), 'g', -1, v.Type().Bits()))
		default:
			b.WriteString(v.Type().String())
		}
	}
}

// integer writes a number, or the name it has: January, 1m30s.
func (b *writer) integer(v reflect.Value) {
	if v.Type().PkgPath() != "" && v.CanInterface() {
		if s, ok := named(v.Interface()); ok {
			b.WriteString(s)
			return
		}
	}
	b.WriteString(strconv.FormatInt(v.Int(), 10))
}

// named asks a value for its text. It is a user's method, which may panic.
func named(v any) (s string, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	n, ok := v.(fmt.Stringer)
	if !ok {
		return "", false
	}
	return n.String(), true
}

func (b *writer) list(v reflect.Value, depth int) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		b.WriteString("nil")
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b.octets(v)
		return
	}
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i == mostElements {
			b.WriteString("… " + plural(v.Len(), "element"))
			break
		}
		b.value(v.Index(i), depth+1)
	}
	b.WriteByte(']')
}

// octets writes bytes: as text if they are one.
func (b *writer) octets(v reflect.Value) {
	n := min(v.Len(), b.limit)
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(v.Index(i).Uint())
	}
	if printable(data) {
		b.WriteString(strconv.Quote(string(data)))
		return
	}
	b.WriteString("0x" + hex.EncodeToString(data[:min(n, 16)]))
	if v.Len() > 16 {
		b.WriteString("… (" + plural(v.Len(), "byte") + ")")
	}
}

func (b *writer) mapping(v reflect.Value, depth int) {
	if v.IsNil() {
		b.WriteString("nil")
		return
	}
	var entries []string
	for it := v.MapRange(); it.Next(); {
		e := writer{limit: b.limit}
		e.value(it.Key(), depth+1)
		e.WriteByte(':')
		e.value(it.Value(), depth+1)
		entries = append(entries, e.String())
		if len(entries) > rawLength {
			entries = nil // too many to be sorted for a text of a line
			break
		}
	}
	if entries == nil && v.Len() > 0 {
		b.WriteString("map of " + plural(v.Len(), "key"))
		return
	}
	slices.Sort(entries)
	b.WriteByte('{')
	for i, e := range entries {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i == mostElements {
			b.WriteString("… " + plural(v.Len(), "key"))
			break
		}
		if b.WriteString(e); b.full() {
			return
		}
	}
	b.WriteByte('}')
}

func (b *writer) structure(v reflect.Value, depth int) {
	if v.CanInterface() {
		switch x := v.Interface().(type) {
		case time.Time:
			b.time(x)
			return
		case dag.File:
			b.WriteString(x.String())
			return
		case dag.Secret:
			b.WriteString(hidden)
			return
		}
		if !transparent(v.Type()) {
			p := reflect.New(v.Type())
			p.Elem().Set(v)
			for _, x := range []any{v.Interface(), p.Interface()} {
				if s, ok := named(x); ok {
					b.WriteString(s)
					return
				}
			}
			b.WriteString(v.Type().String())
			return
		}
	}
	b.WriteByte('{')
	first := true
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Name == "_" || b.full() {
			continue
		}
		if !first {
			b.WriteByte(' ')
		}
		first = false
		b.WriteString(f.Name + ":")
		b.value(v.Field(i), depth+1)
	}
	b.WriteByte('}')
}

// time writes an instant with its zone: "2024-07-01T12:00:00+12:45 (Local)".
func (b *writer) time(t time.Time) {
	b.WriteString(t.Format(time.RFC3339Nano))
	if t.Location() != time.UTC {
		name, _ := t.Zone()
		b.WriteString(" " + name)
	}
}

// clip cuts a text after so many runes. It stays one line.
func clip(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// printable reports whether bytes are text that a person can read.
func printable(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	for _, c := range data {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return true
}

func itoa(n int) string { return strconv.Itoa(n) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return itoa(n) + " " + noun + "s"
}
