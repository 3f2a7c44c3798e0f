package execute

import (
	"encoding/json"
	"strconv"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// object writes a flat JSON object for the data of an event. Events are written for every step, so this costs no reflection.
type object struct{ b []byte }

func newObject(b []byte) object { return object{append(b, '{')} }

func (o *object) key(k string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, k...)
	o.b = append(o.b, '"', ':')
}

func (o *object) str(k, v string) {
	o.key(k)
	o.b = appendString(o.b, v)
}

// opt writes a text that is not empty.
func (o *object) opt(k, v string) {
	if v != "" {
		o.str(k, v)
	}
}

func (o *object) num(k string, v int64) {
	o.key(k)
	o.b = strconv.AppendInt(o.b, v, 10)
}

func (o *object) bool(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) seconds(k string, v float64) {
	o.key(k)
	o.b = strconv.AppendFloat(o.b, v, 'f', 6, 64)
}

// digest writes a digest that is not zero.
func (o *object) digest(k string, d canon.Digest) {
	if d.IsZero() {
		return
	}
	o.key(k)
	o.b = append(o.b, `"sha256:`...)
	const digits = "0123456789abcdef"
	for _, c := range d {
		o.b = append(o.b, digits[c>>4], digits[c&15])
	}
	o.b = append(o.b, '"')
}

// value writes anything that encoding/json can write; what it cannot is left out.
func (o *object) value(k string, v any) {
	if b, err := json.Marshal(v); err == nil {
		o.key(k)
		o.b = append(o.b, b...)
	}
}

// numbers writes a list of numbers.
func (o *object) numbers(k string, vs []int64) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, v := range vs {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = strconv.AppendInt(o.b, v, 10)
	}
	o.b = append(o.b, ']')
}

func (o *object) list(k string, vs []string) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, v := range vs {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendString(o.b, v)
	}
	o.b = append(o.b, ']')
}

func (o *object) end() []byte {
	o.b = append(o.b, '}')
	return o.b
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			q, _ := json.Marshal(s) // of a string: no error
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
