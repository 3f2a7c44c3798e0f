//go:build cgo

package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
	"github.com/dagstergen/dagstergen/runtime/storage/storagetest"
)

// stepBatch is what one executed step writes: a record, an inline output and its events.
func stepBatch(n int) *storage.Batch {
	rec := storagetest.Record(n)
	blob := fmt.Appendf(nil, "the small output of step number %d, about a hundred bytes of it, so that it is no special case", n)
	d := canon.Sum(blob)
	rec.Outputs[0].Blob, rec.Outputs[0].DataVersion = d, d
	rec.Config = json.RawMessage(`{"path":"data.csv","rows":12}`)
	b := &storage.Batch{Records: []storage.Record{rec}, Blobs: map[canon.Digest][]byte{d: blob}}
	for _, kind := range []storage.EventType{storage.EventStepStart, storage.EventStepOutput, storage.EventHandledOutput, storage.EventStepSuccess} {
		b.Events = append(b.Events, storage.Event{
			RunID: "r1", Time: time.Now(), Type: kind, StepKey: rec.StepKey, Level: "DEBUG", Message: "finished step in 12 ms",
			Data: []byte(`{"output":"result","version":"sha256:0123456789abcdef"}`),
		})
	}
	return b
}

// BenchmarkSteps is the durable cost of a step: whatever is queued together shares a commit.
func BenchmarkSteps(b *testing.B) {
	for _, inFlight := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("in_flight=%d", inFlight), func(b *testing.B) {
			s := openTest(b)
			storagetest.Submit(b, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
			tickets := make([]storage.Ticket, 0, inFlight)
			n := 0
			for b.Loop() {
				if len(tickets) == inFlight {
					require.NoError(b, tickets[0].Wait(b.Context()))
					tickets = tickets[:copy(tickets, tickets[1:])]
				}
				tickets = append(tickets, s.Submit(stepBatch(n)))
				n++
			}
			for _, t := range tickets {
				require.NoError(b, t.Wait(b.Context()))
			}
			require.NoError(b, s.Close())
		})
	}
}

// BenchmarkCommit is what the writer needs for a group of 100 steps: the statements, and the commit that makes them durable.
func BenchmarkCommit(b *testing.B) {
	s := openTest(b)
	storagetest.Submit(b, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	best, total, groups := time.Hour, time.Duration(0), 0
	for b.Loop() {
		group := make([]*pending, 100)
		for i := range group {
			p := &pending{batch: stepBatch(groups*len(group) + i), done: make(chan struct{})}
			p.encoded, _ = encodeBatch(p.batch)
			group[i] = p
		}
		start := time.Now()
		require.NoError(b, s.writer.commit(group)) // its goroutine has nothing to do
		took := time.Since(start)
		best, total, groups = min(best, took), total+took, groups+1
		for _, p := range group {
			require.NoError(b, p.err)
		}
	}
	b.ReportMetric(float64(best.Nanoseconds())/100, "best-ns/step")
	b.ReportMetric(float64(total.Nanoseconds())/float64(100*groups), "ns/step")
	require.NoError(b, s.Close())
}

// BenchmarkEncode is what a step costs the goroutine that submits it.
func BenchmarkEncode(b *testing.B) {
	batch := stepBatch(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encodeBatch(batch); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRecords10000 is the look-up of a memoized plan of 10,000 steps.
func BenchmarkRecords10000(b *testing.B) {
	s := openTest(b)
	storagetest.Submit(b, s, &storage.Batch{NewRun: storagetest.NewRun("r1")})
	var steps, contents []canon.Digest
	var last storage.Ticket
	for i := range 10_000 {
		last = s.Submit(stepBatch(i))
		steps, contents = append(steps, storagetest.Digest("step", i)), append(contents, storagetest.Digest("content", i))
	}
	require.NoError(b, last.Wait(b.Context()))
	path := s.Path()
	require.NoError(b, s.Close())
	for _, mode := range []string{"step", "content"} {
		b.Run(mode, func(b *testing.B) {
			best := time.Hour // of many: what else the machine does is not measured
			for b.Loop() {
				// A new process reads with cold caches of its own.
				s, err := Open(b.Context(), path)
				require.NoError(b, err)
				start := time.Now()
				look, keys := s.RecordsByStep, steps
				if mode == "content" {
					look, keys = s.RecordsByContent, contents
				}
				recs, err := look(b.Context(), keys)
				best = min(best, time.Since(start))
				require.NoError(b, err)
				require.Len(b, recs, 10_000)
				require.NoError(b, s.Close())
			}
			b.ReportMetric(float64(best.Nanoseconds())/10_000, "best-ns/record")
		})
	}
}

// BenchmarkFloorCommit is the least that a durable commit of this database costs: 100 bytes in one row.
func BenchmarkFloorCommit(b *testing.B) {
	c, err := connect(filepath.Join(b.TempDir(), "x.db"), "mode=rwc&_journal_mode=WAL&_synchronous=FULL")
	require.NoError(b, err)
	require.NoError(b, c.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)"))
	data := bytes.Repeat([]byte("x"), 100)
	for b.Loop() {
		if _, _, err := c.run("INSERT INTO t (b) VALUES (?)", data); err != nil {
			b.Fatal(err)
		}
	}
	require.NoError(b, c.close())
}

// The newest records of all partitions of an asset, page by page: what a status begins with. It costs the same for each of them, however many there are.
func BenchmarkLatestOf(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s, err := Open(b.Context(), filepath.Join(b.TempDir(), "x.db"))
			require.NoError(b, err)
			defer func() { require.NoError(b, s.Close()) }()
			batch := &storage.Batch{NewRun: storagetest.NewRun("r1")}
			for i := range n {
				r := storagetest.Record(i)
				r.Identity = fmt.Sprintf("asset:a[%06d]", i)
				batch.Records = append(batch.Records, r)
				if len(batch.Records) == 10_000 {
					require.NoError(b, s.Submit(batch).Wait(b.Context()))
					batch = &storage.Batch{}
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				found := 0
				for after := ""; ; {
					page, err := s.LatestOf(b.Context(), "asset:a[", after, 4096)
					require.NoError(b, err)
					if found += len(page); len(page) < 4096 {
						break
					}
					after = page[len(page)-1].Identity
				}
				require.Equal(b, n, found)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
		})
	}
}
