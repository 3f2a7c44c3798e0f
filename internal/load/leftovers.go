package load

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// leftovers finds the folders below patterns such as ./... in which no Go file is left but ours: the go command passes them over, and what lies
// there breaks the user's build until somebody takes it away. They are returned as patterns.
func leftovers(dir string, patterns []string) []string {
	var out []string
	for _, p := range patterns {
		below, ok := strings.CutSuffix(filepath.ToSlash(p), "/...")
		if !ok || below != "." && below != ".." && !strings.HasPrefix(below, "./") && !strings.HasPrefix(below, "../") {
			continue
		}
		root := filepath.Join(dir, filepath.FromSlash(below))
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return nil // what cannot be read holds no package either
			}
			if path != root {
				if name := d.Name(); name[0] == '.' || name[0] == '_' || name == "testdata" || name == "vendor" {
					return fs.SkipDir
				}
				if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
					return fs.SkipDir // another module
				}
			}
			if onlyOurs(path) {
				rel, err := filepath.Rel(dir, path)
				if err == nil && !strings.HasPrefix(rel, "..") {
					rel = "." + string(filepath.Separator) + rel
				}
				out = append(out, filepath.ToSlash(rel))
			}
			return nil
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// onlyOurs reports whether a folder has Go files, other than tests, and all of them are ours.
func onlyOurs(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if !strings.HasPrefix(name, "dag_") { // spares reading the files of all other packages
			return false
		}
		names = append(names, name)
	}
	for _, name := range names {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !IsGenerated(src) {
			return false
		}
	}
	return len(names) > 0
}
