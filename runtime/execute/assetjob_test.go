package execute

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// assetJobShop has assets a, b and c in a row, where b takes a config, an asset by itself, and a job that is b with all above.
func assetJobShop(t testing.TB, o dag.JobOptions) *shop {
	s := newShop(t)
	s.asset("a", nil, func([]int) int { return 1 })
	b := s.asset("b", []string{"a"}, nil)
	b.Config = plainTuning
	b.Invoke = func(ctx context.Context, c *dag.Call) error {
		s.called("b")
		c.Out[0] = dag.In[int](c, 0) + c.Config.(tuning).Least
		return nil
	}
	s.asset("c", []string{"b"}, func(in []int) int { return in[0] * 2 })
	s.asset("other", nil, func([]int) int { return 5 })
	s.jobs = append(s.jobs, dag.NewAssetJob("morning", "*b", o).JobDef())
	return s
}

// morningChild is the variable that makes a child compute assets of an assetJobShop.
const morningChild = "MORNING"

func morningOptions() dag.JobOptions {
	return dag.JobOptions{Tags: map[string]string{"team": "sky"}, Config: "ops: {b: {config: {least: 4, key: k}}}", Executor: InProcessExecutor}
}

func TestJobOfAssets(t *testing.T) {
	w := newWorld(t)
	w.shop = assetJobShop(t, morningOptions())
	res := w.ok("morning")
	assert.Equal(t, "a=1 b=1", w.takeCalls())
	assert.Equal(t, 5, w.value(res, "b"))
	assert.Equal(t, "morning", res.Run.Job)
	assert.Equal(t, "sky", res.Run.Tags["team"])
	assert.Equal(t, InProcessExecutor, res.run.asked.executor)
	runs, err := w.inst.Runs(t.Context(), storage.RunFilter{Job: "morning"})
	require.NoError(t, err)
	require.Len(t, runs, 1)

	// They are the assets that materialize brings up to date, and the other way round.
	w.opts.Config, w.opts.Select = document(t, "ops: {b: {config: {least: 4, key: k}}}"), "*c"
	res = w.ok("")
	assert.Equal(t, "c=1", w.takeCalls())
	assert.Equal(t, 10, w.value(res, "c"))
	w.opts.Config, w.opts.Select = nil, ""
	w.ok("morning")
	assert.Empty(t, w.takeCalls())
	records, err := w.inst.Store().AssetRecords(t.Context(), "b", 0)
	require.NoError(t, err)
	assert.Len(t, records, 1)

	// What the run is given wins; --select says less of the job, never more.
	w.opts.Config, w.opts.Select = document(t, "ops: {b: {config: {least: 6}}}"), "b"
	assert.Equal(t, 7, w.value(w.ok("morning"), "b"))
	assert.Equal(t, "b=1", w.takeCalls())
	w.opts.Config, w.opts.Select = nil, "other"
	_, err = Run(t.Context(), w.catalog(), "morning", w.options())
	assert.EqualError(t, err, `selection "other" selects nothing of the job "morning", which is the assets *b`)
}

func TestRerunOfAJobOfAssets(t *testing.T) {
	w := newWorld(t)
	w.shop = assetJobShop(t, morningOptions())
	body := w.ops[1].Invoke
	w.ops[1].Invoke = func(context.Context, *dag.Call) error { return errors.New("no") }
	failed := w.run("morning")
	require.Error(t, failed.Err())
	w.ops[1].Invoke = body
	w.takeCalls()
	res := w.rerun(failed.Run.ID, Rerun{FromFailure: true}, w.options())
	require.NoError(t, res.Err())
	assert.Equal(t, "morning", res.Run.Job)
	assert.Equal(t, "b=1", w.takeCalls())
}

// A child knows the job, its selection and its config.
func TestJobOfAssetsInOtherProcesses(t *testing.T) {
	t.Setenv(morningChild, "yes")
	w := newWorld(t)
	o := morningOptions()
	o.Executor = ""
	w.shop = assetJobShop(t, o)
	w.opts.Executor = MultiprocessExecutor
	assert.Equal(t, 5, w.value(w.ok("morning"), "b"))
}

// A job of assets with partitions takes them as materialize does, and its own name one of them each time.
func TestJobOfAssetsWithPartitions(t *testing.T) {
	shops := partition.Static("oslo", "rome")
	least := map[dag.PartitionKey]int{"oslo": 1, "rome": 2}
	w := tunedWorld(t, least)
	for _, op := range w.ops {
		op.Partitions, op.ConfigFor = shops, nil
	}
	w.jobs = append(w.jobs,
		dag.NewAssetJob("all", "tuned", dag.JobOptions{Config: "ops: {tuned: {config: {least: 5, key: k}}, file: {config: {least: 1, key: f}}}"}).JobDef(),
		dag.NewAssetJob("own", "tuned", dag.JobOptions{Partitions: shops, ConfigFor: func(p dag.Partition) (string, error) {
			return fmt.Sprintf("ops: {tuned: {config: {least: %d, key: %s}}, file: {config: {least: 1, key: f}}}", least[p.Key], p.Key), nil
		}}).JobDef())
	w.opts.Tags = map[string]string{plan.TagPartition: "*"}
	res := w.ok("all")
	assert.Equal(t, "5 k", w.value(res, "tuned[oslo]"))
	assert.Equal(t, "tuned=2", w.takeCalls())
	_, err := Run(t.Context(), w.catalog(), "own", w.options())
	assert.EqualError(t, err, `a run of job "own" is of one partition, and "*" selects 2; a backfill of the job runs it for each: backfill launch --job own --partition '*'`)
	w.opts.Tags = map[string]string{plan.TagPartition: "rome"}
	assert.Equal(t, "2 rome", w.value(w.ok("own"), "tuned[rome]"))
	w.opts.Tags = nil
	_, err = Run(t.Context(), w.catalog(), "all", w.options())
	assert.ErrorContains(t, err, `asset "tuned" has partitions`)
	st := w.jobs[0]
	assert.Equal(t, []string{"tuned"}, w.catalog().AssetsOf(st))
}

func TestJobOfAssetsThatCannotBe(t *testing.T) {
	s := assetJobShop(t, dag.JobOptions{})
	s.jobs = append(s.jobs,
		dag.NewAssetJob("typo", "bb", dag.JobOptions{Inputs: map[string]any{"n": 1}}).JobDef(),
		dag.NewAssetJob("Upper", "", dag.JobOptions{}).JobDef())
	_, err := plan.NewCatalog(s.definitions())
	for _, want := range []string{
		`job "typo" has a value for the input "n", and no such parameter`,
		`job "typo": selection "bb" matches nothing: no asset "bb"`,
		`"Upper" is no name of a job`,
	} {
		assert.ErrorContains(t, err, want)
	}
	s.jobs = append(s.jobs[:1], dag.NewAssetJob("morning", "c", dag.JobOptions{}).JobDef())
	_, err = plan.NewCatalog(s.definitions())
	assert.ErrorContains(t, err, `two jobs have the key "morning"`)
}
