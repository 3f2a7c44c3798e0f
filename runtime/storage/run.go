package storage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// A RunStatus is the state of a run, named as Dagster names it.
type RunStatus string

// The statuses of a run. A run whose process died reads as RunFailure with a cause, see instance.
const (
	RunNotStarted RunStatus = "NOT_STARTED" // stored, and nobody has been asked to execute it
	RunQueued     RunStatus = "QUEUED"      // waits for a place
	RunStarting   RunStatus = "STARTING"    // a process is about to execute it
	RunStarted    RunStatus = "STARTED"
	RunSuccess    RunStatus = "SUCCESS"
	RunFailure    RunStatus = "FAILURE"
	RunCanceling  RunStatus = "CANCELING" // it was asked to stop, and has not yet
	RunCanceled   RunStatus = "CANCELED"
)

// next says which statuses may follow one. A run that is asked to stop may still end well: what it was waiting for was its last step.
var next = map[RunStatus][]RunStatus{
	RunNotStarted: {RunQueued, RunStarting, RunStarted, RunFailure, RunCanceled},
	RunQueued:     {RunStarting, RunStarted, RunFailure, RunCanceled},
	RunStarting:   {RunStarted, RunFailure, RunCanceling, RunCanceled},
	RunStarted:    {RunSuccess, RunFailure, RunCanceling, RunCanceled},
	RunCanceling:  {RunSuccess, RunFailure, RunCanceled},
	RunSuccess:    nil,
	RunFailure:    nil,
	RunCanceled:   nil,
}

// RunStatuses returns all statuses, in the order in which a run may have them.
func RunStatuses() []RunStatus {
	return []RunStatus{RunNotStarted, RunQueued, RunStarting, RunStarted, RunCanceling, RunSuccess, RunFailure, RunCanceled}
}

// Transition says why a run of one status cannot take another: an error that wraps ErrFinished for a run that has ended, else
// ErrTransition; nil if it can.
func Transition(from, to RunStatus) error {
	follow, known := next[from]
	_, real := next[to]
	switch {
	case !known || !real:
		return fmt.Errorf("from status %q to %q: %w", from, to, ErrTransition)
	case slices.Contains(follow, to):
		return nil
	case from.Finished():
		return fmt.Errorf("from %s to %s: %w", from, to, ErrFinished)
	}
	names := make([]string, len(follow))
	for i, s := range follow {
		names[i] = string(s)
	}
	return fmt.Errorf("from %s to %s: %w; it may become %s", from, to, ErrTransition, strings.Join(names, ", "))
}

// Valid reports whether s is a status.
func (s RunStatus) Valid() bool {
	_, ok := next[s]
	return ok
}

// Finished reports whether no more events of the run will come.
func (s RunStatus) Finished() bool { return s == RunSuccess || s == RunFailure || s == RunCanceled }

// Success reports whether the run did all it was asked to.
func (s RunStatus) Success() bool { return s == RunSuccess }

// Failure reports whether the run failed.
func (s RunStatus) Failure() bool { return s == RunFailure }

// InProgress reports whether a process is executing the run, or about to: then a run without a living process has died.
func (s RunStatus) InProgress() bool { return s == RunStarting || s == RunStarted || s == RunCanceling }

// Cancelable reports whether the run can be asked to stop.
func (s RunStatus) Cancelable() bool { return Transition(s, RunCanceled) == nil && s != RunCanceling }

// Tags of runs that mean something to dagstergen, named as Dagster names them.
const (
	TagResumeRetry = "dagster/is_resume_retry" // "true" on a run that goes on where its parent failed
	TagBackfill    = "dagster/backfill"        // id of the backfill that a run belongs to
	// TagBackfillPart is the number of the part that a run belongs to, from 1, of a backfill of assets with several partitions definitions.
	TagBackfillPart = "dagstergen/backfill_part"
)

// A Run is one execution of a job or of a selection of assets.
type Run struct {
	Number    int64  // storage id: assigned by the Store, increasing with each new run
	ID        string // UUID version 7
	Job       string // empty for assets
	Selection string // as the user gave it; empty for all
	Status    RunStatus
	Cause     string // why it failed: "crashed", or an error's first line
	Tags      map[string]string
	Config    string       // resolved run config as YAML, secrets left out
	Parent    string       // id of the run that this one does again; empty for none
	Root      string       // id of the first of such a row of runs; empty for none
	Snapshot  canon.Digest // of the job snapshot; zero for none
	Created   time.Time    // the row was inserted; the zero time stands for Started
	Started   time.Time    // zero before it executes
	Ended     time.Time    // zero while it runs
	Updated   time.Time    // of the last change of the row; kept by the Store
	Steps     int          // planned
	Ran       int
	Reused    int
	Failed    int
	Skipped   int
}

// ResumeRetry reports whether the run goes on where its parent failed.
func (r *Run) ResumeRetry() bool { return r.Tags[TagResumeRetry] == "true" }

// A Move gives a stored run another status.
type Move struct {
	RunID string
	To    RunStatus // not an end
	Time  time.Time
}

