package versionhash

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
)

// publish adds a version of a module to a proxy in a folder, so that the go command fills a module cache without a network.
func publish(t *testing.T, dir, path, version string, files map[string]string) {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range []string{"go.mod", "dep.go", "dep_windows.go", "dep_test.go", "sub/sub.go", "script.go", "data.txt"} {
		w, err := z.Create(path + "@" + version + "/" + name)
		require.NoError(t, err)
		_, err = w.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	at := filepath.Join(dir, filepath.FromSlash(path), "@v")
	writeFiles(t, at, []txtar.File{
		{Name: "list", Data: []byte(version + "\n")},
		{Name: version + ".info", Data: []byte(`{"Version":"` + version + `"}`)},
		{Name: version + ".mod", Data: []byte(files["go.mod"])},
		{Name: version + ".zip", Data: buf.Bytes()},
	})
}

// The code of another module counts by what it is, wherever it lies: in the module cache, in a vendor folder, under another version.
func TestWhereAModuleLiesDoesNotCount(t *testing.T) {
	for _, deep := range []bool{false, true} {
		t.Run(fmt.Sprintf("deep %v", deep), func(t *testing.T) { whereAModuleLies(t, deep) })
	}
}

func whereAModuleLies(t *testing.T, deep bool) {
	t.Helper()
	files := map[string]string{
		"go.mod":         "module example.com/dep\n\ngo 1.24\n",
		"dep.go":         "package dep\n\nimport (\n\t_ \"embed\"\n\n\t\"example.com/dep/sub\"\n)\n\n//go:embed data.txt\nvar data string\n\nfunc F() int { return sub.F() + len(data) }\n",
		"dep_windows.go": "package dep\n\nfunc W() {}\n",
		"dep_test.go":    "package dep\n\nfunc helper() {}\n",
		"script.go":      "//go:build ignore\n\npackage main\n",
		"sub/sub.go":     "package sub\n\nfunc F() int { return 1 }\n",
		"data.txt":       "data\n",
	}
	proxyDir, cache := t.TempDir(), t.TempDir()
	publish(t, proxyDir, "example.com/dep", "v1.0.0", files)
	env := append(os.Environ(), "GOPROXY=file://"+filepath.ToSlash(proxyDir), "GONOSUMDB=*", "GONOSUMCHECK=1", "GOFLAGS=-modcacherw", "GOMODCACHE="+cache, "GOTOOLCHAIN=local", "GOWORK=")
	dir := moduleDir(t, "-- go.mod --\nmodule example.com/m\n\ngo 1.26\n\nrequire example.com/dep v1.0.0\n-- a.go --\npackage m\n\nimport \"example.com/dep\"\n\nfunc Op() int { return dep.F() }\n")
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	of := func() canon.Digest {
		t.Helper()
		p, diags, err := load.Load(t.Context(), load.Config{Dir: dir, Env: env, Deep: deep})
		require.NoError(t, err)
		require.Empty(t, diags)
		require.Equal(t, deep, p.Packages["example.com/dep"].Deep)
		g, _ := Analyze(p, Options{})
		return version(t, g, "example.com/m.Op")
	}
	run("mod", "tidy")
	cached := of()
	run("mod", "vendor")
	require.NoFileExists(t, filepath.Join(dir, "vendor", "example.com", "dep", "script.go"))
	require.NoFileExists(t, filepath.Join(dir, "vendor", "example.com", "dep", "dep_test.go"))
	assert.Equal(t, cached, of(), "vendored")

	// An edit of a vendored file is an edit of the code.
	file := filepath.Join(dir, "vendor", "example.com", "dep", "sub", "sub.go")
	require.NoError(t, os.WriteFile(file, []byte("package sub\n\nfunc F() int { return 2 }\n"), 0o644))
	assert.NotEqual(t, cached, of(), "edited")

	// Another version with the same files is the same code.
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "vendor")))
	publish(t, proxyDir, "example.com/dep", "v1.1.0", files)
	require.NoError(t, os.RemoveAll(filepath.Join(cache, "cache")))
	run("get", "example.com/dep@v1.1.0")
	assert.Equal(t, cached, of(), "another version")
}
