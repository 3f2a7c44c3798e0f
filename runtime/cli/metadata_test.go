package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

func TestMetadataOfEveryKind(t *testing.T) {
	type row struct {
		City string  `json:"city"`
		High float64 `json:"high"`
	}
	lines := metadataView([]dag.MetadataEntry{
		dag.Text("note", "plain\x1b[2J"), dag.Int("rows", 12345), dag.Float("mean", 1.5), dag.Bool("ok", true), dag.URL("source", "https://example.com"), dag.Path("at", "a/b"),
		dag.Image("chart", []byte("\x89PNG\r\n\x1a\n0000")), dag.JSON("raw", map[string]int{"a": 1}), dag.Markdown("text", "**bold**"),
		dag.Table("best", []row{{"oslo", 31.5}, {"rome\x1b[2J", 40}}),
		dag.TableSchema("columns", dag.TableColumn{Name: "id", Type: "int64", Constraints: []string{"unique"}, Description: "of the row"}),
	}, look{})
	got := strings.Join(lines, "\n")
	for _, want := range []string{
		`plain\x1b[2J`, "12,345", "1.5", "true", "https://example.com", "a/b", "image/png, 12 bytes", `"a": 1`, "bold",
		"best\ncity", "oslo", "31.5", `rome\x1b[2J`, "COLUMN", "unique", "of the row",
	} {
		assert.Contains(t, got, want)
	}
	assert.NotContains(t, got, "\x1b")
	assert.Equal(t, "2 rows of 2 columns", metadataText(dag.Table("best", []row{{}, {}})))
	assert.Equal(t, "a, b", metadataText(dag.TableSchema("s", dag.TableColumn{Name: "a"}, dag.TableColumn{Name: "b"})))
	assert.Contains(t, strings.Join(metadataView([]dag.MetadataEntry{dag.Table("long", make([]row, 30))}, look{}), "\n"), "and 10 more rows")
}
