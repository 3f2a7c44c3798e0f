package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "list [JOB]",
		Short:             "List jobs, assets, ops and resources, or draw a job",
		Args:              arguments("a job"),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cat, err := a.catalog()
			if err != nil {
				return err
			}
			l := listing(cat)
			if len(args) == 0 {
				return a.result(l, l.view)
			}
			for i := range l.Jobs {
				if l.Jobs[i].Key == args[0] {
					return a.result(l.Jobs[i], l.Jobs[i].view)
				}
			}
			return usage(cmd, fmt.Errorf("no job is called %q%s", args[0], a.jobNames()))
		},
	}
}

// A listed is everything a binary offers, as `list` shows it.
type listed struct {
	Jobs      []listedJob      `json:"jobs"`
	Assets    []listedAsset    `json:"assets"`
	Checks    []listedCheck    `json:"checks,omitempty"`
	Ops       []listedOp       `json:"ops"`
	Resources []listedResource `json:"resources"`

	Configured []listedConfigured `json:"configured,omitempty"`
}

// A listedConfigured is an op or a graph that was given its config.
type listedConfigured struct {
	Key         string `json:"key"`
	Kind        string `json:"kind"` // "op" or "graph"
	Of          string `json:"of"`   // its key
	Description string `json:"description"`
	Config      string `json:"config,omitempty"` // its own
}

type listedJob struct {
	Key         string            `json:"key"`
	Description string            `json:"description"`
	Inputs      []listedValue     `json:"inputs"`
	Steps       []string          `json:"steps"` // keys; a star stands for the key of a loop
	Body        []listedNode      `json:"body"`
	Outputs     []listedValue     `json:"outputs"`
	Executor    string            `json:"executor,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Presets     []listedPreset    `json:"presets,omitempty"`
	Select      string            `json:"select,omitempty"`     // of a job that is a selection of assets, which are its steps
	Partitions  string            `json:"partitions,omitempty"` // what they are, in words
}

type listedPreset struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	File        string            `json:"file"`
	Tags        map[string]string `json:"tags,omitempty"`
}

type listedAsset struct {
	Key         string            `json:"key"`
	Kind        string            `json:"kind"` // "asset", "source" or "external"
	Op          string            `json:"op"`   // what ops.KEY of run config calls it
	Type        string            `json:"type,omitempty"`
	From        []string          `json:"from"` // keys of the assets it is made from or follows
	Group       string            `json:"group,omitempty"`
	Description string            `json:"description"`
	Owners      []string          `json:"owners,omitempty"`
	Kinds       []string          `json:"kinds,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Was         []string          `json:"was,omitempty"` // keys that it had before
	Volatile    bool              `json:"volatile,omitempty"`
	Freshness   string            `json:"freshness,omitempty"` // how old its latest value may be: "24h0m0s"
	Declared    string            `json:"declared,omitempty"`  // where its function is: "shop.go:12"; of assets that are looked at by themselves
}

