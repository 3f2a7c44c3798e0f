package load

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/cache"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/facts"
)

// RuntimePath is the import path of the package that generated code imports. [Load] always looks for it, so that a package
// that does not import it yet can be checked together with what is generated for it.
const RuntimePath = "github.com/dagstergen/dagstergen/runtime/dag"

// PartitionPath is the import path of the package that partitions are defined with.
const PartitionPath = "github.com/dagstergen/dagstergen/runtime/partition"

// ExecutePath is the import path of the package that executors are defined with.
const ExecutePath = "github.com/dagstergen/dagstergen/runtime/execute"

// ParquetPath is the import path of the package that codec=parquet needs. It is in a module of its own.
const ParquetPath = "github.com/dagstergen/dagstergen/parquet"

// ProtobufPath is the import path of the package that stores protocol buffers. It is in a module of its own.
const ProtobufPath = "github.com/dagstergen/dagstergen/protobuf"

// ours reports whether a module is one of dagstergen's: what it does is no part of a user's code.
func ours(module string) bool {
	return module == ownModule || module == ParquetPath || module == ProtobufPath
}

// A Config says what to load.
type Config struct {
	Dir      string   // folder in which the patterns are meant; "" is the current one
	Patterns []string // as for the go command; none is "."
	Target   Target   // the zero Target is DefaultTarget
	Env      []string // environment of the go command, "k=v"; nil is that of this process

	// Deep loads the packages of modules that a main module requires directly, without `// indirect`, with their bodies: see [Package.Deep].
	Deep bool

	// Cache is where answers are looked up and kept that do not change while the files do not; nil is nowhere. It never changes what Load returns.
	Cache *cache.Store

	// Seen is what the caller looked at a moment ago, which need not be looked at again before go list is asked; it may be nil.
	Seen map[facts.ID]facts.Observation

	// Passing says that Dir is soon gone, so that nothing is worth keeping that is about it.
	Passing bool

	// Light asks for summaries of local packages in place of their syntax and types where that will do; nil is for none.
	Light *Light
}

// DefaultTarget is the declared platform where nothing else is said: linux/amd64 with cgo. Cgo is on because it only adds files (the
// C parts are never compiled here): without it, packages such as a SQLite driver lose most of their declarations.
func DefaultTarget() Target { return Target{GOOS: "linux", GOARCH: "amd64", Cgo: true} }

// generatedImports are the packages that generated code imports; they are loaded whether or not user code imports them.
var generatedImports = []string{RuntimePath, "context", "embed"}

// Load lists, parses and type-checks the packages that match the patterns of c, with all they import.
//
// What is wrong with the user's module (no go.mod, a package that is not there, a syntax error) is in the diagnostics, with positions
// relative to c.Dir where the file lies below it; the program then holds what could be loaded, or is nil where nothing
// could. Type errors stay with their packages. The error is for what is not the user's doing: a cancelled ctx, an answer of the go
// command that cannot be read.
func Load(ctx context.Context, c Config) (*Program, diag.List, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("load: %w", err)
	}
	if len(c.Patterns) == 0 {
		c.Patterns = []string{"."}
	}
	left := leftovers(dir, c.Patterns)
	c.Patterns = append(slices.Clone(c.Patterns), left...)
	t := c.Target
	if t.GOOS == "" && t.GOARCH == "" {
		tags := t.Tags
		t = DefaultTarget()
		t.Tags = tags
	}
	t.GOOS, t.GOARCH = orElse(t.GOOS, "linux"), orElse(t.GOARCH, "amd64")
	t.Tags = slices.Compact(slices.Sorted(slices.Values(t.Tags)))
	if types.SizesFor("gc", t.GOARCH) == nil {
		return nil, nil, fmt.Errorf("load: unknown architecture %q", t.GOARCH)
	}

	var known *recall
	if len(left) == 0 {
		known = newRecall(c, dir)
	}
	if known != nil && known.found != nil && !c.Cache.IsVerifying() {
		prog, diags, err := load(ctx, c, dir, t, known.found, nil)
		if err != nil || known.same(prog) {
			return recalled(prog, known), diags, err
		}
		known = nil // a file changed since it was looked at
	}
	listed, diags, err := list(ctx, dir, c.Patterns, t, c.Env, c.Deep)
	if err != nil || listed == nil {
		return nil, diags, err
	}
	clean := len(diags) == 0 && sound(listed)
	prog, diags, err := load(ctx, c, dir, t, listed, diags)
	if err == nil && known != nil && clean {
		known.keep(prog, listed)
		prog = recalled(prog, known)
	}
	return prog, diags, err
}

