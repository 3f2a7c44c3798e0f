package backfill

import (
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// A scope is the assets of a backfill.
type scope struct {
	selection  string
	definition *partition.Definition // of all that have partitions
}

// scopeOf finds the assets that a selection is about; the empty one is all that have partitions, with what they are made from. The error is a [*plan.Error].
func scopeOf(cat *plan.Catalog, selection string) (*scope, error) {
	t, err := cat.Target("", selection)
	if err != nil {
		return nil, err
	}
	s := &scope{selection: selection}
	var wrong []plan.Problem
	var first *plan.Node
	var names []string
	for _, i := range t.Selected {
		n := &t.Graph.Nodes[i]
		switch {
		case n.Op.Partitions == nil || n.Op.Check != nil:
			continue
		case first == nil:
			first = n
		case !partition.Alike(first.Op.Partitions, n.Op.Partitions):
			wrong = append(wrong, problem("several_partitions", "assets "+quoted(first.Key)+" ("+first.Op.Partitions.String()+") and "+quoted(n.Key)+" ("+n.Op.Partitions.String()+
				") have other partitions; a backfill is of those of one kind: select some with --select"))
		}
		if name := "*" + t.Graph.Clause(i); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if first == nil {
		wrong = append(wrong, problem("no_partitions", "nothing that is selected has partitions; give an asset partitions=, or bring assets up to date with materialize"))
	}
	if wrong != nil {
		return nil, &plan.Error{Problems: wrong}
	}
	s.definition = first.Op.Partitions
	if selection == "" {
		s.selection = strings.Join(names, ", ")
	}
	return s, nil
}

func problem(code, message string) plan.Problem { return plan.Problem{Code: code, Message: message} }

func quoted(key string) string { return `"` + key + `"` }
