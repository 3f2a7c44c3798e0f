package execute

import (
	"flag"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

var manyPartitions = flag.Int("partitions", 20_000, "number of partitions of one asset in TestManyPartitions and BenchmarkPartitionStatus; the full test has 1,000,000")

// gridOf has about n partitions in two dimensions.
func gridOf(n int) *partition.Definition {
	side := int(math.Sqrt(float64(n)))
	keys := func(word string, n int) (keys []string) {
		for i := range n {
			keys = append(keys, fmt.Sprintf("%s-%04d", word, i))
		}
		return keys
	}
	return partition.Multi(partition.Dim("city", partition.Static(keys("city", n/side)...)), partition.Dim("shop", partition.Static(keys("shop", side)...)))
}

// hoursOf has about n hours up to 2024, in a zone with summer time: a century of them is 876,600.
func hoursOf(n int) *partition.Definition {
	end := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return partition.Hourly(end.Add(-time.Duration(n)*time.Hour).Format(time.DateOnly), partition.Until("2024-01-01"), partition.In("Europe/Berlin"))
}

// fill stores a record for each partition of an asset, as runs of them would; change may make it another one, or leave it out.
func fill(t testing.TB, w *world, key string, space *partition.Space, change func(n int, r *storage.Record) bool) {
	var first partition.Point
	for _, p := range space.Numbered(0, 1) {
		first = append(first, p...)
	}
	o := w.options()
	o.Select, o.Tags = "+"+key, map[string]string{plan.TagPartition: space.Key(first)}
	res, err := Run(t.Context(), w.catalog(), "", o)
	require.NoError(t, err)
	require.NoError(t, res.Err())
	o.Select = key
	p, err := Plan(t.Context(), w.catalog(), "", o)
	require.NoError(t, err)
	s := *p.Steps[len(p.Steps)-1]
	h := plan.NewHasher()
	b := &storage.Batch{}
	flush := func() {
		require.NoError(t, w.inst.Store().Submit(b).Wait(t.Context()))
		b = &storage.Batch{}
	}
	for n, at := range space.Numbered(0, space.Len()) {
		s.Partition = plan.PartitionIn(space, at)
		r := *s.Record
		r.Content = h.Content(&s, s.Data)
		r.StepKey = dag.PartitionStep(key, s.Partition.Key)
		r.Step, r.Identity, r.Partition = canon.Sum([]byte(r.StepKey)), "asset:"+r.StepKey, string(s.Partition.Key)
		if change(n, &r) {
			b.Records = append(b.Records, r)
		}
		if len(b.Records) == 10_000 {
			flush()
		}
	}
	flush()
}

// measured calls f and returns how long it takes, and by how much memory grows meanwhile, in bytes.
func measured(f func()) (took time.Duration, peak uint64) {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		most := before
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-stop:
				done <- most - before
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	began := time.Now()
	f()
	took = time.Since(began)
	close(stop)
	return took, <-done
}

// The status of a million partitions, the plan for one and for all, and the set that a backfill of them would get are exact, and as small as the ranges that they are made of.
func TestManyPartitions(t *testing.T) {
	for _, tt := range []struct {
		name string
		def  *partition.Definition
	}{
		{"two dimensions", gridOf(*manyPartitions)},
		{"a century of hours", hoursOf(min(*manyPartitions, 876_600))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.source("base", func() (any, error) { return dag.DataVersion("1"), nil })
			in(w.asset("a", nil, add(1)), tt.def).Deps = []string{"base"}
			space, err := tt.def.Resolve(partition.At{Now: time.Now()})
			require.NoError(t, err)
			n := space.Len()
			missing, code, data := partition.Span{From: 100, To: 200}, partition.Span{From: n / 2, To: n/2 + n/10}, partition.Span{From: n - 7, To: n - 2}
			within := func(s partition.Span, n int) bool { return n >= s.From && n < s.To }
			took, _ := measured(func() {
				fill(t, w, "a", space, func(n int, r *storage.Record) bool {
					switch {
					case within(missing, n):
						return false
					case within(code, n):
						r.Code, r.Content = "sha256:other", canon.Sum([]byte(r.StepKey))
					case within(data, n):
						r.Inputs = []storage.Input{{Name: "after base", From: "base", DataVersion: canon.Sum(nil)}}
						r.Content = canon.Sum([]byte(r.StepKey))
					}
					return true
				})
			})
			t.Logf("%d records stored in %v", n, took)

			var st *plan.Status
			took, peak := measured(func() { st = w.status("a") })
			t.Logf("status of %d partitions: %v, %d MiB at most", n, took, peak>>20)
			assert.Less(t, peak, uint64(n*300+64<<20), "bytes")
			p := st.Assets[0].Partitions
			set := func(spans ...partition.Span) partition.Set { return space.Numbers(spans) }
			same := func(want partition.Set, got plan.Partitions) {
				t.Helper()
				assert.True(t, want.Equal(got.Set), "%d, not %d", got.Len(), want.Len())
			}
			outdated := set(missing, code, data)
			same(set(missing), p.Status[plan.Missing])
			same(set(code, data), p.Status[plan.Stale])
			same(space.All().Minus(outdated), p.Status[plan.Fresh])
			same(outdated, p.Plan[plan.Run])
			same(space.All().Minus(outdated), p.Plan[plan.Reuse])
			require.Len(t, p.Causes, 3)
			for i, want := range []partition.Span{missing, code, data} {
				same(set(want), p.Causes[i].Partitions)
			}
			var text string
			took, _ = measured(func() { text = space.Encode(p.Outdated().Set) })
			t.Logf("the set of a backfill of %d: %d bytes, %v", p.Outdated().Len(), len(text), took)
			assert.Less(t, len(text), 2000)
			var key string
			for _, at := range space.Numbered(n-3, n-2) {
				key = space.Key(at)
			}
			w.opts.Tags, w.opts.Select = map[string]string{plan.TagPartition: key}, "a"
			took, _ = measured(func() {
				one, err := Plan(t.Context(), w.catalog(), "", w.options())
				require.NoError(t, err)
				require.Len(t, one.Steps, 1)
				assert.Equal(t, plan.Run, one.Steps[0].Action)
				assert.Equal(t, `input after base: upstream "base" has new data`, one.Steps[0].Reasons[0].Text)
			})
			t.Logf("plan of one: %v", took)
		})
	}
}

