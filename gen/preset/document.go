package preset

import (
	"bytes"
	"errors"
	"fmt"
	"go/token"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The bounds of a run config; they are those of the run.
const (
	maxBytes = 1 << 20
	maxNodes = 100_000
	maxDepth = 100
)

// A kind is what a value in a document is.
type kind uint8

const (
	null kind = iota
	boolean
	integer
	float
	text
	octal // 010 is eight to some and ten to others
	list
	mapping
)

// A node is a value in a document.
type node struct {
	kind    kind
	pos     token.Position
	text    string
	items   []*node
	members []member
}

type member struct {
	key   string
	pos   token.Position
	value *node
}

var (
	intForm   = regexp.MustCompile(`^([-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+)$`)
	octalForm = regexp.MustCompile(`^[-+]?0[0-9]+$`)
	floatForm = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	errorForm = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
)

// scalar is the kind of a value without quotes, by the core schema of YAML 1.2.
func scalar(s string) kind {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return boolean
	}
	switch {
	case intForm.MatchString(s):
		return integer
	case octalForm.MatchString(s):
		return octal
	case floatForm.MatchString(s):
		return float
	}
	return text
}

// found describes n for a message.
func (n *node) found(hide bool) string {
	what := map[kind]string{null: "null", boolean: "the boolean", integer: "the number", float: "the number", octal: "the number", text: "the text", list: "a list", mapping: "a mapping"}[n.kind]
	switch {
	case n.kind == null || n.kind == list || n.kind == mapping:
		return what
	case hide:
		return strings.Replace(what, "the ", "a ", 1)
	case n.kind == text:
		return what + " " + show(n.text)
	}
	return what + " " + n.text
}

// show quotes a text, cut to a length that keeps a message on a line.
func show(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}

// read makes nodes of a document of YAML, or of JSON, which is YAML too. An empty one is an empty mapping.
func (c *checker) read(data []byte) *node {
	start := token.Position{Filename: c.file, Line: 1, Column: 1}
	switch {
	case len(data) > maxBytes:
		c.report(start, "", "it has %d bytes, and a run config at most %d", len(data), maxBytes)
		return nil
	case !utf8.Valid(data):
		c.report(start, "", "it is no UTF-8 text")
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	var doc, next yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return &node{kind: mapping, pos: start}
	}
	if err == nil {
		if err = dec.Decode(&next); err == nil {
			c.report(c.at(&next), "put it into a file of its own", "a second document starts here, and a run config is one")
			return nil
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		message := err.Error()
		if m := errorForm.FindStringSubmatch(message); m != nil {
			start.Line, _ = strconv.Atoi("0" + m[1])
			start.Line, message = max(1, start.Line), m[2]
		}
		c.report(start, "", "it is not YAML: %s", message)
		return nil
	}
	n := c.node(&doc, 0)
	if n.kind == null {
		n = &node{kind: mapping, pos: n.pos}
	}
	return n
}

func (c *checker) at(n *yaml.Node) token.Position {
	return token.Position{Filename: c.file, Line: n.Line, Column: n.Column}
}

func (c *checker) node(n *yaml.Node, depth int) *node {
	nothing := &node{pos: c.at(n)}
	if c.nodes++; c.nodes > maxNodes || depth > maxDepth {
		if !c.full {
			c.report(c.at(n), "write less, or fewer aliases", "there is too much in it: a run config has at most %d values, and %d levels", maxNodes, maxDepth)
		}
		c.full = true
		return nothing
	}
	if n.Style&yaml.TaggedStyle != 0 && n.Kind != yaml.DocumentNode && n.ShortTag() != "!!str" {
		c.report(c.at(n), "write the value without it", "the tag %s is not allowed", show(n.ShortTag()))
		return nothing
	}
	if n.Anchor != "" {
		c.open = append(c.open, n)
		defer func() { c.open = c.open[:len(c.open)-1] }()
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return c.node(n.Content[0], depth)
	case yaml.AliasNode:
		if slices.Contains(c.open, n.Alias) {
			c.report(c.at(n), "", "the alias *%s stands inside the value it names", n.Value)
			return nothing
		}
		return c.node(n.Alias, depth+1)
	case yaml.ScalarNode:
		s := &node{kind: text, pos: c.at(n), text: n.Value}
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0 {
			s.kind = scalar(n.Value)
		}
		return s
	case yaml.SequenceNode:
		out := &node{kind: list, pos: c.at(n)}
		for _, item := range n.Content {
			out.items = append(out.items, c.node(item, depth+1))
		}
		return out
	case yaml.MappingNode:
		return c.mapping(n, depth)
	}
	return nothing
}

func (c *checker) mapping(n *yaml.Node, depth int) *node {
	out := &node{kind: mapping, pos: c.at(n)}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		at := c.at(k)
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		plain := k.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.TaggedStyle) == 0
		first, twice := seen[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode || k.Style&yaml.TaggedStyle != 0 && k.ShortTag() != "!!str" || plain && scalar(k.Value) != text:
			c.report(at, "quote it", "a key must be text")
			continue
		case plain && k.Value == "<<":
			c.report(at, "write the values out", "merge keys (<<) are not supported")
			continue
		case twice:
			c.report(at, "keep one of them", "the key %s stands twice, first at line %d", k.Value, first)
			continue
		}
		seen[k.Value] = k.Line
		out.members = append(out.members, member{k.Value, at, c.node(n.Content[i+1], depth+1)})
	}
	return out
}

// env reports whether n is {env: NAME}, which a run reads a variable for.
func (n *node) env() bool {
	return n.kind == mapping && len(n.members) == 1 && n.members[0].key == "env" && n.members[0].value.kind == text && n.members[0].value.text != ""
}

// key is a path with one more key.
func key(path, k string) string {
	if strings.ContainsFunc(k, func(r rune) bool {
		return !(r == '_' || r == '-' || r == '/' || r == '*' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) || k == "" {
		k = strconv.Quote(k)
	}
	if path == "" {
		return k
	}
	return path + "." + k
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
