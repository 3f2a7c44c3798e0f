package load

import (
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/diag"
)

// The codes of this stage; internal/diag documents them.
const (
	CodeNoGo        = "DAG0201"
	CodeNoModule    = "DAG0202"
	CodeNoMatch     = "DAG0203"
	CodeNoPackage   = "DAG0204"
	CodeNoSum       = "DAG0205"
	CodeModFile     = "DAG0206"
	CodeSyntax      = "DAG0207"
	CodeImportCycle = "DAG0208"
	CodeList        = "DAG0209"
	CodeToolchain   = "DAG0210"
)

func problem(code, file, message, hint string) diag.Diagnostic {
	return diag.Diagnostic{Code: code, Pos: token.Position{Filename: file}, Message: message, Hint: hint}
}

var modLine = regexp.MustCompile(`(?m)^(?:go: )?(\S*go\.(?:mod|work|sum)):(\d+)(?::(\d+))?: (.*)$`)

// listFailure turns what go list said before it gave up into diagnostics.
func listFailure(dir, stderr string) diag.List {
	text := strings.TrimSpace(stderr)
	if strings.Contains(text, "go.mod file not found") {
		return diag.List{noModule(dir)}
	}
	if all := modLine.FindAllStringSubmatch(text, -1); all != nil {
		var l diag.List
		for _, m := range all {
			d := problem(CodeModFile, relative(dir, m[1]), m[4], "mend that line")
			d.Pos.Line, _ = strconv.Atoi(m[2])
			d.Pos.Column, _ = strconv.Atoi(m[3])
			l.Add(d)
		}
		return l
	}
	text = strings.TrimPrefix(oneLine(text), "go: ")
	hint := "make `go list ./...` work in this folder"
	switch {
	case strings.Contains(text, "to add it"), strings.Contains(text, "go mod tidy"), strings.Contains(text, "go work "), strings.Contains(text, "go get"):
		hint = "" // the go command has said it
	}
	return diag.List{problem(CodeModFile, "go.mod", text, hint)}
}

func noModule(dir string) diag.Diagnostic {
	return problem(CodeNoModule, "", "there is no go.mod in "+dir+" or above it", "run `go mod init example.com/yourmodule` in the folder of your module")
}

// belowModule reports whether a go.mod or go.work stands in dir or above it.
func belowModule(dir string) bool {
	for {
		for _, name := range []string{"go.mod", "go.work"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return true
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
}

// listWarnings reports patterns that matched nothing; the go command warns of them and goes on.
func listWarnings(stderr string) diag.List {
	var l diag.List
	for line := range strings.Lines(stderr) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "go: ")
		if rest, ok := strings.CutPrefix(line, "warning: "); ok && strings.Contains(rest, "matched no packages") {
			l.Add(problem(CodeNoMatch, "", rest, "name a folder with Go files, such as ./... or ./weather"))
		}
	}
	return l
}

// oneLine joins the lines of a message of the go command.
func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// listErrors reports what go list complained about, package by package. Syntax errors are left to our own parser, which
// finds all of them, and problems of our own old output to nobody; packages that only generated code needs may be absent.
func (l *loader) listErrors(listed []*listedPackage, patterns []string) {
	for _, lp := range listed {
		if lp.Error == nil {
			continue
		}
		asked := asked(lp, patterns)
		if !asked && len(lp.Match) > 0 && len(lp.Error.ImportStack) == 0 && lp.Error.Pos == "" {
			continue
		}
		if d, ok := l.listError(lp, lp.Error, asked); ok {
			l.diags.Add(d)
		}
	}
}

