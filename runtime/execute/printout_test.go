package execute

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/computelog"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// What the process of a run prints is kept with the run, each stream for itself, and without secrets that a resource made.
func TestPrintsOfTheProcessAreKept(t *testing.T) {
	w := newWorld(t)
	var take func(stream int, text []byte)
	w.opts.Executor = InProcessExecutor
	w.opts.Prints = func(f func(stream int, text []byte)) func() {
		take = f
		return func() { take = nil }
	}
	a := w.asset("talk", nil, nil)
	a.Invoke = func(_ context.Context, c *dag.Call) error {
		secret := dag.NewSecret("made-by-a-step")
		take(1, []byte("to stdout: made-by-"))
		take(2, []byte("to stderr\n"))
		take(1, []byte(secret.Reveal()[len("made-by-"):]))
		c.Out[0] = 1
		return nil
	}
	res := w.ok("")
	assert.Nil(t, take, "the run has ended")
	for stream, want := range map[computelog.Stream]string{computelog.Stdout: "to stdout: ***", computelog.Stderr: "to stderr\n"} {
		r, err := w.inst.ComputeLogs().Open(t.Context(), computelog.Key{RunID: res.RunID}, stream)
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, errors.Join(err, r.Close()))
		assert.Equal(t, want, string(data), stream)
	}
	events, err := res.Events(t.Context())
	require.NoError(t, err)
	var said []storage.LogsCapturedData
	for _, e := range events {
		if e.Type == storage.EventLogsCaptured {
			var d storage.LogsCapturedData
			require.NoError(t, json.Unmarshal(e.Data, &d))
			said = append(said, d)
		}
	}
	assert.Equal(t, []storage.LogsCapturedData{{Stdout: int64(len("to stdout: ***")), Stderr: int64(len("to stderr\n"))}}, said)
}
