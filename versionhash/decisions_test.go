package versionhash

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/manifest"
)

func analyzeText(t *testing.T, text string, o Options) *Graph {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, txtar.Parse([]byte(text)).Files)
	p := loadDir(t, dir, "./...")
	o.Decisions = decided(p)
	g, diags := Analyze(p, o)
	require.Empty(t, diags)
	return g
}

const decidedModule = `-- go.mod --
module example.com/m

go 1.26
-- a.go --
package m

import "example.com/m/log"

//dag:ignore used example.com/m/log unused example.com/m/elsewhere "they only log"
func F(x int) int { return used(x) }

func G(x int) int { return used(x) }

func used(x int) int { log.Debug(); return x }

//dag:ignore unused "they only log"
func H(x int) int { return x }

func Plain(x int) int { return x }

func unused() {}

//dag:ignore "it only logs"
func left() {}

func L() { left() }
-- log/log.go --
package log

func Debug() { deep() }

func deep() {}
-- elsewhere/e.go --
package elsewhere
`

func TestIdle(t *testing.T) {
	g := analyzeText(t, decidedModule, Options{})
	idle := func(symbol string) (out []string) {
		for _, l := range g.Idle(symbol) {
			out = append(out, l.Symbol)
		}
		return out
	}
	// What is left out together is judged apart: log is reached where used is not left out.
	assert.Equal(t, []string{"example.com/m.unused", "example.com/m/elsewhere"}, idle("example.com/m.F"))
	assert.Equal(t, []string{"example.com/m.unused"}, idle("example.com/m.H"))
	assert.Empty(t, idle("example.com/m.G"))
	assert.Empty(t, idle("example.com/m.Nowhere"))
	body := analyzeText(t, decidedModule, Options{Mode: Body})
	assert.Empty(t, body.Idle("example.com/m.H"), "a version that sees the text alone has nothing to leave out")
}

func TestReached(t *testing.T) {
	g := analyzeText(t, decidedModule, Options{})
	assert.Equal(t, []string{"example.com/m.F", "example.com/m.used"}, g.Reached("example.com/m.F"))
	assert.Equal(t, []string{"example.com/m.G", "example.com/m.used", "example.com/m/log.Debug", "example.com/m/log.deep"}, g.Reached("example.com/m.G"))
	assert.Nil(t, g.Reached("example.com/m.Nowhere"))
}

// A manifest has what one entry leaves out for the entries that do not, and what stands for it.
func TestManifestOfWhatIsLeftOut(t *testing.T) {
	g := analyzeText(t, decidedModule, Options{})
	m, diags := g.Manifest([]string{"example.com/m.F", "example.com/m.G", "example.com/m.L"})
	require.Empty(t, diags)
	kinds := map[string]string{}
	for _, n := range m.Nodes {
		kinds[n.Name] = n.Kind
	}
	assert.Equal(t, manifest.KindFunc, kinds["example.com/m.used"])
	assert.Equal(t, manifest.KindIgnored, kinds["ignored:example.com/m.used"])
	assert.Equal(t, manifest.KindIgnored, kinds["example.com/m.left"])
	assert.Equal(t, []manifest.Without{{Name: "example.com/m.used", Reason: "they only log"}}, m.Entries[0].Without, "log is behind used")
	again, err := manifest.Parse(m.Text())
	require.NoError(t, err)
	assert.Equal(t, m.Text(), again.Text())

	alone, _ := g.Manifest([]string{"example.com/m.F"})
	for _, n := range alone.Nodes {
		assert.NotContains(t, []string{"example.com/m.used", "example.com/m/log.Debug"}, n.Name, "nobody counts it")
	}
	v, _ := m.Version("example.com/m.F")
	w, _ := alone.Version("example.com/m.F")
	assert.Equal(t, v, w)

	h, _ := g.Manifest([]string{"example.com/m.H", "example.com/m.Plain"})
	assert.Empty(t, h.Entries[0].Without)
	v, _ = h.Version("example.com/m.H")
	w, _ = h.Version("example.com/m.Plain")
	assert.Equal(t, v, w, "leaving out what is not there changes nothing")
}

// What counts by decision is part of the sources that a binary must prove.
func TestProofOfDeclaredFiles(t *testing.T) {
	g := analyzeText(t, "-- go.mod --\nmodule example.com/m\n\ngo 1.26\n-- a.go --\npackage m\n\n//dag:depends file:data/*.csv\nfunc F() {}\n-- data/a.csv --\n1\n-- data/b.txt --\n2\n", Options{})
	assert.Equal(t, []string{"data/*.csv"}, g.ProofPatterns("example.com/m"))
	m, diags := g.Manifest([]string{"example.com/m.F"})
	require.Empty(t, diags)
	require.Len(t, m.Packages, 1)
	var files []string
	for _, f := range m.Packages[0].Files {
		files = append(files, f.Name)
	}
	assert.Equal(t, []string{"a.go", "data/a.csv"}, files)
	assert.True(t, m.Packages[0].Files[1].Declared)
}

