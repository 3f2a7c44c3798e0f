package oracle

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

// FlipOptions say how edits are held against the tests of a project.
type FlipOptions struct {
	Packages []string // patterns below the module of the packages whose tests run
	Seed     uint64
	Edits    int // how many that compile
	Options  versionhash.Options
}

// Flips are what running a project's tests before and after each edit came to.
type Flips struct {
	Project  string
	Seed     uint64
	Packages int // with tests
	Tests    int // that end in the same way each time without an edit
	Unsteady int // those that do not; they say nothing
	Edits    int
	Telling  int // edits after which a test ends in another way
	Runs     int // of a test after an edit in what its binary is made of
	Changed  int // of them: the version of the test is another one
	Flipped  int // of them: the test ends in another way
	Misses   []Flipped
	Elapsed  time.Duration
}

// A Flipped is a test that ends in another way after an edit, although its version stayed.
type Flipped struct{ Test, Was, Now, Edit string }

// Flip edits the project in dir at random, one edit at a time, runs its tests before and after, and requires of every test that ends in another way that its
// version is another one. What tells of a change here is neither an analysis nor a list, but the edited program itself.
func Flip(ctx context.Context, dir string, o FlipOptions) (*Flips, error) {
	start := time.Now()
	tested, whole, err := loadTested(ctx, dir, o.Packages)
	if err != nil {
		return nil, err
	}
	f := &flipper{dir: dir, o: o, p: detached(whole), result: &Flips{Project: whole.Module.Path, Seed: o.Seed}}
	for _, t := range tested {
		if err := f.prepare(ctx, t); err != nil {
			return nil, fmt.Errorf("oracle: tests of %s: %w", t.ImportPath, err)
		}
	}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	f.result.Elapsed = time.Since(start)
	return f.result, nil
}

type flipper struct {
	dir    string
	o      FlipOptions
	p      *load.Program
	suites []*suite
	result *Flips
}

// A suite is the tests of one package as they are without an edit.
type suite struct {
	t        *testedPackage
	v        *load.Program // with the tests in place
	imports  map[string]bool
	names    []string // of the tests that end in the same way each time
	outcomes map[string]string
	versions map[string]canon.Digest
}

func (f *flipper) prepare(ctx context.Context, t *testedPackage) error {
	c := &coverer{dir: f.dir, p: f.p, o: CoverOptions{Options: f.o.Options}}
	s := &suite{t: t, imports: map[string]bool{}}
	var err error
	if s.v, err = c.withTests(t); err != nil {
		return err
	}
	names, err := testNames(t)
	if err != nil || len(names) == 0 {
		return err
	}
	if s.outcomes, err = f.outcomes(ctx, t, names); err != nil {
		return err
	}
	for range 2 { // what differs without an edit says nothing of one
		again, err := f.outcomes(ctx, t, names)
		if err != nil {
			return err
		}
		for name, how := range again {
			if s.outcomes[name] != how {
				delete(s.outcomes, name)
			}
		}
	}
	s.names = slices.Sorted(maps.Keys(s.outcomes))
	f.result.Packages++
	f.result.Tests += len(s.names)
	f.result.Unsteady += len(names) - len(s.names)
	var visit func(lp *load.Package)
	visit = func(lp *load.Package) {
		if lp == nil || s.imports[lp.Path] {
			return
		}
		s.imports[lp.Path] = true
		for _, dep := range lp.Imports {
			visit(dep)
		}
	}
	visit(s.v.Packages[t.ImportPath+mainSuffix])
	s.versions = map[string]canon.Digest{}
	f.suites = append(f.suites, s)
	return (&mutator{o: MutateOptions{Options: f.o.Options}}).versions(s.v, wrappers(t, s.names), s.versions)
}

// outcomes builds the test binary of a package as it is on disk and says how each test ends: nothing where it cannot be built.
func (f *flipper) outcomes(ctx context.Context, t *testedPackage, names []string) (map[string]string, error) {
	binary, err := compileTests(ctx, f.dir, t, nil)
	if err != nil {
		return nil, err
	}
	defer os.Remove(binary)
	return endings(ctx, binary, t, names)
}

func (f *flipper) run(ctx context.Context) error {
	rnd := rand.New(rand.NewPCG(f.o.Seed, 11))
	m := &mutator{p: f.p, sites: sites(f.p)}
	for _, k := range kinds {
		list := m.sites[k.name]
		rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	for f.result.Edits < f.o.Edits {
		s, ok := m.pick(rnd)
		if !ok {
			return nil
		}
		file := filepath.Join(f.p.Packages[s.pkg].Dir, filepath.FromSlash(s.file))
		src := f.p.Packages[s.pkg].Source[s.file]
		edited := s.apply(src)
		v, err := variant(f.p, s.pkg, map[string][]byte{s.file: edited})
		release(f.p, v, s.pkg)
		if err != nil {
			continue // does not compile
		}
		f.result.Edits++
		if err := os.WriteFile(file, edited, 0o644); err != nil {
			return fmt.Errorf("oracle: %w", err)
		}
		err = f.try(ctx, m, s, edited)
		if back := os.WriteFile(file, src, 0o644); cmp.Or(err, back) != nil {
			return cmp.Or(err, back)
		}
	}
	return nil
}

// try runs the tests after an edit that is on disk.
func (f *flipper) try(ctx context.Context, m *mutator, at site, edited []byte) error {
	telling := false
	for _, s := range f.suites {
		if !s.imports[at.pkg] {
			continue
		}
		v, err := variant(s.v, at.pkg, map[string][]byte{at.file: edited})
		if err != nil {
			continue // the tests do not compile any more
		}
		versions := map[string]canon.Digest{}
		err = (&mutator{o: MutateOptions{Options: f.o.Options}}).versions(v, wrappers(s.t, s.names), versions)
		release(s.v, v, at.pkg)
		if err != nil {
			return err
		}
		now, err := f.outcomes(ctx, s.t, s.names)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue // a compiler sees more than a type checker
		}
		for i, symbol := range wrappers(s.t, s.names) {
			name := s.names[i]
			changed, flipped := versions[symbol] != s.versions[symbol], now[name] != s.outcomes[name]
			f.result.Runs++
			f.result.Changed += one(changed)
			f.result.Flipped += one(flipped)
			telling = telling || flipped
			if changed || !flipped {
				continue
			}
			certain, err := f.always(ctx, s, name)
			if err != nil {
				return err
			}
			if certain {
				f.result.Misses = append(f.result.Misses, Flipped{s.t.ImportPath + "." + name, s.outcomes[name], now[name], m.describe(at)})
			} else {
				f.result.Flipped--
			}
		}
	}
	f.result.Telling += one(telling)
	return nil
}

// always reports whether a test ends in another way than without an edit each time that it runs alone.
func (f *flipper) always(ctx context.Context, s *suite, name string) (bool, error) {
	binary, err := compileTests(ctx, f.dir, s.t, nil)
	if err != nil {
		return false, err
	}
	defer os.Remove(binary)
	for range 3 {
		again, err := endings(ctx, binary, s.t, []string{name})
		if err != nil {
			return false, err
		}
		if again[name] == s.outcomes[name] {
			return false, nil
		}
	}
	return true, nil
}
