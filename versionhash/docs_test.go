package versionhash

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of docs/versions.md")

// table is the tables of edits as Markdown.
func table() string {
	var b strings.Builder
	changed, kept := 0, 0
	for _, e := range allEdits() {
		if e.cause != "" {
			changed++
		} else {
			kept++
		}
	}
	fmt.Fprintf(&b, "\n%d edits that change the version of an op, and %d that do not. Where a version changes, the last column is what is named as the cause; the edit is that of a\n"+
		"function `Op` in the test of that name in `versionhash/edits_*_test.go`.\n", changed, kept)
	escape := strings.NewReplacer("|", `\|`, "*", `\*`).Replace
	for _, s := range sections {
		fmt.Fprintf(&b, "\n### %s\n\n| edit | version | cause |\n|---|---|---|\n", s.title)
		for _, e := range s.rows {
			name := escape(e.name)
			if e.why != "" {
				name += " (" + e.why + ")"
			}
			verdict, cause := "stays", ""
			if e.cause != "" {
				verdict = "**changes**"
				word, what, _ := strings.Cut(e.cause, " ")
				cause = "`" + named(what) + "` " + word
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, verdict, cause)
		}
	}
	b.WriteString("\n")
	return b.String()
}

// named is the name of a component as the page shows it: a row has no import path of its own.
func named(what string) string {
	kind, rest, ok := strings.Cut(what, ":")
	if ok && rest == "." {
		return map[string]string{"native": "assembly and C of the package", "language": "language version"}[kind]
	}
	return what
}

func TestVersionsPage(t *testing.T) {
	const begin, end = "brings it up to date. -->\n", "<!-- end of the table -->"
	file := filepath.Join("..", "docs", "versions.md")
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(page), begin)
	require.True(t, ok, "the page has lost its markers")
	_, tail, ok := strings.Cut(rest, end)
	require.True(t, ok, "the page has lost its markers")
	want := head + begin + table() + end + tail
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
		return
	}
	assert.True(t, want == string(page), "docs/versions.md is not what the tests say; run: go test ./versionhash -run TestVersionsPage -update")
	assert.GreaterOrEqual(t, len(allEdits()), 90)
}
