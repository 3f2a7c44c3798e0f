package load_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// A maker makes summaries that say no more than what was summarised, and counts.
type maker struct{ made, restored atomic.Int64 }

func (m *maker) light() *load.Light {
	return &load.Light{
		Need: func(src []byte) load.Need {
			switch {
			case bytes.Contains(src, []byte("//whole")):
				return load.NeedTypes
			case bytes.Contains(src, []byte("//syntax")):
				return load.NeedSyntax
			}
			return load.NeedSummary
		},
		Summarize: func(_ *load.Program, p *load.Package) []byte {
			m.made.Add(1)
			return []byte("summary of " + p.Path)
		},
		Restore: func(data []byte) (any, error) {
			m.restored.Add(1)
			return string(data), nil
		},
	}
}

// layers is a module in which whole is wanted whole, top imports it, and the others do not.
const layers = `
-- go.mod --
module example.com/m
go 1.26
-- base/base.go --
package base

import "io"

// A Reader reads.
type Reader struct {
	io.Reader
	hidden int
	N      int
}

const Half = 1.0 / 2

func helper() {}

func New(r io.Reader) *Reader { helper(); return &Reader{Reader: r} }
-- mid/mid.go --
package mid

import (
	_ "embed"
	"strings"

	"example.com/m/base"
)

type R = base.Reader

var Default = base.New(strings.NewReader("x"))
-- whole/whole.go --
package whole

//whole

import (
	. "example.com/m/base"
	other "example.com/m/mid"
	"fmt"
)

func F() string { var r *Reader = other.Default; return fmt.Sprint(r.N, Half, New(r)) }
-- beside/beside.go --
package beside

//syntax

import "example.com/m/base"

// Doc is of a field.
type B struct {
	// Doc is this.
	R *base.Reader
}
-- over/over.go --
package over

import (
	"example.com/m/beside"
	"example.com/m/mid"
)

var B = beside.B{R: mid.Default}
-- top/top.go --
package top

import "example.com/m/whole"

func G() string { return whole.F() }
-- broken/broken.go --
package broken

import (
	"strings"
	"strings"
	"example.com/m/base"
	"example.com/m/mid"
	unused "os"
)

var (
	a = base.helper
	b = base.Helper
	c = strings.Toupper
	d = strings.toupper
	e = base.Nothing
	f int = mid.Default
	g interface{ Read() } = base.New(nil)
	h = mid.Default.hidden
	i = mid.Default.Hidden
	j = base.Half + "x"
)
`

func lightly(t testing.TB, c load.Config) (*load.Program, diag.List) {
	t.Helper()
	p, diags, err := load.Load(t.Context(), c)
	require.NoError(t, err)
	return p, diags
}

// sameErrors compares the type errors of two programs, and where they are.
func sameErrors(t testing.TB, want, got *load.Program) {
	t.Helper()
	text := func(p *load.Program) (out []string) {
		for _, lp := range p.Locals() {
			for _, e := range lp.Errors {
				out = append(out, p.Position(e.Pos).String()+": "+e.Msg)
			}
		}
		return out
	}
	assert.Equal(t, text(want), text(got))
}

