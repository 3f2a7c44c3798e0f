package versionhash

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// copyModule copies the files of a module that belong to its packages, without tests and test data.
func copyModule(t testing.TB, from, to string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) { // a temporary file of someone else
				return nil
			}
			return err
		}
		base := e.Name()
		if e.IsDir() {
			if name != from && (strings.HasPrefix(base, ".") || base == "testdata" || base == "e2e") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, ".") {
			return nil
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		if base == "go.mod" || strings.HasSuffix(base, ".go") {
			// Under its own name the loader would take it for the framework, whose code is nobody's.
			data = bytes.ReplaceAll(data, []byte("github.com/dagstergen/dagstergen"), []byte("example.com/own"))
		}
		dst := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		return os.WriteFile(dst, data, 0o644)
	}))
}

// healthy loads a module and returns its packages that compile.
func healthy(t testing.TB, dir string) (*load.Program, []*load.Package) {
	t.Helper()
	p, _, err := load.Load(t.Context(), load.Config{Dir: dir, Patterns: []string{"./..."}, Env: testEnv()})
	require.NoError(t, err)
	require.NotNil(t, p)
	var out []*load.Package
	for _, lp := range p.Locals() {
		if len(lp.Errors) == 0 {
			out = append(out, lp)
		}
	}
	return p, out
}

// hashesOf gives the hashes of all declarations of the packages by name; those without a name of their own are a sorted list.
func hashesOf(t testing.TB, g *Graph, packages []*load.Package) (named map[string]canon.Digest, anonymous []string) {
	t.Helper()
	in := map[string]bool{}
	for _, lp := range packages {
		in[lp.Path] = true
	}
	all := make([]int32, len(g.sums))
	for i := range all {
		all[i] = int32(i)
	}
	g.hash(all)
	named = map[string]canon.Digest{}
	for n, s := range g.sums {
		if s.pkg < 0 || !in[g.locals[s.pkg].lp.Path] {
			continue
		}
		switch s.kind {
		case manifest.KindInit:
			anonymous = append(anonymous, g.hashes[n].Hex())
		case manifest.KindNative: // the text of a preamble may be laid out in another way
		default:
			named[g.names[n]] = g.hashes[n]
		}
	}
	slices.Sort(anonymous)
	return named, anonymous
}

// TestNeutralRewrite writes all packages of this repository anew, so that only what does not matter differs.
func TestNeutralRewrite(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	copyModule(t, "..", from)
	copyModule(t, from, to)
	neutral(t, from, to, 2000)
}

func neutral(t *testing.T, from, to string, atLeast int) {
	t.Helper()
	p, packages := healthy(t, from)
	g, diags := Analyze(p, Options{})
	require.Empty(t, diags)
	before, beforeInits := hashesOf(t, g, packages)
	require.Greater(t, len(before), atLeast)

	rnd := rand.New(rand.NewPCG(1, 2))
	for _, lp := range packages {
		rel, err := filepath.Rel(from, lp.Dir)
		require.NoError(t, err)
		require.True(t, filepath.IsLocal(rel), lp.Dir)
		writeFiles(t, filepath.Join(to, rel), rewrite(t, p, lp, rnd))
	}
	p2, _, err := load.Load(t.Context(), load.Config{Dir: to, Patterns: []string{"./..."}, Env: testEnv()})
	require.NoError(t, err)
	for _, lp := range packages {
		if now := p2.Packages[lp.Path]; assert.NotNil(t, now, lp.Path) {
			require.Empty(t, now.Errors, "%s: the rewritten package must compile", lp.Path)
		}
	}
	g2, diags := Analyze(p2, Options{})
	require.Empty(t, diags)
	after, afterInits := hashesOf(t, g2, packages)
	changed := 0
	for name, h := range before {
		if after[name] != h {
			changed++
			if changed < 20 {
				n, n2 := g.byName[name], g2.byName[name]
				t.Errorf("%s: hash changed (itself: %v, its text: %v)", name, g.sums[n].core != g2.sums[n2].core, g.sums[n].local != g2.sums[n2].local)
			}
		}
	}
	assert.Zero(t, changed, "of %d", len(before))
	assert.Len(t, after, len(before))
	assert.Equal(t, beforeInits, afterInits)
	t.Logf("%d packages, %d declarations", len(packages), len(before))
}
