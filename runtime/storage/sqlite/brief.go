//go:build cgo

package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A brief stands in the row of an identity beside the number of the record that it is of: one that is of another record than the newest counts as none. So whatever makes another record the newest without
// knowing of briefs, such as an older binary, leaves nothing wrong behind. Triggers take it away from a record that is retired or removed.

// briefOf returns the stored form of the brief of a record; nil where it has none.
func briefOf(r *storage.Record) []byte {
	b, ok := storage.BriefOf(r)
	if !ok {
		return nil
	}
	text := make([]byte, 0, 2*len(canon.Digest{})+2*binary.MaxVarintLen32+len(b.Output)+len(b.Identity))
	text = append(append(text, b.Content[:]...), b.Data[:]...)
	text = binary.AppendUvarint(text, uint64(len(b.Output)))
	text = append(text, b.Output...)
	return append(text, b.Identity...)
}

// briefFor reports whether the record of an alias is there, and returns its brief. Of a record that was another identity's there is none: what takes a brief away knows one identity of a record.
func (w *writer) briefFor(a *storage.Alias) (there bool, brief []byte, err error) {
	err = w.c.query(context.Background(), "SELECT usable, data FROM record WHERE number = ?", func(v []driver.Value) error {
		there = true
		data, _ := v[1].([]byte)
		var rec storage.Record
		// A record that cannot be read has no brief, and is no reason to fail.
		if v[0] == int64(1) && a.Identity != "" && decodeRecord(data, &rec) == nil && rec.Identity == a.Identity {
			brief = briefOf(&rec)
		}
		return nil
	}, a.Record)
	return there, brief, err
}

// parseBrief reads what briefOf returned; what it returns shares its memory.
func parseBrief(text []byte) (b storage.Brief, err error) {
	const size = len(canon.Digest{})
	if len(text) < 2*size {
		return b, fmt.Errorf("%w: a brief: %w", storage.ErrCorrupt, errShortRecord)
	}
	b.Content, b.Data = canon.Digest(text), canon.Digest(text[size:])
	text = text[2*size:]
	length, n := binary.Uvarint(text)
	if n <= 0 || length > uint64(len(text)-n) {
		return b, fmt.Errorf("%w: a brief: %w", storage.ErrCorrupt, errShortRecord)
	}
	shared := unsafe.String(unsafe.SliceData(text), len(text))
	b.Output, b.Identity = shared[n:n+int(length)], shared[n+int(length):]
	return b, nil
}

// inOrder is the end of a statement that goes through the identities i with a prefix from after one on, at most a number of them, and its arguments. There is one lower bound: of two, SQLite would go to
// one of them and read all up to the other.
func inOrder(prefix, after string, limit int) (text string, args []driver.Value) {
	beyond := []byte(prefix)
	beyond[len(beyond)-1]++ // an identity is text: no byte of it is the last one
	from, than := prefix, ">="
	if after >= prefix {
		from, than = after, ">"
	}
	return " WHERE i.name " + than + " ?1 AND i.name < ?2 ORDER BY i.name LIMIT ?3", []driver.Value{from, string(beyond), int64(limit)}
}

// briefsTogether is all briefs of a page in one row: how many identities there are and of how many the brief is of another record, and the lengths and bytes of briefs one after the other. A row for each
// would cost several times what finding it does. The page ends before the identity that a look at the index alone finds to be the first of the next one: to add up what a limited query gives would cost more.
const briefsTogether = "SELECT count(*), count(CASE WHEN i.briefed <> i.latest THEN 1 END), group_concat(length(i.brief), ' '), CAST(group_concat(i.brief, '') AS BLOB) FROM identity i "

// BriefsOf implements storage.Store.
func (s *Store) BriefsOf(ctx context.Context, prefix, after string, limit int, into []storage.Brief) (out []storage.Brief, ok bool, err error) {
	where, args := inOrder(prefix, after, limit)
	from, _, _ := strings.Cut(where, " AND ")
	text := briefsTogether + from + " AND i.name < coalesce((SELECT i.name FROM identity i" + strings.Replace(where, "LIMIT ", "LIMIT 1 OFFSET ", 1) + "), ?2)"
	out, ok = into[:0], true
	err = s.readers.with(ctx, func(c *conn) error {
		return c.query(context.Background(), text, func(v []driver.Value) (err error) {
			row := reader{row: v}
			switch there, other := row.int(), row.int(); {
			case row.err != nil:
				return row.err
			case other > 0:
				out, ok = nil, false
				return nil
			case there > 0:
				lengths, all := row.text(), row.bytes()
				if row.err != nil {
					return row.err
				}
				if out, err = parseBriefs(int(there), lengths, all, into); errors.Is(err, errNoBrief) {
					out, ok, err = nil, false, nil
				}
			}
			return err
		}, args...)
	})
	if err != nil {
		return nil, false, err
	}
	byIdentity := func(a, b storage.Brief) int { return strings.Compare(a.Identity, b.Identity) }
	if !slices.IsSortedFunc(out, byIdentity) { // SQLite goes through the index, and promises no order
		slices.SortFunc(out, byIdentity)
	}
	return out, ok, ctx.Err()
}

// errNoBrief says that an identity has no brief, or no record any more.
var errNoBrief = errors.New("there is no brief")

// parseBriefs reads what stands in the row of briefsTogether. Of one without a brief it is errNoBrief.
func parseBriefs(n int, lengths string, all []byte, into []storage.Brief) ([]storage.Brief, error) {
	out := slices.Grow(into[:0], n)
	for text := range strings.SplitSeq(lengths, " ") {
		length, err := strconv.Atoi(text)
		if err != nil || length < 0 || length > len(all) {
			return nil, fmt.Errorf("%w: briefs: %w", storage.ErrCorrupt, errShortRecord)
		}
		if length == 0 {
			return nil, errNoBrief
		}
		b, err := parseBrief(all[:length])
		if err != nil {
			return nil, err
		}
		out, all = append(out, b), all[length:]
	}
	if len(out) != n || len(all) > 0 {
		return nil, fmt.Errorf("%w: briefs: %w", storage.ErrCorrupt, errShortRecord)
	}
	return out, nil
}

// verifyBriefs checks that briefs say what their records do.
func (s *Store) verifyBriefs(ctx context.Context, c *conn, problem func(string)) error {
	const text = "SELECT i.name, i.brief, r.usable, r.data FROM identity i LEFT JOIN record r ON r.number = i.latest WHERE i.briefed = i.latest AND i.latest > 0"
	return c.query(ctx, text, func(v []driver.Value) error {
		row := reader{row: v}
		name, brief := row.text(), row.bytes()
		var rec storage.Record
		usable := v[2] == int64(1)
		if data, isBytes := v[3].([]byte); row.err == nil && (!usable || !isBytes || decodeRecord(data, &rec) == nil && string(briefOf(&rec)) != string(brief)) {
			problem(fmt.Sprintf("%s: the brief of %s does not say what its newest record does", s.path, name))
		}
		return row.err
	})
}
