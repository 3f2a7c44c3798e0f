package execute

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// The words of a body, as the generator writes them.

func elem(loop int, t *dag.Type) dag.Binding {
	return dag.Binding{Kind: dag.FromElem, Node: loop, Type: t}
}
func carried(loop, k int) dag.Binding {
	return dag.Binding{Kind: dag.FromCarried, Node: loop, Output: k}
}
func output(node, k int) dag.Binding {
	return dag.Binding{Kind: dag.FromNode, Node: node, Output: k}
}
func typed(t *dag.Type, v any) dag.Binding {
	return dag.Binding{Kind: dag.FromLiteral, Type: t, Value: v}
}
func appended(t *dag.Type, base dag.Binding, items ...dag.Binding) dag.Binding {
	return dag.Binding{Kind: dag.FromAppend, Type: t, Parts: append([]dag.Binding{base}, items...)}
}
func field(t *dag.Type, name string, f func(any) any, base dag.Binding) dag.Binding {
	return dag.Binding{Kind: dag.FromField, Type: t, Name: name, Parts: []dag.Binding{base}, Func: func(p []any) any { return f(p[0]) }}
}

var boolType = dag.ImmutableOf[bool]("bool")

// cities is a world with a list of cities that a test may change, and ops over it.
type cities struct {
	*world
	list                   []string
	names, fit, sum, refit *dag.Op
	bad                    string // fit fails for this one
}

func newCities(t testing.TB, list ...string) *cities {
	c := &cities{world: newWorld(t), list: list}
	c.names = c.add(&dag.Op{Key: "names", Volatile: true, Outputs: []dag.Output{{Name: "result", Type: textsType}}}, func(_ context.Context, call *dag.Call) error {
		call.Out[0] = append([]string(nil), c.list...)
		return nil
	})
	c.fit = c.add(&dag.Op{Key: "fit", Inputs: []dag.Input{{Name: "city", Type: textType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, call *dag.Call) error {
		city := dag.In[string](call, 0)
		if city == c.bad {
			return fmt.Errorf("no data of %s", city)
		}
		call.Out[0] = len(city)
		return nil
	})
	c.sum = c.add(&dag.Op{Key: "sum", Inputs: []dag.Input{{Name: "xs", Type: listType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, call *dag.Call) error {
		total := 0
		for _, x := range dag.In[[]int](call, 0) {
			total += x
		}
		call.Out[0] = total
		return nil
	})
	c.refit = c.op("refit", []string{"n"}, add(100))
	return c
}

// fitAll is: for _, c := range names() { all = append(all, fit(c)) }; return sum(all)
func (c *cities) fitAll() *dag.JobDef {
	key := elem(1, textType)
	return c.jobOf("all", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "names", Op: c.names},
			{Key: "for city", Map: &dag.Map{Over: from(0), Key: &key, Body: []int{2}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(1, 0), from(2))}}}},
			{Key: "fit", Op: c.fit, Inputs: []dag.Binding{elem(1, textType)}},
			{Key: "sum", Op: c.sum, Inputs: []dag.Binding{output(1, 0)}},
		},
		Body:    []int{0, 1, 3},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(3)}, {Name: "all", Type: listType, From: output(1, 0)}},
	})
}

func (s *shop) jobOf(key string, g dag.GraphDef) *dag.JobDef {
	g.Key, g.Symbol = key, pkg+"."+key
	j := &dag.JobDef{GraphDef: g}
	s.jobs = append(s.jobs, j)
	return j
}

func returned(t testing.TB, res *Result) []any {
	t.Helper()
	out, err := res.Returned(t.Context())
	require.NoError(t, err)
	values := make([]any, len(out))
	for i := range out {
		values[i] = out[i].Value
	}
	return values
}

