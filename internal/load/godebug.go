package load

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// debugSettings reads the godebug lines that the go command takes the defaults of GODEBUG from: those of go.work where there is one, else those
// of the main module's go.mod. A file that cannot be read has none: the go command has complained about it.
func debugSettings(dir string, m Module, env []string) []string {
	var list []*modfile.Godebug
	if name := workFile(dir, env); name != "" {
		if src, err := os.ReadFile(name); err == nil {
			if f, err := modfile.ParseWork(name, src, nil); err == nil {
				list = f.Godebug
			}
		}
	} else if m.Dir != "" {
		name := filepath.Join(m.Dir, "go.mod")
		if src, err := os.ReadFile(name); err == nil {
			if f, err := modfile.Parse(name, src, nil); err == nil {
				list = f.Godebug
			}
		}
	}
	var out []string
	for _, g := range list {
		out = append(out, g.Key+"="+g.Value)
	}
	slices.Sort(out)
	return out
}

// workFile returns the go.work that the go command uses in dir, or "": the one that GOWORK names, else the next one above.
func workFile(dir string, env []string) string {
	if env == nil {
		env = os.Environ()
	}
	work := ""
	for _, kv := range env { // the last one counts
		if v, ok := strings.CutPrefix(kv, "GOWORK="); ok {
			work = v
		}
	}
	switch work {
	case "off":
		return ""
	case "":
	default:
		return work
	}
	for {
		name := filepath.Join(dir, "go.work")
		if info, err := os.Stat(name); err == nil && !info.IsDir() {
			return name
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}
