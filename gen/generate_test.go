package gen

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/gen/render"
	"github.com/dagstergen/dagstergen/gen/write"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// pipeline is a module with two packages and every kind of declaration.
func pipeline() map[string]string {
	return map[string]string{
		"low/low.go": `package low

import "context"

type Row struct{ N int }

type DB struct{}

//dag:config
type Settings struct {
	URL string ` + "`json:\"url\" default:\"x\"`" + `
}

//dag:resource
func Open(s Settings) (*DB, error) { return nil, nil }

//dag:asset tags=b:1,a:2,c:3
func Rows(ctx context.Context, open *DB) ([]Row, error) { return nil, nil }

//dag:op
func Fetch(ctx context.Context, open *DB, city string) ([]Row, error) { return nil, nil }

//dag:op
func Count(rows []Row) int { return len(rows) }
`,
		"top/top.go": `package top

import (
	"context"

	"example.com/m/low"
)

//dag:asset
func Total(rows []low.Row) int { return helper(len(rows)) }

func helper(n int) int { return n + 1 }

//dag:job
func Nightly(ctx context.Context, open *low.DB, city string) (n int, err error) {
	rows, err := low.Fetch(ctx, open, city)
	if err != nil {
		return 0, err
	}
	return low.Count(rows), nil
}
`,
	}
}

func mustGenerate(t testing.TB, cfg Config) []Result {
	t.Helper()
	results, diags, err := Generate(t.Context(), cfg)
	require.NoError(t, err)
	require.Empty(t, diags)
	require.NotEmpty(t, results)
	return results
}

// The output depends on the sources alone: not on the folder, the number of processors, or chance.
func TestSameBytesEverywhere(t *testing.T) {
	first, second := module(t, pipeline()), module(t, pipeline())
	want := map[string]string{}
	for _, r := range mustGenerate(t, config(first)) {
		rel, err := filepath.Rel(first, r.Path)
		require.NoError(t, err)
		want[rel] = string(r.Content)
		assert.NotContains(t, want[rel], first)
	}
	require.Len(t, want, 6)
	for _, procs := range []int{1, 8} {
		old := runtime.GOMAXPROCS(procs)
		for range 3 {
			for _, r := range mustGenerate(t, config(second)) {
				rel, err := filepath.Rel(second, r.Path)
				require.NoError(t, err)
				assert.Equal(t, want[rel], string(r.Content), "%s with %d processors", rel, procs)
			}
		}
		runtime.GOMAXPROCS(old)
	}
	sub := config(filepath.Join(second, "top"), "..."+string(filepath.Separator))
	sub.Load.Patterns = []string{"."}
	for _, r := range mustGenerate(t, sub) { // asked for from another folder
		rel, err := filepath.Rel(second, r.Path)
		require.NoError(t, err)
		assert.Equal(t, want[rel], string(r.Content), rel)
	}
}

// A changed body changes the manifest alone; a changed signature, directive or comment changes dag_gen.go.
func TestGoFileChangesWithSignaturesOnly(t *testing.T) {
	texts := func(edit func(string) string) (string, string) {
		files := pipeline()
		files["top/top.go"] = edit(files["top/top.go"])
		dir := module(t, files)
		out := map[string]string{}
		for _, r := range mustGenerate(t, config(dir, "./top")) {
			out[filepath.Base(r.Path)] = string(r.Content)
		}
		return out[render.File], out[render.ManifestFile]
	}
	same := func(s string) string { return s }
	goFile, versions := texts(same)
	replace := func(old, with string) func(string) string {
		return func(s string) string {
			require.Contains(t, s, old)
			return strings.ReplaceAll(s, old, with)
		}
	}
	for name, edit := range map[string]func(string) string{
		"helper": replace("n + 1", "n + 2"),
		"body":   replace("helper(len(rows))", "2 * helper(len(rows))"),
	} {
		g, v := texts(edit)
		assert.Equal(t, goFile, g, name)
		assert.NotEqual(t, versions, v, name)
	}
	for name, edit := range map[string]func(string) string{
		"parameter": replace("city string) (n int", "town string) (n int"),
		"directive": replace("//dag:asset", "//dag:asset volatile"),
		"doc":       replace("//dag:job", "// Nightly is described.\n//\n//dag:job"),
	} {
		g, _ := texts(func(s string) string {
			return strings.ReplaceAll(edit(s), "open, city)", "open, "+map[bool]string{true: "town", false: "city"}[name == "parameter"]+")")
		})
		assert.NotEqual(t, goFile, g, name)
	}
}

