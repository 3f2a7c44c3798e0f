package execute

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func verdictOf(r dag.CheckResult) func(int) (dag.CheckResult, error) {
	return func(int) (dag.CheckResult, error) { return r, nil }
}

func TestWhatAChecksSaysDecides(t *testing.T) {
	for _, c := range []struct {
		name     string
		severity dag.CheckSeverity
		blocking bool
		f        func(int) (dag.CheckResult, error)
		status   storage.RunStatus
		want     string
		again    string // a second run, by actions
	}{
		{"passes", dag.CheckError, true, verdictOf(dag.CheckResult{Passed: true}), storage.RunSuccess, "a=run a:c=run b=run", "a=reuse a:c=reuse b=reuse"},
		{"does not pass", dag.CheckError, false, verdictOf(dag.CheckResult{}), storage.RunSuccess, "a=run a:c=run b=run", "a=reuse a:c=reuse b=reuse"},
		{"blocks", dag.CheckError, true, verdictOf(dag.CheckResult{}), storage.RunFailure, "a=run a:c=failure b=skip", "a=reuse a:c=failure b=skip"},
		{"warns", dag.CheckWarn, true, verdictOf(dag.CheckResult{}), storage.RunSuccess, "a=run a:c=run b=run", "a=reuse a:c=reuse b=reuse"},
		{"warns by its result", dag.CheckError, true, verdictOf(dag.CheckResult{Severity: dag.CheckWarn}), storage.RunSuccess, "a=run a:c=run b=run", "a=reuse a:c=reuse b=reuse"},
		{"blocks by its result", dag.CheckWarn, true, verdictOf(dag.CheckResult{Severity: dag.CheckError}), storage.RunFailure, "a=run a:c=failure b=skip", "a=reuse a:c=failure b=skip"},
		{"cannot be made", dag.CheckError, true, func(int) (dag.CheckResult, error) { return dag.CheckResult{Passed: true}, errors.New("no luck") }, storage.RunFailure, "a=run a:c=failure b=skip", "a=reuse a:c=failure b=skip"},
		{"cannot be made and blocks nothing", dag.CheckError, false, func(int) (dag.CheckResult, error) { panic("no luck") }, storage.RunFailure, "a=run a:c=failure b=run", "a=reuse a:c=failure b=reuse"},
		{"has a severity that there is not", dag.CheckError, false, verdictOf(dag.CheckResult{Severity: "FATAL"}), storage.RunFailure, "a=run a:c=failure b=run", "a=reuse a:c=failure b=reuse"},
	} {
		for _, where := range []string{"on disk", "in memory"} {
			t.Run(c.name+" "+where, func(t *testing.T) {
				w := newWorld(t)
				w.asset("a", nil, add(1))
				w.asset("b", []string{"a"}, add(1))
				check := w.check("a", "c", c.f)
				check.Check.Severity, check.Check.Blocking = c.severity, c.blocking
				if where == "in memory" {
					res, err := Run(t.Context(), w.catalog(), "", Options{})
					require.NoError(t, err)
					defer func() { require.NoError(t, res.Close()) }()
					assert.Equal(t, c.want, actions(res))
					assert.Equal(t, c.status, res.Status)
					events, err := res.Events(t.Context())
					require.NoError(t, err)
					checkPayloads(t, events)
					return
				}
				res := w.run("")
				assert.Equal(t, c.want, actions(res))
				assert.Equal(t, c.status, res.Status)
				res = w.run("")
				assert.Equal(t, c.again, actions(res))
				assert.Equal(t, c.status, res.Status)
			})
		}
	}
}

// What is stored of a consumer was made before the check said that it must not be: it waits all the same, and with it what is made from it.
func TestBlockingCheckHoldsBackWhatIsStored(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, add(1))
	w.asset("c", []string{"b"}, add(1))
	w.ok("")
	passes := false
	w.check("a", "new", func(int) (dag.CheckResult, error) { return dag.CheckResult{Passed: passes}, nil }).Check.Blocking = true
	w.takeCalls()

	p := w.plan("")
	assert.Equal(t, "a=reuse a:new=run b=maybe c=maybe", planned(p))
	assert.Equal(t, "it waits for check a:new", because(p, "b"))
	assert.Equal(t, "a=reuse a:new=failure b=skip c=skip", actions(w.run("")))
	w.code["c"] = "another"
	assert.Equal(t, "a=reuse a:new=failure b=skip c=skip", actions(w.run("")), "c is not computed from what was made of a bad a")
	assert.Equal(t, "a:new=1", w.takeCalls())

	w.code["a:new"], passes = "mended", true
	assert.Equal(t, "a=reuse a:new=run b=reuse c=run", actions(w.ok("")))
	assert.Equal(t, "a:new=1 c=1", w.takeCalls())
	assert.Equal(t, "a=reuse a:new=reuse b=reuse c=reuse", actions(w.ok("")))
}

