package load_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/load"
)

// extract writes a txtar archive to a new folder and returns it.
func extract(t *testing.T, archive string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, txtar.Write(txtar.Parse([]byte(archive)), dir))
	return dir
}

// env is the environment of the tests' go commands: without a network, and not in a workspace of the developer.
func env() []string {
	return append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local", "GOWORK=")
}

func mustLoad(t *testing.T, dir string, patterns ...string) *load.Program {
	t.Helper()
	p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Patterns: patterns, Env: env()})
	require.NoError(t, err)
	require.Empty(t, diags)
	return p
}

func TestBodiesAreCheckedInLocalPackagesAlone(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
-- a/a.go --
package a

import "net/http"

// Get says how to get.
func Get() string { c := &http.Client{}; _ = c; return http.MethodGet }
`)
	p := mustLoad(t, dir, "./a")
	require.Len(t, p.Roots, 1)
	a := p.Roots[0]
	assert.True(t, a.Local)
	assert.Empty(t, a.Errors)
	assert.Equal(t, "example.com/m", p.Module.Path)
	assert.Equal(t, filepath.Join("a", "a.go"), p.Position(a.Syntax[0].Pos()).Filename)
	assert.NotEmpty(t, a.Syntax[0].Comments)
	assert.Contains(t, string(a.Source["a.go"]), "http.MethodGet")
	http := p.Packages["net/http"]
	require.NotNil(t, http.Types)
	assert.NotNil(t, http.Types.Scope().Lookup("Client"))
	assert.Nil(t, http.Info)
}

func TestWhatIsLocal(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
require example.com/r v1.0.0
replace example.com/r => ./r
-- m.go --
package m
import _ "example.com/r"
import _ "net/http"
-- r/go.mod --
module example.com/r
go 1.20
-- r/r.go --
package r
`)
	p := mustLoad(t, dir)
	r := p.Packages["example.com/r"]
	require.NotNil(t, r)
	assert.True(t, r.Local)
	assert.Equal(t, "1.20", r.Module.GoVersion)
	assert.Len(t, r.Syntax, 1)
	assert.False(t, p.Packages["net/http"].Local)
	assert.Nil(t, p.Packages["net/http"].Module)

	var locals []string
	for _, l := range p.Locals() {
		locals = append(locals, l.Path)
	}
	assert.Equal(t, []string{"example.com/r", "example.com/m"}, locals, "dependencies first")
}

func TestACheckoutOfDagstergenIsNotLocal(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	dir := extract(t, "-- go.mod --\nmodule example.com/m\ngo 1.26.0\nrequire github.com/dagstergen/dagstergen v0.0.0\nreplace github.com/dagstergen/dagstergen => "+root+"\n"+
		"-- m.go --\npackage m\nimport \"github.com/dagstergen/dagstergen/runtime/dag\"\nvar F dag.File\n")
	p := mustLoad(t, dir)
	require.NotNil(t, p.Runtime())
	assert.False(t, p.Runtime().Local)
	assert.Empty(t, p.Roots[0].Errors)
}

func TestTheRuntimeIsNotLocalToOurOwnExamples(t *testing.T) {
	p, diags, err := load.Load(t.Context(), load.Config{Dir: filepath.Join("..", ".."), Patterns: []string{"./examples/..."}}) // not with env: it lets the go command write go.mod
	require.NoError(t, err)
	require.Empty(t, diags)
	var locals []string
	for _, l := range p.Locals() {
		locals = append(locals, l.Path)
	}
	assert.Equal(t, []string{"github.com/dagstergen/dagstergen/examples/budget", "github.com/dagstergen/dagstergen/examples/flights", "github.com/dagstergen/dagstergen/examples/quickstart", "github.com/dagstergen/dagstergen/examples/remote", "github.com/dagstergen/dagstergen/examples/weather"}, slices.Sorted(slices.Values(locals)))
}

