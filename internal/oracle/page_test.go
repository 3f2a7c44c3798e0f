package oracle

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// printed is what each command prints, without a campaign.
func printed() map[string]string {
	p := []Project{{Module: "example.com/a", Version: "v1.0.0"}}
	return map[string]string{
		"mutate":  MutationTables(p, []*Mutation{{Edits: 2000, Kinds: []KindCount{{"operator", 3, 4}}, Elapsed: time.Second}}),
		"neutral": NeutralTable(p, []*Neutrality{{Functions: 3}}),
		"cover":   CoverageTable(p, []*Coverage{{Tests: 3, Pairs: 9, Ended: []TestEnded{{"a.TestX", "failed", "no network"}, {"a.TestY", "skipped", ""}}}}),
		"flip":    FlipTable(p, []*Flips{{Tests: 3}}),
		"history": HistoryTable("example.com/a", []Step{{From: "v1.0.0", To: "v1.1.0", Functions: 4, Version: 3}}),
	}
}

// Every section of the page is what its campaign wrote, with the tables that it prints today.
func TestEvidencePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/evidence.md")
	require.NoError(t, err)
	for name := range printed() {
		if name != "flip" || strings.Contains(string(page), "<!-- oracle flip -->") { // the youngest may wait for its first long run
			assert.NoError(t, CheckSection(string(page), name))
		}
	}
}

func TestSections(t *testing.T) {
	const empty = "# Page\n\n<!-- oracle mutate -->\n<!-- oracle end -->\n\n<!-- oracle flip -->\nold\n<!-- oracle end 12 -->\nmore\n"
	for name, text := range printed() {
		page := strings.ReplaceAll(empty, "mutate", name)
		if name == "flip" {
			page = empty
		}
		_, err := WriteSection("no marks", name, "oracle "+name, text)
		assert.ErrorContains(t, err, "no section "+name)
		assert.Error(t, CheckSection(page, name), "nothing was written")
		page, err = WriteSection(page, name, "oracle "+name+" -seed 1", text)
		require.NoError(t, err)
		require.NoError(t, CheckSection(page, name))
		assert.Contains(t, page, "`oracle "+name+" -seed 1` printed:\n")
		assert.True(t, strings.HasPrefix(page, "# Page\n\n<!-- oracle ") && strings.HasSuffix(page, "-->\nmore\n"), page)
		again, err := WriteSection(page, name, "oracle "+name+" -seed 1", text)
		require.NoError(t, err)
		assert.Equal(t, page, again)

		forged := strings.Replace(page, "| 3 |", "| 4 |", 1)
		if forged == page {
			forged = strings.Replace(page, "printed", "Printed", 1)
		}
		assert.ErrorContains(t, CheckSection(forged, name), "was not written by its campaign")
		old, err := WriteSection(page, name, "oracle", "| another | head |\n|---|---|\n")
		require.NoError(t, err)
		assert.ErrorContains(t, CheckSection(old, name), "has no table")
	}
}

func TestTablesNameTestsThatDidNotPass(t *testing.T) {
	text := printed()["cover"]
	assert.Contains(t, text, "| 3 | 9 |")
	assert.Contains(t, text, "- `a.TestX` failed: `no network`\n")
	assert.Contains(t, text, "- 1 skipped itself: `a.TestY`\n")
}
