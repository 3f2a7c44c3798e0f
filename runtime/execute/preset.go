package execute

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/plan"
	"github.com/dagstergen/dagstergen/runtime/runconfig"
)

// Preset returns what the preset of a job says: its run config, and the tags of its runs, which name the preset too. The error is a [*plan.Error]
// where the job has none of that name, and of type [runconfig.Problems] where the file cannot be read; whether the job takes what it says is seen when it
// is used.
func Preset(job *dag.JobDef, name string) (*runconfig.Document, map[string]string, error) {
	i := slices.IndexFunc(job.Presets, func(p dag.Preset) bool { return p.Name == name })
	if i < 0 {
		hint := "; it has none: write //dag:preset NAME FILE above it"
		var names []string
		for _, p := range job.Presets {
			names = append(names, p.Name)
		}
		if names != nil {
			hint = "; it has " + strings.Join(names, ", ")
		}
		return nil, nil, &plan.Error{Problems: []plan.Problem{{Code: "unknown_preset", Message: fmt.Sprintf("job %q has no preset %q%s", job.Key, name, hint)}}}
	}
	p := &job.Presets[i]
	doc, err := runconfig.Parse(p.File, []byte(p.Text))
	if err != nil {
		return nil, nil, err
	}
	tags := map[string]string{dag.PresetTag: name}
	maps.Copy(tags, p.Tags)
	return doc, tags, nil
}

// WithPreset begins with the run config and the tags of a preset of the job; what [WithConfig] and [WithTags] say comes on top, and inputs that are given
// from Go are taken in place of its own.
func WithPreset(name string) Option { return func(c *call) { c.preset = name } }

// applyPreset puts the preset that was asked for below the other options.
func (c *call) applyPreset(cat *plan.Catalog, job string) error {
	if c.preset == "" {
		return nil
	}
	if job == "" {
		return badOption("WithPreset is for a job: assets have no presets")
	}
	j, err := cat.Job(job)
	if err != nil {
		return err
	}
	doc, tags, err := Preset(j, c.preset)
	if err != nil {
		return err
	}
	maps.Copy(tags, c.Tags)
	c.Config, c.Tags = doc.WithoutInputs(slices.Sorted(maps.Keys(c.Inputs))).Merge(c.Config), tags
	return nil
}
