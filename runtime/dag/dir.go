package dag

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dagstergen/dagstergen/internal/canon"
)

// A Dir is the files of a folder as one value: what a source returns that watches more than one file, see [OpenDir] and [Glob]. Its version is a digest of the names of the files, relative to the
// folder, and of their bytes: a file that is added, removed, renamed or changed makes another one; where the folder stands does not count. The zero Dir is no folder.
//
// It says where the files are and what they were, and holds none of their bytes. So it is no output of an op or asset.
type Dir struct {
	Root    string     // absolute path of the folder
	Pattern string     // which of its files are meant, as [Glob] has it, below Root; empty for all
	Entries []DirEntry // sorted by name
}

// A DirEntry is a file of a [Dir].
type DirEntry struct {
	Name   string // relative to the folder, with slashes: "2024/01.csv"
	Size   int64  // in bytes
	SHA256 [32]byte
}

// OpenDir returns all files below the folder at path after reading each once for its digest, as [OpenFile] does. There may be none. A symbolic link to a file is that file under the name
// of the link. A link to a folder, a broken link, a pipe, a device, and what cannot be read is an error that names it: nothing is left out silently.
func OpenDir(path string) (Dir, error) { return openDir(path, "") }

// Glob returns the files that match a pattern, as [OpenDir] does: "data/*.csv", "data/**/day-??.csv". Elements of the pattern are those of path.Match, and ** stands for any number of folders.
// The folder is what comes before the first element with a wildcard. Where nothing matches the error wraps [fs.ErrNotExist]. What does not match is not looked at.
func Glob(pattern string) (Dir, error) {
	root, rest, err := splitPattern(pattern)
	if err != nil {
		return Dir{}, err
	}
	d, err := openDir(root, rest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Dir{}, fmt.Errorf("no file matches %s: %w", pattern, err)
	case err == nil && len(d.Entries) == 0:
		return Dir{}, fmt.Errorf("no file matches %s: %w", pattern, fs.ErrNotExist)
	}
	return d, err
}

func openDir(root, pattern string) (Dir, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return Dir{}, err
	}
	d := Dir{Root: abs, Pattern: pattern}
	names, err := d.list()
	if err != nil {
		return Dir{}, err
	}
	for _, name := range names {
		f, err := OpenFile(d.path(name))
		if err != nil {
			return Dir{}, err
		}
		d.Entries = append(d.Entries, DirEntry{Name: name, Size: f.size, SHA256: f.digest})
	}
	return d, nil
}

func (d Dir) path(name string) string { return filepath.Join(d.Root, filepath.FromSlash(name)) }

// IsZero reports whether d is no folder.
func (d Dir) IsZero() bool { return d.Root == "" }

// Files returns the files, in the order of their names. The name of a [File] is its base name; that of the entry has the folders.
func (d Dir) Files() []File {
	files := make([]File, len(d.Entries))
	for i := range d.Entries {
		files[i] = d.file(i)
	}
	return files
}

// File returns the file with a name relative to the folder, with slashes. The error wraps [fs.ErrNotExist] where there is none.
func (d Dir) File(name string) (File, error) {
	i, ok := slices.BinarySearchFunc(d.Entries, name, func(e DirEntry, name string) int { return strings.Compare(e.Name, name) })
	if !ok {
		return File{}, fmt.Errorf("%s has no file %q: %w", d, name, fs.ErrNotExist)
	}
	return d.file(i), nil
}

func (d Dir) file(i int) File {
	e := &d.Entries[i]
	path := d.path(e.Name)
	return NewFile(path, filepath.Base(path), e.Size, e.SHA256)
}

// Size returns how many bytes the files have together.
func (d Dir) Size() (n int64) {
	for i := range d.Entries {
		n += d.Entries[i].Size
	}
	return n
}

// Version returns the data version of d: a digest of the names of its files and their bytes.
func (d Dir) Version() canon.Digest {
	e := canon.New("dagstergen/dir/v1")
	e.List("files", len(d.Entries))
	for i := range d.Entries {
		e.String("name", d.Entries[i].Name)
		e.Int("size", d.Entries[i].Size)
		e.Digest("bytes", d.Entries[i].SHA256)
	}
	return e.Sum()
}

