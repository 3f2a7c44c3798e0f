package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestTimeout(t *testing.T) {
	listens := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, c := range []struct {
		name  string
		body  func(ctx context.Context) error
		text  string // empty for success
		after time.Duration
		left  bool
	}{
		{"in time", func(context.Context) error { time.Sleep(4 * time.Second); return nil }, "", 4 * time.Second, false},
		{"fails in time", func(context.Context) error { return errBoom }, "step a: boom", 0, false},
		{"listens", listens, "step a: timed out after 5s", 5 * time.Second, false},
		{"says what was done", func(ctx context.Context) error { <-ctx.Done(); return errors.New("half of it is done") }, "step a: timed out after 5s: half of it is done", 5 * time.Second, false},
		{"wraps the end", func(ctx context.Context) error { return fmt.Errorf("get: %w", listens(ctx)) }, "step a: timed out after 5s", 5 * time.Second, false},
		{"does not listen, and ends well", func(context.Context) error { time.Sleep(6 * time.Second); return nil }, "step a: timed out after 5s", 6 * time.Second, false},
		{"panics on the way out", func(ctx context.Context) error { <-ctx.Done(); panic("oh") }, "step a: timed out after 5s: panic: oh", 5 * time.Second, false},
		{"does not listen", func(context.Context) error { time.Sleep(time.Hour); return nil },
			"step a: timed out after 5s: it did not stop within 2s and was left behind; let it watch its context", 7 * time.Second, true},
	} {
		for _, executor := range []string{InProcessExecutor, MultiExecutor} {
			t.Run(c.name+" "+executor, func(t *testing.T) {
				inMemory(t, func(t *testing.T, w *world) {
					w.opts.Executor, w.opts.Grace = executor, 2*time.Second
					w.asset("a", nil, nil).Invoke = func(ctx context.Context, call *dag.Call) error {
						w.called("a")
						call.Out[0] = 1
						return c.body(ctx)
					}
					w.ops[0].Timeout = 5 * time.Second
					w.asset("b", []string{"a"}, add(1))
					w.asset("c", nil, add(1))
					began := time.Now()
					res := w.run("")
					assert.Equal(t, c.after, time.Since(began))
					assert.Equal(t, 1, w.value(res, "c"), "what does not need it runs")
					if c.text == "" {
						assert.Equal(t, "a=run c=run b=run", actions(res))
						return
					}
					assert.Equal(t, "a=failure c=run b=skip", actions(res))
					assert.Equal(t, storage.RunFailure, res.Status)
					assert.Equal(t, 1, ExitCode(res, nil))
					step := res.Step("a").Err
					assert.EqualError(t, step, c.text)
					var timeout *TimeoutError
					if strings.Contains(c.text, "timed out") {
						require.ErrorAs(t, step, &timeout)
						require.ErrorIs(t, step, context.DeadlineExceeded)
						assert.Equal(t, 5*time.Second, timeout.Limit)
					}
					var left *LeftBehindError
					assert.Equal(t, c.left, errors.As(step, &left))
				})
			})
		}
	}
}

