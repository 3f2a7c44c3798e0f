package execute

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// flaky fails until it is called for the time good, with what err says, and notes when it is called and which retry it is.
type flaky struct {
	good  int
	err   func(n int) error
	at    []time.Duration
	numbs []int
	began time.Time
}

func (f *flaky) call(ctx context.Context, c *dag.Call) error {
	if f.began.IsZero() {
		f.began = time.Now()
	}
	f.at = append(f.at, time.Since(f.began))
	f.numbs = append(f.numbs, dag.RetryNumber(ctx))
	if n := len(f.at); n < f.good {
		if f.err != nil {
			return f.err(n)
		}
		return errBoom
	}
	c.Out[0] = len(f.at)
	return nil
}

// inMemory runs in a bubble of its own time, and keeps nothing.
func inMemory(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, &world{shop: newShop(t)})
		time.Sleep(24 * time.Hour) // what was left behind ends
	})
}

func TestRetries(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		t.Run(executor, func(t *testing.T) {
			inMemory(t, func(t *testing.T, w *world) {
				w.opts.Executor = executor
				f := &flaky{good: 4}
				w.asset("a", nil, nil).Invoke = f.call
				w.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 3, Delay: 2 * time.Second, Backoff: dag.BackoffExponential}
				w.asset("b", []string{"a"}, add(1))
				res := w.ok("")
				assert.Equal(t, "a=run b=run", actions(res))
				assert.Equal(t, []time.Duration{0, 2 * time.Second, 8 * time.Second, 22 * time.Second}, f.at)
				assert.Equal(t, []int{0, 1, 2, 3}, f.numbs)
				assert.Equal(t, 3, res.Step("a").Retries)
				assert.Zero(t, res.Step("b").Retries)
				assert.Equal(t, 5, w.value(res, "b"))
				again := []storage.EventType{storage.EventStepUpForRetry, storage.EventStepRestarted}
				want := []storage.EventType{storage.EventMaterializationPlanned, storage.EventStepStart}
				for range 3 {
					want = append(want, again...)
				}
				want = append(want, storage.EventStepOutput, storage.EventHandledOutput, storage.EventMaterialization, storage.EventStepSuccess)
				assert.Equal(t, want, eventTypes(t, res, "a"))
			})
		})
	}
}

func TestRetriesAreCounted(t *testing.T) {
	inMemory(t, func(t *testing.T, w *world) {
		f := &flaky{good: 100}
		w.asset("a", nil, nil).Invoke = f.call
		w.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 2, Delay: time.Second}
		w.asset("b", []string{"a"}, add(1))
		res := w.run("")
		assert.Equal(t, "a=failure b=skip", actions(res))
		assert.Len(t, f.at, 3)
		step := res.Step("a")
		assert.Equal(t, 2, step.Retries)
		assert.EqualError(t, step.Err, "step a: boom (tried 3 times)")
		require.ErrorIs(t, res.Err(), errBoom)

		events, err := res.Events(t.Context())
		require.NoError(t, err)
		var texts []string
		for _, e := range events {
			if e.Type == storage.EventStepUpForRetry {
				texts = append(texts, e.Level+" "+e.Message)
				var data struct {
					Error   string
					Where   string
					Number  int     `json:"retry_number"`
					Most    int     `json:"max_retries"`
					Seconds float64 `json:"seconds_to_wait"`
				}
				require.NoError(t, json.Unmarshal(e.Data, &data))
				assert.Equal(t, []any{"boom", WhereOp, len(texts), 2, 1.0}, []any{data.Error, data.Where, data.Number, data.Most, data.Seconds})
			}
		}
		assert.Equal(t, []string{"WARN boom; retry 1 of 2 in 1s", "WARN boom; retry 2 of 2 in 1s"}, texts)
	})
}

func TestRetriesAreTurnedOff(t *testing.T) {
	inMemory(t, func(t *testing.T, w *world) {
		w.opts.Config = document(t, "execution: {config: {in_process: {retries: {disabled: {}}}}}")
		f := &flaky{good: 2}
		w.asset("a", nil, nil).Invoke = f.call
		w.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 3}
		assert.Equal(t, "a=failure", actions(w.run("")))
		assert.Len(t, f.at, 1)
	})
}

