package oracle

import (
	"fmt"
	"strings"
	"time"
)

// table writes a Markdown table.
func table(head []string, rows [][]string) string {
	var b strings.Builder
	b.WriteString("| " + strings.Join(head, " | ") + " |\n|" + strings.Repeat("---|", len(head)) + "\n")
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
	out := table([]string{"project", "packages", "functions", "seed", "edits tried", "of them compile", "(edit, dependent function) pairs", "version stayed", "time"}, rows)
	rows = nil
	for _, k := range kinds {
		if c := kindsOf[k.name]; c != nil {
			rows = append(rows, []string{c.Kind, count(c.Edits), count(c.Dependents)})
		}
	}
	return out + "\n" + table([]string{"kind of edit", "edits", "dependent functions"}, rows)
}

// NeutralTable writes what rewriting projects came to.
func NeutralTable(projects []Project, ns []*Neutrality) string {
	var rows [][]string
	for i, n := range ns {
		rows = append(rows, []string{projects[i].String(), fmt.Sprint(n.Seed), count(n.Files), count(n.Renamed), count(n.Moved), count(n.Functions), "**" + count(len(n.Changed)) + "**", seconds(n.Elapsed)})
	}
	return table([]string{"project", "seed", "files rewritten", "locals renamed", "declarations moved", "functions", "version changed", "time"}, rows)
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
	return table([]string{"project", "packages with tests", "tests", "(test, executed function) pairs", "not in the closure", "executed by a test", "in its closure", "time"}, rows)
}

// FlipTable writes what running tests after edits came to.
func FlipTable(projects []Project, fs []*Flips) string {
	var rows [][]string
	for i, f := range fs {
		rows = append(rows, []string{projects[i].String(), fmt.Sprint(f.Seed), count(f.Tests), count(f.Edits), count(f.Telling), count(f.Runs), count(f.Changed), count(f.Flipped),
			"**" + count(len(f.Misses)) + "**", seconds(f.Elapsed)})
	}
	return table([]string{"project", "seed", "tests", "edits", "of them told by a test", "(edit, test) pairs", "version changed", "test ended in another way", "and the version stayed", "time"}, rows)
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
	out := table([]string{module, "functions in both", "same text of the body", "same version", "same package and imports", "same module"}, rows)
	if note {
		out += "\n\\* the go line of go.mod moved to another language version, which is part of every version.\n"
	}
	return out
}
