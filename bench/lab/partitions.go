package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/instance"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// Partitions is [Main] for assets with partitions, in the groups inner and last: PROGRAM fill|status FOLDER EXECUTOR.
//
// fill materializes all partitions, but of the assets of the group last not the last tenth. status finds out how all partitions stand and what a run would do; the answer is how many are fresh,
// stale and missing.
func Partitions(defs dag.Definitions) {
	do := map[string]func(context.Context, dag.Definitions, *instance.Instance, string) (Report, error){"fill": fill, "status": status}
	serve(defs, "PROGRAM fill|status FOLDER EXECUTOR", func(ctx context.Context, what, executor string, inst *instance.Instance) (Report, error) {
		if do[what] == nil {
			return Report{}, fmt.Errorf("%q is neither fill nor status", what)
		}
		return do[what](ctx, defs, inst, executor)
	})
}

func fill(ctx context.Context, defs dag.Definitions, inst *instance.Instance, executor string) (r Report, err error) {
	keys, err := keysOf(defs)
	if err != nil {
		return r, err
	}
	begun := time.Now()
	kept := len(keys) - len(keys)/10
	for _, part := range []struct {
		selection string
		keys      []string
	}{{"*", keys[:kept]}, {"group:inner", keys[kept:]}} {
		res, err := execute.Materialize(ctx, defs, execute.WithInstance(inst), execute.WithExecutor(executor), execute.WithSelection(part.selection), execute.WithPartitions(part.keys...))
		if err != nil {
			return r, err
		}
		r.Ran += res.Run.Ran
	}
	r.Seconds = time.Since(begun).Seconds()
	return r, nil
}

// keysOf returns the keys of the partitions, which all assets have in common.
func keysOf(defs dag.Definitions) ([]string, error) {
	cat, err := plan.NewCatalog(defs)
	if err != nil {
		return nil, err
	}
	st, err := execute.Status(context.Background(), cat, execute.Options{})
	if err != nil {
		return nil, err
	}
	if len(st.Assets) == 0 || st.Assets[0].Partitions == nil {
		return nil, errors.New("there is no asset with partitions")
	}
	space := st.Assets[0].Partitions.Space
	var keys []string
	for _, p := range space.Numbered(0, space.Len()) {
		keys = append(keys, space.Key(p))
	}
	return keys, nil
}

func status(ctx context.Context, defs dag.Definitions, inst *instance.Instance, executor string) (r Report, err error) {
	begun := time.Now()
	cat, err := plan.NewCatalog(defs)
	if err != nil {
		return r, err
	}
	st, err := execute.Status(ctx, cat, execute.Options{Instance: inst, Executor: executor})
	r.Seconds = time.Since(begun).Seconds()
	if err != nil {
		return r, err
	}
	count := map[plan.Freshness]int{}
	toRun := 0
	for i := range st.Assets {
		p := st.Assets[i].Partitions
		for _, f := range []plan.Freshness{plan.Fresh, plan.Stale, plan.Missing} {
			count[f] += p.Status[f].Len()
		}
		toRun += p.Plan[plan.Run].Len()
	}
	r.Ran = -1
	r.Answer = fmt.Sprintf("fresh %d, stale %d, missing %d", count[plan.Fresh], count[plan.Stale], count[plan.Missing])
	if toRun != count[plan.Stale]+count[plan.Missing] {
		return r, fmt.Errorf("a run would compute %d partitions where %s", toRun, r.Answer)
	}
	return r, nil
}
