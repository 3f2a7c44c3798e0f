package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The benchmarks of this file measure processes, as a user waits for them: time from start to exit, and peak memory.

// process runs a command once for each iteration and reports its peak memory.
func process(b *testing.B, before func(*exec.Cmd), dir string, env []string, name string, args ...string) {
	b.Helper()
	var peak int64
	for b.Loop() {
		c := exec.Command(name, args...)
		c.Dir, c.Env = dir, append(os.Environ(), env...)
		if before != nil {
			b.StopTimer()
			before(c)
			b.StartTimer()
		}
		out, err := c.CombinedOutput()
		require.NoError(b, err, string(out))
		peak = max(peak, c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
}

// BenchmarkGenerate measures the tool on a package of 200 assets: with an empty build cache and nothing generated, with nothing to do but without
// a cache of its own, with nothing to do, and with one body edited. The floors are what one call of go list takes, and the tool saying its version.
func BenchmarkGenerate(b *testing.B) {
	dir, env := assets(b, 200)
	tool := filepath.Join(tool, "dagstergen")
	off, kept := append(env, "DAGSTERGEN_CACHE=off"), append(env, "DAGSTERGEN_CACHE="+b.TempDir())
	b.Run("floor=go-list", func(b *testing.B) {
		process(b, nil, dir, env, "go", "list", "-deps", "-json=ImportPath,GoFiles,Module", "./assets")
	})
	b.Run("floor=version", func(b *testing.B) { process(b, nil, dir, env, tool, "version") })
	b.Run("cold", func(b *testing.B) {
		process(b, func(c *exec.Cmd) {
			generated, err := filepath.Glob(filepath.Join(dir, "assets", "dag_*"))
			require.NoError(b, err)
			for _, f := range generated {
				require.NoError(b, os.Remove(f))
			}
			c.Env = append(c.Env, "GOCACHE="+b.TempDir(), "DAGSTERGEN_CACHE="+b.TempDir())
		}, dir, env, tool, "./assets")
	})
	b.Run("cache=off", func(b *testing.B) { process(b, nil, dir, off, tool, "./assets") })
	for range 3 { // what was written just now is looked at twice before it is believed
		cmd := exec.Command(tool, "./assets")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), kept...)
		out, err := cmd.CombinedOutput()
		require.NoError(b, err, string(out))
	}
	b.Run("unchanged", func(b *testing.B) { process(b, nil, dir, kept, tool, "./assets") })
	source := filepath.Join(dir, "assets", "assets.go")
	text, err := os.ReadFile(source)
	require.NoError(b, err)
	edits := 0
	b.Run("edited", func(b *testing.B) {
		process(b, func(*exec.Cmd) {
			edits++
			edited := strings.Replace(string(text), "var s []float64", fmt.Sprintf("s := []float64{%d}", edits), 1)
			require.NoError(b, os.WriteFile(source, []byte(edited), 0o644))
		}, dir, kept, tool, "./assets")
	})
}

// BenchmarkPipeline measures a binary of 200 assets: its start, a first run, and a run with nothing to do. The floor is a Go binary that
// does nothing.
func BenchmarkPipeline(b *testing.B) {
	dir, env := assets(b, 200)
	for _, c := range [][]string{
		{filepath.Join(tool, "dagstergen"), "./assets"},
		{"go", "build", "-o", "pipeline", "./assets"},
		{"go", "build", "-o", "empty", "./nothing"},
		{"./pipeline", "materialize"}, // what "again" finds
	} {
		cmd := exec.Command(c[0], c[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		out, err := cmd.CombinedOutput()
		require.NoError(b, err, string(out))
	}
	pipeline := filepath.Join(dir, "pipeline")
	home := func(c *exec.Cmd) { c.Env = append(c.Env, "DAGSTERGEN_HOME="+b.TempDir()) }
	b.Run("floor=empty-binary", func(b *testing.B) { process(b, nil, dir, env, filepath.Join(dir, "empty")) })
	b.Run("list", func(b *testing.B) { process(b, nil, dir, env, pipeline, "list") })
	b.Run("first", func(b *testing.B) { process(b, home, dir, env, pipeline, "materialize") })
	b.Run("again", func(b *testing.B) { process(b, nil, dir, env, pipeline, "materialize") })
}

// assets writes a module with a package of n assets, each of which takes two earlier ones, and returns its folder.
func assets(b *testing.B, n int) (dir string, env []string) {
	b.Helper()
	dir = b.TempDir()
	gomod, gosum := moduleFiles(b)
	var code strings.Builder
	code.WriteString("package main\n\nimport \"github.com/dagstergen/dagstergen/runtime/cli\"\n\nfunc main() { cli.Main(Definitions) }\n")
	for i := range n {
		params := ""
		if i >= 2 {
			params = fmt.Sprintf("asset%d, asset%d []float64", i-1, i/2)
			if i-1 == i/2 {
				params = fmt.Sprintf("asset%d []float64", i-1)
			}
		}
		fmt.Fprintf(&code, "\n// Asset%d is one of many.\n//\n//dag:asset group=g%d\nfunc Asset%d(%s) []float64 { return helper%d(%d) }\n\n", i, i%7, i, params, i%20, i)
	}
	for i := range 20 {
		fmt.Fprintf(&code, "func helper%d(n int) []float64 {\n\tvar s []float64\n\tfor i := range n {\n\t\ts = append(s, float64(i*%d))\n\t}\n\treturn s\n}\n\n", i, i)
	}
	for name, text := range map[string]string{
		"go.mod": string(gomod), "go.sum": string(gosum), "assets/assets.go": code.String(), "nothing/main.go": "package main\n\nfunc main() {}\n",
	} {
		file := filepath.Join(dir, name)
		require.NoError(b, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(b, os.WriteFile(file, []byte(text), 0o644))
	}
	return dir, goEnv(b)
}
