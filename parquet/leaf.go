package parquet

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/parquet-go/parquet-go"
)

// A leaf is how values of a type stand in one column.
type leaf struct {
	value func(s *shredder, v reflect.Value) (parquet.Value, error) // v is addressable
	set   func(v reflect.Value, x parquet.Value) error
}

// leafOf returns the leaf of a type that is one column, required where it stands; nil for any other type.
func leafOf(t reflect.Type) (*leaf, parquet.Node) {
	if t == timeType {
		return &leaf{timeValue, setTime}, parquet.TimestampAdjusted(parquet.Nanosecond, true)
	}
	switch t.Kind() {
	case reflect.Bool:
		return &leaf{
			func(_ *shredder, v reflect.Value) (parquet.Value, error) { return parquet.BooleanValue(v.Bool()), nil },
			func(v reflect.Value, x parquet.Value) error { v.SetBool(x.Boolean()); return nil },
		}, parquet.Leaf(parquet.BooleanType)
	case reflect.Int8, reflect.Int16, reflect.Int32:
		return &leaf{
			func(_ *shredder, v reflect.Value) (parquet.Value, error) {
				return parquet.Int32Value(int32(v.Int())), nil
			},
			func(v reflect.Value, x parquet.Value) error {
				if v.OverflowInt(int64(x.Int32())) {
					return fmt.Errorf("%d is no %s", x.Int32(), v.Type())
				}
				v.SetInt(int64(x.Int32()))
				return nil
			},
		}, parquet.Int(t.Bits())
	case reflect.Int, reflect.Int64:
		return &leaf{
			func(_ *shredder, v reflect.Value) (parquet.Value, error) { return parquet.Int64Value(v.Int()), nil },
			func(v reflect.Value, x parquet.Value) error {
				if v.OverflowInt(x.Int64()) {
					return fmt.Errorf("%d is no %s", x.Int64(), v.Type())
				}
				v.SetInt(x.Int64())
				return nil
			},
		}, parquet.Int(64)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return &leaf{
			func(_ *shredder, v reflect.Value) (parquet.Value, error) {
				return parquet.Int32Value(int32(v.Uint())), nil
			},
			func(v reflect.Value, x parquet.Value) error {
				if v.OverflowUint(uint64(x.Uint32())) {
					return fmt.Errorf("%d is no %s", x.Uint32(), v.Type())
				}
				v.SetUint(uint64(x.Uint32()))
				return nil
			},
		}, parquet.Uint(t.Bits())
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return &leaf{
			func(_ *shredder, v reflect.Value) (parquet.Value, error) {
				return parquet.Int64Value(int64(v.Uint())), nil
			},
			func(v reflect.Value, x parquet.Value) error {
				if v.OverflowUint(x.Uint64()) {
					return fmt.Errorf("%d is no %s", x.Uint64(), v.Type())
				}
				v.SetUint(x.Uint64())
				return nil
			},
		}, parquet.Uint(64)
	case reflect.Float32: // not by way of a float64, which would make a signalling NaN a quiet one
		return &leaf{
			func(_ *shredder, v reflect.Value) (parquet.Value, error) {
				return parquet.FloatValue(*(*float32)(v.Addr().UnsafePointer())), nil
			},
			func(v reflect.Value, x parquet.Value) error {
				*(*float32)(v.Addr().UnsafePointer()) = x.Float()
				return nil
			},
		}, parquet.Leaf(parquet.FloatType)
	case reflect.Float64:
		return &leaf{
			func(_ *shredder, v reflect.Value) (parquet.Value, error) { return parquet.DoubleValue(v.Float()), nil },
			func(v reflect.Value, x parquet.Value) error { v.SetFloat(x.Double()); return nil },
		}, parquet.Leaf(parquet.DoubleType)
	case reflect.String:
		return &leaf{stringValue, func(v reflect.Value, x parquet.Value) error { v.SetString(string(x.ByteArray())); return nil }}, parquet.String()
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Len() > 0 {
			return &leaf{
				func(s *shredder, v reflect.Value) (parquet.Value, error) {
					return parquet.FixedLenByteArrayValue(s.keep(v.Bytes())), nil
				},
				func(v reflect.Value, x parquet.Value) error {
					if b := x.ByteArray(); copy(v.Bytes(), b) != v.Len() || len(b) != v.Len() {
						return fmt.Errorf("%d bytes for %s", len(b), v.Type())
					}
					return nil
				},
			}, parquet.Leaf(parquet.FixedLenByteArrayType(t.Len()))
		}
	}
	return nil, nil
}

var errText = errors.New("text that is not UTF-8, and Parquet has no other; store it as []byte")

func stringValue(s *shredder, v reflect.Value) (parquet.Value, error) {
	text := v.String()
	if !utf8.ValidString(text) {
		return parquet.Value{}, errText
	}
	s.size += len(text)
	return parquet.ByteArrayValue(unsafe.Slice(unsafe.StringData(text), len(text))), nil // a string never changes
}

// The first and the last second whose nanoseconds since 1970 an INT64 holds.
const firstSecond, lastSecond = math.MinInt64/int64(time.Second) + 1, math.MaxInt64/int64(time.Second) - 1

func timeValue(_ *shredder, v reflect.Value) (parquet.Value, error) {
	t := (*time.Time)(v.Addr().UnsafePointer())
	if t.Location() != time.UTC {
		return parquet.Value{}, fmt.Errorf("a time in %s, and Parquet keeps no location; store it in UTC", t.Location())
	}
	if s := t.Unix(); s < firstSecond || s > lastSecond {
		if t.IsZero() {
			return parquet.Value{}, errors.New("the zero time, and Parquet keeps those from 1677 to 2262; use a pointer that is nil")
		}
		return parquet.Value{}, fmt.Errorf("a time of the year %d, and Parquet keeps those from 1677 to 2262", t.Year())
	}
	return parquet.Int64Value(t.UnixNano()), nil
}

func setTime(v reflect.Value, x parquet.Value) error {
	*(*time.Time)(v.Addr().UnsafePointer()) = time.Unix(0, x.Int64()).UTC()
	return nil
}