func TestLight(t *testing.T) {
	dir := extract(t, layers)
	c := load.Config{Dir: dir, Patterns: []string{"./..."}, Env: env()}
	plain, diags := lightly(t, c)
	store := cache.Open(t.TempDir())
	for _, s := range []*cache.Store{nil, store, store, store.Verifying()} {
		m := &maker{}
		c.Light, c.Cache = m.light(), s
		p, again := lightly(t, c)
		assert.Equal(t, diags, again)
		sameErrors(t, plain, p)
		for path, whole := range map[string]bool{"base": false, "mid": false, "over": false, "beside": true, "whole": true, "top": true, "broken": true} {
			lp := p.Packages["example.com/m/"+path]
			assert.Equal(t, whole, lp.Summary == nil, path)
			assert.Equal(t, whole, lp.Info != nil, path)
			assert.Equal(t, whole, lp.Syntax != nil, path)
			assert.Equal(t, plain.Packages[lp.Path].Source, lp.Source)
			assert.Equal(t, plain.Packages[lp.Path].Name, lp.Name)
		}
		assert.Equal(t, "summary of example.com/m/base", p.Packages["example.com/m/base"].Summary)
		assert.Empty(t, p.Verify(map[string]map[string][]byte{
			"example.com/m/whole": {"dag_gen.go": []byte("package whole\n\nimport (\n\t\"context\"\n\tm \"example.com/m/mid\"\n)\n\nvar X = m.R{N: 1}.N + F2(context.Background())\n\nfunc F2(context.Context) int { return m.Default.N }\n")},
			"example.com/m/top":   {"dag_gen.go": []byte("package top\n\nimport \"example.com/m/whole\"\n\nvar Y int = whole.X\n")},
		})["example.com/m/whole"])

		base := p.Packages["example.com/m/base"]
		complete := p.Complete(base)
		want := plain.Packages[base.Path].Types
		assert.Equal(t, want.Scope().Names(), complete.Scope().Names())
		assert.Equal(t, want.Scope().Names(), p.Shell(base).Scope().Names())
		obj := complete.Scope().Lookup("Reader")
		at := plain.Position(want.Scope().Lookup("Reader").Pos())
		at.Offset = 0
		assert.Equal(t, at, p.Position(obj.Pos()))
		assert.Same(t, base, p.Owner(obj.Pos()))
		assert.Same(t, p.Packages["example.com/m/whole"], p.Owner(p.Packages["example.com/m/whole"].Syntax[0].Pos()))
		assert.Equal(t, "Reader reads.", strings.TrimPrefix(strings.TrimSpace(p.Files(base)[0].Comments[0].Text()), "A "))
		if s == store && m.made.Load() == 0 {
			assert.EqualValues(t, 3, m.restored.Load())
		}
	}
	assert.Empty(t, store.Verifying().Mismatches())
}

// TestLightWithoutParsing shows that nothing is parsed of what is known: the second load of a module needs the types of two packages alone.
func TestLightWithoutParsing(t *testing.T) {
	dir := extract(t, layers)
	m := &maker{}
	c := load.Config{Dir: dir, Patterns: []string{"./mid"}, Env: env(), Light: m.light(), Cache: cache.Open(t.TempDir())}
	lightly(t, c)
	assert.EqualValues(t, 2, m.made.Load())
	p, _ := lightly(t, c)
	assert.EqualValues(t, 2, m.made.Load())
	assert.Nil(t, p.Packages["strings"].Types)
	assert.NotNil(t, p.Packages["context"].Types, "generated code names it")
	assert.NotNil(t, p.Complete(p.Packages["sync"]), "types can be asked for later")
}

// TestDamagedCache loses entries, cuts them short and puts others in their places.
func TestDamagedCache(t *testing.T) {
	dir := extract(t, layers)
	folder := t.TempDir()
	c := load.Config{Dir: dir, Patterns: []string{"./..."}, Env: env()}
	plain, diags := lightly(t, c)
	for i, damage := range []func(name string, n int){
		func(string, int) {},
		func(name string, n int) { assert.NoError(t, os.Remove(name)) },
		func(name string, n int) {
			if n%2 == 0 {
				assert.NoError(t, os.Remove(name))
			}
		},
		func(name string, n int) {
			if n%3 == 0 {
				assert.NoError(t, os.Truncate(name, 100))
			}
		},
		func(name string, n int) {
			if strings.Contains(name, "/types/") {
				assert.NoError(t, os.Remove(name))
			}
		},
		func(name string, n int) {
			if strings.Contains(name, "/package/") {
				assert.NoError(t, os.Remove(name))
			}
		},
	} {
		n := 0
		require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				damage(path, n)
				n++
			}
			return err
		}))
		// An edit, so that something must be checked with what is left.
		writeGo(t, dir, "mid/more.go", fmt.Sprintf("package mid\n\nimport \"net/url\"\n\nvar More%d = url.Parse\n\nvar _ = More%d\n", i, i))
		m := &maker{}
		c.Light, c.Cache = m.light(), cache.Open(folder)
		p, again := lightly(t, c)
		assert.Equal(t, diags, again)
		sameErrors(t, plain, p)
		assert.Positive(t, m.made.Load())
		assert.NotNil(t, p.Packages["example.com/m/mid"].Summary, "%d: light after all", i)
	}
}

