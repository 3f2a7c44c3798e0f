package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A scope is one place where a graph is called, or the body of the job itself.
type scope struct {
	def   *dag.GraphDef
	path  string // what the keys of its nodes begin with: "outer."
	sites []site // one for each of def.Nodes
	body  *block
}

// A site is a statement of a body.
type site struct {
	node   *dag.Node
	block  *block // it stands in; nil before it was met
	place  int32  // in the block
	lo, hi int32  // the nodes of the Graph that it is or holds
	sub    *scope // of the call of a graph
	bodies []*block
	deps   []dag.Binding // of an asset
	config *GraphConfig  // of the call of a graph that takes config

	elem, key *dag.Type // of a loop: of the element and its key, where its body takes them
	collect   []bool    // of a loop, by carried variable: each iteration adds to it, and nothing looks at it in between
	awaited   bool      // something is ordered after it
}

// A block is a list of statements: the body of a graph or a loop, or an arm.
type block struct {
	nodes  []int32 // sites
	outer  *block  // nil for the body of a graph
	owner  int32   // the loop or branch whose it is; -1 for the body of a graph
	lo, hi int32   // the nodes of the Graph in it
}

// within reports whether b is outer, or stands in it.
func (b *block) within(outer *block) bool {
	for ; b != nil; b = b.outer {
		if b == outer {
			return true
		}
	}
	return false
}

// compiler turns a body and the graphs that it calls into a Graph: it makes the nodes, then finds out what each takes from.
type compiler struct {
	c     *Catalog
	g     *Graph
	what  string // "job \"nightly\""
	deps  map[int][]dag.Binding
	wrong *problems
	calls []*dag.GraphDef // around the place at hand
	nodes []*dag.Node     // that call them
}

func (k *compiler) main(def *dag.GraphDef) {
	if def.Configured { // it is run by itself, and stands in no place
		own := *def
		own.Configured, def = false, &own
	}
	before := len(*k.wrong)
	k.g.Nodes = make([]Node, 0, len(def.Nodes))
	k.g.main = k.scope(def, "", 0)
	if len(*k.wrong) > before {
		return
	}
	configs := make([]*ConfigSource, len(def.Params))
	for i := range configs {
		configs[i] = &ConfigSource{Param: &def.Params[i]}
	}
	o := origins{compiler: k}
	o.scope(k.g.main, &surroundings{params: make([]origin, len(def.Params)), configs: configs})
	keys := make(map[string]bool, len(k.g.Nodes))
	for i := range k.g.Nodes {
		key := k.g.Nodes[i].Key
		if keys[key] {
			k.bad("duplicate_key", "two steps %q", key)
		}
		keys[key] = true
	}
}

func (k *compiler) bad(code, format string, args ...any) {
	k.wrong.add(code, "%s: %s; run `go generate ./...` again", k.what, fmt.Sprintf(format, args...))
}

// separator is what stands between the key of the call of a graph and those of the nodes in it. What is configured stands in the place of the call.
func separator(def *dag.GraphDef) string {
	if def.Configured {
		return ""
	}
	return "."
}

// inPlace returns a configured graph whose only node has no key of its own.
func (k *compiler) inPlace(def *dag.GraphDef) *dag.GraphDef {
	if !def.Configured || len(def.Nodes) != 1 {
		return def
	}
	c := *def
	c.Nodes = slices.Clone(def.Nodes)
	c.Nodes[0].Key = ""
	return &c
}

func (k *compiler) scope(def *dag.GraphDef, path string, loops int) *scope {
	sc := &scope{def: def, path: path, sites: make([]site, len(def.Nodes))}
	if slices.Contains(k.calls, def) {
		k.bad("bad_job", "graph %s calls itself", def.Key)
		sc.body = &block{owner: -1}
		return sc
	}
	k.calls = append(k.calls, def)
	if def.Configured && (len(def.Nodes) != 1 || def.Nodes[0].Op == nil && def.Nodes[0].Graph == nil) {
		k.bad("bad_job", "%s is configured, and is more than one call", def.Key)
	}
	sc.def = k.inPlace(def)
	def = sc.def
	body := def.Body
	if body == nil {
		body = make([]int, len(def.Nodes))
		for i := range body {
			body[i] = i
		}
	}
	sc.body = k.block(sc, body, nil, -1, loops)
	for n := range sc.sites {
		if sc.sites[n].block == nil {
			k.bad("bad_job", "node %s stands in no block", def.Nodes[n].Key)
		}
	}
	for i := range def.Outputs {
		k.check(sc, sc.body, &def.Outputs[i].From, fmt.Sprintf("output %s of %s", def.Outputs[i].Name, def.Key), len(def.Nodes))
	}
	k.collectors(sc)
	k.calls = k.calls[:len(k.calls)-1]
	return sc
}

