package plan

import (
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// gates are the blocking checks by the key of the asset that they check.
type gates map[string][]*opInfo

func (c *Catalog) blocking() gates {
	g := gates{}
	for _, o := range c.ops {
		if check := o.op.Check; check != nil && check.Blocking {
			g[check.Asset] = append(g[check.Asset], o)
		}
	}
	return g
}

// before returns the checks that an op waits for: those of what it is made from or follows. A check does not wait for others of its own asset.
func (g gates) before(op *dag.Op) (checks []*opInfo) {
	if len(g) == 0 {
		return nil
	}
	seen := map[string]bool{}
	if op.Check != nil {
		seen[op.Check.Asset] = true
	}
	add := func(key string) {
		if !seen[key] {
			seen[key] = true
			checks = append(checks, g[key]...)
		}
	}
	for i := range op.Inputs {
		add(op.Inputs[i].Asset)
	}
	for _, key := range op.Deps {
		add(key)
	}
	return checks
}

// checks reports whether v is the step of a check.
func (b *builder) checks(v Vertex) bool { return v >= 0 && b.plan.flow.step(v).Op.Check != nil }

// judge reads what the reused checks among some steps say. One that cannot be read is made again.
func (b *builder) judge(steps []*Step) error {
	for _, s := range steps {
		if s.Op.Check == nil || s.Action != Reuse {
			continue
		}
		out := &s.Op.Outputs[0]
		v, err := b.look.Load(b.ctx, s, OutputOf(s.Record, out.Name), out.Type)
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if result, ok := v.(dag.CheckResult); err == nil && ok {
			if s.Verdict, err = s.Op.Check.Evaluate(result); err == nil {
				continue
			}
		}
		problem := "what is stored is no result of a check"
		if err != nil {
			problem = err.Error()
		}
		s.Broken, s.problem = s.Record, []Reason{{ReasonDamaged, problem}}
		s.Action, s.Record, s.Note = Run, nil, false
	}
	return nil
}

// blocked skips a step that waits for a check which blocks, as its record says, or is skipped for one.
func (b *builder) blocked(s *Step) bool {
	for _, r := range s.After {
		if b.started || !b.checks(r.From) {
			continue
		}
		switch check := b.plan.flow.step(r.From); {
		case check.Action == Skip:
			s.Action, s.Reasons = Skip, []Reason{{check.Reasons[0].Code, "check " + check.Key + " is skipped"}}
		case check.Verdict != nil && check.Verdict.Blocks():
			s.Action, s.Reasons = Skip, []Reason{{ReasonCheck, "check " + check.Key + " did not pass"}}
		default:
			continue
		}
		return true
	}
	return false
}

// waits reports whether a step waits for a check of which it is not known whether it will pass. In a run the executor sees to that.
func (b *builder) waits(s *Step) bool {
	if b.started {
		return false
	}
	for _, r := range s.After {
		if b.checks(r.From) && b.plan.flow.step(r.From).Action != Reuse {
			return true
		}
	}
	return false
}

// awaited says which checks a step waits for that are not made yet.
func (b *builder) awaited(s *Step) {
	for _, r := range s.After {
		if b.checks(r.From) {
			if check := b.plan.flow.step(r.From); check.Action != Reuse {
				s.because(ReasonCheck, "it waits for check %s", check.Key)
			}
		}
	}
}

// skippedFor is the code of the reason for which what r is made from is skipped.
func (b *builder) skippedFor(r Ref) string {
	code := ReasonNil
	b.plan.Leaves(r, func(up *Step) bool {
		if up.Action == Skip && len(up.Reasons) > 0 && up.Reasons[0].Code == ReasonCheck {
			code = ReasonCheck
		}
		return code == ReasonNil
	})
	return code
}
