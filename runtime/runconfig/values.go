package runconfig

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A val is a resolved value with its type: what versions count and what a record shows.
type val struct {
	kind    valKind
	bool    bool
	int     int64
	uint    uint64
	float   float64
	text    string // of a text, a duration, a time; the name of the variable of a secret
	items   []*val
	members []valMember // of a mapping: in the order of fields, or sorted keys
}

type valMember struct {
	key   string
	value *val
}

type valKind uint8

const (
	valNil valKind = iota
	valBool
	valInt
	valUint
	valFloat
	valText
	valDuration // text, and int in nanoseconds
	valList
	valMap
	valNumber // shown only: as it was written
	valSecret // shown only, never counted
)

// values reads a decoded config by its fields, twice over: what its version counts and what may be shown. It reads the
// Go value and not the document, so that equal values are equal wherever they came from.
func (r *resolver) values(c *dag.Config, v any, path trail) (counted, shown *val, err error) {
	defer func() {
		if p := recover(); p != nil { // a MarshalText of user code
			err = fmt.Errorf("reading %s panicked: %v", c.Symbol, p)
		}
	}()
	return r.structValues(c.Fields, reflect.ValueOf(v), path)
}

func (r *resolver) structValues(fields []dag.Field, v reflect.Value, path trail) (counted, shown *val, err error) {
	counted, shown = &val{kind: valMap}, &val{kind: valMap}
	for i := range fields {
		f := &fields[i]
		if fieldIndex(v.Type(), f.Name) == nil {
			return nil, nil, fmt.Errorf("%s has no field for %q; run dagstergen again", v.Type(), f.Name)
		}
		c, s, err := r.fieldValues(f, fieldValue(v, f.Name), path.key(f.Name))
		if err != nil {
			return nil, nil, err
		}
		if s.kind != valNil || f.Nullable { // nil of what takes no null could not be parsed again
			shown.members = append(shown.members, valMember{f.Name, s})
		}
		if !f.Secret && !f.Unversioned {
			counted.members = append(counted.members, valMember{f.Name, c})
		}
	}
	slices.SortFunc(counted.members, func(a, b valMember) int { // the order of fields in the source is no part of a version
		if a.key < b.key {
			return -1
		}
		return 1
	})
	return counted, shown, nil
}

// fieldValues reads one value. An invalid v is a field of an embedded pointer that is nil.
func (r *resolver) fieldValues(f *dag.Field, v reflect.Value, path trail) (counted, shown *val, err error) {
	if f.Secret {
		if v.IsValid() && v.IsZero() && !f.Required { // nobody gave one, and what stands for it could not be read again
			return &val{}, &val{}, nil
		}
		return &val{}, &val{kind: valSecret, text: r.env[path]}, nil
	}
	if !v.IsValid() {
		return &val{}, &val{}, nil
	}
	if v.Kind() == reflect.Pointer && f.Kind != fieldAny {
		if v.IsNil() {
			return &val{}, &val{}, nil
		}
		if f.Kind != dag.FieldText {
			v = v.Elem()
		}
	}
	switch f.Kind {
	case dag.FieldStruct:
		return r.structValues(f.Fields, v, path)
	case dag.FieldList:
		return r.listValues(f, v, path)
	case dag.FieldMap:
		return r.mapValues(f, v, path)
	}
	one, err := scalarValue(f, v)
	if err == nil && one.kind == valFloat && f.Bits == 32 && !math.IsNaN(one.float) && !math.IsInf(one.float, 0) {
		// As it was written: the nearest number of 64 bits may lie outside of the field's bounds.
		return one, &val{kind: valNumber, text: floatText(one.float, 32)}, nil
	}
	return one, one, err
}

func (r *resolver) listValues(f *dag.Field, v reflect.Value, path trail) (counted, shown *val, err error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return &val{}, &val{}, nil
	}
	counted, shown = &val{kind: valList}, &val{kind: valList}
	for i := range v.Len() {
		c, s, err := r.fieldValues(f.Elem, v.Index(i), path.index(i))
		if err != nil {
			return nil, nil, err
		}
		counted.items, shown.items = append(counted.items, c), append(shown.items, s)
	}
	return counted, shown, nil
}

func (r *resolver) mapValues(f *dag.Field, v reflect.Value, path trail) (counted, shown *val, err error) {
	if v.IsNil() {
		return &val{}, &val{}, nil
	}
	counted, shown = &val{kind: valMap}, &val{kind: valMap}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	for _, k := range keys {
		c, s, err := r.fieldValues(f.Elem, v.MapIndex(k), path.key(k.String()))
		if err != nil {
			return nil, nil, err
		}
		counted.members = append(counted.members, valMember{k.String(), c})
		shown.members = append(shown.members, valMember{k.String(), s})
	}
	return counted, shown, nil
}

func scalarValue(f *dag.Field, v reflect.Value) (*val, error) {
	switch k := v.Kind(); {
	case f.Kind == dag.FieldDuration && k == reflect.Int64:
		return &val{kind: valDuration, int: v.Int(), text: time.Duration(v.Int()).String()}, nil
	case f.Kind == dag.FieldText:
	case k == reflect.String:
		return &val{kind: valText, text: v.String()}, nil
	case k == reflect.Bool:
		return &val{kind: valBool, bool: v.Bool()}, nil
	case v.CanInt():
		return &val{kind: valInt, int: v.Int()}, nil
	case v.CanUint():
		return &val{kind: valUint, uint: v.Uint()}, nil
	case v.CanFloat():
		return &val{kind: valFloat, float: v.Float()}, nil
	}
	return textValue(v)
}

// textValue asks a value for its text, or else for its JSON.
func textValue(v reflect.Value) (*val, error) {
	p := reflect.New(v.Type()) // so that methods on the pointer are found
	p.Elem().Set(v)
	for _, x := range []any{v.Interface(), p.Interface()} {
		if m, ok := x.(encoding.TextMarshaler); ok {
			b, err := m.MarshalText()
			if err != nil {
				return nil, fmt.Errorf("%s cannot be written: %w", v.Type(), err)
			}
			return &val{kind: valText, text: string(b)}, nil
		}
	}
	if v.Kind() == reflect.String {
		return &val{kind: valText, text: v.String()}, nil
	}
	if _, ok := v.Interface().(json.Marshaler); ok {
		b, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, fmt.Errorf("%s cannot be written: %w", v.Type(), err)
		}
		s := string(b)
		if u, err := strconv.Unquote(s); err == nil {
			s = u
		}
		return &val{kind: valText, text: s}, nil
	}
	return nil, fmt.Errorf("%s reads a text and cannot write it back, so it has no version; give it a MarshalText method", v.Type())
}