func TestCheckVersions(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.asset("limit", nil, add(5))
	check := w.check("a", "c", verdictOf(dag.CheckResult{}))
	check.Inputs = append(check.Inputs, dag.Input{Name: "limit", Asset: "limit", Type: intType})
	w.asset("b", []string{"a"}, add(1))
	w.ok("")

	check.Check.Severity, check.Check.Blocking = dag.CheckError, true
	w.takeCalls()
	assert.Equal(t, "a=reuse limit=reuse a:c=failure b=skip", actions(w.run("")), "how bad it is decides about what is recorded")
	check.Check.Severity = dag.CheckWarn
	assert.Equal(t, "a=reuse limit=reuse a:c=reuse b=reuse", actions(w.ok("")))
	assert.Empty(t, w.takeCalls())

	w.code["a"] = "another body"
	p := w.plan("")
	assert.Equal(t, "a=run limit=reuse a:c=maybe b=maybe", planned(p))
	assert.Equal(t, `upstream "a" runs`, because(p, "a:c"))
	assert.Equal(t, "a=run limit=reuse a:c=reuse b=reuse", actions(w.ok("")), "early cutoff: it gave what it gave before")
	w.code["a:c"] = "another body"
	assert.Contains(t, because(w.plan(""), "a:c"), "shop.a:c (shop.go) changed")
	assert.Equal(t, "a=reuse limit=reuse a:c=run b=reuse", actions(w.ok("")))
}

func TestChecksAreSelectedWithTheirAssets(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, add(1))
	w.asset("c", []string{"b"}, add(1))
	w.check("a", "one", verdictOf(dag.CheckResult{Passed: true})).Check.Blocking = true
	w.check("a", "two", verdictOf(dag.CheckResult{Passed: true}))
	both := w.check("b", "like_c", verdictOf(dag.CheckResult{Passed: true}))
	both.Inputs = append(both.Inputs, dag.Input{Name: "c", Asset: "c", Type: intType})
	w.ok("")
	for _, c := range []struct{ selection, want string }{
		{"", "a a:one a:two b c b:like_c"},
		{"a", "a a:one a:two"},
		{"b", "b b:like_c"},
		{"c", "c"},
		{"+b", "a a:one a:two b b:like_c"},
		{"c+", "c"},
		{"a+", "a a:one a:two b b:like_c"},
		{"check:a", "a:one a:two"},
		{"check:a:two", "a:two"},
		{"a and not check:a", "a"},
		{"a and not check:a:one", "a a:two"},
	} {
		t.Run(c.selection, func(t *testing.T) {
			w.opts.Select = c.selection
			res, err := Run(t.Context(), w.catalog(), "", w.options())
			require.NoError(t, err)
			require.NoError(t, res.Err())
			text := ""
			for _, s := range res.Steps {
				text += " " + s.Key
			}
			assert.Equal(t, c.want, text[1:])
		})
	}
	w.opts.Select = "check:x"
	_, err := Run(t.Context(), w.catalog(), "", w.options())
	assert.EqualError(t, err, `selection "check:x" matches nothing: no asset with the check "x"`)
}

func TestRerunOfABlockedRun(t *testing.T) {
	w := newWorld(t)
	a := w.asset("a", nil, add(1))
	a.Volatile = true
	w.asset("b", []string{"a"}, add(1))
	passes := false
	check := w.check("a", "c", func(int) (dag.CheckResult, error) {
		if !passes {
			return dag.CheckResult{}, errors.New("not now")
		}
		return dag.CheckResult{Passed: true}, nil
	})
	check.Check.Blocking = true
	res := w.run("")
	assert.Equal(t, "a=run a:c=failure b=skip", actions(res))
	passes = true
	res = w.rerun(res.RunID, Rerun{FromFailure: true}, Options{})
	require.NoError(t, res.Err())
	assert.Equal(t, "a:c=run b=run", actions(res), "a is volatile, and done")
}

