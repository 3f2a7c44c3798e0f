package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/scripttest"
)

var (
	cacheSteps = flag.Int("cache.steps", 12, "random edits in TestTheCacheNeverChangesAResult")
	cacheSeed  = flag.Uint64("cache.seed", 1, "what they are chosen by")
)

// texts are the files of a small module, each with all that it may become; the first is how it begins, "" is no file.
var texts = map[string][]string{
	"go.mod":      nil, // see newCacheModule
	"go.work":     {"", "go 1.26.0\n\nuse .\n", "go 1.26.0\n\nuse (\n\t.\n\t./sub\n)\n", "go"},
	"a/a.go":      {assetOfA("1", "", ""), assetOfA("2", "", ""), assetOfA("1", "// more", ""), assetOfA("len(os.Args)", "", "import \"os\"\n"), assetOfA("\"x\"", "", ""), assetOfA("1", "//dag:ignore helper \"never\"", ""), assetOfA("1", "//dag:nosuch", ""), "package a\n\nfunc (", "package a\n\nfunc Total() int { return 1 }\n", "//go:build windows\n\n" + assetOfA("1", "", ""), "package other\n", assetOfA("len(text)", "", "import _ \"embed\"\n\n//go:embed data.txt\nvar text string\n"), assetOfA("len(text)", "", "import _ \"embed\"\n\n//go:embed *.txt\nvar text string\n"), assetOfA("r.R()", "", "import \"example.com/r\"\n"), assetOfA("1", "//dag:depends file:*.txt", "")},
	"a/more.go":   {"", "package a\n\nfunc helper() int { return 1 }\n", "//go:build never\n\npackage a\n", "package a\n\n//dag:asset\nfunc More(total int) int { return total }\n", "package a\n\nimport \"C\"\n", "package a; import `embed`; var x embed.FS; var s = `"},
	"a/a_test.go": {"package a\n\nimport \"testing\"\n\nfunc TestA(*testing.T) {}\n", "", "package a_test\n", "package c\n", "package a\n\nfunc (", "package a\n\nimport \"example.com/nowhere\"\n"},
	"a/data.txt":  {"x", "", "y"},
	"a/two.txt":   {"", "z"},
	"a/a.s":       {"", "// nothing\n", "//go:build windows\n"},
	"b/b.go":      {"package b\n\n//dag:asset\nfunc Base() int { return 1 }\n", "package b\n\n//dag:asset\nfunc Base() string { return \"\" }\n", "package b\n\nfunc Base() int { return 3 }\n", "", "package b\n\nimport \"example.com/m/a\"\n\nvar x = a.Total\n\n//dag:asset\nfunc Base() int { return 1 }\n"},
	"c/c.go":      {"", "package c\n", "package c\n\n//dag:asset\nfunc C() int { return 4 }\n", "//go:build ignore\n\npackage c\n"},
	"c/go.mod":    {"", "module example.com/c\n\ngo 1.26.0\n"},
	"sub/go.mod":  {"module example.com/m/sub\n\ngo 1.26.0\n", ""},
	"sub/sub.go":  {"package sub\n", "package sub\n\n//dag:asset\nfunc S() int { return 5 }\n"},
	"r/go.mod":    {"module example.com/r\n\ngo 1.26.0\n", "module example.com/r\n\ngo 1.25.0\n", ""},
	"r/r.go":      {"package r\n\n// R is one.\nfunc R() int { return 1 }\n", "package r\n\n// R is two.\nfunc R() int { return 2 }\n", "package r\n\nfunc r() {}\n"},

	"a/dag_gen.go":       {"", "*", "*", "package a\n", load.Header + "\n\npackage a\n\nfunc (\n"},
	"a/dag_gen.manifest": {"", "*", "*", "not ours"},
	"b/dag_gen.go":       {"", "*", "*"},
	"c/dag_gen.go":       {"", "*", load.Header + "\n\n//go:build !dagstergen\n\npackage c\n"},
	"a/dag_proof_gen.go": {"", "*"},
}

func assetOfA(result, directive, imports string) string {
	if directive != "" {
		directive += "\n"
	}
	return "package a\n\n" + imports + "\n// Total adds.\n//\n//dag:asset\n" + directive + "func Total() int { return " + result + " }\n"
}

// A cacheModule is that module on disk, and a go command that counts its calls.
type cacheModule struct {
	t          *testing.T
	dir, calls string
	env        []string
}

