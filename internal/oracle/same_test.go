package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

// bought is a module that uses three others, of versions that this repository has in its go.sum.
const bought = `
-- go.mod --
module example.com/bought

go 1.26.0

require (
	github.com/google/uuid UUID
	go.yaml.in/yaml/v3 YAML
	golang.org/x/mod MOD
)
-- a.go --
package bought

import (
	"runtime"
	"strings"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"example.com/bought/inner"
)

type Order struct{ ID uuid.UUID }

func (o Order) MarshalYAML() (any, error) { return o.ID.String(), nil }

func Text(o Order) (string, error) {
	b, err := yaml.Marshal(o)
	return strings.ToUpper(string(b)), err
}

func System() string { return runtime.GOOS + system() }

func Newer(a, b string) bool { return inner.Newer(a, b) }
-- a_linux.go --
package bought

func system() string { return "linux" }
-- a_darwin.go --
package bought

func system() string { return "darwin" }
-- a_windows.go --
package bought

func system() string { return "windows" }
-- inner/inner.go --
package inner

import "golang.org/x/mod/semver"

func Newer(a, b string) bool { return semver.Compare(a, b) > 0 }
`

// orders writes the module with the versions and sums of this repository.
func orders(t *testing.T, dir string) {
	t.Helper()
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	archive := bought
	for word, module := range map[string]string{"UUID": "github.com/google/uuid", "YAML": "go.yaml.in/yaml/v3", "MOD": "golang.org/x/mod"} {
		m := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindSubmatch(mod)
		require.NotNil(t, m, module)
		archive = strings.Replace(archive, word, string(m[1]), 1)
	}
	require.NoError(t, copyTree(write(t, archive), dir))
	sums, err := os.ReadFile("../../go.sum")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644))
}

// text is the whole manifest of the module's functions.
func text(t *testing.T, dir string, more ...string) string {
	t.Helper()
	return textWith(t, nil, dir, more...)
}

// textWith is the same with a cache of what earlier runs found out.
func textWith(t *testing.T, store *cache.Store, dir string, more ...string) string {
	t.Helper()
	environment := append(append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off", "GOTOOLCHAIN=local"), more...)
	p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Patterns: []string{"./..."}, Env: environment, Cache: store})
	require.NoError(t, err)
	require.Empty(t, diags)
	g, diags := versionhash.Analyze(p, versionhash.Options{})
	require.Empty(t, diags)
	m, diags := g.Manifest([]string{"example.com/bought.Text", "example.com/bought.System", "example.com/bought.Newer", "example.com/bought/inner.Newer"})
	require.Empty(t, diags)
	require.Len(t, m.Entries, 4)
	return m.Text()
}

func run(t *testing.T, dir string, environment []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// The versions of a module are the same wherever and however they are computed.
func TestSameVersionsElsewhere(t *testing.T) {
	here := t.TempDir()
	orders(t, here)
	want := text(t, here)
	require.NotEqual(t, strings.Replace(want, "target", "", 1), want)

	t.Run("another path", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "a folder", "much deeper", "ünder")
		require.NoError(t, os.MkdirAll(dir, 0o755))
		orders(t, dir)
		assert.Equal(t, want, text(t, dir))
	})
	t.Run("another GOPATH, module cache and build cache", func(t *testing.T) {
		// A new machine: the modules come from the old cache as from a proxy.
		gopath := t.TempDir()
		environment := []string{"GOPATH=" + gopath, "GOMODCACHE=", "GOCACHE=" + t.TempDir(), "GOFLAGS=-mod=mod -modcacherw", "GONOSUMDB=*", "GOSUMDB=off",
			"GOPROXY=file://" + filepath.ToSlash(filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download"))}
		run(t, here, environment, "mod", "download", "github.com/google/uuid", "go.yaml.in/yaml/v3", "golang.org/x/mod")
		assert.Equal(t, want, text(t, here, environment...))
		assert.DirExists(t, filepath.Join(gopath, "pkg", "mod", "github.com", "google"), "they were read from the new place")
	})
	t.Run("vendored", func(t *testing.T) {
		dir := t.TempDir()
		orders(t, dir)
		run(t, dir, []string{"GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off"}, "mod", "vendor")
		assert.DirExists(t, filepath.Join(dir, "vendor", "github.com", "google", "uuid"))
		assert.Equal(t, want, text(t, dir, "GOFLAGS=-mod=vendor"))
	})
	t.Run("without a build cache", func(t *testing.T) {
		assert.Equal(t, want, text(t, here, "GOCACHE="+t.TempDir()))
	})
	for _, flags := range []string{"-mod=mod -trimpath -race", "-race -trimpath -mod=mod", "-mod=readonly", "-mod=mod -tags=other -gcflags=all=-N -ldflags=-s"} {
		t.Run("GOFLAGS="+flags, func(t *testing.T) { assert.Equal(t, want, text(t, here, "GOFLAGS="+flags)) })
	}
	for _, host := range [][]string{
		{"GOOS=darwin", "GOARCH=arm64"}, {"GOOS=windows"}, {"GOARCH=386", "GO386=softfloat"}, {"CGO_ENABLED=0"}, {"GOAMD64=v3", "GOEXPERIMENT=jsonv2"},
		{"LANG=de_DE.UTF-8", "TZ=Asia/Tokyo", "HOME=" + t.TempDir()},
	} {
		t.Run(strings.Join(host[:1], " "), func(t *testing.T) {
			environment := host
			if strings.HasPrefix(host[len(host)-1], "HOME=") {
				environment = append(environment, "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOCACHE="+goEnv(t, "GOCACHE"))
			}
			assert.Equal(t, want, text(t, here, environment...))
		})
	}
	t.Run("a workspace", func(t *testing.T) {
		dir := t.TempDir()
		orders(t, filepath.Join(dir, "bought"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26.0\n\nuse ./bought\n"), 0o644))
		sums, err := os.ReadFile("../../go.sum")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go.work.sum"), sums, 0o644))
		assert.Equal(t, want, text(t, filepath.Join(dir, "bought"), "GOFLAGS=", "GOWORK="+filepath.Join(dir, "go.work")))
	})
	t.Run("caches", func(t *testing.T) {
		dir, other := t.TempDir(), t.TempDir()
		orders(t, dir)
		orders(t, other)
		store := cache.Open(t.TempDir())
		require.NotNil(t, store)
		assert.Equal(t, want, textWith(t, store, dir), "cold")
		assert.Equal(t, want, textWith(t, store, dir), "warm")
		assert.Equal(t, want, textWith(t, store, other), "warmed elsewhere")
		assert.Equal(t, want, textWith(t, store, dir, "GOCACHE="+t.TempDir(), "GOFLAGS=-race -trimpath -mod=mod"), "warm, after go clean -cache, with other flags")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a_darwin.go"), []byte("package bought\n\nfunc system() string { return \"mac\" }\n"), 0o644))
		edited := textWith(t, store, dir)
		assert.NotEqual(t, want, edited)
		assert.Equal(t, text(t, dir), edited, "an edit is seen through a warm cache")
		orders(t, dir)
		assert.Equal(t, want, textWith(t, store, dir), "and taken back")
		assert.Equal(t, want, textWith(t, store.Verifying(), dir))
		assert.Empty(t, store.Mismatches())
	})
	t.Run("one processor", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		assert.Equal(t, want, text(t, here))
	})
	t.Run("an edit is seen", func(t *testing.T) {
		dir := t.TempDir()
		orders(t, dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a_darwin.go"), []byte("package bought\n\nfunc system() string { return \"mac\" }\n"), 0o644))
		assert.NotEqual(t, want, text(t, dir))
	})
}
