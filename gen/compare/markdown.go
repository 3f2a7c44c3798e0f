package compare

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/manifest"
)

// WriteMarkdown writes c as a comment on a pull request, for someone who reads the change of the code: a heading, what was changed with the versions that
// change by it, and what runs again because of it.
func (c Comparison) WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "### dagstergen: %s\n\nFrom %s to %s.\n", c.Headline(), escape(c.Old), escape(c.New))
	c.table(b)
	c.facts(b)
	steps(b, "**Runs again**", c.Runs, true)
	steps(b, "**May run again**, if what is above gives other data than before", c.Maybe, false)
	return b.Flush()
}

// What a comment shows at most: of one cause the changes, and causes. JSON has all of them.
const (
	mostOfOne = 8
	mostRows  = 60
)

// A root is one cause with all the changes that it is the reason for.
type root struct {
	cause   Cause
	changes []Change
	paths   [][]string
}

// roots groups changes by their causes, in the order of the changes.
func (c Comparison) roots() []*root {
	var out []*root
	for _, x := range c.Changes {
		for _, cause := range x.Causes {
			same := func(r *root) bool {
				a, b := r.cause, cause
				return a.Change == b.Change && a.Kind == b.Kind && a.Name == b.Name && a.Position == b.Position && a.Detail == b.Detail
			}
			i := slices.IndexFunc(out, same)
			if i < 0 {
				i = len(out)
				out = append(out, &root{cause: cause})
			}
			out[i].changes, out[i].paths = append(out[i].changes, x), append(out[i].paths, cause.steps(x.Package))
		}
	}
	return out
}

// words is what was changed, and where; a declaration is named as in the package that all changes are in.
func (r *root) words() string {
	pkg := r.changes[0].Package
	if slices.ContainsFunc(r.changes, func(x Change) bool { return x.Package != pkg }) {
		pkg = ""
	}
	words := []string{r.cause.Change, r.cause.kind(), code(r.cause.name(pkg)), escape(r.cause.Detail)}
	if r.cause.Change == manifest.Changed {
		words[0] = ""
	}
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " ") + at(r.cause.Position)
}

// table has a row for each cause and version, and one for each change that has no cause.
func (c Comparison) table(b *bufio.Writer) {
	var rows [][]string
	for _, r := range c.roots() {
		for i, x := range r.changes {
			if i == mostOfOne && len(r.changes) > mostOfOne+1 { // a line saying "1 more" is no shorter
				rows = append(rows, []string{"", fmt.Sprintf("and %d more", len(r.changes)-i), ""})
				break
			}
			row := []string{"", x.head(), ""}
			if i == 0 {
				row[0] = r.words()
			}
			if path := r.paths[i]; len(path) > 1 {
				for k, step := range path {
					path[k] = code(step)
				}
				row[2] = strings.Join(path, " → ")
			}
			rows = append(rows, row)
		}
	}
	for _, x := range c.Changes {
		switch {
		case x.Change != manifest.Changed:
			rows = append(rows, []string{x.Change + at(x.Position), x.head(), ""})
		case len(x.Causes) == 0 && x.VersionChanged:
			rows = append(rows, []string{"its directive" + at(x.Position), x.head(), ""})
		}
	}
	if len(rows) == 0 {
		return
	}
	if more := len(rows) - mostRows; more > 1 {
		rows = append(rows[:mostRows], []string{fmt.Sprintf("and %d more", more), "", ""})
	}
	fmt.Fprint(b, "\n| what changed | in the version of | reached through |\n|---|---|---|\n")
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", `\|`) // in a table the bar ends a cell even inside of code
		}
		fmt.Fprintln(b, strings.TrimRight("| "+strings.Join(row, " | "), " ")+" |")
	}
}

func (x Change) head() string {
	head := x.Kind + " " + code(x.Key)
	if x.Note != "" {
		head += " (" + escape(x.Note) + ")"
	}
	return head
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

// steps lists steps by their jobs, with the reasons where they are not what the table says.
func steps(b *bufio.Writer, title string, runs []Run, reasons bool) {
	if len(runs) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n\n", title)
	var heads []string
	lines := map[string][]string{}
	for _, r := range runs {
		head := "assets"
		if r.Job != "" {
			head = "job " + code(r.Job)
		}
		if lines[head] == nil {
			heads = append(heads, head)
		}
		text := code(r.Key)
		if why := slices.DeleteFunc(slices.Clone(r.Reasons), func(s string) bool { return s == codeChanged }); reasons && len(why) > 0 {
			text += " (" + escape(strings.Join(why, "; ")) + ")"
		}
		lines[head] = append(lines[head], text)
	}
	for _, head := range heads {
		fmt.Fprintf(b, "- %s: %s\n", head, strings.Join(lines[head], ", "))
	}
}

func at(position string) string {
	if position == "" {
		return ""
	}
	if file, column, ok := cutLast(position); ok && strings.Contains(file, ":") && strings.Trim(column, "0123456789") == "" {
		position = file // the line is enough
	}
	return ", " + escape(position)
}

func cutLast(s string) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
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
