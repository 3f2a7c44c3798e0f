package cli

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
)

func TestReturnedValues(t *testing.T) {
	file := dag.NewFile("/store/chart.png", "chart.png", 3, canon.Sum(nil))
	long := strings.Repeat("å", mostPreview)
	r := &runResult{Result: &execute.Result{Job: "nightly"}, show: func(p string) string { return "…" + p }, returned: []execute.Returned{
		{Name: "n", Value: 3}, {Name: "a\x1b", Value: long}, {Name: "nan", Value: math.NaN()}, {Name: "chart", Value: file},
		{Name: "large", Value: strings.Repeat("x", mostValue)},
	}}
	lines := r.returnedLines(look{})
	require.Len(t, lines, 5)
	assert.Equal(t, "n = 3", lines[0])
	assert.Equal(t, `a\x1b = "`+long[:len("å")*(mostPreview-1)]+"…", lines[1])
	assert.Equal(t, "nan = NaN", lines[2])
	assert.Equal(t, "chart = …/store/chart.png", lines[3])

	data, err := json.Marshal(r)
	require.NoError(t, err)
	var doc struct {
		Job     string
		Outputs map[string]any
	}
	require.NoError(t, json.Unmarshal(data, &doc))
	assert.Equal(t, "nightly", doc.Job)
	assert.Equal(t, map[string]any{"n": 3.0, "a\x1b": long, "nan": nil, "chart": "/store/chart.png", "large": nil}, doc.Outputs)
}
