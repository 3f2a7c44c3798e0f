package oracle

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/versionhash"
)

// A Step is the way from one release of a module to the next.
type Step struct {
	From, To  string
	Functions int // that both releases have
	Body      int // of them: same text of the function itself, which is what a hash of the body sees
	Version   int // same version
	Package   int // same sources of the function's package and of all that it imports, comments and layout left out
	Module    int // same sources of the whole module: all or none
	Language  bool
}

func (s *Step) add(t Step) {
	s.Functions, s.Body, s.Version = s.Functions+t.Functions, s.Body+t.Body, s.Version+t.Version
	s.Package, s.Module = s.Package+t.Package, s.Module+t.Module
}

// Releases returns the last n releases of a module that the proxy has, oldest first, pre-releases left out.
func Releases(ctx context.Context, dir, module string, n int) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-versions", "-f", "{{range .Versions}}{{.}}\n{{end}}", module)
	cmd.Dir, cmd.Env = dir, env()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("oracle: the releases of %s: %w: %s", module, err, strings.TrimSpace(stderr.String()))
	}
	all := slices.DeleteFunc(strings.Fields(stdout.String()), func(v string) bool { return semver.Prerelease(v) != "" })
	if len(all) < 2 {
		return nil, fmt.Errorf("oracle: %s has no two releases", module)
	}
	semver.Sort(all)
	return all[max(0, len(all)-n):], nil
}

// History compares each of a module's releases with the one before.
func History(ctx context.Context, dir, module string, releases []string, progress func(Step)) ([]Step, error) {
	var out []Step
	var last *revision
	for _, v := range releases {
		now, err := loadRelease(ctx, dir, Project{Module: module, Version: v})
		if err != nil {
			return nil, err
		}
		if last != nil {
			s := compare(last, now)
			out = append(out, s)
			progress(s)
		}
		last = now
	}
	return out, nil
}

// revision is what is kept of a release.
type revision struct {
	version  string
	language string
	module   canon.Digest
	packages map[string]canon.Digest // by symbol: of its package and all that it imports
	full     map[string]canon.Digest // by symbol
	body     map[string]canon.Digest
}

func loadRelease(ctx context.Context, dir string, p Project) (*revision, error) {
	at, err := Fetch(ctx, dir, p)
	if err != nil {
		return nil, err
	}
	return revisionOf(ctx, at, p.Version)
}

func revisionOf(ctx context.Context, dir, version string) (*revision, error) {
	prog, err := loadProject(ctx, dir)
	if err != nil {
		return nil, err
	}
	r := &revision{version: version, language: prog.Module.GoVersion, packages: map[string]canon.Digest{}, full: map[string]canon.Digest{}, body: map[string]canon.Digest{}}
	whole := canon.New("oracle/module")
	closures := map[string]canon.Digest{}
	var symbols []string
	for _, lp := range prog.Locals() {
		d := sourcesOf(lp)
		whole.String("path", lp.Path)
		whole.Digest("sources", d)
		closures[lp.Path] = withImports(lp, d, closures)
		for _, s := range functions(lp) {
			symbols = append(symbols, s)
			r.packages[s] = closures[lp.Path]
		}
	}
	r.module = whole.Sum()
	for mode, into := range map[versionhash.Mode]map[string]canon.Digest{versionhash.Transitive: r.full, versionhash.Body: r.body} {
		m := &mutator{o: MutateOptions{Options: versionhash.Options{Mode: mode}}}
		if err := m.versions(prog, symbols, into); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// sourcesOf is a digest of the Go files of a package without comments and layout, and of what it embeds.
func sourcesOf(lp *load.Package) canon.Digest {
	e := canon.New("oracle/package")
	for _, name := range lp.GoFiles {
		e.String("file", name)
		e.Digest("tokens", manifest.Tokens(lp.Source[name]))
	}
	for _, name := range lp.EmbedFiles {
		e.String("embedded", name)
	}
	return e.Sum()
}

// withImports adds what a package imports: local packages by their sources, those of other modules by the version of the module.
func withImports(lp *load.Package, sources canon.Digest, closures map[string]canon.Digest) canon.Digest {
	seen := map[*load.Package]bool{}
	var others []string
	var visit func(p *load.Package)
	visit = func(p *load.Package) {
		for _, dep := range p.Imports {
			if seen[dep] {
				continue
			}
			seen[dep] = true
			if dep.Module != nil && !dep.Local {
				others = append(others, dep.Path+"@"+dep.Module.Version)
				visit(dep)
			}
			if dep.Local {
				others = append(others, dep.Path+" "+closures[dep.Path].Hex())
			}
		}
	}
	visit(lp)
	slices.Sort(others)
	e := canon.New("oracle/closure")
	e.Digest("sources", sources)
	for _, o := range others {
		e.String("import", o)
	}
	return e.Sum()
}

func compare(a, b *revision) Step {
	s := Step{From: a.version, To: b.version, Language: minor(a.language) != minor(b.language)}
	for symbol, v := range a.full {
		w, ok := b.full[symbol]
		if !ok {
			continue
		}
		s.Functions++
		s.Version += one(v == w)
		s.Body += one(a.body[symbol] == b.body[symbol])
		s.Package += one(a.packages[symbol] == b.packages[symbol])
		s.Module += one(a.module == b.module)
	}
	return s
}

func minor(v string) string { return semver.MajorMinor("v" + v) }

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
