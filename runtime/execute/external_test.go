package execute

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// The data version of an external source is what was last reported of it.
func TestExternalSource(t *testing.T) {
	until := dag.DataVersion("")
	external := func(w *world) *dag.Op {
		op := w.source("orders", func() (any, error) { return until, nil })
		op.External = true
		w.asset("report", nil, add(1)).Deps = []string{"orders"}
		return op
	}
	report := func(w *world, typ storage.EventType, part string, v dag.DataVersion) {
		w.t.Helper()
		require.NoError(w.t, w.inst.ReportAssetEvent(w.t.Context(), instance.AssetEvent{Type: typ, Asset: "orders", Partition: part, DataVersion: v, Time: time.Unix(1_700_000_000, 0)}))
	}
	t.Run("what counts", func(t *testing.T) {
		w := newWorld(t)
		external(w)
		res := w.run("")
		assert.Equal(t, "orders=failure report=skip", actions(res))
		assert.ErrorContains(t, failedStep(t, res, "orders"), "nothing was reported of it")
		assert.Equal(t, "orders=missing report=missing", standings(w.status("")))
		until = "first"
		assert.Equal(t, "orders=run report=run", actions(w.ok("")), "what its function says holds until something is reported")
		report(w, storage.EventObservation, "", "")
		assert.Equal(t, "orders=reuse report=reuse", planned(w.plan("")), "an observation without a data version says nothing")
		report(w, storage.EventObservation, "", "first")
		assert.Equal(t, "orders=reuse report=reuse", planned(w.plan("")))
		report(w, storage.EventMaterialization, "", "second")
		assert.Equal(t, "orders=fresh report=stale", standings(w.status("")))
		res = w.ok("")
		assert.Equal(t, "orders=run report=run", actions(res))
		assert.NotContains(t, eventTypes(t, res, ""), storage.EventObservation, "nobody has looked")
		report(w, storage.EventMaterialization, "", "")
		assert.Equal(t, "orders=run report=run", actions(w.ok("")), "a materialization without one is new data")
		assert.Equal(t, "orders=reuse report=reuse", actions(w.ok("")))
		for range 2 * storage.DefaultEventLimit {
			report(w, storage.EventObservation, "", "")
		}
		assert.Equal(t, "orders=reuse report=reuse", planned(w.plan("")), "it is found behind any number of others")
		report(w, storage.EventObservation, "", "first")
		assert.Equal(t, "orders=run report=reuse", actions(w.ok("")), "a version that goes back runs nothing")
	})
	t.Run("by partition", func(t *testing.T) {
		w := newWorld(t)
		until = ""
		op := external(w)
		op.Partitions = partition.Static("a", "b")
		w.ops[1].Partitions = op.Partitions
		report(w, storage.EventMaterialization, "a", "1")
		report(w, storage.EventMaterialization, "b", "1")
		w.inPartition("", "a,b")
		assert.Equal(t, "orders[a]=run orders[b]=run report[a]=run report[b]=run", actions(w.ok("")))
		report(w, storage.EventObservation, "b", "2")
		assert.Equal(t, "orders[a]=reuse orders[b]=run report[a]=reuse report[b]=run", actions(w.ok("")))
	})
	t.Run("in memory", func(t *testing.T) {
		w := newWorld(t)
		until = "x"
		external(w)
		res, err := MaterializeToMemory(t.Context(), w.definitions())
		require.NoError(t, err)
		assert.Equal(t, "orders=run report=run", actions(res), "nothing is known of reports there")
	})
}
