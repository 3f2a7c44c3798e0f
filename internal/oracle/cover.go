package oracle

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/versionhash"
)

// CoverOptions say how tests are compared with closures.
type CoverOptions struct {
	Packages []string // patterns below the module of the packages whose tests run
	Tests    int      // how many tests, chosen by Seed; 0 is all
	Seed     uint64
	Options  versionhash.Options
}

// A Coverage is what running a project's tests one by one came to.
type Coverage struct {
	Project  string
	Packages int // with tests that ran
	Tests    int
	Pairs    int // of a test and a function of the project that ran because of it
	Closure  int // sum of the functions in the closures of the tests
	Misses   []Uncovered
	Noise    int         // pairs where more runs showed that the function runs as often without the test
	Ended    []TestEnded // tests that did not pass: what they ran counts all the same
	Elapsed  time.Duration
}

// A TestEnded is a test that did not pass.
type TestEnded struct{ Test, How, Reason string } // How: "failed", "skipped" or "crashed"

// Uncovered is a function that ran and is not in the closure of the test.
type Uncovered struct{ Test, Function string }

// Cover runs tests of the project in dir, each alone and under coverage of all packages of the project, and looks every function that ran, and did not
// run without a test, up in the closure that versions give the test function.
func Cover(ctx context.Context, dir string, o CoverOptions) (*Coverage, error) {
	start := time.Now()
	tested, whole, err := loadTested(ctx, dir, o.Packages)
	if err != nil {
		return nil, err
	}
	c := &coverer{dir: dir, p: detached(whole), o: o, result: &Coverage{Project: whole.Module.Path}}
	for _, lp := range c.p.Locals() {
		c.paths = append(c.paths, lp.Path)
	}
	c.paths = slices.DeleteFunc(c.paths, func(p string) bool { return strings.HasSuffix(p, "/"+helperPackage) })
	chosen, err := c.choose(ctx, tested)
	if err != nil {
		return nil, err
	}
	for _, t := range tested {
		if len(chosen[t]) == 0 {
			continue
		}
		if err := c.run(ctx, t, chosen[t]); err != nil {
			return nil, fmt.Errorf("oracle: tests of %s: %w", t.ImportPath, err)
		}
		c.result.Packages++
	}
	c.result.Elapsed = time.Since(start)
	return c.result, nil
}

// helperPackage is written into the copy of a project: it imports all that tests import, so that its types are loaded.
const helperPackage = "dagoracleimports"

