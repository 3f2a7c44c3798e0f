package differ

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

// Values says where two values of a type differ; nil if they are equal. They must not be changed meanwhile.
func Values(t *dag.Type, stored, now any, r *Redactor) *Difference {
	w := &walker{redact: r}
	a, b := reflect.New(t.Go).Elem(), reflect.New(t.Go).Elem() // so that a value of an interface type has one
	set(a, stored)
	set(b, now)
	w.walk("", a, b, 0)
	if w.places == 0 {
		return nil
	}
	w.first.More = min(w.places-1, MostPlaces)
	return &w.first
}

func set(into reflect.Value, v any) {
	if rv := reflect.ValueOf(v); rv.IsValid() && rv.Type().AssignableTo(into.Type()) {
		into.Set(rv)
	}
}

// A walker goes through two values side by side.
type walker struct {
	redact *Redactor
	first  Difference
	places int
}

// deepest bounds how far it goes: what is below is one place.
const deepest = 200

var timeType = reflect.TypeFor[time.Time]()

// walk compares a and b, which have one type and stand at path.
func (w *walker) walk(path string, a, b reflect.Value, depth int) {
	if w.places > MostPlaces || equal(a, b) {
		return
	}
	t := a.Type()
	if depth > deepest || t == timeType {
		w.leaf(path, a, b)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		if !a.IsNil() && !b.IsNil() {
			w.walk(path, a.Elem(), b.Elem(), depth+1)
			return
		}
	case reflect.Struct:
		if transparent(t) {
			w.structs(path, a, b, depth)
			return
		}
	case reflect.Slice:
		if !a.IsNil() && !b.IsNil() && t.Elem().Kind() != reflect.Uint8 {
			w.lists(path, a, b, depth)
			return
		}
	case reflect.Array:
		if t.Elem().Kind() != reflect.Uint8 {
			w.lists(path, a, b, depth)
			return
		}
	case reflect.Map:
		if !a.IsNil() && !b.IsNil() {
			w.maps(path, a, b, depth)
			return
		}
	case reflect.String:
		w.text(path, a.String(), b.String())
		return
	}
	w.leaf(path, a, b)
}

// equal reports whether two values have one encoding. What has none by itself, as a part of a value that encodes itself as a whole, is compared as Go
// does.
func equal(a, b reflect.Value) bool {
	if !a.CanInterface() || !b.CanInterface() {
		return false // an embedded struct whose name is not exported: its fields decide
	}
	t := &dag.Type{Name: a.Type().String(), Go: a.Type()}
	x, errA := codec.Encode(t, a.Interface())
	y, errB := codec.Encode(t, b.Interface())
	if errA != nil || errB != nil {
		return reflect.DeepEqual(a.Interface(), b.Interface())
	}
	return bytes.Equal(x, y)
}

// transparent reports whether a struct is all that its fields are.
func transparent(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() && f.Name != "_" && (!f.Anonymous || f.Type.Kind() != reflect.Struct) {
			return false
		}
	}
	return true
}

func (w *walker) structs(path string, a, b reflect.Value, depth int) {
	before := w.places
	for i := range a.NumField() {
		f := a.Type().Field(i)
		switch {
		case f.Name == "_":
		case f.Anonymous && !f.IsExported():
			w.walk(path, a.Field(i), b.Field(i), depth+1)
		default:
			w.walk(path+"."+f.Name, a.Field(i), b.Field(i), depth+1)
		}
	}
	if w.places == before && a.CanInterface() { // its own methods say more than its fields
		w.leaf(path, a, b)
	}
}

