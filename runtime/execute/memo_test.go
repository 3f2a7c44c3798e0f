package execute

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An edit that changes code but not data: the edited step runs, what is below it is reused in the same run.
func TestEarlyCutoff(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		t.Run(executor, func(t *testing.T) {
			w := newWorld(t)
			w.opts.Executor = executor
			w.asset("a", nil, func([]int) int { return 1 })
			w.asset("b", []string{"a"}, add(1))
			w.asset("c", []string{"b"}, add(1))
			w.ok("")
			w.takeCalls()

			w.code["a"] = "another body, same value"
			assert.Equal(t, "a=run b=maybe c=maybe", planned(w.plan("")))
			res := w.ok("")
			assert.Equal(t, "a=run b=reuse c=reuse", actions(res))
			assert.Equal(t, "a=1", w.takeCalls())
			assert.Equal(t, 3, w.value(res, "c"))
			assert.Contains(t, eventTypes(t, res, "b"), storage.EventEngine)
			assert.NotContains(t, eventTypes(t, res, "b"), storage.EventStepStart)
			assert.Equal(t, 1, res.Run.Ran)
			assert.Equal(t, 2, res.Run.Reused)

			assert.Equal(t, "a=reuse b=reuse c=reuse", planned(w.plan("")), "the new causes are known now")
		})
	}
}

func TestRevertIsReuse(t *testing.T) {
	w := newWorld(t)
	body := 1
	w.asset("a", nil, func([]int) int { return body })
	w.ok("")
	w.code["a"], body = "edited", 2
	w.ok("")
	delete(w.code, "a")
	res := w.ok("")
	assert.Equal(t, "a=reuse", actions(res))
	assert.Equal(t, 1, w.value(res, "a"))
	latest, err := w.inst.Store().Latest(t.Context(), []string{"asset:a"})
	require.NoError(t, err)
	assert.Equal(t, res.Steps[0].Outputs[0].DataVersion, latest["asset:a"].Outputs[0].DataVersion, "the reverted asset is the current one")
	assert.Equal(t, "a=reuse", planned(w.plan("")))
}

func TestFileSource(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "data.csv")
	write := func(text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
	write("abc")
	w.source("raw", func() (any, error) { return dag.OpenFile(path) })
	op := w.asset("size", nil, nil)
	op.Inputs = []dag.Input{{Name: "raw", Asset: "raw", Type: fileType}}
	op.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called("size")
		c.Out[0] = int(dag.In[dag.File](c, 0).Size())
		return nil
	}
	w.asset("double", []string{"size"}, func(in []int) int { return 2 * in[0] })
	assert.Equal(t, 6, w.value(w.ok(""), "double"))

	write("abc") // touched, not changed
	assert.Equal(t, "raw=reuse size=reuse double=reuse", actions(w.ok("")))

	write("abd") // changed, same size: the cutoff comes one step later
	p := w.plan("")
	assert.Equal(t, "raw=run size=run double=maybe", planned(p))
	assert.Equal(t, "its data changed: now data.csv (3 bytes)", because(p, "raw"))
	assert.Equal(t, `input raw: upstream "raw" has new data`, because(p, "size"))
	res := w.ok("")
	assert.Equal(t, "raw=run size=run double=reuse", actions(res))

	write("abcd")
	assert.Equal(t, 8, w.value(w.ok(""), "double"))
	write("abc")
	res = w.ok("")
	assert.Equal(t, "raw=run size=reuse double=reuse", actions(res), "the old state of the file is known")
	assert.Equal(t, 6, w.value(res, "double"))
	assert.Contains(t, eventTypes(t, res, "raw"), storage.EventObservation)

	require.NoError(t, os.Remove(path))
	_, err := Plan(t.Context(), w.catalog(), "", w.options())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "step raw: ")
	require.ErrorContains(t, err, path)
	assert.Equal(t, 1, ExitCode(nil, err))
	res = w.run("")
	assert.Equal(t, "raw=failure size=skip double=skip", actions(res))
	assert.Equal(t, 1, ExitCode(res, nil))
}