func (k *compiler) block(sc *scope, nodes []int, outer *block, owner int32, loops int) *block {
	b := &block{nodes: make([]int32, 0, len(nodes)), outer: outer, owner: owner, lo: int32(len(k.g.Nodes))}
	for _, n := range nodes {
		if n < 0 || n >= len(sc.sites) || sc.sites[n].block != nil {
			k.bad("bad_job", "a block of %s has node %d, which is not there or stands elsewhere too", sc.def.Key, n)
			continue
		}
		s := &sc.sites[n]
		*s = site{node: &sc.def.Nodes[n], block: b, place: int32(len(b.nodes)), lo: int32(len(k.g.Nodes))}
		if k.deps != nil && len(k.calls) == 1 {
			s.deps = k.deps[n]
		}
		b.nodes = append(b.nodes, int32(n))
		for _, a := range s.node.After {
			if a < 0 || a >= n || sc.sites[a].block == nil || !b.within(sc.sites[a].block) {
				k.bad("bad_job", "step %s follows node %d, which is no earlier one", sc.path+s.node.Key, a)
				continue
			}
			sc.sites[a].awaited = true
		}
		switch {
		case s.node.Op != nil:
			k.op(sc, n, loops)
		case s.node.Graph != nil:
			k.call(sc, n, loops)
		case s.node.Map != nil:
			k.loop(sc, n, loops)
		case s.node.Branch != nil:
			k.branch(sc, n, loops)
		default:
			k.bad("bad_job", "node %s is neither an op nor a graph, a loop or a branch", sc.path+s.node.Key)
		}
		s.hi = int32(len(k.g.Nodes))
	}
	b.hi = int32(len(k.g.Nodes))
	return b
}

func (k *compiler) op(sc *scope, n, loops int) {
	s := &sc.sites[n]
	op := s.node.Op
	node := Node{Key: sc.path + s.node.Key, Op: op, Calls: append([]*dag.Node{s.node}, k.nodes...), Loops: loops, info: k.c.infoOf(op)}
	node.Tags = tagsOf(op, node.Calls)
	node.identity = k.g.prefix + node.Key
	node.Key = node.identity[len(k.g.prefix):]
	node.Name = node.Key
	if node.info != nil && node.info.store != nil && node.info.store.op == op {
		node.info = node.info.store
	}
	if node.info == nil {
		k.wrong.add("unknown_op", "%s calls %s, which its package does not list; run `go generate ./...` again", k.what, op.Symbol)
	}
	if len(s.node.Inputs) != len(op.Inputs) {
		k.bad("bad_job", "step %s has %d inputs and is given %d", node.Key, len(op.Inputs), len(s.node.Inputs))
	} else {
		for i := range s.node.Inputs {
			if s.node.Inputs[i].Kind == dag.FromRunConfig {
				node.Asked = append(node.Asked, i)
				continue
			}
			k.check(sc, s.block, &s.node.Inputs[i], "input "+op.Inputs[i].Name+" of step "+node.Key, n)
		}
	}
	k.g.Nodes = append(k.g.Nodes, node)
}

func (k *compiler) call(sc *scope, n, loops int) {
	s := &sc.sites[n]
	def := s.node.Graph
	if len(s.node.Inputs) != len(def.Params) {
		k.bad("bad_job", "graph %s has %d parameters and is given %d", def.Key, len(def.Params), len(s.node.Inputs))
	} else {
		for i := range s.node.Inputs {
			k.check(sc, s.block, &s.node.Inputs[i], "parameter "+def.Params[i].Name+" of graph "+sc.path+s.node.Key, n)
		}
	}
	around := k.nodes
	k.nodes = append([]*dag.Node{s.node}, around...)
	s.sub = k.scope(def, sc.path+s.node.Key+separator(def), loops)
	k.nodes = around
}

