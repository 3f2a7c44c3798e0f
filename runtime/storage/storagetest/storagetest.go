// Package storagetest is the suite that every implementation of storage.Store passes.
//
// Stage: tests alone import it.
package storagetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Run tests the stores that open returns. Each call of open gives an empty store; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	tests := []struct {
		name string
		do   func(t *testing.T, s storage.Store)
	}{
		{"an empty store answers", empty},
		{"a run and its events", runAndEvents},
		{"runs are filtered", filteredRuns},
		{"a finished run stays finished", finished},
		{"a batch that fails alone fails alone", failsAlone},
		{"a failed batch leaves nothing", leavesNothing},
		{"records by step and content", records},
		{"the newest record is found", newest},
		{"an alias is found and is the latest", alias},
		{"a dropped record is not found", drop},
		{"blobs and manifests", blobs},
		{"asset records and keys", assets},
		{"everything of a record comes back", wholeRecord},
		{"odd text comes back", oddText},
		{"many goroutines submit", concurrent},
		{"a closed store says so", closed},
		{"a cancelled look-up stops", cancelled},
		{"verify finds nothing", verify},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			tt.do(t, s)
			require.NoError(t, s.Close())
		})
	}
}

// Digest returns a digest that depends on its arguments alone.
func Digest(kind string, n int) canon.Digest {
	return canon.Sum(binary.BigEndian.AppendUint64([]byte(kind), uint64(n)))
}

// NewRun returns an unfinished run.
func NewRun(id string) *storage.Run {
	return &storage.Run{ID: id, Job: "nightly", Status: storage.RunStarted, Started: time.Unix(1_700_000_000, 123).UTC(), Steps: 3}
}

// Record returns the record of a step called after n, with one inline output.
func Record(n int) storage.Record {
	key := fmt.Sprintf("step_%d", n)
	blob := Digest("blob", n)
	return storage.Record{
		Step: Digest("step", n), Content: Digest("content", n), Identity: "op:nightly/" + key, RunID: "r1", StepKey: key,
		Symbol: "example.com/shop." + key, Code: "sha256:" + strings.Repeat("ab", 32), Manifest: Digest("manifest", n),
		Inputs:  []storage.Input{{Name: "in", From: "up", Version: Digest("v", n), DataVersion: Digest("dv", n)}},
		Outputs: []storage.Output{{Name: "result", DataVersion: blob, Blob: blob, Size: 10, Inline: true, Codec: "cbor", Version: Digest("out", n), RunID: "r1"}},
		Time:    time.Unix(1_700_000_001, 5).UTC(),
	}
}

// Submit writes a batch and waits for it.
func Submit(t testing.TB, s storage.Store, b *storage.Batch) {
	t.Helper()
	require.NoError(t, s.Submit(b).Wait(t.Context()))
}

func event(run string, n int) storage.Event {
	return storage.Event{RunID: run, Time: time.Unix(1_700_000_002, int64(n)).UTC(), Type: storage.EventStepStart, StepKey: "s", Level: "INFO", Message: fmt.Sprint("event ", n)}
}

func empty(t *testing.T, s storage.Store) {
	ctx := t.Context()
	runs, err := s.Runs(ctx, storage.RunFilter{})
	require.NoError(t, err)
	assert.Empty(t, runs)
	_, err = s.Run(ctx, "r1")
	require.ErrorIs(t, err, storage.ErrNotFound)
	events, err := s.Events(ctx, "r1", 0, 0)
	require.NoError(t, err)
	assert.Empty(t, events)
	recs, err := s.RecordsByStep(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, recs)
	recs, err = s.RecordsByContent(ctx, []canon.Digest{Digest("x", 1)})
	require.NoError(t, err)
	assert.Empty(t, recs)
	latest, err := s.Latest(ctx, []string{"asset:a"})
	require.NoError(t, err)
	assert.Empty(t, latest)
	keys, err := s.AssetKeys(ctx)
	require.NoError(t, err)
	assert.Empty(t, keys)
	_, err = s.Blob(ctx, Digest("blob", 1))
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = s.Manifest(ctx, Digest("blob", 1))
	require.ErrorIs(t, err, storage.ErrNotFound)
	Submit(t, s, &storage.Batch{})
}

