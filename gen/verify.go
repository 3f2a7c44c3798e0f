package gen

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/gen/render"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// verify type-checks the user's code together with what was generated for it. What is left of the user's errors in declarations that matter is reported; an error in generated text
// of a package without any is ours.
func (g *generation) verify(proofs map[*load.Package][]byte) error {
	extra := map[string]map[string][]byte{}
	add := func(path, name string, text []byte) {
		if extra[path] == nil {
			extra[path] = map[string][]byte{}
		}
		extra[path][name] = text
	}
	for p, t := range g.texts {
		add(p.Path, render.File, t.draft)
	}
	for lp, text := range proofs {
		add(lp.Path, render.ProofFile, text)
	}
	for _, lp := range g.Program.Roots {
		if lp.Local && extra[lp.Path] == nil && g.Model.Package(lp.Path) == nil {
			extra[lp.Path] = map[string][]byte{} // its old files are orphans
		}
	}
	errs := g.Program.Verify(extra)
	if g.inGenerated(errs) { // where in the file, its layout says
		if err := g.laidOut(); err != nil {
			return err
		}
		for p, t := range g.texts {
			add(p.Path, render.File, t.definitions)
		}
		errs = g.Program.Verify(extra)
	}
	for _, p := range g.Targets {
		t := g.texts[p]
		if t == nil {
			if !g.loadErrors[p.Package] {
				g.brokenPackage(p)
			}
			continue
		}
		unsound := t.broken // its versions could not be computed: all else that is wrong is reported with it
		if err := g.judge(p, t, errs); err != nil && !unsound {
			return err
		}
	}
	return nil
}

// inGenerated reports whether one of the errors lies in a generated file.
func (g *generation) inGenerated(errs map[string][]types.Error) bool {
	for _, list := range errs {
		if slices.ContainsFunc(list, func(e types.Error) bool { return g.generatedFile(e.Pos) }) {
			return true
		}
	}
	return false
}

// generatedFile reports whether pos lies in a file of ours.
func (g *generation) generatedFile(pos token.Pos) bool {
	switch filepath.Base(g.Program.Position(pos).Filename) {
	case render.File, render.ProofFile:
		return true
	}
	return false
}

// judge sorts the type errors of what p reaches: the user's, ours, and those that do not matter.
func (g *generation) judge(p *model.Package, t *texts, errs map[string][]types.Error) error {
	reached := g.reached(p, t)
	var ours []string
	users := 0
	for _, path := range append([]string{p.Path}, sourcesOf(t)...) {
		for _, e := range errs[path] {
			if strings.HasPrefix(e.Msg, "\t") {
				continue // the second half of the error before it
			}
			if strings.HasPrefix(e.Msg, "initialization cycle") {
				g.initialisation(p, e)
				t.broken = true
				users++
				continue
			}
			if g.generatedFile(e.Pos) {
				if path == p.Path {
					ours = append(ours, g.Program.Position(e.Pos).String()+": "+e.Msg)
				}
				continue
			}
			if path == p.Path {
				users++
			}
			if reached(e.Pos) {
				g.typeError(e)
				t.broken = true
			}
		}
	}
	switch {
	case len(ours) == 0:
		return nil
	case users == 0:
		return &InternalError{p.Path, ours}
	case !t.broken: // the user's errors have effects in our text: all of them matter then
		for _, e := range errs[p.Path] {
			if !g.generatedFile(e.Pos) && !strings.HasPrefix(e.Msg, "\t") {
				g.typeError(e)
			}
		}
		t.broken = true
	}
	return nil
}

func sourcesOf(t *texts) []string {
	var out []string
	for _, sp := range t.manifest.Packages {
		out = append(out, sp.Path)
	}
	return out
}

// oneLine joins the lines of a message of the type checker.
func oneLine(msg string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(msg, "\n\t", ", ")), " ")
}

func (g *generation) typeError(e types.Error) {
	g.addUnknown(diag.List{{Code: CodeTypeError, Pos: g.Program.Position(e.Pos), Message: oneLine(e.Msg)}})
}

