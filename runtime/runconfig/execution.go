package runconfig

import (
	"slices"
	"strconv"
	"strings"
)

// mostConcurrent bounds max_concurrent: more goroutines than this help nobody.
const mostConcurrent = 1 << 20

// execution reads the root key of this name: one executor, as {config: {multi: {max_concurrent: 4}}} or {multi: {config:
// {max_concurrent: 4}}}. Nothing below a level is the default of that level.
func (r *resolver) execution(m member, executors []string, out *Resolved, rec *record) {
	const path = trail("execution")
	list := strings.Join(append(slices.Clone(executors), "config"), ", ")
	named := r.section(m.value, path, append(slices.Clone(executors), "config"), list)
	var settings *node
	at := path
	if c, ok := named["config"]; ok {
		delete(named, "config")
		inner := r.section(c.value, path.key("config"), executors, strings.Join(executors, " or "))
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
	r.executorSettings(out.Executor, settings, at, out)
	if out.Executor == "" {
		return
	}
	shown := &val{kind: valMap}
	if out.MaxConcurrent > 0 {
		shown.members = []valMember{{"max_concurrent", &val{kind: valInt, int: int64(out.MaxConcurrent)}}}
	}
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

func (r *resolver) executorSettings(executor string, n *node, path trail, out *Resolved) {
	if executor == ExecutorInProcess { // one step at a time: there is nothing to set
		for _, m := range r.members(n, path, "nothing in it") {
			r.problem(CodeUnknown, path.key(m.key), m.pos, "remove it", "%s takes no config", executor)
		}
		return
	}
	sec := r.section(n, path, []string{"max_concurrent"}, "max_concurrent")
	m, ok := sec["max_concurrent"]
	if !ok {
		return
	}
	at := path.key("max_concurrent")
	limit := 0
	if m.value.kind == kindInt {
		var err error
		if limit, err = strconv.Atoi(goInt(m.value.text)); err != nil {
			limit = -1
		}
	}
	switch {
	case m.value.kind != kindInt:
		r.problem(CodeType, at, m.value.pos, "", "expected a whole number, found %s", m.value.found(false))
	case limit < 0 || limit > mostConcurrent:
		r.problem(CodeRange, at, m.value.pos, "0 means one for each processor", "expected a whole number from 0 to %d, found %s", mostConcurrent, m.value.text)
	default:
		out.MaxConcurrent = limit
	}
}
