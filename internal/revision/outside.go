package revision

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// outside makes what the modules of the tree refer to outside of the repository reachable by the same relative path. The workspace file is the one that work
// names, or the nearest above the repository; one inside of it is part of the revision.
func (t *Tree) outside(work string) error {
	var files []string // go.mod and go.work files whose paths count, by their real names
	err := filepath.WalkDir(t.mirror(t.top), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && (d.Name() == "go.mod" || d.Name() == "go.work") {
			files = append(files, t.Real(path))
		}
		return err
	})
	if err != nil {
		return err
	}
	if !filepath.IsAbs(work) && work != "off" {
		work = ""
		for dir := filepath.Dir(t.top); work == ""; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
				work = filepath.Join(dir, "go.work")
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if filepath.IsAbs(work) && !within(t.top, work) {
		for _, file := range []string{work, work + ".sum"} {
			if err := t.copy(file); err != nil {
				return err
			}
		}
		files = append(files, work)
	}
	for seen := map[string]bool{}; len(files) > 0; {
		file := files[0]
		files = files[1:]
		if seen[file] {
			continue
		}
		seen[file] = true
		for _, ref := range t.references(file) {
			dir := ref.path
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(filepath.Dir(file), filepath.FromSlash(dir))
			}
			if within(t.top, dir) {
				continue
			}
			if !filepath.IsAbs(ref.path) {
				if err := t.link(dir); err != nil {
					return err
				}
			}
			if ref.module {
				files = append(files, filepath.Join(dir, "go.mod"))
			}
		}
	}
	return nil
}

// A reference is a path in a go.mod or go.work. The replace lines of a module that a workspace uses count too.
type reference struct {
	path   string
	module bool
}

// references reads the paths of a file of the tree, or of a real one outside of the repository. A file that cannot be read or parsed has none: the
// go command will say so.
func (t *Tree) references(file string) []reference {
	data, err := os.ReadFile(t.Mirror(file))
	if err != nil {
		return nil
	}
	var out []reference
	replaces := func(all []*modfile.Replace) {
		for _, r := range all {
			if r.New.Version == "" {
				out = append(out, reference{r.New.Path, false})
			}
		}
	}
	if filepath.Base(file) == "go.mod" {
		if m, err := modfile.ParseLax(file, data, nil); err == nil {
			// ParseLax leaves replace lines out, because they do not count in a dependency; here they do.
			if strict, err := modfile.Parse(file, data, nil); err == nil {
				m = strict
			}
			replaces(m.Replace)
		}
		return out
	}
	w, err := modfile.ParseWork(file, data, nil)
	if err != nil {
		return nil
	}
	replaces(w.Replace)
	for _, u := range w.Use {
		out = append(out, reference{u.Path, true})
	}
	return out
}

// link makes a real folder outside of the repository appear in the tree. Where the tree has a folder of that name already, because the repository or another link
// lies below, what is in the real one appears in it.
func (t *Tree) link(real string) error {
	if within(t.top, real) || t.linked(real) {
		return nil
	}
	if _, err := os.Stat(real); err != nil {
		return nil // the go command will say so
	}
	to := t.mirror(real)
	info, err := os.Lstat(to)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.Symlink(real, to)
	}
	if err != nil || !info.IsDir() {
		return err
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := t.link(filepath.Join(real, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// linked reports whether a folder or one above it is a link in the tree already: then it is there, and a file made in it would be made in the real one.
func (t *Tree) linked(real string) bool {
	for dir := real; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if info, err := os.Lstat(t.mirror(dir)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

// copy copies a file that the go command may write to.
func (t *Tree) copy(real string) error {
	data, err := os.ReadFile(real)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(t.mirror(real)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(t.mirror(real), data, 0o600)
}
