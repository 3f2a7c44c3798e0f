package execute

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// scale is a config.
type scale struct {
	By int `json:"by"`
}

var scaleConfig = &dag.Config{Symbol: pkg + ".Scale", Fields: []dag.Field{{Name: "by", Kind: dag.FieldInt, Bits: 64, Default: "1"}}, Decode: dag.DecodeConfig[scale], Encode: dag.EncodeConfig[scale]}

// built is a world with handles, as generated code has them.
type built struct {
	*cities
	long, times *dag.Op
	defs        *dag.Definitions
}

func newBuilt(t testing.TB, list ...string) *built {
	b := &built{cities: newCities(t, list...), defs: &dag.Definitions{Package: pkg}}
	b.names.Volatile = false
	b.long = b.add(&dag.Op{Key: "long", Inputs: []dag.Input{{Name: "n", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: boolType}}}, func(_ context.Context, call *dag.Call) error {
		call.Out[0] = dag.In[int](call, 0) > 5
		return nil
	})
	b.times = b.add(&dag.Op{Key: "times", Config: scaleConfig, Inputs: []dag.Input{{Name: "n", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, call *dag.Call) error {
		call.Out[0] = dag.In[int](call, 0) * dag.ConfigOf[scale](call).By
		return nil
	})
	return b
}

func (b *built) handle(op *dag.Op) dag.OpHandle { return dag.OpHandle{Op: op, Definitions: b.defs} }

// offer makes jobs part of the world, as Definitions.With does.
func (b *built) offer(jobs ...dag.JobHandle) {
	b.jobs = nil
	for _, j := range jobs {
		b.jobs = append(b.jobs, j.JobDef())
	}
}

func call1[R any](g *dag.GraphBuilder, h dag.Callable, in dag.AnyValue, o ...dag.NodeOption) dag.Value[R] {
	return dag.Typed[R](g.Add(h, append(o, dag.Args(in))...))
}

// all is a graph over given cities: for each, fit; if it is long, refit it; sum them up, and multiply.
func (b *built) all(t testing.TB, key string) dag.Graph[dag.Values, dag.Values] {
	one := dag.NewGraph("one")
	city := dag.Param[string](one, "city")
	n := call1[int](one, b.handle(b.fit), city)
	dag.Return(one, "", dag.If(one, call1[bool](one, b.handle(b.long), n), func() dag.Value[int] {
		return call1[int](one, b.handle(b.refit), n)
	}, func() dag.Value[int] { return n }))
	sub, err := one.Build()
	require.NoError(t, err)

	g := dag.NewGraph(key)
	cities := dag.Param[[]string](g, "cities")
	times := dag.Param[scale](g, "times")
	fits := dag.ForEach(g, cities, func(city dag.Value[string]) dag.Value[int] { return call1[int](g, sub, city) }, dag.KeyBy(func(city string) string { return city }))
	sum := call1[int](g, b.handle(b.sum), fits)
	dag.Return(g, "total", call1[int](g, b.handle(b.times), sum, dag.WithConfig(times)))
	dag.Return(g, "fits", fits)
	graph, err := g.Build()
	require.NoError(t, err)
	return graph
}

func TestBuiltGraph(t *testing.T) {
	b := newBuilt(t)
	job := b.all(t, "all").Job(dag.JobOptions{})
	b.offer(job)
	b.opts.Inputs = map[string]any{"cities": []string{"oslo", "seattle"}}
	b.opts.Config = document(t, "inputs: {times: {by: 2}}")
	assert.Equal(t, "one[oslo].fit=run one[oslo].long=maybe one[oslo].refit=maybe one[seattle].fit=run one[seattle].long=maybe one[seattle].refit=maybe sum=maybe times=maybe", planned(b.plan("all")))
	res := b.ok("all")
	assert.Equal(t, "one[oslo].fit=run one[oslo].long=run one[oslo].refit=skip one[seattle].fit=run one[seattle].long=run one[seattle].refit=run sum=run times=run", actions(res))
	assert.Equal(t, []any{222, []int{4, 107}}, returned(t, res))
	b.takeCalls()

	b.opts.Inputs = map[string]any{"cities": []string{"seattle", "oslo", "rome"}}
	b.opts.Config = document(t, "inputs: {times: {by: 2}}\nops: {times: {config: {by: 3}}}")
	res = b.ok("all")
	assert.Equal(t, []string{"one[rome].fit", "sum", "times"}, fresh(res), "what is known is reused, rome is as long as oslo")
	assert.Equal(t, []any{345, []int{107, 4, 4}}, returned(t, res))
	b.takeCalls()

	// It is the same work as that of a graph that was read from a body.
	b.fitAll()
	b.names.Volatile = false
	b.list = []string{"oslo", "rome"}
	b.opts = Options{}
	assert.Equal(t, []string{"names", "sum"}, fresh(b.ok("read")))
}

// fitAll is that of cities, in a graph of another key.
func (b *built) fitAll() { b.cities.fitAll().Key = "read" }

// Versions of steps are those of a body that says the same: of literals, lists, elements, parts of loops and arms.
func TestBuiltGraphHasTheVersionsOfABody(t *testing.T) {
	b := newBuilt(t)
	g := dag.NewGraph("made")
	fits := dag.List(call1[int](g, b.handle(b.fit), dag.Const("oslo")), call1[int](g, b.handle(b.fit), dag.Const("rome")), dag.Const(7))
	total := call1[int](g, b.handle(b.sum), fits)
	dag.Return(g, "", call1[int](g, b.handle(b.times), total, dag.WithConfig(dag.Const(scale{5}))))
	graph, err := g.Build()
	require.NoError(t, err)
	made := graph.Job(dag.JobOptions{})
	b.offer(made)
	read := dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "fit", Op: b.fit, Inputs: []dag.Binding{value("oslo")}},
			{Key: "fit_2", Op: b.fit, Inputs: []dag.Binding{value("rome")}},
			{Key: "sum", Op: b.sum, Inputs: []dag.Binding{{Kind: dag.FromParts, Type: listType, Name: "[]int{0,1,2}", Parts: []dag.Binding{from(0), from(1), typed(intType, 7)},
				Func: func(p []any) any {
					return []int{dag.OutputAs[int](p[0]), dag.OutputAs[int](p[1]), dag.OutputAs[int](p[2])}
				}}}},
			{Key: "times", Op: b.times, Inputs: []dag.Binding{from(2)}, Config: &dag.Binding{Kind: dag.FromLiteral, Value: scale{5}}},
		},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(3)}},
	}
	b.jobOf("read", read)
	first, second := b.plan("made"), b.plan("read")
	require.Len(t, first.Steps, 4)
	for i, s := range first.Steps {
		assert.Equal(t, second.Steps[i].Key, s.Key)
		assert.Equal(t, second.Steps[i].Version, s.Version, s.Key)
		assert.False(t, s.Version.IsZero())
	}
	assert.Equal(t, []any{75}, returned(t, b.ok("made")))
	assert.Empty(t, fresh(b.ok("read")))
}

