//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/storage"
)

const eventColumns = "e.seq, e.time, e.type, e.step, e.level, e.message, e.data, e.asset, e.partition"

// event reads the columns of eventColumns.
func (r *reader) event(runID string) storage.Event {
	return storage.Event{
		RunID: runID, Seq: r.int(), Time: r.time(), Type: storage.EventType(r.text()), StepKey: r.text(), Level: r.text(), Message: r.text(),
		Data: r.optional(), Asset: r.text(), Partition: r.text(),
	}
}

// Events implements storage.Store.
func (s *Store) Events(ctx context.Context, runID string, after int64, limit int) ([]storage.Event, error) {
	if limit <= 0 {
		limit = -1
	}
	const text = "SELECT " + eventColumns + " FROM event e " +
		"WHERE e.run = (SELECT number FROM run WHERE id = ?) AND e.seq > ? ORDER BY e.seq LIMIT ?"
	var out []storage.Event
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, text, func(v []driver.Value) error {
			row := reader{row: v}
			out = append(out, row.event(runID))
			return row.err
		}, runID, after, int64(limit))
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// isCommon reports whether each step has events of a type: those are left out of the indexes by type.
func isCommon(t storage.EventType) bool {
	switch t {
	case storage.EventStepStart, storage.EventStepInput, storage.EventStepOutput, storage.EventStepSuccess, storage.EventLoadedInput, storage.EventHandledOutput, storage.EventLog:
		return true
	}
	return false
}

// rare are the words of those indexes, by which SQLite knows that it may use them.
const rare = "e.rare = 1"

// EventRecords implements storage.Store.
func (s *Store) EventRecords(ctx context.Context, f storage.EventFilter) (storage.EventPage, error) {
	cond := &conditions{}
	order := "e.number"
	if f.RunID != "" {
		// Within a run seq has the same order, and an index: a cursor that is an event of the run is found in it.
		order = "e.seq"
		const number, seq = "(SELECT number FROM run WHERE id = ?)", "(SELECT c.seq FROM event c JOIN run ON run.number = c.run WHERE c.number = ? AND run.id = ?)"
		cond.add("e.run = "+number, f.RunID)
		if f.After > 0 {
			cond.add("e.seq > coalesce("+seq+", 0)", int64(f.After), f.RunID)
		}
		if f.Before > 0 {
			cond.add("e.seq < coalesce("+seq+", 9223372036854775807)", int64(f.Before), f.RunID)
		}
	}
	cond.text("r.job", f.Job)
	cond.text("e.step", f.StepKey)
	if len(f.Types) > 0 {
		in(cond, "e.type", f.Types)
		if !slices.ContainsFunc(f.Types, isCommon) {
			cond.add(rare)
			if f.RunID != "" {
				order = "+e.seq" // not by the index that has the order: that would look at the whole run for what is rare in it
			}
		}
	}
	in(cond, "e.level", f.Levels)
	if f.Asset != "" {
		cond.add("e.asset = ? AND e.asset <> ''", f.Asset)
	}
	in(cond, "e.partition", f.Partitions)
	if f.After > 0 {
		cond.add("e.number > ?", int64(f.After))
	}
	if f.Before > 0 {
		cond.add("e.number < ?", int64(f.Before))
	}
	cond.between("e.time", f.AfterTime, f.BeforeTime)
	direction := " DESC"
	if f.Ascending {
		direction = ""
	}
	text := "SELECT r.id, r.job, e.number, " + eventColumns + " FROM event e CROSS JOIN run r ON r.number = e.run" + cond.where() + " ORDER BY " + order + direction + " LIMIT ?"
	var found []storage.EventRecord
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, text, func(v []driver.Value) error {
			row := reader{row: v}
			id, job, number := row.text(), row.text(), row.int()
			found = append(found, storage.EventRecord{Event: row.event(id), Number: storage.Cursor(number), Job: job})
			return row.err
		}, append(cond.args, int64(f.Most())+1)...)
	})
	if err != nil {
		return storage.EventPage{}, err
	}
	return f.Page(found), nil
}
