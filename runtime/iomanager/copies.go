package iomanager

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path"
	"syscall"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

// copyTo makes name a verified copy of what from opens. What it verifies are the bytes on their way to the file: to read them back at once would give the same pages of memory.
func (f *Files) copyTo(ctx context.Context, name string, from func() (io.ReadCloser, error), d canon.Digest) (err error) {
	r, err := from()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return f.replace(ctx, name, d, func(w *os.File) (canon.Digest, error) {
		if file, ok := r.(*os.File); ok && f.share(w, file) == nil {
			return hashFile(w)
		}
		h := sha256.New()
		_, err := io.Copy(io.MultiWriter(w, h), r)
		return canon.Digest(h.Sum(nil)), err
	})
}

// shareTo makes name a file that shares the blocks of the object of an output, unless it is one that is known to be right; shared is false where that cannot be. It reads neither of them where the object is
// known to be right: blocks that are shared are the same ones.
func (f *Files) shareTo(ctx context.Context, name string, o *storage.Output) (shared bool, err error) {
	if f.apart.Load() {
		return false, nil
	}
	there := &check{name: name, digest: o.Blob, size: o.Size, hash: func(string) (canon.Digest, error) {
		return canon.Digest{}, errors.New("it would have to be read")
	}}
	object := fileCheck(f, o)
	if err := f.verify(ctx, []*check{there, object}); err != nil {
		return false, err
	}
	switch {
	case object.err != nil:
		return false, object.err
	case there.err == nil:
		return true, nil
	}
	r, err := f.root.Open(object.name)
	if err != nil {
		return false, damaged(f.abs(object.name), err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var refused error
	err = f.replace(ctx, name, o.Blob, func(w *os.File) (canon.Digest, error) {
		refused = f.share(w, r)
		return o.Blob, refused
	})
	if refused != nil {
		return false, nil
	}
	return err == nil, err
}

// share makes w share the blocks of r, and remembers where the file system never does that: then nobody asks it for each value. Any error means that the bytes must be copied.
func (f *Files) share(w, r *os.File) error {
	if f.apart.Load() {
		return errors.ErrUnsupported
	}
	err := f.clone(w, r)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOTTY) { // others are about these two files, such as one on another file system
		f.apart.Store(true)
	}
	return err
}

// replace makes name a file that fill has written, which returns the digest of what it wrote. It need not survive a power cut: then the next call makes it again.
func (f *Files) replace(ctx context.Context, name string, d canon.Digest, fill func(w *os.File) (canon.Digest, error)) error {
	if err := f.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return f.writeError(name, err)
	}
	temp, w, err := f.create("")
	if err != nil {
		return err
	}
	got, err := fill(w)
	if err == nil {
		err = w.Chmod(0o444)
	}
	err = errors.Join(err, w.Close(), ctx.Err())
	switch {
	case err != nil:
		err = f.writeError(name, err)
	case got != d:
		err = damaged(f.abs(name), digestError{got, d})
	default:
		f.clear(path.Dir(name), name)
		err = f.writeError(name, f.root.Rename(temp, name))
	}
	if err != nil {
		return errors.Join(err, f.root.Remove(temp))
	}
	info, err := f.root.Lstat(name)
	if err != nil {
		return f.writeError(name, err)
	}
	f.remember(stateOf(name, info, d, f.boot), true)
	return nil
}

// clear removes from the folder of an asset what is in the way of a copy, name: a folder of its name, and read-only files beside it, which are copies of
// the asset under names that it had before. Without a name all copies go.
func (f *Files) clear(folder, name string) {
	dir, err := f.root.Open(folder)
	if err != nil {
		return // the rename that follows says what is wrong
	}
	defer func() { _ = dir.Close() }()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		other := path.Join(folder, e.Name())
		if other == name && info.IsDir() || other != name && info.Mode() == 0o444 {
			_ = f.root.Remove(other) // a copy that stays does no harm; a folder that does makes the rename fail
		}
	}
}
