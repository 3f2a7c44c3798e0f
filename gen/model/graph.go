package model

import (
	"go/constant"
	"go/token"
	"go/types"
)

// A Graph is an annotated composition: what the body of a function marked //dag:graph or //dag:job says.
type Graph struct {
	Func
	In         []*Param  // data and config parameters, in order
	Configs    []*Config // of each of In; nil for data
	Nodes      []*Node   // of all blocks, in source order
	Body       []*Node   // those of the outermost block
	Outputs    []*GraphOutput
	Configured bool // an op or a graph that was given its config: the body is one call of that
	Asset      *Op  // what it makes as assets; nil where it is only called

	Handle  string // "NightlyJob", "RateGraph"
	Inputs  string // "NightlyInputs"
	OutType string // "NightlyOutputs"
}

// A Job is a graph that can be run.
type Job struct {
	Graph
	Executor    string     // what executor= says
	ExecutorVar *types.Var // that it names; nil for an executor that is always there
	Strategy    *Strategy
	Partitions  *Partitions // what it is run for, one at a time; nil for a job without
	ConfigFor   *ConfigFunc // what makes its config for a partition
	Steps       string      // "NightlySteps"
	Presets     []*Preset
}

// A GraphOutput is a result of a graph.
type GraphOutput struct {
	*Result
	From *Binding
}

// A Node is one call in a body, a mapping or a branch: exactly one of Op, Graph, Map and Branch is set.
type Node struct {
	Key      string // unique in its graph
	Op       *Op
	Graph    *Graph
	Map      *Map
	Branch   *Branch
	Resource *Resource  // in the body of a configured one alone
	Inputs   []*Binding // one for each of Op.Inputs, or of Graph.In
	Config   *Binding   // of an op
	After    []*Node    // in the same block or one around it
	With     Running    // of //dag:with
	Pos      token.Pos

	Index int // in Graph.Nodes

	parent *Node // the mapping or branch that it stands in; nil in the outermost block
	arm    int   // of parent
}

// Func returns the function that a node calls; nil for a mapping or a branch.
func (n *Node) Func() *Func {
	switch {
	case n.Op != nil:
		return &n.Op.Func
	case n.Graph != nil:
		return &n.Graph.Func
	case n.Resource != nil:
		return &n.Resource.Func
	}
	return nil
}

// A Map runs its body once for each element of a collection.
type Map struct {
	Over    *Binding
	Key     *Binding // of //dag:key; nil for the index or the key of the map
	Body    []*Node
	Carried []*Carried // the outputs of the node
}

// A Carried is a variable that the body of a loop assigns and that is declared outside of it.
type Carried struct {
	Name string
	Type types.Type
	Init *Binding // outside
	Next *Binding // at the end of the body
}

// A Branch runs the body of the first arm whose condition holds. The last arm has none.
type Branch struct {
	Arms    []*Arm
	Outputs []*BranchOutput
}

// An Arm is one way through a branch.
type Arm struct {
	When   *Binding // nil for the last one
	Text   string   // of the condition, for people; "else" or "default"
	Body   []*Node
	Yields []*Binding // one for each output of the branch
}

// A BranchOutput is a variable whose value depends on the way taken, or a result that the arms return.
type BranchOutput struct {
	Name string
	Type types.Type
}

// A BindingKind says where a value comes from. They are those of dag.BindingKind, by name.
type BindingKind string

// The kinds of a [Binding].
const (
	FromParam   BindingKind = "FromParam"   // parameter Param of the graph
	FromNode    BindingKind = "FromNode"    // output Output of Node
	FromLiteral BindingKind = "FromLiteral" // Lit
	FromElem    BindingKind = "FromElem"    // the element of the mapping Node
	FromKey     BindingKind = "FromKey"     // its index, or its key in a map
	FromCarried BindingKind = "FromCarried" // variable Output of the mapping Node as an iteration begins
	FromField   BindingKind = "FromField"   // Parts[0] at the path Name; more parts are the indexes in it
	FromParts   BindingKind = "FromParts"   // what Expr makes of Parts
	FromAppend  BindingKind = "FromAppend"  // Parts[0] with the others behind it
	FromConcat  BindingKind = "FromConcat"  // Parts[0] with the elements of the others behind it
	FromSet     BindingKind = "FromSet"     // Parts[0] where the element at Parts[1] is Parts[2]
	FromMake    BindingKind = "FromMake"    // empty, or as long as Parts[0] is or says
)

