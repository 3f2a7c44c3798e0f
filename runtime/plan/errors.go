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

// describe names a node in a message.
func (b *builder) describe(place int32) string {
	n := &b.Target.Graph.Nodes[place]
	switch {
	case b.Target.Job != nil:
		return fmt.Sprintf("step %q", n.Key)
	case n.Op.Check != nil:
		return fmt.Sprintf("check %q", n.Key)
	}
	return fmt.Sprintf("asset %q", n.Key)
}
