package plaincall

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/scripttest"
)

var (
	seed = flag.Uint64("seed", 1, "seed of the programs")
	jobs = flag.Int("jobs", 100, "how many jobs; each runs with two sets of arguments")
	keep = flag.String("keep", "", "write the programs to this folder and keep it")
)

func TestSameSeedSamePrograms(t *testing.T) {
	assert.Equal(t, Write(7, 60), Write(7, 60))
	assert.NotEqual(t, Write(7, 60)["p000/jobs.go"], Write(8, 60)["p000/jobs.go"])
}

// TestPlainCall generates random jobs, builds them and lets them compare themselves.
func TestPlainCall(t *testing.T) {
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	}
	for name, text := range Write(*seed, *jobs) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	writeModule(t, dir, root)

	tool := filepath.Join(dir, "dagstergen.exe")
	run(t, root, "go", "build", "-o", tool, "./cmd/dagstergen")
	run(t, dir, tool, "./...")
	run(t, dir, "go", "build", "-mod=mod", "-buildvcs=false", "-ldflags=-s", "-o", "random.exe", ".")
	out := run(t, dir, filepath.Join(dir, "random.exe"))
	t.Logf("seed %d: %s", *seed, bytes.TrimSpace(out))
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "NO_COLOR=1")
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s %v\n%s", filepath.Base(name), args, out)
	return out
}

// writeModule makes dir a module that uses this checkout and needs no network.
func writeModule(t *testing.T, dir, root string) {
	t.Helper()
	gomod, gosum := scripttest.Module(t, root)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), gomod, 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.sum"), gosum, 0o666))
}