// A file that changes while a step reads it leaves no record.
func TestFileThatChangesDuringTheStep(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "data.csv")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o600))
	w.source("raw", func() (any, error) { return dag.OpenFile(path) })
	op := w.asset("size", nil, nil)
	op.Inputs = []dag.Input{{Name: "raw", Asset: "raw", Type: fileType}}
	change := true
	op.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called("size")
		if change {
			require.NoError(t, os.WriteFile(path, []byte("during"), 0o600))
		}
		c.Out[0] = int(dag.In[dag.File](c, 0).Size())
		return nil
	}
	w.asset("double", []string{"size"}, func(in []int) int { return 2 * in[0] })
	var warnings []string
	w.opts.Observe = func(p Progress) {
		if p.Kind == ProgressWarning {
			warnings = append(warnings, p.Message)
		}
	}
	res := w.ok("")
	assert.Equal(t, 12, w.value(res, "double"))
	assert.Equal(t, 6, w.value(res, "size"), "the value is there for this run")
	assert.Equal(t, []string{`the file of source "raw" changed while the step ran: its result is used in this run and not recorded`}, warnings)
	records, err := w.inst.Store().AssetRecords(t.Context(), "size", 10)
	require.NoError(t, err)
	assert.Empty(t, records)

	change = false
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o600))
	w.takeCalls()
	w.ok("")
	assert.Equal(t, "raw=1 size=1", w.takeCalls(), "nothing was learnt of the file as it was observed; equal data is equal data, though")
}

func TestMemoizationSwitches(t *testing.T) { // V21, V35
	w := newWorld(t)
	w.op("f", nil, add(1))
	w.op("g", []string{"x"}, add(1))
	j := w.job("j", []dag.Node{{Key: "f", Op: w.ops[0]}, {Key: "g", Op: w.ops[1], Inputs: []dag.Binding{from(0)}}}, 1)
	w.ok("j")
	w.takeCalls()
	for _, tt := range []struct {
		name string
		job  map[string]string
		opts Options
		want string
	}{
		{"default", nil, Options{}, "f=reuse g=reuse"},
		{"flag", nil, Options{NoMemo: true}, "f=run g=run"},
		{"tag of the run", nil, Options{Tags: map[string]string{dag.MemoizedRunTag: "false"}}, "f=run g=run"},
		{"tag of the job", map[string]string{dag.MemoizedRunTag: "false"}, Options{}, "f=run g=run"},
		{"the run wins", map[string]string{dag.MemoizedRunTag: "false"}, Options{Tags: map[string]string{dag.MemoizedRunTag: "true"}}, "f=reuse g=reuse"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j.Tags, w.opts = tt.job, tt.opts
			assert.Equal(t, tt.want, planned(w.plan("j")))
			assert.Equal(t, tt.want, actions(w.ok("j")))
		})
	}
	w.opts = Options{Tags: map[string]string{dag.MemoizedRunTag: "yes"}}
	_, err := Run(t.Context(), w.catalog(), "j", w.options())
	assert.EqualError(t, err, `tag dagster/is_memoized_run of the run is "yes"; it must be exactly "true" or "false"`)
	assert.Equal(t, 2, ExitCode(nil, err))
}

func TestVolatile(t *testing.T) {
	w := newWorld(t)
	n := 0
	w.asset("clock", nil, func([]int) int { n++; return n / 2 }).Volatile = true
	w.asset("b", []string{"clock"}, add(10))
	w.ok("")
	assert.Equal(t, "clock=run b=run", actions(w.ok("")))
	assert.Equal(t, "clock=run b=reuse", actions(w.ok("")), "the same data again")
	w.opts.Select = "b"
	assert.Equal(t, "b=reuse", actions(w.ok("")), "what a volatile step gave can be loaded")
}

