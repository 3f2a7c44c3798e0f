package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A configured resource is its constructor with a config: neither its name nor how the config came about counts.
func TestVersionOfAConfiguredResource(t *testing.T) {
	version := func(r dag.Resource, config string) canon.Digest {
		r.Symbol, r.Version = "example.com/m.Open", "1"
		v, err := resourceVersion(NewHasher(), &resourceInfo{resource: &r}, nil, &Config{Digest: canon.Sum([]byte(config))}, nil, nil)
		require.NoError(t, err)
		return v.Version
	}
	open := version(dag.Resource{Key: "open", Config: &dag.Config{}}, "a")
	assert.Equal(t, open, version(dag.Resource{Key: "small", Configured: "example.com/m.Small", Makes: &dag.Config{}}, "a"))
	assert.NotEqual(t, open, version(dag.Resource{Key: "small", Configured: "example.com/m.Small", Makes: &dag.Config{}}, "b"))
}

// What a graph is given cannot be more than one call in its place.
func TestConfiguredIsOneCall(t *testing.T) {
	op := &dag.Op{Key: "f", Symbol: "example.com/m.F", Version: "1"}
	two := &dag.GraphDef{Key: "two", Configured: true, Nodes: []dag.Node{{Key: "f", Op: op}, {Key: "f_2", Op: op}}}
	var wrong problems
	c := &Catalog{opBySymbol: map[string]*opInfo{op.Symbol: {op: op}}}
	c.jobGraph(&dag.JobDef{GraphDef: dag.GraphDef{Key: "j", Nodes: []dag.Node{{Key: "two", Graph: two}}}}, &wrong)
	require.NotEmpty(t, wrong)
	assert.Contains(t, wrong.err().Error(), "two is configured, and is more than one call")
}
