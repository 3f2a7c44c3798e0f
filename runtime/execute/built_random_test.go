package execute

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A term is a value of a random graph, beside what plain code would give for it. at holds the elements of the loops around, the outermost first.
type term[T any] struct {
	v    dag.Value[T]
	eval func(at []int) T
}

// randomGraph builds a graph and the plain function that it is, side by side.
type randomGraph struct {
	*built
	r     *rand.Rand
	g     *dag.GraphBuilder
	ints  []term[int]   // in sight
	lists []term[[]int] // likewise
	depth int
	loops int
	left  int // statements
}

func (b *randomGraph) pick() term[int] {
	if b.r.IntN(4) == 0 || len(b.ints) == 0 {
		n := b.r.IntN(12)
		return term[int]{dag.Const(n), func([]int) int { return n }}
	}
	return b.ints[b.r.IntN(len(b.ints))]
}

func (b *randomGraph) list() term[[]int] {
	if b.r.IntN(3) == 0 || len(b.lists) == 0 {
		parts := make([]term[int], b.r.IntN(4))
		values := make([]dag.Value[int], len(parts))
		for i := range parts {
			parts[i] = b.pick()
			values[i] = parts[i].v
		}
		return term[[]int]{dag.List(values...), func(at []int) []int {
			out := make([]int, len(parts))
			for i := range parts {
				out[i] = parts[i].eval(at)
			}
			return out
		}}
	}
	return b.lists[b.r.IntN(len(b.lists))]
}

// statement adds something to the block at hand.
func (b *randomGraph) statement() {
	b.left--
	switch k := b.r.IntN(10); {
	case k < 3:
		in := b.pick()
		b.ints = append(b.ints, term[int]{call1[int](b.g, b.handle(b.refit), in.v), func(at []int) int { return in.eval(at) + 100 }})
	case k < 5:
		in := b.list()
		b.ints = append(b.ints, term[int]{call1[int](b.g, b.handle(b.sum), in.v), func(at []int) int {
			total := 0
			for _, x := range in.eval(at) {
				total += x
			}
			return total
		}})
	case k < 6:
		in, by := b.pick(), b.r.IntN(5)
		b.ints = append(b.ints, term[int]{call1[int](b.g, b.handle(b.times), in.v, dag.WithConfig(dag.Const(scale{by}))), func(at []int) int { return in.eval(at) * by }})
	case k < 8 && b.depth < 3:
		b.branch()
	case b.depth < 3:
		b.loop()
	}
}

// block adds statements to a block of its own, whose values are out of sight behind it, and returns one of them.
func (b *randomGraph) block() (out term[int]) {
	ints, lists := len(b.ints), len(b.lists)
	b.depth++
	for range b.r.IntN(4) {
		if b.left > 0 {
			b.statement()
		}
	}
	out = b.pick()
	b.depth--
	b.ints, b.lists = b.ints[:ints], b.lists[:lists]
	return out
}

func (b *randomGraph) branch() {
	n := b.pick()
	when := call1[bool](b.g, b.handle(b.long), n.v)
	var yes, no term[int]
	v := dag.If(b.g, when, func() dag.Value[int] { yes = b.block(); return yes.v }, func() dag.Value[int] { no = b.block(); return no.v })
	b.ints = append(b.ints, term[int]{v, func(at []int) int {
		if n.eval(at) > 5 {
			return yes.eval(at)
		}
		return no.eval(at)
	}})
}

func (b *randomGraph) loop() {
	over := b.list()
	level := b.loops
	b.loops++
	var body term[int]
	v := dag.ForEach(b.g, over.v, func(e dag.Value[int]) dag.Value[int] {
		b.ints = append(b.ints, term[int]{e, func(at []int) int { return at[level] }})
		body = b.block()
		b.ints = b.ints[:len(b.ints)-1]
		return body.v
	})
	b.loops--
	b.lists = append(b.lists, term[[]int]{v, func(at []int) []int {
		out := []int(nil)
		for _, x := range over.eval(at) {
			out = append(out, body.eval(append(at[:level:level], x)))
		}
		return out
	}})
}

// Graphs that are built at random give what plain code gives: one step at a time and side by side, computed, reused, and without memoization.
func TestRandomGraphs(t *testing.T) {
	graphs := 60
	if testing.Short() {
		graphs = 15
	}
	b := newBuilt(t)
	for seed := range graphs {
		r := &randomGraph{built: b, r: rand.New(rand.NewPCG(uint64(seed), 7)), g: dag.NewGraph(fmt.Sprintf("g%d", seed)), left: 25}
		for r.left > 0 {
			r.statement()
		}
		n, l := r.pick(), r.list()
		dag.Return(r.g, "n", n.v)
		dag.Return(r.g, "l", l.v)
		call1[int](r.g, b.handle(b.refit), dag.Const(1)) // a graph has at least one step
		graph, err := r.g.Build()
		require.NoError(t, err, seed)
		b.offer(graph.Job(dag.JobOptions{}))
		want := []any{n.eval(nil), l.eval(nil)}
		for i, o := range []Options{{Executor: InProcessExecutor}, {Executor: MultiExecutor}, {Executor: MultiExecutor, NoMemo: true}} {
			b.opts = o
			res := b.ok(graph.Def.Key)
			assert.Equal(t, want, returned(t, res), "seed %d, run %d", seed, i)
			if i == 1 {
				assert.Empty(t, fresh(res), "seed %d: all is stored", seed)
			}
		}
		if t.Failed() {
			return
		}
	}
}
