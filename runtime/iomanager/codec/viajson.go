package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// EncodeJSON returns v, a value of t, as encoding/json writes it: for other tools to read, and for DecodeJSON. canonical is what [Encode] gives for v. A value that JSON does not give back
// exactly is an error that names the path to the part at fault: NaN, a string that is not UTF-8, a time that is not in UTC (JSON keeps its offset and not its location), what a json
// tag leaves out.
func EncodeJSON(t *dag.Type, v any, canonical []byte) (text []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("encode %s as JSON: %w", t.Name, err)
		}
	}()
	at := reflect.New(t.Go) // a marshaller of the pointer counts too
	if rv := reflect.ValueOf(v); rv.IsValid() {
		at.Elem().Set(rv)
	}
	if hasTime(t.Go) {
		if err := first(at.Elem(), "", notUTC); err != nil {
			return nil, err
		}
	}
	if text, err = marshalJSON(at.Interface()); err != nil {
		if e := first(at.Elem(), "", noNumber); e != nil {
			err = e
		}
		return nil, err
	}
	again := reflect.New(t.Go)
	if err := unmarshalJSON(text, again.Interface()); err != nil {
		return nil, err
	}
	back, err := Encode(t, again.Elem().Interface())
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(back, canonical) {
		return nil, lost(at.Elem(), again.Elem(), "")
	}
	return text, nil
}

// DecodeJSON returns the value of t that EncodeJSON wrote, and its canonical encoding: of bytes that were written by other code that may be another value than it was. Errors wrap
// [ErrEncoding].
func DecodeJSON(t *dag.Type, text []byte) (v any, canonical []byte, err error) {
	at := reflect.New(t.Go)
	if err = unmarshalJSON(text, at.Interface()); err == nil {
		v = at.Elem().Interface()
		canonical, err = Encode(t, v)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("decode %s from JSON: %w: %w", t.Name, ErrEncoding, err)
	}
	return v, canonical, nil
}

func marshalJSON(v any) (_ []byte, err error) {
	defer recovered(&err, reflect.TypeOf(v).Elem())
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func unmarshalJSON(text []byte, v any) (err error) {
	defer recovered(&err, reflect.TypeOf(v).Elem())
	return json.Unmarshal(text, v)
}

var timed sync.Map // reflect.Type -> bool

// hasTime reports whether values of t may hold a time.Time that structure shows.
func hasTime(t reflect.Type) bool {
	if known, ok := timed.Load(t); ok {
		return known.(bool)
	}
	seen := map[reflect.Type]bool{}
	var has func(t reflect.Type) bool
	has = func(t reflect.Type) bool {
		if t == timeType {
			return true
		}
		if seen[t] {
			return false
		}
		seen[t] = true
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			return has(t.Elem())
		case reflect.Map:
			return has(t.Elem())
		case reflect.Struct:
			for i := range t.NumField() {
				if has(t.Field(i).Type) {
					return true
				}
			}
		}
		return false
	}
	found := has(t)
	timed.Store(t, found)
	return found
}

func notUTC(v reflect.Value) error {
	if v.Type() != timeType || !v.CanInterface() {
		return nil
	}
	if t := v.Interface().(time.Time); t.Location() != time.UTC {
		return fmt.Errorf("a time in %s, and JSON keeps no location; store it in UTC", t.Location())
	}
	return nil
}

func noNumber(v reflect.Value) error {
	if v.CanFloat() && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)) {
		return fmt.Errorf("JSON has no %v; use codec=cbor, or a pointer that is nil", v.Float())
	}
	return nil
}

// first returns the first thing that is wrong with a value or a part of it, with the path to that part.
func first(v reflect.Value, path string, wrong func(reflect.Value) error) error {
	if err := wrong(v); err != nil {
		return pathError(path, err)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return first(v.Elem(), path, wrong)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		for i := range v.Len() {
			if err := first(v.Index(i), fmt.Sprintf("%s[%d]", path, i), wrong); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, k := range sortedKeys(v) {
			if err := first(v.MapIndex(k), fmt.Sprintf("%s[%v]", path, k), wrong); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if err := first(v.Field(i), path+"."+v.Type().Field(i).Name, wrong); err != nil {
				return err
			}
		}
	}
	return nil
}

// lost says where b, which JSON gave back for a, is another value.
func lost(a, b reflect.Value, path string) error {
	here := func() error {
		return pathError(path, fmt.Errorf("it is %s, and JSON gives back %s", brief(a), brief(b)))
	}
	switch a.Kind() {
	case reflect.Pointer:
		if !a.IsNil() && !b.IsNil() {
			return lost(a.Elem(), b.Elem(), path)
		}
	case reflect.Slice, reflect.Array:
		if a.Type().Elem().Kind() == reflect.Uint8 || a.Len() != b.Len() {
			return here()
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return lost(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i))
			}
		}
	case reflect.Map:
		for _, k := range sortedKeys(a) {
			x, y := a.MapIndex(k), b.MapIndex(k)
			switch at := fmt.Sprintf("%s[%v]", path, k); {
			case !y.IsValid():
				return pathError(at, errors.New("JSON gives back no such key"))
			case !same(x, y):
				return lost(x, y, at)
			}
		}
	case reflect.Struct:
		if _, err := structureOf(a.Type()); err != nil {
			return here()
		}
		for i := range a.NumField() {
			if f := a.Type().Field(i); f.Name != "_" && !same(a.Field(i), b.Field(i)) {
				return lost(a.Field(i), b.Field(i), path+"."+f.Name)
			}
		}
	}
	return here()
}

// structureOf fails for a type that is not stored by its structure.
func structureOf(t reflect.Type) (*typeCodec, error) {
	c := compiler{made: map[reflect.Type]*typeCodec{}}
	tc := &typeCodec{}
	if t == timeType {
		return nil, errors.New("a time")
	}
	return tc, c.structure(tc, t, "")
}

// same reports whether two values have one encoding.
func same(a, b reflect.Value) bool {
	tc, err := codecOf(a.Type())
	if err != nil { // an embedded struct with an unexported name: its fields will tell
		tc, err = structureOf(a.Type())
	}
	if err != nil {
		return true
	}
	encode := func(v reflect.Value) []byte {
		e := &encoder{}
		if err := tc.encode(e, v); err != nil {
			return nil
		}
		return e.buf
	}
	return bytes.Equal(encode(a), encode(b))
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		x, y := fmt.Sprint(a), fmt.Sprint(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return keys
}

func brief(v reflect.Value) string {
	const most = 60
	s := fmt.Sprintf("%#v", v)
	switch v.Kind() {
	case reflect.Pointer:
		s = "a pointer"
		if v.IsNil() {
			s = "nil"
		}
	case reflect.Slice, reflect.Map:
		switch {
		case v.IsNil():
			s = "nil"
		case v.Len() == 0:
			s = "empty"
		}
	case reflect.Struct:
		s = fmt.Sprint(v)
	}
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}

func pathError(path string, err error) error {
	if path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}
