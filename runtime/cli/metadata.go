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
	}
	var s string
	if json.Unmarshal(e.Value, &s) == nil {
		return s
	}
	return string(e.Value)
}

// metadataView shows the metadata of an output: short facts as a table, then each longer one under its label.
func metadataView(entries []dag.MetadataEntry, l look) []string {
	t := &table{columns: []column{{}, {wrap: true}}}
	var long []dag.MetadataEntry
	for _, e := range entries {
		if e.Kind == dag.MetadataMarkdown || e.Kind == dag.MetadataJSON || strings.Contains(metadataText(e), "\n") {
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
	case dag.MetadataJSON:
		var b bytes.Buffer
		if json.Indent(&b, e.Value, "", "  ") == nil {
			return escapeLines(b.String())
		}
	}
	return escapeLines(metadataText(e))
}
