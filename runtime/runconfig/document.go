package runconfig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Document is a run config as written: values with their positions, not yet held against any definition. It is
// immutable and safe to share. A nil Document is the empty one.
type Document struct{ root *node }

// Parse reads one document of YAML or, where name ends in .json or the text is a JSON object, JSON. name stands in the
// positions of problems. At most 1 MiB is read; keys must be text and unique; anchors and aliases are followed within bounds;
// tags, merge keys and further documents are refused. An empty text is an empty document. The error is of type [Problems].
func Parse(name string, data []byte) (*Document, error) {
	if len(data) > MaxBytes {
		return nil, Problems{{Code: CodeSyntax, Pos: Position{File: name}, Message: fmt.Sprintf("%d bytes, a run config has at most %d", len(data), MaxBytes)}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		return nil, Problems{{Code: CodeSyntax, Pos: invalidAt(name, data), Message: "not UTF-8 text"}}
	}
	root, problems := parseText(name, data)
	if root != nil && root.kind == kindNull && len(problems) == 0 {
		root = &node{kind: kindMap, pos: root.pos}
	}
	if len(problems) == 0 && root.kind != kindMap {
		problems = Problems{{Code: CodeType, Pos: root.pos, Message: "expected a mapping with " + rootKeyList + ", found " + root.found(false)}}
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	return &Document{root}, nil
}

func parseText(name string, data []byte) (*node, Problems) {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	if len(trimmed) > 0 && (strings.HasSuffix(name, ".json") || trimmed[0] == '{' && json.Valid(data)) {
		return parseJSON(name, data)
	}
	return parseYAML(name, data)
}

func invalidAt(name string, data []byte) Position {
	line, col := 1, 1
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		if c == utf8.RuneError && size == 1 {
			break
		}
		data = data[size:]
		col++
		if c == '\n' {
			line, col = line+1, 1
		}
	}
	return Position{name, line, col}
}

// FromValue makes a document of a Go value that encoding/json writes as an object, such as a map[string]any. It is for
// runs that are started from Go.
func FromValue(v any) (*Document, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, Problems{{Code: CodeSyntax, Message: "not JSON: " + err.Error()}}
	}
	d, err := Parse("run config.json", data)
	if err != nil {
		return nil, err
	}
	return &Document{d.root.at(Position{})}, nil
}

// at returns n with every position replaced: positions in a text that nobody wrote help nobody.
func (n *node) at(p Position) *node {
	c := *n
	c.pos = p
	c.items, c.members = nil, nil
	for _, i := range n.items {
		c.items = append(c.items, i.at(p))
	}
	for _, m := range n.members {
		c.members = append(c.members, member{key: m.key, pos: p, value: m.value.at(p)})
	}
	return &c
}

// Merge returns d with later on top of it: mappings are merged key by key at every depth, everything else is replaced.
// Neither document is modified; either may be nil.
func (d *Document) Merge(later *Document) *Document {
	return &Document{merge(d.node(), later.node())}
}

// Has reports whether d says anything at a path of keys.
func (d *Document) Has(keys ...string) bool {
	n := d.node()
	for _, k := range keys {
		if n == nil {
			return false
		}
		m, ok := n.member(k)
		if !ok {
			return false
		}
		n = m.value
	}
	return n != nil
}

// Set returns d with one value set on top of it: path as [ParseSet] returns it, value a YAML scalar or flow value. The error is of type [Problems].
func (d *Document) Set(path, value string) (*Document, error) {
	return d.SetFrom(setSource(path), path, value)
}

// SetFrom is Set with a name for where the value comes from, such as "--cities".
func (d *Document) SetFrom(source, path, value string) (*Document, error) {
	pos := Position{File: source}
	fail := func(code, hint, format string, args ...any) (*Document, error) {
		return nil, Problems{{Code: code, Pos: pos, Message: fmt.Sprintf(format, args...), Hint: hint}}
	}
	keys, err := splitPath(path)
	if err != nil {
		return fail(CodeSyntax, "", "%v", err)
	}
	if len(value) > MaxBytes {
		return fail(CodeSyntax, "", "%d bytes, a value has at most %d", len(value), MaxBytes)
	}
	if !utf8.ValidString(value) {
		return fail(CodeSyntax, "", "not UTF-8 text")
	}
	v, problems := parseYAML(pos.File, []byte(value))
	if strings.TrimSpace(value) == "" { // null to YAML; a shell's way to say "empty"
		v, problems = &node{kind: kindNull, text: "null"}, nil
	}
	if len(problems) > 0 {
		for i := range problems {
			problems[i].Pos = pos
		}
		return nil, problems.err()
	}
	v = v.at(pos)
	for i := len(keys) - 1; i >= 0; i-- {
		v = &node{kind: kindMap, pos: pos, members: []member{{key: keys[i], pos: pos, value: v}}}
	}
	return &Document{merge(d.node(), v)}, nil
}

func (d *Document) node() *node {
	if d == nil {
		return nil
	}
	return d.root
}

// ParseSet splits the argument of --set, path=value, at the first "=" that is outside of quotes.
func ParseSet(arg string) (path, value string, err error) {
	quoted, escaped := false, false
	for i, c := range arg {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case c == '=' && !quoted:
			if i == 0 {
				return "", "", fmt.Errorf("--set %s: no path before the =", show(arg))
			}
			return arg[:i], arg[i+1:], nil
		}
	}
	return "", "", fmt.Errorf("--set %s: want path=value, such as ops.fetch.config.limit=10", show(arg))
}

// splitPath splits "ops.fetch.config" at its dots; a segment in double quotes is one key whatever it holds.
func splitPath(path string) ([]string, error) {
	var keys []string
	for rest := path; ; {
		var key string
		if strings.HasPrefix(rest, `"`) {
			q, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return nil, fmt.Errorf("the path has a quote that does not end")
			}
			if key, err = strconv.Unquote(q); err != nil {
				return nil, fmt.Errorf("the path has a bad quoted key %s", q)
			}
			rest = rest[len(q):]
			if rest != "" && rest[0] != '.' {
				return nil, fmt.Errorf("the path needs a dot after the key %s", q)
			}
		} else {
			end := strings.IndexByte(rest, '.')
			if end < 0 {
				end = len(rest)
			}
			key, rest = rest[:end], rest[end:]
			if key == "" {
				return nil, fmt.Errorf("the path has an empty key")
			}
			if strings.ContainsAny(key, `[]"`) {
				return nil, fmt.Errorf("the path key %s has a bracket or a quote; set a list as a whole, as in cities=[a, b], and quote a key as in ops.\"a[0]\".config", show(key))
			}
		}
		if !utf8.ValidString(key) {
			return nil, fmt.Errorf("the path is not UTF-8 text")
		}
		keys = append(keys, key)
		if len(keys) > maxDepth {
			return nil, fmt.Errorf("the path is deeper than %d levels", maxDepth)
		}
		if rest == "" {
			return keys, nil
		}
		rest = rest[1:]
	}
}
