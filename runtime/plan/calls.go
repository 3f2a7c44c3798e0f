package plan

import (
	"maps"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// This file is what the calls in bodies say of steps beside their values: labels, and what is told when they end. Nothing of it is in a version.

// Hooks returns what is called when a step of a node has ended: of its op, of the calls that lead there from the inside out, of the job, each once.
func (t *Target) Hooks(n *Node) []*dag.Hook {
	var out []*dag.Hook
	add := func(list []*dag.Hook) {
		for _, h := range list {
			// Each package that needs a hook has a definition of its own of it.
			if !slices.ContainsFunc(out, func(o *dag.Hook) bool { return o.Symbol == h.Symbol }) {
				out = append(out, h)
			}
		}
	}
	add(n.Op.Hooks)
	for _, call := range n.Calls {
		add(call.Hooks)
	}
	if j := t.Def(); j != nil {
		add(j.Hooks)
	}
	return out
}

// tagsOf are the tags of a step: of its call, over those of its op, over those of the calls of the graphs around it from the inside out.
func tagsOf(op *dag.Op, calls []*dag.Node) map[string]string {
	if !slices.ContainsFunc(calls, func(c *dag.Node) bool { return len(c.Tags) > 0 }) {
		return op.Tags
	}
	tags := map[string]string{}
	for i := len(calls) - 1; i > 0; i-- {
		maps.Copy(tags, calls[i].Tags)
	}
	maps.Copy(tags, op.Tags)
	maps.Copy(tags, calls[0].Tags)
	return tags
}
