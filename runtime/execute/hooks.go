package execute

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/dagstergen/dagstergen/internal/mask"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// tell calls the hooks of a task that ended: after what is told is on disk, and before anything that waits for the task goes on, so that a hook sees the
// world as its step left it and the order of hooks is the order of steps. A step that is reused has not happened: it has no hooks.
func (w *worker) tell(i int32, v verdict) {
	r := w.run
	t := r.engine.tasks.At(int(i))
	out := w.out
	w.out = nil
	if v != verdictFailed && v != verdictDone || t.reused && (v == verdictDone || t.blocks()) {
		return
	}
	hooks := r.target.Hooks(t.step.Node)
	if len(hooks) == 0 {
		return
	}
	if v == verdictDone && w.stored != nil {
		if err := <-w.stored; err != nil {
			return // it is as if it had not happened
		}
	}
	for _, h := range hooks {
		w.hook(t, h, v == verdictDone, out)
	}
}

// hooked makes compute say when the outputs of a step with hooks are on disk.
func (w *worker) hooked(s *plan.Step) {
	w.stored = nil
	if !w.run.private && len(w.run.target.Hooks(s.Node)) > 0 {
		w.stored = make(chan error, 1)
	}
}

func (w *worker) hook(t *task, h *dag.Hook, good bool, out []any) {
	r := w.run
	s := t.step
	o := newObject(nil)
	o.str("hook", h.Key)
	if h.On == dag.HookOnSuccess && !good || h.On == dag.HookOnFailure && good {
		r.log.add(r.log.event(storage.EventHookSkipped, s.Key, "hook "+h.Key+" is for "+string(h.On)+" alone", o.end()))
		return
	}
	c := dag.HookContext{
		Hook: h.Key, RunID: r.id, JobKey: r.name(), StepKey: s.Key, Op: s.Op, Tags: s.Tags, RunTags: r.tags(), RetryNumber: t.tries,
	}
	if s.Config != nil {
		c.Config = s.Config.Go
	}
	if !good {
		c.Err = t.err
	} else {
		c.Outputs, c.Metadata = map[string]any{}, map[string][]dag.MetadataEntry{}
		for k := range t.outs {
			v, err := w.given(s, k, &t.outs[k], out[k])
			if err != nil {
				r.warn(s.Key, fmt.Sprintf("hook %s is not given output %s: %v", h.Key, t.outs[k].Name, err))
			}
			c.Outputs[t.outs[k].Name] = v
			c.Metadata[t.outs[k].Name] = t.outs[k].Metadata
		}
	}
	began := time.Now()
	err, stack := w.callHook(s, h, c)
	o.seconds("seconds", time.Since(began).Seconds())
	if err == nil {
		r.log.add(r.log.event(storage.EventHookCompleted, s.Key, "hook "+h.Key, o.end()))
		return
	}
	o.str("error", err.Error())
	o.opt("stack", stack)
	e := r.log.event(storage.EventHookErrored, s.Key, fmt.Sprintf("hook %s: %v", h.Key, err), o.end())
	e.Level = "ERROR"
	r.log.add(e)
	r.show.warn(s.Key, fmt.Sprintf("hook %s: %v", h.Key, err))
}

// given is an output as its function returned it; one that another process stored is read.
func (w *worker) given(s *plan.Step, k int, o *outcome, v any) (any, error) {
	v, err := w.returned(s, k, o, v)
	if t := s.Op.Outputs[k].Type; t.IsStream() && err == nil {
		v = openStream(t, v)
	}
	return v, err
}

func (w *worker) returned(s *plan.Step, k int, o *outcome, v any) (any, error) {
	if _, abroad := v.(*stepEvent); !abroad {
		return v, nil
	}
	stored, ctx := o.Output, context.WithoutCancel(w.run.ctx)
	if stored.IO != "" {
		return w.run.loadCustom(ctx, s, &stored, s.Key, &dag.Input{Name: stored.Name, Type: s.Op.Outputs[k].Type})
	}
	return w.run.inst.IO().Load(ctx, &stored, s.Op.Outputs[k].Type)
}

// callHook calls the user's function. In a run that is being canceled it has a little time of its own: it may be there to say so.
func (w *worker) callHook(s *plan.Step, h *dag.Hook, c dag.HookContext) (err error, stack string) {
	r := w.run
	call := &dag.Call{In: []any{c}}
	for _, u := range h.Resources {
		v, err := r.res.get(r.ctx, u.Key)
		if err != nil {
			return mask.Error(err), stackOf(err)
		}
		call.Resources = append(call.Resources, v)
	}
	ctx := r.ctx
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), r.grace())
		defer cancel()
	}
	sc := &dag.Scope{
		Info: r.stepInfo(s, c.RetryNumber), Op: s.Op, Job: r.target.Def(),
		Log: slog.New(&stepHandler{journal: r.log, console: r.opts.Console, step: s.Key}),
	}
	return w.bounded(ctx, r.grace(), func() error { return h.Invoke(dag.WithScope(ctx, sc), call) })
}
