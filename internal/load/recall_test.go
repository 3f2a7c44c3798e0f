package load

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/cache"
)

// A shop is a module on disk, and a go command that counts its calls.
type shop struct {
	t     *testing.T
	dir   string // of the module
	calls string // a file with a line for each call of the go command
	env   []string
	cache *cache.Store
}

const shopFiles = `
-- m/go.mod --
module example.com/m

go 1.26

require (
	example.com/r v1.0.0
	example.com/unused v1.0.0
	github.com/dagstergen/dagstergen v1.0.0
)

replace (
	example.com/r => ../r
	example.com/unused => ../unused
	github.com/dagstergen/dagstergen => ../framework
)
-- m/a/a.go --
// Package a is one.
package a

import (
	_ "embed"

	"example.com/m/b"
	"example.com/r"
)

//go:embed text/*.txt
var text string

// A calls.
func A() int { return b.B() + r.R() + len(text) }
-- m/a/a_test.go --
package a

import "testing"

func TestA(*testing.T) {}
-- m/a/a_windows.go --
package a
-- m/a/text/one.txt --
1
-- m/a/text/more/two.txt --
2
-- m/a/notes.md --
# Notes
-- m/b/b.go --
package b

// B is called.
func B() int { return 1 }
-- m/b/b.s --
// assembly
-- m/b/data.json --
{}
-- m/other/go.mod --
module example.com/m/other
-- m/other/o.go --
package other
-- m/ignored/i.go --
//go:build never

package ignored
-- m/testdata/t.go --
package testdata
-- m/deep/er/d.txt --
nothing
-- r/go.mod --
module example.com/r

go 1.26
-- r/r.go --
package r

// R is called.
func R() int { return 1 }
-- r/not/n.go --
package not
-- unused/go.mod --
module example.com/unused

go 1.26
-- framework/go.mod --
module github.com/dagstergen/dagstergen

go 1.26
-- framework/runtime/dag/dag.go --
package dag
`

// newShop writes files in place of those of shopFiles that have the same names.
func newShop(t *testing.T, files string) *shop {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, txtar.Write(txtar.Parse([]byte(shopFiles)), top))
	for _, f := range txtar.Parse([]byte(files)).Files { // which txtar.Write would not put over another
		name := filepath.Join(top, f.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, f.Data, 0o644))
	}
	real, err := exec.LookPath("go")
	require.NoError(t, err)
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	version, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "VERSION"))
	require.NoError(t, err)
	s := &shop{t: t, dir: filepath.Join(top, "m"), calls: filepath.Join(top, "calls"), cache: cache.Open(filepath.Join(top, "cache"))}
	require.NotNil(t, s.cache)
	s.put("../go/VERSION", string(version))
	s.put("../go/bin/go", "#!/bin/sh\necho \"$@\" >> "+s.calls+"\nexec "+real+" \"$@\"\n")
	require.NoError(t, os.Chmod(s.path("../go/bin/go"), 0o755))
	s.env = append(os.Environ(), "PATH="+s.path("../go/bin"), "GOROOT="+strings.TrimSpace(string(root)), "GOPROXY=off", "GOFLAGS=", "GOTOOLCHAIN=local", "GOWORK=", "GOENV=off", "GO111MODULE=")
	return s
}

