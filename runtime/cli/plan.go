package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

func (a *app) planCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "plan [JOB]",
		Short: "Show what would run, and why; without a job: of the assets",
		Long: "Show for each step of a job, or for each asset, what a run would do and why. Sources are observed, and nothing is written.\n\n" +
			"run    it will run\nreuse  its output is there\nmaybe  something above it runs; it is reused if that gives the same data as before",
		Args:              arguments("a job"),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.plan(cmd, first(args), &f)
		},
	}
	f.addPlan(a, cmd)
	a.addInputs(cmd, &f.config)
	return cmd
}

func (a *app) plan(cmd *cobra.Command, job string, f *runFlags) error {
	ctx := cmd.Context()
	cat, o, err := a.options(cmd, f)
	if err != nil {
		return err
	}
	inst, err := a.openReadOnly(ctx)
	if err != nil {
		return err
	}
	o.Instance = inst
	p, err := execute.Plan(ctx, cat, job, o)
	if err = closed(err, inst); err != nil {
		return err
	}
	a.noteLeftOut(cat, job, &o)
	return a.result(p, func(l look) []string { return planView(p, l, a.verbose) })
}

// noteLeftOut says which assets everything leaves out because no partition was given.
func (a *app) noteLeftOut(cat *plan.Catalog, job string, o *execute.Options) {
	const most = 5
	t, err := cat.Target(job, o.Select)
	if err != nil || a.verbosity() < normal {
		return
	}
	if t, err = t.In(o.Tags[plan.TagPartition], partition.At{Now: a.now()}); err != nil || len(t.LeftOut) == 0 {
		return
	}
	names := t.LeftOut
	if len(names) > most {
		names = append(names[:most:most], fmt.Sprintf("and %d more", len(t.LeftOut)-most))
	}
	text := fmt.Sprintf("left out, as no partition is given: %s; --partition KEY computes one of these, `%s backfill launch` many", strings.Join(names, ", "), a.env.Name)
	_, _ = io.WriteString(a.env.Stderr, a.errLook.paint(escape(text), dim)+"\n") // if stderr is gone there is nobody to tell
}

// planView shows a plan: a line for each step, more where there are several reasons, and what it comes to. Reused steps of a long plan are only
// counted, unless all are asked for.
func planView(p *plan.Plan, l look, all bool) []string {
	t := &table{columns: []column{{title: "ACTION"}, {title: stepTitle(p.Job)}, {title: "VERSION"}, {title: "WHY", wrap: true}}}
	left := 0
	for _, s := range p.Steps {
		if s.Action == plan.Reuse && len(p.Steps) > mostReused && !all {
			left++
			continue
		}
		version := "-"
		if !s.Version.IsZero() {
			version = s.Version.Short()
		}
		why := make([]string, len(s.Reasons))
		for i, r := range s.Reasons {
			why[i] = r.Text
		}
		if s.Verdict != nil && !s.Verdict.Passed {
			why = append(why, s.Verdict.Verdict())
		}
		t.add(styled(string(s.Action), actionStyle(string(s.Action))), text(s.Key), styled(version, dim), texts(why))
	}
	lines := t.render(l)
	if left > 0 {
		lines = append(lines, l.paint(leftOut(left), dim))
	}
	run, reuse, maybe := p.Counts()
	return append(lines, "", l.paint(planSummary(run, reuse, maybe), bold))
}

// leftOut says how many reused steps a table leaves out.
func leftOut(n int) string { return "and " + plural(n, "step") + " reused" }

func stepTitle(job string) string {
	if job == "" {
		return "ASSET"
	}
	return "STEP"
}

func planSummary(run, reuse, maybe int) string {
	if run == 0 && maybe == 0 {
		return fmt.Sprintf("nothing to run, %s reused", group(int64(reuse)))
	}
	parts := []string{group(int64(run)) + " to run"}
	if maybe > 0 {
		parts = append(parts, group(int64(maybe))+" maybe")
	}
	parts = append(parts, group(int64(reuse))+" reused")
	return strings.Join(parts, ", ")
}

