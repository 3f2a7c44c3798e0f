package runconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the most that one document may have.
const MaxBytes = 1 << 20

const (
	maxNodes = 100_000 // after aliases are followed
	maxDepth = 100     // of nesting
)

var yamlErrorForm = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// parseYAML turns one YAML document into nodes. It reports every problem that does not stop the reading.
func parseYAML(name string, data []byte) (*node, Problems) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return &node{kind: kindMap, pos: Position{name, 1, 1}}, nil
	case err != nil:
		return nil, Problems{yamlProblem(name, err)}
	}
	var next yaml.Node
	switch err := dec.Decode(&next); {
	case err == nil:
		return nil, Problems{{Code: CodeUnsupported, Pos: Position{name, next.Line, next.Column},
			Message: "a second document starts here, a run config is one", Hint: "put it into a file of its own and give both files"}}
	case !errors.Is(err, io.EOF):
		return nil, Problems{yamlProblem(name, err)}
	}
	r := yamlReader{file: name}
	n := r.node(&doc, "", 0)
	return n, r.problems
}

func yamlProblem(name string, err error) Problem {
	p := Problem{Code: CodeSyntax, Pos: Position{name, 1, 1}, Message: "not YAML: " + err.Error()}
	if m := yamlErrorForm.FindStringSubmatch(err.Error()); m != nil {
		if line, e := strconv.Atoi(m[1]); e == nil {
			p.Pos = Position{name, line, 1}
		}
		p.Message = "not YAML: " + m[2]
	}
	return p
}

type yamlReader struct {
	file     string
	problems Problems
	nodes    int
	inside   []*yaml.Node // anchors that are being read, to notice one inside itself
	full     bool
}

func (r *yamlReader) problem(n *yaml.Node, code, hint, format string, args ...any) {
	r.problems = append(r.problems, Problem{Code: code, Pos: r.pos(n), Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (r *yamlReader) pos(n *yaml.Node) Position { return Position{r.file, n.Line, n.Column} }

func (r *yamlReader) node(n *yaml.Node, path trail, depth int) *node {
	null := &node{kind: kindNull, pos: r.pos(n)}
	if r.full {
		return null
	}
	if r.nodes++; r.nodes > maxNodes {
		r.full = true
		r.problem(n, CodeUnsupported, "write fewer aliases", "more than %d values after aliases are followed", maxNodes)
		return null
	}
	if depth > maxDepth {
		r.full = true
		r.problem(n, CodeUnsupported, "", "nested deeper than %d levels", maxDepth)
		return null
	}
	if n.Style&yaml.TaggedStyle != 0 && n.Kind != yaml.DocumentNode && n.ShortTag() != "!!str" {
		r.problem(n, CodeUnsupported, "write the value without it", "the tag %s is not allowed", show(n.ShortTag()))
		return null
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.node(n.Content[0], path, depth)
	case yaml.AliasNode:
		return r.alias(n, path, depth)
	case yaml.ScalarNode:
		s := &node{kind: kindText, pos: r.pos(n), text: n.Value}
		if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0 {
			s.kind = scalarKind(n.Value)
		}
		return s
	case yaml.SequenceNode:
		out := &node{kind: kindList, pos: r.pos(n), items: make([]*node, 0, len(n.Content))}
		for i, c := range n.Content {
			out.items = append(out.items, r.node(c, path.index(i), depth+1))
		}
		return out
	case yaml.MappingNode:
		return r.mapping(n, path, depth)
	}
	return null // an empty document
}

func (r *yamlReader) alias(n *yaml.Node, path trail, depth int) *node {
	for _, a := range r.inside {
		if a == n.Alias {
			r.problem(n, CodeUnsupported, "", "the alias *%s stands inside the value it names", n.Value)
			return &node{kind: kindNull, pos: r.pos(n)}
		}
	}
	r.inside = append(r.inside, n.Alias)
	out := r.node(n.Alias, path, depth+1)
	r.inside = r.inside[:len(r.inside)-1]
	return out
}

func (r *yamlReader) mapping(n *yaml.Node, path trail, depth int) *node {
	out := &node{kind: kindMap, pos: r.pos(n), members: make([]member, 0, len(n.Content)/2)}
	if n.Anchor != "" {
		r.inside = append(r.inside, n)
		defer func() { r.inside = r.inside[:len(r.inside)-1] }()
	}
	seen := make(map[string]Position, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		key, ok := r.key(k)
		if !ok {
			continue
		}
		if first, twice := seen[key]; twice {
			r.problems = append(r.problems, Problem{Code: CodeDuplicate, Path: string(path.key(key)), Pos: r.pos(k),
				Message: fmt.Sprintf("the key stands twice, first at line %d", first.Line), Hint: "keep one of them"})
			continue
		}
		seen[key] = r.pos(k)
		out.members = append(out.members, member{key: key, pos: r.pos(k), value: r.node(v, path.key(key), depth+1)})
	}
	return out
}

// key returns the text of a key; anything else than text is a problem, because 1, "1" and true would be told apart by YAML
// and not by JSON.
func (r *yamlReader) key(k *yaml.Node) (string, bool) {
	if k.Kind == yaml.AliasNode {
		k = k.Alias
	}
	if k.Kind != yaml.ScalarNode {
		r.problem(k, CodeUnsupported, "", "a key must be text")
		return "", false
	}
	plain := k.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
	switch {
	case k.Style&yaml.TaggedStyle != 0 && k.ShortTag() != "!!str":
		r.problem(k, CodeUnsupported, "write the key without it", "the tag %s is not allowed", show(k.ShortTag()))
		return "", false
	case plain && k.Value == "<<":
		r.problem(k, CodeUnsupported, "write the values out, or put them into a file given before this one", "merge keys (<<) are not supported")
		return "", false
	case plain && k.Style&yaml.TaggedStyle == 0 && scalarKind(k.Value) != kindText:
		what := strings.TrimPrefix((&node{kind: scalarKind(k.Value), text: k.Value}).found(false), "the ")
		r.problem(k, CodeUnsupported, "quote it", "a key must be text, found %s", what)
		return "", false
	}
	return k.Value, true
}
