package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// statusOf is the status of a selection, on a shelf.
func statusOf(t testing.TB, c *Catalog, selection string, look *shelf, change func(*Request)) *Status {
	t.Helper()
	shown, err := c.Target("", selection)
	require.NoError(t, err)
	all := shown.WithUpstream()
	r := Request{Target: all, Observed: map[Sight]*Observation{}, Encode: func(_ *dag.Type, v any) ([]byte, error) { return fmt.Append(nil, v), nil }}
	for _, i := range all.Sources {
		r.Observed[Sight{Place: i}] = &Observation{Data: canon.Sum([]byte(all.Graph.Nodes[i].Key)), Text: "as it was"}
	}
	if change != nil {
		change(&r)
	}
	st, err := build(t, r, look).Status(shown, nil)
	require.NoError(t, err)
	return st
}

// standings is a status in short: "a=fresh b=stale/run c=fresh→stale/maybe": what is stored, what would be, what a run would do.
func standings(st *Status) string {
	var parts []string
	for _, a := range st.Assets {
		text := a.Key + "=" + string(a.Status)
		if a.Projected != a.Status {
			text += "→" + string(a.Projected)
		}
		if a.Action != Reuse {
			text += "/" + string(a.Action)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func texts(causes []Cause) []string {
	out := []string{}
	for _, c := range causes {
		out = append(out, c.Code+": "+c.Text)
	}
	return out
}

func assetOf(t testing.TB, st *Status, key string) AssetStatus {
	t.Helper()
	i := slices.IndexFunc(st.Assets, func(a AssetStatus) bool { return a.Key == key })
	require.GreaterOrEqual(t, i, 0, key)
	return st.Assets[i]
}

// rootsOf lists where staleness begins: "s: source: its data changed".
func rootsOf(st *Status) []string {
	out := []string{}
	for _, r := range st.Roots {
		out = append(out, r.Op+": "+strings.Join(texts(r.Causes), "; "))
	}
	return out
}

// observed gives a source other data.
func observed(key, data string) func(*Request) {
	return func(r *Request) {
		for _, i := range r.Target.Sources {
			if r.Target.Graph.Nodes[i].Key == key {
				r.Observed[Sight{Place: i}] = &Observation{Data: canon.Sum([]byte(data)), Text: data}
			}
		}
	}
}

// materialize computes a selection, with data that is named.
func materialize(t testing.TB, c *Catalog, selection string, look *shelf, change func(*Request), give func(string) string) {
	t.Helper()
	r := request(t, c, "", selection)
	if change != nil {
		change(&r)
	}
	look.run(build(t, r, look), give)
}

// A13: the life of a chain below an observable source.
func TestStatusLifecycle(t *testing.T) {
	c := catalog(t, define(t, nil, []*dag.Op{source("s"), asset("a", "s"), asset("b", "a")}))
	look := newShelf()
	st := statusOf(t, c, "", look, nil)
	assert.Equal(t, "s=fresh/run a=missing/run b=missing/maybe", standings(st))
	assert.Equal(t, []string{"never: never materialized"}, texts(assetOf(t, st, "b").Causes))
	assert.Equal(t, []string{"b"}, assetOf(t, st, "b").Roots)
	assert.Equal(t, "*", st.Outdated())

	materialize(t, c, "", look, nil, same)
	st = statusOf(t, c, "", look, nil)
	assert.Equal(t, "s=fresh a=fresh b=fresh", standings(st))
	assert.Empty(t, st.Roots)
	assert.Empty(t, st.Outdated())

	// The source has new data: its consumer is stale, and only in the projected view what is below that.
	st = statusOf(t, c, "", look, observed("s", "s2"))
	assert.Equal(t, "s=fresh/run a=stale/run b=fresh→stale/maybe", standings(st))
	assert.Equal(t, []Cause{{CauseData, `input s: upstream "s" has new data`, "s"}}, assetOf(t, st, "a").Causes)
	assert.Equal(t, []Cause{{ReasonUpstream, `upstream "a" is stale`, "a"}}, assetOf(t, st, "b").Causes)
	assert.Equal(t, []string{"s: source: its data changed: now s2"}, rootsOf(st))
	assert.Equal(t, []string{"s"}, assetOf(t, st, "a").Roots)
	assert.Equal(t, []string{"s"}, assetOf(t, st, "b").Roots)

	// a is brought up to date alone, with other data: now b is stale in both views, and that begins at a.
	materialize(t, c, "a", look, observed("s", "s2"), func(key string) string { return "new " + key })
	st = statusOf(t, c, "", look, observed("s", "s2"))
	assert.Equal(t, "s=fresh a=fresh b=stale/run", standings(st))
	assert.Equal(t, []string{`data: input a: upstream "a" has new data`}, texts(assetOf(t, st, "b").Causes))
	assert.Equal(t, []string{"a: data: it has new data"}, rootsOf(st))

	// The old state of the source is back: all that was made from it counts again, without a run. Dagster calls a and b stale.
	st = statusOf(t, c, "", look, nil)
	assert.Equal(t, "s=fresh/run a=fresh b=fresh", standings(st))
}

// A25, A27: where staleness begins, each place once, in plan order.
func TestStatusRoots(t *testing.T) {
	ops := func() []*dag.Op {
		return []*dag.Op{source("s"), asset("a", "s"), asset("b", "a"), asset("c", "a"), asset("d", "b", "c")}
	}
	look := newShelf()
	materialize(t, catalog(t, define(t, nil, ops())), "", look, nil, same)
	c := catalog(t, define(t, declared{"c": "edited"}, ops()))

	st := statusOf(t, c, "", look, observed("s", "s2"))
	assert.Equal(t, "s=fresh/run a=stale/run b=fresh→stale/maybe c=stale/maybe d=fresh→stale/maybe", standings(st))
	assert.Equal(t, []string{"s"}, assetOf(t, st, "b").Roots)
	assert.Equal(t, []string{"s", "c"}, assetOf(t, st, "c").Roots)
	assert.Equal(t, []string{"s", "c"}, assetOf(t, st, "d").Roots, "the diamond has each root once")
	assert.Equal(t, []string{`upstream: upstream "b" is stale`, `upstream: upstream "c" is stale`}, texts(assetOf(t, st, "d").Causes))
	assert.Equal(t, []string{"code: func shop.c (shop.go) changed", `upstream: upstream "a" is stale`}, texts(assetOf(t, st, "c").Causes))

	// A selection shows less and says the same: what is above it is planned, too.
	st = statusOf(t, c, "d", look, observed("s", "s2"))
	assert.Equal(t, "d=fresh→stale/maybe", standings(st))
	assert.Equal(t, []string{"s: source: its data changed: now s2", `c: code: func shop.c (shop.go) changed; upstream: upstream "a" is stale`}, rootsOf(st))
	assert.Equal(t, "a,b,c,d", st.Outdated(), "and what it needs is brought up to date with it")
	st = statusOf(t, c, "b", look, nil)
	assert.Equal(t, "b=fresh", standings(st))
	assert.Empty(t, st.Outdated())
	assert.Equal(t, "c+", statusOf(t, c, "c+", look, nil).Outdated(), "the selection as it is, where that is all of it")
}

// Each kind of cause, in both views, by its own name.
func TestStatusCauses(t *testing.T) {
	type world struct {
		code  declared
		ops   []*dag.Op
		res   []*dag.Resource
		ask   func(*Request)
		shelf func(*shelf)
	}
	settings := func(json string) func(*world) {
		return func(w *world) {
			w.ops[2].Config = &dag.Config{Symbol: pkg + ".Settings"}
			w.ask = func(r *Request) { r.Configs = map[string]*Config{"b": conf(json)} }
		}
	}
	pool := func(json string) func(*world) {
		return func(w *world) {
			w.ops[2].Resources = []dag.ResourceUse{{Name: "conn", Key: "db"}}
			w.res = []*dag.Resource{{Key: "db", Symbol: pkg + ".OpenDB", Config: &dag.Config{Symbol: pkg + ".Pool"}}}
			w.ask = func(r *Request) { r.Resources = map[string]*Config{"db": conf(json)} }
		}
	}
	for _, tt := range []struct {
		name          string
		before, after func(*world)
		want          string
		causes        []string // of b
		roots         []string
	}{
		{"nothing", nil, nil, "s=fresh a=fresh b=fresh c=fresh", []string{}, []string{}},
		{"code", nil, func(w *world) { w.code["b"] = "edited" }, "s=fresh a=fresh b=stale/run c=fresh→stale/maybe",
			[]string{"code: func shop.b (shop.go) changed"}, []string{"b"}},
		{"a helper", func(w *world) { w.code["b"], w.code["mean"] = "m -> mean", "sum/n" }, func(w *world) { w.code["b"], w.code["mean"] = "m -> mean", "(sum+1)/n" },
			"s=fresh a=fresh b=stale/run c=fresh→stale/maybe", []string{"code: func shop.mean (shop.go), reached through shop.b → shop.mean, changed"}, []string{"b"}},
		{"config", settings(`{"rate":1}`), settings(`{"rate":2}`), "s=fresh a=fresh b=stale/run c=fresh→stale/maybe", []string{"config: config.rate: 1 → 2"}, []string{"b"}},
		{"resource", pool(`{"size":1}`), pool(`{"size":2}`), "s=fresh a=fresh b=stale/run c=fresh→stale/maybe", []string{"resource: resource db: config.size: 1 → 2"}, []string{"b"}},
		{"a dependency more", nil, func(w *world) { w.ops[2].Deps = []string{"s"} }, "s=fresh a=fresh b=stale/run c=fresh→stale/maybe",
			[]string{"dependency: input after s is new"}, []string{"b"}},
		{"a dependency less", func(w *world) { w.ops[2].Deps = []string{"s"} }, nil, "s=fresh a=fresh b=stale/run c=fresh→stale/maybe",
			[]string{"dependency: input after s is gone"}, []string{"b"}},
		// A15
		{"another dependency", nil, func(w *world) { w.ops[2].Inputs[0].Asset = "s" }, "s=fresh a=fresh b=stale/run c=fresh→stale/maybe",
			[]string{`dependency: input a comes from "s" now, from "a" before`}, []string{"b"}},
		{"volatile", func(w *world) { w.ops[2].Volatile = true }, func(w *world) { w.ops[2].Volatile = true },
			"s=fresh a=fresh b=fresh/run c=fresh/maybe", []string{"volatile: marked volatile: it always runs"}, []string{}},
		{"damaged", nil, func(w *world) { w.shelf = func(s *shelf) { s.damaged["b"] = "blob sha256:ab is missing" } },
			"s=fresh a=fresh b=missing/run c=fresh→stale/maybe", []string{"damaged: blob sha256:ab is missing"}, []string{"b"}},
		{"damaged below a change", nil, func(w *world) {
			w.code["a"], w.shelf = "edited", func(s *shelf) { s.damaged["b"] = "blob sha256:ab is missing" }
		}, "s=fresh a=stale/run b=missing/maybe c=fresh→stale/maybe", []string{"damaged: blob sha256:ab is missing", `upstream: upstream "a" is stale`}, []string{"a", "b"}},
		{"another IO manager", nil, func(w *world) {
			w.ops[2].IO, w.res = "disk", []*dag.Resource{{Key: "disk", Symbol: pkg + ".Disk"}}
			w.shelf = func(s *shelf) { s.io["disk"] = true }
		}, "s=fresh a=fresh b=stale/run c=fresh→stale/maybe", []string{`io: stored by IO manager the default, the op has "disk" now`}, []string{"b"}},
		{"a source that cannot be observed", nil, func(w *world) {
			w.ask = func(r *Request) {
				r.Observed[Sight{Place: r.Target.Sources[0]}] = &Observation{Err: errors.New("no such file")}
			}
		}, "s=missing/run a=fresh→stale/maybe b=fresh→stale/maybe c=fresh→stale/maybe", []string{`upstream: upstream "a" is stale`}, []string{"s"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			look := newShelf()
			make := func(f func(*world)) (*Catalog, *world) {
				w := &world{code: declared{}, ops: []*dag.Op{source("s"), asset("a", "s"), asset("b", "a"), asset("c", "b")}}
				if f != nil {
					f(w)
				}
				return catalog(t, define(t, w.code, w.ops, w.res...)), w
			}
			c, w := make(tt.before)
			materialize(t, c, "", look, w.ask, same)
			c, w = make(tt.after)
			if w.shelf != nil {
				w.shelf(look)
			}
			st := statusOf(t, c, "", look, w.ask)
			assert.Equal(t, tt.want, standings(st))
			assert.Equal(t, tt.causes, texts(assetOf(t, st, "b").Causes))
			got := []string{}
			for _, r := range st.Roots {
				got = append(got, r.Op)
			}
			assert.Equal(t, tt.roots, got)
			want := 0
			for _, a := range st.Assets {
				if a.Projected != Fresh && a.Kind != "source" {
					want++
				}
			}
			if clauses := strings.Split(st.Outdated(), ","); st.Outdated() == "" {
				assert.Zero(t, want)
			} else if st.Outdated() != "*" {
				assert.Len(t, clauses, want)
			}
		})
	}
}

// What is undecided in the plan is asked for at once, not one by one.
func TestStatusLooksInBatches(t *testing.T) {
	ops := []*dag.Op{asset("a0")}
	for i := 1; i < 1000; i++ {
		ops = append(ops, asset(fmt.Sprintf("a%d", i), fmt.Sprintf("a%d", (i-1)/10)))
	}
	look := newShelf()
	materialize(t, catalog(t, define(t, nil, ops)), "", look, nil, same)
	look.asked = nil
	st := statusOf(t, catalog(t, define(t, declared{"a0": "edited"}, ops)), "", look, nil)
	assert.Equal(t, []string{"step 1000", "content 1", "manifest 1", "content 999"}, look.asked)
	now, projected := st.Count()
	assert.Equal(t, map[Freshness]int{Fresh: 999, Stale: 1}, now)
	assert.Equal(t, 1000, projected)
	assert.Equal(t, "*", st.Outdated())
}

// What status finds out on the way does not change the plan.
func TestStatusLeavesThePlan(t *testing.T) {
	ops := []*dag.Op{source("s"), asset("a", "s"), asset("b", "a")}
	look := newShelf()
	materialize(t, catalog(t, define(t, nil, ops)), "", look, nil, same)
	c := catalog(t, define(t, declared{"a": "edited"}, ops))
	p := build(t, request(t, c, "", ""), look)
	before, err := json.Marshal(p)
	require.NoError(t, err)
	first, err := p.Status(p.Target, nil)
	require.NoError(t, err)
	again, err := p.Status(p.Target, nil)
	require.NoError(t, err)
	assert.Equal(t, first, again)
	after, err := json.Marshal(p)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
}

// A function with several outputs is one place where something begins; an output that was added is missing.
func TestStatusOfSeveralOutputs(t *testing.T) {
	split := func(names ...string) *dag.Op {
		op := asset("split", "s")
		op.Outputs = nil
		for _, n := range names {
			op.Outputs = append(op.Outputs, dag.Output{Name: n, Asset: n, Type: intType})
		}
		return op
	}
	look := newShelf()
	materialize(t, catalog(t, define(t, nil, []*dag.Op{source("s"), split("train"), asset("fit", "train")})), "", look, nil, same)
	st := statusOf(t, catalog(t, define(t, nil, []*dag.Op{source("s"), split("train", "test"), asset("fit", "train")})), "", look, nil)
	assert.Equal(t, "s=fresh train=stale/run test=missing/run fit=fresh→stale/maybe", standings(st))
	assert.Equal(t, []string{"types: output test is new"}, texts(assetOf(t, st, "train").Causes))
	assert.Equal(t, []string{"split"}, assetOf(t, st, "fit").Roots)
	assert.Equal(t, "split", assetOf(t, st, "test").Op)
}

// What the two views say is what plans do: the projected one is the plan of everything, the one of now that of the asset alone, on what is stored above it.
func TestStatusAgreesWithPlans(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		ops := []*dag.Op{source("s"), source("z")}
		keys := []string{"s", "z"}
		for i := range 8 {
			var from []string
			for _, k := range rnd.Perm(len(keys))[:1+rnd.IntN(2)] {
				from = append(from, keys[k])
			}
			op := asset(fmt.Sprintf("a%d", i), from...)
			ops, keys = append(ops, op), append(keys, op.Key)
		}
		look, code := newShelf(), declared{}
		data := map[string]string{"s": "0", "z": "0"}
		see := func(r *Request) {
			for k, v := range data {
				observed(k, k+v)(r)
			}
		}
		for step := range 12 {
			c := catalog(t, define(t, code, ops))
			st := statusOf(t, c, "", look, see)
			byKey := map[string]AssetStatus{}
			for _, a := range st.Assets {
				byKey[a.Key] = a
			}
			full := request(t, c, "", "")
			see(&full)
			p := build(t, full, look)
			turned := false
			for _, s := range p.Steps {
				turned = turned || s.Note
				if !s.source() {
					require.Equal(t, s.Action == Reuse, byKey[s.Key].Projected == Fresh, "seed %d, step %d: %s", seed, step, s.Key)
					require.Equal(t, byKey[s.Key].Projected == Fresh, len(byKey[s.Key].Roots) == 0)
				}
			}
			for _, s := range p.Steps {
				if s.source() || turned { // what is reused anew is not what is read yet
					continue
				}
				alone := request(t, c, "", s.Key)
				see(&alone)
				one, err := Build(t.Context(), alone, look)
				if err != nil { // something above it has never been stored
					require.NotEqual(t, Fresh, byKey[s.Key].Status)
					continue
				}
				require.Equal(t, one.Steps[0].Action == Reuse, byKey[s.Key].Status == Fresh, "seed %d, step %d: %s", seed, step, s.Key)
			}
			switch rnd.IntN(4) {
			case 0:
				data[keys[rnd.IntN(2)]] = fmt.Sprint(rnd.IntN(3))
			case 1:
				code[keys[2+rnd.IntN(8)]] = fmt.Sprint("edit ", rnd.IntN(3))
			case 2: // one asset, with what it needs, and sometimes new data
				round := rnd.IntN(3)
				materialize(t, c, "*"+keys[2+rnd.IntN(8)], look, see, func(key string) string { return fmt.Sprint(key, round) })
			default: // what is stale of a selection; then it is fresh
				pick := keys[2+rnd.IntN(8)]
				if out := statusOf(t, c, pick, look, see).Outdated(); out != "" {
					materialize(t, c, out, look, see, same)
				}
				require.Equal(t, Fresh, statusOf(t, c, pick, look, see).Assets[0].Projected, "seed %d, step %d: %s", seed, step, pick)
			}
		}
	}
}
