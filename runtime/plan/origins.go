package plan

import (
	"slices"

	"github.com/dagstergen/dagstergen/runtime/dag"
)

// An origin is the nodes that a value may come from, ascending.
type origin []int32

// with returns the union of o and others.
func (o origin) with(others ...origin) origin {
	for _, p := range others {
		switch {
		case len(p) == 0:
		case len(o) == 0:
			o = p
		case len(p) == 1:
			if at, found := slices.BinarySearch(o, p[0]); !found {
				o = slices.Insert(slices.Clone(o), at, p[0])
			}
		default:
			all := append(slices.Clone(o), p...)
			slices.Sort(all)
			o = slices.Compact(all)
		}
	}
	return o
}

// origins finds out what each node takes from, by going through bodies once, and through those of loops until nothing is added.
type origins struct{ *compiler }

// surroundings are what the bindings of a scope lead to.
type surroundings struct {
	params  []origin
	configs []*ConfigSource // of config parameters
	outs    [][]origin      // by node, then by output
	over    []origin        // by loop
	carried [][]origin      // by loop, then by variable
	gates   origin          // conditions and collections around the place at hand
	order   origin          // what the place at hand follows
}

func (o *origins) scope(sc *scope, env *surroundings) []origin {
	n := len(sc.sites)
	env.outs, env.over, env.carried = make([][]origin, n), make([]origin, n), make([][]origin, n)
	o.block(sc, sc.body, env)
	outs := make([]origin, len(sc.def.Outputs))
	for i := range outs {
		outs[i] = o.of(&sc.def.Outputs[i].From, env)
	}
	return outs
}

func (o *origins) block(sc *scope, b *block, env *surroundings) {
	for _, n := range b.nodes {
		s := &sc.sites[n]
		outside := env.order
		for _, a := range s.node.After {
			for i := sc.sites[a].lo; i < sc.sites[a].hi; i++ {
				env.order = env.order.with(origin{i})
			}
		}
		switch {
		case s.node.Op != nil:
			o.op(sc, s, int(n), env)
		case s.node.Graph != nil:
			o.call(sc, s, int(n), env)
		case s.node.Map != nil:
			o.loop(sc, s, int(n), env)
		default:
			o.branch(sc, s, int(n), env)
		}
		env.order = outside
	}
}

func (o *origins) op(sc *scope, s *site, n int, env *surroundings) {
	node := &o.g.Nodes[s.lo]
	ups := origin(node.ups).with(env.gates, env.order)
	for i := range s.node.Inputs {
		b := &s.node.Inputs[i]
		from := o.of(b, env)
		ups = ups.with(from)
		if b.Kind > dag.FromNode && b.Kind != dag.FromPartitions {
			if node.from == nil {
				node.from = make([]string, len(s.node.Inputs))
			}
			node.from[i] = o.g.keysText(from)
		}
	}
	for i := range s.deps {
		ups = ups.with(o.of(&s.deps[i], env))
	}
	node.Fixed = sc.def.Configured
	node.ups, node.gates = ups, origin(node.gates).with(env.gates)
	if s.node.Config != nil && node.Passed == nil {
		node.Passed = o.config(s.node.Config, "step "+node.Key, env)
	}
	if env.outs[n] == nil {
		self := origin{s.lo}
		env.outs[n] = make([]origin, max(1, len(s.node.Op.Outputs)))
		for i := range env.outs[n] {
			env.outs[n][i] = self
		}
	}
}

func (o *origins) call(sc *scope, s *site, n int, env *surroundings) {
	inner := &surroundings{gates: env.gates, order: env.order}
	configs := 0
	for i := range s.node.Graph.Params {
		if s.node.Graph.Params[i].Config != nil {
			configs++
		}
	}
	for i := range s.node.Inputs {
		b := &s.node.Inputs[i]
		c := s.node.Graph.Params[i].Config
		if c == nil {
			inner.params, inner.configs = append(inner.params, o.of(b, env)), append(inner.configs, nil)
			continue
		}
		if sc.def.Configured || configs > 1 { // run config has no place for it
			inner.params, inner.configs = append(inner.params, nil), append(inner.configs, o.config(b, "graph "+sc.path+s.node.Key, env))
			continue
		}
		if s.config == nil {
			s.config = &GraphConfig{Key: sc.path + s.node.Key, Config: c, lo: s.lo, hi: s.hi}
			o.g.configs = append(o.g.configs, s.config)
			s.config.From = o.config(b, "graph "+s.config.Key, env)
		}
		inner.params, inner.configs = append(inner.params, nil), append(inner.configs, &ConfigSource{Graph: s.config})
	}
	env.outs[n] = o.scope(s.sub, inner)
}

func (o *origins) loop(sc *scope, s *site, n int, env *surroundings) {
	m := s.node.Map
	env.over[n] = o.of(&m.Over, env)
	gates := env.gates
	env.gates = gates.with(env.over[n])
	carried := make([]origin, len(m.Carried))
	for i := range m.Carried {
		carried[i] = o.of(&m.Carried[i].Init, env)
	}
	env.carried[n] = carried
	for more := true; more; {
		more = false
		o.block(sc, s.bodies[0], env)
		for i := range m.Carried {
			next := carried[i].with(o.of(&m.Carried[i].Next, env))
			more = more || len(next) > len(carried[i])
			carried[i] = next
		}
	}
	env.gates = gates
	env.outs[n] = make([]origin, len(carried))
	for i := range carried { // how many elements there are shows in what is collected
		env.outs[n][i] = carried[i].with(env.over[n])
	}
}

func (o *origins) branch(sc *scope, s *site, n int, env *surroundings) {
	br := s.node.Branch
	gates := env.gates
	var when origin
	for i := range br.Arms {
		if br.Arms[i].When != nil {
			when = when.with(o.of(br.Arms[i].When, env))
		}
	}
	env.gates = gates.with(when)
	outs := make([]origin, len(br.Outputs))
	for i := range outs {
		outs[i] = when
	}
	for i := range br.Arms {
		o.block(sc, s.bodies[i], env)
		for j := range br.Arms[i].Yields {
			outs[j] = outs[j].with(o.of(&br.Arms[i].Yields[j], env))
		}
	}
	env.gates = gates
	env.outs[n] = outs
}

// of returns where a binding may lead.
func (o *origins) of(b *dag.Binding, env *surroundings) origin {
	switch b.Kind {
	case dag.FromParam:
		return env.params[b.Param]
	case dag.FromNode:
		if b.Output < 0 { // an asset without a value that something follows
			return env.outs[b.Node][0]
		}
		return env.outs[b.Node][b.Output]
	case dag.FromElem, dag.FromKey:
		return env.over[b.Node]
	case dag.FromCarried:
		return env.carried[b.Node][b.Output]
	}
	if b.Kind == dag.FromPartitions { // there may be thousands, each of one node
		var all origin
		for i := range b.Parts {
			all = append(all, o.of(&b.Parts[i], env)...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	var all origin
	for i := range b.Parts {
		all = all.with(o.of(&b.Parts[i], env))
	}
	return all
}
