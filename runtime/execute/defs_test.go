package execute

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

const pkg = "example.com/shop"

var (
	intType  = dag.ImmutableOf[int]("int")
	textType = dag.ImmutableOf[string]("string")
	listType = dag.TypeOf[[]int]("[]int")
	fileType = dag.TypeOf[dag.File]("github.com/dagstergen/dagstergen/runtime/dag.File")
)

func TestMain(m *testing.M) {
	if work := secondProcess(); work != nil {
		work()
		return
	}
	// The coders are made where they are first used: in a bubble of synctest, where nobody else could use them then.
	packed, coding := squeeze.Pack(make([]byte, 2*squeeze.Threshold))
	if _, err := squeeze.Unpack(packed, coding, -1); err != nil {
		panic(err)
	}
	// A child that computes steps: of the package of the test that has started it.
	suspected := newShop(nil)
	switch {
	case os.Getenv(suiteFolder) != "":
		suspected = suiteShop(nil).shop
	case os.Getenv(canaryChild) != "":
		canaries(suspected)
	case os.Getenv(madeSecret) != "":
		makesSecrets(suspected)
	case os.Getenv(tunedChild) != "":
		suspected = tunedShop(nil, threeShops())
	case os.Getenv(nightlyChild) != "":
		suspected = nightlyShop(nil)
	case os.Getenv(morningChild) != "":
		o := morningOptions()
		o.Executor = ""
		suspected = assetJobShop(nil, o)
	case os.Getenv("SUSPECT_JOB") != "":
		suspected = suspectJob(nil)
	case os.Getenv(noting) != "":
		notesOfAssets(suspected)
	case os.Getenv(splitNotes) != "":
		suspected = splitShop(nil)
	case os.Getenv(subsetNotes) != "":
		subsets(suspected)
	case os.Getenv("SUSPECT_CHAIN") != "":
		chainOf(suspected, benchSteps)
	default:
		suspected = suspects(nil, os.Getenv("SUSPECTS"))
	}
	if os.Getenv(refChild) != "" {
		executeRef(suspected.definitions())
	}
	Serve(suspected.definitions())
	if os.Getenv("GORACE") == "" {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // or each of many short children sleeps for a second under -race
	}
	goleak.VerifyTestMain(m)
}

// shop is a package as the generator would write it, under construction.
type shop struct {
	t         testing.TB
	code      map[string]string // body of a function by name; its name where it is left out
	ops       []*dag.Op
	resources []*dag.Resource
	jobs      []*dag.JobDef

	mu    sync.Mutex
	calls map[string]int
}

func newShop(t testing.TB) *shop {
	return &shop{t: t, code: map[string]string{}, calls: map[string]int{}}
}

// called counts a call of a function.
func (s *shop) called(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[key]++
}

// takeCalls returns how often each function was called since the last time, as "a=1 b=2".
func (s *shop) takeCalls() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(s.calls)) {
		parts = append(parts, k+"="+string(rune('0'+s.calls[k])))
	}
	s.calls = map[string]int{}
	return strings.Join(parts, " ")
}

// add registers an op whose body is f.
func (s *shop) add(op *dag.Op, f func(ctx context.Context, c *dag.Call) error) *dag.Op {
	op.Symbol = pkg + "." + op.Key
	key := op.Key
	op.Invoke = func(ctx context.Context, c *dag.Call) error {
		s.called(key)
		return f(ctx, c)
	}
	s.ops = append(s.ops, op)
	return op
}

// asset is an asset of type int fed by others; f computes it from their values.
func (s *shop) asset(key string, from []string, f func(in []int) int) *dag.Op {
	op := &dag.Op{Kind: dag.KindAsset, Key: key, Outputs: []dag.Output{{Name: "result", Asset: key, Type: intType}}}
	for _, up := range from {
		op.Inputs = append(op.Inputs, dag.Input{Name: up, Asset: up, Type: intType})
	}
	return s.add(op, ints(f))
}

// op is an op of ints.
func (s *shop) op(key string, inputs []string, f func(in []int) int) *dag.Op {
	op := &dag.Op{Key: key, Outputs: []dag.Output{{Name: "result", Type: intType}}}
	for _, name := range inputs {
		op.Inputs = append(op.Inputs, dag.Input{Name: name, Type: intType})
	}
	return s.add(op, ints(f))
}

func ints(f func(in []int) int) func(context.Context, *dag.Call) error {
	return func(_ context.Context, c *dag.Call) error {
		in := make([]int, len(c.In))
		for i := range in {
			in[i] = dag.In[int](c, i)
		}
		c.Out[0] = f(in)
		return nil
	}
}

// source is a source whose data version is what state says when it is observed.
func (s *shop) source(key string, state func() (any, error)) *dag.Op {
	typ := textType
	if v, err := state(); err == nil {
		switch v.(type) {
		case dag.File:
			typ = fileType
		case dag.DataVersion:
			typ = dag.ImmutableOf[dag.DataVersion]("github.com/dagstergen/dagstergen/runtime/dag.DataVersion")
		}
	}
	op := &dag.Op{Kind: dag.KindSource, Key: key, Outputs: []dag.Output{{Name: "result", Asset: key, Type: typ}}}
	return s.add(op, func(_ context.Context, c *dag.Call) (err error) {
		c.Out[0], err = state()
		return err
	})
}

func (s *shop) resource(r *dag.Resource, open func(ctx context.Context, c *dag.Call) (any, func(), error)) *dag.Resource {
	r.Symbol = pkg + ".Open_" + r.Key
	r.Open = open
	s.resources = append(s.resources, r)
	return r
}

