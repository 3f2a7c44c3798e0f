package execute

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// An ephemeral instance that is handed from run to run memoizes while it lives.
func TestEphemeralInstance(t *testing.T) {
	w := &world{shop: newShop(t), inst: instance.Ephemeral()}
	bigAsset(w, "big")
	sumOf(w, "sum", "big")
	w.asset("b", []string{"sum"}, add(1))
	first := w.ok("")
	assert.Equal(t, "big=run sum=run b=run", actions(first))
	res := w.ok("")
	assert.Equal(t, "big=reuse sum=reuse b=reuse", actions(res))
	assert.Equal(t, w.value(first, "b"), w.value(res, "b"))
	w.code["b"] = "edited"
	assert.Equal(t, "big=reuse sum=reuse b=run", actions(w.ok("")))
	require.NoError(t, w.inst.Close())
}

// tree lists the files below a folder with their sizes and times.
func tree(t *testing.T, dir string) map[string]string {
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files[path] = info.ModTime().String() + info.Mode().String()
		}
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return files
}

func TestPlanWritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	w := &world{shop: newShop(t)}
	bigAsset(w, "big")
	sumOf(w, "sum", "big")
	readOnly := func() *instance.Instance {
		inst, err := instance.OpenReadOnly(t.Context(), dir)
		require.NoError(t, err)
		return inst
	}
	w.inst = readOnly()
	assert.Equal(t, "big=run sum=maybe", planned(w.plan("")), "an instance that does not exist yet is empty")
	_, err := Run(t.Context(), w.catalog(), "", w.options())
	assert.Equal(t, 74, ExitCode(nil, err), "%v", err)
	assert.Empty(t, w.takeCalls(), "nothing ran")
	require.NoError(t, w.inst.Close())
	assert.NoDirExists(t, dir)

	w.inst = openInstance(t, dir)
	w.ok("")
	before := tree(t, dir)
	w.inst = readOnly()
	assert.Equal(t, "big=reuse sum=reuse", planned(w.plan("")))
	w.code["sum"] = "edited"
	assert.Equal(t, "big=reuse sum=run", planned(w.plan("")))
	require.NoError(t, w.inst.Close())
	assert.Equal(t, before, tree(t, dir))
}

func TestCancelWhileWaitingForAnotherRun(t *testing.T) {
	w := newWorld(t)
	started, release := make(chan struct{}), make(chan struct{})
	w.asset("a", nil, nil).Invoke = func(_ context.Context, c *dag.Call) error {
		close(started)
		<-release
		c.Out[0] = 1
		return nil
	}
	cat := w.catalog()
	var wg sync.WaitGroup
	wg.Go(func() {
		res, err := Run(t.Context(), cat, "", w.options())
		if assert.NoError(t, err) {
			assert.NoError(t, res.Err())
		}
	})
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	res, err := Run(ctx, cat, "", w.options())
	require.NoError(t, err)
	assert.Equal(t, storage.RunCanceled, res.Status)
	assert.Equal(t, "a=skip", actions(res))
	close(release)
	wg.Wait()
}

// constant is a version strategy as a user writes one.
type constant string

func (c constant) OpVersion(dag.OpVersionContext) (string, error) { return string(c), nil }

func TestVersionStrategyOfTheUser(t *testing.T) { // V27, V35
	w := newWorld(t)
	f := w.op("f", nil, add(1))
	g := w.op("g", []string{"x"}, add(1))
	j := w.job("j", []dag.Node{{Key: "f", Op: f}, {Key: "g", Op: g, Inputs: []dag.Binding{from(0)}}}, 1)
	j.Strategy = constant("1")
	a := w.asset("a", nil, add(1))
	a.Strategy = constant("x")
	w.ok("j")
	w.ok("")
	w.code["f"], w.code["a"] = "edited f", "edited a"
	assert.Equal(t, "f=reuse g=reuse", actions(w.ok("j")), "the strategy says that nothing changed")
	assert.Equal(t, "a=reuse", actions(w.ok("")))
	j.Strategy, a.Strategy = constant("2"), constant("y")
	assert.Equal(t, "code version: 1 → 2", because(w.plan("j"), "f"))
	assert.Equal(t, "f=run g=run", actions(w.ok("j")))
	assert.Equal(t, "a=run", actions(w.ok("")))
	j.Strategy = constant("")
	_, err := Run(t.Context(), w.catalog(), "j", w.options())
	require.ErrorContains(t, err, `the version strategy gave op "f" an empty version`)
	assert.Equal(t, 2, ExitCode(nil, err))
}

func TestConfigSchema(t *testing.T) {
	w := newWorld(t)
	a := w.asset("a", nil, add(1))
	a.Config = poolSchema()
	w.asset("b", []string{"a"}, add(1))
	s, err := ConfigSchema(w.catalog(), "", "b")
	require.NoError(t, err)
	require.Len(t, s.Ops, 2)
	assert.Equal(t, "a", s.Ops[0].Key)
	assert.True(t, s.Ops[0].Optional, "it is not selected")
	assert.False(t, s.Ops[1].Optional)
	_, err = ConfigSchema(w.catalog(), "nightly", "")
	require.Error(t, err)
}
