package diag_test

import (
	"encoding/json"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/diag"
)

func pos(file string, line, column int) token.Position {
	return token.Position{Filename: file, Line: line, Column: column}
}

func render(t *testing.T, p diag.Printer, l diag.List) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, p.Print(&b, l))
	return b.String()
}

func TestPrint(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte("package p\r\n\tfunc Fetch(é, x int) {\n"+strings.Repeat("y", 300)+"\n"), 0o644))
	l := diag.List{
		{Code: "DAG0402", Pos: pos("a.go", 2, 14), End: pos("a.go", 2, 18), Message: "second"},
		{Code: "DAG0401", Severity: diag.Warning, Pos: pos("a.go", 2, 7), End: pos("a.go", 2, 12), Message: "first", Hint: "mend it",
			Related: []diag.Related{{Pos: pos("a.go", 1, 1), Message: "seen here"}}},
		{Code: "DAG0402", Pos: pos("a.go", 2, 14), End: pos("a.go", 2, 18), Message: "second"},
		{Code: "DAG0403", Message: "nowhere"},
		{Code: "DAG0404", Pos: pos("gone.go", 9, 9), Message: "no excerpt"},
		{Code: "DAG0405", Pos: pos("a.go", 99, 1), Message: "no such line"},
		{Code: "DAG0406", Pos: pos("a.go", 1, 99), Message: "no such column"},
		{Code: "DAG0407", Pos: pos("a.go", 3, 200), End: pos("a.go", 9, 1), Message: "long"},
	}
	assert.Equal(t, "nowhere [DAG0403]\n"+
		"a.go:1:99: no such column [DAG0406]\n"+
		"a.go:2:7: warning: first; mend it [DAG0401]\n\ta.go:1:1: seen here\n"+
		"a.go:2:14: second [DAG0402]\n"+
		"a.go:3:200: long [DAG0407]\n"+
		"a.go:99:1: no such line [DAG0405]\n"+
		"gone.go:9:9: no excerpt [DAG0404]\n", render(t, diag.Printer{Dir: dir}, l))

	assert.Equal(t, "nowhere [DAG0403]\n"+
		"a.go:1:99: no such column [DAG0406]\n"+
		"a.go:2:7: warning: first; mend it [DAG0401]\n"+
		"    2 |     func Fetch(é, x int) {\n"+
		"      |          ^~~~~\n"+
		"\ta.go:1:1: seen here\n"+
		"    1 | package p\n"+
		"      | ^\n"+
		"a.go:2:14: second [DAG0402]\n"+
		"    2 |     func Fetch(é, x int) {\n"+
		"      |                ^~~~\n"+
		"a.go:3:200: long [DAG0407]\n"+
		"    3 | ..."+strings.Repeat("y", 120)+"\n"+
		"      |    "+strings.Repeat(" ", 60)+"^"+strings.Repeat("~", 59)+"\n"+
		"a.go:99:1: no such line [DAG0405]\n"+
		"gone.go:9:9: no excerpt [DAG0404]\n", render(t, diag.Printer{Dir: dir, Excerpts: true}, l))

	coloured := render(t, diag.Printer{Dir: dir, Color: true}, l[1:2])
	assert.Equal(t, "\x1b[1ma.go:2:7:\x1b[0m \x1b[33mwarning:\x1b[0m first; \x1b[36mmend it\x1b[0m \x1b[2m[DAG0401]\x1b[0m\n\ta.go:1:1: seen here\n", coloured)
}

func TestPrintIsCapped(t *testing.T) {
	var l diag.List
	for i := range 60 {
		l.Add(diag.Diagnostic{Pos: pos("a.go", i+1, 1), Message: "x"})
	}
	out := render(t, diag.Printer{}, l)
	assert.Equal(t, 51, strings.Count(out, "\n"))
	assert.True(t, strings.HasSuffix(out, "... and 10 more\n"))
	assert.Equal(t, 60, strings.Count(render(t, diag.Printer{Max: -1}, l), "\n"))
	assert.Equal(t, "a.go:1:1: x\n... and 59 more\n", render(t, diag.Printer{Max: 1}, l))
}

func TestNamesAreRelativeToTheCurrentFolder(t *testing.T) {
	l := diag.List{{Pos: pos("a.go", 1, 1), Message: "x"}, {Pos: pos("/usr/lib/go/b.go", 1, 1), Message: "y"}}
	for cwd, want := range map[string]string{
		"/home/u/m":                       "/usr/lib/go/b.go:1:1: y\na.go:1:1: x\n",
		"/home/u":                         "/usr/lib/go/b.go:1:1: y\nm/a.go:1:1: x\n",
		"/home/u/m/sub":                   "/usr/lib/go/b.go:1:1: y\n../a.go:1:1: x\n",
		"/a/very/long/way/down/in/a/tree": "/usr/lib/go/b.go:1:1: y\n/home/u/m/a.go:1:1: x\n",
	} {
		assert.Equal(t, want, render(t, diag.Printer{Dir: "/home/u/m", Cwd: cwd}, l), cwd)
	}
}

func TestNothingSteersTheTerminal(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte("x\x1b[31m\u202ey\n"), 0o644))
	out := render(t, diag.Printer{Dir: dir, Excerpts: true}, diag.List{{Pos: pos("a.go", 1, 1), Message: "bad \x1b]0;t\x07 \u202e \xff é\nline: 2", Hint: "a\rb",
		Related: []diag.Related{{Pos: pos("b\n.go", 1, 1), Message: "\x00"}}}})
	assert.Equal(t, `a.go:1:1: bad \x1b]0;t\x07 \u202e \xff é\x0aline: 2; a\x0db`+"\n    1 | x\ufffd[31m\ufffdy\n      | ^\n\t"+`b\x0a.go:1:1: \x00`+"\n", out)
}

func TestJSON(t *testing.T) {
	l := diag.List{
		{Code: "DAG0401", Severity: diag.Warning, Pos: pos("a.go", 2, 7), End: pos("a.go", 2, 12), Message: "a <b>", Hint: "mend", Related: []diag.Related{{Pos: pos("b.go", 1, 1), Message: "here"}}},
		{Code: "DAG0402", Message: "x"},
	}
	text, err := json.Marshal(diag.Printer{}.JSON(l))
	require.NoError(t, err)
	assert.JSONEq(t, `[{"code":"DAG0402","severity":"error","file":"","line":0,"column":0,"message":"x"},
		{"code":"DAG0401","severity":"warning","file":"a.go","line":2,"column":7,"end_line":2,"end_column":12,"message":"a <b>","hint":"mend",
		"related":[{"file":"b.go","line":1,"column":1,"message":"here"}]}]`, string(text))
	text, err = json.Marshal(diag.Printer{}.JSON(nil))
	require.NoError(t, err)
	assert.Equal(t, "[]", string(text))
}
