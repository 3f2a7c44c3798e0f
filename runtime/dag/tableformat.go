package dag

import (
	"fmt"
	"io"
	"reflect"
	"sync"
)

// A TableFormat stores rows, which are structs, in files of a format that other programs read: what codec= names. The package that has one registers it when the program starts; a pipeline
// imports it for that alone, such as
//
//	import _ "github.com/dagstergen/dagstergen/parquet"
type TableFormat interface {
	// Name is what codec= says, "parquet"; with a dot before it, it is the extension of the files.
	Name() string
	// NewWriter returns a writer of a table of rows of the struct type row to w. The error names the path to what of the type cannot be stored.
	NewWriter(w io.Writer, row reflect.Type) (TableWriter, error)
	// NewReader returns a reader of a table of size bytes that a writer of the same type wrote. The error says what is wrong with the bytes, or that they are rows of another type.
	NewReader(r io.ReaderAt, size int64, row reflect.Type) (TableReader, error)
}

// A TableWriter writes a table, row by row, and holds a bounded part of it. Equal rows give equal bytes.
type TableWriter interface {
	// Write adds a row: an addressable value of the row type, which it does not keep. The error names the part of a value that would not come back as it is.
	Write(row reflect.Value) error
	// SetNil says that the table is a nil slice, which is another value than an empty one.
	SetNil()
	// Close writes what is left. It does not close what the writer was made with.
	Close() error
}

// A TableReader reads a table, row by row, and holds a bounded part of it.
type TableReader interface {
	// Read sets row, a settable zero value of the row type, to the next row; io.EOF after the last one. Rows share no memory.
	Read(row reflect.Value) error
	// IsNil reports whether the table is a nil slice.
	IsNil() bool
	// Close frees what the reader holds.
	Close() error
}

var tableFormats = struct {
	sync.RWMutex
	byName map[string]TableFormat
}{byName: map[string]TableFormat{}}

// RegisterTableFormat makes a format known to all that runs in this process. It is called from an init function of the package that has it, and panics where the name is taken.
func RegisterTableFormat(f TableFormat) {
	tableFormats.Lock()
	defer tableFormats.Unlock()
	if _, taken := tableFormats.byName[f.Name()]; taken {
		panic(fmt.Sprintf("dag: two packages register the table format %q", f.Name()))
	}
	tableFormats.byName[f.Name()] = f
}

// TableFormatOf returns the format that was registered under a name. The error tells which import is missing. It is for IO managers and executors.
func TableFormatOf(name string) (TableFormat, error) {
	tableFormats.RLock()
	defer tableFormats.RUnlock()
	f, ok := tableFormats.byName[name]
	if !ok {
		return nil, fmt.Errorf(`this program has no codec %q: it does not import _ "github.com/dagstergen/dagstergen/%s"`, name, name)
	}
	return f, nil
}
