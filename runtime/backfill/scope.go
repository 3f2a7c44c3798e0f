package backfill

import (
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// A scope is what the runs of a backfill are of: assets, or a job.
type scope struct {
	job        *dag.JobDef // nil for assets without one
	selection  string
	definition *partition.Definition // of the job, or of all assets that have partitions
}

// name is the key of the job; empty for none.
func (s *scope) name() string {
	if s.job == nil {
		return ""
	}
	return s.job.Key
}

// each reports whether a run is of one partition, and no more.
func (s *scope) each() bool { return s.job != nil && s.job.Partitions != nil }

// scopeOf finds what a backfill of a job, or of assets where job is empty, is about; the empty selection of assets is all that have partitions, with what they are made from. The error is a [*plan.Error].
func scopeOf(cat *plan.Catalog, job, selection string) (*scope, error) {
	t, err := cat.Target(job, selection)
	if err != nil {
		return nil, err
	}
	s := &scope{job: t.Def(), selection: selection}
	if s.each() {
		s.definition = s.job.Partitions
		return s, nil
	}
	if t.Job != nil {
		return nil, &plan.Error{Problems: []plan.Problem{problem("no_partitions", "job "+quoted(job)+" has no partitions; give it partitions=, or run it")}}
	}
	return s.assets(t)
}

// assets fills in what a scope of assets is about.
func (s *scope) assets(t *plan.Target) (*scope, error) {
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
	if s.selection == "" && s.job == nil {
		s.selection = strings.Join(names, ", ")
	}
	return s, nil
}

func problem(code, message string) plan.Problem { return plan.Problem{Code: code, Message: message} }

func quoted(key string) string { return `"` + key + `"` }