func newCacheModule(t *testing.T) *cacheModule {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	gomod, gosum := scripttest.Module(t, root)
	top, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	m := &cacheModule{t: t, dir: filepath.Join(top, "m"), calls: filepath.Join(top, "calls")}
	base := strings.Replace(string(gomod), "example.com/shop", "example.com/m", 1) + "\nrequire example.com/r v0.0.0\n\nreplace example.com/r => ./r\n"
	texts["go.mod"] = []string{base, base + "\n// more\n", "module", strings.Replace(base, "go 1.26.0", "go 1.26.1", 1)}
	for name, all := range texts {
		m.put(name, all[0])
	}
	m.put("go.sum", string(gosum))
	goRoot := ""
	for _, kv := range scripttest.GoEnv(t) {
		if v, ok := strings.CutPrefix(kv, "GOROOT="); ok {
			goRoot = v
		}
	}
	version, err := os.ReadFile(filepath.Join(goRoot, "VERSION"))
	require.NoError(t, err)
	m.put("../go/VERSION", string(version))
	m.put("../go/bin/go", "#!/bin/sh\necho call >> "+m.calls+"\nexec "+goRoot+"/bin/go \"$@\"\n")
	require.NoError(t, os.Chmod(filepath.Join(top, "go", "bin", "go"), 0o755))
	m.env = append(append(os.Environ(), scripttest.GoEnv(t)...), "GOFLAGS=", "GOWORK=", "PATH="+filepath.Join(top, "go", "bin")+":"+os.Getenv("PATH"), "DAGSTERGEN_CACHE="+filepath.Join(top, "cache"))
	return m
}

// put writes a file; "" removes it.
func (m *cacheModule) put(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.dir, filepath.FromSlash(name))
	if text == "" {
		require.NoError(m.t, os.RemoveAll(path))
		return
	}
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.WriteFile(path, []byte(text), 0o644))
}

// A toolResult is all that a call of the tool does.
type toolResult struct {
	code           int
	stdout, stderr string
	generated      map[string]string
}

// summary is short enough to be shown.
func (r toolResult) summary() string {
	s := fmt.Sprintf("exit %d\n%s\n%s\n", r.code, r.stdout, r.stderr)
	for _, path := range slices.Sorted(maps.Keys(r.generated)) {
		s += fmt.Sprintf("%s %s\n", path, canon.Sum([]byte(r.generated[path])).Short())
	}
	return s
}

var took = regexp.MustCompile(`\d+\.\d+s`)

// run calls the tool in this process.
func (m *cacheModule) run(env []string, args ...string) (toolResult, int) {
	m.t.Helper()
	require.NoError(m.t, os.RemoveAll(m.calls))
	var out, errs bytes.Buffer
	c := &tool{stdout: &out, stderr: &errs, env: append(slices.Clone(m.env), env...)}
	code := c.run(append([]string{"-C", m.dir}, args...))
	calls, err := os.ReadFile(m.calls)
	if err != nil {
		require.ErrorIs(m.t, err, fs.ErrNotExist)
	}
	return toolResult{code, out.String(), took.ReplaceAllString(errs.String(), "0s"), m.generated()}, bytes.Count(calls, []byte("\n"))
}

// generated are the files that the tool may write.
func (m *cacheModule) generated() map[string]string {
	m.t.Helper()
	out := map[string]string{}
	require.NoError(m.t, filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasPrefix(d.Name(), "dag_") {
			return err
		}
		b, err := os.ReadFile(path)
		out[path] = string(b)
		return err
	}))
	return out
}

