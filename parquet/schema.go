package parquet

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"
)

// A table is what is known of a row type: its schema, and how rows are taken apart into columns and put together again.
type table struct {
	schema  *parquet.Schema
	text    string // of the schema, to compare with that of a file
	columns int
	row     *node
}

// A node is a type at its place in a row. write appends its values to the columns of a shredder; rep is the repetition level of the first of them. read takes them from cursors and sets a
// settable zero value. Its values are in columns first to last, without last; def is the definition level of what is there at least where the node is reached.
type node struct {
	first, last int
	def         int
	write       func(s *shredder, v reflect.Value, rep int) error
	read        func(c []cursor, v reflect.Value) error
}

var tables sync.Map // reflect.Type -> *table

var timeType = reflect.TypeFor[time.Time]()

// tableOf compiles a row type. The error names the path to the part that cannot be stored.
func tableOf(row reflect.Type) (*table, error) {
	if t, ok := tables.Load(row); ok {
		return t.(*table), nil
	}
	if row.Kind() != reflect.Struct || row == timeType {
		return nil, fmt.Errorf("%s is no struct, and only a struct is a row", row)
	}
	c := compiler{open: map[reflect.Type]bool{}}
	n, group, err := c.node(row, row.String(), 0, 0)
	if err != nil {
		return nil, err
	}
	t := &table{schema: parquet.NewSchema("row", group), columns: c.columns, row: n}
	t.text = t.schema.String()
	known, _ := tables.LoadOrStore(row, t)
	return known.(*table), nil
}

// A compiler numbers the columns of a row type in their order.
type compiler struct {
	columns int
	open    map[reflect.Type]bool // types that are being looked at: a type in itself has no schema
}

// node compiles a type that stands where def definition levels and rep repetition levels are above it.
func (c *compiler) node(t reflect.Type, path string, def, rep int) (*node, parquet.Node, error) {
	if leaf, n := leafOf(t); leaf != nil {
		at := c.columns
		c.columns++
		return required(leaf, at, def), n, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		if t.Name() != "" {
			if c.open[t] {
				return nil, nil, fmt.Errorf("%s: %s contains itself, and a table has a fixed number of columns", path, t)
			}
			c.open[t] = true
			defer delete(c.open, t)
		}
		return c.group(t, path, def, rep)
	case reflect.Pointer:
		switch t.Elem().Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			return nil, nil, fmt.Errorf("%s: of a %s, null would be the pointer, or what it points to", path, t)
		}
		inner, n, err := c.node(t.Elem(), path, def+1, rep)
		if err != nil {
			return nil, nil, err
		}
		return optional(inner, def), parquet.Optional(n), nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			at := c.columns
			c.columns++
			return optionalBytes(at, def), parquet.Optional(parquet.Leaf(parquet.ByteArrayType)), nil
		}
		inner, n, err := c.node(t.Elem(), path+"[]", def+2, rep+1)
		if err != nil {
			return nil, nil, err
		}
		return list(inner, def, rep), parquet.Optional(parquet.List(n)), nil
	case reflect.Array:
		if t.Len() == 0 {
			return nil, nil, fmt.Errorf("%s: %s holds nothing", path, t)
		}
		inner, n, err := c.node(t.Elem(), path+"[]", def+1, rep+1)
		if err != nil {
			return nil, nil, err
		}
		return array(inner, t.Len(), def, rep), parquet.List(n), nil
	case reflect.Map:
		return c.mapping(t, path, def, rep)
	}
	return nil, nil, fmt.Errorf("%s: Parquet has nothing for %s", path, t)
}

func (c *compiler) group(t reflect.Type, path string, def, rep int) (*node, parquet.Node, error) {
	type member struct {
		index int
		*node
	}
	var members []member
	g := &group{}
	out := &node{first: c.columns, def: def}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			continue // nobody can read or write it
		}
		at := path + "." + f.Name
		if !f.IsExported() && !(f.Anonymous && f.Type.Kind() == reflect.Struct) {
			return nil, nil, fmt.Errorf("%s: an unexported field cannot be stored", at)
		}
		name, err := columnName(f)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", at, err)
		}
		for _, other := range g.fields {
			if other.Name() == name {
				return nil, nil, fmt.Errorf("%s: another field is the column %q too", at, name)
			}
		}
		inner, n, err := c.node(f.Type, at, def, rep)
		if err != nil {
			return nil, nil, err
		}
		members = append(members, member{i, inner})
		g.fields = append(g.fields, &field{Node: n, name: name, index: i})
	}
	if len(members) == 0 {
		return nil, nil, fmt.Errorf("%s: a struct without fields has no columns", path)
	}
	out.last = c.columns
	out.write = func(s *shredder, v reflect.Value, rep int) error {
		for i := range members {
			if err := members[i].write(s, v.Field(members[i].index), rep); err != nil {
				return within("."+t.Field(members[i].index).Name, err)
			}
		}
		return nil
	}
	out.read = func(c []cursor, v reflect.Value) error {
		for i := range members {
			if err := members[i].read(c, v.Field(members[i].index)); err != nil {
				return within("."+t.Field(members[i].index).Name, err)
			}
		}
		return nil
	}
	return out, g, nil
}

// columnName is the name of a field's column: that of its tag, or its own.
func columnName(f reflect.StructField) (string, error) {
	tag, ok := f.Tag.Lookup("parquet")
	name, options, more := strings.Cut(tag, ",")
	switch {
	case !ok:
		return f.Name, nil
	case name == "-":
		return "", fmt.Errorf("its tag parquet:%q leaves it out", tag)
	case more:
		return "", fmt.Errorf("the option %q of its tag is not for codec=parquet, which takes the name of a column alone", options)
	case name == "":
		return f.Name, nil
	}
	return name, nil
}

// A group is a parquet.Group whose fields have an order.
type group struct {
	parquet.Group
	fields []parquet.Field
}

// Fields returns the fields in the order of the struct.
func (g *group) Fields() []parquet.Field { return g.fields }

// String returns the schema of the group, as the library writes it.
func (g *group) String() string {
	var b strings.Builder
	_ = parquet.PrintSchema(&b, "", g) // a Builder takes everything
	return b.String()
}

type field struct {
	parquet.Node
	name  string
	index int
}

// Name returns the name of the column.
func (f *field) Name() string { return f.name }

// Value returns the field of a struct.
func (f *field) Value(base reflect.Value) reflect.Value { return base.Field(f.index) }

// A valueError is an error about a part of a row.
type valueError struct {
	path string // ".Legs[2].From"
	err  error
}

func (e *valueError) Error() string { return e.path + ": " + e.err.Error() }
func (e *valueError) Unwrap() error { return e.err }

// within puts a step of the path before what an error says of its place.
func within(step string, err error) error {
	if e, ok := err.(*valueError); ok {
		return &valueError{step + e.path, e.err}
	}
	return &valueError{step, err}
}
