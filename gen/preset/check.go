package preset

import (
	"fmt"
	"go/token"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/nearest"
)

// Code is the code of everything that is wrong in the file of a preset.
const Code = "DAG0518"

// Check holds the text of a preset's file against what the job takes, and returns all that is wrong with it. file stands in the positions;
// resources are those that the job's package knows.
func Check(file string, data []byte, name string, job *model.Job, resources []*model.Resource) diag.List {
	c := &checker{file: file, name: name}
	root := c.read(data)
	if root == nil || len(c.diags) > 0 {
		return c.diags.Sorted()
	}
	for _, m := range c.members(root, "", "execution, inputs, loggers, ops or resources", []string{"execution", "inputs", "loggers", "ops", "resources"}, "key") {
		switch m.key {
		case "inputs":
			c.inputs(m.value, &job.Graph)
		case "ops":
			c.ops(m.value, "ops", tree(&job.Graph))
		case "resources":
			c.resources(m.value, resources)
		default: // their names and settings are those of the binary
			if m.value.kind != mapping && m.value.kind != null {
				c.problem(m.key, m.value, "", "expected a mapping, found %s", m.value.found(false))
			}
		}
	}
	return c.diags.Sorted()
}

type checker struct {
	file, name string
	diags      diag.List
	nodes      int
	full       bool
	open       []*yaml.Node // anchors that are being read
}

func (c *checker) report(pos token.Position, hint, format string, args ...any) {
	c.diags.Add(diag.Diagnostic{Code: Code, Pos: pos, Hint: hint, Message: "preset " + c.name + ": " + fmt.Sprintf(format, args...)})
}

func (c *checker) problem(path string, n *node, hint, format string, args ...any) {
	c.report(n.pos, hint, "%s: %s", path, fmt.Sprintf(format, args...))
}

// members returns the members of a mapping whose keys are known, and reports the others. names are the keys, nil for any; what is a word for one.
func (c *checker) members(n *node, path, want string, names []string, what string) []member {
	switch n.kind {
	case null:
		return nil
	case mapping:
	default:
		if path == "" {
			c.report(n.pos, "", "expected a mapping with %s, found %s", want, n.found(false))
			return nil
		}
		c.problem(path, n, "", "expected a mapping with %s, found %s", want, n.found(true))
		return nil
	}
	var out []member
	for _, m := range n.members {
		if !slices.Contains(names, m.key) {
			c.report(m.pos, hint(m.key, names, what), "%s: unknown %s", key(path, m.key), what)
			continue
		}
		out = append(out, m)
	}
	return out
}

// hint names what was probably meant, or what there is.
func hint(k string, names []string, what string) string {
	if near, ok := nearest.Of(k, names); ok {
		return "did you mean " + near + "?"
	}
	if len(names) == 0 {
		return "remove it: there is none"
	}
	const most = 8
	list, more := slices.Sorted(slices.Values(names)), ""
	if len(list) > most {
		list, more = list[:most], fmt.Sprintf(" and %d more", len(list)-most)
	}
	return "there is " + strings.Join(list, ", ") + more
}

func (c *checker) inputs(n *node, g *model.Graph) {
	var names []string
	for _, p := range g.In {
		names = append(names, p.Name)
	}
	for _, m := range c.members(n, "inputs", "the names of the job's parameters", names, "parameter") {
		i := slices.Index(names, m.key)
		path := key("inputs", m.key)
		if cfg := g.Configs[i]; cfg != nil {
			n, path := unwrap(&model.Field{Kind: "struct", Fields: cfg.Fields}, m.value, path)
			c.config(cfg, n, path)
			continue
		}
		f := fieldOf(g.In[i].Type, nil)
		n, path := unwrap(f, m.value, path)
		c.value(f, n, path)
	}
}

func (c *checker) resources(n *node, all []*model.Resource) {
	byKey := map[string]*model.Resource{}
	var names []string
	for _, r := range all {
		byKey[r.Key] = r
		names = append(names, r.Key)
	}
	for _, m := range c.members(n, "resources", "keys of resources", names, "resource") {
		path := key("resources", m.key)
		for _, s := range c.members(m.value, path, "config", []string{"config"}, "key") {
			c.ofFunc(&byKey[m.key].Func, s, key(path, "config"), "resource "+m.key)
		}
	}
}

// ofFunc checks what is said as the config of a function.
func (c *checker) ofFunc(f *model.Func, m member, path, what string) {
	if f.Config != nil {
		c.config(f.Config, m.value, path)
	} else if m.value.kind != null {
		c.report(m.pos, "remove it", "%s: %s takes no config", path, what)
	}
}

// A place is a key below "ops": of a step, of a graph with steps, or of both.
type place struct {
	name  string
	step  *model.Func
	graph *model.Config // of a graph that takes one
	subs  []*place
}

func (p *place) sub(name string) *place {
	for _, s := range p.subs {
		if s.name == name {
			return s
		}
	}
	return nil
}

// tree sorts the steps of a job by the graphs that they are in.
func tree(g *model.Graph) *place {
	root := &place{}
	find := func(key string) *place {
		at := root
		for segment := range strings.SplitSeq(key, ".") {
			next := at.sub(segment)
			if next == nil {
				next = &place{name: segment}
				at.subs = append(at.subs, next)
			}
			at = next
		}
		return at
	}
	for _, it := range g.Unfold().Items {
		switch {
		case it.Node.Op != nil:
			at := find(it.Key)
			if at.step = it.Node.Func(); it.Parent != nil && it.Parent.Node.Graph != nil && it.Parent.Node.Graph.Configured {
				at.step = &model.Func{} // what the code says is its config
			}
		case it.Node.Graph != nil:
			if inside := it.Parent; inside != nil && inside.Node.Graph != nil && inside.Node.Graph.Configured {
				continue
			}
			if configs := slices.DeleteFunc(slices.Clone(it.Node.Graph.Configs), func(c *model.Config) bool { return c == nil }); len(configs) == 1 {
				find(it.Key).graph = configs[0]
			}
		}
	}
	return root
}

func (c *checker) ops(n *node, path string, at *place) {
	var names []string
	for _, s := range at.subs {
		names = append(names, s.name)
	}
	for _, m := range c.members(n, path, "keys of steps", names, "step") {
		p, below := at.sub(m.key), key(path, m.key)
		var keys []string
		if p.step != nil || p.graph != nil {
			keys = append(keys, "config")
		}
		if len(p.subs) > 0 {
			keys = append(keys, "ops")
		}
		for _, s := range c.members(m.value, below, strings.Join(keys, " or "), keys, "key") {
			if s.key == "ops" {
				c.ops(s.value, key(below, "ops"), p)
				continue
			}
			if p.graph != nil {
				c.config(p.graph, s.value, key(below, "config"))
				continue
			}
			c.ofFunc(p.step, s, key(below, "config"), m.key)
		}
	}
}
