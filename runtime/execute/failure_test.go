package execute

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

var errBoom = errors.New("boom")

func failing(err error) func(context.Context, *dag.Call) error {
	return func(context.Context, *dag.Call) error { return err }
}

func TestFailureInADiamond(t *testing.T) { // E1, E3, E21
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		t.Run(executor, func(t *testing.T) {
			w := newWorld(t)
			w.opts.Executor = executor
			w.asset("two", nil, func([]int) int { return 2 })
			w.asset("add", []string{"two"}, add(3))
			w.asset("mult", []string{"two"}, nil).Invoke = failing(errBoom)
			w.asset("adder", []string{"add", "mult"}, add(0))
			w.asset("below", []string{"adder"}, add(0))
			res := w.run("")
			assert.Equal(t, "two=run add=run mult=failure adder=skip below=skip", actions(res))
			assert.Equal(t, storage.RunFailure, res.Status)
			assert.False(t, res.Success())
			assert.Equal(t, 1, ExitCode(res, nil))

			err := res.Err()
			require.ErrorIs(t, err, errBoom)
			var run *RunError
			require.ErrorAs(t, err, &run)
			var step *StepError
			require.ErrorAs(t, err, &step)
			assert.Equal(t, StepError{Step: "mult", Where: WhereOp, Err: errBoom}, *step)
			assert.Equal(t, "run "+res.RunID+" failed\nstep mult: boom", err.Error())
			assert.Equal(t, "mult", res.Step("below").Because)
			assert.Equal(t, []storage.EventType{storage.EventMaterializationPlanned, storage.EventStepSkipped}, eventTypes(t, res, "adder"))
			assert.Equal(t, []storage.EventType{storage.EventMaterializationPlanned, storage.EventStepStart, storage.EventStepInput, storage.EventStepFailure}, eventTypes(t, res, "mult"))
			failure, err := res.FailureEvent(t.Context(), "mult")
			require.NoError(t, err)
			assert.Equal(t, "boom", failure.Message)
			success, err := res.SuccessEvent(t.Context(), "mult")
			require.NoError(t, err)
			assert.Nil(t, success)

			row, err := w.inst.Store().Run(t.Context(), res.RunID)
			require.NoError(t, err)
			assert.Equal(t, "step mult: boom", row.Cause)
			assert.Equal(t, []int{5, 2, 0, 1, 2}, []int{row.Steps, row.Ran, row.Reused, row.Failed, row.Skipped})
			_, err = res.Output(t.Context(), "adder", "")
			assert.EqualError(t, err, "step adder has no outputs: it ended as skipped")

			// After the mend only what was missing runs.
			w.ops[2].Invoke = ints(func(in []int) int { return in[0] * 3 })
			res = w.ok("")
			assert.Equal(t, "two=reuse add=reuse mult=run adder=run below=run", actions(res))
			assert.Equal(t, 11, w.value(res, "below"))
		})
	}
}

func explode(words string) { panic(words) }

func TestPanicIsAFailureWithTheUsersStack(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, nil).Invoke = func(context.Context, *dag.Call) error {
		func() { explode("oh no") }()
		return nil
	}
	w.asset("b", nil, func(in []int) int { var m map[string]int; m["x"] = 1; return 0 })
	w.asset("c", nil, add(1))
	res := w.run("")
	assert.Equal(t, "a=failure b=failure c=run", actions(res))
	a := res.Step("a").Err
	assert.EqualError(t, a, "step a: panic: oh no")
	var value *PanicError
	require.ErrorAs(t, a, &value)
	assert.Equal(t, "oh no", value.Value)
	frames := strings.Split(strings.TrimSpace(a.Stack), "\n")
	assert.Contains(t, frames[0], "execute.explode", "the first frame is the user's")
	assert.NotContains(t, a.Stack, "guard.go")
	assert.NotContains(t, a.Stack, "runtime/panic.go")
	assert.NotContains(t, a.Stack, "worker.go")
	var re runtime.Error
	assert.ErrorAs(t, res.Step("b").Err, &re)
	event, err := res.FailureEvent(t.Context(), "a")
	require.NoError(t, err)
	var data struct{ Error, Where, Stack string }
	require.NoError(t, json.Unmarshal(event.Data, &data))
	assert.Equal(t, a.Stack, data.Stack)
}

// A step that ends its goroutine, as FailNow of package testing does, fails alone: the worker is replaced.
func TestGoexitIsAFailure(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		w := newWorld(t)
		w.opts.Executor = executor
		w.asset("a", nil, nil).Invoke = func(context.Context, *dag.Call) error { runtime.Goexit(); return nil }
		w.asset("b", []string{"a"}, add(1))
		w.asset("c", nil, add(1))
		w.asset("d", []string{"c"}, add(1))
		res := w.run("")
		assert.Equal(t, "a=failure c=run b=skip d=run", actions(res))
		require.ErrorIs(t, res.Err(), errGoexit)
	}
	w := newWorld(t)
	w.source("s", func() (any, error) { return dag.DataVersion("1"), nil }).Invoke = func(context.Context, *dag.Call) error { runtime.Goexit(); return nil }
	w.asset("a", nil, add(1)).Deps = []string{"s"}
	_, err := Plan(t.Context(), w.catalog(), "", w.options())
	require.ErrorIs(t, err, errGoexit)
	assert.Equal(t, "s=failure a=skip", actions(w.run("")))
}

