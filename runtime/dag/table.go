package dag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// The metadata kinds with a structure of their own.
const (
	MetadataTable       MetadataKind = "table"        // a TableValue
	MetadataTableSchema MetadataKind = "table_schema" // a list of TableColumn
	MetadataImage       MetadataKind = "image"        // an ImageValue
)

// A TableColumn describes a column of a table (Dagster's TableColumn).
type TableColumn struct {
	Name        string   `json:"name"`
	Type        string   `json:"type,omitempty"`        // for people: "int64", "VARCHAR(20)"
	Description string   `json:"description,omitempty"` // what it holds
	Constraints []string `json:"constraints,omitempty"` // for people: "not null", "unique", "> 0"
}

// A TableValue is a small table: the columns, and for each row one value for each column.
type TableValue struct {
	Columns []TableColumn       `json:"columns"`
	Rows    [][]json.RawMessage `json:"rows"`
}

// An ImageValue is a small picture.
type ImageValue struct {
	Type string `json:"type"` // MIME: "image/png"
	Data []byte `json:"data"`
}

// TableSchema returns a metadata entry with the columns of a table that is elsewhere.
func TableSchema(label string, columns ...TableColumn) MetadataEntry {
	if columns == nil {
		columns = []TableColumn{}
	}
	return entry(label, MetadataTableSchema, columns)
}

// maxTableRows is how many rows of a table are kept: metadata is a preview.
const maxTableRows = 1000

// Table returns a metadata entry with a small table: a row for each element of rows, a slice of structs or of pointers to structs. The columns are the exported fields, by
// their json names. Only the first 1,000 rows are kept.
func Table[T any](label string, rows []T) MetadataEntry {
	t := reflect.TypeFor[T]()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return entry(label, MetadataText, fmt.Sprintf("not shown: a table is made of structs, and not of %s", reflect.TypeFor[T]()))
	}
	columns, fields := columnsOf(t)
	values := make([][]any, 0, min(len(rows), maxTableRows))
	for i := range rows[:min(len(rows), maxTableRows)] {
		v := reflect.ValueOf(&rows[i]).Elem()
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				values = append(values, make([]any, len(fields)))
				continue
			}
			v = v.Elem()
		}
		row := make([]any, len(fields))
		for k, f := range fields {
			row[k] = v.Field(f).Interface()
		}
		values = append(values, row)
	}
	return TableRows(label, columns, values)
}

// columnsOf are the columns of a struct, and the fields that they are.
func columnsOf(t reflect.Type) (columns []TableColumn, fields []int) {
	columns = []TableColumn{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || f.Type == reflect.TypeFor[Secret]() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		columns, fields = append(columns, TableColumn{Name: name, Type: f.Type.String()}), append(fields, i)
	}
	return columns, fields
}

// TableRows is [Table] for rows that are no structs: one value for each column. A value that encoding/json cannot write is shown as text.
func TableRows(label string, columns []TableColumn, rows [][]any) MetadataEntry {
	v := TableValue{Columns: columns, Rows: make([][]json.RawMessage, 0, min(len(rows), maxTableRows))}
	for _, row := range rows[:min(len(rows), maxTableRows)] {
		if len(row) != len(columns) {
			return entry(label, MetadataText, fmt.Sprintf("not shown: a row has %d values, and there are %d columns", len(row), len(columns)))
		}
		out := make([]json.RawMessage, len(row))
		for k := range row {
			data, err := json.Marshal(row[k])
			if err != nil {
				data, _ = json.Marshal(fmt.Sprint(row[k]))
			}
			out[k] = data
		}
		v.Rows = append(v.Rows, out)
	}
	return entry(label, MetadataTable, v)
}

// maxImage bounds a picture in metadata, in bytes: it stands in the database.
const maxImage = 1 << 20

// pictures are the formats of pictures, by how their files begin. (Package net/http knows more, and every user package would link it.)
var pictures = []struct{ begin, mime string }{
	{"\x89PNG\r\n\x1a\n", "image/png"}, {"\xff\xd8\xff", "image/jpeg"}, {"GIF87a", "image/gif"}, {"GIF89a", "image/gif"}, {"<svg", "image/svg+xml"}, {"<?xml", "image/svg+xml"},
}

func pictureType(data []byte) string {
	for _, p := range pictures {
		if bytes.HasPrefix(data, []byte(p.begin)) {
			return p.mime
		}
	}
	if len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP" {
		return "image/webp"
	}
	return ""
}

// Image returns a metadata entry with a small picture, such as a chart: PNG, JPEG, GIF, WebP or SVG. One of more than 1 MiB is left out and says so; make it an
// output of the step, a [File].
func Image(label string, data []byte) MetadataEntry {
	mime := pictureType(data)
	switch {
	case len(data) > maxImage:
		return entry(label, MetadataText, fmt.Sprintf("not shown: a picture of %d bytes, and metadata has room for %d", len(data), maxImage))
	case mime == "":
		return entry(label, MetadataText, fmt.Sprintf("not shown: %d bytes that are no PNG, JPEG, GIF, WebP or SVG", len(data)))
	}
	return entry(label, MetadataImage, ImageValue{mime, data})
}
