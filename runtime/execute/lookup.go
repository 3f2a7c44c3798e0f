package execute

import (
	"context"
	"fmt"
	"slices"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// lookup answers a plan from the store and from IO managers.
type lookup struct {
	storage.Store
	io     checker
	res    *resources
	jobKey string
	warn   func(step, message string) // of an IO manager that could not answer
}

// checker is what the default IO manager can say of stored outputs.
type checker interface {
	Check(ctx context.Context, outs []*storage.Output) ([]error, error)
	Load(ctx context.Context, o *storage.Output, t *dag.Type) (any, error)
}

// Load returns a stored output.
func (l *lookup) Load(ctx context.Context, s *plan.Step, out *storage.Output, t *dag.Type) (any, error) {
	if out.IO == "" {
		return l.io.Load(ctx, out, t)
	}
	return loadCustom(ctx, l.res, l.jobKey, s, out, &dag.InputContext{StepKey: s.Key, Name: out.Name, Type: t})
}

// Memoizable reports whether an IO manager can say what it has.
func (l *lookup) Memoizable(ctx context.Context, io string) (bool, error) {
	m, err := l.res.ioManager(ctx, io)
	if err != nil {
		return false, err
	}
	_, one := m.(dag.MemoizableIOManager)
	_, many := m.(dag.BatchIOManager)
	return one || many, nil
}

// Check says what is wrong with each of the records: "" where all outputs are there.
func (l *lookup) Check(ctx context.Context, stored []plan.Stored) []string {
	problems := make([]string, len(stored))
	outs := make([]*storage.Output, 0, len(stored))
	owner := make([]int, 0, len(stored))
	var custom map[string][]question
	for i, s := range stored {
		for k := range s.Record.Outputs {
			out := &s.Record.Outputs[k]
			if out.IO == "" {
				outs, owner = append(outs, out), append(owner, i)
				continue
			}
			if custom == nil {
				custom = map[string][]question{}
			}
			custom[out.IO] = append(custom[out.IO], question{i, outputContext(l.jobKey, s.Step, out)})
		}
	}
	found, err := l.io.Check(ctx, outs)
	if err != nil { // a failed look is a miss
		found = slices.Repeat([]error{err}, len(outs))
	}
	for k, err := range found {
		if err != nil && problems[owner[k]] == "" {
			problems[owner[k]] = fmt.Sprintf("stored output %s cannot be used: %v", outs[k].Name, err)
		}
	}
	for io, questions := range custom {
		l.ask(ctx, io, questions, problems)
	}
	return problems
}

// question is whether an output of a record is stored.
type question struct {
	record int
	out    *dag.OutputContext
}

// ask puts questions to an IO manager of the user's, in one call where it can answer many. An error is a "no" that is logged.
func (l *lookup) ask(ctx context.Context, io string, questions []question, problems []string) {
	no := func(q question, why string) {
		if problems[q.record] == "" {
			problems[q.record] = fmt.Sprintf("stored output %s cannot be used: %s", q.out.Name, why)
		}
	}
	all := func(why string) {
		for _, q := range questions {
			no(q, why)
		}
	}
	m, err := l.res.ioManager(ctx, io)
	if err != nil {
		all(err.Error())
		return
	}
	missing := fmt.Sprintf("IO manager %q does not have it", io)
	if many, ok := m.(dag.BatchIOManager); ok {
		outs := make([]*dag.OutputContext, len(questions))
		for i, q := range questions {
			outs[i] = q.out
		}
		var has []bool
		err, _ := guard(func() (err error) { has, err = many.HasOutputs(ctx, outs); return err })
		if err == nil && len(has) != len(outs) {
			err = fmt.Errorf("HasOutputs gave %d answers to %d questions", len(has), len(outs))
		}
		if err != nil {
			l.warn("", fmt.Sprintf("IO manager %q: %v", io, err))
			all(missing)
			return
		}
		for i, q := range questions {
			if !has[i] {
				no(q, missing)
			}
		}
		return
	}
	one, ok := m.(dag.MemoizableIOManager)
	if !ok {
		all(fmt.Sprintf("IO manager %q cannot say whether it has it", io))
		return
	}
	for _, q := range questions {
		var has bool
		err, _ := guard(func() (err error) { has, err = one.HasOutput(ctx, q.out); return err })
		if err != nil {
			l.warn(q.out.StepKey, fmt.Sprintf("IO manager %q: %v", io, err))
		}
		if err != nil || !has {
			no(q, missing)
		}
	}
}

// hit returns the record of a content if it can stand for a step now. broken is a record that could not, because an output of it is gone.
func (l *lookup) hit(ctx context.Context, s *plan.Step, content canon.Digest) (rec, broken *storage.Record, err error) {
	found, err := l.RecordsByContent(ctx, []canon.Digest{content})
	if err != nil {
		return nil, nil, err
	}
	rec = found[content]
	if rec == nil || plan.Unfit(s, rec).Code != "" {
		return nil, nil, nil
	}
	if len(rec.Outputs) > 0 && l.Check(ctx, []plan.Stored{{Step: s, Record: rec}})[0] != "" {
		return nil, rec, nil
	}
	return rec, nil, nil
}

// outputContext describes a stored output to an IO manager, under the identifier it was stored with.
func outputContext(jobKey string, s *plan.Step, out *storage.Output) *dag.OutputContext {
	return storedAs(describeOutput(jobKey, s, out.Name), out)
}

// storedAs completes the description of an output with what it was stored under.
func storedAs(c *dag.OutputContext, out *storage.Output) *dag.OutputContext {
	c.RunID = out.RunID
	if !out.Version.IsZero() {
		c.Version = out.Version.String()
	}
	if out.Step != "" {
		c.StepKey = out.Step
	}
	return c
}

// describeOutput is an output context without a run or a version.
func describeOutput(jobKey string, s *plan.Step, name string) *dag.OutputContext {
	c := describeOutputOf(jobKey, s.Key, s.Op, s.Config, name)
	if s.Partition != nil {
		c.Partition = s.Partition.Key
	}
	return c
}

func describeOutputOf(jobKey, step string, op *dag.Op, config *plan.Config, name string) *dag.OutputContext {
	c := &dag.OutputContext{JobKey: jobKey, StepKey: step, Name: name, Metadata: op.Metadata, Partition: plan.PartitionOfStep(op, step)}
	for i := range op.Outputs {
		if o := &op.Outputs[i]; o.Name == name {
			c.Type = o.Type
			if jobKey == "" && op.Kind != dag.KindOp && op.Kind != dag.KindCheck {
				c.AssetKey = o.Asset
				if c.AssetKey == "" {
					c.AssetKey = op.Key
				}
			}
		}
	}
	if config != nil {
		c.Config = config.Go
	}
	return c
}
