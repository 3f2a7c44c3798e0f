package dag

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/dagstergen/dagstergen/internal/mask"
)

// A MetadataKind says how a metadata value is shown.
type MetadataKind string

// The metadata kinds, named as Dagster's MetadataValue names them.
const (
	MetadataText      MetadataKind = "text"
	MetadataInt       MetadataKind = "int"
	MetadataFloat     MetadataKind = "float"
	MetadataBool      MetadataKind = "bool"
	MetadataURL       MetadataKind = "url"
	MetadataPath      MetadataKind = "path"
	MetadataMarkdown  MetadataKind = "md"
	MetadataJSON      MetadataKind = "json"
	MetadataTimestamp MetadataKind = "timestamp"
)

// A MetadataEntry is one labelled fact about an output: a row count, a preview. It is stored with the output, shown by
// the command line, and never part of a version.
type MetadataEntry struct {
	Label string          `json:"label"`
	Kind  MetadataKind    `json:"kind"`
	Value json.RawMessage `json:"value"` // JSON of the value: a string, a number, a boolean or any JSON
}

// Text returns a metadata entry with a line of text.
func Text(label, v string) MetadataEntry { return entry(label, MetadataText, v) }

// Int returns a metadata entry with a whole number, such as a row count.
func Int(label string, v int64) MetadataEntry { return entry(label, MetadataInt, v) }

// Float returns a metadata entry with a number. NaN and infinities are kept as text.
func Float(label string, v float64) MetadataEntry {
	if b, err := json.Marshal(v); err == nil {
		return MetadataEntry{label, MetadataFloat, b}
	}
	return entry(label, MetadataText, formatFloat(v))
}

// Bool returns a metadata entry with a yes or no.
func Bool(label string, v bool) MetadataEntry { return entry(label, MetadataBool, v) }

// URL returns a metadata entry with a link.
func URL(label, v string) MetadataEntry { return entry(label, MetadataURL, v) }

// Path returns a metadata entry with a path on disk.
func Path(label, v string) MetadataEntry { return entry(label, MetadataPath, v) }

// Markdown returns a metadata entry with Markdown text, such as a small table.
func Markdown(label, v string) MetadataEntry { return entry(label, MetadataMarkdown, v) }

// Timestamp returns a metadata entry with an instant.
func Timestamp(label string, v time.Time) MetadataEntry {
	return entry(label, MetadataTimestamp, v.Format(time.RFC3339Nano))
}

// JSON returns a metadata entry with any value that encoding/json can write; an error of it becomes the text of the entry.
func JSON(label string, v any) MetadataEntry { return entry(label, MetadataJSON, v) }

func entry(label string, kind MetadataKind, v any) MetadataEntry {
	b, err := json.Marshal(v)
	if err != nil {
		b, _ = json.Marshal("not shown: " + err.Error())
		kind = MetadataText
	}
	return MetadataEntry{label, kind, b}
}

// ErrMetadata is wrapped by the errors of [AddOutputMetadata].
var ErrMetadata = errors.New("output metadata")

// AddOutputMetadata records facts about the only output of the current step. A label may be used once per output. Metadata
// survives reuse: a reused step shows what was recorded when it ran. Outside a run it does nothing. (Dagster's add_output_metadata.)
func AddOutputMetadata(ctx context.Context, entries ...MetadataEntry) error {
	return AddMetadataTo(ctx, "", entries...)
}

// AddMetadataTo is [AddOutputMetadata] for a named output of a step that has several.
func AddMetadataTo(ctx context.Context, output string, entries ...MetadataEntry) error {
	if s := scopeOf(ctx); s != nil && s.AddMetadata != nil {
		return s.AddMetadata(output, MaskedMetadata(entries))
	}
	return nil
}

// MaskedMetadata returns entries with *** in place of every secret of the process. It is for executors, and for who stores or shows entries that did not come through
// [AddOutputMetadata].
func MaskedMetadata(entries []MetadataEntry) []MetadataEntry {
	if !mask.Active() {
		return entries
	}
	out := slices.Clone(entries)
	for i := range out {
		out[i].Label, out[i].Value = mask.Hide(out[i].Label), mask.JSON(out[i].Value)
	}
	return out
}

func formatFloat(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
