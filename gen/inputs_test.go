package gen

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/load"
)

// module writes a module that uses the dagstergen of this repository, and returns its folder.
func module(t testing.TB, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	const us = "github.com/dagstergen/dagstergen"
	if _, ok := files["go.mod"]; !ok {
		files["go.mod"] = "module example.com/m\n\ngo 1.26.0\n\nrequire " + us + " v0.0.0\n\nreplace " + us + " => " + root + "\n"
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	files["go.sum"] = string(sum)
	for name, text := range files {
		put(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	return dir
}

func put(t testing.TB, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func config(dir string, patterns ...string) Config {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	return Config{Load: load.Config{Dir: dir, Patterns: patterns, Env: append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")}}
}

const oneAsset = "package a\n\nimport _ \"embed\"\n\n//go:embed data.txt\nvar data string\n\n//dag:asset\nfunc Total() int { return len(data) }\n"

// A source that changes while the generator runs, or before what it made is written, stops it: nothing is written.
func TestSourceChangedMeanwhile(t *testing.T) {
	for name, change := range map[string]func(dir string){
		"edited":   func(dir string) { put(t, filepath.Join(dir, "a", "a.go"), oneAsset+"\n// more\n") },
		"removed":  func(dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "a", "helper.go"))) },
		"added":    func(dir string) { put(t, filepath.Join(dir, "a", "new.go"), "package a\n") },
		"embedded": func(dir string) { put(t, filepath.Join(dir, "a", "data.txt"), "other bytes") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := module(t, map[string]string{"a/a.go": oneAsset, "a/helper.go": "package a\n\nfunc helper() {}\n", "a/data.txt": "bytes"})
			cfg := config(dir)
			a, diags, err := Analyze(t.Context(), cfg)
			require.NoError(t, err)
			require.Empty(t, diags)
			results, diags, err := Generate(t.Context(), cfg)
			require.NoError(t, err)
			require.Empty(t, diags)
			require.Len(t, results, 3)

			change(dir)

			g := &generation{Analysis: a, cfg: cfg}
			late, diags, err := g.run()
			require.NoError(t, err)
			assert.Empty(t, late)
			require.Len(t, diags, 1)
			assert.Equal(t, "DAG0704", diags[0].Code)

			_, err = Write(t.Context(), results)
			var changed *ChangedError
			require.ErrorAs(t, err, &changed)
			assert.Len(t, changed.Paths, 1)
			assert.NoFileExists(t, filepath.Join(dir, "a", "dag_gen.go"))
		})
	}
}

// Tests, files of other tools and our own output may change meanwhile.
func TestWhatIsNoInputMayChange(t *testing.T) {
	dir := module(t, map[string]string{"a/a.go": oneAsset, "a/data.txt": "bytes"})
	results, diags, err := Generate(t.Context(), config(dir))
	require.NoError(t, err)
	require.Empty(t, diags)
	put(t, filepath.Join(dir, "a", "a_test.go"), "package a\n")
	put(t, filepath.Join(dir, "a", "README.md"), "text")
	put(t, filepath.Join(dir, "a", "dag_gen.go"), load.Header+"\n\npackage a\n")
	written, err := Write(t.Context(), results)
	require.NoError(t, err)
	assert.Len(t, written, 3)
}
