package model

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// buildJobs reads the bodies of all jobs and graphs.
func (b *builder) buildJobs() {
	var failed []*Graph
	for _, p := range b.m.Packages {
		for _, r := range p.Resources {
			if r.Configured && !r.Broken && !b.configuredResource(r) {
				r.Broken = true
			}
		}
	}
	b.flattenConfigured()
	for _, p := range b.m.Packages {
		for _, g := range p.Compositions() {
			if g.Broken {
				continue
			}
			w := &body{b: b, g: g, info: p.Info, params: map[types.Object]*Param{}, keys: map[string]*Node{}, scope: newScope()}
			w.read()
			if w.failed {
				failed = append(failed, g)
			}
		}
	}
	for _, g := range failed { // after all: what calls one needs no more than its signature
		g.Broken = true
	}
	b.graphCycles()
}

// Compositions are the graphs and the jobs of p.
func (p *Package) Compositions() []*Graph {
	out := append([]*Graph(nil), p.Graphs...)
	for _, j := range p.Jobs {
		out = append(out, &j.Graph)
	}
	return out
}

// graphCycles reports graphs that call each other in a circle, once for each circle.
func (b *builder) graphCycles() {
	var all []*Graph
	for _, p := range b.m.Packages {
		all = append(all, p.Graphs...)
	}
	calls := func(g *Graph) []*Graph {
		var out []*Graph
		for _, n := range g.Nodes {
			if n.Graph != nil {
				out = append(out, n.Graph)
			}
		}
		return out
	}
	for _, cycle := range cycles(all, calls) {
		b.reportCycle(cycle[0].Pkg, CodeGraphCycle, "graphs call each other", "end the recursion: a graph is laid out before it runs, so that its depth must be known", len(cycle), func(i int) (string, token.Pos, string) {
			g, next := cycle[i], cycle[(i+1)%len(cycle)]
			for _, n := range g.Nodes {
				if n.Graph == next {
					return g.GoName, n.Pos, g.GoName + " calls " + next.GoName
				}
			}
			return g.GoName, g.Pos, g.GoName
		})
		for _, g := range cycle {
			g.Broken = true
		}
	}
}

// A body reads the statements of a job or a graph in order, as one would execute them, with values that are not known yet. Loops and branches are
// regions: what is assigned in them leaves them as an output of their node. What it cannot read it reports, with what to do instead; then it goes on.
type body struct {
	b    *builder
	g    *Graph
	info *types.Info

	params map[types.Object]*Param
	keys   map[string]*Node
	scope  *scope

	block   *[]*Node // the one that is being read
	regions []region // the loops and branches around it
	loops   []*loop
	stmt    *statement // the one that is being read

	pending     *pendingError
	conditional int  // > 0 inside of what Go evaluates only sometimes: the right of && and ||
	calling     int  // how deep in the arguments of calls
	failed      bool // an error was reported
	steps       bool // an op is called

	later []laterName // names of //dag:after that were not there yet
}

// A region is a loop or an arm of a branch that is being read.
type region struct {
	node *Node
	arm  int
}

// A pendingError is the error of a call that the next statement has to check.
type pendingError struct {
	obj  types.Object
	call ast.Node
	op   string
}

func (w *body) report(code string, n ast.Node, hint, format string, args ...any) *diag.Diagnostic {
	w.fail()
	d := w.b.report(w.g.Pkg, code, n.Pos(), n.End(), hint, format, args...)
	d.Message = string(w.g.ann.Kind) + " " + w.g.GoName + ": " + d.Message
	return d
}

// fail notes that something cannot be read.
func (w *body) fail() {
	w.failed = true
	if w.stmt != nil {
		w.stmt.failed = true
	}
}

// what is "job" or "graph".
func (w *body) what() string {
	if w.g.Configured {
		return "configured function"
	}
	return string(w.g.Kind)
}

func (w *body) own() *types.Package { return w.g.Pkg.Types }

// source returns the text of an expression on one line, in backquotes.
func source(e ast.Expr) string { return "`" + text(e, 60) + "`" }

// text returns the text of an expression on one line, cut at most runes.
func text(e ast.Expr, most int) string {
	s := strings.Join(strings.Fields(types.ExprString(e)), " ")
	if rs := []rune(s); len(rs) > most {
		s = string(rs[:most-3]) + "..."
	}
	return s
}

