package gen

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGraphs(t *testing.T) {
	files := pipeline()
	files["top/more.go"] = `package top

import "github.com/dagstergen/dagstergen/runtime/dag"

//dag:source
func Station() (dag.DataVersion, error) { return "", nil }

//dag:asset deps=station in.other=elsewhere kinds=csv
func Split(total int, other int) (train, test []int) { return nil, nil }

//dag:asset
func Done(train []int) error { return nil }
`
	a, diags, err := Analyze(t.Context(), config(module(t, files), "./top"))
	require.NoError(t, err)
	require.Empty(t, diags)
	graphs := a.Graphs()
	require.Len(t, graphs, 1)
	g := graphs[0]
	assert.Equal(t, "example.com/m/top", g.Package)
	var nodes []string
	for _, n := range g.Assets.Nodes {
		nodes = append(nodes, n.Kind+" "+n.ID+" "+n.Op+" "+n.Type)
	}
	assert.Equal(t, []string{"asset done done ", "external elsewhere  ", "asset rows rows []Row", "source station station dag.DataVersion", "asset test split []int", "asset total total int",
		"asset train split []int"}, nodes)
	assert.Equal(t, []GraphEdge{
		{From: "elsewhere", To: "test", Input: "other"}, {From: "elsewhere", To: "train", Input: "other"}, {From: "rows", To: "total", Input: "rows"},
		{From: "station", To: "test"}, {From: "station", To: "train"}, {From: "total", To: "test", Input: "total"}, {From: "total", To: "train", Input: "total"},
		{From: "train", To: "done", Input: "train"},
	}, g.Assets.Edges)
	require.Len(t, g.Jobs, 1)
	assert.Equal(t, []GraphEdge{{From: "in:city", To: "fetch", Input: "city"}, {From: "fetch", To: "count", Input: "rows"}, {From: "count", To: "out:n"}}, g.Jobs[0].Edges)

	b, err := json.Marshal(g)
	require.NoError(t, err)
	assert.Contains(t, string(b), `"jobs":[{"key":"nightly","nodes":[{"id":"in:city","kind":"input"`)
}

// What is configured stands in the place of its call, once.
func TestGraphOfConfigured(t *testing.T) {
	a, diags, err := Analyze(t.Context(), config(module(t, map[string]string{"a/a.go": `package a

//dag:config
type Limits struct{ Most int }

//dag:op
func Take(limits Limits, n int) int { return n }

// Few takes few.
//
//dag:configured
func Few(n int) int { return Take(Limits{1}, n) }

//dag:graph
func Twice(limits Limits, n int) int { return Few(Take(limits, n)) }

// Many takes many twice.
//
//dag:configured
func Many(limits Limits, n int) int { return Twice(Limits{limits.Most}, n) }

//dag:configured
func More(n int) int { return Many(Limits{5}, n) }

//dag:job
func Nightly(ns []int) (all []int, last int) {
	for _, n := range ns {
		all = append(all, Few(n))
	}
	return all, More(Many(Limits{3}, 1))
}
`}), "./a"))
	require.NoError(t, err)
	require.Empty(t, diags)
	var nodes []string
	for _, n := range a.Graphs()[0].Jobs[0].Nodes {
		nodes = append(nodes, n.Kind+" "+n.ID+" "+n.Parent+" "+n.Op+" "+n.Description)
	}
	assert.Equal(t, []string{"input in:ns   ", "map for n   ", "op few for n take Few takes few.", "graph many  many Many takes many twice.", "op many.take many take ", "op many.few many take Few takes few.",
		"graph more  more ", "op more.take more take ", "op more.few more take Few takes few.", "output out:all   ", "output out:last   "}, nodes)
	var patterns []string
	for _, l := range a.Model.Packages[0].Jobs[0].Leaves() {
		patterns = append(patterns, l.Pattern())
	}
	assert.Equal(t, []string{"few[*]", "many.take", "many.few", "more.take", "more.few"}, patterns)
}

func TestExplain(t *testing.T) {
	files := pipeline()
	a, diags, err := Analyze(t.Context(), config(module(t, files), "./top"))
	require.NoError(t, err)
	require.Empty(t, diags)
	for name, symbols := range map[string][]string{
		"total":                   {"example.com/m/top.Total"},
		"Total":                   {"example.com/m/top.Total"},
		"example.com/m/top.Total": {"example.com/m/top.Total"},
		"open":                    {"example.com/m/low.Open"},
		"Settings":                {"example.com/m/low.Settings"},
		"nightly":                 {"example.com/m/top.Nightly"},
	} {
		found, diags, err := a.Explain(name)
		require.NoError(t, err, name)
		assert.Empty(t, diags)
		var got []string
		for _, e := range found {
			got = append(got, e.Symbol)
			assert.False(t, e.Hash.IsZero(), name)
			require.Len(t, e.Manifest.Entries, 1, name)
			assert.NotEmpty(t, e.Manifest.Nodes, name)
			assert.True(t, e.Pos.IsValid(), name)
		}
		assert.Equal(t, symbols, got, name)
	}
	found, _, err := a.Explain("total")
	require.NoError(t, err)
	var nodes []string
	for _, n := range found[0].Manifest.Nodes {
		nodes = append(nodes, n.Name)
	}
	assert.Contains(t, nodes, "example.com/m/top.helper")

	_, _, err = a.Explain("totl")
	assert.ErrorContains(t, err, "did you mean total?")
	_, _, err = a.Explain("zebra")
	assert.ErrorContains(t, err, "dagstergen graph")
}
