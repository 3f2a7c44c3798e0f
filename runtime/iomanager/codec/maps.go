package codec

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
)

// A pair is one entry of a map in the buffer: the key begins at start, the value at value.
type pair struct{ start, value, end int }

// mapping stores a map as a map, its entries in the order of their encoded keys.
func (c *compiler) mapping(tc *typeCodec, t reflect.Type, path string) error {
	key, err := c.codec(t.Key(), path+" (key)")
	if err != nil {
		return err
	}
	elem, err := c.codec(t.Elem(), path+"[]")
	if err != nil {
		return err
	}
	tc.nullable(
		func(e *encoder, v reflect.Value) error { return e.mapping(key, elem, v) },
		func(d *decoder, v reflect.Value) error { return d.mapping(key, elem, v) })
	return nil
}

func (e *encoder) mapping(key, elem *typeCodec, v reflect.Value) error {
	if err := e.enter(); err != nil {
		return err
	}
	defer e.leave()
	e.head(majorMap, uint64(v.Len()))
	base, first := len(e.buf), len(e.pairs)
	k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	for it := v.MapRange(); it.Next(); {
		p := pair{start: len(e.buf)}
		k.SetIterKey(it)
		if err := key.encode(e, k); err != nil {
			return err
		}
		p.value = len(e.buf)
		x.SetIterValue(it)
		if err := elem.encode(e, x); err != nil {
			return err
		}
		p.end = len(e.buf)
		e.pairs = append(e.pairs, p)
	}
	pairs := e.pairs[first:]
	e.pairs = e.pairs[:first]
	// Keys that are not equal to themselves (NaN) may occur several times; their values decide then.
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := bytes.Compare(e.buf[a.start:a.value], e.buf[b.start:b.value]); c != 0 {
			return c
		}
		return bytes.Compare(e.buf[a.value:a.end], e.buf[b.value:b.end])
	})
	e.spare = e.spare[:0]
	for _, p := range pairs {
		e.spare = append(e.spare, e.buf[p.start:p.end]...)
	}
	copy(e.buf[base:], e.spare)
	return nil
}

func (d *decoder) mapping(key, elem *typeCodec, v reflect.Value) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	n, err := d.count(majorMap)
	if err != nil {
		return err
	}
	m := reflect.MakeMapWithSize(v.Type(), n)
	k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	var last, lastElem []byte
	for i := range n {
		k.SetZero()
		x.SetZero()
		start := d.pos
		if err := key.decode(d, k); err != nil {
			return err
		}
		value := d.pos
		if err := elem.decode(d, x); err != nil {
			return err
		}
		this, thisElem := d.data[start:value], d.data[value:d.pos]
		if i > 0 {
			c := bytes.Compare(last, this)
			if c > 0 || c == 0 && bytes.Compare(lastElem, thisElem) > 0 {
				return errors.New("the entries of a map are not in order")
			}
		}
		last, lastElem = this, thisElem
		m.SetMapIndex(k, x)
	}
	if m.Len() != n {
		return errors.New("a key occurs twice in a map")
	}
	v.Set(m)
	return nil
}
