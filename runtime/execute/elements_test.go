package execute

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// fresh lists the steps that were computed in a run.
func fresh(res *Result) []string {
	var keys []string
	for i := range res.Steps {
		if res.Steps[i].Action == ActionRun {
			keys = append(keys, res.Steps[i].Key)
		}
	}
	return keys
}

// A loop over a thousand elements: whatever happens to the list, the steps that run are those of new elements, and what takes the whole.
func TestAThousandElements(t *testing.T) {
	for _, executor := range []string{InProcessExecutor, MultiExecutor} {
		for _, keyed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/keyed=%t", executor, keyed), func(t *testing.T) {
				c := newCities(t)
				c.names.Volatile = false
				c.opts.Executor = executor
				job := c.fitAll()
				if !keyed {
					job.Nodes[1].Map.Key = nil // elements are called by their index, which no version counts
				}
				for i := range 1000 {
					c.list = append(c.list, fmt.Sprintf("city%d", i))
				}
				// ran makes names give the list as it is now, runs the job and returns what was computed.
				states := 0
				ran := func() []string {
					states++
					c.code["names"] = fmt.Sprint("list ", states)
					res := c.ok("all")
					want, got := make([]int, len(c.list)), returned(t, res)[1]
					for i, name := range c.list {
						want[i] = len(name)
					}
					assert.Equal(t, want, got, "in the order of the list")
					return fresh(res)
				}
				key := func(name string, at int) string {
					if keyed {
						return "fit[" + name + "]"
					}
					return fmt.Sprintf("fit[%d]", at)
				}

				assert.Len(t, ran(), 1002)
				assert.Equal(t, []string{"names"}, ran(), "an edit that gives the same list")
				again := c.ok("all")
				assert.Empty(t, fresh(again))
				assert.Equal(t, 1002, again.Run.Reused)

				c.list = slices.Insert(c.list, 500, "a new city")
				added := key("a new city", 500)
				if keyed {
					added = `fit["a new city"]`
				}
				assert.Equal(t, []string{"names", added, "sum"}, ran(), "one more")
				c.list = slices.Delete(c.list, 7, 8)
				assert.Equal(t, []string{"names", "sum"}, ran(), "one less")
				slices.Reverse(c.list)
				assert.Equal(t, []string{"names", "sum"}, ran(), "another order")
				c.list = append(c.list, "city7")
				assert.Equal(t, []string{"names", "sum"}, ran(), "one comes back that was there before")
				c.list[3] = "another one"
				changed := key("another one", 3)
				if keyed {
					changed = `fit["another one"]`
				}
				assert.Equal(t, []string{"names", changed, "sum"}, ran(), "one changed")
			})
		}
	}
}

// deepGraph is a mapping over what a mapping gave, with a branch in it.
func (c *cities) deepGraph() *dag.GraphDef {
	long := c.add(&dag.Op{Key: "long", Inputs: []dag.Input{{Name: "n", Type: intType}}, Outputs: []dag.Output{{Name: "result", Type: boolType}}}, func(_ context.Context, call *dag.Call) error {
		call.Out[0] = dag.In[int](call, 0) > 5
		return nil
	})
	when := from(3)
	first, second := elem(0, textType), dag.Binding{Kind: dag.FromKey, Node: 2, Type: intType}
	// for _, c := range cities { fits = append(fits, fit(c)) }
	// for i, n := range fits { if long(n) { n = refit(n) }; all = append(all, n) }
	return &dag.GraphDef{Key: "lengths", Symbol: pkg + ".lengths", Params: []dag.JobParam{{Name: "cities", Type: textsType}},
		Nodes: []dag.Node{
			{Key: "for city", Map: &dag.Map{Over: param(0), Key: &first, Body: []int{1}, Carried: []dag.Carried{{Name: "fits", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(0, 0), from(1))}}}},
			{Key: "fit", Op: c.fit, Inputs: []dag.Binding{elem(0, textType)}},
			{Key: "for n", Map: &dag.Map{Over: output(0, 0), Key: &second, Body: []int{3, 4}, Carried: []dag.Carried{{Name: "all", Type: listType, Init: typed(listType, []int(nil)), Next: appended(listType, carried(2, 0), output(4, 0))}}}},
			{Key: "long", Op: long, Inputs: []dag.Binding{elem(2, intType)}},
			{Key: "if long", Branch: &dag.Branch{Outputs: []dag.BranchOutput{{Name: "n", Type: intType}}, Arms: []dag.Arm{
				{When: &when, Body: []int{5}, Yields: []dag.Binding{from(5)}},
				{Yields: []dag.Binding{elem(2, intType)}},
			}}},
			{Key: "refit", Op: c.refit, Inputs: []dag.Binding{elem(2, intType)}},
		},
		Body:    []int{0, 2},
		Outputs: []dag.JobOutput{{Name: "result", Type: listType, From: output(2, 0)}}}
}

