package annotations

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Help writes the directives and their arguments as plain text for a terminal: all of them, or those that are named.
// Names that are no directive are an error.
func Help(w io.Writer, kinds ...string) error {
	rows := Directives
	if len(kinds) > 0 {
		rows = nil
		for _, k := range kinds {
			row, ok := Lookup(Kind(strings.TrimPrefix(strings.TrimPrefix(k, "//"), "dag:")))
			if !ok {
				return fmt.Errorf("%s is no directive; the directives are %s", show(k), strings.Join(kindNames(), ", "))
			}
			rows = append(rows, row)
		}
	}
	var b strings.Builder
	if len(kinds) == 0 {
		b.WriteString("A directive is a comment line in the doc comment of a declaration:\n\n" +
			"    //dag:asset group=weather description=\"monthly means\" volatile\n\n" +
			"Arguments are key=value or flags. Values are quoted as in Go where they have blanks.\n" +
			"The elements of a list are separated by commas. A list may be quoted as a whole: kinds=\"csv, png\".\n" +
			"Quotes around a part of it keep the commas inside: metadata=note:\"rain, snow\",unit:mm.\n\n")
	}
	for i, d := range rows {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s   on %s\n", d.Usage(), targetList(d.Targets))
		wrap(&b, d.Doc, "    ")
		width := 0
		words := slices.Concat(d.Operands, d.Positionals)
		for _, a := range words {
			width = max(width, len(a.positional()))
		}
		for _, a := range words {
			fmt.Fprintf(&b, "      %-*s  ", width, a.positional())
			wrapAt(&b, a.positionalDoc(), strings.Repeat(" ", width+8), width+8)
		}
		for _, a := range d.Args {
			width = max(width, len(a.Spelling()))
		}
		for _, a := range d.Args {
			text := a.Doc
			if a.Default != "none" && a.Type != Flag {
				text += " (default: " + a.Default + ")"
			}
			fmt.Fprintf(&b, "      %-*s  ", width, a.Spelling())
			wrapAt(&b, text, strings.Repeat(" ", width+8), width+8)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// positionalDoc describes a positional, with its choices.
func (a Argument) positionalDoc() string {
	if len(a.Choices) == 0 {
		return a.Doc
	}
	return a.Doc + ": " + strings.Join(a.Choices, ", ")
}

const helpWidth = 100

func wrap(b *strings.Builder, text, indent string) {
	b.WriteString(indent)
	wrapAt(b, text, indent, len(indent))
}

// wrapAt writes text in lines of at most helpWidth; column is where the first begins.
func wrapAt(b *strings.Builder, text, indent string, column int) {
	start := column
	for word := range strings.FieldsSeq(text) {
		if column > start && column+1+len(word) > helpWidth {
			b.WriteString("\n" + indent)
			column = start
		}
		if column > start {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteByte('\n')
}

// MarkdownTable returns the directives and the arguments as two Markdown tables, for the README.
func MarkdownTable() string {
	var b strings.Builder
	b.WriteString("| directive | on | says |\n|---|---|---|\n")
	for _, d := range Directives {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", markdown(d.Usage()), markdown(targetList(d.Targets)), markdown(d.Doc))
	}
	for _, d := range Directives {
		for _, a := range d.Positionals {
			if len(a.Choices) > 0 {
				fmt.Fprintf(&b, "\n%s of `//dag:%s`: %s.\n", strings.ToUpper(a.Name), d.Kind, strings.Join(a.Choices, ", "))
			}
		}
		for _, a := range d.Operands {
			fmt.Fprintf(&b, "\n`%s` of `//dag:%s`: %s.\n", a.positional(), d.Kind, a.Doc)
		}
	}
	b.WriteString("\n| argument | on | says | default |\n|---|---|---|---|\n")
	for _, a := range arguments {
		var on []string
		for _, d := range Directives { // in the order of the first table
			if slices.Contains(a.On, d.Kind) {
				on = append(on, string(d.Kind))
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", strings.ReplaceAll(a.Spelling(), "|", "\\|"), strings.Join(on, ", "), markdown(a.Doc), markdown(a.Default))
	}
	return b.String()
}

func markdown(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
