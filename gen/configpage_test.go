package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docs/run-config.md shows a config struct that is generated as it stands there, and problems that are told so.
func TestRunConfigPage(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(repository(t), "docs", "run-config.md"))
	require.NoError(t, err)
	page := string(data)
	block := func(after, fence string) string {
		_, rest, ok := strings.Cut(page, after)
		require.True(t, ok, after)
		_, rest, ok = strings.Cut(rest, fence+"\n")
		require.True(t, ok, after)
		text, _, ok := strings.Cut(rest, "```")
		require.True(t, ok, after)
		return text
	}
	for _, c := range readCases(t) {
		if c.name != "run_config_page" {
			continue
		}
		stdout, ok := c.want("stdout")
		require.True(t, ok)
		source := ""
		for _, f := range c.archive.Files {
			if f.Name == "page.go" {
				source = string(f.Data)
			}
		}
		assert.Contains(t, source, block("## A config struct", "```go"))
		assert.Equal(t, strings.TrimSpace(block("## Checking", "\n```")), strings.Join(strings.Split(stdout, "\n")[:5], "\n"))
		return
	}
	require.Fail(t, "no golden run_config_page")
}
