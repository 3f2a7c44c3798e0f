package cli

import "testing"

func sampleTable() *table {
	t := &table{columns: []column{{title: "STEP"}, {title: "ROWS", right: true}, {title: "WHY", wrap: true}}}
	t.add(text("monthly_means"), text("1,461"), texts([]string{"func round (helpers.go:14), reached through MonthlyMeans → mean → round, changed", "config.limit: 1 → 2"}))
	t.add(styled("größe_世界", green), text("3"), text("evil \x1b[2J name"))
	t.add(text("bare"))
	return t
}

func TestTable(t *testing.T) {
	golden(t, "table", sampleTable().render(look{}))
	golden(t, "table-60", sampleTable().render(look{width: 60}))
	golden(t, "table-30", sampleTable().render(look{width: 30}))
	golden(t, "table-color", sampleTable().render(look{color: true}))
}

func TestMarkdown(t *testing.T) {
	md := "# Title\n\nSome text that is long enough to be wrapped somewhere in the middle.\n\n" +
		"| month | high °C | note |\n|---|---:|:---|\n| January | 8.1 | a \\| b |\n| May | 20 |\n\n- a list\n  - below\n\n| no | table |\n"
	golden(t, "markdown", renderMarkdown(md, look{}))
	golden(t, "markdown-40", renderMarkdown(md, look{width: 40, color: true}))
	golden(t, "markdown-odd", renderMarkdown("|a|\n|-|\n||\n|x\x1b|y|z|\n---\n|\n", look{}))
}
