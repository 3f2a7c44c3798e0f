package execute

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

var (
	pointsType = dag.TypeOf[[]point]("[]shop.point")
	mapType    = dag.TypeOf[map[string]int]("map[string]int")
)

var programTypes = []*dag.Type{intType, boolType, textType, listType, textsType, pointType, pointsType, mapType}

// programOp is an op of a random program: what it gives is a function of its constant and its inputs.
type programOp struct {
	*dag.Op
	constant int
	code     int
}

// program is a random job with the means to change it, and to run it as plain code.
type program struct {
	*world
	rng *rand.Rand
	ops []*programOp
	job *dag.JobDef

	known map[canon.Digest]bool // work done before
}

func newProgram(t testing.TB, seed uint64) *program {
	p := &program{rng: rand.New(rand.NewPCG(seed, 11)), known: map[canon.Digest]bool{}, world: &world{shop: newShop(t)}}
	var err error
	p.inst, err = instance.LocalTemp(t.Context())
	require.NoError(t, err)
	for _, out := range programTypes {
		for range 2 {
			p.newOp(out)
		}
	}
	g := &bodyWriter{p: p, def: &dag.GraphDef{Key: "j", Symbol: pkg + ".j", Params: []dag.JobParam{{Name: "p", Type: intType}, {Name: "words", Type: textsType}}}, budget: 14}
	vars := newVars()
	vars.add(intType, dag.Binding{Kind: dag.FromParam, Param: 0})
	vars.add(textsType, dag.Binding{Kind: dag.FromParam, Param: 1})
	g.def.Body = g.block(vars, 3+p.rng.IntN(5), 0)
	for i := range 1 + p.rng.IntN(3) {
		typ := programTypes[p.rng.IntN(len(programTypes))]
		g.def.Outputs = append(g.def.Outputs, dag.JobOutput{Name: fmt.Sprint("out", i), Type: typ, From: g.expr(vars, typ, 1)})
	}
	p.job = &dag.JobDef{GraphDef: *g.def}
	p.jobs = append(p.jobs, p.job)
	p.opts.Inputs = map[string]any{"p": 2, "words": []string{"b", "a"}}
	return p
}

func (p *program) newOp(out *dag.Type) {
	i := len(p.ops)
	op := &programOp{Op: &dag.Op{Key: fmt.Sprintf("op%d", i), Outputs: []dag.Output{{Name: "result", Type: out}}}, constant: p.rng.IntN(5)}
	if p.rng.IntN(8) == 0 {
		op.Share = true
	}
	for k := range 1 + p.rng.IntN(2) {
		op.Inputs = append(op.Inputs, dag.Input{Name: fmt.Sprintf("in%d", k), Type: programTypes[p.rng.IntN(len(programTypes))]})
	}
	p.ops = append(p.ops, op)
	spoil := true
	p.add(op.Op, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = op.result(c.In)
		if spoil && !p.shares() {
			ruin(c.In)
		}
		return nil
	})
}

// shares reports whether some op hands its outputs on undecoded, so that none may change its inputs.
func (p *program) shares() bool {
	return slices.ContainsFunc(p.ops, func(o *programOp) bool { return o.Share })
}

func (op *programOp) result(in []any) any {
	sum := op.constant
	for k, v := range in {
		sum += weight(v) * (k + 1)
	}
	n := sum % 5
	switch op.Outputs[0].Type {
	case intType:
		return n
	case boolType:
		return n%2 == 0
	case textType:
		return string(rune('a' + n))
	case listType:
		return slices.Repeat([]int{n}, n%3)
	case textsType:
		return []string{"x", "y", "z", "w"}[:n%4]
	case pointType:
		return point{X: n, Tags: []string{fmt.Sprint("t", n)}}
	case pointsType:
		return []point{{X: n}, {X: n + 1, Tags: []string{"u"}}}[:n%3]
	}
	m := map[string]int{}
	for i := range n % 3 {
		m[string(rune('k'+i))] = n
	}
	return m
}

// weight is a number that depends on all of a value.
func weight(v any) (sum int) {
	switch v := v.(type) {
	case int:
		return v
	case bool:
		if v {
			return 3
		}
		return 1
	case string:
		for i, r := range v {
			sum += int(r) * (i + 1)
		}
	case []int:
		for i, x := range v {
			sum += x*(i+1) + 1
		}
		if v == nil {
			sum = 7
		}
	case []string:
		for i, x := range v {
			sum += weight(x)*(i+1) + 1
		}
		if v == nil {
			sum = 8
		}
	case point:
		return v.X + 2*weight(v.Tags)
	case []point:
		for i, x := range v {
			sum += weight(x) * (i + 2)
		}
	case map[string]int:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			sum = sum*3 + weight(k) + v[k]
		}
	default:
		panic(fmt.Sprintf("%T", v))
	}
	return sum
}

