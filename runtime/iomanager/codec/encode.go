package codec

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"unicode/utf8"
)

// The parts of CBOR that are used.
const (
	majorUint  byte = 0 << 5
	majorInt   byte = 1 << 5 // -1 - n
	majorBytes byte = 2 << 5
	majorText  byte = 3 << 5
	majorArray byte = 4 << 5
	majorMap   byte = 5 << 5
	simple     byte = 7 << 5

	no     = simple | 20
	yes    = simple | 21
	null   = simple | 22
	single = simple | 26 // a float32 follows
	double = simple | 27 // a float64 follows
)

var errDepth = errors.New("nested deeper than 10000 values; does it contain itself?")

// An encoder collects the bytes of one value.
type encoder struct {
	buf   []byte
	depth int
	pairs []pair // of the maps that are being written
	spare []byte // the pairs of one map in their final order
}

func (e *encoder) enter() error {
	if e.depth++; e.depth > maxDepth {
		return errDepth
	}
	return nil
}

func (e *encoder) leave() { e.depth-- }

func (e *encoder) head(major byte, n uint64) { e.buf = appendHead(e.buf, major, n) }

// appendHead writes the head of an item in its shortest form.
func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

// appendText writes a string: as text, or as bytes where it is not UTF-8, which text must be.
func appendText(b []byte, s string) []byte {
	major := majorText
	if !utf8.ValidString(s) {
		major = majorBytes
	}
	return append(appendHead(b, major, uint64(len(s))), s...)
}

func (e *encoder) list(elem *typeCodec, v reflect.Value) error {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	n := v.Len()
	e.head(majorArray, uint64(n))
	for i := range n {
		if err := elem.encode(e, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func encodeBool(e *encoder, v reflect.Value) error {
	if v.Bool() {
		e.buf = append(e.buf, yes)
	} else {
		e.buf = append(e.buf, no)
	}
	return nil
}

func encodeInt(e *encoder, v reflect.Value) error {
	e.int(v.Int())
	return nil
}

func (e *encoder) int(n int64) {
	if n < 0 {
		e.head(majorInt, uint64(^n))
	} else {
		e.head(majorUint, uint64(n))
	}
}

func encodeUint(e *encoder, v reflect.Value) error {
	e.head(majorUint, v.Uint())
	return nil
}

func encodeFloat32(e *encoder, v reflect.Value) error {
	f := float32(v.Float())
	if f != f { // the way through a float64 makes a signalling NaN a quiet one; a conversion does not
		f = v.Convert(float32Type).Interface().(float32)
	}
	e.buf = binary.BigEndian.AppendUint32(append(e.buf, single), math.Float32bits(f))
	return nil
}

func encodeFloat64(e *encoder, v reflect.Value) error {
	e.buf = binary.BigEndian.AppendUint64(append(e.buf, double), math.Float64bits(v.Float()))
	return nil
}

func encodeComplex(e *encoder, v reflect.Value) error {
	c := v.Complex()
	e.head(majorArray, 2)
	for _, f := range [2]float64{real(c), imag(c)} {
		e.buf = binary.BigEndian.AppendUint64(append(e.buf, double), math.Float64bits(f))
	}
	return nil
}

func encodeString(e *encoder, v reflect.Value) error {
	e.buf = appendText(e.buf, v.String())
	return nil
}

func encodeBytes(e *encoder, v reflect.Value) error {
	if v.IsNil() {
		e.buf = append(e.buf, null)
		return nil
	}
	e.head(majorBytes, uint64(v.Len()))
	e.buf = append(e.buf, v.Bytes()...)
	return nil
}

func encodeByteArray(e *encoder, v reflect.Value) error {
	e.head(majorBytes, uint64(v.Len()))
	e.buf = append(e.buf, addressable(v).Bytes()...)
	return nil
}

// addressable returns v, or a copy of it that has an address.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}
