package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// timeLayout is how times are shown to people: local, to the second.
const timeLayout = "2006-01-02 15:04:05"

func (a *app) runsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "Look at runs, and do something about them",
		Args:  cobra.ArbitraryArgs,
		RunE:  a.group,
	}
	cmd.AddCommand(a.runsListCommand(), a.runsShowCommand(), a.runsGetCommand(), a.runsRerunCommand(), a.runsLogsCommand(), a.runsCancelCommand(), a.runsDeleteCommand(), a.runsExportCommand())
	return cmd
}

// A shownRun is a run as JSON has it. Times are RFC 3339 in UTC.
type shownRun struct {
	RunID     string            `json:"run_id"`
	Job       *string           `json:"job"` // null for assets
	Selection string            `json:"selection,omitempty"`
	Status    string            `json:"status"`
	Cause     string            `json:"cause,omitempty"`
	Parent    string            `json:"parent,omitempty"` // the run that it does again
	Root      string            `json:"root,omitempty"`   // the first of such a row
	Created   time.Time         `json:"created"`
	Started   *time.Time        `json:"started"` // null before it began
	Ended     *time.Time        `json:"ended"`   // null while it runs
	Updated   time.Time         `json:"updated"`
	Counts    runCounts         `json:"counts"`
	Tags      map[string]string `json:"tags,omitempty"`
}

