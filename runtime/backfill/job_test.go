package backfill

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// limits is the config of load in the job of a shop.
type limits struct {
	Most  int    `json:"most"`
	Token string `json:"token"`
}

// nightly is a catalog with the job nightly, load of each of s.days, whose ConfigFor is of: a most for each key. What load does is what readings does, with the most behind the key.
func (s *shop) nightly(t *testing.T, of func(key dag.PartitionKey) (string, error)) *plan.Catalog {
	config := runconfig.ConfigOf(limits{})
	config.Symbol = pkg + ".Limits"
	load := &dag.Op{Kind: dag.KindOp, Key: "load", Symbol: pkg + ".load", Config: config, Outputs: []dag.Output{{Name: "result", Type: dag.ImmutableOf[int]("int")}}}
	load.Invoke = func(ctx context.Context, c *dag.Call) error {
		p, _ := dag.PartitionOf(ctx)
		c.Out[0] = c.Config.(limits).Most
		return s.read(ctx, string(p.Key)+":"+c.Config.(limits).Token)
	}
	j := &dag.JobDef{GraphDef: dag.GraphDef{Key: "nightly", Symbol: pkg + ".nightly", Nodes: []dag.Node{{Key: "load", Op: load}}, Body: []int{0}}, Partitions: s.days}
	if of != nil {
		j.ConfigFor = dag.PartitionConfigFrom(func(p dag.Partition) (string, error) { return of(p.Key) })
	}
	return s.definitions(t, []*dag.Op{load}, j, dag.NewAssetJob("morning", "*means", dag.JobOptions{}).JobDef(), dag.NewAssetJob("daily", "readings, base", dag.JobOptions{Partitions: s.days}).JobDef(),
		&dag.JobDef{GraphDef: dag.GraphDef{Key: "plain", Symbol: pkg + ".plain", Nodes: []dag.Node{{Key: "load", Op: load}}, Body: []int{0}}})
}

func token(t *testing.T, text string) *runconfig.Document {
	d, err := runconfig.FromValue(map[string]any{"ops": map[string]any{"load": map[string]any{"config": map[string]any{"token": text}}}})
	require.NoError(t, err)
	return d
}

func TestBackfillOfAJob(t *testing.T) {
	ctx := t.Context()
	s := newShop(t, days(4))
	cat := s.nightly(t, func(key dag.PartitionKey) (string, error) {
		if key == "2024-01-01" {
			return "", errors.New("closed")
		}
		return "ops: {load: {config: {most: " + string(key[9:]) + ", token: day" + string(key[9:]) + "}}}", nil
	})
	s.does(failing("2024-01-03:day3"))
	r := Request{Job: "nightly", Partitions: "*", Newest: true, Concurrent: 1}
	state, err := Launch(ctx, cat, r, s.options())
	var failed *FailedError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "2024-01-04:day4 2024-01-03:day3 2024-01-02:day2", s.take(), "each has the config of its partition")
	assert.Equal(t, "2024-01-01, 2024-01-03", failed.Partitions)
	assert.ErrorContains(t, failed.Failures[1].Err, "has no config for the partition 2024-01-01: closed")
	assert.Equal(t, "nightly", state.Job)
	assert.Empty(t, state.Config, "what the job says of a partition is not what the backfill was given")
	runs, err := s.inst.Runs(ctx, storage.RunFilter{Job: "nightly", Ascending: true})
	require.NoError(t, err)
	require.Len(t, runs, 3)
	assert.Equal(t, map[string]string{storage.TagBackfill: state.ID, plan.TagPartition: "2024-01-04"}, runs[0].Tags)

	// What is given to it is kept, and wins over that of each partition.
	o := s.options()
	o.Config = token(t, "given")
	s.does(failing("2024-01-02:given"))
	state, err = Launch(ctx, cat, Request{Job: "nightly", Partitions: "2024-01-02...", Concurrent: 1}, o)
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "2024-01-02:given 2024-01-03:given 2024-01-04:given", s.take())
	assert.Equal(t, "ops:\n  load:\n    config:\n      token: given\n", state.Config)
	s.does(nil)
	state, err = Resume{Failed: true}.Run(ctx, cat, state.ID, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-02:given", s.take())
	assert.Equal(t, Counts{Total: 3, Done: 3}, state.Counts)

	// What is stored needs no run.
	again, err := Launch(ctx, cat, Request{Job: "nightly", Partitions: "2024-01-02...", Concurrent: 1}, o)
	require.NoError(t, err)
	assert.Empty(t, s.take())
	assert.Equal(t, Counts{Total: 3, Reused: 3}, again.Counts)
}

