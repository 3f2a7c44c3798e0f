package versionhash

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// An edit is one row of the table: a small package or module, what is edited in it, and what that does to versions. The versions of
// functions and methods whose name starts with Op must change, those of functions whose name starts with Keep must not.
type edit struct {
	name  string   // what is edited, as docs/versions.md says it
	why   string   // for docs/versions.md: the reason, where it is not obvious
	src   string   // a txtar archive, or one file of package p; ROW is the import path of the row
	edits []string // pairs: what is replaced by what, everywhere it occurs; an edit of a file name is one of "-- name --"
	cause string   // the first cause that Diff gives for each Op: "changed Name", names without the row's path
	also  string   // another cause that must be there
	deep  bool     // modules required directly count declaration by declaration

	// For running it, see outputs_test.go.
	run    map[string]string // by function: statements that run it and print with show.Values and show.Call, where made up arguments do not do; p is its package
	flags  []string          // of go build
	quiet  string            // why no output shows the edit, although it changes the version
	unseen string            // why the version of a Keep stays, although its output does not: a decision that docs/versions.md names
}

// module reports whether the row brings its own go.mod.
func (e *edit) module() bool { return strings.Contains(e.src, "-- go.mod --") }

func (e *edit) after() string {
	s := e.src
	for i := 0; i+1 < len(e.edits); i += 2 {
		if !strings.Contains(s, e.edits[i]) {
			panic(fmt.Sprintf("%s: the source has no %q", e.name, e.edits[i]))
		}
		s = strings.ReplaceAll(s, e.edits[i], e.edits[i+1])
	}
	return s
}

// files parses a row's source, with ROW replaced.
func files(src, row string) []txtar.File {
	if !strings.Contains(src, "-- ") {
		src = "-- a.go --\n" + src
	}
	fs := txtar.Parse([]byte(src)).Files
	for i := range fs {
		text := strings.ReplaceAll(string(fs[i].Data), "ROW", row)
		if strings.HasSuffix(fs[i].Name, ".go") && !strings.Contains(text, "package ") {
			text = "package p\n\n" + text
		}
		fs[i].Data = []byte(text)
	}
	return fs
}

const testModule = "example.com/m"

// testEnv is the environment of the go command in tests: without a network, and not in a workspace or with flags of the developer.
func testEnv() []string {
	return append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOWORK=")
}

func writeFiles(t testing.TB, dir string, fs []txtar.File) {
	t.Helper()
	for _, f := range fs {
		file := filepath.Join(dir, filepath.FromSlash(f.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, f.Data, 0o644))
	}
}

func loadDir(t testing.TB, dir string, patterns ...string) *load.Program {
	t.Helper()
	return loadConfig(t, load.Config{Dir: dir, Patterns: patterns, Env: testEnv()})
}

func loadConfig(t testing.TB, c load.Config) *load.Program {
	t.Helper()
	p, diags, err := load.Load(t.Context(), c)
	require.NoError(t, err)
	require.Empty(t, diags)
	return p
}

// loadRows writes one module with a folder for each row that has no go.mod, and loads it at once: type-checking the standard library for
// every row would take minutes.
func loadRows(t testing.TB, rows []edit, text func(*edit) string) *Graph {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, []txtar.File{{Name: "go.mod", Data: []byte("module " + testModule + "\n\ngo 1.26\n")}})
	for i := range rows {
		if rows[i].module() {
			continue
		}
		row := fmt.Sprintf("r%03d", i)
		writeFiles(t, filepath.Join(dir, row), files(text(&rows[i]), testModule+"/"+row))
	}
	g, diags := analyzeDir(t, dir, false)
	require.Empty(t, diags)
	return g
}

// analyzeDir analyses all packages of a folder, with what their directives decide.
func analyzeDir(t testing.TB, dir string, deep bool) (*Graph, diag.List) {
	t.Helper()
	c := load.Config{Dir: dir, Patterns: []string{"./..."}, Env: testEnv(), Deep: deep}
	p := loadConfig(t, c)
	g, diags := Analyze(p, Options{Decisions: decided(p)})
	sameFromCache(t, g, c)
	return g, diags
}