func TestMapping(t *testing.T) {
	c := newCities(t, "oslo", "seattle", "bergen")
	c.fitAll()
	assert.Equal(t, "names=run fit[*]=maybe sum=maybe", planned(c.plan("all")))
	res := c.ok("all")
	assert.Equal(t, "names=run fit[oslo]=run fit[seattle]=run fit[bergen]=run sum=run", actions(res))
	assert.Equal(t, []any{17, []int{4, 7, 6}}, returned(t, res))
	c.takeCalls()

	res = c.ok("all")
	assert.Equal(t, "names=run fit[oslo]=reuse fit[seattle]=reuse fit[bergen]=reuse sum=reuse", actions(res))
	assert.Equal(t, "names=1", c.takeCalls())

	c.list = []string{"oslo", "rome", "seattle", "bergen"}
	res = c.ok("all")
	assert.Equal(t, "names=run fit[oslo]=reuse fit[rome]=run fit[seattle]=reuse fit[bergen]=reuse sum=run", actions(res))
	assert.Equal(t, []any{21, []int{4, 4, 7, 6}}, returned(t, res))

	c.list = nil
	res = c.ok("all")
	assert.Equal(t, "names=run sum=run", actions(res))
	assert.Equal(t, []any{0, []int(nil)}, returned(t, res))
}

func TestMappingOverWhatIsReused(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	c.names.Volatile = false
	c.fitAll()
	c.ok("all")
	assert.Equal(t, "names=reuse fit[oslo]=reuse fit[seattle]=reuse sum=reuse", planned(c.plan("all")))
	res := c.ok("all")
	assert.Equal(t, "names=reuse fit[oslo]=reuse fit[seattle]=reuse sum=reuse", actions(res))
	c.code["fit"] = "another body"
	assert.Equal(t, "names=reuse fit[oslo]=run fit[seattle]=run sum=maybe", planned(c.plan("all")))
}

// What is not selected may stand in loops that go over what other loops gave: nothing of that is there.
func TestSelectionBesideLoops(t *testing.T) {
	for _, volatile := range []bool{false, true} {
		c := newCities(t, "oslo", "seattle")
		c.names.Volatile = volatile
		count := c.add(&dag.Op{Key: "count", Volatile: true, Inputs: []dag.Input{{Name: "names", Type: textsType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, call *dag.Call) error {
			call.Out[0] = len(dag.In[[]string](call, 0))
			return nil
		})
		odd := field(boolType, "odd", func(v any) any { return len(v.([]int))%2 == 1 }, output(3, 0))
		// for _, c := range ns { all = append(all, fit(c)) }; for _, n := range all { more = append(more, refit(n)) }; if odd(more) { refit(1) }; count(ns)
		c.jobOf("all", dag.GraphDef{
			Nodes: []dag.Node{
				{Key: "names", Op: c.names},
				{Key: "for city", Map: &dag.Map{Over: from(0), Body: []int{2}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(1, 0), from(2))}}}},
				{Key: "fit", Op: c.fit, Inputs: []dag.Binding{elem(1, textType)}},
				{Key: "for n", Map: &dag.Map{Over: output(1, 0), Body: []int{4}, Carried: []dag.Carried{{Name: "more", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(3, 0), from(4))}}}},
				{Key: "refit", Op: c.refit, Inputs: []dag.Binding{elem(3, intType)}},
				{Key: "if odd", Branch: &dag.Branch{Arms: []dag.Arm{{When: &odd, Body: []int{6}}, {}}}},
				{Key: "refit_2", Op: c.refit, Inputs: []dag.Binding{value(1)}},
				{Key: "count", Op: count, Inputs: []dag.Binding{from(0)}},
			},
			Body: []int{0, 1, 3, 5, 7},
		})
		c.ok("all")
		c.opts.Select = "count"
		assert.Equal(t, "count=run", planned(c.plan("all")))
		assert.Equal(t, "count=run", actions(c.ok("all")))
		c.opts.Select = "names,count"
		assert.Equal(t, map[bool]string{false: "names=reuse count=run", true: "names=run count=run"}[volatile], actions(c.ok("all")))
	}
}

// A batch of before a step was computed again says nothing about what it has now.
func TestKeptOfAnEarlierLife(t *testing.T) {
	e := &engine{}
	task := e.tasks.Add()
	task.state, task.life, task.outs = taskDone, 1, []outcome{{data: []byte{1}}}
	e.kept(0, 0, nil)
	e.kept(0, 0, storage.ErrIO)
	assert.NotNil(t, task.outs[0].data)
	assert.NoError(t, task.lost)
	e.kept(0, 1, nil)
	assert.Nil(t, task.outs[0].data)
}

