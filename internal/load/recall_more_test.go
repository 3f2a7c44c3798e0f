package load

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/facts"
)

// Modules of other shapes: what there is in them that an answer depends on.
func TestWorkspace(t *testing.T) {
	s := newShop(t, `
-- go.work --
go 1.26

use (
	./m
	./second
)
-- second/go.mod --
module example.com/second

go 1.26
-- second/s.go --
package second
-- m/b/b.go --
package b

import _ "example.com/second"

// B is called.
func B() int { return 1 }
`)
	c := s.config("./a")
	s.warm(c)
	restore := s.snapshot()
	for name, edit := range map[string]func(){
		"go.work":                func() { s.replace("../go.work", "go 1.26", "go 1.26.0") },
		"go.work.sum":            func() { s.put("../go.work.sum", "example.com/x v1.0.0 h1:1\n") },
		"go.mod of the second":   func() { s.replace("../second/go.mod", "go 1.26", "go 1.25") },
		"go.sum of the second":   func() { s.put("../second/go.sum", "example.com/x v1.0.0 h1:1\n") },
		"a file of the second":   func() { s.put("../second/t.go", "package second") },
		"an import there":        func() { s.replace("../second/s.go", "package second", "package second\n\nimport _ \"os\"") },
		"a nearer go.work":       func() { s.put("go.work", "go 1.26\n\nuse .\n") },
		"vendor beside go.work":  func() { require.NoError(t, os.Mkdir(s.path("../vendor"), 0o755)) },
		"the workspace is gone":  func() { s.remove("../go.work") },
		"a go.work that is none": func() { s.put("../go.work", "go") },
	} {
		t.Run(name, func(t *testing.T) {
			edit()
			assert.False(t, s.knows(c))
			restore()
			assert.True(t, s.knows(c), "what was undone")
		})
	}
	named := c
	named.Env = append(named.Env, "GOWORK="+s.path("../elsewhere/go.work"))
	s.put("../elsewhere/go.work", "go 1.26\n\nuse (\n\t../m\n\t../second\n)\n")
	s.warm(named)
	s.replace("../elsewhere/go.work", "../second", "../second // twice")
	assert.False(t, s.knows(named), "the go.work that GOWORK names")
}

// A vendored package is not read again: times, sizes and inodes of its files decide.
func TestVendored(t *testing.T) {
	s := newShop(t, `
-- m/b/b.go --
package b

import (
	_ "github.com/dagstergen/dagstergen/runtime/dag"
	"golang.org/x/mod/semver"
)

// B is called.
func B() int { return len(semver.Major("v1")) }
`)
	require.NoError(t, exec.Command("cp", "../../go.sum", s.path("go.sum")).Run())
	s.replace("go.mod", "require (", "require (\n\tgolang.org/x/mod v0.42.0")
	s.replace("go.mod", "go 1.26", "go 1.26.0")
	vendor := exec.Command("go", "mod", "vendor")
	vendor.Dir, vendor.Env = s.dir, append(s.env, "GOFLAGS=-mod=mod", "PATH="+os.Getenv("PATH"))
	out, err := vendor.CombinedOutput()
	require.NoError(t, err, string(out))
	s.env = append(s.env, "GOFLAGS=-mod=vendor")
	c := s.config("./a")
	s.warm(c)
	assert.True(t, s.knows(c))
	p, calls := s.load(c)
	assert.Zero(t, calls)
	assert.Contains(t, p.Packages["golang.org/x/mod/semver"].Dir, "vendor")
	for name, edit := range map[string]func(){
		"a body":            func() { s.replace("vendor/golang.org/x/mod/semver/semver.go", "return", "return ") },
		"a file more":       func() { s.put("vendor/golang.org/x/mod/semver/more.go", "package semver") },
		"modules.txt":       func() { s.replace("vendor/modules.txt", "explicit", "explicit ") },
		"a local one there": func() { s.replace("vendor/example.com/r/r.go", "package r", "package r\n\nimport _ \"os\"") },
	} {
		t.Run(name, func(t *testing.T) {
			s.warm(c)
			edit()
			assert.False(t, s.knows(c))
		})
	}
}

// A source that changes between the look at the cache and the parser: the answer is not the one for what was parsed.
func TestAChangeInBetween(t *testing.T) {
	s := newShop(t, "")
	c := s.config("./a")
	s.warm(c)
	r := newRecall(c, s.dir)
	require.NotNil(t, r.found)
	parse := func() *Program {
		p, _, err := load(t.Context(), c, s.dir, DefaultTarget(), r.found, nil)
		require.NoError(t, err)
		return p
	}
	assert.True(t, r.same(parse()))
	s.replace("b/b.go", "return 1", "return 2")
	assert.True(t, r.same(parse()))
	s.replace("b/b.go", "package b\n", "package b\n\nimport _ \"os\"\n")
	assert.False(t, r.same(parse()))
}

