package versionhash

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/load"
)

// summarized counts how many packages were summarised by the loads of [lightOnly].
var summarized atomic.Int64

// lightOnly asks for a summary of every package that can have one and has no directives.
func lightOnly() *load.Light {
	return &load.Light{
		Need: func(src []byte) load.Need {
			if bytes.Contains(src, []byte("dag:")) {
				return load.NeedSyntax
			}
			return load.NeedSummary
		},
		Summarize: func(p *load.Program, lp *load.Package) []byte {
			summarized.Add(1)
			return Summarize(p, lp)
		},
		Restore: Restore,
	}
}

// testStore is one cache for all tests of the package, so that each finds what those before it left, of the same and of other modules.
var testStore = sync.OnceValue(func() *cache.Store {
	dir, err := os.MkdirTemp("", "versionhash")
	if err != nil {
		panic(err)
	}
	testFolders = append(testFolders, dir)
	return cache.Open(dir)
})

var testFolders []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range testFolders {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// sameFromCache loads a folder as the generator does, with the cache that earlier tests filled, and compares with a graph of whole packages: every summary, and
// the manifest of every symbol of the main module.
func sameFromCache(t testing.TB, whole *Graph, c load.Config) *load.Program {
	t.Helper()
	c.Light, c.Cache = lightOnly(), testStore()
	light := loadConfig(t, c)
	sameSummaries(t, light, whole.prog)
	o := whole.opts
	o.Decisions = decided(light)
	sameManifests(t, whole, light, o)
	return light
}

// sameSummaries compares what packages were summarised to while they were loaded, or before, with what a scan of whole packages finds.
func sameSummaries(t testing.TB, light, whole *load.Program) (compared int) {
	t.Helper()
	for _, lp := range light.Analyzed() {
		got, ok := lp.Summary.(*packageSummary)
		if !ok {
			continue
		}
		assert.Nil(t, lp.Syntax)
		assert.Nil(t, lp.Info)
		want := newEnv(whole, Options{Runtime: load.RuntimePath}).scan(whole.Packages[lp.Path])
		require.Len(t, got.out, len(want.out), lp.Path)
		for i, s := range want.out {
			if !assert.Equal(t, s, got.out[i], lp.Path) {
				break
			}
			compared++
		}
		rest := *got
		rest.out, rest.files, want.out = nil, nil, nil
		assert.Equal(t, *want, rest, lp.Path)
	}
	return compared
}

// sameManifests compares the manifests of all symbols of local packages, and where their nodes stand.
func sameManifests(t testing.TB, whole *Graph, light *load.Program, o Options) {
	t.Helper()
	g, diags := Analyze(light, o)
	require.Empty(t, diags)
	var symbols []string
	for name, n := range whole.byName {
		if _, _, ok := whole.entry(name); ok && whole.sums[n].pkg >= 0 {
			symbols = append(symbols, name)
		}
	}
	slices.Sort(symbols)
	want, diags := whole.Manifest(symbols)
	got, again := g.Manifest(symbols)
	assert.Equal(t, diags, again)
	if want.Text() != got.Text() { // no difference of a megabyte
		assert.Equal(t, strings.Split(want.Text(), "\n"), strings.Split(got.Text(), "\n"))
	}
	for _, n := range want.Nodes {
		assert.Equal(t, whole.Pos(n.Name), g.Pos(n.Name), n.Name)
	}
	assert.Equal(t, whole.Packages(symbols), g.Packages(symbols))
}

// TestThisRepositoryFromACache does the same with packages of other modules from the module cache, of which more is kept.
func TestThisRepositoryFromACache(t *testing.T) {
	c := load.Config{Dir: "..", Patterns: []string{"./gen/...", "./runtime/storage/sqlite"}, Env: testEnv()}
	whole, diags := Analyze(loadConfig(t, c), Options{})
	require.Empty(t, diags)
	for name, p := range whole.prog.Packages {
		pinned := strings.HasPrefix(name, "golang.org/x/tools/") || strings.HasPrefix(name, "github.com/dave/")
		assert.Equal(t, pinned, pinned && p.Module.Sum != "", name)
		assert.False(t, p.Local && p.Module.Sum != "", name)
	}
	dir := t.TempDir()
	o := Options{Cache: cache.Open(dir)}
	var made int64
	for i := range 2 {
		c.Light, c.Cache = lightOnly(), o.Cache
		c.Light.Need = func([]byte) load.Need { return load.NeedSummary }
		before := summarized.Load()
		light := loadConfig(t, c)
		if made = summarized.Load() - before; i == 0 {
			assert.Greater(t, made, int64(5))
			assert.Greater(t, sameSummaries(t, light, whole.prog), 500)
		}
		sameManifests(t, whole, light, o)
		kept, err := filepath.Glob(filepath.Join(dir, "*", string(kindContents), "*", "*"))
		require.NoError(t, err)
		assert.Greater(t, len(kept), 5)
	}
	assert.Zero(t, made)
	o.Cache = o.Cache.Verifying()
	sameManifests(t, whole, loadConfig(t, c), o)
	assert.Empty(t, o.Cache.Mismatches())
}

// chain is a module in which a uses b, b uses c, and d uses c but shows nothing of it.
const chain = `
-- a/a.go --
package a

import "example.com/m/b"

func A() int { return b.B().N }
-- b/b.go --
package b

import "example.com/m/c"

func B() c.T { return c.T{N: c.F()} }
-- c/c.go --
package c

type T struct{ N int }

const K = 1.5

func F() int { return 1 }
-- d/d.go --
package d

import "example.com/m/c"

func D() int { return c.F() }
-- e/e.go --
package e

import "example.com/m/d"

func E() int { return d.D() }
`

// TestWhatAnEditSummarises counts: an edit of a body is one package's own affair, an edit of what a package declares is that of those who can see it.
func TestWhatAnEditSummarises(t *testing.T) {
	for _, e := range []struct {
		name, file, from, to string
		want                 int64
	}{
		{"nothing", "", "", "", 0},
		{"a comment above all", "c/c.go", "package c", "// Package c.\n\npackage c", 1},
		{"a body at the bottom", "c/c.go", "return 1", "return 2", 1},
		{"a function nobody sees", "c/c.go", "func F()", "func g() {}\n\nfunc F()", 1},
		{"a body at the top", "a/a.go", ".N", ".N + 1", 1},
		{"a type", "c/c.go", "N int", "N int `json:\"n\"`", 4}, // c, b, a, and d, which imports it; but not e, which cannot see it
		{"a constant", "c/c.go", "1.5", "1.25", 4},
		{"a result", "b/b.go", "func B() c.T {", "func B() (t c.T) {", 2},
		{"another function", "d/d.go", "func D()", "func D2() {}\n\nfunc D()", 2},
		{"an import for what it does", "e/e.go", "import", "import _ \"example.com/m/c\"\nimport", 1},
		{"a new file", "c/more.go", "", "package c\n", 1},
		{"another platform's file", "c/c_windows.go", "", "package c\n", 4},
		{"a test", "c/c_test.go", "", "package c\n", 0},
	} {
		t.Run(e.name, func(t *testing.T) {
			dir := moduleDir(t, chain)
			c := load.Config{Dir: dir, Patterns: []string{"./..."}, Env: testEnv(), Light: lightOnly(), Cache: cache.Open(t.TempDir())}
			loadConfig(t, c)
			if e.file != "" {
				old, err := os.ReadFile(dir + "/" + e.file)
				text := e.to
				if err == nil {
					require.Contains(t, string(old), e.from)
					text = strings.Replace(string(old), e.from, e.to, 1)
				}
				writeFiles(t, dir, []txtar.File{{Name: e.file, Data: []byte(text)}})
			}
			before := summarized.Load()
			light := loadConfig(t, c)
			assert.Equal(t, e.want, summarized.Load()-before)
			for _, lp := range light.Locals() {
				assert.NotNil(t, lp.Summary, lp.Path)
			}
			g, _ := Analyze(loadConfig(t, load.Config{Dir: dir, Patterns: c.Patterns, Env: c.Env}), Options{})
			sameSummaries(t, light, g.prog)
			sameManifests(t, g, light, Options{})
		})
	}
}
