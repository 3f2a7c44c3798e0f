package plan

import (
	"errors"
	"fmt"
	"maps"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// decide gives every step its action. Records were fetched by step version in one batch; a second look, by content, is taken wave by
// wave and only for steps whose inputs are all known and whose record is not a hit.
func (b *builder) decide() error {
	for {
		if err := b.open(); err != nil {
			return err
		}
		if len(b.ready) == 0 {
			return nil
		}
		steps := b.ready
		b.ready = nil
		if err := b.decideAll(steps); err != nil {
			return err
		}
		for _, s := range steps {
			b.settle(s)
		}
	}
}

// decideAll decides steps, none of which takes anything from another one.
func (b *builder) decideAll(steps []*Step) error {
	candidates := steps[:0:0]
	for _, s := range steps {
		known, err := b.inputs(s)
		switch {
		case err != nil:
			return err
		case s.Action != "":
		case !known:
			s.Action = Maybe
			if s.Force {
				s.Action = Run
			}
		default:
			s.Content = b.hash.Content(s, s.Data)
			s.Action = Run
			if !s.Force && b.look != nil {
				candidates = append(candidates, s)
			}
		}
	}
	if len(candidates) == 0 {
		return nil
	}
	if err := b.fetch(candidates); err != nil {
		return err
	}
	pending := candidates[:0:0]
	for _, s := range candidates {
		if rec := b.byStep[s.Version]; rec != nil && rec.Content == s.Content {
			b.take(s, rec)
			continue
		}
		pending = append(pending, s)
	}
	if err := b.byContent(pending); err != nil {
		return err
	}
	b.check(candidates)
	return b.judge(candidates)
}

// forced settles whether new steps run whatever is stored.
func (b *builder) forced(fresh []*Step) error {
	if b.memoizable == nil {
		b.memoizable = map[string]bool{"": true}
	}
	for _, s := range fresh {
		if s.source() || s.Hidden {
			continue
		}
		if !s.prepared {
			can, known := b.memoizable[s.IO()]
			if !known {
				can = true
				if b.look != nil {
					var err error
					if can, err = b.look.Memoizable(b.ctx, s.IO()); err != nil {
						return err
					}
				}
				b.memoizable[s.IO()] = can
			}
			b.force(s.work, s.Op, s.IO(), can, b.Again[s.Place])
		}
		s.Force, s.Recorded = s.forced != nil, !s.replaced
		s.Reasons = s.forced[:len(s.forced):len(s.forced)]
	}
	return nil
}

// force finds out why the steps of a node run whatever is stored.
func (b *builder) force(w *work, op *dag.Op, io string, memoizable, again bool) {
	w.prepared = true
	because := func(yes bool, code, text string) {
		if yes {
			w.forced = append(w.forced, Reason{code, text})
		}
	}
	because(!b.memo, ReasonNoMemo, b.off)
	because(again, ReasonAgain, "asked to run again")
	because(op.Volatile, ReasonVolatile, "marked volatile: it always runs")
	if !memoizable {
		because(true, ReasonNotMemoizable, fmt.Sprintf("its IO manager %q has no HasOutput, so nobody can say whether its output is stored", io))
	}
	because(w.replaced, ReasonReplaced, "a resource it needs is a value given from outside, whose version is not known")
}

// fetchAll settles what is stored of sources, and gets the records of all step versions at once.
func (b *builder) fetchAll(fresh []*Step) error {
	var sources []*Step
	for _, s := range fresh {
		if s.source() {
			sources = append(sources, s)
		}
	}
	latest, err := b.newest(sources)
	if err != nil {
		return err
	}
	for _, s := range fresh {
		if !s.source() {
			continue
		}
		s.Latest = newestOf(s, latest)
		s.Action, s.decided = Run, true
		if s.Observed.Err == nil && s.Latest != nil && s.Latest.Content == s.Content {
			s.Record = s.Latest
			if b.memo {
				s.Action = Reuse
			}
		}
	}
	return b.fetch(fresh)
}

// fetch gets the records of the versions of steps that were not looked for yet.
func (b *builder) fetch(steps []*Step) error {
	if b.look == nil || !b.memo {
		return nil
	}
	versions := make([]canon.Digest, 0, len(steps))
	for _, s := range steps {
		if !s.fetched && !s.Hidden && !s.Force && !s.source() && !s.Version.IsZero() {
			s.fetched = true
			versions = append(versions, s.Version)
		}
	}
	if len(versions) == 0 {
		return nil
	}
	found, err := b.look.RecordsByStep(b.ctx, versions)
	if b.byStep == nil {
		b.byStep = found
	} else {
		maps.Copy(b.byStep, found)
	}
	return err
}

// inputs fills in the data versions of a step's inputs; it reports false where one is not known because a step must run first. A step that is skipped, or
// that will fail, gets its action here.
func (b *builder) inputs(s *Step) (known bool, err error) {
	for k := range s.Data {
		if b.skips(s.ref(k)) {
			s.Action, s.Reasons = Skip, []Reason{{b.skippedFor(s.ref(k)), fmt.Sprintf("upstream %s is skipped", s.InputFrom(b.plan, k))}}
			return false, nil
		}
	}
	if b.blocked(s) {
		return false, nil
	}
	known = !b.waits(s)
	for k := range s.Data {
		d, err := b.eval.Data(s.ref(k))
		if err != nil {
			if ended, err := b.noInput(s, k, err); ended || err != nil {
				return false, err
			}
		}
		s.Data[k] = d
		known = known && !d.IsZero()
	}
	if known && s.Version.IsZero() {
		if err := s.complete(b.eval, b.hash); err != nil {
			return false, err
		}
	}
	return known, nil
}

// noInput takes in that the data of an input cannot be found out: ended says that the step has its action.
func (b *builder) noInput(s *Step, k int, err error) (ended bool, _ error) {
	var wrong *ValueError
	var lost *unreadable
	switch {
	case errors.Is(err, ErrNil):
		s.Action, s.Reasons = Skip, []Reason{{ReasonNil, fmt.Sprintf("input %s is nil", s.InputName(k))}}
		return true, nil
	case errors.As(err, &wrong):
		s.Action = Run
		s.because(ReasonInput, "input %s: %v", s.InputName(k), wrong)
		s.hopeless = true
		return true, nil
	case errors.As(err, &lost) && (b.started || lost.hidden): // it will be restored
		return false, nil
	}
	return false, err
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
	if why := Unfit(s, rec); why.Code != "" {
		s.problem = []Reason{why}
		return
	}
	s.Action, s.Record = Reuse, rec
	s.Note = !rec.Newest || rec.Identity != s.Identity
}

// Unfit says why a record of the right content cannot stand for a step of op; its code is empty if it can.
func Unfit(s *Step, rec *storage.Record) Reason {
	op, io := s.Op, s.IO()
	for i := range op.Outputs {
		out := OutputOf(rec, op.Outputs[i].Name)
		switch {
		case out == nil:
			return Reason{ReasonDamaged, fmt.Sprintf("output %s is not stored", op.Outputs[i].Name)}
		case out.IO != io:
			return Reason{ReasonIO, ioChanged(out.IO, io)}
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

// check makes the steps run whose stored outputs cannot be loaded, before anything below relies on them.
func (b *builder) check(steps []*Step) {
	var stored []Stored
	for _, s := range steps {
		if s.Action == Reuse && len(s.Record.Outputs) > 0 {
			if stored == nil {
				stored = make([]Stored, 0, len(steps))
			}
			stored = append(stored, Stored{s, s.Record})
		}
	}
	if len(stored) == 0 {
		return
	}
	for k, problem := range b.look.Check(b.ctx, stored) {
		s := stored[k].Step
		if problem == "" {
			problem = b.lost[s.Key]
		}
		if problem != "" {
			s.Action, s.Record, s.Note, s.problem = Run, nil, false, []Reason{{ReasonDamaged, problem}}
			s.Broken = stored[k].Record
		}
	}
}
