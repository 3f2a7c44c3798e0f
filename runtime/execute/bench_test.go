package execute

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// chainOf is n assets in ten columns: each adds one to the one before it in its column.
func chainOf(s *shop, n int) {
	for i := range n {
		var from []string
		if i >= 10 {
			from = []string{fmt.Sprintf("k%05d", i-10)}
		}
		s.asset(fmt.Sprintf("k%05d", i), from, add(1))
	}
}

// The plain function call that the overhead of a step is measured against.
func BenchmarkPlainCall(b *testing.B) {
	f := add(1)
	in := []int{41}
	for b.Loop() {
		if f(in) != 42 {
			b.Fatal()
		}
	}
}

const benchSteps = 1000

// Overhead per executed step, in memory: divide by benchSteps.
func BenchmarkRunInMemory(b *testing.B) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		b.Run(executor, func(b *testing.B) {
			s := newShop(b)
			chainOf(s, benchSteps)
			cat := s.catalog()
			b.ReportAllocs()
			for b.Loop() {
				res, err := Run(b.Context(), cat, "", Options{Executor: executor})
				require.NoError(b, err)
				require.True(b, res.Success())
				require.NoError(b, res.Close())
			}
			perStep(b, benchSteps)
		})
	}
}

// Overhead per executed step, durable: divide by benchSteps.
func BenchmarkRunDurable(b *testing.B) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		b.Run(executor, func(b *testing.B) {
			s := newShop(b)
			chainOf(s, benchSteps)
			cat := s.catalog()
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				inst := openInstance(b, b.TempDir())
				b.StartTimer()
				res, err := Run(b.Context(), cat, "", Options{Instance: inst, Executor: executor})
				require.NoError(b, err)
				require.Equal(b, benchSteps, res.Run.Ran)
			}
			perStep(b, benchSteps)
		})
	}
}

// A run of 10,000 steps that are all stored.
func BenchmarkRunMemoized(b *testing.B) {
	const n = 10_000
	w := newWorld(b)
	chainOf(w.shop, n)
	cat := w.catalog()
	_, err := Run(b.Context(), cat, "", Options{Instance: w.inst})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		res, err := Run(b.Context(), cat, "", Options{Instance: w.inst})
		require.NoError(b, err)
		require.Equal(b, n, res.Run.Reused)
	}
	perStep(b, n)
}

// The same as a job: one op, many steps.
func BenchmarkPlanJobMemoized(b *testing.B) {
	const n = 10_000
	w := newWorld(b)
	inc := w.op("inc", []string{"x"}, add(1))
	nodes := make([]dag.Node, n)
	for i := range nodes {
		nodes[i] = dag.Node{Key: fmt.Sprintf("inc_%d", i), Op: inc, Inputs: []dag.Binding{value(i)}}
	}
	w.job("wide", nodes)
	cat := w.catalog()
	_, err := Run(b.Context(), cat, "wide", Options{Instance: w.inst})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		p, err := Plan(b.Context(), cat, "wide", Options{Instance: w.inst})
		require.NoError(b, err)
		_, reuse, _ := p.Counts()
		require.Equal(b, n, reuse)
	}
	perStep(b, n)
}

// The worst plan to explain: all of 10,000 functions were edited, and what each of them was is read from the store.
func BenchmarkPlanEdited(b *testing.B) {
	const n = 10_000
	w := newWorld(b)
	chainOf(w.shop, n)
	_, err := Run(b.Context(), w.catalog(), "", Options{Instance: w.inst})
	require.NoError(b, err)
	for _, op := range w.ops {
		w.code[op.Key] = "edited " + op.Key
	}
	cat := w.catalog()
	b.ReportAllocs()
	for b.Loop() {
		p, err := Plan(b.Context(), cat, "", Options{Instance: w.inst})
		require.NoError(b, err)
		_, reuse, _ := p.Counts()
		require.Zero(b, reuse)
	}
	perStep(b, n)
}

func perStep(b *testing.B, steps int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*steps), "ns/step")
}

// Computing stored steps again in child processes, three times each, the start of those included: for each step.
func BenchmarkVerify(b *testing.B) {
	b.Setenv("SUSPECT_CHAIN", "1")
	s := newShop(b)
	chainOf(s, benchSteps)
	cat := s.catalog()
	inst := openInstance(b, b.TempDir())
	_, err := Run(b.Context(), cat, "", Options{Instance: inst})
	require.NoError(b, err)
	for b.Loop() {
		res, err := Verify(b.Context(), cat, "", VerifyOptions{Instance: inst})
		require.NoError(b, err)
		require.NoError(b, res.Err())
	}
	perStep(b, benchSteps)
}
