package runconfig

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
