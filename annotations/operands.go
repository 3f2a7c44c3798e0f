package annotations

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// operands reads the words without a key of a directive that takes any number of them, and what comes behind: a quoted reason, where there is to
// be one.
func (p *parser) operands(row Directive, d ast.Directive, words []word) []Arg {
	at := func(offset int) token.Pos { return d.ArgsPos + token.Pos(offset) }
	fail := func(code string, start, end int, message, hint string) {
		p.errorf(code, at(start), at(end), hint, "//dag:%s: %s", row.Kind, message)
	}
	var out []Arg
	seen := map[string]Arg{}
	last := len(words) // words[last:] are the positionals
	if n := len(row.Positionals); n > 0 {
		last = slices.IndexFunc(words, func(w word) bool { return w.key == "" })
		if last < 0 {
			last = len(words)
		}
	}
	for _, w := range words[:last] {
		value := w.key
		if w.valued {
			value += "="
		}
		value += text(w.value)
		switch {
		case w.key == "//":
			fail(CodeBadArgument, w.start, len(d.Args), "a directive line has no comment behind it", "put the comment on a line of its own")
			return out
		case w.err != "":
			fail(CodeBadArgument, w.errAt, w.end, w.err, "quote values as in Go")
			continue
		}
		if c, bad := hidden(w.value, Name); bad {
			fail(CodeHiddenCharacter, c.start, c.end, fmt.Sprintf("a word has the invisible character %+q", c.text), "remove it")
			continue
		}
		spec, value, message, hint := operand(row, value)
		if message != "" {
			fail(CodeBadValue, w.start, w.end, message, hint)
			continue
		}
		a := Arg{Key: strings.TrimSuffix(spec.Name, ":"), Type: spec.Type, Value: value, Pos: p.at(at(w.start)), End: p.at(at(w.end)), ValuePos: p.at(at(w.start))}
		if first, again := seen[spec.Name+value]; again {
			p.diags.Add(diag.Diagnostic{Code: CodeRepeatedArgument, Pos: a.Pos, End: a.End, Message: fmt.Sprintf("//dag:%s: %s is given twice", row.Kind, show(spec.prefix()+value)),
				Hint: "keep one of them", Related: []diag.Related{{Pos: first.Pos, Message: "first given here"}}})
			continue
		}
		seen[spec.Name+value] = a
		a.Items = []Item{{Text: value, Pos: a.Pos, End: a.End}}
		out = append(out, a)
	}
	if row.Required && len(words) == 0 {
		p.errorf(CodeBadArgument, d.Slash, at(len(d.Args)), "write "+row.Usage(), "//dag:%s names nothing", row.Kind)
	}
	if len(row.Positionals) == 0 {
		return out
	}
	behind, rest := p.positionals(row, d, words[last:])
	for _, w := range rest {
		fail(CodeBadArgument, w.start, w.end, "the "+row.Positionals[len(row.Positionals)-1].Name+" comes last, and once", "write "+row.Usage())
	}
	return append(out, behind...)
}

// prefix is what a form of operands begins with.
func (a Argument) prefix() string {
	if a.Param != "" {
		return a.Name
	}
	return ""
}

// operand finds the form of a word and checks it; message and hint say what is wrong.
func operand(row Directive, s string) (spec Argument, value, message, hint string) {
	var prefixes []string
	for _, a := range row.Operands {
		if a.Param == "" {
			spec = a
			continue
		}
		prefixes = append(prefixes, a.Name)
		if v, ok := strings.CutPrefix(s, a.Name); ok {
			message, hint = a.check(v)
			return a, v, message, hint
		}
	}
	if before, _, ok := strings.Cut(s, ":"); ok && len(prefixes) > 0 {
		hint = "write " + row.Usage()
		if near, ok := nearest.Of(strings.ToLower(before)+":", prefixes); ok {
			hint = "did you mean " + near + "?"
		}
		return spec, s, show(before+":") + " is unknown", hint
	}
	message, hint = spec.check(s)
	return spec, s, message, hint
}

// check says what is wrong with the form of an operand's value, and what to do.
func (a Argument) check(s string) (message, hint string) {
	switch a.Type {
	case Symbol:
		return checkSymbol(s)
	case Pattern:
		return checkPattern(s)
	}
	if s == "" {
		return a.Name + " names no variable", "write " + a.positional()
	}
	ok := s[0] < '0' || s[0] > '9'
	for _, r := range s {
		ok = ok && (r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9')
	}
	if !ok {
		return show(s) + " is not the name of an environment variable", "use letters, digits and underscores, as in env:MODE"
	}
	return "", ""
}

func checkSymbol(s string) (message, hint string) {
	if strings.ContainsAny(s, "()*") {
		return show(s) + " is not how a symbol is written", "write Type.Method, without parentheses"
	}
	if strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") {
		return show(s) + " is a path of files", "write the import path of the package"
	}
	name := s
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		if !fs.ValidPath(s) || strings.ContainsAny(s, `\"'=,;: `) {
			return show(s) + " is not an import path", "write it as import declarations do"
		}
		return "", ""
	}
	parts := strings.Split(name, ".")
	if len(parts) > 3 || slices.ContainsFunc(parts, func(p string) bool { return !validIdent(p) }) {
		return show(s) + " is not a symbol", "write Name, Type.Method, pkg.Name or import/path.Name"
	}
	return "", ""
}

func checkPattern(s string) (message, hint string) {
	glob := strings.TrimPrefix(s, "all:")
	_, err := path.Match(glob, "")
	switch {
	case strings.Contains(s, `\`):
		return "file:" + show(s) + " has a backslash", "separate folders with /"
	case glob == ".." || strings.HasPrefix(glob, "../") || strings.HasPrefix(glob, "/"):
		return "file:" + show(s) + " lies outside of the package's folder, so that a binary cannot embed it to prove what it was built from",
			"move the file below the package, or observe it with a //dag:source"
	case err != nil || !fs.ValidPath(glob) || glob == ".":
		return "file:" + show(s) + " is not a pattern of files", "write a slash-separated path below the package's folder, such as testdata/*.csv"
	}
	return "", ""
}

// meant reports whether the words of a comment can only be operands: prose has no reason in quotes at its end, and no word with a colon or dot inside.
func meant(row Directive, args string) bool {
	words := split(args)
	for i, w := range words {
		if w.key == "" {
			return i > 0 && i == len(words)-1 && w.quoted && len(row.Positionals) > 0
		}
		if _, _, message, _ := operand(row, w.key+text(w.value)); message != "" || w.valued {
			return false
		}
	}
	return len(words) > 0 && len(row.Positionals) == 0 && slices.ContainsFunc(words, func(w word) bool { return strings.ContainsAny(w.key, ":./") })
}