// ask makes an answer with the go command, lets something happen, and keeps it.
func (s *shop) ask(c Config, then func()) *recall {
	s.t.Helper()
	r := newRecall(c, s.dir)
	require.NotNil(s.t, r)
	listed, diags, err := list(s.t.Context(), s.dir, c.Patterns, DefaultTarget(), c.Env, false)
	require.NoError(s.t, err)
	require.Empty(s.t, diags)
	p, _, err := load(s.t.Context(), c, s.dir, DefaultTarget(), listed, nil)
	require.NoError(s.t, err)
	then()
	r.keep(p, listed)
	return r
}

// What the caller saw before is not looked at again, and all else is.
func TestWhatWasSeenAlready(t *testing.T) {
	s := newShop(t, "")
	c := s.config("./a")
	s.warm(c)
	c.Seen = map[facts.ID]facts.Observation{}
	for _, o := range newRecall(c, s.dir).seen {
		if filepath.Base(o.Path) != "r.go" {
			c.Seen[o.ID] = o
		}
	}
	s.replace("b/b.go", "package b\n", "package b\n\nimport _ \"os\"\n")
	assert.True(t, s.knows(c), "it was seen before the edit")
	p, calls := s.load(c)
	assert.Positive(t, calls, "but what is parsed is compared")
	assert.Contains(t, p.Packages["example.com/m/b"].Imports, "os")
	s.replace("../r/r.go", "package r\n", "package r\n\nimport _ \"os\"\n")
	assert.False(t, s.knows(c))
}

// While files change nothing is kept that could be of two states; and what was changed just before is believed the second time.
func TestAChangeDuringARun(t *testing.T) {
	for name, edit := range map[string]func(s *shop){
		"an import":              func(s *shop) { s.replace("b/b.go", "package b\n", "package b\n\nimport _ \"os\"\n") },
		"a body":                 func(s *shop) { s.replace("b/b.go", "return 1", "return 2") },
		"a file more":            func(s *shop) { s.put("b/c.go", "package b") },
		"a package more":         func(s *shop) { s.put("new/n.go", "package n") },
		"go.mod":                 func(s *shop) { s.replace("go.mod", "go 1.26", "go 1.26.0") },
		"a file to embed":        func(s *shop) { s.put("a/text/four.txt", "4") },
		"go.work":                func(s *shop) { s.put("go.work", "go 1.26\n\nuse .\n") },
		"a C file's text":        func(s *shop) { s.put("b/b.s", "// more") },
		"a file that is ignored": func(s *shop) { s.replace("ignored/i.go", "never", "linux") },
		"another module":         func(s *shop) { s.replace("../r/r.go", "package r\n", "package r\n\nimport _ \"os\"\n") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, "")
			c := s.config("./...")
			r := s.ask(c, func() {})
			assert.False(t, r.settled, "everything was written a moment ago")
			assert.False(t, s.knows(c))
			r = s.ask(c, func() { edit(s) })
			assert.False(t, r.settled)
			assert.False(t, s.knows(c))
			r = s.ask(c, func() {})
			assert.True(t, r.settled || name == "a package more" || name == "a file to embed" || name == "go.work", "what was there before the run and after it")
			s.ask(c, func() {})
			assert.True(t, s.knows(c))
		})
	}
}

func TestFilesThatWereLeftAlone(t *testing.T) {
	s := newShop(t, "")
	c := s.config("./...")
	r := newRecall(c, s.dir)
	r.start = r.start.Add(2 * Margin) // as if all had been written that long ago
	listed, _, err := list(t.Context(), s.dir, c.Patterns, DefaultTarget(), c.Env, false)
	require.NoError(t, err)
	p, _, err := load(t.Context(), c, s.dir, DefaultTarget(), listed, nil)
	require.NoError(t, err)
	r.keep(p, listed)
	assert.True(t, r.settled)
	assert.True(t, s.knows(c), "the first run is enough")
}

func TestAnAnswerWithComplaintsIsNotKept(t *testing.T) {
	s := newShop(t, "")
	c := s.config("./...")
	s.put("b/b_test.go", "package b\n\nimport \"example.com/nowhere\"\n\nfunc x(")
	s.put("a/text/bad", "package")
	s.replace("a/a.go", "\"example.com/r\"", "\"example.com/r\"\n\t_ \"example.com/nowhere\"")
	for range 3 {
		_, diags, err := Load(t.Context(), c)
		require.NoError(t, err)
		assert.NotEmpty(t, diags)
		assert.False(t, s.knows(c))
	}
	s.put("go.mod", "module")
	for range 2 {
		_, diags, err := Load(t.Context(), c)
		require.NoError(t, err)
		assert.NotEmpty(t, diags)
	}
	assert.Nil(t, newRecall(c, s.dir))
}

