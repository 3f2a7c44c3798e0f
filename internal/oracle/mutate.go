package oracle

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"go/types"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

// MutateOptions say how a mutation campaign goes.
type MutateOptions struct {
	Seed    uint64
	Edits   int // how many that compile
	Workers int // at one time; 0 is 2
	Options versionhash.Options
}

// Default are the options of versions that everyone gets.
var Default versionhash.Options

// A Mutation is what a mutation campaign found in one project.
type Mutation struct {
	Project          string
	Seed             uint64
	Packages         int
	Functions        int           // functions and methods of the project
	Sites            int           // places where an edit is possible
	Tried, Edits     int           // edits, and those that compile
	Dependents       int           // pairs of an edit and a function that depends on what was edited
	Misses           []Miss        // pairs where the version stayed
	Kinds            []KindCount   // edits that compile by kind
	Elapsed, Prepare time.Duration // all, and of it what goes before the first edit
}

// KindCount counts the edits of one kind, and the functions that depended on them.
type KindCount struct {
	Kind              string
	Edits, Dependents int
}

// A Miss is a function whose version stayed although it depends on what was edited.
type Miss struct {
	Symbol string
	Edit   string // what was edited, where
}

// Mutate edits the project in dir at random, one edit at a time, and compares the versions of all functions that depend on the edited declaration.
func Mutate(ctx context.Context, dir string, o MutateOptions) (*Mutation, error) {
	start := time.Now()
	whole, err := loadProject(ctx, dir)
	if err != nil {
		return nil, err
	}
	p := detached(whole)
	d, err := build(p)
	if err != nil {
		return nil, err
	}
	m := &mutator{p: p, d: d, c: d.closures(), o: o, sites: sites(p), base: map[string]canon.Digest{}, result: &Mutation{
		Project: p.Module.Path, Seed: o.Seed, Packages: len(p.Locals()), Functions: len(d.roots),
	}}
	if err := m.versions(p, d.names, m.base); err != nil {
		return nil, err
	}
	for _, k := range kinds {
		m.result.Sites += len(m.sites[k.name])
	}
	m.result.Prepare = time.Since(start)
	if err := m.run(ctx); err != nil {
		return nil, err
	}
	m.result.Elapsed = time.Since(start)
	return m.result, nil
}

type mutator struct {
	p      *load.Program
	d      *dependence
	c      *closure
	o      MutateOptions
	sites  map[string][]site
	base   map[string]canon.Digest
	result *Mutation
}

// versions computes the versions of symbols in a program.
func (m *mutator) versions(p *load.Program, symbols []string, out map[string]canon.Digest) error {
	g, _ := versionhash.Analyze(p, m.o.Options)
	man, diags := g.Manifest(symbols)
	if diags.HasErrors() {
		return fmt.Errorf("oracle: no versions of %s: %v", p.Module.Path, diags[0])
	}
	for _, s := range symbols {
		v, ok := man.Version(s)
		if !ok {
			return fmt.Errorf("oracle: no version of %s", s)
		}
		out[s] = v
	}
	return nil
}

// outcome is what became of one edit.
type outcome struct {
	site       site
	compiles   bool
	dependents int
	misses     []Miss
	err        error
}

