package execute

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// ordered notes the order in which steps were computed.
type ordered struct {
	mu   sync.Mutex
	keys []string
}

func (o *ordered) op(s *shop, key string, in []string, tags map[string]string) *dag.Op {
	op := s.op(key, in, func([]int) int {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.keys = append(o.keys, key)
		return 1
	})
	op.Tags = tags
	return op
}

func priority(text string) map[string]string { return map[string]string{PriorityTag: text} }

func TestPriority(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		s := newShop(t)
		o := &ordered{}
		low, plain := o.op(s, "low", nil, priority("-1")), o.op(s, "plain", nil, nil)
		high, below := o.op(s, "high", nil, priority("5")), o.op(s, "below", []string{"x"}, priority("100"))
		top := o.op(s, "top", nil, priority("2147483647"))
		s.job("j", []dag.Node{
			{Key: "low", Op: low}, {Key: "plain", Op: plain}, {Key: "high", Op: high}, {Key: "below", Op: below, Inputs: []dag.Binding{from(0)}}, {Key: "top", Op: top}, {Key: "high_2", Op: high},
		})
		res, err := Run(t.Context(), s.catalog(), "j", Options{Executor: executor, MaxConcurrent: 1})
		require.NoError(t, err)
		require.NoError(t, res.Err())
		// high_2 is the same work as high, and is not computed.
		assert.Equal(t, "top high plain low below", strings.Join(o.keys, " "), "%s: the higher the sooner, else plan order, among those that are ready", executor)
	}
}

func TestPriorityThatIsNone(t *testing.T) {
	s := newShop(t)
	a, b := s.op("a", nil, add(1)), s.op("b", nil, add(1))
	a.Tags, b.Tags = priority("high"), priority("1.5")
	s.job("j", []dag.Node{{Key: "a", Op: a}, {Key: "b", Op: b}, {Key: "a_2", Op: a}})
	_, err := Run(t.Context(), s.catalog(), "j", Options{})
	assert.EqualError(t, err, `op "a" has the tag dagster/priority:high, and a priority is a whole number: the higher, the sooner, such as 5 or -1`+
		"\n"+`op "b" has the tag dagster/priority:1.5, and a priority is a whole number: the higher, the sooner, such as 5 or -1`)
	assert.Empty(t, s.takeCalls())
}

// crowd counts how many steps with each tag are at work.
type crowd struct {
	mu   sync.Mutex
	now  map[string]int
	most map[string]int
}

func newCrowd() *crowd { return &crowd{now: map[string]int{}, most: map[string]int{}} }

func (c *crowd) count(names []string, by int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range names {
		c.now[n] += by
		c.most[n] = max(c.most[n], c.now[n])
	}
}

func namesOf(tags map[string]string) []string {
	names := []string{"all"}
	for k, v := range tags {
		names = append(names, k, k+":"+v)
	}
	return names
}

// Limits hold whatever steps are tagged with, and no run gets stuck.
func TestTagLimitsAtRandom(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s, c := newShop(t), newCrowd()
		var nodes []dag.Node
		for i := range 40 {
			tags := map[string]string{}
			for _, k := range []string{"db", "gpu", "host"} {
				if rng.IntN(2) == 0 {
					tags[k] = string(rune('a' + rng.IntN(3)))
				}
			}
			if rng.IntN(5) == 0 {
				tags[PriorityTag] = fmt.Sprint(rng.IntN(5) - 2)
			}
			key := fmt.Sprintf("s%d", i)
			var in []string
			var bound []dag.Binding
			for j := range nodes {
				if rng.IntN(20) == 0 {
					in, bound = append(in, fmt.Sprintf("x%d", j)), append(bound, from(j))
				}
			}
			nap := time.Duration(rng.IntN(3)) * 50 * time.Microsecond
			op := s.op(key, in, func([]int) int {
				c.count(namesOf(tags), 1)
				time.Sleep(nap)
				c.count(namesOf(tags), -1)
				return i
			})
			op.Tags = tags
			nodes = append(nodes, dag.Node{Key: key, Op: op, Inputs: bound})
		}
		s.job("j", nodes)
		text := `execution: {config: {multi: {max_concurrent: 16, tag_concurrency_limits: [
			{key: db, limit: 3}, {key: db, value: a, limit: 1}, {key: gpu, limit: 2}, {key: host, limit: 1, value: {applyLimitPerUniqueValue: true}}]}}}`
		res, err := Run(t.Context(), s.catalog(), "j", Options{Config: document(t, text)})
		require.NoError(t, err)
		require.NoError(t, res.Err(), "seed %d", seed)
		for name, limit := range map[string]int{"db": 3, "db:a": 1, "gpu": 2, "host:a": 1, "host:b": 1, "host:c": 1, "all": 16} {
			assert.LessOrEqual(t, c.most[name], limit, "seed %d: %s", seed, name)
		}
	}
}

