package oracle

import (
	"fmt"
	"strings"
	"time"
)

// table writes a Markdown table.
func table(head string, rows [][]string) string {
	var b strings.Builder
	b.WriteString("| " + head + " |\n|" + strings.Repeat("---|", 1+strings.Count(head, " | ")) + "\n")
	for _, r := range rows {
		b.WriteString("| " + strings.Join(r, " | ") + " |\n")
	}
	return b.String()
}

// count writes a number with commas.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func percent(part, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(of))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }

// MutationTables writes what mutation campaigns found: by project, and by kind of edit.
func MutationTables(projects []Project, ms []*Mutation) string {
	var rows [][]string
	kindsOf := map[string]*KindCount{}
	var total Mutation
	for i, m := range ms {
		rows = append(rows, []string{projects[i].String(), count(m.Packages), count(m.Functions), fmt.Sprint(m.Seed), count(m.Tried), count(m.Edits),
			count(m.Dependents), count(len(m.Misses)), seconds(m.Elapsed)})
		total.Packages, total.Functions, total.Tried, total.Edits = total.Packages+m.Packages, total.Functions+m.Functions, total.Tried+m.Tried, total.Edits+m.Edits
		total.Dependents, total.Elapsed = total.Dependents+m.Dependents, total.Elapsed+m.Elapsed
		total.Misses = append(total.Misses, m.Misses...)
		for _, k := range m.Kinds {
			if kindsOf[k.Kind] == nil {
				kindsOf[k.Kind] = &KindCount{Kind: k.Kind}
			}
			kindsOf[k.Kind].Edits += k.Edits
			kindsOf[k.Kind].Dependents += k.Dependents
		}
	}
	rows = append(rows, []string{"**all**", count(total.Packages), count(total.Functions), "", count(total.Tried), count(total.Edits), count(total.Dependents),
		"**" + count(len(total.Misses)) + "**", seconds(total.Elapsed)})
	out := table(mutationHead, rows)
	rows = nil
	for _, k := range kinds {
		if c := kindsOf[k.name]; c != nil {
			rows = append(rows, []string{c.Kind, count(c.Edits), count(c.Dependents)})
		}
	}
	return out + "\n" + table(kindHead, rows)
}

// NeutralTable writes what rewriting projects came to.
func NeutralTable(projects []Project, ns []*Neutrality) string {
	var rows [][]string
	for i, n := range ns {
		rows = append(rows, []string{projects[i].String(), fmt.Sprint(n.Seed), count(n.Files), count(n.Renamed), count(n.Moved), count(n.Functions), "**" + count(len(n.Changed)) + "**", seconds(n.Elapsed)})
	}
	return table(neutralHead, rows)
}

// CoverageTable writes what running tests came to.
func CoverageTable(projects []Project, cs []*Coverage) string {
	var rows [][]string
	for i, c := range cs {
		mean := func(n int) string {
			if c.Tests == 0 {
				return "-"
			}
			return count(n / c.Tests)
		}
		rows = append(rows, []string{projects[i].String(), count(c.Packages), count(c.Tests), count(c.Pairs), "**" + count(len(c.Misses)) + "**", mean(c.Pairs), mean(c.Closure), seconds(c.Elapsed)})
	}
	return table(coverageHead, rows) + didNotPass(cs)
}

// didNotPass lists the tests that did not pass.
func didNotPass(cs []*Coverage) string {
	var b strings.Builder
	var skipped []string
	for _, c := range cs {
		for _, e := range c.Ended {
			switch {
			case e.How == "skipped":
				skipped = append(skipped, "`"+e.Test+"`")
			case e.Reason == "":
				fmt.Fprintf(&b, "- `%s` %s\n", e.Test, e.How)
			default:
				fmt.Fprintf(&b, "- `%s` %s: `%s`\n", e.Test, e.How, strings.ReplaceAll(e.Reason, "`", "'"))
			}
		}
	}
	if len(skipped) > 0 {
		fmt.Fprintf(&b, "- %d skipped itself: %s\n", len(skipped), strings.Join(skipped, ", "))
	}
	if b.Len() == 0 {
		return ""
	}
	return "\nWhat a test ran counts however it ended. These did not pass:\n\n" + b.String()
}

// FlipTable writes what running tests after edits came to.
func FlipTable(projects []Project, fs []*Flips) string {
	var rows [][]string
	for i, f := range fs {
		rows = append(rows, []string{projects[i].String(), fmt.Sprint(f.Seed), count(f.Tests), count(f.Edits), count(f.Telling), count(f.Runs), count(f.Changed), count(f.Flipped),
			"**" + count(len(f.Misses)) + "**", seconds(f.Elapsed)})
	}
	return table(flipHead, rows)
}

// HistoryTable writes what the releases of a module came to.
func HistoryTable(module string, steps []Step) string {
	var rows [][]string
	var sum, same Step
	note := false
	row := func(name string, s Step) []string {
		return []string{name, count(s.Functions), percent(s.Body, s.Functions), "**" + percent(s.Version, s.Functions) + "**", percent(s.Package, s.Functions), percent(s.Module, s.Functions)}
	}
	for _, s := range steps {
		name := s.From + " to " + s.To
		if s.Language {
			name, note = name+" *", true
		}
		rows = append(rows, row(name, s))
		sum.add(s)
		if !s.Language {
			same.add(s)
		}
	}
	rows = append(rows, row("all", sum))
	if note {
		rows = append(rows, row("all without *", same))
	}
	out := table(module+" | "+historyHead, rows)
	if note {
		out += "\n\\* the go line of go.mod moved to another language version, which is part of every version.\n"
	}
	return out
}
