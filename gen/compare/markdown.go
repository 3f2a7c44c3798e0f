package compare

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/manifest"
)

// WriteMarkdown writes c as a comment on a pull request: a heading, a table of what changed and why, and what runs again because of it.
func (c Comparison) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "### dagstergen: %s\n\nFrom %s to %s.\n", c.Headline(), escape(c.Old), escape(c.New))
	c.table(b)
	c.facts(b)
	list(b, "Runs again", c.Runs)
	list(b, "May be spared by cutoff: unchanged, reused where what is above gives the same data", c.Maybe)
	return b.Flush()
}

// table has a row for each cause, and one for what has none.
func (c Comparison) table(b *bufio.Writer) {
	var rows [][]string
	for _, x := range c.Changes {
		head := x.Kind + " " + code(x.Key)
		note := ""
		if x.Note != "" {
			note = " (" + escape(x.Note) + ")"
		}
		if x.Change != manifest.Changed {
			rows = append(rows, []string{head, x.Change + at(x.Position), ""})
			continue
		}
		if len(x.Causes) == 0 && x.VersionChanged {
			rows = append(rows, []string{head, "its directive says otherwise" + at(x.Position), ""})
		}
		causes, more := first(x.Causes)
		for i, cause := range causes {
			words := []string{cause.Change, cause.kind(), code(cause.name(x.Package)), escape(cause.Detail)}
			words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
			row := []string{"", strings.Join(words, " ") + at(cause.Position), ""}
			if i == 0 {
				row[0] = head + note
			}
			if len(cause.Path) > 1 {
				var path []string
				for _, step := range cause.steps(x.Package) {
					path = append(path, code(step))
				}
				row[2] = strings.Join(path, " → ")
			}
			rows = append(rows, row)
		}
		if more > 0 {
			rows = append(rows, []string{"", fmt.Sprintf("and %d more", more), ""})
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprint(b, "\n| op | cause | reached through |\n|---|---|---|\n")
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", `\|`) // in a table the bar ends a cell even inside of code
		}
		fmt.Fprintln(b, strings.TrimRight("| "+strings.Join(row, " | "), " ")+" |")
	}
}

// facts lists what declarations say differently.
func (c Comparison) facts(b *bufio.Writer) {
	title := "\n**Declarations**\n\n"
	for _, x := range c.Changes {
		for _, e := range x.Facts {
			fmt.Fprint(b, title)
			title = ""
			text := code(e.Old) + " → " + code(e.New)
			switch {
			case e.Old == "":
				text = "now " + code(e.New)
			case e.New == "":
				text = "was " + code(e.Old)
			}
			fmt.Fprintf(b, "- %s %s, %s: %s\n", x.Kind, code(x.Key), escape(e.Name), text)
		}
	}
}

func list(b *bufio.Writer, title string, runs []Run) {
	if len(runs) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", title)
	for _, r := range runs {
		name := code(r.Key)
		if r.Job != "" {
			name += " of the job " + code(r.Job)
		}
		fmt.Fprintf(b, "- %s: %s\n", name, escape(strings.Join(r.Reasons, "; ")))
	}
}

func at(position string) string {
	if position == "" {
		return ""
	}
	return ", " + escape(position)
}

// code is s as code, on one line; nothing in it can end the code.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	inner := oneLine(s)
	if strings.HasPrefix(inner, "`") || strings.HasSuffix(inner, "`") {
		inner = " " + inner + " "
	}
	return fence + inner + fence
}

var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", "[", `\[`, "]", `\]`)

// escape makes s plain text.
func escape(s string) string { return markup.Replace(oneLine(s)) }

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