func (k *compiler) loop(sc *scope, n, loops int) {
	s := &sc.sites[n]
	m := s.node.Map
	what := sc.path + s.node.Key
	k.check(sc, s.block, &m.Over, "the collection of "+what, n)
	for i := range m.Carried {
		k.check(sc, s.block, &m.Carried[i].Init, "the start of "+m.Carried[i].Name+" in "+what, n)
	}
	body := k.block(sc, m.Body, s.block, int32(n), loops+1)
	s = &sc.sites[n]
	s.bodies = []*block{body}
	if m.Key != nil {
		k.check(sc, body, m.Key, "the key of "+what, len(sc.sites))
	}
	for i := range m.Carried {
		k.check(sc, body, &m.Carried[i].Next, "the next "+m.Carried[i].Name+" in "+what, len(sc.sites))
	}
}

func (k *compiler) branch(sc *scope, n, loops int) {
	s := &sc.sites[n]
	br := s.node.Branch
	what := sc.path + s.node.Key
	if len(br.Arms) == 0 || br.Arms[len(br.Arms)-1].When != nil {
		k.bad("bad_job", "branch %s has no last arm without a condition", what)
	}
	for i := range br.Arms {
		arm := &br.Arms[i]
		if arm.When != nil {
			k.check(sc, s.block, arm.When, "a condition of "+what, n)
		} else if i < len(br.Arms)-1 {
			k.bad("bad_job", "branch %s has an arm without a condition before its last one", what)
		}
		body := k.block(sc, arm.Body, s.block, int32(n), loops)
		s.bodies = append(s.bodies, body)
		if len(arm.Yields) != len(br.Outputs) {
			k.bad("bad_job", "branch %s has %d outputs and an arm yields %d", what, len(br.Outputs), len(arm.Yields))
			continue
		}
		for j := range arm.Yields {
			k.check(sc, body, &arm.Yields[j], "output "+br.Outputs[j].Name+" of "+what, len(sc.sites))
		}
	}
}

// outputs is how many values a node gives.
func outputs(n *dag.Node) int {
	switch {
	case n.Op != nil:
		return len(n.Op.Outputs)
	case n.Graph != nil:
		return len(n.Graph.Outputs)
	case n.Map != nil:
		return len(n.Map.Carried)
	case n.Branch != nil:
		return len(n.Branch.Outputs)
	}
	return 0
}

// check finds out whether a binding that stands in block b, at node at, leads to what is there.
func (k *compiler) check(sc *scope, b *block, bind *dag.Binding, what string, at int) {
	k.checkPart(sc, b, bind, what, at, false)
}

