// Package gen is the generator: from annotated Go packages to dag_gen.go, dag_gen.manifest and dag_proof_gen.go.
//
// Stage: all of the generator, in order: load (internal/load), collect, wire and check (gen/model), versions (versionhash), render (gen/render), verify, and
// write (gen/write), the only one that changes the disk. Each is a function from values to values and diagnostics. cmd/dagstergen calls this
// package; it imports no package of the runtime.
//
// Invariants: a package with errors gets no results, so that nothing is written for it. All problems of all packages are reported in one pass. What
// is written was type-checked together with the user's code first, token by token, while it was laid out; an error inside of it is a bug of ours and stops everything.
package gen

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/gen/render"
	"github.com/dagstergen/dagstergen/gen/write"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/versionhash"
)

// A Proof says how a binary shows that it was built from the sources that its versions were computed from.
type Proof string

// The proofs. The zero value is ProofEmbed: each package embeds its sources. ProofDisk compares with the sources on disk where they are found,
// ProofNone with nothing.
const (
	ProofEmbed Proof = "embed"
	ProofDisk  Proof = "disk"
	ProofNone  Proof = "none"
)

// ParseProof reads the value of the -proof flag.
func ParseProof(s string) (Proof, error) {
	switch p := Proof(s); p {
	case ProofEmbed, ProofDisk, ProofNone:
		return p, nil
	case "":
		return ProofEmbed, nil
	}
	return "", fmt.Errorf("proof %q: use embed, disk or none", s)
}

// mode is the name of the dag.ProofMode.
func (p Proof) mode() string {
	switch p {
	case ProofDisk:
		return "ProofDisk"
	case ProofNone:
		return "ProofNone"
	}
	return "ProofEmbed"
}

// A Config says what to generate and how.
type Config struct {
	Load      load.Config
	Mode      versionhash.Mode
	Proof     Proof     // "" is ProofEmbed
	Toolchain Toolchain // "" is ToolchainLanguage

	// Deps asks for the annotated local packages that the named ones import as well.
	Deps bool

	// Stamp is told what the run reads; nil is fine.
	Stamp *Stamp
}

// A Result is one generated file as it shall be. Write and Check take a set of them.
type Result struct {
	PkgPath     string
	Path        string    // absolute
	Content     []byte    // nil for a file of an earlier time that nothing calls for: it is deleted
	Diagnostics diag.List // warnings about its package

	inputs *inputs
}

// Generate makes the files of the packages that c names; it writes nothing. The diagnostics are those of all packages, sorted, with file names relative to
// c.Load.Dir; a package with errors, or one that imports such a package, has no results. The error is for what is not the user's doing: a bug, a
// cancelled context.
func Generate(ctx context.Context, c Config) ([]Result, diag.List, error) {
	c.Load.Seen = c.Stamp.seen()
	a, diags, err := Analyze(ctx, c)
	if err != nil || a == nil {
		return nil, diags, err
	}
	c.Stamp.read(a)
	g := &generation{Analysis: a, cfg: c, diags: diags}
	results, diags, err := g.run()
	if err == nil {
		c.Stamp.verify(results, diags)
	}
	return results, diags, err
}

// texts are the files of one package before they are verified.
type texts struct {
	draft       render.Draft
	definitions []byte // the draft laid out; see laidOut
	layoutErr   error
	manifest    *manifest.Manifest
	broken      bool // its versions could not be computed, or it does not compile
}

// A generation is one call of Generate behind the analysis.
type generation struct {
	*Analysis
	cfg   Config
	diags diag.List
	texts map[*model.Package]*texts

	layouts sync.WaitGroup // of drafts that are being laid out
	slots   chan struct{}  // bounds how many at one time
}

func (g *generation) run() ([]Result, diag.List, error) {
	g.texts, g.slots = map[*model.Package]*texts{}, make(chan struct{}, runtime.GOMAXPROCS(0))
	defer g.layouts.Wait()
	targets := g.Targets
	if len(targets) > 0 && g.Program.Runtime() == nil {
		g.diags.Add(noRuntime(g.Program))
		return nil, g.diags.Sorted(), nil
	}
	for _, p := range g.Model.Packages { // those that are not asked for too: others may name what they generate
		if p.Definitions == nil || g.loadErrors[p.Package] {
			continue
		}
		draft, err := render.Definitions(moduleOf(p), p, g.cfg.Proof.mode())
		if err != nil {
			return nil, g.diags.Sorted(), err
		}
		g.texts[p] = &texts{draft: draft}
		g.layOut(g.texts[p])
	}
	for _, p := range targets {
		if !g.loadErrors[p.Package] {
			g.versions(p)
		}
	}
	g.idle()
	proofs, err := g.proofs()
	if err != nil {
		return nil, g.diags.Sorted(), err
	}
	if err := g.verify(proofs); err != nil {
		return nil, g.diags.Sorted(), err
	}
	if err := g.laidOut(); err != nil {
		return nil, g.diags.Sorted(), err
	}
	results := g.results(proofs)
	results = g.refuse(results)
	g.strangers(proofs)
	if changed := g.inputs.changed(); len(results) > 0 && len(changed) > 0 {
		for _, name := range changed {
			g.diags.Add(changedWhileRunning(g.Program.Rel(name)))
		}
		return nil, g.diags.Sorted(), nil
	}
	g.diags = g.diags.Sorted()
	for i := range results {
		for _, d := range g.diags {
			if filepath.Join(g.Program.Dir, filepath.Dir(d.Pos.Filename)) == filepath.Dir(results[i].Path) {
				results[i].Diagnostics = append(results[i].Diagnostics, d)
			}
		}
	}
	return results, g.diags, nil
}