// A Binding says where a value comes from.
type Binding struct {
	Kind   BindingKind
	Type   types.Type
	Param  *Param // of Graph.In
	Node   *Node
	Output int
	Lit    *Literal
	Name   string
	Parts  []*Binding
	Expr   *Expr // how a FromField or FromParts is written in Go
}

// An ExprKind tells expressions apart.
type ExprKind uint8

// The kinds of an [Expr].
const (
	ExprPart    ExprKind = iota // part Part
	ExprLiteral                 // Lit
	ExprNil
	ExprField   // Args[0].Name
	ExprIndex   // Args[0][Args[1]]
	ExprDeref   // *Args[0]
	ExprNot     // !Args[0]
	ExprBinary  // Args[0] Op Args[1]
	ExprConvert // Type(Args[0])
	ExprBuild   // a composite literal of Type with Fields
	ExprCall    // Func(Args...)
)

// An Expr is Go code that makes a value out of the parts of a binding.
type Expr struct {
	Kind   ExprKind
	Part   int
	Lit    *Literal
	Name   string
	Op     token.Token
	Type   types.Type // of ExprConvert and ExprBuild
	Addr   bool       // of ExprBuild: &T{...}; Type is T
	Args   []*Expr
	Fields []ExprPair
	Field  *types.Var // of ExprField
	Func   *types.Func
	Fails  bool // Func returns an error too
}

// An ExprPair is one part of a composite literal.
type ExprPair struct {
	Name  string     // of a struct field
	Field *types.Var // of a struct
	Key   *Expr      // of a map
	Index int64      // of an array or slice
	Value *Expr
}

// A Literal is a constant of a body with the Go type it has there.
type Literal struct {
	Type   types.Type
	Const  constant.Value // nil for a composite or nil literal
	Nil    bool
	Fields []LiteralField // of a composite literal: struct fields, elements or map entries
	Addr   bool           // &T{...}; Type is the pointer type
	Pos    token.Pos
}

// A LiteralField is one part of a composite literal.
type LiteralField struct {
	Name  string   // of a struct field
	Key   *Literal // of a map entry
	Index int64    // of an array or slice element
	Value *Literal
}

// Walk calls visit with b and every binding that it is made of.
func (b *Binding) Walk(visit func(*Binding)) {
	if b == nil {
		return
	}
	visit(b)
	for _, p := range b.Parts {
		p.Walk(visit)
	}
}

// Bindings calls visit with every binding of the graph and what it is made of.
func (g *Graph) Bindings(visit func(*Binding)) {
	for _, n := range g.Nodes {
		n.Bindings(visit)
	}
	for _, o := range g.Outputs {
		o.From.Walk(visit)
	}
}

// Bindings calls visit with every binding of the node and what it is made of; those of nodes in its blocks are not its own.
func (n *Node) Bindings(visit func(*Binding)) {
	for _, b := range n.Inputs {
		b.Walk(visit)
	}
	n.Config.Walk(visit)
	if m := n.Map; m != nil {
		m.Over.Walk(visit)
		m.Key.Walk(visit)
		for _, c := range m.Carried {
			c.Init.Walk(visit)
			c.Next.Walk(visit)
		}
	}
	if br := n.Branch; br != nil {
		for _, a := range br.Arms {
			a.When.Walk(visit)
			for _, y := range a.Yields {
				y.Walk(visit)
			}
		}
	}
}