// A run that is done again by somebody stays part of the backfill, and a backfill that is stopped goes on.
func TestBackfillOfAJobStoppedAndGoneOnWith(t *testing.T) {
	s := newShop(t, days(3))
	cat := s.nightly(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	s.does(func(ctx context.Context, key string) error {
		if key == "2024-01-02:" {
			stop()
			<-ctx.Done()
		}
		return ctx.Err()
	})
	o := s.options()
	o.Config = token(t, "")
	state, err := Launch(ctx, cat, Request{Job: "nightly", Partitions: "*", Concurrent: 1}, o)
	var stopped *StoppedError
	require.ErrorAs(t, err, &stopped)
	assert.Equal(t, 2, stopped.Left)
	assert.True(t, state.Live, "by this process")
	s.does(nil)
	s.take()
	state, err = Resume{}.Run(t.Context(), cat, state.ID, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-02: 2024-01-03:", s.take())
	assert.Equal(t, Counts{Total: 3, Done: 3}, state.Counts)

	// The job is gone.
	state, err = Look(t.Context(), s.catalog(t), s.inst, state.ID)
	require.NoError(t, err)
	require.ErrorContains(t, state.Changed, `no job "nightly"`)
	assert.Equal(t, 3, state.Counts.Done)
}

func TestBackfillOfAJobOfAssets(t *testing.T) {
	s := newShop(t, days(3))
	cat := s.nightly(t, nil)
	state, err := Launch(t.Context(), cat, Request{Job: "morning", Partitions: "2024-01-02...", PerRun: AllInOne, Concurrent: 1}, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-02 2024-01-03", s.sorted())
	assert.Equal(t, Counts{Total: 2, Done: 2}, state.Counts)
	state, err = Launch(t.Context(), cat, Request{Job: "daily", Partitions: "*", Concurrent: 1}, s.options())
	require.NoError(t, err)
	assert.Equal(t, "2024-01-01", s.take())
	assert.Equal(t, Counts{Total: 3, Done: 1, Reused: 2}, state.Counts)
	runs, err := s.inst.Runs(t.Context(), storage.RunFilter{Job: "daily"})
	require.NoError(t, err)
	assert.Len(t, runs, 1)
}

func TestBackfillOfAJobThatCannotBe(t *testing.T) {
	s := newShop(t, days(3))
	closed := func(dag.PartitionKey) (string, error) { return "", errors.New("closed") }
	for _, c := range []struct {
		name string
		r    Request
		of   func(dag.PartitionKey) (string, error)
		want string
	}{
		{"several in a run", Request{Job: "nightly", PerRun: 2}, nil, `a run of job "nightly" is of one partition; leave out --per-run`},
		{"all in a run", Request{Job: "daily", PerRun: AllInOne}, nil, `a run of job "daily" is of one partition; leave out --per-run`},
		{"stale", Request{Job: "nightly", Stale: true}, nil, `what is missing or stale is known of assets, not of job "nightly"`},
		{"none", Request{Job: "nigthly"}, nil, `no job "nigthly"; did you mean "nightly"?`},
		{"no partitions", Request{Job: "plain"}, nil, `job "plain" has no partitions; give it partitions=, or run it`},
		{"no config at all", Request{Job: "nightly"}, closed, `job "nightly" has no config for the partition 2024-01-01: closed`},
		{"wrong config", Request{Job: "nightly"}, func(dag.PartitionKey) (string, error) { return "ops: {lod: {}}", nil }, `lod`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Partitions = "*"
			_, err := Launch(t.Context(), s.nightly(t, c.of), c.r, s.options())
			require.ErrorContains(t, err, c.want)
			assert.Equal(t, 2, execute.ExitCode(nil, err))
		})
	}
	list, err := s.inst.Backfills(t.Context(), storage.BackfillFilter{})
	require.NoError(t, err)
	assert.Empty(t, list, "nothing is stored of what cannot be")
}
