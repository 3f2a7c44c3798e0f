package plan

import (
	"strings"

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

// configOf is the config of a step; nil where it takes none, or where none was given.
func (b *builder) configOf(s *Step) (*Config, error) {
	switch {
	case s.Op.Config == nil:
		return nil, nil
	case s.Op.ConfigFor != nil && s.Partition != nil:
		return b.ConfigOf(s.Node, s.Partition)
	}
	return b.Configs[s.ConfigKey()], nil
}

// configures reports whether each partition has a config of its own.
func (f *finder) configures() bool { return f.node.Op.Config != nil && f.node.Op.ConfigFor != nil }

// workAt is what a step of the partition with a number has besides its inputs: that of all of them, with its own config.
func (f *finder) workAt(n int) (*work, error) {
	if !f.configures() {
		return f.step.work, nil
	}
	w := *f.step.work
	var err error
	if w.Config, err = f.ConfigOf(f.node, f.stepOf(n).Partition); err != nil {
		return nil, err
	}
	c, err := f.codeOf(f.info, w.Config)
	w.Code, w.code = c.text, c.digest
	return &w, err
}

// configChange is how the config that a record was made with differs from what its partition has now; empty where every partition has the same.
func (f *finder) configChange(n int, was []byte) string {
	if !f.configures() {
		return ""
	}
	w, err := f.workAt(n)
	if err != nil { // it was found before
		return ""
	}
	return strings.Join(configCauses("config", was, w.Config.Canonical), "\n")
}
