package execute

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// A check is a step whose output is a dag.CheckResult. It is stored and recorded like any other, also where it did not pass; but a blocking check that did not pass
// fails as a step, so that what waits for it is skipped, in this run and in each one that reuses it.

// judge reads what the check of a task says; it does nothing for other tasks. The error is one of a result that is none, or cannot be read.
func (w *worker) judge(t *task) error {
	op := t.step.Op
	if op.Check == nil {
		return nil
	}
	v, err := w.run.checkResult(context.WithoutCancel(w.run.ctx), t)
	if err != nil {
		return err
	}
	result, ok := v.(dag.CheckResult)
	if !ok {
		return fmt.Errorf("a check gave a %T", v)
	}
	if t.verdict, err = op.Check.Evaluate(result); err != nil {
		return err
	}
	for k := range w.data {
		if k < len(op.Inputs) && op.Inputs[k].Asset == op.Check.Asset || k >= len(op.Inputs) && op.Deps[k-len(op.Inputs)] == op.Check.Asset {
			t.checked = w.data[k]
		}
	}
	return nil
}

// checkResult reads the output of a check, wherever it was computed.
func (r *run) checkResult(ctx context.Context, t *task) (any, error) {
	def := &t.step.Op.Outputs[0]
	if t.outs != nil {
		switch o := &t.outs[0]; {
		case o.held:
			return o.value, nil
		case o.data != nil:
			return codec.Decode(def.Type, o.data)
		}
	}
	return r.inst.IO().Load(ctx, t.output(0), def.Type)
}

// blocks reports whether a task is a blocking check that did not pass, which is an error of its step then.
func (t *task) blocks() bool {
	if t.verdict == nil || !t.verdict.Blocks() {
		return false
	}
	if t.err == nil {
		t.err = &StepError{Step: t.step.Key, Where: WhereCheck, Err: &dag.CheckFailedError{Evaluation: t.verdict}}
	}
	return true
}

// checkPlanned is ASSET_CHECK_EVALUATION_PLANNED.
func (r *run) checkPlanned(s *plan.Step) storage.Event {
	o := newObject(nil)
	o.str("asset", s.Op.Check.Asset)
	o.str("check", s.Op.Check.Name)
	e := r.log.event(storage.EventCheckPlanned, s.Key, "", o.end())
	e.Asset, e.Partition = s.Op.Check.Asset, partitionKey(s)
	return e
}

// evaluation is ASSET_CHECK_EVALUATION of a check that was made.
func (r *run) evaluation(t *task, at time.Time) storage.Event {
	data := storage.CheckData{CheckEvaluation: *t.verdict, Partition: partitionKey(t.step)}
	if !t.checked.IsZero() {
		data.DataVersion = t.checked.String()
	}
	text, _ := json.Marshal(data) // strings, bools and what encoding/json wrote before: no error
	e := r.log.eventAt(at, storage.EventCheck, t.step.Key, t.verdict.Verdict(), text)
	e.Asset, e.Partition = t.verdict.Asset, partitionKey(t.step)
	if !t.verdict.Passed {
		e.Level = string(t.verdict.Severity)
	}
	return e
}
