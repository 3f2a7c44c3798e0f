package execute

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// ConfigSchema returns what run config may say for a job ("" for the assets) with a selection: what [Run] holds a document
// against, and what `config schema` shows.
func ConfigSchema(cat *plan.Catalog, job, selection string) (runconfig.Schema, error) {
	t, err := cat.Target(job, selection)
	if err != nil {
		return runconfig.Schema{}, err
	}
	return schemaOf(t, &Options{}), nil
}

func schemaOf(t *plan.Target, o *Options) runconfig.Schema {
	t = t.Plain() // all partitions of an asset have one config
	s := runconfig.Schema{
		Executors: executorSchemas(),
		Loggers:   loggerSchemas(t.Catalog),
		Given:     slices.Sorted(maps.Keys(o.Inputs)),
		Ops:       make([]runconfig.OpSchema, 0, len(t.Graph.Nodes)),
	}
	sources := make([]bool, len(t.Graph.Nodes))
	for _, i := range t.Sources {
		sources[i] = true
	}
	functions := map[string]int{} // of which several nodes are assets: they have one config
	for i := range t.Graph.Nodes {
		n := &t.Graph.Nodes[i]
		required := t.IsSelected(i) || sources[i]
		if n.Whole() != nil {
			if at, again := functions[n.ConfigKey()]; again {
				s.Ops[at].Optional = s.Ops[at].Optional && !required
				continue
			}
			functions[n.ConfigKey()] = len(s.Ops)
		}
		s.Ops = append(s.Ops, runconfig.OpSchema{Key: n.ConfigKey(), Config: n.Op.Config, Optional: !required})
		op := &s.Ops[len(s.Ops)-1]
		for _, k := range n.Asked {
			op.Inputs = append(op.Inputs, dag.JobParam{Name: n.Op.Inputs[k].Name, Type: n.Op.Inputs[k].Type})
		}
		if n.Op.Config != nil && n.Op.ConfigFor != nil && n.Op.Partitions != nil {
			op.ByPartition = true
		} else if n.Op.Config != nil {
			op.From, op.Fixed = sourceOf(n.Passed, o), n.Fixed
		}
	}
	for _, c := range t.Graph.Configs() {
		s.Graphs = append(s.Graphs, runconfig.GraphSchema{Key: c.Key, Config: c.Config, From: sourceOf(c.From, o), Optional: !t.UsesConfig(c)})
	}
	needed := map[string]bool{}
	for _, r := range t.Resources() {
		if _, replaced := o.Resources[r.Key]; !replaced {
			needed[r.Key] = true
			s.Resources = append(s.Resources, r)
		}
	}
	for _, r := range t.Known() {
		if !needed[r.Key] {
			s.OptionalResources = append(s.OptionalResources, r)
		}
	}
	if t.Job != nil {
		s.Inputs = t.Job.Params
	}
	return s
}

// sourceOf is what a config is made of, with the values of parameters that are given from Go.
func sourceOf(c *plan.ConfigSource, o *Options) *runconfig.Source {
	switch {
	case c == nil:
		return nil
	case c.Param != nil:
		if v, given := o.Inputs[c.Param.Name]; given {
			return &runconfig.Source{Value: v}
		}
		return &runconfig.Source{Param: c.Param.Name}
	case c.Graph != nil:
		return &runconfig.Source{Graph: c.Graph.Key}
	case c.Make == nil:
		return &runconfig.Source{Value: c.Value}
	}
	out := &runconfig.Source{Make: c.Make}
	for _, part := range c.Parts {
		out.Parts = append(out.Parts, sourceOf(part, o))
	}
	return out
}

// resolved is what a run was asked for, checked.
type resolved struct {
	ops, resources map[string]*plan.Config
	parts          partitionConfigs // of ops that have one for each partition
	params         []any
	opInputs       map[string]map[string]any // of inputs that the run config feeds
	executor       string
	concurrent     int
	limits         []runconfig.TagLimit
	executorConfig any                // of a registered executor
	environment    map[string]*string // what its env: values are; nil for a variable that is not set
	retries        RetryMode
	loggers        []runconfig.Logger
	text           string
}

// resolveDocument holds the run config against what the target needs. What it asks the environment for is noted, nil for what is not set.
func resolveDocument(t *plan.Target, o *Options, environment map[string]*string) (*runconfig.Resolved, error) {
	getenv := o.Getenv
	if getenv == nil {
		getenv = os.LookupEnv
	}
	return runconfig.Resolve(o.Config, schemaOf(t, o), recorded(getenv, environment))
}