// A loop of Go adds nodes, and what is wired to nothing comes from the run config.
func TestGraphOfManyNodes(t *testing.T) {
	b := newBuilt(t)
	g := dag.NewGraph("many")
	var sums []dag.Value[int]
	for i := range 300 {
		n := call1[int](g, b.handle(b.refit), dag.Const(i), dag.As(fmt.Sprintf("n%d", i)))
		sums = append(sums, n)
	}
	g.Add(b.handle(b.refit), dag.As("asked"))
	dag.Return(g, "", call1[int](g, b.handle(b.sum), dag.List(sums...)))
	graph, err := g.Build()
	require.NoError(t, err)
	b.offer(graph.Job(dag.JobOptions{}))
	_, err = Run(t.Context(), b.catalog(), "many", b.options())
	assert.ErrorContains(t, err, "ops.asked.inputs.n: missing, expected a whole number")
	b.opts.Config = document(t, "ops: {asked: {inputs: {n: 1000}}}")
	assert.Equal(t, []any{300*299/2 + 300*100}, returned(t, b.ok("many")))
	b.opts.Select = "n7"
	assert.Equal(t, "n7=reuse", actions(b.ok("many")))
}

// A graph runs in this process as it is, with inputs and outputs by name.
func TestGraphInProcess(t *testing.T) {
	b := newBuilt(t)
	graph := b.all(t, "all")
	*b.defs = b.definitions()
	in := dag.Values{"cities": []string{"oslo", "bergen"}}
	res, err := InProcess(t.Context(), graph, in)
	require.NoError(t, err)
	assert.Equal(t, dag.Values{"total": 110, "fits": []int{4, 106}}, res.Output())
	assert.Equal(t, "all", res.Job)
	n, err := res.OutputForNode(t.Context(), "one[bergen].refit", "")
	require.NoError(t, err)
	assert.Equal(t, 106, n)
	assert.Len(t, in, 1)

	_, err = InProcess(t.Context(), graph, dag.Values{"city": "oslo", "cities": 3})
	assert.ErrorContains(t, err, `a value is given for the input "city", which job "all" does not have`)
	assert.ErrorContains(t, err, `the value given for the input "cities" of job "all" is a int, not a []string`)
	_, err = InProcess(t.Context(), graph, dag.Values{})
	assert.ErrorContains(t, err, "inputs.cities: missing")
	res, err = InProcess(t.Context(), graph, nil, WithConfig(document(t, "inputs: {cities: [x, y, z], times: {by: 4}}")))
	require.NoError(t, err)
	assert.Equal(t, 12, res.Output()["total"])
	zero := dag.Graph[dag.Values, dag.Values]{}
	_, err = InProcess(t.Context(), zero, nil)
	assert.ErrorContains(t, err, "the zero value")
	_, err = plan.NewCatalog(b.defs.With(zero.Job(dag.JobOptions{}).With(dag.JobOptions{Key: "x"})))
	assert.ErrorContains(t, err, "the zero value")
}

