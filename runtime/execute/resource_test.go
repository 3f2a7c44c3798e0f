package execute

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// poolConfig is a config struct as user code has it.
type poolConfig struct {
	Size     int        `json:"size"`
	Password dag.Secret `json:"password"`
}

func poolSchema() *dag.Config {
	return &dag.Config{
		Symbol: pkg + ".Pool",
		Fields: []dag.Field{{Name: "size", Kind: dag.FieldInt, Bits: 64, Default: "1"}, {Name: "password", Kind: dag.FieldString, Secret: true, Default: `""`}},
		Decode: dag.DecodeConfig[poolConfig], Encode: dag.EncodeConfig[poolConfig],
	}
}

// ledger is what happened, in order.
type ledger struct {
	mu    sync.Mutex
	lines []string
}

func (l *ledger) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *ledger) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := strings.Join(l.lines, " ")
	l.lines = nil
	return s
}

// database is a package with two assets, one of which needs db, which needs pool; spare is needed by nobody.
func database(w *world, l *ledger) (b *dag.Op) {
	open := func(key string) func(context.Context, *dag.Call) (any, func(), error) {
		return func(ctx context.Context, c *dag.Call) (any, func(), error) {
			l.add("open-%s", key)
			dag.Log(ctx).Info("opening " + key)
			return key, func() { l.add("close-%s", key) }, nil
		}
	}
	w.resource(&dag.Resource{Key: "pool", Config: poolSchema()}, open("pool"))
	w.resource(&dag.Resource{Key: "db", Resources: []dag.ResourceUse{{Name: "pool", Key: "pool"}}}, open("db"))
	w.resource(&dag.Resource{Key: "spare"}, open("spare"))
	w.asset("a", nil, add(1))
	b = w.asset("b", []string{"a"}, nil)
	b.Resources = []dag.ResourceUse{{Name: "conn", Key: "db"}}
	b.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called("b")
		l.add("use-%s", dag.ResourceOf[string](c, 0))
		c.Out[0] = 2
		return nil
	}
	return b
}

func TestResources(t *testing.T) { // V13, V25, V47
	w := newWorld(t)
	l := &ledger{}
	b := database(w, l)
	res := w.ok("")
	assert.Equal(t, "open-pool open-db use-db close-db close-pool", l.take(), "only those needed, in order, and back in reverse")
	types := eventTypes(t, res, "")
	for _, typ := range []storage.EventType{storage.EventResourceInitStarted, storage.EventResourceInitSuccess, storage.EventLog} {
		assert.Contains(t, types, typ)
	}

	w.ok("")
	assert.Empty(t, l.take(), "a step that is reused needs no resource")

	w.opts.Config = document(t, "resources: {pool: {config: {size: 2}}}")
	assert.Equal(t, "a=reuse b=run", planned(w.plan("")))
	assert.Equal(t, "resource pool: config.size: 1 → 2", because(w.plan(""), "b"))
	assert.Empty(t, l.take(), "planning opens nothing that it does not need")
	w.ok("")
	l.take()

	w.opts.Config = document(t, "resources: {pool: {config: {size: 2, password: hunter2}}}")
	assert.Equal(t, "a=reuse b=reuse", planned(w.plan("")), "a secret is no part of a version")

	w.code["Open_pool"] = "other"
	assert.Equal(t, "a=reuse b=run", planned(w.plan("")))
	assert.Equal(t, "resource pool: func shop.Open_pool (shop.go) changed", because(w.plan(""), "b"))

	t.Run("cleaned up after a failure and a panic", func(t *testing.T) {
		b.Invoke = failing(errBoom)
		require.Error(t, w.run("").Err())
		assert.Equal(t, "open-pool open-db close-db close-pool", l.take())
		b.Invoke = func(context.Context, *dag.Call) error { panic("oh") }
		require.Error(t, w.run("").Err())
		assert.Equal(t, "open-pool open-db close-db close-pool", l.take())
	})
}

