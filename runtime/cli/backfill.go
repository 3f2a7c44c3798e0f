package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/backfill"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func (a *app) backfillCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Compute many partitions, and remember how far that is",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.group,
	}
	cmd.AddCommand(a.backfillLaunchCommand(), a.backfillListCommand(), a.backfillShowCommand(), a.backfillResumeCommand(), a.backfillCancelCommand())
	return cmd
}

// The values of --order.
const (
	oldestFirst = "oldest"
	newestFirst = "newest"
)

// backfillFlags are the flags of launch and resume.
type backfillFlags struct {
	run        runFlags
	job        string
	partitions string
	order      string
	perRun     string
	concurrent int
	title      string
	failed     bool
	missing    bool
	stale      bool
}

func (a *app) backfillLaunchCommand() *cobra.Command {
	f := backfillFlags{order: oldestFirst, perRun: "1"}
	cmd := &cobra.Command{
		Use:   "launch",
		Short: "Compute partitions of assets or of a job, a run for each or for several: what is stored and up to date is left as it is",
		Long: "Compute partitions of assets or of a job, a run for each or for several: what is stored and up to date is left as it is. Without --select and --job that is all assets with partitions, with what they are made from.\n\n" +
			"A partition that fails stops no other one. What is killed or stopped goes on with `backfill resume`.",
		Args: arguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.launchBackfill(cmd, &f) },
	}
	flags := cmd.Flags()
	severalFlag(cmd, &f.partitions, "partition", "p", "the partitions of this `SELECTION`: keys, ranges FROM...TO, FROM... or ...TO, with commas between; * is all")
	flags.StringVar(&f.job, "job", "", "run the `JOB`, which has partitions")
	a.selectFlag(cmd, &f.run.selection)
	flags.Var(&choice{&f.order, []string{oldestFirst, newestFirst}}, "order", "which partitions come first")
	flags.StringVar(&f.perRun, "per-run", "1", "`N` partitions in each run, or all in one")
	flags.IntVar(&f.concurrent, "max-runs", 0, "at most `N` runs at once; 0 for as many as there are processors")
	flags.BoolVar(&f.missing, "missing", false, "of these partitions only those that an asset has nothing stored of")
	flags.BoolVar(&f.stale, "stale", false, "of these partitions only those that are stale or missing")
	flags.StringVar(&f.title, "title", "", "a `TITLE` for people")
	flags.StringArrayVar(&f.run.tags, "tag", nil, "put a tag `KEY=VALUE` on the backfill and its runs")
	flags.BoolVar(&f.run.noMemo, "no-memo", false, "run everything, whatever is stored")
	f.add(a, cmd)
	complete(cmd, "order", oldestFirst, newestFirst)
	_ = cmd.RegisterFlagCompletionFunc("job", a.completeJobs) // it was defined above
	return cmd
}

// add adds what launch and resume have in common.
func (f *backfillFlags) add(a *app, cmd *cobra.Command) {
	f.run.config.add(a, cmd)
	flags := cmd.Flags()
	flags.Var(&choice{&f.run.executor, execute.Executors()}, "executor", "how the steps of a run are executed: one at a time, side by side, or each in a process of its own")
	flags.DurationVar(&f.run.grace, "grace", execute.DefaultGrace, "how long a step may go on after its timeout, or after Ctrl-C")
	complete(cmd, "executor", execute.Executors()...)
}

func (a *app) backfillResumeCommand() *cobra.Command {
	var f backfillFlags
	cmd := &cobra.Command{
		Use:   "resume [BACKFILL]",
		Short: "Go on with a backfill that was stopped, killed or canceled; with --failed try failed partitions again",
		Long: "Go on with a backfill that was stopped, killed or canceled; what is finished is not done again. BACKFILL is the id of a backfill or the start or end of one; " +
			"without it the newest one is taken that was interrupted, or with --failed the newest one that has failures.",
		Args:              arguments("a backfill"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.resumeBackfill(cmd, first(args), &f) },
	}
	cmd.Flags().BoolVar(&f.failed, "failed", false, "try partitions that failed again, too")
	f.add(a, cmd)
	return cmd
}

func (a *app) launchBackfill(cmd *cobra.Command, f *backfillFlags) error {
	if f.partitions == "" {
		return usage(cmd, errors.New("say which partitions are meant with --partition SELECTION, such as 2024-01-01...2024-01-31; '*' is all"))
	}
	cat, o, err := a.options(cmd, &f.run)
	if err != nil {
		return err
	}
	r := backfill.Request{Job: f.job, Select: o.Select, Partitions: f.partitions, Newest: f.order == newestFirst, Concurrent: f.concurrent, Title: f.title, PerRun: backfill.AllInOne, Missing: f.missing, Stale: f.stale}
	if f.perRun != "all" {
		if r.PerRun, err = strconv.Atoi(f.perRun); err != nil || r.PerRun < 1 {
			return usage(cmd, fmt.Errorf("--per-run %q: want a number of partitions, 1 or more, or all", f.perRun))
		}
	}
	inst, err := a.open(cmd.Context(), func() error { return backfill.Check(cat, r, o) })
	if err != nil {
		return err
	}
	if err := a.noteInterrupted(cmd.Context(), inst); err != nil {
		return closed(err, inst)
	}
	return a.backfill(cmd.Context(), inst, o, func(ctx context.Context, o execute.Options) (*backfill.State, error) {
		return backfill.Launch(ctx, cat, r, o)
	})
}

