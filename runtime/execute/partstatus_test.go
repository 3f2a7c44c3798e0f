package execute

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// in gives an asset partitions.
func in(op *dag.Op, d *partition.Definition) *dag.Op {
	op.Partitions = d
	return op
}

// partitionedWorld is a world of partitioned assets whose parts can be changed one by one.
type partitionedWorld struct {
	*world
	base  dag.DataVersion
	files map[dag.PartitionKey]string // what the partitions of a source say; "" for one that cannot be observed
	fails map[dag.PartitionKey]bool
	least map[dag.PartitionKey]int // what the config of tuned says
}

// grids are the assets whose partitions are those of one grid, and what they are made from.
const grids = "base,plain,file,raw,mean,both,last,alone,tuned,pair,above"

func keyOf(ctx context.Context) dag.PartitionKey {
	p, _ := dag.PartitionOf(ctx)
	return p.Key
}

func newPartitionedWorld(t *testing.T) *partitionedWorld {
	w := &partitionedWorld{world: newWorld(t), base: "1", files: map[dag.PartitionKey]string{}, fails: map[dag.PartitionKey]bool{}, least: map[dag.PartitionKey]int{}}
	grid := partition.Multi(partition.Dim("shop", partition.Static("bern", "oslo", "rome")), partition.Dim("day", partition.Daily("2024-03-30", partition.Until("2024-04-02"), partition.In("Europe/Berlin"))))
	w.source("base", func() (any, error) { return w.base, nil })
	w.asset("plain", []string{}, add(1)).Deps = []string{"base"}
	state := in(w.source("file", func() (any, error) { return dag.DataVersion(""), nil }), grid)
	state.Invoke = func(ctx context.Context, c *dag.Call) error {
		if c.Out[0] = dag.DataVersion("v" + w.files[keyOf(ctx)]); w.files[keyOf(ctx)] == "gone" {
			return errors.New("not there")
		}
		return nil
	}
	text := func(key string, from ...string) *dag.Op {
		op := in(w.asset(key, from, nil), grid)
		op.Invoke = func(ctx context.Context, c *dag.Call) error {
			w.called(key)
			if w.fails[keyOf(ctx)] {
				return errors.New("no")
			}
			n := len(key)
			for _, v := range c.In {
				n += v.(int)
			}
			c.Out[0] = n % 7
			return nil
		}
		return op
	}
	text("raw", "plain").Deps = []string{"file"}
	text("mean", "raw")
	text("both", "raw", "mean")
	text("last", "both", "plain")
	text("alone").Deps = []string{"file"}
	tuned := text("tuned", "raw")
	tuned.Config, tuned.ConfigFor = tuningConfig, func(p dag.Partition) any { return tuning{Least: w.least[p.Key], Key: string(p.Key)} }
	pair := text("pair", "mean") // two assets of one function, each by itself
	pair.Subset, pair.Config, pair.ConfigFor = true, tuned.Config, tuned.ConfigFor
	pair.Outputs = []dag.Output{{Name: "low", Asset: "low", Type: intType}, {Name: "high", Asset: "high", Type: intType}}
	pair.Invoke = func(ctx context.Context, c *dag.Call) error {
		for k, name := range []string{"low", "high"} {
			if c.Out[k] = 0; dag.Selected(ctx, name) {
				c.Out[k] = (dag.In[int](c, 0) + k + c.Config.(tuning).Least) % 5
			}
		}
		return nil
	}
	text("above", "high")

	// Several partitions at once: of each shop, of all, and of the day before.
	several := func(key, from string, d *partition.Definition, t *dag.Type) *dag.Op {
		op := w.asset(key, []string{from}, nil)
		op.Partitions, op.Inputs[0].Type = d, t
		op.Invoke = func(_ context.Context, c *dag.Call) error {
			w.called(key)
			switch in := c.In[0].(type) {
			case map[dag.PartitionKey]int:
				sum := 0
				for _, v := range in {
					sum += v
				}
				c.Out[0] = sum % 5
			case int:
				c.Out[0] = in
			}
			return nil
		}
		return op
	}
	mapType := dag.PartitionMapOf[int]("map[github.com/dagstergen/dagstergen/runtime/dag.PartitionKey]int", intType)
	shops := partition.Static("bern", "oslo", "rome")
	several("shop", "mean", shops, mapType).Deps = []string{"alone"}
	several("total", "shop", nil, mapType)
	several("share", "total", shops, intType)
	several("own", "mean", grid, mapType)
	return w
}

