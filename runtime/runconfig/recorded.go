package runconfig

import "strings"

// Recorded reads the text of a resolved config, [Resolved].Text, to be used again. A secret that the text does not have is left out, so that the
// field has its default or is missing; left has the paths of those.
func Recorded(name, text string) (doc *Document, left []string, err error) {
	d, err := Parse(name, []byte(text))
	if err != nil {
		return nil, nil, err
	}
	root := d.root.without("", &left)
	return &Document{root}, left, nil
}

// TextOf is what the document that was resolved says, or one that it was made of by merging: as Text, but without what others say, and without defaults. Texts that are secrets are redacted.
func (r *Resolved) TextOf(d *Document) string {
	root := d.node()
	if root == nil || len(root.members) == 0 {
		return ""
	}
	var b strings.Builder
	root.with(r.recorded).shown().writeYAML(&b, 0, false)
	return b.String()
}

// with returns n with others in place of some values.
func (n *node) with(others map[*node]*node) *node {
	if other := others[n]; other != nil {
		return other
	}
	c := *n
	c.items, c.members = nil, nil
	for _, i := range n.items {
		c.items = append(c.items, i.with(others))
	}
	for _, m := range n.members {
		m.value = m.value.with(others)
		c.members = append(c.members, m)
	}
	return &c
}

// without returns n without values that stand in place of a secret, and notes where they were.
func (n *node) without(path string, left *[]string) *node {
	if n.kind != kindMap {
		return n
	}
	c := *n
	c.members = nil
	for _, m := range n.members {
		at := m.key
		if path != "" {
			at = path + "." + m.key
		}
		if m.value.kind == kindText && m.value.text == redacted {
			*left = append(*left, at)
			continue
		}
		m.value = m.value.without(at, left)
		c.members = append(c.members, m)
	}
	return &c
}
