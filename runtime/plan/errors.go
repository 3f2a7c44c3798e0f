package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A Problem is one thing that is wrong with what was asked for.
type Problem struct {
	Code    string // stable: "unknown_key", "duplicate_key", "cycle" ...
	Message string // what is wrong and the fix

	user *dag.UserCodeError // what the user's code said, where that is it
}

// An Error lists everything that is wrong with definitions or with a request, found in one pass. It is the user's to mend.
type Error struct{ Problems []Problem }

// Error returns one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Message
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the errors of the user's code among the problems.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, p := range e.Problems {
		if p.user != nil {
			errs = append(errs, p.user)
		}
	}
	return errs
}

// ExitCode returns 2: usage or config.
func (e *Error) ExitCode() int { return 2 }

// A StaleFile is a source that is not what the versions of a package were computed from.
type StaleFile struct {
	Package string // import path
	File    string // base name; empty where the sources of the package are missing altogether
	Change  string // "changed", "added", "removed" or "missing"
}

// String returns "package/file (change)".
func (f StaleFile) String() string {
	if f.File == "" {
		return fmt.Sprintf("%s (%s)", f.Package, f.Change)
	}
	return fmt.Sprintf("%s/%s (%s)", f.Package, f.File, f.Change)
}

// A StaleError says that generated code and sources do not belong together, so that no version can be trusted.
type StaleError struct {
	Files   []StaleFile // what differs; empty where Reason says it all
	Reason  string      // in place of Files: two packages disagree
	Command string      // what to type
}

// Error names what is stale and the command that mends it.
func (e *StaleError) Error() string {
	var b strings.Builder
	b.WriteString("generated code is stale: ")
	switch {
	case len(e.Files) == 0:
		b.WriteString(e.Reason)
	default:
		for i, f := range e.Files {
			if i == 10 {
				fmt.Fprintf(&b, ", and %d more", len(e.Files)-i)
				break
			}
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.String())
		}
	}
	fmt.Fprintf(&b, "; run `%s` and build again", e.Command)
	return b.String()
}

// ExitCode returns 5: stale generated code.
func (e *StaleError) ExitCode() int { return 5 }

// problems collects what is wrong in one pass.
type problems []Problem

func (p *problems) add(code, format string, args ...any) {
	problem := Problem{Code: code, Message: fmt.Sprintf(format, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			errors.As(err, &problem.user)
		}
	}
	*p = append(*p, problem)
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &Error{Problems: slices.Compact(p)}
}

// nearest returns the name closest to what the user wrote as a hint (`did you mean "x"?`), or "" if none is close.
func nearest(wrote string, names []string) string {
	best, limit := "", max(1, (len(wrote)+1)/3)+1
	for _, n := range slices.Sorted(slices.Values(names)) { // sorted, so that the answer does not depend on the order of names
		if d := distance(wrote, n, limit); d < limit {
			best, limit = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the edit distance of a and b, or limit if it is not below that.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	if swapped(a, b) {
		return 1
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		low := row[0]
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
			low = min(low, row[j+1])
		}
		if low >= limit {
			return limit
		}
	}
	return min(row[len(b)], limit)
}

// swapped reports whether a is b with two neighbouring bytes the other way round, which fingers do.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}
