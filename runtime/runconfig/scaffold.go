package runconfig

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// scaffoldWidth is where comments of a template are wrapped.
const scaffoldWidth = 110

// Scaffold writes a run config for s as a template: what is required stands there with an example, everything else at its default on lines that start with # and no
// space. It is taken by [Resolve] as it is, and with any of those lines uncommented, but for what nobody can know: which files there are, and which texts a Go
// type of the user's reads. Secrets are examples, whatever the code passes.
func Scaffold(title string, s Schema) []byte {
	var b strings.Builder
	for _, line := range []string{
		title + ".",
		"A line that starts with # and no space behind it is a setting at its default: remove the # to change it.",
		"In place of any single value stands {env: NAME}, for that of an environment variable.",
	} {
		b.WriteString("# " + line + "\n")
	}
	for _, e := range []*entry{inputsEntry(s), opsEntry(opTree(&s)), resourcesEntry(s.Resources), loggersEntry(&s), executionEntry(s.executors())} {
		if e != nil {
			b.WriteByte('\n')
			e.write(&b, 0)
		}
	}
	return []byte(b.String())
}

// An entry is a key of a template.
type entry struct {
	key   string
	doc   string // stands above it
	note  string // stands behind it
	value string // on one line; empty where something is below
	live  bool   // not commented out
	below []*entry
}

// group is a mapping that is commented out where all of it is; nil for an empty one.
func group(key, doc string, below []*entry) *entry {
	if len(below) == 0 {
		return nil
	}
	return &entry{key: key, doc: doc, below: below, live: slices.ContainsFunc(below, func(e *entry) bool { return e.live })}
}

// section is a mapping that may be empty, so that who sets something below it has one line to uncomment.
func section(key, doc string, below []*entry) *entry {
	e := group(key, doc, below)
	if e != nil {
		e.live = true
	}
	return e
}

func (e *entry) write(b *strings.Builder, level int) {
	for _, line := range wrap(e.doc, scaffoldWidth-2*level) {
		indent(b, level)
		b.WriteString("# " + line + "\n")
	}
	indent(b, level)
	if !e.live {
		b.WriteByte('#')
	}
	writeText(b, e.key)
	b.WriteByte(':')
	if e.value != "" {
		b.WriteString(" " + e.value)
	}
	if e.note != "" {
		b.WriteString(" # " + e.note)
	}
	b.WriteByte('\n')
	for _, sub := range e.below {
		sub.write(b, level+1)
	}
}

// wrap breaks a text into lines of about so many characters; its own line breaks are spaces.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func inputsEntry(s Schema) *entry {
	var below []*entry
	for _, p := range s.Inputs {
		switch {
		case slices.Contains(s.Given, p.Name):
		case p.Config != nil:
			if e := section(p.Name, p.Config.Description, fieldEntries(p.Config, nil, true)); e != nil {
				below = append(below, e)
			}
		default:
			if e := inputEntry(p); e != nil {
				below = append(below, e)
			}
		}
	}
	return section("inputs", "Values of the job's parameters.", below)
}

// inputEntry is a value that a run config has to give; nil where only Go can.
func inputEntry(p dag.JobParam) *entry {
	f, err := fieldOf(p.Type.Go)
	if err != nil {
		return nil
	}
	f.Name = p.Name
	return &entry{key: p.Name, note: "required: " + expected(f), value: example(f, p.Type.Go).flow(), live: true}
}

func opsEntry(names *opName) *entry {
	var below []*entry
	for _, o := range names.subs {
		var parts []*entry
		if op := o.op; op != nil && !op.Optional {
			parts = opEntries(op)
		}
		if g := o.graph; g != nil && !g.Optional {
			parts = append(configEntries(g.Config, g.From), parts...)
		}
		if e := opsEntry(o); e != nil {
			parts = append(parts, e)
		}
		if e := section(o.name, "", parts); e != nil {
			below = append(below, e)
		}
	}
	doc := ""
	if names.name == "" {
		doc = "Config of ops, assets and sources."
	}
	return section("ops", doc, below)
}

func opEntries(op *OpSchema) (parts []*entry) {
	if !op.Fixed {
		parts = configEntries(op.Config, op.source())
	}
	var inputs []*entry
	for _, p := range op.Inputs {
		if e := inputEntry(p); e != nil {
			inputs = append(inputs, e)
		}
	}
	if e := section("inputs", "", inputs); e != nil {
		parts = append(parts, e)
	}
	return parts
}

