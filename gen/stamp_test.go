package gen

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/facts"
	"github.com/dagstergen/dagstergen/internal/load"
)

// stampedModule is a module that has about everything that an outcome depends on.
func stampedModule(t testing.TB) string {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	const us = "github.com/dagstergen/dagstergen"
	top := module(t, map[string]string{
		"go.mod":   "module example.com/unused\n",
		"m/go.mod": "module example.com/m\n\ngo 1.26.0\n\nrequire (\n\t" + us + " v0.0.0\n\texample.com/r v0.0.0\n)\n\nreplace (\n\t" + us + " => " + root + "\n\texample.com/r => ../r\n)\n",
		"m/a/a.go": "// Package a is one.\npackage a\n\nimport (\n\t\"embed\"\n\n\t\"example.com/m/helper\"\n\t\"example.com/r\"\n)\n\n//go:embed data\nvar data embed.FS\n\n" +
			"// Total adds.\n//\n//dag:asset\n//dag:depends file:conf/*.yaml\nfunc Total() (int, error) {\n\tb, err := data.ReadFile(\"data/x.txt\")\n\treturn len(b) + helper.One() + r.R(), err\n}\n",
		"m/a/a_test.go":          "package a\n\nimport \"testing\"\n\nfunc TestA(*testing.T) {}\n",
		"m/a/a_windows.go":       "package a\n\nconst system = 1\n",
		"m/a/data/x.txt":         "some text",
		"m/a/conf/x.yaml":        "a: 1",
		"m/a/notes.txt":          "note",
		"m/b/b.go":               "package b\n\n//dag:asset\n//dag:ignore Unreached \"never there\"\nfunc Other() int { return 1 }\n\n// Unreached is not called.\nfunc Unreached() {}\n",
		"m/helper/helper.go":     "package helper\n\n// One is one.\nfunc One() int { return 1 }\n",
		"m/night/n.go":           "package night\n\n//dag:op\nfunc One(n int) int { return n }\n\n//dag:job\n//dag:preset prod conf/prod.yaml\nfunc Nightly(n int) int { return One(n) }\n",
		"m/night/conf/prod.yaml": "inputs: {n: 1}",
		"m/plain/plain.go":       "package plain\n",
		"m/ignored/i.go":         "//go:build never\n\npackage ignored\n",
		"m/other/go.mod":         "module example.com/other\n",
		"m/other/o.go":           "package other\n",
		"m/testdata/t.go":        "package testdata\n",
		"r/go.mod":               "module example.com/r\n\ngo 1.26\n",
		"r/r.go":                 "package r\n\n// R is called.\nfunc R() int { return 1 }\n",
	})
	sum, err := os.ReadFile(filepath.Join(top, "go.sum"))
	require.NoError(t, err)
	put(t, filepath.Join(top, "m", "go.sum"), string(sum))
	return filepath.Join(top, "m")
}

func stampConfig(t testing.TB, dir string, patterns ...string) Config {
	c := config(dir, patterns...)
	c.Load.Cache = cache.Open(filepath.Join(t.TempDir(), "cache"))
	require.NotNil(t, c.Load.Cache)
	return c
}

// run generates, writes, and keeps the stamp; it returns what was known before.
func run(t testing.TB, c Config) (*Known, []Result, diag.List) {
	t.Helper()
	s := NewStamp(c)
	if k := s.Unchanged(); k != nil {
		return k, nil, nil
	}
	c.Stamp = s
	results, diags, err := Generate(t.Context(), c)
	require.NoError(t, err)
	_, err = Write(t.Context(), results)
	require.NoError(t, err)
	s.Keep(results, diags)
	return nil, results, diags
}

// warm runs until the outcome is known: what was written just now is looked at before it is believed.
func warm(t testing.TB, c Config) *Known {
	t.Helper()
	for range 4 {
		if k, _, _ := run(t, c); k != nil {
			return k
		}
	}
	require.FailNow(t, "nothing is known")
	return nil
}

func isKnown(c Config) bool { return NewStamp(c).Unchanged() != nil }

