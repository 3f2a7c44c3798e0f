package versionhash

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// moduleDir writes a txtar archive as a module; without a go.mod it is example.com/m.
func moduleDir(t testing.TB, archive string) string {
	t.Helper()
	dir := t.TempDir()
	if !strings.Contains(archive, "-- go.mod --") {
		archive = "-- go.mod --\nmodule example.com/m\n\ngo 1.26\n" + archive
	}
	writeFiles(t, dir, txtar.Parse([]byte(archive)).Files)
	return dir
}

// version computes the version of one symbol, which must not have errors.
func version(t testing.TB, g *Graph, symbol string) canon.Digest {
	t.Helper()
	m, diags := g.Manifest([]string{symbol})
	require.Empty(t, diags)
	v, ok := m.Version(symbol)
	require.True(t, ok)
	return v
}

func analyze(t testing.TB, dir string, o Options, patterns ...string) *Graph {
	t.Helper()
	g, diags := Analyze(loadDir(t, dir, patterns...), o)
	require.Empty(t, diags)
	return g
}

const shop = `
-- a/a.go --
package a

import (
	"example.com/m/b"
	_ "example.com/m/plugin"
)

type T struct{ n int }

func (t *T) Op(x int) int { return b.F(x) + t.n }

func Op() int { return b.F(1) }

func State() int { return b.V }

var Strategy = T{}

func (T) String() string { return "t" }

type Config struct{ N int }

func broken() int { return nothing + "a" }

func UsesBroken() int { return broken() }
-- b/b.go --
package b

import "example.com/m/c"

var V int

func F(x int) int { return x + c.N }
-- c/c.go --
package c

const N = 1
-- plugin/plugin.go --
package plugin

import "example.com/m/b"

func Set() { b.V = 1 }
-- lone/lone.go --
package lone

import "example.com/m/b"

func init() { b.V = 2 }
-- main.go --
package main

import "example.com/m/a"

func main() { println(a.Op()) }
`

// broken is left out where a test needs a program without errors.
var soundShop = strings.Replace(strings.Replace(shop, "func broken() int { return nothing + \"a\" }\n", "", 1), "func UsesBroken() int { return broken() }\n", "", 1)

func TestSymbols(t *testing.T) {
	g := analyze(t, moduleDir(t, soundShop), Options{}, "./...")
	symbols := []string{"example.com/m/a.(*T).Op", "example.com/m/a.Op", "example.com/m/a.Strategy", "example.com/m/a.Config", "example.com/m/a.T"}
	m, diags := g.Manifest(append(symbols, symbols...))
	require.Empty(t, diags)
	require.Len(t, m.Entries, len(symbols))
	versions := map[canon.Digest]bool{}
	for _, s := range symbols {
		v, ok := m.Version(s)
		assert.True(t, ok, s)
		assert.False(t, versions[v], s)
		versions[v] = true
		assert.Equal(t, v, version(t, g, s), "a version does not depend on what else is asked for")
		assert.Positive(t, g.Pos(s).Line, s)
	}
	assert.Equal(t, "rt:example.com/m/a.T", m.Entries[4].Node, "a type stands for its values: %v", m.Entries)
	assert.Equal(t, filepath.Join("a", "a.go"), g.Pos("example.com/m/a.Op").Filename)
	assert.Equal(t, 12, g.Pos("example.com/m/a.Op").Line)
	assert.Zero(t, g.Pos("example.com/m/a.Nothing"))
	assert.Zero(t, g.Pos("env"))
}

func TestUnknownSymbol(t *testing.T) {
	g := analyze(t, moduleDir(t, soundShop), Options{}, "./...")
	for _, s := range []string{"example.com/m/a.Nothing", "", "a.Op", "example.com/m/c.N", "env", "rt:example.com/m/a.T"} {
		m, diags := g.Manifest([]string{s})
		require.Len(t, diags, 1, s)
		assert.Equal(t, "DAG0601", diags[0].Code)
		assert.Contains(t, diags[0].Message, "no declaration "+s)
		assert.Empty(t, m.Entries)
	}
}

func TestErrorsCountWhereTheyAreReached(t *testing.T) {
	g := analyze(t, moduleDir(t, shop), Options{}, "./...")
	_, diags := g.Manifest([]string{"example.com/m/a.Op"})
	assert.Empty(t, diags, "an error elsewhere in the package is not this op's")
	_, diags = g.Manifest([]string{"example.com/m/a.UsesBroken"})
	require.Len(t, diags, 1)
	assert.Equal(t, filepath.Join("a", "a.go")+":22:28: undefined: nothing, in example.com/m/a.broken, which the version of example.com/m/a.UsesBroken covers; declare it, or correct the name [DAG0602]", diags[0].String())

	g = analyze(t, moduleDir(t, strings.Replace(shop, "nothing + ", "", 1)), Options{}, "./...")
	_, diags = g.Manifest([]string{"example.com/m/a.UsesBroken"})
	require.Len(t, diags, 1)
	assert.Equal(t, "DAG0603", diags[0].Code)
	assert.Contains(t, diags[0].Message, "cannot use \"a\"")
}

