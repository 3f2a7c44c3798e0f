package iomanager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/dagstergen/dagstergen/internal/canon"
	"github.com/dagstergen/dagstergen/runtime/dag"
	"github.com/dagstergen/dagstergen/runtime/storage"
)

const assets = "assets"

// Readable makes a copy of an asset's file where people find it, assets/<asset>/<name> below the instance's folder, and returns its
// absolute path. Nothing reads the copy: changing or removing it is harmless, and the next call repairs it.
func (m *Default) Readable(ctx context.Context, asset string, o *storage.Output) (string, error) {
	if o.Codec != CodecFile || o.File == "" {
		return "", fmt.Errorf("asset %s is not stored as a file", asset)
	}
	if err := dag.CheckFileName(o.File); err != nil {
		return "", err
	}
	f, err := m.files()
	if err != nil {
		return "", err
	}
	name := path.Join(assets, escape(asset), o.File)
	c := fileCheck(f, o)
	c.name = name
	if err := f.verify(ctx, []*check{c}); err != nil {
		return "", err
	}
	if c.err == nil {
		return f.abs(name), nil
	}
	return f.abs(name), f.copyTo(ctx, name, objectOf(o), o.Blob)
}

// RemoveReadable removes the copies that [Default.Readable] has made of an asset's files. What somebody else put beside them stays.
func (m *Default) RemoveReadable(asset string) error {
	f, err := m.files()
	if err != nil {
		return err
	}
	dir := path.Join(assets, escape(asset))
	f.clear(dir, "")
	if err := f.root.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return f.writeError(dir, err)
	}
	return nil
}

// copyTo makes name a verified copy of an object. It need not survive a power cut: then the next call makes it again.
func (f *Files) copyTo(ctx context.Context, name, from string, d canon.Digest) (err error) {
	r, err := f.root.Open(from)
	if err != nil {
		return damaged(f.abs(from), err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := f.mkdir(path.Dir(name)); err != nil {
		return f.writeError(name, err)
	}
	temp, w, err := f.create("")
	if err != nil {
		return err
	}
	if err = clone(w, r); err != nil {
		_, err = io.Copy(w, r)
	}
	if err == nil {
		_, err = w.Seek(0, io.SeekStart)
	}
	var got canon.Digest
	if err == nil {
		got, err = hashFile(w)
	}
	if err == nil {
		err = w.Chmod(0o444)
	}
	err = errors.Join(err, w.Close(), ctx.Err())
	switch {
	case err != nil:
		err = f.writeError(name, err)
	case got != d:
		err = damaged(f.abs(from), digestError{got, d})
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
// the asset under names that it had before.
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

// escape turns a key into a file name of its own: two different keys never share one, on file systems that ignore case neither.
func escape(key string) string {
	const maxName = 200
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '_', c == '-', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	s := b.String()
	switch {
	case s == "":
		return "%"
	case len(s) > maxName: // "~" is in no other name
		return s[:maxName-65] + "~" + canon.Sum([]byte(key)).Hex()
	case strings.HasSuffix(s, "."): // some systems drop it
		return s[:len(s)-1] + "%2e"
	}
	return s
}
