package execute

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// subsetNotes names the file in which the function of subsets notes what it is asked for.
const subsetNotes = "SUBSETS"

// subsetCode is the body of that function, for children too.
const subsetCode = "SUBSETS_CODE"

// subsets is a function with three assets that computes what is asked for, and what is made of two of them.
func subsets(s *shop) (split *dag.Op) {
	if code := os.Getenv(subsetCode); code != "" {
		s.code["split"] = code
	}
	s.asset("raw", nil, add(10))
	split = &dag.Op{
		Kind: dag.KindAsset, Key: "split", Subset: true, Inputs: []dag.Input{{Name: "raw", Asset: "raw", Type: intType}},
		Outputs: []dag.Output{{Name: "low", Asset: "low", Type: intType}, {Name: "high", Asset: "high", Type: intType}, {Name: "sum", Asset: "stats/sum", Type: intType}},
	}
	s.add(split, func(ctx context.Context, c *dag.Call) error {
		note := strings.Join(dag.SelectedOutputs(ctx), " ") + "\n"
		f, err := os.OpenFile(os.Getenv(subsetNotes), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(note)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return err
		}
		if _, err := os.Stat(os.Getenv(subsetNotes) + ".fail"); err == nil {
			return errors.New("boom")
		}
		for k, name := range []string{"low", "high", "sum"} {
			c.Out[k] = 0
			if dag.Selected(ctx, name) {
				c.Out[k] = dag.In[int](c, 0) + k
				err = errors.Join(err, dag.AddMetadataTo(ctx, name, dag.Text("name", name)), dag.SetDataVersion(ctx, name, dag.DataVersion("v "+name)))
			}
		}
		return err
	})
	s.asset("below", []string{"high"}, add(100))
	return split
}

// subsetWorld has subsets, and calls how often and for what its function was called since the last time.
func subsetWorld(t *testing.T, executor string) (w *world, split *dag.Op, calls func() []string) {
	path := filepath.Join(t.TempDir(), "notes")
	t.Setenv(subsetNotes, path)
	w = newWorld(t)
	split = subsets(w.shop)
	w.opts.Executor = executor
	return w, split, func() []string {
		data, err := os.ReadFile(path)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
			require.NoError(t, os.Remove(path))
		}
		return slices.Collect(strings.Lines(string(data)))
	}
}

func (w *world) selected(selection string) *world {
	w.opts.Select = selection
	return w
}

func TestSubset(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor, MultiprocessExecutor} {
		t.Run(executor, func(t *testing.T) {
			w, _, calls := subsetWorld(t, executor)
			w.selected("+high")
			assert.Equal(t, "raw=run high=maybe", planned(w.plan("")))
			res := w.ok("")
			assert.Equal(t, "raw=run high=run", actions(res))
			assert.Equal(t, []string{"high\n"}, calls(), "only what is asked for")
			assert.Equal(t, 11, w.value(res, "high"))
			assert.Equal(t, 1, count(eventTypes(t, res, "high"), storage.EventMaterialization))
			keys, err := w.inst.AssetKeys(t.Context(), storage.AssetFilter{})
			require.NoError(t, err)
			assert.Equal(t, []string{"high", "raw"}, keys, "what is not asked for is neither stored nor reported")
			assert.Equal(t, "raw=fresh high=fresh low=missing stats/sum=missing below=missing", standings(w.selected("").status("")))

			w.selected("")
			assert.Equal(t, "raw=reuse high=reuse low=run stats/sum=run below=run", planned(w.plan("")))
			res = w.ok("")
			assert.Equal(t, "raw=reuse high=reuse low=run stats/sum=run below=run", actions(res))
			assert.Equal(t, []string{"low sum\n"}, calls(), "one call for all that is needed, without what is stored")
			assert.Equal(t, []any{10, 12, 111}, []any{w.value(res, "low"), w.value(res, "stats/sum"), w.value(res, "below")})
			for _, name := range []string{"low", "high", "sum"} {
				key := strings.Replace(name, "sum", "stats/sum", 1)
				out := newest(t, w, key).Outputs
				require.Len(t, out, 1)
				assert.Equal(t, []dag.MetadataEntry{dag.Text("name", name)}, out[0].Metadata)
				assert.Equal(t, "v "+name, out[0].Said)
			}
			assert.Equal(t, "raw=reuse high=reuse low=reuse stats/sum=reuse below=reuse", actions(w.ok("")))
			assert.Empty(t, calls())

			t.Setenv(subsetCode, "edited")
			w.code["split"] = "edited" // all of them are out of date, and one is asked for
			assert.Equal(t, "low=run", actions(w.selected("low").ok("")))
			assert.Equal(t, []string{"low\n"}, calls())
			assert.Equal(t, "high=run low=reuse stats/sum=run", actions(w.selected("split").ok("")), "the name of the function is all of them")
			assert.Equal(t, []string{"high sum\n"}, calls())

			_, err = w.inst.WipeAssets(t.Context(), false, "low")
			require.NoError(t, err)
			assert.Equal(t, "raw=reuse high=reuse low=run stats/sum=reuse below=reuse", actions(w.selected("").ok("")), "what is wiped is made again alone")
			assert.Equal(t, []string{"low\n"}, calls())
		})
	}
}