func runAndEvents(t *testing.T, s storage.Store) {
	ctx := t.Context()
	run := NewRun("r1")
	run.Tags = map[string]string{"a": "1", "b": `"quoted"`}
	run.Config, run.Selection = "ops:\n  a: 1\n", "*a"
	Submit(t, s, &storage.Batch{NewRun: run, Events: []storage.Event{event("r1", 1)}})
	got, err := s.Run(ctx, "r1")
	require.NoError(t, err)
	assert.Equal(t, run, got)

	e := event("r1", 2)
	e.Data = []byte(`{"n":1}`)
	Submit(t, s, &storage.Batch{Events: []storage.Event{e, event("r1", 3)}})
	end := *run
	end.Status, end.Cause, end.Ended, end.Ran, end.Reused, end.Failed, end.Skipped = storage.RunFailure, "boom", run.Started.Add(time.Second), 1, 2, 3, 4
	last := event("r1", 4)
	last.Type = storage.EventRunFailure
	Submit(t, s, &storage.Batch{Events: []storage.Event{last}, Finish: &end})

	got, err = s.Run(ctx, "r1")
	require.NoError(t, err)
	assert.Equal(t, &end, got)
	events, err := s.Events(ctx, "r1", 0, 0)
	require.NoError(t, err)
	require.Len(t, events, 4)
	for i, e := range events {
		assert.Equal(t, int64(i+1), e.Seq)
		assert.Equal(t, fmt.Sprint("event ", i+1), e.Message)
	}
	assert.Equal(t, []byte(`{"n":1}`), events[1].Data)
	assert.Nil(t, events[0].Data)
	page, err := s.Events(ctx, "r1", 1, 2)
	require.NoError(t, err)
	assert.Equal(t, events[1:3], page)
}

func filteredRuns(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i := range 10 {
		r := NewRun(fmt.Sprintf("r%d", i))
		if i%2 == 1 {
			r.Job = "other"
		}
		Submit(t, s, &storage.Batch{NewRun: r})
		if i%3 == 0 {
			r.Status, r.Ended = storage.RunSuccess, r.Started
			Submit(t, s, &storage.Batch{Finish: r})
		}
	}
	ids := func(f storage.RunFilter) string {
		runs, err := s.Runs(ctx, f)
		require.NoError(t, err)
		var out []string
		for _, r := range runs {
			out = append(out, r.ID)
		}
		return strings.Join(out, " ")
	}
	assert.Equal(t, "r9 r8 r7 r6 r5 r4 r3 r2 r1 r0", ids(storage.RunFilter{}))
	assert.Equal(t, "r9 r8", ids(storage.RunFilter{Limit: 2}))
	assert.Equal(t, "r7 r6", ids(storage.RunFilter{Limit: 2, Before: "r8"}))
	assert.Equal(t, "r8 r6 r4 r2 r0", ids(storage.RunFilter{Job: "nightly"}))
	assert.Equal(t, "r9 r6 r3 r0", ids(storage.RunFilter{Statuses: []storage.RunStatus{storage.RunSuccess}}))
	assert.Equal(t, "r3", ids(storage.RunFilter{Job: "other", Statuses: []storage.RunStatus{storage.RunSuccess, storage.RunFailure}, Before: "r6"}))
	_, err := s.Runs(ctx, storage.RunFilter{Before: "unknown"})
	require.ErrorIs(t, err, storage.ErrNotFound)
}

