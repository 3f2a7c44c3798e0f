// Package annotations reads the //dag: directives of a Go file.
//
// Stage: after load, before gen. It knows syntax and no types: which directives there are, what they may stand on and which arguments
// they take is one table ([Directives]) that drives parsing, validation, the help and the table in the README. It imports internal/diag alone of ours.
//
// Invariants: every directive comment of a file becomes either an [Annotation] or at least one error, all in one pass; nothing is ignored
// silently. Every argument knows its exact place in the source.
package annotations

import (
	"slices"
	"strings"
)

// A Kind is the name of a directive: what follows "//dag:".
type Kind string

// The directives. Each declares what the thing it stands on is, so that a declaration has at most one of them; those with Beside say something more
// about it.
const (
	Op       Kind = "op"
	Asset    Kind = "asset"
	Source   Kind = "source"
	Check    Kind = "check"
	Resource Kind = "resource"
	Config   Kind = "config"
	Graph    Kind = "graph"
	Job      Kind = "job"
	Allow    Kind = "allow"
	As       Kind = "as"
	After    Kind = "after"
	MapKey   Kind = "key"
	Ignore   Kind = "ignore"
	Depends  Kind = "depends"
	With     Kind = "with"
	Hook     Kind = "hook"
	Preset   Kind = "preset"

	Partitions Kind = "partitions"

	Package Kind = "package"

	Configured Kind = "configured"
)

// A Target is a sort of declaration that a directive may stand on.
type Target string

// The targets.
const (
	Func       Target = "func"
	Method     Target = "method"
	StructType Target = "struct type"
	Statement  Target = "statement of a job or graph"
	Loop       Target = "loop of a job or graph"
	AnyType    Target = "type" // a defined one: an alias stands for another
	Var        Target = "variable"
	Clause     Target = "package clause"
)

// A Type is what the value of an argument may be.
type Type string

// The types of arguments. Lists and pairs are separated by commas.
const (
	Flag   Type = "flag"        // stands alone, without a value
	Text   Type = "text"        // any text
	Name   Type = "name"        // see ValidName
	Key    Type = "key"         // see ValidKey
	Keys   Type = "keys"        // a list of keys
	Ident  Type = "identifier"  // a Go identifier
	Idents Type = "identifiers" // a list of Go identifiers
	Names  Type = "names"       // a list of names
	Texts  Type = "texts"       // a list of texts
	Pairs  Type = "pairs"       // a list of key:value
	Enum   Type = "choice"      // one of Argument.Choices
	Expr   Type = "expression"  // a Go expression: the rest of the line
	Count  Type = "number"      // a whole number from 0
	Span   Type = "duration"    // a positive duration as time.ParseDuration reads it

	// Of words without a key.
	Symbol  Type = "symbol"  // a declaration as code names it, or a package by its path
	Pattern Type = "pattern" // of files, as in //go:embed
	EnvName Type = "env"     // of an environment variable
	Path    Type = "path"    // of one file below the folder of the package
)

// An Argument is one argument that directives take.
type Argument struct {
	Name    string // "group"; "in." for a family such as in.city
	Param   string // for a family, what stands after the dot: "PARAM"
	Type    Type
	Choices []string // for Enum
	Default string   // what holds when it is not given
	Doc     string   // one clause, lower case
	Needs   string   // another argument, without which this one says nothing
	On      []Kind
}

// Spelling returns how the argument is written: "volatile", "name=NAME", "in.PARAM=NAME", "tags=KEY:VALUE,...".
func (a Argument) Spelling() string {
	name := a.Name + a.Param
	switch a.Type {
	case Flag:
		return name
	case Text:
		return name + "=TEXT"
	case Name:
		return name + "=NAME"
	case Key:
		return name + "=KEY"
	case Keys:
		return name + "=KEY,..."
	case Ident:
		return name + "=IDENT"
	case Idents:
		return name + "=IDENT,..."
	case Names:
		return name + "=NAME,..."
	case Texts:
		return name + "=TEXT,..."
	case Pairs:
		return name + "=KEY:VALUE,..."
	case Count:
		return name + "=N"
	case Span:
		return name + "=DURATION"
	}
	return name + "=" + strings.Join(a.Choices, "|")
}