// restore makes the generated files what they were.
func (m *cacheModule) restore(files map[string]string) {
	m.t.Helper()
	for path := range m.generated() {
		if _, ok := files[path]; !ok {
			require.NoError(m.t, os.Remove(path))
		}
	}
	for path, text := range files {
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			require.NoError(m.t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
}

// Whatever happens to a module between two calls, the cache changes nothing that a call prints, writes or ends with.
func TestTheCacheNeverChangesAResult(t *testing.T) {
	m := newCacheModule(t)
	rng := rand.New(rand.NewPCG(*cacheSeed, 0))
	names := make([]string, 0, len(texts))
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	commands := [][]string{{"./..."}, {"./..."}, {"./..."}, {"check", "./..."}, {"-o", "json", "./..."}, {"check", "-json", "./..."}, {"./a"}, {"check", "./a", "./b"}, {"generate", "-v", "./a/..."}}
	quiet, sound := 0, 0
	for step := range *cacheSteps {
		var edits []string
		for range rng.IntN(3) {
			name := names[rng.IntN(len(names))]
			i := rng.IntN(len(texts[name]))
			if rng.IntN(2) == 0 {
				i = 0 // errors must not pile up
			}
			if text := texts[name][i]; text != "*" {
				edits = append(edits, fmt.Sprintf("%s = text %d", name, i))
				m.put(name, text)
			}
		}
		if step%6 == 5 { // back to the start, so that there is something to know
			for _, name := range names {
				if !strings.Contains(name, "dag_") {
					m.put(name, texts[name][0])
				}
			}
		}
		command := commands[rng.IntN(len(commands))]
		for again := range 1 + rng.IntN(3) {
			before := m.generated()
			want, _ := m.run([]string{"DAGSTERGEN_CACHE=off"}, command...)
			m.restore(before)
			got, calls := m.run(nil, command...)
			require.Equal(t, want.summary(), got.summary(), "step %d, run %d of %q after %q (-cache.seed %d)", step, again, command, edits, *cacheSeed)
			if want.code == exitDone {
				sound++
			}
			if calls == 0 {
				quiet++
			}
			if step%3 == 0 {
				checked, _ := m.run([]string{"DAGSTERGEN_CACHE_VERIFY=1"}, command...)
				require.NotEqual(t, exitInternal, checked.code, "%s", checked.stderr)
			}
		}
	}
	t.Logf("%d calls of %d without a go command, %d without errors", quiet, *cacheSteps, sound)
	assert.Greater(t, quiet, *cacheSteps/6, "the cache is there")
	assert.Greater(t, sound, *cacheSteps/4)
}

// Eight processes on one cache and one module, at once, over and over: all of them succeed, and what is on disk in the end is right.
func TestManyCallsOnOneCache(t *testing.T) {
	m := newCacheModule(t)
	program := filepath.Join(t.TempDir(), "dagstergen")
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, program)) // under this name the test binary is the tool
	for range 3 {
		first, _ := m.run(nil, "./...")
		require.Equal(t, exitDone, first.code, first.stderr)
	}
	want, calls := m.run(nil, "./...")
	assert.Zero(t, calls)
	for range 3 {
		var all []*exec.Cmd
		for i := range 8 {
			c := exec.Command(program, "-C", m.dir, "check", "./...")
			if i%2 == 0 {
				c.Args = []string{program, "-C", m.dir, "./..."}
			}
			c.Env, c.Stderr = m.env, new(bytes.Buffer)
			require.NoError(t, c.Start())
			all = append(all, c)
		}
		for _, c := range all {
			assert.NoError(t, c.Wait(), "%s", c.Stderr)
		}
		assert.Equal(t, want.generated, m.generated())
		entries, err := filepath.Glob(filepath.Join(m.dir, "..", "cache", "v1", "*", "*", "*"))
		require.NoError(t, err)
		require.NotEmpty(t, entries)
		for i, e := range entries { // the next round finds some damaged and some gone
			if i%2 == 0 {
				require.NoError(t, os.Truncate(e, 50))
			} else {
				require.NoError(t, os.Remove(e))
			}
		}
	}
	checked, _ := m.run([]string{"DAGSTERGEN_CACHE_VERIFY=1"}, "check", "./...")
	assert.Equal(t, exitDone, checked.code, checked.stderr)
}

// A cache that can be read and not written to serves what it has.
func TestAReadOnlyCache(t *testing.T) {
	m := newCacheModule(t)
	for range 3 {
		m.run(nil, "./...")
	}
	cache := filepath.Join(m.dir, "..", "cache")
	chmod := func(mode string) {
		require.NoError(t, exec.Command("chmod", "-R", mode, cache).Run())
	}
	chmod("a-w")
	defer chmod("u+w")
	got, calls := m.run(nil, "./...")
	assert.Equal(t, exitDone, got.code, got.stderr)
	assert.Zero(t, calls)
	m.put("b/b.go", texts["b/b.go"][2])
	got, _ = m.run(nil, "./...")
	assert.Equal(t, exitDone, got.code, got.stderr)
}

// What is in the cache and not right is found by the mode that finds everything out again.
func TestAWrongCacheIsFound(t *testing.T) {
	m := newCacheModule(t)
	for range 3 {
		m.run(nil, "./...")
	}
	var errs bytes.Buffer
	c := &tool{stdout: new(bytes.Buffer), stderr: &errs, env: append(slices.Clone(m.env), "DAGSTERGEN_CACHE_VERIFY=1"), dir: m.dir}
	store := c.openCache()
	require.True(t, store.IsVerifying())
	assert.NoError(t, c.closeCache())
	store.Report("that nothing changed")
	assert.Equal(t, exitInternal, c.run([]string{"version"}))
	assert.Contains(t, errs.String(), "internal error: the cache is not what was found out again: that nothing changed\nThis is a bug")
}