func (s *shop) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *shop) put(name, text string) {
	s.t.Helper()
	require.NoError(s.t, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	require.NoError(s.t, os.WriteFile(s.path(name), []byte(text), 0o644))
}

// replace changes a file.
func (s *shop) replace(name, old, new string) {
	s.t.Helper()
	src, err := os.ReadFile(s.path(name))
	require.NoError(s.t, err)
	require.Contains(s.t, string(src), old)
	s.put(name, strings.Replace(string(src), old, new, 1))
}

func (s *shop) remove(name string) {
	s.t.Helper()
	require.NoError(s.t, os.RemoveAll(s.path(name)))
}

func (s *shop) config(patterns ...string) Config {
	return Config{Dir: s.dir, Patterns: patterns, Env: s.env, Cache: s.cache, Target: DefaultTarget()}
}

// load loads, and returns how often the go command was called for it.
func (s *shop) load(c Config) (*Program, int) {
	s.t.Helper()
	s.remove("../calls")
	p, diags, err := Load(s.t.Context(), c)
	require.NoError(s.t, err)
	require.Empty(s.t, diags)
	text, err := os.ReadFile(s.calls)
	if err != nil {
		require.ErrorIs(s.t, err, fs.ErrNotExist)
	}
	return p, strings.Count(string(text), "\n")
}

// warm loads until the answer is kept: what was written just now is looked at before it is believed.
func (s *shop) warm(c Config) {
	s.t.Helper()
	for range 3 {
		if _, calls := s.load(c); calls == 0 {
			return
		}
	}
	require.FailNow(s.t, "nothing is kept")
}

// knows reports whether the cache has the answer.
func (s *shop) knows(c Config) bool {
	r := newRecall(c, c.Dir)
	return r != nil && r.found != nil
}

// snapshot returns a function that makes the disk as it is now, but for what lies in a cache.
func (s *shop) snapshot() (restore func()) {
	top := filepath.Dir(s.dir)
	copied := s.t.TempDir()
	own := func(name string) bool { return name == "cache" || name == "go" || name == "calls" }
	entries, err := os.ReadDir(top)
	require.NoError(s.t, err)
	for _, e := range entries {
		if e.IsDir() && !own(e.Name()) {
			require.NoError(s.t, os.CopyFS(filepath.Join(copied, e.Name()), os.DirFS(filepath.Join(top, e.Name()))))
		} else if !own(e.Name()) {
			require.NoError(s.t, exec.Command("cp", filepath.Join(top, e.Name()), copied).Run())
		}
	}
	return func() {
		entries, err := os.ReadDir(top)
		require.NoError(s.t, err)
		for _, e := range entries {
			if !own(e.Name()) {
				require.NoError(s.t, os.RemoveAll(filepath.Join(top, e.Name())))
			}
		}
		require.NoError(s.t, os.CopyFS(top, os.DirFS(copied)))
	}
}

func TestNothingChanged(t *testing.T) {
	for _, patterns := range [][]string{{"./..."}, {"./a"}, {"./a", "./b"}, {"example.com/m/a"}, {"example.com/m/..."}, {"../m/..."}, {"./a/..."}} {
		s := newShop(t, "")
		c := s.config(patterns...)
		plain := c
		plain.Cache = nil
		want, calls := s.load(plain)
		assert.Positive(t, calls)
		s.warm(c)
		got, calls := s.load(c)
		assert.Zero(t, calls, "%q", patterns)
		assert.Equal(t, describe(want), describe(got))
		seen, ok := got.Seen()
		assert.True(t, ok)
		assert.NotEmpty(t, seen)
		_, ok = want.Seen()
		assert.False(t, ok)
	}
}

// describe is all of a program that comes from go list.
func describe(p *Program) map[string]Package {
	out := map[string]Package{}
	for path, lp := range p.Packages {
		d := Package{Path: lp.Path, Name: lp.Name, Dir: lp.Dir, Local: lp.Local, GoFiles: lp.GoFiles, OtherFiles: lp.OtherFiles, IgnoredFiles: lp.IgnoredFiles,
			EmbedFiles: lp.EmbedFiles, Generated: lp.Generated, Module: lp.Module}
		out[path] = d
	}
	return out
}

// Each edit of the module, and whether the answer of go list is still taken from the cache. Where it is, it must be what go list says now.
func TestEditsOfAModule(t *testing.T) {
	s := newShop(t, "")
	everything, one := s.config("./..."), s.config("./a")
	s.warm(everything)
	s.warm(one)
	restore := s.snapshot()
	const both, all, none = 2, 1, 0 // whose answer is lost: that of ./a too, that of ./... alone, neither
	for _, c := range []struct {
		name string
		lost int
		edit func()
	}{
		{"nothing", none, func() {}},
		{"written again", none, func() { s.replace("a/a.go", "one", "one") }},
		{"a body", none, func() { s.replace("b/b.go", "return 1", "return 2") }},
		{"a body in a file that embeds", none, func() { s.replace("a/a.go", "+ r.R()", "- r.R()") }},
		{"a function more", none, func() { s.replace("b/b.go", "// B", "func c() {}\n\n// B") }},
		{"a doc comment", none, func() { s.replace("b/b.go", "// B is", "// B was") }},
		{"a body of the replaced module", none, func() { s.replace("../r/r.go", "return 1", "return 2") }},
		{"a body of a test", none, func() { s.replace("a/a_test.go", "TestA", "TestB") }},
		{"what is embedded", none, func() { s.put("a/text/one.txt", "3") }},
		{"a file that is no source", none, func() { s.put("a/more.md", "x") }},
		{"a file that is no source beside none", none, func() { s.put("b/more.json", "x") }},
		{"a hidden file", none, func() { s.put("b/.b.s", "x") }},
		{"testdata", none, func() { s.put("testdata/new/t.go", "package t") }},
		{"another module's packages", none, func() { s.put("other/new/o.go", "package o") }},
		{"another package of the replaced module", none, func() { s.put("../r/not/o.go", "package not") }},
		{"an import", both, func() { s.replace("b/b.go", "package b\n", "package b\n\nimport _ \"os\"\n") }},
		{"an import of the replaced module", both, func() { s.replace("../r/r.go", "package r\n", "package r\n\nimport _ \"os\"\n") }},
		{"an import gone", both, func() { s.replace("a/a.go", "\t\"example.com/r\"\n", "") }},
		{"a constraint", both, func() { s.replace("b/b.go", "package b", "//go:build linux\n\npackage b") }},
		{"a constraint of a file that is left out", both, func() { s.replace("a/a_windows.go", "package a", "//go:build linux\n\npackage a") }},
		{"a constraint of another time", both, func() { s.replace("b/b.go", "package b", "// +build linux\n\npackage b") }},
		{"a constraint of assembly", both, func() { s.replace("b/b.s", "// assembly", "//go:build windows") }},
		{"a package clause", both, func() { s.replace("b/b.go", "package b", "package bb") }},
		{"a test of another package", both, func() { s.replace("a/a_test.go", "package a", "package c") }},
		{"a debug line", both, func() { s.replace("b/b.go", "package b", "//go:debug panicnil=1\npackage b") }},
		{"what embeds", both, func() { s.replace("a/a.go", "go:embed text/*.txt", "go:embed text") }},
		{"a preamble", both, func() { s.replace("b/b.go", "package b\n", "package b\n\n// int x;\nimport \"C\"\n") }},
		{"a Go file more", both, func() { s.put("b/c.go", "package b") }},
		{"a test more", both, func() { s.put("b/b_test.go", "package b") }},
		{"a Go file gone", both, func() { s.remove("a/a_windows.go") }},
		{"a Go file renamed", both, func() { require.NoError(t, os.Rename(s.path("b/b.go"), s.path("b/b_linux.go"))) }},
		{"a C file more", both, func() { s.put("b/c.c", "int x;") }},
		{"a generated file more", both, func() { s.put("b/dag_gen.go", Header+"\n\n//go:build !dagstergen\n\npackage b\n") }},
		{"a file more to embed", both, func() { s.put("a/text/three.txt", "3") }},
		{"a file less to embed", both, func() { s.remove("a/text/one.txt"); s.put("a/text/four.txt", "1") }},
		{"a file to embed becomes a link", both, func() {
			require.NoError(t, os.Rename(s.path("a/text/one.txt"), s.path("a/one")))
			require.NoError(t, os.Symlink("../one", s.path("a/text/one.txt")))
		}},
		{"the folder to embed becomes a module", both, func() { s.put("a/text/go.mod", "module x") }},
		{"a source becomes a link to the same", both, func() {
			require.NoError(t, os.Rename(s.path("b/b.go"), s.path("b/b.txt")))
			require.NoError(t, os.Symlink("b.txt", s.path("b/b.go")))
		}},
		{"the package becomes a module", both, func() { s.put("b/go.mod", "module x") }},
		{"go.mod", both, func() { s.replace("go.mod", "go 1.26", "go 1.26.0") }},
		{"go.mod is gone", both, func() { s.remove("go.mod") }},
		{"go.sum", both, func() { s.put("go.sum", "example.com/x v1.0.0 h1:1\n") }},
		{"go.work in the folder", both, func() { s.put("go.work", "go 1.26\n\nuse .\n") }},
		{"go.work above", both, func() { s.put("../go.work", "go 1.26\n\nuse ./m\n") }},
		{"vendor", both, func() { require.NoError(t, os.Mkdir(s.path("vendor"), 0o755)) }},
		{"vendor/modules.txt", both, func() { s.put("vendor/modules.txt", "# x v1\n") }},
		{"go.mod of the replaced module", both, func() { s.replace("../r/go.mod", "go 1.26", "go 1.25") }},
		{"go.mod of a module nobody uses", both, func() { s.replace("../unused/go.mod", "go 1.26", "go 1.25") }},
		{"the replaced module is gone", both, func() { s.remove("../r") }},
		{"the framework", both, func() { s.replace("../framework/runtime/dag/dag.go", "package dag", "package dag\n\nimport _ \"os\"") }},
		{"a new package", all, func() { s.put("new/n.go", "package n") }},
		{"a new package far below", all, func() { s.put("deep/er/d.go", "package d") }},
		{"a new package below the package", all, func() { s.put("a/below/b.go", "package b") }},
		{"a package that was ignored", all, func() { s.replace("ignored/i.go", "never", "linux") }},
		{"another module becomes ours", all, func() { s.remove("other/go.mod") }},
		{"a module more", all, func() { s.put("deep/go.mod", "module x") }},
		{"our files where nothing else is", all, func() { s.put("deep/dag_gen.go", Header+"\n\n//go:build !dagstergen\n\npackage b\n") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.edit()
			assert.Equal(t, c.lost < all, s.knows(everything), "./...")
			assert.Equal(t, c.lost < both, s.knows(one), "./a")
			if c.lost == none {
				plain := everything
				plain.Cache = nil
				want, _ := s.load(plain)
				got, calls := s.load(everything)
				assert.Zero(t, calls)
				assert.Equal(t, describe(want), describe(got))
			}
			restore()
			assert.True(t, s.knows(everything) && s.knows(one), "what was undone")
		})
	}
}

// Each setting that may change an answer makes it another one.
func TestEditsOfSettings(t *testing.T) {
	s := newShop(t, "")
	base := s.config("./a")
	s.warm(base)
	set := func(kv string) func(c *Config) {
		return func(c *Config) { c.Env = append(append([]string{}, c.Env...), kv) }
	}
	for name, c := range map[string]struct {
		set  func(c *Config)
		same bool
	}{
		"nothing":                {func(*Config) {}, true},
		"another variable":       {set("EDITOR=vi"), true},
		"a place of go generate": {set("GOLINE=7"), true},
		"GOFLAGS":                {set("GOFLAGS=-mod=mod"), false},
		"an overlay":             {set("GOFLAGS=-overlay=x.json"), false},
		"another go.mod":         {set("GOFLAGS=-modfile=x.mod"), false},
		"GOWORK":                 {set("GOWORK=off"), false},
		"GOPATH":                 {set("GOPATH=/x"), false},
		"GOMODCACHE":             {set("GOMODCACHE=/x"), false},
		"HOME":                   {set("HOME=/x"), false},
		"GOEXPERIMENT":           {set("GOEXPERIMENT=x"), false},
		"GODEBUG":                {set("GODEBUG=x=1"), false},
		"GOPRIVATE":              {set("GOPRIVATE=x"), false},
		"CGO_CFLAGS":             {set("CGO_CFLAGS=-g"), false},
		"no modules":             {set("GO111MODULE=off"), false},
		"toolchains on PATH":     {set("GOTOOLCHAIN=path"), false},
		"no go command":          {set("PATH=/nowhere"), false},
		"a pattern":              {func(c *Config) { c.Patterns = []string{"./b"} }, false},
		"all":                    {func(c *Config) { c.Patterns = []string{"all"} }, false},
		"a file":                 {func(c *Config) { c.Patterns = []string{"a/a.go"} }, false},
		"the folder":             {func(c *Config) { c.Dir, c.Patterns = s.path("a"), []string{"."} }, false},
		"no cache":               {func(c *Config) { c.Cache = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			config := base
			c.set(&config)
			assert.Equal(t, c.same, s.knows(config))
		})
	}
	s.put("../env", "GOFLAGS=-mod=mod\n")
	written := base
	set("GOENV=" + s.path("../env"))(&written)
	s.warm(written)
	assert.True(t, s.knows(written))
	s.put("../env", "GOFLAGS=-mod=mod\nGOPROXY=off\n")
	assert.False(t, s.knows(written), "what go env -w wrote")
	s.put("../env", "GOTOOLCHAIN=local+path\n")
	set("GOTOOLCHAIN=")(&written)
	assert.Nil(t, newRecall(written, s.dir))

	s.replace("../go/bin/go", "exec", "exec ") // another size
	assert.False(t, s.knows(base), "another go command")
	s.warm(base)
	s.put("../go/VERSION", "go1.99.9\n")
	assert.False(t, s.knows(base), "another release of Go")
	s.put("../go/VERSION", "devel go1.99\n")
	assert.Nil(t, newRecall(base, s.dir), "a Go that is being worked on")
	s.remove("../go/VERSION")
	assert.Nil(t, newRecall(base, s.dir), "a program that is called go")
}