// resolve checks options and run config against what the target needs. All that is wrong with the options is one error, all that is
// wrong with the document another.
func resolve(t *plan.Target, o *Options) (*resolved, error) {
	if err := checkOptions(t, o); err != nil {
		return nil, err
	}
	environment := map[string]*string{}
	doc, err := resolveDocument(t, o, environment)
	if err != nil {
		return nil, err
	}
	r := &resolved{ops: configs(doc.Ops), opInputs: doc.OpInputs, resources: configs(doc.Resources), executor: doc.Executor, text: doc.Text, environment: environment}
	if r.parts.over = doc.Overlays; len(doc.Overlays) > 0 {
		if err := r.parts.make(t); err != nil {
			return nil, err
		}
	}
	r.concurrent, r.limits, r.loggers = doc.MaxConcurrent, doc.TagLimits, doc.Loggers
	if doc.Retries == runconfig.RetriesDisabled {
		r.retries = RetryDisabled
	}
	if t.Job != nil {
		r.params = make([]any, len(t.Job.Params))
		for i, p := range t.Job.Params {
			if v, given := o.Inputs[p.Name]; given {
				r.params[i] = v
			} else {
				r.params[i] = doc.Inputs[p.Name]
			}
		}
	}
	if j := t.Def(); j != nil && r.executor == "" {
		r.executor = j.Executor
	}
	if o.Executor != "" {
		r.executor = o.Executor
	}
	r.executor = cmp.Or(r.executor, o.fallback, MultiExecutor)
	if d := definitionOf(r.executor); d != nil {
		if err := r.resolveExecutor(d, doc, o); err != nil {
			return nil, err
		}
	}
	if r.executor == MultiprocessExecutor {
		if err := checkMultiprocess(t, o); err != nil {
			return nil, err
		}
	}
	if o.MaxConcurrent > 0 {
		r.concurrent = o.MaxConcurrent
	}
	return r, nil
}

func configs(values map[string]*runconfig.Value) map[string]*plan.Config {
	out := make(map[string]*plan.Config, len(values))
	for k, v := range values {
		out[k] = &plan.Config{Go: v.Go, Canonical: v.Canonical, Digest: v.Digest}
	}
	return out
}

// checkOptions holds the Go values among the options against the definitions.
func checkOptions(t *plan.Target, o *Options) error {
	var wrong []plan.Problem
	add := func(code, format string, args ...any) {
		wrong = append(wrong, plan.Problem{Code: code, Message: fmt.Sprintf(format, args...)})
	}
	if names := Executors(); o.Executor != "" && !slices.Contains(names, o.Executor) {
		add("unknown_executor", "no executor %q; there is %s", o.Executor, strings.Join(names, ", "))
	}
	if names := Executors(); t.Def() != nil && t.Def().Executor != "" && !slices.Contains(names, t.Def().Executor) {
		add("unknown_executor", "job %q has the executor %q; there is %s", t.Def().Key, t.Def().Executor, strings.Join(names, ", "))
	}
	if o.MaxConcurrent < 0 {
		add("bad_option", "max_concurrent is %d; it must not be negative", o.MaxConcurrent)
	}
	for _, key := range slices.Sorted(maps.Keys(o.Resources)) {
		r, ok := t.Resource(key)
		switch {
		case !ok:
			add("unknown_resource", "a value is given for the resource %q, which no package defines", key)
		case !fits(r.Type, o.Resources[key]):
			add("type_mismatch", "the value given for the resource %q is a %T, not a %s", key, o.Resources[key], r.Type.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Inputs)) {
		switch i := paramIndex(t, name); {
		case t.Job == nil:
			add("unknown_input", "a value is given for the input %q, but assets take none; give inputs to a job", name)
		case i < 0:
			add("unknown_input", "a value is given for the input %q, which job %q does not have", name, t.Job.Key)
		case !fits(t.Job.Params[i].Type, o.Inputs[name]):
			add("type_mismatch", "the value given for the input %q of job %q is a %T, not a %s", name, t.Job.Key, o.Inputs[name], t.Job.Params[i].Type.Name)
		}
	}
	if wrong != nil {
		return &plan.Error{Problems: wrong}
	}
	return nil
}

func paramIndex(t *plan.Target, name string) int {
	if t.Job == nil {
		return -1
	}
	return slices.IndexFunc(t.Job.Params, func(p dag.JobParam) bool { return p.Name == name })
}

// fits reports whether v may stand where a t is wanted.
func fits(t *dag.Type, v any) bool {
	if t == nil || t.Go == nil {
		return true
	}
	if v == nil {
		switch t.Go.Kind() {
		case reflect.Interface, reflect.Pointer, reflect.Map, reflect.Slice:
			return true
		}
		return false
	}
	return reflect.TypeOf(v).AssignableTo(t.Go)
}

// resolveExecutor checks what a registered executor needs, and finds its config.
func (r *resolved) resolveExecutor(d *ExecutorDefinition, doc *runconfig.Resolved, o *Options) error {
	if d.NeedsInstance && (o.Instance == nil || o.Instance.Dir() == "") {
		return badOption("executor %s needs an instance on disk; give one with WithInstance (instance.Open or instance.LocalTemp), or use %s", d.Name, MultiExecutor)
	}
	switch {
	case d.Config == nil:
	case doc.Executor == d.Name && doc.ExecutorConfig != nil:
		r.executorConfig = doc.ExecutorConfig.Go
	default:
		v, err := d.Config.Decode(nil, []byte("{}"))
		if err != nil {
			return err
		}
		r.executorConfig = v
	}
	return nil
}
