package codec

import (
	"encoding"
	"encoding/gob"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A typeCodec encodes and decodes the values of one type. It is made once; the functions know all that the type says.
type typeCodec struct {
	encode func(*encoder, reflect.Value) error
	decode func(*decoder, reflect.Value) error // into a settable zero value
	null   bool                                // whether some value is encoded as null
}

var codecs sync.Map // reflect.Type -> *typeCodec

func codecOf(t reflect.Type) (*typeCodec, error) {
	if c, ok := codecs.Load(t); ok {
		return c.(*typeCodec), nil
	}
	c := compiler{made: map[reflect.Type]*typeCodec{}}
	tc, err := c.codec(t, t.String())
	if err != nil {
		return nil, err
	}
	for t, tc := range c.made {
		codecs.LoadOrStore(t, tc)
	}
	return tc, nil
}

// A compiler makes the codecs of a type and of all that it consists of. A type that refers to itself finds its own codec, to be
// filled in later.
type compiler struct {
	made  map[reflect.Type]*typeCodec
	order []reflect.Type // in which made was filled
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	floatType   = reflect.TypeFor[big.Float]()
	fileType    = reflect.TypeFor[dag.File]()
	secretType  = reflect.TypeFor[dag.Secret]()
	byteOutType = reflect.TypeFor[encoding.BinaryMarshaler]()
	byteInType  = reflect.TypeFor[encoding.BinaryUnmarshaler]()
	textOutType = reflect.TypeFor[encoding.TextMarshaler]()
	textInType  = reflect.TypeFor[encoding.TextUnmarshaler]()
	gobOutType  = reflect.TypeFor[gob.GobEncoder]()
	gobInType   = reflect.TypeFor[gob.GobDecoder]()
)

// codec returns the codec of t. Values are stored by their structure wherever that is all of them; a type's own marshaller is used only
// where it has state that others cannot see. (A marshaller may lose something; structure does not.)
func (c *compiler) codec(t reflect.Type, path string) (*typeCodec, error) {
	if tc, ok := codecs.Load(t); ok {
		return tc.(*typeCodec), nil
	}
	if tc, ok := c.made[t]; ok {
		return tc, nil
	}
	tc := &typeCodec{null: t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Interface}
	mark := len(c.order)
	c.made[t] = tc
	c.order = append(c.order, t)
	err := c.fill(tc, t, path)
	if err != nil {
		c.forget(mark + 1) // what was made on the way may refer to what could not be made
		if marshaller(tc, t) {
			return tc, nil
		}
		c.forget(mark)
		return nil, err
	}
	return tc, nil
}

func (c *compiler) forget(mark int) {
	for _, t := range c.order[mark:] {
		delete(c.made, t)
	}
	c.order = c.order[:mark]
}

// fill sets the functions of tc for a type that is stored by its structure.
func (c *compiler) fill(tc *typeCodec, t reflect.Type, path string) error {
	switch t {
	case timeType:
		tc.encode, tc.decode = encodeTime, decodeTime
		return nil
	case fileType:
		return fmt.Errorf("%s: a dag.File inside a value cannot be stored; make it an output of its own", path)
	case secretType:
		return fmt.Errorf("%s: a dag.Secret is never stored", path)
	}
	switch t.Kind() {
	case reflect.Bool:
		tc.encode, tc.decode = encodeBool, decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		tc.encode, tc.decode = encodeInt, decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		tc.encode, tc.decode = encodeUint, decodeUint
	case reflect.Float32:
		tc.encode, tc.decode = encodeFloat32, decodeFloat32
	case reflect.Float64:
		tc.encode, tc.decode = encodeFloat64, decodeFloat64
	case reflect.Complex64, reflect.Complex128:
		tc.encode, tc.decode = encodeComplex, decodeComplex
	case reflect.String:
		tc.encode, tc.decode = encodeString, decodeString
	case reflect.Slice:
		return c.slice(tc, t, path)
	case reflect.Array:
		return c.array(tc, t, path)
	case reflect.Pointer:
		return c.pointer(tc, t, path)
	case reflect.Map:
		return c.mapping(tc, t, path)
	case reflect.Struct:
		return c.structure(tc, t, path)
	case reflect.Interface:
		if closed[t] != nil {
			return c.choice(tc, t, path)
		}
		return fmt.Errorf("%s: an interface (%s) cannot be stored; use a concrete type", path, t)
	default:
		return fmt.Errorf("%s: a %s cannot be stored", path, t.Kind())
	}
	return nil
}

// nullable gives tc the functions of a type whose nil is null; encode and decode are for all other values.
func (tc *typeCodec) nullable(encode func(*encoder, reflect.Value) error, decode func(*decoder, reflect.Value) error) {
	tc.encode = func(e *encoder, v reflect.Value) error {
		if v.IsNil() {
			e.buf = append(e.buf, null)
			return nil
		}
		return encode(e, v)
	}
	tc.decode = func(d *decoder, v reflect.Value) error {
		if d.null() {
			return nil
		}
		return decode(d, v)
	}
}

func (c *compiler) slice(tc *typeCodec, t reflect.Type, path string) error {
	if t.Elem().Kind() == reflect.Uint8 {
		tc.encode, tc.decode = encodeBytes, decodeBytes
		return nil
	}
	elem, err := c.codec(t.Elem(), path+"[]")
	if err != nil {
		return err
	}
	tc.nullable(
		func(e *encoder, v reflect.Value) error { return e.list(elem, v) },
		func(d *decoder, v reflect.Value) error {
			n, err := d.count(majorArray)
			if err != nil {
				return err
			}
			v.Set(reflect.MakeSlice(t, n, n))
			return d.list(elem, v)
		})
	return nil
}

func (c *compiler) array(tc *typeCodec, t reflect.Type, path string) error {
	if t.Elem().Kind() == reflect.Uint8 {
		tc.encode, tc.decode = encodeByteArray, decodeByteArray
		return nil
	}
	elem, err := c.codec(t.Elem(), path+"[]")
	if err != nil {
		return err
	}
	tc.encode = func(e *encoder, v reflect.Value) error { return e.list(elem, v) }
	tc.decode = func(d *decoder, v reflect.Value) error {
		n, err := d.count(majorArray)
		if err != nil {
			return err
		}
		if n != t.Len() {
			return fmt.Errorf("an array of %d elements for %s", n, t)
		}
		return d.list(elem, v)
	}
	return nil
}

// pointer stores what is pointed to, or null. Where that may be null itself it goes into an array of one element.
func (c *compiler) pointer(tc *typeCodec, t reflect.Type, path string) error {
	elem, err := c.codec(t.Elem(), path)
	if err != nil {
		return err
	}
	wrap := elem.null
	tc.nullable(
		func(e *encoder, v reflect.Value) error {
			if err := e.enter(); err != nil {
				return err
			}
			defer e.leave()
			if wrap {
				e.head(majorArray, 1)
			}
			return elem.encode(e, v.Elem())
		},
		func(d *decoder, v reflect.Value) error {
			if err := d.enter(); err != nil {
				return err
			}
			defer d.leave()
			if wrap {
				if n, err := d.count(majorArray); err != nil || n != 1 {
					return fmt.Errorf("a pointer to %s is not in an array of one element", t.Elem())
				}
			}
			p := reflect.New(t.Elem())
			if err := elem.decode(d, p.Elem()); err != nil {
				return err
			}
			v.Set(p)
			return nil
		})
	return nil
}

// structure stores a struct as a map of field names. The names, and so the whole frame, are known beforehand; a stored struct with
// other fields is an error.
func (c *compiler) structure(tc *typeCodec, t reflect.Type, path string) error {
	type field struct {
		index int
		key   []byte
		codec *typeCodec
	}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		var fc *typeCodec
		var err error
		switch {
		case f.Name == "_":
			continue // nobody can read or write it
		case f.IsExported():
			fc, err = c.codec(f.Type, path+"."+f.Name)
		case f.Anonymous && f.Type.Kind() == reflect.Struct && f.Type != timeType:
			// The exported fields of an embedded struct can be set even if its name is unexported; its methods cannot be called.
			fc = &typeCodec{}
			err = c.structure(fc, f.Type, path+"."+f.Name)
		default:
			err = fmt.Errorf("%s.%s: an unexported field cannot be stored; export it, or give %s MarshalBinary and UnmarshalBinary", path, f.Name, t)
		}
		if err != nil {
			return err
		}
		fields = append(fields, field{i, appendText(nil, f.Name), fc})
	}
	slices.SortFunc(fields, func(a, b field) int { return slices.Compare(a.key, b.key) })
	head := appendHead(nil, majorMap, uint64(len(fields)))

	tc.encode = func(e *encoder, v reflect.Value) error {
		if err := e.enter(); err != nil {
			return err
		}
		defer e.leave()
		e.buf = append(e.buf, head...)
		for i := range fields {
			f := &fields[i]
			e.buf = append(e.buf, f.key...)
			if err := f.codec.encode(e, v.Field(f.index)); err != nil {
				return err
			}
		}
		return nil
	}
	tc.decode = func(d *decoder, v reflect.Value) error {
		if err := d.enter(); err != nil {
			return err
		}
		defer d.leave()
		if !d.skip(head) {
			return fmt.Errorf("not a struct of %d fields, as %s is", len(fields), t)
		}
		for i := range fields {
			f := &fields[i]
			if !d.skip(f.key) {
				return fmt.Errorf("no field %s.%s where it should be", t, t.Field(f.index).Name)
			}
			if err := f.codec.decode(d, v.Field(f.index)); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}
