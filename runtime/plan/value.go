package plan

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// keepBytes is how large the encoding of a part may be, in bytes, to be kept for all who take it: a larger one is taken out of the whole again.
const keepBytes = 64 << 10

// ErrNil says that a pointer which must lead somewhere is nil: the step is skipped.
var ErrNil = errors.New("the pointer is nil")

// A ValueError says that a value which is made by the code of a body could not be made, as the plain code would have panicked.
type ValueError struct {
	What  string // what the source says: ".Total", "[0]"
	Err   error
	Stack string // the user's frames
}

// Error returns what was to be made and why it could not be.
func (e *ValueError) Error() string {
	if e.What == "" {
		return e.Err.Error()
	}
	return e.What + ": " + e.Err.Error()
}

// Unwrap returns why.
func (e *ValueError) Unwrap() error { return e.Err }

var errNoPart = errors.New("the value is no part of the run")

// Value returns what r leads to, as a value that the caller may change, unless its type or the op that gave it says that nobody does.
func (e *Evaluator) Value(r Ref) (any, error) {
	r = e.flow.follow(r)
	if r.none() {
		return nil, errNoPart
	}
	if r.From >= 0 {
		return e.read.Load(e.flow.step(r.From), r.Out)
	}
	x := e.flow.value(r.From)
	switch x.kind {
	case valueKnown:
		return e.own(x.typ, x.known)
	case valueField, valueUnwrap:
		return e.evaluate(r.From)
	case valueParts:
		parts, err := e.all(x.parts)
		if err != nil {
			return nil, err
		}
		return e.call(x, parts)
	case valueAppend, valueConcat:
		return e.list(r.From)
	case valueSet:
		return e.collection(r.From)
	case valueMake:
		return e.make(r.From)
	case valueGather:
		return e.gathered(x)
	case valueCell:
		return nil, errors.New("the value is not known yet")
	case valueNothing:
		return nil, errNoPart
	}
	return nil, fmt.Errorf("a value of kind %d has no value", x.kind)
}

// own returns a value that its receiver may keep: v itself if it cannot be changed.
func (e *Evaluator) own(t *dag.Type, v any) (any, error) {
	switch v.(type) {
	case dag.File, dag.DataVersion:
		return v, nil
	}
	if t.Immutable || e.q.Decode == nil {
		return v, nil
	}
	data, err := e.q.Encode(t, v)
	if err != nil {
		return nil, err
	}
	return e.q.Decode(t, data)
}

