package runconfig

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// configDomain is part of every version that counts a config.
const configDomain = "dagstergen/config/v1"

// digest returns the SHA-256 of the typed encoding of v.
func (v *val) digest() canon.Digest {
	e := canon.New(configDomain)
	v.encode(e, "config")
	return e.Sum()
}

func (v *val) encode(e *canon.Encoder, name string) {
	switch v.kind {
	case valBool:
		e.Bool(name, v.bool)
	case valInt, valDuration:
		e.Int(name, v.int)
	case valUint:
		e.Uint(name, v.uint)
	case valFloat:
		e.Float(name, v.float)
	case valText:
		e.String(name, v.text)
	case valList:
		e.List(name, len(v.items))
		for _, item := range v.items {
			item.encode(e, "")
		}
	case valMap:
		e.Struct(name, len(v.members))
		for _, m := range v.members {
			m.value.encode(e, m.key)
		}
	default:
		e.Nil(name)
	}
}

// json returns v as JSON in one form: floats always have a point or an exponent, and what JSON cannot say is an object.
func (v *val) json() []byte {
	var b bytes.Buffer
	v.writeJSON(&b)
	return b.Bytes()
}

func (v *val) writeJSON(b *bytes.Buffer) {
	switch v.kind {
	case valBool:
		b.WriteString(strconv.FormatBool(v.bool))
	case valInt:
		b.WriteString(strconv.FormatInt(v.int, 10))
	case valUint:
		b.WriteString(strconv.FormatUint(v.uint, 10))
	case valFloat:
		if math.IsNaN(v.float) || math.IsInf(v.float, 0) {
			b.WriteString(`{"$float":"` + floatText(v.float, 64) + `"}`)
		} else {
			b.WriteString(floatText(v.float, 64))
		}
	case valText, valDuration:
		b.WriteString(quoteJSON(v.text))
	case valList:
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.writeJSON(b)
		}
		b.WriteByte(']')
	case valMap:
		b.WriteByte('{')
		for i, m := range v.members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quoteJSON(m.key))
			b.WriteByte(':')
			m.value.writeJSON(b)
		}
		b.WriteByte('}')
	default:
		b.WriteString("null")
	}
}

// quoteJSON quotes without the escapes that encoding/json adds for HTML, which only make a record hard to read.
func quoteJSON(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}

// floatText writes a float of so many bits so that it is never taken for an integer.
func floatText(f float64, bits int) string {
	s := strconv.FormatFloat(f, 'g', -1, bits)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}