// ruin changes what an op was given, which must not show anywhere.
func ruin(in []any) {
	for _, v := range in {
		switch v := v.(type) {
		case []int:
			clear(v)
		case []string:
			clear(v)
		case point:
			clear(v.Tags)
		case []point:
			for i := range v {
				clear(v[i].Tags)
			}
			clear(v)
		case map[string]int:
			v["ruined"] = 1
		}
	}
}

// plain runs the job as plain code; ok is false where that panics.
func (p *program) plain() (w plainRun) {
	defer func() {
		if v := recover(); v != nil {
			w.ok = false
		}
	}()
	in := &interpreter{steps: map[string]any{}, call: func(op *dag.Op, in []any) []any {
		i := slices.IndexFunc(p.ops, func(o *programOp) bool { return o.Op == op })
		return []any{p.ops[i].result(in)}
	}}
	w.outs = in.graph(&p.job.GraphDef, []any{p.opts.Inputs["p"], p.opts.Inputs["words"]}, "")
	w.steps, w.ok = in.steps, true
	return w
}

// plainRun is what plain code gave.
type plainRun struct {
	outs  []any
	steps map[string]any
	ok    bool
}

// change changes what a user may change, or damages what is stored.
func (p *program) change(damage bool) {
	op := p.ops[p.rng.IntN(len(p.ops))]
	edit := func() {
		op.code++
		p.code[op.Key] = fmt.Sprint(op.Key, " code ", op.code)
	}
	switch p.rng.IntN(5) {
	case 0: // an edit with a new result
		edit()
		op.constant++
	case 1: // an edit without
		edit()
	case 2:
		p.opts.Inputs = map[string]any{"p": p.rng.IntN(4), "words": []string{"b", "a", "c", "d"}[p.rng.IntN(3):]}
	case 3:
		if damage {
			p.wipe(func(rec *storage.Record) { p.hurtInline(rec.Outputs[0].Blob) })
		}
	case 4:
		if damage {
			p.wipe(func(rec *storage.Record) {
				require.NoError(p.t, p.inst.Store().Submit(&storage.Batch{Drop: []int64{rec.ID}}).Wait(p.t.Context()))
			})
		}
	}
}

// wipe does something to the newest records of some steps of the last run.
func (p *program) wipe(what func(*storage.Record)) {
	runs, err := p.inst.Store().Runs(p.t.Context(), storage.RunFilter{Limit: 1})
	require.NoError(p.t, err)
	if len(runs) == 0 {
		return
	}
	events, err := p.inst.Store().Events(p.t.Context(), runs[0].ID, 0, 0)
	require.NoError(p.t, err)
	done := map[string]bool{}
	for _, e := range events {
		if e.Type != storage.EventStepSuccess || done[e.StepKey] || p.rng.IntN(3) > 0 {
			continue
		}
		done[e.StepKey] = true
		id := "op:j/" + e.StepKey
		latest, err := p.inst.Store().Latest(p.t.Context(), []string{id})
		require.NoError(p.t, err)
		if rec := latest[id]; rec != nil {
			what(rec)
		}
	}
}

