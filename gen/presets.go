package gen

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/gen/preset"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// presets holds the files of presets against the jobs that they are for. It reads them: they are part of the binary, and count as inputs of the run.
func (a *Analysis) presets(diags *diag.List) {
	for _, p := range a.Model.Packages {
		resources, sound := knownResources(p)
		if !sound || a.loadErrors[p.Package] {
			continue
		}
		for _, j := range p.Jobs {
			if j.Broken {
				continue // what it takes is not known
			}
			for _, pre := range j.Presets {
				a.inputs.watch(p.Package, []string{pre.File})
				path := filepath.Join(p.Dir, filepath.FromSlash(pre.File))
				found := readPreset(path, a.Program.Rel(path), pre, j, resources)
				if found.HasErrors() {
					a.undecided[p.Package] = true
				}
				*diags = append(*diags, found...)
			}
		}
	}
	if len(a.undecided) > 0 {
		spread(a.Program, a.undecided)
	}
}

// knownResources are the resources that a run config of p's jobs may speak of. It is not sound where a config among what p sees has errors, so that its fields
// are not known.
func knownResources(p *model.Package) (out []*model.Resource, sound bool) {
	for _, q := range p.Visible() {
		out = append(out, q.Resources...)
		if slices.ContainsFunc(q.Configs, func(c *model.Config) bool { return c.Broken }) {
			return nil, false
		}
	}
	return out, true
}

// readPreset returns what is wrong with the file of a preset; name is how it is called in messages.
func readPreset(path, name string, pre *model.Preset, j *model.Job, resources []*model.Resource) diag.List {
	info, err := os.Lstat(path)
	var data []byte
	if err == nil && info.Mode().IsRegular() {
		data, err = os.ReadFile(path)
	}
	missing := func(message, hint string) diag.List {
		return diag.List{{Code: model.CodePreset, Pos: pre.Pos, End: pre.End, Message: j.GoName + ": //dag:preset: " + message, Hint: hint}}
	}
	switch {
	case os.IsNotExist(err):
		return missing(pre.File+" is not there", "paths begin at the folder of the package; write the file, or correct the path")
	case err != nil:
		return missing(pre.File+" cannot be read", "make it readable")
	case !info.Mode().IsRegular():
		return missing(pre.File+" is no ordinary file, so that a binary cannot embed it", "name a file")
	}
	return preset.Check(name, data, pre.Name, j, resources)
}
