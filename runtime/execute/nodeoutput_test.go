package execute

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// nested is: a := outer("oslo"); for _, c := range names() { for i := range 2 { deep = append(deep, fit(c)) }; all = append(all, inner(c)) }
// where outer is fit, then inner, and inner is fit, then refit.
func (c *cities) nested() {
	inner := &dag.GraphDef{Key: "inner", Symbol: pkg + ".inner", Params: []dag.JobParam{{Name: "city", Type: textType}},
		Nodes: []dag.Node{
			{Key: "fit", Op: c.fit, Inputs: []dag.Binding{param(0)}},
			{Key: "refit", Op: c.refit, Inputs: []dag.Binding{from(0)}},
		},
		Outputs: []dag.JobOutput{{Name: "fitted", Type: intType, From: from(0)}, {Name: "refitted", Type: intType, From: from(1)}}}
	outer := &dag.GraphDef{Key: "outer", Symbol: pkg + ".outer", Params: []dag.JobParam{{Name: "city", Type: textType}},
		Nodes: []dag.Node{
			{Key: "inner", Graph: inner, Inputs: []dag.Binding{param(0)}},
			{Key: "refit", Op: c.refit, Inputs: []dag.Binding{output(0, 1)}},
		},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(1)}}}
	key := elem(2, textType)
	c.jobOf("all", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "outer", Graph: outer, Inputs: []dag.Binding{value("oslo")}},
			{Key: "names", Op: c.names},
			{Key: "for city", Map: &dag.Map{Over: from(1), Key: &key, Body: []int{3, 5}}},
			{Key: "for i", Map: &dag.Map{Over: typed(intType, 2), Body: []int{4}}},
			{Key: "fit", Op: c.fit, Inputs: []dag.Binding{elem(2, textType)}},
			{Key: "inner", Graph: inner, Inputs: []dag.Binding{elem(2, textType)}},
		},
		Body:    []int{0, 1, 2},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: output(0, 0)}},
	})
}

func TestOutputForNode(t *testing.T) {
	c := newCities(t, "rome", "new york]")
	c.nested()
	for range 2 { // computed, then reused
		res := c.ok("all")
		for _, want := range []struct {
			node, output string
			value        any
		}{
			{"names", "", []string{"rome", "new york]"}},
			{"outer", "", 204},
			{"outer", "result", 204},
			{"outer.inner", "fitted", 4},
			{"outer.inner", "refitted", 104},
			{"outer.inner.fit", "result", 4},
			{"outer.refit", "", 204},
			{"inner.refit", "", map[string]any{"rome": 104, "new york]": 109}},
			{`inner["new york]"].refit`, "", 109},
			{"fit", "", map[string]any{"rome": map[string]any{"0": 4, "1": 4}, "new york]": map[string]any{"0": 9, "1": 9}}},
			{"fit[rome][1]", "", 4},
		} {
			got, err := res.OutputForNode(t.Context(), want.node, want.output)
			require.NoError(t, err, want.node)
			assert.Equal(t, want.value, got, want.node)
		}
		for _, wrong := range []struct{ node, output, message string }{
			{"outr", "", `job "all" has no node "outr"`},
			{"outer.iner.fit", "", `no node "outer.iner.fit"; did you mean "outer.inner.fit"?`},
			{"outer.inner", "", "graph outer.inner has 2 outputs; name one"},
			{"outer.inner", "x", `graph outer.inner has no output "x"`},
			{"outer.refit", "x", `step outer.refit has no output "x"`},
			{"inner", "fitted", "inner is a graph in a loop; name one of the ops in it"},
		} {
			_, err := res.OutputForNode(t.Context(), wrong.node, wrong.output)
			assert.ErrorContains(t, err, wrong.message)
		}
	}
	c.bad = "rome"
	c.code["fit"] = "another body"
	res := c.run("all")
	_, err := res.OutputForNode(t.Context(), "inner.refit", "")
	assert.ErrorContains(t, err, "step inner[rome].refit has no outputs: it ended as skipped")
	c.opts.Select = "names"
	c.bad = ""
	_, err = c.ok("all").OutputForNode(t.Context(), "outer.refit", "")
	assert.ErrorContains(t, err, `has no step "outer.refit": it was not selected`)
	c.list = nil
	c.opts.Select = ""
	got, err := c.ok("all").OutputForNode(t.Context(), "fit", "")
	require.NoError(t, err)
	assert.Empty(t, got)
}