// configEntries is the config of an op or a graph; none where it is made of another, which is where one sets it.
func configEntries(c *dag.Config, src *Source) []*entry {
	var base any
	if src != nil {
		base = src.Value
	}
	if c == nil || src != nil && base == nil {
		return nil
	}
	if e := section("config", c.Description, fieldEntries(c, base, base == nil)); e != nil {
		return []*entry{e}
	}
	return nil
}

func resourcesEntry(resources []*dag.Resource) *entry {
	var below []*entry
	for _, res := range resources {
		if res.Config == nil {
			continue
		}
		if e := section("config", res.Config.Description, fieldEntries(res.Config, nil, true)); e != nil {
			below = append(below, section(res.Key, res.Description, []*entry{e}))
		}
	}
	return section("resources", "Config of resources.", below)
}

// executionEntry shows the executor that has the most to set, and names the others.
func executionEntry(executors []ExecutorSchema) *entry {
	i := max(0, slices.IndexFunc(executors, func(e ExecutorSchema) bool { return !e.Single && e.Config == nil }))
	var names []string
	for _, e := range executors {
		names = append(names, e.Name)
	}
	settings := &entry{key: executors[i].Name, value: "{}"}
	if !executors[i].Single && executors[i].Config == nil {
		settings = group(executors[i].Name, "", []*entry{{key: "max_concurrent", value: "0", note: "steps at once; 0 is one for each processor"}})
	}
	return section("execution", "How the run executes: "+strings.Join(names, ", ")+".", []*entry{section("config", "", []*entry{settings})})
}

// fieldEntries are the fields of a config: at the values that the code passes (base, nil for none), else at their defaults. complete says whether what has neither is
// required.
func fieldEntries(c *dag.Config, base any, complete bool) []*entry {
	typ, err := goType(c)
	if err != nil {
		typ = nil
	}
	var v reflect.Value
	if base != nil {
		v = reflect.ValueOf(base)
	}
	return structEntries(c.Fields, typ, v, complete)
}

func structEntries(fields []dag.Field, typ reflect.Type, base reflect.Value, complete bool) []*entry {
	var out []*entry
	for i := range fields {
		f := &fields[i]
		if e := fieldEntry(f, fieldType(typ, f.Name), fieldValue(base, f.Name), complete); e != nil {
			out = append(out, e)
		}
	}
	return out
}

func fieldEntry(f *dag.Field, typ reflect.Type, base reflect.Value, complete bool) *entry {
	if typ != nil && typ.Kind() == reflect.Pointer && f.Kind != fieldAny {
		typ = typ.Elem()
	}
	if f.Kind == dag.FieldStruct && f.Default == "" && (!f.Nullable || !base.IsValid() || base.IsNil()) {
		below := structEntries(f.Fields, typ, base, complete || f.Nullable)
		if f.Nullable {
			comment(below)
		}
		return group(f.Name, f.Description, below)
	}
	e := &entry{key: f.Name, doc: f.Description, note: expected(f)}
	shown := passed(f, base)
	if shown == nil {
		shown = preset(f)
	}
	switch {
	case shown != nil:
	case f.Nullable:
		shown = &val{}
	default:
		shown = example(f, typ)
		if e.live = complete && f.Required; e.live {
			e.note = "required: " + e.note
		}
	}
	if f.Secret {
		e.note += fmt.Sprintf("; a secret, so better {env: %s}", strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(f.Name)))
	}
	e.value = shown.flow()
	return e
}

// comment comments everything out: what is below something optional.
func comment(entries []*entry) {
	for _, e := range entries {
		e.live = false
		comment(e.below)
	}
}

// passed is the value that the code passes for a field; nil where it passes none, or one that run config could not say.
func passed(f *dag.Field, base reflect.Value) *val {
	if !base.IsValid() || hides(f) {
		return nil
	}
	r := &resolver{env: map[trail]string{}}
	_, shown, err := r.fieldValues(f, base, "")
	if err != nil || shown.kind == valNil && !f.Nullable {
		return nil
	}
	return shown
}

// preset is the default of a field.
func preset(f *dag.Field) *val {
	if f.Default == "" || hides(f) {
		return nil
	}
	n, err := defaultNode(f)
	if err != nil {
		return nil
	}
	return n.shown()
}
