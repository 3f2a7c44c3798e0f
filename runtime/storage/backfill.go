package storage

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A BackfillStatus is the state of a backfill, named as Dagster's BulkActionStatus names it.
type BackfillStatus string

// The statuses of a backfill. Whether somebody works on one that is requested or canceling is whether its lock is held, see instance.
const (
	BackfillRequested        BackfillStatus = "REQUESTED" // it is to be worked on
	BackfillCanceling        BackfillStatus = "CANCELING" // it was asked to stop, and has not yet
	BackfillCanceled         BackfillStatus = "CANCELED"
	BackfillCompletedSuccess BackfillStatus = "COMPLETED_SUCCESS"
	BackfillCompletedFailed  BackfillStatus = "COMPLETED_FAILED" // all partitions were tried, and some failed
)

// nextOfBackfill says which statuses may follow one. What stopped or failed can be gone on with.
var nextOfBackfill = map[BackfillStatus][]BackfillStatus{
	BackfillRequested:        {BackfillCanceling, BackfillCanceled, BackfillCompletedSuccess, BackfillCompletedFailed},
	BackfillCanceling:        {BackfillCanceled, BackfillCompletedSuccess, BackfillCompletedFailed, BackfillRequested},
	BackfillCanceled:         {BackfillRequested},
	BackfillCompletedSuccess: nil,
	BackfillCompletedFailed:  {BackfillRequested},
}

// BackfillStatuses returns all statuses, in the order in which a backfill may have them.
func BackfillStatuses() []BackfillStatus {
	return []BackfillStatus{BackfillRequested, BackfillCanceling, BackfillCanceled, BackfillCompletedSuccess, BackfillCompletedFailed}
}

// BackfillTransition says why a backfill of one status cannot take another: an error that wraps ErrTransition; nil if it can.
func BackfillTransition(from, to BackfillStatus) error {
	if slices.Contains(nextOfBackfill[from], to) {
		return nil
	}
	names := make([]string, len(nextOfBackfill[from]))
	for i, s := range nextOfBackfill[from] {
		names[i] = string(s)
	}
	if len(names) == 0 {
		return fmt.Errorf("from %s to %s: %w; it has ended", from, to, ErrTransition)
	}
	return fmt.Errorf("from %s to %s: %w; it may become %s", from, to, ErrTransition, strings.Join(names, ", "))
}

// Valid reports whether s is a status.
func (s BackfillStatus) Valid() bool {
	_, ok := nextOfBackfill[s]
	return ok
}

// Finished reports whether nobody works on the backfill, or will unless asked to.
func (s BackfillStatus) Finished() bool { return s != BackfillRequested && s != BackfillCanceling }

// A Backfill is partitions of assets that are to be computed, and how far that is. The sets are encoded, see partition.Space.Encode: a million partitions are as small as the ranges that
// they are made of.
type Backfill struct {
	Number     int64  // assigned by the Store, increasing with each new backfill
	ID         string // UUID version 7
	Status     BackfillStatus
	Title      string            // for people
	Job        string            // that its runs are of; empty for assets
	Selection  string            // of assets, or of steps of the job
	Definition string            // what the partitions are, in words, to be compared by people
	Partitions string            // the encoded set; of several definitions one for each, on lines of their own
	Total      int               // how many that are
	Newest     bool              // the last partitions first
	PerRun     int               // partitions of each run; 0 for all in one
	Concurrent int               // runs at once; 0 for as many as there are processors
	Executor   string            // of the runs; empty for what run config or nobody says
	Tags       map[string]string // of the backfill and of each of its runs
	Config     string            // run config as YAML, secrets left out
	Created    time.Time
	Updated    time.Time // of the last change; kept by the Store
	Ended      time.Time // zero while it is worked on or waits for that
	Cause      string    // why it was canceled
	Progress   BackfillProgress
}

// A BackfillProgress is what became of the partitions, as far as it is known from the runs up to one. What later runs did is known from those alone.
type BackfillProgress struct {
	Through int64 // number of the last run that is part of it; all before have ended

	// Encoded sets, empty for none, on lines as Partitions are: computed or found stored by a run; found stored, without a run; tried in vain.
	Done, Reused, Failed string
	// How many partitions each has.
	DoneCount, ReusedCount, FailedCount int
}

// A BackfillRun is what a backfill knows of one of its runs.
type BackfillRun struct {
	Number int64
	ID     string
	Status RunStatus
	Cause  string
	Tags   map[string]string
	Ran    int // steps
}

// A BackfillChange changes a stored backfill.
type BackfillChange struct {
	ID       string
	To       BackfillStatus    // empty: it keeps its status
	Cause    string            // of an end
	Progress *BackfillProgress // nil: it stays
	Time     time.Time
}

// Apply makes the change, which its store has found right.
func (b *Backfill) Apply(c *BackfillChange) {
	if c.To != "" {
		b.Status, b.Cause, b.Ended = c.To, c.Cause, time.Time{}
		if c.To.Finished() {
			b.Ended = c.Time
		}
	}
	if c.Progress != nil {
		b.Progress = *c.Progress
	}
	b.Updated = latest(b.Updated, c.Time)
}

// A BackfillFilter selects backfills; all set fields must hold. The zero BackfillFilter selects the newest 100.
type BackfillFilter struct {
	IDs      []string
	Statuses []BackfillStatus
	Cursor   string // id of a backfill: only those that are older
	Limit    int    // 0: 100
}

// Check returns what is wrong with a filter, and fills in its defaults.
func (f *BackfillFilter) Check() error {
	if f.Limit <= 0 {
		f.Limit = DefaultRunLimit
	}
	for _, s := range f.Statuses {
		if !s.Valid() {
			return fmt.Errorf("no backfill has the status %q", s)
		}
	}
	return nil
}
