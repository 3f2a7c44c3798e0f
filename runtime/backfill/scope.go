package backfill

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// A scope is what the runs of a backfill are of: assets, or a job.
type scope struct {
	job       *dag.JobDef // nil for assets without one
	selection string
	parts     []unit       // in the order in which they are computed
	stages    *plan.Stages // of several parts
}

// A unit is what has partitions of one definition: the job, or assets.
type unit struct {
	name       string // of its first asset; empty where it is the only one
	selection  string
	definition *partition.Definition
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

// definitions says in words what the partitions are.
func (s *scope) definitions() string {
	var list []string
	for i := range s.parts {
		if d := s.parts[i].definition.String(); !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return strings.Join(list, "; ")
}

// spaces are the partitions that there are of each part.
func (s *scope) spaces(at partition.At) ([]*partition.Space, error) {
	if s.stages != nil {
		return s.stages.Spaces(at)
	}
	space, err := s.parts[0].definition.Resolve(at)
	return []*partition.Space{space}, err
}

// choose finds the partitions of each part that a selection says.
func (s *scope) choose(spaces []*partition.Space, selection string, at partition.At) ([]partition.Set, error) {
	if s.stages != nil {
		return s.stages.Choose(selection, at)
	}
	set, err := spaces[0].Select(selection)
	if err == nil && set.Empty() {
		err = fmt.Errorf("partitions %q: there is none yet", selection)
	}
	if err != nil {
		return nil, &plan.Error{Problems: []plan.Problem{problem("unknown_partition", err.Error())}}
	}
	return []partition.Set{set}, nil
}

// scopeOf finds what a backfill of a job, or of assets where job is empty, is about; the empty selection of assets is all that have partitions, with what they are made from. The error is a [*plan.Error].
func scopeOf(cat *plan.Catalog, job, selection string) (*scope, error) {
	t, err := cat.Target(job, selection)
	if err != nil {
		return nil, err
	}
	s := &scope{job: t.Def(), selection: selection}
	if s.each() {
		s.parts = []unit{{selection: selection, definition: s.job.Partitions}}
		return s, nil
	}
	if t.Job != nil {
		return nil, &plan.Error{Problems: []plan.Problem{problem("no_partitions", "job "+quoted(job)+" has no partitions; give it partitions=, or run it")}}
	}
	return s.assets(cat, t)
}

// assets fills in what a scope of assets is about.
func (s *scope) assets(cat *plan.Catalog, t *plan.Target) (_ *scope, err error) {
	var first *partition.Definition // of what begins first
	var names []string
	alike := true
	for _, i := range t.Selected {
		n := &t.Graph.Nodes[i]
		switch {
		case n.Op.Partitions == nil || n.Op.Check != nil:
			continue
		case first == nil:
			first = n.Op.Partitions
		case !partition.Alike(first, n.Op.Partitions):
			alike = false
		default:
			first = partition.Earliest(first, n.Op.Partitions)
		}
		if name := "*" + t.Graph.Clause(i); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if first == nil {
		return nil, &plan.Error{Problems: []plan.Problem{problem("no_partitions", "nothing that is selected has partitions; give an asset partitions=, or bring assets up to date with materialize")}}
	}
	if s.selection == "" && s.job == nil {
		s.selection = strings.Join(names, ", ")
		if t, err = cat.Target("", s.selection); err != nil {
			return nil, err
		}
	}
	if alike {
		s.parts = []unit{{selection: s.selection, definition: first}}
		return s, nil
	}
	if s.stages, err = t.Stages(); err != nil {
		return nil, err
	}
	for i := range s.stages.List {
		st := &s.stages.List[i]
		s.parts = append(s.parts, unit{name: st.Name, selection: st.Selection, definition: st.Definition})
	}
	return s, nil
}

func problem(code, message string) plan.Problem { return plan.Problem{Code: code, Message: message} }

func quoted(key string) string { return `"` + key + `"` }