// String returns the base name of the folder, the pattern and how much there is, for messages.
func (d Dir) String() string {
	name := filepath.Base(d.Root) + "/" + d.Pattern
	files := "files"
	if len(d.Entries) == 1 {
		files = "file"
	}
	return fmt.Sprintf("%s (%d %s, %d bytes)", name, len(d.Entries), files, d.Size())
}

// SameNames reports whether the files that the folder has now are those of d, by their names alone. It is for executors; an error is one that [OpenDir] would give.
func (d Dir) SameNames() (bool, error) {
	names, err := d.list()
	if err != nil {
		return false, err
	}
	return slices.EqualFunc(names, d.Entries, func(name string, e DirEntry) bool { return name == e.Name }), nil
}

// list returns the names of the files, sorted.
func (d Dir) list() (names []string, err error) {
	info, err := os.Stat(d.Root)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("open %s: not a folder", d.Root)
	}
	pattern := []string{"**"}
	if d.Pattern != "" {
		pattern = strings.Split(d.Pattern, "/")
	}
	var walk func(below string) error
	walk = func(below string) error {
		entries, err := os.ReadDir(d.path(below))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := e.Name()
			if below != "" {
				name = below + "/" + name
			}
			parts := strings.Split(name, "/")
			switch whole, start := matches(pattern, parts), begins(pattern, parts); {
			case e.IsDir() && start:
				err = walk(name)
			case e.IsDir() || !whole && !start:
			case whole:
				if err = d.regular(name); err == nil {
					names = append(names, name)
				}
			case e.Type()&fs.ModeSymlink != 0: // it matches as a folder alone
				err = d.noLink(name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	err = walk("")
	slices.Sort(names)
	return names, err
}

// regular is the error of what is no file.
func (d Dir) regular(name string) error {
	path := d.path(name)
	switch info, err := os.Stat(path); {
	case err != nil:
		return err
	case info.IsDir():
		return d.noLink(name)
	case !info.Mode().IsRegular():
		return fmt.Errorf("open %s: not a regular file", path)
	}
	return nil
}

// noLink is the error of a link to a folder, nil for a link to something else.
func (d Dir) noLink(name string) error {
	if info, err := os.Stat(d.path(name)); err != nil || !info.IsDir() {
		return nil
	}
	return fmt.Errorf("open %s: a symbolic link to a folder, which is not followed; name that folder, or a pattern without it", d.path(name))
}

// splitPattern takes the folder from a pattern, and checks the rest.
func splitPattern(pattern string) (root, rest string, err error) {
	parts := strings.Split(filepath.ToSlash(pattern), "/")
	first := slices.IndexFunc(parts, func(p string) bool { return strings.ContainsAny(p, `*?[\`) })
	if first < 0 {
		first = len(parts) - 1 // a single file, if it is there
	}
	root = strings.Join(parts[:first], "/")
	switch {
	case first == 0:
		root = "."
	case root == "":
		root = "/"
	}
	for _, p := range parts[first:] {
		if p == "" || p == "." || p == ".." {
			return "", "", fmt.Errorf("pattern %s: %q cannot follow a wildcard", pattern, p)
		}
		if _, err := filepath.Match(p, ""); err != nil {
			return "", "", fmt.Errorf("pattern %s: %w", pattern, err)
		}
	}
	return filepath.FromSlash(root), strings.Join(parts[first:], "/"), nil
}

// matches reports whether a name, element by element, is one of those that a pattern means. In the last element ** is any file, at any depth.
func matches(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		for i := range name {
			if matches(pattern[1:], name[i:]) || len(pattern) == 1 {
				return true
			}
		}
		return false
	case len(name) == 0:
		return false
	}
	ok, _ := filepath.Match(pattern[0], name[0])
	return ok && matches(pattern[1:], name[1:])
}

// begins reports whether a folder can hold what matches.
func begins(pattern, name []string) bool {
	for i := range name {
		switch {
		case i >= len(pattern)-1 && pattern[min(i, len(pattern)-1)] != "**":
			return false
		case pattern[i] == "**":
			return true
		}
		if ok, _ := filepath.Match(pattern[i], name[i]); !ok {
			return false
		}
	}
	return true
}