func TestWorkspace(t *testing.T) {
	dir := extract(t, `
-- go.work --
go 1.26
use (
	./a
	./b
)
-- a/go.mod --
module example.com/a
go 1.26
-- a/a.go --
package a
import "example.com/b"
var A = b.B
-- b/go.mod --
module example.com/b
go 1.25
-- b/b.go --
package b
var B = 1
`)
	workspace := append(env(), "GOFLAGS=")
	p, diags, err := load.Load(t.Context(), load.Config{Dir: filepath.Join(dir, "a"), Env: workspace})
	require.NoError(t, err)
	require.Empty(t, diags)
	assert.True(t, p.Packages["example.com/b"].Local)
	assert.Equal(t, "example.com/a", p.Module.Path, "the module of Dir")
	assert.Equal(t, "a.go", p.Position(p.Roots[0].Syntax[0].Pos()).Filename)
	assert.Equal(t, filepath.Join(dir, "b", "b.go"), p.Position(p.Packages["example.com/b"].Syntax[0].Pos()).Filename)

	p, diags, err = load.Load(t.Context(), load.Config{Dir: dir, Patterns: []string{"./a", "./b"}, Env: workspace})
	require.NoError(t, err)
	require.Empty(t, diags)
	require.Len(t, p.Roots, 2)
	assert.Empty(t, p.Roots[0].Errors)
}

func TestVendoring(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
require (
	example.com/r v1.0.0
	example.com/x v1.2.3
)
replace example.com/r => ./r
-- m.go --
package m
import (
	"example.com/r"
	"example.com/x"
)
var M = r.R + x.X() + x.Definitions

var _ [4]int = [x.Len]int{}

var _ []struct{ X int } = x.Deep["a"]
-- r/go.mod --
module example.com/r
go 1.26
-- r/r.go --
package r
var R = 1
-- vendor/modules.txt --
# example.com/r v1.0.0 => ./r
## explicit; go 1.26
example.com/r
# example.com/x v1.2.3
## explicit; go 1.21
example.com/x
# example.com/r => ./r
-- vendor/example.com/r/r.go --
package r
var R = 1
-- vendor/example.com/x/x.go --
package x
func X() int { return undefined }

// Table's length is a constant.
var Table = [...]string{"a", 3: "d"}

const Len = len(Table)

var Deep = map[string][]struct{ X int }{"a": {{X: undefined}}}
-- vendor/example.com/x/dag_gen.go --
// Code generated by dagstergen. DO NOT EDIT.

//go:build !dagstergen

package x

var Definitions = 1
`)
	p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: append(env(), "GOFLAGS=")})
	require.NoError(t, err)
	require.Empty(t, diags)
	assert.Empty(t, p.Roots[0].Errors)
	assert.True(t, p.Packages["example.com/r"].Local, "vendoring does not change what is local")
	x := p.Packages["example.com/x"]
	assert.False(t, x.Local)
	assert.Equal(t, "v1.2.3", x.Module.Version)
	assert.Equal(t, filepath.Join(dir, "vendor", "example.com", "x"), x.Dir)
}

func TestStandardVendoredImports(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
-- m.go --
package m
import "net/http"
var M http.Handler
`)
	p := mustLoad(t, dir)
	http := p.Packages["net/http"]
	dep := http.Imports["golang.org/x/net/http/httpguts"]
	require.NotNil(t, dep, "imports go by the path as written")
	assert.Equal(t, "vendor/golang.org/x/net/http/httpguts", dep.Path)
}

