package execute

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// splitNotes names the file in which the function of a splitShop notes what it is asked for, and makes a child compute steps of one.
const splitNotes = "SPLIT_NOTES"

// splitShop has what meets in a pipeline of partitions: an external source, a function with two assets of which each has a config for each partition, a graph that is made from one of
// them, and a job of assets.
func splitShop(t testing.TB) *shop {
	s := newShop(t)
	shops := partition.Static("oslo", "rome", "lima")
	orders := in(s.source("orders", func() (any, error) { return dag.DataVersion(""), nil }), shops)
	orders.External = true
	split := in(&dag.Op{Kind: dag.KindAsset, Key: "split", Subset: true, Deps: []string{"orders"}, Config: tuningConfig,
		Outputs: []dag.Output{{Name: "train", Asset: "train", Type: textType}, {Name: "test", Asset: "test", Type: textType}}}, shops)
	least := threeShops()
	split.ConfigFor = func(p dag.Partition) any { return tuning{Least: least[p.Key], Key: string(p.Key)} }
	s.add(split, func(ctx context.Context, c *dag.Call) error {
		cfg := c.Config.(tuning)
		f, err := os.OpenFile(os.Getenv(splitNotes), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintf(f, "%s: %s of %s\n", keyOf(ctx), strings.Join(dag.SelectedOutputs(ctx), " "), cfg.Key)
			err = errors.Join(err, f.Close())
		}
		for k, name := range []string{"train", "test"} {
			if c.Out[k] = ""; dag.Selected(ctx, name) {
				c.Out[k] = fmt.Sprintf("%s %d %s", name, cfg.Least, cfg.Key)
			}
		}
		return err
	})
	loud := s.add(&dag.Op{Key: "loud", Inputs: []dag.Input{{Name: "text", Type: textType}}, Outputs: []dag.Output{{Name: "result", Type: textType}}}, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = strings.ToUpper(dag.In[string](c, 0))
		return nil
	})
	model := in(s.asset("model", []string{"train"}, nil), shops)
	model.Inputs[0].Type, model.Outputs[0].Type, model.Invoke = textType, textType, nil
	model.Graph = &dag.GraphDef{Key: "model", Symbol: model.Symbol, Params: []dag.JobParam{{Name: "train", Type: textType}},
		Nodes:   []dag.Node{{Key: "loud", Op: loud, Inputs: []dag.Binding{{Kind: dag.FromParam, Type: textType}}}},
		Outputs: []dag.JobOutput{{Name: "result", Type: textType, From: dag.Binding{Kind: dag.FromNode, Type: textType}}}}
	s.jobs = append(s.jobs, dag.NewAssetJob("training", "model or train", dag.JobOptions{Partitions: shops}).JobDef())
	return s
}

func TestSubsetGraphAndExternalOfPartitions(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor, MultiprocessExecutor} {
		t.Run(executor, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "notes")
			t.Setenv(splitNotes, path)
			w := newWorld(t)
			w.shop, w.opts.Executor = splitShop(t), executor
			calls := func() []string {
				data, err := os.ReadFile(path)
				if !os.IsNotExist(err) {
					require.NoError(t, err)
					require.NoError(t, os.Remove(path))
				}
				return slices.Sorted(strings.Lines(string(data)))
			}
			report := func(partition, version string) {
				require.NoError(t, w.inst.ReportAssetEvent(t.Context(), instance.AssetEvent{Type: storage.EventMaterialization, Asset: "orders", Partition: partition, DataVersion: dag.DataVersion(version)}))
			}
			for _, key := range []string{"oslo", "rome", "lima"} {
				report(key, "1")
			}

			// A job of assets takes the one that it names, of its partition, with the config of that.
			w.opts.Tags = map[string]string{plan.TagPartition: "rome"}
			res := w.ok("training")
			assert.Equal(t, "train[rome]=run model[rome].loud=run model[rome]=run", strings.TrimPrefix(actions(res), "orders[rome]=run "))
			assert.Equal(t, []string{"rome: train of rome\n"}, calls())
			assert.Equal(t, "TRAIN 2 ROME", w.value(res, "model[rome]"))

			// Each partition is a call for what is not stored of it.
			w.opts.Tags = map[string]string{plan.TagPartition: "*"}
			res = w.ok("")
			assert.Equal(t, []string{"lima: train test of lima\n", "oslo: train test of oslo\n", "rome: test of rome\n"}, calls())
			assert.Equal(t, "test 3 lima", w.value(res, "test[lima]"))
			assert.Equal(t, "TRAIN 1 OSLO", w.value(res, "model[oslo]"))
			w.ok("")
			assert.Empty(t, calls())

			// What is reported of one partition is out of date there, and what run config says is for all.
			report("lima", "2")
			w.opts.Tags = nil
			st := w.status("")
			for _, key := range []string{"train", "test"} {
				p := assetIn(t, st, key).Partitions
				assert.Equal(t, []string{"lima"}, p.Status[plan.Stale].Terms(), key)
			}
			assert.Equal(t, []string{"lima"}, assetIn(t, st, "model").Partitions.Projected[plan.Stale].Terms())
			w.opts.Tags = map[string]string{plan.TagPartition: "*"}
			res = w.ok("")
			assert.Equal(t, []string{"lima: train test of lima\n"}, calls())
			assert.NotContains(t, actions(res), "model[lima].loud=run", "it gave what it gave before")
			w.opts.Config, w.opts.Select = document(t, "ops: {split: {config: {key: said}}}"), "*test"
			assert.Equal(t, "test 3 said", w.value(w.ok(""), "test[lima]"))
			assert.Equal(t, []string{"lima: test of said\n", "oslo: test of said\n", "rome: test of said\n"}, calls())

			found, err := Verify(t.Context(), w.catalog(), "", VerifyOptions{Instance: w.inst, Config: w.opts.Config, Select: "test", Partition: "lima"})
			require.NoError(t, err)
			i := slices.IndexFunc(found.Steps, func(s VerifiedStep) bool { return s.Key == "test[lima]" })
			require.GreaterOrEqual(t, i, 0)
			assert.Equal(t, VerifySame, found.Steps[i].Result)
		})
	}
}