func TestGeneratedNames(t *testing.T) {
	src := `
-- a/a.go --
package a

import (
	"context"

	"example.com/m/b"
)

func Op(ctx context.Context) (int, error) {
	out, err := NightlyJob.Run(ctx, NightlyInputs{Cities: []string{"x"}, N: 1})
	if err != nil {
		return 0, err
	}
	_ = b.Definitions.Jobs
	return out.N, nil
}
-- b/b.go --
package b
`
	dir := moduleDir(t, src)
	generated := func(pkgPath, name string) bool {
		return pkgPath == "example.com/m/a" && strings.HasPrefix(name, "Nightly") || pkgPath == "example.com/m/b" && name == "Definitions"
	}
	g := analyze(t, dir, Options{Generated: generated}, "./...")
	before := version(t, g, "example.com/m/a.Op")

	g = analyze(t, dir, Options{}, "./...")
	_, diags := g.Manifest([]string{"example.com/m/a.Op"})
	require.Len(t, diags, 3)
	for _, d := range diags {
		assert.Equal(t, "DAG0602", d.Code)
	}

	// What the generator writes does not count: the versions in it could not be part of themselves.
	writeFiles(t, dir, []txtar.File{
		{Name: "a/dag_gen.go", Data: []byte(load.Header + "\n\npackage a\n\nvar NightlyJob, x = 1, 2\ntype NightlyInputs int\n")},
		{Name: "b/dag_gen.go", Data: []byte(load.Header + "\n\npackage b\n\nvar Definitions = 1\n")},
	})
	g = analyze(t, dir, Options{Generated: generated}, "./...")
	assert.Equal(t, before, version(t, g, "example.com/m/a.Op"))

	// The names themselves and what is done with them do.
	for _, edit := range [][2]string{{"NightlyJob.Run", "NightlyOther.Run"}, {"NightlyInputs{", "NightlyIn{"}, {"N: 1", "N: 2"}, {"N: 1", "M: 1"}, {"out.N", "out.M"}, {"Definitions.Jobs", "Definitions.Ops"}} {
		g = analyze(t, moduleDir(t, strings.Replace(src, edit[0], edit[1], 1)), Options{Generated: generated}, "./...")
		assert.NotEqual(t, before, version(t, g, "example.com/m/a.Op"), "%v", edit)
	}
}

func TestSourcesAreWhatIsReached(t *testing.T) {
	g := analyze(t, moduleDir(t, soundShop), Options{}, "./...")
	for symbol, want := range map[string][]string{
		"example.com/m/a.Op":     {"example.com/m/a", "example.com/m/b", "example.com/m/c"}, // c by a constant alone
		"example.com/m/a.Config": {"example.com/m/a"},
		// plugin could set b.V when it is edited, and a imports it; lone could too, but no one runs it.
		"example.com/m/a.State":  {"example.com/m/a", "example.com/m/b", "example.com/m/plugin"},
		"example.com/m/a.Nobody": nil,
	} {
		assert.Equal(t, want, g.Packages([]string{symbol}), symbol)
		m, _ := g.Manifest([]string{symbol})
		var got []string
		for _, p := range m.Packages {
			got = append(got, p.Path)
		}
		assert.Equal(t, want, got, symbol)
	}
}

