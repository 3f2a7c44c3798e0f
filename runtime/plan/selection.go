package plan

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/nearest"
)

// A selection is a set of nodes, written as an expression:
//
//	selection = and { ( "," | "or" ) and }
//	and       = not { "and" not }
//	not       = [ "not" ] part
//	part      = up ( name | attribute | "(" selection ")" ) down | "*"
//	up        = "*" | { "+" }        all that is above, or so many steps
//	down      = "*" | { "+" }        all that is below, or so many steps
//	attribute = ( "tag" | "group" | "kind" | "owner" | "check" | "key" ) ":" name [ "=" name ]
//
// A name is a key, or any text in double quotes. What stands in quotes is no operator and no word.

// An exprKind says what an expr is.
type exprKind uint8

const (
	exprAll   exprKind = iota // *
	exprKey                   // a key
	exprAttr                  // tag:x=y
	exprWalk                  // a, and what is above and below
	exprUnion                 // a or b
	exprBoth                  // a and b
	exprNot                   // not a
)

// An expr is a parsed selection.
type expr struct {
	kind     exprKind
	a, b     *expr
	name     string // of exprAttr: "tag"
	text     string // the key, or the attribute's first name
	value    string // of tag:x=y
	valued   bool
	up, down int    // steps; all where negative
	source   string // what the user wrote for it
}

// everything is how far a walk goes that does not end.
const everything = -1

// maxNesting bounds parentheses and "not" in a selection.
const maxNesting = 500

// A selectionError says what is wrong with a selection, and where.
type selectionError struct {
	at   int // bytes before it
	text string
}

// A selectionParser reads a selection.
type selectionParser struct {
	src   string
	at    int
	depth int
}

// parseSelection reads a whole selection. The error is nil or says what is wrong.
func parseSelection(text string) (*expr, *selectionError) {
	p := &selectionParser{src: text}
	e, err := p.union()
	if err == nil && p.skip() < len(text) {
		err = p.wrong("a closing parenthesis has no opening one")
		if text[p.at] != ')' {
			err = p.wrong("and, or, or a comma is missing in front of %q", text[p.at:])
		}
	}
	return e, err
}

func (p *selectionParser) wrong(format string, args ...any) *selectionError {
	return &selectionError{p.at, fmt.Sprintf(format, args...)}
}

// skip moves behind spaces and returns where that is.
func (p *selectionParser) skip() int {
	for p.at < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.at]) >= 0 {
		p.at++
	}
	return p.at
}

// word moves behind a word of the language, if it is next.
func (p *selectionParser) word(w string) bool {
	at := p.skip()
	end := at + len(w)
	if end > len(p.src) || !strings.EqualFold(p.src[at:end], w) || end < len(p.src) && strings.IndexByte(" \t\r\n,(", p.src[end]) < 0 {
		return false
	}
	p.at = end
	return true
}

func (p *selectionParser) union() (*expr, *selectionError) {
	e, err := p.both()
	for err == nil {
		switch at := p.skip(); {
		case at < len(p.src) && p.src[at] == ',':
			p.at++
		case p.word("or"):
		default:
			return e, nil
		}
		var b *expr
		b, err = p.both()
		e = &expr{kind: exprUnion, a: e, b: b}
	}
	return nil, err
}

func (p *selectionParser) both() (*expr, *selectionError) {
	e, err := p.negation()
	for err == nil && p.word("and") {
		var b *expr
		b, err = p.negation()
		e = &expr{kind: exprBoth, a: e, b: b}
	}
	return e, err
}

func (p *selectionParser) negation() (*expr, *selectionError) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.wrong("it is nested more than %d deep", maxNesting)
	}
	defer func() { p.depth-- }()
	if p.word("not") {
		e, err := p.negation()
		return &expr{kind: exprNot, a: e}, err
	}
	return p.part()
}

// part reads one clause with what is asked above and below it.
func (p *selectionParser) part() (*expr, *selectionError) {
	start := p.skip()
	up := p.reach()
	if up == everything && p.ends() {
		return &expr{kind: exprAll, source: "*"}, nil
	}
	e, err := p.primary(start)
	if err != nil {
		return nil, err
	}
	down := p.reach()
	if !p.ends() {
		return nil, p.wrong("and, or, or a comma is missing in front of %q", p.src[p.at:])
	}
	if up != 0 || down != 0 {
		e = &expr{kind: exprWalk, a: e, up: up, down: down}
	}
	e.source = p.src[start:p.at]
	if e.kind == exprWalk && (e.a.kind == exprKey || e.a.kind == exprAttr) {
		e.a.source = e.source // a person knows the clause by all of it
	}
	return e, nil
}

