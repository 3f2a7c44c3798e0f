package gen_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A construct is a function of a golden case that shows something of the language of bodies.
type construct struct {
	name, title, text string
	source            string
	first, last       int // lines
}

// constructs reads the jobs and graphs of a file of a case.
func constructs(t *testing.T, c *goldenCase, name string) ([]construct, []string) {
	t.Helper()
	for _, f := range c.archive.Files {
		if f.Name != name {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, f.Data, parser.ParseComments)
		require.NoError(t, err)
		var out []construct
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Doc == nil || !regexp.MustCompile(`(?m)^//dag:(job|graph)`).Match(f.Data[fn.Doc.Pos()-1:fn.Doc.End()-1]) {
				continue
			}
			words := strings.Join(strings.Fields(fn.Doc.Text()), " ")
			directive := fn.Doc.List[len(fn.Doc.List)-1]
			x := construct{name: fn.Name.Name, source: string(f.Data[directive.Pos()-1 : fn.End()-1]), first: fset.Position(fn.Pos()).Line, last: fset.Position(fn.End()).Line}
			x.title, x.text, _ = strings.Cut(words, ": ")
			out = append(out, x)
		}
		return out, strings.Split(string(f.Data), "\n")
	}
	require.Fail(t, "no such file", name)
	return nil, nil
}

// languagePage is the part of docs/jobs.md that shows what bodies can have, each with a job that the goldens run.
func languagePage(t *testing.T, c *goldenCase) string {
	var b strings.Builder
	list, _ := constructs(t, c, "language.go")
	for _, x := range list {
		require.NotEmpty(t, x.text, "%s: its comment has no title", x.name)
		fmt.Fprintf(&b, "### %s\n\n%s.\n\n```go\n%s\n```\n\n", x.title, strings.ToUpper(x.text[:1])+strings.TrimSuffix(x.text[1:], "."), x.source)
	}
	return b.String()
}

var errorLine = regexp.MustCompile(`^a\.go:(\d+):\d+: (?:(?:job|graph) \w+: )?(.*)$`)

// refusedPage is the part that shows what bodies cannot have, each line with its error.
func refusedPage(t *testing.T, c *goldenCase) string {
	list, lines := constructs(t, c, "a.go")
	text, ok := c.want("errors")
	require.True(t, ok)
	var b strings.Builder
	b.WriteString("| line | what dagstergen says |\n|---|---|\n")
	told := map[string]bool{}
	for line := range strings.Lines(text) {
		m := errorLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue // what an error is related to
		}
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		i := slices.IndexFunc(list, func(x construct) bool { return x.first <= n && n <= x.last })
		require.GreaterOrEqual(t, i, 0, line)
		if x := list[i]; !told[x.name] && x.title != "" {
			fmt.Fprintf(&b, "| **%s** | |\n", strings.TrimSuffix(x.title, "."))
		}
		told[list[i].name] = true
		fmt.Fprintf(&b, "| %s | %s |\n", cell("``", strings.TrimSpace(lines[n-1])), cell("", m[2]))
	}
	for _, x := range list {
		assert.True(t, told[x.name] || x.title == "", "%s is not refused", x.name)
	}
	return b.String()
}

// cell writes text for a table, between marks.
func cell(mark, text string) string {
	text = strings.ReplaceAll(text, "|", `\|`)
	if mark != "" {
		return mark + " " + text + " " + mark
	}
	return text
}

// docs/jobs.md shows the language as the goldens have it.
func TestLanguagePage(t *testing.T) {
	cases := map[string]*goldenCase{}
	for _, c := range readCases(t) {
		cases[c.name] = c
	}
	parts := []struct{ name, text string }{{"language", languagePage(t, cases["language"])}, {"refused", refusedPage(t, cases["err_language"])}}
	path := filepath.Join(repository(t), "docs", "jobs.md")
	data, err := os.ReadFile(path)
	require.False(t, errors.Is(err, fs.ErrNotExist), "docs/jobs.md is gone")
	require.NoError(t, err)
	page := string(data)
	for _, part := range parts {
		begin, end := "<!-- "+part.name+":begin -->\n", "<!-- "+part.name+":end -->"
		before, rest, ok := strings.Cut(page, begin)
		require.True(t, ok, "docs/jobs.md has no line %s", begin)
		got, after, ok := strings.Cut(rest, end)
		require.True(t, ok, "docs/jobs.md has no line %s", end)
		if *update {
			page = before + begin + "\n" + part.text + end + after
		} else {
			assert.Equal(t, "\n"+part.text, got, "run: go test ./gen -run TestLanguagePage -update")
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
	}
}
