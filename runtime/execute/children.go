package execute

import (
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// This file is what other processes are told of a run before they compute steps of it, and what keeps a run from telling them.

// checkMultiprocess reports what keeps a run from computing steps in other processes.
func checkMultiprocess(t *plan.Target, o *Options) error {
	if !served.Load() {
		return badOption("this program cannot start processes that compute steps: call execute.Serve with its Definitions first thing in main, or in TestMain")
	}
	return checkRemote(t, o, MultiprocessExecutor)
}

// checkRemote reports what keeps a run of an executor from handing steps to other processes at all.
func checkRemote(t *plan.Target, o *Options, executor string) error {
	switch {
	case o.Instance == nil || o.Instance.Dir() == "":
		return badOption("executor %s needs an instance on disk: what a process keeps in memory no other one can load; give one with WithInstance (instance.Open or instance.LocalTemp), or use %s", executor, MultiExecutor)
	case len(o.Resources) > 0:
		return badOption("executor %s cannot hand values in place of resources to other processes; use %s or %s", executor, MultiExecutor, InProcessExecutor)
	}
	_, err := givenTo(t, o.Inputs)
	return err
}

// beginChildren is what the children of a run are told first, but for their folders.
func (r *run) beginChildren() (*runRef, error) {
	given, err := givenTo(r.target, r.opts.Inputs)
	if err != nil {
		return nil, err
	}
	config, err := r.opts.Config.WithoutInputs(dataParams(r.target)).MarshalBinary()
	if err != nil {
		return nil, err
	}
	debug := r.opts.Console != nil && r.opts.Console.Enabled(r.ctx, -4)
	return &runRef{
		Definitions: definitionsDigest(r.target.Catalog), RunID: r.id, Job: r.name(), Selection: r.target.Selection,
		IO: r.io, Config: config, Environment: r.asked.environment, Given: given, Listen: true, Debug: debug,
	}, nil
}

// givenTo says which parameters run config need not give to a child: data, which travels with the steps, and configs with a value from Go.
func givenTo(t *plan.Target, inputs map[string]any) (map[string][]byte, error) {
	given := map[string][]byte{}
	for _, name := range dataParams(t) {
		given[name] = nil
	}
	for name, value := range inputs {
		if _, data := given[name]; data {
			continue
		}
		c := t.Job.Params[paramIndex(t, name)].Config
		if len(secretsIn(value)) > 0 {
			return nil, badOption("the config %q has a secret: give it as run config and not from Go, which a child process cannot be handed", name)
		}
		data, err := c.Encode(value)
		if err != nil {
			return nil, err
		}
		given[name] = data
	}
	return given, nil
}

// recorded wraps a getenv so that what it was asked for is known afterwards: nil for what is not set.
func recorded(getenv func(string) (string, bool), asked map[string]*string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := getenv(name)
		if asked[name] = nil; ok {
			asked[name] = &value
		}
		return value, ok
	}
}