// Each try has the whole time, but one that is still running is not joined by another one.
func TestTimeoutAndRetries(t *testing.T) {
	inMemory(t, func(t *testing.T, w *world) {
		n := 0
		w.asset("a", nil, nil).Invoke = func(ctx context.Context, c *dag.Call) error {
			if n++; n == 3 {
				time.Sleep(4 * time.Second)
				c.Out[0] = n
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		w.ops[0].Timeout, w.ops[0].Retry = 5*time.Second, &dag.RetryPolicy{MaxRetries: 2, Delay: time.Second}
		began := time.Now()
		assert.Equal(t, 3, w.value(w.ok(""), "a"))
		assert.Equal(t, 16*time.Second, time.Since(began))
	})
	inMemory(t, func(t *testing.T, w *world) {
		w.asset("a", nil, nil).Invoke = func(context.Context, *dag.Call) error { w.called("a"); time.Sleep(time.Hour); return nil }
		w.ops[0].Timeout, w.ops[0].Retry = 5*time.Second, &dag.RetryPolicy{MaxRetries: 2}
		assert.Equal(t, "a=failure", actions(w.run("")))
		assert.Equal(t, "a=1", w.takeCalls())
	})
}

func TestPrecedenceOfTimeouts(t *testing.T) {
	const s = time.Second
	for _, c := range []struct{ call, op, graph, want time.Duration }{
		{0, 0, 3 * s, 3 * s}, {0, 2 * s, 3 * s, 2 * s}, {1 * s, 2 * s, 3 * s, 1 * s}, {5 * s, 2 * s, 3 * s, 5 * s},
	} {
		inMemory(t, func(t *testing.T, w *world) {
			op := w.op("a", nil, nil)
			op.Timeout = c.op
			op.Invoke = func(ctx context.Context, _ *dag.Call) error { <-ctx.Done(); return ctx.Err() }
			inner := &dag.GraphDef{Key: "inner", Symbol: pkg + ".inner", Nodes: []dag.Node{{Key: "a", Op: op, Timeout: c.call}}}
			w.job("nightly", []dag.Node{{Key: "inner", Graph: inner, Timeout: c.graph}})
			began := time.Now()
			assert.Equal(t, "inner.a=failure", actions(w.run("nightly")))
			assert.Equal(t, c.want, time.Since(began))
		})
	}
}

// A canceled run waits for a step that does not listen, but not for ever. What that step says later reaches nobody.
func TestCancelThenHardStop(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		inMemory(t, func(t *testing.T, w *world) {
			w.opts.Executor = executor
			cleaned := false
			w.resource(&dag.Resource{Key: "db"}, func(context.Context, *dag.Call) (any, func(), error) { return 1, func() { cleaned = true }, nil })
			var late error
			a := w.asset("a", nil, nil)
			a.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
			a.Invoke = func(ctx context.Context, c *dag.Call) error {
				time.Sleep(time.Hour)
				late = dag.AddOutputMetadata(ctx, dag.Int("rows", 1))
				dag.Log(ctx).Info("too late")
				c.Out[0] = 7
				return nil
			}
			w.asset("b", []string{"a"}, add(1))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			res, err := Run(ctx, w.catalog(), "", w.options())
			require.NoError(t, err)
			assert.Equal(t, time.Minute+DefaultGrace, time.Since(began))
			assert.Equal(t, storage.RunCanceled, res.Status)
			assert.Equal(t, 130, ExitCode(res, nil))
			assert.Equal(t, "a=failure b=skip", actions(res))
			assert.EqualError(t, res.Step("a").Err, "step a: the run was canceled: it did not stop within 10s and was left behind; let it watch its context")
			assert.True(t, cleaned)
			before, err := res.Events(t.Context())
			require.NoError(t, err)
			time.Sleep(2 * time.Hour)
			synctest.Wait()
			require.ErrorIs(t, late, dag.ErrMetadata)
			after, err := res.Events(t.Context())
			require.NoError(t, err)
			assert.Len(t, after, len(before), "the log of a run that has ended does not grow")
		})
	}
}

// How long a step that does not listen is waited for is an option of every way to run.
func TestWithGrace(t *testing.T) {
	for _, grace := range []time.Duration{3 * time.Second, 0} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t)
			a := s.asset("a", nil, nil)
			a.Timeout = time.Second
			a.Invoke = func(context.Context, *dag.Call) error { time.Sleep(time.Hour); return nil }
			options := []Option{ReturnFailure()}
			want := time.Second + DefaultGrace
			if grace > 0 {
				options = append(options, WithGrace(grace))
				want = time.Second + grace
			}
			began := time.Now()
			res, err := MaterializeToMemory(t.Context(), s.definitions(), options...)
			require.NoError(t, err)
			assert.Equal(t, want, time.Since(began))
			assert.ErrorContains(t, res.Step("a").Err, "it did not stop within "+(want-time.Second).String())
			require.NoError(t, res.Close())
			time.Sleep(2 * time.Hour) // until it ends by itself
		})
	}
}

func TestFailureHasMetadata(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		text string
	}{
		{"plain", dag.Failure{Description: "too few rows", Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}}, "too few rows"},
		{"wrapped", fmt.Errorf("load: %w", dag.Failure{Description: "too few rows", Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}}), "load: too few rows"},
		{"pointer", &dag.Failure{Description: "too few rows", Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}, Err: errBoom}, "too few rows: boom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.asset("a", nil, nil).Invoke = failing(c.err)
			w.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 1}
			res := w.run("")
			assert.EqualError(t, res.Step("a").Err, "step a: "+c.text+" (tried 2 times)")
			f, ok := dag.FailureOf(res.Err())
			require.True(t, ok)
			assert.Equal(t, []dag.MetadataEntry{dag.Int("rows", 3)}, f.Metadata)
			events, err := res.Events(t.Context())
			require.NoError(t, err)
			seen := 0
			for _, e := range events {
				if e.Type != storage.EventStepFailure && e.Type != storage.EventStepUpForRetry {
					continue
				}
				seen++
				var data struct {
					Error, Description string
					Metadata           []dag.MetadataEntry
				}
				require.NoError(t, json.Unmarshal(e.Data, &data))
				assert.Equal(t, c.text, data.Error)
				assert.Equal(t, "too few rows", data.Description)
				assert.Equal(t, f.Metadata, data.Metadata)
			}
			assert.Equal(t, 2, seen)
		})
	}
	w := newWorld(t)
	w.asset("a", nil, nil).Invoke = failing(dag.Failure{Description: "no", NoRetry: true})
	w.ops[0].Retry = &dag.RetryPolicy{MaxRetries: 3}
	assert.Zero(t, w.run("").Step("a").Retries)
}