func TestResourceThatCannotBeBuilt(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	database(w, l)
	w.asset("c", []string{"b"}, add(1))
	w.asset("d", []string{"a"}, add(1))
	w.resources[1].Open = func(context.Context, *dag.Call) (any, func(), error) { return nil, nil, errBoom }
	res := w.run("")
	assert.Equal(t, "a=run b=failure d=run c=skip", actions(res))
	assert.EqualError(t, res.Step("b").Err, "step b: resource db: boom")
	var re *ResourceError
	require.ErrorAs(t, res.Err(), &re)
	require.ErrorIs(t, res.Err(), errBoom)
	assert.Equal(t, "open-pool close-pool", l.take())
	assert.Contains(t, eventTypes(t, res, ""), storage.EventResourceInitFailure)

	w.resources[1].Open = func(context.Context, *dag.Call) (any, func(), error) { explode("no db"); return nil, nil, nil }
	res = w.run("")
	assert.EqualError(t, res.Step("b").Err, "step b: resource db: panic: no db")
	assert.Contains(t, res.Step("b").Err.Stack, "execute.explode")
}

func TestCleanupThatPanics(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	database(w, l)
	w.resources[1].Open = func(context.Context, *dag.Call) (any, func(), error) { return "db", func() { panic("stuck") }, nil }
	var warnings []string
	w.opts.Observe = func(p Progress) {
		if p.Kind == ProgressWarning {
			warnings = append(warnings, p.Message)
		}
	}
	w.ok("")
	assert.Equal(t, "open-pool use-db close-pool", l.take(), "the others are cleaned up all the same")
	assert.Equal(t, []string{"cleaning up resource db: panic: stuck"}, warnings)
}

func TestReplacedResource(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	database(w, l)
	w.resources[1].Type = textType
	w.asset("c", []string{"b"}, add(1))
	w.ok("")
	l.take()
	w.opts.Resources = map[string]any{"db": "fake"}
	res := w.ok("")
	assert.Equal(t, "a=reuse b=run c=reuse", actions(res), "what is below has seen this data before")
	assert.Equal(t, "use-fake", l.take(), "what it takes is not opened either")
	assert.Equal(t, 2, w.value(res, "b"))
	assert.Equal(t, "a=reuse b=run c=reuse", actions(w.ok("")), "its step is not recorded")
	w.opts.Resources = nil
	assert.Equal(t, "a=reuse b=reuse c=reuse", actions(w.ok("")))

	w.opts.Resources = map[string]any{"db": 7, "dbb": "x"}
	_, err := Run(t.Context(), w.catalog(), "", w.options())
	assert.EqualError(t, err, "the value given for the resource \"db\" is a int, not a string\na value is given for the resource \"dbb\", which no package defines")
}

// A resource is built once, however many steps need it first.
func TestResourceIsBuiltOnce(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	w.opts.MaxConcurrent = 8
	w.resource(&dag.Resource{Key: "db"}, func(context.Context, *dag.Call) (any, func(), error) {
		l.add("open")
		return 1, func() { l.add("close") }, nil
	})
	for i := range 40 {
		w.asset(fmt.Sprintf("a%d", i), nil, add(i)).Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
	}
	w.ok("")
	assert.Equal(t, "open close", l.take())
}

func TestConfigOfOps(t *testing.T) {
	w := newWorld(t)
	a := w.asset("a", nil, nil)
	a.Config = poolSchema()
	a.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called("a")
		c.Out[0] = dag.ConfigOf[poolConfig](c).Size * 10
		return nil
	}
	w.asset("b", []string{"a"}, add(1))
	assert.Equal(t, 11, w.value(w.ok(""), "b"))
	w.opts.Config = document(t, "ops: {a: {config: {size: 3}}}")
	assert.Equal(t, "config.size: 1 → 3", because(w.plan(""), "a"))
	res := w.ok("")
	assert.Equal(t, 31, w.value(res, "b"))
	row, err := w.inst.Store().Run(t.Context(), res.RunID)
	require.NoError(t, err)
	assert.Contains(t, row.Config, "size: 3")

	w.opts.Config = document(t, "ops: {a: {config: {size: three}}}")
	_, err = Run(t.Context(), w.catalog(), "", w.options())
	require.ErrorContains(t, err, "ops.a.config.size")
	assert.Equal(t, 2, ExitCode(nil, err))
	_, err = Plan(t.Context(), w.catalog(), "", w.options())
	require.ErrorContains(t, err, "ops.a.config.size")
}

