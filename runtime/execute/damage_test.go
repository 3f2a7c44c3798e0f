package execute

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// hurt damages the stored outputs of an asset: bytes in the database, or files.
func (w *world) hurt(asset string) {
	w.t.Helper()
	records, err := w.inst.Store().AssetRecords(w.t.Context(), asset, 100)
	require.NoError(w.t, err)
	require.NotEmpty(w.t, records)
	for i := range records {
		for _, o := range records[i].Outputs {
			if o.Inline {
				w.hurtInline(o.Blob)
			} else {
				w.hurtFile(o.Blob)
			}
		}
	}
}

func (w *world) hurtInline(d canon.Digest) {
	db, err := sql.Open("sqlite3", filepath.Join(w.inst.Dir(), "dagstergen.db")+"?_busy_timeout=5000")
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, db.Close()) }()
	res, err := db.Exec("UPDATE blob SET data = X'5a5a', coding = 0 WHERE digest = ?", d[:])
	require.NoError(w.t, err)
	n, err := res.RowsAffected()
	require.NoError(w.t, err)
	require.Equal(w.t, int64(1), n)
}

func (w *world) hurtFile(d canon.Digest) {
	hit := false
	require.NoError(w.t, filepath.WalkDir(filepath.Join(w.inst.Dir(), "objects"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(e.Name(), d.Hex()) {
			hit = true
			require.NoError(w.t, os.Chmod(path, 0o600))
			return os.Truncate(path, 10)
		}
		return err
	}))
	require.True(w.t, hit, "no file for %s", d)
}

// watch collects warnings.
func (w *world) watch() (warnings func() []string) {
	var mu sync.Mutex
	var seen []string
	w.opts.Observe = func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		if p.Kind == ProgressWarning {
			seen = append(seen, p.Message)
		}
		if p.Kind != ProgressPlanned {
			assert.LessOrEqual(w.t, p.Done()+p.Running, p.Total)
		}
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		s := seen
		seen = nil
		return s
	}
}

// bigAsset gives more than fits beside a record; what it depends on is all in its values.
func bigAsset(w *world, key string, from ...string) *dag.Op {
	op := w.asset(key, from, nil)
	op.Outputs[0].Type = listType
	op.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called(key)
		xs := make([]int, 20_000)
		for i := range xs {
			xs[i] = i*i*7919 + len(c.In)
		}
		c.Out[0] = xs
		return nil
	}
	return op
}

func sumOf(w *world, key, from string) *dag.Op {
	op := w.asset(key, nil, nil)
	op.Inputs = []dag.Input{{Name: "xs", Asset: from, Type: listType}}
	op.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called(key)
		sum := 0
		for _, x := range dag.In[[]int](c, 0) {
			sum += x
		}
		c.Out[0] = sum
		return nil
	}
	return op
}

// A damaged file is seen by the plan: its step runs, nothing else, and the store is healed.
func TestDamagedFileIsPlanned(t *testing.T) { // V51
	w := newWorld(t)
	bigAsset(w, "big")
	sumOf(w, "sum", "big")
	w.asset("below", []string{"sum"}, add(1))
	want := w.value(w.ok(""), "below")
	w.takeCalls()
	w.hurt("big")
	p := w.plan("")
	assert.Equal(t, "big=run sum=maybe below=maybe", planned(p))
	assert.Contains(t, because(p, "big"), "stored output result cannot be used")
	assert.Contains(t, because(p, "big"), filepath.Join(w.inst.Dir(), "objects"), "the file is named")
	res := w.ok("")
	assert.Equal(t, "big=run sum=reuse below=reuse", actions(res))
	assert.Equal(t, "big=1", w.takeCalls())
	assert.Equal(t, want, w.value(res, "below"))
	assert.Len(t, w.value(res, "big"), 20_000)
	assert.Equal(t, "big=reuse sum=reuse below=reuse", actions(w.ok("")))
}

