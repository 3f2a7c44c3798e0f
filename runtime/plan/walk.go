package plan

// Refs calls yield for everything that a step takes or follows.
func (s *Step) Refs(yield func(r Ref, order bool)) {
	for _, refs := range [2][]Ref{s.Inputs, s.Deps} {
		for _, r := range refs {
			if !r.none() {
				yield(r, false)
			}
		}
	}
	for _, r := range s.After {
		if !r.none() {
			yield(r, true)
		}
	}
}

// Parts calls yield for everything that a value is made of.
func (p *Plan) Parts(v Vertex, yield func(r Ref)) {
	for _, r := range p.flow.value(v).parts {
		if !r.none() {
			yield(r)
		}
	}
}

// Downstream calls yield for each time that something takes from v or follows it.
func (p *Plan) Downstream(v Vertex, yield func(to Vertex)) {
	p.flow.downstream(v, func(to Vertex, _ bool) { yield(to) })
}

// Decides reports whether v decides about a loop or branch that is not expanded.
func (p *Plan) Decides(v Vertex) bool {
	x := p.flow.value(v)
	return x.kind == valueControl && p.flow.region(x.region).state != regionExpanded
}

// Waits reports whether v stands for what a loop or branch will give that is not expanded.
func (p *Plan) Waits(v Vertex) bool {
	x := p.flow.value(v)
	return x.kind == valueCell && len(x.parts) == 0 && p.flow.region(x.region).state != regionExpanded
}

// Open reports whether anything is still to be expanded.
func (p *Plan) Open() bool {
	for i := range p.flow.regions.Len() {
		r := p.flow.region(int32(i))
		if r.state != regionExpanded {
			return true
		}
	}
	return false
}

// Cells are the values that the loop or branch gives which v decides about.
func (p *Plan) Cells(v Vertex) []Vertex { return p.flow.region(p.flow.value(v).region).cells }

// RegionKey names the loop or branch that v decides about, which is not expanded: "outer.for city".
func (p *Plan) RegionKey(v Vertex) string { return p.flow.region(p.flow.value(v).region).key() }

func (r *region) key() string {
	if r.frame == nil {
		return r.name
	}
	return r.frame.prefix + r.frame.sc.sites[r.site].node.Key + r.frame.suffix
}

// Shown calls yield with the lines that stand for the loop or branch which v decides about.
func (p *Plan) Shown(v Vertex, yield func(*Step)) {
	p.flow.showRegion(p.Target, p.flow.region(p.flow.value(v).region), yield)
}

// Follow leads through what stands for others.
func (p *Plan) Follow(r Ref) Ref { return p.flow.follow(r) }

// None reports whether r leads to nothing, because what it would lead to is no part of the run.
func (r Ref) None() bool { return r.none() }

// Outputs are what the job returns.
func (p *Plan) Outputs() []Ref { return p.outs }

// Given is what the graph that is called at a place outside of loops gave, one for each of its outputs: "outer.inner". It is nil where no such graph is called, or
// not in the arm that is taken.
func (p *Plan) Given(call string) []Ref { return p.calls[call] }

// MayFail reports whether making what r leads to runs code of the body, or indexes.
func (p *Plan) MayFail(r Ref) bool {
	f := &p.flow
	stack := []Ref{r}
	seen := map[Vertex]bool{}
	for len(stack) > 0 {
		r := f.follow(stack[len(stack)-1])
		stack = stack[:len(stack)-1]
		if r.none() || r.From >= 0 || seen[r.From] {
			continue
		}
		seen[r.From] = true
		v := f.value(r.From)
		switch v.kind {
		case valueField, valueParts, valueUnwrap, valueSet, valueMake:
			return true
		}
		stack = append(stack, v.parts...)
	}
	return false
}

// Leaves calls yield with each step that r is made from, once, until it returns false.
func (p *Plan) Leaves(r Ref, yield func(*Step) bool) {
	f := &p.flow
	stack := []Ref{r}
	seen := map[Vertex]bool{}
	for len(stack) > 0 {
		r := f.follow(stack[len(stack)-1])
		stack = stack[:len(stack)-1]
		if r.none() || seen[r.From] {
			continue
		}
		seen[r.From] = true
		if r.From < 0 {
			stack = append(stack, f.value(r.From).parts...)
		} else if !yield(f.step(r.From)) {
			return
		}
	}
}

// Forget drops what is known of the values that are made from a step, which is computed again.
func (p *Plan) Forget(step int) {
	f := &p.flow
	stack := []Vertex{Vertex(step)}
	seen := map[Vertex]bool{}
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(stack) > 0 {
		v := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		f.downstream(v, func(to Vertex, _ bool) {
			if to < 0 && !seen[to] {
				seen[to] = true
				f.value(to).result = result{}
				stack = append(stack, to)
			}
		})
	}
}

// Adopt makes a step that was not selected one that can be computed: s is the same step in another plan of the same graph. What it takes that is not in the
// plan is added to it, as stored. Nobody may read edges meanwhile.
func (p *Plan) Adopt(index int, other *Plan, s *Step, byKey func(key string) *Step) (*Step, *Growth) {
	g := &Growth{FirstStep: p.Len(), FirstValue: p.Values()}
	a := adoption{p: p, from: &other.flow, byKey: byKey, values: map[Vertex]Ref{}}
	own := *s
	own.Index, own.down, own.region, own.ord = index, 0, p.At(index).region, p.At(index).ord
	own.Inputs, own.Deps, own.After = a.refs(s.Inputs), a.refs(s.Deps), nil
	g.Steps, g.Values = p.Len()-g.FirstStep, p.Values()-g.FirstValue
	return &own, g
}

type adoption struct {
	p      *Plan
	from   *flow
	byKey  func(key string) *Step
	values map[Vertex]Ref
	added  map[string]*Step
}

func (a *adoption) refs(refs []Ref) []Ref {
	own := make([]Ref, len(refs))
	for i, r := range refs {
		own[i] = a.ref(r)
	}
	return own
}

func (a *adoption) ref(r Ref) Ref {
	r = a.from.follow(r)
	switch {
	case r.none():
		return r
	case r.From >= 0:
		return Ref{From: Vertex(a.step(a.from.step(r.From)).Index), Out: r.Out}
	}
	if own, ok := a.values[r.From]; ok {
		return own
	}
	v := *a.from.value(r.From)
	v.down, v.parts = 0, a.refs(v.parts)
	own := a.p.flow.addValue(v)
	a.values[r.From] = own
	return own
}

func (a *adoption) step(s *Step) *Step {
	if own := a.byKey(s.Key); own != nil {
		return own
	}
	if own := a.added[s.Key]; own != nil {
		return own
	}
	i := a.p.flow.steps.Len()
	own := a.p.flow.steps.Add()
	*own = *s
	own.Index, own.down, own.region, own.ord, own.Hidden, own.Inputs, own.Deps, own.After = i, 0, 0, 0, true, nil, nil, nil
	if a.added == nil {
		a.added = map[string]*Step{}
	}
	a.added[s.Key] = own
	return own
}
