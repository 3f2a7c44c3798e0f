package execute

import (
	"context"
	"fmt"
	"time"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// input is the value of an input.
func (s *stepServer) input(ctx context.Context, ref *stepRef, k int, in *dag.Input) (any, error) {
	elem := in.Type.Gathers()
	if elem == nil {
		return s.value(ctx, ref.Key, &ref.Inputs[k], in.Name, in.Type)
	}
	parts := ref.Inputs[k].Partitions
	keys := make([]dag.PartitionKey, len(parts))
	for i := range parts {
		keys[i] = parts[i].Key
	}
	return in.Type.Gather(dag.Gathered{Keys: keys, Load: func(i int) (any, error) {
		return s.value(ctx, ref.Key, &parts[i].Value, in.Name, elem)
	}})
}

// value is what a reference stands for that the input of a step has, or a partition of it.
func (s *stepServer) value(ctx context.Context, step string, ref *inputRef, name string, t *dag.Type) (any, error) {
	from := ref.Stored
	if from == nil {
		return ref.value(t)
	}
	up := s.nodes[from.Node]
	if up == nil {
		return nil, fmt.Errorf("no step %q", from.Key)
	}
	out := &storage.Output{Name: from.Name, IO: from.IO, RunID: from.RunID, Step: from.Step}
	if from.Version != "" {
		var err error
		if out.Version, err = canon.ParseDigest(from.Version); err != nil {
			return nil, err
		}
	}
	c := &dag.InputContext{RunID: s.ref.RunID, StepKey: step, Name: name, Type: t}
	made, _ := s.made(up, from.Key, from.Partition) // what is no part of the run may have no config
	return loadCustom(ctx, s.res, s.jobKey(), made, out, c)
}

// made is a step as far as user code may know it. The error is of its config.
func (s *stepServer) made(n *plan.Node, key string, p *dag.Partition) (*plan.Step, error) {
	inZone(p)
	config, err := s.ops[n.ConfigKey()], error(nil)
	if p != nil && n.Op.Config != nil && n.Op.ConfigFor != nil {
		config, err = s.parts.of(n, p)
	}
	step := plan.Bare(n, key, config)
	step.Partition = p
	return step, err
}

// inZone gives a partition that was sent its zone back: its times know only how far from UTC they are.
func inZone(p *dag.Partition) {
	if p == nil || p.Zone == "" {
		return
	}
	if zone, err := time.LoadLocation(p.Zone); err == nil {
		p.Start, p.End = p.Start.In(zone), p.End.In(zone)
	}
}
