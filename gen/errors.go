package gen

import (
	"errors"
	"fmt"
	"go/token"
	"path/filepath"
	"strings"

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
)

// noRuntime reports a module that has annotated packages and does not know the package that generated code imports.
func noRuntime(prog *load.Program) diag.Diagnostic {
	module, _, _ := strings.Cut(load.RuntimePath, "/runtime/")
	return diag.Diagnostic{Code: CodeNoRuntime, Pos: token.Position{Filename: filepath.Join(prog.Rel(prog.Module.Dir), "go.mod")},
		Message: fmt.Sprintf("module %s does not require %s, whose package %s generated code imports", prog.Module.Path, module, load.RuntimePath),
		Hint:    "run: go get " + module}
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
