package runconfig

import (
	"encoding"
	"encoding/json"
	"reflect"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dagstergen/dagstergen/internal/rules"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// exampleText stands in a template where a text is required.
const exampleText = "change-me"

// example is a value that f takes, for a template: it keeps to the tags of f, as far as that can be found out. typ is the Go type where known.
func example(f *dag.Field, typ reflect.Type) *val {
	if f.Nullable {
		return &val{}
	}
	if len(f.Enum) > 0 {
		return scalarExample(f, f.Enum[0])
	}
	switch f.Kind {
	case dag.FieldBool:
		return &val{kind: valBool}
	case dag.FieldInt, dag.FieldUint, dag.FieldFloat:
		return scalarExample(f, within(f, "0", "1"))
	case dag.FieldDuration:
		return scalarExample(f, within(f, "1m", "1s"))
	case dag.FieldTime:
		return scalarExample(f, within(f, "2024-01-31T08:00:00Z"))
	case dag.FieldText:
		return scalarExample(f, readable(f, typ))
	case dag.FieldList:
		n := f.MinLen
		if typ != nil && typ.Kind() == reflect.Array {
			n = typ.Len()
		}
		out := &val{kind: valList}
		for range n {
			out.items = append(out.items, example(f.Elem, elemType(typ)))
		}
		return out
	case dag.FieldMap:
		out := &val{kind: valMap}
		for i := range f.MinLen {
			out.members = append(out.members, valMember{"key" + strconv.Itoa(i+1), example(f.Elem, elemType(typ))})
		}
		return out
	case dag.FieldStruct:
		out := &val{kind: valMap}
		for i := range f.Fields {
			g := &f.Fields[i]
			if g.Required && g.Default == "" || g.Kind == dag.FieldStruct && g.Default == "" && requires(g.Fields) && !g.Nullable {
				out.members = append(out.members, valMember{g.Name, example(g, fieldType(typ, g.Name))})
			}
		}
		return out
	case fieldFile:
		return &val{kind: valText, text: "path/to/file"}
	case fieldAny:
		return anyExample(typ)
	}
	return &val{kind: valText, text: textExample(f)}
}

// scalarExample is a scalar as a run config writes it.
func scalarExample(f *dag.Field, text string) *val {
	switch f.Kind {
	case dag.FieldInt, dag.FieldUint, dag.FieldFloat:
		return &val{kind: valNumber, text: text}
	}
	return &val{kind: valText, text: text}
}

// within returns the first of some texts that the rule of f allows, or else one of its bounds.
func within(f *dag.Field, texts ...string) string {
	for _, t := range texts {
		if rule(f).Check(t) == rules.Nothing {
			return t
		}
	}
	if f.Min != "" {
		return f.Min
	}
	return f.Max
}

// anyExample is the zero value of a type that reads JSON itself.
func anyExample(typ reflect.Type) *val {
	if typ == nil {
		return &val{kind: valMap}
	}
	js, err := json.Marshal(reflect.Zero(typ).Interface())
	if err != nil {
		return &val{kind: valMap}
	}
	n, problems := parseJSON("example", js)
	if len(problems) > 0 || n.kind == kindNull {
		return &val{kind: valMap}
	}
	return n.shown()
}

// readable is a text that typ reads: what it writes for its zero value, or a common one.
func readable(f *dag.Field, typ reflect.Type) string {
	var candidates []string
	if typ != nil {
		if m, ok := reflect.Zero(typ).Interface().(encoding.TextMarshaler); ok {
			if b, err := m.MarshalText(); err == nil && len(b) > 0 {
				candidates = append(candidates, string(b))
			}
		}
	}
	candidates = append(candidates, textExample(f), "0", "1", "info", "127.0.0.1", "https://example.com", "2024-01-31", "")
	for _, c := range candidates {
		if rule(f).Check(c) == rules.Nothing && readText(typ, c) == nil {
			return c
		}
	}
	return exampleText
}

// textExample is a text of the right length that matches the pattern.
func textExample(f *dag.Field) string {
	r := rule(f)
	if r.Pattern == "" {
		s := exampleText
		for utf8.RuneCountInString(s) < r.MinLen {
			s += exampleText
		}
		if r.MaxLen > 0 && len(s) > r.MaxLen {
			s = s[:r.MaxLen]
		}
		return s
	}
	re, err := syntax.Parse(r.Pattern, syntax.Perl)
	if err != nil {
		return exampleText
	}
	short := ""
	for more := range 64 {
		m := matcher{more: more}
		m.write(re)
		s := m.text.String()
		if r.Check(s) == rules.Nothing {
			return s
		}
		if more == 0 {
			short = s
		}
	}
	return short + strings.Repeat("x", max(0, r.MinLen-utf8.RuneCountInString(short))) // where the pattern does not end in $
}

// A matcher writes a text that a regular expression matches, repeating what may be repeated so many times more than it must be.
type matcher struct {
	more  int
	text  strings.Builder
	steps int
}

func (m *matcher) write(re *syntax.Regexp) {
	if m.steps++; m.steps > 1<<12 { // nobody wants to read more
		return
	}
	repeat := func(least, most int) {
		n := least + m.more
		if most >= 0 {
			n = min(n, most)
		}
		for i := 0; i < n && m.steps <= 1<<12; i++ {
			m.write(re.Sub[0])
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		m.text.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			m.text.WriteRune(readableRune(re.Rune))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		m.text.WriteByte('x')
	case syntax.OpCapture, syntax.OpAlternate:
		m.write(re.Sub[0])
	case syntax.OpStar:
		repeat(0, -1)
	case syntax.OpPlus:
		repeat(1, -1)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		repeat(re.Min, re.Max)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			m.write(sub)
		}
	}
}

// readableRune is a rune of a class: one that people like to read where there is one.
func readableRune(ranges []rune) rune {
	for _, like := range "axA0-_ " {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= like && like <= ranges[i+1] {
				return like
			}
		}
	}
	return ranges[0]
}

// flow writes v on one line of YAML.
func (v *val) flow() string {
	var b strings.Builder
	v.writeFlow(&b)
	return b.String()
}

func (v *val) writeFlow(b *strings.Builder) {
	switch {
	case len(v.items) > 0:
		b.WriteByte('[')
		for i, item := range v.items {
			if i > 0 {
				b.WriteString(", ")
			}
			item.writeFlow(b)
		}
		b.WriteByte(']')
	case len(v.members) > 0:
		b.WriteByte('{')
		for i, m := range v.members {
			if i > 0 {
				b.WriteString(", ")
			}
			writeText(b, m.key)
			b.WriteString(": ")
			m.value.writeFlow(b)
		}
		b.WriteByte('}')
	default:
		v.writeScalar(b)
	}
}