// Equal work is shared between jobs, between the steps of a job, and between runs, whatever the steps are called.
func TestEqualWorkIsShared(t *testing.T) {
	w := newWorld(t)
	f := w.op("f", []string{"x"}, add(1))
	first := w.job("first", []dag.Node{{Key: "f", Op: f, Inputs: []dag.Binding{value(1)}}, {Key: "f_2", Op: f, Inputs: []dag.Binding{value(1)}}, {Key: "f_3", Op: f, Inputs: []dag.Binding{value(2)}}}, 0, 1, 2)
	w.job("second", []dag.Node{{Key: "other", Op: f, Inputs: []dag.Binding{value(2)}}}, 0)
	res := w.ok("first")
	assert.Equal(t, "f=2", w.takeCalls())
	assert.Equal(t, 2, res.Run.Ran)
	assert.Equal(t, 1, res.Run.Reused)
	for i, want := range []int{2, 2, 3} {
		assert.Equal(t, want, w.value(res, first.Nodes[i].Key))
	}
	res = w.ok("second")
	assert.Equal(t, "other=reuse", actions(res))
	assert.Equal(t, 3, w.value(res, "other"))
	assert.Empty(t, w.takeCalls())

	latest, err := w.inst.Store().Latest(t.Context(), []string{"op:first/f", "op:first/f_2", "op:second/other"})
	require.NoError(t, err)
	assert.Len(t, latest, 3, "each name has its own history")
	for _, job := range []string{"first", "second"} {
		for _, s := range w.plan(job).Steps {
			assert.False(t, s.Note, "%s %s: nothing is left to note", job, s.Key)
		}
	}
}

// Two assets whose functions say the same share the work and keep a history each.
func TestEqualAssetsShareWork(t *testing.T) {
	for _, together := range []bool{true, false} {
		w := newWorld(t)
		w.asset("a", nil, add(7))
		w.asset("b", nil, add(7))
		w.code["a"], w.code["b"] = "return 7", "return 7"
		if !together {
			w.opts.Select = "a"
			w.ok("")
			w.opts.Select = "b"
		}
		res := w.ok("")
		assert.Equal(t, 7, w.value(res, "b"))
		calls := w.takeCalls()
		assert.True(t, calls == "a=1" || calls == "b=1", calls)
		w.opts.Select = ""
		assert.Equal(t, "a=reuse b=reuse", actions(w.ok("")))
		for _, key := range []string{"a", "b"} {
			records, err := w.inst.Store().AssetRecords(t.Context(), key, 10)
			require.NoError(t, err)
			require.Len(t, records, 1)
			assert.Equal(t, key, records[0].StepKey)
			assert.Equal(t, key, records[0].Outputs[0].Asset)
		}
	}
}

func TestStepWithoutOutputs(t *testing.T) { // V50, E23
	w := newWorld(t)
	notify := w.asset("notify", []string{"a"}, nil)
	notify.Outputs = nil
	notify.Invoke = func(context.Context, *dag.Call) error { w.called("notify"); return nil }
	w.asset("a", nil, add(1))
	after := w.asset("after", nil, add(5))
	after.Deps = []string{"notify"}
	assert.Equal(t, "a=run notify=run after=run", actions(w.ok("")))
	assert.Equal(t, "a=1 after=1 notify=1", w.takeCalls())
	assert.Equal(t, "a=reuse notify=reuse after=reuse", actions(w.ok("")))
	w.code["notify"] = "says it differently"
	assert.Equal(t, "a=reuse notify=run after=run", actions(w.ok("")), "what follows cannot know whether it made a difference")
}

