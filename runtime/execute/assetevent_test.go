package execute

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// noting is the environment of the child that says something of assets.
const noting = "NOTING"

// notesOfAssets is an asset that loads a table and looks at another one; told to, it fails after that.
func notesOfAssets(s *shop) {
	s.asset("load", nil, nil)
	s.ops[0].Invoke = func(ctx context.Context, c *dag.Call) error {
		s.called("load")
		c.Out[0] = 1
		err := errors.Join(
			dag.LogMaterialization(ctx, "warehouse/orders", dag.AssetEvent{Partition: "2024", DataVersion: "v1", Description: "loaded", Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}}),
			dag.LogObservation(ctx, "warehouse/stock", dag.AssetEvent{Description: "it was there"}),
		)
		if os.Getenv(noting) == "fail" {
			err = errors.Join(err, errors.New("boom"))
		}
		return err
	}
}

func TestLogAssets(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor, MultiprocessExecutor} {
		t.Run(executor, func(t *testing.T) {
			t.Setenv(noting, "on")
			w := newWorld(t)
			notesOfAssets(w.shop)
			w.opts.Executor = executor
			require.NoError(t, os.Setenv(noting, "fail")) // it is said although the step fails
			res := w.run("")
			assert.Equal(t, "load=failure", actions(res))
			assert.Equal(t, 1, count(eventTypes(t, res, "load"), storage.EventMaterialization))
			require.NoError(t, os.Setenv(noting, "on"))
			w.ok("")
			reused := w.ok("")
			assert.Equal(t, "load=reuse", actions(reused))
			assert.NotContains(t, eventTypes(t, reused, ""), storage.EventMaterialization, "a step that is reused says nothing again")

			keys, err := w.inst.AssetKeys(t.Context(), storage.AssetFilter{})
			require.NoError(t, err)
			assert.Equal(t, []string{"load", "warehouse/orders", "warehouse/stock"}, keys)
			made, err := w.inst.LatestMaterialization(t.Context(), "warehouse/orders")
			require.NoError(t, err)
			require.NotNil(t, made)
			assert.Equal(t, []string{"load", "2024", "loaded"}, []string{made.StepKey, made.Partition, made.Message})
			data, err := made.Payload()
			require.NoError(t, err)
			assert.Equal(t, &storage.MaterializationData{Asset: "warehouse/orders", Said: "v1", Metadata: []dag.MetadataEntry{dag.Int("rows", 3)}}, data)
			seen, err := w.inst.Observations(t.Context(), storage.EventFilter{Asset: "warehouse/stock"})
			require.NoError(t, err)
			require.Len(t, seen.Records, 2)
			data, err = seen.Records[0].Payload()
			require.NoError(t, err)
			assert.Equal(t, &storage.ObservationData{Asset: "warehouse/stock", Text: "it was there"}, data)
			records, err := w.inst.AssetRecords(t.Context(), "warehouse/orders")
			require.NoError(t, err)
			require.Len(t, records, 1)
			assert.Nil(t, records[0].Record, "a note stores no value")
		})
	}
}

func TestLogAssetsInMemory(t *testing.T) {
	w := newWorld(t)
	notesOfAssets(w.shop)
	res, err := MaterializeToMemory(t.Context(), w.definitions())
	require.NoError(t, err)
	assert.Equal(t, 2, count(eventTypes(t, res, "load"), storage.EventMaterialization))
	assert.Equal(t, 1, count(eventTypes(t, res, "load"), storage.EventObservation))
}
