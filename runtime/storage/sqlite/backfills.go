//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

const backfillColumns = "number, id, status, title, selection, definition, partitions, total, newest, per_run, concurrent, executor, tags, config, created, updated, ended, cause, " +
	"through, done, reused, failed, done_count, reused_count, failed_count, job"

func readBackfill(v []driver.Value) (storage.Backfill, error) {
	row := reader{row: v}
	b := storage.Backfill{
		Number: row.int(), ID: row.text(), Status: storage.BackfillStatus(row.text()), Title: row.text(), Selection: row.text(), Definition: row.text(), Partitions: row.text(),
		Total: int(row.int()), Newest: row.int() != 0, PerRun: int(row.int()), Concurrent: int(row.int()), Executor: row.text(),
	}
	tags := row.text()
	b.Config, b.Created, b.Updated, b.Ended, b.Cause = row.text(), row.time(), row.time(), row.time(), row.text()
	b.Progress = storage.BackfillProgress{
		Through: row.int(), Done: row.text(), Reused: row.text(), Failed: row.text(), DoneCount: int(row.int()), ReusedCount: int(row.int()), FailedCount: int(row.int()),
	}
	b.Job = row.text()
	if row.err != nil {
		return b, row.err
	}
	if err := json.Unmarshal([]byte(tags), &b.Tags); err != nil {
		return b, fmt.Errorf("%w: the tags of backfill %s: %w", storage.ErrCorrupt, b.ID, err)
	}
	return b, nil
}

func (w *writer) insertBackfill(b *storage.Backfill) error {
	if !b.Status.Valid() {
		return fmt.Errorf("insert backfill %s with status %q: %w", b.ID, b.Status, storage.ErrTransition)
	}
	tags, err := json.Marshal(b.Tags)
	if err != nil {
		return fmt.Errorf("tags of backfill %s: %w", b.ID, err)
	}
	newest := int64(0)
	if b.Newest {
		newest = 1
	}
	p := &b.Progress
	_, _, err = w.c.run("INSERT INTO backfill (id, status, title, selection, definition, partitions, total, newest, per_run, concurrent, executor, tags, config, created, updated, ended, cause, "+
		"through, done, reused, failed, done_count, reused_count, failed_count, job) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		b.ID, string(b.Status), b.Title, b.Selection, b.Definition, b.Partitions, int64(b.Total), newest, int64(b.PerRun), int64(b.Concurrent), b.Executor, string(tags), b.Config,
		nanos(b.Created), nanos(b.Created), nanos(b.Ended), b.Cause, p.Through, p.Done, p.Reused, p.Failed, int64(p.DoneCount), int64(p.ReusedCount), int64(p.FailedCount), b.Job)
	if err != nil {
		return fmt.Errorf("insert backfill %s: %w", b.ID, err)
	}
	return nil
}

// changeBackfill changes a row by what it is in this transaction: another process may have changed its status since.
func (w *writer) changeBackfill(c *storage.BackfillChange) error {
	b, err := findBackfill(context.Background(), w.c, c.ID)
	if err != nil {
		return err
	}
	if c.To != "" {
		if err := storage.BackfillTransition(b.Status, c.To); err != nil {
			return fmt.Errorf("backfill %s: %w", c.ID, err)
		}
	}
	b.Apply(c)
	p := &b.Progress
	_, _, err = w.c.run("UPDATE backfill SET status = ?, cause = ?, ended = ?, updated = ?, through = ?, done = ?, reused = ?, failed = ?, done_count = ?, reused_count = ?, failed_count = ? "+
		"WHERE number = ?", string(b.Status), b.Cause, nanos(b.Ended), nanos(b.Updated), p.Through, p.Done, p.Reused, p.Failed,
		int64(p.DoneCount), int64(p.ReusedCount), int64(p.FailedCount), b.Number)
	return err
}

func findBackfill(ctx context.Context, c *conn, id string) (*storage.Backfill, error) {
	var out *storage.Backfill
	err := c.query(ctx, "SELECT "+backfillColumns+" FROM backfill WHERE id = ?", func(v []driver.Value) error {
		b, err := readBackfill(v)
		out = &b
		return err
	}, id)
	if err == nil && out == nil {
		err = fmt.Errorf("backfill %s: %w", id, storage.ErrNotFound)
	}
	return out, err
}

// Backfills implements storage.Store.
func (s *Store) Backfills(ctx context.Context, f storage.BackfillFilter) ([]storage.Backfill, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	cond := &conditions{}
	in(cond, "id", f.IDs)
	in(cond, "status", f.Statuses)
	var out []storage.Backfill
	err := s.readers.snapshot(ctx, func(c *conn) error {
		if f.Cursor != "" {
			number, err := c.number("SELECT number FROM backfill WHERE id = ?", f.Cursor)
			if err != nil {
				return err
			}
			if number == 0 {
				return fmt.Errorf("backfill %s: %w", f.Cursor, storage.ErrNotFound)
			}
			cond.add("number < ?", number)
		}
		return c.query(ctx, "SELECT "+backfillColumns+" FROM backfill"+cond.where()+" ORDER BY number DESC LIMIT ?", func(v []driver.Value) error {
			b, err := readBackfill(v)
			out = append(out, b)
			return err
		}, append(cond.args, int64(f.Limit))...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Backfill implements storage.Store.
func (s *Store) Backfill(ctx context.Context, id string) (out *storage.Backfill, runs []storage.BackfillRun, err error) {
	const text = "SELECT r.number, r.id, r.status, r.cause, r.tags, r.ran FROM run_tag t CROSS JOIN run r ON r.number = t.run WHERE t.key = ? AND t.value = ? AND t.run > ? ORDER BY t.run"
	err = s.readers.snapshot(ctx, func(c *conn) error {
		if out, err = findBackfill(ctx, c, id); err != nil {
			return err
		}
		return c.query(ctx, text, func(v []driver.Value) error {
			row := reader{row: v}
			r := storage.BackfillRun{Number: row.int(), ID: row.text(), Status: storage.RunStatus(row.text()), Cause: row.text()}
			tags := row.text()
			if r.Ran = int(row.int()); row.err != nil {
				return row.err
			}
			if err := json.Unmarshal([]byte(tags), &r.Tags); err != nil {
				return fmt.Errorf("%w: the tags of run %s: %w", storage.ErrCorrupt, r.ID, err)
			}
			runs = append(runs, r)
			return nil
		}, storage.TagBackfill, id, out.Progress.Through)
	})
	if err != nil {
		return nil, nil, err
	}
	return out, runs, nil
}