// symbolsOf are the functions below an import path that a row makes claims of.
func symbolsOf(g *Graph, prefix string) []string {
	var out []string
	for n, s := range g.sums {
		name := g.names[n]
		if s.kind != manifest.KindFunc && s.kind != manifest.KindMethod || name != prefix && !strings.HasPrefix(name, prefix+".") && !strings.HasPrefix(name, prefix+"/") {
			continue
		}
		if base := name[strings.LastIndexByte(name, '.')+1:]; strings.HasPrefix(base, "Op") || strings.HasPrefix(base, "Keep") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// check compares the manifests of a row before and after.
func (e *edit) check(t *testing.T, before, after *Graph, prefix string) {
	t.Helper()
	symbols := symbolsOf(before, prefix)
	require.NotEmpty(t, symbols)
	require.Equal(t, symbols, symbolsOf(after, prefix), "a row edits functions, it does not rename them")
	m0, diags0 := before.Manifest(symbols)
	m1, diags1 := after.Manifest(symbols)
	require.Empty(t, diags0)
	require.Empty(t, diags1)
	for _, m := range []*manifest.Manifest{m0, m1} {
		again, err := manifest.Parse(m.Text())
		require.NoError(t, err)
		require.Equal(t, m.Text(), again.Text())
	}
	changes := false
	for _, s := range symbols {
		v0, _ := m0.Version(s)
		v1, _ := m1.Version(s)
		var got []string
		for _, c := range manifest.Diff(m0.Closure(s), m1.Closure(s), s) {
			got = append(got, c.Change+" "+short(c.Name, prefix))
			assert.Equal(t, c.Name, c.Path[len(c.Path)-1])
		}
		if strings.HasPrefix(s[strings.LastIndexByte(s, '.')+1:], "Keep") {
			assert.Equal(t, v0, v1, "%s must not change; causes: %v", s, got)
			continue
		}
		changes = true
		if !assert.NotEqual(t, v0, v1, "%s must change", s) {
			continue
		}
		assert.Equal(t, e.cause, got[0], "the first cause; all: %v", got)
		if e.also != "" {
			assert.Contains(t, got, e.also)
		}
	}
	assert.Equal(t, changes, e.cause != "", "a row with a change names its cause")
}

func short(name, prefix string) string {
	kind, rest, ok := strings.Cut(name, ":")
	if !ok {
		kind, rest = "", name
	} else {
		kind += ":"
	}
	if rest == prefix {
		return kind + "."
	}
	rest = strings.TrimPrefix(rest, prefix)
	return kind + strings.TrimLeft(rest, "./")
}

func TestEdits(t *testing.T) {
	rows := allEdits()
	before := loadRows(t, rows, func(e *edit) string { return e.src })
	after := loadRows(t, rows, (*edit).after)
	seen := map[string]bool{}
	for i := range rows {
		e := &rows[i]
		t.Run(e.name, func(t *testing.T) {
			assert.False(t, seen[e.name], "a name is given twice")
			seen[e.name] = true
			if e.module() {
				e.checkModule(t)
				return
			}
			e.check(t, before, after, fmt.Sprintf("%s/r%03d", testModule, i))
		})
	}
}

// checkModule loads a row that is a module of its own.
func (e *edit) checkModule(t *testing.T) {
	t.Helper()
	graphs := [2]*Graph{}
	for i, text := range []string{e.src, e.after()} {
		dir := t.TempDir()
		writeFiles(t, dir, files(text, testModule))
		g, diags := analyzeDir(t, dir, e.deep)
		require.Empty(t, diags)
		graphs[i] = g
	}
	e.check(t, graphs[0], graphs[1], testModule)
}

// allEdits is the whole table, in the order of docs/versions.md.
func allEdits() []edit {
	var rows []edit
	for _, s := range sections {
		rows = append(rows, s.rows...)
	}
	return rows
}

// sections are the parts of the table.
var sections = []struct {
	title string
	rows  []edit
}{
	{"Functions and methods", codeEdits},
	{"Interfaces, reflection and generics", dispatchEdits},
	{"Constants and types", typeEdits},
	{"Package state", stateEdits},
	{"Files, packages and modules", moduleEdits},
	{"Modules required directly, with -deps=declarations", directEdits},
	{"What directives decide, and GODEBUG", decidedEdits},
	{"What changes nothing", neutralEdits},
}
