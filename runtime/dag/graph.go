package dag

import (
	"time"

	"github.com/dagstergen/dagstergen/runtime/partition"
)

// A GraphDef is a composition of ops: what the generator read from the body of a function marked //dag:graph or //dag:job.
//
// Its nodes stand in one table whatever block of the body they are in, in source order, and bindings count in that table. A block is a list of nodes: the
// body of the function, the body of a loop, an arm of a branch. A binding leads to an earlier node of the same block or of one around it.
type GraphDef struct {
	Key         string
	Symbol      string
	Description string
	Params      []JobParam // in the order of the Go parameters; context and resources left out
	Nodes       []Node     // in source order
	Body        []int      // the nodes of the outermost block, in order; nil for all of Nodes
	Outputs     []JobOutput

	// Configured marks an op or a graph that was given its config (Dagster's configured): the body is one call of it, with the parameters as they are. What calls this
	// calls that, under its own key; the config of that is what the body says, and run config speaks of the parameters alone.
	Configured bool
}

// A JobDef is a runnable composition of ops (Dagster's JobDefinition).
type JobDef struct {
	GraphDef
	Tags     map[string]string
	Metadata map[string]string
	Executor string          // executor=: "in_process", "multi", "multiprocess", or one that is registered; empty for the default
	Strategy VersionStrategy // strategy=: nil for SourceHash
	Retry    *RetryPolicy    // of steps whose calls and ops have none
	Hooks    []*Hook         // of all its steps
	Presets  []Preset        // in the order of the source
	// Partitions are what the job is run for, one at a time; nil for a job without.
	Partitions *partition.Definition
	// ConfigFor makes what run config says for a partition, below what a run is given: a value of the config parameter ConfigParam, or, where that is empty, run config as YAML or JSON. It panics
	// as [Binding.Func] does. Nil for none.
	ConfigFor   func(p Partition) any
	ConfigParam string

	// Select names the assets that the job is, as --select does; empty for a job with steps of its own. See [NewAssetJob].
	Select string

	// The rest is of jobs that are made in Go code, see [JobOptions].
	Config   []string          // run configs as YAML or JSON, below what a run is given; later ones win
	Inputs   map[string]any    // values of parameters that a run is not given, by name
	Replaces map[string]string // resources by the keys that ops ask for: the key of what stands in place of it
	Uses     []*Definitions    // where the code versions of its ops stand, beside the definitions it is part of
}

// A Preset is a run config of a job with a name (Dagster's PresetDefinition). A run of it begins with what it says; what else is said of that run
// comes on top.
type Preset struct {
	Name        string
	Description string
	File        string            // where Text was written, below the folder of the package; for people
	Text        string            // YAML or JSON
	Tags        map[string]string // of its runs; they win over those of the job
}

// PresetTag is the tag of a run that was started with a preset; its value is the name. (Dagster's PRESET_NAME_TAG.)
const PresetTag = "dagster/preset_name"

// A JobParam is a parameter of a job or graph that carries data or config.
type JobParam struct {
	Name   string
	Type   *Type
	Config *Config // set for a parameter of a config type: its value starts as the type's defaults
}

// A Node is one statement of a body: the call of an op, which is a step, the call of a graph, a loop or a branch. Exactly one of Op, Graph, Map
// and Branch is set.
type Node struct {
	// Key is a segment of the step key: "fetch"; the second call of one op is "fetch_2". It is unique in its graph. Of a loop or a branch it is a
	// name for people, "for city" or "if ok", and no part of a step key.
	Key     string
	Op      *Op
	Graph   *GraphDef
	Map     *Map
	Branch  *Branch
	Inputs  []Binding         // one for each of Op.Inputs, or of Graph.Params
	Config  *Binding          // the value the body passes for Op.Config, overlaid by run config; nil when Op takes none
	After   []int             // nodes that must be finished, or skipped by a branch, before this one starts; no part of a version
	Retry   *RetryPolicy      // of this call, or of the steps that the graph makes; nil for what the op says
	Timeout time.Duration     // likewise
	Hooks   []*Hook           // besides those of the op and the job
	Tags    map[string]string // of its steps, over those of the op
	Pos     string            // no part of a version: "jobs.go:Nightly", for people
}

// A Map is a loop: it runs its body once for each element (Dagster's dynamic mapping and collect). The steps of the body are keyed by element:
// fit[seattle]. The outputs of its node are the values of Carried after the last element.
type Map struct {
	Over    Binding  // a slice, an array, a map (elements in the order of their keys), or an integer n for 0 to n-1
	Key     *Binding // the name of an element, made from FromElem and FromKey; nil for the index or the map's key
	Body    []int
	Carried []Carried
}

// A Carried is a variable that the body of a loop assigns and that lives across iterations or after the loop.
type Carried struct {
	Name string
	Type *Type
	Init Binding // before the first element; resolved outside of the loop
	Next Binding // after each element; resolved at the end of the body
}

// A Branch runs the body of the first arm whose condition holds. The outputs of its node are the values that this arm yields.
type Branch struct {
	Arms    []Arm // the last one has no condition; its body may be empty
	Outputs []BranchOutput
}

// An Arm is one way through a branch.
type Arm struct {
	When   *Binding  // a bool, resolved outside of the branch and asked for only where no arm before holds; nil for "else"
	Body   []int     // nodes
	Yields []Binding // one for each of Branch.Outputs
}

// A BranchOutput is a variable that a branch assigns and that is used after it.
type BranchOutput struct {
	Name string
	Type *Type
}

// A BindingKind says where a value of a body comes from.
type BindingKind uint8

// The kinds of a [Binding].
const (
	FromParam   BindingKind = iota // Params[Param] of the graph
	FromNode                       // output Output of Nodes[Node]: of an op, of a graph, the last value of a loop's Carried[Output], or a branch's output
	FromLiteral                    // Value, a constant of the body

	FromElem    // the element of the loop Nodes[Node]
	FromKey     // its index, or its key in a map
	FromCarried // Carried[Output] of the loop Nodes[Node] as it is at the start of an iteration

	FromField  // a part of Parts[0]: Func of it. Further parts are indexes that are values.
	FromParts  // made of Parts by Func: a composite literal, a conversion, a condition
	FromAppend // append(Parts[0], Parts[1:]...)
	FromConcat // append(Parts[0], Parts[1]...)
	FromSet    // Parts[0] with the value Parts[2] at the index or key Parts[1]
	FromMake   // an empty slice or map of Type; with Parts[0], a slice of that length, or of the length of that collection

	FromRunConfig // nothing in the body: ops.NODE.inputs.INPUT of the run config

	FromPartitions // of assets with partitions: Parts, each the value of the partition of Keys at its place
)

// A Binding is where an input of a node, or an output of a graph, gets its value.
type Binding struct {
	Kind   BindingKind
	Param  int
	Node   int
	Output int
	Value  any            // of a literal
	Type   *Type          // of the value; of a literal that is the input of a node, or an output, it may be left out
	Keys   []PartitionKey // of FromPartitions
	// Name is what the source says, for people and for versions: of FromField the path (".Total", "[0]", ".Rows[*].Name" with an index that is a
	// value), of FromParts what is made ("example.com/m.Summary{Users,Limit}", "!=nil").
	Name  string
	Parts []Binding
	// Func makes the value of FromField and FromParts. It may keep what it is given, and may panic as the plain code would.
	Func func(parts []any) any
}

// A JobOutput is a result of a job or graph.
type JobOutput struct {
	Name string
	Type *Type
	From Binding
}