// layOut lays the draft of a package out in the background.
func (g *generation) layOut(t *texts) {
	g.layouts.Go(func() {
		g.slots <- struct{}{}
		defer func() {
			<-g.slots
			if p := recover(); p != nil {
				t.layoutErr = fmt.Errorf("lay out: %v\n%s", p, debug.Stack())
			}
		}()
		t.definitions, t.layoutErr = t.draft.Layout()
	})
}

// laidOut waits until all drafts are laid out.
func (g *generation) laidOut() error {
	g.layouts.Wait()
	for _, p := range g.Model.Packages {
		if t := g.texts[p]; t != nil && t.layoutErr != nil {
			return t.layoutErr
		}
	}
	return nil
}

func moduleOf(p *model.Package) string {
	if p.Module != nil {
		return p.Module.Path
	}
	return ""
}

// versions computes the manifest of a target. For a package with errors it still reports what is wrong in the code that its things reach.
func (g *generation) versions(p *model.Package) {
	if t := g.texts[p]; t != nil {
		m, diags := g.Versions.Manifest(p.Definitions.Symbols())
		g.diags = append(g.diags, diags...)
		t.manifest, t.broken = m, diags.HasErrors() || g.undecided[p.Package]
		return
	}
	_, diags := g.Versions.Manifest(p.Symbols())
	g.addUnknown(slices.DeleteFunc(diags, func(d diag.Diagnostic) bool { return d.Code == versionhash.CodeUnknown })) // of what does not compile
}

// addUnknown adds the diagnostics whose places nothing is reported at yet.
func (g *generation) addUnknown(more diag.List) {
	seen := map[string]bool{}
	for _, d := range g.diags {
		seen[d.Pos.String()] = true
	}
	for _, d := range more {
		if !seen[d.Pos.String()] {
			g.diags.Add(d)
		}
	}
}

// proofs are the texts of dag_proof_gen.go by package.
func (g *generation) proofs() (map[*load.Package][]byte, error) {
	out := map[*load.Package][]byte{}
	if g.cfg.Proof.mode() != "ProofEmbed" {
		return out, nil
	}
	for _, p := range g.Targets {
		t := g.texts[p]
		if t == nil || t.broken {
			continue
		}
		for _, sp := range t.manifest.Packages {
			lp := g.Program.Packages[sp.Path]
			if lp == nil || out[lp] != nil {
				continue
			}
			text, err := render.Proof(g.Program.Shell(lp), sp.Patterns)
			if err != nil {
				return nil, err
			}
			out[lp] = text
		}
	}
	return out, nil
}

// results are the files of all targets without errors, sorted by path, and the orphans beside them.
func (g *generation) results(proofs map[*load.Package][]byte) []Result {
	var out []Result
	add := func(lp *load.Package, name string, content []byte) {
		out = append(out, Result{PkgPath: lp.Path, Path: filepath.Join(lp.Dir, name), Content: content, inputs: g.inputs})
	}
	proven := map[string]bool{}
	for _, p := range g.Targets {
		t := g.texts[p]
		if t == nil || t.broken {
			continue
		}
		add(p.Package, render.File, t.definitions)
		add(p.Package, render.ManifestFile, []byte(t.manifest.Text()))
		for _, sp := range t.manifest.Packages {
			proven[sp.Path] = true
		}
	}
	for lp, text := range proofs {
		if proven[lp.Path] {
			add(lp, render.ProofFile, text)
		}
	}
	out = append(out, g.orphans(out)...)
	slices.SortFunc(out, func(a, b Result) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// refuse drops the results of packages in which a file that is not ours stands where one of ours belongs.
func (g *generation) refuse(results []Result) []Result {
	bad := map[string]bool{}
	for _, r := range results {
		if err := write.Refuse(r.Path); err != nil {
			g.diags.Add(refused(g.Program.Rel(r.Path), err))
			bad[r.PkgPath] = true
		}
	}
	return slices.DeleteFunc(results, func(r Result) bool { return bad[r.PkgPath] })
}
