package plan

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func TestCatalogOrdersAssetsByLevelThenKey(t *testing.T) {
	c := catalog(t, define(t, nil, []*dag.Op{asset("adder", "mult", "add"), asset("mult", "two"), asset("add", "two"), asset("two")}))
	var keys []string
	for _, o := range c.Assets() {
		keys = append(keys, o.Key)
	}
	assert.Equal(t, []string{"two", "add", "mult", "adder"}, keys)
	assert.Equal(t, []string{"add", "adder", "mult", "two"}, c.AssetKeys())
}

func TestCatalogMergesPackages(t *testing.T) {
	a, b := asset("a"), asset("b", "a")
	one := define(t, nil, []*dag.Op{a})
	two := define(t, nil, []*dag.Op{asset("a"), b})
	two.Package = "example.com/other"
	c := catalog(t, one, two, one)
	assert.Len(t, c.Ops(), 2)
	op, err := c.Op("b")
	require.NoError(t, err)
	assert.Same(t, b, op)

	t.Run("a package generated from older code is stale", func(t *testing.T) {
		old := define(t, declared{"a": "another body"}, []*dag.Op{asset("a")})
		old.Package = "example.com/old"
		_, err := NewCatalog(one, old)
		var stale *StaleError
		require.ErrorAs(t, err, &stale)
		assert.Equal(t, 5, stale.ExitCode())
		assert.Equal(t, "generated code is stale: packages example.com/shop and example.com/old were generated from different states of example.com/shop.a; run `go generate ./...` and build again", err.Error())
	})
	t.Run("so is one generated from older directives", func(t *testing.T) {
		volatile := asset("a")
		volatile.Volatile = true
		old := define(t, nil, []*dag.Op{volatile})
		old.Package = "example.com/old"
		_, err := NewCatalog(one, old)
		var stale *StaleError
		require.ErrorAs(t, err, &stale)
	})
	t.Run("a manifest that cannot be read is stale", func(t *testing.T) {
		broken := one
		broken.Manifest = "no manifest"
		_, err := NewCatalog(broken)
		var stale *StaleError
		require.ErrorAs(t, err, &stale)
		assert.Contains(t, err.Error(), "the manifest of package example.com/shop cannot be read")
	})
}

func TestCatalogReportsAllProblemsAtOnce(t *testing.T) {
	twin := asset("a")
	twin.Symbol = pkg + ".otherA"
	lost := asset("lost", "obervations")
	noResource := asset("no_resource")
	noResource.Resources = []dag.ResourceUse{{Name: "db", Key: "dbb"}}
	noIO := asset("no_io")
	noIO.IO = "shelf"
	_, err := NewCatalog(define(t, nil, []*dag.Op{asset("a"), twin, asset("observations"), noResource, noIO}, &dag.Resource{Key: "db", Symbol: pkg + ".db"}))
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, 2, e.ExitCode())
	assert.Equal(t, `two definitions have the key "a": example.com/shop.a and example.com/shop.otherA; give one of them another with name=
asset "no_io" has io=shelf, which no package defines as a resource
asset "no_resource" needs the resource "dbb", which no package defines; did you mean "db"?`, err.Error())

	_, err = NewCatalog(define(t, nil, []*dag.Op{asset("observations"), lost}))
	assert.EqualError(t, err, `asset "lost": its input obervations is fed by "obervations", which no package given to this binary defines; did you mean "observations"?`)
}

func TestCatalogGuardsTypesOfJoins(t *testing.T) {
	text := asset("text")
	text.Outputs[0].Type = textType
	_, err := NewCatalog(define(t, nil, []*dag.Op{text, asset("length", "text")}))
	assert.EqualError(t, err, `asset "length": its input text is a int, but "text" (example.com/shop.text) is a string; make the types agree`)

	nothing := asset("nothing")
	nothing.Outputs = nil
	_, err = NewCatalog(define(t, nil, []*dag.Op{nothing, asset("reader", "nothing")}))
	assert.EqualError(t, err, `asset "reader": its input nothing takes the value of "nothing", which has none; use deps=nothing for the order alone`)
}

func TestCatalogFindsCycles(t *testing.T) {
	_, err := NewCatalog(define(t, nil, []*dag.Op{asset("a", "c"), asset("b", "a"), asset("c", "b"), asset("d", "c")}))
	assert.EqualError(t, err, "assets depend on themselves in a circle: a (example.com/shop.a) → c (example.com/shop.c) → b (example.com/shop.b) → a (example.com/shop.a); break it at one of them")

	self := asset("self")
	self.Deps = []string{"self"}
	_, err = NewCatalog(define(t, nil, []*dag.Op{self}))
	assert.ErrorContains(t, err, "self (example.com/shop.self) → self (example.com/shop.self)")

	// V45
	a := &dag.Resource{Key: "a", Symbol: pkg + ".ra", Resources: []dag.ResourceUse{{Name: "b", Key: "b"}}}
	b := &dag.Resource{Key: "b", Symbol: pkg + ".rb", Resources: []dag.ResourceUse{{Name: "a", Key: "a"}}}
	_, err = NewCatalog(define(t, nil, nil, a, b))
	assert.EqualError(t, err, `resource "a" transitively depends on itself: a → b → a; break the circle`)
}

func TestDeepAndWideGraphs(t *testing.T) {
	const n = 10_000
	ops := []*dag.Op{asset("a00000")}
	for i := 1; i < n; i++ {
		ops = append(ops, asset(fmt.Sprintf("a%05d", i), fmt.Sprintf("a%05d", i-1)))
	}
	wide := asset("wide")
	for i := range n {
		wide.Inputs = append(wide.Inputs, dag.Input{Name: ops[i].Key, Asset: ops[i].Key, Type: intType})
	}
	c := catalog(t, define(t, nil, append(ops, wide)))
	assets := c.Assets()
	require.Len(t, assets, n+1)
	assert.Equal(t, "a00000", assets[0].Key)
	assert.Equal(t, "wide", assets[n].Key)
	p := build(t, request(t, c, "", ""), nil)
	run, _, maybe := p.Counts()
	assert.Equal(t, 1, run, "all but the first wait for something")
	assert.Equal(t, n, maybe)

	ops[0].Inputs = []dag.Input{{Name: "in", Asset: "a09999", Type: intType}}
	_, err := NewCatalog(define(t, nil, ops))
	assert.ErrorContains(t, err, "in a circle")
}
