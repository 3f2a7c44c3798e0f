package annotations_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/annotations"
)

var update = flag.Bool("update", false, "write the table into README.md")

func TestRegistryIsWhole(t *testing.T) {
	for _, d := range annotations.Directives {
		assert.NotEmpty(t, d.Targets, d.Kind)
		assert.True(t, strings.HasSuffix(d.Doc, "."), d.Kind)
		seen := map[string]bool{}
		for _, a := range d.Args {
			assert.False(t, seen[a.Name], "%s %s", d.Kind, a.Name)
			seen[a.Name] = true
			assert.NotEmpty(t, a.Doc, a.Name)
			assert.NotEmpty(t, a.Default, a.Name)
			assert.Equal(t, a.Type == annotations.Enum, len(a.Choices) > 0, a.Name)
			got, ok := d.Argument(a.Name + strings.ToLower(a.Param))
			assert.True(t, ok)
			assert.Equal(t, a.Name, got.Name)
		}
		got, ok := annotations.Lookup(d.Kind)
		assert.True(t, ok)
		assert.Equal(t, d.Kind, got.Kind)
	}
	_, ok := annotations.Lookup("schedule")
	assert.False(t, ok, "not built yet")
}

func TestHelp(t *testing.T) {
	var b strings.Builder
	require.NoError(t, annotations.Help(&b))
	for _, d := range annotations.Directives {
		assert.Contains(t, b.String(), d.Usage()+"   on a ")
		for _, a := range d.Args {
			assert.Contains(t, b.String(), "  "+a.Spelling()+" ")
		}
	}
	for line := range strings.Lines(b.String()) {
		assert.LessOrEqual(t, len(strings.TrimRight(line, "\n")), 100, line)
		assert.Equal(t, strings.TrimRight(line, " \n"), strings.TrimRight(line, "\n"), "no blanks at the end")
	}
	b.Reset()
	require.NoError(t, annotations.Help(&b, "dag:job", "//dag:config"))
	assert.True(t, strings.HasPrefix(b.String(), "//dag:job   on a func\n"), b.String())
	assert.NotContains(t, b.String(), "//dag:asset ")
	assert.EqualError(t, annotations.Help(&b, "jub"), "jub is no directive; the directives are op, asset, source, check, resource, hook, partitions, package, config, graph, job, configured, preset, as, after, key, with, allow, ignore, depends")
}

func TestMarkdownTable(t *testing.T) {
	table := annotations.MarkdownTable()
	assert.Contains(t, table, "| `//dag:config` | a struct type | ")
	assert.Contains(t, table, "| `backoff=linear\\|exponential` | op, asset, check, job, with | ")
	for line := range strings.Lines(table) {
		n := strings.Count(strings.ReplaceAll(line, "\\|", ""), "|")
		assert.True(t, slices.Contains([]int{0, 4, 5}, n), line)
	}
}

// TestReadmeHasTheTable keeps the README true; a README without the markers fails too.
func TestReadmeHasTheTable(t *testing.T) {
	const begin, end = "<!-- directives:begin -->\n", "<!-- directives:end -->"
	file := filepath.Join("..", "README.md")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		require.NoFileExists(t, filepath.Join("..", "docs", "architecture.md"), "the documentation is there and README.md is not")
		return
	}
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok, "README.md has no line %s", begin)
	got, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "README.md has no line %s", end)
	want := "\n" + annotations.MarkdownTable() + "\n"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+want+end+after), 0o644))
		return
	}
	assert.Equal(t, want, got, "run: go test ./annotations -update")
}
