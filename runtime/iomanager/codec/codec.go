// Package codec turns Go values into bytes and back, exactly.
//
// Stage: below iomanager and execute. It imports runtime/dag for the type descriptions, and otherwise the standard library.
//
// The bytes are CBOR (RFC 8949) and any CBOR tool can show them. They differ from what a general CBOR library writes because
// they must be exact and must not depend on tags meant for other formats: a struct is a map of its Go field names whatever its json
// tags say, a nil slice is null and an empty one is not, a pointer to a nil slice is not a nil pointer, a float keeps its width and all
// its bits, a string that is not UTF-8 is a byte string, and a time keeps its location's name.
//
// Invariants: equal values give equal bytes, in any process and on any machine. For every type that [Check] admits, Decode(Encode(v))
// is deeply equal to v, and what Decode accepts, Encode gives back: there is one encoding of each value. (A type that is stored
// through its own MarshalBinary or MarshalText is as exact as these are.) Decode of arbitrary bytes never panics.
package codec

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// ErrEncoding is wrapped by every error of Decode: the bytes are not an encoding of the type.
var ErrEncoding = errors.New("not an encoding of the type")

// maxDepth bounds the nesting of values, so that a cycle of pointers is an error and not the end of the process.
const maxDepth = 10_000

// smallBuffer is the size up to which a buffer is kept for the next value; larger ones are handed to the caller.
const smallBuffer = 64 << 10

var encoders = sync.Pool{New: func() any { return &encoder{buf: make([]byte, 0, 512)} }}

// Encode returns the bytes of v, a value of t; an untyped nil stands for the zero value. It fails for a value of another type, for
// a type that cannot be stored and for a value that contains itself.
func Encode(t *dag.Type, v any) ([]byte, error) {
	rv := reflect.ValueOf(v)
	switch {
	case !rv.IsValid():
		rv = reflect.Zero(t.Go)
	case t.Go.Kind() == reflect.Interface && rv.Type().Implements(t.Go):
		at := reflect.New(t.Go).Elem()
		at.Set(rv)
		rv = at
	}
	if rv.Type() != t.Go {
		return nil, fmt.Errorf("encode a %T as %s", v, t.Name)
	}
	tc, err := codecOf(t.Go)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", t.Name, err)
	}
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.buf, e.depth, e.pairs = e.buf[:0], 0, e.pairs[:0]
	if err := tc.encode(e, rv); err != nil {
		return nil, fmt.Errorf("encode %s: %w", t.Name, err)
	}
	if len(e.buf) > smallBuffer {
		out := e.buf
		e.buf = make([]byte, 0, 512)
		return out, nil
	}
	return append(make([]byte, 0, len(e.buf)), e.buf...), nil
}

// Decode returns the value of t that data is the encoding of. Every call gives a value that shares nothing with another one's
// or with data. Errors wrap [ErrEncoding].
func Decode(t *dag.Type, data []byte) (any, error) {
	tc, err := codecOf(t.Go)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", t.Name, err)
	}
	v := reflect.New(t.Go).Elem()
	d := decoder{data: data}
	if err := tc.decode(&d, v); err != nil {
		return nil, fmt.Errorf("decode %s at byte %d: %w: %w", t.Name, d.pos, ErrEncoding, err)
	}
	if d.pos != len(data) {
		return nil, fmt.Errorf("decode %s: %w: %d bytes too many", t.Name, ErrEncoding, len(data)-d.pos)
	}
	return v.Interface(), nil
}

// Check returns nil if values of t can be stored and read back exactly, and otherwise an error that names the path to the part
// that cannot: a func, a channel, an interface other than image.Image and color.Color, or unexported state of a type without a pair of MarshalBinary and
// UnmarshalBinary or of MarshalText and UnmarshalText.
func Check(t reflect.Type) error {
	_, err := codecOf(t)
	return err
}