// snapshot returns a function that makes the folder above dir as it is now.
func snapshot(t testing.TB, dir string) (restore func()) {
	t.Helper()
	top, copied := filepath.Dir(dir), t.TempDir()
	require.NoError(t, exec.Command("cp", "-a", top+"/.", copied).Run())
	return func() {
		t.Helper()
		require.NoError(t, exec.Command("sh", "-c", "rm -rf \"$0\"/* && cp -a \"$1\"/. \"$0\"", top, copied).Run())
	}
}

func TestUnchanged(t *testing.T) {
	dir := stampedModule(t)
	for _, patterns := range [][]string{{"./..."}, {"./a", "./b"}, {"./plain"}} {
		c := stampConfig(t, dir, patterns...)
		plain := c
		plain.Load.Cache = nil
		known := warm(t, c)
		results, diags, err := Generate(t.Context(), plain)
		require.NoError(t, err)
		differences, err := Check(results)
		require.NoError(t, err)
		assert.Empty(t, differences, "the disk is as it is said to be")
		assert.Len(t, known.Files, len(results))
		for i, r := range results {
			assert.Equal(t, KnownFile{r.PkgPath, r.Path}, known.Files[i])
		}
		assert.Equal(t, diags.Sorted(), known.Diagnostics.Sorted())
		assert.Equal(t, patterns[0] != "./plain", len(diags) == 2, "two warnings")
	}
}

// Each edit, and whether the outcome is still known after it.
func TestEditsOfWhatWasStamped(t *testing.T) {
	dir := stampedModule(t)
	c := stampConfig(t, dir)
	warm(t, c)
	restore := snapshot(t, dir)
	path := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	write := func(name, text string) func() { return func() { put(t, path(name), text) } }
	remove := func(name string) func() { return func() { require.NoError(t, os.RemoveAll(path(name))) } }
	move := func(from, to string) func() { return func() { require.NoError(t, os.Rename(path(from), path(to))) } }
	link := func(to, name string) func() { return func() { require.NoError(t, os.Symlink(to, path(name))) } }
	replace := func(name, old, new string) func() {
		return func() {
			src, err := os.ReadFile(path(name))
			require.NoError(t, err)
			require.Contains(t, string(src), old)
			put(t, path(name), strings.Replace(string(src), old, new, 1))
		}
	}
	const hit, miss = true, false
	for _, e := range []struct {
		name string
		want bool
		edit func()
	}{
		{"nothing", hit, func() {}},
		{"the same again", hit, replace("a/a.go", "Total", "Total")},
		{"a test's body", hit, replace("a/a_test.go", "{}", "{ println() }")},
		{"a file of no account", hit, write("a/notes.txt", "other")},
		{"a new one", hit, write("a/more.txt", "other")},
		{"a hidden folder", hit, write(".git/HEAD", "x")},
		{"testdata", hit, write("testdata/u.go", "package testdata")},
		{"another module", hit, write("other/p.go", "package other")},
		{"a folder that has no package", hit, write("empty/x.txt", "")},

		{"a body", miss, replace("a/a.go", "len(b)", "2*len(b)")},
		{"a comment", miss, replace("a/a.go", "Total adds", "Total sums")},
		{"a body of a package that is reached", miss, replace("helper/helper.go", "return 1", "return 2")},
		{"a body of one that is not", miss, replace("plain/plain.go", "plain\n", "plain\n\nvar x int\n")},
		{"a body of the replaced module", miss, replace("../r/r.go", "return 1", "return 2")},
		{"its go.mod", miss, replace("../r/go.mod", "1.26", "1.25")},
		{"a file that is left out on linux", miss, replace("a/a_windows.go", "1", "2")},
		{"a file that is left out everywhere", miss, replace("ignored/i.go", "never", "linux")},
		{"what is embedded", miss, write("a/data/x.txt", "other text")},
		{"one more to embed", miss, write("a/data/y.txt", "")},
		{"one more below", miss, write("a/data/deep/y.txt", "")},
		{"a hidden one, which is not embedded", miss, write("a/data/.y.txt", "")},
		{"what is declared to count", miss, write("a/conf/x.yaml", "a: 2")},
		{"a preset", miss, write("night/conf/prod.yaml", "inputs: {n: 2}")},
		{"a preset gone", miss, remove("night/conf/prod.yaml")},
		{"one more that is", miss, write("a/conf/y.yaml", "")},
		{"a test of another package", miss, replace("a/a_test.go", "package a", "package c")},
		{"a new file", miss, write("a/new.go", "package a\n")},
		{"a new test", miss, write("a/new_test.go", "package a\n")},
		{"a new C file", miss, write("a/new.c", "")},
		{"a new assembly file", miss, write("a/new.s", "")},
		{"a file gone", miss, remove("a/a_windows.go")},
		{"a file renamed", miss, move("helper/helper.go", "helper/one.go")},
		{"a link to the same", miss, func() { move("helper/helper.go", "helper/one.txt")(); link("one.txt", "helper/helper.go")() }},
		{"a new package", miss, write("new/n.go", "package n\n")},
		{"a package gone", miss, remove("plain")},
		{"a module more", miss, write("plain/go.mod", "module x\n")},
		{"a module less", miss, remove("other/go.mod")},
		{"go.mod", miss, replace("go.mod", "go 1.26.0", "go 1.26.1")},
		{"go.sum", miss, write("go.sum", "")},
		{"go.work", miss, write("go.work", "go 1.26\n\nuse .\n")},
		{"go.work above", miss, write("../go.work", "go 1.26\n\nuse ./m\n")},
		{"vendor", miss, write("vendor/modules.txt", "")},

		{"generated wiring edited", miss, replace("a/dag_gen.go", "package a", "package a // mine")},
		{"generated wiring gone", miss, remove("a/dag_gen.go")},
		{"a manifest edited", miss, replace("a/dag_gen.manifest", "dagstergen", "dagstergem")},
		{"a manifest gone", miss, remove("b/dag_gen.manifest")},
		{"a manifest empty", miss, write("b/dag_gen.manifest", "")},
		{"a manifest becomes a folder", miss, func() { remove("b/dag_gen.manifest")(); write("b/dag_gen.manifest/x", "")() }},
		{"a proof gone", miss, remove("helper/dag_proof_gen.go")},
		{"a proof of the replaced module edited", miss, replace("../r/dag_proof_gen.go", "package r", "package r // mine")},
		{"what is left over", miss, write("plain/dag_gen.go", load.Header+"\n\n//go:build !dagstergen\n\npackage plain\n")},
		{"a manifest left over", miss, write("plain/dag_gen.manifest", "dagstergen")},
		{"a deserted folder", miss, write("empty/dag_gen.go", load.Header+"\n\n//go:build !dagstergen\n\npackage plain\n")},
	} {
		t.Run(e.name, func(t *testing.T) {
			e.edit()
			assert.Equal(t, e.want, isKnown(c))
			restore()
			assert.True(t, isKnown(c), "what was undone")
		})
	}
}