func TestFailingElement(t *testing.T) {
	c := newCities(t, "oslo", "seattle", "rome")
	c.fitAll()
	c.bad = "seattle"
	res := c.run("all")
	assert.Equal(t, "names=run fit[oslo]=run fit[seattle]=failure fit[rome]=run sum=skip", actions(res))
	assert.Equal(t, "fit[seattle]", res.Step("sum").Because)
	assert.ErrorContains(t, res.Err(), "step fit[seattle]: no data of seattle")
}

func TestMappingKeyTwice(t *testing.T) {
	c := newCities(t, "oslo", "rome", "oslo")
	c.fitAll()
	res := c.run("all")
	assert.Equal(t, "names=run for city=failure fit[*]=skip sum=skip", actions(res))
	assert.ErrorContains(t, res.Err(), `step for city: mapping key "oslo" twice: elements 0 and 2; give them a //dag:key that is unique`)
}

func TestBranch(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	long := c.add(&dag.Op{Key: "long", Inputs: []dag.Input{{Name: "n", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: boolType}}}, func(_ context.Context, call *dag.Call) error {
		call.Out[0] = dag.In[int](call, 0) > 5
		return nil
	})
	when := from(3)
	// for i, c := range names() { n := fit(c); if long(n) { n = refit(n) }; all = append(all, n) }; return sum(all)
	c.jobOf("all", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "names", Op: c.names},
			{Key: "for city", Map: &dag.Map{Over: from(0), Body: []int{2, 3, 4}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(1, 0), output(4, 0))}}}},
			{Key: "fit", Op: c.fit, Inputs: []dag.Binding{elem(1, textType)}},
			{Key: "long", Op: long, Inputs: []dag.Binding{from(2)}},
			{Key: "if long", Branch: &dag.Branch{Outputs: []dag.BranchOutput{{Name: "n", Type: intType}}, Arms: []dag.Arm{
				{When: &when, Body: []int{5}, Yields: []dag.Binding{from(5)}},
				{Yields: []dag.Binding{from(2)}},
			}}},
			{Key: "refit", Op: c.refit, Inputs: []dag.Binding{from(2)}},
			{Key: "sum", Op: c.sum, Inputs: []dag.Binding{output(1, 0)}},
		},
		Body:    []int{0, 1, 6},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(6)}},
	})
	assert.Equal(t, "names=run fit[*]=maybe long[*]=maybe refit[*]=maybe sum=maybe", planned(c.plan("all")))
	res := c.ok("all")
	assert.Equal(t, "names=run fit[0]=run long[0]=run refit[0]=skip fit[1]=run long[1]=run refit[1]=run sum=run", actions(res))
	assert.Equal(t, []any{111}, returned(t, res))
	assert.Equal(t, "another arm of the branch is taken", res.Step("refit[0]").Why)
	res = c.ok("all")
	assert.Equal(t, "names=run fit[0]=reuse long[0]=reuse refit[0]=skip fit[1]=reuse long[1]=reuse refit[1]=reuse sum=reuse", actions(res))
	c.names.Volatile = false
	c.ok("all")
	assert.Equal(t, "names=reuse fit[0]=reuse long[0]=reuse refit[0]=skip fit[1]=reuse long[1]=reuse refit[1]=reuse sum=reuse", planned(c.plan("all")))
}

func TestNestedGraphAndProjection(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	graph := &dag.GraphDef{Key: "train", Symbol: pkg + ".train", Params: []dag.JobParam{{Name: "city", Type: textType}},
		Nodes: []dag.Node{
			{Key: "fit", Op: c.fit, Inputs: []dag.Binding{param(0)}},
			{Key: "refit", Op: c.refit, Inputs: []dag.Binding{from(0)}},
		},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(1)}}}
	first := field(textType, "[0]", func(v any) any { return v.([]string)[0] }, from(0))
	// ns := names(); a := train(ns[0]); b := train("x"); return refit(a), b
	c.jobOf("all", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "names", Op: c.names},
			{Key: "train", Graph: graph, Inputs: []dag.Binding{first}},
			{Key: "train_2", Graph: graph, Inputs: []dag.Binding{value("x")}},
			{Key: "refit", Op: c.refit, Inputs: []dag.Binding{output(1, 0)}},
		},
		Outputs: []dag.JobOutput{{Name: "a", Type: intType, From: from(3)}, {Name: "b", Type: intType, From: output(2, 0)}},
	})
	res := c.ok("all")
	assert.Equal(t, "names=run train.fit=run train.refit=run train_2.fit=run train_2.refit=run refit=run", actions(res))
	assert.Equal(t, []any{204, 101}, returned(t, res))
	c.list[1] = "rome"
	res = c.ok("all")
	assert.Equal(t, "names=run train.fit=reuse train.refit=reuse train_2.fit=reuse train_2.refit=reuse refit=reuse", actions(res), "only what is taken of the list counts")
	c.list = nil
	res = c.run("all")
	assert.Equal(t, "names=run train.fit=failure train.refit=skip train_2.fit=reuse train_2.refit=reuse refit=skip", actions(res))
	assert.ErrorContains(t, res.Err(), "step train.fit: load input: input city: [0]: panic: runtime error: index out of range")
	assert.True(t, strings.Contains(res.Step("train.fit").Err.Stack, "compose_test.go"), res.Step("train.fit").Err.Stack)
}

