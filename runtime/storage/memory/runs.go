package memory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// checkRuns finds what could be wrong with what a batch says of runs.
func (s *Store) checkRuns(b *storage.Batch) error {
	if _, there := s.snapshots[b.Counts]; !there && !b.Counts.IsZero() {
		return fmt.Errorf("job snapshot %s: %w", b.Counts, storage.ErrNoSnapshot)
	}
	if r := b.NewRun; r != nil {
		switch {
		case s.runs[r.ID] != nil:
			return fmt.Errorf("insert run %s: it exists", r.ID)
		case !r.Status.Valid():
			return fmt.Errorf("insert run %s with status %q: %w", r.ID, r.Status, storage.ErrTransition)
		}
	}
	now := map[string]storage.RunStatus{} // what this batch has made of runs so far
	status := func(id string) (storage.RunStatus, error) {
		if st, ok := now[id]; ok {
			return st, nil
		}
		if b.NewRun != nil && b.NewRun.ID == id {
			return b.NewRun.Status, nil
		}
		if r := s.runs[id]; r != nil || id == "" {
			return s.of(id).Status, nil
		}
		return "", fmt.Errorf("run %s: %w", id, storage.ErrNotFound)
	}
	change := func(what, id string, to storage.RunStatus) error {
		from, err := status(id)
		if err != nil {
			return err
		}
		if err := storage.Transition(from, to); err != nil {
			return fmt.Errorf("%s run %s: %w", what, id, err)
		}
		now[id] = to
		return nil
	}
	if r := b.Start; r != nil {
		if r.Status.Finished() {
			return fmt.Errorf("start run %s with status %s: %w", r.ID, r.Status, storage.ErrTransition)
		}
		if err := change("start", r.ID, r.Status); err != nil {
			return err
		}
	}
	if m := b.Move; m != nil {
		if m.To.Finished() {
			return fmt.Errorf("move run %s to %s, which is an end: %w", m.RunID, m.To, storage.ErrTransition)
		}
		if err := change("move", m.RunID, m.To); err != nil {
			return err
		}
	}
	last := ""
	for i := range b.Events {
		if id := b.Events[i].RunID; i == 0 || id != last {
			st, err := status(id)
			if err != nil {
				return err
			}
			if st.Finished() {
				return fmt.Errorf("event %s of run %s: %w", b.Events[i].Type, id, storage.ErrFinished)
			}
			last = id
		}
	}
	if f := b.Finish; f != nil {
		if !f.Status.Finished() {
			return fmt.Errorf("finish run %s with status %s, which is not an end: %w", f.ID, f.Status, storage.ErrTransition)
		}
		if err := change("finish", f.ID, f.Status); err != nil {
			return err
		}
	}
	return s.checkDelete(b.Delete, status)
}

func (s *Store) checkDelete(ids []string, status func(string) (storage.RunStatus, error)) error {
	for i, id := range ids {
		st, err := status(id)
		switch {
		case err != nil:
			return err
		case slices.Contains(ids[:i], id):
			return fmt.Errorf("run %s: %w", id, storage.ErrNotFound)
		case !st.Finished():
			return fmt.Errorf("delete run %s, which is %s: %w", id, st, storage.ErrUnfinished)
		}
	}
	return nil
}

// applyRuns does what a batch says of runs before its events.
func (s *Store) applyRuns(b *storage.Batch) {
	if b.NewRun != nil {
		r := &run{Run: copyRun(b.NewRun)}
		s.created++
		r.Number = s.created
		r.Inserted()
		s.runs[r.ID] = r
		s.order = append(s.order, r)
	}
	if b.Start != nil {
		start := copyRun(b.Start)
		s.runs[start.ID].Begin(&start)
	}
	if m := b.Move; m != nil {
		r := s.runs[m.RunID]
		r.Status = m.To
		if m.Time.After(r.Updated) {
			r.Updated = m.Time
		}
	}
	for d, data := range b.Snapshots {
		if old, ok := s.snapshots[d]; !ok || !bytes.Equal(old, data) {
			s.snapshots[d] = data
		}
	}
}

