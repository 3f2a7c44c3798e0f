package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/execute"
)

func (a *app) runsRerunCommand() *cobra.Command {
	var f runFlags
	var how execute.Rerun
	var from []string
	cmd := &cobra.Command{
		Use:   "rerun [RUN]",
		Short: "Run again what a run ran; with --from-failure go on where it failed",
		Long: "Run again what a run ran: the same job or assets, selection, tags and run config, as far as -c, --set, --tag and --select say nothing else. " +
			"RUN is the id of a run or the start or end of one; without it the newest run is taken. What has not changed is reused; --no-memo runs everything.",
		Args: arguments("a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			how.From, how.Select = strings.Join(from, ","), f.selection
			return a.rerun(cmd, first(args), how, &f)
		},
	}
	f.addRun(a, cmd)
	flags := cmd.Flags()
	flags.BoolVar(&how.FromFailure, "from-failure", false, "go on where it failed: nothing that it finished is done again, not even what is volatile")
	flags.StringArrayVar(&from, "from", nil, "run the step `STEP` and all below it, whatever is stored; may be repeated")
	return cmd
}

func (a *app) rerun(cmd *cobra.Command, id string, how execute.Rerun, f *runFlags) error {
	ctx := cmd.Context()
	cat, o, err := a.options(cmd, f)
	if err != nil {
		return err
	}
	inst, err := a.openToChange(cmd)
	if err != nil {
		return err
	}
	run, err := a.findRun(cmd, inst, id)
	if err != nil {
		return closed(err, inst)
	}
	o.Instance = inst
	job, o, notes, err := how.Prepare(ctx, cat, run.ID, o)
	if err != nil {
		return closed(err, inst)
	}
	for _, n := range notes {
		_, _ = io.WriteString(a.env.Stderr, a.errLook.paint("warning:", yellow)+" "+escape(n)+"\n") // if stderr is gone there is nobody to tell
	}
	return a.execute(ctx, inst, cat, job, o, f.detach)
}
