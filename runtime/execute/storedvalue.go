package execute

import (
	"context"
	"fmt"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// StoredValue reads what a record has of an asset, as the type that the code gives it now: out is one of the outputs of the record. Nothing is planned and nothing
// runs, but that an output which an IO manager of the user's has is loaded through that, with the resources it takes, which are built with the
// config in o and cleaned up again. Of o, Instance, Config, Resources and Getenv count. Bytes that are not there or not right are iomanager.ErrDamaged, and so is a value
// of another type.
func StoredValue(ctx context.Context, cat *plan.Catalog, asset string, out *storage.Output, o Options) (any, error) {
	op, k, ok := cat.AssetOp(asset)
	if !ok || k < 0 {
		return nil, fmt.Errorf("no asset %q with a value", asset)
	}
	def := &op.Outputs[k]
	if out.IO == "" {
		return o.Instance.IO().Load(ctx, out, def.Type)
	}
	o.Select = asset
	if op.Partitions != nil { // the step tells which one it is of, written as a selection takes it
		_, key, _ := strings.Cut(out.Step, "[")
		o.Tags = map[string]string{plan.TagPartition: strings.TrimSuffix(key, "]")}
	}
	r, err := prepare(ctx, cat, "", &o)
	if err != nil {
		return nil, err
	}
	defer r.res.close()
	r.res.scope = &dag.Scope{Log: discard(o.Console)}
	key, config := op.Key, (*plan.Config)(nil)
	for i := range r.target.Graph.Nodes {
		if n := &r.target.Graph.Nodes[i]; n.Op == op {
			if key = n.Key; n.Partition != nil || op.Partitions == nil {
				if config, err = r.asked.config(n, n.Partition); err != nil {
					return nil, err
				}
			}
		}
	}
	if op.Partitions != nil {
		key = out.Step
	}
	in := &dag.InputContext{RunID: out.RunID, StepKey: key, Name: def.Name, Type: def.Type, Upstream: storedAs(describeOutputOf("", key, op, config, out.Name), out)}
	return loadFrom(ctx, r.res, out, key, in)
}