// initialisation reports a cycle between Definitions and user code. All calls of user functions are hidden from the order of initialisation; what is left are
// the strategies and the executors.
func (g *generation) initialisation(p *model.Package, e types.Error) {
	d := diag.Diagnostic{Code: CodeInitialise, Pos: g.Program.Position(e.Pos), Message: "Definitions needs itself to be initialised",
		Hint: "take what refers to Definitions, or to a job, out of the initialiser"}
	for _, s := range p.Definitions.Strategies() {
		if !g.generatedFile(e.Pos) && s.Obj.Pos() != e.Pos {
			continue
		}
		d.Pos = g.Program.Position(s.Obj.Pos())
		d.Message = "Definitions needs strategy " + s.Obj.Name() + " to be initialised, and that needs Definitions"
		break
	}
	for _, j := range p.Definitions.Jobs {
		if x := j.ExecutorVar; x != nil && x.Pos() == e.Pos {
			d.Message = "Definitions needs executor " + x.Name() + " to be initialised, and that needs Definitions"
		}
	}
	g.diags.Add(d)
}

// reached returns whether a position lies in a declaration that a version of p covers, or in an annotated one.
func (g *generation) reached(p *model.Package, t *texts) func(token.Pos) bool {
	starts := map[token.Position]bool{}
	for _, n := range t.manifest.Nodes {
		if pos := g.Versions.Pos(n.Name); pos.IsValid() {
			starts[place(pos)] = true
		}
	}
	for _, f := range p.Funcs() {
		starts[place(g.Program.Position(f.Pos))] = true
	}
	return func(pos token.Pos) bool {
		for _, name := range g.declared(pos) {
			if starts[place(g.Program.Position(name))] {
				return true
			}
		}
		return false
	}
}

// place is a position without its column offset in bytes, which two ways of computing it may not share.
func place(p token.Position) token.Position {
	p.Offset = 0
	return p
}

// declared returns the positions of the names that the top-level declaration around pos declares, and of the declaration itself.
func (g *generation) declared(pos token.Pos) []token.Pos {
	for _, lp := range g.Program.Packages {
		for _, f := range lp.Syntax {
			if pos < f.FileStart || f.FileEnd < pos {
				continue
			}
			i := slices.IndexFunc(f.Decls, func(d ast.Decl) bool { return d.Pos() <= pos && pos < d.End() })
			if i < 0 {
				return nil
			}
			return declaredNames(f.Decls[i], pos)
		}
	}
	return nil
}

func declaredNames(d ast.Decl, pos token.Pos) []token.Pos {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return []token.Pos{d.Name.Pos(), d.Pos()}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if pos < s.Pos() || s.End() <= pos {
				continue
			}
			out := []token.Pos{s.Pos(), d.Pos()}
			switch s := s.(type) {
			case *ast.TypeSpec:
				out = append(out, s.Name.Pos())
			case *ast.ValueSpec:
				for _, n := range s.Names {
					out = append(out, n.Pos())
				}
			}
			return out
		}
	}
	return nil
}

// brokenPackage shows the type errors in the annotated declarations of a package for which nothing could be generated, so that they
// come in the same pass as the errors that kept it from being generated. Names that would be generated are no errors. Where nothing at all
// has been said about the package or one that it imports, the compiler's errors must be why, and all of them are shown.
func (g *generation) brokenPackage(p *model.Package) {
	var errs []types.Error
	for _, e := range p.Errors {
		if !strings.HasPrefix(e.Msg, "\t") && !g.missesGenerated(p, e) {
			errs = append(errs, e)
		}
	}
	for _, e := range errs {
		if p.Annotated(e.Pos) {
			g.typeError(e)
		}
	}
	for _, q := range p.Visible() {
		for _, d := range g.diags {
			if d.Severity == diag.Error && filepath.Join(g.Program.Dir, filepath.Dir(d.Pos.Filename)) == q.Dir {
				return
			}
		}
	}
	for _, e := range errs {
		g.typeError(e)
	}
}

// missesGenerated reports whether an error says no more than that something generated is not there yet.
func (g *generation) missesGenerated(p *model.Package, e types.Error) bool {
	name, ok := strings.CutPrefix(e.Msg, "undefined: ")
	if !ok {
		return false
	}
	qualifier, sel, qualified := strings.Cut(name, ".")
	if !qualified {
		return p.Expected[name]
	}
	for _, dep := range p.Imports {
		if q := g.Model.Package(dep.Path); q != nil && (q.Name == qualifier || importedAs(p, dep, qualifier)) && q.Expected[sel] {
			return true
		}
	}
	return false
}

// importedAs reports whether a file of p imports dep under name.
func importedAs(p *model.Package, dep *load.Package, name string) bool {
	for _, f := range p.Syntax {
		for _, spec := range f.Imports {
			if spec.Name != nil && spec.Name.Name == name && strings.Trim(spec.Path.Value, "\"`") == dep.Path {
				return true
			}
		}
	}
	return false
}
