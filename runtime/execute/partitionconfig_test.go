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

// tuning is a config that is made for each partition.
type tuning struct {
	Least int        `json:"least"`
	Key   string     `json:"key"`
	Token dag.Secret `json:"token,omitzero"`
}

var tuningConfig = &dag.Config{Symbol: pkg + ".Tuning", Decode: dag.DecodeConfig[tuning], Encode: dag.EncodeConfig[tuning], Fields: []dag.Field{
	{Name: "least", Kind: dag.FieldInt, Bits: 64, Required: true, Max: "99"}, {Name: "key", Kind: dag.FieldString, Required: true}, {Name: "token", Kind: dag.FieldString, Secret: true}}}

// tunedChild is the variable that makes a child compute steps of a tunedShop.
const tunedChild = "TUNED"

// threeShops is what the config of a tunedShop says.
func threeShops() map[dag.PartitionKey]int {
	return map[dag.PartitionKey]int{"oslo": 1, "rome": 2, "lima": 3}
}

func tunedWorld(t *testing.T, least map[dag.PartitionKey]int) *world {
	w := newWorld(t)
	w.shop = tunedShop(t, least)
	return w
}

// tunedShop has a source, and an asset that is made from it with the config of its partition, which say what they were given.
func tunedShop(t testing.TB, least map[dag.PartitionKey]int) *shop {
	w := newShop(t)
	shops := partition.Static("oslo", "rome", "lima")
	say := func(c *dag.Call) string { return fmt.Sprintf("%d %s", c.Config.(tuning).Least, c.Config.(tuning).Key) }
	made := func(p dag.Partition) any {
		if least[p.Key] < 0 {
			return dag.ConfigFrom(tuning{}, errors.New("less than nothing"))
		}
		return tuning{Least: least[p.Key], Key: string(p.Key)}
	}
	file := in(w.source("file", func() (any, error) { return dag.DataVersion(""), nil }), shops)
	file.Invoke = func(_ context.Context, c *dag.Call) error {
		c.Out[0] = dag.DataVersion(say(c))
		return nil
	}
	tuned := in(w.asset("tuned", []string{}, nil), shops)
	tuned.Deps, tuned.Outputs[0].Type = []string{"file"}, textType
	tuned.Invoke = func(_ context.Context, c *dag.Call) error {
		w.called("tuned")
		c.Out[0] = say(c)
		return nil
	}
	for _, op := range []*dag.Op{file, tuned} {
		op.Config, op.ConfigFor = tuningConfig, made
	}
	return w
}

func TestConfigOfEachPartition(t *testing.T) {
	least := threeShops()
	w := tunedWorld(t, least)
	w.opts.Tags = map[string]string{plan.TagPartition: "*"}
	res := w.ok("")
	assert.Equal(t, "tuned=3", w.takeCalls())
	assert.Equal(t, "1 oslo", w.value(res, "tuned[oslo]"))
	assert.Equal(t, "2 rome", w.value(res, "tuned[rome]"))
	assert.Empty(t, res.Run.Config, "what follows from the code is no part of the record")
	rec, err := w.inst.Store().AssetRecords(t.Context(), "tuned", 0)
	require.NoError(t, err)
	require.Len(t, rec, 3)
	for _, r := range rec {
		assert.JSONEq(t, fmt.Sprintf(`{"key": %q, "least": %d}`, r.Partition, least[dag.PartitionKey(r.Partition)]), string(r.Config))
	}

	// Each counts by itself.
	least["rome"] = 7
	res = w.ok("")
	assert.Equal(t, "tuned=1", w.takeCalls())
	assert.Equal(t, "7 rome", w.value(res, "tuned[rome]"))

	// What the run config says wins, of all partitions, and is recorded as it was said.
	t.Setenv("TUNED_LEAST", "8")
	w.opts.Config = document(t, "ops: {tuned: {config: {least: {env: TUNED_LEAST}, token: hush}}}")
	res = w.ok("")
	assert.Equal(t, "tuned=3", w.takeCalls())
	assert.Equal(t, "8 lima", w.value(res, "tuned[lima]"))
	assert.Equal(t, "ops:\n  tuned:\n    config:\n      least: 8\n      token: \"***\"\n", res.Run.Config)

	// The status of all is that of each, with the same config.
	w.opts.Tags = nil
	st := w.status("")
	assert.Equal(t, plan.Fresh, st.Assets[1].Status)
	w.opts.Config = document(t, "ops: {tuned: {config: {least: 9}}}")
	p := w.status("").Assets[1].Partitions
	assert.Equal(t, 3, p.Status[plan.Stale].Len())
	require.Len(t, p.Causes, 1)
	assert.Equal(t, plan.Cause{Code: plan.ReasonConfig, Text: "config.least: 8 → 9"}, p.Causes[0].Cause)
	w.opts.Config = nil
	p = w.status("").Assets[1].Partitions
	assert.Equal(t, 3, p.Status[plan.Fresh].Len(), "what was computed before is stored")

	w.opts.Tags = map[string]string{plan.TagPartition: "*"}
	w.ok("") // which makes it the newest again
	w.opts.Tags = nil
	w.code["tuned"] = "edited"
	p = w.status("").Assets[1].Partitions
	require.Len(t, p.Causes, 1, "one change is one cause, though each partition has another config")
	assert.Equal(t, 3, p.Causes[0].Len())
}

// A child computes with the config of the partition, of a run and to verify it.
func TestConfigOfEachPartitionInOtherProcesses(t *testing.T) {
	t.Setenv(tunedChild, "yes")
	w := tunedWorld(t, threeShops())
	w.opts.Executor, w.opts.Tags = MultiprocessExecutor, map[string]string{plan.TagPartition: "rome,lima"}
	w.opts.Config = document(t, "ops: {tuned: {config: {key: said}}}")
	res := w.ok("")
	assert.Equal(t, "2 said", w.value(res, "tuned[rome]"))
	assert.Equal(t, "3 said", w.value(res, "tuned[lima]"))
	found, err := Verify(t.Context(), w.catalog(), "", VerifyOptions{Instance: w.inst, Config: w.opts.Config, Partition: "lima"})
	require.NoError(t, err)
	for _, s := range found.Steps {
		if s.Key == "tuned[lima]" {
			assert.Equal(t, VerifySame, s.Result)
			return
		}
	}
	t.Fatal("it was not verified")
}

func TestConfigOfAPartitionThatCannotBeMade(t *testing.T) {
	least := map[dag.PartitionKey]int{"oslo": 1, "rome": -1, "lima": 3}
	w := tunedWorld(t, least)
	w.opts.Tags, w.opts.Select = map[string]string{plan.TagPartition: "rome,lima"}, "tuned"
	_, err := Run(t.Context(), w.catalog(), "", w.options())
	require.Error(t, err)
	assert.Equal(t, "run config: ops.file.config: partition rome: less than nothing\nrun config: ops.tuned.config: partition rome: less than nothing", err.Error())
	w.opts.Config = document(t, "ops: {tuned: {config: {least: 100}}}")
	_, err = Run(t.Context(), w.catalog(), "", w.options())
	assert.ErrorContains(t, err, "ops.tuned.config.least")
	w.opts.Config, w.opts.Tags, w.opts.Select = nil, map[string]string{plan.TagPartition: "lima"}, ""
	assert.Equal(t, "3 lima", w.value(w.ok(""), "tuned[lima]"))
	w.opts.Tags = nil
	_, err = Status(t.Context(), w.catalog(), w.options())
	assert.ErrorContains(t, err, "ops.tuned.config: partition rome: less than nothing")
}