// Each field of a Config is part of what is known.
func TestEditsOfTheConfig(t *testing.T) {
	dir := stampedModule(t)
	base := stampConfig(t, dir)
	warm(t, base)
	for name, set := range map[string]func(*Config){
		"mode":     func(c *Config) { c.Mode++ },
		"proof":    func(c *Config) { c.Proof = ProofDisk },
		"deps":     func(c *Config) { c.Deps = true },
		"patterns": func(c *Config) { c.Load.Patterns = []string{"./a"} },
		"target":   func(c *Config) { c.Load.Target = load.Target{GOOS: "windows", GOARCH: "amd64"} },
		"env":      func(c *Config) { c.Load.Env = append(c.Load.Env, "GOFLAGS=-mod=mod") },
		"cache":    func(c *Config) { c.Load.Cache = nil },
		"another":  func(c *Config) { c.Load.Cache = cache.Open(filepath.Join(t.TempDir(), "other")) },
	} {
		c := base
		set(&c)
		assert.False(t, isKnown(c), name)
	}
	assert.True(t, isKnown(base))
	assert.Nil(t, (*Stamp)(nil).Unchanged())
	(*Stamp)(nil).Keep(nil, nil)
}

// What is wrong, or changes in between, leaves no stamp; and one that was there is not used.
func TestWhatIsNotStamped(t *testing.T) {
	dir := stampedModule(t)
	c := stampConfig(t, dir)
	warm(t, c)
	good, err := os.ReadFile(filepath.Join(dir, "a", "a.go"))
	require.NoError(t, err)
	for name, wrong := range map[string]string{
		"syntax":    strings.Replace(string(good), "func Total", "func func", 1),
		"types":     strings.Replace(string(good), "len(b)", "\"x\"", 1),
		"directive": strings.Replace(string(good), "dag:asset", "dag:asset nosuch=1", 1),
	} {
		put(t, filepath.Join(dir, "a", "a.go"), wrong)
		for range 3 {
			known, _, diags := run(t, c)
			assert.Nil(t, known, name)
			assert.True(t, diags.HasErrors(), name)
		}
	}
	put(t, filepath.Join(dir, "a", "a.go"), string(good))

	for name, edit := range map[string]func(){
		"a source": func() {
			put(t, filepath.Join(dir, "helper", "helper.go"), "package helper\n\n// One is two.\nfunc One() int { return 2 }\n")
		},
		"an embedded file":   func() { put(t, filepath.Join(dir, "a", "data", "x.txt"), "later") },
		"a declared file":    func() { put(t, filepath.Join(dir, "a", "conf", "x.yaml"), "later") },
		"a file more":        func() { put(t, filepath.Join(dir, "a", "data", "later.txt"), "later") },
		"a package more":     func() { put(t, filepath.Join(dir, "later", "l.go"), "package later\n") },
		"a generated file":   func() { put(t, filepath.Join(dir, "b", "dag_gen.go"), load.Header+"\npackage b\n") },
		"a manifest is gone": func() { require.NoError(t, os.Remove(filepath.Join(dir, "b", "dag_gen.manifest"))) },
	} {
		t.Run(name, func(t *testing.T) {
			restore := snapshot(t, dir)
			defer restore()
			c := stampConfig(t, dir)
			warm(t, c)
			put(t, filepath.Join(dir, "b", "b.go"), "package b\n\n//dag:asset\nfunc Other() int { return 3 }\n")
			s := NewStamp(c)
			require.Nil(t, s.Unchanged())
			config := c
			config.Stamp = s
			results, diags, err := Generate(t.Context(), config)
			require.NoError(t, err)
			_, err = Write(t.Context(), results)
			require.NoError(t, err)
			edit()
			s.Keep(results, diags)
			assert.False(t, isKnown(c))
		})
	}
}

