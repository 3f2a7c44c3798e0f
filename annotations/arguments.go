package annotations

import (
	"cmp"
	"errors"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// A word is one argument as the tokenizer sees it. Offsets are bytes from the start of the arguments.
type word struct {
	start, end int
	key        string
	valued     bool   // there is a "="
	value      []cell // unquoted
	valueStart int
	quoted     bool // the whole value is one quoted string
	err        string
	errAt      int
}

// A cell is one character of an unquoted value, with the place that it was written at.
type cell struct {
	text       string
	start, end int
	quoted     bool
}

func text(cells []cell) string {
	var b strings.Builder
	for _, c := range cells {
		b.WriteString(c.text)
	}
	return b.String()
}

// split cuts the arguments of a directive into words. A word is key or key=value; in a value, parts may be quoted as in Go.
func split(args string) []word {
	var out []word
	for i := 0; i < len(args); {
		if isSpace(args[i]) {
			i++
			continue
		}
		w := word{start: i}
		for i < len(args) && !isSpace(args[i]) && args[i] != '=' && !isQuote(args[i]) {
			i++
		}
		w.key = args[w.start:i]
		w.valueStart = i
		if i < len(args) && args[i] == '=' {
			w.valued = true
			i++
			w.valueStart = i
		}
		i = w.scanValue(args, i)
		w.end = i
		out = append(out, w)
	}
	return out
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
func isQuote(c byte) bool { return c == '"' || c == '`' }

// scanValue reads the value that begins at i and returns where it ends.
func (w *word) scanValue(args string, i int) int {
	parts := 0
	for i < len(args) && !isSpace(args[i]) {
		if !isQuote(args[i]) {
			_, n := utf8.DecodeRuneInString(args[i:])
			w.value = append(w.value, cell{text: args[i : i+n], start: i, end: i + n})
			i += n
			parts = 2
			continue
		}
		cells, next, err := unquote(args, i)
		if err != nil {
			w.err, w.errAt = err.Error(), i
			for next < len(args) && !isSpace(args[next]) {
				next++
			}
			return next
		}
		w.value = append(w.value, cells...)
		parts++
		i = next
	}
	w.quoted = parts == 1
	return i
}

// unquote reads a string as Go writes it, with the place of each character.
func unquote(s string, i int) (cells []cell, next int, err error) {
	quote := s[i]
	for j := i + 1; j < len(s); {
		if s[j] == quote {
			return cells, j + 1, nil
		}
		if quote == '`' {
			_, n := utf8.DecodeRuneInString(s[j:])
			cells = append(cells, cell{text: s[j : j+n], start: j, end: j + n, quoted: true})
			j += n
			continue
		}
		r, multibyte, tail, err := strconv.UnquoteChar(s[j:], quote)
		if err != nil {
			return nil, j + 1, errors.New(`bad escape in "..."`)
		}
		end := len(s) - len(tail)
		t := string(r)
		if !multibyte && r >= utf8.RuneSelf { // \xff is a byte and no character
			t = string([]byte{byte(r)})
		}
		cells = append(cells, cell{text: t, start: j, end: end, quoted: true})
		j = end
	}
	return nil, len(s), errors.New("the closing " + string(rune(quote)) + " is missing")
}

// arguments reads and validates the arguments of a directive; those with errors are left out.
func (p *parser) arguments(row Directive, d ast.Directive) []Arg {
	var out []Arg
	seen := map[string]token.Pos{}
	words := split(d.Args)
	switch {
	case len(row.Operands) > 0:
		return p.operands(row, d, words)
	case len(row.Positionals) > 0:
		out, words = p.positionals(row, d, words)
	}
	for _, w := range words {
		at := func(offset int) token.Pos { return d.ArgsPos + token.Pos(offset) }
		fail := func(code string, start, end int, message, hint string) {
			p.errorf(code, at(start), at(end), hint, "//dag:%s: %s", row.Kind, message)
		}
		spec, ok := row.Argument(w.key)
		switch {
		case w.key == "" && !w.valued && w.err == "":
			fail(CodeBadArgument, w.start, w.end, "an argument cannot begin with a quote", `write key="value"`)
			continue
		case w.key == "//":
			fail(CodeBadArgument, w.start, len(d.Args), "a directive line has no comment behind it", "put the comment on a line of its own")
			return out
		case w.key == "":
			fail(CodeBadArgument, w.start, w.end, "an argument needs a key before its value", "write key=value, without spaces around =")
			continue
		case !ok:
			fail(CodeUnknownArgument, w.start, w.start+len(w.key), "unknown argument "+show(w.key), unknownHint(row, w.key))
			continue
		case w.err != "":
			fail(CodeBadArgument, w.errAt, w.end, w.key+": "+w.err, "quote values as in Go")
			continue
		case !w.valued && len(w.value) > 0:
			fail(CodeBadArgument, w.valueStart, w.end, "there is no = between "+w.key+" and its value", "write "+spec.Spelling())
			continue
		case spec.Type == Flag && w.valued:
			fail(CodeBadArgument, w.start, w.end, w.key+" is a flag and takes no value", "write "+w.key+" alone, or leave it out")
			continue
		case spec.Type != Flag && !w.valued:
			fail(CodeBadArgument, w.start, w.end, w.key+" needs a value", "write "+spec.Spelling()+", without spaces around =")
			continue
		}
		if first, again := seen[w.key]; again {
			p.diags.Add(diag.Diagnostic{Code: CodeRepeatedArgument, Pos: p.at(at(w.start)), End: p.at(at(w.end)),
				Message: "//dag:" + string(row.Kind) + ": " + w.key + " is given twice", Hint: "keep one of them",
				Related: []diag.Related{{Pos: p.at(first), Message: "first given here"}}})
			continue
		}
		seen[w.key] = at(w.start)
		arg := Arg{Key: w.key, Type: spec.Type, Value: text(w.value), Pos: p.at(at(w.start)), End: p.at(at(w.end)), ValuePos: p.at(at(w.valueStart))}
		if spec.Param != "" {
			arg.Param = strings.TrimPrefix(w.key, spec.Name)
			if !validIdent(arg.Param) {
				fail(CodeBadValue, w.start, w.start+len(w.key), show(w.key)+" names no parameter", "write "+spec.Spelling()+" with the Go name of a parameter")
				continue
			}
		}
		if c, bad := hidden(w.value, spec.Type); bad {
			fail(CodeHiddenCharacter, c.start, c.end, w.key+" has the invisible character "+strconv.QuoteToASCII(c.text), "remove it")
			continue
		}
		if items, ok := p.items(spec, w, fail, at); ok {
			arg.Items = items
			out = append(out, arg)
		}
	}
	p.needs(row, out, seen)
	return out
}

// needs reports arguments that say nothing without another one. Those that are given and wrong have an error already.
func (p *parser) needs(row Directive, args []Arg, given map[string]token.Pos) {
	for _, a := range args {
		spec, _ := row.Argument(a.Key)
		if spec.Needs == "" {
			continue
		}
		need, _ := row.Argument(spec.Needs)
		_, there := given[spec.Needs]
		i := slices.IndexFunc(args, func(x Arg) bool { return x.Key == spec.Needs })
		switch {
		case !there:
			p.diags.Add(diag.Diagnostic{Code: CodeNeedsArgument, Pos: a.Pos, End: a.End,
				Message: "//dag:" + string(row.Kind) + ": " + a.Key + " says nothing without " + need.Name, Hint: "add " + need.Spelling() + ", or remove it"})
		case i >= 0 && need.Type == Count && args[i].Value == "0":
			p.diags.Add(diag.Diagnostic{Code: CodeNeedsArgument, Pos: a.Pos, End: a.End,
				Message: "//dag:" + string(row.Kind) + ": " + a.Key + " says nothing where " + need.Name + " is 0", Hint: "remove it"})
		}
	}
}

// hidden finds the first character that a reader cannot see or that turns the direction of writing. Text may have line breaks
// and tabs, written as escapes or in backquotes.
func hidden(cells []cell, t Type) (cell, bool) {
	for _, c := range cells {
		r, n := utf8.DecodeRuneInString(c.text)
		if r == utf8.RuneError && n <= 1 {
			return c, true
		}
		if t == Text && (r == '\n' || r == '\t') {
			continue
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return c, true
		}
	}
	return cell{}, false
}

// items validates the value of an argument and cuts lists into elements.
func (p *parser) items(spec Argument, w word, fail func(code string, start, end int, message, hint string), at func(int) token.Pos) ([]Item, bool) {
	if spec.Type == Flag {
		return nil, true
	}
	elements := [][]cell{w.value}
	list := spec.Type == Idents || spec.Type == Names || spec.Type == Keys || spec.Type == Texts || spec.Type == Pairs
	if list {
		elements = cut(w.value, ',', !w.quoted)
	}
	var out []Item
	ok := true
	seen := map[string]bool{}
	for _, cells := range elements {
		if list {
			cells = trim(cells)
		}
		start, end := w.valueStart, w.end
		if list && len(cells) > 0 {
			start, end = cells[0].start, cells[len(cells)-1].end
		}
		it := Item{Text: text(cells), Pos: p.at(at(start)), End: p.at(at(end))}
		id := it.Text
		if spec.Type == Pairs {
			key := cut(cells, ':', !w.quoted)[0]
			it.Key, it.Text = text(trim(key)), ""
			if len(key) < len(cells) {
				it.Text = text(trim(cells[len(key)+1:]))
			}
			id = it.Key
		}
		message, hint := "", ""
		switch {
		case id == "":
			message, hint = w.key+" has an empty value", "write "+spec.Spelling()+", or leave it out"
			if list {
				message = w.key + " has an empty element"
			}
		case (spec.Type == Name || spec.Type == Names) && !ValidName(id):
			message = w.key + ": " + show(id) + " is not a name"
			hint = "use lower-case ASCII letters, digits and underscores, a letter first"
			if s := Snake(id); ValidName(s) && s != id {
				hint = "write " + s
			}
		case (spec.Type == Key || spec.Type == Keys) && !ValidKey(id):
			message = w.key + ": " + show(id) + " is not a key"
			hint = "use lower-case ASCII letters, digits and underscores, a letter first, and slashes between parts"
			if s := SnakeKey(id); ValidKey(s) && s != id {
				hint = "write " + s
			}
		case (spec.Type == Ident || spec.Type == Idents) && !validIdent(id):
			message, hint = w.key+": "+show(id)+" is not a Go identifier", "name a declaration of this package"
		case spec.Type == Enum && !slices.Contains(spec.Choices, id):
			message, hint = w.key+" cannot be "+show(id), "use "+strings.Join(spec.Choices, " or ")
		case spec.Name == "tags" && it.Key == priorityTag && !wholeNumber(it.Text):
			message, hint = w.key+": a "+priorityTag+" is a whole number, not "+cmp.Or(show(it.Text), "empty"), "the higher, the sooner: write one such as 5 or -1"
		case spec.Name == "owners" && !validOwner(id):
			message, hint = w.key+": "+show(id)+" is no mail address and no team", "write ada@example.com, or team:NAME with letters, digits and underscores"
		case spec.Type == Count && !validCount(id):
			message, hint = w.key+": "+show(id)+" is not a whole number from 0", "write "+spec.Spelling()
		case spec.Type == Span && !validSpan(id):
			message, hint = w.key+": "+show(id)+" is not a positive duration", "write it as Go does: 500ms, 2s, 1m30s"
		case list && seen[id]:
			message, hint = w.key+" has "+show(id)+" twice", "keep one of them"
		}
		if message != "" {
			fail(CodeBadValue, start, end, message, hint)
			ok = false
		}
		seen[id] = true
		out = append(out, it)
	}
	return out, ok
}

// Owners are what Dagster takes for one.
var (
	mailAddress = regexp.MustCompile(`^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+$`)
	teamName    = regexp.MustCompile(`^team:[a-zA-Z0-9_]+$`)
)

func validOwner(s string) bool { return mailAddress.MatchString(s) || teamName.MatchString(s) }

func validCount(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil && (s == "0" || s[0] != '0')
}

func validSpan(s string) bool {
	d, err := time.ParseDuration(s)
	return err == nil && d > 0
}

// cut splits cells at each separator. Where only parts of the value are quoted, a quote protects the separators in it.
func cut(cells []cell, sep rune, protect bool) [][]cell {
	var out [][]cell
	start := 0
	for i, c := range cells {
		if c.text == string(sep) && !(protect && c.quoted) {
			out = append(out, cells[start:i])
			start = i + 1
		}
	}
	return append(out, cells[start:])
}

// trim drops blanks at both ends, as people write them behind commas in a quoted list.
func trim(cells []cell) []cell {
	blank := func(c cell) bool { return c.text == " " || c.text == "\t" }
	for len(cells) > 0 && blank(cells[0]) {
		cells = cells[1:]
	}
	for len(cells) > 0 && blank(cells[len(cells)-1]) {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func unknownHint(row Directive, key string) string {
	var names []string
	for _, a := range row.Args {
		if a.Param == "" {
			names = append(names, a.Name)
		} else if stem := strings.TrimSuffix(a.Name, "."); key == stem || strings.HasPrefix(key, stem+"_") || strings.HasPrefix(key, stem+"-") {
			return "write " + a.Spelling()
		}
	}
	if near, ok := nearest.Of(strings.ToLower(key), names); ok {
		return "did you mean " + near + "?"
	}
	for _, other := range Directives {
		if _, ok := other.Argument(key); ok {
			return "it is an argument of //dag:" + string(other.Kind)
		}
	}
	if len(row.Args) == 0 {
		return "it takes no arguments"
	}
	return "the arguments are " + strings.Join(spellings(row), ", ")
}

func spellings(row Directive) []string {
	var out []string
	for _, a := range row.Args {
		out = append(out, a.Name+a.Param)
	}
	return out
}

// show quotes what a user wrote where it has characters that could mislead the reader of a message.
func show(s string) string {
	for _, r := range s {
		if r < ' ' || r > '~' && !unicode.IsLetter(r) || r == '"' {
			return strconv.QuoteToASCII(s)
		}
	}
	return s
}

// priorityTag is the tag that the runtime reads as a number.
const priorityTag = "dagster/priority"

func wholeNumber(text string) bool {
	_, err := strconv.ParseInt(text, 10, 32)
	return err == nil
}
