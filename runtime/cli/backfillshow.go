package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/backfill"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A shownBackfill is a backfill as JSON has it. Times are RFC 3339 in UTC; partitions are keys and ranges FROM...TO.
type shownBackfill struct {
	ID         string            `json:"backfill_id"`
	Status     string            `json:"status"`
	Live       bool              `json:"live"` // a living process works on it
	Title      string            `json:"title,omitempty"`
	Job        string            `json:"job,omitempty"`
	Selection  string            `json:"selection"`
	Definition string            `json:"definition"`
	Order      string            `json:"order"`
	PerRun     int               `json:"per_run"`  // 0 for all in one
	MaxRuns    int               `json:"max_runs"` // 0 for as many as there are processors
	Tags       map[string]string `json:"tags,omitempty"`
	Cause      string            `json:"cause,omitempty"`
	Changed    string            `json:"changed,omitempty"` // why its partitions are not known any more
	Created    time.Time         `json:"created"`
	Updated    time.Time         `json:"updated"`
	Ended      *time.Time        `json:"ended"` // null while it has not
	Counts     backfill.Counts   `json:"counts"`
	shownPart
	Parts    []shownPart       `json:"parts,omitempty"`    // of several partitions definitions; then the lists above are empty
	Failures []backfillFailure `json:"failures,omitempty"` // the last ones, in `backfill show`
}

// A shownPart is the partitions of a backfill, or of one of several definitions.
type shownPart struct {
	Assets     string   `json:"assets,omitempty"` // a selection, of several
	Of         string   `json:"of,omitempty"`     // the definition, of several
	Partitions []string `json:"partitions"`
	FailedAre  []string `json:"failed_are"`
	LeftAre    []string `json:"left_are"`
}

func showPart(p *backfill.Part) shownPart {
	terms := func(set partition.Set) []string { return append([]string{}, p.Space.Terms(set)...) }
	return shownPart{Partitions: terms(p.Chosen), FailedAre: terms(p.Failed), LeftAre: terms(p.Chosen.Minus(p.Done).Minus(p.Reused).Minus(p.Failed))}
}

// A backfillFailure is a run of a backfill that failed.
type backfillFailure struct {
	RunID      string `json:"run_id"`
	Partitions string `json:"partitions"`
	Cause      string `json:"cause"`
}

func showBackfill(s *backfill.State) *shownBackfill {
	v := &shownBackfill{
		ID: s.ID, Status: string(s.Status), Live: s.Live && !s.Status.Finished(), Title: s.Title, Job: s.Job, Selection: s.Selection, Definition: s.Definition, Order: oldestFirst, PerRun: s.PerRun, MaxRuns: s.Concurrent,
		Tags: s.Tags, Cause: s.Cause, Created: s.Created.UTC(), Updated: s.Updated.UTC(), Counts: s.Counts,
		shownPart: shownPart{Partitions: []string{}, FailedAre: []string{}, LeftAre: []string{}},
	}
	if s.Newest {
		v.Order = newestFirst
	}
	if !s.Ended.IsZero() {
		ended := s.Ended.UTC()
		v.Ended = &ended
	}
	if s.Changed != nil {
		v.Changed = s.Changed.Error()
		return v
	}
	if len(s.Parts) == 1 {
		v.shownPart = showPart(&s.Parts[0])
		return v
	}
	for i := range s.Parts {
		p := showPart(&s.Parts[i])
		p.Assets, p.Of = s.Parts[i].Selection, s.Parts[i].Definition
		v.Parts = append(v.Parts, p)
	}
	return v
}

// state is the status in one word for people: what Dagster has no name for, too.
func (b *shownBackfill) state() string {
	switch {
	case b.Status != string(storage.BackfillRequested):
		return b.Status
	case b.Live:
		return "IN_PROGRESS"
	}
	return "INTERRUPTED"
}

