package execute

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A Rerun says what to do again of a run. The zero Rerun does everything again that is not stored: what has not changed is reused.
type Rerun struct {
	FromFailure bool   // go on where it failed: what it finished is not done again, also what is volatile or not memoized
	From        string // a step, or several separated by commas: these and all below them run, whatever is stored
	Select      string // other steps than the run had; empty for the same
}

// Run runs what a stored run of o.Instance ran: the same job or assets, selection, tags and run config. o lies on top of that: its config is merged
// over the recorded one, its tags over the recorded ones. The new run has the old one as its parent. Errors are those of the function [Run]; a run that is not
// there is storage.ErrNotFound.
func (how Rerun) Run(ctx context.Context, cat *plan.Catalog, id string, o Options) (*Result, error) {
	job, o, _, err := how.Prepare(ctx, cat, id, o)
	if err != nil {
		return nil, err
	}
	return Run(ctx, cat, job, o)
}

// Prepare returns what [Rerun.Run] gives to the function [Run]. notes are what a person should know about it.
func (how Rerun) Prepare(ctx context.Context, cat *plan.Catalog, id string, o Options) (job string, _ Options, notes []string, err error) {
	fail := func(err error) (string, Options, []string, error) { return "", o, nil, err }
	if o.Instance == nil {
		return fail(badOption("a rerun needs an instance: runs are found there"))
	}
	if how.Select != "" && (how.FromFailure || how.From != "") || how.FromFailure && how.From != "" {
		return fail(badOption("a rerun goes on from the failure, from a step, or with another selection: choose one"))
	}
	old, err := o.Instance.Run(ctx, id)
	if err != nil {
		return fail(err)
	}
	if !old.Status.Finished() {
		return fail(badOption("run %s has not ended: it is %s", old.ID, old.Status))
	}
	recorded, left, err := runconfig.Recorded("the config of run "+old.ID, old.Config)
	if err != nil {
		return fail(err)
	}
	if len(left) > 0 {
		notes = append(notes, fmt.Sprintf("%s: secrets are not recorded; where none is given again, the default counts", strings.Join(left, ", ")))
	}
	o.Config = recorded.Merge(o.Config)
	tags := maps.Clone(old.Tags)
	delete(tags, storage.TagResumeRetry)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, o.Tags)
	o.Parent, o.Tags, o.Select = old.ID, tags, old.Selection
	switch {
	case how.Select != "":
		o.Select = how.Select
	case how.From != "":
		o.Again, err = fromSteps(cat, old, how.From)
	case how.FromFailure:
		tags[storage.TagResumeRetry] = "true"
		o.Select, err = unfinished(ctx, cat, old, &o)
	}
	return old.Job, o, notes, err
}

// fromSteps is the selection of steps with all that is below them.
func fromSteps(cat *plan.Catalog, old *storage.Run, steps string) (string, error) {
	t, err := cat.Target(old.Job, old.Selection)
	if err != nil {
		return "", err
	}
	again := "(" + steps + ")*"
	places, err := placesOf(cat, t, old.Job, again)
	if err == nil && len(places) == 0 {
		err = badOption("run %s has no step of %q", old.ID, steps)
	}
	return again, err
}

// placesOf finds the nodes of a target that a selection names; none for the empty one.
func placesOf(cat *plan.Catalog, t *plan.Target, job, selection string) (map[int32]bool, error) {
	if selection == "" {
		return nil, nil
	}
	named, err := cat.Target(job, selection)
	if err != nil {
		return nil, err
	}
	out := make(map[int32]bool, len(named.Selected))
	names := make(map[string]bool, len(named.Selected))
	for _, i := range named.Selected {
		names[named.Graph.Nodes[i].Name] = true
	}
	for _, i := range t.Selected {
		if names[t.Graph.Nodes[i].Name] {
			out[i] = true
		}
	}
	return out, nil
}

// unfinished is what a rerun from failure selects: all of the run, but for what it finished and would do again although nothing changed. The outputs of
// those are taken from the run; where they cannot be, because a later run has put others in their place, they are done again.
func unfinished(ctx context.Context, cat *plan.Catalog, old *storage.Run, o *Options) (string, error) {
	if old.Status.Success() {
		return "", badOption("run %s succeeded: there is no failure to go on from", old.ID)
	}
	t, err := cat.Target(old.Job, old.Selection)
	if err != nil {
		return "", err
	}
	if t, err = t.In(o.Tags[plan.TagPartition], PartitionsAt(ctx, o.Instance, time.Now())); err != nil {
		return "", err
	}
	memo, _, err := plan.Memoized(t.Def(), o.Tags, o.NoMemo)
	if err != nil {
		return "", err
	}
	done, err := finishedSteps(ctx, o.Instance, old.ID, t.Plain() != t)
	if err != nil {
		return "", err
	}
	var keep []string
	ids := map[string]string{}
	for _, i := range t.Selected {
		n := &t.Graph.Nodes[i]
		if done[n.Key] && (n.Op.Volatile || !memo) {
			keep = append(keep, n.Key)
			ids[n.Key] = t.Graph.Identity(i)
		}
	}
	latest, err := o.Instance.Store().Latest(ctx, slices.Collect(maps.Values(ids)))
	if err != nil {
		return "", err
	}
	keep = slices.DeleteFunc(keep, func(key string) bool {
		r := latest[ids[key]]
		return r == nil || r.RunID != old.ID
	})
	if len(keep) == 0 {
		return old.Selection, nil
	}
	var names []string
	for _, i := range t.Selected {
		if n := &t.Graph.Nodes[i]; !slices.Contains(keep, n.Key) && t.Graph.Name(i) == n.Name {
			names = append(names, t.Graph.Clause(i)) // with all its partitions, where one of them is to be done
		}
	}
	if len(names) == 0 {
		return old.Selection, nil
	}
	return strings.Join(slices.Compact(names), ","), nil
}

// finishedSteps returns the keys of the steps that a run computed, elements of loops aside: what a loop goes over is not known here. In a run of a partition that stands
// in brackets too.
func finishedSteps(ctx context.Context, inst *instance.Instance, id string, partitioned bool) (map[string]bool, error) {
	done := map[string]bool{}
	f := storage.EventFilter{RunID: id, Types: []storage.EventType{storage.EventStepSuccess}, Ascending: true, Limit: 10_000}
	for {
		page, err := inst.EventRecords(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Records {
			if partitioned || !strings.ContainsRune(e.StepKey, '[') {
				done[e.StepKey] = true
			}
		}
		if f.After = page.Cursor; !page.More {
			return done, nil
		}
	}
}

// root is the first run of the row that ends with the parent; empty without one.
func (r *run) root(ctx context.Context) (string, error) {
	switch {
	case r.opts.Parent == "":
		return "", nil
	case r.private:
		return "", badOption("a run that is kept nowhere has no parent")
	}
	parent, err := r.store.Run(ctx, r.opts.Parent)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return "", badOption("the parent run %s is not there", r.opts.Parent)
	case err != nil:
		return "", storeError(err)
	case parent.Root != "":
		return parent.Root, nil
	}
	return parent.ID, nil
}
