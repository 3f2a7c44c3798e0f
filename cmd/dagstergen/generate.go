package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/gen/write"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

func (t *tool) generateFlags(c *cobra.Command) {
	t.loading(c.Flags())
	c.Flags().BoolVarP(&t.flags.verbose, "verbose", "v", false, "name each file that is written or removed")
	t.outputs(c, "text", "json")
}

func (t *tool) generate(c *cobra.Command, args []string) error {
	config, err := t.config(args)
	if err != nil {
		return err
	}
	return t.generateFor(c.Context(), config, true)
}

// generated is the JSON form of what generate did.
type generated struct {
	Packages    []generatedPackage `json:"packages"`
	Diagnostics any                `json:"diagnostics"`
}

type generatedPackage struct {
	Package string          `json:"package"`
	Files   []generatedFile `json:"files"`
}

type generatedFile struct {
	Path   string `json:"path"`
	Change string `json:"change"` // written, removed or unchanged
}

// generateFor runs the generator and writes what it made. Where people look, or something changed, it says so in one line.
func (t *tool) generateFor(ctx context.Context, config gen.Config, command bool) error {
	start := time.Now()
	done, err := t.generateFiles(ctx, config)
	if err != nil {
		return err
	}
	if command && t.flags.output == "json" {
		if err := t.printJSON(t.describe(done)); err != nil {
			return err
		}
	} else {
		t.tell(done, time.Since(start), command)
	}
	if done.diags.HasErrors() {
		return exitError(exitInput)
	}
	return nil
}

// generateFiles makes the disk as the generator wants it; where nothing changed since it was so, there is nothing to do.
func (t *tool) generateFiles(ctx context.Context, config gen.Config) (outcome, error) {
	stamp := gen.NewStamp(config)
	if known := stamp.Unchanged(); known != nil {
		return unchanged(known), nil
	}
	config.Stamp = stamp
	results, diags, err := gen.Generate(ctx, config)
	if err != nil {
		return outcome{}, err
	}
	written, err := gen.Write(ctx, results)
	if err != nil {
		var changed *gen.ChangedError
		var refused *write.RefusedError
		if errors.As(err, &changed) || errors.As(err, &refused) {
			return outcome{}, inputError{err}
		}
		return outcome{}, err
	}
	stamp.Keep(results, diags)
	done := outcome{diags: diags}
	for _, r := range results {
		change := "unchanged"
		if slices.Contains(written, r.Path) {
			change = "written"
			if r.Content == nil {
				change = "removed"
			}
		}
		done.files = append(done.files, outcomeFile{r.PkgPath, r.Path, change})
	}
	return done, nil
}

// describe sorts what happened by package. Paths are relative to the folder of this call, with slashes.
func (t *tool) describe(done outcome) generated {
	g := generated{Packages: []generatedPackage{}, Diagnostics: t.printer().JSON(done.diags)}
	for _, f := range done.files {
		n := len(g.Packages)
		if n == 0 || g.Packages[n-1].Package != f.pkg {
			g.Packages = append(g.Packages, generatedPackage{Package: f.pkg})
			n++
		}
		g.Packages[n-1].Files = append(g.Packages[n-1].Files, generatedFile{Path: filepath.ToSlash(t.relative(f.path)), Change: f.change})
	}
	return g
}

// relative names a file as seen from the folder of this call.
func (t *tool) relative(file string) string {
	if rel, err := filepath.Rel(t.dir, file); err == nil && len(rel) < len(file) {
		return rel
	}
	return file
}

// tell prints the diagnostics and, in one line, what was done.
func (t *tool) tell(done outcome, took time.Duration, command bool) {
	diags := done.diags
	_ = t.printer().Print(t.stderr, diags)
	all, changed, emptied := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, f := range done.files {
		if t.flags.verbose && f.change != "unchanged" {
			fmt.Fprintln(t.stderr, t.relative(f.path))
		}
		all[f.pkg] = true
		switch f.change {
		case "written":
			changed[f.pkg] = true
		case "removed":
			emptied[f.pkg] = true
		}
	}
	switch {
	case diags.HasErrors():
		if t.isTerminal(t.stderr) {
			fmt.Fprintf(t.stderr, "\n%s; nothing was written for the packages they are in\n", count(errorCount(diags), "error"))
		}
	case len(changed) > 0:
		fmt.Fprintf(t.stderr, "generated %s in %.1fs\n", count(len(changed), "package"), took.Seconds())
	case len(emptied) > 0:
		fmt.Fprintf(t.stderr, "removed what was left over in %s\n", count(len(emptied), "package"))
	case len(all) == 0 && command:
		fmt.Fprintf(t.stderr, "nothing to generate: no //dag: directive in these packages (see `%s help directives`)\n", load.ToolCommand(t.dir))
	case command && t.isTerminal(t.stderr):
		fmt.Fprintf(t.stderr, "%s up to date (%.1fs)\n", count(len(all), "package"), took.Seconds())
	}
}

func errorCount(l diag.List) int {
	n := 0
	for _, d := range l.Sorted() {
		if d.Severity == diag.Error {
			n++
		}
	}
	return n
}

// count writes "1 package", "2 packages".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