func (b *shownBackfill) counts() string {
	c := &b.Counts
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Done, "done"}, {c.Reused, "reused"}, {c.Failed, "failed"}, {c.Running, "running"}, {c.Left, "left"}} {
		if p.n > 0 {
			parts = append(parts, group(int64(p.n))+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}

func backfillStyle(state string) style {
	switch state {
	case "IN_PROGRESS":
		return blue
	case string(storage.BackfillCompletedSuccess):
		return green
	case string(storage.BackfillCompletedFailed):
		return red
	}
	return yellow
}

// view shows one backfill.
func (b *shownBackfill) view(l look) []string {
	t := &table{columns: []column{{}, {wrap: true}}}
	row := func(what, value string) {
		if value != "" {
			t.add(styled(what, dim), text(value))
		}
	}
	t.add(styled("backfill", dim), styled(b.ID, bold))
	t.add(styled("status", dim), styled(b.state(), backfillStyle(b.state())))
	row("title", b.Title)
	row("why", b.Cause)
	row("job", b.Job)
	if b.Job == "" {
		row("assets", b.Selection)
	} else {
		row("selection", b.Selection)
	}
	row("definition", b.Definition)
	row("partitions", shortTerms(b.Partitions))
	for i := range b.Parts {
		row("of "+b.Parts[i].Assets, shortTerms(b.Parts[i].Partitions))
	}
	row("order", b.Order+" first, "+perRun(b.PerRun))
	row("tags", strings.Join(sortedTags(b.Tags), ", "))
	row("created", shortTime(b.Created, l))
	if b.Ended != nil {
		row("ended", shortTime(*b.Ended, l))
	}
	of := func(own []string, list func(*shownPart) []string) string {
		all := []string{shortTerms(own)}
		for i := range b.Parts {
			if terms := list(&b.Parts[i]); len(terms) > 0 {
				all = append(all, shortTerms(terms)+" of "+b.Parts[i].Assets)
			}
		}
		return strings.TrimPrefix(strings.Join(all, "; "), "; ")
	}
	row("failed", of(b.FailedAre, func(p *shownPart) []string { return p.FailedAre }))
	if b.Counts.Left > 0 && b.Counts.Left < b.Counts.Total {
		row("left", of(b.LeftAre, func(p *shownPart) []string { return p.LeftAre }))
	}
	row("changed", b.Changed)
	lines := t.render(l)
	if len(b.Failures) > 0 {
		f := &table{columns: []column{{title: "FAILED"}, {title: "RUN"}, {title: "WHY", wrap: true}}}
		for _, r := range b.Failures {
			f.add(styled(r.Partitions, red), text(shortRun(r.RunID, l)), text(r.Cause))
		}
		lines = append(append(lines, ""), f.render(l)...)
	}
	return append(lines, "", l.paint(fmt.Sprintf("%s: %s", plural(b.Counts.Total, "partition"), b.counts()), bold))
}

// shortTerms writes ranges of partitions, not more than people read.
func shortTerms(list []string) string {
	if len(list) > mostRanges {
		list = append(list[:mostRanges:mostRanges], fmt.Sprintf("and %d ranges more (-o json has all)", len(list)-mostRanges))
	}
	return strings.Join(list, ", ")
}

func (a *app) backfillShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show [BACKFILL]",
		Short:             "Show a backfill: how far it is, what failed and why; without a name the newest one",
		Args:              arguments("a backfill"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			cat, err := a.catalog()
			if err != nil {
				return err
			}
			inst, err := a.openReadOnly(cmd.Context())
			if err != nil {
				return err
			}
			v, err := a.backfillDetail(cmd, cat, inst, first(args))
			if err = closed(err, inst); err != nil {
				return err
			}
			return a.result(v, v.view)
		},
	}
}

// backfillDetail reads a backfill with the last runs that failed, of partitions that are failed still.
func (a *app) backfillDetail(cmd *cobra.Command, cat *plan.Catalog, inst *instance.Instance, id string) (*shownBackfill, error) {
	const most = 10
	ctx := cmd.Context()
	b, err := a.findBackfill(cmd, inst, id)
	if err != nil {
		return nil, err
	}
	v, err := a.lookAtBackfill(ctx, cat, inst, b.ID)
	if err != nil || v.Counts.Failed == 0 {
		return v, err
	}
	runs, err := inst.Runs(ctx, storage.RunFilter{Tags: map[string][]string{storage.TagBackfill: {b.ID}}, Statuses: []storage.RunStatus{storage.RunFailure}, Limit: most})
	for _, r := range runs {
		v.Failures = append(v.Failures, backfillFailure{r.ID, r.Tags[plan.TagPartition], r.Cause})
	}
	return v, err
}

// A backfillList is what `backfill list` shows.
type backfillList struct {
	Backfills []*shownBackfill `json:"backfills"`
	full      bool
}

