package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// mostReused is how many steps a table may have before reused ones are only counted in it.
const mostReused = 40

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run JOB",
		Short: "Run a job: compute what changed, reuse the rest",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(cmd, fmt.Errorf("%s needs the name of a job%s", cmd.CommandPath(), a.jobNames()))
			}
			return arguments("", "a job")(cmd, args)
		},
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.run(cmd, args[0], &f) },
	}
	f.addRun(a, cmd)
	return cmd
}

func (a *app) materializeCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "materialize",
		Short: "Bring the assets up to date: compute what changed, reuse the rest",
		Args:  arguments(""),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.run(cmd, "", &f) },
	}
	cmd.Flags().BoolVar(&f.stale, "stale", false, "only what is stale or missing of the selection, and what that needs")
	f.addRun(a, cmd)
	return cmd
}

// jobNames is the end of a message that misses a job.
func (a *app) jobNames() string {
	cat, err := a.catalog()
	if err != nil {
		return ""
	}
	var keys []string
	for _, j := range cat.Jobs() {
		keys = append(keys, j.Key)
	}
	switch {
	case len(keys) == 0:
		return "; no package of this binary defines one"
	case len(keys) > 10:
		return ""
	}
	return "; there is " + strings.Join(keys, ", ")
}

func (a *app) run(cmd *cobra.Command, job string, f *runFlags) error {
	ctx := cmd.Context()
	cat, o, err := a.options(cmd, f)
	if err != nil {
		return err
	}
	if f.stale {
		if nothing, err := a.outdated(ctx, cat, &o); err != nil {
			return err
		} else if nothing {
			return a.nothingStale()
		}
	}
	inst, err := a.open(ctx, func() error { return a.check(cat, job, &o) })
	if err != nil {
		return err
	}
	a.noteLeftOut(cat, job, &o)
	return a.execute(ctx, inst, cat, job, o, f.detach)
}

// launchedRun is a run that another process executes.
type launchedRun struct {
	RunID  string `json:"run_id"`
	Output string `json:"output"` // file with what its process prints
}

// detach lets another process run.
func (a *app) detach(ctx context.Context, inst *instance.Instance, cat *plan.Catalog, job string, o execute.Options) error {
	o.Instance = inst
	id, err := execute.Submit(ctx, cat, job, o, nil)
	v := &launchedRun{RunID: id, Output: inst.LaunchOutput(id)}
	if err = closed(err, inst); err != nil {
		return err
	}
	return a.result(v, func(l look) []string {
		return []string{v.RunID, l.paint(fmt.Sprintf("%s runs logs -f %s follows it, %s runs cancel %s stops it", a.env.Name, shortRun(v.RunID, l), a.env.Name, shortRun(v.RunID, l)), dim)}
	})
}

// execute runs with the instance, shows what goes on and what came out, and closes the instance.
func (a *app) execute(ctx context.Context, inst *instance.Instance, cat *plan.Catalog, job string, o execute.Options, detach bool) error {
	if detach {
		return a.detach(ctx, inst, cat, job, o)
	}
	s := a.screen(running)
	o.Instance, o.Observe, o.Console, o.LogOutput = inst, s.observe, newConsole(s), (*logLines)(s)
	began := a.now()
	a.env.prints.attach(s)
	if a.env.prints != nil {
		o.Prints = a.env.prints.keep
	}
	s.start()
	unwatch := context.AfterFunc(ctx, func() { s.stopping(context.Cause(ctx)) })
	res, err := execute.Run(ctx, cat, job, o)
	unwatch()
	s.close()
	v := &runResult{Result: res, elapsed: a.now().Sub(began), all: a.verbose, show: a.relative}
	if err == nil {
		v.returned, err = res.Returned(context.WithoutCancel(ctx))
	}
	if e := inst.Close(); err == nil && e != nil && res != nil {
		// The run has ended, and that is on disk: what could not be put away does not make it another one. The next command tries again.
		a.report(fmt.Errorf("the run has ended; what it leaves behind could not be put away: %w", e))
	} else if err == nil {
		err = e
	}
	if err != nil && res == nil {
		return err
	}
	if e := a.result(v, v.view); err == nil {
		err = e
	}
	if err == nil {
		err = res.Err()
	}
	return err
}

// screen is stderr for what goes on.
func (a *app) screen(words wording) *screen {
	s := &screen{w: a.env.Stderr, look: a.errLook, live: a.live && !a.quiet, level: a.verbosity(), now: a.now}
	s.progress.words = words
	if s.live {
		s.size = func() int {
			l, _ := a.lookOf(a.env.Stderr)
			return l.width
		}
	}
	return s
}

