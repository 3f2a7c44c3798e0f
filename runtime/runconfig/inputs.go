package runconfig

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// inputs reads the root key of this name: the parameters of a job. Data parameters become Go values in out; what is said of
// config parameters is returned, checked but not complete, for the ops that the body passes them to. A parameter with
// problems of its own is left out of the result.
func (r *resolver) inputs(m member, s Schema, out *Resolved, rec *record) map[string]*node {
	names := make([]string, 0, len(s.Inputs))
	for _, p := range s.Inputs {
		names = append(names, p.Name)
	}
	written := map[string]member{}
	for _, e := range r.members(m.value, "inputs", "the names of the job's parameters") {
		if !slices.Contains(names, e.key) {
			r.problem(CodeUnknown, trail("inputs").key(e.key), e.pos, hintNames(e.key, "parameters", names), "unknown parameter")
			continue
		}
		written[e.key] = e
	}
	params := map[string]*node{}
	for _, p := range s.Inputs {
		e, ok := written[p.Name]
		path := trail("inputs").key(p.Name)
		switch {
		case ok && slices.Contains(s.Given, p.Name):
			r.problem(CodeUnknown, path, e.pos, "remove one of them", "the parameter has a value from Go already")
		case p.Config != nil:
			n, at := unwrap(&dag.Field{Kind: dag.FieldStruct, Fields: p.Config.Fields}, e.value, path)
			if r.configParam(p, n, at) {
				params[p.Name] = n
			}
		case ok:
			if v, shown, ok := r.input(p, e.value, path); ok {
				out.Inputs[p.Name] = v
				rec.inputs = append(rec.inputs, valMember{p.Name, shown})
			}
		case !slices.Contains(s.Given, p.Name):
			f, err := fieldOf(p.Type.Go)
			if err != nil {
				r.notFromConfig(p, posOf(m.value), path, err)
				continue
			}
			r.problem(CodeMissing, path, around(m.value, path), "set it in a file, or with --set "+setExample(f, path), "missing, expected %s", expected(f))
		}
	}
	return params
}

// configParam checks what is said of a config parameter on its own; whether it is complete is seen where it is used.
func (r *resolver) configParam(p dag.JobParam, n *node, path trail) bool {
	before := len(r.problems)
	r.config(p.Config, n, nil, path, true)
	return len(r.problems) == before
}

func (r *resolver) notFromConfig(p dag.JobParam, pos Position, path trail, err error) {
	r.problem(CodeUnsupported, path, pos, "run the job from Go", "%s cannot be given in a run config: %v", p.Type.Name, err)
}

// unwrap returns what {value: v} says, Dagster's other form of an input, with the path to it; n itself where that is what it says. A mapping whose own values could
// look like that has the bare form alone.
func unwrap(f *dag.Field, n *node, path trail) (*node, trail) {
	if n == nil || n.kind != kindMap || len(n.members) != 1 || n.members[0].key != "value" || !wraps(f) {
		return n, path
	}
	inner := n.members[0].value
	if _, env := inner.envName(); f.Kind == dag.FieldMap && (inner.kind != kindMap || env) {
		return n, path // the key "value" of a map
	}
	return inner, path.key("value")
}

// wraps reports whether {value: v} is told apart from the values of f.
func wraps(f *dag.Field) bool {
	switch f.Kind {
	case dag.FieldMap:
		return f.Elem.Kind != dag.FieldMap && f.Elem.Kind != dag.FieldStruct && f.Elem.Kind != fieldAny
	case dag.FieldStruct:
		return !hasField(f.Fields, "value")
	case fieldAny:
		return false
	}
	return true
}

// inputSchema allows {value: v} beside v.
func inputSchema(f *dag.Field, bare schema) schema {
	if !wraps(f) {
		return bare
	}
	return schema{"anyOf": []schema{bare, object(map[string]schema{"value": bare}, []string{"value"})}}
}

// input decodes one data parameter.
func (r *resolver) input(p dag.JobParam, n *node, path trail) (any, *val, bool) {
	f, err := fieldOf(p.Type.Go)
	if err != nil {
		r.notFromConfig(p, n.pos, path, err)
		return nil, nil, false
	}
	n, path = unwrap(f, n, path)
	before := len(r.problems)
	r.optional = false
	var js bytes.Buffer
	r.value(f, n, p.Type.Go, reflect.Value{}, path, &js)
	if len(r.problems) > before {
		return nil, nil, false
	}
	if f.Kind == fieldFile {
		var name string
		_ = json.Unmarshal(js.Bytes(), &name) // it was written as a JSON string just now
		file, err := dag.OpenFile(name)
		if err != nil {
			var why *fs.PathError
			if errors.As(err, &why) {
				err = why.Err
			}
			r.problem(CodeValue, path, n.pos, "a relative path is looked up from the working folder", "the file %s cannot be read: %v", show(name), err)
			return nil, nil, false
		}
		return file, &val{kind: valText, text: name}, true
	}
	v := reflect.New(p.Type.Go)
	if err := unmarshal(js.Bytes(), v.Interface()); err != nil {
		r.problem(CodeValue, path, n.pos, "", "%s: %v", p.Type.Name, err)
		return nil, nil, false
	}
	if hides(f) {
		return v.Elem().Interface(), &val{kind: valSecret, text: r.env[path]}, true
	}
	return v.Elem().Interface(), n.shown(), true
}