// A call that fails fails for all that it was for, once, and is tried again for all of them.
func TestSubsetFails(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor, MultiprocessExecutor} {
		t.Run(executor, func(t *testing.T) {
			w, split, calls := subsetWorld(t, executor)
			split.Retry = &dag.RetryPolicy{MaxRetries: 1}
			failing := os.Getenv(subsetNotes) + ".fail"
			require.NoError(t, os.WriteFile(failing, nil, 0o600))
			res := w.run("")
			assert.Equal(t, "raw=run high=failure low=failure stats/sum=failure below=skip", actions(res))
			assert.Equal(t, []string{"low high sum\n", "low high sum\n"}, calls())
			assert.ErrorContains(t, failedStep(t, res, "stats/sum"), "step stats/sum: boom")
			require.NoError(t, os.Remove(failing))
			assert.Equal(t, "raw=reuse high=run low=run stats/sum=run below=run", actions(w.ok("")))
			assert.Equal(t, []string{"low high sum\n"}, calls())
		})
	}
}

func TestSubsetOfPartitions(t *testing.T) {
	w, split, calls := subsetWorld(t, MultiExecutor)
	split.Partitions = partition.Static("a", "b")
	w.ops[2].Partitions = split.Partitions
	w.opts.Select, w.opts.Tags = "+low", map[string]string{plan.TagPartition: "a"}
	assert.Equal(t, "raw=run low[a]=run", actions(w.ok("")))
	assert.Equal(t, []string{"low\n"}, calls())
	w.opts.Select, w.opts.Tags = "", map[string]string{plan.TagPartition: "a,b"}
	w.opts.MaxConcurrent = 1
	res := w.ok("")
	assert.Equal(t, "raw=reuse high[a]=run high[b]=run low[a]=reuse low[b]=run stats/sum[a]=run stats/sum[b]=run below[a]=run below[b]=run", actions(res))
	assert.ElementsMatch(t, []string{"high sum\n", "low high sum\n"}, calls(), "a call for each partition")
}

// In memory nothing is stored before, so all that is selected comes from one call.
func TestSubsetInMemory(t *testing.T) {
	w, _, calls := subsetWorld(t, MultiExecutor)
	res, err := MaterializeToMemory(t.Context(), w.definitions(), WithSelection("+low,stats/sum"))
	require.NoError(t, err)
	assert.Equal(t, []string{"low sum\n"}, calls())
	v, err := Value(res, dag.AssetRef[int]{Key: "stats/sum"})
	require.NoError(t, err)
	assert.Equal(t, 12, v)
}

// Without subset a function is one step: whoever asks for one of its assets gets all.
func TestWithoutSubsetAllAreComputed(t *testing.T) {
	w, split, calls := subsetWorld(t, MultiExecutor)
	split.Subset = false
	assert.Equal(t, "raw=run split=run", actions(w.selected("+high").ok("")))
	assert.Equal(t, []string{"low high sum\n"}, calls(), "dag.Selected says yes to each")
	keys, err := w.inst.AssetKeys(t.Context(), storage.AssetFilter{})
	require.NoError(t, err)
	assert.Equal(t, []string{"high", "low", "raw", "stats/sum"}, keys)
}

// The config of a function is one, whatever is asked of it, and stands under the name of the function.
func TestSubsetKeys(t *testing.T) {
	w, split, _ := subsetWorld(t, MultiExecutor)
	op, _, ok := w.catalog().AssetOp("stats/sum")
	require.True(t, ok)
	assert.Equal(t, "stats/sum", op.Key)
	schema, err := ConfigSchema(w.catalog(), "", "")
	require.NoError(t, err)
	var keys []string
	for _, o := range schema.Ops {
		keys = append(keys, o.Key)
	}
	assert.Equal(t, []string{"raw", "split", "below"}, keys)
	split.Key = "below"
	_, err = plan.NewCatalog(w.definitions())
	assert.ErrorContains(t, err, `two definitions have the key "below"`)
}

// Another process that is computing one of the assets is not asked for it here; it is waited for by its own step.
func TestSubsetTakesNoGuestsOfOthers(t *testing.T) {
	w, _, calls := subsetWorld(t, InProcessExecutor)
	w.selected("raw").ok("")
	p := w.selected("").plan("")
	step := p.Steps[slices.IndexFunc(p.Steps, func(s *plan.Step) bool { return s.Key == "low" })]
	unlock, _, err := w.inst.LockVersion(t.Context(), step.Content, false)
	require.NoError(t, err)
	w.opts.NoWait = true
	_, err = Run(t.Context(), w.catalog(), "", w.options())
	var busy *BusyError
	require.ErrorAs(t, err, &busy)
	assert.Equal(t, "low", busy.Step)
	assert.Equal(t, []string{"high sum\n"}, calls())
	unlock()
	w.ok("")
	assert.Equal(t, []string{"low sum\n"}, calls(), "what the run did not get to is not stored")
}
