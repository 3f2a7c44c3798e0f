// Package diag is the one shape in which the generator reports what is wrong with a user's package.
//
// Stage: below every stage of the generator; it imports the standard library alone. Stages return
// diagnostics as values; only cmd/dagstergen prints them.
//
// Invariants: every diagnostic has a stable, hand-given code (see codes.go and docs/errors.md), a position, what is wrong and the fix.
// A [List] is sorted by position and free of duplicates before it is shown.
package diag

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
	"strings"
)

// A Severity says whether a diagnostic stops generation.
type Severity uint8

// The severities. Errors stop generation, warnings do not.
const (
	Error Severity = iota
	Warning
)

// String returns "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// A Diagnostic is one problem: where it is, what is wrong and how to mend it.
type Diagnostic struct {
	Code     string         // "DAG0102"; stable for ever
	Severity Severity       // Error unless said otherwise
	Pos, End token.Position // the span at fault; End may be the zero Position
	Message  string         // what is wrong: lower case, no full stop, names the function
	Hint     string         // the fix, an imperative sentence; may be empty when Message has it
	Related  []Related      // other places that take part, such as the hops of a cycle
}

// A Related is a second position with its role, such as "first declared here".
type Related struct {
	Pos     token.Position
	Message string
}

// String returns the editor form "file:line:col: message; hint [code]" on one line, followed by one tab-indented
// line "file:line:col: message" for each related position. File names stand as the positions have them.
func (d Diagnostic) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", position(d.Pos))
	if d.Severity == Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(d.Message)
	if d.Hint != "" {
		b.WriteString("; ")
		b.WriteString(d.Hint)
	}
	if d.Code != "" {
		fmt.Fprintf(&b, " [%s]", d.Code)
	}
	for _, r := range d.Related {
		fmt.Fprintf(&b, "\n\t%s: %s", position(r.Pos), r.Message)
	}
	return b.String()
}

func position(p token.Position) string {
	if p.Filename == "" && !p.IsValid() {
		return "-"
	}
	return p.String()
}

// A List is a set of diagnostics under collection. The zero List is ready to use.
type List []Diagnostic

// Add appends d.
func (l *List) Add(d Diagnostic) { *l = append(*l, d) }

// HasErrors reports whether any diagnostic of l is an error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sorted returns l in the order of file, line, column, code and message, each diagnostic once.
func (l List) Sorted() List {
	s := slices.Clone(l)
	slices.SortStableFunc(s, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Pos.Filename, b.Pos.Filename),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.CompactFunc(s, func(a, b Diagnostic) bool {
		return a.Pos == b.Pos && a.Code == b.Code && a.Message == b.Message
	})
}
