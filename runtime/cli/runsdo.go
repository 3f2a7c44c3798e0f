package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// fileFlag adds --file to a command that looks at runs.
func fileFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "file", "", "look at the run in `FILE`, which `runs export` wrote, instead of the instance")
}

// openHistory opens what a command looks at: the instance, or a file with an exported run.
func (a *app) openHistory(cmd *cobra.Command, file string) (*instance.Instance, error) {
	if file == "" {
		return a.openReadOnly(cmd.Context())
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, usage(cmd, err)
	}
	inst := instance.Ephemeral()
	_, err = inst.ImportRun(cmd.Context(), f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, usage(cmd, fmt.Errorf("%s: %w", file, errors.Join(err, inst.Close())))
	}
	return inst, nil
}

// openToChange opens the instance for a command that changes runs. Where there is none, none is made.
func (a *app) openToChange(cmd *cobra.Command) (*instance.Instance, error) {
	return a.open(cmd.Context(), func() error { return usage(cmd, fmt.Errorf("there are no runs yet")) })
}

// A changedRun says what a command did about a run.
type changedRun struct {
	RunID  string `json:"run_id"`
	Status string `json:"status"` // that it has now; "deleted" for one that is gone
}

type changedRuns struct {
	Runs []changedRun `json:"runs"`
}

func (r *changedRuns) view(l look) []string {
	out := make([]string, len(r.Runs))
	for i, c := range r.Runs {
		out[i] = escape(c.RunID) + " " + l.paint(c.Status, statusStyle(c.Status))
	}
	return out
}

func (a *app) runsCancelCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "cancel RUN...",
		Short: "Ask runs to stop: what runs now ends, what it gives is kept, nothing more begins",
		Args:  atLeastOneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			inst, err := a.openToChange(cmd)
			if err != nil {
				return err
			}
			out := &changedRuns{Runs: []changedRun{}}
			err = a.cancelRuns(cmd, inst, args, wait, out)
			if err = closed(err, inst); err != nil && len(out.Runs) == 0 {
				return err
			}
			return errors.Join(err, a.result(out, out.view))
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until they have ended")
	return cmd
}

// atLeastOneRun checks the arguments of commands that take runs.
func atLeastOneRun(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage(cmd, fmt.Errorf("%s needs the id of a run", cmd.CommandPath()))
	}
	return nil
}

func (a *app) cancelRuns(cmd *cobra.Command, inst *instance.Instance, args []string, wait bool, out *changedRuns) error {
	ctx := cmd.Context()
	var failed []error
	for _, arg := range args {
		run, err := a.findRun(cmd, inst, arg)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		status, err := inst.CancelRun(ctx, run.ID, "asked to stop by `runs cancel`")
		if errors.Is(err, storage.ErrFinished) {
			err = usage(cmd, fmt.Errorf("run %s has ended already: %s", run.ID, status))
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		out.Runs = append(out.Runs, changedRun{run.ID, string(status)})
	}
	if !wait {
		return errors.Join(failed...)
	}
	for i := range out.Runs {
		run, err := ended(ctx, inst, out.Runs[i].RunID)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		out.Runs[i].Status = string(run.Status)
	}
	return errors.Join(failed...)
}

// followEvery is how often a command that waits for a run looks at it.
const followEvery = 100 * time.Millisecond

// ended waits until a run has ended.
func ended(ctx context.Context, inst *instance.Instance, id string) (*storage.Run, error) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		run, err := inst.Run(ctx, id)
		if err != nil || run.Status.Finished() {
			return run, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (a *app) runsDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete RUN...",
		Short: "Delete runs with their events; what they computed stays",
		Args:  atLeastOneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			inst, err := a.openToChange(cmd)
			if err != nil {
				return err
			}
			out, err := a.deleteRuns(cmd, inst, args)
			if err = closed(err, inst); err != nil {
				return err
			}
			return a.result(out, out.view)
		},
	}
}

// deleteRuns deletes all of the runs or none.
func (a *app) deleteRuns(cmd *cobra.Command, inst *instance.Instance, args []string) (*changedRuns, error) {
	out := &changedRuns{}
	var ids []string
	var wrong []error
	seen := map[string]bool{}
	for _, arg := range args {
		run, err := a.findRun(cmd, inst, arg)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case !run.Status.Finished():
			wrong = append(wrong, usage(cmd, fmt.Errorf("run %s is %s; `%s runs cancel --wait %s` ends it", run.ID, run.Status, a.env.Name, run.ID)))
		case !seen[run.ID]:
			seen[run.ID] = true
			ids = append(ids, run.ID)
			out.Runs = append(out.Runs, changedRun{run.ID, "deleted"})
		}
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	return out, inst.DeleteRuns(cmd.Context(), ids...)
}

func (a *app) runsExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export RUN FILE",
		Short: "Write a run with its events to one file, to be looked at elsewhere with --file",
		Args:  arguments("", "the id of a run", "the name of a file; - is stdout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			inst, err := a.openReadOnly(cmd.Context())
			if err != nil {
				return err
			}
			return closed(a.exportRun(cmd, inst, args[0], args[1]), inst)
		},
	}
}

func (a *app) exportRun(cmd *cobra.Command, inst *instance.Instance, id, file string) (err error) {
	run, err := a.findRun(cmd, inst, id)
	if err != nil {
		return err
	}
	if file == "-" {
		return inst.ExportRun(cmd.Context(), run.ID, a.out)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // it may hold what others should not read
	if err != nil {
		return usage(cmd, err)
	}
	err = inst.ExportRun(cmd.Context(), run.ID, f)
	if err == nil {
		err = storage.FileError("write", file, f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	out := &exportedRun{RunID: run.ID, File: file}
	return a.result(out, func(look) []string { return []string{escape(run.ID) + " → " + escape(a.relative(file))} })
}

type exportedRun struct {
	RunID string `json:"run_id"`
	File  string `json:"file"`
}
