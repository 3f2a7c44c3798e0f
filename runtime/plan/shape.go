package plan

import (
	"reflect"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// opShape is the digest of the names and type layouts of an op's inputs and outputs. It is part of every code version, so that a stored value
// is never decoded into another layout, whatever a version= argument or a strategy says.
func opShape(op *dag.Op) canon.Digest {
	e := canon.New("dagstergen/shape/v1")
	e.List("inputs", len(op.Inputs))
	for i := range op.Inputs {
		e.Digest(op.Inputs[i].Name, typeShape(op.Inputs[i].Type))
		if elem := op.Inputs[i].Type.Gathers(); elem != nil { // a function type does not say what it yields
			e.Digest("partitions", typeShape(elem))
		}
	}
	e.List("outputs", len(op.Outputs))
	for i := range op.Outputs {
		e.Digest(op.Outputs[i].Name, typeShape(op.Outputs[i].Type))
	}
	return e.Sum()
}

var shapes sync.Map // reflect.Type to canon.Digest; layouts do not change while a program runs

// typeShape is the digest of a type's layout: names, order, tags and types of fields, at any depth. A named type whose fields are
// hidden counts by its name alone, because it encodes itself.
func typeShape(t *dag.Type) canon.Digest {
	if d, ok := shapes.Load(t.Go); ok {
		return d.(canon.Digest)
	}
	e := canon.New("dagstergen/type/v1")
	w := shapeWriter{e: e, seen: map[reflect.Type]int{}}
	w.write("", t.Go)
	d := e.Sum()
	shapes.Store(t.Go, d)
	return d
}

type shapeWriter struct {
	e    *canon.Encoder
	seen map[reflect.Type]int // named types by order of appearance, so that recursive types end
}

func (w *shapeWriter) write(field string, t reflect.Type) {
	if t == nil {
		w.e.Nil(field)
		return
	}
	if t.PkgPath() != "" {
		w.e.String(field, t.PkgPath()+"."+t.Name())
		if i, again := w.seen[t]; again {
			w.e.Int("again", int64(i))
			return
		}
		w.seen[t] = len(w.seen)
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		w.e.String(field, t.Kind().String())
		w.write("elem", t.Elem())
	case reflect.Array:
		w.e.Int(field, int64(t.Len()))
		w.write("elem", t.Elem())
	case reflect.Map:
		w.e.String(field, "map")
		w.write("key", t.Key())
		w.write("elem", t.Elem())
	case reflect.Struct:
		w.structure(field, t)
	default:
		w.e.String(field, t.Kind().String())
	}
}

func (w *shapeWriter) structure(field string, t reflect.Type) {
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			w.e.String(field, "opaque")
			return
		}
	}
	w.e.List(field, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		w.e.String("name", f.Name)
		w.e.String("tag", string(f.Tag))
		w.e.Bool("embedded", f.Anonymous)
		w.write("type", f.Type)
	}
}
