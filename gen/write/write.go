// Package write brings generated files to disk: only where bytes differ, whole or not at all, and never over a file that is not ours.
//
// Stage: the last of the generator. It imports the standard library, internal/load and internal/manifest for what our files begin with, and is
// the only stage that changes the disk.
//
// Invariants: all refusals come before the first change. A file is replaced by a rename of a synced temporary one in the same folder, so
// that a kill at any instant leaves the old or the new one.
package write

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dagstergen/dagstergen/internal/load"
	"github.com/dagstergen/dagstergen/internal/manifest"
)

// A File is a generated file as it shall be.
type File struct {
	Path    string // absolute
	Content []byte // nil to delete it
}

// A RefusedError names a file that stands where a generated one belongs and was not written by dagstergen.
type RefusedError struct {
	Path, Reason string
}

// Error says which file it is and what to do.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: %s; move it away, or rename it", e.Path, e.Reason)
}

// Refuse returns a *RefusedError if a file that is not ours stands at path. A missing file is fine. Any other error is one of reading.
func Refuse(path string) error {
	_, err := current(path)
	return err
}

// Exists reports whether there is anything at path.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// current returns what stands at path, nil for nothing.
func current(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &RefusedError{path, "it is no regular file"}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !Ours(path, b) {
		return nil, &RefusedError{path, "it was not written by dagstergen"}
	}
	if b == nil {
		b = []byte{}
	}
	return b, nil
}

// Ours reports whether the content of a file says that dagstergen wrote it.
func Ours(path string, content []byte) bool {
	if strings.HasSuffix(path, ".go") {
		return load.IsGenerated(content)
	}
	first, _, _ := bytes.Cut(content, []byte("\n"))
	return string(bytes.TrimRight(first, "\r")) == manifest.FirstLine || bytes.HasPrefix(first, []byte("<<<<<<<"))
}

// A Difference is a file that is not as it shall be.
type Difference struct {
	Path   string
	Change string // "missing", "outdated" or "orphaned"
}

// Diff returns the files that are not as they shall be, sorted by path.
func Diff(files []File) ([]Difference, error) {
	var out []Difference
	for _, f := range files {
		b, err := current(f.Path)
		switch {
		case err != nil:
			return nil, err
		case f.Content == nil && b != nil:
			out = append(out, Difference{f.Path, "orphaned"})
		case f.Content != nil && b == nil:
			out = append(out, Difference{f.Path, "missing"})
		case f.Content != nil && !bytes.Equal(b, f.Content):
			out = append(out, Difference{f.Path, "outdated"})
		}
	}
	slices.SortFunc(out, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// Write makes the disk as files say, and returns the paths that it changed, sorted. It stops at the first error and when ctx is cancelled; what was
// changed by then is whole.
func Write(ctx context.Context, files []File) ([]string, error) {
	changes, err := Diff(files)
	if err != nil {
		return nil, err
	}
	content := make(map[string][]byte, len(files))
	for _, f := range files {
		content[f.Path] = f.Content
	}
	// Manifests come last of what is written: one that is older than its Go file is found out when a version is used. Orphans come after it.
	rank := func(d Difference) int {
		switch {
		case d.Change == "orphaned":
			return 2
		case !strings.HasSuffix(d.Path, ".go"):
			return 1
		}
		return 0
	}
	ordered := slices.Clone(changes)
	slices.SortStableFunc(ordered, func(a, b Difference) int { return rank(a) - rank(b) })
	var done []string
	folders := map[string]bool{}
	for _, d := range ordered {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		dir := filepath.Dir(d.Path)
		if d.Change == "orphaned" {
			err = os.Remove(d.Path)
		} else {
			if !folders[dir] {
				removeLeftovers(dir)
			}
			err = replace(d.Path, content[d.Path])
		}
		if err != nil {
			return done, err
		}
		folders[dir] = true
		done = append(done, d.Path)
	}
	for dir := range folders {
		if err := syncDir(dir); err != nil {
			return done, err
		}
	}
	slices.Sort(done)
	return done, nil
}

// temporary is the pattern of files in the making. The go command ignores names that begin with a dot.
const temporary = ".dag_*.dagstergen-tmp"

// replace puts content at path, durably.
func replace(path string, content []byte) (err error) {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), temporary)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// removeLeftovers deletes temporary files that a killed process left, once they are old enough to be nobody's.
func removeLeftovers(dir string) {
	names, err := filepath.Glob(filepath.Join(dir, temporary))
	if err != nil {
		return // a folder name with pattern characters
	}
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(name)
		}
	}
}

// syncDir makes renames in a folder durable. File systems that cannot sync a folder are left alone.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
