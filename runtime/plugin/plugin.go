// Package plugin holds what dagstergen.yaml chooses by name: storages, managers of compute logs, launchers ... A package of a user's registers more.
//
// Stage: the ground of the runtime; it imports the standard library and a YAML parser alone. Who needs a kind of plug-in defines it.
//
// Invariants: names are registered while the program starts, and a name is taken once. A config is decoded strictly: an unknown key is an error, with its line. Names are
// listed in order.
package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// A Context is what a plug-in may know when it is made.
type Context struct {
	context.Context
	Folder   string   // of the instance, absolute; empty for one in memory
	Root     *os.Root // the same, open; nil where it is not there
	ReadOnly bool     // nothing may be written
}

// A Kind is what plug-ins of one kind have in common: they make a T.
type Kind[T any] struct {
	name string // what stands in dagstergen.yaml: "storage"

	mu    sync.Mutex
	makes map[string]func(Context, *yaml.Node) (T, error)
}

// NewKind defines a kind of plug-in. name is its key in dagstergen.yaml.
func NewKind[T any](name string) *Kind[T] {
	return &Kind[T]{name: name, makes: map[string]func(Context, *yaml.Node) (T, error){}}
}

// Register adds a plug-in. It is called from an init function of the package that has it; make gets the config that stands below the name, decoded into a C by its
// yaml tags. It panics where the name is taken or is none.
func Register[C, T any](k *Kind[T], name string, make func(ctx Context, config C) (T, error)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if name == "" || strings.ContainsAny(name, " :{}\n") {
		panic(fmt.Sprintf("plugin: %q is no name for a %s", name, k.name))
	}
	if _, taken := k.makes[name]; taken {
		panic(fmt.Sprintf("plugin: two packages register the %s %q", k.name, name))
	}
	k.makes[name] = func(ctx Context, n *yaml.Node) (T, error) {
		var config C
		if err := decode(n, &config); err != nil {
			var zero T
			return zero, fmt.Errorf("%s.%s: %w", k.name, name, err)
		}
		return make(ctx, config)
	}
}

// Names returns what is registered, sorted.
func (k *Kind[T]) Names() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.makes))
}

// Check says that a choice names nothing that is registered, and what is.
func (k *Kind[T]) Check(c Choice) error {
	names := k.Names()
	if c.Name == "" || slices.Contains(names, c.Name) {
		return nil
	}
	return fmt.Errorf("line %d: %s: %q is not registered; there is %s", c.Line, k.name, c.Name, strings.Join(names, ", "))
}

// Make makes what a choice names, and what fallback names where it names nothing.
func (k *Kind[T]) Make(ctx Context, c Choice, fallback string) (T, error) {
	if c.Name == "" {
		c.Name = fallback
	}
	var zero T
	if err := k.Check(c); err != nil {
		return zero, err
	}
	k.mu.Lock()
	make := k.makes[c.Name]
	k.mu.Unlock()
	if make == nil {
		return zero, fmt.Errorf("no %s is registered", k.name)
	}
	return make(ctx, c.config)
}

// A Choice is what dagstergen.yaml says of a kind: the name of a plug-in, or a mapping of that name to its config. The zero Choice says nothing.
type Choice struct {
	Name string
	Line int // where it stands; 0 for nowhere

	config *yaml.Node // nil for none
}

// UnmarshalYAML reads a name, or one name with its config.
func (c *Choice) UnmarshalYAML(n *yaml.Node) error {
	*c = Choice{Line: n.Line}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null", n.Kind == yaml.MappingNode && len(n.Content) == 0:
		return nil
	case n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value != "":
		c.Name = n.Value
		return nil
	case n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Kind == yaml.ScalarNode && n.Content[0].Value != "":
		c.Name, c.Line, c.config = n.Content[0].Value, n.Content[0].Line, n.Content[1]
		return nil
	}
	return fmt.Errorf("line %d: want the name of a plug-in, or one name with its config below it", n.Line)
}

// MarshalText writes the choice as YAML, for another process to read: {env: NAME} as it stands.
func (c Choice) MarshalText() ([]byte, error) {
	if c.Name == "" {
		return []byte("{}\n"), nil
	}
	return yaml.Marshal(map[string]*yaml.Node{c.Name: c.config})
}

// UnmarshalText reads what MarshalText wrote.
func (c *Choice) UnmarshalText(text []byte) error { return yaml.Unmarshal(text, c) }

// Decode reads the config into a value by its yaml tags, strictly; no config leaves it as it is.
func (c Choice) Decode(into any) error { return decode(c.config, into) }

// Value returns the config as JSON-like values: maps, lists, texts, numbers, booleans; nil for none.
func (c Choice) Value() (v any, err error) {
	if c.config == nil {
		return nil, nil
	}
	return v, decode(c.config, &v)
}

// decode reads a config strictly, once variables of the environment stand where {env: NAME} does.
func decode(n *yaml.Node, into any) error {
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	resolved, err := resolve(n, 0)
	if err != nil {
		return err
	}
	// A node cannot be decoded strictly, a text can. Lines start at that of the config.
	text, err := yaml.Marshal(resolved)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		var typed *yaml.TypeError
		if errors.As(err, &typed) {
			return fmt.Errorf("below line %d: %s", n.Line, strings.Join(typed.Errors, "; "))
		}
		return err
	}
	return nil
}

// maxDepth bounds how deep a config is nested.
const maxDepth = 50

// resolve replaces each mapping {env: NAME} by the value of the variable. Aliases are refused: no config needs one.
func resolve(n *yaml.Node, depth int) (*yaml.Node, error) {
	switch {
	case depth > maxDepth:
		return nil, fmt.Errorf("line %d: it is nested more than %d deep", n.Line, maxDepth)
	case n.Kind == yaml.AliasNode:
		return nil, fmt.Errorf("line %d: aliases are not allowed here", n.Line)
	case n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "env" && n.Content[1].Kind == yaml.ScalarNode:
		value, ok := os.LookupEnv(n.Content[1].Value)
		if !ok {
			return nil, fmt.Errorf("line %d: the environment variable %q is not set", n.Line, n.Content[1].Value)
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: n.Line}, nil
	}
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, below := range n.Content {
		r, err := resolve(below, depth+1)
		if err != nil {
			return nil, err
		}
		c.Content[i] = r
	}
	return &c, nil
}
