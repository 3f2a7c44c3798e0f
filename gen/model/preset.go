package model

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/dagstergen/dagstergen/annotations"
	"github.com/dagstergen/dagstergen/internal/diag"
)

// A Preset is a run config of a job with a name.
type Preset struct {
	Name        string
	File        string // slash-separated, below the folder of the package
	Description string
	Tags        map[string]string
	Pos, End    token.Position // of the file in the directive
}

// presets gives the jobs of a file what //dag:preset says of them.
func (b *builder) presets(p *Package, anns []annotations.Annotation) {
	for _, a := range anns {
		if a.Kind != annotations.Preset {
			continue
		}
		fail := func(at, end token.Position, hint, message string) *diag.Diagnostic {
			p.Diagnostics.Add(diag.Diagnostic{Code: CodePreset, Pos: at, End: end, Hint: hint, Message: a.Name + ": //dag:preset: " + message})
			return &p.Diagnostics[len(p.Diagnostics)-1]
		}
		var job *Job
		if f, ok := a.Decl.(*ast.FuncDecl); ok {
			obj, _ := p.Info.Defs[f.Name].(*types.Func)
			job = b.jobs[obj]
		}
		if job == nil {
			if !brokenKind(a.Decl) || annotated(anns, a.Decl) {
				fail(a.Pos, a.End, "put it above a function marked //dag:job", "a preset is the run config of a job, and this is none")
			}
			continue
		}
		name, _ := a.Arg("name")
		file, _ := a.Arg("file")
		pre := &Preset{Name: name.Value, File: file.Value, Description: a.Value("description"), Tags: a.Map("tags"), Pos: file.Pos, End: file.End}
		taken := false
		for _, other := range job.Presets {
			if other.Name == pre.Name {
				d := fail(name.Pos, name.End, "choose another name", "the job has a preset "+pre.Name+" already")
				d.Related = append(d.Related, diag.Related{Pos: other.Pos, Message: "the first one"})
				taken = true
			}
		}
		if !taken {
			job.Presets = append(job.Presets, pre)
		}
	}
}

// annotated reports whether a directive without errors says what a declaration is.
func annotated(anns []annotations.Annotation, decl ast.Node) bool {
	for _, a := range anns {
		if row, _ := annotations.Lookup(a.Kind); !row.Beside && a.Decl == decl {
			return true
		}
	}
	return false
}
