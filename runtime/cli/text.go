package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// escape makes s fit to be shown on one line: control characters, what reorders or hides text, and invalid UTF-8 are
// spelt out as Go spells them.
func escape(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				fmt.Fprintf(&b, `\x%02x`, s[i])
				continue
			}
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case !unsafeRune(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// escapeLines is [escape] for text of several lines, which stay lines; tabs become spaces.
func escapeLines(s string) []string {
	lines := strings.Split(strings.ReplaceAll(strings.TrimRight(s, "\r\n"), "\r\n", "\n"), "\n")
	for i, l := range lines {
		lines[i] = escape(strings.ReplaceAll(l, "\t", "    "))
	}
	return lines
}

// unsafeRune reports whether r could move the cursor, change colours, or show text in another order than it has.
func unsafeRune(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0x200e || r == 0x200f || r == 0x061c:
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200b:
		return true
	case r >= 0xe0000 && r <= 0xe007f:
		return true
	}
	return false
}

// displayWidth is the number of terminal cells that s takes. s is escaped.
func displayWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300: // most text, and nothing of it is wide or combining
		return 1
	case r == 0x200d || unicode.In(r, unicode.Mn, unicode.Me) || r >= 0xfe00 && r <= 0xfe0f:
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// clip cuts s to at most w cells, with an ellipsis where something was cut.
func clip(s string, w int) string {
	if displayWidth(s) <= w {
		return s
	}
	if w <= 1 {
		return strings.Repeat("…", max(w, 0))
	}
	n := 0
	for i, r := range s {
		if n+runeWidth(r) > w-1 {
			return s[:i] + "…"
		}
		n += runeWidth(r)
	}
	return s
}

// wrap breaks s into lines of at most w cells, at spaces where there are any.
func wrap(s string, w int) []string {
	if w <= 0 || displayWidth(s) <= w {
		return []string{s}
	}
	var lines []string
	line, used := "", 0
	flush := func() {
		if line != "" {
			lines = append(lines, line)
			line, used = "", 0
		}
	}
	for _, word := range strings.Fields(s) {
		n := displayWidth(word)
		if line != "" && used+1+n > w {
			flush()
		}
		for n > w { // a word that fits nowhere is broken where the line ends
			head, rest := cut(word, w)
			lines = append(lines, head)
			word, n = rest, displayWidth(rest)
		}
		if line != "" {
			line, used = line+" ", used+1
		}
		line, used = line+word, used+n
	}
	flush()
	return lines
}

// cut splits s after at most w cells, at least one rune.
func cut(s string, w int) (head, rest string) {
	n := 0
	for i, r := range s {
		if i > 0 && n+runeWidth(r) > w {
			return s[:i], s[i:]
		}
		n += runeWidth(r)
	}
	return s, ""
}

// pad fills s up to w cells.
func pad(s string, w int, right bool) string {
	gap := w - displayWidth(s)
	if gap <= 0 {
		return s
	}
	if right {
		return strings.Repeat(" ", gap) + s
	}
	return s + strings.Repeat(" ", gap)
}

// plural writes a count with its noun: "1 step", "3 steps".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return group(int64(n)) + " " + noun + "s"
}

// group writes a number with a comma between thousands.
func group(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// firstSentence cuts a doc comment to what fits a table: its first sentence, without the full stop.
func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	for i, r := range doc {
		if (r == '.' || r == '!' || r == '?') && (i+1 == len(doc) || doc[i+1] == ' ') && !abbreviation(doc[:i+1]) {
			if r == '.' {
				return doc[:i]
			}
			return doc[:i+1]
		}
	}
	return doc
}

func abbreviation(s string) bool {
	for _, a := range []string{"e.g.", "i.e.", "etc.", "cf.", "vs."} {
		if strings.HasSuffix(s, a) {
			return true
		}
	}
	return false
}
