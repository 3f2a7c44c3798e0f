package figure

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var odd = []Figure{{
	Title: "a \"title\"\nof two lines",
	Nodes: []Node{
		{ID: "in:n", Label: "n", Kind: "input"},
		{ID: "for x", Label: `for x := range "a\b"`, Kind: "map"},
		{ID: "outer", Label: "outer", Kind: "graph", Parent: "for x"},
		{ID: "outer.f", Label: "outer.f", Kind: "op", Parent: "outer"},
		{ID: "if ok", Label: "if ok", Kind: "branch"},
		{ID: "if ok/1", Label: "ok", Kind: "arm", Parent: "if ok"},
		{ID: "g", Label: "g", Kind: "op", Parent: "if ok/1"},
		{ID: "if ok/2", Label: "else", Kind: "arm", Parent: "if ok"},
	},
	Edges: []Edge{{From: "in:n", To: "for x"}, {From: "outer", To: "g", Label: "low"}, {From: "outer.f", To: "g", Dashed: true}},
}}

func TestDot(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Dot(&b, odd))
	for _, line := range []string{
		`label="a \"title\"\nof two lines";`,
		`label="for x := range \"a\\b\""; style=rounded;`,
		`"0.for x" [label="map", shape=hexagon, style=solid];`,
		`"0.in:n" -> "0.for x";`,
		`"0.outer.f" -> "0.g" [label="low"];`, // a graph has no shape of its own
		`"0.outer.f" -> "0.g" [style=dashed];`,
	} {
		assert.Contains(t, b.String(), line)
	}
	assert.NotContains(t, b.String(), "else", "an empty arm is left out")
	assert.Equal(t, strings.Count(b.String(), "{"), strings.Count(b.String(), "}"))
}

func TestMermaid(t *testing.T) {
	var b strings.Builder
	require.NoError(t, Mermaid(&b, odd))
	for _, line := range []string{
		`subgraph g0["a #quot;title#quot; of two lines"]`,
		`n0_1{{"map"}}`,
		`n0_4{"branch"}`,
		`n0_3 -->|"low"| n0_6`,
		`n0_3 -.-> n0_6`,
	} {
		assert.Contains(t, b.String(), line)
	}
	assert.Equal(t, strings.Count(b.String(), "subgraph"), strings.Count(b.String(), "end\n"))
}