// withSteps adds assets of which the plan has to have a step for each partition: one that takes the day before of itself, and a graph of two steps; and what is made from both.
func (w *partitionedWorld) withSteps() *partitionedWorld {
	grid := w.ops[2].Partitions
	made := func(key string, c *dag.Call) error {
		w.called(key)
		sum := 0
		for _, v := range c.In {
			switch v := v.(type) {
			case int:
				sum += v
			case *int:
				if v != nil {
					sum += *v
				}
			}
		}
		c.Out[0] = (sum + len(key)) % 7
		return nil
	}
	op := func(key string, from ...string) *dag.Op {
		o := in(w.asset(key, from, nil), grid)
		o.Invoke = func(_ context.Context, c *dag.Call) error { return made(key, c) }
		return o
	}
	running := op("running", "running", "raw")
	running.Inputs[0].Type = dag.PartitionOptOf[int]("*int", intType)
	step := func(key string) *dag.Op {
		return w.add(&dag.Op{Key: key, Inputs: []dag.Input{{Name: "n", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, c *dag.Call) error { return made(key, c) })
	}
	first, second := step("first"), step("second")
	pipeline := op("pipeline", "mean")
	pipeline.Invoke = nil
	from := func(n int) dag.Binding { return dag.Binding{Kind: dag.FromNode, Node: n, Type: intType} }
	pipeline.Graph = &dag.GraphDef{Key: "pipeline", Symbol: pipeline.Symbol, Params: []dag.JobParam{{Name: "mean", Type: intType}},
		Nodes: []dag.Node{
			{Key: "first", Op: first, Inputs: []dag.Binding{{Kind: dag.FromParam, Type: intType}}},
			{Key: "second", Op: second, Inputs: []dag.Binding{from(0)}},
		},
		Outputs: []dag.JobOutput{{Name: "result", Type: intType, From: from(1)}},
	}
	op("below", "running", "pipeline")
	return w
}

func (w *partitionedWorld) grid() *partition.Space {
	space, err := w.ops[2].Partitions.Resolve(partition.At{Now: time.Now()})
	require.NoError(w.t, err)
	return space
}

// inBrackets is a partition in the key of a step.
var inBrackets = regexp.MustCompile(`\["?2024-[^]]*\]`)

// shortCauses are causes without what names a partition in them.
func shortCauses(causes []plan.Cause) string {
	var parts []string
	for _, c := range causes {
		asset, _, _ := strings.Cut(c.Asset, "[")
		text := c.Code + " " + asset
		if c.Code == plan.ReasonCode || c.Code == plan.CauseDependency || c.Code == plan.ReasonConfig || c.Code == plan.ReasonVolatile {
			text += " " + inBrackets.ReplaceAllString(c.Text, "")
		}
		parts = append(parts, text)
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), "; ")
}

// requireSame holds the status of all partitions to an ordinary one, of a run that has a step for each.
func (w *partitionedWorld) requireSame(what string) *plan.Status {
	w.t.Helper()
	all := w.status("")
	w.opts.Tags = map[string]string{plan.TagPartition: "*"}
	each := w.status("")
	w.opts.Tags = nil
	byKey := map[string]*plan.AssetStatus{}
	for i := range all.Assets {
		byKey[all.Assets[i].Key] = &all.Assets[i]
	}
	seen := map[string]int{}
	for i := range each.Assets {
		a := &each.Assets[i]
		b := byKey[a.Key]
		require.NotNil(w.t, b, a.Key)
		where := fmt.Sprintf("%s: %s[%s]", what, a.Key, a.Partition)
		for _, root := range a.Roots {
			root, _, _ = strings.Cut(root, "[")
			require.Contains(w.t, b.Roots, root, where)
		}
		got := *b
		if a.Partition != "" {
			seen[a.Key]++
			p, err := b.Partitions.Space.Find(a.Partition)
			require.NoError(w.t, err)
			got = plan.AssetStatus{}
			for _, f := range []plan.Freshness{plan.Fresh, plan.Stale, plan.Missing} {
				if b.Partitions.Status[f].Has(p) {
					got.Status += f
				}
				if b.Partitions.Projected[f].Has(p) {
					got.Projected += f
				}
			}
			for _, action := range []plan.Action{plan.Run, plan.Reuse, plan.Maybe} {
				if b.Partitions.Plan[action].Has(p) {
					got.Action += action
				}
			}
			for _, c := range b.Partitions.Causes {
				if c.Has(p) {
					got.Causes = append(got.Causes, c.Cause)
				}
			}
		}
		action := a.Action
		if a.Kind == "source" { // it is observed, whatever a run notes
			action = got.Action
		}
		require.Equal(w.t, []string{string(a.Status), string(a.Projected), string(action), shortCauses(a.Causes)},
			[]string{string(got.Status), string(got.Projected), string(got.Action), shortCauses(got.Causes)}, where)
	}
	for i := range all.Assets {
		if p := all.Assets[i].Partitions; p != nil {
			require.Equal(w.t, p.Total, seen[all.Assets[i].Key], all.Assets[i].Key)
		}
	}
	return all
}

// The status of all partitions says of each what the status of that partition says, whatever happened before.
func TestStatusOfAllPartitionsIsThatOfEach(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w, names, selections := newPartitionedWorld(t), []string{"plain", "raw", "mean", "both", "last", "alone", "shop", "total", "share", "own", "tuned", "pair", "above"}, []string{grids, "shop", "total", "share", "own"}
			if seed >= 4 { // a step for each
				w.withSteps()
				names, selections = append(names, "running", "pipeline", "below", "first", "second"), append([]string{grids + ",running,pipeline,below"}, selections[1:]...)
			}
			r := rand.New(rand.NewPCG(seed, 5))
			w.requireSame("at first")
			space := w.grid()
			keys := slices.Collect(space.Keys(space.All()))
			for i := range 25 {
				what := ""
				switch r.IntN(10) {
				default:
					key, selection := keys[r.IntN(len(keys))], ""
					if r.IntN(3) == 0 {
						selection = []string{"+" + names[1+r.IntN(5)], "low", "+above", "pair"}[r.IntN(4)]
					}
					what = "materialize " + selection + " " + key
					w.opts.Tags, w.opts.Select = map[string]string{plan.TagPartition: key}, selection
					_, _ = Run(t.Context(), w.catalog(), "", w.options()) // it may need what was never stored, or a file that is gone
					w.opts.Tags, w.opts.Select = nil, ""
				case 0:
					name := names[r.IntN(len(names))]
					w.code[name] = fmt.Sprint("edit ", r.IntN(2))
					what = "edit " + name
				case 1:
					key := keys[r.IntN(len(keys))]
					w.files[dag.PartitionKey(key)] = []string{"", "2", "gone"}[r.IntN(3)]
					what = "file " + key
				case 2:
					w.base = dag.DataVersion(fmt.Sprint(r.IntN(2)))
					what = "base"
				case 3:
					op := w.ops[3+r.IntN(len(w.ops)-3)]
					op.Volatile = !op.Volatile
					what = "volatile " + op.Key
				case 4:
					key := dag.PartitionKey(keys[r.IntN(len(keys))])
					w.fails[key] = !w.fails[key]
				case 6:
					key := keys[r.IntN(len(keys))]
					w.least[dag.PartitionKey(key)] = r.IntN(3)
					what = "config of " + key
				case 5:
					records, err := w.inst.Store().AssetRecords(t.Context(), names[1+r.IntN(5)], 0)
					require.NoError(t, err)
					if len(records) > 0 {
						require.NoError(t, w.inst.Store().Submit(&storage.Batch{Drop: []int64{records[r.IntN(len(records))].ID}}).Wait(t.Context()))
						what = "drop"
					}
				}
				w.requireSame(fmt.Sprintf("step %d, %s", i, what))
			}
			clear(w.fails)
			for key, state := range w.files {
				if state == "gone" {
					w.files[key] = ""
				}
			}
			for _, op := range w.ops {
				op.Volatile = false
			}
			w.requireSame("at the end")
			for _, selection := range selections { // one run says partitions of one definition
				st := w.status(selection)
				partitions, err := st.OutdatedPartitions()
				require.NoError(t, err)
				if w.opts.Select = st.Outdated(); w.opts.Select != "" {
					if !partitions.Empty() {
						w.opts.Tags = map[string]string{plan.TagPartition: strings.Join(partitions.Terms(), ",")}
					}
					w.ok("")
				}
				w.opts.Select, w.opts.Tags = "", nil
			}
			st := w.requireSame("up to date")
			now, projected := st.Count()
			assert.Equal(t, map[plan.Freshness]int{plan.Fresh: len(st.Assets)}, now)
			assert.Zero(t, projected)
			assert.Empty(t, st.Outdated())
		})
	}
}