func TestSourcesProveThemselves(t *testing.T) {
	src := `
-- a/a.go --
package a

import "embed"

//go:embed data/* "odd name.txt"
var fs embed.FS

func Op() embed.FS { native(); return fs }

func native()
-- a/native_amd64.s --
TEXT
-- a/other_windows.go --
package a
-- a/f_windows.go --
package a

func f() {}
-- a/gen.go --
//go:build ignore

package main
-- a/data/x --
1
-- a/data/.hidden --
1
-- a/odd name.txt --
1
`
	dir := moduleDir(t, src)
	g := analyze(t, dir, Options{}, "./...")
	m, diags := g.Manifest([]string{"example.com/m/a.Op"})
	require.Empty(t, diags)
	require.Len(t, m.Packages, 1)
	assert.Equal(t, []string{"[^._]*.s", "data/*", "odd name.txt"}, m.Packages[0].Patterns)
	assert.Equal(t, m.Packages[0].Patterns, g.ProofPatterns("example.com/m/a"))
	var names []string
	for _, f := range m.Packages[0].Files {
		names = append(names, f.Name)
	}
	assert.Equal(t, []string{"a.go", "data/.hidden", "data/x", "f_windows.go", "native_amd64.s", "odd name.txt", "other_windows.go"}, names)

	check := func() []manifest.Stale {
		return m.CheckSources(func(pkg string) (fs.FS, bool) {
			return os.DirFS(filepath.Join(dir, "a")), pkg == "example.com/m/a"
		})
	}
	assert.Empty(t, check())
	for _, c := range []struct{ file, text, change string }{
		{"a.go", "package a\n\nimport \"embed\"\n\n//go:embed data/* \"odd name.txt\"\nvar fs embed.FS\n\nfunc Op() embed.FS { native(); return embed.FS{} }\n\nfunc native()\n", manifest.Changed},
		{"f_windows.go", "package a\n\nfunc g() {}\n", manifest.Changed},
		{"data/x", "2", manifest.Changed},
		{"data/y", "2", manifest.Added},
		{"native_amd64.s", "DATA", manifest.Changed},
		{"more_amd64.s", "TEXT", manifest.Added},
		{"more.go", "package a\n\nfunc init() {}\n", manifest.Added},
	} {
		file := filepath.Join(dir, "a", filepath.FromSlash(c.file))
		old, err := os.ReadFile(file)
		writeFiles(t, filepath.Join(dir, "a"), []txtar.File{{Name: c.file, Data: []byte(c.text)}})
		assert.Equal(t, []manifest.Stale{{Package: "example.com/m/a", File: c.file, Change: c.change}}, check(), c.file)
		if err != nil {
			require.NoError(t, os.Remove(file))
		} else {
			require.NoError(t, os.WriteFile(file, old, 0o644))
		}
	}
	assert.Empty(t, check())
}

func TestBodyMode(t *testing.T) {
	src := func(edits ...string) string {
		return strings.NewReplacer(edits...).Replace("-- a.go --\npackage m\n\nconst n = 1\n\n// Op adds.\nfunc Op(x int) int { return f(x) + n }\n\nfunc f(x int) int { return x }\n\nfunc g(x int) int { return x }\n")
	}
	of := func(archive string) (canon.Digest, *manifest.Manifest) {
		g := analyze(t, moduleDir(t, archive), Options{Mode: Body}, "./...")
		m, diags := g.Manifest([]string{"example.com/m.Op"})
		require.Empty(t, diags)
		v, _ := m.Version("example.com/m.Op")
		return v, m
	}
	base, m := of(src())
	assert.Equal(t, "body", m.Mode)
	assert.Len(t, m.Nodes, 1+5)              // the environment with its parts
	for edit, want := range map[string]bool{ // whether the version stays
		"return x }\n\nfunc g|return -x }\n\nfunc g": true,
		"n = 1|n = 2": true,
		"(x int) int { return f(x) + n|(y int) int { return f(y) + n": true,
		"// Op adds.|":         true,
		"f(x) + n|g(x) + n":    false,
		"f(x) + n|f(x) - n":    false,
		"Op(x int)|Op(x int8)": false,
	} {
		old, new, _ := strings.Cut(edit, "|")
		if !strings.Contains(src(), old) {
			t.Fatalf("no %q", old)
		}
		archive := src(old, new)
		if new != "" && strings.Contains(new, "int8") {
			archive = strings.Replace(archive, "return f(x)", "return f(int(x))", 1)
		}
		v, changed := of(archive)
		assert.Equal(t, want, v == base, edit)
		if !want {
			causes := manifest.Diff(m, changed, "example.com/m.Op")
			require.NotEmpty(t, causes)
			assert.Equal(t, "example.com/m.Op", causes[0].Name)
		}
	}
	transitive := version(t, analyze(t, moduleDir(t, src()), Options{}, "./..."), "example.com/m.Op")
	assert.NotEqual(t, base, transitive)
	assert.Equal(t, "transitive", Transitive.String())
}

// The runtime package counts by what it promises, not by its code.
func TestRuntimeIsOpaque(t *testing.T) {
	src := "-- a/a.go --\npackage a\n\nimport \"example.com/m/rt\"\n\nfunc Op() int { return rt.F() }\n\nfunc Other() int { return 1 }\n-- rt/rt.go --\npackage rt\n\nfunc F() int { return 1 }\n"
	of := func(archive string) *Graph {
		return analyze(t, moduleDir(t, archive), Options{Runtime: "example.com/m/rt"}, "./...")
	}
	a, b := of(src), of(strings.Replace(src, "F() int { return 1 }", "F() int { return 2 }", 1))
	assert.Equal(t, version(t, a, "example.com/m/a.Op"), version(t, b, "example.com/m/a.Op"))
	assert.Equal(t, []string{"example.com/m/a"}, a.Packages([]string{"example.com/m/a.Op"}))
	m, _ := a.Manifest([]string{"example.com/m/a.Op"})
	assert.Contains(t, m.Text(), "\nnode example.com/m/rt\n", "it is a component")
	m, _ = a.Manifest([]string{"example.com/m/a.Other"})
	assert.NotContains(t, m.Text(), "example.com/m/rt")
}

