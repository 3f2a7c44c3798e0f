package parquet

import (
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

// A cursor reads the values of one column, over all row groups.
type cursor struct {
	chunks []parquet.ColumnChunk // those to come
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader // of page
	buf    []parquet.Value
	at, n  int // in buf
}

// peek returns the next value and leaves it there; io.EOF after the last one.
func (c *cursor) peek() (*parquet.Value, error) {
	for c.at == c.n {
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
	return &c.buf[c.at], nil
}

// next takes the next value. It is good until the one after it is asked for. What is not there is an error: peek is asked where a row begins.
func (c *cursor) next() (parquet.Value, error) {
	x, err := c.peek()
	if err != nil {
		return parquet.Value{}, unexpected(err)
	}
	c.at++
	return *x, nil
}

// repeats reports whether the next value goes on with a list.
func (c *cursor) repeats(rep int) bool {
	x, err := c.peek()
	return err == nil && x.RepetitionLevel() == rep
}

// fill reads more values into buf.
func (c *cursor) fill() error {
	for {
		switch {
		case c.values != nil:
			n, err := c.values.ReadValues(c.buf)
			if c.at, c.n = 0, n; n > 0 {
				return nil
			}
			parquet.Release(c.page)
			if c.values, c.page = nil, nil; err != nil && err != io.EOF {
				return err
			}
		case c.pages != nil:
			page, err := c.pages.ReadPage()
			switch {
			case err == io.EOF:
				err = c.pages.Close()
				if c.pages = nil; err != nil {
					return err
				}
			case err != nil:
				return err
			default:
				c.page, c.values = page, page.Values()
			}
		case len(c.chunks) > 0:
			c.pages, c.chunks = c.chunks[0].Pages(), c.chunks[1:]
		default:
			return io.EOF
		}
	}
}

func (c *cursor) close() error {
	if c.page != nil {
		parquet.Release(c.page)
		c.page, c.values = nil, nil
	}
	c.chunks, c.at, c.n = nil, 0, 0
	if c.pages == nil {
		return nil
	}
	err := c.pages.Close()
	c.pages = nil
	return err
}

// A reader is the dag.TableReader of this package.
type reader struct {
	table   *table
	file    *parquet.File
	cursors []cursor
	left    int64 // rows to come
}

func newReader(r io.ReaderAt, size int64, row reflect.Type) (_ *reader, err error) {
	defer recovered(&err)
	t, err := tableOf(row)
	if err != nil {
		return nil, err
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("no Parquet file: %w", err)
	}
	if got := f.Schema().String(); got != t.text {
		return nil, fmt.Errorf("a table of other columns than %s: %s", row, got)
	}
	out := &reader{table: t, file: f, cursors: make([]cursor, t.columns), left: f.NumRows()}
	for _, g := range f.RowGroups() {
		for i, chunk := range g.ColumnChunks() {
			out.cursors[i].chunks = append(out.cursors[i].chunks, chunk)
		}
	}
	for i := range out.cursors {
		out.cursors[i].buf = make([]parquet.Value, min(512, int(out.left)+1))
	}
	return out, nil
}

// Read sets row to the next one.
func (r *reader) Read(row reflect.Value) (err error) {
	defer recovered(&err)
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	return unexpected(r.table.row.read(r.cursors, row))
}

// IsNil reports whether the table is a nil slice.
func (r *reader) IsNil() bool {
	_, ok := r.file.Lookup(nilKey)
	return ok && r.file.NumRows() == 0
}

// Close frees what was read.
func (r *reader) Close() error {
	var errs []error
	for i := range r.cursors {
		errs = append(errs, r.cursors[i].close())
	}
	return errors.Join(errs...)
}

// unexpected is err, where the end of a column is one: rows are left.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// recovered turns a panic of the library over bytes that it did not expect into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("no Parquet file: %v", p)
	}
}