// check finds what is wrong with a request before anything is made for it; the run itself checks again.
func (a *app) check(cat *plan.Catalog, job string, o *execute.Options) error {
	if err := execute.CheckProof(cat); err != nil {
		return err
	}
	t, err := cat.Target(job, o.Select)
	if err != nil {
		return err
	}
	if _, err := t.In(o.Tags[plan.TagPartition], execute.PartitionsAt(context.Background(), nil, a.now())); err != nil {
		return err
	}
	if _, _, err := plan.Memoized(t.Job, o.Tags, o.NoMemo); err != nil {
		return err
	}
	if j := t.Def(); j != nil && j.ConfigFor != nil { // the run knows of which partition
		return nil
	}
	_, err = execute.ResolveConfig(cat, job, o.Select, o.Config, a.env.Getenv)
	return err
}

// runResult is a run with what its view needs beside it.
type runResult struct {
	*execute.Result
	elapsed  time.Duration
	returned []execute.Returned  // what a job gave
	all      bool                // reused steps of a long run too
	show     func(string) string // paths, as a person writes them
}

// view shows what a run did: a line for each step, where its files are, and what it comes to.
func (r *runResult) view(l look) []string {
	t := &table{columns: []column{{title: "ACTION"}, {title: stepTitle(r.Job)}, {title: "VERSION"}, {title: "TIME", right: true}, {title: "OUTPUT", wrap: true}}}
	var ran, reused, failed, skipped, left int
	var files [][2]string
	for i := range r.Steps {
		s := &r.Steps[i]
		what, st := s.Action, actionStyle(s.Action)
		switch {
		case s.Status == execute.StatusFailure:
			what, st = "failed", red
			failed++
		case s.Action == execute.ActionReuse:
			reused++
		case s.Action == execute.ActionSkip:
			skipped++
		default:
			ran++
		}
		for _, o := range s.Outputs {
			if o.File != "" && (s.Op == nil || s.Op.Kind != dag.KindSource) { // where a source is, its reader knows
				files = append(files, [2]string{outputName(s, o), r.show(o.File)})
			}
		}
		if s.Action == execute.ActionReuse && len(r.Steps) > mostReused && !r.all {
			left++
			continue
		}
		version, elapsed := "-", ""
		if !s.Version.IsZero() {
			version = s.Version.Short()
		}
		if s.Elapsed > 0 {
			elapsed = seconds(s.Elapsed)
		}
		t.add(styled(what, st), text(s.Key), styled(version, dim), text(elapsed), texts(outputLines(s)))
	}
	out := t.render(l)
	if left > 0 {
		out = append(out, l.paint(leftOut(left), dim))
	}
	if len(files) > 0 {
		out = append(out, "")
		for _, f := range files {
			out = append(out, l.paint(escape(f[0]), bold)+" → "+escape(f[1]))
		}
	}
	if lines := r.returnedLines(l); len(lines) > 0 {
		out = append(append(out, ""), lines...)
	}
	summary := runSummary(ran, reused, failed, skipped, r.elapsed)
	if bad := notPassed(r.Steps); bad != "" {
		summary += ", " + bad
	}
	return append(out, "", l.paint(summary, bold))
}

// outputName is what an output is called where it stands alone: its asset, or its step.
func outputName(s *execute.StepResult, o execute.OutputResult) string {
	if o.Asset != "" {
		return o.Asset
	}
	if len(s.Outputs) > 1 {
		return s.Key + "." + o.Name
	}
	return s.Key
}

// outputLines shows the facts that were recorded about the outputs of a step, a line for each output; or why there is none.
func outputLines(s *execute.StepResult) []string {
	var lines []string
	if s.Err != nil {
		lines = append(lines, firstLine(s.Err.Err.Error()))
	}
	if s.Because != "" {
		lines = append(lines, s.Because+" failed")
	}
	if s.Check != nil {
		if s.Err != nil { // that says it
			return append(lines, verdictLines(s.Check)[1:]...)
		}
		lines = append(lines, verdictLines(s.Check)...)
	}
	for _, o := range s.Outputs {
		facts := shortMetadata(o.Metadata)
		if facts == "" {
			continue
		}
		if len(s.Outputs) > 1 {
			facts = outputName(s, o) + ": " + facts
		}
		lines = append(lines, facts)
	}
	return lines
}

// shortMetadata writes what fits a line: "rows 1,461 · years 4". Markdown, JSON and longer texts are for `assets show`.
func shortMetadata(entries []dag.MetadataEntry) string {
	var facts []string
	for _, e := range entries {
		if s := metadataText(e); e.Kind != dag.MetadataMarkdown && e.Kind != dag.MetadataJSON && !strings.Contains(s, "\n") {
			facts = append(facts, e.Label+" "+s)
		}
	}
	return strings.Join(facts, " · ")
}

func runSummary(ran, reused, failed, skipped int, elapsed time.Duration) string {
	parts := []string{group(int64(ran)) + " run", group(int64(reused)) + " reused"}
	if failed > 0 {
		parts = append(parts, group(int64(failed))+" failed")
	}
	if skipped > 0 {
		parts = append(parts, group(int64(skipped))+" skipped")
	}
	return strings.Join(parts, ", ") + " in " + seconds(elapsed)
}
