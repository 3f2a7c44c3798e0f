package versionhash

import (
	"fmt"
	goscanner "go/scanner"
	"go/token"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/load"
)

// randomEdits is how many edits TestRandomEditsFromACache makes. A cache that forgot one thing in a key needs few to be found out: those of other tests are made for it.
const randomEdits = 6

// TestRandomEditsFromACache edits a copy of the generator at random, some of it so that it does not compile, and compares a load from the cache that was filled before
// the edit with one that knows nothing.
func TestRandomEditsFromACache(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"go.mod", "go.sum"} {
		copyFile(t, filepath.Join("..", name), filepath.Join(dir, name))
	}
	for _, pkg := range []string{"annotations", "gen", "versionhash", "internal", "runtime/dag", "runtime/partition", "runtime/runconfig"} {
		require.NoError(t, filepath.WalkDir(filepath.Join("..", filepath.FromSlash(pkg)), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() && d.Name() == "testdata" {
				return fs.SkipDir
			}
			rel, _ := filepath.Rel("..", path)
			if d.Type().IsRegular() && !strings.HasSuffix(path, "_test.go") {
				copyFile(t, path, filepath.Join(dir, rel))
				if strings.HasSuffix(path, ".go") && (strings.HasPrefix(rel, "gen") || strings.HasPrefix(rel, "versionhash") || strings.HasPrefix(rel, "annotations")) {
					files = append(files, filepath.Join(dir, rel)) // the others are no part of versions: see framework in internal/load
				}
			}
			return nil
		}))
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	c := load.Config{Dir: dir, Patterns: []string{"./gen/...", "./annotations"}, Env: testEnv()}
	cached := c
	cached.Light, cached.Cache = lightOnly(), cache.Open(t.TempDir())
	cached.Light.Need = func([]byte) load.Need { return load.NeedSummary }
	loadConfig(t, cached)
	for range randomEdits {
		file := files[r.IntN(len(files))]
		before, err := os.ReadFile(file)
		require.NoError(t, err)
		after, what := randomEdit(before, r)
		require.NoError(t, os.WriteFile(file, after, 0o644))
		made := summarized.Load()
		light, diags, err := load.Load(t.Context(), cached)
		require.NoError(t, err)
		made = summarized.Load() - made
		whole, again, err := load.Load(t.Context(), c)
		require.NoError(t, err)
		rel, _ := filepath.Rel(dir, file)
		t.Logf("%s in %s: %d packages summarised", what, rel, made)
		assert.Equal(t, again, diags)
		sameSummaries(t, light, whole)
		g, _ := Analyze(whole, Options{})
		sameManifests(t, g, light, Options{})
		assert.False(t, t.Failed(), "%s in %s", what, rel)
		if r.IntN(2) == 0 || diags.HasErrors() {
			require.NoError(t, os.WriteFile(file, before, 0o644))
		}
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.WriteFile(to, data, 0o644))
}

// randomEdit changes one thing in a Go file, and says what.
func randomEdit(src []byte, r *rand.Rand) ([]byte, string) {
	type tok struct {
		offset int
		kind   token.Token
		text   string
	}
	var toks []tok
	var s goscanner.Scanner
	f := token.NewFileSet().AddFile("", -1, len(src))
	s.Init(f, src, nil, 0)
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			break
		}
		toks = append(toks, tok{f.Offset(pos), kind, text})
	}
	for range 1000 {
		i := r.IntN(len(toks) - 1)
		t := toks[i]
		put := func(offset, length int, text, what string) ([]byte, string) {
			return fmt.Appendf(nil, "%s%s%s", src[:offset], text, src[offset+length:]), what
		}
		top := t.kind == token.FUNC && t.offset > 0 && src[t.offset-1] == '\n'
		switch n := r.IntN(1000); r.IntN(8) {
		case 0:
			if t.kind == token.INT {
				return put(t.offset, len(t.text), strconv.Itoa(n), "a number")
			}
		case 1:
			if other := map[token.Token]string{token.ADD: "-", token.LSS: "<=", token.EQL: "!=", token.LAND: "||"}[t.kind]; other != "" {
				return put(t.offset, len(t.kind.String()), other, "an operator")
			}
		case 2:
			if t.kind == token.STRUCT {
				return put(toks[i+1].offset+1, 0, fmt.Sprintf("Added%d int;", n), "a field")
			}
		case 3:
			if top {
				return put(t.offset, 0, "// A comment that moves what follows.\n\n", "a comment")
			}
		case 4:
			if top {
				return put(t.offset, 0, fmt.Sprintf("func added%d() int { return %d }\n\n", n, n), "a function")
			}
		case 5:
			if top {
				return put(t.offset, 0, fmt.Sprintf("type Added%d struct{ X int }\n\nfunc (Added%d) M() {}\n\n", n, n), "a type")
			}
		case 6:
			if t.kind == token.STRING && strings.HasPrefix(t.text, `"`) && toks[i+1].kind != token.SEMICOLON {
				return put(t.offset+1, 0, "x", "a string")
			}
		case 7:
			if t.kind == token.IDENT && r.IntN(10) == 0 {
				return put(t.offset, 0, "X", "a name")
			}
		}
	}
	return append(src, '\n'), "nothing"
}