// As many as a limit allows do run at once, and who is held back does not keep a worker from others.
func TestTagLimitsAreReached(t *testing.T) {
	s := newShop(t)
	var db, other sync.WaitGroup
	db.Add(2)
	other.Add(2)
	meet := func(wg *sync.WaitGroup) func([]int) int {
		return func([]int) int { wg.Done(); wg.Wait(); return 1 }
	}
	var nodes []dag.Node
	for i := range 2 {
		op := s.op(fmt.Sprintf("db%d", i), nil, func(in []int) int { other.Wait(); return meet(&db)(in) })
		op.Tags = map[string]string{"db": ""}
		nodes = append(nodes, dag.Node{Key: op.Key, Op: op})
	}
	for i := range 20 { // held back until the first two are done
		op := s.op(fmt.Sprintf("late%d", i), nil, add(i))
		op.Tags = map[string]string{"db": ""}
		nodes = append(nodes, dag.Node{Key: op.Key, Op: op})
	}
	for i := range 2 {
		op := s.op(fmt.Sprintf("other%d", i), nil, meet(&other))
		nodes = append(nodes, dag.Node{Key: op.Key, Op: op})
	}
	s.job("j", nodes)
	res, err := Run(t.Context(), s.catalog(), "j", Options{Config: document(t, "execution: {config: {multi: {max_concurrent: 4, tag_concurrency_limits: [{key: db, limit: 2}]}}}")})
	require.NoError(t, err)
	assert.NoError(t, res.Err())
}

// schedules is an engine over steps that wait for nothing.
func schedules(t *testing.T, n int, limits ...runconfig.TagLimit) *engine {
	s := newShop(t)
	var nodes []dag.Node
	for i := range n {
		op := s.op(fmt.Sprintf("s%d", i), nil, add(i))
		op.Tags = map[string]string{"all": ""}
		nodes = append(nodes, dag.Node{Key: op.Key, Op: op})
	}
	s.job("j", nodes)
	r, err := planRun(t.Context(), s.catalog(), "j", &Options{})
	require.NoError(t, err)
	r.ctx = t.Context()
	r.asked.limits = limits
	return newEngine(r)
}

func TestPostponed(t *testing.T) {
	e := schedules(t, 2, runconfig.TagLimit{Key: "all", Limit: 1})
	v, ok := e.next()
	require.True(t, ok)
	began := time.Now()
	e.postpone(v, 30*time.Millisecond)
	w, ok := e.next()
	require.True(t, ok, "the limit is free meanwhile")
	assert.NotEqual(t, v, w)
	e.settle(w, taskDone)
	again, ok := e.next()
	require.True(t, ok, "a postponed task is waited for")
	assert.Equal(t, v, again)
	assert.GreaterOrEqual(t, time.Since(began), 30*time.Millisecond)
	e.settle(v, taskDone)
	_, ok = e.next()
	assert.False(t, ok)
}

func TestPostponedAndStopped(t *testing.T) {
	e := schedules(t, 1)
	v, _ := e.next()
	e.postpone(v, time.Hour)
	ended := make(chan bool)
	go func() { _, ok := e.next(); ended <- ok }()
	e.halt()
	assert.False(t, <-ended)
	assert.Equal(t, taskWaiting, e.tasks.At(int(v)).state, "it has not run")
	e.rouse(v)
	assert.Equal(t, taskWaiting, e.tasks.At(int(v)).state)
	assert.Empty(t, e.sleeping)

	e = schedules(t, 1)
	v, _ = e.next()
	e.halt()
	e.postpone(v, time.Hour)
	assert.Empty(t, e.sleeping, "a run that ends waits for nothing")
	assert.Equal(t, taskWaiting, e.tasks.At(int(v)).state)
}

func TestRoused(t *testing.T) {
	e := schedules(t, 1)
	v, _ := e.next()
	e.postpone(v, time.Hour)
	e.rouse(v)
	again, ok := e.next()
	assert.True(t, ok)
	assert.Equal(t, v, again)
}

