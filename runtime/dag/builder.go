package dag

import (
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A GraphBuilder builds a graph in Go code, for programs that make pipelines from data: a file of settings, a list of tables. Where the graph is known when
// the program is written, a function marked //dag:graph says the same, and can be called.
//
//	g := dag.NewGraph("nightly")
//	city := dag.Param[string](g, "city")
//	rows := weather.FetchOp.Call(g, city)
//	dag.Return(g, "report", weather.SummarizeOp.Call(g, rows, dag.As("report")))
//	graph, err := g.Build()
//
// Nodes may be added in any order, because [GraphBuilder.Ref] names one that is still to come. What is wrong is found when the graph is built, all of it at once.
// A GraphBuilder is for one goroutine.
type GraphBuilder struct {
	key, description string
	pos              string
	params           []*graphParam
	root, block      *builderBlock // the outermost block, and the one that nodes are added to
	nodes            []*AddedNode  // of all blocks, as they were added
	byKey            map[string]*AddedNode
	outputs          []*graphOutput
	uses             []*Definitions
	problems         []GraphProblem
}

type graphParam struct {
	name, pos string
	goType    reflect.Type
	typ       *Type
	config    *Config
}

type graphOutput struct {
	name, pos string
	from      *wire
	goType    reflect.Type
}

// builderBlock is a list of nodes: the graph itself, the body of a loop, an arm.
type builderBlock struct {
	outer *builderBlock
	owner *AddedNode // the loop or branch whose it is; nil for the graph
	nodes []*AddedNode
}

func (b *builderBlock) within(outer *builderBlock) bool {
	for ; b != nil; b = b.outer {
		if b == outer {
			return true
		}
	}
	return false
}

// An AddedNode is a node of a graph under construction: a call of an op or a graph, a loop or a branch. As a value it is its only output; one without outputs
// can be followed, see [After].
type AddedNode struct {
	g       *GraphBuilder
	block   *builderBlock
	pos     string
	alias   string // what As says
	key     string
	callee  callee
	loop    *builtLoop
	branch  *builtBranch
	inputs  []*wire // one for each of the callee's inputs; nil for what is not wired
	config  *wire
	after   []*wire
	retry   *RetryPolicy
	timeout time.Duration
	tags    map[string]string
	hooks   []*Hook
	index   int // in the table of nodes, once it is laid out
}

// wire is where a value comes from, before the nodes are in order.
type wire struct {
	kind   BindingKind
	g      *GraphBuilder // nil for what belongs to no graph: constants
	goType reflect.Type  // nil where a name leads to a node that may not be there yet
	pos    string

	param  *graphParam
	node   *AddedNode
	ref    string // the name of the node, in place of it
	output string // by name, for a ref
	out    int    // -1 for a node without outputs
	value  any
	parts  []*wire
	block  *builderBlock // FromElem, FromKey: the body of the loop
}

// NewGraph begins a graph. Its key, snake case, names the graph and its jobs, and is in front of the keys of its steps where another graph calls it.
func NewGraph(key string) *GraphBuilder {
	g := &GraphBuilder{key: key, pos: callerPosition(), root: &builderBlock{}}
	g.block = g.root
	if !ValidName(key) {
		g.problem(g.pos, "bad_name", "%q is no name of a graph; use lower-case letters, digits and _, a letter first", key)
	}
	return g
}

// Describe says for people what the graph is for, and returns g.
func (g *GraphBuilder) Describe(text string) *GraphBuilder {
	g.description = text
	return g
}

// Param adds a parameter to a graph: an input of its jobs, and of its calls. A value that goes to the config of an op is a config parameter.
// (Dagster's input mapping.)
func Param[T any](g *GraphBuilder, name string) Value[T] {
	p := &graphParam{name: name, pos: callerPosition(), goType: reflect.TypeFor[T]()}
	switch {
	case !ValidName(name):
		g.problem(p.pos, "bad_name", "%q is no name of a parameter; use lower-case letters, digits and _, a letter first", name)
	case g.param(name) != nil:
		g.problem(p.pos, "duplicate_key", "two parameters %q, the first at %s; give one of them another name", name, g.param(name).pos)
	}
	g.params = append(g.params, p)
	return Value[T]{&wire{kind: FromParam, g: g, goType: p.goType, pos: p.pos, param: p}}
}

func (g *GraphBuilder) param(name string) *graphParam {
	for _, p := range g.params {
		if p.name == name {
			return p
		}
	}
	return nil
}

// Const is a value that is known when the graph is built. It counts in versions as a literal in the body of a job does.
func Const[T any](v T) Value[T] {
	return Value[T]{&wire{kind: FromLiteral, goType: reflect.TypeFor[T](), pos: callerPosition(), value: v}}
}

// List is a slice of values, in order: fan-in.
func List[T any](values ...Value[T]) Value[[]T] {
	w := &wire{kind: FromParts, goType: reflect.TypeFor[[]T](), pos: callerPosition()}
	for _, v := range values {
		w.parts = append(w.parts, v.w)
	}
	return Value[[]T]{w}
}

// Typed gives a value a Go type, which is checked when the graph is built.
func Typed[T any](v AnyValue) Value[T] {
	return Value[T]{&wire{kind: fromTyped, goType: reflect.TypeFor[T](), pos: callerPosition(), parts: []*wire{sourceOf(v)}}}
}

// fromTyped is a value with the type that the program says it has. It is in no graph that was built.
const fromTyped BindingKind = 255

// Return makes a value an output of the graph. The only output may have an empty name, which is "result". (Dagster's output mapping.)
func Return(g *GraphBuilder, name string, v AnyValue) {
	if name == "" {
		name = "result"
	}
	o := &graphOutput{name: name, pos: callerPosition(), from: sourceOf(v)}
	if !ValidName(name) {
		g.problem(o.pos, "bad_name", "%q is no name of an output; use lower-case letters, digits and _, a letter first", name)
	}
	for _, other := range g.outputs {
		if other.name == name {
			g.problem(o.pos, "duplicate_key", "two outputs %q, the first at %s; give one of them another name", name, other.pos)
			break
		}
	}
	g.outputs = append(g.outputs, o)
}

// Ref is an output of the node with this key, which may be added later; an empty output is the only one. A chain of nodes that lead back to themselves is an
// error when the graph is built.
func (g *GraphBuilder) Ref(node, output string) AnyValue {
	return Value[any]{&wire{kind: FromNode, g: g, pos: callerPosition(), ref: node, output: output}}
}

// Out is an output of the node by name; an empty name is the only one.
func (n *AddedNode) Out(name string) AnyValue {
	w := &wire{kind: FromNode, g: n.g, pos: callerPosition(), node: n, output: name}
	return Value[any]{w}
}

func (n *AddedNode) source() *wire {
	return &wire{kind: FromNode, g: n.g, pos: n.pos, node: n}
}

// OutputOf is output i of a node with its Go type. It is for generated code only: the generator has checked the types.
func OutputOf[T any](n *AddedNode, i int) Value[T] {
	return Value[T]{&wire{kind: FromNode, g: n.g, goType: reflect.TypeFor[T](), pos: n.pos, node: n, out: i, output: fixedOutput}}
}

// fixedOutput marks a wire whose output is known by its index.
const fixedOutput = "\x00"

func sourceOf(v AnyValue) *wire {
	if v == nil {
		return nil
	}
	return v.source()
}

func (g *GraphBuilder) problem(pos, code, format string, args ...any) {
	g.problems = append(g.problems, GraphProblem{Pos: pos, Code: code, Message: fmt.Sprintf(format, args...)})
}

// callerPosition is the place in user code that called this package, itself or through generated code: "pipeline.go:31".
func callerPosition() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		base := f.File[strings.LastIndexByte(f.File, '/')+1:]
		if f.File != "" && base != "dag_gen.go" && !strings.HasPrefix(f.Function, thisPackage) {
			return base + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return ""
		}
	}
}

// thisPackage begins the names of this package's functions.
var thisPackage = reflect.TypeFor[GraphBuilder]().PkgPath() + "."

// ValidName reports whether s may be a key: lower-case letters, digits and _, a letter first.
func ValidName(s string) bool {
	if s == "" || len(s) > 100 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
