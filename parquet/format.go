package parquet

import (
	"io"
	"reflect"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func init() { dag.RegisterTableFormat(Format{}) }

// Format is the dag.TableFormat of codec=parquet. It is registered when the package is imported.
type Format struct{}

// Name returns "parquet".
func (Format) Name() string { return "parquet" }

// NewWriter returns a writer of rows to w. The error names the path to what of the row type cannot be stored.
func (Format) NewWriter(w io.Writer, row reflect.Type) (dag.TableWriter, error) {
	out, err := newWriter(w, row)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// NewReader returns a reader of a file of size bytes that a writer of the same row type wrote.
func (Format) NewReader(r io.ReaderAt, size int64, row reflect.Type) (dag.TableReader, error) {
	out, err := newReader(r, size, row)
	if err != nil {
		return nil, err
	}
	return out, nil
}