func finished(t *testing.T, s storage.Store) {
	ctx := t.Context()
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1")})
	end := NewRun("r1")
	require.Error(t, s.Submit(&storage.Batch{Finish: end}).Wait(ctx), "STARTED is no end")
	end.Status = storage.RunSuccess
	Submit(t, s, &storage.Batch{Finish: end})
	require.ErrorIs(t, s.Submit(&storage.Batch{Finish: end}).Wait(ctx), storage.ErrFinished)
	require.ErrorIs(t, s.Submit(&storage.Batch{Events: []storage.Event{event("r1", 1)}}).Wait(ctx), storage.ErrFinished)
	require.ErrorIs(t, s.Submit(&storage.Batch{Events: []storage.Event{event("unknown", 1)}}).Wait(ctx), storage.ErrNotFound)
	require.Error(t, s.Submit(&storage.Batch{NewRun: NewRun("r1")}).Wait(ctx), "an id is used once")
}

func failsAlone(t *testing.T, s storage.Store) {
	ctx := t.Context()
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1")})
	var tickets []storage.Ticket
	for i := range 50 {
		b := &storage.Batch{Events: []storage.Event{event("r1", i)}, Records: []storage.Record{Record(i)}}
		if i%7 == 3 {
			b.Events = append(b.Events, event("unknown", 0))
		}
		tickets = append(tickets, s.Submit(b))
	}
	var steps []canon.Digest
	for i, ticket := range tickets {
		err := ticket.Wait(ctx)
		if i%7 == 3 {
			require.ErrorIs(t, err, storage.ErrNotFound)
		} else {
			require.NoError(t, err)
			steps = append(steps, Digest("step", i))
		}
	}
	events, err := s.Events(ctx, "r1", 0, 0)
	require.NoError(t, err)
	require.Len(t, events, len(steps))
	for i, e := range events {
		assert.Equal(t, int64(i+1), e.Seq, "no gap where a batch failed")
	}
	recs, err := s.RecordsByStep(ctx, steps)
	require.NoError(t, err)
	assert.Len(t, recs, len(steps))
	bad, err := s.RecordsByStep(ctx, []canon.Digest{Digest("step", 3)})
	require.NoError(t, err)
	assert.Empty(t, bad)
}

func leavesNothing(t *testing.T, s storage.Store) {
	ctx := t.Context()
	rec := Record(1)
	rec.Outputs[0].Asset, rec.Identity = "a", "asset:a"
	err := s.Submit(&storage.Batch{
		NewRun: NewRun("r1"), Records: []storage.Record{rec}, Blobs: map[canon.Digest][]byte{canon.Sum([]byte("b")): []byte("b")},
		Manifests: map[canon.Digest][]byte{canon.Sum([]byte("m")): []byte("m")}, Events: []storage.Event{event("r1", 1), event("unknown", 1)},
	}).Wait(ctx)
	require.ErrorIs(t, err, storage.ErrNotFound)
	empty(t, s)
	_, err = s.Blob(ctx, canon.Sum([]byte("b")))
	require.ErrorIs(t, err, storage.ErrNotFound)
	// What was learnt from the failed batch must be forgotten: the same one without its fault works.
	Submit(t, s, &storage.Batch{
		NewRun: NewRun("r1"), Records: []storage.Record{rec}, Manifests: map[canon.Digest][]byte{canon.Sum([]byte("m")): []byte("m")},
		Events: []storage.Event{event("r1", 1)},
	})
	_, err = s.Manifest(ctx, canon.Sum([]byte("m")))
	require.NoError(t, err)
	latest, err := s.Latest(ctx, []string{"asset:a"})
	require.NoError(t, err)
	assert.Len(t, latest, 1)
}

func records(t *testing.T, s storage.Store) {
	ctx := t.Context()
	b := &storage.Batch{NewRun: NewRun("r1")}
	var steps, contents []canon.Digest
	for i := range 300 {
		b.Records = append(b.Records, Record(i))
		steps, contents = append(steps, Digest("step", i)), append(contents, Digest("content", i))
	}
	Submit(t, s, b)
	steps, contents = append(steps, Digest("missing", 1)), append(contents, Digest("missing", 1))
	byStep, err := s.RecordsByStep(ctx, steps)
	require.NoError(t, err)
	byContent, err := s.RecordsByContent(ctx, contents)
	require.NoError(t, err)
	require.Len(t, byStep, 300)
	require.Len(t, byContent, 300)
	for i := range 300 {
		got := byStep[Digest("step", i)]
		require.NotNil(t, got)
		want := Record(i)
		want.ID, want.Newest = got.ID, true
		assert.Positive(t, got.ID)
		assert.Equal(t, &want, got)
		assert.Equal(t, &want, byContent[Digest("content", i)])
	}
}