func TestSeveralOutputs(t *testing.T) {
	w := newWorld(t)
	split := w.asset("split", nil, nil)
	split.Outputs = []dag.Output{{Name: "train", Asset: "train", Type: listType}, {Name: "test", Asset: "test", Type: intType}}
	split.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called("split")
		c.Out[0], c.Out[1] = []int{1, 2}, 3
		return nil
	}
	w.asset("b", []string{"test"}, add(1))
	res := w.ok("")
	assert.Equal(t, "split=run b=run", actions(res))
	assert.Equal(t, 4, w.value(res, "b"))
	train, err := Value(res, dag.AssetRef[[]int]{Key: "train"})
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, train)
	assert.Equal(t, "split=reuse b=reuse", actions(w.ok("")))
	keys, err := w.inst.Store().AssetKeys(t.Context(), storage.AssetFilter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "test", "train"}, keys)

	_, err = Value(res, dag.AssetRef[string]{Key: "test"})
	assert.EqualError(t, err, `asset "test" is a int, not a string`)
	_, err = Value(res, dag.AssetRef[int]{Key: "tset"})
	assert.EqualError(t, err, `no asset "tset" with a value`)
	_, err = res.Output(t.Context(), "split", "")
	assert.EqualError(t, err, "step split has 2 outputs; name one")
	_, err = res.Output(t.Context(), "split", "dev")
	assert.EqualError(t, err, `step split has no output "dev"`)
}

func TestUnselectedUpstreamIsLoaded(t *testing.T) {
	w := newWorld(t)
	w.source("s", func() (any, error) { return dag.DataVersion("1"), nil })
	w.asset("a", nil, add(1)).Deps = []string{"s"}
	w.asset("b", []string{"a"}, add(1))
	w.opts.Select = "b"
	_, err := Run(t.Context(), w.catalog(), "", w.options())
	assert.EqualError(t, err, `asset "b" needs "a", which is not selected and has never been stored; select "+b", or run "a" first`)
	assert.Equal(t, 2, ExitCode(nil, err))
	runs, err := w.inst.Store().Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs, "what could not begin is no run")

	w.opts.Select = "a"
	w.ok("")
	w.takeCalls()
	w.opts.Select = "b"
	assert.Equal(t, "b=run", actions(w.ok("")))
	assert.Equal(t, "b=1", w.takeCalls())
	w.opts.Select = ""
	assert.Equal(t, "s=reuse a=reuse b=reuse", actions(w.ok("")))
}

func TestJobSelection(t *testing.T) {
	w := newWorld(t)
	w.op("f", nil, add(1))
	w.op("g", []string{"x"}, add(1))
	w.job("j", []dag.Node{{Key: "f", Op: w.ops[0]}, {Key: "g", Op: w.ops[1], Inputs: []dag.Binding{from(0)}}}, 1)
	w.opts.Select = "g"
	_, err := Run(t.Context(), w.catalog(), "j", w.options())
	assert.ErrorContains(t, err, `step "g" needs "f"`)
	w.opts.Select = "f"
	assert.Equal(t, "f=run", actions(w.ok("j")))
	w.opts.Select = "g"
	assert.Equal(t, "g=run", actions(w.ok("j")))
}

// A source may give a value with the version of its data.
func TestSourceWithAValue(t *testing.T) {
	w := newWorld(t)
	version, list := "1", []int{1, 2}
	s := w.source("s", func() (any, error) { return nil, nil })
	s.Outputs[0].Type = listType
	s.Invoke = func(_ context.Context, c *dag.Call) error {
		c.Out[0], c.Out[1] = list, dag.DataVersion(version)
		return nil
	}
	sumOf(w, "sum", "s")
	assert.Equal(t, 3, w.value(w.ok(""), "sum"))
	list = []int{5}
	assert.Equal(t, "s=reuse sum=reuse", actions(w.ok("")), "the version says that nothing changed")
	version = "2"
	res := w.ok("")
	assert.Equal(t, "s=run sum=run", actions(res))
	assert.Equal(t, 5, w.value(res, "sum"))
	assert.Equal(t, []int{5}, w.value(res, "s"))

	version = ""
	assert.ErrorContains(t, w.run("").Err(), "it returned an empty data version")
	s.Outputs[0].Type = fileType
	s.Invoke = func(_ context.Context, c *dag.Call) error { c.Out[0] = dag.File{}; return nil }
	w.ops = w.ops[:1]
	assert.ErrorContains(t, w.run("").Err(), "it returned no file")
	s.Outputs = nil
	assert.ErrorContains(t, w.run("").Err(), "a source has one output")
}