// Damage that only shows when the output is loaded: its step runs in the middle of the run, once, with a warning.
func TestDamageIsFoundWhenLoading(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		t.Run(executor, func(t *testing.T) {
			w := newWorld(t)
			w.opts.Executor = executor
			warnings := w.watch()
			w.asset("top", nil, add(1))
			w.asset("a", []string{"top"}, add(10))
			for i := range 8 {
				w.asset(fmt.Sprintf("user%d", i), []string{"a"}, add(i))
			}
			w.asset("other", []string{"a"}, add(100))
			w.ok("")
			w.takeCalls()
			w.hurt("a")
			for i := range 8 {
				w.code[fmt.Sprintf("user%d", i)] = fmt.Sprint("edited user", i)
			}
			res := w.ok("")
			assert.Equal(t, "a=1 user0=1 user1=1 user2=1 user3=1 user4=1 user5=1 user6=1 user7=1", w.takeCalls(), "however many need it")
			assert.Equal(t, ActionRun, res.Step("a").Action)
			assert.Equal(t, ActionReuse, res.Step("other").Action)
			assert.Equal(t, 18, w.value(res, "user7"))
			said := warnings()
			require.Len(t, said, 1)
			assert.Contains(t, said[0], "stored output result")
			assert.Contains(t, said[0], "computing step a again")
			w.ok("")
			assert.Empty(t, w.takeCalls(), "healed")
			assert.Equal(t, 11, w.value(res, "a"))
		})
	}
}

// The whole chain above may be damaged; each step of it runs once.
func TestDamagedChain(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, add(1))
	w.asset("c", []string{"b", "a"}, add(1))
	w.asset("d", []string{"c"}, add(1))
	w.ok("")
	w.takeCalls()
	for _, k := range []string{"a", "b", "c"} {
		w.hurt(k)
	}
	w.code["d"] = "edited"
	res := w.ok("")
	assert.Equal(t, "a=1 b=1 c=1 d=1", w.takeCalls())
	assert.Equal(t, 5, w.value(res, "d"))
	w.ok("")
	assert.Empty(t, w.takeCalls())
}

func TestDamageAboveTheSelection(t *testing.T) {
	w := newWorld(t)
	warnings := w.watch()
	w.source("s", func() (any, error) { return dag.DataVersion("1"), nil })
	w.asset("a", nil, add(1)).Deps = []string{"s"}
	w.asset("b", []string{"a"}, add(1))
	w.asset("c", []string{"b"}, add(1))
	w.ok("")
	w.takeCalls()
	w.hurt("a")
	w.hurt("b")
	w.code["c"], w.opts.Select = "edited", "c"
	res := w.ok("")
	assert.Equal(t, "c=run", actions(res))
	assert.Equal(t, 3, w.value(res, "c"))
	assert.Equal(t, "a=1 b=1 c=1 s=1", w.takeCalls(), "what was not selected runs only to restore what is needed")
	assert.Len(t, warnings(), 2)
	w.opts.Select = ""
	assert.Equal(t, "s=reuse a=reuse b=reuse c=reuse", actions(w.ok("")))
}

func TestDamageThatCannotBeMended(t *testing.T) {
	w := newWorld(t)
	a := w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, add(1))
	w.asset("c", nil, add(1))
	w.ok("")
	w.hurt("a")
	a.Invoke = failing(errBoom)
	w.code["b"] = "edited"
	res := w.run("")
	assert.Equal(t, "a=failure c=reuse b=skip", actions(res))
	require.ErrorIs(t, res.Err(), errBoom)
	assert.Equal(t, "a", res.Step("b").Because)

	a.Invoke = ints(add(1))
	assert.Equal(t, 2, w.value(w.ok(""), "b"))
}

func TestDamageIsFoundWhenReadingAResult(t *testing.T) {
	w := newWorld(t)
	w.asset("top", nil, add(1))
	a := w.asset("a", []string{"top"}, add(1))
	w.ok("")
	res := w.ok("")
	w.takeCalls()
	w.hurt("a")
	w.hurt("top")
	assert.Equal(t, 2, w.value(res, "a"))
	assert.Equal(t, "a=1 top=1", w.takeCalls())
	assert.Equal(t, 2, w.value(w.ok(""), "a"))
	assert.Empty(t, w.takeCalls())

	w.hurt("a")
	a.Invoke = failing(errBoom)
	_, err := res.Output(t.Context(), "a", "")
	require.ErrorIs(t, err, errBoom)
	require.ErrorContains(t, err, "stored output is damaged")
}

// A record that another run has written in place of the damaged one is taken.
func TestDamageMendedByAnotherRun(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	b := w.asset("b", []string{"a"}, add(1))
	w.asset("c", []string{"a", "b"}, add(1))
	w.ok("")
	w.code["b"], w.code["c"] = "edited b", "edited c"
	other := newWorld(t)
	other.asset("a", nil, add(1))
	require.NoError(t, other.inst.Close())
	other.inst = openInstance(t, w.inst.Dir())
	b.Invoke = func(_ context.Context, c *dag.Call) error {
		w.hurt("a")
		other.opts.NoMemo = true
		assert.Equal(t, "a=run", actions(other.ok("")))
		c.Out[0] = 2
		return nil
	}
	w.takeCalls()
	assert.Equal(t, 4, w.value(w.ok(""), "c"))
	assert.Equal(t, "c=1", w.takeCalls())
}

