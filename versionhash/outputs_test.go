package versionhash

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The table of edits held against the compiler: every row is built and run as it was and as it is edited. Where the output of a function
// differs, its version must differ; that it does for functions whose name starts with Op, and does not for those that start with Keep, is
// what TestEdits says. So here it must not be a Keep whose output differs, but for those that say so; and an Op whose output does
// not differ says why its version does.

//go:embed testdata/show/show.go
var showSource []byte

// A callable is one function of a row that a program calls.
type callable struct {
	path, name string // import path below the row's module, and the name as an expression of that package
	statements string // what is run; empty for a call with arguments that are made up
}

func (c callable) key(row string) string {
	return row + "/" + strings.TrimPrefix(c.path+".", ".") + c.name
}

// callables finds the functions that a row makes claims of.
func (e *edit) callables(t *testing.T, fs []txtar.File) []callable {
	t.Helper()
	seen := map[callable]bool{}
	for _, f := range fs {
		dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(f.Name)), ".")
		if !strings.HasSuffix(f.Name, ".go") || strings.HasSuffix(f.Name, "_test.go") || strings.HasPrefix(dir, "vendor") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name, f.Data, parser.SkipObjectResolution)
		require.NoError(t, err, e.name)
		if parsed.Name.Name == "main" {
			continue
		}
		for _, d := range parsed.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Op") && !strings.HasPrefix(fn.Name.Name, "Keep") {
				continue
			}
			name := fn.Name.Name
			if fn.Recv != nil {
				switch r := fn.Recv.List[0].Type.(type) {
				case *ast.Ident:
					name = r.Name + "." + name
				case *ast.StarExpr:
					name = "(*" + r.X.(*ast.Ident).Name + ")." + name
				}
			}
			seen[callable{dir, name, e.run[fn.Name.Name]}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b callable) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.name, b.name))
	})
}

// A built is a row on one side, ready to run.
type built struct {
	binary string
	env    []string
	keys   []string // arguments: one call each
}

// mayImport are packages that the statements of a row may name.
var mayImport = []string{"bytes", "context", "encoding/gob", "encoding/json", "errors", "fmt", "image/png", "io", "net/http", "strings", "time"}

// driver is the source of a program that makes the call that its argument names.
func driver(module string, rows map[string][]callable) []byte {
	imports := map[string]string{}
	var body strings.Builder
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		for _, c := range rows[row] {
			path := strings.TrimSuffix(module+"/"+strings.TrimSuffix(row+"/"+c.path, "/"), "/")
			alias := "p" + strings.NewReplacer("/", "_", ".", "_").Replace(row+c.path)
			imports[path] = alias
			text := "show.Call(" + alias + "." + c.name + ")"
			if strings.HasPrefix(c.name, "(*") {
				text = "show.Call((*" + alias + "." + c.name[2:] + ")"
			}
			if c.statements != "" {
				text = regexp.MustCompile(`\bp\.`).ReplaceAllString(c.statements, alias+".")
			}
			fmt.Fprintf(&body, "\t%q: func() {\n\t\t_ = %s.%s\n\t\t%s\n\t},\n", c.key(row), alias, strings.Replace(c.name, "(*", "", 1), text)
		}
	}
	text := strings.ReplaceAll(body.String(), ").", ").")
	var b strings.Builder
	b.WriteString("package main\n\nimport (\n\t\"os\"\n\n\t\"" + module + "/show\"\n")
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		fmt.Fprintf(&b, "\t%s %q\n", imports[path], path)
	}
	for _, path := range mayImport {
		if strings.Contains(text, path[strings.LastIndexByte(path, '/')+1:]+".") {
			fmt.Fprintf(&b, "\t%q\n", path)
		}
	}
	fmt.Fprintf(&b, ")\n\nvar calls = map[string]func(){\n%s}\n\nfunc main() {\n\t_ = show.Call\n\tcalls[os.Args[1]]()\n}\n", text)
	return []byte(b.String())
}

// keepsToItself holds for a row that shares a program with others: one that leaves nothing with the standard library when it starts, and has
// no C and no build settings.
func (e *edit) keepsToItself() bool {
	return len(e.flags) == 0 && !slices.ContainsFunc([]string{`"flag"`, `"log"`, `"log/slog"`, `"net/http"`, `"encoding/gob"`, `"image`, `"C"`, "-- main.go --"}, func(s string) bool {
		return strings.Contains(e.src+strings.Join(e.edits, ""), s)
	})
}