func newest(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a, b := Record(1), Record(1)
	b.Code, b.Content = "other", Digest("content", 2)
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{a}})
	Submit(t, s, &storage.Batch{Records: []storage.Record{b}})
	got, err := s.RecordsByStep(ctx, []canon.Digest{a.Step})
	require.NoError(t, err)
	assert.Equal(t, "other", got[a.Step].Code)
	assert.True(t, got[a.Step].Newest)
	old, err := s.RecordsByContent(ctx, []canon.Digest{a.Content})
	require.NoError(t, err)
	assert.Equal(t, a.Code, old[a.Content].Code)
	assert.False(t, old[a.Content].Newest)
	assert.Less(t, old[a.Content].ID, got[a.Step].ID)
	latest, err := s.Latest(ctx, []string{a.Identity, "op:nightly/unknown"})
	require.NoError(t, err)
	require.Len(t, latest, 1)
	assert.Equal(t, got[a.Step], latest[a.Identity])
}

func alias(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a, b := Record(1), Record(2)
	b.Identity = a.Identity
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{a, b}})
	recs, err := s.RecordsByStep(ctx, []canon.Digest{a.Step})
	require.NoError(t, err)
	require.False(t, recs[a.Step].Newest)
	other := Digest("step", 99)
	al := storage.Alias{Step: other, Record: recs[a.Step].ID, Identity: a.Identity}
	Submit(t, s, &storage.Batch{Aliases: []storage.Alias{al, al}})
	recs, err = s.RecordsByStep(ctx, []canon.Digest{a.Step, b.Step, other})
	require.NoError(t, err)
	require.Len(t, recs, 3)
	assert.Equal(t, recs[a.Step], recs[other])
	assert.True(t, recs[other].Newest)
	assert.False(t, recs[b.Step].Newest)
	latest, err := s.Latest(ctx, []string{a.Identity})
	require.NoError(t, err)
	assert.Equal(t, recs[a.Step].ID, latest[a.Identity].ID)
	al.Record = 12345
	require.ErrorIs(t, s.Submit(&storage.Batch{Aliases: []storage.Alias{al}}).Wait(ctx), storage.ErrNotFound)
}

func drop(t *testing.T, s storage.Store) {
	ctx := t.Context()
	a, b := Record(1), Record(1)
	b.Code = "other"
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{a, b}})
	recs, err := s.RecordsByStep(ctx, []canon.Digest{a.Step})
	require.NoError(t, err)
	require.Equal(t, "other", recs[a.Step].Code)
	Submit(t, s, &storage.Batch{Drop: []int64{recs[a.Step].ID}})
	recs, err = s.RecordsByStep(ctx, []canon.Digest{a.Step})
	require.NoError(t, err)
	require.Equal(t, a.Code, recs[a.Step].Code, "the one before it is as good")
	Submit(t, s, &storage.Batch{Drop: []int64{recs[a.Step].ID, 4711}})
	for _, look := range []func(context.Context, []canon.Digest) (map[canon.Digest]*storage.Record, error){s.RecordsByStep, s.RecordsByContent} {
		recs, err = look(ctx, []canon.Digest{a.Step, a.Content})
		require.NoError(t, err)
		assert.Empty(t, recs)
	}
}

