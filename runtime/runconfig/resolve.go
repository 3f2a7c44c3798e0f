package runconfig

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Resolve holds d against s: it applies defaults, reads env: values through getenv (os.LookupEnv outside of tests), checks every
// value and decodes them. The error is of type [Problems] and has every problem; d may be nil.
func Resolve(d *Document, s Schema, getenv func(string) (string, bool)) (*Resolved, error) {
	r := &resolver{getenv: getenv, env: map[trail]string{}}
	out := &Resolved{Ops: map[string]*Value{}, Overlays: map[string]*Overlay{}, Resources: map[string]*Value{}, Inputs: map[string]any{}, OpInputs: map[string]map[string]any{}}
	rec := &record{}

	root := r.section(d.node(), "", []string{"ops", "resources", "inputs", "loggers", "execution"}, rootKeyList)
	r.execution(root["execution"], s.executors(), out, rec)
	params := r.inputs(root["inputs"], s, out, rec)
	r.ops(root["ops"], s, params, out, rec)
	s = r.loggers(root["loggers"], s, out, rec)
	r.resources(root["resources"], s, out, rec)

	if err := r.problems.err(); err != nil {
		return nil, err
	}
	out.Text, out.recorded = rec.yaml(), r.recorded
	return out, nil
}

type resolver struct {
	params, graphs map[string]*place // configs that others are made of
	getenv         func(string) (string, bool)
	problems       Problems
	env            map[trail]string // where a value came from a variable, and which
	optional       bool             // whether missing values are no problem now
	missing        bool             // whether one was missing since this was last reset
	recorded       map[*node]*node  // what a record has in place of what is written
}

func (r *resolver) problem(code string, path trail, pos Position, hint, format string, args ...any) {
	r.problems = append(r.problems, Problem{Code: code, Path: string(path), Pos: pos, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// section reads a mapping whose keys are fixed by Dagster's shape; nil and null are the empty one. Keys that are not in
// keys are problems; list names them for people.
func (r *resolver) section(n *node, path trail, keys []string, list string) map[string]member {
	out := map[string]member{}
	for _, m := range r.members(n, path, list) {
		if !slices.Contains(keys, m.key) {
			hint := "expected " + list
			if near, ok := nearest.Of(m.key, keys); ok {
				hint = "did you mean " + fmt.Sprintf("%q", near) + "?"
			}
			r.problem(CodeUnknown, path.key(m.key), m.pos, hint, "unknown key")
			continue
		}
		out[m.key] = m
	}
	return out
}

// members returns the members of a mapping; nil and null have none, anything else is a problem.
func (r *resolver) members(n *node, path trail, want string) []member {
	switch {
	case n == nil || n.kind == kindNull:
		return nil
	case n.kind != kindMap:
		r.problem(CodeType, path, n.pos, "", "expected a mapping with %s, found %s", want, n.found(true))
		return nil
	}
	return n.members
}

// configOf reads what stands below ops.KEY or resources.KEY: a mapping with config.
func (r *resolver) configOf(m member, path trail) (member, bool) {
	sec := r.section(m.value, path, []string{"config"}, "config")
	c, ok := sec["config"]
	return c, ok
}

func (r *resolver) resources(m member, s Schema, out *Resolved, rec *record) {
	needed := make(map[string]bool, len(s.Resources))
	var all []*dag.Resource
	for _, res := range s.Resources { // a handler that logs may be one that steps take, too
		if !needed[res.Key] {
			needed[res.Key] = true
			all = append(all, res)
		}
	}
	for _, res := range s.OptionalResources {
		if !needed[res.Key] {
			all = append(all, res)
		}
	}
	names := make([]string, 0, len(all))
	for _, res := range all {
		names = append(names, res.Key)
	}
	written := map[string]member{}
	for _, e := range r.members(m.value, "resources", "keys of resources") {
		if !slices.Contains(names, e.key) {
			r.problem(CodeUnknown, trail("resources").key(e.key), e.pos, hintNames(e.key, "resources", names), "unknown resource")
			continue
		}
		if c, ok := r.configOf(e, trail("resources").key(e.key)); ok {
			written[e.key] = c
		}
	}
	for _, res := range all {
		c := written[res.Key]
		path := trail("resources").key(res.Key).key("config")
		if res.Makes != nil {
			if own := r.configured(res, c, path, !needed[res.Key], out); own != nil && needed[res.Key] {
				rec.set(res.Key, own)
			}
			continue
		}
		if res.Config == nil {
			if c.value != nil && c.value.kind != kindNull {
				r.problem(CodeUnknown, path, c.pos, "remove it", "%s takes no config", res.Key)
			}
			continue
		}
		if v := r.config(res.Config, c.value, nil, path, !needed[res.Key]); v != nil {
			out.Resources[res.Key] = v.value
			if needed[res.Key] {
				rec.set(res.Key, v)
			}
		}
	}
}

// A resolvedConfig is a config value with what the record shows of it.
type resolvedConfig struct {
	value *Value
	shown *val
}

// config resolves one config value; nil when there is a problem, or when it is optional and not complete.
func (r *resolver) config(c *dag.Config, n *node, base any, path trail, optional bool) *resolvedConfig {
	before := len(r.problems)
	r.optional, r.missing = optional, false
	typ, err := goType(c)
	if err != nil {
		r.problem(CodeValue, path, Position{}, "", "%v", err)
		return nil
	}
	prepared, bv := base, reflect.Value{}
	if base != nil {
		copied := deepCopy(reflect.ValueOf(base))
		bv = reflect.New(copied.Type()).Elem() // addressable, so that lists can be emptied before they are read
		bv.Set(copied)
	}
	var js bytes.Buffer
	r.structure(c.Fields, n, typ, bv, path, &js)
	if len(r.problems) > before || r.missing {
		return nil
	}
	if base != nil {
		prepared = bv.Interface()
	}
	v, err := decode(c, prepared, js.Bytes())
	if err != nil {
		r.problem(CodeValue, path, posOf(n), "", "%v", err)
		return nil
	}
	counted, shown, err := r.values(c, v, path)
	if err != nil {
		r.problem(CodeValue, path, posOf(n), "", "%v", err)
		return nil
	}
	return &resolvedConfig{&Value{Go: v, Canonical: counted.json(), Digest: counted.digest()}, shown}
}

func posOf(n *node) Position {
	if n == nil {
		return Position{}
	}
	return n.pos
}

// around is where something is missing at path: the place of the mapping n that should hold it. A mapping that only came about because
// --set gave another of its values has no such place.
func around(n *node, path trail) Position {
	p := posOf(n)
	if set, ok := strings.CutPrefix(p.File, setSource("")); ok && p.Line == 0 && !strings.HasPrefix(string(path), set) {
		return Position{}
	}
	return p
}

// decode calls the generated decoder. User code may run below it (UnmarshalText), so a panic of it becomes an error.
func decode(c *dag.Config, base any, js []byte) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading %s panicked: %v", c.Symbol, p)
		}
	}()
	if v, err = c.Decode(base, js); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Symbol, err)
	}
	return v, nil
}

// goType returns the Go type of the values of c.
func goType(c *dag.Config) (reflect.Type, error) {
	zero, err := decode(c, nil, []byte("{}"))
	if err != nil {
		return nil, err
	}
	if t := reflect.TypeOf(zero); t != nil && t.Kind() == reflect.Struct {
		return t, nil
	}
	return nil, fmt.Errorf("the config %s is a %T, not a struct; run dagstergen again", c.Symbol, zero)
}
