//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

func (w *writer) insertRun(r *storage.Run, tags string) error {
	row := *r
	row.Inserted()
	if !row.Status.Valid() {
		return fmt.Errorf("insert run %s with status %q: %w", r.ID, r.Status, storage.ErrTransition)
	}
	number, _, err := w.c.run("INSERT INTO run (id, job, selection, status, cause, tags, config, started, ended, steps, ran, reused, failed, skipped, "+
		"created, updated, parent, root, snapshot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		r.ID, r.Job, r.Selection, string(r.Status), r.Cause, tags, r.Config, nanos(r.Started), nanos(r.Ended),
		int64(r.Steps), int64(r.Ran), int64(r.Reused), int64(r.Failed), int64(r.Skipped),
		nanos(row.Created), nanos(row.Updated), r.Parent, r.Root, optionalDigest(r.Snapshot))
	if err != nil {
		return fmt.Errorf("insert run %s: %w", r.ID, err)
	}
	w.state.runs[r.ID] = &runState{number: number, status: r.Status}
	return w.insertTags(number, r.Tags)
}

func (w *writer) insertTags(run int64, tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if _, _, err := w.c.run("INSERT INTO run_tag (key, value, run) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", key, tags[key], run); err != nil {
			return err
		}
	}
	return nil
}

// optionalDigest is how a digest that may be zero is stored.
func optionalDigest(d canon.Digest) []byte {
	if d.IsZero() {
		return []byte{}
	}
	return d[:]
}

// startRun lets a stored run begin.
func (w *writer) startRun(s *storage.Run, tags string) error {
	r, err := w.transition("start", s.ID, s.Status)
	if err != nil {
		return err
	}
	if s.Status.Finished() {
		return fmt.Errorf("start run %s with status %s: %w", s.ID, s.Status, storage.ErrTransition)
	}
	_, _, err = w.c.run("UPDATE run SET status = ?, cause = ?, selection = ?, tags = ?, config = ?, snapshot = ?, started = ?, steps = ?, updated = max(updated, ?) WHERE number = ?",
		string(s.Status), s.Cause, s.Selection, tags, s.Config, optionalDigest(s.Snapshot), nanos(s.Started), int64(s.Steps), nanos(s.Started), r.number)
	if err != nil {
		return err
	}
	if _, _, err := w.c.run("DELETE FROM run_tag WHERE run = ?", r.number); err != nil {
		return err
	}
	r.status = s.Status
	return w.insertTags(r.number, s.Tags)
}

func (w *writer) moveRun(m *storage.Move) error {
	r, err := w.transition("move", m.RunID, m.To)
	if err != nil {
		return err
	}
	if m.To.Finished() {
		return fmt.Errorf("move run %s to %s, which is an end: %w", m.RunID, m.To, storage.ErrTransition)
	}
	_, _, err = w.c.run("UPDATE run SET status = ?, updated = max(updated, ?) WHERE number = ?", string(m.To), nanos(m.Time), r.number)
	r.status = m.To
	return err
}

// transition returns the state of a run that may take a status.
func (w *writer) transition(what, id string, to storage.RunStatus) (*runState, error) {
	r, err := w.run(id)
	if err != nil {
		return nil, err
	}
	if err := storage.Transition(r.status, to); err != nil {
		return nil, fmt.Errorf("%s run %s: %w", what, id, err)
	}
	return r, nil
}

// countsOn refuses a batch whose job snapshot is not there: a run that had it last may have been deleted since somebody looked.
func (w *writer) countsOn(snapshot canon.Digest) error {
	if snapshot.IsZero() {
		return nil
	}
	n, err := w.c.number("SELECT count(*) FROM snapshot WHERE digest = ?", snapshot[:])
	if err == nil && n == 0 {
		err = fmt.Errorf("job snapshot %s: %w", snapshot, storage.ErrNoSnapshot)
	}
	return err
}

// deleteRun removes a run with its events and tags, and its job snapshot if no other run has it.
func (w *writer) deleteRun(id string) error {
	r, err := w.run(id)
	if err != nil {
		return err
	}
	if !r.status.Finished() {
		return fmt.Errorf("delete run %s, which is %s: %w", id, r.status, storage.ErrUnfinished)
	}
	const snapshot = "DELETE FROM snapshot WHERE digest = (SELECT snapshot FROM run WHERE number = ?1) " +
		"AND NOT EXISTS (SELECT 1 FROM run r WHERE r.snapshot = snapshot.digest AND r.number <> ?1)"
	if _, _, err := w.c.run(snapshot, r.number); err != nil {
		return err
	}
	delete(w.state.runs, id)
	_, _, err = w.c.run("DELETE FROM run WHERE number = ?", r.number)
	return err
}

