package load

import (
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// ToolCommand is how dagstergen is called in the module of a folder: "go tool dagstergen" where its go.mod has the tool, else "dagstergen". How this process was
// started does not say: go tool, go run and a build of the user's all lead to the same program.
func ToolCommand(dir string) string {
	const alone = "dagstergen"
	dir, err := filepath.Abs(dir)
	if err != nil {
		return alone
	}
	for {
		name := filepath.Join(dir, "go.mod")
		if src, err := os.ReadFile(name); err == nil {
			if mod, err := modfile.Parse(name, src, nil); err == nil {
				for _, t := range mod.Tool {
					if t.Path == ownModule+"/cmd/dagstergen" {
						return "go tool " + alone
					}
				}
			}
			return alone
		}
		up := filepath.Dir(dir)
		if up == dir {
			return alone
		}
		dir = up
	}
}