// A step that waits for its next try holds no worker: with one worker, all that does not need it goes on meanwhile.
func TestAWaitingRetryHoldsNoWorker(t *testing.T) {
	inMemory(t, func(t *testing.T, w *world) {
		w.opts.Executor = InProcessExecutor
		began := time.Now()
		f := &flaky{good: 2}
		w.asset("a", nil, nil).Invoke = f.call
		w.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 1, Delay: time.Hour}
		var at time.Duration
		w.asset("b", nil, func([]int) int { at = time.Since(began); return 1 })
		w.asset("c", []string{"a", "b"}, add(0))
		res := w.ok("")
		assert.Equal(t, "a=run b=run c=run", actions(res))
		assert.Zero(t, at)
		assert.Equal(t, []time.Duration{0, time.Hour}, f.at)
	})
}

// A thousand steps that all fail at first come back together, with two workers.
func TestManyRetries(t *testing.T) {
	inMemory(t, func(t *testing.T, w *world) {
		w.opts.MaxConcurrent = 2
		var keys []string
		for i := range 1000 {
			key := fmt.Sprintf("a%d", i)
			keys = append(keys, key)
			f := &flaky{good: 3}
			w.asset(key, nil, nil).Invoke = f.call
			w.ops[i].Retry = &dag.RetryPolicy{MaxRetries: 2, Delay: time.Minute, Jitter: dag.JitterFull}
		}
		w.asset("sum", keys, add(0))
		assert.Equal(t, 3000, w.value(w.ok(""), "sum"))
	})
}

func TestPrecedenceOfRetries(t *testing.T) {
	times := func(n int) *dag.RetryPolicy { return &dag.RetryPolicy{MaxRetries: n} }
	for _, c := range []struct {
		name                 string
		call, op, graph, job *dag.RetryPolicy
		want                 int
	}{
		{"nothing", nil, nil, nil, nil, 0},
		{"job", nil, nil, nil, times(1), 1},
		{"graph", nil, nil, times(2), times(1), 2},
		{"op", nil, times(3), times(2), times(1), 3},
		{"call", times(4), times(3), times(2), times(1), 4},
		{"call turns off", times(0), times(3), times(2), times(1), 0},
		{"op turns off", nil, times(0), times(2), times(1), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, w *world) {
				f := &flaky{good: 100}
				op := w.op("a", nil, nil)
				op.Invoke, op.Retry = f.call, c.op
				inner := &dag.GraphDef{Key: "inner", Symbol: pkg + ".inner", Nodes: []dag.Node{{Key: "a", Op: op, Retry: c.call}}}
				w.job("nightly", []dag.Node{{Key: "inner", Graph: inner, Retry: c.graph}}).Retry = c.job
				res := w.run("nightly")
				assert.Len(t, f.at, c.want+1)
				assert.Equal(t, c.want, res.Step("inner.a").Retries)
			})
		})
	}
}

func TestRetryRequested(t *testing.T) { // E9, E11
	second := func(n int, more error) func(int) error {
		return func(int) error { return dag.RetryRequested{Err: more, MaxRetries: n, Wait: time.Second} }
	}
	for _, c := range []struct {
		name   string
		err    func(int) error
		policy *dag.RetryPolicy
		calls  int
		last   time.Duration
	}{
		{"once by default", second(0, errBoom), nil, 2, time.Second},
		{"as often as it says", second(3, nil), nil, 4, 3 * time.Second},
		{"over the policy", second(3, errBoom), &dag.RetryPolicy{MaxRetries: 1, Delay: time.Hour}, 4, 3 * time.Second},
		{"wrapped", func(n int) error { return fmt.Errorf("outside: %w", second(2, errBoom)(n)) }, nil, 3, 2 * time.Second},
		{"by pointer", func(int) error { return &dag.RetryRequested{MaxRetries: 2} }, nil, 3, 0},
		{"permanent wins", func(n int) error { return dag.Permanent(second(3, errBoom)(n)) }, nil, 1, 0},
		{"permanent over the policy", func(int) error { return fmt.Errorf("outside: %w", dag.Permanent(errBoom)) }, &dag.RetryPolicy{MaxRetries: 3}, 1, 0},
		{"a panic", func(int) error { panic(errBoom) }, &dag.RetryPolicy{MaxRetries: 2, Delay: time.Second}, 3, 2 * time.Second},
		{"a panic with a request", func(n int) error { panic(second(1, errBoom)(n)) }, nil, 2, time.Second},
		{"the end of the goroutine", func(int) error { runtime.Goexit(); return nil }, &dag.RetryPolicy{MaxRetries: 2}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, w *world) {
				f := &flaky{good: 100, err: c.err}
				w.asset("a", nil, nil).Invoke = f.call
				w.ops[0].Retry = c.policy
				assert.Equal(t, "a=failure", actions(w.run("")))
				assert.Len(t, f.at, c.calls)
				assert.Equal(t, c.last, f.at[len(f.at)-1])
			})
		})
	}
}

