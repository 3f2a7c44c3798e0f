package execute

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// ResolveConfig holds a run config against what a job ("" for the assets) with a selection needs, as [Run] does: with what the job says itself below it. Errors
// are those of [plan.Catalog.Target] and of [runconfig.Resolve].
func ResolveConfig(cat *plan.Catalog, job, selection string, doc *runconfig.Document, getenv func(string) (string, bool)) (*runconfig.Resolved, error) {
	t, err := cat.Target(job, selection)
	if err != nil {
		return nil, err
	}
	return configIn(t, lastPartition(t.Def()), doc, getenv)
}

// ResolveConfigIn is ResolveConfig for a partition of the job.
func ResolveConfigIn(cat *plan.Catalog, job, selection string, of *dag.Partition, doc *runconfig.Document, getenv func(string) (string, bool)) (*runconfig.Resolved, error) {
	t, err := cat.Target(job, selection)
	if err != nil {
		return nil, err
	}
	return configIn(t, of, doc, getenv)
}

func configIn(t *plan.Target, of *dag.Partition, doc *runconfig.Document, getenv func(string) (string, bool)) (*runconfig.Resolved, error) {
	o, err := withJob(t.Def(), of, &Options{Config: doc})
	if err != nil {
		return nil, err
	}
	o.Getenv = getenv
	return resolveDocument(t, o, map[string]*string{})
}

// lastPartition stands for all partitions of a job where run config is looked at without a run: the last one there is; nil for none.
func lastPartition(j *dag.JobDef) *dag.Partition {
	if j == nil || j.Partitions == nil {
		return nil
	}
	space, err := j.Partitions.Resolve(partition.At{Now: time.Now()})
	if err != nil || space.Len() == 0 { // where keys are added to an instance, none is known here
		return nil
	}
	for _, p := range space.Numbered(space.Len()-1, space.Len()) {
		return plan.PartitionIn(space, p)
	}
	return nil
}

// NoPartitionConfig is the code of the problem that a job's ConfigFor has none for a partition.
const NoPartitionConfig = "no_partition_config"

// forPartition is what a job says of a partition; nil for nothing.
func forPartition(j *dag.JobDef, p *dag.Partition) (*runconfig.Document, error) {
	if j.ConfigFor == nil || p == nil {
		return nil, nil
	}
	v, err := runconfig.Make(func() any { return j.ConfigFor(*p) })
	if err != nil {
		return nil, &plan.Error{Problems: []plan.Problem{{Code: NoPartitionConfig, Message: fmt.Sprintf("job %q has no config for the partition %s: %v", j.Key, p.Key, err)}}}
	}
	if j.ConfigParam == "" {
		return runconfig.Parse(fmt.Sprintf("config of job %s for %s", j.Key, p.Key), []byte(v.(string)))
	}
	for _, param := range j.Params {
		if param.Name == j.ConfigParam && param.Config != nil {
			return configDocument(j, param, v)
		}
	}
	return nil, &plan.Error{Problems: []plan.Problem{{Code: "bad_job", Message: fmt.Sprintf("job %q has no config parameter %q; run `go generate ./...` again", j.Key, j.ConfigParam)}}}
}

// withJob puts what a job says itself below what a run is given: its run config, that of the partition, and the values of its parameters.
func withJob(j *dag.JobDef, of *dag.Partition, o *Options) (*Options, error) {
	if j == nil || len(j.Config) == 0 && len(j.Inputs) == 0 && j.ConfigFor == nil {
		return o, nil
	}
	var below *runconfig.Document
	for _, text := range j.Config {
		d, err := runconfig.Parse("config of job "+j.Key, []byte(text))
		if err != nil {
			return nil, err
		}
		below = below.Merge(d)
	}
	d, err := forPartition(j, of)
	if err != nil {
		return nil, err
	}
	below = below.Merge(d)
	own := *o
	own.Inputs = maps.Clone(o.Inputs)
	for _, p := range j.Params {
		v, ok := j.Inputs[p.Name]
		if _, given := o.Inputs[p.Name]; !ok || given {
			continue
		}
		if p.Config != nil {
			d, err := configDocument(j, p, v)
			if err != nil {
				return nil, err
			}
			below = below.Merge(d)
			continue
		}
		if !below.Merge(o.Config).Has("inputs", p.Name) {
			if own.Inputs == nil {
				own.Inputs = map[string]any{}
			}
			own.Inputs[p.Name] = v
		}
	}
	own.Config = below.WithoutInputs(slices.Sorted(maps.Keys(o.Inputs))).Merge(o.Config)
	return &own, nil
}

// configDocument is the value of a config parameter as run config, so that a run can overlay parts of it.
func configDocument(j *dag.JobDef, p dag.JobParam, v any) (*runconfig.Document, error) {
	wrong := func(format string, args ...any) error {
		return &plan.Error{Problems: []plan.Problem{{Code: "type_mismatch", Message: fmt.Sprintf("the value that job %q has for the input %q ", j.Key, p.Name) + fmt.Sprintf(format, args...)}}}
	}
	if !fits(p.Type, v) {
		return nil, wrong("is a %T, not a %s", v, p.Type.Name)
	}
	if slices.ContainsFunc(p.Config.Fields, hasSecret) {
		return nil, wrong("has secrets, which are no part of a program; give them in the run config")
	}
	data, err := p.Config.Encode(v)
	if err != nil {
		return nil, wrong("cannot be written as JSON: %v", err)
	}
	return runconfig.FromValue(map[string]any{"inputs": map[string]any{p.Name: json.RawMessage(data)}})
}

func hasSecret(f dag.Field) bool {
	return f.Secret || f.Elem != nil && hasSecret(*f.Elem) || slices.ContainsFunc(f.Fields, hasSecret)
}
