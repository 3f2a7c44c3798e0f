package runconfig

import (
	"bytes"
	"reflect"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// An Overlay is what a run config says of an op whose config is made for each partition, to be laid on each of them. It may be used by several goroutines.
type Overlay struct {
	config *dag.Config
	node   *node // nil where nothing is said
	path   trail
	env    map[string]*string // the variables that it takes values from; nil for one that is not set
}

// On lays what the run config says on what a function of the user's makes, a value of the config's Go type, which is not modified; of says what for. The error is of type [Problems].
func (o *Overlay) On(made func() any, of string) (*Value, error) {
	base, err := Make(made)
	if err != nil {
		return nil, Problems{{Code: CodeValue, Path: string(o.path), Message: of + ": " + err.Error()}}
	}
	r := &resolver{getenv: o.getenv, env: map[trail]string{}}
	v := r.config(o.config, o.node, base, o.path, false)
	if err := r.problems.err(); err != nil {
		return nil, err
	}
	return v.value, nil
}

func (o *Overlay) getenv(name string) (string, bool) {
	if v := o.env[name]; v != nil {
		return *v, true
	}
	return "", false
}

// byPartition takes in what is said of an op whose config is made for each partition; it returns what the record shows of it: what was said and no more, because the rest is another for each.
func (r *resolver) byPartition(op *OpSchema, c member, path trail, out *Resolved) *val {
	o := &Overlay{config: op.Config, node: c.value, path: path, env: map[string]*string{}}
	getenv := r.getenv
	r.getenv = func(name string) (string, bool) {
		v, ok := getenv(name)
		if o.env[name] = nil; ok {
			o.env[name] = &v
		}
		return v, ok
	}
	defer func() { r.getenv = getenv }()
	before := len(r.problems)
	r.config(op.Config, c.value, nil, path, true) // what is written is checked once, what is missing by On
	if len(r.problems) > before {
		return nil
	}
	out.Overlays[op.Key] = o
	if c.value == nil || c.value.kind == kindNull {
		return nil
	}
	shown := r.laid(op.Config, c.value, path)
	return &shown
}

// laid is what a record shows of a mapping that is laid on something else.
func (r *resolver) laid(c *dag.Config, n *node, path trail) val {
	silent := *r // what is wrong with it has been reported
	silent.optional, silent.problems = true, nil
	typ, err := goType(c)
	if err != nil {
		return val{kind: valMap}
	}
	zero := reflect.New(typ).Elem()
	var js bytes.Buffer
	silent.structure(c.Fields, n, typ, zero, path, &js)
	v, err := decode(c, zero.Interface(), js.Bytes())
	if err != nil {
		return val{kind: valMap}
	}
	_, shown, err := r.values(c, v, path)
	if err != nil {
		return val{kind: valMap}
	}
	return *shown.only(c.Fields, n)
}

// only leaves out what a mapping does not say.
func (v *val) only(fields []dag.Field, n *node) *val {
	if v.kind != valMap || n.kind != kindMap {
		return v
	}
	out := &val{kind: valMap}
	for _, m := range v.members {
		at := slices.IndexFunc(n.members, func(w member) bool { return w.key == m.key })
		if at < 0 {
			continue
		}
		f := &fields[slices.IndexFunc(fields, func(f dag.Field) bool { return f.Name == m.key })]
		if f.Kind == dag.FieldStruct {
			m.value = m.value.only(f.Fields, n.members[at].value)
		}
		out.members = append(out.members, m)
	}
	return out
}
