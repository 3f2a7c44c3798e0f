package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func same(key string) string { return "data of " + key }

func TestFirstPlanRunsEverything(t *testing.T) { // V5
	c := catalog(t, define(t, nil, []*dag.Op{source("s"), asset("a", "s"), asset("b", "a")}))
	p := build(t, request(t, c, "", ""), newShelf())
	assert.Equal(t, "s=run a=run b=maybe", actions(p))
	assert.Equal(t, []string{"never: never observed"}, reasons(p, "s"))
	assert.Equal(t, []string{"never: never materialized"}, reasons(p, "a"))
	assert.Equal(t, []string{"never: never materialized"}, reasons(p, "b"))
}

func TestSecondPlanReusesEverything(t *testing.T) { // V27, V29
	c := catalog(t, define(t, nil, []*dag.Op{source("s"), asset("a", "s"), asset("b", "a")}))
	shelf := newShelf()
	shelf.run(build(t, request(t, c, "", ""), shelf), same)
	shelf.asked = nil
	p := build(t, request(t, c, "", ""), shelf)
	assert.Equal(t, "s=reuse a=reuse b=reuse", actions(p))
	assert.Equal(t, []string{"step 2"}, shelf.asked, "all records in one look-up")
	for _, s := range p.Steps {
		assert.Empty(t, s.Reasons)
		assert.False(t, s.Note, "%s is the newest already", s.Key)
	}
	js, err := json.Marshal(p)
	require.NoError(t, err)
	a := p.Steps[1]
	assert.JSONEq(t, fmt.Sprintf(`{"job":null,"steps":[{"key":"s","version":%q,"action":"reuse","reasons":[]},{"key":"a","version":%q,"action":"reuse","reasons":[]},{"key":"b","version":%q,"action":"reuse","reasons":[]}]}`,
		p.Steps[0].Version, a.Version, p.Steps[2].Version), string(js))
}

// However many functions were edited, what they were is read in a few round trips, and each plan line names its own.
func TestManifestsAreReadInBatches(t *testing.T) {
	shared := &dag.Resource{Key: "db", Symbol: pkg + ".DB"}
	code := declared{}
	var ops []*dag.Op
	for i := range 1100 {
		op := asset(fmt.Sprintf("a%04d", i))
		op.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
		ops = append(ops, op)
	}
	shelf := newShelf()
	shelf.run(build(t, request(t, catalog(t, define(t, code, ops, shared)), "", ""), shelf), same)
	for _, op := range ops {
		code[strings.TrimPrefix(op.Symbol, pkg+".")] = "edited " + op.Key
	}
	code["DB"] = "edited"
	shelf.asked = nil
	p := build(t, request(t, catalog(t, define(t, code, ops, shared)), "", ""), shelf)
	assert.Equal(t, []string{"step 1100", "content 1100", "manifest 501", "manifest 500", "manifest 100"}, shelf.asked)
	for _, s := range p.Steps {
		name := strings.TrimPrefix(s.Op.Symbol, pkg+".")
		require.Equal(t, []string{"code: func shop." + name + " (shop.go) changed", "resource: resource db: func shop.DB (shop.go) changed"}, reasons(p, s.Key))
	}
}

func TestPlanIsPure(t *testing.T) {
	c := catalog(t, define(t, nil, []*dag.Op{source("s"), asset("a", "s"), asset("b", "a"), asset("c", "a", "b")}))
	shelf := newShelf()
	first, err := json.Marshal(build(t, request(t, c, "", ""), shelf))
	require.NoError(t, err)
	again, err := json.Marshal(build(t, request(t, catalog(t, define(t, nil, []*dag.Op{asset("c", "a", "b"), asset("b", "a"), asset("a", "s"), source("s")})), "", ""), shelf))
	require.NoError(t, err)
	assert.Equal(t, string(first), string(again), "the order of definitions does not count")
}

