package runconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// parseJSON turns one JSON document into nodes with positions. JSON has a reader of its own because YAML parsers refuse some
// of it: tabs for indentation, surrogate pairs in strings.
func parseJSON(name string, data []byte) (*node, Problems) {
	r := jsonReader{file: name, data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil { // the syntax of all of it, so that what follows can rely on it
		at := int64(len(data))
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && syntax.Offset > 0 {
			at = syntax.Offset - 1
		}
		return nil, Problems{{Code: CodeSyntax, Pos: r.pos(at), Message: "not JSON: " + err.Error()}}
	}
	n, err := r.value("", 0)
	if err != nil {
		return nil, append(r.problems, Problem{Code: CodeSyntax, Pos: r.pos(r.dec.InputOffset()), Message: err.Error()})
	}
	return n, r.problems
}

type jsonReader struct {
	file     string
	data     []byte
	dec      *json.Decoder
	problems Problems

	// Where the last position was, so that positions cost one pass in all.
	at        int64
	line, col int
}

// pos returns the position of a byte offset; offsets are asked for in increasing order, but for the last one.
func (r *jsonReader) pos(offset int64) Position {
	offset = min(max(offset, 0), int64(len(r.data)))
	if r.line == 0 || offset < r.at {
		r.at, r.line, r.col = 0, 1, 1
	}
	for r.at < offset {
		c, size := utf8.DecodeRune(r.data[r.at:])
		r.at += int64(size)
		r.col++
		if c == '\n' {
			r.line, r.col = r.line+1, 1
		}
	}
	return Position{r.file, r.line, r.col}
}

// next returns the next token and where it starts.
func (r *jsonReader) next() (json.Token, Position, error) {
	at := r.dec.InputOffset()
	for at < int64(len(r.data)) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[at]) >= 0 {
		at++
	}
	t, err := r.dec.Token()
	return t, r.pos(at), err
}

func (r *jsonReader) value(path trail, depth int) (*node, error) {
	t, pos, err := r.next()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	switch t := t.(type) {
	case nil:
		return &node{kind: kindNull, pos: pos, text: "null"}, nil
	case bool:
		return &node{kind: kindBool, pos: pos, text: fmt.Sprint(t)}, nil
	case string:
		return &node{kind: kindText, pos: pos, text: t}, nil
	case json.Number:
		n := &node{kind: kindFloat, pos: pos, text: t.String()}
		if intForm.MatchString(n.text) {
			n.kind = kindInt
		}
		return n, nil
	case json.Delim:
		if t == '[' {
			return r.list(path, pos, depth)
		}
		return r.object(path, pos, depth)
	}
	return nil, fmt.Errorf("unexpected %v", t)
}

func (r *jsonReader) list(path trail, pos Position, depth int) (*node, error) {
	out := &node{kind: kindList, pos: pos, items: []*node{}}
	for r.dec.More() {
		v, err := r.value(path.index(len(out.items)), depth+1)
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, v)
	}
	_, err := r.dec.Token()
	return out, err
}

func (r *jsonReader) object(path trail, pos Position, depth int) (*node, error) {
	out := &node{kind: kindMap, pos: pos}
	seen := map[string]Position{}
	for r.dec.More() {
		t, at, err := r.next()
		if err != nil {
			return nil, err
		}
		key, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("a key must be text, found %v", t)
		}
		v, err := r.value(path.key(key), depth+1)
		if err != nil {
			return nil, err
		}
		if first, twice := seen[key]; twice {
			r.problems = append(r.problems, Problem{Code: CodeDuplicate, Path: string(path.key(key)), Pos: at,
				Message: fmt.Sprintf("the key stands twice, first at line %d", first.Line), Hint: "keep one of them"})
			continue
		}
		seen[key] = at
		out.members = append(out.members, member{key: key, pos: at, value: v})
	}
	_, err := r.dec.Token()
	return out, err
}