// reach reads how far to go: "*", or one + for each step.
func (p *selectionParser) reach() int {
	if p.at < len(p.src) && p.src[p.at] == '*' {
		p.at++
		return everything
	}
	n := 0
	for p.at < len(p.src) && p.src[p.at] == '+' {
		p.at++
		n++
	}
	return n
}

// ends reports whether a clause may end here.
func (p *selectionParser) ends() bool {
	return p.at == len(p.src) || strings.IndexByte(" \t\r\n,)", p.src[p.at]) >= 0
}

func (p *selectionParser) primary(start int) (*expr, *selectionError) {
	if p.at < len(p.src) && p.src[p.at] == '(' {
		open := p.at
		p.at++
		e, err := p.union()
		if err != nil {
			return nil, err
		}
		if p.skip() == len(p.src) || p.src[p.at] != ')' {
			p.at = open
			return nil, p.wrong("the parenthesis is not closed")
		}
		p.at++
		return e, nil
	}
	name, quoted, err := p.name(":")
	switch {
	case err != nil:
		return nil, err
	case name == "" && !quoted:
		p.at = start
		return nil, p.missing()
	case !quoted && (strings.EqualFold(name, "and") || strings.EqualFold(name, "or") || strings.EqualFold(name, "not")):
		p.at = start
		return nil, p.wrong("%q stands where a key should; write %s for a key of that name", name, quoteName(name))
	case p.at < len(p.src) && p.src[p.at] == ':' && !quoted:
		return p.attribute(name, start)
	}
	return &expr{kind: exprKey, text: name, source: p.src[start:p.at]}, nil
}

// missing says what there is instead of a key.
func (p *selectionParser) missing() *selectionError {
	switch rest := p.src[p.at:]; {
	case strings.TrimLeft(rest, "+* \t\r\n") == "" || rest[0] == ',':
		return p.wrong("a clause is empty; separate keys with one comma")
	default:
		return p.wrong("a key is missing in front of %q", rest)
	}
}

// attribute reads what follows "tag".
func (p *selectionParser) attribute(name string, start int) (*expr, *selectionError) {
	if _, ok := attributes[name]; !ok {
		p.at = start
		return nil, p.wrong("there is no %q%s; write a key, tag:, group:, kind:, owner:, check: or key:", name+":", nearest.Hint(name, []string{"tag", "group", "kind", "owner", "check", "key"}))
	}
	p.at++
	e := &expr{kind: exprAttr, name: name}
	stop := ""
	if name == "tag" {
		stop = "="
	}
	var quoted bool
	var err *selectionError
	if e.text, quoted, err = p.name(stop); err != nil {
		return nil, err
	}
	if e.text == "" && !quoted {
		return nil, p.wrong("%s: has no name behind it", name)
	}
	if name == "tag" && p.at < len(p.src) && p.src[p.at] == '=' {
		p.at++
		e.valued = true
		if e.value, _, err = p.name(""); err != nil {
			return nil, err
		}
	}
	e.source = p.src[start:p.at]
	return e, nil
}

// name reads a text in quotes, or up to an operator, a space or one of the bytes in stop.
func (p *selectionParser) name(stop string) (name string, quoted bool, _ *selectionError) {
	if p.at == len(p.src) || p.src[p.at] != '"' {
		start := p.at
		for p.at < len(p.src) && strings.IndexByte(" \t\r\n,()*+\""+stop, p.src[p.at]) < 0 {
			p.at++
		}
		return p.src[start:p.at], false, nil
	}
	var b strings.Builder
	for i := p.at + 1; i < len(p.src); {
		r, size := utf8.DecodeRuneInString(p.src[i:])
		switch {
		case r == '"':
			p.at = i + 1
			return b.String(), true, nil
		case r == '\\' && i+1 < len(p.src):
			i++
			_, size = utf8.DecodeRuneInString(p.src[i:])
		}
		b.WriteString(p.src[i : i+size])
		i += size
	}
	return "", true, p.wrong("a quote is not closed")
}

// quoteName writes a name in quotes.
func quoteName(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// Clause returns the clause of a selection that is one key and nothing else.
func Clause(key string) string {
	p := &selectionParser{src: key}
	if e, err := p.part(); err == nil && e.kind == exprKey && e.text == key && p.at == len(key) && !strings.EqualFold(key, "not") {
		return key
	}
	return quoteName(key)
}
