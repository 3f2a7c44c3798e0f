package gen_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

var update = flag.Bool("update", false, "rewrite the expected sections of testdata/gen")

// A goldenCase is one file of testdata/gen: the input files of a module named example.com/CASE, and in want/ what comes of it: the diagnostics
// (want/errors), each dag_gen.go, the list of all files (want/files) and, for a case with a main package, what it prints (want/stdout).
//
// Lines of the comment that begin with "option:" are for the test: alone (loaded by itself, outside of the workspace), nobuild (it does not compile yet), deps, proof=MODE, pattern=PATTERN.
type goldenCase struct {
	name    string
	archive *txtar.Archive
	dir     string
	options map[string]string

	diags   diag.List
	results []gen.Result
}

func (c *goldenCase) want(name string) (string, bool) {
	for _, f := range c.archive.Files {
		if f.Name == "want/"+name {
			return string(f.Data), true
		}
	}
	return "", false
}

// repository is the root of this module.
func repository(t testing.TB) string {
	dir, err := filepath.Abs("..")
	require.NoError(t, err)
	return dir
}

// layOut writes the input files of all cases below root, each a module of a workspace.
func layOut(t testing.TB, root string, cases []*goldenCase) {
	t.Helper()
	work := "go 1.26.0\nuse ./runner\n"
	writeFile(t, filepath.Join(root, "runner", "go.mod"), []byte(goMod(t, "example.com/runner")))
	for _, c := range cases {
		c.dir = filepath.Join(root, c.name)
		work += "use ./" + c.name + "\n"
		hasMod := false
		for _, f := range c.archive.Files {
			if strings.HasPrefix(f.Name, "want/") {
				continue
			}
			hasMod = hasMod || f.Name == "go.mod"
			writeFile(t, filepath.Join(c.dir, filepath.FromSlash(f.Name)), f.Data)
		}
		if !hasMod {
			writeFile(t, filepath.Join(c.dir, "go.mod"), []byte(goMod(t, "example.com/"+c.name)))
		}
	}
	writeFile(t, filepath.Join(root, "go.work"), []byte(work))
	sum, err := os.ReadFile(filepath.Join(repository(t), "go.sum"))
	require.NoError(t, err)
	writeFile(t, filepath.Join(root, "go.work.sum"), sum)
}

func goMod(t testing.TB, module string) string {
	const us = "github.com/dagstergen/dagstergen"
	require, replace := "", ""
	stands := func(dir string) string { return filepath.Join(repository(t), "gen", "testdata", dir) }
	for _, m := range [][2]string{{us, repository(t)}, {load.ParquetPath, stands("parquet")}, {load.ProtobufPath, stands("protobuf")}, {"google.golang.org/protobuf", stands("protoreflect")}} {
		require += "require " + m[0] + " v0.0.0\n"
		replace += "replace " + m[0] + " => " + m[1] + "\n"
	}
	return fmt.Sprintf("module %s\n\ngo 1.26.0\n\n%s\n%s", module, require, replace)
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, data, 0o644))
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	writeFile(t, to, b)
}

func environment(root string) []string {
	return append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"), "GOFLAGS=-mod=readonly", "GOTOOLCHAIN=local")
}

// readCases reads testdata/gen.
func readCases(t testing.TB) []*goldenCase {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(repository(t), "testdata", "gen", "*.txtar"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	var cases []*goldenCase
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		require.NoError(t, err)
		c := &goldenCase{name: strings.TrimSuffix(filepath.Base(name), ".txtar"), archive: a, options: map[string]string{}}
		for line := range strings.Lines(string(a.Comment)) {
			if rest, ok := strings.CutPrefix(line, "option:"); ok {
				key, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
				c.options[key] = value
			}
		}
		cases = append(cases, c)
	}
	return cases
}

