package plan

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func TestSelection(t *testing.T) {
	multi := asset("split", "c")
	multi.Outputs = []dag.Output{{Name: "train", Asset: "train", Type: intType}, {Name: "test", Asset: "test", Type: intType}}
	c := catalog(t, define(t, nil, []*dag.Op{source("s"), asset("a", "s"), asset("b", "a"), asset("c", "b"), multi, asset("alone")}))
	for _, tt := range []struct{ selection, want string }{
		{"", "alone s a b c split"},
		{"*", "alone s a b c split"},
		{"b", "b"},
		{"b*", "b c split"},
		{"*b", "s a b"},
		{"+b", "a b"},
		{"++b", "s a b"},
		{"+++++b", "s a b"},
		{"a+", "a b"},
		{"a++", "a b c"},
		{"*b+", "s a b c"},
		{"*b*", "s a b c split"},
		{"+b+", "a b c"},
		{"alone, b", "alone b"},
		{"b,b*", "b c split"},
		{"train", "split"},
		{"+test", "c split"},
		{"s", "s"},
	} {
		t.Run(tt.selection, func(t *testing.T) {
			target, err := c.Target("", tt.selection)
			require.NoError(t, err)
			var keys []string
			for _, i := range target.Selected {
				keys = append(keys, target.Graph.Nodes[i].Key)
			}
			assert.Equal(t, tt.want, strings.Join(keys, " "))
		})
	}
}

func TestSelectionErrors(t *testing.T) {
	c := catalog(t, define(t, nil, []*dag.Op{asset("weather"), asset("report", "weather")}))
	_, err := c.Target("", "wether*,nothing_like_it,report")
	assert.EqualError(t, err, `selection "wether*" matches nothing: no asset "wether"; did you mean "weather"?
selection "nothing_like_it" matches nothing: no asset "nothing_like_it"`)
	_, err = c.Target("", "report,,weather")
	assert.EqualError(t, err, `selection "report,,weather", column 8: a clause is empty; separate keys with one comma`)
	_, err = c.Target("nightly", "")
	assert.EqualError(t, err, `no job "nightly"; no package defines a job`)

	empty := catalog(t, define(t, nil, nil))
	_, err = empty.Target("", "")
	assert.ErrorContains(t, err, "no package given to this binary has an asset")
}
