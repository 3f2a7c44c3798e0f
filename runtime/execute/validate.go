package execute

import (
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// ValidateRunConfig holds run config against what a job takes ("" for the assets), just as a run does, and returns it resolved: defaults applied, variables read, every
// value of its Go type, and [runconfig.Resolved.Document] with secrets left out. Nothing is planned or run. Of the options those count that say what a run is:
// [WithSelection], and [WithResources], which need no config then. All that is wrong with the document is one error of type [runconfig.Problems].
func ValidateRunConfig(defs dag.Definitions, job string, doc *runconfig.Document, opts ...Option) (*runconfig.Resolved, error) {
	c, err := newCall(opts)
	if err != nil {
		return nil, err
	}
	cat, err := plan.NewCatalog(defs)
	if err != nil {
		return nil, err
	}
	t, err := cat.Target(job, c.Select)
	if err != nil {
		return nil, err
	}
	c.Config = doc
	if err := checkOptions(t, &c.Options); err != nil {
		return nil, err
	}
	o, err := withJob(t.Def(), lastPartition(t.Def()), &c.Options)
	if err != nil {
		return nil, err
	}
	return resolveDocument(t, o, map[string]*string{})
}