func (w *walker) lists(path string, a, b reflect.Value, depth int) {
	outermost := w.places == 0
	shared := min(a.Len(), b.Len())
	for i := range shared {
		w.walk(path+"["+strconv.Itoa(i)+"]", a.Index(i), b.Index(i), depth+1)
	}
	if a.Len() != b.Len() {
		i := path + "[" + strconv.Itoa(shared) + "]"
		if a.Len() > shared {
			w.place(i, w.redact.show(a.Index(shared)), absent)
		} else {
			w.place(i, absent, w.redact.show(b.Index(shared)))
		}
	}
	switch {
	case !outermost || w.first.Note != "" || w.places == 0:
	case a.Len() != b.Len():
		w.first.Note = plural(a.Len(), "element") + " stored, " + itoa(b.Len()) + " now"
	case a.Len() > 1 && sameElements(a, b):
		w.first.Note = "the same elements in another order"
	}
}

// sameElements reports whether two lists have the same elements, whatever their order.
func sameElements(a, b reflect.Value) bool {
	t := &dag.Type{Name: a.Type().Elem().String(), Go: a.Type().Elem()}
	of := func(list reflect.Value) (all [][]byte, ok bool) {
		for i := range list.Len() {
			data, err := codec.Encode(t, list.Index(i).Interface())
			if err != nil {
				return nil, false
			}
			all = append(all, data)
		}
		slices.SortFunc(all, bytes.Compare)
		return all, true
	}
	x, okA := of(a)
	y, okB := of(b)
	return okA && okB && slices.EqualFunc(x, y, bytes.Equal)
}

// An entry is a key of one of two maps, or of both.
type entry struct {
	sort []byte
	key  reflect.Value
	a, b reflect.Value // invalid where the map has no such key
}

func (w *walker) maps(path string, a, b reflect.Value, depth int) {
	t := &dag.Type{Name: a.Type().Key().String(), Go: a.Type().Key()}
	index := map[string]*entry{}
	var entries []*entry
	collect := func(m reflect.Value, place func(*entry, reflect.Value)) bool {
		for it := m.MapRange(); it.Next(); {
			data, err := codec.Encode(t, it.Key().Interface())
			if err != nil {
				return false
			}
			e := index[string(data)]
			if e == nil {
				e = &entry{sort: data, key: it.Key()}
				index[string(data)] = e
				entries = append(entries, e)
			}
			place(e, it.Value())
		}
		return true
	}
	if !collect(a, func(e *entry, v reflect.Value) { e.a = v }) || !collect(b, func(e *entry, v reflect.Value) { e.b = v }) {
		w.leaf(path, a, b)
		return
	}
	slices.SortFunc(entries, func(x, y *entry) int {
		return cmp.Or(cmp.Compare(len(x.sort), len(y.sort)), bytes.Compare(x.sort, y.sort))
	})
	before := w.places
	for _, e := range entries {
		at := path + "[" + w.redact.show(e.key) + "]"
		switch {
		case !e.a.IsValid():
			w.place(at, absent, w.redact.show(e.b))
		case !e.b.IsValid():
			w.place(at, w.redact.show(e.a), absent)
		default:
			w.walk(at, e.a, e.b, depth+1)
		}
	}
	if w.places == before { // keys that are not equal to themselves
		w.leaf(path, a, b)
	}
}

// absent stands for an element that only the other side has.
const absent = "nothing"

// leaf is a place that is shown as a whole.
func (w *walker) leaf(path string, a, b reflect.Value) {
	x, y := w.redact.show(a), w.redact.show(b)
	if x == y {
		x, y = w.redact.showExactly(a, x), w.redact.showExactly(b, y)
	}
	w.place(path, x, y)
}

// text is a place in a long text: the line that differs.
func (w *walker) text(path, a, b string) {
	d := texts(a, b, w.redact)
	if d.Path != "" && path != "" {
		d.Path = path + ", " + d.Path
	} else if d.Path == "" {
		d.Path = path
	}
	w.place(d.Path, d.Stored, d.Now)
}

func (w *walker) place(path, stored, now string) {
	if w.places == 0 {
		w.first.Path, w.first.Stored, w.first.Now = path, stored, now
	}
	w.places++
}
