package runconfig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// structure checks a mapping against fields and writes the JSON to decode: with a base, what is written; without one, defaults
// too. base is addressable or invalid, typ is the Go struct type.
func (r *resolver) structure(fields []dag.Field, n *node, typ reflect.Type, base reflect.Value, path trail, out *bytes.Buffer) {
	written := map[string]member{}
	switch {
	case n == nil || n.kind == kindNull: // "config:" with nothing below it
	case n.kind != kindMap:
		r.problem(CodeType, path, n.pos, "", "expected a mapping, found %s", n.found(hasSecret(fields)))
		return
	default:
		for _, m := range n.members {
			if !hasField(fields, m.key) {
				r.problem(CodeUnknown, path.key(m.key), m.pos, hintNames(m.key, "fields", fieldNames(fields)), "unknown field")
				continue
			}
			written[m.key] = m
		}
	}
	out.WriteByte('{')
	first := true
	for i := range fields {
		f := &fields[i]
		var js bytes.Buffer
		ft := fieldType(typ, f.Name)
		if m, ok := written[f.Name]; ok {
			before, passes := len(r.problems), fieldValue(base, f.Name)
			r.value(f, m.value, ft, passes, path.key(f.Name), &js)
			if len(r.problems) > before && says(m.value, f, passes) {
				r.problems = r.problems[:before] // the record of a run, given to another
				continue
			}
		} else if base.IsValid() || !r.absent(f, n, ft, path.key(f.Name), &js) {
			continue
		}
		if !first {
			out.WriteByte(',')
		}
		first = false
		writeJSONString(out, f.Name)
		out.WriteByte(':')
		out.Write(js.Bytes())
	}
	out.WriteByte('}')
}

// says reports whether n says what the code passes anyway, or leaves a secret to it: the tags of a field do not bind code.
func says(n *node, f *dag.Field, passes reflect.Value) bool {
	if f.Secret {
		return passes.IsValid() && n.kind == kindText && n.text == redacted
	}
	v := passed(f, passes)
	return v != nil && v.flow() == n.shown().flow()
}

// absent handles a field that is not written and has no base. It reports whether it wrote a value.
func (r *resolver) absent(f *dag.Field, parent *node, typ reflect.Type, path trail, out *bytes.Buffer) bool {
	switch {
	case f.Default != "":
		n, err := defaultNode(f)
		if err != nil {
			r.problem(CodeValue, path, Position{}, "run dagstergen again", "the default is not JSON: %v", err)
			return false
		}
		before := len(r.problems)
		r.value(f, n, typ, reflect.Value{}, path, out)
		for i := before; i < len(r.problems); i++ {
			r.problems[i].Message = "the default in the code is wrong: " + r.problems[i].Message
		}
		return true
	case f.Kind == dag.FieldStruct && !f.Nullable:
		r.structure(f.Fields, nil, typ, reflect.Value{}, path, out)
		return true
	case f.Required:
		r.missing = true
		if !r.optional {
			r.problem(CodeMissing, path, around(parent, path), "set it in a file, or with --set "+setExample(f, path), "missing, expected %s", expected(f))
		}
	}
	return false
}

// value checks a written value against f and writes its JSON. typ is the Go type where known; base the value below it, or invalid.
func (r *resolver) value(f *dag.Field, n *node, typ reflect.Type, base reflect.Value, path trail, out *bytes.Buffer) {
	if n.kind == kindNull {
		if !f.Nullable {
			hint := "leave the key out for its default"
			if f.Required {
				hint = "give it a value"
			}
			if n.pos.Line == 0 && f.Kind == dag.FieldString {
				hint = `write "" for an empty text`
			}
			r.problem(CodeType, path, n.pos, hint, "expected %s, found null", expected(f))
		}
		out.WriteString("null")
		return
	}
	if typ != nil && typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
		if base.IsValid() {
			base = base.Elem() // invalid for nil
		}
	}
	switch f.Kind {
	case dag.FieldList:
		r.list(f, n, typ, base, path, out)
	case dag.FieldMap:
		r.mapping(f, n, typ, path, out)
	case dag.FieldStruct:
		if n.kind != kindMap {
			r.problem(CodeType, path, n.pos, "", "expected a mapping, found %s", n.found(hasSecret(f.Fields)))
			return
		}
		r.structure(f.Fields, n, typ, base, path, out)
	case fieldAny:
		n.writeJSON(out)
	default:
		r.scalar(f, n, typ, path, out)
	}
}

