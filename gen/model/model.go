package model

import (
	"go/ast"
	"go/token"
	"go/types"
	"time"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
	"github.com/dagstergen/dagstergen/internal/load"
)

// A Model is all that the annotated declarations of a program mean.
type Model struct {
	Prog     *load.Program
	Packages []*Package // local packages with annotations, dependencies first

	// Instances are the generic ops that bodies call, each with its type arguments, in the order in which they were found.
	Instances []*Op

	// Decisions are what //dag:ignore and //dag:depends say, by the position of the declared name, of all local packages.
	Decisions map[token.Pos]*Decision

	byPath map[string]*Package
}

// Package returns the annotated package with this import path, or nil.
func (m *Model) Package(path string) *Package { return m.byPath[path] }

// A Package is a local package with annotated declarations.
type Package struct {
	*load.Package
	Ops        []*Op // ops, assets, sources and checks, sorted by key
	Resources  []*Resource
	Configs    []*Config
	Graphs     []*Graph // marked //dag:graph
	Jobs       []*Job
	Hooks      []*Hook
	Partitions []*Partitions

	// Generated holds the package-level names that generated code declares for user code to name: "Definitions", "NightlyJob" ...
	// The value says what each is for. It is complete even where declarations have errors.
	Generated map[string]string

	// Expected holds these names and those that would be generated for declarations whose directives have errors: what user code may
	// name without the blame.
	Expected map[string]bool

	// Definitions is what the generated variable of this name offers; nil where the package has errors.
	Definitions *Definitions

	Diagnostics diag.List // what is wrong with the annotated declarations of this package

	configured []*Func          // marked //dag:configured: each becomes a graph or a resource
	generics   []*Op            // ops that are generic functions: what is run are their instances
	prefix     *annotations.Arg // key_prefix= of //dag:package; nil for none
	visible    []*Package       // itself first, then annotated packages of its import closure, sorted by path
	assets     []*Asset         // its own, in the order of Ops and their outputs
	lost       []ast.Node       // annotated declarations that the type checker left out
}

// Definitions is all that a package offers to run: its own things and those they reach in other packages, each sorted by key.
type Definitions struct {
	Ops       []*Op
	Resources []*Resource
	Configs   []*Config // sorted by symbol
	Graphs    []*Graph  // those that jobs and other graphs call, and its own
	Jobs      []*Job
	Hooks     []*Hook // those that its ops and jobs name
}

// A Decl is what all annotated declarations have.
type Decl struct {
	Kind        annotations.Kind
	Key         string // unique among its sort in a package
	Symbol      string // "example.com/m/weather.MonthlyMeans", "example.com/m/weather.(*Client).Fetch"
	GoName      string // "MonthlyMeans", "Client.Fetch"
	File        string // base name of the file it stands in
	Pkg         *Package
	Pos         token.Pos // of the name
	Description string
	Version     string
	Tags        map[string]string
	Metadata    map[string]string

	// Broken is set once an error was reported for the declaration itself, so that others do not report what follows from it.
	Broken bool

	ann   annotations.Annotation
	ident *ast.Ident
}

// A Role says what a parameter is for.
type Role uint8

// The roles of a parameter. An Unknown one belongs to a broken declaration.
const (
	RoleUnknown Role = iota
	RoleContext
	RoleConfig
	RoleResource
	RoleInput
)

// A Param is a parameter of an annotated function, in the order of the signature.
type Param struct {
	GoName string
	Name   string // snake case of GoName
	Type   types.Type
	Role   Role
	Index  int // among the parameters of this role
	Pos    token.Pos
}

// A Func is an annotated function: the part that ops, resources and jobs share.
type Func struct {
	Decl
	Obj       *types.Func
	Node      *ast.FuncDecl
	Recv      *Param // nil for a plain function
	Params    []*Param
	Variadic  bool
	Config    *Config
	Resources []ResourceUse // the receiver first
	HasError  bool          // a trailing error result
	Running   Running       // how its steps are computed; of a job, all of them
	Results   []*Result     // without a trailing error
}