// run returns the state of a run, read once per transaction: another process may write to the same run between two.
func (w *writer) run(id string) (*runState, error) {
	if r, ok := w.state.runs[id]; ok {
		return r, nil
	}
	var r *runState
	const text = "SELECT r.number, r.status, (SELECT coalesce(max(e.seq), 0) FROM event e WHERE e.run = r.number) FROM run r WHERE r.id = ?"
	err := w.c.query(context.Background(), text, func(v []driver.Value) error {
		row := reader{row: v}
		r = &runState{number: row.int(), status: storage.RunStatus(row.text()), seq: row.int()}
		return row.err
	}, id)
	if err != nil {
		return nil, err
	}
	if r == nil && id == "" {
		r, err = &runState{}, w.insertNoRun()
	}
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("run %s: %w", id, storage.ErrNotFound)
	}
	w.state.runs[id] = r
	return r, nil
}

// insertNoRun makes the row that events of no run belong to: 0, which no look-up of runs finds.
func (w *writer) insertNoRun() error {
	_, _, err := w.c.run("INSERT INTO run (number, id, job, selection, status, cause, tags, config, started, ended, steps, ran, reused, failed, skipped) " +
		"VALUES (0, '', '', '', '', '', '{}', '', 0, 0, 0, 0, 0, 0, 0)")
	return err
}

// maxRows is how many events go into one statement.
const maxRows = 8

// insertEvents has a statement for each number of rows: the calls into SQLite cost more than what it does. One of them binds the texts that most events leave
// empty, the other has them as they are; run and step are bound once for all rows.
var insertEvents = func() (texts [2][maxRows + 1]string) {
	const into = "INSERT INTO event (run, step, seq, time, type, data, asset, rare, level, message, partition) VALUES "
	for i, row := range []string{"(?1, ?2, ?, ?, ?, ?, ?, ?, '', '', '')", "(?1, ?2, ?, ?, ?, ?, ?, ?, ?, ?, ?)"} {
		for n := 1; n <= maxRows; n++ {
			texts[i][n] = into + row + strings.Repeat(", "+row, n-1)
		}
	}
	return texts
}()

// textual is 1 for an event with a text besides its type, and 0 for others: which statement inserts it.
func textual(e *storage.Event) int {
	if e.Level == "" && e.Message == "" && e.Partition == "" {
		return 0
	}
	return 1
}

// alike returns how many of the events, from the first on, one statement inserts.
func alike(events []storage.Event) int {
	n, first := 1, &events[0]
	for n < min(len(events), maxRows) && events[n].RunID == first.RunID && events[n].StepKey == first.StepKey && textual(&events[n]) == textual(first) {
		n++
	}
	return n
}

func rareness(t storage.EventType) int64 {
	if isCommon(t) {
		return 0
	}
	return 1
}

func (w *writer) insertEvents(events []storage.Event) error {
	for len(events) > 0 {
		part := events[:alike(events)]
		events = events[len(part):]
		r, err := w.run(part[0].RunID)
		if err != nil {
			return err
		}
		if r.status.Finished() {
			return fmt.Errorf("event %s of run %s: %w", part[0].Type, part[0].RunID, storage.ErrFinished)
		}
		args := append(w.args[:0], r.number, part[0].StepKey)
		for i := range part {
			e := &part[i]
			if e.RunID == "" || e.Noted { // nothing else may know of the asset
				if _, _, err := w.c.run("INSERT INTO asset_record (asset, record) VALUES (?, 0) ON CONFLICT DO NOTHING", e.Asset); err != nil {
					return err
				}
			}
			r.seq++
			var data driver.Value
			if e.Data != nil {
				data = e.Data
			}
			args = append(args, r.seq, nanos(e.Time), string(e.Type), data, e.Asset, rareness(e.Type))
			if textual(e) == 1 {
				args = append(args, e.Level, e.Message, e.Partition)
			}
		}
		w.args = args
		if _, _, err := w.c.run(insertEvents[textual(&part[0])][len(part)], args...); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) finishRun(f *storage.Run) error {
	if !f.Status.Finished() {
		return fmt.Errorf("finish run %s with status %s, which is not an end: %w", f.ID, f.Status, storage.ErrTransition)
	}
	r, err := w.transition("finish", f.ID, f.Status)
	if err != nil {
		return err
	}
	_, _, err = w.c.run("UPDATE run SET status = ?, cause = ?, ended = ?, steps = ?, ran = ?, reused = ?, failed = ?, skipped = ?, updated = max(updated, ?) WHERE number = ?",
		string(f.Status), f.Cause, nanos(f.Ended), int64(f.Steps), int64(f.Ran), int64(f.Reused), int64(f.Failed), int64(f.Skipped), nanos(f.Ended), r.number)
	r.status = f.Status
	return err
}