// generate runs the generator over all cases: those without options in one call, which is what it is fast at.
func generate(t testing.TB, root string, cases []*goldenCase) {
	t.Helper()
	together := gen.Config{Load: load.Config{Dir: root, Env: environment(root)}}
	for _, c := range cases {
		if len(c.options) == 0 {
			together.Load.Patterns = append(together.Load.Patterns, "./"+c.name+"/...")
			continue
		}
		cfg := gen.Config{Load: load.Config{Dir: c.dir, Env: environment(root), Patterns: []string{"./..."}}}
		if _, alone := c.options["alone"]; alone {
			cfg.Load.Env = append(cfg.Load.Env, "GOWORK=off")
			copyFile(t, filepath.Join(root, "go.work.sum"), filepath.Join(c.dir, "go.sum"))
		}
		if p := c.options["pattern"]; p != "" {
			cfg.Load.Patterns = strings.Fields(p)
		}
		_, cfg.Deps = c.options["deps"]
		var err error
		cfg.Proof, err = gen.ParseProof(c.options["proof"])
		require.NoError(t, err)
		c.results, c.diags, err = gen.Generate(context.Background(), cfg)
		require.NoError(t, err, c.name)
	}
	results, diags, err := gen.Generate(context.Background(), together)
	require.NoError(t, err)
	for _, c := range cases {
		if len(c.options) > 0 {
			continue
		}
		for _, r := range results {
			if strings.HasPrefix(r.Path, c.dir+string(filepath.Separator)) {
				c.results = append(c.results, r)
			}
		}
		for _, d := range diags {
			if strings.HasPrefix(d.Pos.Filename, c.name+string(filepath.Separator)) {
				c.diags = append(c.diags, d)
			}
		}
	}
	placed := 0
	for _, c := range cases {
		if len(c.options) == 0 {
			placed += len(c.diags)
		}
	}
	if placed != len(diags) {
		for _, d := range diags {
			t.Log(d)
		}
		t.Errorf("%d diagnostics belong to no case", len(diags)-placed)
	}
}

// got returns what the sections below want/ would be, in order.
func (c *goldenCase) got() []txtar.File {
	var out []txtar.File
	var lines []string
	for _, d := range c.diags {
		text := d.String()
		text = strings.ReplaceAll(text, "\n\t"+c.name+string(filepath.Separator), "\n\t")
		lines = append(lines, strings.TrimPrefix(text, c.name+string(filepath.Separator))+"\n")
	}
	if len(lines) > 0 {
		out = append(out, txtar.File{Name: "want/errors", Data: []byte(filepath.ToSlash(strings.Join(lines, "")))})
	}
	var files []string
	for _, r := range c.results {
		rel, _ := filepath.Rel(c.dir, r.Path)
		rel = filepath.ToSlash(rel)
		if r.Content == nil {
			rel += " (deleted)"
		}
		files = append(files, rel+"\n")
		if r.Content != nil && filepath.Base(r.Path) == "dag_gen.go" && !c.diags.HasErrors() {
			out = append(out, txtar.File{Name: "want/" + rel, Data: r.Content})
		}
	}
	if len(files) == 0 && len(lines) == 0 {
		files = []string{"none\n"}
	}
	if len(files) > 0 {
		out = append(out, txtar.File{Name: "want/files", Data: []byte(strings.Join(files, ""))})
	}
	return out
}

// runs reports whether the case has a func Run to call, or is a main package to start.
func (c *goldenCase) runs() (run, main bool) {
	if c.diags.HasErrors() {
		return false, false
	}
	for _, r := range c.results {
		main = main || bytes.Contains(r.Content, []byte("\npackage main\n")) && filepath.Dir(r.Path) == c.dir
	}
	for _, f := range c.archive.Files {
		run = run || bytes.Contains(f.Data, []byte("\nfunc Run() {\n"))
	}
	return run && !main, main
}

