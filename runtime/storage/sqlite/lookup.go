//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// recordColumns are what readRecord reads, of record r.
const recordColumns = "r.number, r.data, (SELECT i.latest FROM identity i WHERE i.number = r.identity) IS r.number"

// readRecord reads the columns of recordColumns.
func readRecord(v []driver.Value) (*storage.Record, error) {
	row := reader{row: v}
	rec := &storage.Record{ID: row.int()}
	data, newest := row.bytes(), row.int()
	if row.err != nil {
		return nil, row.err
	}
	if err := decodeRecord(data, rec); err != nil {
		return nil, err
	}
	rec.Newest = newest != 0
	return rec, nil
}

// A lookup finds the newest usable record for each of many digests. Crossing into C costs as much as the search itself, so all
// digests go in as one blob, and SQLite cuts it up.
type lookup struct {
	many string // for ?2 digests in ?1: the newest record of each, usable or not
	one  string // for the digest ?1: the newest usable record
}

var (
	byStep    = newLookup("step_record", "step")
	byContent = newLookup("content_record", "content")
)

func newLookup(table, key string) *lookup {
	return &lookup{
		many: "WITH RECURSIVE k (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n + 1 < ?2) " +
			"SELECT k.n, r.usable, " + recordColumns + " FROM k CROSS JOIN record r ON r.number = " +
			"(SELECT max(record) FROM " + table + " WHERE " + key + " = substr(?1, 1 + 32 * k.n, 32))",
		one: "SELECT " + recordColumns + " FROM " + table + " t JOIN record r ON r.number = t.record WHERE t." + key + " = ? AND r.usable " +
			"ORDER BY t.record DESC LIMIT 1",
	}
}

// RecordsByStep implements storage.Store.
func (s *Store) RecordsByStep(ctx context.Context, steps []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	return s.records(ctx, byStep, steps)
}

// RecordsByContent implements storage.Store.
func (s *Store) RecordsByContent(ctx context.Context, contents []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	return s.records(ctx, byContent, contents)
}

func (s *Store) records(ctx context.Context, l *lookup, keys []canon.Digest) (map[canon.Digest]*storage.Record, error) {
	const chunk = 2000 // between two looks at the context, watching which would cost more than the look-up
	out := make(map[canon.Digest]*storage.Record, len(keys))
	look := s.readers.snapshot
	if len(keys) < 2 {
		look = s.readers.with // one statement sees one state by itself
	}
	err := look(ctx, func(c *conn) error {
		for part := range slices.Chunk(keys, chunk) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := l.find(c, part, out); err != nil {
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

func (l *lookup) find(c *conn, keys []canon.Digest, out map[canon.Digest]*storage.Record) error {
	if len(keys) == 1 {
		return l.findOne(c, keys[0], out)
	}
	var dropped []canon.Digest
	err := c.query(context.Background(), l.many, func(v []driver.Value) error {
		row := reader{row: v}
		n, usable := row.int(), row.int()
		if row.err != nil {
			return row.err
		}
		if usable == 0 {
			dropped = append(dropped, keys[n])
			return nil
		}
		rec, err := readRecord(row.row)
		out[keys[n]] = rec
		return err
	}, joined(keys), int64(len(keys)))
	if err != nil {
		return err
	}
	for _, key := range dropped { // an older one may be as good
		if err := l.findOne(c, key, out); err != nil {
			return err
		}
	}
	return nil
}

func (l *lookup) findOne(c *conn, key canon.Digest, out map[canon.Digest]*storage.Record) error {
	return c.query(context.Background(), l.one, func(v []driver.Value) error {
		rec, err := readRecord(v)
		out[key] = rec
		return err
	}, key[:])
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

// LatestOf implements storage.Store.
func (s *Store) LatestOf(ctx context.Context, prefix, after string, limit int) ([]storage.LatestRecord, error) {
	where, args := inOrder(prefix, after, limit)
	out := make([]storage.LatestRecord, 0, max(0, min(limit, 64))) // of one asset there may be few
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(context.Background(), "SELECT i.name, r.usable, r.number, r.data FROM identity i CROSS JOIN record r ON r.number = i.latest"+where, func(v []driver.Value) error {
			row := reader{row: v}
			name, usable, id, data := row.text(), row.int(), row.int(), row.bytes()
			if row.err != nil {
				return row.err
			}
			out = append(out, storage.LatestRecord{Usable: usable != 0})
			r := &out[len(out)-1].Record
			r.ID = id
			err := decodeRecord(data, r)
			r.Identity, r.Newest = name, true
			return err
		}, args...)
	})
	if err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// Record implements storage.Store.
func (s *Store) Record(ctx context.Context, id int64) (*storage.Record, error) {
	var out *storage.Record
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT "+recordColumns+" FROM record r WHERE r.number = ?", func(v []driver.Value) (err error) {
			out, err = readRecord(v)
			return err
		}, id)
	})
	if err == nil && out == nil {
		err = storage.ErrNotFound
	}
	return out, err
}

