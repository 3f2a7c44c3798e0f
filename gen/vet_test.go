package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/load"
)

// TestVet runs testdata/vet: each file is a package of one module, with the findings in its section "want"; "none" says that there are none.
func TestVet(t *testing.T) {
	root := resolved(t, t.TempDir())
	names, err := filepath.Glob(filepath.Join(repository(t), "testdata", "vet", "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	writeFile(t, filepath.Join(root, "go.mod"), []byte(goMod(t, "example.com/vet")))
	copyFile(t, filepath.Join(repository(t), "go.sum"), filepath.Join(root, "go.sum"))
	archives := map[string]*txtar.Archive{}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		require.NoError(t, err)
		c := strings.TrimSuffix(filepath.Base(name), ".txtar")
		archives[c] = a
		for _, f := range a.Files {
			if f.Name != "want" {
				writeFile(t, filepath.Join(root, c, filepath.FromSlash(f.Name)), f.Data)
			}
		}
	}
	cfg := gen.Config{Load: load.Config{Dir: root, Patterns: []string{"./..."}, Env: append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local", "GOPROXY=off")}}
	results, diags, err := gen.Generate(t.Context(), cfg)
	require.NoError(t, err)
	require.Empty(t, diags, "the cases themselves are sound")
	_, err = gen.Write(t.Context(), results)
	require.NoError(t, err)
	found, diags, err := gen.Vet(t.Context(), cfg)
	require.NoError(t, err)
	require.Empty(t, diags)

	got := map[string]string{}
	for _, f := range found {
		c, _, _ := strings.Cut(filepath.ToSlash(f.Pos.Filename), "/")
		got[c] += strings.ReplaceAll(strings.ReplaceAll(f.Diagnostic.String(), "\n\t"+c+"/", "\n\t"), c+"/", "") + "\n"
		assert.NotEmpty(t, f.Kind)
		assert.NotEmpty(t, f.What)
		for _, from := range f.From {
			assert.NotEmpty(t, from.Path)
			assert.True(t, strings.HasPrefix(from.Symbol, "example.com/vet/"+c), from.Symbol)
		}
	}
	for c, a := range archives {
		t.Run(c, func(t *testing.T) {
			text := got[c]
			if text == "" {
				text = "none\n"
			}
			want := ""
			kept := a.Files[:0:0]
			for _, f := range a.Files {
				if f.Name == "want" {
					want = string(f.Data)
				} else {
					kept = append(kept, f)
				}
			}
			if *update {
				a.Files = append(kept, txtar.File{Name: "want", Data: []byte(text)})
				writeFile(t, filepath.Join(repository(t), "testdata", "vet", c+".txtar"), txtar.Format(a))
				return
			}
			assert.Equal(t, want, text)
		})
	}
}
