package plaincall

import (
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var aliasJobs = flag.Int("alias-jobs", 400, "how many jobs that share memory; most are refused")

var refusedJob = regexp.MustCompile(`job (Alias\d+): `)

// TestSharedMemory generates random jobs that share memory. Those that the generator accepts are compared with their plain calls.
func TestSharedMemory(t *testing.T) {
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	writeModule(t, dir, root)
	tool := filepath.Join(dir, "dagstergen.exe")
	run(t, root, "go", "build", "-o", tool, "./cmd/dagstergen")

	jobs := AliasJobs(*seed, *aliasJobs)
	left := slices.Sorted(maps.Keys(jobs))
	for {
		for name, text := range WriteAlias(jobs, left) {
			path := filepath.Join(dir, filepath.FromSlash(name))
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
		}
		c := exec.Command(tool, "-json", "./...")
		c.Dir, c.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "NO_COLOR=1")
		out, err := c.CombinedOutput()
		if err == nil {
			break
		}
		refused := map[string]bool{}
		for _, m := range refusedJob.FindAllStringSubmatch(string(out), -1) {
			refused[m[1]] = true
		}
		require.NotEmpty(t, refused, "%s", out)
		left = slices.DeleteFunc(left, func(name string) bool { return refused[name] })
	}
	assert.Greater(t, len(left), *aliasJobs/10, "the generator refuses too much")
	assert.Less(t, len(left), *aliasJobs*6/10, "the programs are too easy")
	run(t, dir, "go", "build", "-mod=mod", "-buildvcs=false", "-ldflags=-s", "-o", "random.exe", ".")
	t.Logf("seed %d: %d of %d jobs accepted: %s", *seed, len(left), *aliasJobs, run(t, dir, filepath.Join(dir, "random.exe")))
}