// A Directive is one row of the registry.
type Directive struct {
	Kind        Kind
	Targets     []Target
	Doc         string     // one sentence
	Args        []Argument // in the order of the help
	Operands    []Argument // the forms of words without a key, of which there may be any number; they come first
	Required    bool       // there is at least one operand
	Positionals []Argument // values without a key, all of them required: a word, or quoted text; of a statement, several words, or an expression
	Beside      bool       // may stand beside other directives, more than once
}

// Usage returns how the directive, its operands and its positionals are written: "//dag:allow KIND \"REASON\"".
func (d Directive) Usage() string {
	s := "//dag:" + string(d.Kind)
	if len(d.Operands) > 0 {
		var forms []string
		for _, a := range d.Operands {
			forms = append(forms, a.positional())
		}
		word := strings.Join(forms, "|") + "..."
		if !d.Required {
			word = "[" + word + "]"
		}
		s += " " + word
	}
	for _, a := range d.Positionals {
		s += " " + a.positional()
	}
	return s
}

// positional returns how a positional is written.
func (a Argument) positional() string {
	if a.Param != "" {
		return a.Name + a.Param
	}
	switch a.Type {
	case Text:
		return `"` + strings.ToUpper(a.Name) + `"`
	case Names:
		return strings.ToUpper(a.Name) + "..."
	}
	return strings.ToUpper(a.Name)
}

// Argument finds the argument that key names; for "in.city" that is the family "in.".
func (d Directive) Argument(key string) (Argument, bool) {
	for _, a := range d.Args {
		if a.Name == key && a.Param == "" || a.Param != "" && strings.HasPrefix(key, a.Name) {
			return a, true
		}
	}
	return Argument{}, false
}

var (
	runnable = []Kind{Op, Asset, Source}
	data     = []Kind{Asset, Source, Graph}
	computed = []Kind{Op, Asset, Check, Job, With} // what says how steps are computed; for all steps, on a job
)