func TestToolchainCounts(t *testing.T) {
	before, _ := analyzeText(t, decidedModule, Options{}).Manifest([]string{"example.com/m.G"})
	minor, _ := analyzeText(t, decidedModule, Options{Toolchain: "go1.26"}).Manifest([]string{"example.com/m.G"})
	next, _ := analyzeText(t, decidedModule, Options{Toolchain: "go1.27"}).Manifest([]string{"example.com/m.G"})
	assert.Equal(t, []string{"", "go1.26", "go1.27"}, []string{before.Toolchain, minor.Toolchain, next.Toolchain})
	cause := func(old, new *manifest.Manifest) manifest.Cause {
		causes := manifest.Diff(old.Closure("example.com/m.G"), new.Closure("example.com/m.G"), "example.com/m.G")
		require.Len(t, causes, 1)
		return causes[0]
	}
	c := cause(minor, next)
	assert.Equal(t, []string{manifest.Changed, manifest.Toolchain, "go1.26", "go1.27"}, []string{c.Change, c.Name, c.Was, c.Is})
	c = cause(before, minor)
	assert.Equal(t, []string{manifest.Added, manifest.Toolchain, "", "go1.26"}, []string{c.Change, c.Name, c.Was, c.Is})
	c = cause(minor, before)
	assert.Equal(t, []string{manifest.Removed, manifest.Toolchain, "go1.26", ""}, []string{c.Change, c.Name, c.Was, c.Is})
}

// A //go:debug line of a main package counts for what that package declares.
func TestDebugLinesOfAProgram(t *testing.T) {
	text := func(lines string) string {
		return "-- go.mod --\nmodule example.com/m\n\ngo 1.26\n-- main.go --\n" + lines + "package main\n\nimport \"example.com/m/p\"\n\nfunc F() int { return p.F() }\n\nfunc main() {}\n-- p/p.go --\npackage p\n\nfunc F() int { return 1 }\n"
	}
	symbols := []string{"example.com/m.F", "example.com/m/p.F"}
	manifests := map[string]*manifest.Manifest{}
	for name, lines := range map[string]string{"none": "", "one": "//go:debug panicnil=1\n\n", "other": "//go:debug panicnil=0\n\n", "same": "// Program.\n\n//go:debug  panicnil=1\n\n",
		"behind": "//go:debugger panicnil=1\n\n"} {
		m, diags := analyzeText(t, text(lines), Options{}).Manifest(symbols)
		require.Empty(t, diags)
		manifests[name] = m
	}
	version := func(name, symbol string) string {
		v, ok := manifests[name].Version(symbol)
		require.True(t, ok)
		return v.String()
	}
	assert.NotEqual(t, version("none", symbols[0]), version("one", symbols[0]))
	assert.NotEqual(t, version("one", symbols[0]), version("other", symbols[0]))
	assert.Equal(t, version("one", symbols[0]), version("same", symbols[0]))
	assert.Equal(t, version("none", symbols[0]), version("behind", symbols[0]))
	assert.Equal(t, version("none", symbols[1]), version("one", symbols[1]), "which program will run it is not known there")
	causes := manifest.Diff(manifests["one"], manifests["other"], symbols[0])
	require.Len(t, causes, 1)
	assert.Equal(t, []string{"godebug:example.com/m", "panicnil=1", "panicnil=0"}, []string{causes[0].Name, causes[0].Was, causes[0].Is})
}

// A version that sees the text alone counts what is declared to count, and nothing behind it.
func TestDeclaredInBodyMode(t *testing.T) {
	text := "-- go.mod --\nmodule example.com/m\n\ngo 1.26\n-- a.go --\npackage m\n\n//dag:depends file:data/*.csv set\nfunc F() {}\n\nfunc G() { F() }\n\nfunc set() { deep() }\n\nfunc deep() { println(1) }\n-- data/a.csv --\n1\n"
	symbols := []string{"example.com/m.F", "example.com/m.G"}
	of := func(edits ...string) *manifest.Manifest {
		m, diags := analyzeText(t, strings.NewReplacer(edits...).Replace(text), Options{Mode: Body}).Manifest(symbols)
		require.Empty(t, diags)
		return m
	}
	base := of()
	causes := func(m *manifest.Manifest, symbol string) (out []string) {
		for _, c := range manifest.Diff(base.Closure(symbol), m.Closure(symbol), symbol) {
			out = append(out, c.Change+" "+c.Name)
		}
		return out
	}
	assert.Equal(t, []string{"changed example.com/m/data/a.csv"}, causes(of("\n1\n", "\n2\n"), symbols[0]))
	assert.Equal(t, []string{"changed example.com/m.set"}, causes(of("deep() }", "deep(); deep() }"), symbols[0]))
	assert.Empty(t, causes(of("println(1)", "println(2)"), symbols[0]))
	assert.Empty(t, causes(of("\n1\n", "\n2\n"), symbols[1]), "G calls it, which is behind the text of G")
}

// The last element of an import path may have dots.
func TestLeftOutOfPackagesWithDots(t *testing.T) {
	text := "-- go.mod --\nmodule example.com/m.v2\n\ngo 1.26\n-- a.go --\npackage m\n\n//dag:ignore example.com/m.v2.T \"it only logs\"\nfunc F() { new(T).Print() }\n\ntype T struct{}\n\nfunc (*T) Print() { println(1) }\n"
	of := func(text string) string {
		m, diags := analyzeText(t, text, Options{}).Manifest([]string{"example.com/m.v2.F"})
		require.Empty(t, diags)
		return m.Entries[0].Version.String()
	}
	assert.Equal(t, of(text), of(strings.Replace(text, "println(1)", "println(2)", 1)))
}