func TestOldOutputIsNeverRead(t *testing.T) {
	const head = load.Header + "\n\n//go:build !dagstergen\n\n"
	for name, text := range map[string]string{
		"current":             head + "package m\n\nvar Definitions = 1\n",
		"stale":               head + "package m\n\nvar Definitions = noSuchName\n",
		"conflict below":      head + "<<<<<<< HEAD\npackage m\n=======\npackage m\n>>>>>>> other\n",
		"conflict on top":     "<<<<<<< HEAD\n" + head + "package m\n=======\n// x\n>>>>>>> other\n",
		"without build line":  load.Header + "\n\npackage m\n\nvar Definitions = noSuchName\n",
		"other package":       load.Header + "\n\npackage other\n",
		"garbage":             load.Header + "\n\n{{{",
		"carriage returns":    load.Header + "\r\n\r\n//go:build !dagstergen\r\n\r\npackage m\r\n\r\nvar x = y\r\n",
		"byte order mark":     "\ufeff" + load.Header + "\n\npackage m\n\nvar Definitions = 1\n",
		"bad import":          load.Header + "\n\npackage m\n\nimport _ \"example.com/m/gone\"\n",
		"only the header":     load.Header,
		"unterminated string": head + "package m\n\nvar x = \"\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := extract(t, "-- go.mod --\nmodule example.com/m\ngo 1.26\n-- m.go --\npackage m\n\nvar X = Definitions\n")
			files := []string{"dag_gen.go"}
			if name == "stale" {
				files = append(files, "other_name.go") // content counts, not the name
			}
			for _, file := range files {
				require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644))
				p := mustLoad(t, dir)
				m := p.Roots[0]
				assert.Equal(t, []string{"m.go"}, m.GoFiles)
				assert.Equal(t, []string{file}, m.Generated)
				assert.Empty(t, m.IgnoredFiles)
				assert.Equal(t, "m", m.Name)
				assert.Equal(t, text, string(m.Source[file]))
				require.Len(t, m.Errors, 1, "the name it would declare is missing")
				assert.Equal(t, "undefined: Definitions", m.Errors[0].Msg)
				require.NoError(t, os.Remove(filepath.Join(dir, file)))
			}
		})
	}
}

func TestThroughASymbolicLink(t *testing.T) {
	dir := extract(t, "-- go.mod --\nmodule example.com/m\ngo 1.26\n-- a/m.go --\npackage m\n\nvar x = y\n")
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	p := mustLoad(t, link, "./a")
	assert.Equal(t, filepath.Join(link, "a"), p.Roots[0].Dir)
	assert.Equal(t, filepath.Join("a", "m.go"), p.Position(p.Roots[0].Syntax[0].Pos()).Filename)
	assert.Equal(t, "example.com/m", p.Module.Path)
}

func TestAFolderWithOurFilesAlone(t *testing.T) {
	const ours = load.Header + "\n\n//go:build !dagstergen\n\npackage gone\n"
	dir := extract(t, "-- go.mod --\nmodule example.com/m\ngo 1.26\n-- m.go --\npackage m\n-- gone/dag_gen.go --\n"+ours+"-- gone/x_test.go --\npackage gone\n"+
		"-- a/b/dag_proof_gen.go --\n"+ours+"-- mixed/dag_gen.go --\n"+ours+"-- mixed/x.go --\npackage mixed\n-- foreign/dag_gen.go --\npackage foreign\n"+
		"-- testdata/dag_gen.go --\n"+ours+"-- _x/dag_gen.go --\n"+ours+"-- other/go.mod --\nmodule example.com/other\n-- other/dag_gen.go --\n"+ours)
	p := mustLoad(t, dir, "./...")
	var roots []string
	for _, r := range p.Roots {
		roots = append(roots, r.Path)
	}
	assert.Equal(t, []string{"example.com/m", "example.com/m/a/b", "example.com/m/foreign", "example.com/m/gone", "example.com/m/mixed"}, roots)
	gone := p.Packages["example.com/m/gone"]
	assert.Equal(t, []string{"dag_gen.go"}, gone.Generated)
	assert.Empty(t, gone.GoFiles)
	assert.Empty(t, gone.Errors)

	p = mustLoad(t, filepath.Join(dir, "mixed"), "../gone/...")
	require.Len(t, p.Roots, 1)
	assert.Equal(t, "example.com/m/gone", p.Roots[0].Path)
}

