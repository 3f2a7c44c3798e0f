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
	results, diags, err := gen.Generate(ctx, config)
	if err != nil {
		return err
	}
	written, err := gen.Write(ctx, results)
	if err != nil {
		var changed *gen.ChangedError
		var refused *write.RefusedError
		if errors.As(err, &changed) || errors.As(err, &refused) {
			return inputError{err}
		}
		return err
	}
	if command && t.flags.output == "json" {
		if err := t.printJSON(t.describe(results, written, diags)); err != nil {
			return err
		}
	} else {
		t.tell(results, written, diags, time.Since(start), command)
	}
	if diags.HasErrors() {
		return exitError(exitInput)
	}
	return nil
}

// describe sorts what happened by package. Paths are relative to the folder of this call, with slashes.
func (t *tool) describe(results []gen.Result, written []string, diags diag.List) generated {
	g := generated{Packages: []generatedPackage{}, Diagnostics: t.printer().JSON(diags)}
	for _, r := range results {
		n := len(g.Packages)
		if n == 0 || g.Packages[n-1].Package != r.PkgPath {
			g.Packages = append(g.Packages, generatedPackage{Package: r.PkgPath})
			n++
		}
		change := "unchanged"
		if slices.Contains(written, r.Path) {
			change = "written"
			if r.Content == nil {
				change = "removed"
			}
		}
		g.Packages[n-1].Files = append(g.Packages[n-1].Files, generatedFile{Path: filepath.ToSlash(t.relative(r.Path)), Change: change})
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
func (t *tool) tell(results []gen.Result, written []string, diags diag.List, took time.Duration, command bool) {
	_ = t.printer().Print(t.stderr, diags)
	if t.flags.verbose {
		for _, file := range written {
			fmt.Fprintln(t.stderr, t.relative(file))
		}
	}
	all, changed, emptied := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, r := range results {
		all[r.PkgPath] = true
		if slices.Contains(written, r.Path) {
			if r.Content != nil {
				changed[r.PkgPath] = true
			} else {
				emptied[r.PkgPath] = true
			}
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
		fmt.Fprintln(t.stderr, "nothing to generate: no //dag: directive in these packages (see `dagstergen help directives`)")
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
