//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

var _ storage.Upkeeper = (*Store)(nil)

const scanText = "SELECT r.number, r.usable, r.data, EXISTS (SELECT 1 FROM content_record WHERE content = substr(r.data, 33, 32) AND record = r.number), " +
	"r.number IN (SELECT latest FROM identity) FROM record r WHERE r.number > ? ORDER BY r.number"

// ScanRecords implements storage.Upkeeper.
func (s *Store) ScanRecords(ctx context.Context, after int64, each func(*storage.ScannedRecord) error) error {
	return s.readers.with(ctx, func(c *conn) error { return scanRecords(ctx, c, after, each) })
}

func scanRecords(ctx context.Context, c *conn, after int64, each func(*storage.ScannedRecord) error) error {
	n := 0
	// The context is looked at by us: watching it would make the driver start a goroutine and interrupt the statement.
	return c.query(context.Background(), scanText, func(v []driver.Value) error {
		if n++; n%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		row := reader{row: v}
		rec := &storage.ScannedRecord{}
		rec.ID, rec.Usable = row.int(), row.int() != 0
		data := row.bytes()
		rec.Found, rec.Latest = row.int() != 0, row.int() != 0
		if rec.Err = row.err; rec.Err == nil {
			rec.Err = decodeRecord(data, &rec.Record)
		}
		return each(rec)
	}, after)
}

// ScanBlobs implements storage.Upkeeper.
func (s *Store) ScanBlobs(ctx context.Context, each func(d canon.Digest, size int64) error) error {
	return s.readers.with(ctx, func(c *conn) error { return scanBlobs(c, "blob", each) })
}

func scanBlobs(c *conn, table string, each func(d canon.Digest, size int64) error) error {
	return c.query(context.Background(), "SELECT digest, length(data) FROM "+table, func(v []driver.Value) error {
		row := reader{row: v}
		d, size := row.digest(), row.int()
		if row.err != nil {
			return row.err
		}
		return each(d, size)
	})
}

// retiring are the statements that let a list of records be found by no version any more.
var retiring = []string{
	"UPDATE record SET usable = 0 WHERE number IN (SELECT value FROM json_each(?))",
	"DELETE FROM content_record WHERE record IN (SELECT value FROM json_each(?))",
	"DELETE FROM step_record WHERE record IN (SELECT value FROM json_each(?))",
}

// Retire implements storage.Upkeeper.
func (s *Store) Retire(ctx context.Context, records []int64) error {
	return s.alone(ctx, func(c *conn) error {
		list, err := numbers(records)
		if err != nil {
			return err
		}
		for _, text := range retiring {
			if _, _, err := c.run(text, list); err != nil {
				return err
			}
		}
		return nil
	})
}

func numbers(list []int64) (string, error) {
	if list == nil {
		list = []int64{}
	}
	b, err := json.Marshal(list)
	return string(b), err
}