func blobs(t *testing.T, s storage.Store) {
	ctx := t.Context()
	m := map[canon.Digest][]byte{}
	for _, n := range []int{0, 1, 100, 4096, 5000, storage.MaxInline, 200_000} {
		data := bytes.Repeat([]byte("0123456789"), n/10+1)[:n]
		m[canon.Sum(data)] = data
	}
	Submit(t, s, &storage.Batch{Blobs: m, Manifests: m})
	Submit(t, s, &storage.Batch{Blobs: m, Manifests: m})
	for d, want := range m {
		got, err := s.Blob(ctx, d)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
		got, err = s.Manifest(ctx, d)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got))
	}
	wrong := canon.Sum([]byte("right"))
	Submit(t, s, &storage.Batch{Blobs: map[canon.Digest][]byte{wrong: []byte("wrong")}})
	_, err := s.Blob(ctx, wrong)
	require.ErrorIs(t, err, storage.ErrCorrupt)
	require.ErrorContains(t, err, wrong.String())
	Submit(t, s, &storage.Batch{Blobs: map[canon.Digest][]byte{wrong: []byte("right")}})
	got, err := s.Blob(ctx, wrong)
	require.NoError(t, err, "a damaged blob is healed by writing it again")
	assert.Equal(t, "right", string(got))
}

