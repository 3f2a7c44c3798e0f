package execute

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
)

// mapped is a job that goes over n texts, calls an op for each, collects what they give and sums it up.
func mapped(s *shop, n int) {
	list := s.add(&dag.Op{Key: "list", Outputs: []dag.Output{{Name: "result", Type: textsType}}}, func(_ context.Context, c *dag.Call) error {
		texts := make([]string, n)
		for i := range texts {
			texts[i] = "city" + strconv.Itoa(i)
		}
		c.Out[0] = texts
		return nil
	})
	fit := s.add(&dag.Op{Key: "fit", Inputs: []dag.Input{{Name: "city", Type: textType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = len(dag.In[string](c, 0))
		return nil
	})
	sum := s.add(&dag.Op{Key: "sum", Inputs: []dag.Input{{Name: "xs", Type: listType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = len(dag.In[[]int](c, 0))
		return nil
	})
	key := elem(1, textType)
	s.jobOf("mapped", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "list", Op: list},
			{Key: "for city", Map: &dag.Map{Over: from(0), Key: &key, Body: []int{2}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(1, 0), from(2))}}}},
			{Key: "fit", Op: fit, Inputs: []dag.Binding{elem(1, textType)}},
			{Key: "sum", Op: sum, Inputs: []dag.Binding{output(1, 0)}},
		},
		Body:    []int{0, 1, 3},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(3)}},
	})
}

// chained is a job that goes over n numbers and hands what an op gives to the next call of it.
func chained(s *shop, n int) {
	merge := s.op("merge", []string{"acc", "x"}, add(1))
	s.jobOf("chained", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "for i", Map: &dag.Map{Over: typed(intType, n), Body: []int{1}, Carried: []dag.Carried{{Name: "acc", Type: intType, Init: typed(intType, 0), Next: from(1)}}}},
			{Key: "merge", Op: merge, Inputs: []dag.Binding{carried(0, 0), elem(0, intType)}},
		},
		Body:    []int{0},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: output(0, 0)}},
	})
}

var loops = map[string]func(*shop, int){"mapped": mapped, "chained": chained}

// A plan of a loop of 10,000 elements that are all stored.
func BenchmarkPlanLoopMemoized(b *testing.B) {
	const n = 10_000
	for job, define := range loops {
		b.Run(job, func(b *testing.B) {
			w := newWorld(b)
			define(w.shop, n)
			cat := w.catalog()
			_, err := Run(b.Context(), cat, job, Options{Instance: w.inst})
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				p, err := Plan(b.Context(), cat, job, Options{Instance: w.inst})
				require.NoError(b, err)
				_, reuse, _ := p.Counts()
				require.GreaterOrEqual(b, reuse, n)
			}
			perStep(b, n)
		})
	}
}

// A first run of a loop of 10,000 elements, durable.
func BenchmarkRunLoopDurable(b *testing.B) {
	const n = 10_000
	for job, define := range loops {
		for _, executor := range []string{InProcessExecutor, MultiExecutor} {
			b.Run(job+"/"+executor, func(b *testing.B) {
				s := newShop(b)
				define(s, n)
				cat := s.catalog()
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					inst := openInstance(b, b.TempDir())
					b.StartTimer()
					res, err := Run(b.Context(), cat, job, Options{Instance: inst, Executor: executor})
					require.NoError(b, err)
					require.GreaterOrEqual(b, res.Run.Ran, n)
				}
				perStep(b, n)
			})
		}
	}
}

// Memory that a run of a loop of 100,000 elements holds when it has ended: the first time, and when all is stored.
func BenchmarkLoopMemory(b *testing.B) {
	const n = 100_000
	for job, define := range loops {
		b.Run(job, func(b *testing.B) {
			s := newShop(b)
			define(s, n)
			cat := s.catalog()
			for b.Loop() {
				inst, err := instance.LocalTemp(b.Context())
				require.NoError(b, err)
				for _, what := range []string{"first", "stored"} {
					before := heap()
					res, err := Run(b.Context(), cat, job, Options{Instance: inst, Executor: InProcessExecutor})
					require.NoError(b, err)
					require.NoError(b, res.Err())
					b.ReportMetric(float64(heap()-before)/n, fmt.Sprint(what, "-B/step"))
					runtime.KeepAlive(res)
				}
				require.NoError(b, inst.Close())
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
