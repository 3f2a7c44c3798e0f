package plan

import (
	"fmt"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// decide gives every step its action. Records are fetched by step version in one batch; a second look, by content, is taken level by
// level and only for steps whose inputs are all known and whose record is not a hit.
func (b *builder) decide() error {
	if err := b.forced(); err != nil {
		return err
	}
	if err := b.fetch(); err != nil {
		return err
	}
	var pending []*Step
	for _, level := range b.Target.Graph.levels {
		pending = pending[:0]
		for _, i := range level {
			s := b.plan.All[i]
			if s == nil {
				continue
			}
			if s.source() || s.Hidden {
				continue
			}
			if !b.inputs(s) {
				s.Action = Maybe
				if s.Force {
					s.Action = Run
				}
				continue
			}
			s.Content = b.hash.Content(s, s.Data)
			if s.Force || b.look == nil {
				s.Action = Run
				continue
			}
			if rec := b.byStep[s.Version]; rec != nil && rec.Content == s.Content {
				b.take(s, rec)
				continue
			}
			pending = append(pending, s)
		}
		if err := b.byContent(pending); err != nil {
			return err
		}
		b.check(level)
	}
	return nil
}

// forced marks the steps that run whatever is stored, and settles sources.
func (b *builder) forced() error {
	memoizable := map[string]bool{"": true}
	for _, s := range b.plan.Steps {
		if s.source() {
			continue
		}
		can, known := memoizable[s.Op.IO]
		if !known {
			can = true
			if b.look != nil {
				var err error
				if can, err = b.look.Memoizable(b.ctx, s.Op.IO); err != nil {
					return err
				}
			}
			memoizable[s.Op.IO] = can
		}
		s.force(!b.memo, ReasonNoMemo, b.off)
		s.force(s.Op.Volatile, ReasonVolatile, "marked volatile: it always runs")
		if !can {
			s.force(true, ReasonNotMemoizable, fmt.Sprintf("its IO manager %q has no HasOutput, so nobody can say whether its output is stored", s.Op.IO))
		}
		if s.static.replaced {
			s.force(true, ReasonReplaced, "a resource it needs is a value given from outside, whose version is not known")
			s.Recorded = false
		}
	}
	return nil
}

func (s *Step) force(yes bool, code, text string) {
	if yes {
		s.Force = true
		s.Reasons = append(s.Reasons, Reason{code, text})
	}
}

// fetch gets the records of all step versions at once, and what is stored of sources and hidden steps.
func (b *builder) fetch() error {
	var identities []string
	for _, i := range b.Target.Sources {
		identities = append(identities, b.plan.All[i].Identity)
	}
	var latest map[string]*storage.Record
	if b.look != nil && len(identities) > 0 {
		var err error
		if latest, err = b.look.Latest(b.ctx, identities); err != nil {
			return err
		}
	}
	for _, i := range b.Target.Sources {
		s := b.plan.All[i]
		s.Latest = latest[s.Identity]
		s.Action = Run
		if s.Observed.Err == nil && s.Latest != nil && s.Latest.Content == s.Content {
			s.Record = s.Latest
			if b.memo {
				s.Action = Reuse
			}
		}
	}
	if b.look == nil {
		return nil
	}
	if !b.memo {
		return nil
	}
	versions := make([]canon.Digest, 0, len(b.plan.Steps))
	for _, s := range b.plan.Steps {
		if !s.Force && !s.source() && !s.Version.IsZero() {
			versions = append(versions, s.Version)
		}
	}
	if len(versions) == 0 {
		return nil
	}
	var err error
	b.byStep, err = b.look.RecordsByStep(b.ctx, versions)
	return err
}

// inputs fills in the data versions of a step's inputs; it reports false where one is not known because a step must run first.
func (b *builder) inputs(s *Step) bool {
	known := !s.Version.IsZero()
	for k := range s.Node.Inputs {
		if e := &s.Node.Inputs[k]; e.Kind == FromStep {
			s.Data[k] = b.data(e)
			known = known && !s.Data[k].IsZero()
		}
	}
	for k := range s.Deps {
		d := b.data(&s.Deps[k])
		s.Data[len(s.Inputs)+k] = d
		known = known && !d.IsZero()
	}
	return known
}

// data is the data version of an output as it is stored now, or zero.
func (b *builder) data(e *Edge) canon.Digest {
	up := b.plan.All[e.Node]
	switch {
	case up.source():
		return up.Observed.Data
	case up.Action != Reuse:
		return canon.Digest{}
	case e.Output < 0:
		return b.hash.Nothing(up.Record.Content)
	}
	return OutputOf(up.Record, up.Op.Outputs[e.Output].Name).DataVersion
}

// byContent looks for records of equal content, which other causes have led to.
func (b *builder) byContent(pending []*Step) error {
	if len(pending) == 0 {
		return nil
	}
	contents := make([]canon.Digest, len(pending))
	for k, s := range pending {
		contents[k] = s.Content
	}
	found, err := b.look.RecordsByContent(b.ctx, contents)
	if err != nil {
		return err
	}
	for _, s := range pending {
		if rec := found[s.Content]; rec != nil {
			b.take(s, rec)
			s.fresh = s.Record != nil
			s.Note = s.Note || s.fresh
		} else {
			s.Action = Run
		}
	}
	return nil
}

// take reuses a record of the right content if it holds what the op gives now.
func (b *builder) take(s *Step, rec *storage.Record) {
	s.Action = Run
	if s.problem = Unfit(s.Op, rec); s.problem.Code != "" {
		return
	}
	s.Action, s.Record = Reuse, rec
	s.Note = !rec.Newest || rec.Identity != s.Identity
}

// Unfit says why a record of the right content cannot stand for a step of op; its code is empty if it can.
func Unfit(op *dag.Op, rec *storage.Record) Reason {
	for i := range op.Outputs {
		out := OutputOf(rec, op.Outputs[i].Name)
		switch {
		case out == nil:
			return Reason{ReasonDamaged, fmt.Sprintf("output %s is not stored", op.Outputs[i].Name)}
		case out.IO != op.IO:
			return Reason{ReasonIO, ioChanged(out.IO, op.IO)}
		}
	}
	return Reason{}
}

func ioChanged(was, is string) string {
	name := func(io string) string {
		if io == "" {
			return "the default"
		}
		return fmt.Sprintf("%q", io)
	}
	return fmt.Sprintf("stored by IO manager %s, the op has %s now", name(was), name(is))
}

// check makes the steps of a level run whose stored outputs cannot be loaded, before anything below relies on them.
func (b *builder) check(level []int32) {
	var stored []Stored
	for _, i := range level {
		if s := b.plan.All[i]; s != nil && s.Action == Reuse && !s.source() && !s.Hidden && len(s.Record.Outputs) > 0 {
			if stored == nil {
				stored = make([]Stored, 0, len(level))
			}
			stored = append(stored, Stored{s, s.Record})
		}
	}
	if len(stored) == 0 {
		return
	}
	for k, problem := range b.look.Check(b.ctx, stored) {
		if s := stored[k].Step; problem != "" {
			s.Action, s.Record, s.Note, s.problem = Run, nil, false, Reason{ReasonDamaged, problem}
			s.Broken = stored[k].Record
		}
	}
}