// writeRunner makes a program that calls Run of the case that its argument names: linking one program is quicker than many.
func writeRunner(t *testing.T, root string, names []string) {
	t.Helper()
	imports, calls := "", ""
	for _, n := range names {
		imports += fmt.Sprintf("\t%s \"example.com/%s\"\n", n, n)
		calls += fmt.Sprintf("\tcase %q:\n\t\t%s.Run()\n", n, n)
	}
	src := "package main\n\nimport (\n\t\"os\"\n\n" + imports + ")\n\nfunc main() {\n\tswitch os.Args[1] {\n" + calls + "\t}\n}\n"
	writeFile(t, filepath.Join(root, "runner", "main.go"), []byte(src))
	writeFile(t, filepath.Join(root, "runner", "go.mod"), []byte(goMod(t, "example.com/runner")))
}

func TestGolden(t *testing.T) {
	root := resolved(t, t.TempDir())
	cases := readCases(t)
	layOut(t, root, cases)
	generate(t, root, cases)

	var patterns, mains, runs []string
	for _, c := range cases {
		if len(c.results) == 0 {
			continue
		}
		for _, r := range c.results {
			if filepath.Ext(r.Path) == ".go" && r.Content != nil {
				formatted, err := format.Source(r.Content)
				require.NoError(t, err, r.Path)
				assert.Equal(t, string(formatted), string(r.Content), "%s is not as gofmt has it", r.Path)
			}
		}
		_, err := gen.Write(t.Context(), c.results)
		require.NoError(t, err, c.name)
		if _, skip := c.options["nobuild"]; !skip && !c.diags.HasErrors() {
			patterns = append(patterns, "./"+c.name+"/...")
		}
		switch run, main := c.runs(); {
		case main:
			mains = append(mains, "./"+c.name)
		case run:
			runs = append(runs, c.name)
		}
	}
	writeRunner(t, root, runs)
	goCommand(t, root, append([]string{"vet"}, patterns...)...)
	bin := filepath.Join(root, "bin") + string(filepath.Separator)
	goCommand(t, root, append([]string{"build", "-ldflags=-s -w", "-o", bin, "./runner"}, mains...)...)

	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := c.got()
			switch {
			case slices.Contains(mains, "./"+c.name):
				got = append(got, txtar.File{Name: "want/stdout", Data: run(t, c, bin+c.name)})
			case slices.Contains(runs, c.name):
				got = append(got, txtar.File{Name: "want/stdout", Data: run(t, c, bin+"runner", c.name)})
			}
			if *update {
				c.rewrite(t, got)
				return
			}
			names := map[string]bool{}
			for _, f := range got {
				names[f.Name] = true
				want, ok := c.want(strings.TrimPrefix(f.Name, "want/"))
				if assert.True(t, ok, "%s is not expected:\n%s", f.Name, f.Data) {
					assert.Equal(t, want, string(f.Data), f.Name)
				}
			}
			for _, f := range c.archive.Files {
				if strings.HasPrefix(f.Name, "want/") {
					assert.True(t, names[f.Name], "%s is expected and was not made", f.Name)
				}
			}
			assert.Positive(t, len(got), "a case without an expectation")
		})
	}
}

// resolved follows symbolic links, as the go command does in the paths that it reports.
func resolved(t testing.TB, dir string) string {
	dir, err := filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	return dir
}

func goCommand(t *testing.T, root string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = root, environment(root)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s:\n%s", args[0], out)
}

// run starts the program of a case in its folder, with a store of its own.
func run(t *testing.T, c *goldenCase, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "DAGSTERGEN_HOME="+filepath.Join(c.dir, ".dagstergen"), "NO_COLOR=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s", &stderr)
	return stdout.Bytes()
}

// rewrite replaces the expected sections of the case by what was got.
func (c *goldenCase) rewrite(t *testing.T, got []txtar.File) {
	t.Helper()
	a := &txtar.Archive{Comment: c.archive.Comment}
	for _, f := range c.archive.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			a.Files = append(a.Files, f)
		}
	}
	a.Files = append(a.Files, got...)
	writeFile(t, filepath.Join(repository(t), "testdata", "gen", c.name+".txtar"), txtar.Format(a))
}
