package plan

import (
	"github.com/dagstergen/dagstergen/runtime/dag"
)

// Def is the definition of what runs: of a job, or of the job that names a selection of assets; nil for assets without one.
func (t *Target) Def() *dag.JobDef {
	if t.Assets != nil {
		return t.Assets
	}
	return t.Job
}

// OfAssets reports whether what runs under a name are assets: the empty name, and that of a job that is a selection of them.
func (c *Catalog) OfAssets(job string) bool {
	j := c.jobByKey[job]
	return job == "" || j != nil && j.Select != ""
}

// assetJobs finds what is wrong with the jobs that are selections of assets.
func (c *Catalog) assetJobs(wrong *problems) {
	for _, j := range c.jobs {
		if j.Select == "" || c.assets.homes == nil { // what is wrong with the assets has been said
			continue
		}
		if !dag.ValidName(j.Key) {
			wrong.add("bad_name", "%q is no name of a job; use lower-case letters, digits and _, a letter first", j.Key)
		}
		var own problems
		c.selectNodes(c.assets, j.Select, &own)
		for _, p := range own {
			wrong.add(p.Code, "job %q: %s", j.Key, p.Message)
		}
	}
}

// AssetsOf are the assets of a job that is a selection of them, in plan order, as selections call them; nil of any other job.
func (c *Catalog) AssetsOf(j *dag.JobDef) (names []string) {
	if j.Select == "" {
		return nil
	}
	var wrong problems // they were found before
	for i, yes := range c.selectNodes(c.assets, j.Select, &wrong) {
		if n := &c.assets.Nodes[i]; yes && n.Op.Check == nil && c.assets.unit[i] == int32(i) {
			names = append(names, n.Name)
		}
	}
	return names
}

// within leaves of what is selected only what the job names that it is of.
func (t *Target) within(wrong *problems) {
	any := false
	for i, yes := range t.Catalog.selectNodes(t.Graph, t.Assets.Select, wrong) {
		t.selected[i] = t.selected[i] && yes
		any = any || t.selected[i]
	}
	if !any && len(*wrong) == 0 {
		wrong.add("bad_selection", "selection %q selects nothing of the job %q, which is the assets %s", t.Selection, t.Assets.Key, t.Assets.Select)
	}
}
