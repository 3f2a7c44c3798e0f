//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"

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
	if err := w.countsOn(b.Counts); err != nil {
		return err
	}
	if b.NewRun != nil {
		if err := w.insertRun(b.NewRun, e.tags); err != nil {
			return err
		}
	}
	if b.Start != nil {
		if err := w.startRun(b.Start, e.tags); err != nil {
			return err
		}
	}
	if b.Move != nil {
		if err := w.moveRun(b.Move); err != nil {
			return err
		}
	}
	if b.NewBackfill != nil {
		if err := w.insertBackfill(b.NewBackfill); err != nil {
			return err
		}
	}
	if b.Backfill != nil {
		if err := w.changeBackfill(b.Backfill); err != nil {
			return err
		}
	}
	for _, x := range e.snapshots {
		const text = "INSERT INTO snapshot (digest, coding, data) VALUES (?, ?, ?) ON CONFLICT (digest) DO UPDATE " +
			"SET coding = excluded.coding, data = excluded.data WHERE data <> excluded.data OR coding <> excluded.coding"
		if _, _, err := w.c.run(text, x.digest[:], int64(x.coding), x.data); err != nil {
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
	for _, asset := range b.Wipe {
		if err := w.wipe(asset); err != nil {
			return err
		}
	}
	for i := range b.Files {
		if err := w.replaceFileState(&b.Files[i]); err != nil {
			return err
		}
	}
	if err := w.applyPartitions(b); err != nil {
		return err
	}
	if err := w.insertEvents(b.Events); err != nil {
		return err
	}
	if b.Finish != nil {
		if err := w.finishRun(b.Finish); err != nil {
			return err
		}
	}
	for _, id := range b.Delete {
		if err := w.deleteRun(id); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertRecord(r *storage.Record, data []byte) error {
	number, err := w.nextRecord()
	if err != nil {
		return err
	}
	identity, err := w.setLatest(r.Identity, number, briefOf(r))
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
	there, brief, err := w.briefFor(a)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("alias of record %d: %w", a.Record, storage.ErrNotFound)
	}
	if !a.Step.IsZero() {
		if _, _, err := w.c.run("INSERT INTO step_record (step, record) VALUES (?, ?) ON CONFLICT DO NOTHING", a.Step[:], a.Record); err != nil {
			return err
		}
	}
	_, err = w.setLatest(a.Identity, a.Record, brief)
	return err
}

// setLatest makes a record, of which there may be a brief, the latest of an identity and returns the identity's number; 0 for the empty one, which has no latest.
func (w *writer) setLatest(name string, record int64, brief []byte) (identity int64, err error) {
	if name == "" {
		return 0, nil
	}
	briefed := record
	if brief == nil {
		brief, briefed = []byte{}, 0
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
		if n, _, err = w.c.run("INSERT INTO identity (name, latest, briefed, brief) VALUES (?, ?, ?, ?)", name, record, briefed, brief); err != nil {
			return 0, err
		}
		w.state.newIdentities[name] = n
		return n, nil
	}
	if !ok {
		w.state.newIdentities[name] = n
	}
	_, changed, err := w.c.run("UPDATE identity SET latest = ?, briefed = ?, brief = ? WHERE number = ?", record, briefed, brief, n)
	if err == nil && changed != 1 {
		err = fmt.Errorf("identity %q: %w", name, storage.ErrNotFound)
	}
	return n, err
}

// wipe forgets an asset. Its records are retired, as a clean-up retires them.
func (w *writer) wipe(asset string) error {
	// Those of an asset without a value have its identity alone.
	const find = "SELECT record FROM asset_record WHERE asset = ?1 AND record > 0 UNION " +
		"SELECT r.number FROM identity i JOIN record r ON r.identity = i.number WHERE i.name = 'asset:' || ?1"
	var records []int64
	err := w.c.query(context.Background(), find, func(v []driver.Value) error {
		row := reader{row: v}
		records = append(records, row.int())
		return row.err
	}, asset)
	if err != nil {
		return err
	}
	list, err := numbers(records)
	if err != nil {
		return err
	}
	for _, text := range retiring {
		if _, _, err := w.c.run(text, list); err != nil {
			return err
		}
	}
	const forget = "UPDATE identity SET latest = 0 WHERE latest IN (SELECT value FROM json_each(?)) " +
		"AND NOT EXISTS (SELECT 1 FROM asset_record a WHERE a.record = identity.latest AND a.asset <> ?)"
	if _, _, err := w.c.run(forget, list, asset); err != nil {
		return err
	}
	if _, _, err := w.c.run("DELETE FROM asset_record WHERE asset = ?", asset); err != nil {
		return err
	}
	_, _, err = w.c.run("UPDATE event SET asset = '' WHERE asset = ? AND asset <> ''", asset)
	return err
}

func (w *writer) replaceFileState(f *storage.FileState) error {
	_, _, err := w.c.run("INSERT OR REPLACE INTO file_state (path, size, device, inode, modified, changed, boot, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		f.Path, f.Size, int64(f.Device), int64(f.Inode), f.Modified, f.Changed, f.Boot, f.Digest[:])
	return err
}
