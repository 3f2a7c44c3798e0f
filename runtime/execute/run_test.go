package execute

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func TestRunAndReuse(t *testing.T) { // V27, V29, V33
	w := newWorld(t)
	w.source("s", func() (any, error) { return dag.DataVersion("monday"), nil })
	a := w.asset("a", nil, func([]int) int { return 2 })
	a.Deps = []string{"s"}
	w.asset("b", []string{"a"}, func(in []int) int { return in[0] * 10 })
	assert.Equal(t, "s=run a=run b=maybe", planned(w.plan("")))
	res := w.ok("")
	assert.Equal(t, "s=run a=run b=run", actions(res))
	assert.Equal(t, 20, w.value(res, "b"))
	assert.Equal(t, "a=1 b=1 s=2", w.takeCalls())

	assert.Equal(t, "s=reuse a=reuse b=reuse", planned(w.plan("")))
	res = w.ok("")
	assert.Equal(t, "s=reuse a=reuse b=reuse", actions(res))
	assert.Equal(t, 20, w.value(res, "b"), "a reused step has its output too")
	assert.Equal(t, "s=2", w.takeCalls())
	got, err := Value(res, dag.AssetRef[int]{Key: "a"})
	require.NoError(t, err)
	assert.Equal(t, 2, got)
}
