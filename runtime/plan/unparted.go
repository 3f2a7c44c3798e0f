package plan

import "slices"

// unparted is the target of all assets without those that have partitions, and without what is made from these: what a run brings up to date that is asked for everything, and for no
// partition. nil where a selection says what is meant, or nothing is left.
func (t *Target) unparted() *Target {
	if t.Def() != nil || t.Selection != "" {
		return nil
	}
	rest := t.WithoutPartitions()
	if !slices.ContainsFunc(rest.Selected, func(i int32) bool { return rest.Graph.Nodes[i].Op.Check == nil && !slices.Contains(rest.Sources, i) }) {
		return nil
	}
	for _, i := range t.Selected {
		if name := t.Graph.Name(i); !rest.selected[i] && t.Graph.Nodes[i].Op.Check == nil && !slices.Contains(rest.LeftOut, name) {
			rest.LeftOut = append(rest.LeftOut, name)
		}
	}
	return rest
}
