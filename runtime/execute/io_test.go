package execute

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// shelf is an IO manager as a user writes one: it keeps values as text under their identifier. Text is less than the value: it adds
// a mark when it loads, so that tests see who went through it.
type shelf struct {
	mu     sync.Mutex
	stored map[string]int
	outs   []dag.OutputContext
	ins    []dag.InputContext
	asked  []string
	fail   map[string]error
}

func newShelf() *shelf { return &shelf{stored: map[string]int{}, fail: map[string]error{}} }

func (s *shelf) HandleOutput(_ context.Context, out *dag.OutputContext, v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outs = append(s.outs, *out)
	s.stored[strings.Join(out.Identifier(), "/")] = v.(int)
	return s.fail["handle"]
}

func (s *shelf) LoadInput(_ context.Context, in *dag.InputContext) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ins = append(s.ins, *in)
	v, ok := s.stored[strings.Join(in.Upstream.Identifier(), "/")]
	if !ok {
		return nil, fmt.Errorf("nothing is stored as %v", in.Upstream.Identifier())
	}
	return v + 1000, s.fail["load"]
}

// memoShelf can say what it has.
type memoShelf struct{ *shelf }

func (s memoShelf) HasOutput(_ context.Context, out *dag.OutputContext) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, out.Name)
	_, ok := s.stored[strings.Join(out.Identifier(), "/")]
	return ok, s.fail["has"]
}

// batchShelf can say it for many at once.
type batchShelf struct{ memoShelf }

func (s batchShelf) HasOutputs(_ context.Context, outs []*dag.OutputContext) ([]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprint(len(outs)))
	has := make([]bool, len(outs))
	for i, o := range outs {
		_, has[i] = s.stored[strings.Join(o.Identifier(), "/")]
	}
	return has, s.fail["has"]
}

func withShelf(w *world, m any) {
	w.resource(&dag.Resource{Key: "shelf"}, func(context.Context, *dag.Call) (any, func(), error) { return m, nil, nil })
}

func TestCustomIOManager(t *testing.T) {
	for _, batch := range []bool{false, true} {
		t.Run(fmt.Sprint("batch=", batch), func(t *testing.T) {
			w := newWorld(t)
			s := newShelf()
			withShelf(w, memoShelf{s})
			if batch {
				w.resources[0].Open = func(context.Context, *dag.Call) (any, func(), error) { return batchShelf{memoShelf{s}}, nil, nil }
			}
			a := w.asset("a", nil, add(1))
			a.IO, a.Metadata, a.Config = "shelf", map[string]string{"table": "days"}, poolSchema()
			b := w.asset("b", []string{"a"}, add(0))
			b.IO = "shelf"
			w.asset("c", []string{"b"}, add(0))
			res := w.ok("")
			assert.Equal(t, 2001, w.value(res, "c"), "every consumer goes through the manager")
			assert.Equal(t, 1001, w.value(res, "a"), "and so does who reads the result")

			out := s.outs[0]
			version := res.Step("a").Outputs[0].Version.String()
			assert.Equal(t, dag.OutputContext{RunID: res.RunID, StepKey: "a", Name: "result", AssetKey: "a", Version: version, Type: intType,
				Metadata: map[string]string{"table": "days"}, Config: poolConfig{Size: 1}}, out)
			assert.Equal(t, []string{"versioned_outputs", version, "a", "result"}, out.Identifier())
			in := s.ins[0]
			assert.Equal(t, []string{res.RunID, "b", "a"}, []string{in.RunID, in.StepKey, in.Name})
			assert.Same(t, intType, in.Type)
			assert.Equal(t, out.Identifier(), in.Upstream.Identifier())
			assert.Contains(t, eventTypes(t, res, "b"), storage.EventLoadedInput)
			assert.Contains(t, eventTypes(t, res, "a"), storage.EventHandledOutput)

			s.outs, s.ins, s.asked = nil, nil, nil
			w.takeCalls()
			assert.Equal(t, "a=reuse b=reuse c=reuse", planned(w.plan("")))
			assert.Equal(t, "a=reuse b=reuse c=reuse", actions(w.ok("")))
			assert.Empty(t, s.ins, "what nobody takes is not loaded")
			assert.NotEmpty(t, s.asked)
			assert.Equal(t, 1001, w.value(w.ok(""), "a"))

			// Gone: that step runs again, what is below it has seen the same data.
			for k := range s.stored {
				if strings.Contains(k, "/a/") {
					delete(s.stored, k)
				}
			}
			p := w.plan("")
			assert.Equal(t, "a=run b=maybe c=maybe", planned(p))
			assert.Equal(t, `stored output result cannot be used: IO manager "shelf" does not have it`, because(p, "a"))
			assert.Equal(t, "a=run b=reuse c=reuse", actions(w.ok("")))

			s.fail["has"] = errBoom
			assert.Equal(t, "a=run b=maybe c=maybe", planned(w.plan("")), "an error is a no")
			delete(s.fail, "has")

			// An unselected upstream is loaded through the manager too.
			w.opts.Select, w.code["b"] = "b", "edited"
			s.ins = nil
			w.ok("")
			assert.Len(t, s.ins, 1)
		})
	}
}