func (e *Evaluator) all(parts []Ref) ([]any, error) {
	values := make([]any, len(parts))
	for i, p := range parts {
		var err error
		if values[i], err = e.Value(p); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// call calls what the generator wrote for a value.
func (e *Evaluator) call(x *value, parts []any) (v any, err error) {
	err = e.guard(x.name(), func() error {
		v = x.bind.Func(parts)
		return nil
	})
	return v, err
}

// guard calls f, in which what the user's code says may panic.
func (e *Evaluator) guard(what string, f func() error) error {
	var err error
	var stack string
	if e.q.Guard != nil {
		err, stack = e.q.Guard(f)
	} else {
		err = f()
	}
	if err != nil {
		return &ValueError{What: what, Err: err, Stack: stack}
	}
	return nil
}

// evaluate takes a part out of what it is a part of, and keeps what is worth keeping.
func (e *Evaluator) evaluate(v Vertex) (any, error) {
	x := e.flow.value(v)
	e.flow.mu.Lock()
	was := x.result
	e.flow.mu.Unlock()
	switch was.state {
	case resultKnown:
		return was.known, nil
	case resultBytes:
		return e.q.Decode(x.typ, was.bytes)
	case resultError:
		return nil, was.err
	}
	parts, shared, err := e.peek(x.parts)
	if err != nil {
		return nil, err
	}
	var got any
	if x.kind == valueUnwrap {
		p := reflect.ValueOf(parts[0])
		if !p.IsValid() || p.IsNil() {
			return nil, e.failed(v, ErrNil)
		}
		got = p.Elem().Interface()
	} else if got, err = e.call(x, parts); err != nil {
		return nil, e.failed(v, err)
	}
	data, version, digest, err := e.hash.value(x.typ, got, e.q.Encode)
	if err != nil {
		return nil, e.failed(v, &ValueError{What: x.name(), Err: err})
	}
	keep := result{data: digest}
	switch {
	case x.typ.Immutable || data == nil:
		keep.known, keep.state, shared = got, resultKnown, false
	case len(data) <= keepBytes:
		keep.bytes, keep.state = data, resultBytes
	}
	e.flow.mu.Lock()
	if keep.version = x.version; x.steady {
		keep.version = version
	}
	x.result = keep
	e.flow.mu.Unlock()
	if shared && e.q.Decode != nil {
		return e.q.Decode(x.typ, data)
	}
	return got, nil
}

// peek returns the values of parts for code that only looks at them; shared reports whether others may see the same ones.
func (e *Evaluator) peek(parts []Ref) (values []any, shared bool, err error) {
	values = make([]any, len(parts))
	for i, p := range parts {
		if p = e.flow.follow(p); p.From < 0 {
			if x := e.flow.value(p.From); x.kind == valueKnown {
				values[i], shared = x.known, true
				continue
			}
		}
		if values[i], err = e.Value(p); err != nil {
			return nil, false, err
		}
	}
	return values, shared, nil
}

// typeOf describes the type of a constant.
func typeOf(v any) *dag.Type {
	t := reflect.TypeOf(v)
	if t == nil {
		t = reflect.TypeFor[struct{}]()
	}
	return &dag.Type{Name: t.String(), Go: t}
}

// failed keeps why there is no value.
func (e *Evaluator) failed(v Vertex, err error) error {
	x := e.flow.value(v)
	e.flow.mu.Lock()
	defer e.flow.mu.Unlock()
	var wrong *ValueError
	if errors.As(err, &wrong) || errors.Is(err, ErrNil) { // anything else may go well the next time
		x.state, x.err = resultError, err
	}
	return err
}

// list builds what was collected by adding at the end.
func (e *Evaluator) list(v Vertex) (any, error) {
	var adds []*value
	at := Ref{From: v}
	n, items := 0, false
	for {
		if at = e.flow.follow(at); at.From >= 0 {
			break
		}
		x := e.flow.value(at.From)
		if x.kind != valueAppend && x.kind != valueConcat {
			break
		}
		adds = append(adds, x)
		items = items || x.kind == valueAppend && len(x.parts) > 1
		n += len(x.parts) - 1
		at = x.parts[0]
	}
	typ := e.flow.value(v).typ.Go
	base, err := e.Value(at)
	if err != nil {
		return nil, err
	}
	out := valueOf(base, typ)
	if items || !out.IsNil() { // a nil slice to which only empty ones are added stays nil
		grown := reflect.MakeSlice(typ, out.Len(), out.Len()+n)
		reflect.Copy(grown, out)
		out = grown
	}
	for i := len(adds) - 1; i >= 0; i-- {
		x := adds[i]
		for _, p := range x.parts[1:] {
			part, err := e.Value(p)
			if err != nil {
				return nil, err
			}
			if x.kind == valueAppend {
				out = reflect.Append(out, valueOf(part, typ.Elem()))
			} else {
				out = reflect.AppendSlice(out, valueOf(part, typ))
			}
		}
	}
	return out.Interface(), nil
}

// collection builds what was collected by setting values.
func (e *Evaluator) collection(v Vertex) (any, error) {
	var sets []*value
	at := Ref{From: v}
	for {
		if at = e.flow.follow(at); at.From >= 0 {
			break
		}
		x := e.flow.value(at.From)
		if x.kind != valueSet {
			break
		}
		sets = append(sets, x)
		at = x.parts[0]
	}
	typ := e.flow.value(v).typ.Go
	base, err := e.Value(at)
	if err != nil {
		return nil, err
	}
	out := reflect.New(typ).Elem() // so that an array can be set
	out.Set(valueOf(base, typ))
	for i := len(sets) - 1; i >= 0; i-- {
		x := sets[i]
		for j := 1; j+1 < len(x.parts); j += 2 {
			key, err := e.Value(x.parts[j])
			if err != nil {
				return nil, err
			}
			val, err := e.Value(x.parts[j+1])
			if err != nil {
				return nil, err
			}
			if err := e.guard("", func() error { return setAt(out, key, val) }); err != nil {
				return nil, err
			}
		}
	}
	return out.Interface(), nil
}

// setAt does what `c[key] = val` does.
func setAt(c reflect.Value, key, val any) error {
	if c.Kind() == reflect.Map {
		if c.IsNil() {
			return errors.New("assignment to entry in nil map")
		}
		c.SetMapIndex(valueOf(key, c.Type().Key()), valueOf(val, c.Type().Elem()))
		return nil
	}
	i, ok := integer(reflect.ValueOf(key))
	if !ok || i < 0 || i >= int64(c.Len()) {
		return fmt.Errorf("index out of range [%v] with length %d", key, c.Len())
	}
	c.Index(int(i)).Set(valueOf(val, c.Type().Elem()))
	return nil
}

// make builds an empty slice or map, or a slice of a length.
func (e *Evaluator) make(v Vertex) (any, error) {
	x := e.flow.value(v)
	n := 0
	if len(x.parts) > 0 {
		var err error
		if n, err = e.length(x.parts[0]); err != nil {
			return nil, err
		}
	}
	switch x.typ.Go.Kind() {
	case reflect.Slice:
		return reflect.MakeSlice(x.typ.Go, n, n).Interface(), nil
	case reflect.Map:
		return reflect.MakeMap(x.typ.Go).Interface(), nil
	}
	return reflect.Zero(x.typ.Go).Interface(), nil
}

// length returns an integer, or how long a collection is. A list is not built for that.
func (e *Evaluator) length(r Ref) (int, error) {
	n := 0
	for {
		if r = e.flow.follow(r); r.From >= 0 {
			break
		}
		x := e.flow.value(r.From)
		switch {
		case x.kind == valueAppend:
			n += len(x.parts) - 1
			r = x.parts[0]
			continue
		case x.kind == valueSet && x.typ.Go.Kind() != reflect.Map:
			r = x.parts[0]
			continue
		case x.kind == valueMake && len(x.parts) > 0:
			r = x.parts[0]
			continue
		}
		break
	}
	var v any
	if x := r; x.From < 0 && e.flow.value(x.From).kind == valueKnown {
		v = e.flow.value(x.From).known // nobody gets to see it
	} else {
		var err error
		if v, err = e.Value(r); err != nil {
			return 0, err
		}
	}
	rv := reflect.ValueOf(v)
	switch {
	case !rv.IsValid():
		return n, nil
	case rv.Kind() == reflect.Slice || rv.Kind() == reflect.Array || rv.Kind() == reflect.Map || rv.Kind() == reflect.String:
		return n + rv.Len(), nil
	}
	i, ok := integer(rv)
	if !ok || i < 0 || i > maxLength {
		return 0, &ValueError{Err: fmt.Errorf("makeslice: len out of range (%v)", v)}
	}
	return n + int(i), nil
}

// maxLength bounds what make makes: more elements than this are a mistake.
const maxLength = 1 << 31

// integer returns the value of an integer.
func integer(v reflect.Value) (int64, bool) {
	switch {
	case !v.IsValid():
		return 0, false
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(min(v.Uint(), 1<<62)), true
	}
	return 0, false
}

// valueOf is v as a t: an untyped nil is the zero value.
func valueOf(v any, t reflect.Type) reflect.Value {
	if v == nil {
		return reflect.Zero(t)
	}
	return reflect.ValueOf(v)
}

func pointerTo(t reflect.Type) reflect.Type { return reflect.PointerTo(t) }

// True evaluates a condition.
func (e *Evaluator) True(r Ref) (bool, error) {
	v, err := e.Value(r)
	if err != nil {
		return false, err
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Bool {
		return false, fmt.Errorf("a condition is a %T, not a bool", v)
	}
	return rv.Bool(), nil
}

// known reports whether the data version of r is known, which is when its value can be had.
func (e *Evaluator) known(r Ref) (bool, error) {
	d, err := e.digest(r, true)
	return d != canon.Digest{}, err
}
