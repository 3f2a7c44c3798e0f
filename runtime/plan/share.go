package plan

import (
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// This file is how a function that can compute some of its assets is planned: each of them is an op of its own, a share, with the code, config and inputs of the function and one output. So selection,
// versions, records, status and checks are those of any asset; only the executor, which calls the function, knows what belongs together.

// shares are the ops that a function with several assets falls into; nil where it is one op.
func (o *opInfo) shares() []*opInfo {
	if !o.op.Subset || o.op.Kind != dag.KindAsset || o.op.Graph != nil || len(o.op.Outputs) < 2 {
		return nil
	}
	shares := make([]*opInfo, len(o.op.Outputs))
	for i := range shares {
		op, out := *o.op, o.op.Outputs[i]
		out.Asset = assetKey(o.op, &out)
		op.Key, op.Outputs, op.Subset, op.Invoke = out.Asset, []dag.Output{out}, false, nil
		shares[i] = &opInfo{op: &op, pkg: o.pkg, hash: o.hash, whole: o.op}
	}
	return shares
}

// addShares takes in a function by its shares. Its own key stays taken: run config and selections call it by that.
func (c *Catalog) addShares(whole *opInfo, shares []*opInfo, wrong *problems) {
	own := false
	for _, o := range shares {
		own = own || o.op.Key == whole.op.Key
		c.shares[o.op] = o
		c.addOp(o, wrong)
	}
	if own {
		return
	}
	if known := c.opByKey[whole.op.Key]; known != nil {
		wrong.add("duplicate_key", "two definitions have the key %q: %s and %s; give one of them another with name=", whole.op.Key, known.op.Symbol, whole.op.Symbol)
		return
	}
	c.opByKey[whole.op.Key] = whole
}

// infoOf is what is known of an op, or of what the step does that stores what a graph gives.
func (c *Catalog) infoOf(op *dag.Op) *opInfo {
	if o := c.shares[op]; o != nil {
		return o
	}
	return c.opBySymbol[op.Symbol]
}

// FunctionKey is what run config calls an op: its key, or that of the function that it is one asset of.
func (c *Catalog) FunctionKey(op *dag.Op) string {
	if o := c.shares[op]; o != nil {
		return o.whole.Key
	}
	return op.Key
}

// Whole is the function of which the node is one of the assets, and which is called for any number of them at once; nil for a node that is all of its function.
func (n *Node) Whole() *dag.Op {
	if n.info == nil {
		return nil
	}
	return n.info.whole
}

// ConfigKey is what run config calls the node: its name, or that of the function that it is one asset of.
func (n *Node) ConfigKey() string {
	if whole := n.Whole(); whole != nil {
		return whole.Key
	}
	return n.Name
}

// Entire is a step as its function sees it, which gives other assets too; s itself where it is all of its function.
func (s *Step) Entire() *Step {
	whole := s.Whole()
	if whole == nil {
		return s
	}
	node, entire := *s.Node, *s
	node.Op, entire.Node = whole, &node
	return &entire
}