// A Result is a result of a function other than a trailing error.
type Result struct {
	GoName string // empty when not named
	Name   string // snake case; "result" for a single one of an op
	Type   types.Type
	Pos    token.Pos
}

// A ResourceUse is a resource that is injected.
type ResourceUse struct {
	Name     string // snake case of the parameter; "receiver" for the receiver
	Resource *Resource
}

// An Op is an op, an asset, a source or a check.
type Op struct {
	Func
	Inputs   []*Input
	Outputs  []*Output
	Volatile bool
	External bool // a source that nobody looks at
	Subset   bool // it computes those of its assets that are asked for
	Share    bool
	Prefix   string // of the keys of its assets: "warehouse/"; empty for none
	Group    string
	Owners   []string
	Kinds    []string
	Was      []string      // keys that the asset had before
	Fresh    time.Duration // how old its latest value may be; 0 where nothing is said
	Strategy *Strategy     // of an asset
	IO       *Resource
	Codec    string // "json", "parquet", "png" or "protobuf"; empty for CBOR
	Deps     []*Asset
	Env      []string // environment variables whose values count in its version, sorted

	Check *Check // of a check; nil for others
	Gates []*Op  // the blocking checks that it waits for

	Partitions *Partitions // of an asset, and of a check of one
	ConfigFor  *ConfigFunc // what makes its config for a partition; nil for the defaults of the type

	// Graph is what an asset is made of that is marked //dag:graph asset; nil for others.
	Graph *Graph

	// ReturnsVersion is set for a source whose second result is the dag.DataVersion of the first.
	ReturnsVersion bool

	// Versions is set for a source that returns a dag.DataVersionsByPartition.
	Versions bool

	Generic  *types.Func // of an instance: the function that it is one of
	TypeArgs []types.Type

	Handle string // "FetchOp", of an op that is no instance

	stepKey string // what steps of an instance of a generic op are called; empty for others
}

// An Input is a data parameter.
type Input struct {
	*Param
	Asset    string     // for assets: the key of what feeds it
	From     *Asset     // nil where Asset is left to run time, or is broken
	Unwrap   bool       // From makes a pointer to what the parameter takes
	Gather   bool       // the parameter takes several partitions of what From makes
	Mapping  *types.Var // which partitions it takes (mapping.PARAM=); nil for the natural ones
	override bool       // in.param=key was given
	keyPos   token.Pos
}

// An Output is a result that is data.
type Output struct {
	*Result
	Asset string // the asset key, for assets and sources
	Ref   string // the generated name of its dag.AssetRef
}

// An Asset is something that has an asset key: an output of an asset or a source, or an asset without outputs.
type Asset struct {
	Key    string
	Op     *Op
	Output *Output // nil for an asset that returns nothing
}

// A Resource is an annotated constructor.
type Resource struct {
	Func
	Type    types.Type
	Cleanup bool     // its second result is a cleanup func
	Env     []string // environment variables whose values count in its version, sorted

	Configured bool // it is a constructor that was given its config: Of, with what Made says, in which FromParam stands for its own config
	Of         *Resource
	Made       *Binding
}

// A Config is an annotated struct type.
type Config struct {
	Decl
	Obj    *types.TypeName
	Struct *types.Struct
	Fields []*Field
}

// A Field mirrors dag.Field: one value of a config struct.
type Field struct {
	Name        string
	Kind        string // the value of a dag.FieldKind, "string"
	Bits        int
	Description string
	Required    bool
	Nullable    bool
	Default     string
	Secret      bool
	Unversioned bool
	Enum        []string
	Min, Max    string
	MinLen      int
	MaxLen      int
	Pattern     string
	Elem        *Field
	Fields      []*Field
}

// A Strategy is what strategy= names: a variable or a function of the package that implements dag.VersionStrategy.
type Strategy struct {
	Obj    types.Object
	Symbol string
	Call   bool // it is a function to call
	pos    token.Pos
}
