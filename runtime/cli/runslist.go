package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

// runStatuses are the values of --status.
var runStatuses = func() (all []string) {
	for _, s := range storage.RunStatuses() {
		all = append(all, string(s))
	}
	return all
}()

// The values of --order.
var runOrders = []string{string(storage.ByCreation), string(storage.ByStart), string(storage.ByEnd), string(storage.ByUpdate)}

// listFlags say which runs to list.
type listFlags struct {
	job, again, after    string
	statuses, tags       []string
	since, until, change moment
	noBackfills          bool
	order                string
	ascending            bool
	limit                int
	file                 string
}

func (a *app) runsListCommand() *cobra.Command {
	var l listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List runs, the newest first",
		Args:  arguments(""),
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.listRuns(cmd, &l) },
	}
	f := cmd.Flags()
	f.StringVar(&l.job, "job", "", "only runs of the job `JOB`")
	f.Var(&choices{&l.statuses, runStatuses}, "status", "only runs with the status `STATUS`; may be repeated")
	f.StringArrayVar(&l.tags, "tag", nil, "only runs with the tag `KEY[=VALUE]`; may be repeated: all keys must be there, each with one of its values")
	f.Var(&l.since, "since", "only runs that were created since `TIME`: a date, a time, or an age such as 90m or 7d")
	f.Var(&l.until, "until", "only runs that were created before `TIME`")
	f.Var(&l.change, "updated-since", "only runs that changed since `TIME`")
	f.StringVar(&l.again, "of", "", "only `RUN` and the runs that do it again")
	f.BoolVar(&l.noBackfills, "no-backfills", false, "no runs of backfills")
	f.Var(&choice{&l.order, runOrders}, "order", "what they are sorted by, the latest first")
	f.BoolVar(&l.ascending, "ascending", false, "the earliest first")
	f.StringVar(&l.after, "after", "", "only runs that come after `RUN` in the list: the next page")
	f.IntVarP(&l.limit, "limit", "n", 20, "at most `N` runs")
	fileFlag(cmd, &l.file)
	complete(cmd, "status", runStatuses...)
	complete(cmd, "order", runOrders...)
	_ = cmd.RegisterFlagCompletionFunc("job", a.completeJobs) // it was defined above
	return cmd
}

func (a *app) listRuns(cmd *cobra.Command, l *listFlags) error {
	if l.limit <= 0 {
		return usage(cmd, fmt.Errorf("--limit is %d; it must be at least 1", l.limit))
	}
	now := a.now()
	filter := storage.RunFilter{
		Job: l.job, Limit: l.limit, Order: storage.RunOrder(l.order), Ascending: l.ascending, ExcludeBackfills: l.noBackfills,
		CreatedAfter: l.since.before(now), CreatedBefore: l.until.at(now), UpdatedAfter: l.change.before(now),
	}
	for _, s := range l.statuses {
		filter.Statuses = append(filter.Statuses, storage.RunStatus(s))
	}
	var err error
	if filter.Tags, err = tagFilter(l.tags); err != nil {
		return usage(cmd, err)
	}
	inst, err := a.openHistory(cmd, l.file)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		given string
		into  *string
	}{{l.again, &filter.Root}, {l.after, &filter.Cursor}} {
		if part.given == "" {
			continue
		}
		run, err := a.findRun(cmd, inst, part.given)
		if err != nil {
			return closed(err, inst)
		}
		*part.into = run.ID
		if part.into == &filter.Root && run.Root != "" {
			filter.Root = run.Root
		}
	}
	runs, err := inst.Runs(cmd.Context(), filter)
	if err = closed(err, inst); err != nil {
		return err
	}
	out := &runList{Runs: make([]shownRun, len(runs)), full: len(runs) == l.limit, now: now}
	for i := range runs {
		out.Runs[i] = showRun(&runs[i])
	}
	return a.result(out, out.view)
}

// tagFilter reads KEY=VALUE, and KEY for any value.
func tagFilter(list []string) (map[string][]string, error) {
	tags := map[string][]string{}
	for _, t := range list {
		key, value, given := strings.Cut(t, "=")
		if key == "" {
			return nil, fmt.Errorf("--tag %q: want KEY or KEY=VALUE", t)
		}
		if given {
			tags[key] = append(tags[key], value)
		} else if tags[key] == nil {
			tags[key] = []string{}
		}
	}
	return tags, nil
}

// A moment is a flag that says when: a date, a time, or how long ago.
type moment struct {
	text string
	when time.Time
	ago  time.Duration
}

// String returns what was given.
func (m *moment) String() string { return m.text }

// Set reads a date (2026-11-20), a time (2026-11-20T08:00, with seconds and a zone if wanted) or an age (90m, 12h, 7d).
func (m *moment) Set(s string) error {
	*m = moment{text: s}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(days, "%d", &n); err == nil && fmt.Sprint(n) == days && n > 0 && n < 100_000 {
			m.ago = time.Duration(n) * 24 * time.Hour
			return nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		m.ago = d
		return nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateTime} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			m.when = t
			return nil
		}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("want a date, a time such as 2026-11-20T08:00, or an age such as 90m or 7d")
	}
	m.when = t
	return nil
}

// Type names the value in the help.
func (m *moment) Type() string { return "TIME" }

// at is the time that is meant; zero for none.
func (m *moment) at(now time.Time) time.Time {
	if m.ago > 0 {
		return now.Add(-m.ago)
	}
	return m.when
}

// before is the last time before that: a filter leaves out its own bound, and "since" means from then on.
func (m *moment) before(now time.Time) time.Time {
	if t := m.at(now); !t.IsZero() {
		return t.Add(-1)
	}
	return time.Time{}
}
