// Package storagetest is the suite that every implementation of storage.Store passes.
//
// Stage: tests alone import it.
package storagetest

import (
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
		{"runs are filtered by every field", everyField},
		{"runs are sorted and paged", sortedRuns},
		{"a run takes its statuses in order", transitions},
		{"a launched run begins", started},
		{"a deleted run leaves what others need", deleted},
		{"events are filtered by every field", eventFilter},
		{"a cursor stays valid while events are appended", cursors},
		{"job snapshots", snapshots},
		{"a finished run stays finished", finished},
		{"a batch that fails alone fails alone", failsAlone},
		{"a failed batch leaves nothing", leavesNothing},
		{"records by step and content", records},
		{"the newest record is found", newest},
		{"an alias is found and is the latest", alias},
		{"the newest records of many identities", latestOf},
		{"a dropped record is not found", drop},
		{"blobs", blobs},
		{"many manifests", manifests},
		{"asset records and keys", assets},
		{"asset keys are filtered", assetKeys},
		{"events of no run", noRun},
		{"a wiped asset is forgotten", wiped},
		{"states of files", fileStates},
		{"dynamic partitions", dynamicPartitions},
		{"backfills", backfills},
		{"a backfill takes its statuses in order", backfillTransitions},
		{"a backfill and its runs are seen at one moment", backfillRuns},
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

// stored returns a run as a store has it.
func stored(r *storage.Run, number int64) *storage.Run {
	s := *r
	s.Number = number
	s.Inserted()
	return &s
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
	keys, err := s.AssetKeys(ctx, storage.AssetFilter{})
	require.NoError(t, err)
	assert.Empty(t, keys)
	_, err = s.Blob(ctx, Digest("blob", 1))
	require.ErrorIs(t, err, storage.ErrNotFound)
	none, err := s.Manifests(ctx, []canon.Digest{Digest("blob", 1)})
	require.NoError(t, err)
	assert.Empty(t, none)
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
	assert.Equal(t, stored(run, 1), got)

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
	assert.Equal(t, stored(&end, 1), got)
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
	assert.Equal(t, "r7 r6", ids(storage.RunFilter{Limit: 2, Cursor: "r8"}))
	assert.Equal(t, "r8 r6 r4 r2 r0", ids(storage.RunFilter{Job: "nightly"}))
	assert.Equal(t, "r9 r6 r3 r0", ids(storage.RunFilter{Statuses: []storage.RunStatus{storage.RunSuccess}}))
	assert.Equal(t, "r3", ids(storage.RunFilter{Job: "other", Statuses: []storage.RunStatus{storage.RunSuccess, storage.RunFailure}, Cursor: "r6"}))
	_, err := s.Runs(ctx, storage.RunFilter{Cursor: "unknown"})
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
	kept, err := s.Manifests(ctx, []canon.Digest{canon.Sum([]byte("m"))})
	require.NoError(t, err)
	assert.Len(t, kept, 1)
	latest, err := s.Latest(ctx, []string{"asset:a"})
	require.NoError(t, err)
	assert.Len(t, latest, 1)
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
		assert.Equal(t, stored(run, int64(i+1)), got)
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