func TestRetryModeIsResolved(t *testing.T) {
	s := newShop(t)
	s.job("j", []dag.Node{{Key: "a", Op: s.op("a", nil, add(1))}})
	for text, want := range map[string]RetryMode{
		"": RetryEnabled, "execution: {config: {in_process: {retries: {disabled: {}}}}}": RetryDisabled, "execution: {config: {multi: {retries: {enabled: {}}}}}": RetryEnabled,
	} {
		r, err := prepare(t.Context(), s.catalog(), "j", &Options{Config: document(t, text)})
		require.NoError(t, err)
		assert.Equal(t, want, r.asked.retries)
		assert.Contains(t, []string{"enabled", "disabled"}, r.asked.retries.String())
	}
	assert.Equal(t, "deferred", RetryDeferred.String())
}

// A loop may hold steps that go before all others.
func TestPriorityInALoop(t *testing.T) {
	s := newShop(t)
	o := &ordered{}
	list := s.add(&dag.Op{Key: "list", Outputs: []dag.Output{{Name: "result", Type: listType}}}, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = []int{1, 2}
		return nil
	})
	list.Tags = priority("1")
	plain, each := o.op(s, "plain", nil, nil), o.op(s, "each", []string{"n"}, priority("3"))
	g := dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "plain", Op: plain}, {Key: "list", Op: list},
			{Key: "for n", Map: &dag.Map{Over: from(1), Body: []int{3}}},
			{Key: "each", Op: each, Inputs: []dag.Binding{{Kind: dag.FromElem, Node: 2, Type: intType}}},
		},
		Body: []int{0, 1, 2},
	}
	s.jobOf("j", g)
	res, err := Run(t.Context(), s.catalog(), "j", Options{Executor: InProcessExecutor})
	require.NoError(t, err)
	require.NoError(t, res.Err())
	assert.Equal(t, "each each plain", strings.Join(o.keys, " "))
}

// chains is a job of three chains, begin to end, whose steps give texts of a size, or bytes, which every step gets a copy of; all begins are ready at once. It returns where the order of the steps will be, by "chain.step".
func chains(s *shop, typ *dag.Type, size int, tags map[string]string) *ordered {
	o := &ordered{}
	var nodes []dag.Node
	add := func(key string, up int, tags map[string]string) {
		op := &dag.Op{Key: key, Outputs: []dag.Output{{Name: "result", Type: typ}}, Tags: tags}
		node := dag.Node{Key: key}
		if up >= 0 {
			op.Inputs = []dag.Input{{Name: "x", Type: typ}}
			node.Inputs = []dag.Binding{from(up)}
		}
		node.Op = s.add(op, func(_ context.Context, c *dag.Call) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.keys = append(o.keys, key)
			text := key + strings.Repeat("x", size)
			if c.Out[0] = text; typ != textType {
				c.Out[0] = []byte(text)
			}
			return nil
		})
		nodes = append(nodes, node)
	}
	for _, chain := range "abc" {
		add(string(chain)+"0", -1, nil)
	}
	for step := 1; step < 3; step++ {
		for i, chain := range "abc" {
			tags := tags
			if step != 1 || chain != 'a' {
				tags = nil
			}
			add(fmt.Sprintf("%c%d", chain, step), 3*(step-1)+i, tags)
		}
	}
	s.job("j", nodes)
	return o
}

// What large values wait for goes before what makes further ones.
func TestLargeValuesGoFirst(t *testing.T) {
	const first, across = "a0 a1 a2 b0 b1 b2 c0 c1 c2", "a0 b0 c0 a1 b1 c1 a2 b2 c2"
	for _, tt := range []struct {
		name, executor string
		typ            *dag.Type
		size           int
		tags           map[string]string
		want           string
	}{
		{"large", MultiExecutor, textType, heavy, nil, first},
		{"large bytes", MultiExecutor, dag.TypeOf[[]byte]("[]byte"), heavy, nil, first},
		{"small", MultiExecutor, textType, heavy - 100, nil, across},
		{"in plan order, as promised", InProcessExecutor, textType, heavy, nil, across},
		{"a priority says more", MultiExecutor, textType, heavy, priority("-1"), "a0 b0 b1 b2 c0 c1 c2 a1 a2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.opts.Executor, w.opts.MaxConcurrent = tt.executor, 1
			o := chains(w.shop, tt.typ, tt.size, tt.tags)
			w.ok("j")
			assert.Equal(t, tt.want, strings.Join(o.keys, " "))
			w.ok("j")
			assert.Len(t, o.keys, 9, "all are stored")
		})
	}
}