// buildSide builds the programs of all rows on one side, and returns them by row.
func buildSide(t *testing.T, rows []edit, text func(*edit) string, cache *moduleCache) []built {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, []txtar.File{
		{Name: "go.mod", Data: []byte("module " + testModule + "\n\ngo 1.26\n")}, {Name: "show/show.go", Data: showSource},
	})
	out := make([]built, len(rows))
	shared := map[string][]callable{}
	flagged := map[string][]string{} // build flags -> programs
	for i := range rows {
		e := &rows[i]
		row := fmt.Sprintf("r%03d", i)
		if e.module() {
			out[i] = cache.build(t, e, files(text(e), testModule))
			continue
		}
		fs := files(text(e), testModule+"/"+row)
		writeFiles(t, filepath.Join(dir, row), fs)
		calls := e.callables(t, fs)
		for _, c := range calls {
			out[i].keys = append(out[i].keys, c.key(row))
		}
		name := "run"
		switch {
		case e.keepsToItself():
			shared[row] = calls
		case strings.Contains(e.src, "-- main.go --"): // is a program
			name = row
		default:
			name = "run" + row
			writeFiles(t, dir, []txtar.File{{Name: name + "/main.go", Data: driver(testModule, map[string][]callable{row: calls})}})
		}
		out[i].binary = filepath.Join(dir, "bin", name)
		if flags := strings.Join(e.flags, " "); !slices.Contains(flagged[flags], "./"+name) {
			flagged[flags] = append(flagged[flags], "./"+name)
		}
	}
	writeFiles(t, dir, []txtar.File{{Name: "run/main.go", Data: driver(testModule, shared)}})
	for _, flags := range slices.Sorted(maps.Keys(flagged)) {
		goBuild(t, dir, append(strings.Fields(flags), flagged[flags]...))
	}
	return out
}

func goBuild(t *testing.T, dir string, args []string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build", "-trimpath", "-o", "bin" + string(filepath.Separator)}, args...)...)
	cmd.Dir, cmd.Env = dir, append(testEnv(), "CGO_ENABLED=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// A moduleCache builds rows that are modules of their own; those with the same files once.
type moduleCache struct{ done map[string]built }

func (m *moduleCache) build(t *testing.T, e *edit, fs []txtar.File) built {
	t.Helper()
	name := strings.Join(e.flags, " ") + string(txtar.Format(&txtar.Archive{Files: fs})) + fmt.Sprint(e.run)
	if b, ok := m.done[name]; ok {
		return b
	}
	calls := e.callables(t, fs)
	dir := t.TempDir()
	writeFiles(t, dir, fs)
	writeFiles(t, dir, []txtar.File{
		{Name: "show/show.go", Data: showSource},
		{Name: "run/main.go", Data: driver(testModule, map[string][]callable{"": calls})},
	})
	goBuild(t, dir, append(slices.Clone(e.flags), "./run"))
	b := built{binary: filepath.Join(dir, "bin", "run")}
	for _, c := range calls {
		b.keys = append(b.keys, c.key(""))
	}
	m.done[name] = b
	return b
}

// output runs one call and returns all that it printed, and how it ended.
func output(ctx context.Context, b built, key string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.binary, key)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "GOTRACEBACK=none")
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		return "", fmt.Errorf("%s: %w, %w", key, err, ctx.Err())
	}
	if err != nil {
		fmt.Fprintf(&out, "exit code %d\n", exit.ExitCode())
	}
	if exit != nil && exit.ExitCode() == 9 {
		return "", errors.New(out.String())
	}
	text, _, _ := strings.Cut(out.String(), "\nruntime stack:") // of a fatal error: addresses
	return text, nil
}

func TestOutputsOfEdits(t *testing.T) {
	rows := allEdits()
	cache := &moduleCache{done: map[string]built{}}
	before, after := buildSide(t, rows, func(e *edit) string { return e.src }, cache), buildSide(t, rows, (*edit).after, cache)
	sides := [3][]built{before, after, before} // the first once more: what is not the same then is no evidence
	outputs := [3][]map[string]string{}
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed []error
	for s := range sides {
		outputs[s] = make([]map[string]string, len(rows))
		for i, b := range sides[s] {
			outputs[s][i] = map[string]string{}
			for _, key := range b.keys {
				wg.Go(func() {
					slots <- struct{}{}
					out, err := output(t.Context(), b, key)
					<-slots
					mu.Lock()
					defer mu.Unlock()
					outputs[s][i][key] = out
					if err != nil {
						failed = append(failed, fmt.Errorf("%s: %w", rows[i].name, err))
					}
				})
			}
		}
	}
	wg.Wait()
	assert.NoError(t, errors.Join(failed...))
	for i := range rows {
		e := &rows[i]
		t.Run(e.name, func(t *testing.T) {
			require.True(t, maps.Equal(outputs[0][i], outputs[2][i]), "the output is another one each time: %.500s", fmt.Sprint(outputs[0][i], outputs[2][i]))
			e.compareOutputs(t, outputs[0][i], outputs[1][i])
		})
	}
}

func (e *edit) compareOutputs(t *testing.T, before, after map[string]string) {
	t.Helper()
	require.NotEmpty(t, before)
	changes, differs, unseen := false, false, false
	for _, key := range slices.Sorted(maps.Keys(before)) {
		name := key[strings.LastIndexAny(key, "./")+1:]
		other := before[key] != after[key]
		if strings.HasPrefix(name, "Op") {
			changes, differs = true, differs || other
			continue
		}
		unseen = unseen || other
		if e.unseen == "" {
			assert.Equal(t, before[key], after[key], "the version of %s stays, and its output does not", key)
		}
	}
	if changes {
		assert.Equal(t, e.quiet == "", differs, "an edit that changes versions shows in the output, or the row says why it does not; output:\n%.500s", fmt.Sprint(before))
	}
	assert.True(t, e.quiet == "" || changes, "only a change needs a reason")
	assert.Equal(t, e.unseen != "", unseen, "what a version does not see, by decision, is said where it is true")
}
