package runconfig

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Source is what a config is made of before run config is laid on it: exactly one of Param, Graph, Value and Make.
type Source struct {
	Param string                // a config parameter of the job
	Graph string                // the config of the graph with this key, see [Schema.Graphs]
	Value any                   // a value that the body passes, of the config's Go type
	Make  func(parts []any) any // makes it of Parts; a panic is an error of the run config
	Parts []*Source
}

// A GraphSchema is the config of a call of a graph: it stands below ops.KEY.config, and others are made of it.
type GraphSchema struct {
	Key      string
	Config   *dag.Config
	From     *Source // nil for the type's own defaults
	Optional bool    // none of its steps is part of the run
}

// source is what the config of an op is made of; nil for the type's own defaults.
func (op *OpSchema) source() *Source {
	switch {
	case op.From != nil:
		return op.From
	case op.Param != "":
		return &Source{Param: op.Param}
	case op.Default != nil:
		return &Source{Value: op.Default}
	case op.ByPartition:
		return &Source{}
	}
	return nil
}

// A place is a config that others are made of: a parameter of the job, or the config of a graph.
type place struct {
	config *dag.Config
	path   trail
	from   *Source // of a graph
	layers
	sound bool // nothing is wrong with what is written there

	done *resolvedConfig // once the whole of it was asked for, and found complete
	used bool            // by a step of the run: the record has to have it
}

// layers are what a config is put together from: what is written, and a value below it, or nil for the type's defaults.
type layers struct {
	node *node
	base any
}

// places finds the configs that others are made of. written is what is said of graphs, by key.
func (r *resolver) places(params map[string]*node, s Schema, written map[string]member) {
	r.params, r.graphs = map[string]*place{}, map[string]*place{}
	for _, p := range s.Inputs {
		if p.Config != nil {
			n, sound := params[p.Name]
			r.params[p.Name] = &place{config: p.Config, path: trail("inputs").key(p.Name), layers: layers{node: n}, sound: sound}
		}
	}
	for i := range s.Graphs {
		g := &s.Graphs[i]
		p := &place{config: g.Config, path: opTrail(g.Key).key("config"), from: g.From}
		r.graphs[g.Key] = p
		if p.layers, p.sound = r.layers(g.From, g.Optional, p.path); !p.sound {
			continue
		}
		if w := written[g.Key]; w.value != nil {
			before := len(r.problems)
			p.node = merge(p.node, w.value)
			r.config(g.Config, p.node, p.base, p.path, true) // whether it is complete is seen where it is used
			p.sound = len(r.problems) == before
		}
	}
}

// layers returns what a config that comes from src is laid on; ok is false where that is not known, because of a problem that is reported, or because
// something is missing that nothing needs. path is where messages are about where there is no better place.
func (r *resolver) layers(src *Source, optional bool, path trail) (l layers, ok bool) {
	switch {
	case src == nil:
		return layers{}, true
	case src.Param != "" || src.Graph != "":
		p := r.place(src)
		return p.layers, p.sound
	case src.Make != nil:
		v, ok := r.made(src, optional, path)
		return layers{base: v}, ok
	}
	return layers{base: src.Value}, true
}

func (r *resolver) place(src *Source) *place {
	if src.Param != "" {
		return r.params[src.Param]
	}
	return r.graphs[src.Graph]
}

// whole returns the value of a source that a function takes, so that nothing may be missing.
func (r *resolver) whole(src *Source, optional bool, path trail) (any, bool) {
	switch {
	case src.Make != nil:
		return r.made(src, optional, path)
	case src.Param == "" && src.Graph == "":
		return src.Value, true
	}
	p := r.place(src)
	if p.done == nil && p.sound {
		p.done = r.config(p.config, p.node, p.base, p.path, optional)
		if p.done == nil && !optional {
			p.sound = false // said once
		}
	}
	if p.done == nil {
		return nil, false
	}
	p.used = p.used || !optional
	return p.done.value.Go, true
}