// What the engine makes of a body is what the body gives as plain code: graphs in graphs, loops in loops, branches, what loops carry and collect, parts and
// composites; with memoization and without, one step at a time and side by side, after edits, after damage, after records were lost. And with memoization no
// work is done twice.
func TestComposedEqualsPlain(t *testing.T) {
	seeds, first := uint64(60), uint64(0)
	if testing.Short() {
		seeds = 15
	}
	if n, err := strconv.ParseUint(os.Getenv("DAGSTERGEN_SEEDS"), 10, 32); err == nil { // for a long run
		seeds = n
	}
	if n, err := strconv.ParseUint(os.Getenv("DAGSTERGEN_SEED"), 10, 32); err == nil { // for one that failed
		first, seeds = n, n+1
	}
	for seed := first; seed < seeds; seed++ {
		p := newProgram(t, seed)
		for round := range 5 {
			what := fmt.Sprintf("seed %d round %d", seed, round)
			if round > 0 {
				for range p.rng.IntN(3) {
					p.change(seed%2 == 1)
				}
			}
			p.opts.Executor = []string{InProcessExecutor, MultiExecutor}[p.rng.IntN(2)]
			p.opts.NoMemo = p.rng.IntN(5) == 0
			want := p.plain()
			res := p.run("j")
			p.compare(what, want, res)
			if twice := p.note(res); seed%2 == 0 && !p.opts.NoMemo {
				require.Empty(t, twice, "%s: work is done twice", what)
			}
			p.opts.NoMemo = false
			if plan := p.plan("j"); want.ok {
				run, _, _ := plan.Counts()
				require.Zero(t, run, "%s: a second plan has nothing to run:\n%s\n%s", what, planned(plan), text(&p.job.GraphDef))
			}
			res = p.run("j")
			p.note(res)
			p.compare(what+" again", want, res)
			if want.ok {
				require.Zero(t, res.Run.Ran, "%s: a second run has nothing to do: %s", what, actions(res))
			}
			o := p.opts
			o.Instance = nil
			memory, err := Run(t.Context(), p.catalog(), "j", o)
			require.NoError(t, err)
			p.compare(what+" in memory", want, memory)
			require.NoError(t, memory.Close())
			p.selected(what, want, res, seed%2 == 1 && round == 3)
		}
		require.NoError(t, p.inst.Close())
	}
}

// note takes down what a run has computed, and returns the steps that did what had been done before.
func (p *program) note(res *Result) (twice []string) {
	for i := range res.run.plan.Len() {
		t := res.run.engine.tasks.At(i)
		if t.state != taskDone || t.reused {
			continue
		}
		if p.known[t.content] {
			twice = append(twice, t.step.Key)
		}
		p.known[t.content] = true
	}
	return twice
}

// selected runs a part of what was just run: it is all there, or, after damage, can be computed again.
func (p *program) selected(what string, want plainRun, last *Result, damage bool) {
	if !want.ok || len(last.Steps) == 0 {
		return
	}
	node := last.Steps[p.rng.IntN(len(last.Steps))]
	index := node.index
	if index < 0 {
		return
	}
	key := last.run.plan.At(index).Node.Key
	o := p.options()
	o.Select = []string{key, "*" + key, "+" + key, key + "+", key + "*"}[p.rng.IntN(5)]
	if damage {
		p.wipe(func(rec *storage.Record) { p.hurtInline(rec.Outputs[0].Blob) })
	}
	what = fmt.Sprint(what, " select ", o.Select)
	res, err := Run(p.t.Context(), p.catalog(), "j", o)
	require.NoError(p.t, err, what)
	require.NoError(p.t, res.Err(), what)
	if !damage {
		require.Zero(p.t, res.Run.Ran, "%s: %s", what, actions(res))
	}
	p.steps(what, want, res)
}

// steps compares what each step of a run gave.
func (p *program) steps(what string, want plainRun, res *Result) {
	p.t.Helper()
	for i := range res.Steps {
		s := &res.Steps[i]
		if s.Status != StatusSuccess {
			continue
		}
		value, there := want.steps[s.Key]
		require.True(p.t, there, "%s: plain code has no step %s\n%s", what, s.Key, text(&p.job.GraphDef))
		got := p.value(res, s.Key)
		require.True(p.t, reflect.DeepEqual(value, got), "%s: step %s gave %#v, not %#v\n%s", what, s.Key, got, value, text(&p.job.GraphDef))
	}
}

func (p *program) compare(what string, want plainRun, res *Result) {
	p.t.Helper()
	if !want.ok { // a run does not make what nobody takes, so it may do without what makes plain code panic
		if res.Success() {
			returned(p.t, res)
		}
		return
	}
	require.NoError(p.t, res.Err(), "%s\n%s", what, text(&p.job.GraphDef))
	got := returned(p.t, res)
	for i := range want.outs {
		require.True(p.t, reflect.DeepEqual(want.outs[i], got[i]), "%s: output %d is %#v, not %#v\n%s\n%s", what, i, got[i], want.outs[i], text(&p.job.GraphDef), actions(res))
	}
	done := 0
	for i := range res.Steps {
		if res.Steps[i].Status == StatusSuccess {
			done++
		}
	}
	require.Equal(p.t, len(want.steps), done, "%s: %s\n%s", what, actions(res), text(&p.job.GraphDef))
	p.steps(what, want, res)
}