func (a *app) backfillListCommand() *cobra.Command {
	var statuses []string
	var after string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List backfills, the newest first",
		Args:  arguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit <= 0 {
				return usage(cmd, fmt.Errorf("--limit is %d; it must be at least 1", limit))
			}
			f := storage.BackfillFilter{Limit: limit}
			for _, s := range statuses {
				f.Statuses = append(f.Statuses, storage.BackfillStatus(s))
			}
			v, err := a.backfills(cmd, f, after)
			if err != nil {
				return err
			}
			return a.result(v, v.view)
		},
	}
	all := make([]string, 0, len(storage.BackfillStatuses()))
	for _, s := range storage.BackfillStatuses() {
		all = append(all, string(s))
	}
	flags := cmd.Flags()
	flags.Var(&choices{&statuses, all}, "status", "only backfills with the status `STATUS`; may be repeated")
	flags.StringVar(&after, "after", "", "only backfills that are older than `BACKFILL`: the next page")
	flags.IntVarP(&limit, "limit", "n", 20, "at most `N` backfills")
	complete(cmd, "status", all...)
	return cmd
}

func (a *app) backfills(cmd *cobra.Command, f storage.BackfillFilter, after string) (*backfillList, error) {
	ctx := cmd.Context()
	cat, err := a.catalog()
	if err != nil {
		return nil, err
	}
	inst, err := a.openReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	v, err := a.listBackfills(cmd, cat, inst, f, after)
	return v, closed(err, inst)
}

func (a *app) listBackfills(cmd *cobra.Command, cat *plan.Catalog, inst *instance.Instance, f storage.BackfillFilter, after string) (*backfillList, error) {
	ctx := cmd.Context()
	if after != "" {
		b, err := a.findBackfill(cmd, inst, after)
		if err != nil {
			return nil, err
		}
		f.Cursor = b.ID
	}
	list, err := inst.Backfills(ctx, f)
	if err != nil {
		return nil, err
	}
	v := &backfillList{Backfills: []*shownBackfill{}, full: len(list) == f.Limit}
	for i := range list {
		b, err := a.lookAtBackfill(ctx, cat, inst, list[i].ID)
		if err != nil {
			return nil, err
		}
		v.Backfills = append(v.Backfills, b)
	}
	return v, nil
}

func (v *backfillList) view(l look) []string {
	if len(v.Backfills) == 0 {
		return []string{"no backfills"}
	}
	t := &table{columns: []column{{title: "BACKFILL"}, {title: "STATUS"}, {title: "CREATED"}, {title: "PARTITIONS", right: true}, {title: "WHAT", wrap: true}}}
	for _, b := range v.Backfills {
		what := b.counts()
		if b.Title != "" {
			what = b.Title + ": " + what
		}
		if b.Job != "" {
			what = b.Job + ": " + what
		}
		t.add(text(shortRun(b.ID, l)), styled(b.state(), backfillStyle(b.state())), styled(shortTime(b.Created, l), dim), text(group(int64(b.Counts.Total))), text(what))
	}
	out := t.render(l)
	if v.full {
		out = append(out, l.paint("there may be more; see --limit", dim))
	}
	return out
}

func (a *app) backfillCancelCommand() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:               "cancel [BACKFILL]",
		Short:             "Stop a backfill: its runs are canceled, what is done stays, nothing more begins; without a name the newest one",
		Args:              arguments("a backfill"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			inst, err := a.open(cmd.Context(), func() error { return usage(cmd, errNoBackfills) })
			if err != nil {
				return err
			}
			v, err := a.cancelBackfill(cmd, inst, first(args), wait)
			if err = closed(err, inst); err != nil {
				return err
			}
			return a.result(v, v.view)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it has stopped")
	return cmd
}

// A changedBackfill says what a command did about a backfill.
type changedBackfill struct {
	ID     string `json:"backfill_id"`
	Status string `json:"status"` // that it has now
}

func (c *changedBackfill) view(l look) []string {
	return []string{c.ID + " " + l.paint(c.Status, backfillStyle(c.Status))}
}

func (a *app) cancelBackfill(cmd *cobra.Command, inst *instance.Instance, id string, wait bool) (*changedBackfill, error) {
	ctx := cmd.Context()
	b, err := a.findBackfill(cmd, inst, id)
	if err != nil {
		return nil, err
	}
	status, err := inst.CancelBackfill(ctx, b.ID, "asked to stop by `backfill cancel`")
	if errors.Is(err, storage.ErrFinished) {
		return nil, usage(cmd, fmt.Errorf("backfill %s has ended already: %s", b.ID, status))
	}
	if err != nil {
		return nil, err
	}
	out := &changedBackfill{b.ID, string(status)}
	if !wait {
		return out, nil
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		list, err := inst.Backfills(ctx, storage.BackfillFilter{IDs: []string{b.ID}})
		if err != nil {
			return nil, err
		}
		if out.Status = string(list[0].Status); list[0].Status.Finished() {
			return out, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
