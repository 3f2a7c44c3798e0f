package gen

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

// An Analysis is what the generator knows before it writes anything.
type Analysis struct {
	Program  *load.Program
	Model    *model.Model
	Versions *versionhash.Graph
	Targets  []*model.Package // the annotated packages that were asked for, sorted by path

	inputs     *inputs
	loadErrors map[*load.Package]bool // packages that have syntax errors or such, and all that import them
	undecided  map[*load.Package]bool // packages with declared files that cannot count, and all that import them
}

// Analyze loads packages, makes their model and computes their versions. The Analysis is nil where nothing could be loaded; with errors among the
// diagnostics it holds what is sound. The error is for what is not the user's doing.
func Analyze(ctx context.Context, c Config) (*Analysis, diag.List, error) {
	if c.Load.Cache != nil {
		c.Load.Light = light()
	}
	return analyze(ctx, c)
}

func analyze(ctx context.Context, c Config) (*Analysis, diag.List, error) {
	prog, diags, err := load.Load(ctx, c.Load)
	if err != nil || prog == nil {
		return nil, diags, err
	}
	release := c.Toolchain.release(prog, &diags)
	if endless := model.Endless(prog); endless != nil {
		return nil, append(diags, endless...).Sorted(), nil
	}
	a := &Analysis{Program: prog, Model: model.Build(prog), inputs: readInputs(prog)}
	var own map[*load.Package]bool
	own, a.loadErrors = brokenLoads(prog, diags)
	for _, p := range a.Model.Packages {
		for _, d := range p.Diagnostics {
			if !own[p.Package] && !(a.loadErrors[p.Package] && followUp[d.Code]) {
				diags.Add(d)
			}
		}
		asked := slices.Contains(prog.Roots, p.Package)
		if asked || c.Deps && p.Module != nil && p.Module.Version == "" {
			a.Targets = append(a.Targets, p)
		}
	}
	slices.SortFunc(a.Targets, func(x, y *model.Package) int {
		if x.Path < y.Path {
			return -1
		}
		return 1
	})
	versions, more := versionhash.Analyze(prog, versionhash.Options{Mode: c.Mode, Cache: c.Load.Cache, Decisions: a.decide(&diags), Toolchain: release, Instances: instances(a.Model), Generated: func(pkgPath, name string) bool {
		p := a.Model.Package(pkgPath)
		return p != nil && p.Expected[name]
	}})
	a.Versions = versions
	a.environment()
	a.presets(&diags)
	diags = append(diags, more...)
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	return a, diags.Sorted(), nil
}

// instances are the generic ops that bodies call.
func instances(m *model.Model) []versionhash.Instance {
	var out []versionhash.Instance
	for _, op := range m.Instances {
		out = append(out, versionhash.Instance{Symbol: op.Symbol, Func: op.Generic, Args: op.TypeArgs})
	}
	return out
}

// followUp are the codes that may only say that something is missing from a package that could not be read.
var followUp = map[string]bool{
	model.CodeInvalidType: true, model.CodeStorable: true, model.CodeUnknownInput: true, model.CodeUnknownDep: true, model.CodeNoResource: true,
	model.CodeUnknownIO: true, model.CodeJobCall: true,
}

// brokenLoads finds the packages that errors of the load belong to (own), and those and all that import one of them (all). An error that
// belongs to no package, such as one in go.mod, belongs to each.
func brokenLoads(prog *load.Program, diags diag.List) (own, all map[*load.Package]bool) {
	byDir := map[string]*load.Package{}
	for _, lp := range prog.Packages {
		if lp.Local {
			byDir[lp.Dir] = lp
		}
	}
	own, all = map[*load.Package]bool{}, map[*load.Package]bool{}
	for _, d := range diags {
		if d.Severity != diag.Error {
			continue
		}
		file := d.Pos.Filename
		if !filepath.IsAbs(file) {
			file = filepath.Join(prog.Dir, file)
		}
		lp := byDir[filepath.Dir(file)]
		if lp == nil {
			lp = byDir[file] // an error about the folder
		}
		if d.Pos.Filename == "" || lp == nil {
			for _, lp := range byDir {
				all[lp] = true
			}
			continue
		}
		own[lp], all[lp] = true, true
	}
	spread(prog, all)
	return own, all
}

// spread adds to a set of packages those that import one of them, at any depth.
func spread(prog *load.Program, set map[*load.Package]bool) {
	for _, lp := range prog.Locals() { // dependencies first
		for _, dep := range lp.Imports {
			set[lp] = set[lp] || set[dep]
		}
	}
}
