package gen

import (
	"fmt"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	modpath "golang.org/x/mod/module"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/gen/render"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
	"github.com/dagstergen/dagstergen/versionhash"
)

// The codes of what //dag:ignore and //dag:depends say about files and versions.
const (
	CodeDependsFile = "DAG0607" // files that are not there, or that a binary cannot embed
	CodeIdleIgnore  = "DAG0608" // an ignore that leaves nothing out
)

// decide turns what directives decide about versions into what versionhash takes, with the files that count. Nothing is written for packages that
// import one with files that cannot count.
func (a *Analysis) decide(diags *diag.List) map[token.Pos]versionhash.Decision {
	out := map[token.Pos]versionhash.Decision{}
	a.undecided = map[*load.Package]bool{}
	for pos, d := range a.Model.Decisions {
		v := versionhash.Decision{Ignored: d.Ignored}
		for _, l := range d.Without {
			v.Without = append(v.Without, versionhash.Left{Symbol: l.Symbol, Reason: l.Reason})
		}
		for _, n := range d.Needs {
			v.Needs = append(v.Needs, n.Obj)
		}
		slices.SortFunc(v.Needs, func(a, b types.Object) int { return strings.Compare(model.SymbolOf(a), model.SymbolOf(b)) })
		v.Needs = slices.CompactFunc(v.Needs, func(a, b types.Object) bool { return model.SymbolOf(a) == model.SymbolOf(b) })
		for _, p := range d.Files {
			files, problem, hint := embeddable(d.Pkg, p.Glob)
			if problem != "" {
				a.undecided[d.Pkg] = true
				diags.Add(diag.Diagnostic{Code: CodeDependsFile, Pos: p.Pos, End: p.End, Message: fmt.Sprintf("%s: //dag:depends: %s", d.Name, problem), Hint: hint})
				continue
			}
			v.Patterns, v.Files = append(v.Patterns, p.Glob), append(v.Files, files...)
		}
		slices.Sort(v.Patterns)
		slices.Sort(v.Files)
		v.Files = slices.Compact(v.Files)
		a.inputs.watch(d.Pkg, v.Files)
		out[pos] = v
	}
	if len(a.undecided) > 0 {
		spread(a.Program, a.undecided)
	}
	return out
}

// embeddable returns the files below the folder of a package that a go:embed pattern takes in, sorted; what dagstergen writes is no input. The problem
// is why there are none, or why the compiler would refuse the pattern.
func embeddable(lp *load.Package, pattern string) (files []string, problem, hint string) {
	refuse := func(name, why, mend string) error {
		if problem == "" {
			problem, hint = fmt.Sprintf("file:%s takes in %s, which %s, so that a binary cannot embed it to prove what it was built from", pattern, name, why), mend
		}
		return nil
	}
	err := filepath.WalkDir(lp.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == lp.Dir {
			return nil
		}
		rel, err := filepath.Rel(lp.Dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if e.IsDir() {
			if slices.Contains([]string{".git", ".hg", ".svn", ".bzr"}, e.Name()) {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
				if manifest.EmbedMatches(pattern, name) || strings.HasPrefix(strings.TrimPrefix(pattern, "all:"), name+"/") {
					_ = refuse(name, "is a module of its own", "name files of this module")
				}
				return fs.SkipDir
			}
			return nil
		}
		if !manifest.EmbedMatches(pattern, name) || slices.Contains(lp.Generated, name) || slices.Contains(ours, name) {
			return nil
		}
		switch {
		case !e.Type().IsRegular():
			return refuse(name, "is no ordinary file", "name the file that it leads to")
		case modpath.CheckFilePath(name) != nil:
			return refuse(name, "has a name that Go does not embed", "give it another name")
		}
		files = append(files, name)
		return nil
	})
	switch {
	case problem != "":
		return nil, problem, hint
	case err != nil:
		return nil, fmt.Sprintf("file:%s cannot be looked for: %v", pattern, err), "make the folder readable"
	case len(files) == 0:
		return nil, fmt.Sprintf("file:%s matches no file", pattern), "paths begin at the folder of the package; correct it, or remove it"
	}
	return files, "", ""
}

// ours are the files of a package that dagstergen writes.
var ours = []string{render.File, render.ManifestFile, render.ProofFile}

// environment gives each op and resource the environment variables that count in its version: those of all functions that it reaches.
func (a *Analysis) environment() {
	env := map[string][]string{}
	for _, d := range a.Model.Decisions {
		if len(d.Env) > 0 {
			env[d.Pos.String()] = d.Env
		}
	}
	if len(env) == 0 {
		return
	}
	of := func(symbol string) []string {
		var out []string
		for _, name := range a.Versions.Reached(symbol) {
			out = append(out, env[a.Versions.Pos(name).String()]...)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for _, op := range a.Model.Instances {
		op.Env = of(op.Symbol)
	}
	for _, p := range a.Model.Packages {
		for _, op := range p.Ops {
			if op.Kind != annotations.Source && op.Graph == nil { // a source is observed each time, and a graph has no code of its own
				op.Env = of(op.Symbol)
			}
		}
		for _, r := range p.Resources {
			r.Env = of(r.Symbol)
		}
	}
}

// idleIgnores reports declarations that are left out of every version although none of the packages that were asked for reaches them. Of an init function, and
// of a blank variable, that cannot be told: nothing refers to them.
func (v *vetting) idleIgnores(g *generation) {
	used := map[token.Position]bool{}
	var names []string
	for _, t := range g.texts {
		if t.manifest == nil || t.broken {
			return // not all is known
		}
		for _, n := range t.manifest.Nodes {
			if n.Kind == manifest.KindIgnored {
				used[place(v.Versions.Pos(n.Name))] = true
				names = append(names, n.Name)
			}
		}
	}
	for _, d := range v.Model.Decisions {
		symbol := d.Pkg.Path + "." + d.Name
		method := func(name string) bool {
			return strings.HasPrefix(name, symbol+".") || strings.HasPrefix(name, d.Pkg.Path+".(*"+d.Name+").")
		}
		if d.Ignored == "" || d.Name == "_" || d.Name == "init" || used[place(d.Pos)] || slices.ContainsFunc(names, method) || !slices.Contains(v.Program.Roots, d.Pkg) {
			continue
		}
		v.found = append(v.found, Finding{Kind: "ignore", What: d.Name, Function: symbol, Diagnostic: diag.Diagnostic{Code: CodeIdleIgnore, Severity: diag.Warning, Pos: d.Pos,
			Message: fmt.Sprintf("%s: //dag:ignore: no version reaches it, so that there is nothing to leave out", d.Name), Hint: "remove the directive"}})
	}
}

// idle warns of what the versions of the packages that were asked for leave out without reaching it.
func (g *generation) idle() {
	for _, p := range g.Targets {
		if g.loadErrors[p.Package] || p.Diagnostics.HasErrors() {
			continue
		}
		for _, f := range p.Funcs() {
			d := g.Model.Decisions[f.Pos]
			if d == nil {
				continue
			}
			for _, idle := range g.Versions.Idle(f.Symbol) {
				i := slices.IndexFunc(d.Without, func(l model.Left) bool { return l.Symbol == idle.Symbol })
				if i < 0 {
					continue
				}
				l := d.Without[i]
				g.diags.Add(diag.Diagnostic{Code: CodeIdleIgnore, Severity: diag.Warning, Pos: l.Pos, End: l.End, Hint: "remove it",
					Message: fmt.Sprintf("%s: //dag:ignore: it does not reach %s, so that there is nothing to leave out", f.GoName, l.Spelling)})
			}
		}
	}
}