type listedOp struct {
	Key         string            `json:"key"`
	Description string            `json:"description"`
	Inputs      []listedValue     `json:"inputs"`
	Outputs     []listedValue     `json:"outputs"`
	Config      string            `json:"config,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Volatile    bool              `json:"volatile,omitempty"`
}

type listedResource struct {
	Key         string `json:"key"`
	Type        string `json:"type"`
	Description string `json:"description"`
	Config      string `json:"config,omitempty"`
	Configured  string `json:"configured,omitempty"` // the function that gave it its config
}

type listedValue struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func listing(cat *plan.Catalog) *listed {
	l := &listed{Jobs: []listedJob{}, Assets: []listedAsset{}, Ops: []listedOp{}, Resources: []listedResource{}}
	for _, j := range cat.Jobs() {
		e := listedJob{Key: j.Key, Description: j.Description, Inputs: []listedValue{}, Steps: []string{}, Outputs: []listedValue{},
			Executor: j.Executor, Tags: j.Tags, Metadata: j.Metadata}
		if j.Partitions != nil {
			e.Partitions = j.Partitions.String()
		}
		for _, p := range j.Params {
			e.Inputs = append(e.Inputs, listedValue{p.Name, paramType(p)})
		}
		for _, p := range j.Presets {
			e.Presets = append(e.Presets, listedPreset{p.Name, p.Description, p.File, p.Tags})
		}
		e.Body = listNodes(&j.GraphDef, j.GraphDef.Body, true)
		if e.Steps, e.Select = patterns(e.Body, "", ""), j.Select; j.Select != "" {
			e.Steps = cat.AssetsOf(j)
		}
		for _, o := range j.Outputs {
			e.Outputs = append(e.Outputs, listedValue{o.Name, typeName(o.Type)})
		}
		l.Jobs = append(l.Jobs, e)
	}
	for _, op := range cat.Assets() {
		l.Assets = append(l.Assets, assetsOf(cat, op)...)
	}
	l.Checks = checksOf(cat, "")
	for _, op := range cat.Ops() {
		if op.Kind != dag.KindOp {
			continue
		}
		e := listedOp{Key: op.Key, Description: op.Description, Inputs: []listedValue{}, Outputs: []listedValue{}, Tags: op.Tags, Volatile: op.Volatile}
		if op.Config != nil {
			e.Config = op.Config.Symbol
		}
		for _, in := range op.Inputs {
			e.Inputs = append(e.Inputs, listedValue{in.Name, typeName(in.Type)})
		}
		for _, out := range op.Outputs {
			e.Outputs = append(e.Outputs, listedValue{out.Name, typeName(out.Type)})
		}
		l.Ops = append(l.Ops, e)
	}
	for _, r := range cat.Resources() {
		e := listedResource{Key: r.Key, Type: typeName(r.Type), Description: r.Description, Configured: r.Configured}
		if r.Config != nil {
			e.Config = r.Config.Symbol
		}
		l.Resources = append(l.Resources, e)
	}
	l.configured(cat)
	return l
}

// configured adds the ops and graphs that were given their config.
func (l *listed) configured(cat *plan.Catalog) {
	seen := map[string]bool{}
	for _, d := range cat.Definitions() {
		for _, g := range d.Graphs {
			if !g.Configured || seen[g.Symbol] {
				continue
			}
			seen[g.Symbol] = true
			e := listedConfigured{Key: g.Key, Description: g.Description}
			for _, p := range g.Params {
				if p.Config != nil {
					e.Config = p.Config.Symbol
				}
			}
			for _, n := range listNodes(g, g.Body, true) {
				e.Kind, e.Of = n.Kind, n.Op
			}
			l.Configured = append(l.Configured, e)
		}
	}
	slices.SortStableFunc(l.Configured, func(a, b listedConfigured) int { return strings.Compare(a.Key, b.Key) })
}

// assetsOf returns the assets that one function makes.
func assetsOf(cat *plan.Catalog, op *dag.Op) []listedAsset {
	one := listedAsset{Key: op.Key, Kind: op.Role(), Op: cat.FunctionKey(op), From: []string{}, Group: op.Group, Description: op.Description,
		Owners: op.Owners, Kinds: op.Kinds, Tags: op.Tags, Metadata: op.Metadata, Was: op.Was, Volatile: op.Volatile}
	if op.Freshness > 0 {
		one.Freshness = op.Freshness.String()
	}
	for _, in := range op.Inputs {
		one.From = append(one.From, in.Asset)
	}
	one.From = append(one.From, op.Deps...)
	if len(op.Outputs) == 0 {
		return []listedAsset{one}
	}
	var all []listedAsset
	for _, out := range op.Outputs {
		e := one
		e.Type = typeName(out.Type)
		if out.Asset != "" {
			e.Key = out.Asset
		}
		if out.Description != "" {
			e.Description = out.Description
		}
		all = append(all, e)
	}
	return all
}

func paramType(p dag.JobParam) string {
	if p.Config != nil {
		return p.Config.Symbol
	}
	return typeName(p.Type)
}

func typeName(t *dag.Type) string {
	if t == nil {
		return ""
	}
	return t.Name
}

// view shows a listing as one table for each kind of thing, under its name.
func (l *listed) view(lk look) []string {
	var out []string
	section := func(t *table) {
		if lines := t.render(lk); lines != nil {
			if out != nil {
				out = append(out, "")
			}
			out = append(out, lines...)
		}
	}
	jobs := &table{columns: []column{{title: "JOB"}, {title: "STEPS", right: true}, {title: "INPUTS"}, {title: "DESCRIPTION", wrap: true}}}
	for _, j := range l.Jobs {
		var inputs []string
		for _, in := range j.Inputs {
			inputs = append(inputs, in.Name)
		}
		jobs.add(text(j.Key), text(group(int64(len(j.Steps)))), text(strings.Join(inputs, ", ")), text(firstSentence(j.Description)))
	}
	section(jobs)
	assets := &table{columns: []column{{title: "ASSET"}, {title: "KIND"}, {title: "GROUP"}, {title: "FROM", wrap: true}, {title: "DESCRIPTION", wrap: true}}}
	for _, as := range l.Assets {
		assets.add(text(as.Key), styled(as.Kind, dim), text(as.Group), text(strings.Join(as.From, ", ")), text(firstSentence(as.Description)))
	}
	section(assets)
	checks := &table{columns: []column{{title: "CHECK"}, {title: "ASSET"}, {title: "SEVERITY"}, {title: "DESCRIPTION", wrap: true}}}
	for i := range l.Checks {
		c := &l.Checks[i]
		checks.add(text(c.Name), text(c.Asset), styled(c.kind(), dim), text(firstSentence(c.Description)))
	}
	section(checks)
	ops := &table{columns: []column{{title: "OP"}, {title: "INPUTS", wrap: true}, {title: "OUTPUTS", wrap: true}, {title: "DESCRIPTION", wrap: true}}}
	for _, op := range l.Ops {
		ops.add(text(op.Key), text(valueNames(op.Inputs)), text(valueNames(op.Outputs)), text(firstSentence(op.Description)))
	}
	section(ops)
	configured := &table{columns: []column{{title: "CONFIGURED"}, {title: "OF"}, {title: "CONFIG"}, {title: "DESCRIPTION", wrap: true}}}
	for _, c := range l.Configured {
		configured.add(text(c.Key), text(c.Of), text(shortType(c.Config)), text(firstSentence(c.Description)))
	}
	section(configured)
	resources := &table{columns: []column{{title: "RESOURCE"}, {title: "TYPE"}, {title: "CONFIG"}, {title: "DESCRIPTION", wrap: true}}}
	for _, r := range l.Resources {
		resources.add(text(r.Key), text(shortType(r.Type)), text(shortType(r.Config)), text(firstSentence(r.Description)))
	}
	section(resources)
	if out == nil {
		return []string{"nothing to run: put //dag:asset or //dag:op above a function and run `go generate ./...`"}
	}
	return out
}

func valueNames(values []listedValue) string {
	var names []string
	for _, v := range values {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}

// shortType leaves import paths out of a type's name: "*example.com/shop/store.DB" is "*store.DB".
func shortType(name string) string {
	var b strings.Builder
	start := 0
	for i := 0; i <= len(name); i++ {
		if i < len(name) && !strings.ContainsRune("[]*(){}, ;", rune(name[i])) {
			continue
		}
		word := name[start:i]
		b.WriteString(word[strings.LastIndexByte(word, '/')+1:])
		if i < len(name) {
			b.WriteByte(name[i])
		}
		start = i + 1
	}
	return b.String()
}
