package plan

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// renamed is an asset that had other keys.
func renamed(op *dag.Op, was ...string) *dag.Op {
	op.Was = was
	return op
}

// An asset that was renamed is compared with what it was, and its upstream source with what was observed.
func TestRenamedAssetKeepsItsHistory(t *testing.T) {
	look := newShelf()
	materialize(t, catalog(t, define(t, declared{"made": "body"}, []*dag.Op{source("s"), symbol(asset("a", "s"), "made"), asset("b", "a")})), "", look, nil, same)

	ops := func(was ...string) []*dag.Op {
		b := asset("b", "new")
		b.Inputs[0].Name = "a"
		return []*dag.Op{renamed(source("station"), "s"), renamed(symbol(asset("new", "station"), "made"), was...), b}
	}
	sourced := func(r *Request) {
		r.Observed[Sight{Place: r.Target.Sources[0]}] = &Observation{Data: canon.Sum([]byte("s")), Text: "as it was"}
	}

	// Nothing but the key of its input is another one, which its code says.
	c := catalog(t, define(t, declared{"made": "edited"}, ops("older", "a")))
	st := statusOf(t, c, "", look, sourced)
	assert.Equal(t, "station=fresh new=stale/run b=fresh→stale/maybe", standings(st))
	assert.Contains(t, texts(assetOf(t, st, "new").Causes), "code: func shop.made (shop.go) changed")
	assert.Equal(t, "station=reuse", actions(build(t, func() Request { r := request(t, c, "", "station"); sourced(&r); return r }(), look)))

	// Without was= it has never been there.
	c = catalog(t, define(t, declared{"made": "edited"}, ops()))
	assert.Equal(t, []string{"never: never materialized"}, texts(assetOf(t, statusOf(t, c, "", look, sourced), "new").Causes))

	// What is not selected is read under the key that it had.
	c = catalog(t, define(t, declared{"made": "edited"}, ops("a")))
	r := request(t, c, "", "b")
	assert.Equal(t, "b=reuse", actions(build(t, r, look)))
	assert.Equal(t, []string{"new", "a"}, c.AssetNames("new"))
	assert.Equal(t, []string{"nobody"}, c.AssetNames("nobody"))
}

// A record that is reused under a new key is noted under that, too, so that was= may go one day.
func TestRenamedAssetIsNoted(t *testing.T) {
	look := newShelf()
	materialize(t, catalog(t, define(t, nil, []*dag.Op{symbol(asset("a"), "made")})), "", look, nil, same)
	p := build(t, request(t, catalog(t, define(t, nil, []*dag.Op{renamed(symbol(asset("new"), "made"), "a")})), "", ""), look)
	assert.Equal(t, "new=reuse", actions(p))
	assert.True(t, p.Steps[0].Note)
}

func TestRenamedAssetErrors(t *testing.T) {
	two := renamed(asset("two"), "x")
	two.Outputs = append(two.Outputs, dag.Output{Name: "right", Asset: "right", Type: intType})
	_, err := NewCatalog(define(t, nil, []*dag.Op{asset("a"), renamed(asset("b"), "a"), renamed(asset("c"), "old"), renamed(asset("d"), "old"), two}))
	require.Error(t, err)
	assert.EqualError(t, err, `asset "b": was=a is the key of another asset, example.com/shop.a; drop it
two assets claim the history of "old": example.com/shop.c and example.com/shop.d; drop was= from one of them
"two": was= is for a function that makes one asset, and names other keys than its own; run `+"`go generate ./...`"+` again`)
}

// symbol gives an op another function.
func symbol(op *dag.Op, name string) *dag.Op {
	op.Symbol = pkg + "." + name
	return op
}