// AssetRecords implements storage.Store.
func (s *Store) AssetRecords(ctx context.Context, asset string, limit int) ([]storage.Record, error) {
	const text = "SELECT " + recordColumns + " FROM asset_record a JOIN record r ON r.number = a.record  WHERE a.asset = ? ORDER BY a.record DESC LIMIT ?"
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
func (s *Store) AssetKeys(ctx context.Context, f storage.AssetFilter) ([]string, error) {
	// One seek per key instead of a scan of all materializations. What begins with the prefix comes in one piece, from the prefix on.
	const text = "WITH RECURSIVE k (asset) AS (SELECT min(asset) FROM asset_record WHERE asset >= ?1 AND asset > ?2 UNION ALL " +
		"SELECT (SELECT min(asset) FROM asset_record WHERE asset > k.asset) FROM k WHERE k.asset IS NOT NULL AND substr(k.asset, 1, length(?1)) = ?1) " +
		"SELECT asset FROM k WHERE asset IS NOT NULL AND substr(asset, 1, length(?1)) = ?1 LIMIT ?3"
	limit := f.Limit
	if limit <= 0 {
		limit = -1
	}
	var out []string
	err := s.readers.with(ctx, func(c *conn) error {
		return c.query(ctx, text, func(v []driver.Value) error {
			row := reader{row: v}
			out = append(out, row.text())
			return row.err
		}, f.Prefix, f.After, int64(limit))
	})
	return out, err
}

// Blob implements storage.Store.
func (s *Store) Blob(ctx context.Context, d canon.Digest) ([]byte, error) {
	return s.packed(ctx, "SELECT coding, data FROM blob WHERE digest = ?", "blob", d)
}

// packed returns what a statement finds for a digest, unpacked and verified.
func (s *Store) packed(ctx context.Context, text, what string, d canon.Digest) ([]byte, error) {
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

// Manifests implements storage.Store.
func (s *Store) Manifests(ctx context.Context, digests []canon.Digest) (map[canon.Digest][]byte, error) {
	const text = "WITH RECURSIVE k (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n + 1 < ?2) " +
		"SELECT k.n, m.coding, m.data FROM k CROSS JOIN manifest m ON m.digest = substr(?1, 1 + 32 * k.n, 32)"
	const chunk = 500 // between two looks at the context
	out := make(map[canon.Digest][]byte, len(digests))
	err := s.readers.with(ctx, func(c *conn) error {
		for part := range slices.Chunk(digests, chunk) {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := c.query(context.Background(), text, func(v []driver.Value) error {
				row := reader{row: v}
				n, coding, data := row.int(), row.int(), row.bytes()
				if row.err != nil {
					return row.err
				}
				if manifest, err := openPacked(part[n], squeeze.Coding(coding), data); err == nil { // a damaged one is not there
					out[part[n]] = manifest
				}
				return nil
			}, joined(part), int64(len(part)))
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

// joined is the argument of a statement that takes many digests.
func joined(digests []canon.Digest) []byte {
	blob := make([]byte, 0, len(digests)*len(canon.Digest{}))
	for i := range digests {
		blob = append(blob, digests[i][:]...)
	}
	return blob
}

// FileStates implements storage.Store.
func (s *Store) FileStates(ctx context.Context, paths []string) (map[string]storage.FileState, error) {
	out := make(map[string]storage.FileState, len(paths))
	err := s.readers.snapshot(ctx, func(c *conn) error {
		list := make([]string, 0, len(paths))
		for _, p := range paths {
			if utf8.ValidString(p) {
				list = append(list, p)
			} else if err := findFileStates(c, "SELECT ?", p, out); err != nil { // JSON could not hold it
				return err
			}
		}
		if len(list) == 0 {
			return ctx.Err()
		}
		all, err := json.Marshal(list)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return findFileStates(c, "SELECT value FROM json_each(?)", string(all), out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// findFileStates looks up the paths that a query gives.
func findFileStates(c *conn, paths, arg string, out map[string]storage.FileState) error {
	text := "SELECT path, size, device, inode, modified, changed, boot, digest FROM file_state WHERE path IN (" + paths + ")"
	return c.query(context.Background(), text, func(v []driver.Value) error {
		row := reader{row: v}
		f := storage.FileState{
			Path: row.text(), Size: row.int(), Device: uint64(row.int()), Inode: uint64(row.int()), Modified: row.int(), Changed: row.int(),
			Boot: row.text(), Digest: row.digest(),
		}
		out[f.Path] = f
		return row.err
	}, arg)
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

// optionalDigest reads what the function of the same name stores.
func (r *reader) optionalDigest() (d canon.Digest) {
	if b, ok := r.row[0].([]byte); ok && len(b) == 0 {
		r.row = r.row[1:]
		return d
	}
	return r.digest()
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