// runFlags are the flags of plan, run and materialize.
type runFlags struct {
	config    configFlags
	selection string
	partition string
	tags      []string
	executor  string
	noMemo    bool
	stale     bool
	noWait    bool
	detach    bool
	grace     time.Duration
}

func (f *runFlags) addPlan(a *app, cmd *cobra.Command) {
	f.config.add(a, cmd)
	a.selectFlag(cmd, &f.selection)
	f.addPartition(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&f.tags, "tag", nil, "put a tag `KEY=VALUE` on the run")
	flags.BoolVar(&f.noMemo, "no-memo", false, "run everything, whatever is stored")
}

// addPartition adds the flag for the partition to compute.
func (f *runFlags) addPartition(cmd *cobra.Command) {
	severalFlag(cmd, &f.partition, "partition", "p", "the partitions of partitioned assets, or of a job: a `KEY`, a range FROM...TO, a list of these with commas, or * for all")
}

func (f *runFlags) addRun(a *app, cmd *cobra.Command) {
	f.addPlan(a, cmd)
	defer a.addInputs(cmd, &f.config) // the other flags come first
	flags := cmd.Flags()
	flags.Var(&choice{&f.executor, execute.Executors()}, "executor", "how steps run: one at a time, side by side, or each in a process of its own")
	flags.BoolVar(&f.detach, "detach", false, "let a process of its own run it, write the id of the run and return")
	flags.BoolVar(&f.noWait, "no-wait", false, "exit with code 3 instead of waiting for another process that computes the same step")
	flags.DurationVar(&f.grace, "grace", execute.DefaultGrace, "how long a step may go on after its timeout, or after Ctrl-C")
	complete(cmd, "executor", execute.Executors()...)
}

// options turns flags into what execute takes; all that is wrong with them is one error.
func (a *app) options(cmd *cobra.Command, f *runFlags) (*plan.Catalog, execute.Options, error) {
	o := execute.Options{Select: f.selection, Executor: f.executor, NoMemo: f.noMemo, NoWait: f.noWait, Getenv: a.env.Getenv}
	cat, err := a.catalog()
	if err != nil {
		return nil, o, err
	}
	if o.Tags, err = parseTags(f.tags); err != nil {
		return nil, o, usage(cmd, err)
	}
	if f.partition != "" {
		if tag, given := o.Tags[plan.TagPartition]; given && tag != f.partition {
			return nil, o, usage(cmd, fmt.Errorf("--partition %s and --tag %s=%s say different things; leave one out", f.partition, plan.TagPartition, tag))
		}
		o.Tags[plan.TagPartition] = f.partition
	} else if flag := cmd.Flags().Lookup("partition"); flag != nil && flag.Changed && flag.Value.String() == "" {
		return nil, o, usage(cmd, errors.New("--partition is empty"))
	}
	if o.Grace = f.grace; f.grace < 0 || f.grace == 0 && cmd.Flags().Changed("grace") {
		return nil, o, usage(cmd, fmt.Errorf("--grace %s: want more than 0, such as 500ms or 10s", f.grace))
	}
	o.Config, err = a.document(cmd, &f.config)
	for k, v := range f.config.tags {
		if _, given := o.Tags[k]; !given {
			o.Tags[k] = v
		}
	}
	return cat, o, err
}

// parseTags reads KEY=VALUE; the last value of a key counts.
func parseTags(list []string) (map[string]string, error) {
	tags := map[string]string{}
	for _, t := range list {
		key, value, ok := strings.Cut(t, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("--tag %q: want KEY=VALUE", t)
		}
		tags[key] = value
	}
	return tags, nil
}

// closed closes c after a command that ended with err; the first error is the one that counts.
func closed(err error, c interface{ Close() error }) error {
	if e := c.Close(); err == nil {
		return e
	}
	return err
}