// Writing is idempotent; check is quiet after it, and names what differs otherwise.
func TestWriteAndCheck(t *testing.T) {
	dir := module(t, pipeline())
	cfg := config(dir)
	results := mustGenerate(t, cfg)
	diffs, err := Check(results)
	require.NoError(t, err)
	require.Len(t, diffs, 6)
	assert.Equal(t, "missing", diffs[0].Change)

	written, err := Write(t.Context(), results)
	require.NoError(t, err)
	assert.Len(t, written, 6)
	info, err := os.Stat(written[0])
	require.NoError(t, err)

	results = mustGenerate(t, cfg)
	diffs, err = Check(results)
	require.NoError(t, err)
	assert.Empty(t, diffs)
	written, err = Write(t.Context(), results)
	require.NoError(t, err)
	assert.Empty(t, written)
	again, err := os.Stat(filepath.Join(dir, "low", "dag_gen.go"))
	require.NoError(t, err)
	assert.Equal(t, info.ModTime(), again.ModTime(), "an unchanged file is not touched")

	source := filepath.Join(dir, "top", "top.go")
	put(t, source, strings.ReplaceAll(pipeline()["top/top.go"], "n + 1", "n + 2"))
	results = mustGenerate(t, cfg)
	diffs, err = Check(results)
	require.NoError(t, err)
	assert.Equal(t, []Difference{{PkgPath: "example.com/m/top", Path: filepath.Join(dir, "top", "dag_gen.manifest"), Change: "outdated", Sources: []string{"example.com/m/top/top.go"}}}, diffs)

	require.NoError(t, os.Remove(source))
	put(t, source, "package top\n")
	results = mustGenerate(t, cfg)
	diffs, err = Check(results)
	require.NoError(t, err)
	require.Len(t, diffs, 3)
	for _, d := range diffs {
		assert.Equal(t, "orphaned", d.Change)
		assert.Equal(t, "example.com/m/top", d.PkgPath)
	}
	written, err = Write(t.Context(), results)
	require.NoError(t, err)
	assert.Len(t, written, 3)
	assert.NoFileExists(t, filepath.Join(dir, "top", "dag_gen.go"))
}

// A damaged or conflicted manifest is outdated, and mended.
func TestDamagedManifestIsReplaced(t *testing.T) {
	dir := module(t, pipeline())
	_, err := Write(t.Context(), mustGenerate(t, config(dir)))
	require.NoError(t, err)
	path := filepath.Join(dir, "top", render.ManifestFile)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, damage := range []string{manifest.FirstLine + "\nnonsense\n", "<<<<<<< HEAD\n" + string(good) + "=======\n" + string(good) + ">>>>>>> x\n"} {
		put(t, path, damage)
		diffs, err := Check(mustGenerate(t, config(dir)))
		require.NoError(t, err)
		require.Len(t, diffs, 1)
		assert.Empty(t, diffs[0].Sources)
		written, err := Write(t.Context(), mustGenerate(t, config(dir)))
		require.NoError(t, err)
		assert.Equal(t, []string{path}, written)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(good), string(got))
	}
}

// A file that is not ours, and appears between Generate and Write, is left alone, and nothing else is written.
func TestWriteRefuses(t *testing.T) {
	dir := module(t, pipeline())
	results := mustGenerate(t, config(dir))
	mine := filepath.Join(dir, "top", "dag_gen.manifest")
	put(t, mine, "mine")
	_, err := Write(t.Context(), results)
	var refused *write.RefusedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, mine, refused.Path)
	assert.NoFileExists(t, filepath.Join(dir, "low", "dag_gen.go"))
	_, err = Check(results)
	assert.ErrorAs(t, err, &refused)
}

