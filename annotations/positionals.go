package annotations

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/nearest"
)

// positionals reads the values without a key that a directive begins with, and returns the words behind them. A word may stand for a choice;
// text is quoted, so that a forgotten word is not taken for it.
func (p *parser) positionals(row Directive, d ast.Directive, words []word) ([]Arg, []word) {
	var out []Arg
	at := func(offset int) token.Pos { return d.ArgsPos + token.Pos(offset) }
	for i, spec := range row.Positionals {
		if i >= len(words) || words[i].key == "//" {
			p.errorf(CodeBadArgument, d.Slash, at(len(d.Args)), "write "+row.Usage(), "//dag:%s: the %s is missing", row.Kind, spec.Name)
			return out, nil
		}
		w := words[i]
		fail := func(code, message, hint string) {
			p.errorf(code, at(w.start), at(w.end), hint, "//dag:%s: %s", row.Kind, message)
		}
		quoted := w.key == "" && w.quoted
		value := w.key
		if quoted {
			value = text(w.value)
		}
		switch {
		case w.err != "":
			fail(CodeBadArgument, spec.Name+": "+w.err, "quote values as in Go")
			continue
		case w.valued || !quoted && len(w.value) > 0:
			fail(CodeBadArgument, "the "+spec.Name+" is written without a key", "write "+row.Usage())
			continue
		case spec.Type == Text && !quoted:
			fail(CodeBadArgument, "the "+spec.Name+" is not quoted", "write "+row.Usage())
			return out, nil // the rest is more of the same text
		case strings.TrimSpace(value) == "":
			fail(CodeBadValue, "the "+spec.Name+" is empty", "write "+row.Usage())
			continue
		case spec.Type == Enum && !slices.Contains(spec.Choices, value):
			hint := "use one of " + strings.Join(spec.Choices, ", ")
			if near, ok := nearest.Of(strings.ToLower(value), spec.Choices); ok {
				hint = "did you mean " + near + "?"
			}
			fail(CodeBadValue, fmt.Sprintf("%s cannot be %s", spec.Name, show(value)), hint)
			continue
		}
		if message, hint := spec.checkPositional(value); message != "" {
			fail(CodeBadValue, message, hint)
			continue
		}
		if c, bad := hidden(w.value, spec.Type); quoted && bad {
			p.errorf(CodeHiddenCharacter, at(c.start), at(c.end), "remove it", "//dag:%s: the %s has the invisible character %+q", row.Kind, spec.Name, c.text)
			continue
		}
		a := Arg{Key: spec.Name, Type: spec.Type, Value: value, Pos: p.at(at(w.start)), End: p.at(at(w.end)), ValuePos: p.at(at(w.start))}
		a.Items = []Item{{Text: value, Pos: a.Pos, End: a.End}}
		out = append(out, a)
	}
	return out, words[len(row.Positionals):]
}

// checkPositional says what is wrong with the form of a name or a path, and what to do.
func (a Argument) checkPositional(s string) (message, hint string) {
	switch {
	case a.Type == Name && !ValidName(s):
		hint = "use lower-case ASCII letters, digits and underscores, a letter first"
		if snake := Snake(s); ValidName(snake) && snake != s {
			hint = "write " + snake
		}
		return fmt.Sprintf("the %s: %s is not a name", a.Name, show(s)), hint
	case a.Type == Path && (path.IsAbs(s) || s == ".." || strings.HasPrefix(s, "../")):
		return fmt.Sprintf("the %s: %s lies outside of the package's folder, so that a binary cannot embed it", a.Name, show(s)), "move the file below the package"
	case a.Type == Path && (!fs.ValidPath(s) || s == "." || strings.ContainsAny(s, `\*?[]`)):
		return fmt.Sprintf("the %s: %s is not the path of a file", a.Name, show(s)), "write a slash-separated path below the package's folder, such as config/prod.yaml"
	}
	return "", ""
}
