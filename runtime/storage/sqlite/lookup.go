package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// recordColumns are what readRecord reads, of record r and the identity i that it belongs to.
const recordColumns = "r.number, r.step, r.content, r.data, i.name, i.latest = r.number"

// readRecord reads the columns of recordColumns.
func readRecord(v []driver.Value) (*storage.Record, error) {
	row := reader{row: v}
	rec := &storage.Record{ID: row.int(), Step: row.digest(), Content: row.digest()}
	data := row.bytes()
	if v[4] != nil { // a record without an identity
		rec.Identity = row.text()
		rec.Newest = row.int() != 0
	}
	if row.err != nil {
		return nil, row.err
	}
	return rec, decodeRecord(data, rec)
}

// RecordsByStep implements storage.Store.
func (s *Store) RecordsByStep(ctx context.Context, steps []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	return s.records(ctx, steps, "SELECT "+recordColumns+" FROM step_record s JOIN record r ON r.number = s.record "+
		"LEFT JOIN identity i ON i.number = r.identity WHERE s.step = ? AND r.usable ORDER BY s.record DESC LIMIT 1")
}

// RecordsByContent implements storage.Store.
func (s *Store) RecordsByContent(ctx context.Context, contents []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	return s.records(ctx, contents, "SELECT "+recordColumns+" FROM record r "+
		"LEFT JOIN identity i ON i.number = r.identity WHERE r.content = ? AND r.usable ORDER BY r.number DESC LIMIT 1")
}

func (s *Store) records(ctx context.Context, keys []canon.Digest, text string) (map[canon.Digest]*storage.Record, error) {
	out := make(map[canon.Digest]*storage.Record, len(keys))
	look := s.readers.snapshot
	if len(keys) < 2 {
		look = s.readers.with
	}
	err := look(ctx, func(c *conn) error {
		for i := range keys {
			if i%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			// The context is not handed on: watching it costs more than the look-up.
			err := c.query(context.Background(), text, func(v []driver.Value) error {
				rec, err := readRecord(v)
				out[keys[i]] = rec
				return err
			}, keys[i][:])
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Latest implements storage.Store.
func (s *Store) Latest(ctx context.Context, identities []string) (map[string]*storage.Record, error) {
	const text = "SELECT " + recordColumns + " FROM identity i JOIN record r ON r.number = i.latest WHERE i.name = ?"
	out := make(map[string]*storage.Record, len(identities))
	err := s.readers.snapshot(ctx, func(c *conn) error {
		for i, name := range identities {
			if i%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			err := c.query(context.Background(), text, func(v []driver.Value) error {
				rec, err := readRecord(v)
				if err == nil {
					rec.Identity, rec.Newest = name, true
					out[name] = rec
				}
				return err
			}, name)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// AssetRecords implements storage.Store.
func (s *Store) AssetRecords(ctx context.Context, asset string, limit int) ([]storage.Record, error) {
	const text = "SELECT " + recordColumns + " FROM asset_record a JOIN record r ON r.number = a.record " +
		"LEFT JOIN identity i ON i.number = r.identity WHERE a.asset = ? ORDER BY a.record DESC LIMIT ?"
	if limit <= 0 {
		limit = -1
	}
	var out []storage.Record
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, text, func(v []driver.Value) error {
			rec, err := readRecord(v)
			if err == nil {
				out = append(out, *rec)
			}
			return err
		}, asset, int64(limit))
	})
	return out, err
}

// AssetKeys implements storage.Store.
func (s *Store) AssetKeys(ctx context.Context) ([]string, error) {
	// One seek per key instead of a scan of all materializations.
	const text = "WITH RECURSIVE k (asset) AS (SELECT min(asset) FROM asset_record UNION ALL " +
		"SELECT (SELECT min(asset) FROM asset_record WHERE asset > k.asset) FROM k WHERE k.asset IS NOT NULL) SELECT asset FROM k WHERE asset IS NOT NULL"
	var out []string
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, text, func(v []driver.Value) error {
			row := reader{row: v}
			out = append(out, row.text())
			return row.err
		})
	})
	return out, err
}

// Blob implements storage.Store.
func (s *Store) Blob(ctx context.Context, d canon.Digest) ([]byte, error) {
	return s.blob(ctx, "blob", "SELECT coding, data FROM blob WHERE digest = ?", d)
}

// Manifest implements storage.Store.
func (s *Store) Manifest(ctx context.Context, d canon.Digest) ([]byte, error) {
	return s.blob(ctx, "manifest", "SELECT coding, data FROM manifest WHERE digest = ?", d)
}

func (s *Store) blob(ctx context.Context, what, text string, d canon.Digest) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []byte
	found := false
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(context.Background(), text, func(v []driver.Value) error {
			row := reader{row: v}
			coding, data := row.int(), row.bytes()
			if row.err != nil {
				return row.err
			}
			found = true
			var err error
			out, err = openPacked(d, squeeze.Coding(coding), data)
			return err
		}, d[:])
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s in %s: %w", what, d, s.path, err)
	case !found:
		return nil, fmt.Errorf("%s %s in %s: %w", what, d, s.path, storage.ErrNotFound)
	}
	return out, nil
}

// FileStates implements storage.Store.
func (s *Store) FileStates(ctx context.Context, paths []string) (map[string]storage.FileState, error) {
	const text = "SELECT size, device, inode, modified, changed, boot, digest FROM file_state WHERE path = ?"
	out := make(map[string]storage.FileState, len(paths))
	err := s.readers.snapshot(ctx, func(c *conn) error {
		for i, p := range paths {
			if i%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			err := c.query(context.Background(), text, func(v []driver.Value) error {
				row := reader{row: v}
				out[p] = storage.FileState{
					Path: p, Size: row.int(), Device: uint64(row.int()), Inode: uint64(row.int()), Modified: row.int(), Changed: row.int(),
					Boot: row.text(), Digest: row.digest(),
				}
				return row.err
			}, p)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// openPacked unpacks stored bytes and verifies them.
func openPacked(d canon.Digest, coding squeeze.Coding, data []byte) ([]byte, error) {
	out, err := squeeze.Unpack(data, coding, -1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", storage.ErrCorrupt, err)
	}
	if got := canon.Sum(out); got != d {
		return nil, fmt.Errorf("%w: its bytes have digest %s", storage.ErrCorrupt, got)
	}
	return out, nil
}

// A reader takes the values of a row one after the other and remembers the first error.
type reader struct {
	row []driver.Value
	err error
}

func take[T any](r *reader) T {
	v, err := column[T](r.row[0])
	if err != nil && r.err == nil {
		r.err = err
	}
	r.row = r.row[1:]
	return v
}

func (r *reader) int() int64      { return take[int64](r) }
func (r *reader) text() string    { return take[string](r) }
func (r *reader) bytes() []byte   { return take[[]byte](r) }
func (r *reader) time() time.Time { return fromNanos(r.int()) }

func (r *reader) optional() []byte {
	if r.row[0] == nil {
		r.row = r.row[1:]
		return nil
	}
	return r.bytes()
}

func (r *reader) digest() (d canon.Digest) {
	b := r.bytes()
	if len(b) != len(d) && r.err == nil {
		r.err = fmt.Errorf("%w: a digest of %d bytes", storage.ErrCorrupt, len(b))
	}
	copy(d[:], b)
	return d
}

// nanos is how a time is stored: nanoseconds since 1970, 0 for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
