package execute

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

func TestValidateRunConfig(t *testing.T) {
	w := newWorld(t)
	database(w, &ledger{})
	f := w.op("f", []string{"x"}, nil)
	f.Config = poolSchema()
	five := value(poolConfig{Size: 5})
	j := w.job("j", []dag.Node{{Key: "f", Op: f, Inputs: []dag.Binding{param(0)}, Config: &five}}, 0)
	j.Params = []dag.JobParam{{Name: "x", Type: intType}}
	t.Setenv("POOL_PASSWORD", "c4n4ry")

	res, err := ValidateRunConfig(w.definitions(), "j", document(t, "inputs: {x: {value: 3}}\nexecution: {config: {in_process: {}}}"))
	require.NoError(t, err)
	assert.Equal(t, 5, res.Ops["f"].Go.(poolConfig).Size)
	assert.Equal(t, map[string]any{"x": 3}, res.Inputs)
	assert.Equal(t, map[string]any{
		"execution": map[string]any{"config": map[string]any{"in_process": map[string]any{}}},
		"inputs":    map[string]any{"x": int64(3)},
		"ops":       map[string]any{"f": map[string]any{"config": map[string]any{"size": int64(5)}}},
	}, res.Document())

	res, err = ValidateRunConfig(w.definitions(), "", document(t, "resources: {pool: {config: {password: {env: POOL_PASSWORD}}}}"))
	require.NoError(t, err)
	assert.Equal(t, "c4n4ry", res.Resources["pool"].Go.(poolConfig).Password.Reveal())
	assert.Equal(t, map[string]any{"resources": map[string]any{"pool": map[string]any{"config": map[string]any{"size": int64(1), "password": map[string]any{"env": "POOL_PASSWORD"}}}}},
		res.Document())
	res, err = ValidateRunConfig(w.definitions(), "", nil, WithSelection("a"))
	require.NoError(t, err)
	assert.Empty(t, res.Document())

	_, err = ValidateRunConfig(w.definitions(), "j", document(t, "ops: {f: {config: {size: x, sise: 1}}}"))
	var problems runconfig.Problems
	require.ErrorAs(t, err, &problems)
	assert.Len(t, problems, 3)
	_, err = ValidateRunConfig(w.definitions(), "nope", nil)
	assert.ErrorContains(t, err, `no job "nope"`)
	_, err = ValidateRunConfig(w.definitions(), "", nil, WithResources(map[string]any{"dbb": 1}))
	assert.ErrorContains(t, err, `"dbb", which no package defines`)
	assert.Empty(t, w.takeCalls(), "nothing runs")
}
