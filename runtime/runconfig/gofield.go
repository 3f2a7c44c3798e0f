package runconfig

import (
	"reflect"
	"strings"
	"sync"
	"time"
)

// The Go side of a field tree. Reflection runs only where a value is resolved, never when a binary starts.

type fieldKey struct {
	typ  reflect.Type
	name string
}

var fieldIndexes sync.Map // fieldKey to []int

// fieldIndex finds the exported field of a struct type that encoding/json calls name, in embedded structs too, nearest first.
// nil means there is none.
func fieldIndex(t reflect.Type, name string) []int {
	key := fieldKey{t, name}
	if v, ok := fieldIndexes.Load(key); ok {
		return v.([]int)
	}
	index := findField(t, name)
	fieldIndexes.Store(key, index)
	return index
}

func findField(t reflect.Type, name string) []int {
	type level struct {
		typ   reflect.Type
		index []int
	}
	seen := map[reflect.Type]bool{}
	for todo := []level{{typ: t}}; len(todo) > 0; {
		var deeper []level
		for _, l := range todo {
			if seen[l.typ] {
				continue
			}
			seen[l.typ] = true
			for i := range l.typ.NumField() {
				f := l.typ.Field(i)
				index := append(append([]int(nil), l.index...), i)
				tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if f.Anonymous && tag == "" {
					if ft := deref(f.Type); ft.Kind() == reflect.Struct && ft != reflect.TypeFor[time.Time]() {
						deeper = append(deeper, level{ft, index})
						continue
					}
				}
				if !f.IsExported() || f.Tag.Get("json") == "-" {
					continue
				}
				if tag == "" {
					tag = f.Name
				}
				if tag == name {
					return index
				}
			}
		}
		todo = deeper
	}
	return nil
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// fieldType returns the Go type of a field; nil where typ is unknown or has no such field.
func fieldType(typ reflect.Type, name string) reflect.Type {
	if typ == nil || typ.Kind() != reflect.Struct {
		return nil
	}
	if index := fieldIndex(typ, name); index != nil {
		return typ.FieldByIndex(index).Type
	}
	return nil
}

// fieldValue returns a field of v; the invalid Value where v is invalid, has no such field, or an embedded pointer on
// the way is nil.
func fieldValue(v reflect.Value, name string) reflect.Value {
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	index := fieldIndex(v.Type(), name)
	if index == nil {
		return reflect.Value{}
	}
	f, err := v.FieldByIndexErr(index)
	if err != nil {
		return reflect.Value{}
	}
	return f
}

func elemType(t reflect.Type) reflect.Type {
	if t == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return t.Elem()
	}
	return nil
}

// deepCopy returns v with its own lists, maps and pointed-to values, as far as encoding/json can reach them, so that decoding
// on top of it does not change the original.
func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && v.Elem().Kind() != reflect.Invalid {
			p := reflect.New(v.Type().Elem())
			p.Elem().Set(deepCopy(v.Elem()))
			out.Set(p.Convert(v.Type()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(deepCopy(v.Index(i)))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			out.Index(i).Set(deepCopy(v.Index(i)))
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
			for it := v.MapRange(); it.Next(); {
				out.SetMapIndex(it.Key(), deepCopy(it.Value()))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := out.Field(i); f.CanSet() {
				f.Set(deepCopy(v.Field(i)))
			}
		}
	}
	return out
}
