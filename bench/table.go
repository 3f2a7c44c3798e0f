package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// none stands where nothing was measured; the reasons are below the table.
const none = "–"

// Times returns a Markdown table of the seconds: a row for each thing to do, a column for each system, the median of the rounds and, where there
// were several, the least and the greatest.
func (m *Measured) Times() string {
	return m.table(func(row Row, system string) string { return times(m.Cell(row.Key, system), Seconds) })
}

// Wholes is like [Measured.Times] of whole processes, from start to exit: loading the system and the definitions is in them.
func (m *Measured) Wholes() string {
	return m.table(func(row Row, system string) string { return times(m.Cell(row.Key, system), Whole) })
}

// Ratios returns a table of how many times as long as we every other system took. What was broken off is compared with our slowest whole process, as its
// time, too, is from the start of the process.
func (m *Measured) Ratios() string {
	return m.table(func(row Row, system string) string {
		other, base := m.Cell(row.Key, system), m.Cell(row.Key, Ours)
		r, whole := Ratio(other, base), base.Of(Whole)
		switch {
		case r.N == 0 && other != nil && other.Over > 0 && whole.N > 0:
			return "> " + ratio(other.Over/whole.High) + " ×"
		case r.N == 0:
			return none
		case system == Ours:
			return "1"
		case r.N == 1:
			return ratio(r.Median) + " ×"
		}
		return fmt.Sprintf("%s (%s to %s)", ratio(r.Median)+" ×", ratio(r.Low), ratio(r.High))
	})
}

// Peaks returns a table of the peak memory of the largest process, in MiB: the greatest of all rounds.
func (m *Measured) Peaks() string {
	return m.table(func(row Row, system string) string {
		if p := m.Cell(row.Key, system).Of(Peak); p.N > 0 {
			return number(p.High)
		}
		return none
	})
}

// Reasons returns a list of why cells are empty.
func (m *Measured) Reasons() string {
	var b strings.Builder
	for _, system := range m.Systems {
		var reasons []string
		rows := map[string][]string{}
		for _, row := range m.Rows {
			if c := m.Cell(row.Key, system); c != nil && c.Reason != "" {
				if rows[c.Reason] == nil {
					reasons = append(reasons, c.Reason)
				}
				rows[c.Reason] = append(rows[c.Reason], row.Key)
			}
		}
		for _, reason := range reasons {
			fmt.Fprintf(&b, "- %s, %s: %s.\n", system, strings.Join(rows[reason], ", "), reason)
		}
	}
	return b.String()
}

// table leaves out rows and columns that have nothing.
func (m *Measured) table(cell func(Row, string) string) string {
	var rows []Row
	var systems []string
	for _, row := range m.Rows {
		if slices.ContainsFunc(m.Systems, func(s string) bool { return cell(row, s) != none }) {
			rows = append(rows, row)
		}
	}
	for _, s := range m.Systems {
		if slices.ContainsFunc(m.Rows, func(r Row) bool { return cell(r, s) != none }) {
			systems = append(systems, s)
		}
	}
	var b strings.Builder
	b.WriteString("| |")
	for _, s := range systems {
		fmt.Fprintf(&b, " %s |", s)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(systems)) + "\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| **%s** %s |", row.Key, row.Title)
		for _, s := range systems {
			fmt.Fprintf(&b, " %s |", cell(row, s))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func times(c *Cell, take func(Sample) float64) string {
	s := c.Of(take)
	switch {
	case s.N == 0 && c != nil && c.Over > 0:
		return "> " + duration(c.Over)
	case s.N == 0:
		return none
	case s.N == 1:
		return duration(s.Median) + " (once)"
	}
	return fmt.Sprintf("%s (%s to %s)", duration(s.Median), duration(s.Low), duration(s.High))
}

// ratio writes what is far below one as a fraction.
func ratio(x float64) string {
	if x < 0.1 {
		return "1/" + number(1/x)
	}
	return number(x)
}

// duration writes seconds with three digits in the unit that fits.
func duration(seconds float64) string {
	switch {
	case seconds < 1e-6:
		return number(seconds*1e9) + " ns"
	case seconds < 1e-3:
		return number(seconds*1e6) + " µs"
	case seconds < 1:
		return number(seconds*1e3) + " ms"
	case seconds < 600:
		return number(seconds) + " s"
	}
	return number(seconds/60) + " min"
}

// number writes three digits that count, and thousands with a comma.
func number(x float64) string {
	if x <= 0 {
		return "0"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(x))))
	if rounded := math.Round(x*math.Pow10(digits)) / math.Pow10(digits); digits > 0 && math.Floor(math.Log10(rounded)) > math.Floor(math.Log10(x)) {
		digits-- // 9.999 is 10.0
	}
	text := fmt.Sprintf("%.*f", digits, x)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}