func needTypes(dir string, tested []*testedPackage) error {
	imports := map[string]bool{"testing": true}
	for _, t := range tested {
		for _, path := range slices.Concat(t.TestImports, t.XTestImports) {
			if path != "C" && path != "unsafe" && !slices.ContainsFunc(tested, func(o *testedPackage) bool { return o.ImportPath == path }) {
				imports[path] = true
			}
		}
	}
	// Packages that are internal to the standard library or to a folder cannot be imported from here; tests that need them are left out when they do not compile.
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport (\n", helperPackage)
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		if !strings.Contains("/"+path+"/", "/internal/") {
			fmt.Fprintf(&b, "\t_ %q\n", path)
		}
	}
	b.WriteString(")\n")
	if err := os.MkdirAll(filepath.Join(dir, helperPackage), 0o755); err != nil {
		return fmt.Errorf("oracle: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, helperPackage, "imports.go"), []byte(b.String()), 0o644)
}

type coverer struct {
	dir    string
	p      *load.Program
	o      CoverOptions
	paths  []string
	result *Coverage
}

// choose picks the tests that run.
func (c *coverer) choose(ctx context.Context, tested []*testedPackage) (map[*testedPackage][]string, error) {
	type one struct {
		t    *testedPackage
		name string
	}
	var all []one
	for _, t := range tested {
		names, err := testNames(t)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			all = append(all, one{t, n})
		}
	}
	if c.o.Tests > 0 && c.o.Tests < len(all) {
		rnd := rand.New(rand.NewPCG(c.o.Seed, 9))
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:c.o.Tests]
	}
	out := map[*testedPackage][]string{}
	for _, t := range all {
		out[t.t] = append(out[t.t], t.name)
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out, ctx.Err()
}

// testNames finds the names of a package's tests, each once.
func testNames(t *testedPackage) ([]string, error) {
	var out []string
	for _, name := range slices.Concat(t.TestGoFiles, t.XTestGoFiles) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(t.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") && fn.Name.Name != "TestMain" && fn.Type.TypeParams == nil {
				out = append(out, fn.Name.Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// run runs tests of one package and looks up what ran.
func (c *coverer) run(ctx context.Context, t *testedPackage, names []string) error {
	v, err := c.withTests(t)
	if err != nil {
		return err
	}
	binary, err := compileTests(ctx, c.dir, t, c.paths)
	if err != nil {
		return err
	}
	defer os.Remove(binary)
	r := &testRunner{binary: binary, t: t, where: newLocator(v)}
	if r.base, _, err = r.run(ctx, "^$"); err != nil {
		return err
	}
	g, _ := versionhash.Analyze(v, c.o.Options)
	m, diags := g.Manifest(wrappers(t, names))
	if diags.HasErrors() {
		return fmt.Errorf("oracle: no versions: %v", diags[0])
	}
	for _, name := range names {
		ran, ended, err := r.run(ctx, "^"+name+"$")
		if err != nil {
			return err
		}
		in, size := closureOf(m, wrappers(t, []string{name})[0])
		test := t.ImportPath + "." + name
		c.result.Tests++
		c.result.Closure += size
		if ended.How != "" {
			ended.Test = test
			c.result.Ended = append(c.result.Ended, ended)
		}
		executed := r.because(ran)
		var missed []string
		for _, symbol := range slices.Sorted(maps.Keys(executed)) {
			c.result.Pairs++
			if !in[symbol] {
				missed = append(missed, symbol)
			}
		}
		if len(missed) == 0 {
			continue
		}
		certain, err := r.again(ctx, "^"+name+"$", missed)
		if err != nil {
			return err
		}
		c.result.Noise += len(missed) - len(certain)
		c.result.Pairs -= len(missed) - len(certain)
		for _, symbol := range certain {
			c.result.Misses = append(c.result.Misses, Uncovered{test, symbol})
		}
	}
	return nil
}

// closureOf returns the names of what a version covers, and how many of them are functions.
func closureOf(m *manifest.Manifest, symbol string) (map[string]bool, int) {
	in := map[string]bool{}
	size := 0
	for _, n := range m.Closure(symbol).Nodes {
		if !in[n.Name] {
			in[n.Name] = true
			if n.Kind == manifest.KindFunc || n.Kind == manifest.KindMethod {
				size++
			}
		}
	}
	return in, size
}

// withTests returns the program with the tests of one package in place: those of the package itself, and those outside as a package
// of their own.
func (c *coverer) withTests(t *testedPackage) (*load.Program, error) {
	read := func(names []string) (map[string][]byte, error) {
		out := map[string][]byte{}
		for _, n := range names {
			src, err := os.ReadFile(filepath.Join(t.Dir, n))
			if err != nil {
				return nil, err
			}
			out[n] = src
		}
		return out, nil
	}
	p := *c.p
	p.Packages = maps.Clone(c.p.Packages)
	lp := *p.Packages[t.ImportPath]
	lp.Imports = maps.Clone(lp.Imports)
	for _, path := range t.TestImports {
		if dep := p.Packages[path]; dep != nil {
			lp.Imports[path] = dep
		}
	}
	p.Packages[t.ImportPath] = &lp
	files, err := read(t.TestGoFiles)
	if err != nil {
		return nil, err
	}
	v, err := variant(&p, t.ImportPath, files)
	if err != nil {
		return nil, err
	}
	if len(t.XTestGoFiles) > 0 {
		if err := c.outside(v, t, read); err != nil {
			return nil, err
		}
	}
	return v, addTestMain(v, t)
}

// outside adds the external test package.
func (c *coverer) outside(v *load.Program, t *testedPackage, read func([]string) (map[string][]byte, error)) error {
	lp := v.Packages[t.ImportPath]
	x := &load.Package{
		Path: t.ImportPath + "_test", Name: lp.Name + "_test", Dir: lp.Dir, Module: lp.Module, Local: true,
		Imports: map[string]*load.Package{}, GoFiles: slices.Sorted(slices.Values(t.XTestGoFiles)),
	}
	for _, path := range t.XTestImports {
		if dep := v.Packages[path]; dep != nil {
			x.Imports[path] = dep
		}
	}
	source, err := read(x.GoFiles)
	if err != nil {
		return err
	}
	x.Source = source
	return addPackage(v, x)
}

// addPackage parses and checks a package whose sources are there, and adds it to a program.
func addPackage(v *load.Program, x *load.Package) error {
	for _, name := range x.GoFiles {
		f, err := parser.ParseFile(v.Fset, v.Rel(filepath.Join(x.Dir, name)), x.Source[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		x.Syntax = append(x.Syntax, f)
	}
	if err := check(v, x); err != nil {
		return err
	}
	v.Packages[x.Path] = x
	return nil
}
