package runconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Two kinds that only parameters of jobs can have.
const (
	fieldAny  dag.FieldKind = "any"  // a type that reads JSON itself
	fieldFile dag.FieldKind = "file" // a dag.File, given as a path
)

// redacted stands in a record in place of a secret.
const redacted = "***"

// expected says in words what f takes.
func expected(f *dag.Field) string {
	s := ""
	switch f.Kind {
	case dag.FieldString:
		s = "text"
	case dag.FieldInt:
		s = "a whole number"
	case dag.FieldUint:
		s = "a whole number"
		if f.Min == "" {
			s += " that is not negative"
		}
	case dag.FieldFloat:
		s = "a number"
	case dag.FieldBool:
		s = "true or false"
	case dag.FieldDuration:
		s = "a duration"
		if f.Min == "" && f.Max == "" {
			s += " such as 1m30s"
		}
	case dag.FieldTime:
		s = "a time"
		if f.Min == "" && f.Max == "" {
			s += " such as 2024-01-31T08:00:00Z"
		}
	case dag.FieldText:
		s = "text"
	case dag.FieldList:
		s = "a list of " + plural(f.Elem)
	case dag.FieldMap:
		s = "a mapping of keys to " + plural(f.Elem)
	case dag.FieldStruct:
		s = "a mapping"
	case fieldFile:
		s = "the path of a file"
	default:
		s = "a value"
	}
	if len(f.Enum) > 0 {
		s = "one of " + strings.Join(f.Enum, ", ")
	} else {
		s += rule(f).Words()
	}
	if f.Nullable {
		s += " or null"
	}
	return s
}

func plural(f *dag.Field) string {
	switch f.Kind {
	case dag.FieldInt, dag.FieldUint:
		return "whole numbers"
	case dag.FieldFloat:
		return "numbers"
	case dag.FieldBool:
		return "booleans"
	case dag.FieldDuration:
		return "durations"
	case dag.FieldTime:
		return "times"
	case dag.FieldList:
		return "lists"
	case dag.FieldMap, dag.FieldStruct:
		return "mappings"
	case dag.FieldString, dag.FieldText:
		return "texts"
	}
	return "values"
}

// scalar checks a value that is neither list nor mapping and writes the JSON that encoding/json decodes.
func (r *resolver) scalar(f *dag.Field, n *node, typ reflect.Type, path trail, out *bytes.Buffer) {
	if n.kind == kindMap && len(n.members) == 1 && n.members[0].key == "env" {
		v, ok := r.fromEnv(f, n, path)
		if !ok {
			return
		}
		if !f.Secret {
			r.record(n, v)
		}
		n = v
	} else if f.Secret {
		r.record(n, &node{kind: kindText, text: redacted})
	}
	if n.kind == kindMap && len(n.members) == 1 && strings.HasPrefix(n.members[0].key, "env:") {
		r.wrong(f, n, path, "write {env: NAME} with a space after the colon")
		return
	}
	switch f.Kind {
	case dag.FieldString, dag.FieldText, dag.FieldDuration, dag.FieldTime, fieldFile:
		r.text(f, n, typ, path, out)
	case dag.FieldInt, dag.FieldUint:
		r.integer(f, n, path, out)
	case dag.FieldFloat:
		r.float(f, n, path, out)
	case dag.FieldBool:
		if n.kind != kindBool {
			r.wrong(f, n, path, wordForBool(n))
			return
		}
		out.WriteString(strconv.FormatBool(n.bool()))
	default:
		r.problem(CodeValue, path, n.pos, "run dagstergen again", "the field has the unknown kind %q", f.Kind)
	}
}

// record notes what a record has in place of a value: the text of a variable, nothing of a secret.
func (r *resolver) record(n, as *node) {
	if r.recorded == nil {
		r.recorded = map[*node]*node{}
	}
	r.recorded[n] = as
}

// fromEnv reads {env: NAME}. The text of the variable counts as if it were written, for a text field as it is.
func (r *resolver) fromEnv(f *dag.Field, n *node, path trail) (*node, bool) {
	name, ok := n.envName()
	if !ok {
		r.problem(CodeType, path.key("env"), n.members[0].value.pos, "", "expected the name of an environment variable, found %s", n.members[0].value.found(hides(f)))
		return nil, false
	}
	text, ok := r.getenv(name)
	if !ok {
		r.problem(CodeEnv, path, n.pos, "set it, or write the value instead", "the environment variable %s is not set", show(name))
		return nil, false
	}
	r.env[path] = name
	v := &node{kind: kindText, text: text, pos: n.pos}
	switch f.Kind {
	case dag.FieldInt, dag.FieldUint, dag.FieldFloat, dag.FieldBool:
		v.kind = scalarKind(text)
	}
	return v, true
}

// wrong reports a value of the wrong type. A value that came from the environment is named by its variable.
func (r *resolver) wrong(f *dag.Field, n *node, path trail, hint string) {
	r.problem(CodeType, path, n.pos, hint, "expected %s, found %s", expected(f), r.found(f, n, path))
}

func (r *resolver) found(f *dag.Field, n *node, path trail) string {
	if name, ok := r.env[path]; ok {
		return "something else in the environment variable " + show(name)
	}
	return n.found(hides(f))
}

// shown is the text of n for a message; "" where it must not be shown.
func (r *resolver) shown(f *dag.Field, n *node, path trail) string {
	if name, ok := r.env[path]; ok {
		return "the environment variable " + show(name)
	}
	if hides(f) {
		return "the value"
	}
	if n.kind == kindText {
		return show(n.text)
	}
	return strings.Trim(show(n.text), `"`)
}

