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
)

// nightlyChild is the variable that makes a child compute steps of a nightlyShop.
const nightlyChild = "NIGHTLY"

// plainTuning is tuningConfig without a secret.
var plainTuning = &dag.Config{Symbol: tuningConfig.Symbol, Decode: tuningConfig.Decode, Encode: tuningConfig.Encode, Fields: tuningConfig.Fields[:2]}

// nightlyWorld has a job for each shop, whose config parameter has a value for each: load, then count for each element of a list, with the partition in what they say.
func nightlyWorld(t *testing.T) *world {
	w := newWorld(t)
	w.shop = nightlyShop(t)
	return w
}

func nightlyShop(t testing.TB) *shop {
	s := newShop(t)
	key := func(ctx context.Context) string {
		p, _ := dag.PartitionOf(ctx)
		return string(p.Key)
	}
	load := s.add(&dag.Op{Key: "load", Config: tuningConfig, Outputs: []dag.Output{{Name: "result", Type: listType}}}, func(ctx context.Context, c *dag.Call) error {
		if key(ctx) == "" {
			return errors.New("no partition")
		}
		c.Out[0] = []int{c.Config.(tuning).Least, len(key(ctx))}
		return nil
	})
	count := s.add(&dag.Op{Key: "count", Inputs: []dag.Input{{Name: "n", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: textType}}}, func(ctx context.Context, c *dag.Call) error {
		at, _ := dag.MappingKeyOf(ctx)
		c.Out[0] = fmt.Sprint(key(ctx), " ", at, " ", c.In[0])
		return nil
	})
	s.jobs = append(s.jobs, &dag.JobDef{
		Partitions: partition.Static("oslo", "rome"), ConfigParam: "tuning",
		ConfigFor: func(p dag.Partition) any {
			if p.Key == "rome" {
				return tuning{Least: 7, Key: "r"}
			}
			return tuning{Least: 3, Key: "o"}
		},
		GraphDef: dag.GraphDef{Key: "nightly", Symbol: pkg + ".Nightly", Params: []dag.JobParam{{Name: "tuning", Type: dag.TypeOf[tuning](pkg + ".Tuning"), Config: plainTuning}}, Body: []int{0, 1},
			Nodes: []dag.Node{
				{Key: "load", Op: load, Config: &dag.Binding{Kind: dag.FromParam, Type: dag.TypeOf[tuning](pkg + ".Tuning")}},
				{Key: "for n", Map: &dag.Map{Over: dag.Binding{Kind: dag.FromNode, Node: 0}, Body: []int{2}}},
				{Key: "count", Op: count, Inputs: []dag.Binding{{Kind: dag.FromElem, Node: 1, Type: intType}}},
			}},
	})
	return s
}

func TestRunsOfAJobByPartition(t *testing.T) {
	w := nightlyWorld(t)
	run := func(key string) *Result {
		w.opts.Tags = map[string]string{plan.TagPartition: key}
		return w.ok("nightly")
	}
	oslo := run("oslo")
	assert.Equal(t, "count=2 load=1", w.takeCalls())
	assert.Equal(t, "oslo 0 3", w.value(oslo, "count[0]"))
	assert.Equal(t, "oslo", oslo.Run.Tags[plan.TagPartition])
	rome := run("rome")
	assert.Equal(t, "count=2 load=1", w.takeCalls())
	assert.Equal(t, "rome 0 7", w.value(rome, "count[0]"))
	run("oslo")
	assert.Empty(t, w.takeCalls(), "each partition is remembered by itself")
	records, err := w.inst.Store().Latest(t.Context(), []string{"op:nightly[oslo]/load", "op:nightly[rome]/count[1]"})
	require.NoError(t, err)
	require.Len(t, records, 2)
	assert.Equal(t, "rome", records["op:nightly[rome]/count[1]"].Partition)

	// What a run is given wins over the config of the partition.
	w.opts.Config = document(t, "inputs: {tuning: {least: 8}}")
	assert.Equal(t, "rome 0 8", w.value(run("rome"), "count[0]"))
	w.opts.Config = nil
	w.takeCalls()

	// A change is found by comparison with the same partition.
	w.code["count"] = "edited"
	w.opts.Tags = map[string]string{plan.TagPartition: "oslo"}
	p := w.plan("nightly")
	assert.Equal(t, plan.Reuse, p.Steps[0].Action)
	assert.Equal(t, plan.ReasonCode, p.Steps[1].Reasons[0].Code)
}

