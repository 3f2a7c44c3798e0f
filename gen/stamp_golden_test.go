package gen_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/load"
)

// All goldens with a cache: every run, those that take the list of packages from it too, gives what a run without one gives.
func TestGoldensWithACache(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	var all []*goldenCase
	for _, c := range readCases(t) {
		if len(c.options) == 0 {
			all = append(all, c)
		}
	}
	layOut(t, root, all)
	var patterns, sound []string
	for _, c := range all {
		patterns = append(patterns, "./"+c.name+"/...")
		if _, wrong := c.want("errors"); !wrong {
			sound = append(sound, "./"+c.name+"/...")
		}
	}
	for _, patterns := range [][]string{patterns, sound} {
		plain := gen.Config{Load: load.Config{Dir: root, Env: environment(root), Patterns: patterns}}
		want, wantDiags, err := gen.Generate(t.Context(), plain)
		require.NoError(t, err)
		cached := plain
		cached.Load.Cache = cache.Open(filepath.Join(t.TempDir(), "cache"))
		for range 3 {
			got, diags, err := gen.Generate(t.Context(), cached)
			require.NoError(t, err)
			assert.Equal(t, wantDiags, diags)
			require.Len(t, got, len(want))
			for i, r := range got {
				assert.Equal(t, want[i].Path, r.Path)
				assert.Equal(t, string(want[i].Content), string(r.Content), r.Path)
			}
		}
	}

	c := gen.Config{Load: load.Config{Dir: root, Env: environment(root), Patterns: sound, Cache: cache.Open(filepath.Join(t.TempDir(), "cache"))}}
	for range 4 {
		stamp := gen.NewStamp(c)
		known := stamp.Unchanged()
		c.Stamp = stamp
		results, diags, err := gen.Generate(t.Context(), c)
		require.NoError(t, err)
		require.False(t, diags.HasErrors(), "%v", diags)
		written, err := gen.Write(t.Context(), results)
		require.NoError(t, err)
		stamp.Keep(results, diags)
		if known == nil {
			continue
		}
		assert.Empty(t, written)
		assert.Equal(t, diags, known.Diagnostics)
		for i, f := range known.Files {
			assert.Equal(t, results[i].Path, f.Path)
			_, err := os.Stat(f.Path)
			assert.NoError(t, err)
		}
		return
	}
	assert.Fail(t, "nothing is known")
}