// What may change between two runs, what the plan then does, and what it says.
func TestReasons(t *testing.T) {
	type world struct {
		code      declared
		ops       []*dag.Op
		resources []*dag.Resource
		request   func(*Request)
		shelf     func(*shelf)
	}
	settings := func(w *world, json string) {
		w.ops[2].Config = &dag.Config{Symbol: pkg + ".Settings"}
		w.request = func(r *Request) { r.Configs = map[string]*Config{"b": conf(json)} }
	}
	database := func(w *world, inner string) {
		w.ops[2].Resources = []dag.ResourceUse{{Name: "conn", Key: "db"}}
		w.resources = []*dag.Resource{
			{Key: "db", Symbol: pkg + ".OpenDB", Resources: []dag.ResourceUse{{Name: "pool", Key: "pool"}}},
			{Key: "pool", Symbol: pkg + ".OpenPool", Config: &dag.Config{Symbol: pkg + ".Pool"}},
		}
		w.request = func(r *Request) { r.Resources = map[string]*Config{"pool": conf(inner)} }
	}
	lookup := func(env map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	}
	environ := func(w *world, names []string, env map[string]string) {
		w.ops[2].Env = names
		w.request = func(r *Request) { r.Env = lookup(env) }
	}
	pooled := func(w *world, token string) {
		database(w, `{"size":1}`)
		w.resources[1].Env = []string{"TOKEN"}
		was := w.request
		w.request = func(r *Request) { was(r); r.Env = lookup(map[string]string{"TOKEN": token}) }
	}
	for _, tt := range []struct {
		name          string
		before, after func(*world)
		want          string
		because       []string // of b
	}{
		{name: "a helper", after: func(w *world) { w.code["mean"] = "sum(xs)/float(n)" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"code: func shop.mean (shop.go), reached through shop.b → shop.mean, changed"}},
		{name: "the function itself", after: func(w *world) { w.code["b"] = "return mean(a)+1 -> mean" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"code: func shop.b (shop.go) changed"}},
		{name: "a new helper", after: func(w *world) { w.code["b"] = "return mean(a) -> mean round"; w.code["round"] = "math.Round" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"code: func shop.b (shop.go) changed", "code: func shop.round (shop.go), reached through shop.b → shop.round, added"}},
		{name: "a method behind an interface", before: func(w *world) { w.code["b"] = "show(a) -> ~T.String"; w.code["T.String"] = "1" },
			after: func(w *world) { w.code["b"] = "show(a) -> ~T.String"; w.code["T.String"] = "2" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"code: func shop.T.String (shop.go), reached through shop.b → shop.T.String, changed"}},
		{name: "code nobody reaches", after: func(w *world) { w.code["unused"] = "x" }, want: "s=reuse a=reuse b=reuse c=reuse"},
		{name: "an explicit version", before: func(w *world) { w.ops[2].Version = "1" }, after: func(w *world) { w.ops[2].Version = "2"; w.code["b"] = "other" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"code: code version: 1 → 2"}},
		{name: "code below an explicit version", before: func(w *world) { w.ops[2].Version = "1" }, after: func(w *world) { w.ops[2].Version = "1"; w.code["b"] = "other" },
			want: "s=reuse a=reuse b=reuse c=reuse"},
		{name: "a config field", before: func(w *world) { settings(w, `{"round":1,"deep":{"unit":"C"}}`) }, after: func(w *world) { settings(w, `{"round":2,"deep":{"unit":"F"}}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{`config: config.deep.unit: "C" → "F"`, "config: config.round: 1 → 2"}},
		{name: "a type of a config value", before: func(w *world) { settings(w, `{"n":1}`) }, after: func(w *world) { settings(w, `{"n":"1"}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{`config: config.n: 1 → "1"`}}, // V49
		{name: "null and an empty object", before: func(w *world) { settings(w, `{"n":null}`) }, after: func(w *world) { settings(w, `{"n":{}}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{`config: config.n: null → {}`}},
		{name: "config where there was none", after: func(w *world) { settings(w, `{"round":2}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{`config: config: none → {"round":2}`}},
		{name: "the config of a resource of a resource", before: func(w *world) { database(w, `{"size":1}`) }, after: func(w *world) { database(w, `{"size":2}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"resource: resource pool: config.size: 1 → 2"}}, // V13, V25, V47
		{name: "the code of a resource of a resource", before: func(w *world) { database(w, `{"size":1}`) },
			after: func(w *world) { database(w, `{"size":1}`); w.code["OpenPool"] = "other" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"resource: resource pool: func shop.OpenPool (shop.go) changed"}},
		{name: "an environment variable", before: func(w *world) { environ(w, []string{"MODE", "ZONE"}, map[string]string{"MODE": "fast", "ZONE": "UTC"}) },
			after: func(w *world) {
				environ(w, []string{"MODE", "ZONE"}, map[string]string{"MODE": "exact", "ZONE": "UTC"})
			}, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"env: environment variable MODE changed"}},
		{name: "an environment variable that is set, and one that is not any more", before: func(w *world) { environ(w, []string{"MODE", "ZONE"}, map[string]string{"ZONE": ""}) },
			after: func(w *world) { environ(w, []string{"MODE", "ZONE"}, map[string]string{"MODE": ""}) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"env: environment variable MODE is set now", "env: environment variable ZONE is not set any more"}},
		{name: "an environment variable that nothing depends on", before: func(w *world) { environ(w, []string{"MODE"}, map[string]string{"ZONE": "UTC"}) },
			after: func(w *world) { environ(w, []string{"MODE"}, map[string]string{"ZONE": "CET"}) }, want: "s=reuse a=reuse b=reuse c=reuse"},
		{name: "which environment variables count", before: func(w *world) { environ(w, []string{"MODE"}, nil) }, after: func(w *world) { environ(w, []string{"ZONE"}, nil) },
			want: "s=reuse a=reuse b=run c=maybe", because: []string{"env: environment variable ZONE counts now", "env: environment variable MODE does not count any more"}},
		{name: "an environment variable below an explicit version", before: func(w *world) {
			w.ops[2].Version = "1"
			environ(w, []string{"MODE"}, map[string]string{"MODE": "fast"})
		},
			after: func(w *world) { w.ops[2].Version = "1"; environ(w, []string{"MODE"}, nil) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"env: environment variable MODE is not set any more"}},
		{name: "an environment variable of a resource of a resource", before: func(w *world) { pooled(w, "a") }, after: func(w *world) { pooled(w, "b") }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"resource: resource pool: environment variable TOKEN changed"}},
		{name: "a new resource", after: func(w *world) { database(w, `{"size":1}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"resource: resource pool is new", "resource: resource db is new"}},
		{name: "a resource less", before: func(w *world) { database(w, `{"size":1}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"resource: resource db is not needed any more", "resource: resource pool is not needed any more"}},
		{name: "the data of the source", after: func(w *world) {
			w.request = func(r *Request) {
				r.Observed[Sight{Place: 0}] = &Observation{Data: canon.Sum([]byte("new")), Text: "s.csv (9 bytes)"}
			}
		}, want: "s=run a=run b=maybe c=maybe", because: []string{`upstream: upstream "a" runs`}},
		{name: "the name of an input", after: func(w *world) { w.ops[2].Inputs[0].Name = "days" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"input: input days was called a before"}},
		{name: "another input", after: func(w *world) {
			w.ops[2].Inputs = append(w.ops[2].Inputs, dag.Input{Name: "s", Asset: "s", Type: intType})
		}, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"input: input s is new"}},
		{name: "an input less", before: func(w *world) {
			w.ops[2].Inputs = append(w.ops[2].Inputs, dag.Input{Name: "s", Asset: "s", Type: intType})
		}, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"input: input s is gone"}},
		{name: "where an input comes from", after: func(w *world) { w.ops[2].Inputs[0].Asset = "s" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{`input: input a comes from "s" now, from "a" before`}},
		{name: "something to follow", after: func(w *world) { w.ops[2].Deps = []string{"s"} }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"input: input after s is new"}},
		{name: "volatile", after: func(w *world) { w.ops[2].Volatile = true }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"volatile: marked volatile: it always runs"}},
		{name: "volatile no more", before: func(w *world) { w.ops[2].Volatile = true }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"types: the type of an input or output changed, or it was volatile"}},
		{name: "the type of an output", after: func(w *world) {
			w.ops[2].Version = "1"
			w.ops[2].Outputs[0].Type, w.ops[3].Inputs[0].Type = listType, listType
		}, before: func(w *world) { w.ops[2].Version = "1" }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"types: the type of an input or output changed, or it was volatile"}},
		{name: "an output more", after: func(w *world) {
			w.ops[2].Outputs = append(w.ops[2].Outputs, dag.Output{Name: "more", Asset: "more", Type: intType})
		}, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"types: output more is new"}},
		{name: "a damaged output", after: func(w *world) { w.shelf = func(s *shelf) { s.damaged["b"] = "stored output result is gone" } }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"damaged: stored output result is gone"}},
		{name: "no memoization", after: func(w *world) { w.request = func(r *Request) { r.NoMemo = true } }, want: "s=run a=run b=run c=run",
			because: []string{"no_memo: memoization is off for this run (--no-memo)"}},
		{name: "the tag of the run", after: func(w *world) {
			w.request = func(r *Request) { r.Tags = map[string]string{dag.MemoizedRunTag: "false"} }
		}, want: "s=run a=run b=run c=run",
			because: []string{"no_memo: memoization is off: tag dagster/is_memoized_run=false of the run"}}, // V21
		{name: "another IO manager", after: func(w *world) {
			w.ops[2].IO = "shelf"
			w.resources = []*dag.Resource{{Key: "shelf", Symbol: pkg + ".Shelf"}}
			w.shelf = func(s *shelf) { s.io["shelf"] = true }
		}, want: "s=reuse a=reuse b=run c=maybe", because: []string{`io: stored by IO manager the default, the op has "shelf" now`}},
		{name: "an IO manager that cannot tell", after: func(w *world) {
			w.ops[2].IO = "shelf"
			w.resources = []*dag.Resource{{Key: "shelf", Symbol: pkg + ".Shelf"}}
		}, want: "s=reuse a=reuse b=run c=maybe", because: []string{`not_memoizable: its IO manager "shelf" has no HasOutput, so nobody can say whether its output is stored`}}, // V43
		{name: "a replaced resource", before: func(w *world) { database(w, `{"size":1}`) }, after: func(w *world) {
			database(w, `{"size":1}`)
			was := w.request
			w.request = func(r *Request) { was(r); r.Replaced = map[string]bool{"pool": true} }
		}, want: "s=reuse a=reuse b=run c=maybe", because: []string{"replaced: a resource it needs is a value given from outside, whose version is not known", "resource: resource pool: code version: " + clip(canon.Sum([]byte("body of OpenPool")).String()) + " → replaced", `resource: resource pool: config: {"size":1} → none`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			shelf := newShelf()
			visit := func(change func(*world)) *Plan {
				w := &world{code: declared{"b": "return mean(a) -> mean", "mean": "sum(xs)/n"}, ops: []*dag.Op{source("s"), asset("a", "s"), asset("b", "a"), asset("c", "b")}}
				if change != nil {
					change(w)
				}
				c := catalog(t, define(t, w.code, w.ops, w.resources...))
				r := request(t, c, "", "")
				if w.request != nil {
					w.request(&r)
				}
				if w.shelf != nil {
					w.shelf(shelf)
				}
				return build(t, r, shelf)
			}
			shelf.run(visit(tt.before), same)
			p := visit(tt.after)
			assert.Equal(t, tt.want, actions(p))
			assert.Equal(t, tt.because, reasons(p, "b"))
		})
	}
}

func TestTagOfTheRunWinsOverThatOfTheJob(t *testing.T) {
	job := &dag.JobDef{GraphDef: dag.GraphDef{Key: "j"}, Tags: map[string]string{dag.MemoizedRunTag: "false"}}
	for _, tt := range []struct {
		tags map[string]string
		memo bool
	}{{nil, false}, {map[string]string{dag.MemoizedRunTag: "true"}, true}, {map[string]string{"other": "x"}, false}} {
		memo, _, err := Memoized(job, tt.tags, false)
		require.NoError(t, err)
		assert.Equal(t, tt.memo, memo)
	}
	_, _, err := Memoized(job, map[string]string{dag.MemoizedRunTag: "True"}, false)
	assert.EqualError(t, err, `tag dagster/is_memoized_run of the run is "True"; it must be exactly "true" or "false"`)
	_, _, err = Memoized(&dag.JobDef{Tags: map[string]string{dag.MemoizedRunTag: ""}}, nil, true)
	assert.EqualError(t, err, `tag dagster/is_memoized_run of the job is ""; it must be exactly "true" or "false"`)
}

// A step that is found by its content, although its cause is new, is reused at plan time and noted.
func TestContentHit(t *testing.T) {
	ops := func() []*dag.Op { return []*dag.Op{asset("a"), asset("b", "a")} }
	shelf := newShelf()
	shelf.run(build(t, request(t, catalog(t, define(t, nil, ops())), "", ""), shelf), same)
	edited := catalog(t, define(t, declared{"a": "another body, same data"}, ops()))
	p := build(t, request(t, edited, "", "a"), shelf)
	assert.Equal(t, "a=run", actions(p))
	shelf.run(p, same)

	p = build(t, request(t, edited, "", ""), shelf)
	assert.Equal(t, "a=reuse b=reuse", actions(p))
	assert.False(t, p.Steps[0].Note)
	assert.True(t, p.Steps[1].Note)
}

// A hit needs content, not only the cause: a volatile or renewed upstream may have other data under the same version.
func TestSameCauseOtherDataIsNoHit(t *testing.T) {
	c := catalog(t, define(t, nil, []*dag.Op{asset("a"), asset("b", "a")}))
	shelf := newShelf()
	shelf.run(build(t, request(t, c, "", ""), shelf), same)
	r := request(t, c, "", "a")
	r.NoMemo = true
	shelf.run(build(t, r, shelf), func(string) string { return "other data" })
	p := build(t, request(t, c, "", ""), shelf)
	assert.Equal(t, "a=reuse b=run", actions(p))
	assert.Equal(t, []string{`input: input a: upstream "a" has new data`}, reasons(p, "b"))
}

func TestRevertedEditIsNoted(t *testing.T) {
	shelf := newShelf()
	visit := func(body string) *Plan {
		return build(t, request(t, catalog(t, define(t, declared{"a": body}, []*dag.Op{asset("a")})), "", ""), shelf)
	}
	shelf.run(visit("one"), same)
	shelf.run(visit("two"), func(string) string { return "other" })
	p := visit("one")
	assert.Equal(t, "a=reuse", actions(p))
	assert.True(t, p.Steps[0].Note, "the old record is the newest again")
}

func TestUnselectedUpstream(t *testing.T) {
	c := catalog(t, define(t, nil, []*dag.Op{source("s"), asset("a", "s"), asset("b", "a"), asset("c", "b")}))
	shelf := newShelf()
	_, err := Build(t.Context(), request(t, c, "", "b"), shelf)
	assert.EqualError(t, err, `asset "b" needs "a", which is not selected and has never been stored; select "+b", or run "a" first`)

	shelf.run(build(t, request(t, c, "", "a"), shelf), same)
	p := build(t, request(t, c, "", "b"), shelf)
	assert.Equal(t, "b=run", actions(p))
	require.Equal(t, 2, p.Len())
	assert.Equal(t, "a", p.At(0).Key)
	assert.True(t, p.At(0).Hidden)
	shelf.run(p, same)

	p = build(t, request(t, c, "", ""), shelf)
	assert.Equal(t, "s=reuse a=reuse b=reuse c=run", actions(p), "what ran alone is what the whole would be")

	_, err = Build(t.Context(), request(t, c, "", "c"), nil)
	assert.ErrorContains(t, err, `asset "c" needs "b"`, "nothing is stored in memory")
}

func TestSourceThatCannotBeObserved(t *testing.T) {
	c := catalog(t, define(t, nil, []*dag.Op{source("s"), asset("a", "s"), asset("b")}))
	r := request(t, c, "", "")
	r.Observed[Sight{Place: 1}] = &Observation{Err: errors.New("no such file")}
	p := build(t, r, newShelf())
	assert.Equal(t, "b=run s=run a=maybe", actions(p))
	assert.Equal(t, []string{"source: it could not be observed: no such file"}, reasons(p, "s"))
	assert.Equal(t, []string{"never: never materialized"}, reasons(p, "a"))
	js, err := json.Marshal(p)
	require.NoError(t, err)
	assert.Contains(t, string(js), `{"key":"a","version":null,"action":"maybe"`)
}

// Plans of random graphs: what is stored is reused, a damaged step takes what is below it to maybe and nothing else.
func TestRandomPlans(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := 1 + rng.IntN(30)
		var ops []*dag.Op
		for i := range n {
			var ups []string
			for j := range i {
				if rng.IntN(3) == 0 {
					ups = append(ups, fmt.Sprintf("k%02d", j))
				}
			}
			ops = append(ops, asset(fmt.Sprintf("k%02d", i), ups...))
		}
		rng.Shuffle(n, func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
		c := catalog(t, define(t, nil, ops))
		shelf := newShelf()
		shelf.run(build(t, request(t, c, "", ""), shelf), same)
		_, reuse, _ := build(t, request(t, c, "", ""), shelf).Counts()
		require.Equal(t, n, reuse, "seed %d", seed)

		hurt := fmt.Sprintf("k%02d", rng.IntN(n))
		shelf.damaged[hurt] = "gone"
		p := build(t, request(t, c, "", ""), shelf)
		below, err := c.Target("", hurt+"*")
		require.NoError(t, err)
		for _, s := range p.Steps {
			want := Reuse
			if below.IsSelected(int(s.Place)) {
				want = Maybe
			}
			if s.Key == hurt {
				want = Run
			}
			require.Equal(t, want, s.Action, "seed %d: %s after damage of %s", seed, s.Key, hurt)
		}
	}
}

func TestRecordWithoutAnOutputIsNoHit(t *testing.T) { // V51
	c := catalog(t, define(t, nil, []*dag.Op{asset("a")}))
	shelf := newShelf()
	shelf.run(build(t, request(t, c, "", ""), shelf), same)
	shelf.records[0].Outputs = nil
	p := build(t, request(t, c, "", ""), shelf)
	assert.Equal(t, "a=run", actions(p))
	assert.Equal(t, []string{"damaged: output result is not stored"}, reasons(p, "a"))
}

func TestStepWithoutOutputsIsMemoized(t *testing.T) { // V50
	notify := asset("notify", "a")
	notify.Outputs = nil
	after := asset("after")
	after.Deps = []string{"notify"}
	c := catalog(t, define(t, nil, []*dag.Op{asset("a"), notify, after}))
	shelf := newShelf()
	p := build(t, request(t, c, "", ""), shelf)
	assert.Equal(t, "a=run notify=maybe after=maybe", actions(p))
	// The shelf of this test stands for the engine: it needs the data version that a step without outputs has.
	h := NewHasher()
	a := canon.Sum([]byte("a"))
	shelf.add(&storage.Record{Step: p.Steps[0].Version, Content: h.Content(p.Steps[0], nil), Identity: p.Steps[0].Identity, Outputs: []storage.Output{{Name: "result", DataVersion: a}}})
	content := h.Content(p.Steps[1], []canon.Digest{a})
	shelf.add(&storage.Record{Step: p.Steps[1].Version, Content: content, Identity: p.Steps[1].Identity})
	shelf.add(&storage.Record{Step: p.Steps[2].Version, Content: h.Content(p.Steps[2], []canon.Digest{h.Nothing(content)}), Identity: p.Steps[2].Identity, Outputs: []storage.Output{{Name: "result"}}})
	assert.Equal(t, "a=reuse notify=reuse after=reuse", actions(build(t, request(t, c, "", ""), shelf)))
}