// A mapping over what a mapping gave, with a branch in it, inside an asset graph and in a job: all of it is memoized, and shared.
func TestMappingOverAMapping(t *testing.T) {
	c := newCities(t, "oslo", "seattle")
	c.names.Kind, c.names.Volatile, c.names.Outputs[0].Asset = dag.KindAsset, false, "names"
	graph := c.deepGraph()
	c.ops = append(c.ops, &dag.Op{Kind: dag.KindAsset, Key: "lengths", Symbol: pkg + ".lengths", Graph: graph,
		Inputs: []dag.Input{{Name: "cities", Asset: "names", Type: textsType}}, Outputs: []dag.Output{{Name: "result", Asset: "lengths", Type: listType}}})
	c.jobOf("job", dag.GraphDef{
		Params:  []dag.JobParam{{Name: "cities", Type: textsType}},
		Nodes:   []dag.Node{{Key: "lengths", Graph: graph, Inputs: []dag.Binding{param(0)}}},
		Outputs: []dag.JobOutput{{Name: "result", Type: listType, From: output(0, 0)}},
	})

	res := c.ok("")
	assert.Equal(t, "names=run lengths.fit[oslo]=run lengths.fit[seattle]=run lengths.long[0]=run lengths.refit[0]=skip lengths.long[1]=run lengths.refit[1]=run lengths=run", actions(res))
	v, err := Value(res, dag.AssetRef[[]int]{Key: "lengths"})
	require.NoError(t, err)
	assert.Equal(t, []int{4, 107}, v)
	assert.Equal(t, "names=reuse lengths.fit[oslo]=reuse lengths.fit[seattle]=reuse lengths.long[0]=reuse lengths.refit[0]=skip lengths.long[1]=reuse lengths.refit[1]=reuse lengths=reuse", planned(c.plan("")))
	assert.Empty(t, fresh(c.ok("")))

	c.list = []string{"seattle", "bergen", "oslo"}
	c.code["names"] = "more"
	assert.Equal(t, []string{"names", "lengths.fit[bergen]", "lengths.long[1]", "lengths.refit[1]", "lengths"}, fresh(c.ok("")))
	c.takeCalls()

	// a job that does the same shares the work of the assets, and the other way round
	c.opts.Config = document(t, "inputs: {cities: [oslo, bergen, tromso]}")
	res = c.ok("job")
	assert.Equal(t, []string{"lengths.fit[tromso]"}, fresh(res), "a length of 6 is known from bergen")
	assert.Equal(t, []any{[]int{4, 106, 106}}, returned(t, res))
	c.opts.Config = nil
	c.list = append(c.list, "tromso")
	c.code["names"] = "still more"
	assert.Equal(t, []string{"names", "lengths"}, fresh(c.ok("")), "the job has computed it")

	c.code["long"] = "another body"
	c.takeCalls()
	assert.Equal(t, []string{"lengths.long[0]", "lengths.long[1]", "lengths.long[2]"}, fresh(c.ok("")), "equal inputs are one computation; equal conditions change nothing below")
	assert.Equal(t, "long=3", c.takeCalls())
}