func recalled(p *Program, r *recall) *Program {
	if p != nil {
		p.recall = r
	}
	return p
}

// load makes a program of what go list said.
func load(ctx context.Context, c Config, dir string, t Target, listed []*listedPackage, diags diag.List) (*Program, diag.List, error) {
	sizes := types.SizesFor("gc", t.GOARCH)
	build := func() *loader {
		l := &loader{
			prog:   &Program{Fset: token.NewFileSet(), Dir: dir, Packages: map[string]*Package{}, Sizes: sizes, Target: t, Deep: c.Deep},
			byPath: make(map[string]*work, len(listed)),
			slots:  make(chan struct{}, runtime.GOMAXPROCS(0)),
			diags:  slices.Clone(diags),
		}
		l.build(listed, c.Patterns)
		return l
	}
	l, err := loadPackages(ctx, c, build)
	if err != nil {
		return nil, nil, err
	}
	l.listErrors(listed, c.Patterns)
	l.prog.Module = mainModule(l.prog)
	l.prog.Debug = debugSettings(dir, l.prog.Module, c.Env)
	l.prog.Release = l.prog.goRelease()
	if d, ok := newerGo(l.prog.Release, runtime.Version(), l.prog.Module); ok {
		l.diags.Add(d)
	}
	return l.prog, l.diags.Sorted(), nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// loader holds what is needed while a program is being loaded.
type loader struct {
	prog   *Program
	works  []*work // dependencies first
	byPath map[string]*work
	slots  chan struct{} // bounds what is read, parsed or checked at one time
	diags  diag.List
	light  *lightLoad // nil where all local packages are whole
}

// build makes the packages of the program from what go list said, and reports what it complained about.
func (l *loader) build(listed []*listedPackage, patterns []string) {
	for _, lp := range listed {
		if lp.Dir == "" || lp.ImportPath == "C" || lp.ImportPath == "unsafe" {
			continue // nothing on disk: an import that cannot be found, or a pattern without a match; its error is reported below
		}
		p := &Package{
			Path: lp.ImportPath, Name: lp.Name, Dir: lp.Dir,
			Imports:      map[string]*Package{},
			GoFiles:      sorted(lp.GoFiles, lp.CgoFiles),
			IgnoredFiles: slices.DeleteFunc(sorted(lp.IgnoredGoFiles), func(f string) bool { return strings.HasSuffix(f, "_test.go") }),
			OtherFiles: sorted(lp.IgnoredOtherFiles, lp.CFiles, lp.CXXFiles, lp.MFiles, lp.HFiles, lp.FFiles, lp.SFiles, lp.SwigFiles,
				lp.SwigCXXFiles, lp.SysoFiles),
			EmbedFiles: sorted(lp.EmbedFiles),
		}
		if !lp.Standard {
			if p.Module = lp.Module.module(); p.Module != nil {
				p.Module.Sum = lp.sum()
			}
			p.Local = p.Module != nil && p.Module.Local && !framework(p)
			// Only the C compiler knows the types of a package with cgo.
			p.Deep = p.Module != nil && !p.Module.Local && lp.Module.Direct && len(lp.CgoFiles) == 0
		}
		w := &work{l: l, p: p, listed: lp, ready: make(chan struct{})}
		l.prog.Packages[p.Path] = p
		l.byPath[p.Path] = w
		if asked(lp, patterns) {
			l.prog.Roots = append(l.prog.Roots, p)
		}
	}
	slices.SortFunc(l.prog.Roots, func(a, b *Package) int { return strings.Compare(a.Path, b.Path) })
	for _, w := range l.byPath {
		source := make(map[string]string, len(w.listed.ImportMap)) // where an import really leads -> how it is written
		for written, path := range w.listed.ImportMap {
			source[path] = written
		}
		for _, path := range w.listed.Imports {
			if dep := l.prog.Packages[path]; dep != nil {
				w.p.Imports[orElse(source[path], path)] = dep
			}
		}
	}
	l.order()
}

// asked reports whether a pattern of the caller names lp; the go command may spell it otherwise than the caller did.
func asked(lp *listedPackage, patterns []string) bool {
	return slices.ContainsFunc(lp.Match, func(m string) bool { return slices.Contains(patterns, m) || !slices.Contains(generatedImports, m) })
}

func sorted(lists ...[]string) []string { return slices.Sorted(slices.Values(slices.Concat(lists...))) }

// order sorts the work so that dependencies come first, and cuts import cycles (which go list reports) so that no package
// waits for itself.
func (l *loader) order() {
	const inProgress, done = 1, 2
	state := map[*Package]int{}
	var visit func(p *Package)
	visit = func(p *Package) {
		state[p] = inProgress
		w := l.byPath[p.Path]
		for _, name := range slices.Sorted(keys(p.Imports)) {
			dep := p.Imports[name]
			if state[dep] == inProgress {
				delete(p.Imports, name)
				continue
			}
			if state[dep] == 0 {
				visit(dep)
			}
		}
		state[p] = done
		l.works = append(l.works, w)
	}
	for _, path := range slices.Sorted(keys(l.prog.Packages)) {
		if p := l.prog.Packages[path]; state[p] == 0 {
			visit(p)
		}
	}
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// run parses and checks: local packages all, others where a local one needs their types.
func (l *loader) run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, w := range l.works {
		if w.p.Local || slices.Contains(generatedImports, w.p.Path) {
			w.start(ctx, &wg)
		}
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return l.collect()
}

// collect gathers what went wrong with the packages.
func (l *loader) collect() error {
	var errs []error
	for _, w := range l.works {
		l.diags = append(l.diags, w.diags...)
		errs = append(errs, w.err)
	}
	return errors.Join(errs...)
}

// mainModule is the main module that Dir lies in; in a workspace there are several main modules.
func mainModule(p *Program) Module {
	var best Module
	for _, path := range slices.Sorted(keys(p.Packages)) {
		m := p.Packages[path].Module
		if m == nil || m.Version != "" || !m.Local || m.Dir == "" {
			continue
		}
		if p.Dir != m.Dir && !strings.HasPrefix(p.Dir, m.Dir+string(os.PathSeparator)) {
			continue
		}
		if len(m.Dir) > len(best.Dir) {
			best = *m
		}
	}
	if best.Path == "" && len(p.Roots) > 0 && p.Roots[0].Module != nil {
		best = *p.Roots[0].Module
	}
	return best
}

// Locals returns the local packages, dependencies first.
func (p *Program) Locals() []*Package {
	return p.sorted(func(q *Package) bool { return q.Local })
}

// Analyzed returns the packages that have Syntax and Info, local and deep, dependencies first.
func (p *Program) Analyzed() []*Package {
	return p.sorted(func(q *Package) bool { return q.Local || q.Deep })
}

// sorted returns the packages that are wanted, dependencies first.
func (p *Program) sorted(want func(*Package) bool) []*Package {
	var out []*Package
	seen := map[*Package]bool{}
	var visit func(*Package)
	visit = func(q *Package) {
		if seen[q] {
			return
		}
		seen[q] = true
		if q.Module == nil && !q.Local {
			return // the standard library imports nothing else
		}
		for _, name := range slices.Sorted(keys(q.Imports)) {
			visit(q.Imports[name])
		}
		if want(q) {
			out = append(out, q)
		}
	}
	for _, path := range slices.Sorted(keys(p.Packages)) {
		visit(p.Packages[path])
	}
	return out
}

// Runtime returns the package that generated code imports; nil where the module does not require it.
func (p *Program) Runtime() *Package { return p.Packages[RuntimePath] }

// Position returns where pos is, as the file really has it: line directives in the source do not move it.
func (p *Program) Position(pos token.Pos) token.Position {
	if p.reader != nil {
		if _, at, ok := p.reader.Place(pos); ok {
			return at
		}
	}
	return p.Fset.PositionFor(pos, false)
}

// Rel returns name relative to Dir where it lies below it, else name as it is. The files of Fset are named in this way.
func (p *Program) Rel(name string) string { return relative(p.Dir, name) }

func relative(dir, name string) string {
	if rel, err := filepath.Rel(dir, name); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(os.PathSeparator)) {
		return rel
	}
	return name
}
