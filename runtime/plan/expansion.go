package plan

import (
	"context"
	"fmt"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// An Expansion is what a loop or a branch has turned out to be: its elements, or the arm that is taken.
type Expansion struct {
	region int32
	spread *spread // of a loop
	arm    int     // of a branch
	empty  bool    // nothing in it is part of the run
}

// Nowhere returns the expansion of a region if what decides about it is made of what is no part of the run, because of a selection; otherwise nil.
// Then nothing that is in the region is a part of it either.
func (p *Plan) Nowhere(control Vertex) *Expansion {
	f := &p.flow
	stack := slices.Clone(f.value(control).parts)
	seen := map[Vertex]bool{}
	for len(stack) > 0 {
		r := f.follow(stack[len(stack)-1])
		stack = stack[:len(stack)-1]
		if r.From >= 0 || r.none() || seen[r.From] {
			continue
		}
		seen[r.From] = true
		v := f.value(r.From)
		if v.kind == valueNothing {
			return &Expansion{region: f.value(control).region, empty: true}
		}
		stack = append(stack, v.parts...)
	}
	return nil
}

// Examine finds out what the region becomes that a value decides about, all of which must be known. It runs code of the body.
func (p *Plan) Examine(control Vertex, e *Evaluator) (*Expansion, error) {
	v := p.flow.value(control)
	r := p.flow.region(v.region)
	x := &Expansion{region: v.region}
	node := r.frame.sc.sites[r.site].node
	if node.Map != nil {
		s, _, err := e.over(v.parts[0], true)
		if err == nil {
			err = e.name(s, r.frame, r.site)
		}
		x.spread = s
		return x, err
	}
	x.arm = len(v.parts)
	for i, c := range v.parts {
		yes, err := e.True(c)
		if err != nil {
			return nil, err
		}
		if yes {
			x.arm = i
			break
		}
	}
	return x, nil
}

// lay makes the steps and values of an expansion, and returns the cells of its region, which lead to them now.
func (p *Plan) lay(x *Expansion) []Vertex {
	f := &p.flow
	r := f.region(x.region)
	l := p.builder.lay
	l.at, l.atID = r, x.region
	fr := r.frame
	r.name = r.key()
	r.state, r.frame, r.err = regionExpanded, nil, nil
	var outs []Ref
	switch {
	case x.empty:
		outs = repeat(noRef, len(r.cells))
	case x.spread != nil:
		outs = l.iterate(fr, r.site, x.spread)
	default:
		outs = l.take(fr, r.site, x.arm)
	}
	var end Ref
	if len(r.cells) > len(outs) {
		end = l.end(r.items)
	}
	for k, c := range r.cells {
		if k < len(outs) {
			f.resolve(c, outs[k])
		} else {
			f.resolve(c, end)
		}
	}
	return r.cells
}

// A Growth is what an expansion added to a plan in a run.
type Growth struct {
	FirstStep, Steps   int      // the index of the first new step, and how many there are
	FirstValue, Values int      // likewise
	Cells              []Vertex // what leads to something now
	Skipped            []*Step  // arms that are not taken, as they are shown
	More               int      // how many more steps are shown than before
}

// Lay adds what an expansion turned out to be. Nobody may read edges meanwhile.
func (p *Plan) Lay(x *Expansion) *Growth {
	r := p.flow.region(x.region)
	g := &Growth{FirstStep: p.Len(), FirstValue: p.Values(), More: -p.flow.count(p.Target, r)}
	g.Cells = p.lay(x)
	g.Steps, g.Values = p.Len()-g.FirstStep, p.Values()-g.FirstValue
	g.More += p.flow.count(p.Target, r)
	for _, it := range r.items {
		if it.shown != nil {
			g.Skipped = append(g.Skipped, it.shown)
		}
	}
	return g
}

// Decide plans what was added, as [Build] does: with the same look-ups for all of it, or without any, which leaves it open what runs. read tells about the
// steps that were there before. Only one call of Lay or Decide may go on at a time.
func (p *Plan) Decide(ctx context.Context, g *Growth, read Reader, look bool) error {
	b := p.builder
	b.ctx, b.eval = ctx, p.Evaluator(later{planned{b}, read, g.FirstStep})
	b.wave = wave{firstStep: g.FirstStep, firstValue: g.FirstValue, started: true}
	if !look {
		return b.unlooked()
	}
	for _, phase := range []func() error{b.prepare, b.decide, b.explain} {
		if err := phase(); err != nil {
			return err
		}
	}
	return nil
}

// Fail notes why the loop or branch that a value decides about cannot be expanded in the run.
func (p *Plan) Fail(control Vertex, err error) {
	p.flow.region(p.flow.value(control).region).failed = err
}

// planned reads what steps give from what is decided about them.
type planned struct{ *builder }

// Version returns the version of an output.
func (b planned) Version(s *Step, out int32) canon.Digest {
	if s.Action == Skip {
		return canon.Digest{}
	}
	return s.Outputs[max(0, out)]
}

// Data returns the data version of an output as it is stored now.
func (b planned) Data(s *Step, out int32) canon.Digest {
	switch {
	case s.source():
		return s.Observed.Data
	case s.Action != Reuse:
		return canon.Digest{}
	case out < 0:
		return b.hash.Nothing(s.Record.Content)
	}
	return OutputOf(s.Record, s.Op.Outputs[out].Name).DataVersion
}

// Load returns an output as it is stored now.
func (b planned) Load(s *Step, out int32) (any, error) {
	def := &s.Op.Outputs[out]
	if s.source() {
		return b.eval.own(def.Type, s.Observed.Value)
	}
	stored := OutputOf(s.Record, def.Name)
	v, err := b.look.Load(b.ctx, s, stored, def.Type)
	if err != nil {
		return nil, &unreadable{s.Key, fmt.Sprintf("stored output %s cannot be used: %v", def.Name, err), s.Hidden}
	}
	return v, nil
}

// later reads steps of before from one reader and those that are being planned from another.
type later struct {
	planned
	before Reader
	first  int
}

func (l later) of(s *Step) Reader {
	if s.Index < l.first {
		return l.before
	}
	return l.planned
}

// Version returns the version of an output.
func (l later) Version(s *Step, out int32) canon.Digest { return l.of(s).Version(s, out) }

// Data returns the data version of an output.
func (l later) Data(s *Step, out int32) canon.Digest { return l.of(s).Data(s, out) }

// Load returns an output.
func (l later) Load(s *Step, out int32) (any, error) { return l.of(s).Load(s, out) }
