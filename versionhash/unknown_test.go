package versionhash_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

func TestAnUnknownSymbolIsReported(t *testing.T) {
	prog, diags, err := load.Load(t.Context(), load.Config{Dir: "../examples/quickstart"})
	require.NoError(t, err)
	require.Empty(t, diags)
	g, diags := versionhash.Analyze(prog, versionhash.Options{})
	require.Empty(t, diags)
	_, diags = g.Manifest([]string{"example.com/nowhere.Total"})
	require.Len(t, diags, 1)
	assert.Equal(t, "DAG0601", diags[0].Code)
	assert.Contains(t, diags[0].Message, "example.com/nowhere.Total")
}