// A run that is canceled does not wait for steps that wait.
func TestCancelWhileARetryWaits(t *testing.T) {
	inMemory(t, func(t *testing.T, w *world) {
		began := time.Now()
		f := &flaky{good: 100}
		w.asset("a", nil, nil).Invoke = f.call
		w.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 5, Delay: time.Hour}
		w.asset("b", []string{"a"}, add(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		res, err := Run(ctx, w.catalog(), "", w.options())
		require.NoError(t, err)
		assert.Equal(t, storage.RunCanceled, res.Status)
		assert.Equal(t, time.Minute, time.Since(began))
		assert.Equal(t, "a=skip b=skip", actions(res))
		assert.Len(t, f.at, 1)
		assert.Equal(t, 130, ExitCode(res, nil))
	})
}

// What an IO manager says counts as the step's.
func TestRetriesOfIOManagers(t *testing.T) {
	inMemory(t, func(t *testing.T, w *world) {
		m := &stubborn{most: 2}
		w.resource(&dag.Resource{Key: "store", Type: dag.TypeOf[*stubborn](pkg + ".stubborn")}, func(context.Context, *dag.Call) (any, func(), error) { return m, nil, nil })
		w.asset("a", nil, add(7)).IO = "store"
		w.asset("b", []string{"a"}, add(1))
		for _, op := range w.ops {
			op.Retry = &dag.RetryPolicy{MaxRetries: 2, Delay: time.Second}
		}
		res := w.ok("")
		assert.Equal(t, 8, w.value(res, "b"))
		assert.Equal(t, []int{2, 2}, []int{res.Step("a").Retries, res.Step("b").Retries})
		assert.Equal(t, "a=3 b=1", w.takeCalls(), "an input that cannot be loaded comes before the call")
	})
}

// stubborn is an IO manager that fails so many times in a row.
type stubborn struct {
	most, n int
	value   any
}

func (s *stubborn) fail() error {
	if s.n++; s.n <= s.most {
		return errBoom
	}
	s.n = 0
	return nil
}

func (s *stubborn) HandleOutput(_ context.Context, _ *dag.OutputContext, v any) error {
	s.value = v
	return s.fail()
}

func (s *stubborn) LoadInput(context.Context, *dag.InputContext) (any, error) {
	return s.value, s.fail()
}

// While a step waits, another run may compute it: it is reused then. And retries are no part of a version.
func TestRetriesOnAnInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inst, err := instance.Open(t.Context(), t.TempDir(), instance.Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, inst.Close()) }()
		shop := newShop(t)
		var good atomic.Bool
		shop.asset("a", nil, nil).Invoke = func(_ context.Context, c *dag.Call) error {
			shop.called("a")
			c.Out[0] = 1
			if !good.Load() {
				return errBoom
			}
			return nil
		}
		shop.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 1, Delay: time.Hour}
		cat := shop.catalog()
		done := make(chan *Result)
		go func() {
			res, err := Run(t.Context(), cat, "", Options{Instance: inst})
			assert.NoError(t, err)
			done <- res
		}()
		time.Sleep(time.Minute) // it waits now
		good.Store(true)
		second, err := Run(t.Context(), cat, "", Options{Instance: inst})
		require.NoError(t, err)
		assert.Equal(t, "a=run", actions(second))
		assert.Equal(t, "a=reuse", actions(<-done))
		assert.Equal(t, "a=2", shop.takeCalls())

		shop.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 7}
		third, err := Run(t.Context(), shop.catalog(), "", Options{Instance: inst})
		require.NoError(t, err)
		assert.Equal(t, "a=reuse", actions(third))
	})
}
