package execute

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Somebody else asks a run to stop: its running step sees its context end, what is below is not begun, and all of it is recorded.
func TestCancelOnRequest(t *testing.T) {
	w := newWorld(t)
	began := make(chan struct{})
	w.asset("slow", nil, nil).Invoke = func(ctx context.Context, _ *dag.Call) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}
	w.asset("below", []string{"slow"}, add(0))
	o := w.options()
	o.RunID = "0190163d-8694-739b-aea5-966c26f8ad90"
	go func() {
		<-began
		status, err := w.inst.CancelRun(t.Context(), o.RunID, "asked by a test")
		assert.NoError(t, err)
		assert.Equal(t, storage.RunCanceling, status)
	}()
	res, err := Run(t.Context(), w.catalog(), "", o)
	require.NoError(t, err)
	assert.Equal(t, storage.RunCanceled, res.Status)
	require.ErrorIs(t, res.Err(), ErrCancelRequested)
	assert.Equal(t, []storage.EventType{storage.EventRunStart, storage.EventRunCanceling, storage.EventRunCanceled}, runEvents(t, res))
}

// A context that ends shows in the store while the running steps end.
func TestCancelByContext(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	var seen storage.RunStatus
	w.asset("slow", nil, nil).Invoke = func(ctx context.Context, c *dag.Call) error {
		cancel()
		info, _ := dag.StepInfoFrom(ctx)
		for seen != storage.RunCanceling {
			row, err := w.inst.Run(context.WithoutCancel(ctx), info.RunID)
			if err != nil {
				return err
			}
			seen = row.Status
		}
		return ctx.Err()
	}
	w.asset("below", []string{"slow"}, add(0))
	res, err := Run(ctx, w.catalog(), "", w.options())
	require.NoError(t, err)
	assert.Equal(t, storage.RunCanceled, res.Status)
	assert.Equal(t, []storage.EventType{storage.EventRunStart, storage.EventRunCanceling, storage.EventRunCanceled}, runEvents(t, res))
}

// runEvents are the types of the events of the run itself.
func runEvents(t *testing.T, res *Result) []storage.EventType {
	t.Helper()
	events, err := res.Events(context.WithoutCancel(t.Context()))
	require.NoError(t, err)
	var out []storage.EventType
	for _, e := range events {
		for _, typ := range storage.RunEvents() {
			if e.Type == typ {
				out = append(out, typ)
			}
		}
	}
	return out
}
