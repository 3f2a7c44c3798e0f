package backfill

import (
	"errors"

	"github.com/dagstergen/dagstergen/runtime/execute"
	"github.com/dagstergen/dagstergen/runtime/partition"
	"github.com/dagstergen/dagstergen/runtime/plan"
)

// perPartition reports whether the job says in run config what a partition has of its own.
func (s *scope) perPartition() bool { return s.job != nil && s.job.ConfigFor != nil }

// configIn holds the run config against what the job needs, with what it says itself of the first partition that it says something of, and returns what the config says without that: each
// run takes what the job says of its own partition. A job that has no config for any of them is an error.
func (s *scope) configIn(cat *plan.Catalog, space *partition.Space, set partition.Set, o execute.Options) (string, error) {
	var first error
	for p := range walk(space, set, false) {
		resolved, err := execute.ResolveConfigIn(cat, s.name(), s.selection, plan.PartitionIn(space, p), o.Config, o.Getenv)
		var none *plan.Error
		switch {
		case err == nil:
			return resolved.TextOf(o.Config), nil
		case !errors.As(err, &none) || none.Problems[0].Code != execute.NoPartitionConfig:
			return "", err
		case first == nil:
			first = err
		}
	}
	return "", first
}
