package runconfig

import (
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A record collects what the YAML text of a resolved config shows.
type record struct {
	ops, resources []valMember
	inputs         []valMember
	execution      *val
}

func (r *record) set(section, key string, c *resolvedConfig) {
	m := valMember{key, &val{kind: valMap, members: []valMember{{"config", c.shown}}}}
	if section == "ops" {
		r.ops = append(r.ops, m)
	} else {
		r.resources = append(r.resources, m)
	}
}

// yaml returns the text: sections and keys sorted, values quoted where YAML needs it. Nothing resolved is the empty text.
func (r *record) yaml() string {
	root := &val{kind: valMap}
	add := func(key string, members []valMember) {
		if len(members) > 0 {
			slices.SortFunc(members, func(a, b valMember) int { return strings.Compare(a.key, b.key) })
			root.members = append(root.members, valMember{key, &val{kind: valMap, members: members}})
		}
	}
	if r.execution != nil {
		root.members = append(root.members, valMember{"execution", r.execution})
	}
	add("inputs", r.inputs)
	add("ops", r.ops)
	add("resources", r.resources)
	if len(root.members) == 0 {
		return ""
	}
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root.yamlNode()); err != nil {
		return "# not shown: " + strings.ReplaceAll(err.Error(), "\n", " ") + "\n"
	}
	return b.String()
}

func (v *val) yamlNode() *yaml.Node {
	scalar := func(tag, text string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
	}
	switch v.kind {
	case valBool, valInt, valUint:
		return scalar("", string(v.json()))
	case valFloat:
		switch {
		case math.IsNaN(v.float):
			return scalar("!!float", ".nan")
		case math.IsInf(v.float, 1):
			return scalar("!!float", ".inf")
		case math.IsInf(v.float, -1):
			return scalar("!!float", "-.inf")
		}
		return scalar("!!float", floatText(v.float))
	case valText, valDuration:
		n := scalar("!!str", v.text)
		if k := scalarKind(v.text); k != kindText || v.text == "<<" {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n
	case valNumber:
		return scalar("", v.text)
	case valSecret:
		if v.text != "" {
			return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{scalar("!!str", "env"), scalar("!!str", v.text)}}
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: redacted, Style: yaml.DoubleQuotedStyle}
	case valList:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v.items {
			n.Content = append(n.Content, item.yamlNode())
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		return n
	case valMap:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, m := range v.members {
			k := (&val{kind: valText, text: m.key}).yamlNode()
			n.Content = append(n.Content, k, m.value.yamlNode())
		}
		if len(n.Content) == 0 {
			n.Style = yaml.FlowStyle
		}
		return n
	}
	return scalar("!!null", "null")
}