func TestStatusOfAllPartitions(t *testing.T) {
	w := newPartitionedWorld(t)
	for _, key := range []string{"2024-03-30|bern", "2024-03-31|bern", "2024-03-30|oslo", "2024-03-31|oslo", "2024-04-01|oslo", "2024-03-30|rome"} {
		w.opts.Tags, w.opts.Select = map[string]string{plan.TagPartition: key}, grids
		w.ok("")
	}
	w.fails["2024-03-31|rome"] = true
	w.opts.Tags = map[string]string{plan.TagPartition: "2024-03-31|rome"}
	require.Error(t, w.run("").Err())
	w.opts.Tags, w.opts.Select = nil, ""
	w.files["2024-03-31|oslo"] = "new"
	w.code["both"] = "edited"
	w.code["alone"] = "edited"
	st := w.requireSame("")
	last := st.Assets[slices.IndexFunc(st.Assets, func(a plan.AssetStatus) bool { return a.Key == "last" })]
	p := last.Partitions
	assert.Equal(t, 9, p.Total)
	assert.Equal(t, plan.Stale, last.Status)
	assert.Equal(t, 6, p.Status[plan.Fresh].Len())
	assert.Equal(t, []string{"day=2024-03-30", "day=2024-03-31|shop=bern...oslo", "day=2024-04-01|shop=oslo"}, p.Projected[plan.Stale].Terms())
	raw := st.Assets[slices.IndexFunc(st.Assets, func(a plan.AssetStatus) bool { return a.Key == "raw" })].Partitions
	assert.Equal(t, []string{"day=2024-03-31|shop=rome"}, raw.Failed.Terms())
	assert.Empty(t, raw.InProgress.Terms())
	require.Len(t, raw.Causes, 2)
	assert.Equal(t, plan.Cause{Code: plan.CauseData, Text: `input after file: upstream "file" has new data`, Asset: "file"}, raw.Causes[0].Cause)
	assert.Equal(t, []string{"day=2024-03-31|shop=oslo"}, raw.Causes[0].Terms())
	assert.Equal(t, "never", raw.Causes[1].Code)
	assert.Equal(t, 3, raw.Causes[1].Len())
}
