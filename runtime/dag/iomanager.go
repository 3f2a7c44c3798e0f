package dag

import "context"

// An IOManager stores the outputs of steps and loads them as inputs (Dagster's IOManager). Without HasOutput its steps always run.
//
// A resource whose Go type implements it is chosen with io= on an op or asset.
type IOManager interface {
	// HandleOutput stores value, durably before it returns.
	HandleOutput(ctx context.Context, out *OutputContext, value any) error
	// LoadInput returns the value that was stored for in.Upstream, of Go type in.Type.
	LoadInput(ctx context.Context, in *InputContext) (any, error)
}

// A MemoizableIOManager can say whether an output is stored, which makes its steps memoizable (Dagster's class of this name).
type MemoizableIOManager interface {
	IOManager
	// HasOutput reports whether the output with this version is stored. An error counts as "no" and is logged.
	HasOutput(ctx context.Context, out *OutputContext) (bool, error)
}

// A BatchIOManager answers for many outputs at once; it is asked instead of HasOutput where implemented.
type BatchIOManager interface {
	HasOutputs(ctx context.Context, outs []*OutputContext) ([]bool, error)
}

// An OutputContext tells an IO manager what it stores (Dagster's OutputContext).
type OutputContext struct {
	RunID    string // empty while planning
	JobKey   string // empty for assets
	StepKey  string
	Name     string // of the output
	AssetKey string // empty for outputs of jobs
	// Partition is the key of the partition that the value is of; empty for an asset without partitions. What is stored by asset key must be stored by this, too.
	Partition PartitionKey
	Version   string // of the output, "sha256:..."; empty when the run is not memoized
	Type      *Type
	Metadata  map[string]string // of the definition
	Config    any               // of the op
}

// Identifier returns the parts that name this output: with a version {"versioned_outputs", version, step key, output name},
// otherwise {run id, step key, output name}. It is what a path or an object key may be built from, after escaping. (Dagster's get_identifier.)
func (c *OutputContext) Identifier() []string {
	if c.Version != "" {
		return []string{"versioned_outputs", c.Version, c.StepKey, c.Name}
	}
	return []string{c.RunID, c.StepKey, c.Name}
}

// An InputContext tells an IO manager what to load (Dagster's InputContext).
type InputContext struct {
	RunID    string
	StepKey  string         // of the step that receives the input
	Name     string         // of the input
	Type     *Type          // the Go type to return
	Upstream *OutputContext // what was stored, with the version and run it was stored under
}
