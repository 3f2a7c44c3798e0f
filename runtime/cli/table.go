package cli

import "strings"

// A table is rows under titles. Render is pure: the same table and look give the same lines.
type table struct {
	columns []column
	rows    [][]cell
}

// A column says how its cells behave where the table is wider than the terminal: a wrapped column breaks its lines, any
// other is cut.
type column struct {
	title string
	right bool // aligned to the right, for numbers
	wrap  bool
}

// A cell is one text, or several that stand below each other; escaped when it is made.
type cell struct {
	lines []string
	style style
}

// text makes a cell of one line.
func text(s string) cell { return cell{lines: []string{escape(s)}} }

// styled makes a cell of one line in a style.
func styled(s string, st style) cell { return cell{lines: []string{escape(s)}, style: st} }

// texts makes a cell of several lines.
func texts(list []string) cell {
	c := cell{}
	for _, s := range list {
		c.lines = append(c.lines, escape(s))
	}
	return c
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

const (
	gap       = "  "
	leastCell = 8 // cells that a column keeps where the terminal is too narrow
)

// render returns the lines of t. A table without rows has none.
func (t *table) render(l look) []string {
	if len(t.rows) == 0 {
		return nil
	}
	widths := t.widths(l.width)
	var out []string
	header := make([]cell, len(t.columns))
	titled := false
	for i, c := range t.columns {
		header[i] = cell{lines: []string{clip(c.title, widths[i])}, style: bold}
		titled = titled || c.title != ""
	}
	if titled {
		out = append(out, t.renderRow(header, widths, l)...)
	}
	for _, row := range t.rows {
		out = append(out, t.renderRow(row, widths, l)...)
	}
	return out
}

func (t *table) renderRow(row []cell, widths []int, l look) []string {
	cells := make([][]string, len(t.columns))
	height := 1
	for i := range t.columns {
		if i >= len(row) {
			continue
		}
		for _, line := range row[i].lines {
			if t.columns[i].wrap {
				cells[i] = append(cells[i], wrap(line, widths[i])...)
			} else {
				cells[i] = append(cells[i], clip(line, widths[i]))
			}
		}
		height = max(height, len(cells[i]))
	}
	lines := make([]string, height)
	for n := range lines {
		var b strings.Builder
		blank := 0 // spaces that are only written if something follows
		for i, c := range t.columns {
			s := ""
			if n < len(cells[i]) {
				s = cells[i][n]
			}
			if i > 0 {
				blank += len(gap)
			}
			if s == "" {
				blank += widths[i]
				continue
			}
			fill := widths[i] - displayWidth(s)
			if c.right {
				blank += fill
			}
			b.WriteString(strings.Repeat(" ", blank))
			b.WriteString(l.paint(s, row[i].style))
			blank = 0
			if !c.right {
				blank = fill
			}
		}
		lines[n] = b.String()
	}
	return lines
}

// widths gives every column what it needs, and less where the terminal has less: the widest column gives way first.
func (t *table) widths(limit int) []int {
	widths := make([]int, len(t.columns))
	total := len(gap) * (len(t.columns) - 1)
	for i, c := range t.columns {
		widths[i] = displayWidth(c.title)
		for _, row := range t.rows {
			if i < len(row) {
				for _, line := range row[i].lines {
					widths[i] = max(widths[i], displayWidth(line))
				}
			}
		}
		total += widths[i]
	}
	if limit <= 0 {
		return widths
	}
	for total > limit {
		widest, wrapped := -1, -1
		for i, w := range widths {
			if w > leastCell && (widest < 0 || w > widths[widest]) {
				widest = i
			}
			if w > 2*leastCell && t.columns[i].wrap && (wrapped < 0 || w > widths[wrapped]) {
				wrapped = i
			}
		}
		if wrapped >= 0 { // what can be wrapped loses nothing, so it goes first
			widest = wrapped
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}
