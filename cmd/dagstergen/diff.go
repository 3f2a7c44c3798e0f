package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/gen/compare"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/revision"
)

func (t *tool) diffCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "diff [REV] [packages] | diff BINARY BINARY",
		Short: "show which versions change between a git revision and the work tree, why, and what runs again",
		Long: "Compares the packages (default ./...) as they are in the revision REV (default HEAD) with the work tree: the versions that change with the\n" +
			"symbols that are the cause and how each is reached, what was added and removed, signatures, config fields and wiring that differ, the steps that\n" +
			"run again, and those that only have such a step above them. Neither the work tree nor git's state is touched. A first argument such as ./weather\n" +
			"or ./... is a package; behind -- all are.\n" +
			"Two files are compiled pipelines: their code versions are compared, without running them.\n\n" +
			"Exit codes: 0, also where something changed; with --exit-code 1 if a version changed, and 2 if nothing could be compared.\n\n" +
			"JSON: {\"old\", \"new\", \"versions_changed\", \"changes\", \"runs\", \"maybe\"}. A change has change (changed, added, removed), kind, key, package, symbol,\n" +
			"position, version_changed, old_version, new_version, note, causes and facts; a cause change, kind, name, position, detail and path; a fact name, old\n" +
			"and new; runs and maybe are lists of {\"package\", \"job\", \"key\", \"symbol\", \"reasons\"}.",
		Example: "  dagstergen diff\n  dagstergen diff HEAD~1 ./weather\n  dagstergen diff -o markdown origin/main > comment.md\n  dagstergen diff weather-v1 weather-v2",
		Args:    cobra.ArbitraryArgs,
	}
	exitCode := c.Flags().Bool("exit-code", false, "exit with 1 if a version changed")
	c.RunE = func(c *cobra.Command, args []string) error {
		found, err := t.diff(c, args)
		if err == nil && found.VersionsChanged && *exitCode {
			return exitError(exitInput)
		}
		if err != nil && *exitCode && environmental(err) {
			fmt.Fprintf(t.stderr, "dagstergen: %s\n", clean(err.Error())) // 1 would be read as a difference
			return exitError(exitUsage)
		}
		if errors.Is(err, exitError(exitInput)) && *exitCode {
			return exitError(exitUsage)
		}
		return err
	}
	t.loading(c.Flags())
	t.outputs(c, "text", "markdown", "json")
	return c
}

func (t *tool) diff(c *cobra.Command, args []string) (compare.Comparison, error) {
	var found compare.Comparison
	var err error
	if len(args) == 2 && t.isFile(args[0]) && t.isFile(args[1]) {
		found, err = t.diffBinaries(args[0], args[1])
	} else {
		found, err = t.diffRevision(c, args)
	}
	if err != nil {
		return found, err
	}
	switch t.flags.output {
	case "json":
		err = t.printJSON(found)
	case "markdown":
		err = found.WriteMarkdown(t.stdout)
	default:
		err = found.WriteText(t.stdout, t.colored(t.stdout))
	}
	return found, err
}

// revisionAndPatterns tells a revision from packages.
func revisionAndPatterns(args []string, dash int) (rev string, patterns []string, err error) {
	rev, patterns = "HEAD", args
	if dash != 0 && len(args) > 0 && !isPattern(args[0]) {
		rev, patterns = args[0], args[1:]
	}
	if dash > 1 {
		return "", nil, usagef("diff: one revision and packages; there are %d words before --", dash)
	}
	if strings.Contains(rev, "..") {
		return "", nil, usagef("diff: %s names a range; name one revision, which is compared with the work tree", rev)
	}
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	return rev, patterns, nil
}

// isPattern reports whether an argument can only be packages, never a revision.
func isPattern(arg string) bool {
	return arg == "." || arg == ".." || arg == "..." || strings.HasPrefix(arg, "./") || strings.HasPrefix(arg, "../") || strings.HasSuffix(arg, "/...") || filepath.IsAbs(arg)
}

