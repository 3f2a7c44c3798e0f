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
	changed, kept, quiet, unseen := 0, 0, 0, 0
	for _, e := range allEdits() {
		switch {
		case e.cause != "" && e.quiet != "":
			changed, quiet = changed+1, quiet+1
		case e.cause != "":
			changed++
		case e.unseen != "":
			kept, unseen = kept+1, unseen+1
		default:
			kept++
		}
	}
	fmt.Fprintf(&b, "\n%d edits that change the version of an op, and %d that do not. The edit is that of a function `Op` (or `Keep`) in the test of that name in\n"+
		"`versionhash/edits_*_test.go`. Where a version changes, the third column is what is named as the cause.\n\n"+
		"The last column is what the compiler says: each row is built and run before and after the edit, and all that can be seen of what the function does is\n"+
		"compared: results and how they are stored, what it prints, panics with and leaves in its arguments. Of the edits that change a version, %d show in the\n"+
		"output of this run; the other %d say why a version is right to change all the same. Of those that change no version, the output of %d differs, by a decision that\n"+
		"[What it does not see](#what-it-does-not-see) names.\n", changed, kept, changed-quiet, quiet, unseen)
	escape := strings.NewReplacer("|", `\|`, "*", `\*`).Replace
	for _, s := range sections {
		fmt.Fprintf(&b, "\n### %s\n\n| edit | version | cause | output |\n|---|---|---|---|\n", s.title)
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
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, verdict, cause, escape(e.shown()))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// shown says whether the output of a row's functions differs; that it is true is for TestOutputsOfEdits to see.
func (e *edit) shown() string {
	switch {
	case e.unseen != "":
		return "differs: " + e.unseen
	case e.quiet != "":
		return "the same: " + e.quiet
	case e.cause != "":
		return "differs"
	}
	return "the same"
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
