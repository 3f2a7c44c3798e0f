package execute

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// row is checked by its pointer.
type row struct{ N int }

func (r *row) CheckType(context.Context) dag.TypeCheck {
	if r.N == 99 {
		panic("99")
	}
	return dag.TypeCheck{Success: r.N > 0}
}

// A function is not called with an input that is not right, whatever it comes from; the check is user code like any other.
func TestInputsAreChecked(t *testing.T) {
	rowType, pointer := dag.TypeOf[row](pkg+".row"), dag.TypeOf[*row]("*"+pkg+".row")
	for _, c := range []struct {
		name  string
		typ   *dag.Type
		value any
		err   string // empty for none
	}{
		{"right", rowType, row{1}, ""},
		{"wrong", rowType, row{}, "step a: type check of input x: not a right example.com/shop.row"},
		{"by pointer", pointer, &row{1}, ""},
		{"wrong by pointer", pointer, &row{}, "step a: type check of input x: not a right *example.com/shop.row"},
		{"nil is not asked", pointer, (*row)(nil), ""},
		{"panic", rowType, row{99}, "step a: panic: 99"},
		{"a slice is not asked for its elements", dag.TypeOf[[]row]("[]" + pkg + ".row"), []row{{}}, ""},
	} {
		for _, kept := range []bool{true, false} {
			t.Run(c.name, func(t *testing.T) {
				w := newWorld(t)
				op := w.add(&dag.Op{Key: "a", Inputs: []dag.Input{{Name: "x", Type: c.typ}}, Outputs: []dag.Output{{Name: "result", Type: intType}}}, func(_ context.Context, call *dag.Call) error {
					call.Out[0] = 1
					return nil
				})
				w.job("j", []dag.Node{{Key: "a", Op: op, Inputs: []dag.Binding{{Kind: dag.FromLiteral, Value: c.value, Type: c.typ}}}}, 0)
				o := w.options()
				if !kept {
					o.Instance = nil
				}
				res, err := Run(t.Context(), w.catalog(), "j", o)
				require.NoError(t, err)
				t.Cleanup(func() { _ = res.Close() })
				types := eventTypes(t, res, "a")
				if c.err == "" {
					require.NoError(t, res.Err())
					assert.Equal(t, "a=1", w.takeCalls())
					assert.Equal(t, []storage.EventType{storage.EventStepStart, storage.EventStepInput, storage.EventStepOutput, storage.EventHandledOutput, storage.EventStepSuccess}, types)
					return
				}
				require.EqualError(t, res.Step("a").Err, c.err)
				assert.Empty(t, w.takeCalls())
				assert.NotContains(t, types, storage.EventStepOutput)
				if c.name == "panic" {
					assert.Contains(t, res.Step("a").Err.Stack, "CheckType")
					assert.NotContains(t, res.Step("a").Err.Stack, "typecheck.go")
					return
				}
				assert.Equal(t, []storage.EventType{storage.EventStepStart, storage.EventStepInput, storage.EventStepFailure}, types)
				var wrong *TypeCheckError
				require.ErrorAs(t, res.Step("a").Err, &wrong)
				var user *dag.UserCodeError
				require.ErrorAs(t, res.Step("a").Err, &user)
				assert.Equal(t, WhereTypeCheck, user.Where)
			})
		}
	}
}

// bounds is a resource, bounded a number that is right within the bounds of the step that it is checked for.
type bounds struct{ Most int }

type bounded int

func (b bounded) CheckType(ctx context.Context) dag.TypeCheck {
	r, ok := dag.CheckResource[*bounds](ctx)
	return dag.TypeCheck{Success: !ok || int(b) <= r.Most, Description: fmt.Sprint(ok)}
}

func TestChecksSeeTheResourcesOfTheStep(t *testing.T) {
	boundedType := dag.ImmutableOf[bounded](pkg + ".bounded")
	for _, c := range []struct {
		most      []int // of each resource of the type
		want, err string
	}{
		{[]int{5}, "a=run", ""},
		{[]int{3}, "a=failure", "step a: type check of output result: not a right example.com/shop.bounded: true"},
		{nil, "a=run", ""},
		{[]int{3, 5}, "a=run", ""}, // which one is not said
	} {
		w := newWorld(t)
		op := w.add(&dag.Op{Kind: dag.KindAsset, Key: "a", Outputs: []dag.Output{{Name: "result", Type: boundedType, Asset: "a"}}}, func(ctx context.Context, call *dag.Call) error {
			_, ok := dag.CheckResource[*bounds](ctx)
			assert.False(t, ok, "a body has parameters")
			call.Out[0] = bounded(4)
			return nil
		})
		for i, most := range c.most {
			key := fmt.Sprint("bounds", i)
			w.resource(&dag.Resource{Key: key}, func(context.Context, *dag.Call) (any, func(), error) { return &bounds{most}, nil, nil })
			op.Resources = append(op.Resources, dag.ResourceUse{Name: key, Key: key})
		}
		w.resource(&dag.Resource{Key: "other"}, func(context.Context, *dag.Call) (any, func(), error) { return "other", nil, nil })
		op.Resources = append(op.Resources, dag.ResourceUse{Name: "other", Key: "other"})
		res := w.run("")
		assert.Equal(t, c.want, actions(res))
		if c.err != "" {
			assert.EqualError(t, res.Step("a").Err, c.err)
		}
	}
}
