package arch

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/dagstergen/dagstergen/"

// layers are the packages from the ground up. A package imports packages of lower layers only. What ends in /... stands for the
// packages below it too.
var layers = [][]string{
	{"internal/canon", "internal/nearest", "internal/diag", "internal/figure", "internal/revision", "internal/squeeze", "internal/oslock", "internal/mask", "internal/mutant", "internal/failpoint", "internal/rules", "internal/scripttest", "internal/testdisk"},
	{"runtime/partition"},
	{"runtime/dag", "runtime/plugin", "internal/subprocess", "internal/cache", "internal/facts", "internal/typedata", "internal/manifest", "annotations"},
	{"internal/load"},
	{"runtime/storage", "runtime/runconfig", "runtime/iomanager/codec", "versionhash", "gen/model", "gen/write"},
	{"runtime/computelog", "runtime/storage/sqlite", "runtime/storage/memory", "runtime/storage/storagetest", "runtime/iomanager", "runtime/plan", "runtime/execute/differ", "gen/render", "gen/preset", "versionhash/hazard"},
	{"runtime/instance", "gen"},
	{"runtime/execute", "gen/compare"},
	{"runtime/backfill", "runtime/dagtest"},
	{"runtime/cli"},
	{"cmd/...", "examples/...", "internal/arch", "internal/oracle", "internal/e2e", "internal/plaincall", "internal/crash/...", "bench", "bench/lab"},
	{"internal/oracle/cmd/oracle", "bench/peers"},
}

// boxes says which box of the picture a package is in, where it has none of its own.
var boxes = map[string]string{
	"cmd/dagstergen": "cmd", "examples/quickstart": "examples", "examples/weather": "examples", "examples/flights": "examples", "examples/budget": "examples", "examples/remote": "examples",
	"gen/model": "gen", "gen/compare": "gen", "gen/write": "gen", "gen/render": "gen", "gen/preset": "gen",
	"runtime/iomanager/codec": "runtime/iomanager", "runtime/execute/differ": "runtime/execute", "versionhash/hazard": "versionhash",
}

// undrawn are packages for tests, which the picture leaves out; so are those of the lowest layer, which anyone may use.
var undrawn = []string{"internal/subprocess", "internal/arch", "internal/oracle", "internal/oracle/cmd/oracle", "internal/e2e", "internal/plaincall", "internal/crash", "internal/crash/crashlab", "internal/crash/backfilllab", "runtime/storage/storagetest", "runtime/dagtest", "bench", "bench/lab", "bench/peers"}

// forbidden are the imports that no layer forbids and the design does: package, what it must not import, why.
var forbidden = []struct{ from, to, why string }{
	{"gen/...", "./runtime/...", "the generator writes the names of the runtime, it does not link it"},
	{"cmd/...", "./runtime/...", "the tool does not run pipelines, it builds and starts them"},
	{"annotations", "go/types", "annotations knows comments, not types"},
	{"versionhash", "./annotations", "a version does not depend on directives"},
	{"runtime/...", "./gen/...", "a pipeline binary carries no generator"},
	{"runtime/...", "./annotations", "a pipeline binary carries no generator"},
	{"runtime/...", "./versionhash", "versions are computed before, not in a pipeline binary"},
	{"runtime/...", "./internal/load", "a pipeline binary carries no generator"},
	{"runtime/...", "go/types", "a pipeline binary carries no generator"},
	{"runtime/storage/...", "./runtime/execute", "storage does not know who uses it"},
	{"runtime/iomanager/...", "./runtime/execute", "an IO manager does not know who uses it"},
	{"runtime/runconfig", "./runtime/execute", "run config does not know who uses it"},
	{"runtime/plan", "os", "planning is pure"},
	{"runtime/plan", "os/exec", "planning is pure"},
	{"runtime/plan", "./runtime/instance", "planning is pure"},
}

// dagImports is all that every user's package links.
var dagImports = []string{"internal/canon", "internal/mask", "internal/nearest", "runtime/partition"}

func TestArrowsPointDown(t *testing.T) {
	imports := importsOf(t, "../..")
	for _, from := range slices.Sorted(maps.Keys(imports)) {
		height := layerOf(from)
		if !assert.GreaterOrEqual(t, height, 0, "%s stands in no layer: add it to layers and to docs/architecture.md", from) {
			continue
		}
		for _, to := range imports[from] {
			if own, ok := strings.CutPrefix(to, module); ok {
				assert.Less(t, layerOf(own), height, "%s imports %s, which is not below it", from, own)
				to = "./" + own
			}
			for _, f := range forbidden {
				assert.False(t, match(f.from, from) && match(f.to, to), "%s imports %s: %s", from, to, f.why)
			}
		}
	}
	for _, to := range imports["runtime/dag"] {
		if own, ok := strings.CutPrefix(to, module); ok {
			assert.Contains(t, dagImports, own, "runtime/dag is linked by every user's package")
		} else {
			assert.False(t, strings.Contains(to, "."), "runtime/dag imports %s: only the standard library is allowed there", to)
		}
	}
}

