package runconfig

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// mostConcurrent bounds max_concurrent and limits: more steps at once than this help nobody.
const mostConcurrent = 1 << 20

// An ExecutorSchema is what may stand below execution for one executor. Each of them takes retries; Single says which take no more than that.
type ExecutorSchema struct {
	Name   string
	Single bool        // one step at a time: there is nothing to limit
	Config *dag.Config // settings of its own instead of max_concurrent; nil for none
}

// A TagLimit says how many steps with a tag may run at once in a run.
type TagLimit struct {
	Key      string
	Value    *string // the steps whose tag has this value; nil for any value
	PerValue bool    // the limit is for each value of the tag apart
	Limit    int
}

// The values of [Resolved.Retries].
const (
	RetriesEnabled  = "enabled"
	RetriesDisabled = "disabled"
)

// settings are what an executor takes, in the order of messages.
func (e *ExecutorSchema) settings() []string {
	switch {
	case e.Single:
		return []string{"retries"}
	case e.Config == nil:
		return []string{"max_concurrent", "retries", "tag_concurrency_limits"}
	}
	names := fieldNames(e.Config.Fields)
	for _, n := range []string{"retries", "tag_concurrency_limits"} {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// execution reads the root key of this name: one executor, as {config: {multi: {max_concurrent: 4}}} or {multi: {config:
// {max_concurrent: 4}}}. Nothing below a level is the default of that level.
func (r *resolver) execution(m member, executors []ExecutorSchema, out *Resolved, rec *record) {
	const path = trail("execution")
	names := make([]string, len(executors))
	for i := range executors {
		names[i] = executors[i].Name
	}
	list := strings.Join(append(slices.Clone(names), "config"), ", ")
	named := r.section(m.value, path, append(slices.Clone(names), "config"), list)
	var settings *node
	at := path
	if c, ok := named["config"]; ok {
		delete(named, "config")
		inner := r.section(c.value, path.key("config"), names, strings.Join(names, " or "))
		if len(named) > 0 {
			r.problem(CodeUnknown, path.key("config"), c.pos, "keep one of them", "an executor stands here and beside it")
			return
		}
		name, e, ok := r.oneExecutor(inner, path.key("config"))
		if ok {
			out.Executor, settings, at = name, e.value, path.key("config").key(name)
		}
	}
	if name, e, ok := r.oneExecutor(named, path); ok {
		sec := r.section(e.value, path.key(name), []string{"config"}, "config")
		out.Executor, settings, at = name, sec["config"].value, path.key(name).key("config")
	}
	if out.Executor == "" {
		return
	}
	shown := &val{kind: valMap}
	r.executorSettings(&executors[slices.Index(names, out.Executor)], settings, at, out, shown)
	rec.execution = &val{kind: valMap, members: []valMember{{"config", &val{kind: valMap, members: []valMember{{out.Executor, shown}}}}}}
}

func (r *resolver) oneExecutor(named map[string]member, path trail) (string, member, bool) {
	names := make([]string, 0, len(named))
	for name := range named {
		names = append(names, name)
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return "", member{}, false
	case 1:
		return names[0], named[names[0]], true
	}
	r.problem(CodeUnknown, path.key(names[1]), named[names[1]].pos, "keep one of them", "a second executor beside %s", names[0])
	return "", member{}, false
}

// executorSettings reads what stands below an executor. What is shown of it can be read again.
func (r *resolver) executorSettings(e *ExecutorSchema, n *node, path trail, out *Resolved, shown *val) {
	known := e.settings()
	sec := r.section(n, path, known, strings.Join(known, ", "))
	if e.Config != nil {
		if !r.ownSettings(e, sec, n, path, out, shown) {
			return
		}
	} else if m, ok := sec["max_concurrent"]; ok {
		if limit, ok := r.count(m.value, path.key("max_concurrent"), 0, "0 means one for each processor"); ok {
			out.MaxConcurrent = limit
			shown.members = append(shown.members, valMember{"max_concurrent", &val{kind: valInt, int: int64(limit)}})
		}
	}
	own := func(name string) bool { return e.Config != nil && hasField(e.Config.Fields, name) }
	if m, ok := sec["retries"]; ok && !own("retries") {
		r.retries(m, path.key("retries"), out, shown)
	}
	if m, ok := sec["tag_concurrency_limits"]; ok && !own("tag_concurrency_limits") {
		r.tagLimits(m.value, path.key("tag_concurrency_limits"), out, shown)
	}
}

// ownSettings reads the config of an executor that has one.
func (r *resolver) ownSettings(e *ExecutorSchema, sec map[string]member, n *node, path trail, out *Resolved, shown *val) bool {
	own := &node{kind: kindMap, pos: posOf(n)}
	if n != nil {
		for _, m := range n.members {
			if _, taken := sec[m.key]; taken && hasField(e.Config.Fields, m.key) {
				own.members = append(own.members, m)
			}
		}
	}
	c := r.config(e.Config, own, nil, path, false)
	if c == nil {
		return false
	}
	out.ExecutorConfig = c.value
	shown.members = append(shown.members, c.shown.members...)
	return true
}

// count reads a whole number from least on.
func (r *resolver) count(n *node, path trail, least int, hint string) (int, bool) {
	if n == nil || n.kind != kindInt {
		found := "null"
		if n != nil {
			found = n.found(false)
		}
		r.problem(CodeType, path, posOf(n), "", "expected a whole number, found %s", found)
		return 0, false
	}
	v, err := strconv.Atoi(goInt(n.text))
	if err != nil || v < least || v > mostConcurrent {
		r.problem(CodeRange, path, n.pos, hint, "expected a whole number from %d to %d, found %s", least, mostConcurrent, n.text)
		return 0, false
	}
	return v, true
}

// retries reads {enabled: {}} or {disabled: {}}.
func (r *resolver) retries(m member, path trail, out *Resolved, shown *val) {
	sec := r.section(m.value, path, []string{RetriesEnabled, RetriesDisabled}, "enabled or disabled")
	if len(sec) > 1 {
		r.problem(CodeUnknown, path, m.pos, "keep one of them", "retries are both enabled and disabled")
		return
	}
	for _, mode := range []string{RetriesEnabled, RetriesDisabled} {
		below, ok := sec[mode]
		if !ok {
			continue
		}
		for _, extra := range r.members(below.value, path.key(mode), "nothing in it") {
			r.problem(CodeUnknown, path.key(mode).key(extra.key), extra.pos, "remove it", "%s takes no config", mode)
		}
		out.Retries = mode
		shown.members = append(shown.members, valMember{"retries", &val{kind: valMap, members: []valMember{{mode, &val{kind: valMap}}}}})
	}
}

// tagLimits reads a list of {key: K, value: V, limit: N}; the value may be left out, or be {applyLimitPerUniqueValue: true}.
func (r *resolver) tagLimits(n *node, path trail, out *Resolved, shown *val) {
	if n == nil || n.kind == kindNull {
		return
	}
	if n.kind != kindList {
		r.problem(CodeType, path, n.pos, "", "expected a list of mappings with key, limit and value, found %s", n.found(true))
		return
	}
	list := &val{kind: valList}
	for i, item := range n.items {
		at := path.index(i)
		sec := r.section(item, at, []string{"key", "limit", "value"}, "key, limit and value")
		before := len(r.problems)
		l := TagLimit{}
		each := &val{kind: valMap}
		if m, ok := sec["key"]; ok && m.value.kind == kindText && m.value.text != "" {
			l.Key = m.value.text
			each.members = append(each.members, valMember{"key", &val{kind: valText, text: l.Key}})
		} else if ok {
			r.problem(CodeType, at.key("key"), m.value.pos, "", "expected the key of a tag, found %s", m.value.found(false))
		} else {
			r.problem(CodeMissing, at.key("key"), item.pos, "", "missing, expected the key of a tag")
		}
		if m, ok := sec["limit"]; ok {
			l.Limit, _ = r.count(m.value, at.key("limit"), 1, "")
			each.members = append(each.members, valMember{"limit", &val{kind: valInt, int: int64(l.Limit)}})
		} else {
			r.problem(CodeMissing, at.key("limit"), item.pos, "", "missing, expected a whole number from 1 to %d", mostConcurrent)
		}
		if m, ok := sec["value"]; ok && m.value.kind != kindNull {
			r.tagValue(m.value, at.key("value"), &l, each)
		}
		if len(r.problems) == before {
			out.TagLimits = append(out.TagLimits, l)
			list.items = append(list.items, each)
		}
	}
	if len(list.items) > 0 {
		shown.members = append(shown.members, valMember{"tag_concurrency_limits", list})
	}
}

// tagValue reads which values of a tag a limit is for.
func (r *resolver) tagValue(n *node, path trail, l *TagLimit, shown *val) {
	const each = "applyLimitPerUniqueValue" // Dagster's spelling
	switch n.kind {
	case kindMap:
		m, ok := r.section(n, path, []string{each}, each)[each]
		if !ok || m.value.kind != kindBool {
			r.problem(CodeType, path, n.pos, "", "expected the value of the tag, or {%s: true}", each)
			return
		}
		l.PerValue = m.value.bool()
		shown.members = append(shown.members, valMember{"value", &val{kind: valMap, members: []valMember{{each, &val{kind: valBool, bool: l.PerValue}}}}})
	case kindList:
		r.problem(CodeType, path, n.pos, "", "expected the value of the tag, or {%s: true}, found a list", each)
	default:
		text := n.text // tags are texts, and nobody writes 5 in quotes
		l.Value = &text
		shown.members = append(shown.members, valMember{"value", &val{kind: valText, text: text}})
	}
}

// executionSchema says what [resolver.execution] reads: one executor, with its settings in either place.
func executionSchema(executors []ExecutorSchema) schema {
	beside, within := map[string]schema{}, map[string]schema{}
	for i := range executors {
		e := &executors[i]
		settings := e.jsonSchema()
		within[e.Name] = settings
		beside[e.Name] = object(map[string]schema{"config": settings}, nil)
	}
	inner := object(within, nil)
	inner["maxProperties"] = 1
	beside["config"] = inner
	outer := object(beside, nil)
	outer["description"] = "The executor of the run and its settings."
	outer["maxProperties"] = 1
	return outer
}

func (e *ExecutorSchema) jsonSchema() schema {
	properties := map[string]schema{}
	var required []string
	if e.Config != nil {
		for i := range e.Config.Fields {
			f := &e.Config.Fields[i]
			properties[f.Name] = fieldSchema(f, true)
		}
		required = requiredFields(e.Config.Fields)
	}
	for _, name := range e.settings() {
		if properties[name] != nil {
			continue
		}
		switch name {
		case "max_concurrent":
			properties[name] = schema{
				"type": "integer", "minimum": 0, "maximum": mostConcurrent,
				"description": "How many steps run at once; 0 means one for each processor.",
			}
		case "retries":
			retries := object(map[string]schema{RetriesEnabled: object(map[string]schema{}, nil), RetriesDisabled: object(map[string]schema{}, nil)}, nil)
			retries["maxProperties"] = 1
			properties[name] = described(retries, "Whether a step that fails is tried again, as its op says.")
		case "tag_concurrency_limits":
			value := schema{"anyOf": []schema{
				{"type": []string{"string", "number", "boolean"}},
				object(map[string]schema{"applyLimitPerUniqueValue": {"type": "boolean"}}, []string{"applyLimitPerUniqueValue"}),
			}}
			item := object(map[string]schema{
				"key": {"type": "string", "minLength": 1}, "value": value, "limit": {"type": "integer", "minimum": 1, "maximum": mostConcurrent},
			}, []string{"key", "limit"})
			properties[name] = schema{"type": []string{"array", "null"}, "items": item, "description": "How many steps with a tag run at once."}
		}
	}
	return object(properties, required)
}

// ConfigOf makes the config of an executor, or of another plug-in, from a struct: its json tags name what may be set, and what is not set is as it is there. It
// panics for a type that no config can have, because that is a mistake in the program.
func ConfigOf[T any](defaults T) *dag.Config {
	t := reflect.TypeFor[T]()
	f, err := fieldOf(t)
	if err != nil || f.Kind != dag.FieldStruct {
		panic(fmt.Sprintf("%s is no config: a struct of values that JSON knows (%v)", t, err))
	}
	for i := range f.Fields {
		f.Fields[i].Required = false
	}
	return &dag.Config{
		Symbol: t.PkgPath() + "." + t.Name(), Fields: f.Fields, Encode: dag.EncodeConfig[T],
		Decode: func(base any, data []byte) (any, error) {
			if base == nil {
				base = deepCopy(reflect.ValueOf(defaults)).Interface()
			}
			return dag.DecodeConfig[T](base, data)
		},
	}
}
