package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

func (s *Store) backfill(id string) *storage.Backfill {
	for _, b := range s.backfills {
		if b.ID == id {
			return b
		}
	}
	return nil
}

// checkBackfills finds what could be wrong with what a batch says of backfills.
func (s *Store) checkBackfills(b *storage.Batch) error {
	if n := b.NewBackfill; n != nil {
		switch {
		case s.backfill(n.ID) != nil:
			return fmt.Errorf("insert backfill %s: it exists", n.ID)
		case !n.Status.Valid():
			return fmt.Errorf("insert backfill %s with status %q: %w", n.ID, n.Status, storage.ErrTransition)
		}
	}
	c := b.Backfill
	if c == nil {
		return nil
	}
	there := s.backfill(c.ID)
	if there == nil && b.NewBackfill != nil && b.NewBackfill.ID == c.ID {
		there = b.NewBackfill
	}
	if there == nil {
		return fmt.Errorf("backfill %s: %w", c.ID, storage.ErrNotFound)
	}
	if c.To == "" {
		return nil
	}
	if err := storage.BackfillTransition(there.Status, c.To); err != nil {
		return fmt.Errorf("backfill %s: %w", c.ID, err)
	}
	return nil
}

func (s *Store) applyBackfills(b *storage.Batch) {
	if b.NewBackfill != nil {
		n := copyBackfill(b.NewBackfill)
		n.Number, n.Updated = int64(len(s.backfills)+1), n.Created
		s.backfills = append(s.backfills, &n)
	}
	if b.Backfill != nil {
		s.backfill(b.Backfill.ID).Apply(b.Backfill)
	}
}

func copyBackfill(b *storage.Backfill) storage.Backfill {
	c := *b
	c.Tags = maps.Clone(b.Tags)
	return c
}

// Backfills implements storage.Store.
func (s *Store) Backfills(ctx context.Context, f storage.BackfillFilter) ([]storage.Backfill, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	var out []storage.Backfill
	err := s.read(ctx, func() error {
		from := int64(len(s.backfills) + 1)
		if f.Cursor != "" {
			at := s.backfill(f.Cursor)
			if at == nil {
				return fmt.Errorf("backfill %s: %w", f.Cursor, storage.ErrNotFound)
			}
			from = at.Number
		}
		for _, b := range slices.Backward(s.backfills) {
			if b.Number < from && (len(f.IDs) == 0 || slices.Contains(f.IDs, b.ID)) && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, b.Status)) && len(out) < f.Limit {
				out = append(out, copyBackfill(b))
			}
		}
		return nil
	})
	return out, err
}

// Backfill implements storage.Store.
func (s *Store) Backfill(ctx context.Context, id string) (*storage.Backfill, []storage.BackfillRun, error) {
	var out storage.Backfill
	var runs []storage.BackfillRun
	err := s.read(ctx, func() error {
		b := s.backfill(id)
		if b == nil {
			return fmt.Errorf("backfill %s: %w", id, storage.ErrNotFound)
		}
		out = copyBackfill(b)
		for _, r := range s.order {
			if r.Tags[storage.TagBackfill] == id && r.Number > b.Progress.Through {
				runs = append(runs, storage.BackfillRun{Number: r.Number, ID: r.ID, Status: r.Status, Cause: r.Cause, Tags: maps.Clone(r.Tags), Ran: r.Ran})
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return &out, runs, nil
}
