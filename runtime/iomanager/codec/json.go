package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// JSON shows an encoding without knowing its type, for people: a struct is an object with its Go field names, bytes are base64, a time
// is the array that it is stored as, a map's key that is no text is the text of what it looks like, and NaN and the infinities are the texts "NaN", "Infinity" and "-Infinity".
// Nothing can be made of it again. Errors wrap [ErrEncoding].
func JSON(data []byte) ([]byte, error) {
	d := decoder{data: data}
	out, err := d.appendJSON(nil)
	if err == nil && d.pos != len(data) {
		err = fmt.Errorf("%d bytes too many", len(data)-d.pos)
	}
	if err != nil {
		return nil, fmt.Errorf("show bytes as JSON: %w at byte %d: %w", ErrEncoding, d.pos, err)
	}
	return out, nil
}

// appendJSON shows the next item.
func (d *decoder) appendJSON(out []byte) ([]byte, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	if d.pos >= len(d.data) {
		return nil, errShort
	}
	switch b := d.data[d.pos]; b {
	case null:
		d.pos++
		return append(out, "null"...), nil
	case yes, no:
		d.pos++
		return strconv.AppendBool(out, b == yes), nil
	case single:
		d.pos++
		p, err := d.take(4)
		if err != nil {
			return nil, err
		}
		return appendFloat(out, float64(math.Float32frombits(binary.BigEndian.Uint32(p))), 32), nil
	case double:
		f, err := d.double()
		if err != nil {
			return nil, err
		}
		return appendFloat(out, f, 64), nil
	}
	major, n, err := d.head()
	if err != nil {
		return nil, err
	}
	switch major {
	case majorUint:
		return strconv.AppendUint(out, n, 10), nil
	case majorInt: // -1 - n, which may be beyond 64 bits
		return new(big.Int).Not(new(big.Int).SetUint64(n)).Append(out, 10), nil
	case majorBytes:
		b, err := d.take(n)
		if err != nil {
			return nil, err
		}
		return append(base64.StdEncoding.AppendEncode(append(out, '"'), b), '"'), nil
	case majorText:
		return d.appendTextJSON(out, n)
	case majorArray:
		return d.appendArray(out, n)
	case majorMap:
		return d.appendMap(out, n)
	}
	return nil, fmt.Errorf("unknown item of type %d", major>>5)
}

func appendFloat(out []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(out, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(out, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(out, `"-Infinity"`...)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(out, f, format, -1, bits)
}

// appendTextJSON shows a string of n bytes.
func (d *decoder) appendTextJSON(out []byte, n uint64) ([]byte, error) {
	b, err := d.take(n)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(b) {
		return nil, errors.New("a text that is not UTF-8")
	}
	return appendQuoted(out, string(b))
}

func (d *decoder) appendArray(out []byte, n uint64) ([]byte, error) {
	out = append(out, '[')
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = d.appendJSON(out); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

// appendMap shows a map of n entries. A key that is no text is the text of what it looks like.
func (d *decoder) appendMap(out []byte, n uint64) ([]byte, error) {
	out = append(out, '{')
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		key, err := d.appendJSON(nil)
		if err != nil {
			return nil, err
		}
		if key[0] != '"' {
			if key, err = appendQuoted(nil, string(key)); err != nil {
				return nil, err
			}
		}
		out = append(append(out, key...), ':')
		if out, err = d.appendJSON(out); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// appendQuoted writes a JSON string; unlike json.Marshal it leaves <, > and & as they are.
func appendQuoted(out []byte, s string) ([]byte, error) {
	b := bytes.NewBuffer(out)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