func TestRunConfigOfGraphs(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	type weights struct {
		Factor int `json:"factor"`
	}
	config := &dag.Config{Symbol: pkg + ".weights", Fields: []dag.Field{{Name: "factor", Kind: dag.FieldInt, Bits: 64, Default: "1"}}, Decode: dag.DecodeConfig[weights], Encode: dag.EncodeConfig[weights]}
	weigh := c.add(&dag.Op{Key: "weigh", Config: config, Inputs: []dag.Input{{Name: "n", Type: intType}, {Name: "offset", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, call *dag.Call) error {
		call.Out[0] = dag.In[int](call, 0)*dag.ConfigOf[weights](call).Factor + dag.In[int](call, 1)
		return nil
	})
	train := &dag.GraphDef{Key: "train", Symbol: pkg + ".train", Params: []dag.JobParam{{Name: "city", Type: textType}, {Name: "w", Type: dag.ImmutableOf[weights]("weights"), Config: config}},
		Nodes: []dag.Node{
			{Key: "fit", Op: c.fit, Inputs: []dag.Binding{param(0)}},
			{Key: "weigh", Op: weigh, Inputs: []dag.Binding{from(0), {Kind: dag.FromRunConfig}}, Config: &dag.Binding{Kind: dag.FromParam, Param: 1}},
		},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(1)}}}
	// for _, c := range names() { all = append(all, train(c, weights{2})) }; return all
	c.jobOf("all", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "names", Op: c.names},
			{Key: "for city", Map: &dag.Map{Over: from(0), Body: []int{2}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(1, 0), output(2, 0))}}}},
			{Key: "train", Graph: train, Inputs: []dag.Binding{elem(1, textType), value(weights{2})}},
		},
		Body:    []int{0, 1},
		Outputs: []dag.JobOutput{{Name: "all", Type: listType, From: output(1, 0)}},
	})
	_, err := Run(t.Context(), c.catalog(), "all", c.options())
	assert.ErrorContains(t, err, "ops.train.ops.weigh.inputs.offset: missing, expected a whole number")

	c.opts.Config = document(t, "ops: {train: {ops: {weigh: {inputs: {offset: 1}}}}}")
	res := c.ok("all")
	assert.Equal(t, []any{[]int{9, 15}}, returned(t, res))
	assert.Equal(t, "names=run train[0].fit=run train[0].weigh=run train[1].fit=run train[1].weigh=run", actions(res))

	c.opts.Config = document(t, "ops: {train: {ops: {weigh: {config: {factor: 3}, inputs: {offset: {value: 5}}}}}}")
	res = c.ok("all")
	assert.Equal(t, []any{[]int{17, 26}}, returned(t, res), "elements share config and inputs")
	assert.Equal(t, "ops:\n  train:\n    ops:\n      weigh:\n        config:\n          factor: 3\n        inputs:\n          offset: 5\n", res.Run.Config)

	c.opts.Config = document(t, "ops: {train: {ops: {weih: {}, fit: {inputs: {city: oslo}}}, config: {factr: 1}}}")
	_, err = Run(t.Context(), c.catalog(), "all", c.options())
	assert.ErrorContains(t, err, `ops.train.ops.weih: unknown op, asset or source; did you mean "weigh"?`)
	assert.ErrorContains(t, err, "ops.train.ops.fit.inputs: unknown key; expected config")
	assert.ErrorContains(t, err, `ops.train.config.factr: unknown field; did you mean "factor"?`)

	// What is said of the graph is laid on what the body passes to it, and what is said of its op on that.
	c.opts.Config = document(t, "ops: {train: {config: {factor: 3}, ops: {weigh: {inputs: {offset: 5}}}}}")
	res = c.ok("all")
	assert.Equal(t, "names=run train[0].fit=reuse train[0].weigh=reuse train[1].fit=reuse train[1].weigh=reuse", actions(res), "the same config as before")
	c.opts.Config = document(t, "ops: {train: {config: {factor: 3}, ops: {weigh: {config: {factor: 1}, inputs: {offset: 0}}}}}")
	assert.Equal(t, []any{[]int{4, 7}}, returned(t, c.ok("all")))
}