// made calls the function of a source with the values of its parts.
func (r *resolver) made(src *Source, optional bool, path trail) (v any, ok bool) {
	parts := make([]any, len(src.Parts))
	for i, part := range src.Parts {
		if parts[i], ok = r.whole(part, optional, path); !ok {
			return nil, false
		}
	}
	v, err := Make(func() any { return src.Make(parts) })
	switch {
	case err == nil:
		return v, true
	case optional:
		return nil, false
	}
	pos := Position{}
	for _, p := range src.places(r) { // what is wrong is what was written there
		if path, pos = p.path, posOf(p.node); p.node != nil {
			break
		}
	}
	r.problem(CodeValue, path, pos, "", "%v", err)
	return nil, false
}

// places are those that a source is made of, each before what it is made of itself.
func (src *Source) places(r *resolver) (out []*place) {
	if src == nil {
		return nil
	}
	if src.Param != "" || src.Graph != "" {
		p := r.place(src)
		out = append(append(out, p), p.from.places(r)...)
	}
	for _, part := range src.Parts {
		out = append(out, part.places(r)...)
	}
	return out
}

// Make calls a function that makes a config. What it panics with becomes an error: the one that a function of the user's returned, or that it panicked.
func Make(f func() any) (v any, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *dag.ConfigError:
			err = mask.Error(p.Err)
		default:
			err = errors.New("making a config of it panicked: " + mask.Hide(fmt.Sprint(p)))
		}
	}()
	return f(), nil
}

// fixed resolves the config of an op that the code has given one: c is what is written all the same. The record has nothing of it, because it follows from the code and
// from what is recorded of the rest.
func (r *resolver) fixed(op *OpSchema, c member, path trail, out *Resolved) {
	if c.value != nil && c.value.kind != kindNull {
		r.problem(CodeUnknown, path, c.pos, "remove it, or call what it configures", "%s is configured in code", op.Key)
		return
	}
	var base any
	if op.From != nil {
		var ok bool
		if base, ok = r.whole(op.From, op.Optional, path); !ok {
			return
		}
	}
	if v := r.config(op.Config, nil, base, path, op.Optional); v != nil {
		out.Ops[op.Key] = v.value
	}
}

// configured resolves a resource that the code has given its config: what run config says is laid on its own, if it has one, and returned for the record.
func (r *resolver) configured(res *dag.Resource, c member, path trail, optional bool, out *Resolved) *resolvedConfig {
	var own *resolvedConfig
	var value any
	switch {
	case res.Config != nil:
		if own = r.config(res.Config, c.value, nil, path, optional); own == nil {
			return nil
		}
		value = own.value.Go
	case c.value != nil && c.value.kind != kindNull:
		r.problem(CodeUnknown, path, c.pos, "remove it", "%s is configured in code", res.Key)
		return nil
	}
	made, err := Make(func() any { return res.MakeConfig(value) })
	if err != nil {
		if !optional {
			r.problem(CodeValue, path, posOf(c.value), "", "%v", err)
		}
		return nil
	}
	if v := r.config(res.Makes, nil, made, path, optional); v != nil {
		out.Resources[res.Key] = v.value
	}
	return own
}

// recordPlaces shows the configs that the run's others were made of, so that the record can be read again.
func (r *resolver) recordPlaces(s Schema, rec *record) {
	for _, p := range s.Inputs {
		if at := r.params[p.Name]; at != nil && at.used {
			rec.inputs = append(rec.inputs, valMember{p.Name, at.done.shown})
		}
	}
	for i := range s.Graphs {
		if at := r.graphs[s.Graphs[i].Key]; at.used {
			rec.setOp(strings.Split(s.Graphs[i].Key, "."), withoutSecrets(at.done.shown, at.base), nil)
		}
	}
}

// withoutSecrets leaves out secrets that nothing but the value below gave: they come from there again, and what stands for them could not be read.
func withoutSecrets(shown *val, base any) *val {
	if base == nil || shown == nil || shown.kind != valMap {
		return shown
	}
	out := *shown
	out.members = slices.Clone(shown.members)
	for i := range out.members {
		out.members[i].value = withoutSecrets(out.members[i].value, base)
	}
	out.members = slices.DeleteFunc(out.members, func(m valMember) bool { return m.value.kind == valSecret && m.value.text == "" })
	return &out
}
