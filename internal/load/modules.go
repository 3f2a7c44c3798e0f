package load

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/dagstergen/dagstergen/internal/facts"
)

// moduleFiles are the files that say which modules there are, and the modules on disk that they name.
type moduleFiles struct {
	ids   []facts.ID
	local []localModule
}

// A localModule is the main module, one of a workspace, or a folder that replaces a module.
type localModule struct{ path, dir string }

// moduleFiles finds them as the go command does. That there is none in a folder, or a file is missing, is a fact as well: a go.work that appears above changes
// all answers. It is false where the files cannot be understood.
func (s *settings) moduleFiles() (moduleFiles, bool) {
	var m moduleFiles
	modDir, work := "", ""
	for d := s.dir; ; d = filepath.Dir(d) {
		for _, name := range []string{"go.mod", "go.work"} {
			path := filepath.Join(d, name)
			m.add(facts.File, path)
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				continue
			}
			if name == "go.mod" {
				modDir = orElse(modDir, d)
			} else {
				work = orElse(work, path)
			}
		}
		if filepath.Dir(d) == d {
			break
		}
	}
	if s.work != "" && s.work != "auto" {
		work = s.work
	}
	switch {
	case work != "" && work != "off":
		return m, m.workspace(work)
	case modDir != "":
		return m, m.mainModule(modDir, orElse(s.modFile, filepath.Join(modDir, "go.mod")))
	}
	return m, false
}

func (m *moduleFiles) add(k facts.Kind, name string) {
	m.ids = append(m.ids, facts.ID{Kind: k, Path: name})
}

// workspace reads a go.work and the go.mod files of the modules that it names.
func (m *moduleFiles) workspace(name string) bool {
	src, err := os.ReadFile(name)
	if err != nil {
		return false
	}
	w, err := modfile.ParseWork(name, src, nil)
	if err != nil {
		return false
	}
	m.add(facts.File, name)
	m.add(facts.File, name+".sum")
	m.vendor(filepath.Dir(name))
	for _, u := range w.Use {
		dir := within(filepath.Dir(name), u.Path)
		if !m.mainModule(dir, filepath.Join(dir, "go.mod")) {
			return false
		}
	}
	m.replaced(filepath.Dir(name), w.Replace)
	return true
}

// mainModule reads the go.mod, which may have another name, of a module whose packages are in dir.
func (m *moduleFiles) mainModule(dir, name string) bool {
	src, err := os.ReadFile(name)
	if err != nil {
		return false
	}
	f, err := modfile.Parse(name, src, nil)
	if err != nil || f.Module == nil {
		return false
	}
	m.add(facts.File, name)
	m.add(facts.File, strings.TrimSuffix(name, ".mod")+".sum")
	m.vendor(dir)
	m.local = append(m.local, localModule{f.Module.Mod.Path, dir})
	m.replaced(dir, f.Replace)
	return true
}

// vendor adds what decides whether packages are looked for in a vendor folder, and where they are from.
func (m *moduleFiles) vendor(dir string) {
	m.add(facts.Exists, filepath.Join(dir, "vendor"))
	m.add(facts.File, filepath.Join(dir, "vendor", "modules.txt"))
}

// replaced adds the modules that folders stand for. What a go.mod in such a folder requires counts even where no package of it is used.
func (m *moduleFiles) replaced(dir string, replace []*modfile.Replace) {
	for _, r := range replace {
		if r.New.Version == "" {
			to := within(dir, r.New.Path)
			m.add(facts.File, filepath.Join(to, "go.mod"))
			m.local = append(m.local, localModule{r.Old.Path, to})
		}
	}
}

func within(dir, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, filepath.FromSlash(name))
}

// trees returns the folders that patterns with "..." are matched in. It is false for patterns that may match more than what lies in folders of local
// modules, or no packages at all.
func trees(dir string, patterns []string, local []localModule) ([]string, bool) {
	var out []string
	for _, p := range patterns {
		slashed := filepath.ToSlash(p)
		switch {
		case p == "" || strings.HasSuffix(p, ".go") || strings.ContainsAny(p, "@=") || p[0] == '-':
			return nil, false
		case p == "all" || p == "std" || p == "cmd" || p == "tool" || p == "work":
			return nil, false
		}
		before, _, ok := strings.Cut(slashed, "...")
		if !ok {
			continue
		}
		if filepath.IsAbs(p) || p == "." || strings.HasPrefix(slashed, "./") || strings.HasPrefix(slashed, "../") {
			folder, _ := filepath.Split(filepath.FromSlash(before))
			out = append(out, within(dir, folder))
			continue
		}
		for _, m := range local {
			out = append(out, m.dir)
		}
	}
	return out, true
}