func (w *body) read() {
	node := w.g.Node
	if node.Body == nil {
		w.report(CodeJobStatement, node.Name, "write it in Go", "it has no body to read the graph from")
		return
	}
	for _, e := range w.g.Pkg.Errors {
		if node.Body.Pos() <= e.Pos && e.Pos < node.Body.End() {
			w.fail() // the body does not compile; type errors are shown by themselves
			return
		}
	}
	sig := w.g.Obj.Signature()
	for i, p := range w.g.Params {
		obj := sig.Params().At(i)
		w.params[obj] = p
		if p.Role == RoleInput {
			w.scope.values[obj] = &value{from: &Binding{Kind: FromParam, Type: p.Type, Param: p}, typ: p.Type}
		}
	}
	if w.g.Recv != nil {
		w.params[sig.Recv()] = w.g.Recv
	}
	for i := range sig.Results().Len() {
		if r := sig.Results().At(i); !isError(r.Type()) {
			w.scope.values[r] = &value{typ: r.Type(), unset: true}
		}
	}
	if w.g.Configured {
		w.readConfigured()
		w.unread()
		return
	}
	w.block = &w.g.Body
	ret := w.statements(node.Body.List)
	w.unchecked()
	w.lateNames()
	if ret != nil {
		w.outputs(ret)
	}
	if !w.failed && !w.steps {
		w.report(CodeJobEmpty, node.Name, "call functions marked //dag:op", "it calls no op")
	}
	w.unread()
}

// outputs makes the returned values the outputs of the graph.
func (w *body) outputs(ret *returned) {
	for i, r := range w.g.Results {
		if i < len(ret.values) && ret.values[i] != nil && !ret.values[i].broken {
			w.g.Outputs = append(w.g.Outputs, &GraphOutput{Result: r, From: ret.values[i].from})
		} else {
			w.fail()
		}
	}
}

// unchecked reports a pending error that the statement just reached does not check.
func (w *body) unchecked() {
	if p := w.pending; p != nil {
		w.pending = nil
		w.report(CodeJobUnchecked, p.call, "check it in the next statement: if err != nil { return ..., err }", "the error of %s is not checked right after the call", p.op)
	}
}

// place takes the next number and the block that is being read for n.
func (w *body) place(n *Node) {
	n.Index = len(w.g.Nodes)
	if k := len(w.regions); k > 0 {
		n.parent, n.arm = w.regions[k-1].node, w.regions[k-1].arm
	}
	w.g.Nodes = append(w.g.Nodes, n)
	*w.block = append(*w.block, n)
}

// addCall places the call of an op or a graph under the next free key of its name, or the one that //dag:as gives.
func (w *body) addCall(n *Node) {
	w.steps = true
	name := n.Func().Key
	if n.Op != nil && n.Op.stepKey != "" {
		name = n.Op.stepKey
	}
	if w.stmt != nil {
		w.stmt.all = append(w.stmt.all, n)
	}
	if w.calling == 0 && w.stmt != nil {
		w.stmt.calls = append(w.stmt.calls, n)
		if alias := w.stmt.alias(); alias != "" && len(w.stmt.calls) == 1 {
			n.Key = alias
			if other := w.keys[alias]; other != nil {
				w.aliasTaken(other)
			}
			w.keys[alias] = n
			w.place(n)
			return
		}
	}
	n.Key = w.freeKey(name)
	w.place(n)
	w.keys[n.Key] = n
}

// freeKey is name, with a number behind it where it is taken.
func (w *body) freeKey(name string) string {
	key := name
	for i := 2; w.keys[key] != nil; i++ {
		key = name + "_" + strconv.Itoa(i)
	}
	return key
}

// addRegion places a loop or a branch under a name for people.
func (w *body) addRegion(n *Node, name string) {
	n.Key = w.freeKey(name)
	w.keys[n.Key] = n
	w.place(n)
}

// enter reads a block of a region: with a list of nodes of its own.
func (w *body) enter(r region, into *[]*Node, read func()) {
	outer, stmt := w.block, w.stmt
	w.block, w.stmt = into, nil
	w.regions = append(w.regions, r)
	read()
	w.regions = w.regions[:len(w.regions)-1]
	w.block, w.stmt = outer, stmt
}

// isStep reports whether f is an op or a graph, which a body may call.
func (w *body) isStep(f *types.Func) bool {
	if f == nil {
		return false
	}
	f = f.Origin()
	return w.b.ops[f] != nil && w.b.ops[f].Kind == annotations.Op || w.b.graphs[f] != nil
}