// A package whose proof is kept because a manifest elsewhere lists it reads all manifests of the module, which nobody looks at again.
func TestAProofThatOthersNeed(t *testing.T) {
	dir := stampedModule(t)
	warm(t, stampConfig(t, dir))
	c := stampConfig(t, dir, "./helper")
	for range 4 {
		known, results, diags := run(t, c)
		assert.Nil(t, known)
		assert.Empty(t, results)
		assert.Empty(t, diags)
	}
}

// In verifying mode nothing is believed, and a wrong stamp is reported.
func TestVerifyingStamps(t *testing.T) {
	dir := stampedModule(t)
	base := stampConfig(t, dir)
	warm(t, base)
	c := base
	c.Load.Cache = base.Load.Cache.Verifying()
	known, results, diags := run(t, c)
	assert.Nil(t, known)
	assert.NotEmpty(t, results)
	assert.Empty(t, c.Load.Cache.Mismatches())

	s := NewStamp(base)
	s.analysis = &Analysis{Program: &load.Program{Dir: dir}}
	s.store = base.Load.Cache.Verifying()
	s.verify(results, diags)
	assert.Empty(t, s.store.Mismatches())
	s.verify(results, append(diags, diag.Diagnostic{Message: "more"}))
	assert.Len(t, s.store.Mismatches(), 1)
	s.verify(results[1:], diags)
	assert.Len(t, s.store.Mismatches(), 2)
	other := append([]Result{}, results...)
	other[0].Content = []byte("other")
	s.verify(other, diags)
	assert.Len(t, s.store.Mismatches(), 3)
	id := output(results[0].Path)
	s.before[id] = facts.Observation{Fact: facts.Fact{ID: id, Sum: canon.Sum(nil)}}
	s.verify(results, diags)
	assert.Len(t, s.store.Mismatches(), 4)
}
