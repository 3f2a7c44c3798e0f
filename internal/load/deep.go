package load

import (
	"bytes"
	"context"
	"fmt"
	"go/parser"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// directModules returns the paths of the modules that a main module requires without `// indirect`. The go.mod files are read for it: what go list
// says of a module takes into account what the listed packages import, and a module must be direct or not whatever is loaded.
// Our own module never is: what pipelines run on is no part of a version.
func directModules(ctx context.Context, goTool, dir string, env []string) (map[string]bool, error) {
	cmd := exec.CommandContext(ctx, goTool, "list", "-m", "-f", "{{with .GoMod}}{{.}}{{end}}") // of a workspace, all modules
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("load: go list -m: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	direct := map[string]bool{}
	for name := range strings.Lines(stdout.String()) {
		name = strings.TrimSpace(name)
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
		mod, err := modfile.ParseLax(name, data, nil)
		if err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
		for _, r := range mod.Require {
			if !r.Indirect && !ours(r.Mod.Path) {
				direct[r.Mod.Path] = true
			}
		}
	}
	return direct, nil
}

// parseDeep parses a package of another module with its bodies. It reports false where the package cannot count declaration by
// declaration: a file cannot be read or parsed, or dagstergen wrote one of them, which no version may be computed from.
func (w *work) parseDeep() (ok bool) {
	defer func() {
		if !ok {
			w.p.Deep, w.files = false, nil
		}
	}()
	for _, name := range slices.Concat(w.p.GoFiles, w.p.IgnoredFiles) {
		file := filepath.Join(w.p.Dir, name)
		src, err := os.ReadFile(file)
		if err != nil || IsGenerated(src) {
			return false
		}
		if !slices.Contains(w.p.GoFiles, name) {
			continue
		}
		f, err := parser.ParseFile(w.l.prog.Fset, w.l.prog.Rel(file), src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return false
		}
		w.files = append(w.files, f)
	}
	return true
}

// keepDeep keeps what a deep package was checked for, or drops it where there are type errors: the package counts by its contents then.
func (w *work) keepDeep() {
	if len(w.p.Errors) > 0 {
		w.p.Deep, w.p.Info, w.p.Errors = false, nil, nil
		return
	}
	w.p.Syntax = w.files
}
