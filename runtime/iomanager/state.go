package iomanager

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/internal/mutant"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// bootID names the current start of the system; a restart may have lost what was not synced, and may reuse inode numbers.
var bootID = sync.OnceValue(readBootID)

// stateOf is what a file looks like, together with the digest that it is known to have.
func stateOf(name string, info fs.FileInfo, d canon.Digest, boot string) storage.FileState {
	s := storage.FileState{Path: name, Size: info.Size(), Modified: info.ModTime().UnixNano(), Boot: boot, Digest: d}
	s.Device, s.Inode, s.Changed = identify(info)
	return s
}

// remember notes that a file was found to be right. Fresh states are to be stored with the next batch.
func (f *Files) remember(s storage.FileState, fresh bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states[s.Path] = s
	if fresh {
		f.fresh[s.Path] = true
	}
}

// takeFresh returns the states that were learnt and not stored yet, and takes them for stored.
func (f *Files) takeFresh() []storage.FileState {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.fresh) == 0 {
		return nil
	}
	out := make([]storage.FileState, 0, len(f.fresh))
	for name := range f.fresh {
		out = append(out, f.states[name])
	}
	clear(f.fresh)
	return out
}

// A check is one file that must have a digest.
type check struct {
	name   string // below root
	digest canon.Digest
	size   int64                                   // -1: not known
	hash   func(name string) (canon.Digest, error) // reads the file

	now storage.FileState // what it looks like
	err error
}

// verify sets err of each check. A file that looks as it did when it was last read in full is not read again. An error that verify
// returns says nothing about the files.
func (f *Files) verify(ctx context.Context, checks []*check) error {
	if mutant.Is(mutant.NoVerify) {
		return nil
	}
	unknown, err := f.looks(ctx, checks)
	if err != nil || len(unknown) == 0 {
		return err
	}
	paths := make([]string, len(unknown))
	for i, c := range unknown {
		paths[i] = c.name
	}
	stored, err := f.store.FileStates(ctx, paths)
	if err != nil {
		return err
	}
	for _, c := range unknown {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.boot != "" && stored[c.name] == c.now {
			f.remember(c.now, false)
			continue
		}
		got, err := c.hash(c.name)
		if err == nil && got != c.digest {
			err = digestError{got, c.digest}
		}
		if err == nil {
			f.remember(c.now, true)
			continue
		}
		if c.err = damaged(f.abs(c.name), err); !errors.Is(c.err, ErrDamaged) {
			return c.err
		}
	}
	return nil
}

// looks sets err of the checks whose file looks wrong, and returns those whose file this process has not read as it is now.
func (f *Files) looks(ctx context.Context, checks []*check) (unknown []*check, err error) {
	checks = slices.SortedFunc(slices.Values(checks), func(a, b *check) int { return strings.Compare(a.name, b.name) })
	at := folder{root: f.root}
	defer at.close()
	for _, c := range checks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		info, err := at.stat(c.name)
		switch {
		case err != nil:
		case !info.Mode().IsRegular():
			err = errors.New("it is not a regular file")
		case c.size >= 0 && info.Size() != c.size:
			err = sizeError{info.Size(), c.size}
		}
		if err != nil {
			if c.err = damaged(f.abs(c.name), err); !errors.Is(c.err, ErrDamaged) {
				return nil, c.err
			}
			continue
		}
		c.now = stateOf(c.name, info, c.digest, f.boot)
		f.mu.Lock()
		known, ok := f.states[c.name]
		f.mu.Unlock()
		if !ok || known != c.now {
			unknown = append(unknown, c)
		}
	}
	return unknown, nil
}

// A folder does Lstat below root for names that come in order: it keeps the folder that the last one is in open, because walking there
// costs more than the call itself.
type folder struct {
	root *os.Root
	dir  string
	open *os.Root
}

func (l *folder) stat(name string) (fs.FileInfo, error) {
	dir, base := path.Dir(name), path.Base(name)
	if l.open == nil || dir != l.dir {
		l.close()
		var err error
		if l.open, err = l.root.OpenRoot(dir); err != nil {
			return nil, err
		}
		l.dir = dir
	}
	return l.open.Lstat(base)
}

func (l *folder) close() {
	if l.open != nil {
		_ = l.open.Close() // opened for reading: nothing can be lost
		l.open = nil
	}
}
