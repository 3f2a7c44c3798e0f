package cli

import "strings"

// renderMarkdown shows Markdown as text: tables with aligned columns, headings in bold, everything else as it is written.
func renderMarkdown(md string, l look) []string {
	var out []string
	lines := escapeLines(md)
	for i := 0; i < len(lines); i++ {
		if n := tableLength(lines[i:]); n > 0 {
			out = append(out, markdownTable(lines[i:i+n]).render(l)...)
			i += n - 1
			continue
		}
		line := strings.TrimRight(lines[i], " ")
		if heading := strings.TrimLeft(line, "#"); heading != line && strings.HasPrefix(heading, " ") {
			out = append(out, l.paint(strings.TrimSpace(heading), bold))
			continue
		}
		out = append(out, wrapLine(line, l.width)...)
	}
	return out
}

// wrapLine wraps a line of prose and keeps what it starts with, such as the indent of a list.
func wrapLine(line string, w int) []string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	if w <= 0 || len(indent) >= w {
		return []string{line}
	}
	wrapped := wrap(strings.TrimLeft(line, " "), w-len(indent))
	for i := range wrapped {
		wrapped[i] = indent + wrapped[i]
	}
	return wrapped
}

// tableLength returns how many lines the table at the start of lines has: a row, a line of dashes, more rows. 0 is no table.
func tableLength(lines []string) int {
	if len(lines) < 2 || !strings.Contains(lines[0], "|") || !isRule(lines[1]) || len(splitRow(lines[0])) != len(splitRow(lines[1])) {
		return 0
	}
	n := 2
	for n < len(lines) && strings.Contains(lines[n], "|") {
		n++
	}
	return n
}

func isRule(line string) bool {
	for _, c := range splitRow(line) {
		if c = strings.TrimSuffix(strings.TrimPrefix(c, ":"), ":"); c == "" || strings.Trim(c, "-") != "" {
			return false
		}
	}
	return strings.Contains(line, "-")
}

// splitRow splits a row at its bars; \| is a bar in a cell.
func splitRow(line string) []string {
	line = strings.TrimSpace(line)
	line = strings.TrimPrefix(line, "|")
	if strings.HasSuffix(line, "|") && !strings.HasSuffix(line, `\|`) {
		line = line[:len(line)-1]
	}
	var cells []string
	start := 0
	for i := range len(line) {
		if line[i] == '|' && (i == 0 || line[i-1] != '\\') {
			cells = append(cells, line[start:i])
			start = i + 1
		}
	}
	cells = append(cells, line[start:])
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(c), `\|`, "|")
	}
	return cells
}

func markdownTable(lines []string) *table {
	t := &table{}
	rule := splitRow(lines[1])
	for i, title := range splitRow(lines[0]) {
		t.columns = append(t.columns, column{title: title, right: strings.HasSuffix(rule[i], ":") && !strings.HasPrefix(rule[i], ":"), wrap: true})
	}
	for _, line := range lines[2:] {
		var row []cell
		for _, c := range splitRow(line) {
			row = append(row, cell{lines: []string{c}})
		}
		if len(row) > len(t.columns) {
			row = row[:len(t.columns)]
		}
		t.rows = append(t.rows, row)
	}
	if len(t.rows) == 0 { // titles alone are still worth seeing
		t.rows = append(t.rows, nil)
	}
	return t
}