func (r *resolver) list(f *dag.Field, n *node, typ reflect.Type, base reflect.Value, path trail, out *bytes.Buffer) {
	if n.kind != kindList {
		hint := ""
		if name, env := n.envName(); env {
			hint = "a variable is a single value: write [{env: " + name + "}]"
		}
		r.problem(CodeType, path, n.pos, hint, "expected %s, found %s", expected(f), n.found(hides(f)))
		return
	}
	if typ != nil && typ.Kind() == reflect.Array && typ.Len() != len(n.items) {
		r.problem(CodeRange, path, n.pos, "", "expected a list of %d, found %d elements", typ.Len(), len(n.items))
		return
	}
	if !r.fits(f, n, len(n.items), path) {
		return
	}
	before := len(r.problems)
	n.writeItems(out, func(i int, item *node) {
		r.value(f.Elem, item, elemType(typ), reflect.Value{}, path.index(i), out)
	})
	if base.CanSet() && len(r.problems) == before {
		base.SetZero() // encoding/json would decode into the elements that are there
	}
}

func (r *resolver) mapping(f *dag.Field, n *node, typ reflect.Type, path trail, out *bytes.Buffer) {
	if n.kind != kindMap {
		r.problem(CodeType, path, n.pos, "", "expected %s, found %s", expected(f), n.found(hides(f)))
		return
	}
	if !r.fits(f, n, len(n.members), path) {
		return
	}
	n.writeMembers(out, func(m *member) {
		r.value(f.Elem, m.value, elemType(typ), reflect.Value{}, path.key(m.key), out)
	})
}

// defaultNode reads the default of a field. A duration may stand there as nanoseconds, which is how encoding/json writes it.
func defaultNode(f *dag.Field) (*node, error) {
	n := simpleDefault(f.Default)
	if n == nil {
		parsed, problems := parseJSON("default", []byte(f.Default))
		if len(problems) > 0 {
			return nil, fmt.Errorf("%s", problems[0].Message)
		}
		n = parsed.at(Position{})
	}
	if f.Kind == dag.FieldDuration && n.kind == kindInt {
		n.kind, n.text = kindText, n.text+"ns"
	}
	return n, nil
}

// simpleDefault reads the JSON of most defaults, which is not worth a decoder; nil for the others.
func simpleDefault(js string) *node {
	switch {
	case js == "true" || js == "false":
		return &node{kind: kindBool, text: js}
	case intForm.MatchString(js):
		return &node{kind: kindInt, text: js}
	case len(js) >= 2 && js[0] == '"' && js[len(js)-1] == '"' && !strings.ContainsAny(js[1:len(js)-1], "\"\\") && !strings.ContainsFunc(js, unicode.IsControl):
		return &node{kind: kindText, text: js[1 : len(js)-1]}
	}
	return nil
}

func hasField(fields []dag.Field, name string) bool {
	for i := range fields {
		if fields[i].Name == name {
			return true
		}
	}
	return false
}

func fieldNames(fields []dag.Field) []string {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	return names
}

// hides reports whether f or anything below it is a secret, so that what was found is not to be shown.
func hides(f *dag.Field) bool {
	return f.Secret || f.Elem != nil && hides(f.Elem) || hasSecret(f.Fields)
}

func hasSecret(fields []dag.Field) bool {
	for i := range fields {
		if hides(&fields[i]) {
			return true
		}
	}
	return false
}

// setExample shows how a field is set on the command line.
func setExample(f *dag.Field, path trail) string {
	switch f.Kind {
	case dag.FieldList:
		return fmt.Sprintf("'%s=[...]'", path)
	case dag.FieldMap:
		return fmt.Sprintf("'%s={...}'", path)
	}
	return fmt.Sprintf("%s=...", path)
}

func writeJSONString(out *bytes.Buffer, s string) {
	b, _ := json.Marshal(s) // a string cannot fail
	out.Write(b)
}

// writeJSON writes n as JSON, for types that read JSON themselves.
func (n *node) writeJSON(out *bytes.Buffer) {
	switch n.kind {
	case kindNull:
		out.WriteString("null")
	case kindBool:
		fmt.Fprint(out, n.bool())
	case kindInt, kindFloat:
		if json.Valid([]byte(n.text)) {
			out.WriteString(n.text)
		} else {
			writeJSONString(out, n.text)
		}
	case kindText, kindOctal:
		writeJSONString(out, n.text)
	case kindList:
		n.writeItems(out, func(_ int, item *node) { item.writeJSON(out) })
	case kindMap:
		n.writeMembers(out, func(m *member) { m.value.writeJSON(out) })
	}
}

// writeItems writes a JSON list of which write writes each element.
func (n *node) writeItems(out *bytes.Buffer, write func(i int, item *node)) {
	out.WriteByte('[')
	for i, item := range n.items {
		if i > 0 {
			out.WriteByte(',')
		}
		write(i, item)
	}
	out.WriteByte(']')
}

// writeMembers writes a JSON object of which write writes each value.
func (n *node) writeMembers(out *bytes.Buffer, write func(m *member)) {
	out.WriteByte('{')
	for i := range n.members {
		if i > 0 {
			out.WriteByte(',')
		}
		writeJSONString(out, n.members[i].key)
		out.WriteByte(':')
		write(&n.members[i])
	}
	out.WriteByte('}')
}
