package execute

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestPartitionsFromGo(t *testing.T) {
	w := newShop(t)
	shops := partition.Static("oslo", "rome", "lima")
	w.asset("base", nil, func([]int) int { return 1 })
	length := w.asset("length", []string{"base"}, nil)
	length.Partitions = shops
	w.ops = w.ops[:1]
	w.add(length, func(ctx context.Context, c *dag.Call) error {
		p, _ := dag.PartitionOf(ctx)
		c.Out[0] = len(p.Key) + dag.In[int](c, 0)
		if p.Key == "lima" {
			c.Out[0] = 100
		}
		return nil
	})
	ref, base := dag.AssetRef[int]{Key: "length"}, dag.AssetRef[int]{Key: "base"}
	res, err := MaterializeToMemory(t.Context(), w.definitions(), WithPartitions("lima", "oslo...rome"))
	require.NoError(t, err)
	assert.Equal(t, "base=1 length=3", w.takeCalls())
	for key, want := range map[dag.PartitionKey]int{"oslo": 5, "rome": 5, "lima": 100} {
		got, err := PartitionValue(res, ref, key)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	one, err := Value(res, base)
	require.NoError(t, err)
	assert.Equal(t, 1, one)
	_, err = Value(res, ref)
	assert.EqualError(t, err, `asset "length" has 3 partitions in this run; say which one's value with PartitionValue`)
	_, err = PartitionValue(res, base, "rome")
	assert.EqualError(t, err, `asset "base" has no partitions; read it with Value`)
	_, err = PartitionValue(res, ref, "cairo")
	assert.ErrorContains(t, err, `no step "length[cairo]"`)

	res, err = MaterializeToMemory(t.Context(), w.definitions(), WithPartition("lima"))
	require.NoError(t, err)
	one, err = Value(res, ref)
	require.NoError(t, err)
	assert.Equal(t, 100, one)
}

// An input that gathers partitions is told to be loaded where one of them is read back from where it is stored.
func TestLoadedInputOfGatheredPartitions(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		t.Run(executor, func(t *testing.T) {
			w := newWorld(t)
			w.opts.Executor = executor
			w.asset("day", nil, add(1)).Partitions = partition.Static("a", "b")
			days := map[string]*dag.Type{"mapped": dag.PartitionMapOf[int]("map", intType), "streamed": dag.PartitionSeqOf[int]("seq", intType)}
			for _, key := range []string{"mapped", "streamed"} {
				op := w.asset(key, []string{"day"}, nil)
				op.Inputs[0].Type = days[key]
				op.Invoke = func(_ context.Context, c *dag.Call) error {
					n := 0
					switch in := c.In[0].(type) {
					case map[dag.PartitionKey]int:
						n = len(in)
					case iter.Seq2[dag.PartitionKey, int]:
						for range in {
							n++
						}
					}
					c.Out[0] = n
					return nil
				}
			}
			w.opts.Tags = map[string]string{plan.TagPartition: "*"}
			res := w.ok("")
			assert.NotContains(t, eventTypes(t, res, "mapped"), storage.EventLoadedInput, "they are in memory")
			w.code["mapped"], w.code["streamed"] = "edited", "edited"
			res = w.ok("")
			for _, key := range []string{"mapped", "streamed"} {
				assert.Equal(t, 2, w.value(res, key))
				assert.Equal(t, []storage.EventType{storage.EventMaterializationPlanned, storage.EventStepStart, storage.EventLoadedInput, storage.EventStepInput}, eventTypes(t, res, key)[:4])
			}
		})
	}
}
