package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/instance"
)

func (a *app) instanceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "instance",
		Short: "Look after the folder that remembers runs and outputs",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.group,
	}
	cmd.AddCommand(a.instanceInfoCommand(), a.instanceVerifyCommand())
	return cmd
}

func (a *app) instanceInfoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "info",
		Short: "Show where the instance is, and what it holds",
		Args:  arguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			inst, err := a.openReadOnly(cmd.Context())
			if err != nil {
				return err
			}
			u, err := inst.Usage(cmd.Context())
			if err = closed(err, inst); err != nil {
				return err
			}
			return a.result(u, func(l look) []string { return usageView(u) })
		},
	}
}

func usageView(u *instance.Usage) []string {
	return []string{
		"folder    " + escape(u.Dir),
		"database  " + size(u.Database),
		fmt.Sprintf("outputs   %s, %s in %s", plural(u.Records, "record"), size(u.Bytes), plural(u.Objects, "file")),
		"running   " + plural(u.Running, "run"),
	}
}

func (a *app) instanceVerifyCommand() *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read everything that is stored and say what is damaged",
		Long: "Read the whole instance: the structure of the database, every record, and every stored output against its digest. It may take long, and run beside runs.\n\n" +
			"With --repair, records of outputs that are damaged or missing are dropped, so that their steps are computed again when something needs them;\n" +
			"damaged files are removed, and runs whose process is gone are recorded as failed. Without it nothing is written.\n\n" +
			"The exit code is 1 if anything is wrong and was not repaired.",
		Args: arguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.verifyInstance(cmd, repair) },
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "drop what is damaged, so that it is computed again")
	return cmd
}

func (a *app) verifyInstance(cmd *cobra.Command, repair bool) error {
	ctx := cmd.Context()
	open := a.openReadOnly
	if repair {
		open = a.openThere
	}
	inst, err := open(ctx)
	if err != nil {
		return err
	}
	v, err := inst.Verify(ctx, repair)
	if err = closed(err, inst); err != nil {
		return err
	}
	if err := a.result(v, func(l look) []string { return verifiedView(v, l) }); err != nil {
		return err
	}
	if n := v.Left(); n > 0 {
		return &damageError{n, repair}
	}
	return nil
}

// damageError is a verification of an instance that found something.
type damageError struct {
	problems int
	repaired bool // what could be
}

func (e *damageError) Error() string {
	if e.repaired {
		return plural(e.problems, "problem") + " cannot be repaired here; move the folder away: what was stored is computed again"
	}
	return plural(e.problems, "problem") + "; `instance verify --repair` drops what is damaged, so that it is computed again"
}

func verifiedView(v *instance.Verified, l look) []string {
	t := &table{columns: []column{{title: "WHAT"}, {title: ""}, {title: "PROBLEM", wrap: true}}}
	for _, p := range v.Problems {
		done, st := "", red
		if p.Repaired {
			done, st = "repaired", green
		}
		t.add(styled(p.Kind, st), text(done), text(p.What))
	}
	var out []string
	if len(v.Problems) > 0 {
		out = append(t.render(l), "")
	}
	out = append(out, fmt.Sprintf("%s, %s in %s: %s", plural(v.Records, "record"), size(v.Bytes), plural(v.Objects, "file"), problems(v)))
	if v.Garbage.Objects > 0 {
		out = append(out, fmt.Sprintf("no record needs %s of them, %s: gc removes what no run uses", plural(v.Garbage.Objects, "file"), size(v.Garbage.Bytes)))
	}
	return out
}

func problems(v *instance.Verified) string {
	left := v.Left()
	switch repaired := len(v.Problems) - left; {
	case len(v.Problems) == 0:
		return "all is well"
	case repaired == 0:
		return plural(left, "problem")
	case left == 0:
		return plural(repaired, "problem") + ", repaired"
	default:
		return fmt.Sprintf("%s, %d repaired", plural(left+repaired, "problem"), repaired)
	}
}