func (a *app) resumeBackfill(cmd *cobra.Command, id string, f *backfillFlags) error {
	ctx := cmd.Context()
	cat, o, err := a.options(cmd, &f.run)
	if err != nil {
		return err
	}
	inst, err := a.open(ctx, func() error { return usage(cmd, errNoBackfills) })
	if err != nil {
		return err
	}
	if id, err = a.toResume(cmd, inst, id, f.failed); err != nil {
		return closed(err, inst)
	}
	return a.backfill(ctx, inst, o, func(ctx context.Context, o execute.Options) (*backfill.State, error) {
		return backfill.Resume{Failed: f.failed}.Run(ctx, cat, id, o)
	})
}

// noteInterrupted says which backfills wait for somebody.
func (a *app) noteInterrupted(ctx context.Context, inst *instance.Instance) error {
	const most = 3
	if a.verbosity() < normal {
		return nil
	}
	list, err := inst.Backfills(ctx, storage.BackfillFilter{Statuses: []storage.BackfillStatus{storage.BackfillRequested}, Limit: most})
	for i := range list {
		lives, err := inst.BackfillLives(list[i].ID)
		if err != nil {
			return err
		}
		if lives {
			continue
		}
		text := fmt.Sprintf("backfill %s was interrupted; `%s backfill resume %s` goes on with it", list[i].ID, a.env.Name, list[i].ID)
		_, _ = io.WriteString(a.env.Stderr, a.errLook.paint(escape(text), dim)+"\n") // if stderr is gone there is nobody to tell
	}
	return err
}

var errNoBackfills = errors.New("there are no backfills yet")

// toResume finds the backfill that is meant: without an id the newest that waits for somebody.
func (a *app) toResume(cmd *cobra.Command, inst *instance.Instance, id string, failed bool) (string, error) {
	if id != "" {
		b, err := a.findBackfill(cmd, inst, id)
		if err != nil {
			return "", err
		}
		return b.ID, nil
	}
	want := []storage.BackfillStatus{storage.BackfillRequested}
	if failed {
		want = append(want, storage.BackfillCompletedFailed)
	}
	list, err := inst.Backfills(cmd.Context(), storage.BackfillFilter{Statuses: want})
	if err != nil {
		return "", err
	}
	for i := range list {
		lives, err := inst.BackfillLives(list[i].ID)
		if err != nil {
			return "", err
		}
		if !lives {
			return list[i].ID, nil
		}
	}
	return "", usage(cmd, errors.New("no backfill waits to be gone on with; "+a.env.Name+" backfill list shows what there is"))
}

// backfill does the work, shows what goes on and what came out, and closes the instance.
func (a *app) backfill(ctx context.Context, inst *instance.Instance, o execute.Options, work func(context.Context, execute.Options) (*backfill.State, error)) error {
	s := a.screen(running)
	o.Instance, o.Observe, o.Console, o.LogOutput = inst, s.observe, newConsole(s), (*logLines)(s)
	a.env.prints.attach(s)
	s.start()
	unwatch := context.AfterFunc(ctx, func() { s.stopping(context.Cause(ctx)) })
	state, err := work(ctx, o)
	unwatch()
	s.close()
	if e := inst.Close(); err == nil {
		err = e
	}
	if errors.Is(err, execute.ErrNothingToRun) {
		return a.nothingStale()
	}
	if state == nil {
		return err
	}
	v := showBackfill(state)
	if e := a.result(v, v.view); err == nil {
		err = e
	}
	return err
}

// findBackfill finds a backfill by its id, or by the start or the end of it; without one the newest.
func (a *app) findBackfill(cmd *cobra.Command, inst *instance.Instance, id string) (*storage.Backfill, error) {
	const recent = 10_000 // how far back a part of an id is looked for
	f := storage.BackfillFilter{Limit: recent}
	switch len(id) {
	case 0:
		f.Limit = 1
	case 36:
		f.IDs = []string{id}
	}
	list, err := inst.Backfills(cmd.Context(), f)
	if err != nil {
		return nil, err
	}
	var found []*storage.Backfill
	for i := range list {
		if matchesRun(list[i].ID, id) {
			found = append(found, &list[i])
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, usage(cmd, fmt.Errorf("%d backfills have an id that starts or ends with %q; give more of it", len(found), id))
	case id == "":
		return nil, usage(cmd, errNoBackfills)
	}
	return nil, usage(cmd, fmt.Errorf("no backfill %q; %s backfill list shows what there is", id, a.env.Name))
}

// perRun says how many partitions a run of a backfill has.
func perRun(n int) string {
	if n == 0 {
		return "all in one run"
	}
	return strconv.Itoa(n) + " in each run"
}

// lookAtBackfill reads how a backfill stands.
func (a *app) lookAtBackfill(ctx context.Context, cat *plan.Catalog, inst *instance.Instance, id string) (*shownBackfill, error) {
	state, err := backfill.Look(ctx, cat, inst, id)
	if err != nil {
		return nil, err
	}
	return showBackfill(state), nil
}
