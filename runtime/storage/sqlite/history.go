//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

const runColumns = "id, job, selection, status, cause, tags, config, started, ended, steps, ran, reused, failed, skipped"

func readRun(v []driver.Value) (storage.Run, error) {
	row := reader{row: v}
	r := storage.Run{ID: row.text(), Job: row.text(), Selection: row.text(), Status: storage.RunStatus(row.text()), Cause: row.text()}
	tags := row.text()
	r.Config, r.Started, r.Ended = row.text(), row.time(), row.time()
	r.Steps, r.Ran, r.Reused, r.Failed, r.Skipped = int(row.int()), int(row.int()), int(row.int()), int(row.int()), int(row.int())
	if row.err != nil {
		return r, row.err
	}
	if err := json.Unmarshal([]byte(tags), &r.Tags); err != nil {
		return r, fmt.Errorf("%w: the tags of run %s: %w", storage.ErrCorrupt, r.ID, err)
	}
	return r, nil
}

// Runs implements storage.Store.
func (s *Store) Runs(ctx context.Context, f storage.RunFilter) ([]storage.Run, error) {
	var where []string
	var args []driver.Value
	if f.Job != "" {
		where, args = append(where, "job = ?"), append(args, f.Job)
	}
	if len(f.Statuses) > 0 {
		where = append(where, "status IN (?"+strings.Repeat(", ?", len(f.Statuses)-1)+")")
		for _, status := range f.Statuses {
			args = append(args, string(status))
		}
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	var out []storage.Run
	err := s.readers.snapshot(ctx, func(c *conn) error {
		if f.Before != "" {
			number, err := c.number("SELECT number FROM run WHERE id = ?", f.Before)
			if err != nil {
				return err
			}
			if number == 0 {
				return fmt.Errorf("run %s: %w", f.Before, storage.ErrNotFound)
			}
			where, args = append(where, "number < ?"), append(args, number)
		}
		text := "SELECT " + runColumns + " FROM run"
		if len(where) > 0 {
			text += " WHERE " + strings.Join(where, " AND ")
		}
		return c.query(ctx, text+" ORDER BY number DESC LIMIT ?", func(v []driver.Value) error {
			r, err := readRun(v)
			out = append(out, r)
			return err
		}, append(args, int64(f.Limit))...)
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
		return c.query(ctx, "SELECT "+runColumns+" FROM run WHERE id = ?", func(v []driver.Value) error {
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

// Events implements storage.Store.
func (s *Store) Events(ctx context.Context, runID string, after int64, limit int) ([]storage.Event, error) {
	if limit <= 0 {
		limit = -1
	}
	const text = "SELECT seq, time, type, step, level, message, data FROM event " +
		"WHERE run = (SELECT number FROM run WHERE id = ?) AND seq > ? ORDER BY seq LIMIT ?"
	var out []storage.Event
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, text, func(v []driver.Value) error {
			row := reader{row: v}
			out = append(out, storage.Event{
				RunID: runID, Seq: row.int(), Time: row.time(), Type: storage.EventType(row.text()),
				StepKey: row.text(), Level: row.text(), Message: row.text(), Data: row.optional(),
			})
			return row.err
		}, runID, after, int64(limit))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
