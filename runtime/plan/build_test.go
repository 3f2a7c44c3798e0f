package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

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
		{name: "a new resource", after: func(w *world) { database(w, `{"size":1}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"resource: resource pool is new", "resource: resource db is new"}},
		{name: "a resource less", before: func(w *world) { database(w, `{"size":1}`) }, want: "s=reuse a=reuse b=run c=maybe",
			because: []string{"resource: resource db is not needed any more", "resource: resource pool is not needed any more"}},
		{name: "the data of the source", after: func(w *world) {
			w.request = func(r *Request) {
				r.Observed[0] = &Observation{Data: canon.Sum([]byte("new")), Text: "s.csv (9 bytes)"}
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
	job := &dag.JobDef{Key: "j", Tags: map[string]string{dag.MemoizedRunTag: "false"}}
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
	require.NotNil(t, p.All[1])
	assert.True(t, p.All[1].Hidden)
	shelf.run(p, same)

	p = build(t, request(t, c, "", ""), shelf)
	assert.Equal(t, "s=reuse a=reuse b=reuse c=run", actions(p), "what ran alone is what the whole would be")

	_, err = Build(t.Context(), request(t, c, "", "c"), nil)
	assert.ErrorContains(t, err, `asset "c" needs "b"`, "nothing is stored in memory")
}

func TestSourceThatCannotBeObserved(t *testing.T) {
	c := catalog(t, define(t, nil, []*dag.Op{source("s"), asset("a", "s"), asset("b")}))
	r := request(t, c, "", "")
	r.Observed[1] = &Observation{Err: errors.New("no such file")}
	p := build(t, r, newShelf())
	assert.Equal(t, "b=run s=run a=maybe", actions(p))
	assert.Equal(t, []string{"source: it could not be observed: no such file"}, reasons(p, "s"))
	assert.Equal(t, []string{"never: never materialized"}, reasons(p, "a"))
	js, err := json.Marshal(p)
	require.NoError(t, err)
	assert.Contains(t, string(js), `{"key":"a","version":null,"action":"maybe"`)
}

type fixed string

func (f fixed) OpVersion(c dag.OpVersionContext) (string, error) {
	switch f {
	case "error":
		return "", errors.New("cannot say")
	case "panic":
		panic("oh no")
	case "config":
		return fmt.Sprint(c.Config), nil
	case "hash":
		return c.CodeVersion, nil
	}
	return string(f), nil
}

type fixedBoth struct{ fixed }

func (f fixedBoth) ResourceVersion(dag.ResourceVersionContext) (string, error) {
	return f.OpVersion(dag.OpVersionContext{})
}

func TestStrategies(t *testing.T) {
	job := func(s dag.VersionStrategy, ops ...*dag.Op) (dag.Definitions, *dag.JobDef) {
		d := define(t, nil, ops)
		j := &dag.JobDef{Key: "j", Symbol: pkg + ".J", Strategy: s}
		for _, o := range ops {
			j.Nodes = append(j.Nodes, dag.Node{Key: o.Key, Op: o})
		}
		d.Jobs = []*dag.JobDef{j}
		return d, j
	}
	op := func(key string) *dag.Op { o := asset(key); o.Kind = dag.KindOp; return o }
	versionOf := func(s dag.VersionStrategy, o *dag.Op) canon.Digest {
		d, _ := job(s, o)
		return build(t, request(t, catalog(t, d), "j", ""), nil).Steps[0].Version
	}
	assert.Equal(t, versionOf(nil, op("a")), versionOf(fixed("hash"), op("a")), "the source hash is the default")
	assert.Equal(t, versionOf(nil, op("a")), versionOf(dag.SourceHashVersionStrategy{}, op("a")))
	assert.NotEqual(t, versionOf(fixed("1"), op("a")), versionOf(fixed("2"), op("a")))
	assert.NotEqual(t, versionOf(fixed("1"), op("a")), versionOf(fixed("1"), op("b")), "the same text says different things of different functions")

	explicit := op("a")
	explicit.Version = "override"
	assert.Equal(t, versionOf(fixed("1"), explicit), versionOf(fixed("2"), explicit), "V35: version= wins over the strategy")
	own := op("a")
	own.Strategy = fixed("mine")
	assert.Equal(t, versionOf(fixed("1"), own), versionOf(nil, own), "the op's own strategy wins over the job's")

	for name, want := range map[fixed]string{
		"error": `the version strategy of op "a" failed: cannot say`,
		"panic": `the version strategy of op "a" panicked: oh no`,
		"":      `the version strategy gave op "a" an empty version; return one, or give the op version=`,
	} {
		d, _ := job(name, op("a"))
		_, err := Build(t.Context(), request(t, catalog(t, d), "j", ""), nil)
		assert.EqualError(t, err, want)
	}

	t.Run("a strategy may look at config", func(t *testing.T) {
		o := op("a")
		o.Config = &dag.Config{}
		d, j := job(fixed("config"), o)
		j.Nodes = append(j.Nodes, dag.Node{Key: "a_2", Op: o})
		r := request(t, catalog(t, d), "j", "")
		r.Configs = map[string]*Config{"a": conf("1"), "a_2": conf("2")}
		p := build(t, r, nil)
		assert.Equal(t, []string{"1", "2"}, []string{p.Steps[0].Code, p.Steps[1].Code})
	})
	t.Run("a strategy may version resources", func(t *testing.T) {
		o := op("a")
		o.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
		version := func(s dag.VersionStrategy) canon.Digest {
			d := define(t, nil, []*dag.Op{o}, &dag.Resource{Key: "db", Symbol: pkg + ".OpenDB"})
			d.Jobs = []*dag.JobDef{{Key: "j", Symbol: pkg + ".J", Strategy: s, Nodes: []dag.Node{{Key: "a", Op: o}}}}
			return build(t, request(t, catalog(t, d), "j", ""), nil).Steps[0].ResourceVersions()[0]
		}
		assert.NotEqual(t, version(fixedBoth{"1"}), version(fixedBoth{"2"}))
		assert.Equal(t, version(fixed("1")), version(fixed("2")), "one that does not leaves them their source hash")
	})
}

func TestOpWithoutAVersionIsAnError(t *testing.T) { // V7, V17
	d := define(t, nil, []*dag.Op{asset("a"), asset("b", "a")})
	d.Manifest = declared{"a": "x"}.text(t, []string{pkg + ".a"})
	_, err := Build(t.Context(), request(t, catalog(t, d), "", ""), nil)
	assert.EqualError(t, err, "asset \"b\" (example.com/shop.b) has no version in the manifest of example.com/shop; run `go generate ./...` again")
}

func jobOf(ops []*dag.Op, nodes ...dag.Node) *dag.JobDef {
	return &dag.JobDef{Key: "j", Symbol: pkg + ".J", Nodes: nodes, Params: []dag.JobParam{{Name: "n", Type: intType}}}
}

func literal(v any) dag.Binding { return dag.Binding{Kind: dag.FromLiteral, Value: v} }
func from(node int) dag.Binding { return dag.Binding{Kind: dag.FromNode, Node: node} }
func param(i int) dag.Binding   { return dag.Binding{Kind: dag.FromParam, Param: i} }

func TestValuesCount(t *testing.T) { // V46, V48, V49
	op := func(key string, inputs ...*dag.Type) *dag.Op {
		o := &dag.Op{Key: key, Symbol: pkg + "." + key, Outputs: []dag.Output{{Name: "result", Type: intType}}}
		for i, typ := range inputs {
			o.Inputs = append(o.Inputs, dag.Input{Name: string(rune('x' + i)), Type: typ})
		}
		return o
	}
	last := func(params []any, nodes ...dag.Node) canon.Digest {
		var ops []*dag.Op
		for _, n := range nodes {
			ops = append(ops, n.Op)
		}
		d := define(t, nil, ops)
		d.Jobs = []*dag.JobDef{jobOf(ops, nodes...)}
		r := request(t, catalog(t, d), "j", "")
		if params != nil {
			r.Params = params
		}
		p := build(t, r, nil)
		return p.Steps[len(p.Steps)-1].Version
	}
	one := func(v any, typ *dag.Type) canon.Digest {
		return last(nil, dag.Node{Key: "f", Op: op("f", typ), Inputs: []dag.Binding{literal(v)}})
	}
	assert.NotEqual(t, one(1, intType), one(2, intType))
	assert.NotEqual(t, one(1, intType), one("1", textType), "1 is not \"1\"")
	assert.NotEqual(t, one([]int{1, 2}, listType), one([]int{2, 1}, listType), "the order of a list counts")
	assert.Equal(t, one(1, intType), one(1, intType))

	given := func(v int) canon.Digest {
		return last([]any{v}, dag.Node{Key: "f", Op: op("f", intType), Inputs: []dag.Binding{param(0)}})
	}
	assert.NotEqual(t, given(1), given(2), "the value of a job's input counts")
	assert.Equal(t, given(1), one(1, intType), "wherever a value comes from")

	f, g, h := op("f"), op("g"), op("h", intType, intType)
	swap := func(a, b int) canon.Digest {
		return last(nil, dag.Node{Key: "f", Op: f}, dag.Node{Key: "g", Op: g}, dag.Node{Key: "h", Op: h, Inputs: []dag.Binding{from(a), from(b)}})
	}
	assert.NotEqual(t, swap(0, 1), swap(1, 0), "h(f, g) is not h(g, f)")

	alias := func(key string) canon.Digest { return last(nil, dag.Node{Key: key, Op: f}) }
	assert.Equal(t, alias("f"), alias("other"), "the name of a step is not in its version")
	renamed := op("f", intType)
	renamed.Inputs[0].Name = "y"
	assert.NotEqual(t, one(1, intType), last(nil, dag.Node{Key: "f", Op: renamed, Inputs: []dag.Binding{literal(1)}}), "the name of an input is")
}

func TestBrokenJobIsAnErrorNotAPanic(t *testing.T) {
	f := &dag.Op{Key: "f", Symbol: pkg + ".f", Inputs: []dag.Input{{Name: "x", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}
	stranger := &dag.Op{Key: "g", Symbol: pkg + ".g"}
	for _, n := range []dag.Node{
		{Key: "f", Op: f}, {Key: "f", Op: f, Inputs: []dag.Binding{from(0)}}, {Key: "f", Op: f, Inputs: []dag.Binding{from(7)}},
		{Key: "f", Op: f, Inputs: []dag.Binding{param(3)}}, {Key: "g", Op: stranger},
	} {
		d := define(t, nil, []*dag.Op{f})
		d.Jobs = []*dag.JobDef{jobOf(nil, n)}
		_, err := NewCatalog(d)
		require.Error(t, err)
		assert.Contains(t, err.Error(), "run `go generate ./...` again")
	}
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
			if below.IsSelected(s.Index) {
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

func TestTypeShapes(t *testing.T) {
	type inner struct{ A int }
	type renamed struct{ B int }
	type tagged struct {
		A int `json:"x"`
	}
	type loop struct {
		Name string
		Next *loop
	}
	type other struct {
		Name string
		Next *other
	}
	shapes := map[canon.Digest]string{}
	for name, typ := range map[string]*dag.Type{
		"int": intType, "string": textType, "[]int": listType, "[2]int": dag.TypeOf[[2]int](""), "[3]int": dag.TypeOf[[3]int](""), "*int": dag.TypeOf[*int](""),
		"map": dag.TypeOf[map[string]int](""), "map the other way": dag.TypeOf[map[int]string](""), "inner": dag.TypeOf[inner](""), "renamed": dag.TypeOf[renamed](""),
		"tagged": dag.TypeOf[tagged](""), "loop": dag.TypeOf[loop](""), "other": dag.TypeOf[other](""), "time": dag.TypeOf[time.Time](""), "any": dag.TypeOf[any](""),
	} {
		d := typeShape(typ)
		if twin, same := shapes[d]; same {
			t.Errorf("%s and %s have one shape", name, twin)
		}
		shapes[d] = name
		assert.Equal(t, d, typeShape(typ))
	}
}
