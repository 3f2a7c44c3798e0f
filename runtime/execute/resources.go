package execute

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// resources are the resources of one run: each is built once, on first need, after those it takes; all are cleaned up
// in reverse order.
type resources struct {
	defs     definedResources
	configs  map[string]*plan.Config
	replaced map[string]any
	scope    *dag.Scope          // for the log lines of constructors; nil for none
	note     func(resourceEvent) // told what happens; nil for nobody

	mu      sync.Mutex
	entries map[string]*resource
	built   []*resource // in the order in which they were finished
}

type resource struct {
	key     string
	once    sync.Once
	value   any
	cleanup func()
	err     error
}

// resourceEvent is one thing that happened to a resource.
type resourceEvent struct {
	key     string
	phase   resourcePhase
	err     error
	elapsed time.Duration
}

type resourcePhase uint8

const (
	resourceStarted resourcePhase = iota
	resourceBuilt
	resourceFailed
	resourceCleanupFailed
)

// definedResources are the resources of a binary, or as a job sees them.
type definedResources interface {
	Resource(key string) (*dag.Resource, bool)
}

func newResources(defs definedResources, configs map[string]*plan.Config, replaced map[string]any) *resources {
	return &resources{defs: defs, configs: configs, replaced: replaced, entries: map[string]*resource{}}
}

// get returns the value of a resource and builds it on the first call; other callers wait for that. An error is the same for all of them.
func (r *resources) get(ctx context.Context, key string) (any, error) {
	if v, ok := r.replaced[key]; ok {
		return v, nil
	}
	r.mu.Lock()
	e := r.entries[key]
	if e == nil {
		e = &resource{key: key}
		r.entries[key] = e
	}
	r.mu.Unlock()
	e.once.Do(func() { r.build(ctx, e) })
	return e.value, e.err
}

func (r *resources) build(ctx context.Context, e *resource) {
	def, ok := r.defs.Resource(e.key)
	if !ok {
		e.err = fmt.Errorf("no resource %q", e.key)
		return
	}
	call := &dag.Call{}
	if def.Config != nil || def.Makes != nil {
		c := r.configs[e.key]
		if c == nil {
			e.err = fmt.Errorf("resource %q has no config value", e.key)
			return
		}
		call.Config = c.Go
	}
	for _, u := range def.Resources {
		v, err := r.get(ctx, u.Key)
		if err != nil {
			e.err = err
			return
		}
		call.Resources = append(call.Resources, v)
	}
	// A resource outlives the step that needed it first, so it must not be canceled with the step, only with the run: ctx is the run's.
	if r.scope != nil {
		ctx = dag.WithScope(ctx, r.scope)
	}
	r.tell(resourceEvent{key: e.key, phase: resourceStarted})
	began := time.Now()
	var stack string
	e.err = errGoexit // what stays if Open ends this goroutine
	e.err, stack = guard(func() (err error) {
		e.value, e.cleanup, err = def.Open(ctx, call)
		return err
	})
	elapsed := time.Since(began)
	if e.err != nil {
		e.err = &ResourceError{Resource: e.key, Err: e.err, Stack: stack}
		r.tell(resourceEvent{key: e.key, phase: resourceFailed, err: e.err, elapsed: elapsed})
		return
	}
	r.mu.Lock()
	r.built = append(r.built, e)
	r.mu.Unlock()
	r.tell(resourceEvent{key: e.key, phase: resourceBuilt, elapsed: elapsed})
}

func (r *resources) tell(e resourceEvent) {
	if r.note != nil {
		r.note(e)
	}
}

// close cleans up in reverse order; a cleanup that panics does not keep the others from theirs. It must not run beside get.
func (r *resources) close() {
	for i := len(r.built) - 1; i >= 0; i-- {
		e := r.built[i]
		if e.cleanup == nil {
			continue
		}
		if err, _ := guard(func() error { e.cleanup(); return nil }); err != nil {
			r.tell(resourceEvent{key: e.key, phase: resourceCleanupFailed, err: err})
		}
	}
	r.built, r.entries = nil, map[string]*resource{}
}

// ioManager returns a resource as the IO manager that io= takes it for.
func (r *resources) ioManager(ctx context.Context, key string) (dag.IOManager, error) {
	v, err := r.get(ctx, key)
	if err != nil {
		return nil, err
	}
	m, ok := v.(dag.IOManager)
	if !ok {
		return nil, fmt.Errorf("resource %q is a %T, which is no dag.IOManager: it has no HandleOutput and LoadInput", key, v)
	}
	return m, nil
}