// Inserted fills in what a Store knows of a new run: when it was created and changed.
func (r *Run) Inserted() {
	if r.Created.IsZero() {
		r.Created = r.Started
	}
	r.Updated = latest(r.Created, r.Started, r.Ended)
}

// Begin takes over what changes when the run begins to execute.
func (r *Run) Begin(s *Run) {
	r.Status, r.Cause, r.Selection, r.Tags, r.Config = s.Status, s.Cause, s.Selection, s.Tags, s.Config
	r.Snapshot, r.Started, r.Steps = s.Snapshot, s.Started, s.Steps
	r.Updated = latest(r.Updated, s.Started)
}

// End takes over what changes when the run ends.
func (r *Run) End(f *Run) {
	r.Status, r.Cause, r.Ended = f.Status, f.Cause, f.Ended
	r.Steps, r.Ran, r.Reused, r.Failed, r.Skipped = f.Steps, f.Ran, f.Reused, f.Failed, f.Skipped
	r.Updated = latest(r.Updated, f.Ended)
}

// latest returns the last of some times: the clock may have been set back between two changes of a row.
func latest(ts ...time.Time) time.Time {
	return slices.MaxFunc(ts, time.Time.Compare)
}

// A RunOrder is what runs are sorted by.
type RunOrder string

// What runs can be sorted by. Runs that are equal in it stand in the order of their creation.
const (
	ByCreation RunOrder = "created" // the order of insertion; the default
	ByStart    RunOrder = "started"
	ByEnd      RunOrder = "ended"
	ByUpdate   RunOrder = "updated"
)

// A RunFilter selects runs; all set fields must hold. The zero RunFilter selects the newest 100.
type RunFilter struct {
	IDs      []string
	Job      string
	Statuses []RunStatus
	Tags     map[string][]string // each key must be there with one of its values; with any value where the list is empty
	Snapshot canon.Digest        // only runs with this job snapshot
	Parent   string              // only runs that do this one again
	Root     string              // only this run, and those that go back to it

	CreatedAfter, CreatedBefore time.Time // both exclusive
	UpdatedAfter, UpdatedBefore time.Time
	ExcludeBackfills            bool // no runs of backfills

	Order     RunOrder // empty for ByCreation
	Ascending bool     // else the last in the order comes first
	Cursor    string   // id of a run: only those that come after it in this order
	Limit     int      // 0: 100
}

// DefaultRunLimit is the limit of a RunFilter that has none.
const DefaultRunLimit = 100

// Check returns what is wrong with a filter, and fills in its defaults.
func (f *RunFilter) Check() error {
	f.Order = cmp.Or(f.Order, ByCreation)
	if !slices.Contains([]RunOrder{ByCreation, ByStart, ByEnd, ByUpdate}, f.Order) {
		return fmt.Errorf("runs cannot be sorted by %q: want created, started, ended or updated", f.Order)
	}
	if f.Limit <= 0 {
		f.Limit = DefaultRunLimit
	}
	for _, s := range f.Statuses {
		if !s.Valid() {
			return fmt.Errorf("no run has the status %q", s)
		}
	}
	return nil
}

// Matches reports whether a run is selected by the filter, its order, cursor and limit aside.
func (f *RunFilter) Matches(r *Run) bool {
	for key, values := range f.Tags {
		have, ok := r.Tags[key]
		if !ok || len(values) > 0 && !slices.Contains(values, have) {
			return false
		}
	}
	_, backfill := r.Tags[TagBackfill]
	return (len(f.IDs) == 0 || slices.Contains(f.IDs, r.ID)) &&
		(f.Job == "" || r.Job == f.Job) &&
		(len(f.Statuses) == 0 || slices.Contains(f.Statuses, r.Status)) &&
		(f.Snapshot.IsZero() || r.Snapshot == f.Snapshot) &&
		(f.Parent == "" || r.Parent == f.Parent) &&
		(f.Root == "" || r.Root == f.Root || r.ID == f.Root) &&
		(f.CreatedAfter.IsZero() || r.Created.After(f.CreatedAfter)) &&
		(f.CreatedBefore.IsZero() || r.Created.Before(f.CreatedBefore)) &&
		(f.UpdatedAfter.IsZero() || r.Updated.After(f.UpdatedAfter)) &&
		(f.UpdatedBefore.IsZero() || r.Updated.Before(f.UpdatedBefore)) &&
		!(f.ExcludeBackfills && backfill)
}

// Compare orders two runs as the filter asks, the one that comes first being less.
func (f *RunFilter) Compare(a, b *Run) int {
	n := 0
	switch f.Order {
	case ByStart:
		n = a.Started.Compare(b.Started)
	case ByEnd:
		n = a.Ended.Compare(b.Ended)
	case ByUpdate:
		n = a.Updated.Compare(b.Updated)
	}
	n = cmp.Or(n, cmp.Compare(a.Number, b.Number))
	if !f.Ascending {
		n = -n
	}
	return n
}
