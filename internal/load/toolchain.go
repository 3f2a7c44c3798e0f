package load

import (
	"fmt"
	"go/version"
	"os"
	"path/filepath"
	"strings"

	"github.com/dagstergen/dagstergen/internal/diag"
)

// goRelease returns the release of the Go tree that the standard library was listed from, such as "go1.26.8"; "" when it does not say.
func (p *Program) goRelease() string {
	errors := p.Packages["errors"] // in the closure of whatever is loaded
	if errors == nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(errors.Dir, "..", "..", "VERSION"))
	if err != nil {
		return "" // Go built from its repository has no such file
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first)
}

// newerGo compares what the user's Go and module are with the Go that this program was built with, whose go/types reads them. A module
// of a newer language cannot be checked; a newer standard library mostly can.
func newerGo(release, tool string, m Module) (diag.Diagnostic, bool) {
	ours := version.Lang(tool)
	if ours == "" {
		return diag.Diagnostic{}, false // a development version: nothing to compare
	}
	d := problem(CodeToolchain, "go.mod", "", "build it again: run `go install` for it with that Go, or use `go tool dagstergen`")
	if lang := version.Lang("go" + m.GoVersion); version.Compare(lang, ours) > 0 {
		d.Message = fmt.Sprintf("module %s is written in %s, and this dagstergen was built with %s", m.Path, lang, tool)
		return d, true
	}
	if version.Compare(version.Lang(release), ours) > 0 {
		d.Severity = diag.Warning
		d.Message = fmt.Sprintf("the go command is %s, and this dagstergen was built with %s", release, tool)
		return d, true
	}
	return d, false
}
