package runconfig

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/internal/nearest"
)

// A Position is where something was written. Line and Col count from 1; they are 0 where only the source is known
// (a value of --set, a value given from Go).
type Position struct {
	File      string
	Line, Col int
}

// String returns "file:line:col", "file", or "" for the zero Position.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// The codes of a [Problem]; they are stable.
const (
	CodeSyntax      = "syntax"      // the document cannot be read
	CodeUnsupported = "unsupported" // valid YAML that has no place in a run config: tags, merge keys, keys that are no text
	CodeDuplicate   = "duplicate"   // a key stands twice in one mapping
	CodeUnknown     = "unknown"     // a key that nothing takes
	CodeMissing     = "missing"     // a required value is not given
	CodeType        = "type"        // a value of the wrong type
	CodeRange       = "range"       // a number, duration or time outside of its bounds, or of what its Go type can hold
	CodeEnum        = "enum"        // a value that is not one of the allowed ones
	CodeLength      = "length"      // a text, list or mapping that is too short or too long
	CodePattern     = "pattern"     // a text that does not match the pattern of its field
	CodeEnv         = "env"         // an environment variable that is not set
	CodeValue       = "value"       // a value of the right type that its Go type refuses
)

// A Problem is one thing that is wrong with a run config.
type Problem struct {
	Code    string
	Path    string   // "ops.fetch.config.limit"; empty where the document as a whole is meant
	Pos     Position // zero where nothing is written
	Message string   // what was expected and what was found; never the value of a secret
	Hint    string   // how to mend it; may be empty
}

// String returns "file:line:col: path: message; hint" on one line.
func (p Problem) String() string {
	var b strings.Builder
	if s := p.Pos.String(); s != "" {
		b.WriteString(s)
	} else {
		b.WriteString("run config")
	}
	if p.Path != "" && p.Pos.File != setSource(p.Path) { // --set names the path already
		b.WriteString(": ")
		b.WriteString(p.Path)
	}
	b.WriteString(": ")
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// setSource is what stands for the file of a value that --set gave.
func setSource(path string) string { return "--set " + path }

// Problems is every problem of a run config, in the order of their positions. It is the error type of this package.
type Problems []Problem

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err returns ps, sorted, as an error; nil when there is none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	s := slices.Clone(ps)
	slices.SortStableFunc(s, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(s)
}

// A trail is the path to a value: keys, and indices of lists.
type trail string

// key returns the trail to a member of a mapping. A key that holds a dot, a bracket or anything unusual is quoted.
func (t trail) key(k string) trail {
	if !plainKey(k) {
		k = strconv.Quote(k)
	}
	if t == "" {
		return trail(k)
	}
	return t + "." + trail(k)
}

// index returns the trail to an element of a list.
func (t trail) index(i int) trail { return t + "[" + trail(strconv.Itoa(i)) + "]" }

func plainKey(k string) bool {
	if k == "" {
		return false
	}
	return !strings.ContainsFunc(k, func(r rune) bool {
		return !(r == '_' || r == '-' || r == '/' || r == '*' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
}

// show quotes a text that a person wrote for a message, cut to a length that keeps the message on a line.
func show(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}

// hintNames tells which name was probably meant, or which ones there are.
func hintNames(k, what string, names []string) string {
	if n, ok := nearest.Of(k, names); ok {
		return "did you mean " + strconv.Quote(n) + "?"
	}
	if len(names) == 0 {
		return "there are no " + what
	}
	const most = 8
	list := slices.Clone(names)
	slices.Sort(list)
	more := ""
	if len(list) > most {
		more = " and " + strconv.Itoa(len(list)-most) + " more"
		list = list[:most]
	}
	return what + ": " + strings.Join(list, ", ") + more
}
