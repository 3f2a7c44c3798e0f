package instance

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A step failed, somebody else computed it while it waited to be tried again, and that stands for it now.
func TestStepOutputsOfAStepThatFailedAndWasReused(t *testing.T) {
	ctx := t.Context()
	inst, err := LocalTemp(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close()) })
	const run, step = "01890000-0000-7000-8000-000000000001", "a"
	now := time.Now().UTC()
	event := func(typ storage.EventType, data string) storage.Event {
		return storage.Event{RunID: run, Time: now, Type: typ, StepKey: step, Data: json.RawMessage(data)}
	}
	d := canon.Sum([]byte("a"))
	rec := storage.Record{Step: d, Content: d, Identity: "asset:a", RunID: run, StepKey: step, Time: now, Outputs: []storage.Output{{Name: "result", Asset: "a", DataVersion: d, RunID: run, Step: step}}}
	require.NoError(t, inst.Store().Submit(&storage.Batch{
		NewRun: &storage.Run{ID: run, Status: storage.RunStarted, Created: now, Started: now}, Records: []storage.Record{rec},
		Events: []storage.Event{event(storage.EventStepStart, "{}"), event(storage.EventStepUpForRetry, "{}")},
	}).Wait(ctx))
	_, err = inst.StepOutputs(ctx, run, step)
	require.ErrorContains(t, err, "it did not end")
	require.NoError(t, inst.Store().Submit(&storage.Batch{Events: []storage.Event{event(storage.EventEngine, `{"reused":["a"],"records":[1]}`)}}).Wait(ctx))
	outs, err := inst.StepOutputs(ctx, run, step)
	require.NoError(t, err)
	require.Len(t, outs, 1)
	assert.Equal(t, d, outs[0].DataVersion)
}
