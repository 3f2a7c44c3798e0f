//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/squeeze"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// Verify implements storage.Store. It checks the file's structure, its references, that every record that can be found can be read, that every
// inline output of one is there, and the bytes of every blob against its digest.
func (s *Store) Verify(ctx context.Context, problem func(string)) error {
	return s.readers.snapshot(ctx, func(c *conn) error {
		check := func(text string, found func(*reader) string) error {
			return c.query(ctx, text, func(v []driver.Value) error {
				row := &reader{row: v}
				p := found(row)
				if row.err != nil {
					p = row.err.Error()
				}
				if p != "" {
					problem(s.path + ": " + p)
				}
				return nil
			})
		}
		if err := check("PRAGMA integrity_check", func(r *reader) string {
			if p := r.text(); p != "ok" {
				return p
			}
			return ""
		}); err != nil {
			return err
		}
		if err := check("PRAGMA foreign_key_check", func(r *reader) string {
			return fmt.Sprintf("a row of table %v refers to nothing", r.row[0])
		}); err != nil {
			return err
		}
		for _, table := range []string{"blob", "manifest", "snapshot"} {
			if err := check("SELECT digest, coding, data FROM "+table, func(r *reader) string {
				d, coding, data := r.digest(), r.int(), r.bytes()
				if r.err == nil {
					if _, err := openPacked(d, squeeze.Coding(coding), data); err != nil {
						return fmt.Sprintf("%s %s: %v", table, d, err)
					}
				}
				return ""
			}); err != nil {
				return err
			}
		}
		if err := s.verifyRecords(ctx, c, problem); err != nil {
			return err
		}
		if err := s.verifyBriefs(ctx, c, problem); err != nil {
			return err
		}
		return check("SELECT id, n, last FROM (SELECT r.id AS id, count(*) AS n, max(e.seq) AS last FROM event e JOIN run r ON r.number = e.run GROUP BY e.run) WHERE n <> last",
			func(r *reader) string {
				return fmt.Sprintf("run %s has %d events, the last has number %d", r.text(), r.int(), r.int())
			})
	})
}

func (s *Store) verifyRecords(ctx context.Context, c *conn, problem func(string)) error {
	type inline struct {
		record int64
		blob   canon.Digest
	}
	var wanted []inline
	err := c.query(ctx, "SELECT number, data FROM record WHERE usable", func(v []driver.Value) error {
		row := reader{row: v}
		number, data := row.int(), row.bytes()
		if row.err != nil {
			problem(s.path + ": " + row.err.Error())
			return nil
		}
		var rec storage.Record
		if err := decodeRecord(data, &rec); err != nil {
			problem(fmt.Sprintf("%s: record %d: %v", s.path, number, err))
			return nil
		}
		for _, o := range rec.Outputs {
			if o.Inline {
				wanted = append(wanted, inline{number, o.Blob})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range wanted {
		n, err := c.number("SELECT count(*) FROM blob WHERE digest = ?", w.blob[:])
		if err != nil {
			return err
		}
		if n == 0 {
			problem(fmt.Sprintf("%s: record %d needs blob %s, which is not there", s.path, w.record, w.blob))
		}
	}
	return nil
}