func (k *compiler) checkPart(sc *scope, b *block, bind *dag.Binding, what string, at int, part bool) {
	fail := func(why string) { k.bad("bad_job", "%s %s", what, why) }
	loop := func() *site {
		if n := bind.Node; n >= 0 && n < len(sc.sites) && sc.def.Nodes[n].Map != nil {
			for x := b; x != nil; x = x.outer {
				if x.owner == int32(n) {
					return &sc.sites[n]
				}
			}
		}
		fail("takes an element outside of its loop")
		return nil
	}
	parts := func(least, most int) bool {
		if len(bind.Parts) < least || most >= 0 && len(bind.Parts) > most {
			fail(fmt.Sprintf("is made of %d parts", len(bind.Parts)))
			return false
		}
		return true
	}
	switch bind.Kind {
	case dag.FromParam:
		if bind.Param < 0 || bind.Param >= len(sc.def.Params) {
			fail("is no parameter of " + sc.def.Key)
		}
	case dag.FromNode:
		n := bind.Node
		switch {
		case n < 0 || n >= at || n >= len(sc.sites) || sc.sites[n].block == nil || !b.within(sc.sites[n].block) || b.owner == int32(n) || encloses(b, int32(n)):
			fail("does not come from an earlier step")
		case bind.Output < 0 || bind.Output >= outputs(sc.sites[n].node):
			fail("is no output of " + sc.path + sc.sites[n].node.Key)
		}
	case dag.FromElem:
		if s := loop(); s != nil && s.elem == nil {
			s.elem = bind.Type
		}
	case dag.FromKey:
		if s := loop(); s != nil && s.key == nil {
			s.key = bind.Type
		}
	case dag.FromCarried:
		if s := loop(); s != nil && (bind.Output < 0 || bind.Output >= len(s.node.Map.Carried)) {
			fail("is no variable of its loop")
		}
	case dag.FromField, dag.FromParts:
		if (bind.Func == nil || bind.Type == nil) && bind.Kind == dag.FromField || bind.Func == nil {
			fail("has no function that makes it")
		}
		if bind.Kind == dag.FromField {
			parts(1, -1)
		}
	case dag.FromAppend:
		parts(1, -1)
	case dag.FromConcat:
		parts(2, 2)
	case dag.FromSet:
		parts(3, 3)
	case dag.FromMake:
		parts(0, 1)
	case dag.FromPartitions:
		parts(len(bind.Keys), len(bind.Keys))
	case dag.FromLiteral:
		if part && bind.Value == nil && bind.Type == nil {
			fail("has a nil without a type")
		}
	case dag.FromRunConfig:
		fail("takes its value from the run config, which only the input of a step does")
	default:
		fail("is of a kind that this binary does not know")
	}
	if bind.Type == nil && bind.Kind > dag.FromLiteral && bind.Kind != dag.FromRunConfig && bind.Kind != dag.FromCarried {
		fail("has no type")
	}
	for i := range bind.Parts {
		k.checkPart(sc, b, &bind.Parts[i], what, at, true)
	}
}

// encloses reports whether block b stands in a loop or branch.
func encloses(b *block, owner int32) bool {
	for ; b != nil; b = b.outer {
		if b.owner == owner {
			return true
		}
	}
	return false
}

// collectors marks the variables of loops that iterations only add to.
func (k *compiler) collectors(sc *scope) {
	uses := map[[2]int]int{}
	var count func(b *dag.Binding)
	count = func(b *dag.Binding) {
		if b.Kind == dag.FromCarried {
			uses[[2]int{b.Node, b.Output}]++
		}
		for i := range b.Parts {
			count(&b.Parts[i])
		}
	}
	loops := false
	for i := range sc.def.Nodes {
		n := &sc.def.Nodes[i]
		loops = loops || n.Map != nil
		eachBinding(n, count)
	}
	if !loops {
		return
	}
	for n := range sc.sites {
		m := sc.def.Nodes[n].Map
		if m == nil {
			continue
		}
		s := &sc.sites[n]
		s.collect = make([]bool, len(m.Carried))
		for i := range m.Carried {
			next := &m.Carried[i].Next
			switch next.Kind {
			case dag.FromAppend, dag.FromConcat, dag.FromSet:
				base := &next.Parts[0]
				s.collect[i] = base.Kind == dag.FromCarried && base.Node == n && base.Output == i && uses[[2]int{n, i}] == 1
			}
		}
	}
}

// eachBinding calls yield with each binding of a node, parts of bindings left out.
func eachBinding(n *dag.Node, yield func(*dag.Binding)) {
	for i := range n.Inputs {
		yield(&n.Inputs[i])
	}
	if n.Config != nil {
		yield(n.Config)
	}
	if m := n.Map; m != nil {
		yield(&m.Over)
		if m.Key != nil {
			yield(m.Key)
		}
		for i := range m.Carried {
			yield(&m.Carried[i].Init)
			yield(&m.Carried[i].Next)
		}
	}
	if b := n.Branch; b != nil {
		for i := range b.Arms {
			if b.Arms[i].When != nil {
				yield(b.Arms[i].When)
			}
			for j := range b.Arms[i].Yields {
				yield(&b.Arms[i].Yields[j])
			}
		}
	}
}

// keysText lists the keys of nodes for people: "fit[*], score[*]", at most three of them.
func (g *Graph) keysText(nodes []int32) string {
	var b strings.Builder
	for i, n := range nodes {
		if i == 3 {
			fmt.Fprintf(&b, " and %d more", len(nodes)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(g.Nodes[n].Key)
		for range g.Nodes[n].Loops {
			b.WriteString("[*]")
		}
	}
	return b.String()
}
