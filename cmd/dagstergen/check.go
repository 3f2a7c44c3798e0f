package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/gen"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

func (t *tool) checkCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "check [packages]",
		Short: "exit 1 and name each generated file that is not what would be written",
		Long: "Generates in memory and compares with what is on disk; writes nothing. For CI.\n" +
			"JSON: {\"up_to_date\", \"differences\": [{\"path\", \"change\": missing|outdated|orphaned, \"sources\", \"made\"}], \"diagnostics\"}.",
		Args: cobra.ArbitraryArgs,
		RunE: t.check,
	}
	t.loading(c.Flags())
	t.outputs(c, "text", "json")
	return c
}

// checked is the JSON form of what check found.
type checked struct {
	UpToDate    bool         `json:"up_to_date"`
	Differences []difference `json:"differences"`
	Diagnostics any          `json:"diagnostics"`
}

type difference struct {
	Path    string   `json:"path"`
	Change  string   `json:"change"`
	Sources []string `json:"sources,omitempty"` // Go files that changed since, where that is known
	Made    []string `json:"made,omitempty"`    // settings with which it was made, where they are others now
}

func (t *tool) check(c *cobra.Command, args []string) error {
	config, err := t.config(args)
	if err != nil {
		return err
	}
	found, diags, err := compareFiles(c.Context(), config)
	if err != nil {
		return err
	}
	out := checked{UpToDate: len(found) == 0 && !diags.HasErrors(), Differences: []difference{}, Diagnostics: t.printer().JSON(diags)}
	for _, d := range found {
		out.Differences = append(out.Differences, difference{Path: filepath.ToSlash(t.relative(d.Path)), Change: d.Change, Sources: d.Sources, Made: d.Made})
	}
	if t.flags.output == "json" {
		if err := t.printJSON(out); err != nil {
			return err
		}
	} else {
		_ = t.printer().Print(t.stderr, diags)
		for _, d := range out.Differences {
			fmt.Fprintln(t.stderr, d)
		}
		if len(found) > 0 {
			fmt.Fprintf(t.stderr, "run: %s %s\n", load.ToolCommand(t.dir), strings.Join(append(t.generateArgs(), args...), " "))
		}
	}
	if !out.UpToDate {
		return exitError(exitInput)
	}
	return nil
}

// compareFiles compares the disk with what the generator wants; where nothing changed since it was so, there is no difference.
func compareFiles(ctx context.Context, config gen.Config) ([]gen.Difference, diag.List, error) {
	stamp := gen.NewStamp(config)
	if known := stamp.Unchanged(); known != nil {
		return nil, known.Diagnostics, nil
	}
	config.Stamp = stamp
	results, diags, err := gen.Generate(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	found, err := gen.Check(results)
	if err == nil && len(found) == 0 {
		stamp.Keep(results, diags)
	}
	return found, diags, err
}

// String says on one line what is wrong with the file and, where it is known, which sources changed.
func (d difference) String() string {
	s := d.Path
	switch d.Change {
	case "missing":
		s += " is missing"
	case "orphaned":
		s += " is left over: nothing calls for it any more"
	default:
		s += " is out of date"
	}
	if len(d.Made) > 0 {
		s += " (made with " + strings.Join(d.Made, ", ") + ")"
	}
	if len(d.Sources) > 0 {
		s += " (changed: " + strings.Join(d.Sources, ", ") + ")"
	}
	return s
}

// generateArgs are the flags that a generate must have to give what check compared with.
func (t *tool) generateArgs() []string {
	var out []string
	add := func(is bool, flag string) {
		if is {
			out = append(out, flag)
		}
	}
	add(t.flags.chdir != "", "-C "+t.flags.chdir)
	add(t.flags.mode != "transitive", "--mode="+t.flags.mode)
	add(t.flags.proof != "embed", "--proof="+t.flags.proof)
	add(t.flags.toolchain != "language", "--toolchain="+t.flags.toolchain)
	add(t.flags.deps != "packages", "--deps="+t.flags.deps)
	add(t.flags.target != "linux/amd64", "--target="+t.flags.target)
	add(len(t.flags.tags) > 0, "--tags="+strings.Join(t.flags.tags, ","))
	add(t.flags.noCgo, "--no-cgo")
	return out
}
