package load

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/facts"
)

// A seer finds out what a listing was made from: which files and folders the go command must have looked at to answer as it did.
type seer struct {
	modules moduleFiles
	trees   []string
	listed  []*listedPackage

	ids     []facts.ID
	covered map[string]bool // folders whose names are part of a tree
}

// look returns all of it as it is now; hints are what was seen before. Names of files come first, because they say what there is to read.
func (s *seer) look(hints map[facts.ID]facts.Fact) []facts.Observation {
	s.ids, s.covered = slices.Clone(s.modules.ids), map[string]bool{}
	for _, dir := range s.trees {
		s.add(facts.Tree, dir)
	}
	seen := lookAt(s.ids, hints)
	var dirs []facts.Observation
	for _, o := range seen {
		if o.Kind == facts.Tree {
			dirs = append(dirs, o)
			for _, n := range o.Names {
				if below, ok := strings.CutSuffix(n, "/"); ok {
					s.covered[filepath.Join(o.Path, filepath.FromSlash(below))] = true
				}
			}
		}
	}
	s.ids = nil
	for _, lp := range s.listed {
		s.listedPackage(lp)
	}
	more := lookAt(facts.SortIDs(s.ids), hints)
	for _, o := range more {
		if o.Kind == facts.Names {
			dirs = append(dirs, o)
		}
	}
	seen = append(seen, more...)
	s.ids = nil
	for _, dir := range dirs {
		s.files(dir)
	}
	return append(seen, lookAt(facts.SortIDs(s.ids), hints)...)
}

func lookAt(ids []facts.ID, hints map[facts.ID]facts.Fact) []facts.Observation {
	l := make([]facts.Fact, len(ids))
	for i, id := range ids {
		l[i] = facts.Fact{ID: id}
		if h, ok := hints[id]; ok {
			l[i] = h
		}
	}
	return facts.Look(l)
}

func (s *seer) add(k facts.Kind, path string) { s.ids = append(s.ids, facts.ID{Kind: k, Path: path}) }

// listedPackage adds what a package was listed from, but for the files in its folder.
func (s *seer) listedPackage(lp *listedPackage) {
	if lp.Dir == "" || lp.ImportPath == "C" || lp.ImportPath == "unsafe" {
		return
	}
	if lp.Standard {
		if lp.ImportPath == "errors" { // in the closure of everything; a release of Go does not change
			s.add(facts.File, filepath.Join(lp.Dir, "..", "..", "VERSION"))
		}
		return
	}
	s.elsewhere(lp)
	module := lp.Module
	if module == nil {
		return
	}
	actual := module
	if module.Replace != nil {
		actual = module.Replace
	}
	switch dir := orElse(module.Dir, actual.Dir); {
	case actual.Version == "": // a folder of the user's
		if !s.covered[lp.Dir] {
			s.add(facts.Names, lp.Dir)
		}
		for d := lp.Dir; below(d, dir) && d != dir; d = filepath.Dir(d) {
			s.add(facts.Exists, filepath.Join(d, "go.mod"))
		}
		for _, p := range lp.EmbedPatterns {
			s.embedded(lp.Dir, p)
		}
	case below(lp.Dir, dir): // in the module cache, which never changes; but it may be cleaned
		s.add(facts.Exists, lp.Dir)
	default: // vendored
		s.add(facts.Stats, lp.Dir)
		for _, f := range lp.EmbedFiles {
			s.add(facts.Stats, filepath.Dir(filepath.Join(lp.Dir, filepath.FromSlash(f))))
		}
		for _, p := range lp.EmbedPatterns {
			s.embedded(lp.Dir, p)
		}
	}
}

func below(dir, top string) bool {
	return top != "" && (dir == top || strings.HasPrefix(dir, top+string(filepath.Separator)))
}

// elsewhere adds the folders of local modules in which a package of another module would be found as well if they had Go files.
func (s *seer) elsewhere(lp *listedPackage) {
	for _, m := range s.modules.local {
		rest, ok := strings.CutPrefix(lp.ImportPath, m.path+"/")
		if ok && (lp.Module == nil || lp.Module.Path != m.path) {
			if dir := filepath.Join(m.dir, filepath.FromSlash(rest)); !s.covered[dir] {
				s.add(facts.Names, dir)
			}
		}
	}
}

// files adds the files among the names in a folder, or in a tree of them, that the go command opens.
func (s *seer) files(dir facts.Observation) {
	for _, n := range dir.Names {
		name := facts.NameOf(n)
		base := path.Base(name)
		switch {
		case name == "" || base[0] == '.' || base[0] == '_':
		case strings.HasSuffix(name, ".go"):
			s.add(facts.Source, filepath.Join(dir.Path, filepath.FromSlash(name)))
		case base != "go.mod" && base != ManifestFile: // a file in C or such may have build constraints
			s.add(facts.File, filepath.Join(dir.Path, filepath.FromSlash(name)))
		}
	}
}

// embedded adds what decides which files a pattern of //go:embed matches below dir: the names in folders that are searched, and what stands where a name is given.
func (s *seer) embedded(dir, pattern string) {
	s.match(dir, strings.Split(strings.TrimPrefix(pattern, "all:"), "/"))
}

// Embedding returns what decides which files below dir a pattern of //go:embed matches, as it is now.
func Embedding(dir, pattern string) []facts.ID {
	var s seer
	s.embedded(dir, pattern)
	return facts.SortIDs(s.ids)
}

func (s *seer) match(dir string, elems []string) {
	if len(elems) == 0 {
		s.everything(dir)
		return
	}
	s.add(facts.Exists, filepath.Join(dir, "go.mod")) // what lies in another module cannot be embedded
	if !strings.ContainsAny(elems[0], `*?[\`) {
		s.add(facts.Exists, filepath.Join(dir, elems[0]))
		s.match(filepath.Join(dir, elems[0]), elems[1:])
		return
	}
	s.add(facts.All, dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // that is part of what was just added
	}
	for _, e := range entries {
		if ok, err := path.Match(elems[0], e.Name()); ok && err == nil {
			s.match(filepath.Join(dir, e.Name()), elems[1:])
		}
	}
}

// everything adds all names in a folder that is embedded as a whole, and in those below it.
func (s *seer) everything(dir string) {
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			s.add(facts.All, name)
		}
		return nil // a folder that cannot be read is a fact too
	})
}
