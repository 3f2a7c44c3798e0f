package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/nearest"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func (a *app) runsGetCommand() *cobra.Command {
	var f getFlags
	var output string
	cmd := &cobra.Command{
		Use:   "get [RUN] STEP",
		Short: "Write what a step of a run gave, or save it to a file",
		Long: "Write the stored output of a step to stdout, or save it with --to: what the step computed in that run, or what it reused. Text, bytes, files and images with codec=png are written as they are, everything else as JSON. " +
			"RUN is the id of a run or the start or end of one that says which; without it the newest run is meant. STEP is its key as `runs show` has it: fetch, fit[oslo], report.load.",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range []string{"name", "to"} {
				if set := cmd.Flags().Lookup(name); set.Changed && set.Value.String() == "" {
					return usage(cmd, fmt.Errorf("--%s is empty", name))
				}
			}
			inst, err := a.openReadOnly(cmd.Context())
			if err != nil {
				return err
			}
			g := &getting{app: a, cmd: cmd, flags: &f, key: args[len(args)-1], inst: inst}
			return closed(g.doStep(first(args[:len(args)-1]), output), inst)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&output, "name", "", "the output `NAME`, of a step that has several")
	flags.StringVar(&f.to, "to", "", "save it to `FILE`, which is replaced as a whole; a folder takes a file under its own name")
	f.config.add(a, cmd)
	return cmd
}

// doStep is what do is for an asset.
func (g *getting) doStep(run, output string) error {
	ctx := g.cmd.Context()
	var err error
	if g.ran, err = g.app.findRun(g.cmd, g.inst, run); err != nil {
		return err
	}
	cat, err := g.app.catalog()
	if err != nil {
		return err
	}
	op := execute.OpOfStep(cat, g.ran.Job, g.key)
	if op != nil && op.Kind == dag.KindSource {
		return usage(g.cmd, fmt.Errorf("%s is a source: its data is kept where it comes from, and only its versions are stored", g.key))
	}
	outs, err := g.inst.StepOutputs(ctx, g.ran.ID, g.key)
	var none *instance.StepOutputsError
	switch {
	case errors.As(err, &none) && none.Unknown:
		return usage(g.cmd, g.unknownStep(err))
	case err != nil:
		return err
	}
	if g.out, err = oneOutput(outs, g.key, output); err != nil {
		return usage(g.cmd, err)
	}
	if op != nil {
		if k := slices.IndexFunc(op.Outputs, func(o dag.Output) bool { return o.Name == g.out.Name }); k >= 0 {
			g.op, g.def = op, &op.Outputs[k]
		}
	}
	g.load = func(ctx context.Context, o execute.Options) (any, error) {
		return execute.StoredStepValue(ctx, cat, g.ran, g.key, g.out, o)
	}
	c, err := g.read()
	switch {
	case errors.Is(err, iomanager.ErrDamaged):
		return fmt.Errorf("output %s of step %s cannot be read: %w; what a run stored is kept as long as `%s gc` leaves it", g.out.Name, g.key, err, g.app.env.Name)
	case err != nil:
		return err
	case g.flags.to != "":
		return g.save(c)
	}
	return g.write(c)
}

// oneOutput is the output with a name, or the only one.
func oneOutput(outs []storage.Output, step, name string) (*storage.Output, error) {
	var names []string
	for i := range outs {
		if outs[i].Name == name || name == "" && len(outs) == 1 {
			return &outs[i], nil
		}
		names = append(names, outs[i].Name)
	}
	switch {
	case len(outs) == 0:
		return nil, fmt.Errorf("step %s returns nothing that is stored", step)
	case name == "":
		return nil, fmt.Errorf("step %s has several outputs; say which one with --name: %s", step, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("step %s has no output %q; it has %s", step, name, strings.Join(names, ", "))
}

// unknownStep adds the step that was probably meant.
func (g *getting) unknownStep(err error) error {
	d, found := readRunDetail(g.cmd.Context(), g.inst, g.ran, g.app.now(), false, true)
	if found != nil {
		return err
	}
	keys := make([]string, len(d.Steps))
	for i := range d.Steps {
		keys[i] = d.Steps[i].Key
	}
	if key, ok := nearest.Of(g.key, keys); ok {
		return fmt.Errorf("%w; did you mean %q?", err, key)
	}
	return fmt.Errorf("%w; `%s runs show %s` lists them", err, g.app.env.Name, g.ran.ID)
}

// digestText is a digest as it is shown; empty for none.
func digestText(d canon.Digest) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}