func unmarshal(js []byte, into any) (err error) {
	defer func() {
		if p := recover(); p != nil { // UnmarshalJSON of user code
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return json.Unmarshal(js, into)
}

// shown returns what a document said, for the record.
func (n *node) shown() *val {
	switch n.kind {
	case kindBool:
		return &val{kind: valBool, bool: n.bool()}
	case kindText, kindOctal:
		return &val{kind: valText, text: n.text}
	case kindInt, kindFloat:
		return &val{kind: valNumber, text: n.text}
	case kindList:
		out := &val{kind: valList}
		for _, i := range n.items {
			out.items = append(out.items, i.shown())
		}
		return out
	case kindMap:
		out := &val{kind: valMap}
		for _, m := range n.members {
			out.members = append(out.members, valMember{m.key, m.value.shown()})
		}
		return out
	}
	return &val{}
}

// fieldOf makes the field tree of a Go type that dagstergen generated no config for: the type of a job's data parameter.
func fieldOf(t reflect.Type) (*dag.Field, error) { return typeField(t, nil) }

func typeField(t reflect.Type, inside []reflect.Type) (*dag.Field, error) {
	if slices.Contains(inside, t) {
		return &dag.Field{Kind: fieldAny}, nil // a recursive type: encoding/json knows best
	}
	inside = append(slices.Clone(inside), t)
	switch t {
	case reflect.TypeFor[time.Time]():
		return &dag.Field{Kind: dag.FieldTime, Required: true}, nil
	case reflect.TypeFor[time.Duration]():
		return &dag.Field{Kind: dag.FieldDuration, Required: true}, nil
	case reflect.TypeFor[dag.Secret]():
		return &dag.Field{Kind: dag.FieldString, Secret: true, Required: true}, nil
	case reflect.TypeFor[dag.File]():
		if len(inside) > 1 {
			return nil, fmt.Errorf("it holds a dag.File")
		}
		return &dag.Field{Kind: fieldFile, Required: true}, nil
	}
	if t.Kind() == reflect.Pointer {
		f, err := typeField(t.Elem(), inside)
		if err == nil {
			f.Nullable, f.Required = true, false
		}
		return f, err
	}
	switch p := reflect.PointerTo(t); {
	case p.Implements(reflect.TypeFor[json.Unmarshaler]()):
		return &dag.Field{Kind: fieldAny, Required: true}, nil
	case p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return &dag.Field{Kind: dag.FieldText, Required: true}, nil
	}
	f := &dag.Field{Required: true}
	switch t.Kind() {
	case reflect.Bool:
		f.Kind = dag.FieldBool
	case reflect.String:
		f.Kind = dag.FieldString
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		f.Kind, f.Bits = dag.FieldInt, t.Bits()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		f.Kind, f.Bits = dag.FieldUint, t.Bits()
	case reflect.Float32, reflect.Float64:
		f.Kind, f.Bits = dag.FieldFloat, t.Bits()
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return &dag.Field{Kind: dag.FieldText, Required: true}, nil // base64, as encoding/json has it
		}
		f.Kind = dag.FieldList
		elem, err := typeField(t.Elem(), inside)
		if err != nil {
			return nil, err
		}
		f.Elem = elem
	case reflect.Map:
		if t.Key().Kind() != reflect.String || reflect.PointerTo(t.Key()).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			return nil, fmt.Errorf("the keys of %s are not plain text", t)
		}
		f.Kind = dag.FieldMap
		elem, err := typeField(t.Elem(), inside)
		if err != nil {
			return nil, err
		}
		f.Elem = elem
	case reflect.Struct:
		f.Kind = dag.FieldStruct
		return f, structField(f, t, inside)
	default:
		return nil, fmt.Errorf("it holds a %s", t)
	}
	return f, nil
}

func structField(f *dag.Field, t reflect.Type, inside []reflect.Type) error {
	for _, sf := range reflect.VisibleFields(t) {
		tag, opts, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if sf.Anonymous && tag == "" && deref(sf.Type).Kind() == reflect.Struct {
			continue // its fields are visible too
		}
		if !sf.IsExported() {
			if len(sf.Index) == 1 {
				return fmt.Errorf("%s has the unexported field %s", t, sf.Name)
			}
			continue
		}
		if sf.Tag.Get("json") == "-" {
			continue
		}
		if tag == "" {
			tag = sf.Name
		}
		sub, err := typeField(sf.Type, inside)
		if err != nil {
			return err
		}
		sub.Name = tag
		if strings.Contains(","+opts+",", ",omitempty,") || strings.Contains(","+opts+",", ",omitzero,") {
			sub.Required = false
		}
		f.Fields = append(f.Fields, *sub)
	}
	return nil
}
