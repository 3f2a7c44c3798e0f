package parquet

import (
	"errors"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

const (
	batchRows  = 1024      // rows are taken apart before their columns are written
	groupRows  = 256 << 10 // of a row group, at most
	groupBytes = 32 << 20  // of a row group before it is compressed, about: what a writer holds
)

// nilKey is the key of the metadata that says of a table without rows that it is a nil slice.
const nilKey = "dagstergen.nil"

// A shredder takes rows apart into columns.
type shredder struct {
	columns [][]parquet.Value
	arena   []byte // copies of bytes that the user may change before they are written
	size    int    // of all values, in bytes
}

func (s *shredder) put(at int, x parquet.Value, rep, def int) {
	if rep|def != 0 { // a new value has these levels
		x = x.Level(rep, def, at)
	}
	s.columns[at] = append(s.columns[at], x)
	s.size += 8
}

// keep returns a copy of b that lasts until the columns are written.
func (s *shredder) keep(b []byte) []byte {
	from := len(s.arena)
	s.arena = append(s.arena, b...)
	s.size += len(b)
	return s.arena[from:len(s.arena):len(s.arena)]
}

// A writer is the dag.TableWriter of this package.
type writer struct {
	table *table
	to    *parquet.GenericWriter[any]
	s     shredder
	rows  int // in s
	group int // rows of the row group, with those
	bytes int // of the row group
	err   error
}

var compression = &zstd.Codec{Level: zstd.SpeedFastest}

func newWriter(w io.Writer, row reflect.Type) (*writer, error) {
	t, err := tableOf(row)
	if err != nil {
		return nil, err
	}
	out := &writer{table: t, s: shredder{columns: make([][]parquet.Value, t.columns)}}
	out.to = parquet.NewGenericWriter[any](w, t.schema, parquet.Compression(compression), parquet.CreatedBy("dagstergen", "1", "0"), parquet.DataPageStatistics(false))
	return out, nil
}

// Write adds a row.
func (w *writer) Write(row reflect.Value) error {
	if w.err != nil {
		return w.err
	}
	if err := w.table.row.write(&w.s, row, 0); err != nil {
		w.err = err
		return err
	}
	if w.rows++; w.rows == batchRows || w.s.size >= groupBytes {
		w.err = w.flush()
	}
	return w.err
}

// flush hands the columns on, and ends the row group where it is large.
func (w *writer) flush() error {
	for i, values := range w.s.columns {
		if len(values) == 0 {
			continue
		}
		if _, err := w.to.ColumnWriters()[i].WriteRowValues(values); err != nil {
			return err
		}
		clear(values) // they hold on to strings
		w.s.columns[i] = values[:0]
	}
	w.group += w.rows
	w.bytes += w.s.size
	w.rows, w.s.size, w.s.arena = 0, 0, w.s.arena[:0]
	if w.group >= groupRows || w.bytes >= groupBytes {
		w.group, w.bytes = 0, 0
		return w.to.Flush()
	}
	return nil
}

// SetNil says that the table is a nil slice.
func (w *writer) SetNil() { w.to.SetKeyValueMetadata(nilKey, "true") }

// Close writes the rest and the footer; after an error it writes nothing more.
func (w *writer) Close() error {
	if w.err != nil {
		return nil // it was returned
	}
	w.err = errClosed
	if err := w.flush(); err != nil {
		return err
	}
	return w.to.Close()
}

var errClosed = errors.New("the table is closed")
