package runconfig

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// A record collects what the YAML text of a resolved config shows.
type record struct {
	ops, resources []valMember
	inputs         []valMember
	loggers        []valMember
	execution      *val
}

func (r *record) set(key string, c *resolvedConfig) {
	r.resources = append(r.resources, valMember{key, &val{kind: valMap, members: []valMember{{"config", c.shown}}}})
}

// setOp takes in what was resolved for an op, below the graphs it is in. Either may be nil.
func (r *record) setOp(path []string, config, inputs *val) {
	members := &r.ops
	for i, segment := range path {
		at := slices.IndexFunc(*members, func(m valMember) bool { return m.key == segment })
		if at < 0 {
			*members = append(*members, valMember{segment, &val{kind: valMap}})
			at = len(*members) - 1
		}
		v := (*members)[at].value
		if i < len(path)-1 {
			ops := slices.IndexFunc(v.members, func(m valMember) bool { return m.key == "ops" })
			if ops < 0 {
				v.members = append(v.members, valMember{"ops", &val{kind: valMap}})
				ops = len(v.members) - 1
			}
			members = &v.members[ops].value.members
			continue
		}
		if config != nil {
			v.members = append(v.members, valMember{"config", config})
		}
		if inputs != nil && len(inputs.members) > 0 {
			v.members = append(v.members, valMember{"inputs", inputs})
		}
	}
}

// sortOps orders the ops below a key "ops", at every depth.
func sortOps(members []valMember) {
	slices.SortFunc(members, func(a, b valMember) int { return strings.Compare(a.key, b.key) })
	for _, m := range members {
		slices.SortFunc(m.value.members, func(a, b valMember) int { return strings.Compare(a.key, b.key) })
		for _, below := range m.value.members {
			if below.key == "ops" {
				sortOps(below.value.members)
			}
		}
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
	sortOps(r.ops)
	add("inputs", r.inputs)
	add("loggers", r.loggers)
	add("ops", r.ops)
	add("resources", r.resources)
	if len(root.members) == 0 {
		return ""
	}
	var b strings.Builder
	root.writeYAML(&b, 0, false)
	return b.String()
}

// writeYAML writes a mapping or a list as a block, each line indented by so many levels, but the first where it stands behind a dash. It is a fraction of YAML, which costs a fraction of
// what an encoder takes: records are made for every run.
func (v *val) writeYAML(b *strings.Builder, level int, inline bool) {
	for i, m := range v.members {
		if i > 0 || !inline {
			indent(b, level)
		}
		writeText(b, m.key)
		b.WriteByte(':')
		m.value.writeBelow(b, level+1)
	}
	for _, item := range v.items {
		indent(b, level)
		b.WriteByte('-')
		if len(item.members) > 0 {
			b.WriteByte(' ')
			item.writeYAML(b, level+1, true)
		} else {
			item.writeBelow(b, level+1)
		}
	}
}

// writeBelow writes a value behind its key, or below it.
func (v *val) writeBelow(b *strings.Builder, level int) {
	if len(v.members) > 0 || len(v.items) > 0 {
		b.WriteByte('\n')
		v.writeYAML(b, level, false)
		return
	}
	b.WriteByte(' ')
	v.writeScalar(b)
	b.WriteByte('\n')
}

func indent(b *strings.Builder, level int) {
	for range level {
		b.WriteString("  ")
	}
}

func (v *val) writeScalar(b *strings.Builder) {
	switch v.kind {
	case valBool, valInt, valUint:
		b.Write(v.json())
	case valNumber:
		b.WriteString(v.text)
	case valFloat:
		switch {
		case math.IsNaN(v.float):
			b.WriteString(".nan")
		case math.IsInf(v.float, 1):
			b.WriteString(".inf")
		case math.IsInf(v.float, -1):
			b.WriteString("-.inf")
		default:
			b.WriteString(floatText(v.float, 64))
		}
	case valText, valDuration:
		writeText(b, v.text)
	case valSecret:
		if v.text == "" {
			writeText(b, redacted)
			return
		}
		b.WriteString("{env: ")
		writeText(b, v.text)
		b.WriteByte('}')
	case valList:
		b.WriteString("[]")
	case valMap:
		b.WriteString("{}")
	default:
		b.WriteString("null")
	}
}

// plainText is what needs no quotes anywhere in YAML: words, paths and durations.
var plainText = regexp.MustCompile(`^([A-Za-z_/]([A-Za-z0-9_./ -]*[A-Za-z0-9_./-])?|[0-9.]+[a-z][a-z0-9.]*)$`)

// writeText writes a text, in quotes where some YAML reader takes it for something else: those of JSON are those of YAML.
func writeText(b *strings.Builder, s string) {
	if plainText.MatchString(s) && scalarKind(s) == kindText && !oldBool(s) {
		b.WriteString(s)
		return
	}
	b.WriteString(quoteYAML(s))
}

// oldBool reports whether s is a boolean to readers of YAML 1.1.
func oldBool(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return false
}

// quoteYAML is quoteJSON, but for the control characters that JSON leaves as they are and YAML does not allow.
func quoteYAML(s string) string {
	q := quoteJSON(s)
	if !strings.ContainsFunc(q, outsideYAML) {
		return q
	}
	var b strings.Builder
	for _, r := range q {
		if outsideYAML(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func outsideYAML(r rune) bool {
	return r >= 0x7f && r < 0xa0 || r == 0xfeff || r == 0xfffe || r == 0xffff || r == 0x2028 || r == 0x2029
}
