package storagetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// messagesOf are the messages of the events of a page.
func messagesOf(p storage.EventPage) string {
	out := make([]string, len(p.Records))
	for i, r := range p.Records {
		out[i] = r.Message
	}
	return strings.Join(out, " ")
}

func eventFilter(t *testing.T, s storage.Store) {
	for _, id := range []string{"r1", "r2"} {
		r := NewRun(id)
		if id == "r2" {
			r.Job = ""
		}
		Submit(t, s, &storage.Batch{NewRun: r})
	}
	// One event for each line, alternating between two runs: a1 b2 a3 b4 ...
	for i, e := range []storage.Event{
		{Type: storage.EventRunStart},
		{Type: storage.EventRunStart},
		{Type: storage.EventStepStart, StepKey: "fetch"},
		{Type: storage.EventMaterialization, StepKey: "fetch", Asset: "raw", Partition: "mon"},
		{Type: storage.EventMaterialization, StepKey: "fetch", Asset: "raw", Partition: "tue"},
		{Type: storage.EventObservation, Asset: "file"},
		{Type: storage.EventLog, StepKey: "fit", Level: "WARN", Data: []byte(`{"rows":3}`)},
		{Type: storage.EventMaterialization, StepKey: "fit", Asset: "model"},
		{Type: storage.EventStepFailure, StepKey: "fit", Level: "ERROR"},
		{Type: storage.EventRunSuccess},
	} {
		e.RunID, e.Time = "r1", at(i+1)
		e.Message = fmt.Sprint("a", i+1)
		if i%2 == 1 {
			e.RunID, e.Message = "r2", fmt.Sprint("b", i+1)
		}
		Submit(t, s, &storage.Batch{Events: []storage.Event{e}})
	}
	all, err := s.EventRecords(t.Context(), storage.EventFilter{Ascending: true})
	require.NoError(t, err)
	require.Equal(t, "a1 b2 a3 b4 a5 b6 a7 b8 a9 b10", messagesOf(all))
	number := func(n int) storage.Cursor { return all.Records[n-1].Number }
	assert.Equal(t, storage.EventRecord{
		Event: storage.Event{RunID: "r1", Seq: 4, Time: at(7), Type: storage.EventLog, StepKey: "fit", Level: "WARN", Message: "a7", Data: []byte(`{"rows":3}`)},
		Job:   "nightly", Number: number(7),
	}, all.Records[6])
	assert.Equal(t, "", all.Records[1].Job)
	for _, tt := range []struct {
		name   string
		filter storage.EventFilter
		want   string
	}{
		{"nothing", storage.EventFilter{}, "b10 a9 b8 a7 b6 a5 b4 a3 b2 a1"},
		{"run", storage.EventFilter{RunID: "r2"}, "b10 b8 b6 b4 b2"},
		{"unknown run", storage.EventFilter{RunID: "r3"}, ""},
		{"job", storage.EventFilter{Job: "nightly", Ascending: true}, "a1 a3 a5 a7 a9"},
		{"step", storage.EventFilter{StepKey: "fetch"}, "a5 b4 a3"},
		{"step of a run", storage.EventFilter{RunID: "r1", StepKey: "fetch"}, "a5 a3"},
		{"type", storage.EventFilter{Types: []storage.EventType{storage.EventMaterialization}}, "b8 a5 b4"},
		{"a common type", storage.EventFilter{Types: []storage.EventType{storage.EventStepStart}}, "a3"},
		{"types", storage.EventFilter{Types: []storage.EventType{storage.EventRunStart, storage.EventLog, storage.EventRunSuccess}}, "b10 a7 b2 a1"},
		{"changes of runs", storage.EventFilter{Types: storage.RunEvents()}, "b10 b2 a1"},
		{"level", storage.EventFilter{Levels: []string{"WARN", "ERROR", "DEBUG"}}, "a9 a7"},
		{"level of a run", storage.EventFilter{RunID: "r1", Levels: []string{"ERROR"}, Types: []storage.EventType{storage.EventStepFailure, storage.EventLog}}, "a9"},
		{"asset", storage.EventFilter{Asset: "raw"}, "a5 b4"},
		{"observed asset", storage.EventFilter{Asset: "file"}, "b6"},
		{"partition", storage.EventFilter{Asset: "raw", Partitions: []string{"tue", "wed"}}, "a5"},
		{"after", storage.EventFilter{After: number(7)}, "b10 a9 b8"},
		{"before", storage.EventFilter{Before: number(3)}, "b2 a1"},
		{"between, oldest first", storage.EventFilter{After: number(3), Before: number(7), Ascending: true}, "b4 a5 b6"},
		{"run after an event of its own", storage.EventFilter{RunID: "r1", After: number(5)}, "a9 a7"},
		{"run after an event of another", storage.EventFilter{RunID: "r1", After: number(6), Ascending: true}, "a7 a9"},
		{"run before an event of its own", storage.EventFilter{RunID: "r1", Before: number(5)}, "a3 a1"},
		{"run before an event of another", storage.EventFilter{RunID: "r1", Before: number(6)}, "a5 a3 a1"},
		{"after a time", storage.EventFilter{AfterTime: at(8)}, "b10 a9"},
		{"before a time", storage.EventFilter{BeforeTime: at(3)}, "b2 a1"},
		{"all at once", storage.EventFilter{
			RunID: "r1", Job: "nightly", StepKey: "fetch", Types: []storage.EventType{storage.EventMaterialization}, Asset: "raw", Partitions: []string{"tue"},
			After: number(1), Before: number(9), AfterTime: at(1), BeforeTime: at(9), Ascending: true,
		}, "a5"},
	} {
		page, err := s.EventRecords(t.Context(), tt.filter)
		require.NoError(t, err)
		assert.Equal(t, tt.want, messagesOf(page), tt.name)
		assert.False(t, page.More, tt.name)
		// In parts of two it is the same.
		f := tt.filter
		f.Limit = 2
		var parts []string
		for more := true; more; {
			page, err := s.EventRecords(t.Context(), f)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(page.Records), 2)
			if m := messagesOf(page); m != "" {
				parts = append(parts, m)
			}
			more = page.More
			if f.Ascending {
				f.After = page.Cursor
			} else {
				f.Before = page.Cursor
			}
		}
		assert.Equal(t, tt.want, strings.Join(parts, " "), tt.name)
	}
}

