package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// What is configured is listed with what it is made of, and drawn in the place of its call.
func TestListConfigured(t *testing.T) {
	number := dag.ImmutableOf[int]("int")
	own := &dag.Config{Symbol: "example.com/m.Page"}
	op := &dag.Op{Key: "fetch", Symbol: "example.com/m.Fetch", Version: "1", Config: &dag.Config{Symbol: "example.com/m.FetchConfig"}, Outputs: []dag.Output{{Name: "result", Type: number}}}
	literal := dag.Binding{Kind: dag.FromLiteral, Value: 1, Type: number}
	result := []dag.JobOutput{{Name: "result", Type: number, From: dag.Binding{Kind: dag.FromNode}}}
	small := &dag.GraphDef{Key: "small", Symbol: "example.com/m.Small", Description: "Small is small. Very.", Configured: true, Nodes: []dag.Node{{Key: "fetch", Op: op, Config: &literal}}, Outputs: result}
	both := &dag.GraphDef{Key: "both", Symbol: "example.com/m.Both", Params: []dag.JobParam{{Name: "page", Type: number, Config: own}}, Nodes: []dag.Node{{Key: "small", Graph: small}, {Key: "fetch", Op: op, Config: &literal}}, Outputs: result}
	one := &dag.GraphDef{Key: "one", Symbol: "example.com/m.One", Params: []dag.JobParam{{Name: "page", Type: number, Config: own}}, Configured: true,
		Nodes: []dag.Node{{Key: "both", Graph: both, Inputs: []dag.Binding{{Kind: dag.FromParam}}}}, Outputs: result}
	job := &dag.JobDef{GraphDef: dag.GraphDef{Key: "nightly", Symbol: "example.com/m.Nightly", Nodes: []dag.Node{{Key: "small", Graph: small}, {Key: "one", Graph: one, Inputs: []dag.Binding{literal}}}, Outputs: result}}
	cat, err := plan.NewCatalog(dag.Definitions{Module: "example.com/m", Package: "example.com/m", Proof: dag.ProofNone, Manifest: (&manifest.Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26"}).Text(),
		Ops: []*dag.Op{op}, Graphs: []*dag.GraphDef{both, one, small}, Jobs: []*dag.JobDef{job},
		Resources: []*dag.Resource{{Key: "db", Symbol: "example.com/m.Open", Version: "1", Type: number, Configured: "example.com/m.DB"}}})
	require.NoError(t, err)
	l := listing(cat)
	assert.Equal(t, []listedConfigured{{"one", "graph", "both", "", "example.com/m.Page"}, {"small", "op", "fetch", "Small is small. Very.", ""}}, l.Configured)
	assert.Equal(t, "example.com/m.DB", l.Resources[0].Configured)
	assert.Contains(t, strings.Join(l.view(look{width: 100}), "\n"), "CONFIGURED  OF     CONFIG  DESCRIPTION\none         both   m.Page\nsmall       fetch          Small is small\n")
	assert.Equal(t, []string{"small", "one.small", "one.fetch"}, l.Jobs[0].Steps)
	assert.Contains(t, strings.Join(l.Jobs[0].view(look{width: 100}), "\n"), "STEPS\n  small    int\n  ┌ one\n  │ small  int\n  │ fetch  int\n  └")
	var keys []string
	for _, n := range cat.JobNodes(job) {
		keys = append(keys, n.Key)
	}
	assert.Equal(t, l.Jobs[0].Steps, keys)
}
