package canon

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDigestsOfLookAlikesDiffer(t *testing.T) {
	encode := func(f func(*Encoder)) Digest { e := New("test/v1"); f(e); return e.Sum() }
	distinct := map[string]func(*Encoder){
		"nothing":       func(e *Encoder) {},
		"nil":           func(e *Encoder) { e.Nil("a") },
		"empty string":  func(e *Encoder) { e.String("a", "") },
		"empty bytes":   func(e *Encoder) { e.Bytes("a", nil) },
		"empty list":    func(e *Encoder) { e.List("a", 0) },
		"empty struct":  func(e *Encoder) { e.Struct("a", 0) },
		"1":             func(e *Encoder) { e.Int("a", 1) },
		"unsigned 1":    func(e *Encoder) { e.Uint("a", 1) },
		"1.0":           func(e *Encoder) { e.Float("a", 1) },
		`"1"`:           func(e *Encoder) { e.String("a", "1") },
		"true":          func(e *Encoder) { e.Bool("a", true) },
		"ab,c":          func(e *Encoder) { e.String("a", "ab"); e.String("a", "c") },
		"a,bc":          func(e *Encoder) { e.String("a", "a"); e.String("a", "bc") },
		"other name":    func(e *Encoder) { e.String("b", "1") },
		"zero":          func(e *Encoder) { e.Float("a", 0) },
		"negative zero": func(e *Encoder) { e.Float("a", math.Copysign(0, -1)) },
		"list of 1":     func(e *Encoder) { e.List("a", 1); e.Int("", 1) },
		"list then 1":   func(e *Encoder) { e.List("a", 0); e.Int("", 1) },
	}
	seen := map[Digest]string{}
	for name, f := range distinct {
		d := encode(f)
		if other, ok := seen[d]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[d] = name
	}
	assert.NotEqual(t, New("a").Sum(), New("b").Sum())
}

func TestParseDigest(t *testing.T) {
	d := Sum([]byte("x"))
	for _, s := range []string{d.String(), d.Hex()} {
		got, err := ParseDigest(s)
		require.NoError(t, err)
		assert.Equal(t, d, got)
	}
	for _, s := range []string{"", "sha256:", "sha1:" + d.Hex(), d.Hex()[:63], d.Hex() + "0", "zz" + d.Hex()[2:]} {
		_, err := ParseDigest(s)
		assert.Error(t, err, "%q", s)
	}
}

// write encodes decoded fields again; together with Decode it shows that an encoding has one reading.
func write(e *Encoder, fields []Field) {
	for _, f := range fields {
		switch v := f.Value.(type) {
		case nil:
			e.Nil(f.Name)
		case bool:
			e.Bool(f.Name, v)
		case int64:
			e.Int(f.Name, v)
		case uint64:
			e.Uint(f.Name, v)
		case float64:
			e.Float(f.Name, v)
		case string:
			e.String(f.Name, v)
		case []byte:
			e.Bytes(f.Name, v)
		case Digest:
			e.Digest(f.Name, v)
		case []Field:
			if f.Struct {
				e.Struct(f.Name, len(v))
			} else {
				e.List(f.Name, len(v))
			}
			write(e, v)
		}
	}
}

func FuzzDecode(f *testing.F) {
	e := New("dagstergen/step/v1")
	e.String("name", "x")
	e.List("in", 2)
	e.Digest("", Sum(nil))
	e.Struct("", 1)
	e.Float("f", math.Inf(1))
	f.Add(append([]byte{}, e.Encoded()...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		domain, fields, err := Decode(b)
		if err != nil {
			return
		}
		again := New(domain)
		write(again, fields)
		if string(again.Encoded()) != string(b) {
			t.Fatalf("two encodings of one value:\n%x\n%x", b, again.Encoded())
		}
	})
}

// What was put together from parts is what is encoded in one go.
func TestPartsOfAnEncoding(t *testing.T) {
	one, two := Sum([]byte("1")), Sum([]byte("2"))
	whole := New("d")
	whole.String("name", "x")
	whole.Digest("in", two)
	whole.Int("n", 7)

	part := New("other")
	from := part.Len()
	part.Int("n", 7)
	e := New("d")
	e.String("name", "x")
	e.Digest("in", one)
	end := e.Len()
	e.Bool("gone", true)
	e.Truncate(end)
	e.Replace(end, two)
	e.Fields(part.Encoded()[from:])
	assert.Equal(t, whole.Encoded(), e.Encoded())
}
