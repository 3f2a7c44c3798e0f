package execute

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

var longRun = flag.Int("steps", 10_000, "how many steps the run of TestLongRun has; CI takes 100,000")

// A run of many steps ends, and what it holds in memory does not grow with what they give: that is let go once it is on disk and nobody waits for it. A list of
// what was done is all that stays.
func TestLongRun(t *testing.T) {
	const each = 16 << 10 // bytes that a step gives
	n := *longRun
	bytesType := dag.TypeOf[[]byte]("[]byte")
	s := newShop(t)
	for i := range n {
		op := &dag.Op{Kind: dag.KindAsset, Key: fmt.Sprintf("k%06d", i)}
		op.Outputs = []dag.Output{{Name: "result", Asset: op.Key, Type: bytesType}}
		if i >= 10 {
			up := fmt.Sprintf("k%06d", i-10)
			op.Inputs = []dag.Input{{Name: up, Asset: up, Type: bytesType}}
		}
		s.add(op, func(_ context.Context, c *dag.Call) error {
			out := make([]byte, each)
			binary.LittleEndian.PutUint64(out, uint64(i))
			c.Out[0] = out
			return nil
		})
	}
	cat := s.catalog()
	inst := openInstance(t, t.TempDir())
	var live []uint64 // after a tenth of the steps, two tenths ...
	res, err := Run(t.Context(), cat, "", Options{Instance: inst, Executor: MultiExecutor, Observe: func(p Progress) {
		if p.Kind == ProgressFinished && p.Ran%(n/10) == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			live = append(live, m.HeapAlloc)
		}
	}})
	require.NoError(t, err)
	assert.Equal(t, storage.RunSuccess, res.Status)
	assert.Equal(t, n, res.Run.Ran)
	require.Len(t, live, 10)
	t.Logf("live memory after each tenth of %d steps, in MiB: %v", n, mebibytes(live))
	// What is on its way to the disk comes and goes: the least of three looks tells what stays.
	assert.Less(t, int64(slices.Min(live[7:]))-int64(slices.Min(live[:3])), int64(n*7/10*2<<10), "it grows by what the steps give")
}

func mebibytes(all []uint64) (out []uint64) {
	for _, b := range all {
		out = append(out, b>>20)
	}
	return out
}