// In verifying mode the go command is always asked, and what is kept is compared with its answer.
func TestVerifyingAnswers(t *testing.T) {
	s := newShop(t, "")
	c := s.config("./...")
	s.warm(c)
	c.Cache = s.cache.Verifying()
	_, calls := s.load(c)
	assert.Positive(t, calls)
	assert.Empty(t, c.Cache.Mismatches())

	r := newRecall(s.config("./..."), s.dir)
	wrong := append([]*listedPackage{}, r.found...)
	for i, lp := range wrong {
		if lp.ImportPath == "example.com/m/b" {
			other := *lp
			other.Imports = []string{"os"}
			wrong[i] = &other
		}
	}
	list := make([]facts.Fact, len(r.seen))
	for i, o := range r.seen {
		list[i] = o.Fact
	}
	data, ok := encodeKept(kept{facts.Append(nil, facts.Sort(list)), wrong})
	require.True(t, ok)
	s.cache.Replace(listKind, r.key, data)
	_, calls = s.load(c)
	assert.Positive(t, calls)
	assert.Equal(t, []string{"the list of packages of " + s.dir}, c.Cache.Mismatches())
	c.Cache = s.cache.Verifying()
	s.load(c)
	assert.Empty(t, c.Cache.Mismatches(), "the right answer is kept now")
}

func TestWhatCannotBeRead(t *testing.T) {
	s := newShop(t, "")
	c := s.config("./a")
	s.warm(c)
	key := newRecall(c, s.dir).key
	whole, ok := s.cache.Latest(listKind, key)
	require.True(t, ok)
	for i := 0; i < len(whole); i += 97 {
		s.cache.Replace(listKind, key, whole[:i])
		assert.False(t, s.knows(c), "cut at %d", i)
	}
	s.cache.Replace(listKind, key, whole)
	assert.True(t, s.knows(c))
	entries, err := filepath.Glob(s.path("../cache/*/list/*/*"))
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, e := range entries {
		require.NoError(t, os.WriteFile(e, []byte(strings.Repeat("x", 500)), 0o600))
	}
	_, calls := s.load(c)
	assert.Positive(t, calls)
	s.warm(c)
	s.cache = cache.Open(s.path("../another"))
	assert.False(t, s.knows(s.config("./a")))
}

func TestTrees(t *testing.T) {
	local := []localModule{{"example.com/m", "/m"}, {"example.com/r", "/r"}}
	for _, c := range []struct {
		patterns []string
		want     []string
		ok       bool
	}{
		{[]string{".", "./a", "../x", "/abs/dir", "example.com/m/a"}, nil, true},
		{[]string{"./..."}, []string{"/m/a"}, true},
		{[]string{"./b/..."}, []string{"/m/a/b"}, true},
		{[]string{"./b...", "../..."}, []string{"/m/a", "/m"}, true},
		{[]string{"./b/.../c"}, []string{"/m/a/b"}, true},
		{[]string{"/abs/..."}, []string{"/abs"}, true},
		{[]string{"example.com/m/..."}, []string{"/m", "/r"}, true},
		{[]string{"./a", "all"}, nil, false}, {[]string{"std"}, nil, false}, {[]string{"tool"}, nil, false}, {[]string{"cmd"}, nil, false}, {[]string{"work"}, nil, false},
		{[]string{"a.go"}, nil, false}, {[]string{"example.com/m@v1"}, nil, false}, {[]string{"-x"}, nil, false}, {[]string{""}, nil, false},
	} {
		got, ok := trees("/m/a", c.patterns, local)
		assert.Equal(t, c.ok, ok, "%q", c.patterns)
		if c.ok {
			assert.Equal(t, c.want, got, "%q", c.patterns)
		}
	}
}

func TestFlagsOfTheEnvironment(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "-mod=mod": true, "--mod=vendor -v -tags=a,b": true, "-modfile=x.mod": true, "-buildvcs=false -trimpath": true,
		"-overlay=x": false, "-mod=mod -toolexec=x": false, "'-modfile=a b'": false, "-C=x": false, "-unknown": false,
	} {
		s := settings{dir: "/m"}
		assert.Equal(t, ok, s.flags(text), text)
		if strings.Contains(text, "modfile") && ok {
			assert.Equal(t, "/m/x.mod", s.modFile)
		}
	}
}