func TestCancelled(t *testing.T) {
	dir := module(t, pipeline())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := Generate(ctx, config(dir))
	assert.ErrorIs(t, err, context.Canceled)
	results := mustGenerate(t, config(dir))
	_, err = Write(ctx, results)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoFileExists(t, filepath.Join(dir, "low", "dag_gen.go"))
}

// build compiles a module and returns what the compiler says; empty for nothing.
func build(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"build"}, append(args, "./...")...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	return string(out)
}

// After an edit of a signature without generating again, the compiler points at the guard, and its message says what to do.
func TestGuards(t *testing.T) {
	dir := module(t, pipeline())
	_, err := Write(t.Context(), mustGenerate(t, config(dir)))
	require.NoError(t, err)
	require.Empty(t, build(t, dir))
	edit := func(file, old, with string) string {
		path := filepath.Join(dir, filepath.FromSlash(file))
		src, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(src), old)
		put(t, path, strings.ReplaceAll(string(src), old, with))
		defer put(t, path, string(src))
		return build(t, dir)
	}
	advice := "runDagstergenAgain"
	assert.Contains(t, edit("top/top.go", "rows []low.Row) int {", "rows []low.Row) int64 {"), advice, "another result")
	assert.Contains(t, edit("low/low.go", "func Count(rows []Row)", "func Count(rows ...Row)"), advice, "variadic")
	assert.Contains(t, edit("low/low.go", "URL string `json:\"url\" default:\"x\"`", "URL string `json:\"url\" default:\"y\"`"), advice, "a tag of a config")
	assert.Contains(t, edit("low/low.go", "(*DB, error)", "(*DB, func(), error)"), advice, "a resource with a cleanup")

	path := filepath.Join(dir, "low", "dag_gen.go")
	src, err := os.ReadFile(path)
	require.NoError(t, err)
	put(t, path, strings.ReplaceAll(string(src), "[[2]struct{}]", "[[7]struct{}]"))
	assert.Contains(t, build(t, dir), "run: go tool dagstergen ./...")
}

// Vendored dependencies are read where they are, and generated code compiles with them.
func TestVendored(t *testing.T) {
	dir := module(t, pipeline())
	cmd := exec.Command("go", "mod", "vendor")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	put(t, filepath.Join(dir, "tools.go"), "package m\n\nimport _ \"github.com/dagstergen/dagstergen/runtime/dag\"\n")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	cfg := config(dir)
	cfg.Load.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=vendor")
	_, err = Write(t.Context(), mustGenerate(t, cfg))
	require.NoError(t, err)
	assert.Empty(t, build(t, dir, "-mod=vendor"))
	assert.NoFileExists(t, filepath.Join(dir, "vendor", "github.com", "dagstergen", "dagstergen", "runtime", "dag", "dag_proof_gen.go"))
}

// In a workspace the modules are generated together, and each module's packages get their proofs.
func TestWorkspace(t *testing.T) {
	files := pipeline()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	mod := func(name string) string {
		return "module " + name + "\n\ngo 1.26.0\n\nrequire github.com/dagstergen/dagstergen v0.0.0\n\nreplace github.com/dagstergen/dagstergen => " + root + "\n"
	}
	work := map[string]string{
		"go.mod":         mod("example.com/unused"),
		"go.work":        "go 1.26.0\n\nuse (\n\t./one\n\t./two\n)\n",
		"one/go.mod":     mod("example.com/m/low"),
		"one/low.go":     files["low/low.go"],
		"two/go.mod":     mod("example.com/m/top"),
		"two/top.go":     files["top/top.go"],
		"two/x/x.go":     "package x\n",
		"two/x/x.txt":    "",
		"one/sub/sub.go": "package sub\n",
	}
	dir := module(t, work)
	cfg := config(dir, "./one/...", "./two/...")
	cfg.Load.Env = append(os.Environ(), "GOWORK="+filepath.Join(dir, "go.work"))
	results := mustGenerate(t, cfg)
	var names []string
	for _, r := range results {
		rel, _ := filepath.Rel(dir, r.Path)
		names = append(names, filepath.ToSlash(rel))
	}
	assert.Equal(t, []string{"one/dag_gen.go", "one/dag_gen.manifest", "one/dag_proof_gen.go", "two/dag_gen.go", "two/dag_gen.manifest", "two/dag_proof_gen.go"}, names)
}

