package iomanager

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A lines is a table format with a line of JSON for each row: what the real one does is held to by its own tests.
type lines struct{}

type lineWriter struct {
	w   io.Writer
	row reflect.Type
}

type lineReader struct {
	in  *bufio.Scanner
	nil bool
}

func init() { dag.RegisterTableFormat(lines{}) }

func (lines) Name() string { return CodecParquet }

func (lines) NewWriter(w io.Writer, row reflect.Type) (dag.TableWriter, error) {
	if row.NumField() == 0 {
		return nil, errors.New("no columns")
	}
	return &lineWriter{w, row}, nil
}

func (w *lineWriter) Write(row reflect.Value) error {
	if row.FieldByName("Name").String() == "bad" {
		return errors.New(".Name: bad")
	}
	return json.NewEncoder(w.w).Encode(row.Addr().Interface())
}

func (w *lineWriter) SetNil()      { _, _ = io.WriteString(w.w, "nil\n") }
func (w *lineWriter) Close() error { return nil }

func (lines) NewReader(r io.ReaderAt, size int64, row reflect.Type) (dag.TableReader, error) {
	text := make([]byte, size)
	if _, err := r.ReadAt(text, 0); err != nil && err != io.EOF {
		return nil, err
	}
	if strings.HasPrefix(string(text), "no table") {
		return nil, errors.New("no table")
	}
	return &lineReader{bufio.NewScanner(bytes.NewReader(text)), string(text) == "nil\n"}, nil
}

func (r *lineReader) Read(row reflect.Value) error {
	if r.nil || !r.in.Scan() {
		return io.EOF
	}
	return json.Unmarshal(r.in.Bytes(), row.Addr().Interface())
}

func (r *lineReader) IsNil() bool  { return r.nil }
func (r *lineReader) Close() error { return nil }

// What is stored is the table, and what is known of it is what the default codec would give.
func TestStageTable(t *testing.T) {
	h := newHome(t, t.TempDir())
	for name, tt := range map[string]struct {
		v      []row
		inline bool
	}{"small": {[]row{{1, "a"}, {2, ""}}, true}, "nil": {nil, true}, "empty": {[]row{}, true}, "large": {manyRows(), false}} {
		t.Run(name, func(t *testing.T) {
			s, err := h.io.StageOutput(t.Context(), &dag.Output{Name: "result", Type: rowsType, Codec: CodecParquet}, tt.v)
			require.NoError(t, err)
			want, err := codec.Encode(rowsType, tt.v)
			require.NoError(t, err)
			assert.Equal(t, canon.Sum(want), s.DataVersion)
			assert.Equal(t, CodecParquet, s.Codec)
			assert.Equal(t, tt.inline, s.Inline)
			b := &storage.Batch{}
			s.AddTo(b)
			require.NoError(t, h.store.Submit(b).Wait(t.Context()))

			other := h.again(t)
			out := s.Output
			back, err := other.io.Load(t.Context(), &out, rowsType)
			require.NoError(t, err)
			assert.Equal(t, tt.v, back)
			data, err := other.io.Encoding(t.Context(), &out, rowsType)
			require.NoError(t, err)
			assert.Equal(t, want, data)
			_, err = other.io.Load(t.Context(), &out, bytesType)
			require.ErrorIs(t, err, ErrDamaged, "code with another type computes it again")

			path, ok, err := other.io.Readable(t.Context(), "town/rows", &out, rowsType)
			require.NoError(t, err)
			require.True(t, ok)
			assert.Equal(t, filepath.Join(h.dir, "assets", "town", "rows", "rows.parquet"), path)
			table, err := other.io.Blob(t.Context(), &out)
			require.NoError(t, err)
			copied, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(table), string(copied))
			if !tt.inline {
				assert.Equal(t, ".parquet", filepath.Ext(ObjectName(&out)))
			}
		})
	}
	s, err := h.io.StageOutput(t.Context(), &dag.Output{Name: "result", Type: rowsType, Codec: CodecParquet}, nil)
	require.NoError(t, err)
	assert.Equal(t, "nil\n", string(s.blob))
	_, err = h.io.StageOutput(t.Context(), &dag.Output{Name: "result", Type: rowsType, Codec: CodecParquet}, []row{{1, "a"}, {1, "bad"}})
	require.ErrorContains(t, err, "encode []iomanager.row as parquet: [1].Name: bad")
	_, err = h.io.StageOutput(t.Context(), &dag.Output{Name: "result", Type: dag.TypeOf[[]struct{}]("none"), Codec: CodecParquet}, []struct{}{})
	require.ErrorContains(t, err, "encode none as parquet: no columns")
	assert.Panics(t, func() { dag.RegisterTableFormat(lines{}) })
	_, err = dag.TableFormatOf("avro")
	require.ErrorContains(t, err, `this program has no codec "avro"`)
}

// The elements of a stream are read from either form; a file that is not what it was is an error.
func TestReadStream(t *testing.T) {
	rowType := dag.TypeOf[row]("row")
	table := writeFile(t, filepath.Join(t.TempDir(), "stream.parquet"), []byte("{\"N\":1}\n{\"Name\":\"b\"}\n"))
	var b bytes.Buffer
	s, err := codec.NewStreamWriter(&b, rowType)
	require.NoError(t, err)
	for _, r := range []row{{1, ""}, {0, "b"}} {
		require.NoError(t, s.Write(&r))
	}
	require.NoError(t, s.Flush())
	elements := writeFile(t, filepath.Join(t.TempDir(), "stream.cborseq"), b.Bytes())
	for _, f := range []dag.File{table, elements} {
		var got []row
		var r row
		require.NoError(t, ReadStream(f, rowType, &r, func() bool { got = append(got, r); return true }))
		assert.Equal(t, []row{{1, ""}, {0, "b"}}, got)
		n := 0
		require.NoError(t, ReadStream(f, rowType, &r, func() bool { n++; return false }))
		assert.Equal(t, 1, n)
	}
	assert.True(t, IsTable(table))
	assert.False(t, IsTable(elements))
	out := &storage.Output{Codec: CodecFile, File: "stream.parquet"}
	name, err := newHome(t, t.TempDir()).io.readableName("town/rows", out, dag.SeqOf[row]("iter.Seq[row]", "row"))
	require.NoError(t, err)
	assert.Equal(t, "assets/town/rows/rows.parquet", name)

	var r row
	broken := writeFile(t, filepath.Join(t.TempDir(), "stream.parquet"), []byte("{\"N\":1}\n{\n"))
	require.ErrorContains(t, ReadStream(broken, rowType, &r, func() bool { return true }), broken.Path())
	none := writeFile(t, filepath.Join(t.TempDir(), "stream.parquet"), []byte("no table"))
	require.ErrorContains(t, ReadStream(none, rowType, &r, nil), none.Path()+": no table")
	require.NoError(t, os.Truncate(table.Path(), 3))
	require.ErrorIs(t, ReadStream(table, rowType, &r, nil), dag.ErrFileChanged)
	require.NoError(t, os.Remove(table.Path()))
	require.ErrorIs(t, ReadStream(table, rowType, &r, nil), os.ErrNotExist)
}
