package storage

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The whole table: a row for each status, with what may follow it.
func TestTransitions(t *testing.T) {
	legal := map[RunStatus]string{
		RunNotStarted: " QUEUED STARTING STARTED FAILURE CANCELED",
		RunQueued:     " STARTING STARTED FAILURE CANCELED",
		RunStarting:   " STARTED CANCELING FAILURE CANCELED",
		RunStarted:    " CANCELING SUCCESS FAILURE CANCELED",
		RunCanceling:  " SUCCESS FAILURE CANCELED",
		RunSuccess:    "",
		RunFailure:    "",
		RunCanceled:   "",
	}
	require.Len(t, RunStatuses(), len(legal))
	for from, want := range legal {
		got := ""
		for _, to := range RunStatuses() {
			err := Transition(from, to)
			if err == nil {
				got += " " + string(to)
				continue
			}
			assert.Equal(t, from.Finished(), errors.Is(err, ErrFinished), "%s to %s", from, to)
			assert.Equal(t, !from.Finished(), errors.Is(err, ErrTransition), "%s to %s", from, to)
		}
		assert.Equal(t, sorted(want), sorted(got), from)
	}
	require.ErrorIs(t, Transition("", RunStarted), ErrTransition)
	require.ErrorIs(t, Transition(RunStarted, "RUNNING"), ErrTransition)
	assert.EqualError(t, Transition(RunQueued, RunSuccess), "from QUEUED to SUCCESS: the run cannot take this status now; it may become STARTING, STARTED, FAILURE, CANCELED")
}

func sorted(words string) map[string]bool {
	out := map[string]bool{}
	for at, i := 0, 0; i <= len(words); i++ {
		if i == len(words) || words[i] == ' ' {
			if i > at {
				out[words[at:i]] = true
			}
			at = i + 1
		}
	}
	return out
}

func TestPredicates(t *testing.T) {
	for status, want := range map[RunStatus][3]bool{ // finished, in progress, cancelable
		RunNotStarted: {false, false, true},
		RunQueued:     {false, false, true},
		RunStarting:   {false, true, true},
		RunStarted:    {false, true, true},
		RunCanceling:  {false, true, false},
		RunSuccess:    {true, false, false},
		RunFailure:    {true, false, false},
		RunCanceled:   {true, false, false},
	} {
		assert.Equal(t, want, [3]bool{status.Finished(), status.InProgress(), status.Cancelable()}, status)
		assert.Equal(t, status == RunSuccess, status.Success())
		assert.Equal(t, status == RunFailure, status.Failure())
		assert.True(t, status.Valid())
	}
	assert.False(t, RunStatus("RUNNING").Valid())
	assert.True(t, (&Run{Tags: map[string]string{TagResumeRetry: "true"}}).ResumeRetry())
	assert.False(t, (&Run{}).ResumeRetry())
}

// A clock that is set back does not take back the time of the last change.
func TestUpdatedNeverGoesBack(t *testing.T) {
	at := func(n int64) time.Time { return time.Unix(n, 0) }
	r := Run{Status: RunStarting, Created: at(10)}
	r.Inserted()
	assert.Equal(t, at(10), r.Updated)
	r.Begin(&Run{Status: RunStarted, Started: at(5)})
	assert.Equal(t, at(10), r.Updated)
	r.End(&Run{Status: RunSuccess, Ended: at(12)})
	assert.Equal(t, at(12), r.Updated)
}

func TestPayload(t *testing.T) {
	for typ, make := range payloads {
		e := Event{Type: typ, Data: []byte(`{}`)}
		got, err := e.Payload()
		require.NoError(t, err)
		assert.IsType(t, make(), got)
	}
	e := Event{Type: EventLog, Data: []byte(`{"rows":3}`)}
	got, err := e.Payload()
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"rows": 3.0}, got)
	e.Data = nil
	got, err = e.Payload()
	require.NoError(t, err)
	assert.Nil(t, got)
	e = Event{RunID: "r", Seq: 4, Type: EventStepSuccess, Data: []byte(`[]`)}
	_, err = e.Payload()
	require.ErrorContains(t, err, "data of STEP_SUCCESS 4 of run r:")
}
