package dag

import (
	"maps"
	"slices"

	"github.com/dagstergen/dagstergen/runtime/partition"
)

// JobOptions say what a job has beside its graph (the arguments of Dagster's to_job). One graph may be several jobs: steps that are the same work are shared
// between them.
type JobOptions struct {
	Key         string            // snake case, unique in a binary; empty for that of the graph
	Description string            // empty for that of the graph
	Tags        map[string]string // added to those it has; the tags of a run win
	Metadata    map[string]string // added likewise
	Executor    string            // empty for what it has, or the default
	Strategy    VersionStrategy   // nil for what it has, or the source hash
	Retry       *RetryPolicy      // of steps whose calls and ops have none; nil for what it has
	Presets     []Preset          // added to those it has
	Hooks       []*Hook           // of all its steps; added to those it has

	// Config is run config, as YAML or JSON. Files and flags of a run overlay it, value by value.
	Config string
	// Partitions are what the job is run for, one at a time; nil for what it has. (Dagster's partitions_def.)
	Partitions *partition.Definition
	// ConfigFor returns run config for a partition, as YAML or JSON, above Config; nil for what it has. (Dagster's PartitionedConfig.)
	ConfigFor func(p Partition) (string, error)
	// Inputs are values of parameters that neither the caller nor run config gives. They are no part of the job: a run may say otherwise. (Dagster's input_values.)
	Inputs map[string]any
	// Resources puts a resource in the place of another one for this job, both by key: {"warehouse": "test_warehouse"}. Its config stands below
	// resources.warehouse, and its code and config count in versions. The types must agree. (Dagster's resource_defs.)
	Resources map[string]string
}

// Job makes a job of a graph. What is wrong with the options is reported when the job is listed, planned or run, with all else that is wrong.
func (g Graph[In, Out]) Job(o JobOptions) Job[In, Out] {
	if g.Def == nil {
		return Job[In, Out]{} // of a graph that could not be built: who runs it is told so
	}
	j := Job[In, Out]{Def: o.apply(&JobDef{GraphDef: *g.Def, Uses: g.Uses}), Inputs: g.Inputs, Outputs: g.Outputs}
	if len(g.Uses) > 0 {
		j.Definitions = g.Uses[0]
	}
	return j
}

// Runnable returns the graph as a job of its own key: what execute.InProcess runs.
func (g Graph[In, Out]) Runnable() Job[In, Out] { return g.Job(JobOptions{}) }

// With returns a job with the same graph and other options. The two need different keys to stand in one binary.
func (j Job[In, Out]) With(o JobOptions) Job[In, Out] {
	if j.Def == nil {
		return j
	}
	def := *j.Def
	j.Def = o.apply(&def)
	if j.Definitions != nil && !slices.Contains(def.Uses, j.Definitions) {
		j.Def.Uses = append(slices.Clip(def.Uses), j.Definitions)
	}
	return j
}

// Runnable returns j.
func (j Job[In, Out]) Runnable() Job[In, Out] { return j }

// JobDef returns the definition of j.
func (j Job[In, Out]) JobDef() *JobDef { return j.Def }

// A Runnable is a job, or a graph as a job of its own key.
type Runnable[In, Out any] interface{ Runnable() Job[In, Out] }

// A JobHandle is a [Job] of any Go types.
type JobHandle interface{ JobDef() *JobDef }

// With returns the definitions with more jobs: those that were made of graphs in Go code. Pass it to cli.Main:
//
//	cli.Main(Definitions.With(hourly, nightly))
//
// The definitions of the packages whose ops a job calls need not be passed as well.
func (d Definitions) With(jobs ...JobHandle) Definitions {
	d.Jobs = slices.Clip(d.Jobs)
	for _, j := range jobs {
		d.Jobs = append(d.Jobs, j.JobDef())
	}
	return d
}

// apply changes a job as the options say.
func (o JobOptions) apply(j *JobDef) *JobDef {
	if o.Key != "" {
		j.Key = o.Key
	}
	if o.Description != "" {
		j.Description = o.Description
	}
	if o.Executor != "" {
		j.Executor = o.Executor
	}
	if o.Strategy != nil {
		j.Strategy = o.Strategy
	}
	if o.Retry != nil {
		j.Retry = o.Retry
	}
	j.Hooks = append(slices.Clip(j.Hooks), o.Hooks...)
	j.Presets = append(slices.Clip(j.Presets), o.Presets...)
	if o.Config != "" {
		j.Config = append(slices.Clip(j.Config), o.Config)
	}
	if o.Partitions != nil {
		j.Partitions = o.Partitions
	}
	if o.ConfigFor != nil {
		j.ConfigFor, j.ConfigParam = PartitionConfigFrom(o.ConfigFor), ""
	}
	j.Tags, j.Metadata = union(j.Tags, o.Tags), union(j.Metadata, o.Metadata)
	j.Inputs, j.Replaces = union(j.Inputs, o.Inputs), union(j.Replaces, o.Resources)
	return j
}

// union returns a map with the entries of both, those of the second where both have one.
func union[V any](a, b map[string]V) map[string]V {
	if len(b) == 0 {
		return a
	}
	all := maps.Clone(a)
	if all == nil {
		all = make(map[string]V, len(b))
	}
	maps.Copy(all, b)
	return all
}
