package plan

import (
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A ConfigSource is what a config is made of before run config is laid on it. Exactly one of Param, Graph, Value and Make is set; nil stands for the
// defaults of the type.
type ConfigSource struct {
	Param *dag.JobParam // a config parameter of the job
	Graph *GraphConfig  // the config of a call of a graph
	Value any           // a literal of the body
	Make  func(parts []any) any
	Parts []*ConfigSource // what Make takes
}

// A GraphConfig is the config of one call of a graph, which what it calls takes from.
type GraphConfig struct {
	Key    string // "outer", "outer.inner"
	Config *dag.Config
	From   *ConfigSource // nil for the defaults of the type
	lo, hi int32         // the nodes of the Graph in it
}

// Configs returns the configs of calls of graphs, outer ones first.
func (g *Graph) Configs() []*GraphConfig { return g.configs }

// UsesConfig reports whether a node in a call of a graph is selected.
func (t *Target) UsesConfig(c *GraphConfig) bool {
	for i := c.lo; i < c.hi; i++ {
		if t.IsSelected(int(i)) {
			return true
		}
	}
	return false
}

// config follows the config that a statement passes up to the job, or to the graph that it stands in. what names it in messages. It is nil for the defaults.
func (o *origins) config(b *dag.Binding, what string, env *surroundings) *ConfigSource {
	switch b.Kind {
	case dag.FromLiteral:
		if b.Value == nil {
			return nil
		}
		return &ConfigSource{Value: b.Value}
	case dag.FromParam:
		if b.Param >= 0 && b.Param < len(env.configs) {
			return env.configs[b.Param]
		}
	case dag.FromField, dag.FromParts:
		out := &ConfigSource{Make: b.Func}
		for i := range b.Parts {
			part := o.config(&b.Parts[i], what, env)
			if part == nil { // of a graph that is an asset, and of a nil in a literal
				part = &ConfigSource{}
			}
			out.Parts = append(out.Parts, part)
		}
		return out
	}
	o.bad("bad_job", "the config of %s is made of something that is known when it runs", what)
	return nil
}
