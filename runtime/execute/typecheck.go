package execute

import (
	"context"
	"errors"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// WhereTypeCheck is the place of an error of a value that says itself that it is not right, see [dag.Checked].
const WhereTypeCheck = "type check"

// A TypeCheckError says that a value is not right by what its own type says.
type TypeCheckError struct {
	What  string // "input rows", "output result"
	Type  string
	Check dag.TypeCheck
}

// Error names the value, its type and what is wrong.
func (e *TypeCheckError) Error() string {
	text := "type check of " + e.What + ": not a right " + e.Type
	if e.Check.Description != "" {
		text += ": " + e.Check.Description
	}
	return text
}

// whereOf is the place of an error that a call of an op gave.
func whereOf(err error) string {
	var check *TypeCheckError
	if errors.As(err, &check) {
		return WhereTypeCheck
	}
	return WhereOp
}

// A checkNote is told what values of checked types say of themselves: of input k, or of output k. An input that is not asked says nil.
type checkNote func(output bool, k int, c *dag.TypeCheck)

// invokeOp calls the function of an op between the checks of its inputs and those of its outputs.
func invokeOp(ctx context.Context, op *dag.Op, call *dag.Call, note checkNote) error {
	checking := func(t *dag.Type, v any) (dag.TypeCheck, bool) {
		if !t.IsChecked() {
			return dag.TypeCheck{}, false
		}
		return t.Check(dag.WithCheckResources(ctx, call.Resources), v)
	}
	for k := range op.Inputs {
		in := &op.Inputs[k]
		if !in.Type.IsChecked() {
			continue
		}
		c, asked := checking(in.Type, call.In[k])
		switch {
		case !asked:
			note(false, k, nil)
		case c.Success:
			note(false, k, &c)
		default:
			note(false, k, &c)
			return &TypeCheckError{"input " + in.Name, in.Type.Name, c}
		}
	}
	if err := invokeStreams(ctx, op, call); err != nil {
		return err
	}
	for k := range op.Outputs {
		out := &op.Outputs[k]
		if !out.Type.IsChecked() || !dag.Selected(ctx, out.Name) { // what is left out is no value
			continue
		}
		if c, asked := checking(out.Type, call.Out[k]); asked {
			note(true, k, &c)
			if !c.Success {
				return &TypeCheckError{"output " + out.Name, out.Type.Name, c}
			}
		}
	}
	return nil
}

// checked takes in what a value of the step says of itself. That of an input, and of an output that is not right, is told at once; other outputs wait until
// they are stored.
func (s *scope) checked(w *worker, output bool, k int, c *dag.TypeCheck) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // of a call that was left behind
		return
	}
	r := w.run
	if !output {
		r.log.add(w.inputEvent(s.step, k, time.Now(), c))
		return
	}
	if s.checks == nil {
		s.checks = make([]*dag.TypeCheck, len(s.step.Op.Outputs))
	}
	s.checks[k] = c
	if !c.Success {
		def := &s.step.Op.Outputs[k]
		o := newObject(nil)
		o.str("output", def.Name)
		o.str("type", def.Type.Name)
		o.value("type_check", c)
		r.log.add(r.log.event(storage.EventStepOutput, s.step.Key, "", o.end()))
	}
}
