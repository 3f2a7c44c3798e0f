package runconfig

import (
	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// rootKeyList names the root keys for messages.
const rootKeyList = "execution, inputs, loggers, ops or resources"

// The executors that a [Schema] without a list of its own allows.
const (
	ExecutorInProcess = "in_process"
	ExecutorMulti     = "multi"
)

// A Schema says what a run config may hold: that of one job, or that of the assets.
type Schema struct {
	Ops               []OpSchema
	Graphs            []GraphSchema    // of calls of graphs that take config; outer ones first
	Resources         []*dag.Resource  // needed by the run; those without config may be among them
	OptionalResources []*dag.Resource  // known, but not needed by the run or given from Go: config is checked where written
	Inputs            []dag.JobParam   // the job's parameters
	Given             []string         // names of Inputs whose values come from Go: nothing is required for them
	Executors         []ExecutorSchema // nil for in_process and multi
	Loggers           []LoggerSchema   // handlers of the user's, beside console and json
}

// An OpSchema is what may stand below ops.KEY: for the node of a job, an asset or a source.
type OpSchema struct {
	Key    string         // that of an op in a graph has a dot: outer.inner stands below ops.outer.ops.inner
	Config *dag.Config    // nil when it takes none
	Inputs []dag.JobParam // inputs that nothing feeds: their values stand below ops.KEY.inputs
	// Default is the value that the job's body passes, of the config's Go type. Run config overlays it, and nothing is required.
	// nil for none: the type's own defaults count, and what has none is required.
	Default any
	// Param names the job's config parameter that the body passes instead. What inputs.PARAM says is overlaid by ops.KEY.config.
	Param string
	// From is what the config is made of where that is neither a value nor a parameter; Default and Param are empty then.
	From *Source
	// Fixed says that run config has nothing to say of it: the config is what From gives.
	Fixed bool
	// Optional marks an op that is no part of the run: its config is checked where written, and nothing is required.
	Optional bool
	// ByPartition says that the code makes the config for each partition: what is written is laid on each, see [Resolved.Overlays], and nothing is required.
	ByPartition bool
}

// A Resolved is a run config that was held against a [Schema] and found good.
type Resolved struct {
	Ops            map[string]*Value         // for each op that takes config; an optional one only if its config is complete
	Overlays       map[string]*Overlay       // in place of Ops, for those whose config is made for each partition
	Resources      map[string]*Value         // of those that take config, as Ops
	Inputs         map[string]any            // Go values of the job's data parameters, by name; given ones and config ones left out
	OpInputs       map[string]map[string]any // Go values of what stands below ops.KEY.inputs, by key of the op and name
	Executor       string                    // empty where nothing is said
	MaxConcurrent  int                       // 0 where nothing is said: as many as there are processors
	Retries        string                    // RetriesEnabled or RetriesDisabled; empty where nothing is said
	TagLimits      []TagLimit                // how many steps with a tag may run at once
	ExecutorConfig *Value                    // of an executor with a config of its own
	Loggers        []Logger                  // where log lines go besides the event log, by name; nil where nothing is said
	Text           string                    // the whole as YAML, secrets redacted, fit for a record and to be parsed again

	recorded map[*node]*node // what stands there in place of a value of the document
}

// A Value is a resolved config.
type Value struct {
	Go        any          // of the config's Go type
	Canonical []byte       // JSON of the counted fields in a fixed order: secrets and version:"-" left out
	Digest    canon.Digest // of the same, typed: 1, 1.0 and "1" differ, and nil and empty
}

func (s Schema) executors() []ExecutorSchema {
	if s.Executors == nil {
		return []ExecutorSchema{{Name: ExecutorInProcess, Single: true}, {Name: ExecutorMulti}}
	}
	return s.Executors
}
