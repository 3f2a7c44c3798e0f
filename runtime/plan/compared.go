package plan

import (
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// compared is how a step stands to what is stored now, of itself and of all that it takes.
type compared struct {
	step   *Step
	now    Freshness
	causes []Cause
	own    bool    // a cause is its own, not one of what it takes
	from   []int32 // nodes whose new data it has not seen

	data    []canon.Digest // of its inputs and deps, as they are stored now
	content canon.Digest   // with that data; zero where something has never been stored
}

// compareNow compares every step of the plan with what is stored now. Whether there is a record of that content is asked of all that the plan could not decide at once.
func (m *statusMaker) compareNow() ([]*compared, error) {
	eval := m.plan.Evaluator(storedNow{planned{m.builder}})
	all := make([]*compared, 0, len(m.plan.Steps))
	var asked []*compared
	for _, s := range m.plan.Steps {
		if s.Index < 0 { // a line for a loop or branch that is not expanded: what is in it is not known
			continue
		}
		c := &compared{step: s, now: Fresh}
		all = append(all, c)
		switch {
		case s.Action == Reuse, s.Action == Skip:
		case s.source():
			if s.Observed.Err != nil {
				c.now, c.own, c.causes = Missing, true, causesOf(s.Reasons)
			}
		case s.hopeless:
			c.now, c.own, c.causes = Stale, true, causesOf(s.Reasons)
		default:
			if m.current(c, eval) && (s.Force || s.Action == Maybe) {
				asked = append(asked, c)
			} else {
				m.differs(c)
			}
		}
	}
	for _, s := range m.plan.Steps { // what was found out is no part of the plan
		if s.Index >= 0 && s.Action != Reuse && !s.source() {
			m.plan.Forget(s.Index)
		}
	}
	return all, m.lookUp(asked)
}

// current fills in the data that a step would be given now; it reports whether all of it is known.
func (m *statusMaker) current(c *compared, eval *Evaluator) bool {
	s := c.step
	c.data = make([]canon.Digest, len(s.Data))
	known := true
	for k := range s.Data {
		if c.data[k] = s.Data[k]; c.data[k].IsZero() {
			c.data[k], _ = eval.Data(s.ref(k)) // a value that cannot be made now is not known, whatever the reason
		}
		known = known && !c.data[k].IsZero()
	}
	if known {
		c.content = m.hash.Content(s, c.data)
	}
	return known
}

// lookUp finds out which steps are stored with the content that they have now.
func (m *statusMaker) lookUp(asked []*compared) error {
	if len(asked) == 0 || m.look == nil {
		for _, c := range asked {
			m.differs(c)
		}
		return nil
	}
	contents := make([]canon.Digest, len(asked))
	for i, c := range asked {
		contents[i] = c.content
	}
	found, err := m.look.RecordsByContent(m.ctx, contents)
	if err != nil {
		return err
	}
	var stored []Stored
	var at []*compared
	for _, c := range asked {
		rec := found[c.content]
		if rec == nil {
			m.differs(c)
			continue
		}
		if why := Unfit(c.step, rec); why.Code != "" {
			c.broken(why)
			continue
		}
		stored, at = append(stored, Stored{c.step, rec}), append(at, c)
	}
	if len(stored) == 0 {
		return nil
	}
	for i, problem := range m.look.Check(m.ctx, stored) {
		if problem != "" {
			at[i].broken(Reason{ReasonDamaged, problem})
			continue
		}
		for _, r := range at[i].step.forced { // it is fresh, and runs all the same
			at[i].causes = append(at[i].causes, Cause{Code: r.Code, Text: r.Text})
		}
	}
	return nil
}

// never reports whether nothing was ever stored of the step.
func (c *compared) never() bool {
	return c.now == Missing && len(c.causes) == 1 && c.causes[0].Code == ReasonNever
}

// broken says that a record of the right content cannot stand for the step.
func (c *compared) broken(why Reason) {
	c.now, c.own, c.causes = Stale, true, []Cause{{Code: why.Code, Text: why.Text}}
	if why.Code == ReasonDamaged {
		c.now = Missing
	}
}

// differs says how a step without a usable record differs from its newest one.
func (m *statusMaker) differs(c *compared) {
	s := c.step
	was := s.Latest
	switch {
	case s.problem != nil:
		c.broken(s.problem[0])
		return
	case was == nil:
		c.now, c.own, c.causes = Missing, true, causesOf(neverMaterialized)
		return
	case was.Content == c.content:
		c.broken(Reason{ReasonDamaged, "its stored value is gone"})
		return
	}
	c.now = Stale
	for _, r := range s.Reasons {
		switch r.Code {
		case ReasonInput, ReasonUpstream: // below
		default:
			if r.Text == typesChanged { // there may be a better cause
				continue
			}
			c.causes = append(c.causes, Cause{Code: r.Code, Text: r.Text})
			c.own = c.own || !slices.Contains(s.forced, r)
		}
	}
	for _, x := range m.inputChanges(s, c.data, was) {
		cause := Cause{Code: CauseData, Text: x.text, Asset: x.from}
		switch {
		case x.wired:
			cause.Code, c.own = CauseDependency, true
		case x.from == "":
			cause.Code, c.own = ReasonInput, true
		default:
			m.places(s, x.entry, func(place int32) { c.from = append(c.from, place) })
		}
		c.causes = append(c.causes, cause)
	}
	for k := range c.data {
		if c.data[k].IsZero() { // nothing is stored of it: see [statusMaker.above]
			return
		}
	}
	if len(c.causes) == 0 {
		c.causes, c.own = []Cause{{Code: ReasonTypes, Text: typesChanged}}, true
	}
}

// places calls yield with the nodes that an input or dep is made from.
func (m *statusMaker) places(s *Step, entry int, yield func(place int32)) {
	m.plan.Leaves(s.ref(entry), func(up *Step) bool {
		yield(up.Place)
		return true
	})
}

// storedNow reads what is stored of steps that are to run, too.
type storedNow struct{ planned }

// record is the newest record of a step; nil where there is none.
func (r storedNow) record(s *Step) *storage.Record {
	if s.Record != nil {
		return s.Record
	}
	return s.Latest
}

// Data returns the data version of an output as it is stored now.
func (r storedNow) Data(s *Step, out int32) canon.Digest {
	if s.source() && s.Observed.Err == nil {
		return s.Observed.Data
	}
	rec := r.record(s)
	switch {
	case rec == nil:
		return canon.Digest{}
	case s.source():
		return rec.Content
	case out < 0:
		return r.hash.Nothing(rec.Content)
	}
	if o := OutputOf(rec, s.Op.Outputs[out].Name); o != nil {
		return o.DataVersion
	}
	return canon.Digest{}
}

// Load returns an output as it is stored now.
func (r storedNow) Load(s *Step, out int32) (any, error) {
	if s.source() && s.Observed.Err == nil {
		return r.planned.Load(s, out)
	}
	if rec := r.record(s); rec != nil && !s.source() {
		if o := OutputOf(rec, s.Op.Outputs[out].Name); o != nil {
			return r.look.Load(r.ctx, s, o, s.Op.Outputs[out].Type)
		}
	}
	return nil, storage.ErrNotFound
}
