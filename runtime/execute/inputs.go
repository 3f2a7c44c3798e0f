package execute

import (
	"context"
	"errors"
	"fmt"
	"sync"

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
	r := w.run
	s := r.engine.tasks[i].step
	n := len(s.Op.Inputs)
	values := make([]any, n+len(s.Op.Resources)+len(s.Op.Outputs)) // one array for all
	c := &dag.Call{In: values[:n:n], Resources: values[n : n+len(s.Op.Resources) : n+len(s.Op.Resources)], Out: values[n+len(s.Op.Resources):]}
	if s.Config != nil {
		c.Config = s.Config.Go
	}
	for k := range n {
		v, err := w.input(s, k)
		var lost *lostError
		switch {
		case err == nil:
			c.In[k] = v
		case errors.As(err, &lost):
			state, err := w.restore(i, w.feeds[k].edge.Node, lost)
			return nil, state, err
		default:
			return nil, notBlocked, placed(s.Key, WhereLoad, "input "+s.Op.Inputs[k].Name, err)
		}
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

// lostError says that a stored output cannot be loaded any more.
type lostError struct {
	out *storage.Output
	err error
}

func (e *lostError) Error() string { return fmt.Sprintf("stored output %s: %v", e.out.Name, e.err) }
func (e *lostError) Unwrap() error { return e.err }

// input returns input k as this consumer may have it: the value itself only where nobody can tell, a copy of its own otherwise.
func (w *worker) input(s *plan.Step, k int) (any, error) {
	r := w.run
	f := &w.feeds[k]
	in := &s.Op.Inputs[k]
	switch {
	case f.edge.Kind == plan.FromLiteral:
		return copyOf(in.Type, f.edge.Value)
	case f.edge.Kind == plan.FromParam:
		return r.params.get(int(f.edge.Param), r.target.Job.Params[f.edge.Param].Type, r.asked.params[f.edge.Param])
	case f.seen != nil:
		return copyOf(in.Type, f.seen.Value)
	}
	out := f.stored
	if f.outcome != nil {
		o := f.outcome
		out = &o.Output
		switch {
		case o.held:
			return o.value, nil
		case o.data != nil:
			return codec.Decode(in.Type, o.data)
		}
	}
	f.loaded = true
	if out.IO != "" {
		return r.loadCustom(r.ctx, f.up, out, s.Key, in)
	}
	v, err := r.inst.IO().Load(r.ctx, out, in.Type)
	if err != nil && (errors.Is(err, iomanager.ErrDamaged) || errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrCorrupt)) {
		return nil, &lostError{out, err}
	}
	return v, err
}

// loadCustom loads from an IO manager of the user's.
func (r *run) loadCustom(ctx context.Context, up *plan.Step, out *storage.Output, step string, in *dag.Input) (any, error) {
	m, err := r.res.ioManager(r.ctx, out.IO)
	if err != nil {
		return nil, err
	}
	c := &dag.InputContext{RunID: r.id, StepKey: step, Name: in.Name, Type: in.Type, Upstream: outputContext(r.jobKey(), up, out)}
	var v any
	err, stack := guard(func() (err error) { v, err = m.LoadInput(ctx, c); return err })
	switch {
	case err != nil:
		return nil, &userError{fmt.Errorf("IO manager %q: %w", out.IO, err), stack}
	case !fits(in.Type, v):
		return nil, fmt.Errorf("IO manager %q returned a %T for output %s of step %s, not a %s", out.IO, v, out.Name, up.Key, in.Type.Name)
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

// paramCache encodes the parameters of a job once, however many steps take them.
type paramCache struct {
	mu   sync.Mutex
	data map[int][]byte
}

func (p *paramCache) get(i int, t *dag.Type, v any) (any, error) {
	if _, file := v.(dag.File); file || t.Immutable {
		return v, nil
	}
	p.mu.Lock()
	data, ok := p.data[i]
	if !ok {
		var err error
		if data, err = codec.Encode(t, v); err != nil {
			p.mu.Unlock()
			return nil, err
		}
		if p.data == nil {
			p.data = map[int][]byte{}
		}
		p.data[i] = data
	}
	p.mu.Unlock()
	return codec.Decode(t, data)
}
