package iomanager

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
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
	err    error
}

// verify sets err of each check. A file that looks as it did when it was last read in full is not read again.
func (f *Files) verify(ctx context.Context, checks []*check) error {
	if mutant.Is(mutant.NoVerify) {
		return nil
	}
	var unknown []*check
	var paths []string
	infos := map[*check]fs.FileInfo{}
	for _, c := range checks {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := f.stat(c.name)
		switch {
		case err != nil:
			c.err = damaged(f.abs(c.name), err)
			continue
		case !info.Mode().IsRegular():
			c.err = damaged(f.abs(c.name), errors.New("it is not a regular file"))
			continue
		case c.size >= 0 && info.Size() != c.size:
			c.err = damaged(f.abs(c.name), sizeError{info.Size(), c.size})
			continue
		}
		now := stateOf(c.name, info, c.digest, f.boot)
		f.mu.Lock()
		known, ok := f.states[c.name]
		f.mu.Unlock()
		if ok && known == now {
			continue
		}
		infos[c] = info
		unknown = append(unknown, c)
		paths = append(paths, c.name)
	}
	if len(unknown) == 0 {
		return nil
	}
	stored, err := f.store.FileStates(ctx, paths)
	if err != nil {
		return err
	}
	for _, c := range unknown {
		if err := ctx.Err(); err != nil {
			return err
		}
		now := stateOf(c.name, infos[c], c.digest, f.boot)
		if stored[c.name] == now && f.boot != "" {
			f.remember(now, false)
			continue
		}
		got, err := c.hash(c.name)
		switch {
		case err != nil:
			c.err = damaged(f.abs(c.name), err)
		case got != c.digest:
			c.err = damaged(f.abs(c.name), digestError{got, c.digest})
		default:
			f.remember(now, true)
		}
	}
	return nil
}

// stat is Lstat below root; folders of objects stay open, because walking to them costs more than the call itself.
func (f *Files) stat(name string) (fs.FileInfo, error) {
	dir, base := path.Split(name)
	if path.Dir(path.Clean(dir)) != objects {
		return f.root.Lstat(name)
	}
	shard, err := f.shard(path.Clean(dir))
	if err != nil {
		return nil, err
	}
	return shard.Lstat(base)
}

func (f *Files) shard(dir string) (*os.Root, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.shards[dir]; ok {
		return r, nil
	}
	r, err := f.root.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f.shards[dir] = r
	return r, nil
}
