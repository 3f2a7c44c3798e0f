package execute

import (
	"context"
	"fmt"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// OpOfStep is what the code says now of a step of a job, by the key that it has in a run; of assets where the job is empty. It is nil where it says nothing of it.
func OpOfStep(cat *plan.Catalog, job, step string) *dag.Op {
	t, err := cat.Target(job, "")
	if err != nil {
		return nil
	}
	if i := placeOfStep(t, step); i >= 0 {
		return t.Graph.Nodes[i].Op
	}
	return nil
}

// placeOfStep is the place of the node that a step is of; -1 for none.
func placeOfStep(t *plan.Target, step string) int32 {
	for i := range t.Graph.Nodes {
		n := &t.Graph.Nodes[i]
		if n.Key == step {
			return int32(i)
		}
		keys, ok := mappingKeys(n.Name, step)
		if ok && (n.Key == n.Name || keys[0] == string(n.Partition.Key)) { // the first key of a step of a partition is that
			return int32(i)
		}
	}
	return -1
}

// StoredStepValue reads an output of a step of a run, as the type that the code gives it now: out is one of those of instance.StepOutputs. It is [StoredValue] of any step: what
// an IO manager of the user's has is loaded through that, for which o has the config of the run.
func StoredStepValue(ctx context.Context, cat *plan.Catalog, run *storage.Run, step string, out *storage.Output, o Options) (any, error) {
	t, err := cat.Target(run.Job, "")
	if err != nil {
		return nil, err
	}
	place := placeOfStep(t, step)
	if place < 0 {
		return nil, fmt.Errorf("the code has no step %q any more", step)
	}
	def := outputNamed(t.Graph.Nodes[place].Op, out.Name)
	if def == nil {
		return nil, fmt.Errorf("step %q has no output %q any more", step, out.Name)
	}
	if out.IO == "" {
		return o.Instance.IO().Load(ctx, out, def.Type)
	}
	o.Select = t.Graph.Clause(place)
	if part := run.Tags[plan.TagPartition]; part != "" {
		o.Tags = map[string]string{plan.TagPartition: part}
	}
	r, err := prepare(ctx, cat, run.Job, &o)
	if err != nil {
		return nil, err
	}
	defer r.res.close()
	r.res.scope = &dag.Scope{Log: discard(o.Console)}
	if place = placeOfStep(r.target, step); place < 0 {
		return nil, fmt.Errorf("the run has no step %q any more", step)
	}
	n := &r.target.Graph.Nodes[place]
	config, err := r.asked.config(n, n.Partition)
	if err != nil {
		return nil, err
	}
	made := plan.Bare(n, step, config)
	made.Partition = n.Partition
	job := run.Job
	if r.target.Job == nil {
		job = ""
	}
	return loadCustom(ctx, r.res, job, made, out, &dag.InputContext{RunID: out.RunID, StepKey: step, Name: def.Name, Type: def.Type})
}

// outputNamed is the output of an op with a name; nil for none.
func outputNamed(op *dag.Op, name string) *dag.Output {
	for i := range op.Outputs {
		if op.Outputs[i].Name == name {
			return &op.Outputs[i]
		}
	}
	return nil
}
