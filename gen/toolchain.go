package gen

import (
	"fmt"
	"go/token"
	"path/filepath"
	"strings"

	goversion "go/version"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// A Toolchain says how much of the release of Go counts in versions beside the language version of each module, which always does.
type Toolchain string

// The policies. The zero value is ToolchainLanguage: no release counts, so that versions are the same on every machine and under every release. The
// others suit those who pin the release of Go: a binary built with another one is stale.
const (
	ToolchainLanguage Toolchain = "language"
	ToolchainMinor    Toolchain = "minor" // go1.26
	ToolchainExact    Toolchain = "exact" // go1.26.8
)

// CodeRelease is the code of a release of Go that should count and is not known.
const CodeRelease = "DAG0609"

// ParseToolchain reads the value of the -toolchain flag.
func ParseToolchain(s string) (Toolchain, error) {
	switch t := Toolchain(s); t {
	case ToolchainLanguage, ToolchainMinor, ToolchainExact:
		return t, nil
	case "":
		return ToolchainLanguage, nil
	}
	return "", fmt.Errorf("toolchain %q: use language, minor or exact", s)
}

// release is what counts of the release of Go that the program was loaded with; "" where none does.
func (t Toolchain) release(prog *load.Program, diags *diag.List) string {
	if t == "" || t == ToolchainLanguage {
		return ""
	}
	if lang := goversion.Lang(prog.Release); lang != "" {
		if t == ToolchainMinor {
			return lang
		}
		return prog.Release
	}
	diags.Add(diag.Diagnostic{Code: CodeRelease, Pos: token.Position{Filename: prog.Rel(filepath.Join(prog.Module.Dir, "go.mod"))},
		Message: fmt.Sprintf("the go command does not say which release it is (%q), so that -toolchain=%s cannot count it", strings.TrimSpace(prog.Release), t),
		Hint:    "use a release of Go, or -toolchain=language"})
	return ""
}