func assets(t *testing.T, s storage.Store) {
	ctx := t.Context()
	b := &storage.Batch{NewRun: NewRun("r1")}
	for i := range 10 {
		rec := Record(i)
		rec.Identity = "asset:a"
		rec.Outputs[0].Asset = []string{"b", "a"}[i%2]
		rec.Outputs = append(rec.Outputs, storage.Output{Name: "second", Asset: "c"})
		b.Records = append(b.Records, rec)
	}
	Submit(t, s, b)
	keys, err := s.AssetKeys(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c"}, keys)
	recs, err := s.AssetRecords(ctx, "a", 3)
	require.NoError(t, err)
	var steps []string
	for _, r := range recs {
		steps = append(steps, r.StepKey)
	}
	assert.Equal(t, []string{"step_9", "step_7", "step_5"}, steps)
	all, err := s.AssetRecords(ctx, "c", 0)
	require.NoError(t, err)
	assert.Len(t, all, 10)
	none, err := s.AssetRecords(ctx, "unknown", 0)
	require.NoError(t, err)
	assert.Empty(t, none)
}

func wholeRecord(t *testing.T, s storage.Store) {
	ctx := t.Context()
	rec := Record(1)
	rec.Config = []byte(`{"a":1}`)
	rec.Inputs = append(rec.Inputs, storage.Input{Name: "literal"})
	rec.Resources = map[string]string{"db": "sha256:1", "a": "2"}
	rec.Reached = []storage.ResourceState{{Key: "open_db", Code: "c", Config: []byte("{}")}, {Key: "x"}}
	rec.Outputs = []storage.Output{
		{Name: "a", Asset: "x", Size: 1 << 40, Codec: "file", File: "chart.png", Metadata: []dag.MetadataEntry{dag.Int("rows", 5), dag.Markdown("table", "|a|\n")}},
		{Name: "b", IO: "warehouse"},
	}
	bare := storage.Record{Step: Digest("step", 2), Content: Digest("content", 2), RunID: "r1", Time: rec.Time}
	Submit(t, s, &storage.Batch{NewRun: NewRun("r1"), Records: []storage.Record{rec, bare}})
	got, err := s.RecordsByStep(ctx, []canon.Digest{rec.Step, bare.Step})
	require.NoError(t, err)
	rec.ID, rec.Newest = got[rec.Step].ID, true
	bare.ID = got[bare.Step].ID
	assert.Equal(t, &rec, got[rec.Step])
	assert.Equal(t, &bare, got[bare.Step])
}

func oddText(t *testing.T, s storage.Store) {
	ctx := t.Context()
	for i, odd := range []string{"", "a\x00b", "\xff\xfe", "'; DROP TABLE run; --", "../../x", "日本\u202e", strings.Repeat("x", 100_000)} {
		run := NewRun(fmt.Sprintf("%d%s", i, odd))
		run.Job, run.Cause, run.Selection, run.Config = odd, odd, odd, odd
		e := event(run.ID, 1)
		e.Message, e.StepKey, e.Level, e.Data = odd, odd, odd, []byte(odd)
		rec := Record(i)
		rec.Identity, rec.StepKey, rec.Outputs[0].Asset = "asset:"+odd, odd, odd+"x"
		Submit(t, s, &storage.Batch{NewRun: run, Events: []storage.Event{e}, Records: []storage.Record{rec}})
		got, err := s.Run(ctx, run.ID)
		require.NoError(t, err)
		assert.Equal(t, run, got)
		events, err := s.Events(ctx, run.ID, 0, 0)
		require.NoError(t, err)
		e.Seq = 1
		assert.Equal(t, []storage.Event{e}, events)
		latest, err := s.Latest(ctx, []string{"asset:" + odd})
		require.NoError(t, err)
		assert.Equal(t, odd, latest["asset:"+odd].StepKey)
		list, err := s.AssetRecords(ctx, odd+"x", 0)
		require.NoError(t, err)
		assert.Len(t, list, 1)
	}
}

func concurrent(t *testing.T, s storage.Store) {
	ctx := t.Context()
	const workers, each = 8, 40
	var wg sync.WaitGroup
	for w := range workers {
		id := fmt.Sprintf("run%d", w)
		wg.Go(func() {
			var last storage.Ticket = s.Submit(&storage.Batch{NewRun: NewRun(id)})
			for i := range each {
				last = s.Submit(&storage.Batch{Events: []storage.Event{event(id, i)}, Records: []storage.Record{Record(w*each + i)}})
				if i%10 == 0 {
					_, err := s.RecordsByStep(ctx, []canon.Digest{Digest("step", i)})
					assert.NoError(t, err)
				}
			}
			assert.NoError(t, last.Wait(ctx))
			events, err := s.Events(ctx, id, 0, 0)
			assert.NoError(t, err)
			if assert.Len(t, events, each, "a durable batch comes after those before it") {
				assert.Equal(t, int64(each), events[each-1].Seq)
			}
		})
	}
	wg.Wait()
	var steps []canon.Digest
	for i := range workers * each {
		steps = append(steps, Digest("step", i))
	}
	recs, err := s.RecordsByStep(ctx, steps)
	require.NoError(t, err)
	assert.Len(t, recs, workers*each)
}

func closed(t *testing.T, s storage.Store) {
	ticket := s.Submit(&storage.Batch{NewRun: NewRun("r1")})
	require.NoError(t, s.Close())
	require.NoError(t, ticket.Wait(t.Context()), "closing waits for what was submitted")
	require.ErrorIs(t, s.Submit(&storage.Batch{}).Wait(t.Context()), storage.ErrClosed)
	_, err := s.Runs(t.Context(), storage.RunFilter{})
	require.ErrorIs(t, err, storage.ErrClosed)
}

func cancelled(t *testing.T, s storage.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.RecordsByStep(ctx, []canon.Digest{Digest("x", 1), Digest("x", 2)})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Runs(ctx, storage.RunFilter{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Blob(ctx, Digest("x", 1))
	require.ErrorIs(t, err, context.Canceled)
}

func verify(t *testing.T, s storage.Store) {
	data := []byte("data")
	rec := Record(1)
	rec.Outputs[0].Blob = canon.Sum(data)
	Submit(t, s, &storage.Batch{
		NewRun: NewRun("r1"), Records: []storage.Record{rec}, Events: []storage.Event{event("r1", 1), event("r1", 2)},
		Blobs: map[canon.Digest][]byte{canon.Sum(data): data},
	})
	require.NoError(t, s.Verify(t.Context(), func(p string) { t.Error(p) }))

	bad := canon.Sum([]byte("right"))
	rec2 := Record(2)
	rec2.Outputs[0].Blob = Digest("nowhere", 1)
	Submit(t, s, &storage.Batch{Blobs: map[canon.Digest][]byte{bad: []byte("wrong")}, Records: []storage.Record{rec2}})
	var problems []string
	require.NoError(t, s.Verify(t.Context(), func(p string) { problems = append(problems, p) }))
	require.Len(t, problems, 2)
	all := strings.Join(problems, "\n")
	assert.Contains(t, all, bad.String())
	assert.Contains(t, all, Digest("nowhere", 1).String())
}
