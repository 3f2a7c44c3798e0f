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

// A runState is what the writer knows of a run inside a transaction.
type runState struct {
	number int64
	status storage.RunStatus
	seq    int64 // of its last event
}

// A writerState caches what the transactions of this writer need to know. Whatever another process may change is forgotten at
// the end of each transaction; what was learnt in one that did not commit is never kept.
type writerState struct {
	runs       map[string]*runState // of this transaction
	lastRecord int64                // of this transaction; 0: not known
	identities map[string]int64     // numbers; they never change
	manifests  map[canon.Digest]bool

	newIdentities map[string]int64
	newManifests  map[canon.Digest]bool
}

// maxCached bounds each cache of a writer; a full one starts again.
const maxCached = 100_000

func newWriterState() writerState {
	return writerState{
		runs: map[string]*runState{}, identities: map[string]int64{}, manifests: map[canon.Digest]bool{},
		newIdentities: map[string]int64{}, newManifests: map[canon.Digest]bool{},
	}
}

func (s *writerState) discard() {
	clear(s.runs)
	s.lastRecord = 0
	clear(s.newIdentities)
	clear(s.newManifests)
}

// keep takes over what was learnt in a transaction that is committed.
func (s *writerState) keep() {
	if len(s.identities) > maxCached {
		clear(s.identities)
	}
	if len(s.manifests) > maxCached {
		clear(s.manifests)
	}
	maps.Copy(s.identities, s.newIdentities)
	maps.Copy(s.manifests, s.newManifests)
	s.discard()
}

// apply runs the statements of one batch inside the open transaction.
func (w *writer) apply(p *pending) error {
	b, e := p.batch, &p.encoded
	if b.NewRun != nil {
		if err := w.insertRun(b.NewRun, e.tags); err != nil {
			return err
		}
	}
	for _, m := range e.manifests {
		if w.state.manifests[m.digest] || w.state.newManifests[m.digest] {
			continue
		}
		const text = "INSERT INTO manifest (digest, coding, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
		if _, _, err := w.c.run(text, m.digest[:], int64(m.coding), m.data); err != nil {
			return err
		}
		w.state.newManifests[m.digest] = true
	}
	for _, x := range e.blobs {
		// A blob that is there is written again only if its bytes differ: then it is damaged, and this heals it.
		const text = "INSERT INTO blob (digest, coding, data) VALUES (?, ?, ?) ON CONFLICT (digest) DO UPDATE " +
			"SET coding = excluded.coding, data = excluded.data WHERE data <> excluded.data OR coding <> excluded.coding"
		if _, _, err := w.c.run(text, x.digest[:], int64(x.coding), x.data); err != nil {
			return err
		}
	}
	for i := range b.Records {
		if err := w.insertRecord(&b.Records[i], e.records[i]); err != nil {
			return err
		}
	}
	for i := range b.Aliases {
		if err := w.insertAlias(&b.Aliases[i]); err != nil {
			return err
		}
	}
	for _, number := range b.Drop {
		if _, _, err := w.c.run("UPDATE record SET usable = 0 WHERE number = ?", number); err != nil {
			return err
		}
	}
	for i := range b.Files {
		if err := w.replaceFileState(&b.Files[i]); err != nil {
			return err
		}
	}
	if err := w.insertEvents(b.Events); err != nil {
		return err
	}
	if b.Finish != nil {
		return w.finishRun(b.Finish)
	}
	return nil
}

func (w *writer) insertRun(r *storage.Run, tags string) error {
	number, _, err := w.c.run("INSERT INTO run (id, job, selection, status, cause, tags, config, started, ended, steps, ran, reused, failed, skipped) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		r.ID, r.Job, r.Selection, string(r.Status), r.Cause, tags, r.Config, nanos(r.Started), nanos(r.Ended),
		int64(r.Steps), int64(r.Ran), int64(r.Reused), int64(r.Failed), int64(r.Skipped))
	if err != nil {
		return fmt.Errorf("insert run %s: %w", r.ID, err)
	}
	w.state.runs[r.ID] = &runState{number: number, status: r.Status}
	return nil
}

// run returns the state of a run, read once per transaction: another process may write to the same run between two.
func (w *writer) run(id string) (*runState, error) {
	if r, ok := w.state.runs[id]; ok {
		return r, nil
	}
	var r *runState
	const text = "SELECT number, status, (SELECT coalesce(max(seq), 0) FROM event WHERE run = number) FROM run WHERE id = ?"
	err := w.c.query(context.Background(), text, func(v []driver.Value) error {
		row := reader{row: v}
		r = &runState{number: row.int(), status: storage.RunStatus(row.text()), seq: row.int()}
		return row.err
	}, id)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, fmt.Errorf("run %s: %w", id, storage.ErrNotFound)
	}
	w.state.runs[id] = r
	return r, nil
}

// maxRows is how many events go into one statement.
const maxRows = 8

// insertEvents has a statement for each number of rows: the calls into SQLite cost more than what it does.
var insertEvents = func() (texts [maxRows + 1]string) {
	const row = "(?, ?, ?, ?, ?, ?, ?, ?)"
	for n := 1; n <= maxRows; n++ {
		texts[n] = "INSERT INTO event (run, seq, time, type, step, level, message, data) VALUES " + row + strings.Repeat(", "+row, n-1)
	}
	return texts
}()