func (t *tool) diffRevision(c *cobra.Command, args []string) (compare.Comparison, error) {
	var none compare.Comparison
	ctx := c.Context()
	rev, patterns, err := revisionAndPatterns(args, c.ArgsLenAtDash())
	if err != nil {
		return none, err
	}
	config, err := t.config(patterns)
	if err != nil {
		return none, err
	}
	repo, err := revision.Find(ctx, t.dir, t.env)
	if err != nil {
		if _, ok := errors.AsType[*exec.Error](err); ok {
			return none, inputf("diff needs git, which is not on PATH")
		}
		return none, gitFailure(ctx, err)
	}
	commit, short, err := repo.Resolve(ctx, rev)
	if errors.Is(err, revision.ErrNoRevision) {
		return none, inputf("diff: there is no revision %s in this repository; packages alone are named like ./weather, or behind --", rev)
	}
	if err != nil {
		return none, gitFailure(ctx, err)
	}
	a, err := t.analyze(c, patterns)
	if err != nil {
		return none, err
	}
	after, diags := compare.Take(a, "the work tree", a.Program.Rel)
	if diags.HasErrors() {
		return none, errors.Join(t.printer().Print(t.stderr, diags), exitError(exitInput))
	}
	tree, err := repo.Checkout(ctx, commit)
	if err != nil {
		return none, gitFailure(ctx, err)
	}
	before, err := t.takeOld(ctx, config, tree, rev, a)
	before.Name = rev
	if !strings.HasPrefix(commit, rev) {
		before.Name = rev + " (" + short + ")"
	}
	if err := errors.Join(err, tree.Close()); err != nil {
		return none, err
	}
	return compare.Compare(before, after), nil
}

// gitFailure is what git did not do: no bug of ours.
func gitFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return inputError{fmt.Errorf("diff: %w", err)}
}

// takeOld takes the snapshot of the old side. What did not exist then is empty, not wrong.
func (t *tool) takeOld(ctx context.Context, config gen.Config, tree *revision.Tree, rev string, now *gen.Analysis) (compare.Snapshot, error) {
	var none compare.Snapshot
	config.Load.Dir, config.Load.Env, config.Load.Passing = tree.Dir, tree.Env, true
	config.Load.Patterns = oldPatterns(tree, config.Load.Patterns)
	if _, err := os.Stat(tree.Dir); errors.Is(err, fs.ErrNotExist) || len(config.Load.Patterns) == 0 {
		return none, nil
	}
	if dir := now.Program.Module.Dir; dir != "" && tree.Mirror(dir) != dir {
		if _, err := os.Stat(filepath.Join(tree.Mirror(dir), "go.mod")); errors.Is(err, fs.ErrNotExist) {
			return none, nil // the module is newer than the revision
		}
	}
	a, diags, err := gen.Analyze(ctx, config)
	if err != nil {
		return none, err
	}
	if err := oldErrors(diags, tree, rev); err != nil {
		return none, err
	}
	if a == nil {
		return none, nil
	}
	snapshot, diags := compare.Take(a, rev, func(file string) string {
		if !filepath.IsAbs(file) {
			return file // below the folder of this call, on both sides
		}
		return now.Program.Rel(tree.Real(file))
	})
	return snapshot, oldErrors(diags, tree, rev)
}

// oldPatterns leaves out the folders that the revision does not have.
func oldPatterns(tree *revision.Tree, patterns []string) []string {
	var out []string
	for _, p := range patterns {
		if filepath.IsAbs(p) {
			p = tree.Mirror(p)
		}
		if isPattern(p) {
			dir := strings.TrimSuffix(strings.TrimSuffix(p, "..."), "/")
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(tree.Dir, dir)
			}
			if goFiles, err := filepath.Glob(filepath.Join(globQuote(dir), "*.go")); err != nil || len(goFiles) == 0 && !strings.HasSuffix(p, "...") {
				continue
			}
			if info, err := os.Stat(dir); strings.HasPrefix(p, ".") && (err != nil || !info.IsDir()) {
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

var globMeta = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

func globQuote(s string) string { return globMeta.Replace(s) }

// oldErrors says in one line that the old side cannot be read. That a package is not there is no error.
func oldErrors(diags diag.List, tree *revision.Tree, rev string) error {
	wrong := slices.DeleteFunc(slices.Clone(diags), func(d diag.Diagnostic) bool { return d.Severity != diag.Error || d.Code == load.CodeNoMatch })
	if len(wrong) == 0 {
		return nil
	}
	d := wrong[0]
	d.Related = nil
	d.Pos.Filename = tree.Real(d.Pos.Filename)
	more := ""
	if n := len(wrong) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return inputf("diff: the sources of the revision %s have errors: %s%s", rev, tree.Text(d.String()), more)
}
