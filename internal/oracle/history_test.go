package oracle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCompareReleases(t *testing.T) {
	dir := write(t, shop)
	before, err := revisionOf(t.Context(), dir, "v1.0.0")
	require.NoError(t, err)
	s := compare(before, before)
	assert.Equal(t, Step{From: "v1.0.0", To: "v1.0.0", Functions: 13, Body: 13, Version: 13, Package: 13, Module: 13}, s)

	name := filepath.Join(dir, "cart", "cart.go")
	src, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, []byte(strings.Replace(string(src), "n + 1", "n + 2 /* more */", 1)), 0o644))
	after, err := revisionOf(t.Context(), dir, "v1.1.0")
	require.NoError(t, err)
	s = compare(before, after)
	assert.Equal(t, Step{From: "v1.0.0", To: "v1.1.0", Functions: 13, Body: 12, Version: 12, Package: 10, Module: 0}, s, "one function of three in its package")

	text := HistoryTable("example.com/shop", []Step{s, {From: "v1.1.0", To: "v2.0.0", Functions: 13, Language: true}})
	assert.Contains(t, text, "| v1.0.0 to v1.1.0 | 13 | 92.3 % | **92.3 %** | 76.9 % | 0.0 % |")
	assert.Contains(t, text, "| all without * | 13 |")
}
