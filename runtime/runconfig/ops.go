package runconfig

import (
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// An opName is a name that may stand below a key "ops": of an op, of a graph that has ops of its own, or of both.
type opName struct {
	name  string
	op    *OpSchema    // nil for a graph alone
	graph *GraphSchema // of a graph that takes config
	subs  []*opName    // of a graph, in the order of the schema
}

// opTree sorts ops by the graphs they are in: "outer.inner" is inner below outer.
func opTree(s *Schema) *opName {
	root := &opName{}
	index := map[string]*opName{"": root}
	find := func(key string) *opName {
		at, path := root, ""
		for segment := range strings.SplitSeq(key, ".") {
			path += "." + segment
			next := index[path]
			if next == nil {
				next = &opName{name: segment}
				index[path] = next
				at.subs = append(at.subs, next)
			}
			at = next
		}
		return at
	}
	for i := range s.Ops {
		find(s.Ops[i].Key).op = &s.Ops[i]
	}
	for i := range s.Graphs {
		find(s.Graphs[i].Key).graph = &s.Graphs[i]
	}
	return root
}

func (o *opName) names() []string {
	names := make([]string, len(o.subs))
	for i, s := range o.subs {
		names[i] = s.name
	}
	return names
}

func (o *opName) sub(name string) *opName {
	for _, s := range o.subs {
		if s.name == name {
			return s
		}
	}
	return nil
}

// keys are what may stand below the name.
func (o *opName) keys() (keys []string) {
	if o.op != nil || o.graph != nil {
		keys = append(keys, "config")
	}
	if o.op != nil && len(o.op.Inputs) > 0 {
		keys = append(keys, "inputs")
	}
	if len(o.subs) > 0 {
		keys = append(keys, "ops")
	}
	return keys
}

// opTrail is where a document speaks of an op: ops.outer.ops.inner.
func opTrail(key string) trail {
	var path trail
	for segment := range strings.SplitSeq(key, ".") {
		if path == "" {
			path = "ops"
		} else {
			path = path.key("ops")
		}
		path = path.key(segment)
	}
	return path
}

// writtenOp is what a document says of an op.
type writtenOp struct{ config, inputs member }

// ops reads the root key of this name.
func (r *resolver) ops(m member, s Schema, params map[string]*node, out *Resolved, rec *record) {
	written, graphs := map[string]writtenOp{}, map[string]member{}
	r.opSection(m.value, "ops", opTree(&s), written, graphs)
	r.places(params, s, graphs)
	for i := range s.Ops {
		op := &s.Ops[i]
		w := written[op.Key]
		shown := r.opConfig(op, w.config, out)
		inputs := r.opInputs(op, w.inputs, out)
		if !op.Optional && (shown != nil || inputs != nil) { // the record says what the run used
			rec.setOp(strings.Split(op.Key, "."), shown, inputs)
		}
	}
	r.recordPlaces(s, rec)
}

// opSection reads what stands below a key "ops": what is said of ops, and the config of graphs.
func (r *resolver) opSection(n *node, path trail, names *opName, written map[string]writtenOp, graphs map[string]member) {
	for _, e := range r.members(n, path, "keys of ops, assets and sources") {
		at := path.key(e.key)
		o := names.sub(e.key)
		if o == nil {
			r.problem(CodeUnknown, at, e.pos, hintNames(e.key, "ops", names.names()), "unknown op, asset or source")
			continue
		}
		keys := o.keys()
		sec := r.section(e.value, at, keys, strings.Join(keys, " or "))
		if o.graph != nil {
			graphs[o.graph.Key] = sec["config"]
			delete(sec, "config") // of a graph that is an asset: the step that stores it takes none
		}
		if o.op != nil {
			written[o.op.Key] = writtenOp{sec["config"], sec["inputs"]}
		}
		if below, ok := sec["ops"]; ok {
			r.opSection(below.value, at.key("ops"), o, written, graphs)
		}
	}
}

// opConfig resolves the config of an op; it returns what the record shows of it.
func (r *resolver) opConfig(op *OpSchema, c member, out *Resolved) *val {
	path := opTrail(op.Key).key("config")
	if op.Config == nil {
		if c.value != nil && c.value.kind != kindNull {
			r.problem(CodeUnknown, path, c.pos, "remove it", "%s takes no config", op.Key)
		}
		return nil
	}
	if op.Fixed {
		r.fixed(op, c, path, out)
		return nil
	}
	if op.ByPartition {
		return r.byPartition(op, c, path, out)
	}
	below, ok := r.layers(op.source(), op.Optional, path)
	if !ok {
		return nil // the problems of what it is made of are reported there
	}
	v := r.config(op.Config, merge(below.node, c.value), below.base, path, op.Optional)
	if v == nil {
		return nil
	}
	out.Ops[op.Key] = v.value
	return withoutSecrets(v.shown, below.base)
}

// opInputs reads the values of inputs that nothing else feeds; it returns what the record shows of them.
func (r *resolver) opInputs(op *OpSchema, m member, out *Resolved) *val {
	if len(op.Inputs) == 0 {
		return nil
	}
	path := opTrail(op.Key).key("inputs")
	names := make([]string, len(op.Inputs))
	for i := range op.Inputs {
		names[i] = op.Inputs[i].Name
	}
	written := map[string]member{}
	for _, e := range r.members(m.value, path, "names of inputs that nothing else feeds") {
		if !slices.Contains(names, e.key) {
			r.problem(CodeUnknown, path.key(e.key), e.pos, hintNames(e.key, "inputs", names), "no input that takes its value from a run config")
			continue
		}
		written[e.key] = e
	}
	shown := &val{kind: valMap}
	for _, p := range op.Inputs {
		at := path.key(p.Name)
		e, ok := written[p.Name]
		if !ok {
			if !op.Optional {
				r.noOpInput(p, m, at)
			}
			continue
		}
		if v, text, ok := r.input(p, e.value, at); ok {
			if out.OpInputs[op.Key] == nil {
				out.OpInputs[op.Key] = map[string]any{}
			}
			out.OpInputs[op.Key][p.Name] = v
			shown.members = append(shown.members, valMember{p.Name, text})
		}
	}
	return shown
}

// noOpInput says that an input is missing, and how it is given.
func (r *resolver) noOpInput(p dag.JobParam, m member, at trail) {
	f, err := fieldOf(p.Type.Go)
	if err != nil {
		r.notFromConfig(p, posOf(m.value), at, err)
		return
	}
	r.problem(CodeMissing, at, around(m.value, at), "set it in a file, or with --set "+setExample(f, at), "missing, expected %s", expected(f))
}

// opsSchema is the JSON Schema of what stands below a key "ops".
func opsSchema(names *opName) schema {
	properties := map[string]schema{}
	var required []string
	for _, o := range names.subs {
		s := opSchema(o)
		if s["required"] != nil {
			required = append(required, o.name)
		}
		properties[o.name] = s
	}
	return object(properties, required)
}

func opSchema(o *opName) schema {
	properties := map[string]schema{}
	var required []string
	if op := o.op; op != nil {
		if op.Fixed {
			op = &OpSchema{Key: op.Key, Inputs: op.Inputs, Optional: op.Optional}
		}
		complete := op.source() == nil && !op.Optional
		needed := op.Config != nil && complete && requires(op.Config.Fields)
		s := configuredSchema(op.Config, needed, complete)
		properties = s["properties"].(map[string]schema)
		if needed {
			required = append(required, "config")
		}
		if len(op.Inputs) > 0 {
			inputs, needed := opInputsSchema(op)
			properties["inputs"] = inputs
			if needed {
				required = append(required, "inputs")
			}
		}
	}
	if g := o.graph; g != nil {
		complete := g.From == nil && !g.Optional
		needed := complete && requires(g.Config.Fields)
		for k, v := range configuredSchema(g.Config, needed, complete)["properties"].(map[string]schema) {
			properties[k] = v
		}
		if needed {
			required = append(required, "config")
		}
	}
	if len(o.subs) > 0 {
		s := opsSchema(o)
		properties["ops"] = s
		if s["required"] != nil {
			required = append(required, "ops")
		}
	}
	return object(properties, required)
}

func opInputsSchema(op *OpSchema) (s schema, needed bool) {
	properties := map[string]schema{}
	var required []string
	for _, p := range op.Inputs {
		one := schema{}
		if f, err := fieldOf(p.Type.Go); err == nil {
			one = inputSchema(f, fieldSchema(f, true))
		}
		properties[p.Name] = one
		if !op.Optional {
			required = append(required, p.Name)
		}
	}
	return described(object(properties, required), "Values of inputs that nothing else feeds."), len(required) > 0
}