// assetGraph is an asset names, an asset lengths that is a graph with a loop over them, and an asset total below it.
func (c *cities) assetGraph() {
	c.names.Kind, c.names.Volatile = dag.KindAsset, false
	c.names.Outputs[0].Asset = "names"
	key := elem(0, textType)
	graph := &dag.GraphDef{Key: "lengths", Symbol: pkg + ".lengths", Params: []dag.JobParam{{Name: "cities", Type: textsType}},
		Nodes: []dag.Node{
			{Key: "for city", Map: &dag.Map{Over: param(0), Key: &key, Body: []int{1}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(0, 0), from(1))}}}},
			{Key: "fit", Op: c.fit, Inputs: []dag.Binding{elem(0, textType)}},
		},
		Body:    []int{0},
		Outputs: []dag.JobOutput{{Name: "result", Type: listType, From: output(0, 0)}}}
	c.ops = append(c.ops, &dag.Op{Kind: dag.KindAsset, Key: "lengths", Symbol: pkg + ".lengths", Graph: graph,
		Inputs: []dag.Input{{Name: "cities", Asset: "names", Type: textsType}}, Outputs: []dag.Output{{Name: "result", Asset: "lengths", Type: listType}}})
	total := &dag.Op{Kind: dag.KindAsset, Key: "total", Inputs: []dag.Input{{Name: "xs", Asset: "lengths", Type: listType}}, Outputs: []dag.Output{{Name: "result", Asset: "total", Type: intType}}}
	c.add(total, c.sum.Invoke)
}

func TestAssetGraph(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	c.assetGraph()
	assert.Equal(t, "names=run lengths.fit[*]=maybe lengths=maybe total=maybe", planned(c.plan("")))
	res := c.ok("")
	assert.Equal(t, "names=run lengths.fit[oslo]=run lengths.fit[seattle]=run lengths=run total=run", actions(res))
	v, err := Value(res, dag.AssetRef[[]int]{Key: "lengths"})
	require.NoError(t, err)
	assert.Equal(t, []int{4, 7}, v)
	assert.Equal(t, "names=reuse lengths.fit[oslo]=reuse lengths.fit[seattle]=reuse lengths=reuse total=reuse", planned(c.plan("")))

	keys, err := c.inst.Store().AssetKeys(t.Context(), storage.AssetFilter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"lengths", "names", "total"}, keys, "the steps inside are no assets")
	records, err := c.inst.Store().AssetRecords(t.Context(), "lengths", 10)
	require.NoError(t, err)
	require.Len(t, records, 1)
	assert.Equal(t, "asset:lengths", records[0].Identity)

	c.list = []string{"oslo", "rome", "seattle"}
	c.code["names"] = "a longer list"
	res = c.ok("")
	assert.Equal(t, "names=run lengths.fit[oslo]=reuse lengths.fit[rome]=run lengths.fit[seattle]=reuse lengths=run total=run", actions(res))

	c.opts.Select = "lengths"
	assert.Equal(t, "lengths.fit[oslo]=reuse lengths.fit[rome]=reuse lengths.fit[seattle]=reuse lengths=reuse", actions(c.ok("")))
	c.opts.Select = "+total"
	assert.Equal(t, "lengths.fit[oslo]=reuse lengths.fit[rome]=reuse lengths.fit[seattle]=reuse lengths=reuse total=reuse", actions(c.ok("")))
	c.opts.Select = "names+"
	assert.Equal(t, "names=reuse lengths.fit[oslo]=reuse lengths.fit[rome]=reuse lengths.fit[seattle]=reuse lengths=reuse", actions(c.ok("")))
	c.opts.Select = "total"
	assert.Equal(t, "total=reuse", actions(c.ok("")))
	c.opts.Select = "lengths.fit"
	_, err = Run(t.Context(), c.catalog(), "", c.options())
	assert.ErrorContains(t, err, `no asset "lengths.fit"`)
}

