package plan

import (
	"slices"
	"strings"
)

// unparted is the target of all assets without those that have partitions, and without what is made from these: what a run brings up to date that is asked for everything, and for no
// partition. nil where a selection says what is meant, or nothing is left.
func (t *Target) unparted() *Target {
	if t.Job != nil || t.Selection != "" {
		return nil
	}
	var names, clauses []string
	for _, i := range t.Selected {
		n := &t.Graph.Nodes[i]
		if n.Op.Partitions == nil || n.Op.Check != nil {
			continue
		}
		if name := t.Graph.Name(i); !slices.Contains(names, name) {
			names, clauses = append(names, name), append(clauses, t.Graph.Clause(i)+"*")
		}
	}
	rest, err := t.Catalog.Target("", "not ("+strings.Join(clauses, " or ")+")")
	if err != nil || !slices.ContainsFunc(rest.Selected, func(i int32) bool { return rest.Graph.Nodes[i].Op.Check == nil && !slices.Contains(rest.Sources, i) }) {
		return nil
	}
	rest.Selection = ""
	for _, i := range t.Selected {
		if name := t.Graph.Name(i); !rest.selected[i] && t.Graph.Nodes[i].Op.Check == nil && !slices.Contains(rest.LeftOut, name) {
			rest.LeftOut = append(rest.LeftOut, name)
		}
	}
	return rest
}