// job is a job of nodes, whose outputs are those of the nodes listed.
func (s *shop) job(key string, nodes []dag.Node, outputs ...int) *dag.JobDef {
	j := &dag.JobDef{GraphDef: dag.GraphDef{Key: key, Symbol: pkg + "." + key, Nodes: nodes}}
	for _, o := range outputs {
		j.Outputs = append(j.Outputs, dag.JobOutput{Name: nodes[o].Key, Type: nodes[o].Op.Outputs[0].Type, From: dag.Binding{Kind: dag.FromNode, Node: o}})
	}
	s.jobs = append(s.jobs, j)
	return j
}

func from(node int) dag.Binding { return dag.Binding{Kind: dag.FromNode, Node: node} }
func value(v any) dag.Binding   { return dag.Binding{Kind: dag.FromLiteral, Value: v} }
func param(i int) dag.Binding   { return dag.Binding{Kind: dag.FromParam, Param: i} }

// definitions writes the manifest: the version of a function is the digest of its body.
func (s *shop) definitions() dag.Definitions {
	m := &manifest.Manifest{Mode: "transitive", Target: "linux/amd64", Language: "go1.26"}
	env := canon.Sum([]byte("env"))
	m.Nodes = append(m.Nodes, manifest.Node{Name: manifest.EnvNode, Kind: manifest.KindEnv, Local: env, Hash: env})
	seen := map[string]bool{}
	add := func(symbol string) {
		if seen[symbol] {
			return
		}
		seen[symbol] = true
		body, ok := s.code[strings.TrimPrefix(symbol, pkg+".")]
		if !ok {
			body = symbol
		}
		d := canon.Sum([]byte(body))
		m.Nodes = append(m.Nodes, manifest.Node{Name: symbol, Kind: manifest.KindFunc, File: "shop.go", Local: d, Hash: d})
		m.Entries = append(m.Entries, manifest.Entry{Symbol: symbol, Version: d, Node: symbol})
	}
	for _, o := range s.ops {
		add(o.Symbol)
	}
	for _, r := range s.resources {
		add(r.Symbol)
	}
	return dag.Definitions{Module: pkg, Package: pkg, Manifest: m.Text(), Proof: dag.ProofNone, Ops: s.ops, Resources: s.resources, Jobs: s.jobs}
}

func (s *shop) catalog() *plan.Catalog {
	c, err := plan.NewCatalog(s.definitions())
	require.NoError(s.t, err)
	return c
}

// world is an instance and how to run on it.
type world struct {
	*shop
	inst *instance.Instance
	opts Options
}

// newWorld has an instance on disk.
func newWorld(t testing.TB) *world {
	others := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, others) }) // after the instance is closed
	w := &world{shop: newShop(t)}
	w.inst = openInstance(t, t.TempDir())
	return w
}

func openInstance(t testing.TB, dir string) *instance.Instance {
	inst, err := instance.Open(t.Context(), dir, instance.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close()) })
	return inst
}

func (w *world) options() Options {
	o := w.opts
	o.Instance = w.inst
	return o
}

// run runs assets, or a job, and requires that it could.
func (w *world) run(job string) *Result {
	w.t.Helper()
	res, err := Run(w.t.Context(), w.catalog(), job, w.options())
	require.NoError(w.t, err)
	if events, err := res.Events(w.t.Context()); len(events) < 10_000 {
		require.NoError(w.t, err)
		checkPayloads(w.t, events)
	}
	return res
}

// ok is run, and requires success.
func (w *world) ok(job string) *Result {
	w.t.Helper()
	res := w.run(job)
	require.NoError(w.t, res.Err())
	return res
}

func (w *world) plan(job string) *plan.Plan {
	w.t.Helper()
	p, err := Plan(w.t.Context(), w.catalog(), job, w.options())
	require.NoError(w.t, err)
	return p
}

// value reads an output of a run.
func (w *world) value(res *Result, step string) any {
	w.t.Helper()
	v, err := res.Output(w.t.Context(), step, "")
	require.NoError(w.t, err)
	return v
}

// actions is a result in short: "a=run b=reuse".
func actions(res *Result) string {
	var parts []string
	for i := range res.Steps {
		s := &res.Steps[i]
		text := s.Key + "=" + s.Action
		if s.Status == StatusFailure {
			text = s.Key + "=failure"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func planned(p *plan.Plan) string {
	var parts []string
	for _, s := range p.Steps {
		parts = append(parts, s.Key+"="+string(s.Action))
	}
	return strings.Join(parts, " ")
}

func because(p *plan.Plan, key string) string {
	var texts []string
	for _, s := range p.Steps {
		if s.Key == key {
			for _, r := range s.Reasons {
				texts = append(texts, r.Text)
			}
		}
	}
	return strings.Join(texts, "; ")
}

func document(t testing.TB, text string) *runconfig.Document {
	t.Helper()
	d, err := runconfig.Parse("run.yaml", []byte(text))
	require.NoError(t, err)
	return d
}

// eventTypes lists the types of events, those of one step or all.
func eventTypes(t testing.TB, res *Result, step string) []storage.EventType {
	t.Helper()
	events, err := res.Events(t.Context())
	require.NoError(t, err)
	var types []storage.EventType
	for _, e := range events {
		if step == "" || e.StepKey == step {
			types = append(types, e.Type)
		}
	}
	return types
}

func add(n int) func([]int) int {
	return func(in []int) int {
		sum := n
		for _, v := range in {
			sum += v
		}
		return sum
	}
}