func TestIOManagerThatCannotTellIsNotMemoized(t *testing.T) { // V43
	w := newWorld(t)
	s := newShelf()
	withShelf(w, s)
	w.asset("a", nil, add(1)).IO = "shelf"
	w.asset("b", []string{"a"}, add(0))
	w.ok("")
	p := w.plan("")
	assert.Equal(t, "a=run b=maybe", planned(p))
	assert.Contains(t, because(p, "a"), "has no HasOutput")
	assert.Equal(t, "a=run b=reuse", actions(w.ok("")))
}

func TestIOManagerErrors(t *testing.T) { // I3
	w := newWorld(t)
	s := newShelf()
	withShelf(w, memoShelf{s})
	w.asset("a", nil, add(1)).IO = "shelf"
	w.asset("b", []string{"a"}, add(0))
	s.fail["handle"] = errBoom
	res := w.run("")
	assert.Equal(t, "a=failure b=skip", actions(res))
	assert.EqualError(t, res.Step("a").Err, `step a: handle output: output result: IO manager "shelf": boom`)
	assert.Equal(t, WhereStore, res.Step("a").Err.Where)
	require.ErrorIs(t, res.Err(), errBoom)

	delete(s.fail, "handle")
	s.fail["load"] = errBoom
	res = w.run("")
	assert.Equal(t, "a=run b=failure", actions(res))
	assert.EqualError(t, res.Step("b").Err, `step b: load input: input a: IO manager "shelf": boom`)

	w.resources[0].Open = func(context.Context, *dag.Call) (any, func(), error) { return "no manager", nil, nil }
	_, err := Plan(t.Context(), w.catalog(), "", w.options())
	assert.ErrorContains(t, err, `resource "shelf" is a string, which is no dag.IOManager`)
}

// Without memoization outputs are stored under the run.
func TestIdentifierWithoutMemoization(t *testing.T) {
	w := newWorld(t)
	s := newShelf()
	withShelf(w, memoShelf{s})
	w.asset("a", nil, add(1)).IO = "shelf"
	w.opts.NoMemo = true
	res := w.ok("")
	assert.Equal(t, []string{res.RunID, "a", "result"}, s.outs[0].Identifier())
	assert.Equal(t, 1001, w.value(res, "a"))
	w.opts.NoMemo = false
	assert.Equal(t, "a=reuse", actions(w.ok("")), "it is asked for under the name it was stored under")
}

