package execute

import (
	"context"
	"errors"
	"fmt"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/iomanager"
	"github.com/dagstergen/dagstergen/runtime/iomanager/codec"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// blocking says what became of a task whose inputs were asked for.
type blocking uint8

const (
	notBlocked blocking = iota
	blockedAlready
)

// call makes the call of a task: its inputs as Go values, its config, its resources.
func (w *worker) call(i int32) (*dag.Call, blocking, error) {
	if w.remote != nil {
		return w.remote.call(w, i)
	}
	r := w.run
	s := r.engine.tasks.At(int(i)).step
	n := len(s.Op.Inputs)
	values := make([]any, n+len(s.Op.Resources)+len(s.Op.Outputs)) // one array for all
	c := &dag.Call{In: values[:n:n], Resources: values[n : n+len(s.Op.Resources) : n+len(s.Op.Resources)], Out: values[n+len(s.Op.Resources):]}
	if s.Config != nil {
		c.Config = s.Config.Go
	}
	for k := range n {
		v, err := w.input(s, k)
		if err != nil {
			state, err := w.missing(i, k, err)
			return nil, state, err
		}
		c.In[k] = v
	}
	for k, u := range s.Op.Resources {
		v, err := r.res.get(r.ctx, u.Key)
		if err != nil {
			return nil, notBlocked, asStepError(s.Key, WhereResource, err)
		}
		c.Resources[k] = v
	}
	return c, notBlocked, nil
}

// missing says what becomes of a task that input k could not be had for.
func (w *worker) missing(i int32, k int, err error) (blocking, error) {
	var lost *lostError
	switch {
	case errors.As(err, &lost):
		return w.restore(plan.Vertex(i), lost)
	case errors.Is(err, plan.ErrNil):
		return notBlocked, err
	}
	s := w.run.engine.tasks.At(int(i)).step
	return notBlocked, placed(s.Key, WhereLoad, "input "+s.Op.Inputs[k].Name, err)
}

// lostError says that a stored output cannot be loaded any more.
type lostError struct {
	step int             // index
	out  *storage.Output // nil where the step is being computed again already
	err  error
}

func (e *lostError) Error() string {
	if e.out == nil {
		return e.err.Error()
	}
	return fmt.Sprintf("stored output %s: %v", e.out.Name, e.err)
}
func (e *lostError) Unwrap() error { return e.err }

// input returns input k as this consumer may have it: the value itself only where nobody can tell, a copy of its own otherwise.
func (w *worker) input(s *plan.Step, k int) (any, error) {
	f := &w.feeds[k]
	if f.up == nil {
		return w.eval.Value(f.ref)
	}
	in := &s.Op.Inputs[k]
	return w.output(f, s.Key, &dag.Output{Name: in.Name, Type: in.Type})
}

// output returns what a feed leads to, for the input or value want of a step.
func (w *worker) output(f *feed, step string, want *dag.Output) (any, error) {
	r := w.run
	if f.seen != nil {
		return copyOf(want.Type, f.seen.Value)
	}
	out := f.stored
	if f.outcome != nil {
		o := f.outcome
		out = &o.Output
		switch {
		case o.held:
			return o.value, nil
		case o.data != nil:
			return codec.Decode(want.Type, o.data)
		}
	}
	f.loaded = true
	if out.IO != "" {
		return r.loadCustom(r.ctx, f.up, out, step, &dag.Input{Name: want.Name, Type: want.Type})
	}
	v, err := r.inst.IO().Load(r.ctx, out, want.Type)
	if err != nil && (errors.Is(err, iomanager.ErrDamaged) || errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrCorrupt)) {
		return nil, &lostError{f.up.Index, out, err}
	}
	return v, err
}

// loadCustom loads from an IO manager of the user's.
func (r *run) loadCustom(ctx context.Context, up *plan.Step, out *storage.Output, step string, in *dag.Input) (any, error) {
	return loadCustom(ctx, r.res, r.jobKey(), up, out, &dag.InputContext{RunID: r.id, StepKey: step, Name: in.Name, Type: in.Type})
}

func loadCustom(ctx context.Context, res *resources, jobKey string, up *plan.Step, out *storage.Output, c *dag.InputContext) (any, error) {
	c.Upstream = outputContext(jobKey, up, out)
	return loadFrom(ctx, res, out, up.Key, c)
}

// loadFrom loads what c.Upstream describes, which step has stored.
func loadFrom(ctx context.Context, res *resources, out *storage.Output, step string, c *dag.InputContext) (any, error) {
	m, err := res.ioManager(ctx, out.IO)
	if err != nil {
		return nil, err
	}
	var v any
	err, stack := guard(func() (err error) { v, err = m.LoadInput(ctx, c); return err })
	switch {
	case err != nil:
		return nil, &userError{fmt.Errorf("IO manager %q: %w", out.IO, err), stack}
	case !fits(c.Type, v):
		return nil, fmt.Errorf("IO manager %q returned a %T for output %s of step %s, not a %s", out.IO, v, out.Name, step, c.Type.Name)
	}
	return v, nil
}

// copyOf returns a value that its receiver may keep: v itself if it cannot be changed.
func copyOf(t *dag.Type, v any) (any, error) {
	switch v.(type) {
	case dag.File, dag.DataVersion:
		return v, nil
	}
	if t.Immutable {
		return v, nil
	}
	data, err := codec.Encode(t, v)
	if err != nil {
		return nil, err
	}
	return codec.Decode(t, data)
}
