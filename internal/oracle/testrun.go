package oracle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/load"
)

// A testedPackage is what go list says of a package with tests.
type testedPackage struct {
	ImportPath, Dir           string
	TestGoFiles, XTestGoFiles []string
	TestImports, XTestImports []string
}

// listTests finds the packages with tests that match patterns below the module.
func listTests(ctx context.Context, dir string, patterns []string) ([]*testedPackage, error) {
	args := []string{"list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles,TestImports,XTestImports"}
	for _, p := range patterns {
		args = append(args, "./"+p)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, env("GOOS=linux", "GOARCH=amd64")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("oracle: go list: %w: %s", err, stderr.String())
	}
	var out []*testedPackage
	for dec := json.NewDecoder(&stdout); ; {
		t := new(testedPackage)
		if err := dec.Decode(t); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("oracle: go list: %w", err)
		}
		if len(t.TestGoFiles)+len(t.XTestGoFiles) > 0 {
			out = append(out, t)
		}
	}
}

// compileTests builds the test binary of a package, with counters in the packages of those paths.
func compileTests(ctx context.Context, dir string, t *testedPackage, paths []string) (string, error) {
	f, err := os.CreateTemp(dir, "tests*")
	if err != nil {
		return "", err
	}
	f.Close()
	args := []string{"test", "-c", "-vet=off", "-o", f.Name()}
	if len(paths) > 0 {
		args = append(args, "-covermode=count", "-coverpkg="+strings.Join(paths, ","))
	}
	cmd := exec.CommandContext(ctx, "go", append(args, t.ImportPath)...)
	cmd.Dir, cmd.Env = dir, env("GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("%w: %.2000s", err, out)
	}
	return f.Name(), nil
}

// A block is a piece of code with a counter: "import/path/file.go:line.column".
type block string

// A testRunner runs the tests of one package.
type testRunner struct {
	binary string
	t      *testedPackage
	where  *locator
	base   map[block]int // how often each block runs without a test
}

// because returns the functions that ran more often than without a test.
func (r *testRunner) because(ran map[block]int) map[string]bool {
	out := map[string]bool{}
	for b, n := range ran {
		if n > r.base[b] {
			if symbol := r.where.symbol(b); symbol != "" {
				out[symbol] = true
			}
		}
	}
	return out
}

// How often a test, and the binary without a test, run again before a function counts as missed: a goroutine that is started with the package goes on for a while in
// either, and how far it comes is chance.
const (
	testsAgain   = 4
	withoutAgain = 16
)

// again returns those of the functions that run more often each time with the test than any time without.
func (r *testRunner) again(ctx context.Context, pattern string, functions []string) ([]string, error) {
	for range withoutAgain {
		ran, _, err := r.run(ctx, "^$")
		if err != nil {
			return nil, err
		}
		for b, n := range ran {
			r.base[b] = max(r.base[b], n)
		}
	}
	for range testsAgain {
		ran, _, err := r.run(ctx, pattern)
		if err != nil {
			return nil, err
		}
		because := r.because(ran)
		functions = slices.DeleteFunc(functions, func(f string) bool { return !because[f] })
	}
	return functions, nil
}

// ending says how a test ended that did not pass, from what it printed.
func ending(out []byte, err error) TestEnded {
	e := TestEnded{}
	switch {
	case err != nil && bytes.Contains(out, []byte("--- FAIL")):
		e.How = "failed"
	case err != nil:
		e.How = "crashed"
	case bytes.Contains(out, []byte("--- SKIP")):
		e.How = "skipped"
	default:
		return e
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if reason.MatchString(line) {
			e.Reason = strings.ToValidUTF8(fmt.Sprintf("%.160s", line), "")
			break
		}
	}
	return e
}

// reason is a line that a test prints of itself, or that the runtime does.
var reason = regexp.MustCompile(`^(\w+_test\.go:\d+: .|panic: |fatal error: |FAIL: |Error: )`)

