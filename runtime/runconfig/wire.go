package runconfig

import (
	"encoding/json"
	"errors"
	"slices"
)

// A wireNode is a node for another process: all but its position.
type wireNode struct {
	Kind    kind         `json:"k"`
	Text    string       `json:"t,omitempty"`
	Items   []*wireNode  `json:"i,omitempty"`
	Members []wireMember `json:"m,omitempty"`
}

type wireMember struct {
	Key   string    `json:"k"`
	Value *wireNode `json:"v"`
}

// MarshalBinary returns d as it is, secrets that stand in it included, to be read by another process of the same program with
// [Document.UnmarshalBinary]. It is for a pipe, not for a disk.
func (d *Document) MarshalBinary() ([]byte, error) {
	if d.node() == nil {
		return nil, nil
	}
	return json.Marshal(d.root.wire())
}

// UnmarshalBinary sets d to what MarshalBinary wrote, but for the positions.
func (d *Document) UnmarshalBinary(data []byte) error {
	d.root = nil
	if len(data) == 0 {
		return nil
	}
	var w wireNode
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	root, err := w.node()
	if err == nil && root.kind != kindMap {
		err = errors.New("a run config that is no mapping")
	}
	if err != nil {
		return err
	}
	d.root = root
	return nil
}

func (n *node) wire() *wireNode {
	w := &wireNode{Kind: n.kind, Text: n.text}
	for _, i := range n.items {
		w.Items = append(w.Items, i.wire())
	}
	for _, m := range n.members {
		w.Members = append(w.Members, wireMember{m.key, m.value.wire()})
	}
	return w
}

func (w *wireNode) node() (*node, error) {
	if w == nil || w.Kind > kindMap {
		return nil, errors.New("a run config with an unknown value")
	}
	n := &node{kind: w.Kind, text: w.Text}
	for _, i := range w.Items {
		item, err := i.node()
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	for _, m := range w.Members {
		value, err := m.Value.node()
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{key: m.Key, value: value})
	}
	return n, nil
}

// WithoutInputs returns d without what it says of some inputs, for who has their values already.
func (d *Document) WithoutInputs(names []string) *Document {
	root := d.node()
	inputs, ok := root.member("inputs")
	if !ok || inputs.value.kind != kindMap {
		return d
	}
	rest := *inputs.value
	rest.members = slices.DeleteFunc(slices.Clone(rest.members), func(m member) bool { return slices.Contains(names, m.key) })
	c := *root
	c.members = slices.Clone(root.members)
	for i := range c.members {
		if c.members[i].key == "inputs" {
			c.members[i].value = &rest
		}
	}
	return &Document{&c}
}