// arguments is the table of all arguments.
var arguments = []Argument{
	{Name: "name", Type: Name, Default: "the Go name in snake case", Doc: "the key", On: []Kind{Op, Check, Resource, Graph, Job, Hook, Configured, Partitions}},
	{Name: "name", Type: Key, Default: "the Go name in snake case", Doc: "the key, of one part or several: warehouse/orders", On: []Kind{Asset, Source}},
	{Name: "key_prefix", Type: Key, Default: "that of the package", Doc: "the parts that the keys of its assets begin with: warehouse/raw", On: []Kind{Asset, Source, Graph}},
	{Name: "key_prefix", Type: Key, Default: "none", Doc: "the parts that the keys of all assets and sources of the package begin with, which say no other", On: []Kind{Package}},
	{Name: "description", Type: Text, Default: "the doc comment", Doc: "what people read about it", On: []Kind{Op, Asset, Source, Check, Resource, Graph, Job, Preset, Hook, Configured, Partitions}},
	{Name: "version", Type: Text, Default: "the hash of the code", Doc: "the code version, in place of the hash of the code: change it by hand when a change of the code must count", On: []Kind{Op, Asset, Check, Resource}},
	{Name: "volatile", Type: Flag, Default: "off", Doc: "it always runs, and is never reused", On: []Kind{Op, Asset, Check}},
	{Name: "subset", Type: Flag, Default: "off", Doc: "of several assets it computes those that are asked for, which dag.Selected tells it: each is a step of its own", On: []Kind{Asset}},
	{Name: "share", Type: Flag, Default: "off", Doc: "its outputs are handed on in memory as they are: consumers promise not to modify them", On: runnable},
	{Name: "strategy", Type: Ident, Default: "source hash", Doc: "the dag.VersionStrategy that gives versions: a variable, or a function without parameters, of the package", On: []Kind{Asset, Job}},
	{Name: "io", Type: Ident, Default: "the instance's store", Doc: "the IO manager of its outputs: a resource (its function or its key) whose type implements dag.IOManager", On: []Kind{Op, Asset}},
	{Name: "codec", Type: Enum, Choices: []string{"cbor", "json", "parquet", "png", "protobuf"}, Default: "cbor", Doc: "how its outputs are stored: as CBOR, or for other tools to read as JSON, as Parquet tables, PNG images or protocol buffers", On: []Kind{Op, Asset}},
	{Name: "partitions", Type: Ident, Default: "none", Doc: "the partitions that it is computed for, observed or run for, one at a time: a variable marked //dag:partitions, or its key", On: []Kind{Asset, Source, Graph, Job}},
	{Name: "config", Type: Ident, Default: "none", Needs: "partitions", Doc: "what its config is for a partition, where run config says nothing: a function of the package that takes a dag.Partition and returns that, or that and an error", On: []Kind{Asset, Source, Job}},
	{Name: "external", Type: Flag, Default: "off", Doc: "nobody looks at it: its data version is what was last reported of it, and what the function returns until then", On: []Kind{Source}},
	{Name: "executor", Type: Ident, Default: "multi", Doc: "how its steps run: one at a time (in_process), in parallel (multi), in parallel and each in a process of its own (multiprocess), or as an executor of yours says: a variable of the package that is an execute.ExecutorDefinition, or the name that it gives", On: []Kind{Job}},
	{Name: "asset", Type: Flag, Default: "off", Doc: "its outputs are assets, and its parameters name the assets it is made from", On: []Kind{Graph}},
	{Name: "asset", Type: Key, Default: "what feeds the first data parameter", Doc: "the asset that it says something about; the first data parameter that names no asset takes its value", On: []Kind{Check}},
	{Name: "in.", Param: "PARAM", Type: Key, Default: "the parameter's name in snake case", Doc: "the asset that feeds the parameter PARAM: its key, or the last part of it", On: []Kind{Asset, Check, Graph}},
	{Name: "mapping.", Param: "PARAM", Type: Ident, Default: "the natural one", Doc: "the partitions of the asset that the parameter PARAM takes: a variable of type partition.Mapping", On: []Kind{Asset, Check, Graph}},
	{Name: "severity", Type: Enum, Choices: []string{"warn", "error"}, Default: "error", Doc: "how bad it is not to pass, where the result does not say it", On: []Kind{Check}},
	{Name: "blocking", Type: Flag, Default: "off", Doc: "where it does not pass, with severity error, what is made from the asset is skipped, and the run fails", On: []Kind{Check}},
	{Name: "deps", Type: Keys, Default: "none", Doc: "assets that it follows without receiving their value", On: []Kind{Asset}},
	{Name: "was", Type: Keys, Default: "none", Doc: "keys that the asset had before: its history goes on", On: data},
	{Name: "group", Type: Name, Default: "the package's name", Doc: "the group that it is shown and selected with", On: data},
	{Name: "owners", Type: Texts, Default: "none", Doc: "who answers for it: mail addresses, or team:NAME", On: data},
	{Name: "kinds", Type: Names, Default: "none", Doc: "what it is made with, as labels such as csv or duckdb", On: data},
	{Name: "freshness", Type: Span, Default: "none", Doc: "how old its latest value may be: a new one is expected before that; it is shown, and changes nothing that runs", On: data},
	{Name: "retries", Type: Count, Default: "those of the job, else 0", Doc: "how often a step that fails is computed again; 0 turns off what the job says", On: computed},
	{Name: "retry_delay", Type: Span, Default: "none", Doc: "how long to wait before it is computed again", Needs: "retries", On: computed},
	{Name: "retry_cap", Type: Span, Default: "none", Doc: "the longest wait that backoff and jitter may lead to", Needs: "retry_delay", On: computed},
	{Name: "backoff", Type: Enum, Choices: []string{"linear", "exponential"}, Default: "none", Doc: "how the delay grows: 1, 2, 3 or 1, 3, 7 times retry_delay", Needs: "retry_delay", On: computed},
	{Name: "jitter", Type: Enum, Choices: []string{"full", "plus_minus"}, Default: "none", Doc: "chance in the delay: anything up to it, or up to retry_delay more or less", Needs: "retry_delay", On: computed},
	{Name: "on", Type: Enum, Choices: []string{"success", "failure"}, Default: "both", Doc: "what it is called for", On: []Kind{Hook}},
	{Name: "hooks", Type: Idents, Default: "none", Doc: "what is called when a step has ended: functions marked //dag:hook, or their keys", On: computed},
	{Name: "pool", Type: Name, Default: "none", Doc: "the pool whose limit in dagstergen.yaml bounds how many of its steps run at once, in all runs and processes of an instance", On: []Kind{Op, Asset, Check}},
	{Name: "timeout", Type: Span, Default: "none", Doc: "how long it may be computed, each time", On: []Kind{Op, Asset, Check, With}},
	{Name: "tags", Type: Pairs, Default: "none", Doc: "labels to select by; a tag without a value is written KEY; those of a job are tags of its runs", On: []Kind{Op, Asset, Source, Check, Graph, Job, Preset, With}},
	{Name: "metadata", Type: Pairs, Default: "none", Doc: "facts to show", On: []Kind{Op, Asset, Source, Check, Graph, Job}},
}

