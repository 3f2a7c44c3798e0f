package execute

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// told collects what hooks are told.
type told struct {
	mu    sync.Mutex
	lines []string
	last  map[string]dag.HookContext // by step
}

func (o *told) hook(key string, on dag.HookOn, more ...func(context.Context, dag.HookContext, *dag.Call) error) *dag.Hook {
	return &dag.Hook{Key: key, Symbol: pkg + "." + key, On: on, Invoke: func(ctx context.Context, c *dag.Call) error {
		h := dag.In[dag.HookContext](c, 0)
		o.mu.Lock()
		o.lines = append(o.lines, h.Hook+" "+h.StepKey)
		if o.last == nil {
			o.last = map[string]dag.HookContext{}
		}
		o.last[h.StepKey] = h
		o.mu.Unlock()
		for _, f := range more {
			if err := f(ctx, h, c); err != nil {
				return err
			}
		}
		return nil
	}}
}

func (o *told) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := strings.Join(o.lines, ", ")
	o.lines = nil
	return out
}

func TestHooks(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		for _, kept := range []bool{true, false} {
			t.Run(fmt.Sprint(executor, " kept=", kept), func(t *testing.T) {
				w := newWorld(t)
				w.opts.Executor, w.opts.Tags = executor, map[string]string{"team": "data"}
				var o told
				good, bad, both := o.hook("good", dag.HookOnSuccess), o.hook("bad", dag.HookOnFailure), o.hook("both", dag.HookOnBoth)
				a := w.op("a", nil, func([]int) int { return 3 })
				a.Hooks, a.Tags = []*dag.Hook{good, bad, both}, map[string]string{"kind": "small"}
				b := w.op("b", []string{"x"}, nil)
				b.Invoke, b.Hooks = failing(errBoom), a.Hooks
				c := w.op("c", []string{"x"}, add(1))
				w.job("nightly", []dag.Node{{Key: "a", Op: a}, {Key: "b", Op: b, Inputs: []dag.Binding{from(0)}}, {Key: "c", Op: c, Inputs: []dag.Binding{from(1)}}})
				run := func() *Result {
					opts := w.options()
					if !kept {
						opts.Instance = nil
					}
					res, err := Run(t.Context(), w.catalog(), "nightly", opts)
					require.NoError(t, err)
					t.Cleanup(func() { _ = res.Close() })
					return res
				}
				res := run()
				assert.Equal(t, "a=run b=failure c=skip", actions(res))
				assert.Equal(t, "good a, both a, bad b, both b", o.take())
				first := o.last["a"]
				assert.Equal(t, dag.HookContext{
					Hook: "both", RunID: res.RunID, JobKey: "nightly", StepKey: "a", Op: a, Tags: a.Tags, RunTags: map[string]string{"team": "data"},
					Outputs: map[string]any{"result": 3}, Metadata: map[string][]dag.MetadataEntry{"result": nil},
				}, first)
				assert.True(t, first.Success())
				second := o.last["b"]
				require.ErrorIs(t, second.Err, errBoom)
				assert.False(t, second.Success())
				assert.Nil(t, second.Outputs)
				events, err := res.Events(t.Context())
				require.NoError(t, err)
				checkPayloads(t, events)
				hooks := func(step string) (out []storage.EventType) {
					for _, e := range events {
						if e.StepKey == step && strings.HasPrefix(string(e.Type), "HOOK_") {
							out = append(out, e.Type)
						}
					}
					return out
				}
				assert.Equal(t, []storage.EventType{storage.EventHookCompleted, storage.EventHookSkipped, storage.EventHookCompleted}, hooks("a"))
				assert.Equal(t, []storage.EventType{storage.EventHookSkipped, storage.EventHookCompleted, storage.EventHookCompleted}, hooks("b"))
				assert.Empty(t, hooks("c"), "a skipped step has not failed")
				if kept {
					assert.Equal(t, "a=reuse b=failure c=skip", actions(run()))
					assert.Equal(t, "bad b, both b", o.take(), "a reused step has not happened")
				}
			})
		}
	}
}

// What a hook does wrong is recorded, and changes nothing else.
func TestHooksThatFail(t *testing.T) {
	w := newWorld(t)
	var o told
	fails := o.hook("fails", "", func(context.Context, dag.HookContext, *dag.Call) error { return errBoom })
	panics := o.hook("panics", "", func(context.Context, dag.HookContext, *dag.Call) error { explode("oh"); return nil })
	needs := o.hook("needs", "", nil...)
	needs.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
	w.resource(&dag.Resource{Key: "db"}, func(context.Context, *dag.Call) (any, func(), error) { return nil, nil, errors.New("no database") })
	w.asset("a", nil, add(1)).Hooks = []*dag.Hook{fails, panics, needs, o.hook("last", "")}
	w.asset("b", []string{"a"}, add(1))
	warnings := w.watch()
	res := w.ok("")
	assert.Equal(t, "a=run b=run", actions(res))
	assert.Equal(t, "fails a, panics a, last a", o.take())
	assert.Equal(t, []string{"hook fails: boom", "hook panics: panic: oh", "hook needs: resource db: no database"}, warnings())
	events, err := res.Events(t.Context())
	require.NoError(t, err)
	checkPayloads(t, events)
	var texts []string
	for _, e := range events {
		if e.Type == storage.EventHookErrored {
			p, err := e.Payload()
			require.NoError(t, err)
			data := p.(*storage.HookData)
			texts = append(texts, e.Level+" "+data.Hook+" "+data.Error)
			assert.Equal(t, data.Hook == "panics", strings.Contains(data.Stack, "execute.explode"))
		}
	}
	assert.Equal(t, []string{"ERROR fails boom", "ERROR panics panic: oh", "ERROR needs resource db: no database"}, texts)
}

