package instance

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func TestExportAndImport(t *testing.T) {
	ctx := t.Context()
	from := openTest(t, t.TempDir())
	snapshot := []byte(`{"job":"nightly"}`)
	run := newRun(newID())
	run.Tags, run.Config, run.Selection, run.Parent, run.Root, run.Snapshot = map[string]string{"a": "b"}, "ops: {}\n", "a*", newID(), newID(), canon.Sum(snapshot)
	run.Created = run.Started.Add(-time.Second)
	events := []storage.Event{
		{RunID: run.ID, Time: run.Started, Type: storage.EventRunStart, Level: "INFO", Message: "odd \x00 \u2028 text", Data: []byte(`{"n":1}`)},
		{RunID: run.ID, Time: run.Started, Type: storage.EventMaterialization, StepKey: "s", Asset: "a", Partition: "p", Data: []byte{0xff, 0}},
	}
	unlock, err := from.LockRun(run.ID)
	require.NoError(t, err)
	submit(t, from, &storage.Batch{NewRun: run, Events: events, Snapshots: map[canon.Digest][]byte{run.Snapshot: snapshot}})
	var going bytes.Buffer
	require.NoError(t, from.ExportRun(ctx, run.ID, &going))
	end := *run
	end.Status, end.Cause, end.Ended, end.Ran, end.Failed = storage.RunFailure, "boom", run.Started.Add(time.Minute), 3, 1
	submit(t, from, &storage.Batch{Finish: &end})
	unlock()
	var file bytes.Buffer
	require.NoError(t, from.ExportRun(ctx, run.ID, &file))
	require.ErrorIs(t, from.ExportRun(ctx, newID(), &bytes.Buffer{}), storage.ErrNotFound)

	for name, into := range map[string]*Instance{"ephemeral": Ephemeral(), "persistent": openTest(t, t.TempDir())} {
		t.Run(name, func(t *testing.T) {
			got, err := into.ImportRun(ctx, bytes.NewReader(file.Bytes()))
			require.NoError(t, err)
			want, err := from.Run(ctx, run.ID)
			require.NoError(t, err)
			assert.Equal(t, want, got)
			there, err := into.Events(ctx, run.ID, 0, 0)
			require.NoError(t, err)
			original, err := from.Events(ctx, run.ID, 0, 0)
			require.NoError(t, err)
			assert.Equal(t, original, there)
			data, err := into.Store().Snapshot(ctx, run.Snapshot)
			require.NoError(t, err)
			assert.Equal(t, snapshot, data)
			_, err = into.ImportRun(ctx, bytes.NewReader(file.Bytes()))
			require.ErrorContains(t, err, "is there already")
			require.NoError(t, into.Close())
		})
	}

	inst := Ephemeral()
	got, err := inst.ImportRun(ctx, &going)
	require.NoError(t, err)
	assert.Equal(t, storage.RunFailure, got.Status, "nobody executes it here")
	assert.Equal(t, CauseCrashed, got.Cause)
	require.NoError(t, inst.Close())
}

func TestImportOfSomethingElse(t *testing.T) {
	packed := func(text string) *bytes.Buffer {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return &b
	}
	good := `{"dagstergen_run":1,"run":{"run_id":"0190163d-8694-739b-aea5-966c26f8ad90","status":"SUCCESS"}}`
	whole := packed(good + strings.Repeat("\n{\"type\":\"LOG\"}", 1000)).Bytes()
	inst := Ephemeral()
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"empty":         {nil, "it is no exported run"},
		"text":          {[]byte("hello"), "it is no exported run"},
		"other gzip":    {packed("hello").Bytes(), "it is no exported run"},
		"other JSON":    {packed(`{"a":1}`).Bytes(), "an exported run of format 0"},
		"newer":         {packed(`{"dagstergen_run":9}`).Bytes(), "an exported run of format 9; this binary reads 1"},
		"no id":         {packed(`{"dagstergen_run":1}`).Bytes(), `run id ""`},
		"a path for id": {packed(`{"dagstergen_run":1,"run":{"run_id":"../../x"}}`).Bytes(), `run id "../../x"`},
		"bad event":     {packed(good + "\n{").Bytes(), "it is damaged"},
		"cut off":       {whole[:len(whole)-20], "it is damaged"},
	} {
		_, err := inst.ImportRun(t.Context(), bytes.NewReader(tt.file))
		require.ErrorContains(t, err, tt.want, name)
	}
	runs, err := inst.Runs(t.Context(), storage.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs)
	require.NoError(t, inst.Close())
}

// Numbers of records are those of the store that a run comes from: another one has other records under them.
func TestImportedEventsNameNoRecords(t *testing.T) {
	for _, c := range []struct {
		typ        storage.EventType
		data, want string
	}{
		{storage.EventEngine, `{"reused":["a"],"records":[7]}`, `{"reused":["a"]}`},
		{storage.EventEngine, `{"reused":["a"],"step":"b"}`, `{"reused":["a"],"step":"b"}`},
		{storage.EventEngine, ``, ``},
		{storage.EventLog, `{"records":[7]}`, `{"records":[7]}`},
	} {
		assert.Equal(t, c.want, string(withoutRecords(c.typ, []byte(c.data))), c.data)
	}
}