func TestPartitionOfAJobThatIsNone(t *testing.T) {
	w := nightlyWorld(t)
	for text, want := range map[string]string{
		"":     `job "nightly" has partitions (static, 2 keys); say which one is meant with --partition KEY: one of 2, such as oslo`,
		"*":    `a run of job "nightly" is of one partition, and "*" selects 2; a backfill of the job runs it for each: backfill launch --job nightly --partition '*'`,
		"olso": `job "nightly": `,
	} {
		w.opts.Tags = map[string]string{plan.TagPartition: text}
		_, err := Run(t.Context(), w.catalog(), "nightly", w.options())
		assert.ErrorContains(t, err, want, text)
	}
	w.jobs[0].Partitions, w.jobs[0].ConfigFor = nil, nil
	w.opts.Tags = map[string]string{plan.TagPartition: "oslo"}
	_, err := Run(t.Context(), w.catalog(), "nightly", w.options())
	assert.ErrorContains(t, err, `job "nightly" has no partitions; leave out --partition`)
}

// A failed run of a partition goes on with what it has, of that partition alone.
func TestRerunOfAJobKeepsItsPartition(t *testing.T) {
	w := nightlyWorld(t)
	w.opts.NoMemo, w.opts.Tags = true, map[string]string{plan.TagPartition: "rome"}
	body := w.ops[1].Invoke
	w.ops[1].Invoke = func(context.Context, *dag.Call) error { return errors.New("no") }
	failed := w.run("nightly")
	require.Error(t, failed.Err())
	w.ops[1].Invoke = body
	w.takeCalls()
	o := w.options()
	o.Tags = nil
	res := w.rerun(failed.Run.ID, Rerun{FromFailure: true}, o)
	require.NoError(t, res.Err())
	assert.Equal(t, "rome 1 4", w.value(res, "count[1]"))
	assert.Equal(t, "count=2", w.takeCalls())
}

func TestJobOptionsWithPartitions(t *testing.T) {
	w := nightlyWorld(t)
	plain := *w.jobs[0]
	plain.Partitions, plain.ConfigFor, plain.ConfigParam = nil, nil, ""
	hourly := dag.Job[dag.Values, dag.Values]{Def: &plain}.With(dag.JobOptions{
		Key: "other", Partitions: partition.Static("lima", "none"), Config: "inputs: {tuning: {least: 1, key: a}}",
		ConfigFor: func(p dag.Partition) (string, error) {
			if p.Key == "none" {
				return "", errors.New("closed")
			}
			return fmt.Sprintf("inputs: {tuning: {least: %d}}", len(p.Key)+1), nil
		},
	})
	w.jobs = append(w.jobs, hourly.JobDef())
	w.opts.Tags = map[string]string{plan.TagPartition: "lima"}
	assert.Equal(t, "lima 0 5", w.value(w.ok("other"), "count[0]"))
	w.opts.Tags = map[string]string{plan.TagPartition: "none"}
	_, err := Run(t.Context(), w.catalog(), "other", w.options())
	assert.EqualError(t, err, `job "other" has no config for the partition none: closed`)
	resolved, err := ValidateRunConfig(w.definitions(), "nightly", nil)
	require.NoError(t, err, "the last partition stands for all of them")
	assert.Contains(t, resolved.Text, "least: 7")
}

// The steps of a job see its partition in other processes, too.
func TestJobByPartitionInOtherProcesses(t *testing.T) {
	t.Setenv(nightlyChild, "yes")
	w := nightlyWorld(t)
	w.inst = openInstance(t, t.TempDir())
	w.opts.Executor, w.opts.Tags = MultiprocessExecutor, map[string]string{plan.TagPartition: "rome"}
	assert.Equal(t, "rome 1 4", w.value(w.ok("nightly"), "count[1]"))
	found, err := Verify(t.Context(), w.catalog(), "nightly", VerifyOptions{Instance: w.inst, Partition: "rome"})
	require.NoError(t, err)
	require.Len(t, found.Steps, 3)
	for _, s := range found.Steps {
		assert.Equal(t, VerifySame, s.Result, s.Key)
	}
}
