package execute

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// The handle of a job as generated code declares it.
type reportInputs struct {
	N  int
	Xs []int
}

type reportOutputs struct {
	Sum  int
	List []int
}

func reportJob(s *shop) dag.Job[reportInputs, reportOutputs] {
	double := s.op("double", []string{"x"}, func(in []int) int { return 2 * in[0] })
	push := &dag.Op{Key: "push", Inputs: []dag.Input{{Name: "xs", Type: listType}, {Name: "x", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: listType}}}
	s.add(push, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = append(dag.In[[]int](c, 0), dag.In[int](c, 1))
		return nil
	})
	j := s.job("report", []dag.Node{
		{Key: "double", Op: double, Inputs: []dag.Binding{param(0)}},
		{Key: "push", Op: push, Inputs: []dag.Binding{param(1), from(0)}},
	}, 0, 1)
	j.Params = []dag.JobParam{{Name: "n", Type: intType}, {Name: "xs", Type: listType}}
	defs := s.definitions()
	return dag.Job[reportInputs, reportOutputs]{
		Definitions: &defs, Def: j,
		Inputs:  func(in reportInputs) []any { return []any{in.N, in.Xs} },
		Outputs: func(v []any) reportOutputs { return reportOutputs{dag.OutputAs[int](v[0]), dag.OutputAs[[]int](v[1])} },
	}
}

func TestInProcess(t *testing.T) {
	s := newShop(t)
	job := reportJob(s)
	res, err := InProcess(t.Context(), job, reportInputs{N: 4, Xs: []int{1, 2}})
	require.NoError(t, err)
	assert.Equal(t, reportOutputs{8, []int{1, 2, 8}}, res.Output())
	assert.True(t, res.Success())
	assert.Equal(t, storage.RunSuccess, res.Run.Status)
	returned, err := res.Returned(t.Context())
	require.NoError(t, err)
	require.Len(t, returned, 2)
	assert.Equal(t, []any{8, []int{1, 2, 8}}, []any{returned[0].Value, returned[1].Value})
	v, err := res.Result.Output(t.Context(), "double", "result")
	require.NoError(t, err)
	assert.Equal(t, 8, v)
	events, err := res.EventsOf(t.Context(), "double")
	require.NoError(t, err)
	assert.NotEmpty(t, events)
	e, err := res.SuccessEvent(t.Context(), "double")
	require.NoError(t, err)
	assert.Equal(t, storage.EventStepSuccess, e.Type)
	require.NoError(t, res.Close())

	t.Run("on an instance, memoized", func(t *testing.T) {
		inst := openInstance(t, t.TempDir())
		for _, want := range []string{"double=run push=run", "double=reuse push=reuse"} {
			res, err := InProcess(t.Context(), job, reportInputs{N: 4, Xs: []int{1, 2}}, WithInstance(inst), WithTags(map[string]string{"team": "data"}))
			require.NoError(t, err)
			assert.Equal(t, want, actions(res.Result))
			assert.Equal(t, reportOutputs{8, []int{1, 2, 8}}, res.Output())
			assert.Equal(t, "data", res.Run.Tags["team"])
		}
		res, err := InProcess(t.Context(), job, reportInputs{N: 4, Xs: []int{1, 2}}, WithInstance(inst), WithoutMemo(), WithExecutor(MultiExecutor))
		require.NoError(t, err)
		assert.Equal(t, "double=run push=run", actions(res.Result))
		res, err = InProcess(t.Context(), job, reportInputs{N: 5, Xs: []int{1, 2}}, WithInstance(inst))
		require.NoError(t, err)
		assert.Equal(t, reportOutputs{10, []int{1, 2, 10}}, res.Output(), "the values of in count")
	})
	t.Run("a parameter has one value", func(t *testing.T) {
		_, err := InProcess(t.Context(), job, reportInputs{N: 4}, WithConfig(document(t, "inputs: {n: 100}")))
		assert.ErrorContains(t, err, "inputs.n: the parameter has a value from Go already")
		assert.Equal(t, 2, ExitCode(nil, err))
	})
	t.Run("part of it", func(t *testing.T) {
		res, err := InProcess(t.Context(), job, reportInputs{N: 4}, WithSelection("double"))
		require.NoError(t, err)
		assert.Zero(t, res.Output())
		assert.Equal(t, "double=run", actions(res.Result))
	})
	t.Run("run id", func(t *testing.T) {
		const id = "01890a5d-ac96-774b-bcce-b302099a8057"
		res, err := InProcess(t.Context(), job, reportInputs{}, WithRunID(id))
		require.NoError(t, err)
		assert.Equal(t, id, res.RunID)
		_, err = InProcess(t.Context(), job, reportInputs{}, WithRunID("../x"))
		assert.ErrorContains(t, err, `run id "../x" is not a UUID`)
	})
	t.Run("failure", func(t *testing.T) {
		s.ops[0].Invoke = failing(errBoom)
		res, err := InProcess(t.Context(), job, reportInputs{})
		require.ErrorIs(t, err, errBoom)
		assert.Zero(t, res.Output())
		assert.False(t, res.Success())
		res, err = InProcess(t.Context(), job, reportInputs{}, ReturnFailure())
		require.NoError(t, err)
		assert.Equal(t, "double=failure push=skip", actions(res.Result))
	})
}