// Hooks of the op, the call, the graphs around it and the job, each once; they are told when all tries have failed, and what they need is built for them.
func TestWhichHooks(t *testing.T) {
	w := newWorld(t)
	var o told
	var got []any
	w.resource(&dag.Resource{Key: "db"}, func(context.Context, *dag.Call) (any, func(), error) { return "open", nil, nil })
	ofOp := o.hook("of_op", "", func(ctx context.Context, _ dag.HookContext, c *dag.Call) error {
		got = append(got, c.Resources[0], dag.RetryNumber(ctx))
		dag.Log(ctx).Info("told")
		return nil
	})
	ofOp.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
	ofCall, ofGraph, ofJob := o.hook("of_call", ""), o.hook("of_graph", ""), o.hook("of_job", "")
	again := *ofOp // as another package defines it
	f := &flaky{good: 100}
	op := w.op("a", nil, nil)
	op.Invoke, op.Hooks, op.Retry = f.call, []*dag.Hook{ofOp}, &dag.RetryPolicy{MaxRetries: 2}
	inner := &dag.GraphDef{Key: "inner", Symbol: pkg + ".inner", Nodes: []dag.Node{{Key: "a", Op: op, Hooks: []*dag.Hook{ofCall}}}}
	w.job("nightly", []dag.Node{{Key: "inner", Graph: inner, Hooks: []*dag.Hook{ofGraph, ofCall}}}).Hooks = []*dag.Hook{ofJob, &again}
	res := w.run("nightly")
	assert.Equal(t, "inner.a=failure", actions(res))
	assert.Equal(t, "of_op inner.a, of_call inner.a, of_graph inner.a, of_job inner.a", o.take())
	assert.Equal(t, []any{"open", 2}, got)
	assert.Equal(t, 2, o.last["inner.a"].RetryNumber)
	assert.Contains(t, eventTypes(t, res, "inner.a"), storage.EventLog)
}

// A hook is told before anything that waits for its step goes on, and what it is told is on disk.
func TestHooksComeBeforeWhatFollows(t *testing.T) {
	w := newWorld(t)
	var order []string
	var o told
	w.asset("a", nil, add(1)).Hooks = []*dag.Hook{o.hook("h", "", func(ctx context.Context, h dag.HookContext, _ *dag.Call) error {
		rec, err := w.inst.Store().Latest(ctx, []string{"asset:a"})
		if err != nil || rec["asset:a"] == nil || rec["asset:a"].RunID != h.RunID {
			return fmt.Errorf("not stored: %v %v", rec, err)
		}
		order = append(order, "hook")
		return nil
	})}
	w.asset("b", []string{"a"}, func(in []int) int { order = append(order, "b"); return 1 })
	w.ok("")
	assert.Equal(t, []string{"hook", "b"}, order)
}

// In a run that is canceled a failure hook has a little time of its own, and no more.
func TestHooksOfACanceledRun(t *testing.T) {
	inMemory(t, func(t *testing.T, w *world) {
		w.opts.Grace = 3 * time.Second
		var o told
		var seen []error
		hook := o.hook("h", dag.HookOnFailure, func(ctx context.Context, _ dag.HookContext, _ *dag.Call) error {
			seen = append(seen, ctx.Err())
			<-ctx.Done()
			return ctx.Err()
		})
		w.asset("a", nil, nil).Hooks = []*dag.Hook{hook}
		w.ops[0].Invoke = func(ctx context.Context, _ *dag.Call) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		res, err := Run(ctx, w.catalog(), "", w.options())
		require.NoError(t, err)
		assert.Equal(t, storage.RunCanceled, res.Status)
		assert.Equal(t, time.Minute+3*time.Second, time.Since(began))
		assert.Equal(t, []error{nil}, seen)
	})
}

// Tags of a call win over those of its op, and these over those of the call of a graph; limits and priorities follow them.
func TestTagsOfCalls(t *testing.T) {
	s := newShop(t)
	op := s.op("a", nil, add(1))
	op.Tags = map[string]string{"x": "op", "y": "op"}
	inner := &dag.GraphDef{Key: "inner", Symbol: pkg + ".inner", Nodes: []dag.Node{
		{Key: "a", Op: op, Tags: map[string]string{"x": "call"}}, {Key: "b", Op: op, Tags: map[string]string{PriorityTag: "5"}}, {Key: "c", Op: op},
	}}
	s.job("nightly", []dag.Node{{Key: "inner", Graph: inner, Tags: map[string]string{"x": "graph", "y": "graph", "z": "graph"}}, {Key: "plain", Op: op}})
	target, err := s.catalog().Target("nightly", "")
	require.NoError(t, err)
	var got []string
	for _, n := range target.Graph.Nodes {
		got = append(got, fmt.Sprint(n.Key, " ", n.Tags))
	}
	assert.Equal(t, []string{
		"inner.a map[x:call y:op z:graph]", "inner.b map[dagster/priority:5 x:op y:op z:graph]", "inner.c map[x:op y:op z:graph]", "plain map[x:op y:op]",
	}, got)
	var o told
	op.Hooks = []*dag.Hook{o.hook("h", "")}
	res, err := Run(t.Context(), s.catalog(), "nightly", Options{Executor: InProcessExecutor, NoMemo: true})
	require.NoError(t, err)
	require.NoError(t, res.Err())
	first, _, _ := strings.Cut(o.take(), ", ")
	assert.Equal(t, "h inner.b", first, "the priority of the call")
	assert.Equal(t, "graph", o.last["inner.a"].Tags["z"])
	assert.False(t, slices.Contains([]string{"x"}, o.last["plain"].Tags["z"]))
}
