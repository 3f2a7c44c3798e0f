package plan

import "github.com/dagstergen/dagstergen/runtime/dag"

// Flatten returns what was selected in plan order as it is now: steps, lines for loops and branches that are not expanded, and arms that are not taken.
func (p *Plan) Flatten() []*Step {
	all := make([]*Step, 0, p.Len())
	p.flow.list(p.Target, p.flow.region(0), func(s *Step) { all = append(all, s) })
	return all
}

// list calls yield with what a region holds, in plan order.
func (f *flow) list(t *Target, r *region, yield func(*Step)) {
	if r.state != regionExpanded {
		f.showRegion(t, r, yield)
		return
	}
	for i := range r.items {
		switch it := &r.items[i]; {
		case it.shown != nil:
			yield(it.shown)
		case it.region >= 0:
			f.list(t, f.region(it.region), yield)
		default:
			if s := f.step(Vertex(it.step)); !s.Hidden {
				yield(s)
			}
		}
	}
}

// showRegion makes the lines that stand for a region which is not expanded.
func (f *flow) showRegion(t *Target, r *region, yield func(*Step)) {
	fr := r.frame
	s := &fr.sc.sites[r.site]
	suffix := fr.suffix
	if s.node.Map != nil {
		suffix += "[*]"
	}
	if r.failed != nil {
		op := &dag.Op{Key: s.node.Key}
		yield(&Step{Node: &Node{Key: s.node.Key, Op: op}, work: &idle, Key: r.key(), Index: -1, Action: Run, Failure: r.failed})
	}
	for _, b := range s.bodies {
		f.show(t, fr.sc, b, fr.prefix, suffix, func(st *Step) {
			st.Action, st.Region = Maybe, r.control
			if r.err != nil {
				st.Reasons = []Reason{{ReasonInput, r.key() + ": " + r.err.Error()}}
			}
			yield(st)
		})
	}
}

// count is how many lines a region makes.
func (f *flow) count(t *Target, r *region) (n int) {
	f.list(t, r, func(*Step) { n++ })
	return n
}

// Before reports whether one thing comes before another in plan order: a step, or a value that decides about a region, which stands for that.
func (p *Plan) Before(a, b Vertex) bool {
	f := &p.flow
	ra, oa := f.where(a)
	rb, ob := f.where(b)
	for ra != rb {
		if f.region(ra).depth >= f.region(rb).depth {
			ra, oa = f.region(ra).up, f.region(ra).ord
		} else {
			rb, ob = f.region(rb).up, f.region(rb).ord
		}
	}
	if oa != ob {
		return oa < ob
	}
	return a < b
}

func (f *flow) where(v Vertex) (region, ord int32) {
	if v >= 0 {
		s := f.step(v)
		return s.region, s.ord
	}
	r := f.region(f.value(v).region)
	return r.up, r.ord
}
