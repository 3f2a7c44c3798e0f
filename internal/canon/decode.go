package canon

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A Field is one decoded field. Value is nil, bool, int64, uint64, float64, string, []byte, Digest or, for
// a list or a struct, []Field (never a nil slice).
type Field struct {
	Name   string
	Struct bool // whether a []Field value was written as a struct and not as a list
	Value  any
}

// maxDepth bounds the nesting that Decode follows, so that no input can exhaust the stack.
const maxDepth = 1000

var errShort = errors.New("canon: encoding ends early")

// Decode reads back a whole encoding: its domain and its fields. It is what makes the claim "injective" a
// tested one; nothing in a pipeline needs it. Bytes that no Encoder writes are an error.
func Decode(b []byte) (domain string, fields []Field, err error) {
	d := decoder{b: b}
	if t := d.byte(); d.err == nil && t != tagDomain {
		return "", nil, fmt.Errorf("canon: no domain tag (byte %d)", t)
	}
	domain = string(d.counted())
	for d.err == nil && len(d.b) > 0 {
		fields = append(fields, d.field(0))
	}
	if d.err != nil {
		return "", nil, d.err
	}
	return domain, fields, nil
}

type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail(errShort)
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail(errShort)
		return nil
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) count() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || len(binary.AppendUvarint(nil, v)) != n { // an overlong spelling would be a second encoding of one value
		d.fail(errors.New("canon: bad length"))
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) counted() []byte { return d.take(d.count()) }

func (d *decoder) uint64() uint64 {
	p := d.take(8)
	if p == nil {
		return 0
	}
	return binary.BigEndian.Uint64(p)
}

func (d *decoder) field(depth int) Field {
	if depth > maxDepth {
		d.fail(errors.New("canon: nested too deep"))
		return Field{}
	}
	tag := d.byte()
	f := Field{Name: string(d.counted())}
	switch tag {
	case tagNil:
	case tagBool:
		switch d.byte() {
		case 0:
			f.Value = false
		case 1:
			f.Value = true
		default:
			d.fail(errors.New("canon: bad bool"))
		}
	case tagInt:
		f.Value = int64(d.uint64())
	case tagUint:
		f.Value = d.uint64()
	case tagFloat:
		f.Value = math.Float64frombits(d.uint64())
	case tagString:
		f.Value = string(d.counted())
	case tagBytes:
		f.Value = append([]byte{}, d.counted()...)
	case tagDigest:
		var x Digest
		copy(x[:], d.take(uint64(len(x))))
		f.Value = x
	case tagList, tagStruct:
		n := d.count()
		if n > uint64(len(d.b)) { // every field takes at least two bytes
			d.fail(errShort)
			return Field{}
		}
		list := make([]Field, 0, n)
		for i := uint64(0); i < n && d.err == nil; i++ {
			list = append(list, d.field(depth+1))
		}
		f.Struct, f.Value = tag == tagStruct, list
	default:
		d.fail(fmt.Errorf("canon: unknown tag %d", tag))
	}
	return f
}