// runCounts says how many steps were planned, and what became of them.
type runCounts struct {
	Steps   int `json:"steps"`
	Ran     int `json:"ran"`
	Reused  int `json:"reused"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

func showRun(r *storage.Run) shownRun {
	s := shownRun{RunID: r.ID, Selection: r.Selection, Status: string(r.Status), Cause: r.Cause, Parent: r.Parent, Root: r.Root,
		Created: r.Created.UTC(), Updated: r.Updated.UTC(), Counts: runCounts{r.Steps, r.Ran, r.Reused, r.Failed, r.Skipped}, Tags: r.Tags}
	if r.Job != "" {
		s.Job = &r.Job
	}
	if !r.Started.IsZero() {
		started := r.Started.UTC()
		s.Started = &started
	}
	if !r.Ended.IsZero() {
		ended := r.Ended.UTC()
		s.Ended = &ended
	}
	return s
}

// began is when the run began, or was stored where it has not.
func (r *shownRun) began() time.Time {
	if r.Started == nil {
		return r.Created
	}
	return *r.Started
}

// what names what was run: a job, or assets.
func (r *shownRun) what() string {
	s := "assets"
	if r.Job != nil {
		s = *r.Job
	}
	if r.Selection != "" {
		s += " (" + r.Selection + ")"
	}
	return s
}

// took is how long the run took, or takes.
func (r *shownRun) took(now time.Time) string {
	switch {
	case r.Started == nil:
	case r.Ended != nil:
		return seconds(r.Ended.Sub(*r.Started))
	case storage.RunStatus(r.Status).InProgress():
		return seconds(now.Sub(*r.Started))
	}
	return "-" // it crashed, and nobody saw when
}

func (r *shownRun) counts() string {
	var parts []string
	for _, c := range []struct {
		n    int
		what string
	}{{r.Counts.Ran, "run"}, {r.Counts.Reused, "reused"}, {r.Counts.Failed, "failed"}, {r.Counts.Skipped, "skipped"}} {
		if c.n > 0 || c.what == "run" {
			parts = append(parts, group(int64(c.n))+" "+c.what)
		}
	}
	return strings.Join(parts, ", ")
}

// shortTime is local time to the second, without the year where a terminal has little room.
func shortTime(t time.Time, l look) string {
	layout := timeLayout
	if l.width > 0 && l.width < 120 {
		layout = timeLayout[len("2006-"):]
	}
	return t.Local().Format(layout)
}

type runList struct {
	Runs []shownRun `json:"runs"`
	full bool
	now  time.Time
}

func (r *runList) view(l look) []string {
	if len(r.Runs) == 0 {
		return []string{"no runs"}
	}
	t := &table{columns: []column{{title: "RUN"}, {title: "WHAT"}, {title: "STATUS"}, {title: "STARTED"}, {title: "TOOK", right: true}, {title: "STEPS", wrap: true}}}
	for _, run := range r.Runs {
		steps := run.counts()
		if run.Cause != "" {
			steps += "; " + run.Cause
		}
		t.add(text(shortRun(run.RunID, l)), text(run.what()), styled(run.Status, statusStyle(run.Status)),
			styled(shortTime(run.began(), l), dim), text(run.took(r.now)), text(steps))
	}
	out := t.render(l)
	if r.full {
		out = append(out, l.paint("there may be more; see --limit", dim))
	}
	return out
}

// shortRun leaves out the start of a run id where a terminal has no room for it: the end tells runs apart, and `runs show` takes it.
func shortRun(id string, l look) string {
	if l.width > 0 && l.width < 120 && len(id) == 36 {
		return id[24:]
	}
	return id
}

func (a *app) runsShowCommand() *cobra.Command {
	var file string
	var job bool
	cmd := &cobra.Command{
		Use:   "show [RUN]",
		Short: "Show a run: its steps, config and log; without a name the newest one",
		Long:  "Show a run: its steps, config and log. RUN is the id of a run or the start or end of one that says which; without it the newest run is shown.",
		Args:  arguments("a run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			inst, err := a.openHistory(cmd, file)
			if err != nil {
				return err
			}
			if job {
				d, err := a.runJob(cmd, inst, first(args))
				if err = closed(err, inst); err != nil {
					return err
				}
				return a.result(d, d.view)
			}
			d, err := a.runDetail(cmd, inst, first(args))
			if err = closed(err, inst); err != nil {
				return err
			}
			return a.result(d, d.view)
		},
	}
	cmd.Flags().BoolVar(&job, "job", false, "show the job as it was when it ran: its steps, where each takes its inputs from, the versions of their code")
	fileFlag(cmd, &file)
	return cmd
}

// runDetail reads a run with its events.
func (a *app) runDetail(cmd *cobra.Command, inst *instance.Instance, id string) (*runDetail, error) {
	ctx := cmd.Context()
	run, err := a.findRun(cmd, inst, id)
	if err != nil {
		return nil, err
	}
	d, err := readRunDetail(ctx, inst, run, a.now(), a.verbose, !a.verbose && a.format != formatJSON)
	if err != nil {
		return nil, err
	}
	d.Output = inst.LaunchOutput(run.ID)
	return d, nil
}

// findRun finds a run by its id, by the start or the end of it, or, without one, the newest.
func (a *app) findRun(cmd *cobra.Command, inst *instance.Instance, id string) (*storage.Run, error) {
	const recent = 10_000 // how far back a part of an id is looked for
	if len(id) == 36 {
		if run, err := inst.Run(cmd.Context(), id); err == nil {
			return run, nil
		} else if !isNotFound(err) {
			return nil, err
		}
	}
	limit := recent
	if id == "" {
		limit = 1
	}
	runs, err := inst.Runs(cmd.Context(), storage.RunFilter{Limit: limit})
	if err != nil {
		return nil, err
	}
	var found []*storage.Run
	for i := range runs {
		if strings.HasPrefix(runs[i].ID, id) || id != "" && strings.HasSuffix(runs[i].ID, id) {
			found = append(found, &runs[i])
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, usage(cmd, fmt.Errorf("%d runs have an id that starts or ends with %q; give more of it", len(found), id))
	case id == "":
		return nil, usage(cmd, fmt.Errorf("there are no runs yet"))
	}
	return nil, usage(cmd, fmt.Errorf("no run %q; %s runs list shows what there is", id, a.env.Name))
}

// sortedTags writes tags as "k=v", sorted.
func sortedTags(tags map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, k+"="+tags[k])
	}
	return out
}