// Directives is the registry, in the order of the help. Do not modify it.
var Directives = register(
	Directive{Kind: Op, Targets: []Target{Func, Method}, Doc: "The functional unit of computation: a step of jobs."},
	Directive{Kind: Asset, Targets: []Target{Func}, Doc: "An op whose outputs are persistent, named data; its parameters name the assets it is made from, and named results make several assets."},
	Directive{Kind: Source, Targets: []Target{Func}, Doc: "Data from outside that is observed, never computed: returns a dag.File, a dag.Dir, a dag.DataVersion, one for each partition, or a value and its dag.DataVersion."},
	Directive{Kind: Check, Targets: []Target{Func, Method}, Doc: "Says of an asset's value whether it is as it should be: takes that value, other assets, config and resources, and returns a bool or a dag.CheckResult."},
	Directive{Kind: Resource, Targets: []Target{Func}, Doc: "A constructor whose result is injected into parameters of its type; may take config and other resources, and return a cleanup func."},
	Directive{Kind: Hook, Targets: []Target{Func, Method}, Doc: "Called when a step that names it in hooks= has succeeded or failed: takes a dag.HookContext and resources, and returns an error or nothing."},
	Directive{Kind: Partitions, Targets: []Target{Var}, Doc: "Which partitions an asset has that names it in partitions=: a variable of type *partition.Definition."},
	Directive{Kind: Package, Targets: []Target{Clause}, Beside: true, Doc: "What holds for all assets and sources of the package."},
	Directive{Kind: Config, Targets: []Target{StructType}, Doc: "Values that come from run config; json tags name them, default tags fill them."},
	Directive{Kind: Graph, Targets: []Target{Func}, Doc: "A composition of ops, read from the body, that jobs and other graphs call; with asset, what makes assets."},
	Directive{Kind: Job, Targets: []Target{Func}, Doc: "A composition of ops, read from the body, that can be run."},
	Directive{Kind: Configured, Targets: []Target{Func}, Doc: "An op, a graph or a resource that is given its config: a function that calls it with that, passes its own parameters on and returns what it returns."},
	Directive{Kind: Preset, Targets: []Target{Func}, Beside: true, Doc: "A run config of a job with a name, for `run JOB --preset NAME`.",
		Positionals: []Argument{
			{Name: "name", Type: Name, Default: "required", Doc: "what it is called by"},
			{Name: "file", Type: Path, Default: "required", Doc: "YAML or JSON, by its path below the folder of the package"},
		}},
	Directive{Kind: As, Targets: []Target{Statement}, Doc: "Names the step of the call in this statement.",
		Positionals: []Argument{{Name: "name", Type: Name, Default: "required", Doc: "its key"}}},
	Directive{Kind: After, Targets: []Target{Statement}, Doc: "The steps of this statement start when others are done, without receiving anything from them.",
		Positionals: []Argument{{Name: "step", Type: Names, Default: "required", Doc: "keys of steps above"}}},
	Directive{Kind: MapKey, Targets: []Target{Loop}, Doc: "What the steps of an element are called by, in place of the index or the map's key: `fit[seattle]`.",
		Positionals: []Argument{{Name: "expr", Type: Expr, Default: "required", Doc: "a string, an integer or a bool, made from the variables of the loop"}}},
	Directive{Kind: With, Targets: []Target{Statement}, Doc: "How the steps of the calls in this statement are computed, over what their ops and the job say."},
	Directive{Kind: Allow, Targets: []Target{Func, Method}, Beside: true,
		Doc: "Accepts what `dagstergen vet` finds in this function, or, on an op, in all that the op reaches.",
		Positionals: []Argument{
			{Name: "kind", Type: Enum, Choices: hazards, Default: "required", Doc: "what is accepted"},
			{Name: "reason", Type: Text, Default: "required", Doc: "why it does no harm"},
		}},
	Directive{Kind: Ignore, Targets: []Target{Func, Method, AnyType, Var}, Beside: true,
		Doc:         "What counts in versions by its name and type alone: on an op, an asset or a resource, what its own version leaves out; on any other declaration, that one in every version.",
		Operands:    []Argument{{Name: "symbol", Type: Symbol, Default: "none", Doc: "what an op leaves out, as code names it: Name, Type.Method, pkg.Name; or a whole package by its import path"}},
		Positionals: []Argument{{Name: "reason", Type: Text, Default: "required", Doc: "why it cannot change a result"}}},
	Directive{Kind: Depends, Targets: []Target{Func, Method}, Beside: true, Required: true,
		Doc: "What counts in the version of everything that reaches this function, although its code does not show it.",
		Operands: []Argument{
			{Name: "file:", Param: "PATTERN", Type: Pattern, Default: "none", Doc: "files or folders below that of the package, as in //go:embed, by name and content when you generate"},
			{Name: "env:", Param: "NAME", Type: EnvName, Default: "none", Doc: "an environment variable, by its value when a run is planned"},
			{Name: "symbol", Type: Symbol, Default: "none", Doc: "a declaration that the package imports at any depth, as code names it: Name, Type.Method, pkg.Name, import/path.Name"},
		}},
)

// hazards are the kinds of findings that can be accepted; docs/vet.md describes them.
var hazards = []string{"clock", "random", "env", "network", "files", "exec", "order", "global", "input", "run", "unused"}

func register(all ...Directive) []Directive {
	for i := range all {
		for _, a := range arguments {
			if slices.Contains(a.On, all[i].Kind) {
				all[i].Args = append(all[i].Args, a)
			}
		}
	}
	return all
}

// Lookup returns the row of kind.
func Lookup(kind Kind) (Directive, bool) {
	i := slices.IndexFunc(Directives, func(d Directive) bool { return d.Kind == kind })
	if i < 0 {
		return Directive{}, false
	}
	return Directives[i], true
}

func kindNames() []string {
	var out []string
	for _, d := range Directives {
		out = append(out, string(d.Kind))
	}
	return out
}
