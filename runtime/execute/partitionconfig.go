package execute

import (
	"errors"
	"fmt"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// partitionConfigs are the configs of ops that have one for each partition.
type partitionConfigs struct {
	over map[string]*runconfig.Overlay // what run config says, by what run config calls the node
	made map[string]*plan.Config       // by key of the node; it does not change any more once the run begins
}

// most is how many partitions are named whose config cannot be made.
const mostConfigProblems = 10

// make makes the configs of all steps of a target. The error is of type [runconfig.Problems].
func (c *partitionConfigs) make(t *plan.Target) error {
	var wrong runconfig.Problems
	c.made = map[string]*plan.Config{}
	for i := range t.Graph.Nodes {
		n := &t.Graph.Nodes[i]
		if n.Partition == nil || n.Op.Config == nil || n.Op.ConfigFor == nil || !t.IsSelected(i) && n.Op.Kind != dag.KindSource {
			continue
		}
		v, err := c.of(n, n.Partition)
		var more runconfig.Problems
		switch {
		case errors.As(err, &more):
			if wrong = append(wrong, more...); len(wrong) >= mostConfigProblems {
				return wrong[:mostConfigProblems]
			}
		case err != nil:
			return err
		default:
			c.made[n.Key] = v
		}
	}
	if wrong != nil {
		return wrong
	}
	return nil
}

// of is the config of an op for a partition. The error is of type [runconfig.Problems].
func (c *partitionConfigs) of(n *plan.Node, p *dag.Partition) (*plan.Config, error) {
	if v := c.made[n.Key]; v != nil && n.Partition != nil {
		return v, nil
	}
	over := c.over[n.ConfigKey()]
	if over == nil {
		return nil, fmt.Errorf("%s %q has no config value", n.Op.Kind, n.Key)
	}
	v, err := over.On(func() any { return n.Op.ConfigFor(*p) }, "partition "+string(p.Key))
	if err != nil {
		return nil, err
	}
	return &plan.Config{Go: v.Go, Canonical: v.Canonical, Digest: v.Digest}, nil
}

// config is that of an op for a partition, nil for none; nil where the op takes none.
func (r *resolved) config(n *plan.Node, p *dag.Partition) (*plan.Config, error) {
	if p != nil && n.Op.Config != nil && n.Op.ConfigFor != nil {
		return r.parts.of(n, p)
	}
	return r.ops[n.ConfigKey()], nil
}