// A module on disk that knows nothing of dagstergen gets its proof, with a warning.
func TestReplacedModule(t *testing.T) {
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	const us = "github.com/dagstergen/dagstergen"
	dir := module(t, map[string]string{
		"main/go.mod": "module example.com/m\n\ngo 1.26.0\n\nrequire (\n\texample.com/lib v0.0.0\n\t" + us + " v0.0.0\n)\n\nreplace (\n\texample.com/lib => ../lib\n\t" + us + " => " + root + "\n)\n",
		"main/a.go":   "package a\n\nimport \"example.com/lib\"\n\n//dag:asset\nfunc Total() int { return lib.One() }\n",
		"lib/go.mod":  "module example.com/lib\n\ngo 1.26.0\n",
		"lib/lib.go":  "package lib\n\nfunc One() int { return 1 }\n",
	})
	results, diags, err := Generate(t.Context(), config(filepath.Join(dir, "main")))
	require.NoError(t, err)
	require.Len(t, diags, 1)
	assert.Equal(t, "DAG0706", diags[0].Code)
	assert.False(t, diags.HasErrors())
	assert.Contains(t, diags[0].Message, "module example.com/lib does not require")
	require.Len(t, results, 4)
	_, err = Write(t.Context(), results)
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(dir, "lib", "dag_proof_gen.go"))
	assert.Empty(t, build(t, filepath.Join(dir, "main")))

	cfg := config(filepath.Join(dir, "main"))
	cfg.Proof = ProofDisk
	_, diags, err = Generate(t.Context(), cfg)
	require.NoError(t, err)
	assert.Empty(t, diags)
}

// A user's file with the line ends of another system gives the same code.
func TestCarriageReturns(t *testing.T) {
	unix := pipeline()
	dos := map[string]string{}
	for name, text := range pipeline() {
		dos[name] = strings.ReplaceAll(text, "\n", "\r\n")
	}
	content := func(files map[string]string) map[string]string {
		dir := module(t, files)
		out := map[string]string{}
		for _, r := range mustGenerate(t, config(dir)) {
			rel, _ := filepath.Rel(dir, r.Path)
			if strings.HasSuffix(rel, ".go") {
				out[rel] = string(r.Content)
			}
		}
		return out
	}
	assert.Equal(t, content(unix), content(dos))
}

func BenchmarkGenerate200Assets(b *testing.B) {
	var src strings.Builder
	src.WriteString("package a\n\ntype Row struct {\n\tName string\n\tValue float64\n}\n\n//dag:asset\nfunc Asset000() []Row { return nil }\n")
	for i := 1; i < 200; i++ {
		fmt.Fprintf(&src, "\n// Asset%03d follows.\n//\n//dag:asset group=g%d\nfunc Asset%03d(asset%03d []Row) ([]Row, error) { return helper%d(asset%03d), nil }\n", i, i%7, i, i-1, i%20, i-1)
	}
	for i := range 20 {
		fmt.Fprintf(&src, "\nfunc helper%d(rows []Row) []Row { return append(rows, Row{Value: %d}) }\n", i, i)
	}
	cfg := config(module(b, map[string]string{"a/a.go": src.String()}))
	for b.Loop() {
		results, diags, err := Generate(b.Context(), cfg)
		if err != nil || len(diags) > 0 || len(results) != 3 {
			b.Fatal(err, diags, len(results))
		}
	}
}
