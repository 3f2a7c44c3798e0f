package diag

import (
	"fmt"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Printer writes diagnostics for people, editors and tools. The zero Printer writes one plain line for each.
type Printer struct {
	Dir      string // what relative file names are relative to; "" is the current folder
	Cwd      string // what shown file names are relative to; "" shows them as they are
	Excerpts bool   // show the source line with a caret below: for a terminal
	Color    bool
	Max      int // how many diagnostics are shown before the rest is only counted; 0 is 50, negative is all
}

// The escape sequences of a coloured report.
const (
	bold, dim, red, yellow, cyan, plain = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[0m"
)

// Print writes l, sorted and without duplicates, and says how many were left out. Text from the source is made harmless: no control character
// reaches the terminal.
func (p Printer) Print(w io.Writer, l List) error {
	limit := p.Max
	if limit == 0 {
		limit = 50
	}
	sources := map[string][]string{}
	l = l.Sorted()
	for i, d := range l {
		if limit >= 0 && i >= limit {
			_, err := fmt.Fprintf(w, "... and %d more\n", len(l)-i)
			return err
		}
		if _, err := io.WriteString(w, p.text(d, sources)); err != nil {
			return err
		}
	}
	return nil
}

func (p Printer) text(d Diagnostic, sources map[string][]string) string {
	var b strings.Builder
	mark := red
	if d.Severity == Warning {
		mark = yellow
	}
	if d.Pos.Filename != "" || d.Pos.IsValid() {
		b.WriteString(p.paint(bold, p.position(d.Pos)+":") + " ")
	}
	if d.Severity == Warning {
		b.WriteString(p.paint(yellow, "warning:") + " ")
	}
	b.WriteString(Clean(d.Message))
	if d.Hint != "" {
		b.WriteString("; " + p.paint(cyan, Clean(d.Hint)))
	}
	if d.Code != "" {
		b.WriteString(" " + p.paint(dim, "["+d.Code+"]"))
	}
	b.WriteByte('\n')
	if p.Excerpts {
		b.WriteString(p.excerpt(d.Pos, d.End, mark, sources))
	}
	for _, r := range d.Related {
		b.WriteString("\t" + p.position(r.Pos) + ": " + Clean(r.Message) + "\n")
		if p.Excerpts {
			b.WriteString(p.excerpt(r.Pos, token.Position{}, cyan, sources))
		}
	}
	return b.String()
}

func (p Printer) paint(style, s string) string {
	if !p.Color || s == "" {
		return s
	}
	return style + s + plain
}

func (p Printer) position(pos token.Position) string {
	pos.Filename = Clean(p.name(pos.Filename))
	return position(pos)
}

// name is how a file is shown: relative to Cwd where that is shorter.
func (p Printer) name(file string) string {
	if file == "" || p.Cwd == "" {
		return file
	}
	abs := p.path(file)
	rel, err := filepath.Rel(p.Cwd, abs)
	if err != nil || len(rel) > len(abs) {
		return abs
	}
	return rel
}

func (p Printer) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(p.Dir, file)
}

const (
	tabWidth  = 4
	lineWidth = 120 // longer source lines are shown around the caret only
)

// excerpt shows the line of pos with the span to end marked; nothing when the file cannot be read or has changed since.
func (p Printer) excerpt(pos, end token.Position, style string, sources map[string][]string) string {
	if pos.Filename == "" || pos.Line < 1 || pos.Column < 1 {
		return ""
	}
	lines, ok := sources[pos.Filename]
	if !ok {
		if src, err := os.ReadFile(p.path(pos.Filename)); err == nil {
			lines = strings.Split(string(src), "\n")
		}
		sources[pos.Filename] = lines
	}
	if pos.Line > len(lines) {
		return ""
	}
	line := strings.TrimSuffix(lines[pos.Line-1], "\r")
	if pos.Column-1 > len(line) {
		return ""
	}
	stop := pos.Column // one character
	switch {
	case end.Line == pos.Line && end.Column > pos.Column:
		stop = min(end.Column-1, len(line))
	case end.Line > pos.Line:
		stop = len(line)
	}
	start := snap(line, pos.Column-1)
	stop = max(snap(line, stop), start)
	before, marked, after := expand(line[:start]), expand(line[start:stop]), expand(line[stop:])
	if len(before)+len(marked)+len(after) > lineWidth {
		if cut := len(before) - lineWidth/2; cut > 0 {
			before = append([]rune("..."), before[cut:]...)
		}
		marked = marked[:min(len(marked), lineWidth/2)]
		after = after[:min(len(after), max(0, lineWidth-len(before)-len(marked)))]
	}
	number := fmt.Sprintf("%5d", pos.Line)
	return fmt.Sprintf("%s | %s%s%s\n%s | %s%s\n", number, string(before), string(marked), string(after),
		strings.Repeat(" ", len(number)), strings.Repeat(" ", len(before)), p.paint(style, "^"+strings.Repeat("~", max(0, len(marked)-1))))
}

// snap moves an offset that lies inside a character to its start.
func snap(line string, i int) int {
	i = min(i, len(line))
	for i > 0 && i < len(line) && !utf8.RuneStart(line[i]) {
		i--
	}
	return i
}

// expand turns tabs into blanks and everything a terminal might obey into a replacement character.
func expand(s string) []rune {
	var out []rune
	for _, r := range s {
		switch {
		case r == '\t':
			out = append(out, []rune(strings.Repeat(" ", tabWidth))...)
		case hidden(r):
			out = append(out, unicode.ReplacementChar)
		case unicode.Is(unicode.Mn, r): // a combining mark takes no column of its own, so it is left out
		default:
			out = append(out, r)
		}
	}
	return out
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Clean returns s with control characters, invisible ones and broken UTF-8 written as Go escapes, so that no name or
// value of a user's file can steer a terminal or forge a line.
func Clean(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return hidden(r) || r == utf8.RuneError }) < 0 {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case hidden(r) && r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case hidden(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// jsonDiagnostic is the stable JSON form of a diagnostic.
type jsonDiagnostic struct {
	Code      string        `json:"code"`
	Severity  string        `json:"severity"`
	File      string        `json:"file"`
	Line      int           `json:"line"`
	Column    int           `json:"column"`
	EndLine   int           `json:"end_line,omitempty"`
	EndColumn int           `json:"end_column,omitempty"`
	Message   string        `json:"message"`
	Hint      string        `json:"hint,omitempty"`
	Related   []jsonRelated `json:"related,omitempty"`
}

type jsonRelated struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// JSON returns l, sorted and without duplicates, as a value for encoding/json: a list of objects with code, severity, file (slashes), line, column (bytes, from 1), end_line, end_column,
// message, hint and related. All are there: Max does not count.
func (p Printer) JSON(l List) any {
	out := []jsonDiagnostic{}
	for _, d := range l.Sorted() {
		out = append(out, p.json(d))
	}
	return out
}

// JSONOf returns one diagnostic as [Printer.JSON] has it in its list.
func (p Printer) JSONOf(d Diagnostic) any { return p.json(d) }

func (p Printer) json(d Diagnostic) jsonDiagnostic {
	j := jsonDiagnostic{Code: d.Code, Severity: d.Severity.String(), File: filepath.ToSlash(p.name(d.Pos.Filename)), Line: d.Pos.Line, Column: d.Pos.Column,
		EndLine: d.End.Line, EndColumn: d.End.Column, Message: d.Message, Hint: d.Hint}
	for _, r := range d.Related {
		j.Related = append(j.Related, jsonRelated{File: filepath.ToSlash(p.name(r.Pos.Filename)), Line: r.Pos.Line, Column: r.Pos.Column, Message: r.Message})
	}
	return j
}
