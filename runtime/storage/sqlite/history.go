//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

const runColumns = "number, id, job, selection, status, cause, tags, config, started, ended, steps, ran, reused, failed, skipped, " +
	"created, updated, parent, root, snapshot"

func readRun(v []driver.Value) (storage.Run, error) {
	row := reader{row: v}
	r := storage.Run{Number: row.int(), ID: row.text(), Job: row.text(), Selection: row.text(), Status: storage.RunStatus(row.text()), Cause: row.text()}
	tags := row.text()
	r.Config, r.Started, r.Ended = row.text(), row.time(), row.time()
	r.Steps, r.Ran, r.Reused, r.Failed, r.Skipped = int(row.int()), int(row.int()), int(row.int()), int(row.int()), int(row.int())
	r.Created, r.Updated, r.Parent, r.Root, r.Snapshot = row.time(), row.time(), row.text(), row.text(), row.optionalDigest()
	if row.err != nil {
		return r, row.err
	}
	if err := json.Unmarshal([]byte(tags), &r.Tags); err != nil {
		return r, fmt.Errorf("%w: the tags of run %s: %w", storage.ErrCorrupt, r.ID, err)
	}
	return r, nil
}

// conditions collects the terms of a WHERE clause with their arguments.
type conditions struct {
	terms []string
	args  []driver.Value
}

func (c *conditions) add(term string, args ...driver.Value) {
	c.terms, c.args = append(c.terms, term), append(c.args, args...)
}

// in adds that a column has one of some values; any value where there are none. The last one is repeated up to a power of two: each
// connection keeps the statements it has prepared, so there must not be one for each length.
func in[T ~string](c *conditions, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]driver.Value, 1<<bits.Len(uint(len(values)-1)))
	for i := range args {
		args[i] = string(values[min(i, len(values)-1)])
	}
	c.add(column+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
}

// text adds that a column has a value, unless that is empty.
func (c *conditions) text(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

// between adds that a time is between two others, each of which may be missing.
func (c *conditions) between(column string, after, before time.Time) {
	if !after.IsZero() {
		c.add(column+" > ?", nanos(after))
	}
	if !before.IsZero() {
		c.add(column+" < ?", nanos(before))
	}
}

func (c *conditions) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// runConditions are those of a filter, its cursor aside.
func runConditions(f *storage.RunFilter) *conditions {
	c := &conditions{}
	c.add("number > 0") // 0 stands for no run
	in(c, "id", f.IDs)
	in(c, "status", f.Statuses)
	c.text("job", f.Job)
	for _, key := range slices.Sorted(maps.Keys(f.Tags)) {
		t := &conditions{}
		t.add("key = ?", key)
		in(t, "value", f.Tags[key])
		c.add("number IN (SELECT run FROM run_tag"+t.where()+")", t.args...)
	}
	if f.ExcludeBackfills {
		c.add("number NOT IN (SELECT run FROM run_tag WHERE key = ?)", storage.TagBackfill)
	}
	if !f.Snapshot.IsZero() {
		c.add("snapshot = ? AND snapshot <> x''", f.Snapshot[:])
	}
	if f.Parent != "" {
		c.add("parent = ? AND parent <> ''", f.Parent)
	}
	if f.Root != "" {
		c.add("number IN (SELECT number FROM run WHERE root = ? AND root <> '' UNION ALL SELECT number FROM run WHERE id = ?)", f.Root, f.Root)
	}
	c.between("created", f.CreatedAfter, f.CreatedBefore)
	c.between("updated", f.UpdatedAfter, f.UpdatedBefore)
	return c
}

// Runs implements storage.Store.
func (s *Store) Runs(ctx context.Context, f storage.RunFilter) ([]storage.Run, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	cond := runConditions(&f)
	direction, beyond := " DESC", "<"
	if f.Ascending {
		direction, beyond = "", ">"
	}
	column := string(f.Order)
	order := " ORDER BY number" + direction
	if f.Order != storage.ByCreation {
		order = " ORDER BY " + column + direction + ", number" + direction
	}
	var out []storage.Run
	err := s.readers.snapshot(ctx, func(c *conn) error {
		if f.Cursor != "" {
			number, err := c.number("SELECT number FROM run WHERE id = ?", f.Cursor)
			switch {
			case err != nil:
				return err
			case number == 0:
				return fmt.Errorf("run %s: %w", f.Cursor, storage.ErrNotFound)
			case f.Order == storage.ByCreation:
				cond.add("number "+beyond+" ?", number)
			default:
				cond.add("("+column+", number) "+beyond+" (SELECT "+column+", number FROM run WHERE number = ?)", number)
			}
		}
		return c.query(ctx, "SELECT "+runColumns+" FROM run"+cond.where()+order+" LIMIT ?", func(v []driver.Value) error {
			r, err := readRun(v)
			out = append(out, r)
			return err
		}, append(cond.args, int64(f.Limit))...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Run implements storage.Store.
func (s *Store) Run(ctx context.Context, id string) (*storage.Run, error) {
	var out *storage.Run
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT "+runColumns+" FROM run WHERE id = ? AND number > 0", func(v []driver.Value) error {
			r, err := readRun(v)
			out = &r
			return err
		}, id)
	})
	switch {
	case err != nil:
		return nil, err
	case out == nil:
		return nil, fmt.Errorf("run %s: %w", id, storage.ErrNotFound)
	}
	return out, nil
}

// Snapshot implements storage.Store.
func (s *Store) Snapshot(ctx context.Context, d canon.Digest) ([]byte, error) {
	return s.packed(ctx, "SELECT coding, data FROM snapshot WHERE digest = ?", "job snapshot", d)
}