// A job's body passes a config value that run config overlays, and a parameter that both can give.
func TestConfigOfJobs(t *testing.T) {
	w := newWorld(t)
	f := w.op("f", []string{"x"}, nil)
	f.Config = poolSchema()
	f.Invoke = func(_ context.Context, c *dag.Call) error {
		c.Out[0] = dag.ConfigOf[poolConfig](c).Size*100 + dag.In[int](c, 0)
		return nil
	}
	five, par := value(poolConfig{Size: 5}), param(1)
	j := w.job("j", []dag.Node{
		{Key: "f", Op: f, Inputs: []dag.Binding{param(0)}, Config: &five},
		{Key: "f_2", Op: f, Inputs: []dag.Binding{value(2)}, Config: &par},
	}, 0, 1)
	j.Params = []dag.JobParam{{Name: "x", Type: intType}, {Name: "settings", Type: dag.TypeOf[poolConfig]("shop.Pool"), Config: f.Config}}
	values := func() []any { r := w.ok("j"); return []any{w.value(r, "f"), w.value(r, "f_2")} }

	w.opts.Config = document(t, "inputs: {x: 1}")
	assert.Equal(t, []any{501, 102}, values())
	w.opts.Config = document(t, "inputs: {x: 1, settings: {size: 7}}\nops: {f: {config: {size: 6}}}")
	assert.Equal(t, []any{601, 702}, values())
	w.opts.Config = document(t, "inputs: {x: 1}\nops: {f_2: {config: {size: 8}}}")
	assert.Equal(t, []any{501, 802}, values())
	w.opts.Inputs = map[string]any{"x": 3, "settings": poolConfig{Size: 9}}
	w.opts.Config = nil
	assert.Equal(t, []any{503, 902}, values())

	w.opts.Inputs = map[string]any{"x": "three", "y": 1}
	_, err := Run(t.Context(), w.catalog(), "j", w.options())
	assert.EqualError(t, err, "the value given for the input \"x\" of job \"j\" is a string, not a int\na value is given for the input \"y\", which job \"j\" does not have")
	w.opts.Inputs = map[string]any{"x": 1}
	w.asset("a", nil, add(1))
	_, err = Run(t.Context(), w.catalog(), "", w.options())
	assert.ErrorContains(t, err, "assets take none")
}

func TestUnknownExecutor(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.opts.Executor = "celery"
	_, err := Run(t.Context(), w.catalog(), "", w.options())
	assert.EqualError(t, err, `no executor "celery"; there is in_process, multi, multiprocess, odd, own, own_far, own_ref`)
	w.opts.Executor = ""
	w.opts.Config = document(t, "execution: {config: {celery: {}}}")
	_, err = Run(t.Context(), w.catalog(), "", w.options())
	require.ErrorContains(t, err, "celery")
	w.opts.Config = document(t, "execution: {config: {in_process: {}}}")
	w.ok("")
}

// Resources are cleaned up in reverse after a cancel too, and only when nobody uses them any more.
func TestResourcesAfterACancel(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		t.Run(executor, func(t *testing.T) {
			w := newWorld(t)
			l := &ledger{}
			b := database(w, l)
			w.opts.Executor = executor
			ctx, cancel := context.WithCancel(t.Context())
			b.Invoke = func(ctx context.Context, _ *dag.Call) error {
				l.add("use-db")
				cancel()
				<-ctx.Done()
				time.Sleep(20 * time.Millisecond) // what it does to stop
				l.add("stopped")
				return ctx.Err()
			}
			res, err := Run(ctx, w.catalog(), "", w.options())
			require.NoError(t, err)
			assert.Equal(t, storage.RunCanceled, res.Status)
			assert.Equal(t, "open-pool open-db use-db stopped close-db close-pool", l.take())
		})
	}
}