// run tries edits in the order that the seed gives until enough of them compile. Which edits count does not depend on the number of workers.
func (m *mutator) run(ctx context.Context) error {
	rnd := rand.New(rand.NewPCG(m.o.Seed, 3))
	for _, k := range kinds {
		list := m.sites[k.name]
		rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	var (
		mu       sync.Mutex
		outcomes []*outcome
		good     int
		wg       sync.WaitGroup
	)
	next := func() (int, site, bool) {
		mu.Lock()
		defer mu.Unlock()
		s, ok := m.pick(rnd)
		if !ok || good >= m.o.Edits || ctx.Err() != nil {
			return 0, s, false
		}
		outcomes = append(outcomes, nil)
		return len(outcomes) - 1, s, true
	}
	for range cmp.Or(m.o.Workers, 2) {
		wg.Go(func() {
			for {
				i, s, ok := next()
				if !ok {
					return
				}
				o := m.try(s)
				mu.Lock()
				outcomes[i] = o
				if o.compiles {
					good++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return m.sum(outcomes)
}

// pick takes the next site: a kind by its weight, then the next of that kind.
func (m *mutator) pick(rnd *rand.Rand) (site, bool) {
	total := 0
	for _, k := range kinds {
		if len(m.sites[k.name]) > 0 {
			total += k.weight
		}
	}
	if total == 0 {
		return site{}, false
	}
	n := rnd.IntN(total)
	for _, k := range kinds {
		list := m.sites[k.name]
		if len(list) == 0 {
			continue
		}
		if n -= k.weight; n < 0 {
			m.sites[k.name] = list[1:]
			return list[0], true
		}
	}
	return site{}, false
}

func (m *mutator) sum(outcomes []*outcome) error {
	byKind := map[string]*KindCount{}
	for _, k := range kinds {
		byKind[k.name] = &KindCount{Kind: k.name}
	}
	for _, o := range outcomes {
		if m.result.Edits == m.o.Edits {
			break
		}
		if o.err != nil {
			return o.err
		}
		m.result.Tried++
		if !o.compiles {
			continue
		}
		m.result.Edits++
		m.result.Dependents += o.dependents
		m.result.Misses = append(m.result.Misses, o.misses...)
		byKind[o.site.kind].Edits++
		byKind[o.site.kind].Dependents += o.dependents
	}
	for _, k := range kinds {
		if c := byKind[k.name]; c.Edits > 0 {
			m.result.Kinds = append(m.result.Kinds, *c)
		}
	}
	return nil
}

// try makes one edit.
func (m *mutator) try(s site) *outcome {
	o := &outcome{site: s}
	lp := m.p.Packages[s.pkg]
	v, err := variant(m.p, s.pkg, map[string][]byte{s.file: s.apply(lp.Source[s.file])})
	defer release(m.p, v, s.pkg)
	if err != nil {
		return o // does not compile
	}
	o.compiles = true
	symbols := m.dependents(s, v)
	o.dependents = len(symbols)
	now := map[string]canon.Digest{}
	if o.err = m.versions(v, symbols, now); o.err != nil {
		return o
	}
	for _, name := range symbols {
		if now[name] == m.base[name] {
			o.misses = append(o.misses, Miss{Symbol: name, Edit: m.describe(s)})
		}
	}
	return o
}

func (m *mutator) describe(s site) string {
	src := m.p.Packages[s.pkg].Source[s.file]
	line := 1 + bytes.Count(src[:s.start], []byte("\n"))
	was, now := string(src[s.start:s.end]), s.text
	return fmt.Sprintf("%s, %s:%d: %.80q -> %.80q", s.kind, filepath.ToSlash(filepath.Join(s.pkg, s.file)), line, was, now)
}

// dependents returns the symbols of the functions that depend on what an edit changes, sorted.
func (m *mutator) dependents(s site, v *load.Program) []string {
	decls := s.decls
	if s.constant {
		decls = otherConstants(m.p, v)
	}
	roots := map[int32]bool{}
	add := func(o types.Object) {
		if n, ok := m.c.decls[o]; ok {
			for _, r := range m.c.users[n] {
				roots[r] = true
			}
		}
	}
	for _, o := range decls {
		if f, ok := o.(*types.Func); ok {
			o = f.Origin()
		}
		add(o)
	}
	if s.whole {
		for o := range m.c.decls {
			if o.Pkg() == m.p.Packages[s.pkg].Types {
				if _, isFunc := o.(*types.Func); isFunc {
					add(o)
				}
			}
		}
	}
	if s.becomes != nil {
		for t, users := range m.c.converts {
			if types.Identical(t, s.becomes) || types.Identical(t, types.NewPointer(s.becomes)) {
				for _, r := range users {
					roots[r] = true
				}
			}
		}
	}
	var out []string
	for r := range roots {
		out = append(out, m.d.names[r])
	}
	slices.Sort(out)
	return out
}