func TestHooksOfChecks(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	check := w.check("a", "c", verdictOf(dag.CheckResult{}))
	check.Check.Blocking = true
	var told []error
	check.Hooks = []*dag.Hook{{Key: "tell", Symbol: pkg + ".tell", Invoke: func(_ context.Context, c *dag.Call) error {
		told = append(told, dag.In[dag.HookContext](c, 0).Err)
		return nil
	}}}
	w.run("")
	require.Len(t, told, 1)
	var failed *dag.CheckFailedError
	assert.ErrorAs(t, told[0], &failed)
	w.run("")
	assert.Len(t, told, 1, "one that is reused has not happened")
}

func TestStatusIsOfAssetsAlone(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.asset("b", []string{"a"}, add(1))
	w.ok("")
	w.check("a", "c", verdictOf(dag.CheckResult{})).Check.Blocking = true
	for _, run := range []bool{false, true} {
		if run {
			w.run("")
		}
		st, err := Status(t.Context(), w.catalog(), w.options())
		require.NoError(t, err)
		require.Len(t, st.Assets, 2)
		assert.Equal(t, plan.Fresh, st.Assets[1].Status)
		assert.Equal(t, plan.Fresh, st.Assets[1].Projected)
		assert.Empty(t, st.Outdated())
	}
	w.code["a"] = "another"
	st, err := Status(t.Context(), w.catalog(), w.options())
	require.NoError(t, err)
	w.opts.Select = st.Outdated()
	assert.Equal(t, "a=run a:c=failure b=skip", actions(w.run("")), "stale assets run with their checks; a gives what it gave")
}

// An asset that is a graph waits with all its steps, those of its loops too.
func TestBlockingCheckBeforeAGraph(t *testing.T) {
	w := newWorld(t)
	list := &dag.Op{Kind: dag.KindAsset, Key: "list", Outputs: []dag.Output{{Name: "result", Asset: "list", Type: listType}}}
	w.add(list, func(_ context.Context, c *dag.Call) error { c.Out[0] = []int{1, 2}; return nil })
	passes := false
	check := w.check("list", "c", verdictOf(dag.CheckResult{}))
	check.Inputs[0].Type, check.Check.Blocking = listType, true
	check.Invoke = func(_ context.Context, c *dag.Call) error {
		return dag.GiveCheck(c, dag.CheckResult{Passed: passes}, nil)
	}
	double, sum := w.op("double", []string{"n"}, func(in []int) int { return 2 * in[0] }), &dag.Op{Key: "sum", Inputs: []dag.Input{{Name: "all", Type: listType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}
	w.add(sum, func(_ context.Context, c *dag.Call) error { c.Out[0] = len(dag.In[[]int](c, 0)); return nil })
	collected := dag.Carried{Name: "out", Type: listType, Init: dag.Binding{Kind: dag.FromLiteral, Type: listType, Value: []int{}}}
	collected.Next = dag.Binding{Kind: dag.FromAppend, Type: listType, Parts: []dag.Binding{{Kind: dag.FromCarried, Node: 0, Output: 0}, {Kind: dag.FromNode, Node: 1}}}
	total := &dag.Op{Kind: dag.KindAsset, Key: "total", Symbol: pkg + ".total", Inputs: []dag.Input{{Name: "list", Asset: "list", Type: listType}}, Outputs: []dag.Output{{Name: "result", Asset: "total", Type: intType}}}
	total.Graph = &dag.GraphDef{
		Key: "total", Symbol: pkg + ".total", Params: []dag.JobParam{{Name: "list", Type: listType}}, Body: []int{0, 2},
		Nodes: []dag.Node{
			{Key: "for n", Map: &dag.Map{Over: dag.Binding{Kind: dag.FromParam, Type: listType}, Body: []int{1}, Carried: []dag.Carried{collected}}},
			{Key: "double", Op: double, Inputs: []dag.Binding{{Kind: dag.FromElem, Node: 0, Type: intType}}},
			{Key: "sum", Op: sum, Inputs: []dag.Binding{from(0)}},
		},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(2)}},
	}
	w.ops = append(w.ops, total)
	res := w.run("")
	assert.Equal(t, storage.RunFailure, res.Status)
	for _, s := range res.Steps[2:] {
		assert.Equal(t, ActionSkip, s.Action, s.Key)
	}
	assert.Equal(t, "list=1", w.takeCalls())
	w.run("")
	assert.Empty(t, w.takeCalls(), "nor where all of it is known when the run is planned")
	w.code["list:c"], passes = "mended", true
	assert.Equal(t, "list=reuse list:c=run total.double[0]=run total.double[1]=run total.sum=run total=run", actions(w.ok("")))
}
