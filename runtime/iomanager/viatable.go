package iomanager

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
)

// encodeTable returns v, a slice of structs of t, as a table.
func encodeTable(t *dag.Type, v any, _ []byte) ([]byte, error) {
	const name = CodecParquet
	format, err := dag.TableFormatOf(name)
	if err != nil {
		return nil, err
	}
	rows := reflect.ValueOf(v)
	if !rows.IsValid() {
		rows = reflect.Zero(t.Go)
	}
	b := bytes.NewBuffer([]byte{}) // its bytes are never nil
	w, err := format.NewWriter(b, t.Go.Elem())
	if err != nil {
		return nil, fmt.Errorf("encode %s as %s: %w", t.Name, name, err)
	}
	if rows.IsNil() {
		w.SetNil()
	}
	for i := range rows.Len() {
		if err := w.Write(rows.Index(i)); err != nil {
			return nil, errors.Join(fmt.Errorf("encode %s as %s: [%d]%w", t.Name, name, i, err), w.Close())
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encode %s as %s: %w", t.Name, name, err)
	}
	return b.Bytes(), nil
}

// decodeTable returns the value of t that encodeTable wrote, and its canonical encoding.
func decodeTable(t *dag.Type, table []byte) (v any, data []byte, err error) {
	if t.Go.Kind() != reflect.Slice || t.Go.Elem().Kind() != reflect.Struct {
		return nil, nil, fmt.Errorf("%s is no table", t.Name)
	}
	format, err := dag.TableFormatOf(CodecParquet)
	if err != nil {
		return nil, nil, err
	}
	r, err := format.NewReader(bytes.NewReader(table), int64(len(table)), t.Go.Elem())
	if err != nil {
		return nil, nil, err
	}
	rows := reflect.Zero(t.Go)
	if !r.IsNil() {
		rows = reflect.MakeSlice(t.Go, 0, 0)
	}
	row := reflect.New(t.Go.Elem()).Elem()
	for err == nil {
		row.SetZero()
		if err = r.Read(row); err == nil {
			rows = reflect.Append(rows, row)
		}
	}
	if err = errors.Join(ended(err), r.Close()); err != nil {
		return nil, nil, err
	}
	v = rows.Interface()
	data, err = codec.Encode(t, v)
	return v, data, err
}

// ended is the error that a table was read with, where its end is none.
func ended(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// IsTable reports whether the file of a stream is a table, which other programs read.
func IsTable(f dag.File) bool { return filepath.Ext(f.Name()) == "."+CodecParquet }

// ReadStream sets what p points to to each of the elements of a stored stream, and calls yield, until it returns false or there are no more. It holds a bounded part of the file.
func ReadStream(f dag.File, elem *dag.Type, p any, yield func() bool) error {
	if IsTable(f) {
		return readTable(f, elem, p, yield)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	return errors.Join(codec.ReadStream(r, elem, p, yield), r.Close())
}

// readTable is ReadStream for a table. Its footer is at its end, so the file cannot be verified on the way: its parts are, each by a checksum of its own.
func readTable(f dag.File, elem *dag.Type, p any, yield func() bool) (err error) {
	format, err := dag.TableFormatOf(CodecParquet)
	if err != nil {
		return err
	}
	file, err := os.Open(f.Path())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.Size() {
		return fmt.Errorf("%s: %w", f.Path(), dag.ErrFileChanged)
	}
	r, err := format.NewReader(file, f.Size(), elem.Go)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Path(), err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	row := reflect.ValueOf(p).Elem()
	for {
		row.SetZero()
		switch err := r.Read(row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", f.Path(), err)
		case !yield():
			return nil
		}
	}
}