// Steps of equal work share an output of the user's manager, under the name of the step that stored it.
func TestSharedWorkThroughACustomManager(t *testing.T) {
	w := newWorld(t)
	s := newShelf()
	withShelf(w, memoShelf{s})
	f := w.op("f", nil, add(1))
	f.IO = "shelf"
	g := w.op("g", []string{"x"}, add(0))
	w.job("one", []dag.Node{{Key: "f", Op: f}, {Key: "f_2", Op: f}, {Key: "g", Op: g, Inputs: []dag.Binding{from(1)}}}, 2)
	w.job("two", []dag.Node{{Key: "other", Op: f}, {Key: "h", Op: g, Inputs: []dag.Binding{from(0)}}}, 1)
	assert.Equal(t, 1001, w.value(w.ok("one"), "g"))
	assert.Len(t, s.outs, 1)
	w.code["g"] = "edited"
	assert.Equal(t, "other=reuse h=run", actions(w.ok("two")))
	assert.Equal(t, "f=reuse f_2=reuse g=reuse", actions(w.ok("one")))
}

// Every consumer has a value of its own unless nobody can tell; a fresh run and a memoized one see the same.
func TestConsumersDoNotShareMutableValues(t *testing.T) {
	w := newWorld(t)
	made := []int{1, 2, 3}
	list := w.asset("list", nil, nil)
	list.Outputs[0].Type = listType
	list.Invoke = func(_ context.Context, c *dag.Call) error { w.called("list"); c.Out[0] = made; return nil }
	for _, k := range []string{"x", "y", "z"} {
		op := w.asset(k, nil, nil)
		op.Inputs = []dag.Input{{Name: "list", Asset: "list", Type: listType}}
		op.Invoke = func(_ context.Context, c *dag.Call) error {
			in := dag.In[[]int](c, 0)
			c.Out[0] = in[0] + in[1] + in[2]
			clear(in) // a step that breaks the rules hurts nobody but itself
			return nil
		}
	}
	res := w.ok("")
	for _, k := range []string{"x", "y", "z"} {
		assert.Equal(t, 6, w.value(res, k))
	}
	assert.Equal(t, []int{1, 2, 3}, made)
	assert.Equal(t, []int{1, 2, 3}, w.value(res, "list"))

	shared := newWorld(t)
	op := shared.asset("list", nil, nil)
	op.Outputs[0].Type, op.Share = listType, true
	op.Invoke = func(_ context.Context, c *dag.Call) error { c.Out[0] = made; return nil }
	user := shared.asset("user", nil, nil)
	user.Inputs = []dag.Input{{Name: "list", Asset: "list", Type: listType}}
	user.Invoke = func(_ context.Context, c *dag.Call) error {
		assert.Same(t, &made[0], &dag.In[[]int](c, 0)[0], "share hands the value itself on")
		c.Out[0] = 0
		return nil
	}
	shared.ok("")
}

func TestParametersAndLiteralsAreCopied(t *testing.T) {
	w := newWorld(t)
	spoil := w.op("spoil", nil, nil)
	spoil.Inputs = []dag.Input{{Name: "xs", Type: listType}}
	spoil.Invoke = func(_ context.Context, c *dag.Call) error {
		in := dag.In[[]int](c, 0)
		c.Out[0] = in[0]
		in[0] = -1
		return nil
	}
	literal := []int{7}
	j := w.job("j", []dag.Node{
		{Key: "spoil", Op: spoil, Inputs: []dag.Binding{param(0)}}, {Key: "spoil_2", Op: spoil, Inputs: []dag.Binding{value(literal)}},
	}, 0, 1)
	j.Params = []dag.JobParam{{Name: "xs", Type: listType}}
	given := []int{5}
	w.opts.Inputs, w.opts.NoMemo = map[string]any{"xs": given}, true
	for range 2 {
		res := w.ok("j")
		assert.Equal(t, []any{5, 7}, []any{w.value(res, "spoil"), w.value(res, "spoil_2")})
	}
	assert.Equal(t, []int{5}, given)
	assert.Equal(t, []int{7}, literal)
}