func (l *loader) listError(lp *listedPackage, e *listedError, asked bool) (diag.Diagnostic, bool) {
	w := l.byPath[lp.ImportPath]
	text := strings.ReplaceAll(oneLine(e.Err), l.prog.Dir+string(filepath.Separator), "")
	text = notInStd.ReplaceAllString(text, " is not in the standard library")
	d := diag.Diagnostic{Code: CodeList, Pos: l.parsePosition(e.Pos), Message: text}
	if d.Pos.IsValid() {
		base := filepath.Base(d.Pos.Filename)
		if l.ours(d.Pos.Filename) || strings.HasSuffix(base, "_test.go") || w != nil && w.diags.HasErrors() && slices.Contains(lp.InvalidGoFiles, base) {
			return d, false
		}
	}
	switch {
	case strings.Contains(text, "import cycle not allowed"):
		d.Code, d.Message = CodeImportCycle, "import cycle: "+strings.Join(e.ImportStack, " imports ")
		d.Hint = "remove one of these imports"
		if !d.Pos.IsValid() && w != nil {
			d.Pos.Filename = l.prog.Rel(w.p.Dir)
		}
	case strings.Contains(text, "does not contain main module") && !belowModule(l.prog.Dir):
		return noModule(l.prog.Dir), true
	case strings.Contains(text, "missing go.sum entry"):
		d.Code = CodeNoSum
	case strings.Contains(text, "not one of the workspace modules"):
		text, _, _ = strings.Cut(text, ". You can add")
		d.Code, d.Message, d.Pos.Filename = CodeModFile, text, "go.work"
		d.Hint = "run `go work use` with that folder, or set GOWORK=off"
	case strings.Contains(text, "build constraints exclude all Go files"):
		if w != nil && len(w.p.Generated) > 0 && len(w.p.IgnoredFiles) == 0 {
			return d, false // nothing but our own old output is left there: a package without code
		}
		d.Code, d.Message = CodeNoMatch, "package "+lp.ImportPath+" has no Go files for "+l.prog.Target.GOOS+"/"+l.prog.Target.GOARCH
		d.Hint = "check the build constraints of its files"
	case asked && !d.Pos.IsValid() && (w == nil || strings.HasPrefix(text, "no Go files in ")):
		d.Code = CodeNoMatch
		d.Hint = "name a folder with Go files, such as ./... or ./weather"
	case w == nil:
		d.Code = CodeNoPackage
		if m, ok := l.localModule(lp.ImportPath); ok {
			d.Message = "there is no package " + lp.ImportPath + " in module " + m.Path
			d.Hint = "correct the import, or make the folder " + strings.TrimPrefix(lp.ImportPath, m.Path+"/") + " with a Go file"
		} else if strings.HasSuffix(text, " is not in the standard library") {
			d.Hint = "correct the import; paths of other modules begin with a domain name"
		}
		if !d.Pos.IsValid() && len(e.ImportStack) > 0 {
			d.Message = "package " + lp.ImportPath + ", imported by " + e.ImportStack[len(e.ImportStack)-1] + ": " + text
		}
	case strings.HasPrefix(text, "found packages "):
		for _, m := range inParentheses.FindAllStringSubmatch(text, -1) {
			if slices.Contains(w.p.Generated, m[1]) {
				return d, false
			}
		}
		d.Pos.Filename = l.prog.Rel(w.p.Dir)
		d.Message = strings.TrimSuffix(strings.TrimSuffix(text, w.p.Dir), " in ")
		d.Hint = "give all files of a folder one package name"
	}
	return d, true
}

// localModule finds the local module that a package would belong to by its path.
func (l *loader) localModule(path string) (Module, bool) {
	for _, w := range l.works {
		if w.p.Local && strings.HasPrefix(path, w.p.Module.Path+"/") {
			return *w.p.Module, true
		}
	}
	return Module{}, false
}

var notInStd = regexp.MustCompile(` is not in std \(.*\)$`)

var inParentheses = regexp.MustCompile(`\(([^()]+)\)`)

// ours reports whether a file, named as in a position, is one that dagstergen wrote.
func (l *loader) ours(name string) bool {
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.prog.Dir, name)
	}
	return slices.ContainsFunc(l.works, func(w *work) bool {
		return w.p.Dir == filepath.Dir(name) && slices.Contains(w.p.Generated, filepath.Base(name))
	})
}

// parsePosition reads "file:line:col" as go list writes it: relative to the folder it runs in, or absolute.
func (l *loader) parsePosition(s string) token.Position {
	var pos token.Position
	if s == "" {
		return pos
	}
	file, numbers := s, []int{}
	for len(numbers) < 2 {
		i := strings.LastIndexByte(file, ':')
		if i < 0 {
			break
		}
		n, err := strconv.Atoi(file[i+1:])
		if err != nil {
			break
		}
		file, numbers = file[:i], append(numbers, n)
	}
	switch len(numbers) {
	case 2:
		pos.Line, pos.Column = numbers[1], numbers[0]
	case 1:
		pos.Line = numbers[0]
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(l.prog.Dir, file)
	}
	pos.Filename = l.prog.Rel(file)
	return pos
}
