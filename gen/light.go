package gen

import (
	"github.com/dagstergen/dagstergen/gen/model"
	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/versionhash"
)

// light says how packages are loaded of which the model knows nothing: versions need no more than a summary of them. Without a cache all packages are loaded whole: what comes of
// that is what a cache must give, too.
func light() *load.Light {
	return &load.Light{
		Need: model.Needs,
		Summarize: func(p *load.Program, lp *load.Package) []byte {
			if model.EndlessIn(p, lp) != nil {
				return nil
			}
			return versionhash.Summarize(p, lp)
		},
		Restore: versionhash.Restore,
	}
}
