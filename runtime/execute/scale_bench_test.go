//go:build unix

package execute

import (
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkScale is the curve of docs/benchmarks.md: what a step costs in jobs of 10 to 100,000 steps, run for the first time and reused.
// Processor time says more than time where other work keeps the machine busy.
func BenchmarkScale(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000, 100_000} {
		s := newShop(b)
		chainOf(s, n)
		cat := s.catalog()
		b.Run("first/"+strconv.Itoa(n), func(b *testing.B) {
			m := meter{b: b, steps: n}
			for b.Loop() {
				b.StopTimer()
				inst := openInstance(b, b.TempDir())
				b.StartTimer()
				m.begin()
				res, err := Run(b.Context(), cat, "", Options{Instance: inst})
				m.end()
				require.NoError(b, err)
				require.Equal(b, n, res.Run.Ran)
				runtime.KeepAlive(res)
			}
			m.report()
		})
		b.Run("reused/"+strconv.Itoa(n), func(b *testing.B) {
			inst := openInstance(b, b.TempDir())
			_, err := Run(b.Context(), cat, "", Options{Instance: inst})
			require.NoError(b, err)
			m := meter{b: b, steps: n}
			for b.Loop() {
				m.begin()
				res, err := Run(b.Context(), cat, "", Options{Instance: inst})
				m.end()
				require.NoError(b, err)
				require.Equal(b, n, res.Run.Reused)
				runtime.KeepAlive(res)
			}
			m.report()
		})
	}
}

// A meter adds up what runs of a number of steps cost besides time.
type meter struct {
	b               *testing.B
	steps           int
	cpu             time.Duration
	allocated, kept uint64
	before          runtime.MemStats
	began           time.Duration
}

func (m *meter) begin() {
	m.b.StopTimer()
	runtime.GC()
	runtime.ReadMemStats(&m.before)
	m.began = processorTime(m.b)
	m.b.StartTimer()
}

// end is called while what the run left in memory is still there.
func (m *meter) end() {
	m.b.StopTimer()
	m.cpu += processorTime(m.b) - m.began
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	m.allocated += after.TotalAlloc - m.before.TotalAlloc
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > m.before.HeapAlloc {
		m.kept += after.HeapAlloc - m.before.HeapAlloc
	}
	m.b.StartTimer()
}

func (m *meter) report() {
	steps := float64(m.b.N * m.steps)
	m.b.ReportMetric(float64(m.b.Elapsed().Nanoseconds())/steps, "ns/step")
	m.b.ReportMetric(float64(m.cpu.Nanoseconds())/steps, "cpu-ns/step")
	m.b.ReportMetric(float64(m.allocated)/steps, "B/step")
	m.b.ReportMetric(float64(m.kept)/steps, "kept-B/step")
	m.b.ReportMetric(0, "ns/op") // of 10 steps and of 100,000 it says nothing
}

// processorTime is what this process has used, in all threads, in the user's code and in the kernel.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