// E7: a branch that is slow does not hold up another one.
func TestIndependentBranches(t *testing.T) {
	w := newWorld(t)
	w.opts.MaxConcurrent = 2
	done := make(chan struct{})
	w.asset("a_waiter", nil, nil).Invoke = func(ctx context.Context, c *dag.Call) error {
		select {
		case <-done:
		case <-time.After(time.Minute):
			return errors.New("the other branch was held up")
		}
		c.Out[0] = 0
		return nil
	}
	w.asset("b1", nil, add(1))
	w.asset("b2", []string{"b1"}, add(1))
	w.asset("b3", []string{"b2"}, func(in []int) int { close(done); return in[0] })
	w.ok("")
}

func TestInProcessRunsOneAtATimeInPlanOrder(t *testing.T) {
	w := newWorld(t)
	w.opts.Executor = InProcessExecutor
	var mu sync.Mutex
	var order []string
	running := 0
	for _, k := range []string{"z", "m", "a", "q"} {
		w.asset(k, nil, func([]int) int {
			mu.Lock()
			running++
			order = append(order, k)
			assert.Equal(t, 1, running)
			mu.Unlock()
			runtime.Gosched()
			mu.Lock()
			running--
			mu.Unlock()
			return 1
		})
	}
	w.asset("below", []string{"a", "q"}, add(0))
	w.ok("")
	assert.Equal(t, []string{"a", "m", "q", "z"}, order)
}

func TestCancel(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		t.Run(executor, func(t *testing.T) {
			w := newWorld(t)
			ctx, cancel := context.WithCancel(t.Context())
			cleaned := false
			w.resource(&dag.Resource{Key: "db"}, func(context.Context, *dag.Call) (any, func(), error) {
				return 1, func() { cleaned = true }, nil
			})
			w.asset("a", nil, add(1))
			b := w.asset("b", []string{"a"}, nil)
			b.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
			b.Invoke = func(ctx context.Context, c *dag.Call) error {
				cancel()
				<-ctx.Done()
				return ctx.Err()
			}
			w.asset("c", []string{"b"}, add(1))
			o := w.options()
			o.Executor = executor
			res, err := Run(ctx, w.catalog(), "", o)
			require.NoError(t, err)
			assert.Equal(t, storage.RunCanceled, res.Status)
			require.ErrorIs(t, res.Err(), context.Canceled)
			assert.Equal(t, 130, ExitCode(res, err))
			assert.True(t, cleaned)
			types := eventTypes(t, res, "")
			assert.Equal(t, storage.EventRunCanceled, types[len(types)-1])
			assert.Equal(t, StatusSkipped, res.Step("c").Status)
			row, err := w.inst.Store().Run(t.Context(), res.RunID)
			require.NoError(t, err)
			assert.Equal(t, storage.RunCanceled, row.Status)

			b.Invoke = ints(add(1))
			res = w.ok("")
			assert.Equal(t, "a=reuse b=run c=run", actions(res), "what was done before is kept")
		})
	}
}

func TestCanceledBeforeItBegins(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res, err := Run(ctx, w.catalog(), "", w.options())
	assert.Equal(t, 130, ExitCode(res, err))
	assert.Empty(t, w.takeCalls())
}

// A step that ends well although its run was canceled is kept.
func TestStepThatIgnoresCancelIsKept(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.asset("a", nil, func([]int) int { cancel(); return 7 })
	w.asset("b", []string{"a"}, add(1))
	res, err := Run(ctx, w.catalog(), "", w.options())
	require.NoError(t, err)
	assert.Equal(t, "a=run b=skip", actions(res))
	assert.Equal(t, storage.RunCanceled, res.Status)
	assert.Equal(t, "a=reuse b=run", actions(w.ok("")))
}

func TestStoreThatFailsIsExit74(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	inst := openInstance(t, dir)
	w.inst = inst
	w.asset("a", nil, func([]int) int { require.NoError(t, inst.Store().Close()); return 1 })
	w.asset("b", []string{"a"}, add(1))
	res, err := Run(t.Context(), w.catalog(), "", w.options())
	require.Error(t, err)
	var store *StoreError
	require.ErrorAs(t, err, &store)
	assert.Equal(t, 74, ExitCode(res, err))
	require.NotNil(t, res)
	assert.Equal(t, storage.RunFailure, res.Status)

	w.inst = openInstance(t, dir)
	w.ops[0].Invoke = ints(func([]int) int { return 1 })
	assert.Equal(t, "a=run b=run", actions(w.ok("")), "nothing was reported done that is not")
	row, err := w.inst.Store().Run(t.Context(), res.RunID)
	require.NoError(t, err)
	assert.Equal(t, storage.RunFailure, row.Status)
}