func TestIsGenerated(t *testing.T) {
	for src, want := range map[string]bool{
		load.Header:                              true,
		load.Header + " \n":                      false,
		"package p\n":                            false,
		"":                                       false,
		"\n" + load.Header:                       false,
		"<<<<<<< HEAD\npackage p":                false,
		"// Code generated by x. DO NOT EDIT.\n": false,
	} {
		assert.Equal(t, want, load.IsGenerated([]byte(src)), src)
	}
}

func TestFilesOfAPackage(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
-- a.go --
package m
-- a_windows.go --
package m
-- b.go --
//go:build special

package m
-- cgo.go --
package m

// #include "x.h"
import "C"

// Sqrt is in C.
func Sqrt() float64 { return float64(C.one()) }
-- nocgo.go --
//go:build !cgo

package m

func Sqrt() float64 { return 1 }
-- a_test.go --
package m

func broken( {
-- x_test.go --
package m_test

import _ "example.com/m/gone"
-- x.h --
-- x.c --
-- embed.go --
package m

import "embed"

//go:embed data *.manifest *.go
var FS embed.FS
-- data/a.csv --
1
-- data/b/c.csv --
2
-- own.manifest --
-- dag_gen.manifest --
-- dag_gen.go --
// Code generated by dagstergen. DO NOT EDIT.

//go:build !dagstergen

package m
-- _ignored.go --
package other
`)
	p := mustLoad(t, dir)
	m := p.Roots[0]
	assert.Equal(t, []string{"a.go", "cgo.go", "embed.go"}, m.GoFiles)
	assert.Equal(t, []string{"a_windows.go", "b.go", "nocgo.go"}, m.IgnoredFiles)
	assert.Equal(t, []string{"x.c", "x.h"}, m.OtherFiles)
	assert.Equal(t, []string{"dag_gen.go"}, m.Generated)
	assert.Equal(t, []string{"_ignored.go", "a.go", "a_test.go", "a_windows.go", "b.go", "cgo.go", "data/a.csv", "data/b/c.csv", "embed.go", "nocgo.go", "own.manifest", "x_test.go"}, m.EmbedFiles)
	assert.Empty(t, m.Errors, "C is not compiled")
	assert.Len(t, m.Source, 7)
	assert.NotNil(t, m.Types.Scope().Lookup("Sqrt"))

	p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: env(), Target: load.Target{GOOS: "windows", Tags: []string{"special"}}})
	require.NoError(t, err)
	require.Empty(t, diags)
	assert.Equal(t, []string{"a.go", "a_windows.go", "b.go", "embed.go", "nocgo.go"}, p.Roots[0].GoFiles)
	assert.Equal(t, load.Target{GOOS: "windows", GOARCH: "amd64", Tags: []string{"special"}}, p.Target)
}

func TestTheHostDoesNotCount(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
-- a_amd64.go --
package m
-- v3.go --
//go:build amd64.v3

package m
-- race.go --
//go:build race

package m
`)
	p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: append(env(), "GOOS=plan9", "GOARCH=386", "GOAMD64=v3", "GOFLAGS=-race -tags=x")})
	require.NoError(t, err)
	require.Empty(t, diags)
	assert.Equal(t, []string{"a_amd64.go"}, p.Roots[0].GoFiles)
}

func TestDriverWithCgo(t *testing.T) {
	dir := extract(t, `
-- go.mod --
module example.com/m
go 1.26
require github.com/mattn/go-sqlite3 v1.14.52
-- m.go --
package m

import (
	"database/sql"
	"errors"

	"github.com/mattn/go-sqlite3"
)

// Busy reports whether err says that the database is busy.
func Busy(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrBusy
}

// Open opens.
func Open() (*sql.DB, error) { return sql.Open("sqlite3", "x") }
`)
	sum, err := os.ReadFile(filepath.Join("..", "..", "go.sum"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o644))
	p := mustLoad(t, dir)
	assert.Empty(t, p.Roots[0].Errors)
	assert.False(t, p.Packages["github.com/mattn/go-sqlite3"].Local)
}
