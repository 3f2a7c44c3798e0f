package parquet

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// required is a leaf in column at.
func required(l *leaf, at, def int) *node {
	return &node{first: at, last: at + 1, def: def,
		write: func(s *shredder, v reflect.Value, rep int) error {
			x, err := l.value(s, v)
			if err != nil {
				return err
			}
			s.put(at, x, rep, def)
			return nil
		},
		read: func(c []cursor, v reflect.Value) error {
			x, err := c[at].next()
			if err != nil {
				return err
			}
			if x.DefinitionLevel() != def {
				return errNull
			}
			return l.set(v, x)
		},
	}
}

// optionalBytes is a []byte in column at.
func optionalBytes(at, def int) *node {
	return &node{first: at, last: at + 1, def: def,
		write: func(s *shredder, v reflect.Value, rep int) error {
			if v.IsNil() {
				s.put(at, parquet.Value{}, rep, def)
				return nil
			}
			s.put(at, parquet.ByteArrayValue(s.keep(v.Bytes())), rep, def+1)
			return nil
		},
		read: func(c []cursor, v reflect.Value) error {
			x, err := c[at].next()
			if err != nil {
				return err
			}
			if x.DefinitionLevel() > def {
				v.SetBytes(append([]byte{}, x.ByteArray()...))
			}
			return nil
		},
	}
}

// optional is a pointer to what inner is.
func optional(inner *node, def int) *node {
	n := &node{first: inner.first, last: inner.last, def: def}
	n.write = func(s *shredder, v reflect.Value, rep int) error {
		if v.IsNil() {
			n.absent(s, rep, def)
			return nil
		}
		return inner.write(s, v.Elem(), rep)
	}
	n.read = func(c []cursor, v reflect.Value) error {
		there, err := n.level(c)
		if err != nil {
			return err
		}
		if there <= def {
			return n.skip(c)
		}
		p := reflect.New(v.Type().Elem())
		if err := inner.read(c, p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
	return n
}

// list is a slice of what inner is: one definition level says that it is not nil, one more that it has an element.
func list(inner *node, def, rep int) *node {
	n := &node{first: inner.first, last: inner.last, def: def}
	n.write = func(s *shredder, v reflect.Value, above int) error {
		switch {
		case v.IsNil():
			n.absent(s, above, def)
			return nil
		case v.Len() == 0:
			n.absent(s, above, def+1)
			return nil
		}
		return elements(s, inner, v, above, rep+1)
	}
	n.read = func(c []cursor, v reflect.Value) error {
		there, err := n.level(c)
		switch {
		case err != nil:
			return err
		case there <= def:
			return n.skip(c)
		}
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		if there == def+1 {
			return n.skip(c)
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		for i := 0; ; i++ {
			elem.SetZero()
			if err := inner.read(c, elem); err != nil {
				return within(fmt.Sprintf("[%d]", i), err)
			}
			v.Set(reflect.Append(v, elem))
			if !c[n.first].repeats(rep + 1) {
				return nil
			}
		}
	}
	return n
}

// array is an array of length of what inner is.
func array(inner *node, length, def, rep int) *node {
	n := &node{first: inner.first, last: inner.last, def: def}
	n.write = func(s *shredder, v reflect.Value, above int) error { return elements(s, inner, v, above, rep+1) }
	n.read = func(c []cursor, v reflect.Value) error {
		if there, err := n.level(c); err != nil {
			return err
		} else if there <= def {
			return errLength
		}
		for i := range length {
			if i > 0 && !c[n.first].repeats(rep+1) {
				return errLength
			}
			if err := inner.read(c, v.Index(i)); err != nil {
				return within(fmt.Sprintf("[%d]", i), err)
			}
		}
		if c[n.first].repeats(rep + 1) {
			return errLength
		}
		return nil
	}
	return n
}

// elements writes those of a slice or an array: the first one repeats what is above it, the others the list.
func elements(s *shredder, inner *node, v reflect.Value, above, rep int) error {
	for i := range v.Len() {
		if i > 0 {
			above = rep
		}
		if err := inner.write(s, v.Index(i), above); err != nil {
			return within(fmt.Sprintf("[%d]", i), err)
		}
	}
	return nil
}

// mapping compiles a map: a list of keys and values, in the order of keys.
func (c *compiler) mapping(t reflect.Type, path string, def, rep int) (*node, parquet.Node, error) {
	compare := keyOrder(t.Key())
	if compare == nil {
		return nil, nil, fmt.Errorf("%s: %s is no key of a map that Parquet has an order for", path, t.Key())
	}
	key, k, err := c.node(t.Key(), path+"[key]", def+2, rep+1)
	if err != nil {
		return nil, nil, err
	}
	value, val, err := c.node(t.Elem(), path+"[]", def+2, rep+1)
	if err != nil {
		return nil, nil, err
	}
	n := &node{first: key.first, last: value.last, def: def}
	n.write = func(s *shredder, v reflect.Value, above int) error {
		switch {
		case v.IsNil():
			n.absent(s, above, def)
			return nil
		case v.Len() == 0:
			n.absent(s, above, def+1)
			return nil
		}
		keys := v.MapKeys()
		slices.SortFunc(keys, compare)
		at, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem() // addressable, as all that is written
		for i, k := range keys {
			if i > 0 {
				above = rep + 1
			}
			at.Set(k)
			elem.Set(v.MapIndex(k))
			err := key.write(s, at, above)
			if err == nil {
				err = value.write(s, elem, above)
			}
			if err != nil {
				return within(fmt.Sprintf("[%v]", k), err)
			}
		}
		return nil
	}
	n.read = func(c []cursor, v reflect.Value) error {
		there, err := n.level(c)
		switch {
		case err != nil:
			return err
		case there <= def:
			return n.skip(c)
		}
		v.Set(reflect.MakeMap(t))
		if there == def+1 {
			return n.skip(c)
		}
		at, elem := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		for {
			at.SetZero()
			elem.SetZero()
			if err := errors.Join(key.read(c, at), value.read(c, elem)); err != nil {
				return err
			}
			v.SetMapIndex(at, elem)
			if !c[n.first].repeats(rep + 1) {
				return nil
			}
		}
	}
	return n, parquet.Optional(parquet.Map(k, val)), nil
}

// keyOrder returns the order of map keys of a type, or nil.
func keyOrder(t reflect.Type) func(a, b reflect.Value) int {
	switch t.Kind() {
	case reflect.String:
		return func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Int(), b.Int()) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Uint(), b.Uint()) }
	case reflect.Bool:
		return func(a, b reflect.Value) int {
			switch x, y := a.Bool(), b.Bool(); {
			case x == y:
				return 0
			case y:
				return -1
			}
			return 1
		}
	}
	return nil
}

// absent says in all columns of n that there is nothing beyond a definition level.
func (n *node) absent(s *shredder, rep, def int) {
	for at := n.first; at < n.last; at++ {
		s.put(at, parquet.Value{}, rep, def)
	}
}

// level returns how much of n is there.
func (n *node) level(c []cursor) (int, error) {
	x, err := c[n.first].peek()
	if err != nil {
		return 0, err
	}
	return x.DefinitionLevel(), nil
}

// skip takes what absent wrote.
func (n *node) skip(c []cursor) error {
	for at := n.first; at < n.last; at++ {
		if _, err := c[at].next(); err != nil {
			return err
		}
	}
	return nil
}

var (
	errNull   = errors.New("null where there is always a value")
	errLength = errors.New("an array of another length")
)
