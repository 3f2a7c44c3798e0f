package execute

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

func (w *world) status(selection string) *plan.Status {
	w.t.Helper()
	o := w.options()
	o.Select = selection
	st, err := Status(w.t.Context(), w.catalog(), o)
	require.NoError(w.t, err)
	return st
}

// standings is a status in short: "a=fresh b=fresh→stale": now, and if all were brought up to date where that differs.
func standings(st *plan.Status) string {
	var parts []string
	for _, a := range st.Assets {
		text := a.Key + "=" + string(a.Status)
		if a.Projected != a.Status {
			text += "→" + string(a.Projected)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// stale runs what is stale or missing of a selection, as `materialize --stale` does; "" for nothing.
func (w *world) stale(selection string) string {
	w.t.Helper()
	w.opts.Select = w.status(selection).Outdated()
	defer func() { w.opts.Select = "" }()
	if w.opts.Select == "" {
		return ""
	}
	return actions(w.ok(""))
}

func dataOf(t testing.TB, inst *instance.Instance, asset string) string {
	t.Helper()
	records, err := inst.Store().AssetRecords(t.Context(), asset, 1)
	require.NoError(t, err)
	require.NotEmpty(t, records, asset)
	for _, o := range records[0].Outputs {
		if o.Asset == asset {
			return o.DataVersion.String()
		}
	}
	t.Fatal("no output")
	return ""
}

// The cases of Dagster's tests of data versions and staleness, for assets without partitions. What is otherwise here is said where it is, and in
// docs/from-dagster.md.
func TestDagsterAssetCases(t *testing.T) {
	t.Run("A1: an asset without a version, twice", func(t *testing.T) { // Dagster: two data versions
		w := newWorld(t)
		w.asset("a", nil, add(1))
		w.ok("")
		first := dataOf(t, w.inst, "a")
		w.opts.NoMemo = true
		w.ok("")
		assert.Equal(t, first, dataOf(t, w.inst, "a"), "the data is the same, so its version is")
	})
	t.Run("A3: below a source", func(t *testing.T) {
		w := newWorld(t)
		state := dag.DataVersion("1")
		w.source("s", func() (any, error) { return state, nil })
		w.asset("a", nil, add(1)).Deps = []string{"s"}
		w.asset("v", nil, add(2)).Deps = []string{"s"}
		w.ops[2].Version = "1"
		w.ok("")
		a, v := dataOf(t, w.inst, "a"), dataOf(t, w.inst, "v")
		w.ok("")
		assert.Equal(t, []string{a, v}, []string{dataOf(t, w.inst, "a"), dataOf(t, w.inst, "v")})
		state = "2"
		assert.Equal(t, "s=fresh a=stale v=stale", standings(w.status("")))
	})
	t.Run("A5, A7: with and without a version in one chain", func(t *testing.T) { // Dagster: what has none makes all below it new each time
		w := newWorld(t)
		w.asset("a", nil, add(1))
		w.asset("b", []string{"a"}, add(1)).Version = "abc"
		w.asset("c", []string{"b"}, add(1))
		w.ok("")
		was := dataOf(t, w.inst, "c")
		w.opts.NoMemo, w.opts.Select = true, "a"
		w.ok("")
		w.opts = Options{}
		assert.Equal(t, "a=fresh b=fresh c=fresh", standings(w.status("")))
		assert.Equal(t, was, dataOf(t, w.inst, "c"))
	})
	t.Run("A9: each output of a function has its own version", func(t *testing.T) {
		w := newWorld(t)
		op := w.asset("split", nil, nil)
		op.Outputs = []dag.Output{{Name: "alpha", Asset: "alpha", Type: intType}, {Name: "beta", Asset: "beta", Type: intType}}
		beta := 2
		op.Invoke = func(_ context.Context, c *dag.Call) error { c.Out[0], c.Out[1] = 1, beta; return nil }
		w.asset("a", []string{"alpha"}, add(0))
		w.asset("b", []string{"beta"}, add(0))
		w.ok("")
		assert.NotEqual(t, dataOf(t, w.inst, "alpha"), dataOf(t, w.inst, "beta"))
		w.code["split"], beta = "edited", 3
		w.opts.Select = "split"
		w.ok("")
		assert.Equal(t, "alpha=fresh beta=fresh a=fresh b=stale", standings(w.status("")), "only what took the output that changed")
	})
	t.Run("A13: the life of a chain below a source", func(t *testing.T) {
		w := newWorld(t)
		state := dag.DataVersion("1")
		w.source("s", func() (any, error) { return state, nil })
		w.asset("a", nil, func([]int) int { return len(state) }).Deps = []string{"s"}
		w.asset("b", []string{"a"}, add(1))
		assert.Equal(t, "s=fresh a=missing b=missing", standings(w.status("")))
		assert.Equal(t, "s=run a=run b=run", w.stale(""))
		assert.Equal(t, "s=fresh a=fresh b=fresh", standings(w.status("")))
		assert.Empty(t, w.stale(""))
		state = "22"
		assert.Equal(t, "s=fresh a=stale b=fresh→stale", standings(w.status("")))
		assert.Equal(t, "a=run b=run", w.stale("b"), "and what b needs")
		assert.Empty(t, w.stale(""))
	})
	t.Run("A17: an upstream asset that is made again gives the same", func(t *testing.T) {
		w := newWorld(t)
		w.asset("a", nil, add(1))
		w.asset("b", []string{"a"}, add(1))
		w.ok("")
		w.code["a"] = "another body, same value"
		assert.Equal(t, "a=stale b=fresh→stale", standings(w.status("")))
		assert.Equal(t, "a=run b=reuse", w.stale(""))
		w.opts.Select, w.opts.Again = "a", "a"
		w.ok("")
		w.opts = Options{}
		assert.Equal(t, "a=fresh b=fresh", standings(w.status("")))
	})
	t.Run("a version that goes back", func(t *testing.T) { // Dagster: stale until it is made again
		w := newWorld(t)
		state := dag.DataVersion("1")
		w.source("s", func() (any, error) { return state, nil })
		w.asset("a", nil, func([]int) int { return len(state) }).Deps = []string{"s"}
		w.asset("b", []string{"a"}, add(1))
		w.ok("")
		state = "22"
		w.ok("")
		state = "1"
		assert.Equal(t, "s=fresh a=fresh b=fresh", standings(w.status("")), "what was made from it is there")
		w.takeCalls()
		assert.Equal(t, "s=run a=reuse b=reuse", actions(w.ok("")))
		assert.Equal(t, "s=1", w.takeCalls())
		state = "22"
		w.opts.Select = "b"
		assert.Equal(t, "b=fresh", standings(w.status("b")))
	})
	t.Run("A31: the causes of one asset, code first", func(t *testing.T) {
		w := newWorld(t)
		w.asset("a", nil, add(1))
		w.asset("b", []string{"a"}, add(1))
		w.ok("")
		w.asset("n", nil, add(1))
		w.ops[1].Deps = []string{"n"}
		w.code["a"], w.code["b"] = "edited", "edited"
		w.ops[0].Invoke = ints(add(2))
		w.opts.Select = "a,n"
		w.ok("")
		w.opts = Options{}
		st := w.status("b")
		var codes []string
		for _, c := range st.Assets[0].Causes {
			codes = append(codes, c.Code)
		}
		assert.Equal(t, []string{plan.ReasonCode, plan.CauseData, plan.CauseDependency}, codes)
		assert.Equal(t, []string{"a", "b"}, st.Assets[0].Roots)
	})
	t.Run("A39: observing calls no IO manager, and writes nothing", func(t *testing.T) {
		w := newWorld(t)
		w.source("s", func() (any, error) { return dag.DataVersion("1"), nil })
		w.ops[0].IO = "broken"
		w.resource(&dag.Resource{Key: "broken", Type: textType}, func(context.Context, *dag.Call) (any, func(), error) {
			return nil, nil, errors.New("must not be opened")
		})
		w.asset("a", nil, add(1)).Deps = []string{"s"}
		w.ok("")
		assert.Equal(t, "s=fresh a=fresh", standings(w.status("")))
	})
	t.Run("a source that cannot be observed", func(t *testing.T) {
		w := newWorld(t)
		fail := false
		w.source("s", func() (any, error) {
			if fail {
				return nil, errors.New("no connection")
			}
			return dag.DataVersion("1"), nil
		})
		w.asset("a", nil, add(1)).Deps = []string{"s"}
		w.asset("b", nil, add(1))
		w.ok("")
		fail = true
		st := w.status("")
		assert.Equal(t, "b=fresh s=missing a=fresh→stale", standings(st), "all others are told of")
		assert.ErrorContains(t, errors.New(st.Assets[1].Causes[0].Text), "no connection")
	})
}

// An asset that is a graph stands as the worst of its steps, and is one place where something begins.
func TestStatusOfAnAssetGraph(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	c.assetGraph()
	assert.Equal(t, "names=missing lengths=missing total=missing", standings(c.status("")))
	assert.Equal(t, []plan.Cause{{Code: plan.ReasonNever, Text: "never materialized"}}, c.status("lengths").Assets[0].Causes)
	c.ok("")
	assert.Equal(t, "names=fresh lengths=fresh total=fresh", standings(c.status("")))

	c.code["fit"] = "edited"
	st := c.status("")
	assert.Equal(t, "names=fresh lengths=stale total=fresh→stale", standings(st))
	assert.Equal(t, "step lengths.fit[oslo]: func shop.fit (shop.go) changed", st.Assets[1].Causes[0].Text)
	assert.Equal(t, []string{"lengths"}, st.Assets[2].Roots)
	assert.Equal(t, "lengths,total", st.Outdated())
	assert.Equal(t, "lengths.fit[oslo]=run lengths.fit[seattle]=run lengths=reuse total=reuse", c.stale(""))
	assert.Equal(t, "names=fresh lengths=fresh total=fresh", standings(c.status("")))

	c.list = []string{"oslo", "rome"}
	c.code["names"] = "another list"
	st = c.status("total")
	assert.Equal(t, "total=fresh→stale", standings(st))
	assert.Equal(t, []string{"names"}, st.Assets[0].Roots)
	assert.Equal(t, "names,lengths,total", st.Outdated())
	c.opts.Select = "names"
	c.ok("")
	c.opts.Select = ""
	assert.Equal(t, "names=fresh lengths=stale total=fresh→stale", standings(c.status("")), "there is a city that it has never seen")
	c.stale("total")
	assert.Equal(t, "names=fresh lengths=fresh total=fresh", standings(c.status("")))
}

// What is stored of an asset may be damaged, or gone: that is found without a run, also below one that is stale.
func TestStatusFindsDamage(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	bigAsset(w, "big", "a")
	sumOf(w, "sum", "big")
	w.ok("")
	w.hurt("big")
	w.code["a"] = "edited" // below this nothing is decided
	st := w.status("")
	assert.Equal(t, "a=stale big=missing sum=fresh→stale", standings(st))
	assert.Equal(t, plan.ReasonDamaged, st.Assets[1].Causes[0].Code)
	w.stale("")
	assert.Equal(t, "a=fresh big=fresh sum=fresh", standings(w.status("")))
}

// The status of 1,000 assets, half of which are below a change.
func BenchmarkStatus(b *testing.B) {
	w := &world{shop: newShop(b)}
	w.inst = openInstance(b, b.TempDir())
	chainOf(w.shop, benchSteps)
	res, err := Run(b.Context(), w.catalog(), "", w.options())
	require.NoError(b, err)
	require.True(b, res.Success())
	for i := range 5 {
		w.code[fmt.Sprintf("k%05d", i)] = "edited"
	}
	cat := w.catalog()
	for b.Loop() {
		st, err := Status(b.Context(), cat, w.options())
		require.NoError(b, err)
		now, projected := st.Count()
		require.Equal(b, 5, now[plan.Stale])
		require.Equal(b, benchSteps/2, projected)
	}
	perStep(b, benchSteps)
}