// Purge implements storage.Upkeeper.
func (s *Store) Purge(ctx context.Context, p storage.Purge) (out storage.Purged, err error) {
	doomed := make(map[int64]bool, len(p.Records))
	for _, n := range p.Records {
		doomed[n] = true
	}
	// What is needed is found out before, while others may write; what they have added is looked at inside the transaction.
	needed := map[canon.Digest]bool{}
	last := int64(0)
	var gone []int64
	note := func(rec *storage.ScannedRecord) error {
		last = rec.ID
		switch {
		case doomed[rec.ID] && !rec.Usable && !rec.Found:
			gone = append(gone, rec.ID)
			return nil
		case rec.Err != nil && rec.Usable:
			return fmt.Errorf("record %d: %w; what it needs is not known, so nothing is removed: `instance verify --repair` drops it", rec.ID, rec.Err)
		}
		needed[rec.Manifest] = true
		for i := range rec.Reached {
			needed[rec.Reached[i].Manifest] = true
		}
		for i := range rec.Outputs {
			needed[rec.Outputs[i].Blob] = true
		}
		return nil
	}
	if err := s.ScanRecords(ctx, 0, note); err != nil {
		return out, err
	}
	err = s.alone(ctx, func(c *conn) error {
		out = storage.Purged{}
		if err := scanRecords(ctx, c, last, note); err != nil {
			return err
		}
		if err := purgeRecords(c, gone); err != nil {
			return err
		}
		out.Records = len(gone)
		if out.Blobs, err = purgeBlobs(c, "blob", needed, &out.Bytes); err != nil {
			return err
		}
		if p.Manifests {
			if out.Manifests, err = purgeBlobs(c, "manifest", needed, new(int64)); err != nil {
				return err
			}
		}
		for _, path := range p.Files {
			if _, _, err := c.run("DELETE FROM file_state WHERE path = ?", path); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// purgeRecords removes rows of records. An identity whose newest one goes falls back to the newest that stays.
func purgeRecords(c *conn, records []int64) error {
	if len(records) == 0 {
		return nil
	}
	list, err := numbers(records)
	if err != nil {
		return err
	}
	for _, text := range []string{
		"DELETE FROM step_record WHERE record IN (SELECT value FROM json_each(?))", // a run that had found it may have added one
		"DELETE FROM asset_record WHERE record IN (SELECT value FROM json_each(?))",
		"DELETE FROM record WHERE number IN (SELECT value FROM json_each(?))",
	} {
		if _, _, err := c.run(text, list); err != nil {
			return err
		}
	}
	_, _, err = c.run("WITH n (identity, newest) AS (SELECT identity, max(number) FROM record GROUP BY identity) " +
		"UPDATE identity SET latest = coalesce((SELECT newest FROM n WHERE n.identity = identity.number), 0) " +
		"WHERE latest NOT IN (SELECT number FROM record)")
	return err
}

func purgeBlobs(c *conn, table string, needed map[canon.Digest]bool, bytes *int64) (removed int, err error) {
	var gone []canon.Digest
	err = scanBlobs(c, table, func(d canon.Digest, size int64) error {
		if !needed[d] {
			gone = append(gone, d)
			*bytes += size
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	for i := range gone {
		if _, _, err := c.run("DELETE FROM "+table+" WHERE digest = ?", gone[i][:]); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

// RemoveDamaged implements storage.Upkeeper.
func (s *Store) RemoveDamaged(ctx context.Context) (removed int, err error) {
	damaged := func(c *conn, table string, only string, args ...driver.Value) (bad []canon.Digest, err error) {
		err = c.query(ctx, "SELECT digest, coding, data FROM "+table+only, func(v []driver.Value) error {
			row := reader{row: v}
			d, coding, data := row.digest(), row.int(), row.bytes()
			if row.err != nil {
				return row.err
			}
			if _, err := openPacked(d, squeeze.Coding(coding), data); err != nil {
				bad = append(bad, d)
			}
			return nil
		}, args...)
		return bad, err
	}
	for _, table := range []string{"blob", "manifest", "snapshot"} {
		var bad []canon.Digest
		if err := s.readers.with(ctx, func(c *conn) (err error) {
			bad, err = damaged(c, table, "")
			return err
		}); err != nil {
			return removed, err
		}
		if len(bad) == 0 {
			continue
		}
		err := s.alone(ctx, func(c *conn) error {
			for i := range bad {
				still, err := damaged(c, table, " WHERE digest = ?", bad[i][:]) // it may have been healed
				if err != nil {
					return err
				}
				if len(still) == 0 {
					continue
				}
				if _, _, err := c.run("DELETE FROM "+table+" WHERE digest = ?", bad[i][:]); err != nil {
					return err
				}
				removed++
			}
			return nil
		})
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// alone runs do in a transaction of a connection of its own, in turn with all writers.
func (s *Store) alone(ctx context.Context, do func(c *conn) error) error {
	return s.inTurn(ctx, func(c *conn) (err error) {
		if err := c.exec("BEGIN IMMEDIATE"); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, rollback(c))
			}
		}()
		if err := do(c); err != nil {
			return err
		}
		return c.exec("COMMIT")
	})
}

// inTurn lends a connection that writes, while no other process of ours does.
func (s *Store) inTurn(ctx context.Context, do func(c *conn) error) (err error) {
	if s.writer == nil {
		return fmt.Errorf("%s: %w: it was opened for reading", s.path, storage.ErrReadOnly)
	}
	turn, err := openTurn(s.path + ".lock")
	if err != nil {
		return storage.FileError("open", s.path, err)
	}
	defer func() { err = errors.Join(err, turn.Close()) }()
	if err := turn.Lock(ctx); err != nil {
		return err
	}
	defer turn.Unlock()
	c, err := s.options.connect(s.path, "mode=rw&_txlock=immediate&_synchronous=FULL&_foreign_keys=1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return do(c)
}

// Compact implements storage.Upkeeper.
func (s *Store) Compact(ctx context.Context) (freed int64, err error) {
	const worth = 1 << 20 // bytes; and at least a fifth of the file
	err = s.inTurn(ctx, func(c *conn) error {
		free, err := c.number("PRAGMA freelist_count")
		if err != nil {
			return err
		}
		pages, err := c.number("PRAGMA page_count")
		if err != nil {
			return err
		}
		size, err := c.number("PRAGMA page_size")
		if err != nil {
			return err
		}
		if free*size < worth || free*5 < pages {
			return nil
		}
		if err := c.exec("VACUUM"); err != nil {
			return err
		}
		freed = free * size
		return c.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	})
	return freed, err
}

// Size implements storage.Upkeeper.
func (s *Store) Size() (int64, error) {
	total := int64(0)
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(s.path + suffix)
		switch {
		case err == nil:
			total += info.Size()
		case !errors.Is(err, os.ErrNotExist):
			return 0, storage.FileError("read", s.path+suffix, err)
		}
	}
	return total, nil
}
