package runconfig

import (
	"regexp"
	"strings"
)

// A kind is what a value in a document is, before any definition is looked at.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindInt
	kindFloat
	kindText
	kindOctal // 010: eight to YAML 1.1, ten to YAML 1.2, so nothing to us
	kindList
	kindMap
)

// A node is a value in a document. Nodes are never modified once a document is made, so documents share them.
type node struct {
	kind    kind
	pos     Position
	text    string // of a scalar, as written, without quotes
	items   []*node
	members []member // in the order of the document; keys are unique
}

type member struct {
	key   string
	pos   Position
	value *node
}

func (n *node) member(key string) (member, bool) {
	if n == nil {
		return member{}, false
	}
	for _, m := range n.members {
		if m.key == key {
			return m, true
		}
	}
	return member{}, false
}

// The scalars of YAML 1.2's core schema; words such as yes, and numbers with underscores, are text.
var (
	intForm   = regexp.MustCompile(`^([-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+)$`)
	octalForm = regexp.MustCompile(`^[-+]?0[0-9]+$`)
	floatForm = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// scalarKind resolves a scalar that was written without quotes.
func scalarKind(s string) kind {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return kindNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return kindBool
	}
	if c := s[0]; c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return kindText
	}
	switch {
	case intForm.MatchString(s):
		return kindInt
	case octalForm.MatchString(s):
		return kindOctal
	case floatForm.MatchString(s):
		return kindFloat
	}
	return kindText
}

func (n *node) bool() bool { return strings.EqualFold(n.text, "true") }

// found describes n for a message; hide leaves its value out.
func (n *node) found(hide bool) string {
	what := ""
	switch n.kind {
	case kindNull:
		return "null"
	case kindBool:
		what = "the boolean"
	case kindInt, kindFloat, kindOctal:
		what = "the number"
	case kindText:
		what = "the text"
	case kindList:
		return "a list"
	case kindMap:
		return "a mapping"
	}
	switch {
	case hide:
		return strings.Replace(what, "the ", "a ", 1)
	case n.kind == kindText:
		return what + " " + show(n.text)
	}
	return what + " " + strings.Trim(show(n.text), `"`)
}

// envName returns the variable that n takes its value from: n is the mapping {env: NAME} and nothing else.
func (n *node) envName() (string, bool) {
	if n == nil || n.kind != kindMap || len(n.members) != 1 || n.members[0].key != "env" {
		return "", false
	}
	v := n.members[0].value
	return v.text, v.kind == kindText && v.text != ""
}

// merge returns a with b on top: mappings are merged, everything else is replaced. An empty (null) section changes nothing
// of a mapping that stands below it.
func merge(a, b *node) *node {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	if a.kind != kindMap || b.kind != kindMap {
		if a.kind == kindMap && b.kind == kindNull && len(a.members) > 0 && b.text == "" {
			return a
		}
		return b
	}
	if _, env := a.envName(); env {
		return b
	}
	if _, env := b.envName(); env {
		return b
	}
	out := &node{kind: kindMap, pos: b.pos, members: make([]member, 0, len(a.members)+len(b.members))}
	at := make(map[string]int, len(a.members))
	for _, m := range a.members {
		at[m.key] = len(out.members)
		out.members = append(out.members, m)
	}
	for _, m := range b.members {
		if i, ok := at[m.key]; ok {
			out.members[i] = member{key: m.key, pos: m.pos, value: merge(out.members[i].value, m.value)}
		} else {
			out.members = append(out.members, m)
		}
	}
	return out
}
