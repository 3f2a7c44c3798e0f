package execute

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func TestElementKeys(t *testing.T) {
	for key, want := range map[string][]string{
		"fit": nil, "fit[oslo]": {"oslo"}, "outer[a].fit[b]": {"a", "b"}, "outer.fit[" + dag.MappingKey(`x]["y`) + "].z": {`x]["y`}, "fit[" + dag.MappingKey("") + "]": {""},
	} {
		assert.Equal(t, want, elementKeys(key), key)
	}
}

// What a body asks of the run is in no version: it is asked anew when the step runs, and not before.
func TestMappingKeysInALoop(t *testing.T) {
	s := newShop(t)
	list := s.add(&dag.Op{Key: "list", Outputs: []dag.Output{{Name: "result", Type: listType}}}, func(_ context.Context, c *dag.Call) error {
		c.Out[0] = []int{7, 8}
		return nil
	})
	keys := map[string]bool{}
	each := s.op("each", []string{"n"}, nil)
	each.Invoke = func(ctx context.Context, c *dag.Call) error {
		key, ok := dag.MappingKeyOf(ctx)
		s.mu.Lock()
		keys[key] = ok
		s.mu.Unlock()
		c.Out[0] = 1
		return nil
	}
	s.jobOf("j", dag.GraphDef{
		Nodes: []dag.Node{
			{Key: "list", Op: list}, {Key: "for n", Map: &dag.Map{Over: from(0), Body: []int{2}}},
			{Key: "each", Op: each, Inputs: []dag.Binding{{Kind: dag.FromElem, Node: 1, Type: intType}}},
		},
		Body: []int{0, 1},
	})
	res, err := Run(t.Context(), s.catalog(), "j", Options{})
	assert.NoError(t, err)
	assert.NoError(t, res.Err())
	assert.Equal(t, map[string]bool{"0": true, "1": true}, keys)
}