// One graph, several jobs: they share what is the same work, and differ in what is said of each.
func TestOneGraphSeveralJobs(t *testing.T) {
	b := newBuilt(t)
	graph := b.all(t, "all")
	plain := graph.Job(dag.JobOptions{Inputs: map[string]any{"cities": []string{"oslo", "bergen"}}})
	doubled := graph.Job(dag.JobOptions{Key: "doubled", Description: "Doubles.", Config: "inputs: {times: {by: 2}, cities: [oslo, bergen]}", Executor: InProcessExecutor, Tags: map[string]string{"team": "north", "a": "b"}})
	tripled := doubled.With(dag.JobOptions{Key: "tripled", Inputs: map[string]any{"times": scale{3}}, Config: "ops: {one: {ops: {fit: {}}}}", Tags: map[string]string{"team": "south"}})
	b.offer(plain, doubled, tripled)
	assert.Equal(t, []any{110, []int{4, 106}}, returned(t, b.ok("all")))
	res := b.ok("doubled")
	assert.Equal(t, []string{"times"}, fresh(res))
	assert.Equal(t, []any{220, []int{4, 106}}, returned(t, res))
	assert.Equal(t, map[string]string{"team": "south", "a": "b"}, tripled.Def.Tags)
	assert.Equal(t, "north", doubled.Def.Tags["team"], "the other job is as it was")
	assert.Equal(t, "Doubles.", tripled.Def.Description)
	assert.Contains(t, res.Run.Config, "by: 2")

	// what a run is given is on top: a value of config, or an input
	b.opts.Config = document(t, "inputs: {times: {by: 7}}")
	assert.Equal(t, []any{770, []int{4, 106}}, returned(t, b.ok("doubled")))
	b.opts.Config = document(t, "inputs: {cities: [x]}")
	assert.Equal(t, []any{1, []int{1}}, returned(t, b.ok("all")))
	assert.Equal(t, []any{2, []int{1}}, returned(t, b.ok("doubled")))
	b.opts.Config, b.opts.Inputs = nil, map[string]any{"cities": []string{"xy"}}
	assert.Equal(t, []any{2, []int{2}}, returned(t, b.ok("all")))
	assert.Equal(t, []any{4, []int{2}}, returned(t, b.ok("doubled")))
	b.opts.Inputs = nil
	assert.Equal(t, "in_process", func() string {
		o, _ := prepare(t.Context(), b.catalog(), "doubled", &Options{})
		return o.asked.executor
	}())

	for _, wrong := range []struct {
		o    dag.JobOptions
		want string
	}{
		{dag.JobOptions{Inputs: map[string]any{"citys": 1}}, `job "all" has a value for the input "citys", and no such parameter`},
		{dag.JobOptions{Inputs: map[string]any{"cities": 1}}, `the value given for the input "cities" of job "all" is a int, not a []string`},
		{dag.JobOptions{Inputs: map[string]any{"times": 1}}, `the value that job "all" has for the input "times" is a int, not a `},
		{dag.JobOptions{Config: "ops: ["}, "config of job all:1:"},
		{dag.JobOptions{Config: "inputs: {citis: [x]}"}, `config of job all:1:10: inputs.citis: unknown parameter; did you mean "cities"?`},
		{dag.JobOptions{Executor: "multy", Config: "inputs: {cities: [x]}"}, `job "all" has the executor "multy"; there is `},
		{dag.JobOptions{Resources: map[string]string{"db": "other"}}, `job "all" replaces the resource "db", which no package defines`},
	} {
		b.offer(graph.Job(wrong.o))
		cat, err := plan.NewCatalog(b.definitions())
		if err == nil {
			_, err = Run(t.Context(), cat, "all", b.options())
		}
		assert.ErrorContains(t, err, wrong.want)
	}
	b.offer(plain, graph.Job(dag.JobOptions{}))
	_, err := plan.NewCatalog(b.definitions())
	assert.ErrorContains(t, err, `two jobs have the key "all"; give one of them another: dag.JobOptions{Key: ...}`)
}

