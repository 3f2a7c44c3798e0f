package execute

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Overhead per executed step, durable, each in a warm process of its own. The children know the same steps, see TestMain.
func BenchmarkRunMultiprocess(b *testing.B) {
	b.Setenv("SUSPECT_CHAIN", "yes")
	s := newShop(b)
	chainOf(s, benchSteps)
	cat := s.catalog()
	for b.Loop() {
		b.StopTimer()
		inst := openInstance(b, b.TempDir())
		b.StartTimer()
		res, err := Run(b.Context(), cat, "", Options{Instance: inst, Executor: MultiprocessExecutor})
		require.NoError(b, err)
		require.Equal(b, benchSteps, res.Run.Ran)
	}
	perStep(b, benchSteps)
}

// The start of a child, and one step in it.
func BenchmarkMultiprocessStart(b *testing.B) {
	b.Setenv("SUSPECT_CHAIN", "yes")
	s := newShop(b)
	chainOf(s, benchSteps)
	cat := s.catalog()
	for b.Loop() {
		b.StopTimer()
		inst := openInstance(b, b.TempDir())
		b.StartTimer()
		res, err := Run(b.Context(), cat, "", Options{Instance: inst, Executor: MultiprocessExecutor, Select: "k00000"})
		require.NoError(b, err)
		require.Equal(b, 1, res.Run.Ran)
	}
}

// What a process of this size costs that does nothing: the floor under a process for each step.
func BenchmarkFloorProcess(b *testing.B) {
	for b.Loop() {
		require.NoError(b, exec.Command(os.Args[0], "-test.run=^$").Run())
	}
}

// From the end of the context of a run to its return, when a step listens: it is recorded then as canceled.
func BenchmarkCancel(b *testing.B) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor, MultiprocessExecutor} {
		b.Run(executor, func(b *testing.B) {
			var total time.Duration
			for b.Loop() {
				b.StopTimer()
				dir := b.TempDir()
				b.Setenv(suiteFolder, dir)
				s := suiteShop(b)
				inst := openInstance(b, b.TempDir())
				cat := s.catalog()
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan time.Time)
				go func() {
					res, err := Run(ctx, cat, "waiting", Options{Instance: inst, Executor: executor})
					at := time.Now()
					if err != nil || res.Status != storage.RunCanceled {
						panic(fmt.Sprint(err))
					}
					ended <- at
				}()
				for len(notes(b, "waiting")) == 0 {
					time.Sleep(time.Millisecond)
				}
				b.StartTimer()
				began := time.Now()
				cancel()
				total += (<-ended).Sub(began)
			}
			b.ReportMetric(float64(total.Microseconds())/float64(b.N), "us/cancel")
		})
	}
}
