package plan

import (
	"errors"
)

// A wave is how far the planning of a batch of steps is: those of the whole plan, or what is added to it in a run. Whatever has all that it takes decided
// is decided next, and loops and branches are expanded as soon as it is known what they go over.
type wave struct {
	batch      []*Step
	firstStep  int // what comes before was planned before
	firstValue int
	values     []valueState // from firstValue
	ready      []*Step      // what can be decided
	regions    []int32      // whose control is settled
	stack      []Vertex
	started    bool // the run has begun: what cannot be loaded is restored by it
}

// valueState is how far a value is while steps are decided.
type valueState struct {
	missing int32
	settled bool
	skip    bool // what it is made of is skipped
}

// enqueue takes new steps and values into the wave.
func (b *builder) enqueue(fresh []*Step) {
	f := &b.plan.flow
	from := len(b.values) + b.firstValue
	for len(b.values)+b.firstValue < f.values.Len() {
		b.values = append(b.values, valueState{})
	}
	for i := from; i < f.values.Len(); i++ {
		v := f.values.At(i)
		st := &b.values[i-b.firstValue]
		if v.kind == valueCell && f.region(v.region).state != regionExpanded {
			st.missing = 1 // its region
		}
		if v.kind != valueBarrier {
			for _, r := range v.parts {
				if !b.settled(r) {
					st.missing++
				}
			}
		}
	}
	for _, s := range fresh {
		for k := range s.Versions {
			if !b.settled(s.ref(k)) {
				s.missing++
			}
		}
		for _, r := range s.After {
			if b.checks(r.From) && !b.settled(r) {
				s.missing++
			}
		}
	}
	for i := from; i < f.values.Len(); i++ {
		if st := &b.values[i-b.firstValue]; st.missing == 0 && !st.settled {
			b.settleValue(^Vertex(i))
		}
	}
	for _, s := range fresh {
		if s.missing == 0 && !s.decided {
			b.ready = append(b.ready, s)
			s.missing = -1
		}
	}
}

// settled reports whether it is decided what is known of r.
func (b *builder) settled(r Ref) bool {
	switch {
	case r.none():
		return true
	case r.From >= 0:
		return int(r.From) < b.firstStep || b.plan.flow.step(r.From).decided
	}
	i := int(^r.From) - b.firstValue
	return i < 0 || i < len(b.values) && b.values[i].settled
}

// settleValue says that all is known of a value that will be.
func (b *builder) settleValue(v Vertex) {
	b.stack = append(b.stack, v)
	b.drain()
}

// settle says that a step is decided.
func (b *builder) settle(s *Step) {
	s.decided = true
	b.release(Vertex(s.Index))
	b.drain()
}

// drain settles the values on the stack and what has all that it is made of with that.
func (b *builder) drain() {
	f := &b.plan.flow
	for len(b.stack) > 0 {
		v := b.stack[len(b.stack)-1]
		b.stack = b.stack[:len(b.stack)-1]
		i := int(^v) - b.firstValue
		if i < 0 || b.values[i].settled {
			continue
		}
		st, x := &b.values[i], f.value(v)
		st.settled = true
		if x.kind != valueBarrier {
			for _, r := range x.parts {
				st.skip = st.skip || b.skips(r)
			}
		}
		if x.kind == valueControl {
			b.regions = append(b.regions, x.region)
		}
		b.release(v)
	}
}

// release counts v as settled with all that take from it; values that have all they are made of go on the stack.
func (b *builder) release(v Vertex) {
	b.plan.flow.downstream(v, func(to Vertex, order bool) {
		switch {
		case order && !b.checks(v): // what is only a matter of order decides nothing
		case to < 0:
			i := int(^to) - b.firstValue
			if i < 0 || i >= len(b.values) || b.values[i].settled {
				return
			}
			if b.values[i].missing--; b.values[i].missing == 0 {
				b.stack = append(b.stack, to)
			}
		case int(to) >= b.firstStep:
			s := b.plan.flow.step(to)
			if s.decided {
				return
			}
			if s.missing--; s.missing == 0 {
				s.missing = -1
				b.ready = append(b.ready, s)
			}
		}
	})
}

// skips reports whether what r leads to is skipped.
func (b *builder) skips(r Ref) bool {
	switch {
	case r.none():
		return false
	case r.From >= 0:
		return b.plan.flow.step(r.From).Action == Skip
	}
	i := int(^r.From) - b.firstValue
	return i >= 0 && i < len(b.values) && b.values[i].skip
}

// open expands the regions whose control is settled and known. In a run that is left to those who do the steps.
func (b *builder) open() error {
	for len(b.regions) > 0 {
		regions := b.regions
		b.regions = nil
		if b.started {
			for _, id := range regions {
				b.close(id)
			}
			continue
		}
		var known []*Expansion
		for _, id := range regions {
			x, err := b.expansion(id)
			if err != nil {
				return err
			}
			if x != nil {
				known = append(known, x)
			} else {
				b.close(id)
			}
		}
		if known == nil {
			continue
		}
		var ended []Vertex
		for _, x := range known {
			ended = append(ended, b.expand(x)...)
		}
		if err := b.prepare(); err != nil {
			return err
		}
		for _, cell := range ended {
			b.settleValue(cell)
		}
	}
	return nil
}

// expansion finds out what a region becomes; nil if that is not known yet.
func (b *builder) expansion(id int32) (*Expansion, error) {
	r := b.plan.flow.region(id)
	control := b.plan.flow.value(r.control)
	for _, p := range control.parts {
		known, err := b.eval.known(p)
		if err == nil && !known {
			return nil, nil
		}
		if err != nil {
			return nil, b.unknown(r, err)
		}
	}
	x, err := b.plan.Examine(r.control, b.eval)
	if err != nil {
		return nil, b.unknown(r, err)
	}
	return x, nil
}

// unknown notes why a region cannot be expanded while planning. It is tried again in the run, where it fails.
func (b *builder) unknown(r *region, err error) error {
	var again *unreadable
	switch {
	case errors.As(err, &again) && !again.hidden:
		return err
	case errors.Is(err, ErrNil):
	default:
		r.err = err
	}
	return nil
}

// close settles what a region gives that is not expanded while planning.
func (b *builder) close(id int32) {
	r := b.plan.flow.region(id)
	i := int(^r.control) - b.firstValue
	for _, c := range r.cells {
		if k := int(^c) - b.firstValue; k >= 0 && i >= 0 {
			b.values[k].skip = b.values[i].skip
		}
		b.settleValue(c)
	}
}

// expand lays out a region. It returns the cells that lead to what was settled before.
func (b *builder) expand(x *Expansion) (ended []Vertex) {
	for _, cell := range b.plan.lay(x) {
		i := int(^cell) - b.firstValue
		if i < 0 || i >= len(b.values) {
			continue
		}
		if c := b.plan.flow.value(cell); b.settled(c.parts[0]) {
			ended = append(ended, cell)
		} else {
			b.values[i].missing = 1
		}
	}
	return ended
}