// A job has a resource in the place of another one: with its own config under the key that is asked for, and its own version.
func TestResourcesOfAJob(t *testing.T) {
	b := newBuilt(t)
	open := func(name string) func(context.Context, *dag.Call) (any, func(), error) {
		return func(_ context.Context, c *dag.Call) (any, func(), error) {
			if c.Config != nil {
				return fmt.Sprint(name, dag.ConfigOf[scale](c).By), nil, nil
			}
			return name, nil, nil
		}
	}
	b.resource(&dag.Resource{Key: "db", Type: textType}, open("db"))
	b.resource(&dag.Resource{Key: "test_db", Type: textType, Config: scaleConfig, Resources: []dag.ResourceUse{{Name: "db", Key: "base"}}}, open("test"))
	b.resource(&dag.Resource{Key: "base", Type: textType}, open("base"))
	b.resource(&dag.Resource{Key: "number", Type: intType}, open("number"))
	query := b.add(&dag.Op{Key: "query", Resources: []dag.ResourceUse{{Name: "db", Key: "db"}}, Outputs: []dag.Output{{Name: "result", Type: textType}}}, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = dag.ResourceOf[string](c, 0)
		return nil
	})
	g := dag.NewGraph("all")
	dag.Return(g, "", g.Add(b.handle(query)))
	graph, err := g.Build()
	require.NoError(t, err)
	test := graph.Job(dag.JobOptions{Key: "test", Resources: map[string]string{"db": "test_db"}, Config: "resources: {db: {config: {by: 3}}}"})
	b.offer(graph.Job(dag.JobOptions{}), test)
	for range 2 {
		assert.Equal(t, []any{"db"}, returned(t, b.ok("all")))
		assert.Equal(t, []any{"test3"}, returned(t, b.ok("test")))
	}
	assert.Empty(t, fresh(b.ok("test")), "each has its own records")
	b.code["Open_test_db"] = "another body"
	assert.Empty(t, fresh(b.ok("all")))
	p := b.plan("test")
	assert.Equal(t, "query=run", planned(p))
	assert.Contains(t, because(p, "query"), "resource db: ")
	assert.Contains(t, because(p, "query"), "Open_test_db")
	b.ok("test")
	b.opts.Config = document(t, "resources: {db: {config: {by: 4}}}")
	res := b.ok("test")
	assert.Equal(t, []any{"test4"}, returned(t, res))
	b.opts.Config = document(t, "resources: {db: {config: {buy: 4}}}")
	_, err = Run(t.Context(), b.catalog(), "test", b.options())
	assert.ErrorContains(t, err, "resources.db.config.buy")
	b.opts.Config = nil

	b.offer(graph.Job(dag.JobOptions{Resources: map[string]string{"db": "number", "dbs": "db", "base": "nothing"}}))
	_, err = plan.NewCatalog(b.definitions())
	assert.ErrorContains(t, err, `job "all" has the resource "number" in place of "db", but it is a int and not a string; make the types agree`)
	assert.ErrorContains(t, err, `job "all" replaces the resource "dbs", which no package defines; did you mean "db"?`)
	assert.ErrorContains(t, err, `job "all" has the resource "nothing" in place of "base", and no package defines it`)
	alerts := 0
	hook := &dag.Hook{Key: "alert", Symbol: pkg + ".Alert", Resources: []dag.ResourceUse{{Name: "db", Key: "db"}}, Invoke: func(_ context.Context, c *dag.Call) error {
		alerts++
		assert.Equal(t, "test5", c.Resources[0], "of the job")
		return nil
	}}
	b.offer(test.With(dag.JobOptions{Key: "told", Hooks: []*dag.Hook{hook}, Config: "resources: {db: {config: {by: 5}}}"}))
	b.ok("told")
	assert.Equal(t, 1, alerts)
	b.offer(test.With(dag.JobOptions{Key: "told", Hooks: []*dag.Hook{{Key: "alert", Resources: []dag.ResourceUse{{Name: "bell", Key: "bell"}}}}}))
	_, err = plan.NewCatalog(b.definitions())
	assert.ErrorContains(t, err, `hook "alert" of job "told" needs the resource "bell", which no package defines that was given`)
	b.offer(graph.Job(dag.JobOptions{Resources: map[string]string{"base": "test_db"}}))
	_, err = plan.NewCatalog(b.definitions())
	assert.ErrorContains(t, err, `job "all": resource "base" transitively depends on itself`)
}