// nested are the modules in this repository, each with what it may import of ours: they are for who wants them, and what they need is not in our go.mod.
var nested = map[string][]string{
	"parquet":          {"runtime/dag"},
	"parquet/examples": {"runtime/dag", "runtime/cli", "parquet"},

	"protobuf":          {"runtime/dag"},
	"protobuf/examples": {"runtime/dag", "runtime/cli", "protobuf"},
}

func TestNestedModules(t *testing.T) {
	var found []string
	require.NoError(t, filepath.WalkDir("../..", func(file string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if dir, ok := strings.CutSuffix(filepath.ToSlash(file), "/go.mod"); ok && dir != "../.." {
			found = append(found, strings.TrimPrefix(dir, "../../"))
		}
		return err
	}))
	assert.ElementsMatch(t, slices.Collect(maps.Keys(nested)), found)
	for dir, may := range nested {
		for pkg, imports := range importsOf(t, filepath.Join("../..", dir)) {
			for _, to := range imports {
				if own, ok := strings.CutPrefix(to, module); ok {
					assert.Contains(t, may, own, "%s/%s", dir, pkg)
				}
			}
		}
	}
	for pkg, imports := range importsOf(t, "../..") {
		for _, to := range imports {
			for dir := range nested {
				assert.False(t, match(module+dir+"/...", to), "%s imports %s, which is a module of its own", pkg, to)
			}
		}
	}
}

// The picture shows an arrow for an import, and for nothing else; what the picture leaves out is implied by the arrows it has.
func TestPictureMatchesImports(t *testing.T) {
	imports := importsOf(t, "../..")
	page, err := os.ReadFile("../../docs/architecture.md")
	require.NoError(t, err)
	picture, err := arrows(string(page))
	require.NoError(t, err)

	real := map[string]map[string]bool{}
	for from, list := range imports {
		for _, to := range list {
			own, ok := strings.CutPrefix(to, module)
			if a, b := drawn(from), drawn(own); ok && a != b && a != "" && b != "" {
				if real[a] == nil {
					real[a] = map[string]bool{}
				}
				real[a][b] = true
			}
		}
	}
	for from, tos := range picture {
		for to := range tos {
			assert.True(t, real[from][to], "the picture has %s --> %s, the code has no such import", from, to)
		}
	}
	for from, tos := range real {
		for to := range tos {
			assert.True(t, reaches(picture, from, to), "%s imports %s, the picture has no way from one to the other", from, to)
		}
	}
}

// drawn returns the box of the picture that a package is in; the empty string where it is not drawn.
func drawn(pkg string) string {
	if layerOf(pkg) == 0 || slices.Contains(undrawn, pkg) {
		return ""
	}
	if box, ok := boxes[pkg]; ok {
		return box
	}
	return pkg
}

func layerOf(pkg string) int {
	return slices.IndexFunc(layers, func(layer []string) bool {
		return slices.ContainsFunc(layer, func(pattern string) bool { return match(pattern, pkg) })
	})
}

func match(pattern, pkg string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pattern == pkg
}

func reaches(graph map[string]map[string]bool, from, to string) bool {
	for next := range graph[from] {
		if next == to || reaches(graph, next, to) {
			return true
		}
	}
	return false
}

var arrow = regexp.MustCompile(`^\s*(\w+)\s*-->\s*(\w+(?:\s*&\s*\w+)*)\s*$`)
var box = regexp.MustCompile(`^\s*(\w+)\["([^"<]+)(?:<br/>[^"]*)?"\]\s*$`)

// arrows reads the Mermaid picture of a page: boxes id["path<br/>text"] and arrows a --> b & c.
func arrows(page string) (map[string]map[string]bool, error) {
	_, picture, ok := strings.Cut(page, "```mermaid\n")
	if !ok {
		return nil, fmt.Errorf("no picture")
	}
	picture, _, _ = strings.Cut(picture, "```")
	names := map[string]string{}
	graph := map[string]map[string]bool{}
	for line := range strings.Lines(picture) {
		line = strings.TrimRight(line, "\n")
		if m := box.FindStringSubmatch(line); m != nil {
			names[m[1]] = m[2]
		} else if m := arrow.FindStringSubmatch(line); m != nil {
			for to := range strings.SplitSeq(m[2], "&") {
				from, to := names[m[1]], names[strings.TrimSpace(to)]
				if from == "" || to == "" {
					return nil, fmt.Errorf("%q names a box that is not drawn before", line)
				}
				if graph[from] == nil {
					graph[from] = map[string]bool{}
				}
				graph[from][to] = true
			}
		} else if strings.Contains(line, "--") {
			return nil, fmt.Errorf("%q is no arrow that this test can read", line)
		}
	}
	return graph, nil
}

// importsOf returns what the packages below root import, tests left out, by their path below the module.
func importsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	require.NoError(t, filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "testdata" || name != ".." && strings.HasPrefix(name, ".") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil && file != root {
				return fs.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(rel))
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if imports[pkg] == nil {
			imports[pkg] = []string{}
		}
		for _, spec := range parsed.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports[pkg] = append(imports[pkg], to)
		}
		return nil
	}))
	require.NotEmpty(t, imports)
	return imports
}