// applyEvents appends the events of a batch, then ends and deletes runs.
func (s *Store) applyEvents(b *storage.Batch) {
	for i := range b.Events {
		r := s.of(b.Events[i].RunID)
		e := b.Events[i]
		if list, known := s.byAsset[e.Asset]; (e.RunID == "" || e.Noted) && !known {
			s.byAsset[e.Asset] = list
		}
		e.Noted = false
		e.Seq = int64(len(r.events) + 1)
		s.log = append(s.log, entry{r, int32(len(r.events))})
		r.events = append(r.events, e)
	}
	if f := b.Finish; f != nil {
		s.runs[f.ID].End(f)
	}
	for _, id := range b.Delete {
		s.delete(id)
	}
}

func (s *Store) delete(id string) {
	gone := s.runs[id]
	delete(s.runs, id)
	s.order = slices.DeleteFunc(s.order, func(r *run) bool { return r == gone })
	gone.events, gone.deleted = nil, true
	if !slices.ContainsFunc(s.order, func(r *run) bool { return r.Snapshot == gone.Snapshot }) {
		delete(s.snapshots, gone.Snapshot)
	}
}

// of is the run that events with an id are of.
func (s *Store) of(id string) *run {
	if id == "" {
		return &s.none
	}
	return s.runs[id]
}

func copyRun(r *storage.Run) storage.Run {
	c := *r
	c.Tags = maps.Clone(r.Tags)
	return c
}

// Runs implements storage.Store.
func (s *Store) Runs(ctx context.Context, f storage.RunFilter) ([]storage.Run, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	var out []storage.Run
	err := s.read(ctx, func() error {
		var from *run
		if f.Cursor != "" {
			if from = s.runs[f.Cursor]; from == nil {
				return fmt.Errorf("run %s: %w", f.Cursor, storage.ErrNotFound)
			}
		}
		for _, r := range s.order {
			if f.Matches(&r.Run) && (from == nil || f.Compare(&from.Run, &r.Run) < 0) {
				out = append(out, copyRun(&r.Run))
			}
		}
		slices.SortFunc(out, func(a, b storage.Run) int { return f.Compare(&a, &b) })
		out = out[:min(len(out), f.Limit)]
		return nil
	})
	if len(out) == 0 {
		return nil, err
	}
	return out, err
}

// Run implements storage.Store.
func (s *Store) Run(ctx context.Context, id string) (*storage.Run, error) {
	var out storage.Run
	err := s.read(ctx, func() error {
		r := s.runs[id]
		if r == nil {
			return fmt.Errorf("run %s: %w", id, storage.ErrNotFound)
		}
		out = copyRun(&r.Run)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// Events implements storage.Store.
func (s *Store) Events(ctx context.Context, runID string, after int64, limit int) ([]storage.Event, error) {
	var out []storage.Event
	err := s.read(ctx, func() error {
		r := s.of(runID)
		if r == nil || after >= int64(len(r.events)) {
			return nil
		}
		list := r.events[max(after, 0):]
		if limit > 0 && limit < len(list) {
			list = list[:limit]
		}
		out = slices.Clone(list)
		return nil
	})
	return out, err
}

// EventRecords implements storage.Store.
func (s *Store) EventRecords(ctx context.Context, f storage.EventFilter) (storage.EventPage, error) {
	var found []storage.EventRecord
	err := s.read(ctx, func() error {
		first, n := max(int(f.After), 0), len(s.log) // event number i+1 is at i
		for k := first; k < n; k++ {
			i := k
			if !f.Ascending {
				i = n - 1 - (k - first)
			}
			e := s.log[i]
			if e.run.deleted {
				continue
			}
			record := storage.EventRecord{Event: e.run.events[e.at], Number: storage.Cursor(i + 1), Job: e.run.Job}
			if f.Matches(&record) {
				found = append(found, record)
			}
			if len(found) > f.Most() {
				break
			}
		}
		return nil
	})
	if err != nil {
		return storage.EventPage{}, err
	}
	return f.Page(found), nil
}

// Snapshot implements storage.Store.
func (s *Store) Snapshot(ctx context.Context, d canon.Digest) (out []byte, err error) {
	err = s.read(ctx, func() error {
		data, ok := s.snapshots[d]
		if !ok {
			return fmt.Errorf("job snapshot %s: %w", d, storage.ErrNotFound)
		}
		out = data
		return nil
	})
	if err == nil && canon.Sum(out) != d {
		return nil, fmt.Errorf("job snapshot %s: %w: its bytes have digest %s", d, storage.ErrCorrupt, canon.Sum(out))
	}
	return out, err
}