// Versions do not depend on the folder, on the number of processors, or on which other packages are loaded.
func TestVersionsAreTheSameEverywhere(t *testing.T) {
	symbols := []string{"example.com/m/a.Op", "example.com/m/a.State", "example.com/m/a.(*T).Op"}
	text := func(patterns ...string) string {
		m, diags := analyze(t, moduleDir(t, soundShop), Options{}, patterns...).Manifest(symbols)
		require.Empty(t, diags)
		return m.Text()
	}
	want := text("./...")
	assert.Equal(t, want, text("./a"))
	for _, n := range []int{1, 8} {
		old := runtime.GOMAXPROCS(n)
		got := text("./a", "./lone")
		runtime.GOMAXPROCS(old)
		assert.Equal(t, want, got, "GOMAXPROCS=%d", n)
	}
	dir := moduleDir(t, soundShop)
	require.NotContains(t, want, dir)
}

func TestTargetCounts(t *testing.T) {
	dir := moduleDir(t, soundShop)
	seen := map[canon.Digest]load.Target{}
	for _, target := range []load.Target{{GOOS: "linux", GOARCH: "amd64"}, {GOOS: "windows", GOARCH: "amd64"}, {GOOS: "linux", GOARCH: "386"}, {GOOS: "linux", GOARCH: "amd64", Tags: []string{"x"}}, {GOOS: "linux", GOARCH: "amd64", Cgo: true}} {
		p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Patterns: []string{"./a"}, Env: testEnv(), Target: target})
		require.NoError(t, err)
		require.Empty(t, diags)
		g, _ := Analyze(p, Options{})
		v := version(t, g, "example.com/m/a.Op")
		assert.NotContains(t, seen, v, "%v", target)
		seen[v] = target
	}
}

// An experiment of the toolchain is declared as a build tag; that of the host does not count.
func TestExperiments(t *testing.T) {
	dir := moduleDir(t, "-- go.mod --\nmodule example.com/m\n\ngo 1.26\n-- a.go --\npackage m\n\nfunc Op() int { return n }\n-- on.go --\n//go:build goexperiment.jsonv2\n\npackage m\n\nconst n = 1\n-- off.go --\n//go:build !goexperiment.jsonv2\n\npackage m\n\nconst n = 2\n")
	of := func(host string, tags ...string) (canon.Digest, string) {
		p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: append(testEnv(), "GOEXPERIMENT="+host), Target: load.Target{GOOS: "linux", GOARCH: "amd64", Tags: tags}})
		require.NoError(t, err)
		require.Empty(t, diags)
		g, _ := Analyze(p, Options{})
		return version(t, g, "example.com/m.Op"), p.Packages["example.com/m"].GoFiles[1]
	}
	plain, file := of("")
	assert.Equal(t, "off.go", file)
	host, file := of("jsonv2")
	assert.Equal(t, "off.go", file)
	assert.Equal(t, plain, host)
	declared, file := of("", "goexperiment.jsonv2")
	assert.Equal(t, "on.go", file)
	assert.NotEqual(t, plain, declared)
}

// Members of a cycle that look alike have one version, whatever they are called; a cycle that differs somewhere differs everywhere.
func TestCycles(t *testing.T) {
	g := analyze(t, moduleDir(t, `
-- a.go --
package m

func a1(n int) int { if n == 0 { return 0 }; return a2(n) }
func a2(n int) int { if n == 0 { return 0 }; return a1(n) }

func b1(n int) int { if n == 0 { return 0 }; return b2(n) }
func b2(n int) int { if n == 0 { return 0 }; return b3(n) }
func b3(n int) int { if n == 0 { return 0 }; return b1(n) }

func c1(n int) int { if n == 0 { return 0 }; return c1(n) }

func d1(n int) int { if n == 0 { return 0 }; return d2(n) }
func d2(n int) int { if n == 0 { return 0 }; return d3(n) }
func d3(n int) int { if n == 0 { return 1 }; return d1(n) }

func e1(n int) int { if n == 0 { return 0 }; return e2(n) }
func e2(n int) int { if n == 0 { return 1 }; return e1(n) }
`), Options{}, "./...")
	of := func(name string) canon.Digest { return version(t, g, "example.com/m."+name) }
	for _, same := range []string{"a2", "b1", "b2", "b3", "c1"} {
		assert.Equal(t, of("a1"), of(same), "%s does what a1 does", same)
	}
	different := map[canon.Digest]string{of("a1"): "a1"}
	for _, name := range []string{"d1", "d2", "d3", "e1", "e2"} {
		assert.NotContains(t, different, of(name), name)
		different[of(name)] = name
	}
}