func writeGo(t testing.TB, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644))
}

// TestLoadsAtTheSameTime shares one empty cache among loads.
func TestLoadsAtTheSameTime(t *testing.T) {
	dir := extract(t, layers)
	store := cache.Open(t.TempDir())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			m := &maker{}
			p, _, err := load.Load(t.Context(), load.Config{Dir: dir, Patterns: []string{"./..."}, Env: env(), Light: m.light(), Cache: store})
			assert.NoError(t, err)
			assert.NotNil(t, p.Packages["example.com/m/mid"].Summary)
		})
	}
	wg.Wait()
}

// TestPackagesOfOtherModulesOnTopOfOurs has a package of another module that imports a local one, light and whole.
func TestPackagesOfOtherModulesOnTopOfOurs(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
require (
	example.com/ext v1.0.0
	example.com/own v1.0.0
)
replace example.com/own => ./own
-- vendor/modules.txt --
# example.com/ext v1.0.0
## explicit; go 1.26
example.com/ext
# example.com/own v1.0.0 => ./own
## explicit; go 1.26
example.com/own
# example.com/own => ./own
-- own/go.mod --
module example.com/own
go 1.26
-- vendor/example.com/own/own.go --
package own

type T struct{ N int }

func F() T { return T{} }
-- vendor/example.com/ext/ext.go --
package ext

import "example.com/own"

type W struct{ own.T }

func New() W { return W{own.F()} }
-- m.go --
package m

import (
	"example.com/ext"
	"example.com/own"
)

var X own.T = ext.New().T
`)
	c := load.Config{Dir: dir, Patterns: []string{"."}, Env: append(env(), "GOFLAGS=-mod=vendor"), Cache: cache.Open(t.TempDir())}
	for _, whole := range []bool{false, true, true, false} {
		text := "package own\n\ntype T struct{ N int }\n\nfunc F() T { return T{} }\n"
		if whole {
			text += "\n//whole\n"
		}
		writeGo(t, dir, "vendor/example.com/own/own.go", text)
		c.Light = (&maker{}).light()
		p, diags := lightly(t, c)
		assert.Empty(t, diags)
		assert.Empty(t, p.Packages["example.com/m"].Errors)
		assert.Equal(t, whole, p.Packages["example.com/m"].Summary == nil)
		assert.Equal(t, whole, p.Packages["example.com/own"].Summary == nil)
	}
}

// TestProblemsOfOtherModules says of a package that cannot be parsed what a load without a cache says, each time.
func TestProblemsOfOtherModules(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
require example.com/ext v1.0.0
-- vendor/modules.txt --
# example.com/ext v1.0.0
## explicit; go 1.26
example.com/ext
-- vendor/example.com/ext/ext.go --
package ext

type T struct{ N int }

func F() T { return ( }
var x = )
-- a/a.go --
package a

import "example.com/ext"

type A struct{ ext.T }
-- blank/blank.go --
package blank

import _ "example.com/ext"
-- b/b.go --
package b

import "example.com/m/a"

var B a.A
`)
	c := load.Config{Dir: dir, Patterns: []string{"./..."}, Env: append(env(), "GOFLAGS=-mod=vendor")}
	plain, diags := lightly(t, c)
	require.True(t, diags.HasErrors())
	c.Cache = cache.Open(t.TempDir())
	for range 3 {
		c.Light = (&maker{}).light()
		p, again := lightly(t, c)
		assert.Equal(t, diags, again)
		sameErrors(t, plain, p)
	}
}
