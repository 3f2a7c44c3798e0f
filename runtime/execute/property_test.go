package execute

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
)

// point is a type that consumers may spoil.
type point struct {
	X    int
	Tags []string
}

var pointType = dag.TypeOf[point]("shop.point")

// universe is a random job with the means to change it and to compute what it should give.
type universe struct {
	*world
	rng    *rand.Rand
	job    *dag.JobDef
	kinds  []*dag.Type // of each op's output
	consts []int       // what each op adds; changed by an edit
	codes  []int       // generation of each op's code

	mu    sync.Mutex
	known map[string]bool // work done before: op, code and inputs
	again []string        // work done twice
}

func newUniverse(t *testing.T, seed uint64) *universe {
	u := &universe{rng: rand.New(rand.NewPCG(seed, 7)), known: map[string]bool{}}
	u.world = &world{shop: newShop(t)}
	var err error
	u.inst, err = instance.LocalTemp(t.Context())
	require.NoError(t, err)
	types := []*dag.Type{intType, listType, pointType}
	n := 1 + u.rng.IntN(25)
	var nodes []dag.Node
	for i := range n {
		kind := types[u.rng.IntN(len(types))]
		op := &dag.Op{Key: fmt.Sprintf("op%d", i), Outputs: []dag.Output{{Name: "result", Type: kind}}}
		node := dag.Node{Key: fmt.Sprintf("n%d", i), Op: op}
		for k := range u.rng.IntN(4) {
			name := fmt.Sprintf("in%d", k)
			switch from := u.rng.IntN(i + 2); {
			case from < i:
				op.Inputs = append(op.Inputs, dag.Input{Name: name, Type: u.kinds[from]})
				node.Inputs = append(node.Inputs, dag.Binding{Kind: dag.FromNode, Node: from})
			case from == i:
				op.Inputs = append(op.Inputs, dag.Input{Name: name, Type: intType})
				node.Inputs = append(node.Inputs, dag.Binding{Kind: dag.FromParam, Param: 0})
			default:
				op.Inputs = append(op.Inputs, dag.Input{Name: name, Type: listType})
				node.Inputs = append(node.Inputs, dag.Binding{Kind: dag.FromLiteral, Value: []int{u.rng.IntN(3)}})
			}
		}
		u.kinds, u.consts, u.codes = append(u.kinds, kind), append(u.consts, u.rng.IntN(5)), append(u.codes, 0)
		u.add(op, func(_ context.Context, c *dag.Call) error {
			key := fmt.Sprint(op.Key, u.codes[i], c.In)
			u.mu.Lock()
			if u.known[key] {
				u.again = append(u.again, key)
			}
			u.known[key] = true
			u.mu.Unlock()
			c.Out[0] = u.result(i, c.In, true)
			return nil
		})
		nodes = append(nodes, node)
	}
	twin := nodes[u.rng.IntN(len(nodes))] // the same op once more, on the same inputs: equal work
	twin.Key = "twin"
	nodes = append(nodes, twin)
	u.job = u.shop.job("j", nodes)
	u.job.Params = []dag.JobParam{{Name: "p", Type: intType}}
	u.opts.Inputs = map[string]any{"p": 1}
	return u
}

// result is what op i makes of its inputs. With spoil it then ruins what it was given.
func (u *universe) result(i int, in []any, spoil bool) any {
	sum := u.consts[i]
	for k, v := range in {
		switch v := v.(type) {
		case int:
			sum += v * (k + 1)
		case []int:
			for j, x := range v {
				sum += x * (j + 1)
			}
			if spoil {
				clear(v)
			}
		case point:
			sum += v.X + len(v.Tags)
			if spoil && len(v.Tags) > 0 {
				v.Tags[0] = "spoilt"
			}
		}
	}
	sum %= 6 // few values, so that equal data is common
	switch u.kinds[i] {
	case intType:
		return sum
	case listType:
		return []int{sum, i}
	}
	return point{X: sum, Tags: []string{fmt.Sprint("t", sum)}}
}

// plain calls the ops one after the other, as the body of the job does.
func (u *universe) plain() []any {
	values := make([]any, len(u.job.Nodes))
	for i, n := range u.job.Nodes {
		in := make([]any, len(n.Inputs))
		for k, b := range n.Inputs {
			switch b.Kind {
			case dag.FromNode:
				in[k] = values[b.Node]
			case dag.FromParam:
				in[k] = u.opts.Inputs["p"]
			default:
				in[k] = b.Value
			}
		}
		values[i] = u.result(slices.Index(u.ops, n.Op), in, false)
	}
	return values
}

// What the engine gives is what calling the ops gives: with memoization and without, after edits that change results and edits that do not, after
// damage, with either executor; and with memoization no work is done twice.
func TestEngineEqualsPlainCalls(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 8
	}
	if n, err := strconv.ParseUint(os.Getenv("DAGSTERGEN_SEEDS"), 10, 32); err == nil { // for a long run
		seeds = n
	}
	for seed := range seeds {
		u := newUniverse(t, seed)
		for round := range 8 {
			what := fmt.Sprintf("seed %d round %d", seed, round)
			for range u.rng.IntN(3) {
				i := u.rng.IntN(len(u.ops))
				switch u.rng.IntN(4) {
				case 0: // an edit with a new result
					u.codes[i]++
					u.consts[i]++
					u.code[u.ops[i].Key] = fmt.Sprint(u.ops[i].Key, " code ", u.codes[i])
				case 1: // an edit without
					u.codes[i]++
					u.code[u.ops[i].Key] = fmt.Sprint(u.ops[i].Key, " code ", u.codes[i])
				case 2:
					u.opts.Inputs = map[string]any{"p": u.rng.IntN(4)}
				case 3:
					if seed%2 == 1 { // damage shows when an output is wanted again, maybe rounds later
						u.hurtAny()
					}
				}
			}
			u.opts.Executor = []string{InProcessExecutor, MultiExecutor}[u.rng.IntN(2)]
			u.opts.NoMemo = u.rng.IntN(5) == 0
			u.again = nil
			res := u.ok("j")
			want := u.plain()
			for i, n := range u.job.Nodes {
				got := u.value(res, n.Key)
				require.True(t, reflect.DeepEqual(want[i], got), "%s: %s is %v, not %v", what, n.Key, got, want[i])
			}
			if seed%2 == 0 && !u.opts.NoMemo {
				require.Empty(t, u.again, what)
			}
			u.opts.NoMemo = false
			res = u.ok("j")
			require.Equal(t, len(u.job.Nodes), res.Run.Reused, "%s: a second run has nothing to do", what)
			o := u.opts
			o.Instance = nil
			memory, err := Run(t.Context(), u.catalog(), "j", o)
			require.NoError(t, err)
			for i, n := range u.job.Nodes {
				require.True(t, reflect.DeepEqual(want[i], u.value(memory, n.Key)), "%s: in memory", what)
			}
			require.NoError(t, memory.Close())
		}
		require.NoError(t, u.inst.Close())
	}
}

// hurtAny damages the output of some step.
func (u *universe) hurtAny() {
	i := u.rng.IntN(len(u.job.Nodes))
	id := "op:j/" + u.job.Nodes[i].Key
	latest, err := u.inst.Store().Latest(u.t.Context(), []string{id})
	require.NoError(u.t, err)
	if rec := latest[id]; rec != nil {
		u.hurtInline(rec.Outputs[0].Blob)
	}
}
