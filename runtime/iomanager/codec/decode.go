package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"
)

var (
	errShort     = errors.New("it ends early")
	errCanonical = errors.New("a number is not in its shortest form")

	float32Type = reflect.TypeFor[float32]()
)

// A decoder reads the bytes of one value. It accepts only what the encoder writes.
type decoder struct {
	data  []byte
	pos   int
	depth int
	zones map[zoneKey]*time.Location // fixed ones that were met, so that a column of times shares one
}

func (d *decoder) enter() error {
	if d.depth++; d.depth > maxDepth {
		return errDepth
	}
	return nil
}

func (d *decoder) leave() { d.depth-- }

// null reports whether a null is next, and reads it.
func (d *decoder) null() bool {
	if d.pos < len(d.data) && d.data[d.pos] == null {
		d.pos++
		return true
	}
	return false
}

// skip reports whether these bytes are next, and reads them.
func (d *decoder) skip(b []byte) bool {
	if len(d.data)-d.pos < len(b) || string(d.data[d.pos:d.pos+len(b)]) != string(b) {
		return false
	}
	d.pos += len(b)
	return true
}

func (d *decoder) byte() (byte, error) {
	if d.pos >= len(d.data) {
		return 0, errShort
	}
	d.pos++
	return d.data[d.pos-1], nil
}

// take returns the next n bytes, which are part of data.
func (d *decoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.data)-d.pos) {
		return nil, errShort
	}
	b := d.data[d.pos : d.pos+int(n)]
	d.pos += int(n)
	return b, nil
}

// head reads the head of an item.
func (d *decoder) head() (major byte, n uint64, err error) {
	b, err := d.byte()
	if err != nil {
		return 0, 0, err
	}
	major, info := b&0xe0, b&0x1f
	if info < 24 {
		return major, uint64(info), nil
	}
	if info > 27 {
		return 0, 0, fmt.Errorf("unknown item 0x%02x", b)
	}
	size := 1 << (info - 24)
	p, err := d.take(uint64(size))
	if err != nil {
		return 0, 0, err
	}
	shortest := false
	switch size {
	case 1:
		n = uint64(p[0])
		shortest = n >= 24
	case 2:
		n = uint64(binary.BigEndian.Uint16(p))
		shortest = n > math.MaxUint8
	case 4:
		n = uint64(binary.BigEndian.Uint32(p))
		shortest = n > math.MaxUint16
	case 8:
		n = binary.BigEndian.Uint64(p)
		shortest = n > math.MaxUint32
	}
	if !shortest {
		return 0, 0, errCanonical
	}
	return major, n, nil
}

// expect reads the head of an item of a major type.
func (d *decoder) expect(major byte) (uint64, error) {
	m, n, err := d.head()
	if err == nil && m != major {
		err = fmt.Errorf("an item of type %d instead of %d", m>>5, major>>5)
	}
	return n, err
}

// count reads the head of an array or a map. Every element takes a byte at least, so a count beyond the rest of the data is an
// error before any memory is taken for it.
func (d *decoder) count(major byte) (int, error) {
	n, err := d.expect(major)
	if err != nil {
		return 0, err
	}
	if n > uint64(len(d.data)-d.pos) {
		return 0, errShort
	}
	return int(n), nil
}

func (d *decoder) list(elem *typeCodec, v reflect.Value) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	for i := range v.Len() {
		if err := elem.decode(d, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

func decodeBool(d *decoder, v reflect.Value) error {
	b, err := d.byte()
	switch {
	case err != nil:
		return err
	case b == yes:
		v.SetBool(true)
	case b != no:
		return fmt.Errorf("item 0x%02x is no bool", b)
	}
	return nil
}

func (d *decoder) int() (int64, error) {
	major, n, err := d.head()
	switch {
	case err != nil:
		return 0, err
	case major != majorUint && major != majorInt:
		return 0, fmt.Errorf("an item of type %d is no whole number", major>>5)
	case n > math.MaxInt64:
		return 0, errors.New("a whole number beyond 64 bits")
	case major == majorInt:
		return ^int64(n), nil
	}
	return int64(n), nil
}

func decodeInt(d *decoder, v reflect.Value) error {
	n, err := d.int()
	if err != nil {
		return err
	}
	if v.OverflowInt(n) {
		return fmt.Errorf("%d does not fit into %s", n, v.Type())
	}
	v.SetInt(n)
	return nil
}

func decodeUint(d *decoder, v reflect.Value) error {
	n, err := d.expect(majorUint)
	if err != nil {
		return err
	}
	if v.OverflowUint(n) {
		return fmt.Errorf("%d does not fit into %s", n, v.Type())
	}
	v.SetUint(n)
	return nil
}

func decodeFloat32(d *decoder, v reflect.Value) error {
	if b, err := d.byte(); err != nil || b != single {
		return errors.Join(err, errors.New("no float32"))
	}
	p, err := d.take(4)
	if err != nil {
		return err
	}
	f := math.Float32frombits(binary.BigEndian.Uint32(p))
	if f != f {
		v.Set(reflect.ValueOf(f).Convert(v.Type()))
		return nil
	}
	v.SetFloat(float64(f))
	return nil
}

func (d *decoder) double() (float64, error) {
	if b, err := d.byte(); err != nil || b != double {
		return 0, errors.Join(err, errors.New("no float64"))
	}
	p, err := d.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(p)), nil
}

func decodeFloat64(d *decoder, v reflect.Value) error {
	f, err := d.double()
	if err == nil {
		v.SetFloat(f)
	}
	return err
}

func decodeComplex(d *decoder, v reflect.Value) error {
	if n, err := d.expect(majorArray); err != nil || n != 2 {
		return errors.Join(err, errors.New("no complex number"))
	}
	re, err := d.double()
	if err != nil {
		return err
	}
	im, err := d.double()
	if err != nil {
		return err
	}
	v.SetComplex(complex(re, im))
	got := v.Complex()
	if math.Float64bits(real(got)) != math.Float64bits(re) || math.Float64bits(imag(got)) != math.Float64bits(im) {
		return fmt.Errorf("%v does not fit into %s", complex(re, im), v.Type())
	}
	return nil
}

// text reads what appendText wrote. The result is part of data.
func (d *decoder) text() ([]byte, error) {
	major, n, err := d.head()
	if err != nil {
		return nil, err
	}
	if major != majorText && major != majorBytes {
		return nil, fmt.Errorf("an item of type %d is no string", major>>5)
	}
	b, err := d.take(n)
	if err != nil {
		return nil, err
	}
	if utf8.Valid(b) != (major == majorText) {
		return nil, errors.New("a string that is not UTF-8, or bytes that are")
	}
	return b, nil
}

func decodeString(d *decoder, v reflect.Value) error {
	b, err := d.text()
	if err == nil {
		v.SetString(string(b))
	}
	return err
}

func (d *decoder) bytes() ([]byte, error) {
	n, err := d.expect(majorBytes)
	if err != nil {
		return nil, err
	}
	return d.take(n)
}

func decodeBytes(d *decoder, v reflect.Value) error {
	if d.null() {
		return nil
	}
	b, err := d.bytes()
	if err != nil {
		return err
	}
	own := append([]byte{}, b...) // memory that is written at once need not be cleared first, as that of a slice made by reflect is
	v.SetBytes(own[:len(b):len(b)])
	return nil
}

func decodeByteArray(d *decoder, v reflect.Value) error {
	b, err := d.bytes()
	if err != nil {
		return err
	}
	if len(b) != v.Len() {
		return fmt.Errorf("%d bytes for %s", len(b), v.Type())
	}
	copy(v.Bytes(), b)
	return nil
}