// A run that is canceled while a resource is being built cleans up what was built before it.
func TestCancelWhileAResourceIsBuilt(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	database(w, l)
	ctx, cancel := context.WithCancel(t.Context())
	w.resources[1].Open = func(ctx context.Context, _ *dag.Call) (any, func(), error) {
		l.add("opening-db")
		cancel()
		<-ctx.Done()
		return nil, nil, ctx.Err()
	}
	res, err := Run(ctx, w.catalog(), "", w.options())
	require.NoError(t, err)
	assert.Equal(t, storage.RunCanceled, res.Status)
	assert.Equal(t, "open-pool opening-db close-pool", l.take())
}

// Three layers, built by steps that run side by side: what a resource takes is built before it and cleaned up after it, whoever needs it first. (Two that
// are built at one moment have no order of their own.)
func TestNestedResourcesSideBySide(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	w.opts.MaxConcurrent = 8
	layer := func(key string, takes ...string) {
		res := &dag.Resource{Key: key}
		for _, k := range takes {
			res.Resources = append(res.Resources, dag.ResourceUse{Name: k, Key: k})
		}
		w.resource(res, func(_ context.Context, c *dag.Call) (any, func(), error) {
			for i, k := range takes {
				if dag.ResourceOf[string](c, i) != k {
					return nil, nil, fmt.Errorf("got %v for %s", c.Resources[i], k)
				}
			}
			l.add("+%s", key)
			return key, func() { l.add("-%s", key) }, nil
		})
	}
	layer("net")
	layer("auth", "net")
	layer("store", "auth", "net")
	layer("queue", "auth")
	layer("both", "store", "queue")
	for i, key := range []string{"both", "queue", "store", "auth", "net", "both", "store", "queue"} {
		w.asset(fmt.Sprintf("a%d", i), nil, add(i)).Resources = []dag.ResourceUse{{Name: "r", Key: key}}
	}
	for range 20 {
		require.NoError(t, w.run("").Err())
		w.opts.NoMemo = true
		lines := strings.Fields(l.take())
		require.Len(t, lines, 10)
		at := map[string]int{}
		for i, line := range lines {
			at[line] = i
		}
		for _, pair := range [][2]string{{"net", "auth"}, {"net", "store"}, {"auth", "store"}, {"auth", "queue"}, {"store", "both"}, {"queue", "both"}} {
			require.Less(t, at["+"+pair[0]], at["+"+pair[1]], lines)
			require.Greater(t, at["-"+pair[0]], at["-"+pair[1]], lines)
		}
	}
}

// What a resource fails with says which one it was, in the step, in the event and for errors.As, also where another needed it.
func TestErrorsOfNestedResources(t *testing.T) {
	w := newWorld(t)
	l := &ledger{}
	database(w, l)
	w.resources[0].Open = func(context.Context, *dag.Call) (any, func(), error) { return nil, nil, errBoom }
	res := w.run("")
	var re *ResourceError
	require.ErrorAs(t, res.Err(), &re)
	assert.Equal(t, "pool", re.Resource)
	var uc *dag.UserCodeError
	require.ErrorAs(t, res.Err(), &uc)
	assert.Equal(t, []string{"resource", "pool", "boom"}, []string{uc.Where, uc.Name, uc.Err.Error()})
	assert.EqualError(t, res.Step("b").Err, "step b: resource pool: boom")
	assert.Empty(t, l.take(), "db is not tried")
	var said []string
	events, err := res.Events(t.Context())
	require.NoError(t, err)
	for _, e := range events {
		if strings.HasPrefix(string(e.Type), "RESOURCE_") {
			said = append(said, string(e.Type)+" "+e.Message)
		}
	}
	assert.Equal(t, []string{"RESOURCE_INIT_STARTED building resource pool", "RESOURCE_INIT_FAILURE resource pool: boom"}, said)
}