func cursors(t *testing.T, s storage.Store) {
	for _, id := range []string{"r1", "r2"} {
		Submit(t, s, &storage.Batch{NewRun: NewRun(id)})
	}
	f := storage.EventFilter{Ascending: true, Limit: 3}
	var seen []string
	read := func() {
		for more := true; more; {
			page, err := s.EventRecords(t.Context(), f)
			require.NoError(t, err)
			for _, r := range page.Records {
				seen = append(seen, r.Message)
			}
			f.After, more = page.Cursor, page.More
		}
	}
	read()
	assert.Empty(t, seen)
	var want []string
	for i := range 30 { // the older run goes on while the newer one does
		id := []string{"r2", "r1"}[i%2]
		Submit(t, s, &storage.Batch{Events: []storage.Event{event(id, i)}})
		want = append(want, fmt.Sprint("event ", i))
		if i%4 == 3 {
			read()
			assert.Equal(t, want, seen)
		}
	}
	Submit(t, s, &storage.Batch{Finish: &storage.Run{ID: "r2", Status: storage.RunFailure, Ended: at(1)}})
	Submit(t, s, &storage.Batch{Delete: []string{"r2"}})
	Submit(t, s, &storage.Batch{Events: []storage.Event{event("r1", 30)}})
	read()
	assert.Equal(t, "event 30", seen[len(seen)-1])
	assert.Equal(t, "event 29", seen[len(seen)-2])
}
