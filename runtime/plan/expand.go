package plan

import (
	"slices"
	"strconv"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// A frame is one activation of a block: the body of a graph that is called, an iteration of a loop, an arm that is taken.
type frame struct {
	sc     *scope
	block  *block
	up     *frame  // of the block around it in the same graph; nil for the body of a graph
	params []Ref   // of the body of a graph
	outs   []given // by place in the block

	elem, key Ref   // of an iteration
	carried   []Ref // likewise, at its start

	prefix string // of the step keys in the graph
	suffix string // of the step keys here: the keys of the loops around it in the graph, in brackets
	after  []Ref  // what everything here follows
}

// given is what a statement gives.
type given struct {
	step int32 // of the call of an op; -1 if it is no part of the run
	refs []Ref // of everything else
	end  Ref   // where something waits for it: that all of it is done
}

// expander lays out blocks: it makes steps and values of statements. It is the same code while planning and in a run.
type expander struct {
	p     *Plan
	f     *flow
	e     *Evaluator // for what is known without any step
	last  map[*dag.Binding]Ref
	at    *region // that is being filled
	atID  int32
	fresh []int32 // steps that were made and not planned yet
	open  []int32 // regions that wait for what decides about them
}

func newExpander(p *Plan, e *Evaluator) *expander {
	p.flow.nothing = noRef
	return &expander{p: p, f: &p.flow, e: e, last: map[*dag.Binding]Ref{}}
}

// root lays out the body of the job, or the assets.
func (x *expander) root(params []Ref) []Ref {
	g := x.p.Target.Graph
	sc := g.main
	body := x.f.regions.Add()
	*body = region{site: -1, up: -1, state: regionExpanded}
	x.at, x.atID = body, 0
	x.at.items = make([]item, 0, len(g.Nodes))
	fr := &frame{sc: sc, block: sc.body, params: params}
	x.walk(fr)
	outs := make([]Ref, len(sc.def.Outputs))
	for i := range outs {
		outs[i] = x.ref(fr, &sc.def.Outputs[i].From, sc.def.Outputs[i].Type)
	}
	return outs
}

// walk makes what is in the block of a frame.
func (x *expander) walk(fr *frame) {
	fr.outs = make([]given, len(fr.block.nodes))
	for k, n := range fr.block.nodes {
		s := &fr.sc.sites[n]
		out := &fr.outs[k]
		from := len(x.at.items)
		after := x.after(fr, s.node.After)
		switch {
		case s.node.Op != nil:
			out.step = x.op(fr, s, after)
		case s.node.Graph != nil:
			out.refs = x.call(fr, s, after)
		case s.node.Map != nil:
			out.refs = x.loop(fr, n, after)
		default:
			out.refs = x.branch(fr, n, after)
		}
		if out.end = noRef; s.awaited {
			out.end = x.end(x.at.items[from:])
		}
	}
}

// after is what the statement of a frame follows.
func (x *expander) after(fr *frame, nodes []int) []Ref {
	if len(nodes) == 0 {
		return fr.after
	}
	all := slices.Clone(fr.after)
	for _, n := range nodes {
		if g := fr.site(n); g != nil && !g.end.none() {
			all = append(all, g.end)
		}
	}
	return all
}

// end is a value that is there once all of some items are done.
func (x *expander) end(items []item) Ref {
	var parts []Ref
	for _, it := range items {
		switch {
		case it.step >= 0:
			parts = append(parts, Ref{From: Vertex(it.step), Out: -1})
		case it.region >= 0:
			r := x.f.region(it.region)
			cell := x.f.addValue(value{kind: valueCell, region: it.region})
			r.cells = append(r.cells, cell.From)
			parts = append(parts, cell)
		}
	}
	switch len(parts) {
	case 0:
		return noRef
	case 1:
		return parts[0]
	}
	return x.f.addValue(value{kind: valueBarrier, parts: parts})
}

func (x *expander) op(fr *frame, s *site, after []Ref) int32 {
	t := x.p.Target
	if !t.wanted[s.lo] {
		return -1
	}
	i := x.f.steps.Len()
	st := x.f.steps.Add()
	n := &t.Graph.Nodes[s.lo]
	*st = Step{Node: n, work: &idle, Key: n.Key, Index: i, Place: s.lo, Hidden: !t.selected[s.lo], Recorded: true, Partition: n.Partition, After: after, region: x.atID, ord: int32(len(x.at.items))}
	if fr.suffix == "" && len(fr.prefix)+len(s.node.Key) == len(n.Key) { // no loop is around it
		st.Identity = n.identity
	} else {
		st.Identity = t.Graph.prefix + fr.prefix + s.node.Key + fr.suffix
	}
	st.Key = st.Identity[len(t.Graph.prefix):]
	st.Inputs = x.f.refs.cut(len(s.node.Inputs))
	for k := range s.node.Inputs {
		st.Inputs[k] = x.input(fr, s, k)
	}
	if len(s.deps) > 0 {
		st.Deps = x.f.refs.cut(len(s.deps))
		for k := range s.deps {
			st.Deps[k] = x.ref(fr, &s.deps[k], nil)
		}
	}
	x.at.items = append(x.at.items, item{step: int32(i), region: -1})
	x.f.join(st)
	x.fresh = append(x.fresh, int32(i))
	return int32(i)
}

func (x *expander) input(fr *frame, s *site, k int) Ref {
	b, in := &s.node.Inputs[k], &s.node.Op.Inputs[k]
	if b.Kind == dag.FromRunConfig {
		return x.given(s, in)
	}
	r := x.ref(fr, b, in.Type)
	if in.Unwrap {
		r = x.value(value{kind: valueUnwrap, typ: in.Type, bind: b, parts: []Ref{r}})
	}
	return r
}

// given is an input whose value the run config says.
func (x *expander) given(s *site, in *dag.Input) Ref {
	v := x.p.builder.Inputs[x.p.Target.Graph.Nodes[s.lo].ConfigKey()][in.Name]
	return x.f.addValue(value{kind: valueKnown, steady: true, typ: in.Type, result: result{known: v}})
}

func (x *expander) call(fr *frame, s *site, after []Ref) []Ref {
	sub := &frame{sc: s.sub, block: s.sub.body, params: make([]Ref, len(s.node.Inputs)), prefix: fr.prefix + s.node.Key + fr.suffix + separator(s.node.Graph), after: after}
	for i := range s.node.Inputs {
		if s.node.Graph.Params[i].Config != nil { // no data: see Graph.Configs
			sub.params[i] = noRef
			continue
		}
		sub.params[i] = x.ref(fr, &s.node.Inputs[i], s.node.Graph.Params[i].Type)
	}
	x.walk(sub)
	outs := make([]Ref, len(s.sub.def.Outputs))
	for i := range outs {
		outs[i] = x.ref(sub, &s.sub.def.Outputs[i].From, s.sub.def.Outputs[i].Type)
	}
	if key := fr.prefix + s.node.Key; fr.suffix == "" && key+separator(s.node.Graph) == s.sub.path { // no loop is around it
		if x.p.calls == nil {
			x.p.calls = map[string][]Ref{}
		}
		x.p.calls[key] = outs
	}
	return outs
}

func (x *expander) loop(fr *frame, n int32, after []Ref) []Ref {
	s := &fr.sc.sites[n]
	over := x.ref(fr, &s.node.Map.Over, s.node.Map.Over.Type)
	if over.none() {
		return repeat(noRef, len(s.node.Map.Carried))
	}
	inner := *fr
	inner.after = after
	sp, ok, err := x.e.over(over, false)
	if err == nil && ok && s.node.Map.Key != nil {
		for i := range sp.items { // a key may need the value of an element that is still to be computed
			ok = ok && sp.items[i].ref.none()
		}
	}
	if err == nil && ok {
		err = x.e.name(sp, &inner, n)
		if err == nil {
			return x.iterate(&inner, n, sp)
		}
	}
	return x.pending(&inner, n, []Ref{over}, len(s.node.Map.Carried))
}

// iterate makes the iterations of a loop and returns what it carries out.
func (x *expander) iterate(fr *frame, n int32, sp *spread) []Ref {
	s := &fr.sc.sites[n]
	m := s.node.Map
	carried := make([]Ref, len(m.Carried))
	for i := range carried {
		carried[i] = x.ref(fr, &m.Carried[i].Init, m.Carried[i].Type)
	}
	added := make([][]Ref, len(carried)) // to the variables that are only added to
	for i := range sp.items {
		it := &sp.items[i]
		name := strconv.Itoa(i)
		if sp.named != nil {
			name = dag.MappingKey(sp.named[i])
		}
		child := &frame{sc: fr.sc, block: s.bodies[0], up: fr, carried: carried, after: fr.after, prefix: fr.prefix, suffix: fr.suffix + "[" + name + "]"}
		if s.elem != nil {
			if child.elem = it.ref; it.ref.none() {
				child.elem = x.known(s.elem, it.val.Interface())
			}
		}
		if s.key != nil {
			switch {
			case it.key.IsValid():
				child.key = x.known(s.key, it.key.Interface())
			case sp.numbers:
				child.key = x.known(s.key, it.val.Interface())
			default:
				child.key = x.known(s.key, i)
			}
		}
		x.walk(child)
		next := carried
		for k := range m.Carried {
			b := &m.Carried[k].Next
			if s.collect[k] {
				for j := range b.Parts[1:] {
					added[k] = append(added[k], x.ref(child, &b.Parts[j+1], b.Parts[j+1].Type))
				}
				continue
			}
			if len(next) > 0 && &next[0] == &carried[0] {
				next = slices.Clone(carried)
			}
			next[k] = x.ref(child, b, m.Carried[k].Type)
		}
		carried = next
	}
	for k := range m.Carried {
		if len(added[k]) > 0 {
			b := &m.Carried[k].Next
			carried[k] = x.value(value{kind: kindOf(b.Kind), typ: b.Type, bind: b, parts: append([]Ref{carried[k]}, added[k]...)})
		}
	}
	return carried
}

func (x *expander) known(t *dag.Type, v any) Ref {
	return x.f.addValue(value{kind: valueKnown, steady: true, typ: t, result: result{known: v}})
}

func (x *expander) branch(fr *frame, n int32, after []Ref) []Ref {
	s := &fr.sc.sites[n]
	br := s.node.Branch
	inner := *fr
	inner.after = after
	var conditions []Ref
	for i := range br.Arms {
		if br.Arms[i].When != nil {
			c := x.ref(fr, br.Arms[i].When, br.Arms[i].When.Type)
			if c.none() {
				return repeat(noRef, len(br.Outputs))
			}
			conditions = append(conditions, c)
		}
	}
	if arm, ok := x.steadyArm(conditions); ok {
		return x.take(&inner, n, arm)
	}
	return x.pending(&inner, n, conditions, len(br.Outputs))
}

// steadyArm chooses an arm by conditions that are known before any step runs.
func (x *expander) steadyArm(conditions []Ref) (arm int, ok bool) {
	for i, c := range conditions {
		v, known := x.e.plain(c)
		yes, is := v.(bool)
		if !known || !is {
			return 0, false
		}
		if yes {
			return i, true
		}
	}
	return len(conditions), true
}

// take makes an arm of a branch and returns what it yields. What the other arms would make is shown as skipped.
func (x *expander) take(fr *frame, n int32, arm int) []Ref {
	s := &fr.sc.sites[n]
	br := s.node.Branch
	var outs []Ref
	for i := range br.Arms {
		if i != arm {
			x.shown(fr, s.bodies[i], func(st *Step) {
				st.Action, st.Reasons = Skip, branchNotTaken
				x.at.items = append(x.at.items, item{step: -1, region: -1, shown: st})
			})
			continue
		}
		child := &frame{sc: fr.sc, block: s.bodies[i], up: fr, after: fr.after, prefix: fr.prefix, suffix: fr.suffix}
		x.walk(child)
		outs = make([]Ref, len(br.Outputs))
		for j := range outs {
			outs[j] = x.ref(child, &br.Arms[i].Yields[j], br.Outputs[j].Type)
		}
	}
	return outs
}

var branchNotTaken = []Reason{{ReasonBranch, "another arm of the branch is taken"}}

// pending leaves a loop or branch for later, and returns cells for what it will give.
func (x *expander) pending(fr *frame, n int32, decides []Ref, outputs int) []Ref {
	id := int32(x.f.regions.Len())
	r := x.f.regions.Add()
	*r = region{frame: fr, site: n, up: x.atID, ord: int32(len(x.at.items)), depth: x.at.depth + 1}
	r.control = x.f.addValue(value{kind: valueControl, parts: decides, region: id}).From
	x.at.items = append(x.at.items, item{step: -1, region: id})
	outs := make([]Ref, outputs)
	for i := range outs {
		outs[i] = x.f.addValue(value{kind: valueCell, region: id})
		r.cells = append(r.cells, outs[i].From)
	}
	x.open = append(x.open, id)
	return outs
}

// shown makes steps that are only shown of all that is in a block.
func (x *expander) shown(fr *frame, b *block, yield func(*Step)) {
	x.f.show(x.p.Target, fr.sc, b, fr.prefix, fr.suffix, yield)
}

func (f *flow) show(t *Target, sc *scope, b *block, prefix, suffix string, yield func(*Step)) {
	for _, n := range b.nodes {
		s := &sc.sites[n]
		switch {
		case s.node.Op != nil:
			if t.selected[s.lo] {
				yield(&Step{Node: &t.Graph.Nodes[s.lo], work: &idle, Key: prefix + s.node.Key + suffix, Index: -1, Place: s.lo})
			}
		case s.node.Graph != nil:
			f.show(t, s.sub, s.sub.body, prefix+s.node.Key+suffix+separator(s.node.Graph), "", yield)
		case s.node.Map != nil:
			f.show(t, sc, s.bodies[0], prefix, suffix+"[*]", yield)
		default:
			for _, arm := range s.bodies {
				f.show(t, sc, arm, prefix, suffix, yield)
			}
		}
	}
}

func repeat(r Ref, n int) []Ref {
	all := make([]Ref, n)
	for i := range all {
		all[i] = r
	}
	return all
}
