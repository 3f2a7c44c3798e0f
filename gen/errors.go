package gen

import (
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/dagstergen/dagstergen/gen/write"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// The codes of this stage; docs/errors.md describes each.
const (
	CodeNoRuntime  = "DAG0211" // go.mod does not require dagstergen
	CodeTypeError  = "DAG0701" // user code that does not compile, seen together with what was generated
	CodeRefused    = "DAG0703" // a file that is not ours stands where one of ours belongs
	CodeChanged    = "DAG0704" // a source changed while the generator ran
	CodeInitialise = "DAG0705" // a strategy and Definitions need each other
	CodeStranger   = "DAG0706" // a proof is written into a module that does not require dagstergen
)

// noRuntime reports a module that has annotated packages and does not know the package that generated code imports.
func noRuntime(prog *load.Program) diag.Diagnostic {
	module, _, _ := strings.Cut(load.RuntimePath, "/runtime/")
	return diag.Diagnostic{Code: CodeNoRuntime, Pos: token.Position{Filename: filepath.Join(prog.Rel(prog.Module.Dir), "go.mod")},
		Message: fmt.Sprintf("module %s does not require %s, whose package %s generated code imports", prog.Module.Path, module, load.RuntimePath),
		Hint:    "run: go get " + module}
}

// strangers warns of proofs in other modules on disk that do not require dagstergen: built from here they are fine, by themselves they
// do not compile any more.
func (g *generation) strangers(proofs map[*load.Package][]byte) {
	module, _, _ := strings.Cut(load.RuntimePath, "/runtime/")
	told := map[string]bool{module: true}
	for _, p := range g.Targets {
		if p.Module != nil {
			told[p.Module.Path] = true // an import of the runtime that cannot be found is an error there
		}
	}
	for _, lp := range g.Program.Locals() {
		if proofs[lp] == nil || lp.Module == nil || told[lp.Module.Path] {
			continue
		}
		told[lp.Module.Path] = true
		name := filepath.Join(lp.Module.Dir, "go.mod")
		src, err := os.ReadFile(name)
		if err != nil {
			continue // vendored: it is not built by itself
		}
		mod, err := modfile.ParseLax(name, src, nil)
		if err != nil || slices.ContainsFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == module }) {
			continue
		}
		g.diags.Add(diag.Diagnostic{Code: CodeStranger, Severity: diag.Warning, Pos: token.Position{Filename: g.Program.Rel(name)},
			Message: fmt.Sprintf("versions cover package %s, so that it embeds its sources with %s, which module %s does not require", lp.Path, load.RuntimePath, lp.Module.Path),
			Hint:    "run `go get " + module + "` in it, or generate with -proof=disk"})
	}
}

func refused(name string, err error) diag.Diagnostic {
	d := diag.Diagnostic{Code: CodeRefused, Pos: token.Position{Filename: name}, Message: err.Error(), Hint: "make the folder readable and writable"}
	var r *write.RefusedError
	if errors.As(err, &r) {
		d.Message, d.Hint = "dagstergen would write a file here: "+r.Reason, "move it away, or rename it"
	}
	return d
}

func changedWhileRunning(name string) diag.Diagnostic {
	return diag.Diagnostic{Code: CodeChanged, Pos: token.Position{Filename: name}, Message: "it changed while dagstergen ran", Hint: "run dagstergen again"}
}

// A ChangedError says that sources changed between Generate and Write.
type ChangedError struct{ Paths []string }

// Error names the files.
func (e *ChangedError) Error() string {
	return strings.Join(e.Paths, ", ") + ": changed while dagstergen ran; run dagstergen again"
}

// An InternalError is a bug of dagstergen: what it generated does not compile.
type InternalError struct {
	PkgPath string
	Details []string
}

// Error shows what the compiler says, and asks for a report.
func (e *InternalError) Error() string {
	return fmt.Sprintf("internal error: the code generated for package %s does not compile; please report this:\n\t%s", e.PkgPath, strings.Join(e.Details, "\n\t"))
}