// Errors of user code are of one type that says where it was called, whatever called it.
func TestUserCodeErrors(t *testing.T) {
	where := func(t *testing.T, err error) string {
		var u *dag.UserCodeError
		require.ErrorAs(t, err, &u)
		require.ErrorIs(t, u, errBoom)
		return u.Where + " " + u.Name
	}
	w := newWorld(t)
	m := &stubborn{most: 100}
	w.resource(&dag.Resource{Key: "store"}, func(context.Context, *dag.Call) (any, func(), error) { return m, nil, nil })
	w.resource(&dag.Resource{Key: "db"}, func(context.Context, *dag.Call) (any, func(), error) { panic(errBoom) })
	w.source("s", func() (any, error) { return nil, errBoom })
	w.asset("a", nil, nil).Invoke = failing(errBoom)
	w.asset("p", nil, nil).Invoke = func(context.Context, *dag.Call) error { panic(errBoom) }
	w.asset("stored", nil, add(1)).IO = "store"
	w.asset("needs", nil, add(1)).Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
	res := w.run("")
	var all []string
	for _, s := range res.Steps {
		if s.Err != nil {
			all = append(all, where(t, s.Err))
		}
	}
	slices.Sort(all)
	assert.Equal(t, []string{"handle output stored", "op a", "op p", "resource db", "source s"}, all)

	var u *dag.UserCodeError
	require.ErrorAs(t, res.Step("p").Err, &u)
	assert.Contains(t, u.Stack, "TestUserCodeErrors")
	require.ErrorAs(t, res.Step("needs").Err, &u)
	assert.Contains(t, u.Stack, "TestUserCodeErrors", "of a resource too")

	w = newWorld(t)
	w.asset("a", nil, add(1)).Strategy = failingStrategy{}
	_, err := Plan(t.Context(), w.catalog(), "", w.options())
	assert.Equal(t, "strategy a", where(t, err))
}

type failingStrategy struct{}

func (failingStrategy) OpVersion(dag.OpVersionContext) (string, error) { return "", errBoom }

// The stack of a panic has the user's frames alone, also where a helper of ours lies between them.
func TestStackThroughHelpers(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, nil).Invoke = func(ctx context.Context, _ *dag.Call) error { return writes(ctx) }
	stack := w.run("").Step("a").Err.Stack
	var functions []string
	for line := range strings.SplitSeq(strings.TrimSpace(stack), "\n") {
		if !strings.HasPrefix(line, "\t") {
			functions = append(functions, line[strings.LastIndex(line, "/")+1:])
		}
	}
	assert.Equal(t, []string{"execute.explode", "execute.writes.func1", "execute.writes", "execute.TestStackThroughHelpers.func1"}, functions)
}

func writes(ctx context.Context) error {
	_, err := dag.WriteFile(ctx, "a.txt", func(io.Writer) error { explode("oh"); return nil })
	return err
}

func TestErrorsOverTheWire(t *testing.T) {
	for _, err := range []error{
		errBoom,
		dag.Permanent(errBoom),
		fmt.Errorf("x: %w", dag.RetryRequested{Err: errBoom, MaxRetries: 3, Wait: time.Second}),
		dag.Failure{Description: "few", Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}, Err: errBoom},
		dag.Failure{Description: "few", NoRetry: true},
		&PanicError{"oh"},
		errGoexit,
	} {
		data, e := json.Marshal(toWire(err, "frames"))
		require.NoError(t, e)
		var w wireError
		require.NoError(t, json.Unmarshal(data, &w))
		got, stack := w.fromWire()
		assert.Equal(t, "frames", stack)
		assert.Equal(t, err.Error(), got.Error())
		assert.Equal(t, permanent(err), permanent(got), err)
		before, asks := requested(err)
		after, still := requested(got)
		assert.Equal(t, asks, still)
		assert.Equal(t, []any{before.MaxRetries, before.Wait}, []any{after.MaxRetries, after.Wait})
		f, _ := dag.FailureOf(err)
		g, _ := dag.FailureOf(got)
		assert.Equal(t, []any{f.Description, f.Metadata}, []any{g.Description, g.Metadata})
		var p, q *PanicError
		assert.Equal(t, errors.As(err, &p), errors.As(got, &q))
	}
}