type exitError struct{}

func (exitError) Error() string { return "exit 5" }
func (exitError) ExitCode() int { return 5 }

func TestExitCodes(t *testing.T) {
	failed := &RunError{Status: storage.RunFailure, Steps: []*StepError{{Step: "a", Err: exitError{}}}}
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{failed, 1},
		{&StepError{Step: "s", Err: &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}}, 1},
		{&StepError{Step: "s", Err: &exec.ExitError{}}, 1},
		{errBoom, 1},
		{&plan.Error{}, 2},
		{runconfig.Problems{{}}, 2},
		{&instance.ConfigError{}, 2},
		{fmt.Errorf("%w: here", instance.ErrNoHome), 2},
		{&BusyError{"a"}, 3},
		{&StoreError{fmt.Errorf("open: %w", storage.ErrTooNew)}, 4},
		{fmt.Errorf("open: %w", storage.ErrTooNew), 4},
		{&plan.StaleError{}, 5},
		{&StoreError{errBoom}, 74},
		{fmt.Errorf("open: %w", storage.ErrCorrupt), 74},
		{&fs.PathError{Op: "mkdir", Path: "x", Err: fs.ErrPermission}, 74},
		{&RunError{Status: storage.RunFailure, Reason: &StoreError{errBoom}}, 74},
		{&RunError{Status: storage.RunFailure, Reason: &BusyError{"a"}}, 3},
		{&RunError{Status: storage.RunCanceled, Reason: context.Canceled}, 130},
		{context.Canceled, 130},
	} {
		assert.Equal(t, tt.want, ExitCode(nil, tt.err), "%v", tt.err)
	}
}

func TestResultJSON(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, nil).Invoke = failing(errBoom)
	w.asset("c", []string{"b"}, add(1))
	res := w.run("")
	js, err := json.Marshal(res)
	require.NoError(t, err)
	var doc struct {
		RunID  string `json:"run_id"`
		Job    *string
		Status string
		Steps  []map[string]any
	}
	require.NoError(t, json.Unmarshal(js, &doc))
	assert.Equal(t, res.RunID, doc.RunID)
	assert.Nil(t, doc.Job)
	assert.Equal(t, "FAILURE", doc.Status)
	require.Len(t, doc.Steps, 3)
	a, b, c := doc.Steps[0], doc.Steps[1], doc.Steps[2]
	out := a["outputs"].([]any)[0].(map[string]any)
	assert.Equal(t, "a", out["asset"])
	assert.Equal(t, "result", out["name"])
	assert.Contains(t, out["data_version"], "sha256:")
	assert.Contains(t, a["version"], "sha256:")
	assert.Equal(t, []any{"run", "success", "run", "failure", "skip", "skipped"}, []any{a["action"], a["status"], b["action"], b["status"], c["action"], c["status"]})
	assert.Equal(t, "boom", b["error"])
	assert.Equal(t, "b", c["because"])
	assert.Empty(t, c["outputs"])
}

func TestProgress(t *testing.T) {
	w := newWorld(t)
	w.opts.Executor = InProcessExecutor
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, add(1))
	w.asset("c", []string{"a"}, nil).Invoke = failing(errBoom)
	w.asset("d", []string{"c"}, add(1))
	var last Progress
	kinds := map[string][]ProgressKind{}
	w.opts.Observe = func(p Progress) {
		kinds[p.Step] = append(kinds[p.Step], p.Kind)
		assert.LessOrEqual(t, p.Done()+p.Running, p.Total)
		last = p
	}
	w.run("")
	assert.Equal(t, map[string][]ProgressKind{
		"": {ProgressPlanned}, "a": {ProgressStarted, ProgressFinished}, "b": {ProgressStarted, ProgressFinished}, "c": {ProgressStarted, ProgressFailed}, "d": {ProgressSkipped},
	}, kinds)
	assert.Equal(t, []int{4, 0, 2, 0, 1, 1}, []int{last.Total, last.Running, last.Ran, last.Reused, last.Failed, last.Skipped})

	w.code["a"] = "edited"
	clear(kinds)
	w.run("")
	assert.Equal(t, []ProgressKind{ProgressReused}, kinds["b"])
	assert.Equal(t, 4, last.Done())
}

func TestConcurrencyFromRunConfig(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	running, most := 0, 0
	for i := range 12 {
		w.asset(fmt.Sprintf("a%d", i), nil, func([]int) int {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			running--
			mu.Unlock()
			return 1
		})
	}
	w.opts.NoMemo = true
	for n := 1; n <= 3; n++ {
		most = 0
		w.opts.Config = document(t, fmt.Sprintf("execution: {config: {multi: {max_concurrent: %d}}}", n))
		w.ok("")
		assert.LessOrEqual(t, most, n)
	}
	w.opts.MaxConcurrent = 1
	most = 0
	w.ok("")
	assert.Equal(t, 1, most, "an option wins over run config")
}