func (w *writer) insertEvents(events []storage.Event) error {
	for part := range slices.Chunk(events, maxRows) {
		args := w.args[:0]
		for i := range part {
			e := &part[i]
			r, err := w.run(e.RunID)
			if err != nil {
				return err
			}
			if r.status.Finished() {
				return fmt.Errorf("event %s of run %s: %w", e.Type, e.RunID, storage.ErrFinished)
			}
			r.seq++
			var data driver.Value
			if e.Data != nil {
				data = e.Data
			}
			args = append(args, r.number, r.seq, nanos(e.Time), string(e.Type), e.StepKey, e.Level, e.Message, data)
		}
		w.args = args
		if _, _, err := w.c.run(insertEvents[len(part)], args...); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) finishRun(f *storage.Run) error {
	r, err := w.run(f.ID)
	if err != nil {
		return err
	}
	if r.status.Finished() {
		return fmt.Errorf("finish run %s: %w", f.ID, storage.ErrFinished)
	}
	if !f.Status.Finished() {
		return fmt.Errorf("finish run %s with status %s, which is not an end", f.ID, f.Status)
	}
	_, _, err = w.c.run("UPDATE run SET status = ?, cause = ?, ended = ?, steps = ?, ran = ?, reused = ?, failed = ?, skipped = ? WHERE number = ?",
		string(f.Status), f.Cause, nanos(f.Ended), int64(f.Steps), int64(f.Ran), int64(f.Reused), int64(f.Failed), int64(f.Skipped), r.number)
	r.status = f.Status
	return err
}

func (w *writer) insertRecord(r *storage.Record, data []byte) error {
	number, err := w.nextRecord()
	if err != nil {
		return err
	}
	identity, err := w.setLatest(r.Identity, number)
	if err != nil {
		return err
	}
	if _, _, err := w.c.run("INSERT INTO record (number, usable, identity, data) VALUES (?, 1, ?, ?)", number, identity, data); err != nil {
		return err
	}
	if _, _, err := w.c.run("INSERT INTO step_record (step, record) VALUES (?, ?)", r.Step[:], number); err != nil {
		return err
	}
	if _, _, err := w.c.run("INSERT INTO content_record (content, record) VALUES (?, ?)", r.Content[:], number); err != nil {
		return err
	}
	for i := range r.Outputs {
		if asset := r.Outputs[i].Asset; asset != "" {
			if _, _, err := w.c.run("INSERT INTO asset_record (asset, record) VALUES (?, ?) ON CONFLICT DO NOTHING", asset, number); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextRecord returns the number of the next record. Numbers are never used again, also when the last record is removed.
func (w *writer) nextRecord() (int64, error) {
	if w.state.lastRecord == 0 {
		n, err := w.c.number("SELECT max(seq) FROM sqlite_sequence WHERE name = 'record'")
		if err != nil {
			return 0, err
		}
		w.state.lastRecord = n
	}
	w.state.lastRecord++
	return w.state.lastRecord, nil
}

func (w *writer) insertAlias(a *storage.Alias) error {
	there, err := w.c.number("SELECT count(*) FROM record WHERE number = ?", a.Record)
	if err != nil {
		return err
	}
	if there == 0 {
		return fmt.Errorf("alias of record %d: %w", a.Record, storage.ErrNotFound)
	}
	if !a.Step.IsZero() {
		if _, _, err := w.c.run("INSERT INTO step_record (step, record) VALUES (?, ?) ON CONFLICT DO NOTHING", a.Step[:], a.Record); err != nil {
			return err
		}
	}
	_, err = w.setLatest(a.Identity, a.Record)
	return err
}

// setLatest makes a record the latest of an identity and returns the identity's number; 0 for the empty one, which has no latest.
func (w *writer) setLatest(name string, record int64) (identity int64, err error) {
	if name == "" {
		return 0, nil
	}
	n, ok := w.state.identities[name]
	if !ok {
		n, ok = w.state.newIdentities[name]
	}
	if !ok {
		if n, err = w.c.number("SELECT number FROM identity WHERE name = ?", name); err != nil {
			return 0, err
		}
	}
	if n == 0 {
		if n, _, err = w.c.run("INSERT INTO identity (name, latest) VALUES (?, ?)", name, record); err != nil {
			return 0, err
		}
		w.state.newIdentities[name] = n
		return n, nil
	}
	if !ok {
		w.state.newIdentities[name] = n
	}
	_, changed, err := w.c.run("UPDATE identity SET latest = ? WHERE number = ?", record, n)
	if err == nil && changed != 1 {
		err = fmt.Errorf("identity %q: %w", name, storage.ErrNotFound)
	}
	return n, err
}

func (w *writer) replaceFileState(f *storage.FileState) error {
	_, _, err := w.c.run("INSERT OR REPLACE INTO file_state (path, size, device, inode, modified, changed, boot, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		f.Path, f.Size, int64(f.Device), int64(f.Inode), f.Modified, f.Changed, f.Boot, f.Digest[:])
	return err
}
