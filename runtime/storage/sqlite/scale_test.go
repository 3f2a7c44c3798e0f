//go:build cgo

package sqlite

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

var manyEvents = flag.Int("events", 100_000, "how many events the run of TestMillionEvents has; CI takes 1,000,000")

// A run with a million events is listed and paged through as fast as a small one, at its start, in the middle and at its end.
func TestMillionEvents(t *testing.T) {
	const few, part, page = 1000, 1000, 100
	n := *manyEvents
	s := openTest(t)
	began := time.Now()
	appended := func(run string, n int) {
		storagetest.Submit(t, s, &storage.Batch{NewRun: storagetest.NewRun(run)})
		var last storage.Ticket
		for i := 0; i < n; i += part {
			b := &storage.Batch{}
			for k := i; k < i+part; k++ {
				b.Events = append(b.Events, storage.Event{
					RunID: run, Time: began, Type: storage.EventStepStart, StepKey: fmt.Sprintf("step_%d", k%5000), Level: "INFO", Message: "a line of the log",
				})
			}
			last = s.Submit(b)
		}
		require.NoError(t, last.Wait(t.Context()))
	}
	fastest := func(do func() error) time.Duration { // of some tries: a machine that does something else is no fault of the store
		best := time.Hour
		for range 5 {
			at := time.Now()
			require.NoError(t, do())
			best = min(best, time.Since(at))
		}
		return best
	}
	appended("r0", few)
	small := fastest(func() error {
		events, err := s.Events(t.Context(), "r0", 0, page)
		require.Len(t, events, page)
		return err
	})
	began = time.Now()
	appended("r1", n)
	t.Logf("appended %.0f events a second", float64(n)/time.Since(began).Seconds())

	// To go through all of them would take a hundred times as long and more.
	fast := func(what string, do func() error) {
		took := fastest(do)
		t.Logf("%s: %s, a page of a small run %s", what, took, small)
		assert.Less(t, took, 25*small, what)
	}
	fast("list runs", func() error {
		runs, err := s.Runs(t.Context(), storage.RunFilter{})
		require.Len(t, runs, 2)
		return err
	})
	for _, after := range []int64{0, int64(n / 2), int64(n - page)} {
		fast(fmt.Sprintf("the page after event %d", after), func() error {
			events, err := s.Events(t.Context(), "r1", after, page)
			require.Len(t, events, page)
			require.Equal(t, after+1, events[0].Seq)
			return err
		})
	}
	fast("the newest page of the run", func() error {
		events, err := s.EventRecords(t.Context(), storage.EventFilter{RunID: "r1", Limit: page})
		require.Len(t, events.Records, page)
		require.True(t, events.More)
		return err
	})
	fast("the newest page of all runs", func() error {
		events, err := s.EventRecords(t.Context(), storage.EventFilter{Limit: page})
		require.Len(t, events.Records, page)
		return err
	})
	cursor := storage.Cursor(0)
	read := 0
	began = time.Now()
	for more := true; more; {
		events, err := s.EventRecords(t.Context(), storage.EventFilter{RunID: "r1", Ascending: true, After: cursor, Limit: 10_000})
		require.NoError(t, err)
		read += len(events.Records)
		cursor, more = events.Cursor, events.More
	}
	require.Equal(t, n, read)
	t.Logf("read %.0f events a second, page by page", float64(n)/time.Since(began).Seconds())
	require.NoError(t, s.Close())
}
