package execute

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// OutputForNode returns an output of a node by the name that run config and selections use: "fetch", "outer.inner". An empty output is the only one. (Dagster's
// output_for_node.)
//
//   - Of an op it is the value of its step, computed or reused.
//   - Of an op in a loop it is a map[string]any by mapping key, without the elements that a branch skipped; in nested loops a map of such maps, the outermost
//     loop first. The key of one step, "fit[seattle]", gives the value of that one.
//   - Of a graph that is called outside of loops it is what the call returned under that name.
//
// It is an error where there is no such node, or where a step has no output because it failed or was skipped.
func (res *Result) OutputForNode(ctx context.Context, node, output string) (any, error) {
	if res.Step(node) != nil {
		return res.Output(ctx, node, output)
	}
	g := res.run.target.Graph
	for i := range g.Nodes {
		if n := &g.Nodes[i]; n.Key == node {
			if n.Loops == 0 {
				return nil, fmt.Errorf("run %s has no step %q: it was not selected, or stands in an arm that was not taken", res.RunID, node)
			}
			return res.elements(ctx, n, output)
		}
	}
	def, loops := g.Called(node)
	switch {
	case def == nil:
		return nil, g.NoNode(node)
	case loops > 0:
		return nil, fmt.Errorf("%s is a graph in a loop; name one of the ops in it", node)
	}
	return res.graphOutput(ctx, node, def, output)
}

// elements collects what the steps of an op in a loop gave.
func (res *Result) elements(ctx context.Context, n *plan.Node, output string) (any, error) {
	all := map[string]any{}
	for i := range res.Steps {
		s := &res.Steps[i]
		keys, ok := mappingKeys(n.Key, s.Key)
		switch {
		case !ok || s.Status == StatusSkipped && s.Why != "":
			continue
		case s.index < 0:
			return nil, fmt.Errorf("step %s has no outputs: it ended as %s", s.Key, s.Status)
		}
		v, err := res.Output(ctx, s.Key, output)
		if err != nil {
			return nil, err
		}
		at := all
		for _, k := range keys[:len(keys)-1] {
			inner, ok := at[k].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[k] = inner
			}
			at = inner
		}
		at[keys[len(keys)-1]] = v
	}
	return all, nil
}

// graphOutput reads what the call of a graph returned.
func (res *Result) graphOutput(ctx context.Context, node string, def *dag.GraphDef, output string) (any, error) {
	k := slices.IndexFunc(def.Outputs, func(o dag.JobOutput) bool { return o.Name == output })
	switch {
	case output == "" && len(def.Outputs) == 1:
		k = 0
	case output == "":
		return nil, fmt.Errorf("graph %s has %d outputs; name one", node, len(def.Outputs))
	case k < 0:
		return nil, fmt.Errorf("graph %s has no output %q", node, output)
	}
	r := res.run
	refs := r.plan.Given(node)
	if refs == nil {
		return nil, fmt.Errorf("graph %s was not called: another arm was taken, or what decides about it failed", node)
	}
	v, err := r.plan.Evaluator(ended{r, ctx}).Value(refs[k])
	if err != nil {
		return nil, fmt.Errorf("output %s of graph %s: %w", def.Outputs[k].Name, node, err)
	}
	return v, nil
}

// mappingKeys returns the keys of the loops that a step of a node stands in; ok is false for a step of another node. A key in quotes may have any characters, so
// that they are read and not split.
func mappingKeys(node, step string) (keys []string, ok bool) {
	for step != "" {
		if !strings.HasPrefix(step, "[") {
			if node == "" || step[0] != node[0] {
				return nil, false
			}
			node, step = node[1:], step[1:]
			continue
		}
		step = step[1:]
		if quoted, err := strconv.QuotedPrefix(step); err == nil {
			key, err := strconv.Unquote(quoted)
			if err != nil || !strings.HasPrefix(step[len(quoted):], "]") {
				return nil, false
			}
			keys, step = append(keys, key), step[len(quoted)+1:]
			continue
		}
		key, rest, found := strings.Cut(step, "]")
		if !found {
			return nil, false
		}
		keys, step = append(keys, key), rest
	}
	return keys, node == "" && len(keys) > 0
}