// The status of an asset whose partitions are all fresh.
func BenchmarkPartitionStatus(b *testing.B) {
	for name, def := range map[string]*partition.Definition{"grid": gridOf(*manyPartitions), "hours": hoursOf(*manyPartitions)} {
		b.Run(name, func(b *testing.B) {
			w := &world{shop: newShop(b)}
			w.inst = openInstance(b, b.TempDir())
			in(w.asset("a", nil, add(1)), def)
			space, err := def.Resolve(partition.At{Now: time.Now()})
			require.NoError(b, err)
			fill(b, w, "a", space, func(int, *storage.Record) bool { return true })
			cat := w.catalog()
			b.ReportAllocs()
			for b.Loop() {
				st, err := Status(b.Context(), cat, w.options())
				require.NoError(b, err)
				require.Equal(b, space.Len(), st.Assets[0].Partitions.Status[plan.Fresh].Len())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(space.Len()), "ns/partition")
		})
	}
}

// The status of 1,000 assets, each made from the same partition of the one above it, ten layers of them, with 100 partitions each, all of them fresh.
func BenchmarkLayersStatus(b *testing.B) {
	const assets, layers, keys = 1000, 10, 100
	w := &world{shop: newShop(b)}
	w.inst = openInstance(b, b.TempDir())
	var all []string
	for i := range keys {
		all = append(all, fmt.Sprintf("p%04d", i))
	}
	def := partition.Static(all...)
	var names []string
	for i := range assets {
		name := fmt.Sprintf("k%05d", i)
		var from []string
		if i%layers > 0 {
			from = []string{names[i-1]}
		}
		in(w.asset(name, from, add(1)), def)
		names = append(names, name)
	}
	o := w.options()
	o.Tags = map[string]string{plan.TagPartition: "*"}
	res, err := Run(b.Context(), w.catalog(), "", o)
	require.NoError(b, err)
	require.True(b, res.Success())
	cat := w.catalog()
	b.ReportAllocs()
	for b.Loop() {
		st, err := Status(b.Context(), cat, w.options())
		require.NoError(b, err)
		now, _ := st.Count()
		require.Equal(b, assets, now[plan.Fresh])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/assets/keys, "ns/partition")
}