// run runs the tests that match a pattern and returns how often each block ran, and how they ended. That a test fails does not matter: it ran what it ran.
func (r *testRunner) run(ctx context.Context, pattern string) (map[block]int, TestEnded, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	profile := r.binary + ".out"
	defer os.Remove(profile)
	tmp, err := os.MkdirTemp("", "oracletest") // tests leave things behind
	if err != nil {
		return nil, TestEnded{}, err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.CommandContext(ctx, r.binary, "-test.run="+pattern, "-test.coverprofile="+profile, "-test.timeout=100s", "-test.count=1", "-test.v")
	cmd.Dir, cmd.Env = r.t.Dir, env("TMPDIR="+tmp)
	cmd.WaitDelay = 5 * time.Second
	out, runErr := cmd.CombinedOutput()
	ended := ending(out, runErr)
	ran, err := profileOf(profile)
	if err != nil && runErr != nil { // it crashed before it could say what ran
		return map[block]int{}, ended, ctx.Err()
	}
	return ran, ended, err
}

// profileOf reads what ran.
func profileOf(name string) (map[block]int, error) {
	data, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	out := map[block]int{}
	lines := bufio.NewScanner(data)
	for lines.Scan() {
		// path/file.go:12.3,14.5 2 1
		line := lines.Text()
		last := strings.LastIndexByte(line, ' ')
		if last < 0 || line[last+1:] == "0" || strings.HasPrefix(line, "mode:") {
			continue
		}
		n, err := strconv.Atoi(line[last+1:])
		start, _, ok := strings.Cut(line, ",")
		if err != nil || !ok {
			return nil, fmt.Errorf("cannot read the profile: %q", line)
		}
		out[block(start)] += n
	}
	return out, lines.Err()
}

// A locator tells which declaration a block is in.
type locator struct {
	p     *load.Program
	spans map[string][]span // by import path and file
}

type span struct {
	from, to int // lines and columns: line<<12 | column
	symbol   string
}

func newLocator(p *load.Program) *locator {
	l := &locator{p: p, spans: map[string][]span{}}
	for _, lp := range p.Locals() {
		for i, f := range lp.Syntax {
			file := path.Join(lp.Path, filepath.ToSlash(lp.GoFiles[i]))
			add := func(n ast.Node, symbol string) {
				from, to := p.Position(n.Pos()), p.Position(n.End())
				l.spans[file] = append(l.spans[file], span{from.Line<<12 | from.Column, to.Line<<12 | to.Column, symbol})
			}
			for _, part := range parts(lp.Info, f) {
				if len(part.decls) == 0 {
					continue
				}
				switch o := part.decls[0].(type) {
				case *types.Func:
					if o.Name() != "init" || o.Signature().Recv() != nil {
						add(part.node, symbolOf(lp.Path, o))
					}
				case *types.Var:
					spec, ok := part.node.(*ast.ValueSpec)
					if !ok {
						continue
					}
					for k, v := range spec.Values {
						if len(spec.Values) == len(spec.Names) && spec.Names[k].Name != "_" {
							add(v, lp.Path+"."+spec.Names[k].Name)
						}
					}
				}
			}
		}
	}
	return l
}

// symbol returns what a block is part of; the empty string for init functions, which run by themselves.
func (l *locator) symbol(b block) string {
	file, at, _ := strings.Cut(string(b), ".go:")
	line, column, _ := strings.Cut(at, ".")
	ln, _ := strconv.Atoi(line)
	col, _ := strconv.Atoi(column)
	pos := ln<<12 | col
	for _, s := range l.spans[file+".go"] {
		if s.from <= pos && pos < s.to {
			return s.symbol
		}
	}
	return ""
}

// loadTested lists the tests of packages of a project, and loads the project with all that they import.
func loadTested(ctx context.Context, dir string, packages []string) ([]*testedPackage, *load.Program, error) {
	tested, err := listTests(ctx, dir, packages)
	if err != nil {
		return nil, nil, err
	}
	if err := needTypes(dir, tested); err != nil {
		return nil, nil, err
	}
	whole, err := loadProject(ctx, dir)
	if err != nil {
		return nil, nil, err
	}
	return tested, whole, nil
}