// Two records of the same work share what they stored. Where that is lost, the newer one must not be believed again and again.
func TestDamageOfWhatTwoRecordsShare(t *testing.T) {
	w := newWorld(t)
	one := w.op("one", nil, func([]int) int { return 5 })
	f := w.op("f", []string{"x"}, add(1))
	g := w.op("g", []string{"x"}, add(10))
	w.job("j", []dag.Node{
		{Key: "one", Op: one},
		{Key: "a", Op: f, Inputs: []dag.Binding{value(5)}},
		{Key: "b", Op: f, Inputs: []dag.Binding{from(0)}},
		{Key: "g", Op: g, Inputs: []dag.Binding{from(1)}},
	})
	w.opts.Executor = InProcessExecutor
	assert.Equal(t, "one=run a=run b=reuse g=run", actions(w.ok("j")))
	latest, err := w.inst.Store().Latest(t.Context(), []string{"op:j/a"})
	require.NoError(t, err)
	w.hurtInline(latest["op:j/a"].Outputs[0].Blob)
	w.code["g"] = "another body"
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	res, err := Run(ctx, w.catalog(), "j", w.options())
	require.NoError(t, err)
	require.NoError(t, res.Err())
	assert.Equal(t, "one=reuse a=run b=reuse g=run", actions(res))
	assert.Equal(t, 16, w.value(res, "g"))
}

// A loop that is expanded while something its steps take is computed again, for its stored output is lost: they wait for that like everything else.
func TestLoopThatGrowsWhileAnInputIsRestored(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	c.opts.MaxConcurrent = 4
	restoring, expanded := make(chan struct{}), make(chan struct{})
	first := true
	base := c.add(&dag.Op{Key: "base", Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, call *dag.Call) error {
		if call.Out[0] = 7; !first {
			close(restoring)
			<-expanded
		}
		return nil
	})
	names := c.add(&dag.Op{Key: "late", Volatile: true, Outputs: []dag.Output{{Name: "result", Type: textsType}}}, func(_ context.Context, call *dag.Call) error {
		if call.Out[0] = c.list; !first {
			<-restoring
		}
		return nil
	})
	begun := c.add(&dag.Op{Key: "begun", Volatile: true, Inputs: []dag.Input{{Name: "city", Type: textType}}}, func(_ context.Context, call *dag.Call) error {
		if !first && dag.In[string](call, 0) == c.list[0] {
			close(expanded)
		}
		return nil
	})
	plus := c.add(&dag.Op{
		Key: "plus", Volatile: true, Inputs: []dag.Input{{Name: "city", Type: textType}, {Name: "n", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: intType}},
	}, func(_ context.Context, call *dag.Call) error {
		call.Out[0] = len(dag.In[string](call, 0)) + dag.In[int](call, 1)
		return nil
	})
	reader := c.op("reader", []string{"n"}, add(1))
	reader.Volatile = true
	// b := base(); reader(b); for _, c := range late() { begun(c); all = append(all, plus(c, b)) }
	c.jobOf("all", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "base", Op: base},
			{Key: "reader", Op: reader, Inputs: []dag.Binding{from(0)}},
			{Key: "late", Op: names},
			{Key: "for city", Map: &dag.Map{Over: from(2), Body: []int{4, 5}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(3, 0), from(5))}}}},
			{Key: "begun", Op: begun, Inputs: []dag.Binding{elem(3, textType)}},
			{Key: "plus", Op: plus, Inputs: []dag.Binding{elem(3, textType), from(0)}},
		},
		Body:    []int{0, 1, 2, 3},
		Outputs: []dag.JobOutput{{Name: "all", Type: listType, From: output(3, 0)}},
	})
	res := c.ok("all")
	assert.Equal(t, []any{[]int{11, 14}}, returned(t, res))

	latest, err := c.inst.Store().Latest(t.Context(), []string{"op:all/base"})
	require.NoError(t, err)
	c.hurtInline(latest["op:all/base"].Outputs[0].Blob)
	first = false
	res = c.ok("all")
	assert.Equal(t, []any{[]int{11, 14}}, returned(t, res))
}

// A step that nothing lets go on must never be passed over: the run is no success.
func TestStrandedStepIsNoSuccess(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, add(1))
	res := w.ok("")
	b := res.Step("b").index
	res.run.engine.tasks.At(b).state = taskWaiting
	res.run.ctx = t.Context()
	again := newResult(res.run, nil)
	require.ErrorIs(t, again.Err().(*RunError).Reason, errStranded)
	assert.Equal(t, storage.RunFailure, again.Status)
}