func wordForBool(n *node) string {
	if n.kind == kindText {
		switch strings.ToLower(n.text) {
		case "yes", "on", "y", "true":
			return "write true"
		case "no", "off", "n", "false":
			return "write false"
		}
	}
	return ""
}

func (r *resolver) text(f *dag.Field, n *node, typ reflect.Type, path trail, out *bytes.Buffer) {
	if n.kind != kindText {
		hint := ""
		switch {
		case n.kind == kindList || n.kind == kindMap:
		case f.Kind == dag.FieldDuration && n.kind == kindInt && !hides(f):
			hint = fmt.Sprintf("write %ss for seconds", n.text)
		case f.Kind != dag.FieldTime && f.Kind != dag.FieldDuration:
			hint = "quote it"
		}
		r.wrong(f, n, path, hint)
		return
	}
	if f.Secret && n.text == redacted {
		r.problem(CodeValue, path, n.pos, "write the secret, or {env: NAME}", "the secret is left out here")
		return
	}
	switch f.Kind {
	case dag.FieldString:
		if !r.allowed(f, n, n.text, path) {
			return
		}
	case dag.FieldDuration:
		d, err := time.ParseDuration(n.text)
		if err != nil {
			r.wrong(f, n, path, "")
			return
		}
		if r.allowed(f, n, n.text, path) {
			out.WriteString(strconv.FormatInt(int64(d), 10))
		}
		return
	case dag.FieldTime:
		if _, err := time.Parse(time.RFC3339, n.text); err != nil {
			r.wrong(f, n, path, "")
			return
		}
		if !r.allowed(f, n, n.text, path) {
			return
		}
	case dag.FieldText:
		if !r.allowed(f, n, n.text, path) {
			return
		}
		if err := readText(typ, n.text); err != nil {
			why := ": " + err.Error()
			if _, env := r.env[path]; env || hides(f) {
				why = ""
			}
			r.problem(CodeValue, path, n.pos, "", "%s is refused by %s%s", r.shown(f, n, path), typ, why)
			return
		}
	}
	writeJSONString(out, n.text)
}

// readText lets typ read a text, so that what it refuses is reported with a position.
func readText(typ reflect.Type, text string) (err error) {
	if typ == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	b, err := json.Marshal(text)
	if err != nil {
		return err
	}
	err = json.Unmarshal(b, reflect.New(typ).Interface())
	var te *json.UnmarshalTypeError
	if errors.As(err, &te) {
		return fmt.Errorf("not a %s", te.Type)
	}
	return err
}

func (r *resolver) integer(f *dag.Field, n *node, path trail, out *bytes.Buffer) {
	if n.kind != kindInt {
		hint := ""
		switch {
		case n.kind == kindOctal && !hides(f):
			hint = "a number does not start with 0; write 0o" + strings.TrimLeft(n.text, "+-0") + " for octal"
		case n.kind == kindFloat:
			hint = "write it without a fraction or an exponent"
		}
		r.wrong(f, n, path, hint)
		return
	}
	bits := f.Bits
	if bits == 0 {
		bits = 64
	}
	if f.Kind == dag.FieldUint {
		u, err := strconv.ParseUint(goInt(n.text), 0, bits)
		if err != nil {
			r.outside(f, n, path, fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-bits)))
			return
		}
		if text := strconv.FormatUint(u, 10); r.allowed(f, n, text, path) {
			out.WriteString(text)
		}
		return
	}
	i, err := strconv.ParseInt(goInt(n.text), 0, bits)
	if err != nil {
		limit := int64(math.MaxInt64) >> (64 - bits)
		r.outside(f, n, path, fmt.Sprintf("a whole number from %d to %d", -limit-1, limit))
		return
	}
	if text := strconv.FormatInt(i, 10); r.allowed(f, n, text, path) {
		out.WriteString(text)
	}
}

// goInt returns an integer as strconv reads it with base 0: a sign of plus is none, and -0 is 0.
func goInt(s string) string {
	s = strings.TrimPrefix(s, "+")
	if s == "-0" {
		return "0"
	}
	return s
}

func (r *resolver) float(f *dag.Field, n *node, path trail, out *bytes.Buffer) {
	bits := f.Bits
	if bits == 0 {
		bits = 64
	}
	var v float64
	var err error
	switch {
	case n.kind == kindInt && len(n.text) > 1 && (n.text[1] == 'x' || n.text[1] == 'o'):
		var u uint64
		u, err = strconv.ParseUint(n.text, 0, 64)
		v = float64(u)
	case n.kind == kindInt || n.kind == kindFloat && !strings.ContainsAny(n.text, "nNfF"):
		v, err = strconv.ParseFloat(n.text, bits)
	case n.kind == kindFloat:
		r.problem(CodeRange, path, n.pos, "", "expected a finite number, found %s", r.shown(f, n, path))
		return
	default:
		r.wrong(f, n, path, "")
		return
	}
	if err != nil {
		r.problem(CodeRange, path, n.pos, "", "expected a number that %d bits can hold, found %s", bits, r.shown(f, n, path))
		return
	}
	b, err := json.Marshal(v)
	if err != nil { // not reached for a finite number
		r.problem(CodeRange, path, n.pos, "", "expected a finite number, found %s", r.shown(f, n, path))
		return
	}
	if r.allowed(f, n, strconv.FormatFloat(v, 'g', -1, bits), path) {
		out.Write(b)
	}
}