func TestMaterialize(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/shop\n"), 0o600))
	t.Chdir(root)
	t.Setenv("DAGSTERGEN_HOME", "")
	require.NoError(t, os.Unsetenv("DAGSTERGEN_HOME"))
	s := newShop(t)
	s.asset("a", nil, add(1))
	s.asset("b", []string{"a"}, add(1))
	for _, want := range []string{"a=run b=run", "a=reuse b=reuse"} {
		res, err := Materialize(t.Context(), s.definitions())
		require.NoError(t, err)
		assert.Equal(t, want, actions(res))
		b, err := Value(res, dag.AssetRef[int]{Key: "b"})
		require.NoError(t, err)
		assert.Equal(t, 2, b)
		require.NoError(t, res.Close())
	}
	assert.DirExists(t, filepath.Join(root, ".dagstergen"))

	inst := openInstance(t, t.TempDir())
	res, err := Materialize(t.Context(), s.definitions(), WithInstance(inst), WithSelection("a"))
	require.NoError(t, err)
	assert.Equal(t, "a=run", actions(res), "another instance knows nothing")
	_, err = Value(res, dag.AssetRef[int]{Key: "b"})
	assert.ErrorContains(t, err, `has no step "b"`)
}

func TestMaterializeToMemory(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	s := newShop(t)
	s.resource(&dag.Resource{Key: "db", Type: textType}, func(context.Context, *dag.Call) (any, func(), error) { return "real", nil, nil })
	a := s.asset("a", nil, nil)
	a.Resources = []dag.ResourceUse{{Name: "db", Key: "db"}}
	a.Invoke = func(ctx context.Context, c *dag.Call) error {
		dag.Log(ctx).Info("with " + dag.ResourceOf[string](c, 0))
		c.Out[0] = len(dag.ResourceOf[string](c, 0))
		return nil
	}
	var log bytes.Buffer
	var seen int
	res, err := MaterializeToMemory(t.Context(), s.definitions(), WithResources(map[string]any{"db": "a fake"}),
		WithLog(slog.NewTextHandler(&log, nil)), WithObserver(func(Progress) { seen++ }))
	require.NoError(t, err)
	v, err := Value(res, dag.AssetRef[int]{Key: "a"})
	require.NoError(t, err)
	assert.Equal(t, 6, v)
	assert.Contains(t, log.String(), "with a fake")
	assert.Positive(t, seen)
	require.NoError(t, res.Close())
	left, err := os.ReadDir(root)
	require.NoError(t, err)
	assert.Empty(t, left, "nothing is persisted")

	_, err = MaterializeToMemory(t.Context(), s.definitions(), WithResources(map[string]any{"db": "1"}), WithResources(map[string]any{"db": "2"}))
	assert.EqualError(t, err, `two values are given for the resource "db"`)
	_, err = MaterializeToMemory(t.Context(), s.definitions(), WithInstance(openInstance(t, t.TempDir())))
	assert.ErrorContains(t, err, "persists nothing")
	broken := s.definitions()
	broken.Manifest = "x"
	_, err = MaterializeToMemory(t.Context(), broken)
	assert.Equal(t, 5, ExitCode(nil, err))
	_, err = Materialize(t.Context(), broken)
	assert.Equal(t, 5, ExitCode(nil, err))
	_, err = MaterializeToMemory(t.Context(), s.definitions(), WithSelection("nothing"))
	assert.Equal(t, 2, ExitCode(nil, err))
}

func TestRunIDsAreUnique(t *testing.T) {
	w := newWorld(t)
	w.asset("a", nil, add(1))
	w.opts.RunID = "01890a5d-ac96-774b-bcce-b302099a8057"
	w.ok("")
	_, err := Run(t.Context(), w.catalog(), "", w.options())
	assert.EqualError(t, err, "run 01890a5d-ac96-774b-bcce-b302099a8057 exists already; give another id, or none")
	assert.Equal(t, 2, ExitCode(nil, err))
}
