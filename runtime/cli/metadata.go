package cli

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// metadataText writes a metadata value on one line. It is not escaped yet.
func metadataText(e dag.MetadataEntry) string {
	switch e.Kind {
	case dag.MetadataInt:
		if n, err := strconv.ParseInt(string(e.Value), 10, 64); err == nil {
			return group(n)
		}
	case dag.MetadataTimestamp:
		var s string
		if json.Unmarshal(e.Value, &s) == nil {
			if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
				return t.Format(timeLayout)
			}
		}
	case dag.MetadataImage:
		var v dag.ImageValue
		if json.Unmarshal(e.Value, &v) == nil {
			return v.Type + ", " + size(int64(len(v.Data)))
		}
	case dag.MetadataTable:
		var v dag.TableValue
		if json.Unmarshal(e.Value, &v) == nil {
			return plural(len(v.Rows), "row") + " of " + plural(len(v.Columns), "column")
		}
	case dag.MetadataTableSchema:
		var v []dag.TableColumn
		if json.Unmarshal(e.Value, &v) == nil {
			names := make([]string, len(v))
			for i := range v {
				names[i] = v[i].Name
			}
			return strings.Join(names, ", ")
		}
	}
	var s string
	if json.Unmarshal(e.Value, &s) == nil {
		return s
	}
	return string(e.Value)
}

// structured reports whether a metadata value needs lines of its own.
func structured(k dag.MetadataKind) bool {
	return k == dag.MetadataMarkdown || k == dag.MetadataJSON || k == dag.MetadataTable || k == dag.MetadataTableSchema
}

// mostRows is how many rows of a table are shown; -o json has them all.
const mostRows = 20

// tableLines shows a table.
func tableLines(v *dag.TableValue, l look) []string {
	t := &table{}
	for _, c := range v.Columns {
		t.columns = append(t.columns, column{title: escape(c.Name), right: true})
	}
	for i, row := range v.Rows {
		if i == mostRows {
			break
		}
		cells := make([]cell, len(row))
		for k, data := range row {
			s := string(data)
			if strings.HasPrefix(s, `"`) {
				_ = json.Unmarshal(data, &s)
				t.columns[k].right = false // not all of it are numbers
			}
			cells[k] = text(s)
		}
		t.add(cells...)
	}
	out := t.render(l)
	if n := len(v.Rows) - mostRows; n > 0 {
		out = append(out, "and "+plural(n, "more row"))
	}
	return out
}

// schemaLines shows the columns of a table.
func schemaLines(columns []dag.TableColumn, l look) []string {
	t := &table{columns: []column{{title: "COLUMN"}, {title: "TYPE"}, {title: "CONSTRAINTS"}, {title: "DESCRIPTION", wrap: true}}}
	for _, c := range columns {
		t.add(text(c.Name), text(c.Type), text(strings.Join(c.Constraints, ", ")), text(c.Description))
	}
	return t.render(l)
}

// metadataView shows the metadata of an output: short facts as a table, then each longer one under its label.
func metadataView(entries []dag.MetadataEntry, l look) []string {
	t := &table{columns: []column{{}, {wrap: true}}}
	var long []dag.MetadataEntry
	for _, e := range entries {
		if structured(e.Kind) || strings.Contains(metadataText(e), "\n") {
			long = append(long, e)
			continue
		}
		t.add(styled(e.Label, dim), text(metadataText(e)))
	}
	out := t.render(l)
	for _, e := range long {
		if out != nil {
			out = append(out, "")
		}
		out = append(out, l.paint(escape(e.Label), dim))
		out = append(out, longMetadata(e, l)...)
	}
	return out
}

func longMetadata(e dag.MetadataEntry, l look) []string {
	switch e.Kind {
	case dag.MetadataMarkdown:
		return renderMarkdown(metadataText(e), l)
	case dag.MetadataTable:
		var v dag.TableValue
		if json.Unmarshal(e.Value, &v) == nil {
			return tableLines(&v, l)
		}
	case dag.MetadataTableSchema:
		var v []dag.TableColumn
		if json.Unmarshal(e.Value, &v) == nil {
			return schemaLines(v, l)
		}
	case dag.MetadataJSON:
		var b bytes.Buffer
		if json.Indent(&b, e.Value, "", "  ") == nil {
			return escapeLines(b.String())
		}
	}
	return escapeLines(metadataText(e))
}
