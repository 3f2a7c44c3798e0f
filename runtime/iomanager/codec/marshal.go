package codec

import (
	"encoding"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// marshaller sets the functions of tc for a type that is stored through its own methods, and reports whether it has them. A nil
// pointer, slice or map is null and is not asked.
func marshaller(tc *typeCodec, t reflect.Type) bool {
	p := reflect.PointerTo(t)
	has := func(out, in reflect.Type) bool { return p.Implements(out) && p.Implements(in) }
	switch {
	case t == floatType: // its text loses the precision; what it gives to gob does not
		if !has(gobOutType, gobInType) {
			return false
		}
		tc.encode = encodeVia(majorBytes, func(x any) ([]byte, error) { return x.(gob.GobEncoder).GobEncode() })
		tc.decode = decodeVia((*decoder).bytes, func(x any, b []byte) error { return x.(gob.GobDecoder).GobDecode(b) })
	case has(byteOutType, byteInType):
		tc.encode = encodeVia(majorBytes, func(x any) ([]byte, error) { return x.(encoding.BinaryMarshaler).MarshalBinary() })
		tc.decode = decodeVia((*decoder).bytes, func(x any, b []byte) error { return x.(encoding.BinaryUnmarshaler).UnmarshalBinary(b) })
	case has(textOutType, textInType):
		tc.encode = encodeVia(majorText, func(x any) ([]byte, error) { return x.(encoding.TextMarshaler).MarshalText() })
		tc.decode = decodeVia((*decoder).text, func(x any, b []byte) error { return x.(encoding.TextUnmarshaler).UnmarshalText(b) })
	default:
		f, ok := dag.MessageFormatOf(p)
		if !ok {
			return false
		}
		tc.encode = encodeVia(majorBytes, f.Marshal)
		tc.decode = decodeVia((*decoder).bytes, func(x any, b []byte) error { return f.Unmarshal(b, x) })
	}
	return true
}

// encodeVia stores the bytes that marshal gives for a pointer to the value.
func encodeVia(major byte, marshal func(any) ([]byte, error)) func(*encoder, reflect.Value) error {
	return func(e *encoder, v reflect.Value) (err error) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			if v.IsNil() {
				e.buf = append(e.buf, null)
				return nil
			}
		}
		v = addressable(v)
		defer recovered(&err, v.Type())
		b, err := marshal(v.Addr().Interface())
		if err != nil {
			return fmt.Errorf("%s: %w", v.Type(), err)
		}
		if major == majorText {
			e.buf = appendText(e.buf, string(b))
			return nil
		}
		e.head(major, uint64(len(b)))
		e.buf = append(e.buf, b...)
		return nil
	}
}

// decodeVia gives a copy of the stored bytes to unmarshal, with a pointer to the value.
func decodeVia(read func(*decoder) ([]byte, error), unmarshal func(any, []byte) error) func(*decoder, reflect.Value) error {
	return func(d *decoder, v reflect.Value) (err error) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			if d.null() {
				return nil
			}
		}
		b, err := read(d)
		if err != nil {
			return err
		}
		defer recovered(&err, v.Type())
		if err := unmarshal(v.Addr().Interface(), append([]byte{}, b...)); err != nil {
			return fmt.Errorf("%s: %w", v.Type(), err)
		}
		return nil
	}
}

// recovered turns a panic of a user's method into an error.
func recovered(err *error, t reflect.Type) {
	if p := recover(); p != nil {
		*err = errors.Join(*err, fmt.Errorf("%s: a method that stores or reads it panicked: %v", t, p))
	}
}