// The ops of a graph may be of a package that the binary was not given: it has then no more of it than the job needs.
func TestOpsOfAnotherPackage(t *testing.T) {
	b := newBuilt(t, "oslo")
	b.asset("prices", nil, add(1))
	*b.defs = b.definitions()
	g := dag.NewGraph("all")
	dag.Return(g, "", call1[int](g, b.handle(b.sum), dag.ForEach(g, dag.Typed[[]string](g.Add(b.handle(b.names))), func(c dag.Value[string]) dag.Value[int] { return call1[int](g, b.handle(b.fit), c) })))
	graph, err := g.Build()
	require.NoError(t, err)
	own := newShop(t).definitions()
	own.Package = "example.com/own"
	cat, err := plan.NewCatalog(own.With(graph.Job(dag.JobOptions{})))
	require.NoError(t, err)
	var keys []string
	for _, op := range cat.Ops() {
		keys = append(keys, op.Key)
	}
	assert.Equal(t, "fit names sum", strings.Join(keys, " "), "no more than the job needs")
	assert.Empty(t, cat.Assets())
	res, err := Run(t.Context(), cat, "all", b.options())
	require.NoError(t, err)
	assert.Equal(t, []any{4}, returned(t, res))

	cat, err = plan.NewCatalog(own, *b.defs, own.With(graph.Job(dag.JobOptions{})))
	require.NoError(t, err, "a package may be given twice")
	assert.Len(t, cat.Jobs(), 1)
	assert.Len(t, cat.Assets(), 1)
	_, err = ResolveConfig(cat, "all", "", document(t, "inputs: {x: 1}"), nil)
	var problems runconfig.Problems
	assert.ErrorAs(t, err, &problems)
}
