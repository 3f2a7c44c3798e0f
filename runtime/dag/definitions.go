package dag

import (
	"context"
	"time"

	"github.com/dagstergen/dagstergen/runtime/partition"
)

// Definitions is all that a package offers to run: written by dagstergen, passed to cli.Main or to execute.
// It is complete: it holds every op, asset, resource and config that its own ones reach in other packages.
type Definitions struct {
	Module    string      // module path, "example.com/shop"
	Package   string      // import path of the package it was generated for
	Manifest  string      // the text of dag_gen.manifest: code versions with their components, and expected sources
	Proof     ProofMode   // how the binary shows that it was built from the sources that were hashed
	Ops       []*Op       // ops, assets, sources and checks, sorted by key
	Jobs      []*JobDef   // sorted by key
	Graphs    []*GraphDef // those that jobs and other graphs call, sorted by key
	Resources []*Resource // sorted by key
}

// A Kind tells ops apart by what their outputs are.
type Kind uint8

// The kinds of an [Op].
const (
	KindOp     Kind = iota // outputs belong to the step of a job
	KindAsset              // outputs are persistent, named data
	KindSource             // observed, never computed: its data version is its version
	KindCheck              // says of an asset whether it is as it should be: see Op.Check
)

// String returns "op", "asset", "source" or "check".
func (k Kind) String() string {
	switch k {
	case KindAsset:
		return "asset"
	case KindSource:
		return "source"
	case KindCheck:
		return "check"
	}
	return "op"
}

// An Op is one annotated function: the functional unit of computation (Dagster's OpDefinition; AssetsDefinition and
// observable SourceAsset for the other kinds). Assets and sources are ops whose outputs have asset keys.
type Op struct {
	Kind        Kind
	Key         string // snake case of the Go name or name=, of a check ASSET:NAME; unique in a Definitions
	Symbol      string // "example.com/shop.Fetch" or "example.com/shop.(*Client).Fetch": its entry in the manifest
	Description string // from the doc comment
	Group       string
	Owners      []string
	Kinds       []string
	Was         []string      // keys that the asset had before (was=)
	Freshness   time.Duration // of an asset or source: how old its latest value may be; 0 where nothing is expected
	Tags        map[string]string
	Metadata    map[string]string

	Volatile bool // always runs
	// Subset says of a function with several assets that it can compute some of them: each is a step of its own, and one call computes those that are needed, see [Selected].
	Subset   bool
	Share    bool            // its outputs go on in memory undecoded
	Version  string          // version=: replaces the code version; empty when not given
	Strategy VersionStrategy // strategy= of an asset; nil for the default
	IO       string          // key of the resource that is its IO manager; empty for the instance's default
	Retry    *RetryPolicy    // what happens when it fails; nil for what the job says
	// Partitions are what an asset is computed for, one at a time; nil for an asset without.
	Partitions *partition.Definition
	// Versions says of a source with partitions that it gives a DataVersionsByPartition: one call says it of all.
	Versions bool
	// External says of a source that nobody looks at it: its data version is what was last reported of it, and what its function returns until then.
	External bool
	Timeout  time.Duration // how long one call may take; 0 for ever
	Pool     string        // whose limit bounds how many of its steps run at once, in all processes of an instance; empty for none
	Hooks    []*Hook       // called when a step of it has ended

	Inputs []Input
	Config *Config // nil when it takes none
	// ConfigFor makes the config for a partition (config=): a value of Config's Go type, which run config is laid on. Nil for the type's own defaults. It panics as [Binding.Func] does.
	ConfigFor func(p Partition) any
	Resources []ResourceUse
	Outputs   []Output // empty for an op that returns nothing or only an error
	Deps      []string // keys of assets it must follow without receiving their value (deps=)
	Env       []string // environment variables whose values count in its version (//dag:depends env:NAME), sorted

	// Check is what a check says of itself: it has the one output CheckOutput. Nil for any other kind.
	Check *CheckDef

	// Graph is what an asset is made of that is no single function: Inputs are its data parameters, Outputs its outputs, Invoke is nil. Its ops
	// are steps KEY.NODE, and one step more, KEY, stores what they give under the keys of the assets. Nil for any other op.
	Graph *GraphDef

	// Invoke calls the user's function: it reads c.In, c.Config and c.Resources, and fills c.Out.
	Invoke func(ctx context.Context, c *Call) error
}

// Role returns what it is to people: "external" for a source that nobody looks at, else its kind.
func (o *Op) Role() string {
	if o.External {
		return "external"
	}
	return o.Kind.String()
}

// An Input is a data parameter of an op.
type Input struct {
	Name  string // snake case of the parameter name; part of every version
	Type  *Type
	Asset string // for assets and checks: the key of the asset or source that feeds it
	// Mapping says which partitions of the asset it takes; nil for those that [partition.Natural] chooses. Type says in which form: a T takes one, and several where it gathers.
	Mapping *partition.Mapping
	// Unwrap says that the asset is a *T and the parameter a T: it takes what the pointer points to, and a nil skips the step and what follows.
	Unwrap bool
}

// An Output is a result of an op other than a trailing error.
type Output struct {
	Name        string // snake case of the result name; "result" for a single one
	Type        *Type
	Asset       string // the asset key, for assets and sources
	Codec       string // how the instance's own IO manager stores it: "json", "parquet", "png", "protobuf"; empty for CBOR. It counts in no version
	Description string
}

// A ResourceUse is a resource parameter: of an op, or of another resource.
type ResourceUse struct {
	Name string // snake case of the parameter name; part of every version
	Key  string // key of the [Resource] that is injected
}

// A Resource is an annotated constructor (Dagster's ResourceDefinition). It is built once per run, on first need of a
// step that runs, and cleaned up in reverse order.
type Resource struct {
	Key         string
	Symbol      string
	Description string
	Version     string // version=: replaces the code version
	Type        *Type
	Config      *Config
	Resources   []ResourceUse
	Env         []string // environment variables whose values count in its version, sorted

	// Configured is the symbol of the function that gave the resource its config (Dagster's configured); empty for a constructor itself. All else but Key,
	// Description and Config is that of the constructor then: it takes the config Makes, of the value of Made, in which FromParam stands for Config's.
	Configured string
	Makes      *Config
	Made       *Binding

	// Open calls the user's constructor: it reads c.Config and c.Resources. cleanup may be nil.
	Open func(ctx context.Context, c *Call) (value any, cleanup func(), err error)
}
