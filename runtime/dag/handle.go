package dag

// A Callable is what a graph that is built in Go code can call: a handle of an op (FetchOp), of a graph (RateGraph), or a graph that was built.
type Callable interface{ callee() callee }

// callee is an op or a graph, and the definitions in which its code versions stand.
type callee struct {
	op    *Op
	graph *GraphDef
	uses  []*Definitions
}

// An OpHandle names an op for graphs that are built in Go code. Generated code declares one for every op, FetchOp, whose method Call takes the inputs and gives
// the outputs of Fetch under their Go types; the handle itself is for programs that choose ops by data, see [GraphBuilder.Add].
type OpHandle struct {
	Op          *Op
	Definitions *Definitions // of the package that declares it
}

func (h OpHandle) callee() callee { return callee{op: h.Op, uses: []*Definitions{h.Definitions}} }

// A Graph is a composition with the Go types of its inputs and outputs (Dagster's GraphDefinition). Generated code declares one for every graph, RateGraph;
// [GraphBuilder.Build] makes others, whose inputs and outputs are [Values]. Other graphs call it, [Graph.Job] makes jobs of it, and execute.InProcess runs it as it is.
type Graph[In, Out any] struct {
	Def     *GraphDef
	Uses    []*Definitions  // where the code versions of its ops stand
	Inputs  func(In) []any  // one value for each of Def.Params
	Outputs func([]any) Out // from one value for each of Def.Outputs
}

func (g Graph[In, Out]) callee() callee { return callee{graph: g.Def, uses: g.Uses} }

// Values are inputs or outputs by name: those of a graph that was built in Go code. An input that is left out comes from run config.
type Values map[string]any

// A Value is what a [GraphBuilder] knows of a value that will be there when the graph runs: a parameter, an output of a node, a constant. It is of one graph and may
// be used any number of times. The zero Value stands for no value: an input that it is given to comes from run config, ops.NODE.inputs.INPUT.
type Value[T any] struct{ w *wire }

// An AnyValue is a [Value] of any type, or a node, which stands for its only output.
type AnyValue interface{ source() *wire }

func (v Value[T]) source() *wire { return v.w }
