package model

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"
)

// codecParquet is the codec that a package of another module has.
const codecParquet = "parquet"

// tableProblem says what of t, which can be stored or is a stream of what can be, makes it no table for package parquet; nil for nothing. What depends on the value (text that is not UTF-8, a
// time that is not in UTC or out of range) is found when the step runs. The rules are those of that package's schema.
func (b *builder) tableProblem(t types.Type, from *types.Package) *storeProblem {
	w := &tableWalk{typeWalk: typeWalk{from}, open: map[types.Type]bool{}}
	path := Short(t, from)
	row, _ := StreamElem(t)
	if row == nil {
		slice, ok := t.Underlying().(*types.Slice)
		if !ok {
			return w.fail(t, path, nil, "it is no table", "return []T or iter.Seq2[T, error], where T is a struct")
		}
		row = slice.Elem()
		path = elementPath(path, nil, "[]")
	} else {
		path = Short(row, from)
	}
	if _, ok := row.Underlying().(*types.Struct); !ok || isNamed(row, "time", "Time") {
		return w.fail(row, path, nil, "its rows are no structs, whose fields are the columns", "return []T or iter.Seq2[T, error], where T is a struct")
	}
	return w.walk(row, path, nil)
}

// A tableWalk visits the parts of a type depth first and stops at the first one at fault.
type tableWalk struct {
	typeWalk
	open map[types.Type]bool // that it is in: a type in itself would have no end
}

func (w *tableWalk) walk(t types.Type, path string, hops []fieldHop) *storeProblem {
	if isNamed(t, "time", "Time") {
		return nil
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		if w.open[named] {
			return w.fail(t, path, hops, "it contains itself, and a table has a fixed number of columns", "refer to other rows by a key")
		}
		w.open[named] = true
		defer delete(w.open, named)
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Info()&types.IsComplex != 0 {
			return w.fail(t, path, hops, "Parquet has no complex numbers", "store both parts")
		}
	case *types.Pointer:
		switch u.Elem().Underlying().(type) {
		case *types.Pointer, *types.Slice, *types.Map:
			return w.fail(t, path, hops, "null would be the pointer, or what it points to", "drop the pointer")
		}
		return w.walk(u.Elem(), path, hops)
	case *types.Slice:
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Array:
		if u.Len() == 0 {
			return w.fail(t, path, hops, "it holds nothing", "drop it")
		}
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Map:
		if k, ok := u.Key().Underlying().(*types.Basic); !ok || k.Info()&(types.IsString|types.IsInteger|types.IsBoolean) == 0 {
			return w.fail(t, path, hops, "as a map key, "+Short(u.Key(), w.from)+" has no order", "use a string, an integer or a bool as the key")
		}
		return w.walk(u.Elem(), elementPath(path, hops, "[]"), hops)
	case *types.Struct:
		return w.fields(t, u, path, hops)
	case *types.Interface:
		return w.fail(t, path, hops, "a column does not say what stands behind an interface", "use a concrete type")
	}
	return nil
}

// fields judges the fields of a struct, each a column or a group of columns.
func (w *tableWalk) fields(t types.Type, s *types.Struct, path string, hops []fieldHop) *storeProblem {
	columns := map[string]string{} // the paths of their fields
	for i := range s.NumFields() {
		f := s.Field(i)
		if f.Name() == "_" || Invalid(f.Type()) {
			continue
		}
		at := append(hops[:len(hops):len(hops)], fieldHop{f.Pos(), "field " + f.Name() + " is declared here"})
		fieldPath := path + "." + f.Name()
		if _, inner := f.Type().Underlying().(*types.Struct); !f.Exported() && !(f.Embedded() && inner) { // it has a marshaller, which is not for columns
			return w.fail(f.Type(), fieldPath, at, "an unexported field is no column", "export it, or store what its type's MarshalBinary or MarshalText gives")
		}
		tag, tagged := reflect.StructTag(s.Tag(i)).Lookup("parquet")
		name, option, more := strings.Cut(tag, ",")
		switch {
		case tagged && name == "-":
			return w.fail(f.Type(), fieldPath, at, fmt.Sprintf("its tag parquet:%q leaves it out", tag), "drop the tag")
		case more:
			return w.fail(f.Type(), fieldPath, at, fmt.Sprintf("the option %q of its tag says nothing here", option), "give the name of a column alone")
		case name == "":
			name = f.Name()
		}
		if other, taken := columns[name]; taken {
			return w.fail(f.Type(), fieldPath, at, fmt.Sprintf("%s is the column %q too", other, name), "give them different parquet tags")
		}
		columns[name] = fieldPath
		if p := w.walk(f.Type(), fieldPath, at); p != nil {
			return p
		}
	}
	if len(columns) == 0 {
		return w.fail(t, path, hops, "a struct without fields has no columns", "drop it, or give it a field")
	}
	return nil
}
