package load_test

import (
	"os"
	"path/filepath"
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