// What an asset graph has stored is computed again where it is lost, as that of any asset is.
func TestDamageInAnAssetGraph(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	c.assetGraph()
	c.ok("")
	for _, id := range []string{"asset:lengths", "asset:lengths.fit[seattle]", "asset:names"} {
		latest, err := c.inst.Store().Latest(t.Context(), []string{id})
		require.NoError(t, err)
		c.hurtInline(latest[id].Outputs[0].Blob)
	}
	c.code["total"] = "another body"
	res := c.ok("")
	assert.Equal(t, 11, c.value(res, "total"))
	assert.Equal(t, "run", res.Step("lengths").Action)
	assert.Equal(t, "reuse", res.Step("lengths.fit[oslo]").Action, "only what is lost is computed again")

	latest, err := c.inst.Store().Latest(t.Context(), []string{"asset:lengths"})
	require.NoError(t, err)
	c.hurtInline(latest["asset:lengths"].Outputs[0].Blob)
	c.code["total"] = "yet another body"
	c.opts.Select = "total"
	res = c.ok("")
	assert.Equal(t, 11, c.value(res, "total"))

	c.opts.Select = ""
	res = c.ok("")
	latest, err = c.inst.Store().Latest(t.Context(), []string{"asset:lengths.fit[seattle]"})
	require.NoError(t, err)
	c.hurtInline(latest["asset:lengths.fit[seattle]"].Outputs[0].Blob)
	assert.Equal(t, 7, c.value(res, "lengths.fit[seattle]"), "it is computed again to be looked at")
}

func TestPointerBetweenAssets(t *testing.T) {
	number := new(int)
	*number = 7
	w := newWorld(t)
	pointer := dag.TypeOf[*int]("*int")
	found := &dag.Op{Kind: dag.KindAsset, Key: "found", Outputs: []dag.Output{{Name: "result", Asset: "found", Type: pointer}}}
	w.add(found, func(_ context.Context, c *dag.Call) error { c.Out[0] = number; return nil })
	twice := &dag.Op{Kind: dag.KindAsset, Key: "twice", Inputs: []dag.Input{{Name: "n", Asset: "found", Type: intType, Unwrap: true}}, Outputs: []dag.Output{{Name: "result", Asset: "twice", Type: intType}}}
	w.add(twice, ints(func(in []int) int { return 2 * in[0] }))
	w.asset("below", []string{"twice"}, add(1))
	known := &dag.Op{Kind: dag.KindAsset, Key: "known", Inputs: []dag.Input{{Name: "n", Asset: "found", Type: pointer}}, Outputs: []dag.Output{{Name: "result", Asset: "known", Type: boolType}}}
	w.add(known, func(_ context.Context, c *dag.Call) error { c.Out[0] = dag.In[*int](c, 0) != nil; return nil })

	res := w.ok("")
	assert.Equal(t, "found=run known=run twice=run below=run", actions(res))
	assert.Equal(t, 15, w.value(res, "below"))
	assert.Equal(t, "found=reuse known=reuse twice=reuse below=reuse", planned(w.plan("")))

	number = nil
	w.code["found"] = "finds nothing"
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		w.opts.Executor = executor
		res = w.ok("")
		assert.Equal(t, "twice=skip below=skip", strings.Join(strings.Fields(actions(res))[2:], " "))
		assert.Equal(t, false, w.value(res, "known"))
		assert.Equal(t, "input n is nil", res.Step("twice").Why)
		assert.Equal(t, 2, res.Run.Skipped)
	}
	assert.Equal(t, "upstream twice is skipped", w.ok("").Step("below").Why)
	p := w.plan("")
	assert.Equal(t, "found=reuse known=reuse twice=skip below=skip", planned(p))
	assert.Equal(t, "input n is nil", because(p, "twice"))

	number = new(int)
	w.code["found"] = "finds it again"
	res = w.ok("")
	assert.Equal(t, "found=run known=run twice=run below=run", actions(res))
	assert.Equal(t, 1, w.value(res, "below"))
}
